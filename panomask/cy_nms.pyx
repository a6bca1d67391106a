"""Bindings of pm_nms: non-maximum suppression, greedy and by matrix, in parts over threads where there is much."""

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, malloc

cimport numpy as cnp

from panomask._batch cimport Batch, double_data, int64_data, new_double, new_int64
from panomask._c cimport (
    PM_DECAY_GAUSSIAN,
    PM_DECAY_LINEAR,
    PM_OK,
    PM_RATIO_IOU,
    PM_STATUS_END,
    c_bool,
    pm_batch,
    pm_decay,
    pm_nms_greedy,
    pm_nms_matrix,
    pm_nms_scratch,
    pm_ratio,
    pm_status,
    pm_where,
    pm_work,
)
from panomask._status cimport check as check_status
from panomask._threads cimport run

cnp.import_array()

# What things cost, in nanoseconds.
cdef double GROUP = 20
cdef double RUN = 2.5
cdef double PAIR = 5

GAUSSIAN = <int>PM_DECAY_GAUSSIAN
LINEAR = <int>PM_DECAY_LINEAR


cdef size_t scratch_size(const int64_t *offsets, int64_t n) noexcept nogil:
    cdef pm_batch masks = pm_batch(NULL, offsets, NULL, n)
    cdef int64_t[2] group
    group[0] = 0
    group[1] = n
    return pm_nms_scratch(&masks, group, 1)


cdef void greedy_keepers(const uint32_t *counts, const int64_t *offsets, const int64_t *sizes, int64_t n, int ratio,
                         double threshold, int64_t *keepers, void *scratch) noexcept nogil:
    cdef pm_batch masks = pm_batch(counts, offsets, sizes, n)
    cdef int64_t[2] group
    cdef pm_where where
    group[0] = 0
    group[1] = n
    pm_nms_greedy(&masks, group, 1, <pm_ratio>ratio, threshold, keepers, scratch, &where)


# Groups of a batch, and what is to be found of their masks: keepers, or the factors of their scores.
cdef struct suppressing:
    pm_batch masks
    const int64_t *groups
    pm_ratio ratio
    double threshold
    int64_t *keepers  # NULL where it is factors
    pm_decay decay
    double sigma
    double *factors


cdef pm_status suppress(const suppressing *job, int64_t begin, int64_t end, pm_where *where) noexcept nogil:
    """Do some groups, with scratch of their own; PM_STATUS_END where there is none."""
    cdef const int64_t *groups = job.groups + begin
    cdef pm_status status
    cdef void *scratch = malloc(pm_nms_scratch(&job.masks, groups, end - begin) + 1)
    if scratch == NULL:
        return PM_STATUS_END
    if job.keepers != NULL:
        status = pm_nms_greedy(&job.masks, groups, end - begin, job.ratio, job.threshold, job.keepers, scratch, where)
    else:
        status = pm_nms_matrix(&job.masks, groups, end - begin, job.decay, job.sigma, job.factors, scratch, where)
    free(scratch)
    return status


cdef c_bool suppress_part(void *context, int64_t _, int64_t begin, int64_t end) noexcept nogil:
    cdef pm_where where
    return suppress(<suppressing *>context, begin, end, &where) == PM_OK


cdef int suppress_all(suppressing *job, int64_t n_groups, cnp.ndarray order) except -1:
    """Do all groups. Errors have the indices that the masks had before they were ranked."""
    cdef cnp.ndarray costs = new_int64(n_groups + 1)  # of the groups before each
    cdef int64_t *before = int64_data(costs)
    cdef const int64_t *offsets = job.masks.offsets
    cdef int64_t g, first, last
    cdef double n
    before[0] = 0
    for g in range(n_groups):
        first, last = job.groups[g], job.groups[g + 1]
        n = <double>(last - first)
        before[g + 1] = before[g] + <int64_t>(
            GROUP + RUN * <double>(offsets[last] - offsets[first]) + PAIR * n * (n - 1) / 2
        )
    cdef pm_work work = pm_work(n_groups, before, 0, 1)
    cdef pm_where where
    cdef pm_status status
    if run(&work, suppress_part, job):
        return 0
    with nogil:  # in one part, which finds the first error
        status = suppress(job, 0, n_groups, &where)
    if status == PM_STATUS_END:
        raise MemoryError("cannot allocate what comparing masks needs")
    if status != PM_OK:
        where.mask = int64_data(order)[where.mask]
        where.other = int64_data(order)[where.other]
    return check_status(status, &where, "masks")


def greedy(Batch masks, cnp.ndarray order, cnp.ndarray groups, int ratio, double threshold):
    """Index of each mask's keeper, int64. masks: those order[0], order[1], ... of the user's, best first in each group.

    order, groups: int64; the groups cover all masks."""
    cdef cnp.ndarray out = new_int64(masks.view.n)
    cdef suppressing job = suppressing(masks.view, int64_data(groups), <pm_ratio>ratio, threshold, int64_data(out),
                                       PM_DECAY_GAUSSIAN, 0, NULL)
    suppress_all(&job, cnp.PyArray_DIM(groups, 0) - 1, order)
    return out


def matrix(Batch masks, cnp.ndarray order, cnp.ndarray groups, int decay, double sigma):
    """What each mask's score is multiplied with, float64; otherwise like `greedy`."""
    cdef cnp.ndarray out = new_double(masks.view.n)
    cdef suppressing job = suppressing(masks.view, int64_data(groups), PM_RATIO_IOU, 0, NULL, <pm_decay>decay, sigma,
                                       double_data(out))
    suppress_all(&job, cnp.PyArray_DIM(groups, 0) - 1, order)
    return out
