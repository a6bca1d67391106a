/* test_shapes.c - pm_shapes_*: polygons and boxes -> runs, bit for bit as COCO rasterises. */
#include "cases.h"

/* Rings in guarded memory, to print when they fail. */
typedef struct ring_case {
    const double *xy;
    int64_t k;
    int64_t height;
    int64_t width;
} ring_case;

static void print_ring(FILE *file, const void *context) {
    const ring_case *ring = context;
    fprintf(file, "%" PRId64 " x %" PRId64 ", ring of %" PRId64 ":", ring->height, ring->width, ring->k);
    for (int64_t j = 0; j < ring->k && j < 30; j++)
        fprintf(file, " (%.17g, %.17g)", ring->xy[2 * j], ring->xy[2 * j + 1]);
}

/* What was rasterised, in memory of exactly the bound. */
typedef struct raster {
    uint32_t *counts;
    int64_t *offsets;
} raster;

static raster rasterize(const pm_rings *rings) {
    pm_where where;
    CHECK_EQUAL(pm_shapes_check(rings, &where), PM_OK);
    raster out = {GUARD_ARRAY(uint32_t, pm_shapes_rasterize_bound(rings)), GUARD_ARRAY(int64_t, rings->n + 1)};
    void *scratch = guard_scratch(pm_shapes_rasterize_scratch(rings));
    pm_shapes_rasterize(rings, out.counts, out.offsets, scratch);
    CHECK_EQUAL(out.offsets[0], 0);
    CHECK(out.offsets[rings->n] <= pm_shapes_rasterize_bound(rings));
    guard_free(scratch);
    return out;
}

static void free_raster(raster *out) {
    guard_free(out->counts);
    guard_free(out->offsets);
}

/* Runs that must always hold: they cover, and are canonical. */
static void check_is_canonical(const raster *out, const pm_rings *rings) {
    const pm_batch masks = {out->counts, out->offsets, rings->sizes, rings->n};
    pm_where where;
    CHECK_EQUAL(pm_runs_check(&masks, out->offsets[rings->n], &where), PM_OK);
    for (int64_t i = 0; i < rings->n; i++) {
        uint64_t before = 0;
        for (int64_t j = out->offsets[i] + 1; j < out->offsets[i + 1]; j++) {
            before = out->counts[j - 1];
            /* A zero is only there inside a wide run. */
            CHECK(out->counts[j] > 0 || (before == UINT32_MAX && j + 1 < out->offsets[i + 1]));
        }
    }
}

/* One ring, copied to guarded memory, against expected runs. */
static void check_ring(const double *xy, int64_t k, int64_t height, int64_t width, const uint32_t *expected,
                       int64_t n_expected) {
    double *points = GUARD_ARRAY(double, 2 * k);
    if (k > 0)
        memcpy(points, xy, (size_t)(2 * k) * sizeof *xy);
    const int64_t offsets[] = {0, k};
    const int64_t sizes[] = {height, width};
    const pm_rings rings = {points, offsets, sizes, 1};
    const ring_case now = {xy, k, height, width};
    check_case(k, print_ring, &now);
    raster out = rasterize(&rings);
    check_is_canonical(&out, &rings);
    CHECK_RUNS(out.counts, out.offsets[1], expected, n_expected);
    check_case(0, NULL, NULL);
    free_raster(&out);
    guard_free(points);
}

/* One ring against the dense walk. */
static void check_ring_by_oracle(const double *xy, int64_t k, int64_t height, int64_t width) {
    uint32_t *expected = malloc((size_t)oracle_polygon(xy, k, height, width, NULL) * sizeof *expected);
    int64_t n_expected = oracle_polygon(xy, k, height, width, expected);
    check_ring(xy, k, height, width, expected, n_expected);
    free(expected);
}

/* ---- the published examples -------------------------------------------------------------------------------------- */

