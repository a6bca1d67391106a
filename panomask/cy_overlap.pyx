"""Bindings of pm_overlap: intersection areas of many pairs, and the ratios made of them."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cimport numpy as cnp

from panomask._batch cimport Batch, Scratch, double_data, new_double, new_scratch, new_uint64, uint64_data
from panomask._c cimport (
    PM_RATIO_DICE,
    PM_RATIO_IOU,
    pm_batch,
    pm_overlap_boxes,
    pm_overlap_matrix,
    pm_overlap_matrix_ratio,
    pm_overlap_paired,
    pm_overlap_paired_ratio,
    pm_overlap_scratch,
    pm_ratio,
    pm_status,
    pm_where,
)
from panomask._check cimport check_lengths, flags
from panomask._status cimport check as check_status

cnp.import_array()

IOU = <int>PM_RATIO_IOU
DICE = <int>PM_RATIO_DICE


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


def matrix(Batch a, Batch b, str name_a="masks", str name_b="other"):
    """Intersection areas of all pairs, uint64 (n_a, n_b)."""
    cdef cnp.npy_intp[2] shape
    shape[0] = a.view.n
    shape[1] = b.view.n
    cdef cnp.ndarray out = cnp.PyArray_SimpleNew(2, shape, cnp.NPY_UINT64)
    cdef Scratch scratch = new_scratch(pm_overlap_scratch(&a.view, &b.view))
    cdef pm_where where
    cdef pm_status status
    with nogil:
        status = pm_overlap_matrix(&a.view, &b.view, uint64_data(out), scratch.data, &where)
    check_status(status, &where, name_a, name_b)
    return out


def paired(Batch a, Batch b):
    """Intersection areas mask by mask, uint64; a batch of one goes with every mask of the other."""
    check_lengths(a.view.n, b.view.n)
    cdef cnp.ndarray out = new_uint64(b.view.n if a.view.n == 1 else a.view.n)
    cdef Scratch scratch = new_scratch(pm_overlap_scratch(&a.view, &b.view))
    cdef pm_where where
    cdef pm_status status
    with nogil:
        status = pm_overlap_paired(&a.view, &b.view, uint64_data(out), scratch.data, &where)
    check_status(status, &where, "masks", "other")
    return out


def matrix_ratio(int ratio, cnp.ndarray intersections, cnp.ndarray areas_a, cnp.ndarray areas_b, *, crowd_a=None,
                 crowd_b=None):
    """Ratios of all pairs, float64 (n_a, n_b). Areas and intersections: uint64; crowd: uint8 or None."""
    cdef int64_t n_a = cnp.PyArray_DIM(intersections, 0)
    cdef int64_t n_b = cnp.PyArray_DIM(intersections, 1)
    cdef cnp.npy_intp[2] shape
    shape[0] = n_a
    shape[1] = n_b
    cdef cnp.ndarray out = cnp.PyArray_SimpleNew(2, shape, cnp.NPY_FLOAT64)
    cdef uint8_t *flags_a = flag_data(crowd_a)
    cdef uint8_t *flags_b = flag_data(crowd_b)
    with nogil:
        pm_overlap_matrix_ratio(<pm_ratio>ratio, uint64_data(intersections), uint64_data(areas_a), n_a, flags_a,
                                uint64_data(areas_b), n_b, flags_b, double_data(out))
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
