"""Non-maximum suppression for Cython code, on plain pointers, without the GIL."""

from libc.stdint cimport int64_t, uint32_t

# Bytes of scratch for n masks.
cdef size_t scratch_size(const int64_t *offsets, int64_t n) noexcept nogil

# Index of each mask's keeper, its own where it is kept: the first kept mask before it whose ratio with it is above the
# threshold. Masks are in descending order of their scores, all of height x width. ratio: 0 IoU, 1 Dice, 2 intersection
# over the smaller area.
cdef void greedy_keepers(const uint32_t *counts, const int64_t *offsets, const int64_t *sizes, int64_t n, int ratio,
                         double threshold, int64_t *keepers, void *scratch) noexcept nogil
