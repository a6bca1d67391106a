/* fuzz_shapes.c - polygons: near the image bit for bit the dense walk of the reference; anywhere else, up to the
 * largest coordinates, canonical masks inside the bounds; and what is out of range is refused. */
#include "reader.h"

enum { MOST_POINTS = 24 };

/* Near ones in steps of 1/2, 1/5, 1/10 or 1/256 of a pixel. */
static double read_coordinate(reader *from, uint8_t kind) {
    if (kind & 1) {
        uint64_t bits = read_word(from);
        double number;
        memcpy(&number, &bits, sizeof number);
        if (kind & 2) /* out of range only now and then: fold the exponent */
            number = ldexp(frexp(number, &(int){0}), (int)(bits >> 52) % 50 - 3);
        return number;
    }
    static const double steps[] = {2, 5, 10, 256};
    int64_t fraction = kind & 4 ? read_byte(from) : 0;
    return (double)((int8_t)read_byte(from)) / 2 + (double)fraction / steps[kind / 8 % 4];
}

/* What pm_shapes_check says by its definition. */
static pm_status check(const double *xy, const int64_t *offsets, int64_t n) {
    for (int64_t j = 2 * offsets[0]; j < 2 * offsets[n]; j++) {
        if (!isfinite(xy[j]))
            return PM_POINT_NOT_FINITE;
        if (fabs(xy[j]) > PM_MAX_COORDINATE)
            return PM_POINT_TOO_LARGE;
    }
    return PM_OK;
}

static void rasterize(const pm_rings *rings, bool is_near) {
    int64_t bound = pm_shapes_rasterize_bound(rings);
    size_t scratch_size = pm_shapes_rasterize_scratch(rings);
    REQUIRE(bound >= rings->n);
    if (bound > 1 << 16 || scratch_size > 1 << 19)
        return; /* a hostile image that a caller would have to pay for */
    uint32_t *counts = GUARD_ARRAY(uint32_t, bound);
    int64_t *offsets = GUARD_ARRAY(int64_t, rings->n + 1);
    void *scratch = guard_scratch(scratch_size);
    pm_shapes_rasterize(rings, counts, offsets, scratch);
    guard_free(scratch);
    REQUIRE(offsets[0] == 0 && offsets[rings->n] <= bound);
    for (int64_t i = 0; i < rings->n; i++) {
        const uint32_t *runs = counts + offsets[i];
        int64_t n_runs = offsets[i + 1] - offsets[i];
        int64_t height = rings->sizes[2 * i];
        int64_t width = rings->sizes[2 * i + 1];
        require_mask(runs, n_runs, height * width, NULL);
        const double *xy = rings->xy + 2 * rings->offsets[i];
        int64_t k = rings->offsets[i + 1] - rings->offsets[i];
        if (!is_near || k < 3 || height == 0 || width == 0)
            continue;
        uint32_t *expected = malloc((size_t)(k * width + 2) * sizeof *expected); /* an edge passes a column once */
        int64_t n_expected = oracle_polygon(xy, k, height, width, expected);
        REQUIRE(n_runs == n_expected && memcmp(runs, expected, (size_t)n_runs * sizeof *runs) == 0);
        free(expected);
    }
    guard_free(counts);
    guard_free(offsets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    reader from = {data, data + size};
    uint8_t kind = read_byte(&from);
    int64_t n = 1 + read_below(&from, 3);
    int64_t sizes[6];
    int64_t offsets[4] = {0};
    double points[2 * MOST_POINTS];
    for (int64_t i = 0; i < n; i++) {
        sizes[2 * i] = read_below(&from, 50);
        sizes[2 * i + 1] = read_below(&from, 50);
        if (kind & 1 && kind & 16) /* far rings may be in large images */
            read_size(&from, 1024, &sizes[2 * i], &sizes[2 * i + 1]);
        offsets[i + 1] = offsets[i] + read_below(&from, MOST_POINTS / 3 + 1);
    }
    for (int64_t j = 0; j < 2 * offsets[n]; j++)
        points[j] = read_coordinate(&from, kind);
    if (kind & 32 && offsets[n] >= 4) /* x, y, width, height of a box instead */
        pm_shapes_box_corners((double[4]){points[0], points[1], points[2], points[3]}, 1, points);
    double *xy = GUARD_ARRAY(double, 2 * offsets[n]);
    if (offsets[n] > 0)
        memcpy(xy, points, (size_t)(2 * offsets[n]) * sizeof *xy);
    const pm_rings rings = {xy, offsets, sizes, n};
    pm_where where;
    pm_status status = pm_shapes_check(&rings, &where);
    REQUIRE(status == check(xy, offsets, n));
    if (status == PM_OK)
        rasterize(&rings, !(kind & 1));
    else
        describe(status, &where, read_byte(&from));
    guard_free(xy);
    return 0;
}