static void test_published_examples(void) {
    check_ring((const double[]){1, 1, 6, 1, 6, 5}, 3, 6, 8, (const uint32_t[]){13, 1, 5, 2, 4, 3, 3, 4, 13}, 9);
    check_ring((const double[]){1, 1, 1, 4, 5, 4, 5, 1}, 4, 6, 8, (const uint32_t[]){7, 3, 3, 3, 3, 3, 3, 3, 20}, 9);
    check_ring((const double[]){0, 0, 0, 6, 8, 6, 8, 0}, 4, 6, 8, (const uint32_t[]){0, 48}, 2);
    check_ring((const double[]){-9, -9, -9, 99, 99, 99, 99, -9}, 4, 6, 8, (const uint32_t[]){0, 48}, 2);
    check_ring((const double[]){20, 1, 20, 4, 25, 4}, 3, 6, 8, (const uint32_t[]){48}, 1);
    check_ring((const double[]){1.6, 1, 1.6, 4, 2.4, 4, 2.4, 1}, 4, 6, 8, (const uint32_t[]){48}, 1);
}

static void check_box(double x, double y, double w, double h, int64_t height, int64_t width, const uint32_t *expected,
                      int64_t n_expected) {
    const double box[] = {x, y, w, h};
    double *xy = GUARD_ARRAY(double, 8);
    pm_shapes_box_corners(box, 1, xy);
    check_ring(xy, 4, height, width, expected, n_expected);
    guard_free(xy);
}

static void test_box_examples(void) {
    check_box(1, 1, 4, 3, 6, 8, (const uint32_t[]){7, 3, 3, 3, 3, 3, 3, 3, 20}, 9);
    check_box(.5, .5, 2, 2, 6, 8, (const uint32_t[]){7, 2, 4, 2, 33}, 5);
    check_box(.4, .4, .2, .2, 6, 8, (const uint32_t[]){0, 1, 47}, 3);
    check_box(1, 1, 0, 3, 6, 8, (const uint32_t[]){48}, 1);
    check_box(5, 4, -4, -3, 6, 8, (const uint32_t[]){7, 3, 3, 3, 3, 3, 3, 3, 20}, 9);
}

static void test_box_corners_are_in_cocos_order(void) {
    const double boxes[] = {1, 2, 10, 20, -1, 0, .5, 0};
    const double expected[] = {1, 2, 1, 22, 11, 22, 11, 2, -1, 0, -1, 0, -.5, 0, -.5, 0};
    double *xy = GUARD_ARRAY(double, 16);
    pm_shapes_box_corners(boxes, 2, xy);
    for (int i = 0; i < 16; i++)
        CHECK_DOUBLE(xy[i], expected[i]);
    guard_free(xy);
}

static void test_even_odd_rule(void) {
    /* Twice round is not at all; a bow tie has two lobes. */
    check_ring((const double[]){1, 1, 1, 4, 5, 4, 5, 1, 1, 1, 1, 4, 5, 4, 5, 1}, 8, 6, 8, (const uint32_t[]){48}, 1);
    check_ring_by_oracle((const double[]){0, 0, 8, 6, 8, 0, 0, 6}, 4, 6, 8);
}

static void test_fewer_than_three_points_are_empty(void) {
    const double xy[] = {1, 1, 6, 5};
    for (int64_t k = 0; k < 3; k++)
        check_ring(xy, k, 6, 8, (const uint32_t[]){48}, 1);
    /* The walk says so too. */
    for (int64_t k = 1; k < 3; k++)
        check_ring_by_oracle(xy, k, 6, 8);
}

static void test_images_without_pixels(void) {
    const double xy[] = {0, 0, 0, 6, 8, 6, 8, 0};
    check_ring(xy, 4, 0, 0, (const uint32_t[]){0}, 1);
    check_ring(xy, 4, 0, 8, (const uint32_t[]){0}, 1);
    check_ring(xy, 4, 6, 0, (const uint32_t[]){0}, 1);
}

/* ---- random rings against the dense walk -------------------------------------------------------------------------- */

