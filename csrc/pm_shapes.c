/* pm_shapes.c - polygons and boxes -> runs, bit for bit as COCO rasterises.
 *
 * COCO's rule: scale the ring by five, walk each edge in unit steps of its longer direction, rounding the other
 * coordinate, and wherever the walk passes the centre line of a pixel column, from 5 c + 2 to 5 c + 3, change colour
 * at the first row whose centre lies below the walk's upper end there. The runs are what lies between the changes in
 * column-major order; two changes in one place cancel.
 *
 * The reference takes every step, five a pixel, and sorts all changes. Here only the steps that pass a centre line are
 * computed: along an edge that is longer in x the step is known; along one longer in y it is where a monotone
 * function passes a bound, which a guess finds and a search makes certain. The floating-point expressions are those of
 * the reference, term by term (this file must not be compiled with contraction into fused multiply-adds). Changes are
 * counted into their columns, and each column, mostly two changes, is sorted by itself.
 *
 * Scaled coordinates are whole numbers, kept as doubles: they stay below 2^48, where sums and differences are exact.
 */
#include "pm_runs.h"

#include <math.h>

enum { SCALE = 5 };

/* Where counting changes stops, so that no sum overflows: far more than any memory holds. */
#define MOST_CHANGES (INT64_C(1) << 52)

typedef struct point {
    double x;
    double y;
} point;

/* Coordinate -> fifths of a pixel, still to be rounded towards zero. */
static inline double scale_up(double coordinate) {
    return SCALE * coordinate + .5;
}

static point scaled_point(const double *xy) {
    return (point){(double)(int64_t)scale_up(xy[0]), (double)(int64_t)scale_up(xy[1])};
}

/* How many of the `size` pixels of a row or column have their centre line before a scaled coordinate, which is rounded
 * towards zero here: those with 5 i + 3 <= position. A walk passes the columns from the number of its left end to
 * before the number of its right end, and changes colour in each at the row with the number of its upper end there. */
static inline int64_t centres_before(double position, int64_t size) {
    int64_t inside = pm_max(0, pm_min((int64_t)position, SCALE * size));
    return (int64_t)((uint64_t)(inside + 2) / SCALE);
}

/* ---- sizes ------------------------------------------------------------------------------------------------------ */

/* The columns in which a ring changes colour, first .. end - 1, and how often in all. */
typedef struct ring_extent {
    int64_t first;
    int64_t end;
    int64_t changes;
} ring_extent;

/* Points of a ring; fewer than three enclose nothing. */
static int64_t ring_points(const pm_rings *rings, int64_t i) {
    int64_t k = rings->offsets[i + 1] - rings->offsets[i];
    return k >= 3 ? k : 0;
}

static ring_extent measure_ring(const pm_rings *rings, int64_t i) {
    const double *xy = rings->xy + 2 * rings->offsets[i];
    int64_t k = ring_points(rings, i);
    int64_t width = rings->sizes[2 * i] > 0 ? rings->sizes[2 * i + 1] : 0;
    if (k == 0)
        return (ring_extent){0, 0, 0};
    int64_t before = centres_before(scale_up(xy[2 * k - 2]), width);
    ring_extent extent = {before, before, 0};
    for (int64_t j = 0; j < k; j++) {
        int64_t now = centres_before(scale_up(xy[2 * j]), width);
        extent.first = pm_min(extent.first, now);
        extent.end = pm_max(extent.end, now);
        extent.changes = pm_min(extent.changes + pm_max(now, before) - pm_min(now, before), MOST_CHANGES);
        before = now;
    }
    return extent;
}

pm_status pm_shapes_check(const pm_rings *rings, pm_where *where) {
    pm_status status = pm_runs_check_sizes(rings->sizes, rings->n, where);
    if (status != PM_OK)
        return status;
    for (int64_t i = 0; i < rings->n; i++) {
        for (int64_t j = 2 * rings->offsets[i]; j < 2 * rings->offsets[i + 1]; j++) {
            double value = rings->xy[j];
            if (value >= -PM_MAX_COORDINATE && value <= PM_MAX_COORDINATE)
                continue;
            *where = (pm_where){.mask = i, .at = j - 2 * rings->offsets[i], .value = value};
            return isfinite(value) ? PM_POINT_TOO_LARGE : PM_POINT_NOT_FINITE;
        }
    }
    return PM_OK;
}

