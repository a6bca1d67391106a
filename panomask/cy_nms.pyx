"""Bindings of pm_nms: non-maximum suppression, greedy and by matrix."""

from libc.stdint cimport int64_t, uint32_t

cimport numpy as cnp

from panomask._batch cimport Batch, Scratch, double_data, int64_data, new_double, new_int64, new_scratch
from panomask._c cimport (
    PM_DECAY_GAUSSIAN,
    PM_DECAY_LINEAR,
    PM_OK,
    pm_batch,
    pm_decay,
    pm_nms_greedy,
    pm_nms_matrix,
    pm_nms_scratch,
    pm_ratio,
    pm_status,
    pm_where,
)
from panomask._status cimport check as check_status

cnp.import_array()

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


cdef int check_ranked(pm_status status, pm_where *where, cnp.ndarray order) except -1:
    """Raise unless the status is PM_OK, with the indices that the masks had before they were ranked."""
    if status != PM_OK:
        where.mask = int64_data(order)[where.mask]
        where.other = int64_data(order)[where.other]
    return check_status(status, where, "masks")


def greedy(Batch masks, cnp.ndarray order, cnp.ndarray groups, int ratio, double threshold):
    """Index of each mask's keeper, int64. masks: those order[0], order[1], ... of the user's, best first in each group.

    order, groups: int64; the groups cover all masks."""
    cdef int64_t n_groups = cnp.PyArray_DIM(groups, 0) - 1
    cdef int64_t *starts = int64_data(groups)
    cdef cnp.ndarray out = new_int64(masks.view.n)
    cdef Scratch scratch = new_scratch(pm_nms_scratch(&masks.view, starts, n_groups))
    cdef pm_where where
    cdef pm_status status
    with nogil:
        status = pm_nms_greedy(&masks.view, starts, n_groups, <pm_ratio>ratio, threshold, int64_data(out),
                               scratch.data, &where)
    check_ranked(status, &where, order)
    return out


def matrix(Batch masks, cnp.ndarray order, cnp.ndarray groups, int decay, double sigma):
    """What each mask's score is multiplied with, float64; otherwise like `greedy`."""
    cdef int64_t n_groups = cnp.PyArray_DIM(groups, 0) - 1
    cdef int64_t *starts = int64_data(groups)
    cdef cnp.ndarray out = new_double(masks.view.n)
    cdef Scratch scratch = new_scratch(pm_nms_scratch(&masks.view, starts, n_groups))
    cdef pm_where where
    cdef pm_status status
    with nogil:
        status = pm_nms_matrix(&masks.view, starts, n_groups, <pm_decay>decay, sigma, double_data(out), scratch.data,
                               &where)
    check_ranked(status, &where, order)
    return out
