"""Bindings of pm_algebra: masks from masks."""

from libc.stdint cimport int64_t, uint32_t

cimport numpy as cnp

from panomask._batch cimport (
    Batch,
    Scratch,
    counts_data,
    int64_data,
    new_batch,
    new_counts,
    new_int64,
    new_scratch,
    new_sizes,
    resize_counts,
)
from panomask._c cimport (
    PM_DIFFERENCE,
    PM_INTERSECTION,
    PM_UNION,
    PM_XOR,
    pm_algebra_complement,
    pm_algebra_complement_bound,
    pm_algebra_pairwise,
    pm_algebra_pairwise_bound,
    pm_algebra_reduce,
    pm_algebra_reduce_bound,
    pm_algebra_reduce_scratch,
    pm_batch,
    pm_operation,
    pm_status,
    pm_where,
)
from panomask._check cimport check_lengths
from panomask._status cimport check as check_status

cnp.import_array()

INTERSECTION = <int>PM_INTERSECTION
UNION = <int>PM_UNION
XOR = <int>PM_XOR
DIFFERENCE = <int>PM_DIFFERENCE


cdef int64_t combine(int operation, const uint32_t *counts_a, int64_t length_a, const uint32_t *counts_b,
                     int64_t length_b, int64_t height, int64_t width, uint32_t *counts) noexcept nogil:
    cdef int64_t[2] size
    cdef int64_t[2] offsets_a
    cdef int64_t[2] offsets_b
    cdef int64_t[2] offsets
    cdef pm_where where
    size[0] = height
    size[1] = width
    offsets_a[0] = offsets_b[0] = 0
    offsets_a[1] = length_a
    offsets_b[1] = length_b
    cdef pm_batch a = pm_batch(counts_a, &offsets_a[0], &size[0], 1)
    cdef pm_batch b = pm_batch(counts_b, &offsets_b[0], &size[0], 1)
    pm_algebra_pairwise(<pm_operation>operation, &a, &b, counts, offsets, &where)
    return offsets[1]


def pairwise(int operation, Batch a, Batch b):
    """Mask i of a with mask i of b; a batch of one goes with every mask of the other."""
    check_lengths(a.view.n, b.view.n)
    cdef Batch longer = b if a.view.n == 1 else a
    cdef cnp.ndarray counts = new_counts(pm_algebra_pairwise_bound(&a.view, &b.view))
    cdef cnp.ndarray offsets = new_int64(longer.view.n + 1)
    cdef pm_where where
    cdef pm_status status
    with nogil:
        status = pm_algebra_pairwise(<pm_operation>operation, &a.view, &b.view, counts_data(counts),
                                     int64_data(offsets), &where)
    check_status(status, &where, "masks", "other")
    cdef int64_t used = int64_data(offsets)[longer.view.n]
    return new_batch(type(a), resize_counts(counts, used, used), offsets, longer.sizes)


def complement(Batch masks):
    """Background and foreground exchanged."""
    cdef cnp.ndarray counts = new_counts(pm_algebra_complement_bound(&masks.view))
    cdef cnp.ndarray offsets = new_int64(masks.view.n + 1)
    with nogil:
        pm_algebra_complement(&masks.view, counts_data(counts), int64_data(offsets))
    cdef int64_t used = int64_data(offsets)[masks.view.n]
    return new_batch(type(masks), resize_counts(counts, used, used), offsets, masks.sizes)


def reduce(int operation, Batch masks, cnp.ndarray groups, str name):
    """Union or intersection of masks groups[g] .. groups[g + 1] - 1. groups: int64, ascending inside 0 .. n."""
    cdef int64_t n_groups = cnp.PyArray_DIM(groups, 0) - 1
    cdef int64_t *starts = int64_data(groups)
    cdef cnp.ndarray counts = new_counts(pm_algebra_reduce_bound(&masks.view, starts, n_groups))
    cdef cnp.ndarray offsets = new_int64(n_groups + 1)
    cdef cnp.ndarray sizes = new_sizes(n_groups)
    cdef Scratch scratch = new_scratch(pm_algebra_reduce_scratch(&masks.view, starts, n_groups))
    cdef pm_where where
    cdef pm_status status
    with nogil:
        status = pm_algebra_reduce(<pm_operation>operation, &masks.view, starts, n_groups, counts_data(counts),
                                   int64_data(offsets), int64_data(sizes), scratch.data, &where)
    check_status(status, &where, name)
    cdef int64_t used = int64_data(offsets)[n_groups]
    return new_batch(type(masks), resize_counts(counts, used, used), offsets, sizes)
