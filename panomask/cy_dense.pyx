"""Bindings of pm_dense: arrays of pixels <-> a batch. Arrays come as (n, h, w) views of any strides."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

cimport numpy as cnp

import numpy as np

from panomask._batch cimport Batch
from panomask._c cimport PM_PIXEL_INTEGER, PM_ZEROED, pm_batch, pm_dense, pm_dense_decode, pm_dense_decode_scratch
from panomask._dense cimport common_size as read_common_size
from panomask._dense cimport decode_images, encode_batch, images_of

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
    pm_dense_decode(&mask, &image, &one, PM_ZEROED, scratch)


cdef size_t scratch_size(int64_t height, int64_t width) noexcept nogil:
    cdef pm_dense image = one_image(NULL, height, width, width, 1)  # rows need more than columns, which need none
    return pm_dense_decode_scratch(&image, PM_ZEROED)


def encode(type cls, cnp.ndarray images, threshold, str name):
    """Encode (n, h, w). With a threshold the pixels are float32 or float64, without one integers or bool."""
    cdef pm_dense dense = images_of(images, False, threshold)
    return encode_batch(cls, &dense, name)


def decode_into(Batch masks, cnp.ndarray images, bint zeroed, origin=None):
    """Write the masks into (n, h, w), one where there is foreground. Sizes agree; or there is an origin, and the window
    of (h, w) at that row and column is inside every mask."""
    cdef pm_dense dense = images_of(images, False, None)
    cdef uint8_t byte = 1
    cdef const void *one = &byte
    cdef cnp.ndarray pixel
    if dense.item_size > 1:
        pixel = np.ones(1, images.dtype)
        one = cnp.PyArray_DATA(pixel)
    decode_images(&masks.view, &dense, one, zeroed, origin)


def common_size(Batch masks, str name):
    """Height and width of all masks, or SizeMismatchError; 0 x 0 where there are none."""
    cdef int64_t[2] size
    read_common_size(&masks.view, name, size)
    return size[0], size[1]
