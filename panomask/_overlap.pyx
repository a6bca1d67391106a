"""All pairs of two batches, in parts over threads where there are many."""

from libc.stdint cimport int64_t, uint64_t

from panomask._c cimport (
    c_bool,
    pm_batch,
    pm_overlap_matrix,
    pm_overlap_matrix_prepare,
    pm_overlap_matrix_rows,
    pm_status,
    pm_where,
    pm_work,
)
from panomask._status cimport check as check_status
from panomask._threads cimport n_parts, run_parts

# What things cost, in nanoseconds.
cdef double PAIR = 5
cdef double PAIR_RUN = 0.04


cdef struct intersecting:
    pm_batch a
    pm_batch b
    uint64_t *areas
    void *scratch


cdef double mean_runs(const pm_batch *masks) noexcept nogil:
    return <double>(masks.offsets[masks.n] - masks.offsets[0]) / <double>max(masks.n, 1)


cdef c_bool intersect_rows(void *context, int64_t _, int64_t begin, int64_t end) noexcept nogil:
    cdef intersecting *job = <intersecting *>context
    pm_overlap_matrix_rows(&job.a, &job.b, begin, end, job.areas, job.scratch)
    return True


cdef int intersect_all(const pm_batch *a, const pm_batch *b, uint64_t *areas, void *scratch, str name_a,
                       str name_b) except -1:
    """Pixels that mask i of a and mask j of b share: areas[i * b.n + j]. The scratch is that of pm_overlap_matrix."""
    cdef double n_b = <double>b.n
    cdef pm_work work = pm_work(a.n, a.offsets, n_b * (PAIR + PAIR_RUN * mean_runs(b)), n_b * PAIR_RUN)
    cdef int64_t parts = n_parts(&work)
    cdef intersecting job
    cdef pm_where where
    cdef pm_status status
    with nogil:
        if parts == 1:
            status = pm_overlap_matrix(a, b, areas, scratch, &where)
        else:
            status = pm_overlap_matrix_prepare(a, b, scratch, &where)
    check_status(status, &where, name_a, name_b)
    if parts > 1:
        job = intersecting(a[0], b[0], areas, scratch)
        run_parts(&work, parts, intersect_rows, &job)
    return 0
