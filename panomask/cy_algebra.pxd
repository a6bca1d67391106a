"""Set operations on two masks for Cython code, on plain pointers, without the GIL."""

from libc.stdint cimport int64_t, uint32_t

# The result of an operation on two masks of one size. operation: its truth table, bit (a + 2 b): 8 and, 14 or, 6 xor,
# 2 and not. counts: room for length_a + length_b + 1 runs, and two more for every 2^32 - 1 pixels. Returns how many
# runs there are.
cdef int64_t combine(int operation, const uint32_t *counts_a, int64_t length_a, const uint32_t *counts_b,
                     int64_t length_b, int64_t height, int64_t width, uint32_t *counts) noexcept nogil
