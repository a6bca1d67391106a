from libc.stdint cimport int64_t, uint32_t, uint64_t

cimport numpy as cnp

from panomask._c cimport pm_batch, pm_runs_part


cdef class Batch:
    cdef readonly cnp.ndarray counts
    cdef readonly cnp.ndarray offsets
    cdef readonly cnp.ndarray sizes
    cdef pm_batch view
    cdef object areas  # of each mask and its box, once somebody asked
    cdef object boxes


cdef class Scratch:
    cdef void *data


cdef Batch new_batch(type cls, cnp.ndarray counts, cnp.ndarray offsets, cnp.ndarray sizes)

cdef cnp.ndarray read_only(cnp.ndarray array, bint is_shown)

cdef cnp.ndarray new_counts(int64_t n)
cdef cnp.ndarray new_int64(int64_t n)
cdef cnp.ndarray new_uint64(int64_t n)
cdef cnp.ndarray new_double(int64_t n)
cdef cnp.ndarray new_sizes(int64_t n)
cdef cnp.ndarray shrink_counts(cnp.ndarray counts, int64_t n)
cdef Scratch new_scratch(size_t size)


# Where an array's elements begin. The array is contiguous and of that dtype.
cdef inline uint32_t *counts_data(cnp.ndarray array) noexcept nogil:
    return <uint32_t *>cnp.PyArray_DATA(array)


cdef inline int64_t *int64_data(cnp.ndarray array) noexcept nogil:
    return <int64_t *>cnp.PyArray_DATA(array)


cdef inline uint64_t *uint64_data(cnp.ndarray array) noexcept nogil:
    return <uint64_t *>cnp.PyArray_DATA(array)


cdef inline double *double_data(cnp.ndarray array) noexcept nogil:
    return <double *>cnp.PyArray_DATA(array)


# Masks begin .. end - 1, for what goes mask by mask: a batch of one stays whole.
cdef inline pm_batch part_unless_one(const pm_batch *masks, int64_t begin, int64_t end) noexcept nogil:
    return masks[0] if masks.n == 1 else pm_runs_part(masks, begin, end)
