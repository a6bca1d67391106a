"""Bindings of pm_shapes: polygons and boxes -> a batch."""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memcpy

cimport cython
cimport numpy as cnp

import numpy as np

from panomask._batch cimport (
    Scratch,
    counts_data,
    double_data,
    int64_data,
    new_batch,
    new_counts,
    new_int64,
    new_scratch,
    new_sizes,
    shrink_counts,
)
from panomask._c cimport (
    PM_OK,
    pm_batch,
    pm_rings,
    pm_shapes_box_corners,
    pm_shapes_check,
    pm_shapes_rasterize,
    pm_shapes_rasterize_bound,
    pm_shapes_rasterize_scratch,
    pm_status,
    pm_where,
)
from panomask._check cimport read_image_size
from panomask._dicts cimport write_dicts
from panomask._status cimport check as check_status

from panomask._check import as_boxes

cnp.import_array()


cdef extern from "Python.h":
    PyObject *PyList_GET_ITEM(list values, Py_ssize_t i)
    bint PyFloat_CheckExact(PyObject *value)
    bint PyLong_CheckExact(PyObject *value)
    double PyFloat_AS_DOUBLE(PyObject *value)


# Changes of colour that are found without letting go of the GIL: some 20 us, while letting go and coming back costs 0.1.
cdef int64_t SHORT_BOUND = 1 << 12


cdef struct one_ring:
    int64_t[2] offsets
    int64_t[2] size


cdef pm_rings describe(const double *xy, int64_t n_points, int64_t height, int64_t width,
                       one_ring *ring) noexcept nogil:
    ring.offsets[0] = 0
    ring.offsets[1] = n_points
    ring.size[0] = height
    ring.size[1] = width
    return pm_rings(xy, &ring.offsets[0], &ring.size[0], 1)


cdef int64_t bound(const double *xy, int64_t n_points, int64_t height, int64_t width) noexcept nogil:
    cdef one_ring ring
    cdef pm_rings rings = describe(xy, n_points, height, width, &ring)
    return pm_shapes_rasterize_bound(&rings)


cdef size_t scratch_size(const double *xy, int64_t n_points, int64_t height, int64_t width) noexcept nogil:
    cdef one_ring ring
    cdef pm_rings rings = describe(xy, n_points, height, width, &ring)
    return pm_shapes_rasterize_scratch(&rings)


cdef int64_t rasterize(const double *xy, int64_t n_points, int64_t height, int64_t width, uint32_t *counts,
                       void *scratch) noexcept nogil:
    cdef one_ring ring
    cdef int64_t[2] offsets
    cdef pm_rings rings = describe(xy, n_points, height, width, &ring)
    pm_shapes_rasterize(&rings, counts, offsets, scratch)
    return offsets[1]


@cython.internal
@cython.final
@cython.auto_pickle(False)
cdef class Rings:
    """Rings on one image, checked."""

    cdef pm_rings view
    cdef double *xy
    cdef int64_t *offsets
    cdef Scratch memory  # of all that these point at


cdef object ring_array(object ring, str name):
    """A ring that is not a list of floats and ints, as a flat array of float64."""
    try:
        array = np.asarray(ring)
        if (array.dtype.kind not in "biuf" and array.size > 0) or array.ndim == 0:
            raise TypeError
        array = np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a ring [x0, y0, x1, y1, ...], found {ring!r:.80}") from None
    if array.ndim == 2 and array.shape[1] == 2:
        array = array.reshape(-1)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected a ring [x0, y0, x1, y1, ...], found an array of shape {array.shape}")
    return array


cdef int copy_numbers(list ring, int64_t length, double *out, int64_t k, names, int64_t i) except -1:
    """The first k of a list of `length` floats and ints; 0 if it has something else, or is not that long."""
    cdef PyObject *value  # the list's own: what a million coordinates point at is only read, not counted up and down
    cdef int64_t j = 0
    cdef double number
    try:
        with cython.critical_section(ring):
            while j < length and j < len(ring):
                value = PyList_GET_ITEM(ring, j)
                if PyFloat_CheckExact(value):
                    number = PyFloat_AS_DOUBLE(value)
                elif PyLong_CheckExact(value):
                    number = <double><object>value
                else:
                    break
                if j < k:
                    out[j] = number
                j += 1
    except OverflowError:
        raise OverflowError(f"{names(i)}: coordinate {j} is an integer too large for a float") from None
    return j == length


cdef Rings new_rings(int64_t n, int64_t n_points, int64_t height, int64_t width):
    """n rings of n_points points in all, on an image whose size was checked. Offsets and points are to be written."""
    cdef Rings rings = Rings.__new__(Rings)
    rings.memory = new_scratch(<size_t>(3 * n + 1 + 2 * n_points) * sizeof(int64_t))
    cdef int64_t *sizes = <int64_t *>rings.memory.data
    cdef int64_t i
    for i in range(n):
        sizes[2 * i] = height
        sizes[2 * i + 1] = width
    rings.offsets = sizes + 2 * n
    rings.xy = <double *>(rings.offsets + n + 1)
    rings.view = pm_rings(rings.xy, rings.offsets, sizes, n)
    return rings


cdef Rings checked(Rings rings, names):
    cdef pm_where where
    cdef pm_status status = pm_shapes_check(&rings.view, &where)
    if status != PM_OK:
        name = names(where.mask)
        where.mask = -1
        check_status(status, &where, name)
    return rings


