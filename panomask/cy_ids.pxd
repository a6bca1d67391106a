"""RGB pixels and segment ids for Cython code, on plain pointers, without the GIL."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

# ids[i] = rgb[3 i] + 256 rgb[3 i + 1] + 65536 rgb[3 i + 2] for n pixels.
cdef void rgb_to_ids(const uint8_t *rgb, int64_t n, uint32_t *ids) noexcept nogil

# The other way. Returns the first id that is 2^24 or more, where the pixels mean nothing, or -1.
cdef int64_t ids_to_rgb(const uint32_t *ids, int64_t n, uint8_t *rgb) noexcept nogil
