"""Bindings of pm_png: rows of an inflated PNG -> pixels, or ids."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t

cimport numpy as cnp

from panomask._batch cimport Scratch, new_scratch
from panomask._c cimport pm_png_ids_scratch, pm_png_unfilter, pm_png_unfilter_ids
from panomask._check cimport png_rows

cnp.import_array()


cdef extern from *:
    """
    #if defined(_WIN32)
    static int64_t read_small(const char *name, char *data, int64_t capacity) {
        return -1;
    }
    #else
    #include <fcntl.h>
    #include <sys/stat.h>
    #include <unistd.h>

    static int64_t read_small(const char *name, char *data, int64_t capacity) {
        struct stat status;
        int64_t length = 0;
        ssize_t n = -1;
        int file = open(name, O_RDONLY | O_CLOEXEC);
        if (file < 0)
            return -1;
        if (fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size < capacity) /* a pipe is read once */
            do {
                n = read(file, data + length, (size_t)(capacity - length));
                length += n;
            } while (n > 0 && length < capacity);
        close(file);
        return n == 0 ? length : -1;
    }
    #endif
    """
    int64_t read_small(const char *name, char *data, int64_t capacity) nogil

# Bytes of a file that is read at once; a map of COCO has 8 thousand.
cdef int64_t MOST_SMALL = 1 << 16


def read_file(bytes name):
    """What is in a small file; None where it is larger, no file, or any step fails, for Python to see.

    Python's own way takes the GIL seven times, and where another thread holds it each may take 50 us."""
    cdef Scratch room = new_scratch(MOST_SMALL)
    cdef const char *path = name
    cdef int64_t length
    if b"\0" in name:
        return None
    with nogil:
        length = read_small(path, <char *>room.data, MOST_SMALL)
    return PyBytes_FromStringAndSize(<char *>room.data, length) if length >= 0 else None


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
