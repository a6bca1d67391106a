from libc.stdint cimport int64_t, uint32_t

cimport numpy as cnp

from panomask._batch cimport Batch
from panomask._c cimport c_bool, pm_status, pm_task, pm_where, pm_work


# Masks that one part of a call made: mask i of the part is counts[offsets[i]] .. counts[offsets[i + 1] - 1].
cdef struct output:
    uint32_t *counts
    int64_t *offsets
    void *scratch
    void *memory  # of the three: offsets, scratch, counts
    size_t before_counts
    size_t scratch_size
    int64_t begin
    int64_t end
    c_bool is_made
    pm_status status
    pm_where where

# Make masks begin .. end - 1 into `out`, whose memory `reserve` gets, and set its status and where; the masks are
# numbered as in the whole call. False where memory fails.
ctypedef c_bool (*maker)(void *context, int64_t begin, int64_t end, output *out) noexcept nogil

cdef int64_t n_parts(const pm_work *work) noexcept nogil
cdef int run_parts(const pm_work *work, int64_t parts, pm_task task, void *context) except -1
cdef int run(const pm_work *work, pm_task task, void *context) except -1
cdef Batch make(type cls, const pm_work *work, maker make_part, void *context, cnp.ndarray sizes, str name,
                str other=*)
cdef c_bool reserve(output *out, int64_t n, int64_t capacity, size_t scratch) noexcept nogil
cdef c_bool resize(output *out, int64_t capacity) noexcept nogil
