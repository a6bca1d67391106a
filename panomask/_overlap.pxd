from libc.stdint cimport int64_t, uint64_t

from panomask._c cimport pm_batch

cdef double mean_runs(const pm_batch *masks) noexcept nogil
cdef int intersect_all(const pm_batch *a, const pm_batch *b, uint64_t *areas, void *scratch, str name_a,
                       str name_b) except -1
