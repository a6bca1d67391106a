/* pm_overlap.c - intersection areas of many pairs of masks, and the ratios made of them.
 *
 * Every mask is turned once into the intervals of its foreground. For a pair, boxes are compared first; where they
 * meet, both lists of intervals are entered by binary search at the first common column and merged to the last one. The
 * merge adds max(0, end - start) and advances by comparison results, without a branch on the data but the loop's own.
 */
#include "pm_runs.h"

#include <math.h>

/* Foreground start .. end - 1, in positions. */
typedef struct interval {
    int64_t start;
    int64_t end;
} interval;

/* What is prepared of one mask. */
typedef struct prepared {
    const interval *intervals;
    int64_t n;
    pm_box box;
} prepared;

/* Scratch: what is prepared of the masks of a, of b, then the intervals of a, of b. A list of m runs has m / 2. */
static int64_t most_intervals(const pm_batch *masks) {
    return (masks->offsets[masks->n] - masks->offsets[0]) / 2;
}

size_t pm_overlap_scratch(const pm_batch *a, const pm_batch *b) {
    return (size_t)(a->n + b->n) * sizeof(prepared) +
           (size_t)(most_intervals(a) + most_intervals(b)) * sizeof(interval);
}

/* Returns past the last interval that was written. */
static interval *prepare(const pm_batch *masks, prepared *out, interval *intervals) {
    for (int64_t i = 0; i < masks->n; i++) {
        pm_list list = pm_runs_list(masks, i);
        out[i].intervals = intervals;
        out[i].box = pm_runs_box(list, masks->sizes[2 * i]);
        int64_t position = 0;
        for (int64_t j = 0; j + 1 < list.length; j += 2) {
            int64_t start = position + list.runs[j];
            position = start + list.runs[j + 1];
            *intervals = (interval){start, position};
            intervals += position > start;
        }
        out[i].n = intervals - out[i].intervals;
    }
    return intervals;
}

