/* oracle.h - slow, obvious definitions of what the C core computes; nothing here is shared with csrc/.
 *
 * A mask is an array of pixels in the order of its runs, column by column, one byte each, 0 or 1. The text and the
 * polygon walk follow the published descriptions of COCO's reference step by step.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include "panomask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- runs ------------------------------------------------------------------------------------------------------- */

/* Paint the runs one after the other. A list that lies about its length is cut, or continued with background. */
static inline void oracle_decode(const uint32_t *runs, int64_t n_runs, int64_t n_pixels, uint8_t *pixels) {
    int64_t position = 0;
    for (int64_t j = 0; j < n_runs; j++)
        for (uint32_t k = 0; k < runs[j] && position < n_pixels; k++)
            pixels[position++] = j % 2 == 1;
    while (position < n_pixels)
        pixels[position++] = 0;
}

/* The canonical runs; returns how many, at most n_pixels + 1. */
static inline int64_t oracle_encode(const uint8_t *pixels, int64_t n_pixels, uint32_t *runs) {
    int64_t n_runs = 0;
    uint8_t value = 0;
    uint32_t run = 0;
    for (int64_t i = 0; i < n_pixels; i++) {
        if (pixels[i] != value) {
            runs[n_runs++] = run;
            run = 0;
            value = pixels[i];
        }
        run++;
    }
    runs[n_runs++] = run;
    return n_runs;
}

static inline uint64_t oracle_area(const uint8_t *pixels, int64_t n_pixels) {
    uint64_t area = 0;
    for (int64_t i = 0; i < n_pixels; i++)
        area += pixels[i];
    return area;
}

/* x, y, width, height. */
static inline void oracle_bbox(const uint8_t *pixels, int64_t height, int64_t width, double box[4]) {
    int64_t left = width;
    int64_t right = -1;
    int64_t top = height;
    int64_t bottom = -1;
    for (int64_t column = 0; column < width; column++) {
        for (int64_t row = 0; row < height; row++) {
            if (!pixels[column * height + row])
                continue;
            left = column < left ? column : left;
            right = column > right ? column : right;
            top = row < top ? row : top;
            bottom = row > bottom ? row : bottom;
        }
    }
    box[0] = right < 0 ? 0 : (double)left;
    box[1] = right < 0 ? 0 : (double)top;
    box[2] = right < 0 ? 0 : (double)(right - left + 1);
    box[3] = right < 0 ? 0 : (double)(bottom - top + 1);
}

/* ---- algebra ---------------------------------------------------------------------------------------------------- */

static inline uint8_t oracle_operation(pm_operation operation, bool a, bool b) {
    switch (operation) {
    case PM_INTERSECTION:
        return a && b;
    case PM_UNION:
        return a || b;
    case PM_XOR:
        return a != b;
    case PM_DIFFERENCE:
        return a && !b;
    }
    abort();
}

static inline void oracle_combine(pm_operation operation, const uint8_t *a, const uint8_t *b, int64_t n_pixels,
                                  uint8_t *out) {
    for (int64_t i = 0; i < n_pixels; i++)
        out[i] = oracle_operation(operation, a[i], b[i]);
}

static inline uint64_t oracle_shared(const uint8_t *a, const uint8_t *b, int64_t n_pixels) {
    uint64_t shared = 0;
    for (int64_t i = 0; i < n_pixels; i++)
        shared += a[i] && b[i];
    return shared;
}

/* Masks too large to paint: the value at one position, found by adding up 64-bit runs. */
static inline bool oracle_value_at(const int64_t *values, int64_t n, int64_t position) {
    int64_t end = 0;
    for (int64_t j = 0; j < n; j++) {
        end += values[j];
        if (position < end)
            return j % 2 == 1;
    }
    return false;
}

/* ---- counts text ------------------------------------------------------------------------------------------------ */

/* COCO's text of 64-bit runs, by the description: what is written is the run, from the fourth one on minus the run two
 * before; five bits at a time, lowest first, until the rest is only sign. Returns the number of characters. */