/* A coordinate of some coarseness: whole, halves, fifths, tenths (the ties of the rounding), thirds, anything. */
static double random_coordinate(random_state *random, int64_t coarseness, double low, double high) {
    static const double steps[] = {1, 2, 5, 10, 3};
    double value = low + (high - low) * (double)(random_bits(random) >> 11) * 0x1p-53;
    return coarseness < 5 ? floor(value * steps[coarseness]) / steps[coarseness] : value;
}

static void random_ring(random_state *random, int64_t k, double low, double high_x, double high_y, double *xy) {
    int64_t coarseness = random_below(random, 6);
    for (int64_t j = 0; j < k; j++) {
        xy[2 * j] = random_coordinate(random, coarseness, low, high_x);
        xy[2 * j + 1] = random_coordinate(random, coarseness, low, high_y);
        int64_t twist = random_below(random, 12);
        if (j > 0 && twist == 0) /* the same point again */
            memcpy(xy + 2 * j, xy + 2 * j - 2, 2 * sizeof *xy);
        else if (j > 0 && twist == 1) /* upright */
            xy[2 * j] = xy[2 * j - 2];
        else if (j > 0 && twist == 2) /* level */
            xy[2 * j + 1] = xy[2 * j - 1];
        else if (j > 1 && twist == 3) /* there and back */
            memcpy(xy + 2 * j, xy + 2 * j - 4, 2 * sizeof *xy);
    }
}

static void test_random_rings(void) {
    random_state random = {1};
    for (int trial = 0; trial < 30000; trial++) {
        int64_t height = random_between(&random, 1, 24);
        int64_t width = random_between(&random, 1, 24);
        int64_t k = random_between(&random, 3, random_below(&random, 8) ? 6 : 40);
        double xy[80];
        double margin = (double)random_below(&random, 3) * 8;
        random_ring(&random, k, -margin, (double)width + margin, (double)height + margin, xy);
        check_ring_by_oracle(xy, k, height, width);
    }
}

/* Thin and steep, the walks where a guess of the step can be off by rounding. */
static void test_random_slivers(void) {
    random_state random = {2};
    for (int trial = 0; trial < 3000; trial++) {
        double reach = (double)(INT64_C(1) << random_between(&random, 2, 10));
        double xy[6];
        for (int j = 0; j < 6; j++)
            xy[j] = random_coordinate(&random, 5, j % 2 ? -reach : 0, j % 2 ? reach : 6);
        check_ring_by_oracle(xy, 3, 12, 6);
    }
}

/* Edges a million pixels long. */
static void test_far_points(void) {
    random_state random = {3};
    for (int trial = 0; trial < 12; trial++) {
        double xy[6];
        random_ring(&random, 3, -3e5, 3e5, 3e5, xy);
        xy[0] = random_coordinate(&random, 5, 0, 30);
        check_ring_by_oracle(xy, 3, 30, 30);
    }
}

/* Up to a power of two. In edges that are steeper than a hundred to one too many steps lie near the image. */
static void check_rings_of_reach(int power, int trials) {
    random_state random = {(uint64_t)power};
    for (int trial = 0; trial < trials; trial++) {
        double reach = ldexp(1, power);
        double xy[6];
        for (int j = 0; j < 6; j++)
            xy[j] = random_below(&random, 3) ? random_coordinate(&random, 5, -reach, reach)
                                             : random_coordinate(&random, 5, -10, 40);
        bool is_steep = false;
        for (int j = 0; j < 6; j += 2)
            is_steep |= fabs(xy[j] - xy[(j + 2) % 6]) * 100 < fabs(xy[j + 1] - xy[(j + 3) % 6]);
        if (!is_steep)
            check_ring_by_oracle(xy, 3, 30, 30);
    }
}

static void test_farther_points(void) {
    for (int power = 20; power <= 45; power++)
        check_rings_of_reach(power, 30);
}

