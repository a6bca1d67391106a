"""A checked batch of masks and the memory around it: what every binding takes, and how it makes one."""

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

cimport numpy as cnp

cnp.import_array()


cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        object (*tp_new)(type cls, object arguments, void *keywords)


cdef tuple NO_ARGUMENTS = ()

# No array is larger than this; asking numpy for more would be a ValueError.
cdef int64_t MOST_ELEMENTS = (<int64_t>1) << 56


cdef class Batch:
    """n masks as three flat arrays that were checked and are read-only. `view` is the same for the C core.

    Attributes
    ----------
    counts : ndarray of uint32
        Run lengths of all masks, column-major, background first.
    offsets : ndarray of int64, shape (n + 1,)
        Mask i is ``counts[offsets[i]:offsets[i + 1]]``.
    sizes : ndarray of int64, shape (n, 2)
        Height and width of each mask's image.
    """

    def __cinit__(self):
        self.counts = EMPTY_COUNTS
        self.offsets = EMPTY_OFFSETS
        self.sizes = EMPTY_SIZES
        self.view.n = 0
        self.view.offsets = int64_data(EMPTY_OFFSETS)

    def __len__(self):
        return self.view.n


cdef cnp.ndarray read_only(cnp.ndarray array, bint is_shown):
    """The array, not to be written any more. One that users may hold is a view: the owner of memory can be made writable
    again."""
    cnp.PyArray_CLEARFLAGS(array, cnp.NPY_ARRAY_WRITEABLE)
    return array[:] if is_shown and cnp.PyArray_CHKFLAGS(array, cnp.NPY_ARRAY_OWNDATA) else array


cdef Batch new_batch(type cls, cnp.ndarray counts, cnp.ndarray offsets, cnp.ndarray sizes):
    """Make a batch of arrays that hold valid runs: contiguous, of the right dtypes, not to be written any more."""
    cdef Batch batch = <Batch>(<PyTypeObject *>cls).tp_new(cls, NO_ARGUMENTS, NULL)  # __new__, without looking it up
    cdef bint is_shown = cls is not Batch
    batch.counts = read_only(counts, is_shown)
    batch.offsets = read_only(offsets, is_shown)
    batch.sizes = read_only(sizes, is_shown)
    batch.view.counts = counts_data(counts)
    batch.view.offsets = int64_data(offsets)
    batch.view.sizes = int64_data(sizes)
    batch.view.n = cnp.PyArray_DIM(sizes, 0)
    return batch


cdef class Scratch:
    """Memory for the length of one call; freed with the object, so on every way out."""

    def __dealloc__(self):
        free(self.data)


cdef Scratch new_scratch(size_t size):
    cdef Scratch scratch = Scratch.__new__(Scratch)
    if size > <size_t>MOST_ELEMENTS:
        raise MemoryError(f"cannot allocate {size} bytes")
    scratch.data = malloc(size if size > 0 else 1)
    if scratch.data == NULL:
        raise MemoryError(f"cannot allocate {size} bytes")
    return scratch


cdef cnp.ndarray new_array(int64_t n, int kind):
    cdef cnp.npy_intp shape = n
    if n > MOST_ELEMENTS:
        raise MemoryError(f"cannot allocate an array of {n} elements")
    return cnp.PyArray_SimpleNew(1, &shape, kind)


cdef cnp.ndarray new_counts(int64_t n):
    return new_array(n, cnp.NPY_UINT32)


cdef cnp.ndarray new_int64(int64_t n):
    return new_array(n, cnp.NPY_INT64)


cdef cnp.ndarray new_uint64(int64_t n):
    return new_array(n, cnp.NPY_UINT64)


cdef cnp.ndarray new_double(int64_t n):
    return new_array(n, cnp.NPY_FLOAT64)


cdef cnp.ndarray new_sizes(int64_t n):
    cdef cnp.npy_intp[2] shape
    shape[0] = n
    shape[1] = 2
    return cnp.PyArray_SimpleNew(2, shape, cnp.NPY_INT64)


cdef cnp.ndarray shrink_counts(cnp.ndarray counts, int64_t n):
    """An array of the first n counts: itself if it has just those, else a copy."""
    if cnp.PyArray_DIM(counts, 0) == n:
        return counts
    cdef cnp.ndarray fewer = new_counts(n)
    memcpy(cnp.PyArray_DATA(fewer), cnp.PyArray_DATA(counts), <size_t>n * sizeof(uint32_t))
    return fewer


# The arrays of a batch that no constructor made.
cdef cnp.ndarray EMPTY_COUNTS = read_only(new_counts(0), True)
cdef cnp.ndarray EMPTY_OFFSETS = new_int64(1)
int64_data(EMPTY_OFFSETS)[0] = 0
EMPTY_OFFSETS = read_only(EMPTY_OFFSETS, True)
cdef cnp.ndarray EMPTY_SIZES = read_only(new_sizes(0), True)