static inline int64_t oracle_write_text(const int64_t *values, int64_t n, char *text) {
    int64_t length = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t x = i >= 3 ? values[i] - values[i - 2] : values[i];
        bool more = true;
        while (more) {
            int64_t group = ((x % 32) + 32) % 32;
            x = (x - group) / 32;
            more = group & 16 ? x != -1 : x != 0;
            text[length++] = (char)(group + (more ? 32 : 0) + 48);
        }
    }
    return length;
}

/* What a strict reader says to `length` bytes on an image of n_pixels, and the runs. values: `length` elements. */
static inline pm_status oracle_read_text(const uint8_t *text, int64_t length, int64_t n_pixels, int64_t *values,
                                         int64_t *n_values) {
    int64_t n = 0;
    int64_t covered = 0;
    *n_values = 0;
    for (int64_t at = 0; at < length;) {
        int64_t x = 0;
        int64_t unit = 1; /* what the lowest bit of the next group is worth */
        int64_t groups = 0;
        int64_t group;
        do {
            if (at == length)
                return PM_TEXT_TRUNCATED;
            if (text[at] < 48 || text[at] > 111)
                return PM_TEXT_BYTE;
            if (groups++ == 12)
                return PM_TEXT_OVERLONG;
            group = text[at++] - 48;
            x += group % 32 * unit;
            unit *= 32;
        } while (group >= 32);
        if (group & 16)
            x -= unit;
        values[n] = x + (n > 2 ? values[n - 2] : 0);
        if (values[n] < 0)
            return PM_RUN_NEGATIVE;
        covered += values[n];
        if (values[n] > UINT32_MAX && covered > n_pixels) /* beyond any image: the reader may stop here */
            return PM_RUNS_COVERAGE;
        n++;
    }
    *n_values = n;
    return covered == n_pixels ? PM_OK : PM_RUNS_COVERAGE;
}

/* ---- polygons --------------------------------------------------------------------------------------------------- */