static void test_batches_are_rings_one_by_one(void) {
    random_state random = {4};
    for (int trial = 0; trial < 300; trial++) {
        int64_t n = random_between(&random, 0, 5);
        int64_t offsets[6] = {random_below(&random, 2)}; /* a slice of a batch does not begin at zero */
        int64_t sizes[10];
        double xy[2 * 41];
        for (int64_t i = 0; i < n; i++) {
            offsets[i + 1] = offsets[i] + random_between(&random, 0, 8);
            sizes[2 * i] = random_between(&random, 0, 20);
            sizes[2 * i + 1] = random_between(&random, 0, 20);
        }
        random_ring(&random, offsets[n], 0, 20, 20, xy);
        const pm_rings rings = {xy, offsets, sizes, n};
        raster all = rasterize(&rings);
        check_is_canonical(&all, &rings);
        for (int64_t i = 0; i < n; i++)
            check_ring(xy + 2 * offsets[i], offsets[i + 1] - offsets[i], sizes[2 * i], sizes[2 * i + 1],
                       all.counts + all.offsets[i], all.offsets[i + 1] - all.offsets[i]);
        free_raster(&all);
    }
}

/* ---- hostile rings ----------------------------------------------------------------------------------------------- */

/* Thousands of crossings in one column, which are sorted by heap, in orders that are bad for sorting. */
static void test_many_crossings_in_one_column(void) {
    enum { K = 5000 };
    random_state random = {5};
    static double xy[2 * K];
    for (int order = 0; order < 4; order++) {
        for (int j = 0; j < K; j++) {
            xy[2 * j] = j % 2 ? 2 : -1;
            xy[2 * j + 1] = order == 0   ? j
                            : order == 1 ? K - j
                            : order == 2 ? (double)random_below(&random, K)
                                         : (double)random_below(&random, 4);
        }
        check_ring_by_oracle(xy, K, K, 1);
        check_ring_by_oracle(xy, K, 40, 2);
    }
    /* Around the number at which sorting changes its way. */
    for (int k = 3; k < 80; k++)
        check_ring_by_oracle(xy, k, 300, 2);
}

static void test_rings_without_extent(void) {
    static double xy[2000];
    for (int j = 0; j < 1000; j++) {
        xy[2 * j] = 3.5;
        xy[2 * j + 1] = 2.5;
    }
    check_ring(xy, 1000, 6, 8, (const uint32_t[]){48}, 1);
    for (int j = 0; j < 1000; j += 2)
        xy[2 * j] = 7;
    check_ring(xy, 1000, 6, 8, (const uint32_t[]){48}, 1);
}

/* Every corner at the limit: a box around everything, a triangle that halves the image. */
static void test_coordinates_at_the_limit(void) {
    const double far = PM_MAX_COORDINATE;
    check_ring((const double[]){-far, -far, -far, far, far, far, far, -far}, 4, 6, 8, (const uint32_t[]){0, 48}, 2);
    check_ring((const double[]){-far, 3, -far, far, far, far, far, 3}, 4, 6, 2, (const uint32_t[]){3, 3, 3, 3}, 4);
    check_ring((const double[]){1, -far, 1, far, far, far, far, -far}, 4, 2, 3, (const uint32_t[]){2, 4}, 2);
    check_ring((const double[]){far, far, far, far, far, far}, 3, 6, 8, (const uint32_t[]){48}, 1);
    /* The diagonal through the origin, exactly: the walk changes colour in each column at its own row. */
    check_ring((const double[]){-far, -far, far, far, -far, far}, 3, 3, 3, (const uint32_t[]){0, 3, 1, 2, 2, 1}, 6);
    random_state random = {6};
    for (int trial = 0; trial < 20000; trial++) {
        int64_t k = random_between(&random, 3, 12);
        double xy[24];
        for (int64_t j = 0; j < 2 * k; j++) {
            double reach = ldexp(1, (int)random_between(&random, -3, 45));
            xy[j] = random_below(&random, 8) ? random_coordinate(&random, 5, -reach, reach)
                                             : random_below(&random, 2) ? reach : -reach;
        }
        const int64_t offsets[] = {0, k};
        const int64_t sizes[] = {random_between(&random, 0, 30), random_between(&random, 0, 30)};
        const pm_rings rings = {xy, offsets, sizes, 1};
        const ring_case now = {xy, k, sizes[0], sizes[1]};
        check_case(k, print_ring, &now);
        raster out = rasterize(&rings);
        check_is_canonical(&out, &rings);
        free_raster(&out);
    }
    check_case(0, NULL, NULL);
}

