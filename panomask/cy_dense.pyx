"""Bindings of pm_dense: arrays of pixels <-> a batch. Arrays come as (n, h, w) views of any strides."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

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
    PM_FULL,
    PM_PIXEL_FLOAT,
    PM_PIXEL_INTEGER,
    pm_batch,
    pm_dense,
    pm_dense_decode,
    pm_dense_decode_scratch,
    pm_dense_decode_window,
    pm_dense_encode,
    pm_dense_encode_scratch,
    pm_runs_check_sizes,
    pm_status,
    pm_where,
)
from panomask._status cimport check as check_status

cnp.import_array()


cdef pm_dense one_image(uint8_t *pixels, int64_t height, int64_t width, int64_t row_stride,
                        int64_t column_stride) noexcept nogil:
    cdef pm_dense image
    image.data = <void *>pixels
    image.n = 1
    image.height = height
    image.width = width
    image.strides[0] = 0
    image.strides[1] = row_stride
    image.strides[2] = column_stride
    image.item_size = 1
    image.pixel = PM_PIXEL_INTEGER
    image.threshold = 0
    return image


cdef void decode(const uint32_t *counts, int64_t length, int64_t height, int64_t width, uint8_t *pixels,
                 int64_t row_stride, int64_t column_stride, void *scratch) noexcept nogil:
    cdef int64_t[2] offsets
    cdef uint8_t one = 1
    offsets[0] = 0
    offsets[1] = length
    cdef pm_batch mask = pm_batch(counts, &offsets[0], NULL, 1)
    cdef pm_dense image = one_image(pixels, height, width, row_stride, column_stride)
    pm_dense_decode(&mask, &image, &one, True, scratch)


cdef size_t scratch_size(int64_t height, int64_t width) noexcept nogil:
    cdef pm_dense image = one_image(NULL, height, width, width, 1)  # rows need more than columns, which need none
    return pm_dense_decode_scratch(&image)


cdef pm_dense describe(cnp.ndarray images, object threshold):
    """The C core's view of an array (n, h, w)."""
    cdef pm_dense dense
    cdef int k
    dense.data = cnp.PyArray_DATA(images)
    dense.n = cnp.PyArray_DIM(images, 0)
    dense.height = cnp.PyArray_DIM(images, 1)
    dense.width = cnp.PyArray_DIM(images, 2)
    for k in range(3):
        dense.strides[k] = cnp.PyArray_STRIDE(images, k)
    dense.item_size = cnp.PyArray_ITEMSIZE(images)
    dense.pixel = PM_PIXEL_INTEGER if threshold is None else PM_PIXEL_FLOAT
    dense.threshold = 0 if threshold is None else threshold
    return dense


def encode(type cls, cnp.ndarray images, threshold, str name):
    """Encode (n, h, w). With a threshold the pixels are float32 or float64, without one integers or bool."""
    cdef pm_dense dense = describe(images, threshold)
    cdef int64_t n = dense.n
    cdef int64_t i
    cdef pm_where where
    cdef cnp.ndarray sizes = new_sizes(n)
    for i in range(n):
        int64_data(sizes)[2 * i] = dense.height
        int64_data(sizes)[2 * i + 1] = dense.width
    cdef pm_status status = pm_runs_check_sizes(int64_data(sizes), min(n, 1), &where)
    check_status(status, &where, name)
    cdef cnp.ndarray offsets = new_int64(n + 1)
    int64_data(offsets)[0] = 0
    # Objects have about as many runs as their image has columns, half of them; a mask takes a reserve of its own too.
    cdef int64_t capacity = 1024 + n * min(dense.width, 4096)
    cdef cnp.ndarray counts = new_counts(capacity)
    cdef Scratch scratch = new_scratch(pm_dense_encode_scratch(&dense))
    where.mask = 0
    while True:
        with nogil:
            status = pm_dense_encode(&dense, where.mask, counts_data(counts), capacity, int64_data(offsets),
                                     scratch.data, &where)
        if status != PM_FULL:
            break
        capacity = where.expected
        counts = resize_counts(counts, int64_data(offsets)[where.mask], capacity)
    cdef int64_t used = int64_data(offsets)[n]
    return new_batch(cls, resize_counts(counts, used, used), offsets, sizes)


def decode_into(Batch masks, cnp.ndarray images, cnp.ndarray one, bint zeroed, origin=None):
    """Write the masks into (n, h, w), `one` (an array of one pixel) where there is foreground. Sizes agree; or there is
    an origin, and the window of (h, w) at that row and column is inside every mask."""
    cdef pm_dense dense = describe(images, None)
    cdef void *pixel = cnp.PyArray_DATA(one)
    cdef Scratch scratch = new_scratch(pm_dense_decode_scratch(&dense))
    cdef int64_t top = 0
    cdef int64_t left = 0
    cdef bint is_window = origin is not None
    if is_window:
        top, left = origin
    with nogil:
        if is_window:
            pm_dense_decode_window(&masks.view, top, left, &dense, pixel, zeroed, scratch.data)
        else:
            pm_dense_decode(&masks.view, &dense, pixel, zeroed, scratch.data)