int64_t pm_shapes_rasterize_bound(const pm_rings *rings) {
    int64_t bound = 0;
    for (int64_t i = 0; i < rings->n; i++)
        bound = pm_min(MOST_CHANGES, bound + measure_ring(rings, i).changes + 1 +
                                         pm_runs_wide_bound(rings->sizes[2 * i] * rings->sizes[2 * i + 1]));
    return bound;
}

/* Scratch of one ring, int64 each: where each of its columns ends among the changes, one more for the start and one
 * behind the end; then the changes, column by column. */
size_t pm_shapes_rasterize_scratch(const pm_rings *rings) {
    int64_t most = 0;
    for (int64_t i = 0; i < rings->n; i++) {
        ring_extent extent = measure_ring(rings, i);
        most = pm_max(most, extent.end - extent.first + 2 + extent.changes);
    }
    return (size_t)most * sizeof(int64_t);
}

/* ---- rasterise -------------------------------------------------------------------------------------------------- */

static void sift_down(int64_t *heap, int64_t n, int64_t parent) {
    int64_t value = heap[parent];
    for (int64_t child; (child = 2 * parent + 1) < n; parent = child) {
        if (child + 1 < n && heap[child + 1] > heap[child])
            child++;
        if (heap[child] <= value)
            break;
        heap[parent] = heap[child];
    }
    heap[parent] = value;
}

/* Nearly always two, in an order that cannot be guessed. By insertion while that is cheap, by heap where a hostile ring
 * crosses one column thousands of times. */
static inline void sort_changes(int64_t *changes, int64_t n) {
    if (n == 2) {
        int64_t change = changes[0];
        changes[0] = pm_min(change, changes[1]);
        changes[1] = pm_max(change, changes[1]);
        return;
    }
    if (n <= 32) {
        for (int64_t i = 1; i < n; i++) {
            int64_t change = changes[i];
            int64_t j = i;
            for (; j > 0 && changes[j - 1] > change; j--)
                changes[j] = changes[j - 1];
            changes[j] = change;
        }
        return;
    }
    for (int64_t i = n / 2 - 1; i >= 0; i--)
        sift_down(changes, n, i);
    for (int64_t last = n - 1; last > 0; last--) {
        int64_t largest = changes[0];
        changes[0] = changes[last];
        changes[last] = largest;
        sift_down(changes, last, 0);
    }
}

/* Where changes are put, as positions in column-major order: those of column `first` + c up to changes[ends[c] - 1]. */
typedef struct change_table {
    int64_t *changes;
    int64_t *ends;
    int64_t first;
    int64_t height;
} change_table;

static inline void put_change(change_table table, int64_t column, double y) {
    int64_t *end = &table.ends[column - table.first];
    table.changes[(*end)++] = column * table.height + centres_before(y, table.height);
}

/* An edge at least as long in x as in y. The step that passes a column is known; its upper end is where it begins, or
 * ends if y falls to the right. */
static void put_along_x(change_table table, point left, point right, int64_t column, int64_t end) {
    double slope = (right.y - left.y) / (right.x - left.x);
    double t = (double)(SCALE * column + 2) - left.x + (slope < 0);
    for (; column < end; column++, t += SCALE)
        put_change(table, column, left.y + slope * t + .5);
}

/* Whether the walk along an edge longer in y has passed the centre line of a column, at 5 c + 3, after t steps: false,
 * then true as t grows, because no step of the walk turns back, nor does rounding. (Rounding the walk towards zero
 * does not bring it past a positive number.) */
static inline bool has_passed(point top, double slope, int64_t t, double line) {
    double x = top.x + slope * (double)t + .5;
    return (x >= line) == (slope > 0);
}

/* The first step after which it has. It has not at step 0, and has at the last. */
static int64_t search_passed(point top, double slope, int64_t length, double line) {
    int64_t low = 0;
    int64_t high = length;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (has_passed(top, slope, middle, line))
            high = middle;
        else
            low = middle;
    }
    return high;
}

static void put_along_y(change_table table, point top, point bottom, int64_t column, int64_t end) {
    double length = bottom.y - top.y;
    double slope = (bottom.x - top.x) / length;
    double steps_a_fifth = length / (bottom.x - top.x);
    double line = (double)(SCALE * column + 3);
    for (; column < end; column++, line += SCALE) {
        /* Where the walk, before rounding, comes upon the line; a little before, since edges of whole fifths often meet
         * it right at a step, where a guess one too high would cost the search. */
        double guess = (line - .500001 - top.x) * steps_a_fifth;
        int64_t t = pm_max(1, pm_min((int64_t)guess + 1, (int64_t)length));
        if (has_passed(top, slope, t, line) <= has_passed(top, slope, t - 1, line)) /* not just now; without a branch */
            t = search_passed(top, slope, (int64_t)length, line);
        put_change(table, column, top.y + (double)(t - 1));
    }
}

