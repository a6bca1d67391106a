"""Read-outs of run lists for Cython code: the C functions of the same names, on plain pointers, without the GIL.

counts, offsets and sizes are the arrays of an RLEArray: mask i is counts[offsets[i]] .. counts[offsets[i + 1] - 1],
on an image of sizes[2 * i] rows and sizes[2 * i + 1] columns. They must be valid, as every RLEArray is.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t

# 0 if the n masks on `length` counts are valid, else the status; `mask` tells which one is not
cdef int check(const uint32_t *counts, const int64_t *offsets, const int64_t *sizes, int64_t n, int64_t length,
               int64_t *mask) noexcept nogil

# foreground pixels of each mask; areas: n
cdef void area(const uint32_t *counts, const int64_t *offsets, int64_t n, uint64_t *areas) noexcept nogil

# x, y, width, height of each mask; boxes: n x 4
cdef void bbox(const uint32_t *counts, const int64_t *offsets, const int64_t *sizes, int64_t n,
               double *boxes) noexcept nogil
