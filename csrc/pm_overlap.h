/* pm_overlap.h - masks prepared for comparison, for the files that compare them in an order of their own. */
#ifndef PM_OVERLAP_H
#define PM_OVERLAP_H

#include "pm_kernels.h"
#include "pm_runs.h"

/* Foreground start .. end - 1, in positions. */
typedef struct pm_interval {
    int64_t start;
    int64_t end;
} pm_interval;

/* What is prepared of one mask. */
typedef struct pm_prepared {
    pm_box box;
    const uint64_t *bits; /* word (row / 64, column) at bits[(row / 64 - top) * width + column - box.left], or NULL */
    int64_t top;          /* box.top / 64                                                                           */
    int64_t width;        /* columns of the box                                                                     */
    const pm_interval *intervals; /* only where some mask of the call has no bits */
    int64_t n;
} pm_prepared;

/* Both sides of a call, prepared. */
typedef struct pm_sides {
    pm_prepared *a;
    pm_prepared *b;
} pm_sides;

/* Prepare two batches, of which one may be empty; all of one size where `use_bits` is set, or else only pairs that are
 * compared. Bits cost as much as one merge of intervals, so they are worth it from the second comparison on. */
size_t pm_overlap_prepare_scratch(const pm_batch *a, const pm_batch *b, bool use_bits);
pm_sides pm_overlap_prepare(const pm_batch *a, const pm_batch *b, bool use_bits, void *scratch);

/* Pixels that two masks share, which were prepared in one call and have one size. */
uint64_t pm_overlap_intersect(const pm_kernels *kernels, const pm_prepared *a, const pm_prepared *b, int64_t height);

/* The ratio of one pair. Areas are below 2^53, so the quotient is the one double nearest to the ratio. */
static inline double pm_overlap_divide(pm_ratio ratio, uint64_t intersection, uint64_t area_a, bool crowd_a,
                                       uint64_t area_b, bool crowd_b) {
    if (intersection == 0)
        return 0;
    if (ratio == PM_RATIO_DICE)
        return 2 * (double)intersection / (double)(area_a + area_b);
    if (ratio == PM_RATIO_IOS)
        return (double)intersection / (double)(area_a < area_b ? area_a : area_b);
    uint64_t whole = crowd_b ? area_a : crowd_a ? area_b : area_a + area_b - intersection;
    return (double)intersection / (double)whole;
}

#endif