/* The columns column .. end - 1 of one edge. */
static void put_edge(change_table table, point from, point to, int64_t column, int64_t end) {
    bool along_x = fabs(to.x - from.x) >= fabs(to.y - from.y);
    bool flip = along_x ? from.x > to.x : from.y > to.y;
    point start = {flip ? to.x : from.x, flip ? to.y : from.y};
    point stop = {flip ? from.x : to.x, flip ? from.y : to.y};
    if (along_x)
        put_along_x(table, start, stop, column, end);
    else
        put_along_y(table, start, stop, column, end);
}

/* All changes of a ring that has some, in ascending order. */
static void put_ring(change_table table, const double *xy, int64_t k, ring_extent extent, int64_t width) {
    /* By how many changes more a column has than the one before it; then where each begins; then, as they are put in,
     * where each ends. */
    int64_t n_columns = extent.end - extent.first;
    memset(table.ends - 1, 0, (size_t)(n_columns + 2) * sizeof *table.ends);
    int64_t before = centres_before(scale_up(xy[2 * k - 2]), width);
    for (int64_t j = 0; j < k; j++) {
        int64_t now = centres_before(scale_up(xy[2 * j]), width);
        table.ends[pm_min(before, now) - extent.first]++;
        table.ends[pm_max(before, now) - extent.first]--;
        before = now;
    }
    int64_t begin = 0;
    int64_t n = 0;
    for (int64_t column = 0; column < n_columns; column++) {
        n += table.ends[column];
        table.ends[column] = begin;
        begin += n;
    }
    point from = scaled_point(xy + 2 * k - 2);
    before = centres_before(from.x, width);
    for (int64_t j = 0; j < k; j++) {
        point to = scaled_point(xy + 2 * j);
        int64_t now = centres_before(to.x, width);
        if (now != before)
            put_edge(table, from, to, pm_min(before, now), pm_max(before, now));
        from = to;
        before = now;
    }
    for (int64_t column = 0; column < n_columns; column++)
        sort_changes(table.changes + table.ends[column - 1], table.ends[column] - table.ends[column - 1]);
}

static uint32_t *rasterize_ring(const pm_rings *rings, int64_t i, uint32_t *out, int64_t *scratch) {
    int64_t height = rings->sizes[2 * i];
    int64_t width = rings->sizes[2 * i + 1];
    ring_extent extent = measure_ring(rings, i);
    int64_t *ends = scratch + 1; /* ends[-1] is the start of the first column */
    int64_t *changes = ends + (extent.end - extent.first) + 1;
    const change_table table = {changes, ends, extent.first, height};
    if (extent.changes > 0)
        put_ring(table, rings->xy + 2 * rings->offsets[i], ring_points(rings, i), extent, width);

    /* The bottom of one column is the top of the next, so changes may meet and cancel across columns: each is held
     * back until the next is known to be elsewhere. */
    const int64_t none = -1;
    int64_t pixels = height * width;
    int64_t held = none;
    int64_t run_start = 0;
    for (int64_t j = 0; j < extent.changes; j++) {
        if (changes[j] == held) {
            held = none;
            continue;
        }
        if (held != none) {
            out = pm_runs_put(out, (uint64_t)(held - run_start));
            run_start = held;
        }
        held = changes[j];
    }
    if (held != none && held < pixels) {
        out = pm_runs_put(out, (uint64_t)(held - run_start));
        run_start = held;
    }
    return pm_runs_put(out, (uint64_t)(pixels - run_start));
}

void pm_shapes_rasterize(const pm_rings *rings, uint32_t *counts, int64_t *offsets, void *scratch) {
    uint32_t *out = counts;
    offsets[0] = 0;
    for (int64_t i = 0; i < rings->n; i++) {
        out = rasterize_ring(rings, i, out, scratch);
        offsets[i + 1] = out - counts;
    }
}

void pm_shapes_box_corners(const double *boxes, int64_t n, double *xy) {
    for (int64_t i = 0; i < n; i++) {
        const double *box = boxes + 4 * i;
        double left = box[0];
        double top = box[1];
        double right = left + box[2];
        double bottom = top + box[3];
        const double corners[8] = {left, top, left, bottom, right, bottom, right, top};
        memcpy(xy + 8 * i, corners, sizeof corners);
    }
}
