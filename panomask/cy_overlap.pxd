"""Intersection areas for Cython code, on plain pointers, without the GIL."""

from libc.stdint cimport int64_t, uint32_t, uint64_t

# Bytes of scratch for two batches.
cdef size_t scratch_size(const int64_t *offsets_a, int64_t n_a, const int64_t *offsets_b, int64_t n_b) noexcept nogil

# Pixels that mask i of a and mask j of b share: areas[i * n_b + j]. All masks are of height x width.
cdef void intersection_area(const uint32_t *counts_a, const int64_t *offsets_a, int64_t n_a,
                            const uint32_t *counts_b, const int64_t *offsets_b, int64_t n_b, const int64_t *sizes_a,
                            const int64_t *sizes_b, uint64_t *areas, void *scratch) noexcept nogil
