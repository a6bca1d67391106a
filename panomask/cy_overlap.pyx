"""Bindings of pm_overlap: intersection areas of many pairs, and the ratios made of them."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

cimport numpy as cnp

from panomask._batch cimport (
    Batch,
    Scratch,
    double_data,
    int64_data,
    new_double,
    new_int64,
    new_scratch,
    new_uint64,
    part_unless_one,
    uint64_data,
)
from panomask._c cimport (
    PM_OK,
    PM_RATIO_DICE,
    PM_RATIO_IOS,
    PM_RATIO_IOU,
    PM_STATUS_END,
    c_bool,
    pm_batch,
    pm_overlap_boxes,
    pm_overlap_grouped,
    pm_overlap_grouped_ratio,
    pm_overlap_grouped_scratch,
    pm_overlap_matrix,
    pm_overlap_matrix_ratio,
    pm_overlap_paired,
    pm_overlap_paired_ratio,
    pm_overlap_scratch,
    pm_ratio,
    pm_status,
    pm_where,
    pm_work,
)
from panomask._check cimport check_lengths, flags
from panomask._overlap cimport intersect_all, mean_runs
from panomask._status cimport check as check_status
from panomask._threads cimport run

cnp.import_array()

# What things cost, in nanoseconds.
cdef double PAIR = 5
cdef double PAIRED_RUN = 6
cdef double GROUP = 20
cdef double GROUP_RUN = 2.5
cdef double RATIO = 2

IOU = <int>PM_RATIO_IOU
DICE = <int>PM_RATIO_DICE
IOS = <int>PM_RATIO_IOS


cdef size_t scratch_size(const int64_t *offsets_a, int64_t n_a, const int64_t *offsets_b, int64_t n_b) noexcept nogil:
    cdef pm_batch a = pm_batch(NULL, offsets_a, NULL, n_a)
    cdef pm_batch b = pm_batch(NULL, offsets_b, NULL, n_b)
    return pm_overlap_scratch(&a, &b)


cdef void intersection_area(const uint32_t *counts_a, const int64_t *offsets_a, int64_t n_a,
                            const uint32_t *counts_b, const int64_t *offsets_b, int64_t n_b, const int64_t *sizes_a,
                            const int64_t *sizes_b, uint64_t *areas, void *scratch) noexcept nogil:
    cdef pm_batch a = pm_batch(counts_a, offsets_a, sizes_a, n_a)
    cdef pm_batch b = pm_batch(counts_b, offsets_b, sizes_b, n_b)
    cdef pm_where where
    pm_overlap_matrix(&a, &b, areas, scratch, &where)


cdef uint8_t *flag_data(object values):
    """NULL for None."""
    return NULL if values is None else <uint8_t *>cnp.PyArray_DATA(<cnp.ndarray>values)


# Two batches, and what is asked of their masks.
cdef struct comparing:
    pm_batch a
    pm_batch b
    uint64_t *areas
    void *scratch


def matrix(Batch a, Batch b, str name_a="masks", str name_b="other"):
    """Intersection areas of all pairs, uint64 (n_a, n_b)."""
    cdef cnp.npy_intp[2] shape
    shape[0] = a.view.n
    shape[1] = b.view.n
    cdef cnp.ndarray out = cnp.PyArray_SimpleNew(2, shape, cnp.NPY_UINT64)
    cdef Scratch scratch = new_scratch(pm_overlap_scratch(&a.view, &b.view))
    intersect_all(&a.view, &b.view, uint64_data(out), scratch.data, name_a, name_b)
    return out


cdef int raise_from_comparison(pm_status status, pm_where *where, str name, str other) except -1:
    if status == PM_STATUS_END:
        raise MemoryError("cannot allocate what comparing masks needs")
    return check_status(status, where, name, other)


cdef pm_status compare_paired(const pm_batch *a, const pm_batch *b, uint64_t *areas, pm_where *where) noexcept nogil:
    """With scratch of its own; PM_STATUS_END where there is none."""
    cdef void *scratch = malloc(pm_overlap_scratch(a, b) + 1)
    if scratch == NULL:
        return PM_STATUS_END
    cdef pm_status status = pm_overlap_paired(a, b, areas, scratch, where)
    free(scratch)
    return status


cdef c_bool compare_part(void *context, int64_t _, int64_t begin, int64_t end) noexcept nogil:
    cdef comparing *job = <comparing *>context
    cdef pm_where where
    cdef pm_batch a = part_unless_one(&job.a, begin, end)
    cdef pm_batch b = part_unless_one(&job.b, begin, end)
    return compare_paired(&a, &b, job.areas + begin, &where) == PM_OK


# Groups of two batches, and where the areas of each begin.
cdef struct comparing_groups:
    pm_batch a
    pm_batch b
    const int64_t *groups_a
    const int64_t *groups_b
    const int64_t *starts
    uint64_t *areas


cdef pm_status compare_groups(comparing_groups *job, int64_t begin, int64_t end, pm_where *where) noexcept nogil:
    """With scratch of its own; PM_STATUS_END where there is none."""
    cdef const int64_t *groups_a = job.groups_a + begin
    cdef const int64_t *groups_b = job.groups_b + begin
    cdef void *scratch = malloc(pm_overlap_grouped_scratch(&job.a, groups_a, &job.b, groups_b, end - begin) + 1)
    if scratch == NULL:
        return PM_STATUS_END
    cdef pm_status status = pm_overlap_grouped(&job.a, groups_a, &job.b, groups_b, end - begin,
                                               job.areas + job.starts[begin], scratch, where)
    free(scratch)
    return status


cdef c_bool compare_group_part(void *context, int64_t _, int64_t begin, int64_t end) noexcept nogil:
    cdef pm_where where
    return compare_groups(<comparing_groups *>context, begin, end, &where) == PM_OK


def grouped(Batch a, Batch b, cnp.ndarray groups_a, cnp.ndarray groups_b, cnp.ndarray starts):
    """Intersection areas of all pairs inside each group, uint64, group g's from starts[g] on. All int64: groups,
    ascending, equally many, and starts, one more for the end."""
    cdef int64_t n_groups = cnp.PyArray_DIM(groups_a, 0) - 1
    cdef cnp.ndarray out = new_uint64(int64_data(starts)[n_groups])
    cdef comparing_groups job = comparing_groups(a.view, b.view, int64_data(groups_a), int64_data(groups_b),
                                                 int64_data(starts), uint64_data(out))
    cdef cnp.ndarray runs = new_int64(n_groups + 1)  # before each group
    cdef int64_t g
    for g in range(n_groups + 1):
        int64_data(runs)[g] = a.view.offsets[job.groups_a[g]] + b.view.offsets[job.groups_b[g]]
    cdef pm_work work = pm_work(n_groups, int64_data(runs), GROUP, GROUP_RUN)
    cdef pm_where where
    cdef pm_status status
    if not run(&work, compare_group_part, &job):
        with nogil:  # in one part, which finds the first error
            status = compare_groups(&job, 0, n_groups, &where)
        raise_from_comparison(status, &where, f"group {where.at}: dt", "gt")
    return out


def paired(Batch a, Batch b):
    """Intersection areas mask by mask, uint64; a batch of one goes with every mask of the other."""
    check_lengths(a.view.n, b.view.n)
    cdef Batch longer = b if a.view.n == 1 else a
    cdef Batch shorter = a if a.view.n == 1 else b
    cdef cnp.ndarray out = new_uint64(longer.view.n)
    cdef comparing job = comparing(a.view, b.view, uint64_data(out), NULL)
    cdef pm_work work = pm_work(longer.view.n, longer.view.offsets, PAIR + PAIRED_RUN * mean_runs(&shorter.view),
                                PAIRED_RUN)
    cdef pm_where where
    cdef pm_status status
    if not run(&work, compare_part, &job):
        with nogil:  # in one part, which finds the first error
            status = compare_paired(&a.view, &b.view, uint64_data(out), &where)
        raise_from_comparison(status, &where, "masks", "other")
    return out


# What the ratios of pairs are made of and where they go.
cdef struct dividing:
    pm_ratio ratio
    const uint64_t *intersections
    const uint64_t *areas_a
    uint8_t *crowd_a
    const uint64_t *areas_b
    int64_t n_b
    uint8_t *crowd_b
    double *ratios


cdef c_bool divide_rows(void *context, int64_t _, int64_t begin, int64_t end) noexcept nogil:
    cdef dividing *job = <dividing *>context
    cdef uint8_t *crowd_a = NULL if job.crowd_a == NULL else job.crowd_a + begin
    pm_overlap_matrix_ratio(job.ratio, job.intersections + begin * job.n_b, job.areas_a + begin, end - begin, crowd_a,
                            job.areas_b, job.n_b, job.crowd_b, job.ratios + begin * job.n_b)
    return True


def matrix_ratio(int ratio, cnp.ndarray intersections, cnp.ndarray areas_a, cnp.ndarray areas_b, *, crowd_a=None,
                 crowd_b=None):
    """Ratios of all pairs, float64 (n_a, n_b). Areas and intersections: uint64; crowd: uint8 or None."""
    cdef int64_t n_a = cnp.PyArray_DIM(intersections, 0)
    cdef int64_t n_b = cnp.PyArray_DIM(intersections, 1)
    cdef cnp.npy_intp[2] shape
    shape[0] = n_a
    shape[1] = n_b
    cdef cnp.ndarray out = cnp.PyArray_SimpleNew(2, shape, cnp.NPY_FLOAT64)
    cdef dividing job = dividing(<pm_ratio>ratio, uint64_data(intersections), uint64_data(areas_a), flag_data(crowd_a),
                                 uint64_data(areas_b), n_b, flag_data(crowd_b), double_data(out))
    cdef pm_work work = pm_work(n_a, NULL, RATIO * <double>n_b, 0)
    run(&work, divide_rows, &job)
    return out


def grouped_ratio(int ratio, cnp.ndarray intersections, cnp.ndarray areas_a, cnp.ndarray groups_a,
                  cnp.ndarray areas_b, cnp.ndarray groups_b, crowd_b=None):
    """Ratios of the pairs inside each group, float64, in the memory of their intersections."""
    cdef int64_t n_groups = cnp.PyArray_DIM(groups_a, 0) - 1
    cdef cnp.ndarray out = intersections.view("f8")
    cdef uint8_t *flags_b = flag_data(crowd_b)
    with nogil:
        pm_overlap_grouped_ratio(<pm_ratio>ratio, uint64_data(intersections), uint64_data(areas_a),
                                 int64_data(groups_a), NULL, uint64_data(areas_b), int64_data(groups_b), flags_b,
                                 n_groups, double_data(out))
    return out


def paired_ratio(int ratio, cnp.ndarray intersections, cnp.ndarray areas_a, cnp.ndarray areas_b, crowd_b=None):
    """Ratios mask by mask, float64."""
    cdef int64_t n_a = cnp.PyArray_DIM(areas_a, 0)
    cdef int64_t n_b = cnp.PyArray_DIM(areas_b, 0)
    cdef cnp.ndarray out = new_double(cnp.PyArray_DIM(intersections, 0))
    cdef uint8_t *flags_b = flag_data(crowd_b)
    with nogil:
        pm_overlap_paired_ratio(<pm_ratio>ratio, uint64_data(intersections), uint64_data(areas_a), n_a,
                                uint64_data(areas_b), n_b, flags_b, double_data(out))
    return out


def box_ious(cnp.ndarray a, cnp.ndarray b, cnp.ndarray crowd_b):
    """IoU of boxes, float64 (n_a, n_b) in Fortran order. Boxes: float64 (n, 4) in C order."""
    cdef int64_t n_a = cnp.PyArray_DIM(a, 0)
    cdef int64_t n_b = cnp.PyArray_DIM(b, 0)
    cdef cnp.npy_intp[2] shape
    shape[0] = n_b
    shape[1] = n_a
    cdef cnp.ndarray out = cnp.PyArray_SimpleNew(2, shape, cnp.NPY_FLOAT64)
    cdef uint8_t *flags_b = flag_data(crowd_b)
    with nogil:
        pm_overlap_boxes(double_data(a), n_a, double_data(b), n_b, flags_b, double_data(out))
    return out.T


def crowd_flags(values, int64_t n, str name, str of):
    """n truth values as uint8, or None for None."""
    return None if values is None else flags(values, n, name, of)
