"""Bindings of pm_algebra: masks from masks."""

from libc.stdint cimport int64_t, uint32_t

cimport numpy as cnp

import numpy as np

from panomask._batch cimport Batch, int64_data, new_sizes, part_unless_one
from panomask._c cimport (
    PM_DIFFERENCE,
    PM_INTERSECTION,
    PM_UNION,
    PM_XOR,
    c_bool,
    pm_algebra_complement,
    pm_algebra_complement_bound,
    pm_algebra_pairwise,
    pm_algebra_pairwise_bound,
    pm_algebra_reduce,
    pm_algebra_reduce_bound,
    pm_algebra_reduce_scratch,
    pm_batch,
    pm_operation,
    pm_runs_part,
    pm_threads_part_begin,
    pm_where,
    pm_work,
)
from panomask._check cimport check_lengths
from panomask._threads cimport make, n_parts, output, reserve

cnp.import_array()

# What things cost, in nanoseconds.
cdef double COPIED_RUN = 2
cdef double MERGED_RUN = 3
cdef double MASK = 20

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


cdef struct combining:
    pm_operation operation
    pm_batch a
    pm_batch b


cdef c_bool combine_part(void *context, int64_t begin, int64_t end, output *out) noexcept nogil:
    cdef combining *job = <combining *>context
    cdef pm_batch a = part_unless_one(&job.a, begin, end)
    cdef pm_batch b = part_unless_one(&job.b, begin, end)
    if not reserve(out, end - begin, pm_algebra_pairwise_bound(&a, &b), 0):
        return False
    out.status = pm_algebra_pairwise(job.operation, &a, &b, out.counts, out.offsets, &out.where)
    out.where.mask += begin if job.a.n > 1 else 0
    out.where.other += begin if job.b.n > 1 else 0
    return True


def pairwise(int operation, Batch a, Batch b):
    """Mask i of a with mask i of b; a batch of one goes with every mask of the other."""
    check_lengths(a.view.n, b.view.n)
    cdef Batch longer = b if a.view.n == 1 else a
    cdef Batch shorter = a if a.view.n == 1 else b
    cdef int64_t mean = shorter.view.offsets[shorter.view.n] - shorter.view.offsets[0]
    cdef combining job = combining(<pm_operation>operation, a.view, b.view)
    cdef pm_work work = pm_work(longer.view.n, longer.view.offsets, MASK, MERGED_RUN)
    work.item_cost += MERGED_RUN * <double>mean / <double>max(shorter.view.n, 1)
    return make(type(a), &work, combine_part, &job, longer.sizes, "masks", "other")


cdef c_bool complement_part(void *context, int64_t begin, int64_t end, output *out) noexcept nogil:
    cdef pm_batch masks = pm_runs_part(<pm_batch *>context, begin, end)
    if not reserve(out, end - begin, pm_algebra_complement_bound(&masks), 0):
        return False
    pm_algebra_complement(&masks, out.counts, out.offsets)
    return True


def complement(Batch masks):
    """Background and foreground exchanged."""
    cdef pm_work work = pm_work(masks.view.n, masks.view.offsets, MASK, COPIED_RUN)
    return make(type(masks), &work, complement_part, &masks.view, masks.sizes, "masks")


cdef struct reducing:
    pm_operation operation
    pm_batch masks
    const int64_t *groups
    int64_t *sizes


cdef c_bool reduce_part(void *context, int64_t begin, int64_t end, output *out) noexcept nogil:
    cdef reducing *job = <reducing *>context
    cdef const int64_t *groups = job.groups + begin
    cdef int64_t n = end - begin
    if not reserve(out, n, pm_algebra_reduce_bound(&job.masks, groups, n),
                   pm_algebra_reduce_scratch(&job.masks, groups, n)):
        return False
    out.status = pm_algebra_reduce(job.operation, &job.masks, groups, n, out.counts, out.offsets,
                                   job.sizes + 2 * begin, out.scratch, &out.where)
    return True


cdef Batch reduce_groups(int operation, Batch masks, cnp.ndarray groups, bint in_parts, str name):
    cdef int64_t n_groups = cnp.PyArray_DIM(groups, 0) - 1
    cdef cnp.ndarray sizes = new_sizes(n_groups)
    cdef reducing job = reducing(<pm_operation>operation, masks.view, int64_data(groups), int64_data(sizes))
    cdef cnp.ndarray runs
    cdef pm_work work = pm_work(n_groups, NULL, 0, 0)
    if in_parts:
        runs = masks.offsets[groups]
        work = pm_work(n_groups, int64_data(runs), MASK, MERGED_RUN)
    return make(type(masks), &work, reduce_part, &job, sizes, name)


cdef object finer_groups(Batch masks, object groups, object begins):
    """Groups that are several parts' work, cut where parts begin; what they come to, at most half as many masks, is
    merged again. None if there are no such groups, or if masks of one differ in size: then the error is that of the
    groups as they were given."""
    first, last = groups.take([0, len(groups) - 1])
    begins = begins[begins < last]
    n_cuts = np.diff(np.searchsorted(begins, groups))  # in each group
    n_masks = np.diff(groups)
    is_cut = (n_cuts > 1) & (n_cuts < n_masks // 2)
    heads = np.minimum(groups, len(masks) - 1).take(np.repeat(np.arange(len(n_masks)), n_masks))
    if not is_cut.any() or (masks.sizes[first:last] != masks.sizes[heads]).any():
        return None
    return np.union1d(groups, begins[is_cut[np.searchsorted(groups, begins, side="right") - 1]])


def reduce(int operation, Batch masks, cnp.ndarray groups, str name):
    """Union or intersection of masks groups[g] .. groups[g + 1] - 1. groups: int64, ascending inside 0 .. n."""
    cdef int64_t n_groups = cnp.PyArray_DIM(groups, 0) - 1
    cdef int64_t first = int64_data(groups)[0]
    cdef int64_t n = int64_data(groups)[n_groups] - first
    cdef pm_work work = pm_work(n, masks.view.offsets + first, MASK, MERGED_RUN)
    cdef int64_t parts = n_parts(&work)
    if parts == 1:
        return reduce_groups(operation, masks, groups, False, name)
    begins = np.array([first + pm_threads_part_begin(&work, parts, part) for part in range(1, parts)], dtype=np.int64)
    finer = finer_groups(masks, groups, begins)
    if finer is None:
        return reduce_groups(operation, masks, groups, True, name)
    halfway = reduce_groups(operation, masks, finer, True, name)
    return reduce(operation, halfway, np.searchsorted(finer, groups).astype(np.int64), name)
