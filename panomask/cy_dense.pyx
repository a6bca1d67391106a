"""Bindings of pm_dense: arrays of pixels <-> a batch. Arrays come as (n, h, w) views of any strides."""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc

cimport numpy as cnp

import numpy as np

from panomask._batch cimport Batch, int64_data, new_sizes
from panomask._c cimport (
    PM_FULL,
    PM_PIXEL_FLOAT,
    PM_PIXEL_INTEGER,
    c_bool,
    pm_batch,
    pm_dense,
    pm_dense_decode,
    pm_dense_decode_scratch,
    pm_dense_decode_window,
    pm_dense_encode,
    pm_dense_encode_scratch,
    pm_runs_check_sizes,
    pm_runs_part,
    pm_status,
    pm_where,
    pm_work,
)
from panomask._status cimport check as check_status
from panomask._threads cimport make, n_parts, output, reserve, resize, run

cnp.import_array()

# What things cost, in nanoseconds.
cdef double ENCODE_BYTE = 0.06
cdef double DECODE_BYTE = 0.03
cdef double DECODE_RUN = 3


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


cdef c_bool encode_part(void *context, int64_t begin, int64_t end, output *out) noexcept nogil:
    cdef pm_dense images = (<pm_dense *>context)[0]
    images.data = <char *>images.data + begin * images.strides[0]
    images.n = end - begin
    # Objects have about as many runs as their image has columns, half of them; a mask takes a reserve of its own too.
    cdef int64_t capacity = 1024 + images.n * min(images.width, 4096)
    if not reserve(out, images.n, capacity, pm_dense_encode_scratch(&images)):
        return False
    out.where.mask = 0
    while True:
        out.status = pm_dense_encode(&images, out.where.mask, out.counts, capacity, out.offsets, out.scratch,
                                     &out.where)
        if out.status != PM_FULL:
            return True
        capacity = out.where.expected
        if not resize(out, capacity):
            return False


def encode(type cls, cnp.ndarray images, threshold, str name):
    """Encode (n, h, w). With a threshold the pixels are float32 or float64, without one integers or bool."""
    cdef pm_dense dense = describe(images, threshold)
    cdef int64_t n = dense.n
    cdef int64_t i
    cdef pm_where where
    cdef cnp.ndarray groups
    cdef cnp.ndarray sizes = new_sizes(n)
    for i in range(n):
        int64_data(sizes)[2 * i] = dense.height
        int64_data(sizes)[2 * i + 1] = dense.width
    cdef pm_status status = pm_runs_check_sizes(int64_data(sizes), min(n, 1), &where)
    check_status(status, &where, name)
    cdef pm_work work = pm_work(n, NULL, ENCODE_BYTE * <double>(dense.height * dense.width * dense.item_size), 0)
    if dense.strides[0] == dense.item_size and n_parts(&work) > 1:  # interleaved images are read 64 at a time
        groups = np.arange(n + 1, dtype=np.int64) // 64 * 64
        groups[n] = n
        work = pm_work(n, int64_data(groups), 0, work.item_cost)
    return make(cls, &work, encode_part, &dense, sizes, name)


cdef struct decoding:
    pm_batch masks
    pm_dense images
    const void *one
    c_bool zeroed
    c_bool is_window
    int64_t top
    int64_t left


cdef c_bool decode_part(void *context, int64_t _, int64_t begin, int64_t end) noexcept nogil:
    cdef decoding *job = <decoding *>context
    cdef pm_batch masks = pm_runs_part(&job.masks, begin, end)
    cdef pm_dense images = job.images
    images.data = <char *>images.data + begin * images.strides[0]
    images.n = end - begin
    cdef void *scratch = malloc(pm_dense_decode_scratch(&images) + 1)
    if scratch == NULL:
        return False
    if job.is_window:
        pm_dense_decode_window(&masks, job.top, job.left, &images, job.one, job.zeroed, scratch)
    else:
        pm_dense_decode(&masks, &images, job.one, job.zeroed, scratch)
    free(scratch)
    return True


def decode_into(Batch masks, cnp.ndarray images, cnp.ndarray one, bint zeroed, origin=None):
    """Write the masks into (n, h, w), `one` (an array of one pixel) where there is foreground. Sizes agree; or there is
    an origin, and the window of (h, w) at that row and column is inside every mask."""
    cdef pm_dense dense = describe(images, None)
    cdef decoding job
    job.masks = masks.view
    job.images = dense
    job.one = cnp.PyArray_DATA(one)
    job.zeroed = zeroed
    job.is_window = origin is not None
    if job.is_window:
        job.top, job.left = origin
    cdef pm_work work = pm_work(
        dense.n, masks.view.offsets, DECODE_BYTE * <double>(dense.height * dense.width * dense.item_size), DECODE_RUN
    )
    if not run(&work, decode_part, &job):
        raise MemoryError("cannot allocate what decoding needs")
