"""COCO counts text <-> runs for Cython code, on plain pointers, without the GIL."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

# Read and check one mask of height x width out of `length` bytes of text. counts: room for `length` runs, and two more
# for every 2^32 - 1 pixels of the image. Returns how many runs there are, or minus the status.
cdef int64_t read(const uint8_t *text, int64_t length, int64_t height, int64_t width,
                  uint32_t *counts) noexcept nogil

# Write one mask of `length` runs as canonical text. text: room for 9 bytes a run, and one more. Returns how many bytes there are.
cdef int64_t write(const uint32_t *counts, int64_t length, int64_t height, int64_t width,
                   uint8_t *text) noexcept nogil