static inline int oracle_compare(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Offsets at which the colour changes, as they are found. */
typedef struct oracle_changes {
    int64_t *offsets;
    int64_t n;
    int64_t capacity;
} oracle_changes;

static inline void oracle_add_change(oracle_changes *changes, int64_t offset) {
    if (changes->n == changes->capacity) {
        changes->capacity = 2 * changes->capacity + 16;
        changes->offsets = realloc(changes->offsets, (size_t)changes->capacity * sizeof *changes->offsets);
        if (!changes->offsets)
            abort();
    }
    changes->offsets[changes->n++] = offset;
}

/* One step of the walk, from a point of the dense ring to the next: a change where it passes a column's centre. */
static inline void oracle_step(int64_t u_before, int64_t v_before, int64_t u, int64_t v, int64_t height, int64_t width,
                               oracle_changes *changes) {
    if (u == u_before)
        return;
    double xd = (double)(u < u_before ? u : u - 1);
    xd = (xd + .5) / 5 - .5;
    if (floor(xd) != xd || xd < 0 || xd > (double)(width - 1))
        return;
    double yd = (double)(v < v_before ? v : v_before);
    yd = (yd + .5) / 5 - .5;
    yd = yd < 0 ? 0 : yd > (double)height ? (double)height : yd;
    oracle_add_change(changes, (int64_t)xd * height + (int64_t)ceil(yd));
}

/* The steps of an edge that may lie in columns of the image: all, unless the edge is so long that a walk would take
 * minutes. Then those where the exact u is near the image, with a margin far beyond any rounding; u only ever grows or
 * only falls along an edge, so no change of colour is left out. */
static inline void oracle_window(int64_t start, int64_t steps, double rise, int64_t width, int64_t *first,
                                 int64_t *last) {
    *first = 0;
    *last = steps;
    if (steps < 4000000 || rise == 0)
        return;
    long double one = ((long double)-1000 - (long double)start) / (long double)rise;
    long double other = ((long double)5 * (long double)width + 1000 - (long double)start) / (long double)rise;
    long double low = one < other ? one : other;
    long double high = one < other ? other : one;
    *first = low < 0 ? 0 : low > (long double)steps ? steps : (int64_t)low;
    *last = high < 0 ? 0 : high > (long double)steps ? steps : (int64_t)high;
}

/* Every step of one edge between upsampled points. `u` and `v` are the last point of the walk, and are moved on. */
static inline void oracle_walk_edge(int64_t xs, int64_t ys, int64_t xe, int64_t ye, int64_t height, int64_t width,
                                    bool *started, int64_t *u, int64_t *v, oracle_changes *changes) {
    int64_t dx = llabs(xe - xs);
    int64_t dy = llabs(ye - ys);
    bool flip = (dx >= dy && xs > xe) || (dx < dy && ys > ye);
    if (flip) {
        int64_t x = xs;
        int64_t y = ys;
        xs = xe;
        ys = ye;
        xe = x;
        ye = y;
    }
    double slope = dx == 0 && dy == 0 ? 0 : dx >= dy ? (double)(ye - ys) / (double)dx : (double)(xe - xs) / (double)dy;
    int64_t steps = dx >= dy ? dx : dy;
    int64_t first;
    int64_t last;
    oracle_window(xs, steps, dx >= dy ? 1 : slope, width, &first, &last);
    *started = *started && first == 0 && last == steps;
    for (int64_t d = first; d <= last; d++) {
        int64_t t = flip ? last - (d - first) : d;
        int64_t u_next = dx >= dy ? t + xs : (int64_t)((double)xs + slope * (double)t + .5);
        int64_t v_next = dx >= dy ? (int64_t)((double)ys + slope * (double)t + .5) : t + ys;
        if (*started)
            oracle_step(*u, *v, u_next, v_next, height, width, changes);
        *started = true;
        *u = u_next;
        *v = v_next;
    }
    *started = first == 0 && last == steps;
}

/* The runs of a ring of k points; returns how many. runs: one more than there are changes, asked for with NULL. */
static inline int64_t oracle_polygon(const double *xy, int64_t k, int64_t height, int64_t width, uint32_t *runs) {
    oracle_changes changes = {0};
    bool started = false;
    int64_t u = 0;
    int64_t v = 0;
    for (int64_t j = 0; j < k; j++) {
        const double *from = xy + 2 * j;
        const double *to = xy + 2 * (j + 1 < k ? j + 1 : 0);
        oracle_walk_edge((int64_t)(5 * from[0] + .5), (int64_t)(5 * from[1] + .5), (int64_t)(5 * to[0] + .5),
                         (int64_t)(5 * to[1] + .5), height, width, &started, &u, &v, &changes);
    }
    oracle_add_change(&changes, height * width); /* the sentinel */
    if (!runs) {
        free(changes.offsets);
        return changes.n + 1;
    }
    int64_t *a = changes.offsets;
    qsort(a, (size_t)changes.n, sizeof *a, oracle_compare);
    for (int64_t i = changes.n - 1; i > 0; i--)
        a[i] -= a[i - 1];
    int64_t n_runs = 0;
    runs[n_runs++] = (uint32_t)a[0];
    for (int64_t i = 1; i < changes.n; i++) {
        if (a[i] > 0)
            runs[n_runs++] = (uint32_t)a[i];
        else if (++i < changes.n)
            runs[n_runs - 1] += (uint32_t)a[i];
    }
    free(changes.offsets);
    return n_runs;
}

/* ---- PNG --------------------------------------------------------------------------------------------------------- */

/* The filters as the PNG specification defines them, byte by byte; returns the rows that could be undone. */
static inline int64_t oracle_png_unfilter(const uint8_t *filtered, int64_t height, int64_t n, int64_t pixel,
                                          uint8_t *rows) {
    for (int64_t r = 0; r < height; r++) {
        int filter = filtered[r * (n + 1)];
        if (filter > 4)
            return r;
        for (int64_t i = 0; i < n; i++) {
            int a = i >= pixel ? rows[r * n + i - pixel] : 0;
            int b = r > 0 ? rows[(r - 1) * n + i] : 0;
            int c = i >= pixel && r > 0 ? rows[(r - 1) * n + i - pixel] : 0;
            int p = a + b - c;
            int nearest = abs(p - a) <= abs(p - b) && abs(p - a) <= abs(p - c) ? a : abs(p - b) <= abs(p - c) ? b : c;
            const int predicted[] = {0, a, b, (a + b) / 2, nearest};
            rows[r * n + i] = (uint8_t)(filtered[r * (n + 1) + 1 + i] + predicted[filter]);
        }
    }
    return height;
}

#endif
