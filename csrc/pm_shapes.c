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
 */
#include "pm_runs.h"

#include <math.h>

enum { SCALE = 5 };

/* Where counting changes stops, so that no sum overflows: far more than any memory holds. */
#define MOST_CHANGES (INT64_C(1) << 52)

/* Coordinate -> fifths of a pixel; the reference rounds towards zero after adding a half. */
static int64_t scale_up(double coordinate) {
    return (int64_t)(SCALE * coordinate + .5);
}

/* a / SCALE, rounded down. */
static int64_t scale_down(int64_t a) {
    return (a < 0 ? a - (SCALE - 1) : a) / SCALE;
}

static int64_t distance(int64_t a, int64_t b) {
    return a < b ? b - a : a - b;
}

/* Columns whose centre line an edge passes, inside the image: first .. last, none when first > last. */
typedef struct column_range {
    int64_t first;
    int64_t last;
} column_range;

/* The walk between two scaled abscissas passes column c where it holds both 5 c + 2 and 5 c + 3. */
static column_range passed_columns(int64_t xs, int64_t xe, int64_t width) {
    return (column_range){pm_max(0, scale_down(pm_min(xs, xe) - 2 + SCALE - 1)),
                          pm_min(width - 1, scale_down(pm_max(xs, xe) - 3))};
}

/* An edge between scaled points, made to ascend in the direction it is longer in. */
typedef struct edge {
    int64_t x_start;
    int64_t y_start;
    int64_t length;       /* steps in the longer direction                   */
    double slope;         /* of the other direction                          */
    double steps_a_fifth; /* 1 / slope of one longer in y, for a first guess */
    bool along_x;
    column_range passed;
} edge;

static edge make_edge(const double *from, const double *to, int64_t width) {
    int64_t xs = scale_up(from[0]);
    int64_t ys = scale_up(from[1]);
    int64_t xe = scale_up(to[0]);
    int64_t ye = scale_up(to[1]);
    int64_t dx = distance(xs, xe);
    int64_t dy = distance(ys, ye);
    edge e = {.along_x = dx >= dy, .length = pm_max(dx, dy), .passed = passed_columns(xs, xe, width)};
    bool flip = e.along_x ? xs > xe : ys > ye;
    e.x_start = flip ? xe : xs;
    e.y_start = flip ? ye : ys;
    double rise = (double)(e.along_x ? ye - ys : xe - xs);
    e.slope = e.length == 0 ? 0 : (flip ? -rise : rise) / (double)e.length;
    e.steps_a_fifth = e.along_x || e.slope == 0 ? 0 : 1 / e.slope;
    return e;
}

/* The rounded other coordinate after t steps. It never turns back as t grows: no step of it does, nor does rounding. */
static int64_t walk_y(const edge *e, int64_t t) {
    return (int64_t)((double)e->y_start + e->slope * (double)t + .5);
}

static int64_t walk_x(const edge *e, int64_t t) {
    return (int64_t)((double)e->x_start + e->slope * (double)t + .5);
}

/* Whether a walk along y has passed the centre line of `column` after t steps; false, then true as t grows. */
static bool has_passed(const edge *e, int64_t column, int64_t t) {
    int64_t x = walk_x(e, t);
    return e->slope > 0 ? x >= SCALE * column + 3 : x <= SCALE * column + 2;
}

