"""Bindings of pm_png: PNG files -> their chunks; rows of an inflated PNG -> pixels, or ids."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

cimport numpy as cnp

from panomask._batch cimport Scratch, new_scratch
from panomask._c cimport (
    PM_PNG_BAD_CHECKSUM,
    PM_PNG_BAD_ORDER,
    PM_PNG_BAD_TYPE,
    PM_PNG_NO_DATA,
    PM_PNG_NO_END,
    PM_PNG_NO_SIGNATURE,
    PM_PNG_OK,
    PM_PNG_TRUNCATED,
    pm_png_check,
    pm_png_chunks,
    pm_png_fault,
    pm_png_ids_scratch,
    pm_png_open,
    pm_png_unfilter,
    pm_png_unfilter_ids,
)
from panomask._check cimport check_filters, png_rows

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


cdef bytes part(const void *file, int64_t at, int64_t size):
    return PyBytes_FromStringAndSize(<const char *>file + at, size)


cdef tuple describe(const uint8_t *file, int64_t size, pm_png_fault fault, const pm_png_chunks *chunks):
    """What `open_file` gives."""
    cdef object header = part(file, chunks.header, chunks.header_size) if chunks.header > 0 else None
    if fault == PM_PNG_OK:
        return header, part(file, chunks.data, chunks.data_size), None
    cdef bytes type_ = part(file, chunks.at + 4, max(0, min(4, size - chunks.at - 4)))
    if fault == PM_PNG_NO_SIGNATURE:
        return header, None, f"not a PNG: begins with {part(file, 0, min(size, 8))!r}"
    if fault == PM_PNG_NO_END:
        return header, None, f"truncated: ends after {size} bytes, before an IEND chunk"
    if fault == PM_PNG_BAD_TYPE:
        return header, None, f"broken: chunk at byte {chunks.at} has the type {type_!r}"
    if fault == PM_PNG_NO_DATA:
        return header, None, "broken: has no IDAT chunk, so no pixels"
    cdef str where = f"chunk {type_.decode()} at byte {chunks.at}"
    if fault == PM_PNG_TRUNCATED:
        return header, None, (f"truncated: {where} has {chunks.size} bytes, {size - chunks.at - 8} are left for them "
                              "and a checksum")
    if fault == PM_PNG_BAD_CHECKSUM:
        return header, None, f"broken: {where} has the checksum {chunks.found:08x}, expected {chunks.expected:08x}"
    if fault == PM_PNG_BAD_ORDER:
        return header, None, f"broken: {where}, expected IHDR first and once"
    return header, None, f"{where} is not known"


def open_content(const uint8_t[::1] content):
    """Walk the chunks of what is in a file, as `open_file`."""
    cdef int64_t size = content.shape[0]
    cdef Scratch room = new_scratch(<size_t>size)
    cdef uint8_t *file = <uint8_t *>room.data
    cdef const uint8_t *source = &content[0] if size > 0 else file
    cdef pm_png_chunks chunks
    cdef pm_png_fault fault
    with nogil:
        memcpy(file, source, <size_t>size)
        fault = pm_png_open(file, size, &chunks)
    return describe(file, size, fault, &chunks)


def open_file(bytes name):
    """Read a small file and walk its chunks: the contents of IHDR, or None before it, those of IDAT, and what is wrong,
    or None. None alone where the file is larger, no file, or any step fails, for Python to see.

    Reading in Python takes the GIL seven times, and a walk once a chunk; where another thread holds it each may take
    50 us."""
    cdef Scratch room = new_scratch(MOST_SMALL)
    cdef uint8_t *file = <uint8_t *>room.data
    cdef const char *path = name
    cdef int64_t size
    cdef pm_png_chunks chunks
    cdef pm_png_fault fault = PM_PNG_OK
    if b"\0" in name:
        return None
    with nogil:
        size = read_small(path, <char *>file, MOST_SMALL)
        if size >= 0:
            fault = pm_png_open(file, size, &chunks)
    return describe(file, size, fault, &chunks) if size >= 0 else None


def unfilter(const uint8_t[::1] filtered, int64_t height, int64_t row_size, int pixel_size, str name):
    """Undo the filters of rows of bytes; uint8 (height, row_size)."""
    cdef const uint8_t *source = png_rows(filtered, height, row_size, name)
    cdef cnp.npy_intp[2] shape = [height, row_size]
    cdef cnp.ndarray rows = cnp.PyArray_SimpleNew(2, shape, cnp.NPY_UINT8)
    cdef uint8_t *data = <uint8_t *>cnp.PyArray_DATA(rows)
    cdef int64_t bad
    with nogil:
        bad = pm_png_check(source, height, row_size)
        if bad == height:
            pm_png_unfilter(source, height, row_size, pixel_size, data)
    check_filters(source, height, row_size, bad, name)
    return rows


def unfilter_ids(const uint8_t[::1] filtered, int64_t height, int64_t width, str name):
    """Undo the filters of rows of RGB pixels; their ids as uint32 (height, width)."""
    cdef const uint8_t *source = png_rows(filtered, height, 3 * width, name)
    cdef cnp.npy_intp[2] shape = [height, width]
    cdef cnp.ndarray ids = cnp.PyArray_SimpleNew(2, shape, cnp.NPY_UINT32)
    cdef uint32_t *data = <uint32_t *>cnp.PyArray_DATA(ids)
    cdef Scratch scratch = new_scratch(pm_png_ids_scratch(width))
    cdef int64_t bad
    with nogil:
        bad = pm_png_check(source, height, 3 * width)
        if bad == height:
            pm_png_unfilter_ids(source, height, width, data, scratch.data)
    check_filters(source, height, 3 * width, bad, name)
    return ids