/* The first interval that ends after `position`. */
static const interval *find_first(const prepared *mask, int64_t position) {
    const interval *first = mask->intervals;
    for (int64_t n = mask->n; n > 0;) {
        int64_t half = n / 2;
        if (first[half].end <= position) {
            first += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return first;
}

static uint64_t intersect(const prepared *a, const prepared *b, int64_t height) {
    int64_t left = pm_max(a->box.left, b->box.left);
    int64_t right = pm_min(a->box.right, b->box.right);
    if (left >= right || pm_max(a->box.top, b->box.top) >= pm_min(a->box.bottom, b->box.bottom))
        return 0;
    const interval *end_a = a->intervals + a->n;
    const interval *end_b = b->intervals + b->n;
    const interval *next_a = find_first(a, left * height);
    const interval *next_b = find_first(b, left * height);
    int64_t last = right * height;
    int64_t area = 0;
    while (next_a < end_a && next_b < end_b) {
        interval x = *next_a;
        interval y = *next_b;
        int64_t start = pm_max(x.start, y.start);
        int64_t end = pm_min(x.end, y.end);
        if (start >= last)
            break;
        area += pm_max(0, end - start);
        next_a += x.end <= y.end;
        next_b += y.end <= x.end;
    }
    return (uint64_t)area;
}

pm_status pm_overlap_matrix(const pm_batch *a, const pm_batch *b, uint64_t *areas, void *scratch, pm_where *where) {
    if (a->n == 0 || b->n == 0)
        return PM_OK;
    for (int64_t i = 0; i < a->n; i++)
        if (!pm_runs_same_size(a, i, b, 0, where))
            return PM_SIZE_MISMATCH;
    for (int64_t j = 0; j < b->n; j++)
        if (!pm_runs_same_size(a, 0, b, j, where))
            return PM_SIZE_MISMATCH;
    prepared *masks_a = scratch;
    prepared *masks_b = masks_a + a->n;
    interval *intervals = prepare(a, masks_a, (interval *)(masks_b + b->n));
    prepare(b, masks_b, intervals);
    int64_t height = a->sizes[0];
    for (int64_t i = 0; i < a->n; i++)
        for (int64_t j = 0; j < b->n; j++)
            areas[i * b->n + j] = intersect(&masks_a[i], &masks_b[j], height);
    return PM_OK;
}

pm_status pm_overlap_paired(const pm_batch *a, const pm_batch *b, uint64_t *areas, void *scratch, pm_where *where) {
    int64_t n = pm_runs_paired(a, b);
    for (int64_t i = 0; i < n; i++)
        if (!pm_runs_same_size(a, pm_runs_partner(a, i), b, pm_runs_partner(b, i), where))
            return PM_SIZE_MISMATCH;
    prepared *masks_a = scratch;
    prepared *masks_b = masks_a + a->n;
    interval *intervals = prepare(a, masks_a, (interval *)(masks_b + b->n));
    prepare(b, masks_b, intervals);
    for (int64_t i = 0; i < n; i++) {
        int64_t i_a = pm_runs_partner(a, i);
        areas[i] = intersect(&masks_a[i_a], &masks_b[pm_runs_partner(b, i)], a->sizes[2 * i_a]);
    }
    return PM_OK;
}

/* ---- ratios ----------------------------------------------------------------------------------------------------- */

static double divide(pm_ratio ratio, uint64_t intersection, uint64_t area_a, bool crowd_a, uint64_t area_b,
                     bool crowd_b) {
    if (intersection == 0)
        return 0;
    if (ratio == PM_RATIO_DICE)
        return 2 * (double)intersection / (double)(area_a + area_b);
    uint64_t whole = crowd_b ? area_a : crowd_a ? area_b : area_a + area_b - intersection;
    return (double)intersection / (double)whole;
}

void pm_overlap_matrix_ratio(pm_ratio ratio, const uint64_t *intersections, const uint64_t *areas_a, int64_t n_a,
                             const uint8_t *crowd_a, const uint64_t *areas_b, int64_t n_b, const uint8_t *crowd_b,
                             double *ratios) {
    for (int64_t i = 0; i < n_a; i++)
        for (int64_t j = 0; j < n_b; j++)
            ratios[i * n_b + j] = divide(ratio, intersections[i * n_b + j], areas_a[i], crowd_a && crowd_a[i],
                                         areas_b[j], crowd_b && crowd_b[j]);
}

void pm_overlap_paired_ratio(pm_ratio ratio, const uint64_t *intersections, const uint64_t *areas_a, int64_t n_a,
                             const uint64_t *areas_b, int64_t n_b, const uint8_t *crowd_b, double *ratios) {
    int64_t n = n_a == 1 ? n_b : n_a;
    for (int64_t i = 0; i < n; i++) {
        int64_t i_b = n_b == 1 ? 0 : i;
        ratios[i] = divide(ratio, intersections[i], areas_a[n_a == 1 ? 0 : i], false, areas_b[i_b],
                           crowd_b && crowd_b[i_b]);
    }
}

void pm_overlap_boxes(const double *a, int64_t n_a, const double *b, int64_t n_b, const uint8_t *crowd_b,
                      double *ious) {
    for (int64_t j = 0; j < n_b; j++) {
        const double *g = b + 4 * j;
        for (int64_t i = 0; i < n_a; i++) {
            const double *d = a + 4 * i;
            double width = fmin(d[0] + d[2], g[0] + g[2]) - fmax(d[0], g[0]);
            double height = fmin(d[1] + d[3], g[1] + g[3]) - fmax(d[1], g[1]);
            double iou = 0;
            if (width > 0 && height > 0) {
                double intersection = width * height;
                double area = d[2] * d[3];
                iou = intersection / (crowd_b && crowd_b[j] ? area : area + g[2] * g[3] - intersection);
            }
            ious[j * n_a + i] = iou;
        }
    }
}