cdef Rings read(list rings, int64_t height, int64_t width, names, bint allow_odd):
    """Flat sequences of coordinates. The list is ours: what is not a list of floats and ints is replaced in it."""
    cdef int64_t n = len(rings)
    cdef int64_t n_points = 0
    cdef int64_t i, k, length
    cdef bint is_read
    for i in range(n):
        if type(rings[i]) is not list:
            rings[i] = ring_array(rings[i], names(i))
        n_points += len(rings[i]) // 2
    cdef Rings out = new_rings(n, n_points, height, width)
    cdef double *xy = out.xy
    out.offsets[0] = 0
    for i in range(n):
        ring = rings[i]
        length = len(ring)
        k = length // 2
        is_read = out.offsets[i] + k <= n_points  # another thread can change a list meanwhile
        if is_read and type(ring) is list:
            is_read = copy_numbers(<list>ring, length, xy, 2 * k, names, i)
        elif is_read:
            memcpy(xy, cnp.PyArray_DATA(<cnp.ndarray>ring), <size_t>(2 * k) * sizeof(double))
        if not is_read:  # pairs, or numbers of other classes: one look more, at this ring and those behind it
            rings[i:] = [ring_array(ring, names(i + j)) for j, ring in enumerate(rings[i:])]
            return read(rings, height, width, names, allow_odd)
        if length % 2 and not allow_odd:
            raise ValueError(f"{names(i)}: has {length} coordinates, expected pairs x, y")
        out.offsets[i + 1] = out.offsets[i] + k
        xy += 2 * k
    return checked(out, names)


cdef Rings read_boxes(boxes, int64_t height, int64_t width, str name):
    """The corners of each box."""
    cdef cnp.ndarray sides = as_boxes(boxes, name)
    cdef int64_t n = cnp.PyArray_DIM(sides, 0)
    cdef Rings out = new_rings(n, 4 * n, height, width)
    cdef int64_t i
    for i in range(n + 1):
        out.offsets[i] = 4 * i
    pm_shapes_box_corners(double_data(sides), n, out.xy)
    return out


cdef void rasterize_into(const pm_rings *rings, int64_t bound, uint32_t *counts, int64_t *offsets,
                         void *scratch) noexcept:
    if bound > SHORT_BOUND:
        with nogil:
            pm_shapes_rasterize(rings, counts, offsets, scratch)
    else:
        pm_shapes_rasterize(rings, counts, offsets, scratch)


cdef object to_batch(type cls, Rings rings):
    """One mask a ring."""
    cdef int64_t n = rings.view.n
    cdef cnp.ndarray sizes = new_sizes(n)
    memcpy(int64_data(sizes), rings.view.sizes, <size_t>(2 * n) * sizeof(int64_t))
    cdef int64_t most = pm_shapes_rasterize_bound(&rings.view)
    cdef cnp.ndarray counts = new_counts(most)
    cdef cnp.ndarray offsets = new_int64(n + 1)
    cdef Scratch scratch = new_scratch(pm_shapes_rasterize_scratch(&rings.view))
    rasterize_into(&rings.view, most, counts_data(counts), int64_data(offsets), scratch.data)
    return new_batch(cls, shrink_counts(counts, int64_data(offsets)[n]), offsets, sizes)


cdef list to_dicts(Rings rings):
    """One mask a ring, without a batch in between."""
    cdef int64_t n = rings.view.n
    cdef int64_t most = pm_shapes_rasterize_bound(&rings.view)
    cdef size_t scratch_size = pm_shapes_rasterize_scratch(&rings.view)
    cdef Scratch memory = new_scratch(scratch_size + <size_t>(n + 1) * sizeof(int64_t)
                                      + <size_t>most * sizeof(uint32_t))
    cdef int64_t *offsets = <int64_t *>(<char *>memory.data + scratch_size)
    cdef uint32_t *counts = <uint32_t *>(offsets + n + 1)
    rasterize_into(&rings.view, most, counts, offsets, memory.data)
    cdef pm_batch masks = pm_batch(counts, offsets, rings.view.sizes, n)
    return write_dicts(&masks, False, False)


def rasterize_polygons(type cls, list rings, height, width, names):
    """One mask a ring, which is a flat sequence of coordinates; `names(i)` is what the user calls ring i. Takes the
    list: what is in it may be replaced."""
    cdef int64_t[2] size
    read_image_size(height, width, size)
    return to_batch(cls, read(rings, size[0], size[1], names, False))


def rasterize_boxes(type cls, boxes, height, width, str name):
    """One mask a box."""
    cdef int64_t[2] size
    read_image_size(height, width, size)
    return to_batch(cls, read_boxes(boxes, size[0], size[1], name))


cdef object NAME_POLYGON = "pyobj[{}]".format


def rles_from_polygons(poly, h, w):
    """Rasterise polygons x0, y0, x1, y1, ..., one mask each; ``pycocotools._mask.frPoly``. A last coordinate without
    partner is dropped."""
    cdef int64_t[2] size
    read_image_size(h, w, size)
    return to_dicts(read(list(poly), size[0], size[1], NAME_POLYGON, True))


def rles_from_boxes(bb, h, w):
    """Rasterise boxes x, y, width, height; ``pycocotools._mask.frBbox``."""
    cdef int64_t[2] size
    read_image_size(h, w, size)
    return to_dicts(read_boxes(bb, size[0], size[1], "pyobj"))