/* Upright and level edges are exact, however long, from whichever corner and whichever way round. */
static void test_far_boxes_are_exact(void) {
    random_state random = {7};
    for (int trial = 0; trial < 3000; trial++) {
        int64_t height = random_between(&random, 1, 9);
        int64_t width = random_between(&random, 1, 9);
        int64_t left = random_between(&random, 0, width);
        int64_t right = random_between(&random, left, width);
        int64_t top = random_between(&random, 0, height);
        int64_t bottom = random_between(&random, top, height);
        /* Sides on the border of the image may lie as far out as can be. */
        double x[2] = {left ? (double)left : -PM_MAX_COORDINATE, right < width ? (double)right : PM_MAX_COORDINATE};
        double y[2] = {top ? (double)top : -PM_MAX_COORDINATE, bottom < height ? (double)bottom : PM_MAX_COORDINATE};
        uint8_t pixels[81];
        uint32_t expected[82];
        for (int64_t column = 0; column < width; column++)
            for (int64_t row = 0; row < height; row++)
                pixels[column * height + row] = column >= left && column < right && row >= top && row < bottom;
        int64_t n_expected = oracle_encode(pixels, height * width, expected);
        int first = (int)random_below(&random, 4);
        int turn = random_below(&random, 2) ? 1 : 3;
        double xy[8];
        for (int j = 0; j < 4; j++) {
            int corner = (first + turn * j) % 4;
            xy[2 * j] = x[corner == 1 || corner == 2];
            xy[2 * j + 1] = y[corner >= 2];
        }
        check_ring(xy, 4, height, width, expected, n_expected);
    }
}

/* ---- wide images -------------------------------------------------------------------------------------------------- */

static void test_boxes_in_wide_images(void) {
    const int64_t side = 70000;
    const int64_t values[] = {65000 * side + 10, 20, side - 20, 20, side * side - 65001 * side - 30};
    uint32_t expected[16];
    int64_t n_expected = spell_values(values, 5, expected);
    check_box(65000, 10, 2, 20, side, side, expected, n_expected);
    const int64_t below[] = {side - 1, 1, side * side - side};
    n_expected = spell_values(below, 3, expected);
    check_box(0, (double)side - 1, 1, 1, side, side, expected, n_expected);
    const int64_t full[] = {0, side * side};
    n_expected = spell_values(full, 2, expected);
    check_box(0, 0, (double)side, (double)side, side, side, expected, n_expected);
    const int64_t nothing[] = {side * side};
    n_expected = spell_values(nothing, 1, expected);
    check_box(0, 0, .1, .1, side, side, expected, n_expected);
}

static void test_a_box_at_the_end_of_the_largest_image(void) {
    const int64_t side = INT64_C(1) << 20;
    const int64_t values[] = {PM_MAX_PIXELS - 1, 1};
    uint32_t expected[600];
    int64_t n_expected = spell_values(values, 2, expected);
    check_box((double)side - 1, (double)side - 1, 1, 1, side, side, expected, n_expected);
    check_box((double)PM_MAX_PIXELS - 1, 0, 1, 1, 1, PM_MAX_PIXELS, expected, n_expected);
    check_box(0, (double)PM_MAX_PIXELS - 1, 1, 1, PM_MAX_PIXELS, 1, expected, n_expected);
}