/* The first step after which the walk has passed. It has not at step 0 and has at the last. */
static int64_t first_passed(const edge *e, int64_t column) {
    double guess = ((double)(SCALE * column) + 2.5 - (double)e->x_start) * e->steps_a_fifth;
    int64_t t = guess < 0 ? 1 : guess >= (double)e->length ? e->length : (int64_t)guess + 1;
    int64_t low = 0;
    int64_t high = e->length;
    if (has_passed(e, column, t))
        high = t;
    else
        low = t;
    if (high == t && !has_passed(e, column, t - 1))
        return t;
    while (high - low > 1) { /* the guess was off by rounding */
        int64_t middle = low + (high - low) / 2;
        if (has_passed(e, column, middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* The row, 0 .. height, from which the colour changes in `column`. */
static inline int64_t change_row(const edge *e, int64_t column, int64_t height) {
    int64_t y;
    if (e->along_x) {
        int64_t t = SCALE * column + 2 - e->x_start;
        y = walk_y(e, t + (e->slope < 0)); /* the upper end of the step from t to t + 1 */
    } else {
        y = e->y_start + first_passed(e, column) - 1;
    }
    /* ceil((y + .5) / 5 - .5) */
    int64_t row = scale_down(y - 2 + SCALE - 1);
    return pm_max(0, pm_min(row, height));
}

/* ---- sizes ------------------------------------------------------------------------------------------------------ */

typedef struct ring_extent {
    int64_t changes;
    column_range passed;
} ring_extent;

/* Points of a ring; fewer than three enclose nothing. */
static int64_t ring_points(const pm_rings *rings, int64_t i) {
    int64_t k = rings->offsets[i + 1] - rings->offsets[i];
    return k >= 3 ? k : 0;
}

static void extend(ring_extent *extent, column_range passed) {
    if (passed.first > passed.last)
        return;
    extent->changes = pm_min(extent->changes + (passed.last - passed.first + 1), MOST_CHANGES);
    extent->passed.first = pm_min(extent->passed.first, passed.first);
    extent->passed.last = pm_max(extent->passed.last, passed.last);
}

static ring_extent measure_ring(const pm_rings *rings, int64_t i) {
    const double *xy = rings->xy + 2 * rings->offsets[i];
    int64_t k = ring_points(rings, i);
    int64_t width = rings->sizes[2 * i] > 0 ? rings->sizes[2 * i + 1] : 0;
    ring_extent extent = {0, {width, -1}};
    int64_t before = k > 0 ? scale_up(xy[2 * k - 2]) : 0;
    for (int64_t j = 0; j < k; j++) {
        int64_t x = scale_up(xy[2 * j]);
        extend(&extent, passed_columns(before, x, width));
        before = x;
    }
    return extent;
}

static int64_t count_columns(column_range passed) {
    return pm_max(0, passed.last - passed.first + 1);
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

/* Scratch of one ring: its edges; then, int64 each, where each of its columns ends among the changes, one more for the
 * start; then the rows of the changes, column by column. */
size_t pm_shapes_rasterize_scratch(const pm_rings *rings) {
    size_t most = 0;
    for (int64_t i = 0; i < rings->n; i++) {
        ring_extent extent = measure_ring(rings, i);
        size_t size = (size_t)ring_points(rings, i) * sizeof(edge) +
                      (size_t)(count_columns(extent.passed) + 1 + extent.changes) * sizeof(int64_t);
        most = size > most ? size : most;
    }
    return most;
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
static inline void sort_rows(int64_t *rows, int64_t n) {
    if (n == 2) {
        int64_t row = rows[0];
        rows[0] = pm_min(row, rows[1]);
        rows[1] = pm_max(row, rows[1]);
        return;
    }
    if (n <= 32) {
        for (int64_t i = 1; i < n; i++) {
            int64_t row = rows[i];
            int64_t j = i;
            for (; j > 0 && rows[j - 1] > row; j--)
                rows[j] = rows[j - 1];
            rows[j] = row;
        }
        return;
    }
    for (int64_t i = n / 2 - 1; i >= 0; i--)
        sift_down(rows, n, i);
    for (int64_t last = n - 1; last > 0; last--) {
        int64_t largest = rows[0];
        rows[0] = rows[last];
        rows[last] = largest;
        sift_down(rows, last, 0);
    }
}

static uint32_t *rasterize_ring(const pm_rings *rings, int64_t i, uint32_t *out, void *scratch) {
    const double *xy = rings->xy + 2 * rings->offsets[i];
    int64_t k = ring_points(rings, i);
    int64_t height = rings->sizes[2 * i];
    int64_t width = rings->sizes[2 * i + 1];
    edge *edges = scratch; /* those that pass a column */
    int64_t n_edges = 0;
    ring_extent extent = {0, {width, -1}};
    for (int64_t j = 0; height > 0 && j < k; j++) {
        edges[n_edges] = make_edge(xy + 2 * j, xy + 2 * (j + 1 < k ? j + 1 : 0), width);
        extend(&extent, edges[n_edges].passed);
        n_edges += edges[n_edges].passed.first <= edges[n_edges].passed.last;
    }
    int64_t first = extent.passed.first;
    int64_t n_columns = count_columns(extent.passed);
    int64_t *ends = (int64_t *)(edges + k) + 1; /* ends[-1] is the start of the first column */
    int64_t *rows = ends + n_columns;

    /* How many changes each column has; then where each begins; then, as they are put in, where each ends. */
    memset(ends - 1, 0, (size_t)(n_columns + 1) * sizeof *ends);
    for (const edge *e = edges; e < edges + n_edges; e++)
        for (int64_t column = e->passed.first; column <= e->passed.last; column++)
            ends[column - first]++;
    int64_t begin = 0;
    for (int64_t column = 0; column < n_columns; column++) {
        int64_t n = ends[column];
        ends[column] = begin;
        begin += n;
    }
    for (const edge *e = edges; e < edges + n_edges; e++)
        for (int64_t column = e->passed.first; column <= e->passed.last; column++)
            rows[ends[column - first]++] = change_row(e, column, height);

    /* The bottom of one column is the top of the next, so changes may meet and cancel across columns: each is held
     * back until the next is known to be elsewhere. */
    const int64_t none = -1;
    int64_t pixels = height * width;
    int64_t held = none;
    int64_t run_start = 0;
    for (int64_t column = 0; column < n_columns; column++) {
        begin = ends[column - 1];
        sort_rows(rows + begin, ends[column] - begin);
        for (int64_t j = begin; j < ends[column]; j++) {
            int64_t change = (first + column) * height + rows[j];
            if (change == held) {
                held = none;
                continue;
            }
            if (held != none) {
                out = pm_runs_put(out, (uint64_t)(held - run_start));
                run_start = held;
            }
            held = change;
        }
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
