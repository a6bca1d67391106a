"""Bindings of pm_runs: making a batch of arrays, and what can be read off it."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

cimport numpy as cnp

import numpy as np

from panomask._batch cimport (
    Batch,
    counts_data,
    int64_data,
    new_batch,
    new_counts,
    new_int64,
    new_sizes,
    new_uint64,
    read_only,
)
from panomask._c cimport (
    c_bool,
    pm_batch,
    pm_runs_area,
    pm_runs_bbox,
    pm_runs_check,
    pm_runs_equal,
    pm_runs_part,
    pm_runs_select,
    pm_runs_select_bound,
    pm_runs_to_values,
    pm_status,
    pm_where,
    pm_work,
)
from panomask._status cimport check as check_status
from panomask._threads cimport run

from panomask._check import as_integers

cnp.import_array()

# What things cost, in nanoseconds.
cdef double AREA_RUN = 0.1
cdef double BOX_RUN = 0.5
cdef double MASK = 5


cdef int check(const uint32_t *counts, const int64_t *offsets, const int64_t *sizes, int64_t n, int64_t length,
               int64_t *mask) noexcept nogil:
    cdef pm_batch batch = pm_batch(counts, offsets, sizes, n)
    cdef pm_where where
    where.mask = -1
    cdef pm_status status = pm_runs_check(&batch, length, &where)
    mask[0] = where.mask
    return status


cdef void area(const uint32_t *counts, const int64_t *offsets, int64_t n, uint64_t *areas) noexcept nogil:
    cdef pm_batch batch = pm_batch(counts, offsets, NULL, n)
    pm_runs_area(&batch, areas)


cdef void bbox(const uint32_t *counts, const int64_t *offsets, const int64_t *sizes, int64_t n,
               double *boxes) noexcept nogil:
    cdef pm_batch batch = pm_batch(counts, offsets, sizes, n)
    pm_runs_bbox(&batch, boxes)


def from_arrays(type cls, counts, offsets, sizes):
    """Check three arrays and make them a batch; they are not copied where they have the dtypes of a batch."""
    counts = _flat(counts, np.uint32, "counts")
    offsets = _flat(offsets, np.int64, "offsets")
    sizes = _integers(sizes, np.int64, "sizes")
    if sizes.ndim != 2 or sizes.shape[1] != 2:
        raise ValueError(f"sizes has shape {sizes.shape}, expected (n, 2): height and width of each mask")
    if len(offsets) != len(sizes) + 1:
        raise ValueError(f"offsets has {len(offsets)} elements, expected {len(sizes) + 1}, one more than the "
                         f"{len(sizes)} sizes")
    # views, so that the batch is read-only and the caller's own arrays stay as they are
    cdef Batch batch = new_batch(cls, counts[:], offsets[:], sizes[:])
    cdef int64_t length = len(counts)
    cdef pm_where where
    cdef pm_status status
    with nogil:
        status = pm_runs_check(&batch.view, length, &where)
    check_status(status, &where, "masks")
    return batch


def own_arrays(type cls, counts, offsets, sizes):
    """The same of arrays that nobody else holds, which nobody can write any more then."""
    for array in (counts, offsets, sizes):
        array.flags.writeable = False
    return from_arrays(cls, counts, offsets, sizes)


def _integers(array, dtype, name):
    """An array of `dtype`, contiguous, without a copy where it is that already; values that do not fit are errors."""
    array = as_integers(array, name)
    limits = np.iinfo(dtype)
    if array.size > 0 and not np.can_cast(array.dtype, dtype):
        low, high = int(array.min()), int(array.max())
        if low < limits.min:
            raise ValueError(f"{name} has {low}, expected {limits.min} or more")
        if high > limits.max:
            raise OverflowError(f"{name} has {high}, expected {limits.max} or less")
    return np.require(array, dtype=dtype, requirements=["C", "A"])


def _flat(array, dtype, name):
    array = _integers(array, dtype, name)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}, expected one dimension")
    return array


cdef cnp.ndarray part_of(cnp.ndarray array, int64_t start, int64_t stop):
    """array[start:stop] of int64 in C order, which costs a third of numpy's way."""
    cdef int n_axes = cnp.PyArray_NDIM(array)
    cdef cnp.npy_intp[2] shape
    shape[0] = stop - start
    shape[1] = cnp.PyArray_DIM(array, 1) if n_axes == 2 else 1
    cdef cnp.ndarray part = cnp.PyArray_SimpleNewFromData(n_axes, shape, cnp.NPY_INT64,
                                                          int64_data(array) + start * shape[1])
    cnp.set_array_base(part, array)
    return part


