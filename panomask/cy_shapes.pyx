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


# Changes of colour that are found without letting go of the GIL, which costs more than a small ring.
cdef int64_t SHORT_BOUND = 1 << 12


cdef enum:
    FEW_WORDS = 256  # of 8 bytes: rings that need no memory but the struct's own
    SMALL_SCRATCH = 1024  # words on the stack


# Rings on one image, for the length of one call; it must not move.
cdef struct call_rings:
    pm_rings view
    double *xy
    int64_t *offsets
    int64_t[FEW_WORDS] few


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
    cdef int64_t n
    cdef double number
    try:
        with cython.critical_section(ring):  # no code of the user's runs in it, so that the list stays as it is
            n = min(length, len(ring))
            while j < n:
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


cdef Scratch lay_out(call_rings *rings, int64_t n, int64_t n_points, int64_t height, int64_t width):
    """Room for n rings of n_points points in all, on an image whose size was checked. Returns what owns it, None where
    it is the struct's own."""
    cdef size_t n_words = <size_t>(3 * n + 1 + 2 * n_points)
    cdef Scratch memory = None
    cdef int64_t *sizes = rings.few
    cdef int64_t i
    if n_words > FEW_WORDS:
        memory = new_scratch(n_words * sizeof(int64_t))
        sizes = <int64_t *>memory.data
    for i in range(n):
        sizes[2 * i] = height
        sizes[2 * i + 1] = width
    rings.offsets = sizes + 2 * n
    rings.offsets[0] = 0
    rings.xy = <double *>(rings.offsets + n + 1)
    rings.view = pm_rings(rings.xy, rings.offsets, sizes, n)
    return memory


cdef int check(const pm_rings *rings, names) except -1:
    cdef pm_where where
    cdef pm_status status = pm_shapes_check(rings, &where)
    if status != PM_OK:
        name = names(where.mask)
        where.mask = -1
        check_status(status, &where, name)
    return 0


cdef Scratch read(list rings, height, width, names, bint allow_odd, call_rings *out):
    """Flat sequences of coordinates; `names(i)` is what the user calls ring i. The list is ours: what is not a list of
    floats and ints is replaced in it. Returns what owns the memory."""
    cdef int64_t[2] size
    read_image_size(height, width, size)
    cdef int64_t n = len(rings)
    cdef int64_t n_points = 0
    cdef int64_t i, k, length
    cdef bint is_read
    for i in range(n):
        if type(rings[i]) is not list:
            rings[i] = ring_array(rings[i], names(i))
        n_points += len(rings[i]) // 2
    cdef Scratch memory = lay_out(out, n, n_points, size[0], size[1])
    cdef double *xy = out.xy
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
            return read(rings, height, width, names, allow_odd, out)
        if length % 2 and not allow_odd:
            raise ValueError(f"{names(i)}: has {length} coordinates, expected pairs x, y")
        out.offsets[i + 1] = out.offsets[i] + k
        xy += 2 * k
    check(&out.view, names)
    return memory


cdef Scratch read_boxes(boxes, height, width, str name, call_rings *out):
    """The corners of each box. Returns what owns the memory."""
    cdef int64_t[2] size
    read_image_size(height, width, size)
    cdef cnp.ndarray sides = as_boxes(boxes, name)
    cdef int64_t n = cnp.PyArray_DIM(sides, 0)
    cdef Scratch memory = lay_out(out, n, 4 * n, size[0], size[1])
    cdef int64_t i
    for i in range(n):
        out.offsets[i + 1] = 4 * (i + 1)
    pm_shapes_box_corners(double_data(sides), n, out.xy)
    return memory


cdef void rasterize_into(const pm_rings *rings, int64_t bound, uint32_t *counts, int64_t *offsets,
                         void *scratch) noexcept:
    if bound > SHORT_BOUND:
        with nogil:
            pm_shapes_rasterize(rings, counts, offsets, scratch)
    else:
        pm_shapes_rasterize(rings, counts, offsets, scratch)


cdef object to_batch(type cls, const pm_rings *rings):
    """One mask a ring."""
    cdef int64_t n = rings.n
    cdef cnp.ndarray sizes = new_sizes(n)
    memcpy(int64_data(sizes), rings.sizes, <size_t>(2 * n) * sizeof(int64_t))
    cdef int64_t most = pm_shapes_rasterize_bound(rings)
    cdef cnp.ndarray counts = new_counts(most)
    cdef cnp.ndarray offsets = new_int64(n + 1)
    cdef Scratch scratch = new_scratch(pm_shapes_rasterize_scratch(rings))
    rasterize_into(rings, most, counts_data(counts), int64_data(offsets), scratch.data)
    return new_batch(cls, shrink_counts(counts, int64_data(offsets)[n]), offsets, sizes)


cdef list to_dicts(const pm_rings *rings):
    """One mask a ring, without a batch in between."""
    cdef int64_t n = rings.n
    cdef int64_t most = pm_shapes_rasterize_bound(rings)
    cdef size_t scratch_size = pm_shapes_rasterize_scratch(rings)
    cdef size_t size = scratch_size + <size_t>(n + 1) * sizeof(int64_t) + <size_t>most * sizeof(uint32_t)
    cdef int64_t[SMALL_SCRATCH] small
    cdef char *data = <char *>small
    cdef Scratch memory
    if size > sizeof(small):
        memory = new_scratch(size)
        data = <char *>memory.data
    cdef int64_t *offsets = <int64_t *>(data + scratch_size)
    cdef uint32_t *counts = <uint32_t *>(offsets + n + 1)
    rasterize_into(rings, most, counts, offsets, data)
    cdef pm_batch masks = pm_batch(counts, offsets, rings.sizes, n)
    return write_dicts(&masks, False, False)


def rasterize_polygons(type cls, list rings, height, width, names):
    """One mask a ring, which is a flat sequence of coordinates; `names(i)` is what the user calls ring i. The list is
    used up."""
    cdef call_rings read_rings
    _owner = read(rings, height, width, names, False, &read_rings)
    return to_batch(cls, &read_rings.view)


def rasterize_boxes(type cls, boxes, height, width, str name):
    """One mask a box."""
    cdef call_rings corners
    _owner = read_boxes(boxes, height, width, name, &corners)
    return to_batch(cls, &corners.view)


cdef object NAME_POLYGON = "pyobj[{}]".format


def rles_from_polygons(poly, h, w):
    """Rasterise polygons x0, y0, x1, y1, ..., one mask each; ``pycocotools._mask.frPoly``. A last coordinate without
    partner is dropped."""
    cdef call_rings rings
    _owner = read(list(poly), h, w, NAME_POLYGON, True, &rings)
    return to_dicts(&rings.view)


def rles_from_boxes(bb, h, w):
    """Rasterise boxes x, y, width, height; ``pycocotools._mask.frBbox``."""
    cdef call_rings corners
    _owner = read_boxes(bb, h, w, "pyobj", &corners)
    return to_dicts(&corners.view)
