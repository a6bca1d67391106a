"""Bindings of pm_png: rows of an inflated PNG -> pixels, or ids."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

cimport numpy as cnp

from panomask._batch cimport Scratch, new_scratch
from panomask._c cimport pm_png_ids_scratch, pm_png_unfilter, pm_png_unfilter_ids
from panomask._check cimport png_rows

cnp.import_array()


def unfilter(const uint8_t[::1] filtered, int64_t height, int64_t row_size, int pixel_size, str name):
    """Undo the filters of rows of bytes; uint8 (height, row_size)."""
    cdef const uint8_t *source = png_rows(filtered, height, row_size, name)
    cdef cnp.npy_intp[2] shape = [height, row_size]
    cdef cnp.ndarray rows = cnp.PyArray_SimpleNew(2, shape, cnp.NPY_UINT8)
    cdef uint8_t *data = <uint8_t *>cnp.PyArray_DATA(rows)
    with nogil:
        pm_png_unfilter(source, height, row_size, pixel_size, data)
    return rows


def unfilter_ids(const uint8_t[::1] filtered, int64_t height, int64_t width, str name):
    """Undo the filters of rows of RGB pixels; their ids as uint32 (height, width)."""
    cdef const uint8_t *source = png_rows(filtered, height, 3 * width, name)
    cdef cnp.npy_intp[2] shape = [height, width]
    cdef cnp.ndarray ids = cnp.PyArray_SimpleNew(2, shape, cnp.NPY_UINT32)
    cdef uint32_t *data = <uint32_t *>cnp.PyArray_DATA(ids)
    cdef Scratch scratch = new_scratch(pm_png_ids_scratch(width))
    with nogil:
        pm_png_unfilter_ids(source, height, width, data, scratch.data)
    return ids