def slice_of(Batch masks, int64_t start, int64_t stop):
    """Masks start .. stop - 1, on the same memory. 0 <= start <= stop <= n."""
    return new_batch(type(masks), masks.counts, part_of(masks.offsets, start, stop + 1),
                     part_of(masks.sizes, start, stop))


def select(Batch masks, cnp.ndarray index):
    """The masks with the given indices, copied. index: int64, contiguous, each in 0 .. n - 1."""
    cdef int64_t k = cnp.PyArray_DIM(index, 0)
    cdef int64_t *indices = int64_data(index)
    cdef cnp.ndarray counts = new_counts(pm_runs_select_bound(&masks.view, indices, k))
    cdef cnp.ndarray offsets = new_int64(k + 1)
    cdef cnp.ndarray sizes = new_sizes(k)
    with nogil:
        pm_runs_select(&masks.view, indices, k, counts_data(counts), int64_data(offsets), int64_data(sizes))
    return new_batch(type(masks), counts, offsets, sizes)


# A batch, and an array with something for each of its masks.
cdef struct measuring:
    pm_batch masks
    void *out


cdef c_bool measure_areas(void *context, int64_t _, int64_t begin, int64_t end) noexcept nogil:
    cdef measuring *job = <measuring *>context
    cdef pm_batch masks = pm_runs_part(&job.masks, begin, end)
    pm_runs_area(&masks, <uint64_t *>job.out + begin)
    return True


cdef c_bool measure_boxes(void *context, int64_t _, int64_t begin, int64_t end) noexcept nogil:
    cdef measuring *job = <measuring *>context
    cdef pm_batch masks = pm_runs_part(&job.masks, begin, end)
    pm_runs_bbox(&masks, <double *>job.out + 4 * begin)
    return True


def areas(Batch masks):
    """Foreground pixels of each mask, uint64, read-only. Counted once: the masks never change."""
    if masks.areas is None:
        masks.areas = read_only(measured_areas(masks), True)
    return masks.areas


def boxes(Batch masks):
    """x, y, width, height of each mask, float64 (n, 4), read-only. Found once."""
    if masks.boxes is None:
        masks.boxes = read_only(measured_boxes(masks), True)
    return masks.boxes


cdef cnp.ndarray measured_areas(Batch masks):
    cdef cnp.ndarray out = new_uint64(masks.view.n)
    cdef measuring job = measuring(masks.view, cnp.PyArray_DATA(out))
    cdef pm_work work = pm_work(masks.view.n, masks.view.offsets, MASK, AREA_RUN)
    run(&work, measure_areas, &job)
    return out


cdef cnp.ndarray measured_boxes(Batch masks):
    cdef cnp.npy_intp[2] shape
    shape[0] = masks.view.n
    shape[1] = 4
    cdef cnp.ndarray out = cnp.PyArray_SimpleNew(2, shape, cnp.NPY_FLOAT64)
    cdef measuring job = measuring(masks.view, cnp.PyArray_DATA(out))
    cdef pm_work work = pm_work(masks.view.n, masks.view.offsets, MASK, BOX_RUN)
    run(&work, measure_boxes, &job)
    return out


def equal(Batch a, Batch b):
    """Whether mask i of a is mask i of b, bool (n,)."""
    if a.view.n != b.view.n:
        raise ValueError(f"cannot compare {a.view.n} masks with {b.view.n}")
    cdef cnp.npy_intp n = a.view.n
    cdef cnp.ndarray out = cnp.PyArray_SimpleNew(1, &n, cnp.NPY_BOOL)
    with nogil:
        pm_runs_equal(&a.view, &b.view, <c_bool *>cnp.PyArray_DATA(out))
    return out


def to_values(Batch masks):
    """Canonical run lengths of each mask, a list of lists of int."""
    cdef cnp.ndarray values = new_int64(masks.view.offsets[masks.view.n] - masks.view.offsets[0] + masks.view.n)
    cdef cnp.ndarray offsets = new_int64(masks.view.n + 1)
    with nogil:
        pm_runs_to_values(&masks.view, int64_data(values), int64_data(offsets))
    numbers = values.tolist()
    ends = offsets.tolist()
    return [numbers[ends[i]:ends[i + 1]] for i in range(masks.view.n)]
