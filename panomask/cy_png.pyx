"""Bindings of pm_png: rows of an inflated PNG -> pixels, or ids."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

cimport numpy as cnp

from panomask._batch cimport Scratch, new_scratch
from panomask._c cimport pm_png_unfilter, pm_png_unfilter_ids, pm_png_unfilter_ids_scratch

cnp.import_array()


cdef int check_length(const uint8_t[::1] filtered, int64_t height, int64_t row_size) except -1:
    if filtered.shape[0] != height * (row_size + 1):
        raise ValueError(f"{filtered.shape[0]} bytes of rows, expected {height * (row_size + 1)}")
    return 0


cdef int check_undone(const uint8_t[::1] filtered, int64_t undone, int64_t height, int64_t row_size) except -1:
    if undone < height:
        raise ValueError(f"row {undone} has filter {filtered[undone * (row_size + 1)]}, expected 0 to 4")
    return 0


def unfilter(const uint8_t[::1] filtered, int64_t height, int64_t row_size, int pixel_size):
    """Undo the filters of rows of bytes; uint8 (height, row_size)."""
    check_length(filtered, height, row_size)
    cdef cnp.npy_intp[2] shape
    shape[0] = height
    shape[1] = row_size
    cdef cnp.ndarray rows = cnp.PyArray_SimpleNew(2, shape, cnp.NPY_UINT8)
    cdef uint8_t *data = <uint8_t *>cnp.PyArray_DATA(rows)
    cdef const uint8_t *source = &filtered[0] if filtered.shape[0] else NULL
    cdef int64_t undone
    with nogil:
        undone = pm_png_unfilter(source, height, row_size, pixel_size, data)
    check_undone(filtered, undone, height, row_size)
    return rows


def unfilter_ids(const uint8_t[::1] filtered, int64_t height, int64_t width):
    """Undo the filters of rows of RGB pixels; their ids as uint32 (height, width)."""
    check_length(filtered, height, 3 * width)
    cdef cnp.npy_intp[2] shape
    shape[0] = height
    shape[1] = width
    cdef cnp.ndarray ids = cnp.PyArray_SimpleNew(2, shape, cnp.NPY_UINT32)
    cdef uint32_t *data = <uint32_t *>cnp.PyArray_DATA(ids)
    cdef const uint8_t *source = &filtered[0] if filtered.shape[0] else NULL
    cdef Scratch scratch = new_scratch(pm_png_unfilter_ids_scratch(width))
    cdef int64_t undone
    with nogil:
        undone = pm_png_unfilter_ids(source, height, width, data, scratch.data)
    check_undone(filtered, undone, height, 3 * width)
    return ids
