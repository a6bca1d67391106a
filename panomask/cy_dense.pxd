"""Dense masks for Cython code, on plain pointers, without the GIL."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

# Write one mask of `length` runs into zeroed uint8 pixels: ones where there is foreground. Pixel (row, column) is at
# pixels[row * row_stride + column * column_stride]; one of the strides is 1. scratch: scratch_size(height,
# width) bytes.
cdef void decode(const uint32_t *counts, int64_t length, int64_t height, int64_t width, uint8_t *pixels,
                 int64_t row_stride, int64_t column_stride, void *scratch) noexcept nogil

cdef size_t scratch_size(int64_t height, int64_t width) noexcept nogil