/* What would take all memory is asked for, not taken. */
static void test_bounds_of_enormous_rings_do_not_overflow(void) {
    enum { K = 20000 };
    static double xy[2 * K];
    for (int j = 0; j < K; j++) {
        xy[2 * j] = j % 2 ? PM_MAX_COORDINATE : -PM_MAX_COORDINATE;
        xy[2 * j + 1] = j;
    }
    int64_t offsets[9];
    int64_t sizes[16];
    for (int i = 0; i < 9; i++)
        offsets[i] = i * K / 8;
    for (int i = 0; i < 16; i++)
        sizes[i] = i % 2 ? PM_MAX_PIXELS : 1;
    const pm_rings rings = {xy, offsets, sizes, 8};
    pm_where where;
    CHECK_EQUAL(pm_shapes_check(&rings, &where), PM_OK);
    CHECK(pm_shapes_rasterize_bound(&rings) >= INT64_C(1) << 45);
    CHECK(pm_shapes_rasterize_scratch(&rings) >= (size_t)1 << 45);
    CHECK(pm_shapes_rasterize_bound(&rings) <= INT64_MAX / 8);
    CHECK(pm_shapes_rasterize_scratch(&rings) <= SIZE_MAX / 8);
}

/* ---- pm_shapes_check --------------------------------------------------------------------------------------------- */

static void test_coordinates_out_of_range_are_refused(void) {
    static const double bad[] = {NAN, INFINITY, -INFINITY, 35184372088833., -35184372088833., 1e300, -1e300};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        for (int64_t at = 0; at < 6; at++) {
            double xy[14] = {0, 0, PM_MAX_COORDINATE, -PM_MAX_COORDINATE};
            xy[8 + at] = bad[i];
            const int64_t offsets[] = {1, 4, 7};
            const int64_t sizes[] = {5, 5, 5, 5};
            const pm_rings rings = {xy, offsets, sizes, 2};
            pm_where where;
            CHECK_EQUAL(pm_shapes_check(&rings, &where), i < 3 ? PM_POINT_NOT_FINITE : PM_POINT_TOO_LARGE);
            CHECK_EQUAL(where.mask, 1);
            CHECK_EQUAL(where.at, at);
            CHECK(memcmp(&where.value, &bad[i], sizeof where.value) == 0);
        }
    }
}

static void test_sizes_out_of_range_are_refused(void) {
    const int64_t offsets[] = {0, 0, 0};
    const int64_t negative[] = {5, 5, -1, 5};
    const int64_t large[] = {5, 5, PM_MAX_PIXELS, 2};
    pm_where where;
    const pm_rings first = {NULL, offsets, negative, 2};
    CHECK_EQUAL(pm_shapes_check(&first, &where), PM_SIZE_NEGATIVE);
    CHECK_EQUAL(where.mask, 1);
    const pm_rings second = {NULL, offsets, large, 2};
    CHECK_EQUAL(pm_shapes_check(&second, &where), PM_SIZE_TOO_LARGE);
    CHECK_EQUAL(where.mask, 1);
}

static void test_empty_batches(void) {
    const int64_t offsets[] = {0};
    const pm_rings rings = {NULL, offsets, NULL, 0};
    raster out = rasterize(&rings);
    CHECK_EQUAL(pm_shapes_rasterize_bound(&rings), 0);
    free_raster(&out);
    pm_shapes_box_corners(NULL, 0, NULL);
}

int main(void) {
    RUN(test_published_examples);
    RUN(test_box_examples);
    RUN(test_box_corners_are_in_cocos_order);
    RUN(test_even_odd_rule);
    RUN(test_fewer_than_three_points_are_empty);
    RUN(test_images_without_pixels);
    RUN(test_random_rings);
    RUN(test_random_slivers);
    RUN(test_far_points);
    RUN(test_farther_points);
    RUN(test_batches_are_rings_one_by_one);
    RUN(test_many_crossings_in_one_column);
    RUN(test_rings_without_extent);
    RUN(test_coordinates_at_the_limit);
    RUN(test_far_boxes_are_exact);
    RUN(test_boxes_in_wide_images);
    RUN(test_a_box_at_the_end_of_the_largest_image);
    RUN(test_bounds_of_enormous_rings_do_not_overflow);
    RUN(test_coordinates_out_of_range_are_refused);
    RUN(test_sizes_out_of_range_are_refused);
    RUN(test_empty_batches);
    return check_report("test_shapes");
}
