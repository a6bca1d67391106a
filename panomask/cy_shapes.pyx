"""Bindings of pm_shapes: polygons and boxes -> a batch."""

from cpython.float cimport PyFloat_AS_DOUBLE
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
    new_double,
    new_int64,
    new_scratch,
    new_sizes,
    shrink_counts,
)
from panomask._c cimport (
    PM_OK,
    PM_POINT_NOT_FINITE,
    PM_POINT_TOO_LARGE,
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
from panomask._dicts cimport write_dicts
from panomask._status cimport check as check_status

cnp.import_array()


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
    cdef int64_t j = 0
    cdef double number
    try:
        with cython.critical_section(ring):
            while j < length and j < len(ring):
                value = ring[j]
                if type(value) is float:
                    number = PyFloat_AS_DOUBLE(value)
                elif type(value) is int:
                    number = <double>value
                else:
                    break
                if j < k:
                    out[j] = number
                j += 1
    except OverflowError:
        raise OverflowError(f"{names(i)}: coordinate {j} is an integer too large for a float") from None
    return j == length


def read_rings(list rings, names, bint allow_odd):
    """Flat sequences of coordinates -> xy, offsets. `names(i)` is what the user calls ring i. With `allow_odd` a last
    coordinate without partner is dropped, as COCO does."""
    cdef int64_t n = len(rings)
    cdef int64_t i, k, length
    cdef list kept = [ring if type(ring) is list else ring_array(ring, names(i)) for i, ring in enumerate(rings)]
    cdef cnp.ndarray offsets = new_int64(n + 1)
    cdef int64_t *starts = int64_data(offsets)
    starts[0] = 0
    for i in range(n):
        starts[i + 1] = starts[i] + len(kept[i]) // 2
    cdef cnp.ndarray xy = new_double(2 * starts[n])
    cdef double *out
    for i in range(n):
        out = double_data(xy) + 2 * starts[i]
        k = 2 * (starts[i + 1] - starts[i])
        length = len(kept[i])
        if type(kept[i]) is not list:
            memcpy(out, cnp.PyArray_DATA(<cnp.ndarray>kept[i]), <size_t>k * sizeof(double))
        elif length // 2 * 2 != k or not copy_numbers(<list>kept[i], length, out, k, names, i):
            # pairs, or numbers of other classes: one look more, at this ring and those behind it
            kept[i:] = [ring_array(ring, names(i + j)) for j, ring in enumerate(kept[i:])]
            return read_rings(kept, names, allow_odd)
        if length % 2 and not allow_odd:
            raise ValueError(f"{names(i)}: has {length} coordinates, expected pairs x, y")
    return xy, offsets


cdef int describe_rings(cnp.ndarray xy, cnp.ndarray offsets, int64_t height, int64_t width, names, int64_t *sizes,
                        pm_rings *rings) except -1:
    """The C core's view of rings, checked. sizes: room for two numbers a ring."""
    cdef int64_t n = cnp.PyArray_DIM(offsets, 0) - 1
    cdef int64_t i
    for i in range(n):
        sizes[2 * i] = height
        sizes[2 * i + 1] = width
    rings[0] = pm_rings(double_data(xy), int64_data(offsets), sizes, n)
    cdef pm_where where
    cdef pm_status status = pm_shapes_check(rings, &where)
    if status != PM_OK:
        name = names(where.mask) if status in (PM_POINT_NOT_FINITE, PM_POINT_TOO_LARGE) else "image"
        where.mask = -1
        check_status(status, &where, name)
    return 0


def rasterize_rings(type cls, cnp.ndarray xy, cnp.ndarray offsets, int64_t height, int64_t width, names):
    """One mask a ring, all on images of height x width. xy: float64, x y x y ...; offsets: int64, in points."""
    cdef int64_t n = cnp.PyArray_DIM(offsets, 0) - 1
    cdef cnp.ndarray sizes = new_sizes(n)
    cdef pm_rings rings
    describe_rings(xy, offsets, height, width, names, int64_data(sizes), &rings)
    cdef cnp.ndarray counts = new_counts(pm_shapes_rasterize_bound(&rings))
    cdef cnp.ndarray out_offsets = new_int64(n + 1)
    cdef Scratch scratch = new_scratch(pm_shapes_rasterize_scratch(&rings))
    with nogil:
        pm_shapes_rasterize(&rings, counts_data(counts), int64_data(out_offsets), scratch.data)
    cdef int64_t used = int64_data(out_offsets)[n]
    return new_batch(cls, shrink_counts(counts, used), out_offsets, sizes)


def rasterize_to_dicts(cnp.ndarray xy, cnp.ndarray offsets, int64_t height, int64_t width, names):
    """The same as COCO RLE dicts, without a batch in between."""
    cdef int64_t n = cnp.PyArray_DIM(offsets, 0) - 1
    cdef Scratch lists = new_scratch(<size_t>(3 * n + 1) * sizeof(int64_t))
    cdef int64_t *sizes = <int64_t *>lists.data
    cdef int64_t *out_offsets = sizes + 2 * n
    cdef pm_rings rings
    describe_rings(xy, offsets, height, width, names, sizes, &rings)
    cdef Scratch runs = new_scratch(<size_t>pm_shapes_rasterize_bound(&rings) * sizeof(uint32_t))
    cdef Scratch scratch = new_scratch(pm_shapes_rasterize_scratch(&rings))
    with nogil:
        pm_shapes_rasterize(&rings, <uint32_t *>runs.data, out_offsets, scratch.data)
    cdef pm_batch masks = pm_batch(<uint32_t *>runs.data, out_offsets, sizes, n)
    return write_dicts(&masks, False, False)


def box_corners(cnp.ndarray boxes):
    """The corners of each box as a ring: xy, offsets. boxes: float64 (n, 4), C order."""
    cdef int64_t n = cnp.PyArray_DIM(boxes, 0)
    cdef cnp.ndarray xy = new_double(8 * n)
    with nogil:
        pm_shapes_box_corners(double_data(boxes), n, double_data(xy))
    return xy, np.arange(n + 1, dtype=np.int64) * 4
