"""COCO's polygon rasteriser for Cython code, on plain pointers, without the GIL."""

from libc.stdint cimport int64_t, uint32_t

# How many counts, and how many bytes of scratch, the ring of n_points points x, y may need.
cdef int64_t bound(const double *xy, int64_t n_points, int64_t height, int64_t width) noexcept nogil
cdef size_t scratch_size(const double *xy, int64_t n_points, int64_t height, int64_t width) noexcept nogil

# Rasterise it. Coordinates are finite and below 2^45, height * width at most 2^40. Returns how many runs there are.
cdef int64_t rasterize(const double *xy, int64_t n_points, int64_t height, int64_t width, uint32_t *counts,
                       void *scratch) noexcept nogil
