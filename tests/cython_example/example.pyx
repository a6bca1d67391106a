"""What a third party can write: cimports of every public module, on memoryviews, without the interpreter lock."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from panomask cimport cy_algebra, cy_counts, cy_dense, cy_nms, cy_overlap, cy_runs, cy_shapes


def area(const uint32_t[::1] counts, const int64_t[::1] offsets, uint64_t[::1] areas):
    """Area of each mask."""
    with nogil:
        cy_runs.area(&counts[0], &offsets[0], areas.shape[0], &areas[0])


def bbox(const uint32_t[::1] counts, const int64_t[::1] offsets, const int64_t[:, ::1] sizes, double[:, ::1] boxes):
    """Box of each mask."""
    with nogil:
        cy_runs.bbox(&counts[0], &offsets[0], &sizes[0, 0], boxes.shape[0], &boxes[0, 0])


def check(const uint32_t[::1] counts, const int64_t[::1] offsets, const int64_t[:, ::1] sizes):
    """Status of three arrays, and which mask is wrong."""
    cdef int64_t mask = -1
    cdef int status
    with nogil:
        status = cy_runs.check(&counts[0], &offsets[0], &sizes[0, 0], sizes.shape[0], counts.shape[0], &mask)
    return status, mask


def read(const uint8_t[::1] text, int64_t height, int64_t width, uint32_t[::1] counts):
    """How many runs the text has, or minus the status."""
    cdef int64_t n
    with nogil:
        n = cy_counts.read(&text[0], text.shape[0], height, width, &counts[0])
    return n


def write(const uint32_t[::1] counts, int64_t height, int64_t width, uint8_t[::1] text):
    """How many bytes the text has."""
    cdef int64_t n
    with nogil:
        n = cy_counts.write(&counts[0], counts.shape[0], height, width, &text[0])
    return n


def decode(const uint32_t[::1] counts, uint8_t[:, :] pixels):
    """Write a mask into pixels of either memory order."""
    cdef void *scratch = malloc(cy_dense.scratch_size(pixels.shape[0], pixels.shape[1]) + 1)
    with nogil:
        cy_dense.decode(&counts[0], counts.shape[0], pixels.shape[0], pixels.shape[1], &pixels[0, 0],
                        pixels.strides[0], pixels.strides[1], scratch)
    free(scratch)


def rasterize(const double[:, ::1] xy, int64_t height, int64_t width):
    """Runs of a polygon."""
    cdef int64_t n = xy.shape[0]
    cdef uint32_t *counts = <uint32_t *>malloc(cy_shapes.bound(&xy[0, 0], n, height, width) * sizeof(uint32_t))
    cdef void *scratch = malloc(cy_shapes.scratch_size(&xy[0, 0], n, height, width) + 1)
    cdef int64_t runs
    with nogil:
        runs = cy_shapes.rasterize(&xy[0, 0], n, height, width, counts, scratch)
    found = [counts[i] for i in range(runs)]
    free(counts)
    free(scratch)
    return found


def combine(int operation, const uint32_t[::1] a, const uint32_t[::1] b, int64_t height, int64_t width,
            uint32_t[::1] counts):
    """How many runs the result has."""
    cdef int64_t n
    with nogil:
        n = cy_algebra.combine(operation, &a[0], a.shape[0], &b[0], b.shape[0], height, width, &counts[0])
    return n


def intersection_area(const uint32_t[::1] counts_a, const int64_t[::1] offsets_a, const int64_t[:, ::1] sizes_a,
                      const uint32_t[::1] counts_b, const int64_t[::1] offsets_b, const int64_t[:, ::1] sizes_b,
                      uint64_t[:, ::1] areas):
    """Pixels that all pairs share."""
    cdef int64_t n_a = sizes_a.shape[0]
    cdef int64_t n_b = sizes_b.shape[0]
    cdef void *scratch = malloc(cy_overlap.scratch_size(&offsets_a[0], n_a, &offsets_b[0], n_b) + 1)
    with nogil:
        cy_overlap.intersection_area(&counts_a[0], &offsets_a[0], n_a, &counts_b[0], &offsets_b[0], n_b,
                                     &sizes_a[0, 0], &sizes_b[0, 0], &areas[0, 0], scratch)
    free(scratch)


def keepers(const uint32_t[::1] counts, const int64_t[::1] offsets, const int64_t[:, ::1] sizes, double threshold,
            int64_t[::1] keepers):
    """Which mask keeps each one."""
    cdef int64_t n = sizes.shape[0]
    cdef void *scratch = malloc(cy_nms.scratch_size(&offsets[0], n) + 1)
    with nogil:
        cy_nms.greedy_keepers(&counts[0], &offsets[0], &sizes[0, 0], n, 0, threshold, &keepers[0], scratch)
    free(scratch)
