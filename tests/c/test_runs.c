/* test_runs.c - pm_runs_*: what a valid batch is, and what is read off it. */
#include "cases.h"

/* ---- pm_runs_check ----------------------------------------------------------------------------------------------- */

/* The check of one list on one image. */
static pm_status check_one(const uint32_t *runs, int64_t n_runs, int64_t height, int64_t width, pm_where *where) {
    one_mask mask;
    return pm_runs_check(one_mask_of(&mask, runs, n_runs, height, width), n_runs, where);
}

static void test_check_accepts_sizes_up_to_the_limit(void) {
    static const int64_t good[][2] = {{0, 0},
                                      {0, 5},
                                      {5, 0},
                                      {1, 1},
                                      {PM_MAX_PIXELS, 0},
                                      {0, PM_MAX_PIXELS},
                                      {PM_MAX_PIXELS, 1},
                                      {1, PM_MAX_PIXELS},
                                      {INT64_C(1) << 20, INT64_C(1) << 20},
                                      {3, PM_MAX_PIXELS / 3}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        pm_where where;
        CHECK_EQUAL(pm_runs_check_sizes(good[i], 1, &where), PM_OK);
    }
}

static void test_check_refuses_sizes_beyond_the_limit(void) {
    static const int64_t bad[][2] = {{PM_MAX_PIXELS + 1, 0},
                                     {0, PM_MAX_PIXELS + 1},
                                     {PM_MAX_PIXELS, 2},
                                     {2, PM_MAX_PIXELS},
                                     {(INT64_C(1) << 20) + 1, INT64_C(1) << 20},
                                     {3, PM_MAX_PIXELS / 3 + 1},
                                     {INT64_MAX, INT64_MAX},
                                     {INT64_C(1) << 32, INT64_C(1) << 32}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t sizes[4] = {1, 1, bad[i][0], bad[i][1]};
        pm_where where;
        CHECK_EQUAL(pm_runs_check_sizes(sizes, 2, &where), PM_SIZE_TOO_LARGE);
        CHECK_EQUAL(where.mask, 1);
        CHECK_EQUAL(where.height, bad[i][0]);
        CHECK_EQUAL(where.width, bad[i][1]);
    }
}

static void test_check_refuses_negative_sizes(void) {
    static const int64_t bad[][2] = {{-1, 3}, {3, -1}, {-2, -2}, {INT64_MIN, 0}, {INT64_MAX, INT64_MIN}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pm_where where;
        CHECK_EQUAL(pm_runs_check_sizes(bad[i], 1, &where), PM_SIZE_NEGATIVE);
        CHECK_EQUAL(where.mask, 0);
        CHECK_EQUAL(where.height, bad[i][0]);
        CHECK_EQUAL(where.width, bad[i][1]);
    }
}

static void test_check_looks_at_sizes_first(void) {
    const int64_t offsets[] = {5, 3};
    const int64_t sizes[] = {-1, 3};
    const pm_batch masks = {NULL, offsets, sizes, 1};
    pm_where where;
    CHECK_EQUAL(pm_runs_check(&masks, 0, &where), PM_SIZE_NEGATIVE);
}

static void test_check_refuses_offsets_that_leave_the_counts(void) {
    static const struct {
        int64_t offsets[3];
        int64_t mask;
    } bad[] = {{{-1, 1, 2}, 0}, {{0, 3, 2}, 0},         {{0, 1, 0}, 1}, {{0, 1, 3}, 1},
               {{2, 1, 2}, 0},  {{0, INT64_MAX, 1}, 0}, {{0, 1, -1}, 1}};
    const uint32_t counts[] = {4, 4};
    const int64_t sizes[] = {2, 2, 2, 2};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const pm_batch masks = {counts, bad[i].offsets, sizes, 2};
        pm_where where;
        CHECK_EQUAL(pm_runs_check(&masks, 2, &where), PM_OFFSETS_ORDER);
        CHECK_EQUAL(where.mask, bad[i].mask);
        CHECK_EQUAL(where.at, bad[i].offsets[bad[i].mask]);
        CHECK_EQUAL(where.found, bad[i].offsets[bad[i].mask + 1]);
        CHECK_EQUAL(where.expected, 2);
    }
}

/* No run may be read before all offsets are known to be right. */
static void test_check_refuses_a_late_offset_before_it_reads(void) {
    uint32_t *counts = GUARD_ARRAY(uint32_t, 1);
    counts[0] = 4;
    const int64_t offsets[] = {0, 3, 1};
    const int64_t sizes[] = {2, 2, 2, 2};
    const pm_batch masks = {counts, offsets, sizes, 2};
    pm_where where;
    CHECK_EQUAL(pm_runs_check(&masks, 1, &where), PM_OFFSETS_ORDER);
    guard_free(counts);
}

static void test_check_refuses_runs_that_do_not_cover(void) {
    static const uint32_t runs[] = {4, 4, 1, 1, 2};
    pm_where where;
    for (int64_t n = 0; n < 5; n++) {
        int64_t covered = 0;
        for (int64_t j = 0; j < n; j++)
            covered += runs[j];
        CHECK_EQUAL(check_one(runs, n, 3, 4, &where), PM_RUNS_COVERAGE);
        CHECK_EQUAL(where.mask, 0);
        CHECK_EQUAL(where.found, covered);
        CHECK_EQUAL(where.expected, 12);
        CHECK_EQUAL(where.height, 3);
        CHECK_EQUAL(where.width, 4);
    }
    CHECK_EQUAL(check_one(runs, 5, 3, 4, &where), PM_OK);
    CHECK_EQUAL(check_one(runs, 5, 11, 1, &where), PM_RUNS_COVERAGE);
    CHECK_EQUAL(where.found, 12);
    CHECK_EQUAL(where.expected, 11);
}

/* A sum of runs that is right modulo 2^32 only. */
static void test_check_adds_in_64_bits(void) {
    static const uint32_t runs[] = {UINT32_MAX, 2};
    pm_where where;
    CHECK_EQUAL(check_one(runs, 2, 1, 1, &where), PM_RUNS_COVERAGE);
    CHECK_EQUAL(where.found, (INT64_C(1) << 32) + 1);
}

static void test_check_accepts_no_runs_where_there_are_no_pixels(void) {
    static const uint32_t zeros[] = {0, 0, 0};
    pm_where where;
    for (int64_t n = 0; n <= 3; n++) {
        CHECK_EQUAL(check_one(zeros, n, 0, 0, &where), PM_OK);
        CHECK_EQUAL(check_one(zeros, n, 0, 5, &where), PM_OK);
        CHECK_EQUAL(check_one(zeros, n, PM_MAX_PIXELS, 0, &where), PM_OK);
        CHECK_EQUAL(check_one(zeros, n, 1, 1, &where), PM_RUNS_COVERAGE);
    }
}

static void test_check_accepts_slices_of_a_batch(void) {
    const uint32_t counts[] = {99, 1, 3, 4, 7};
    const int64_t offsets[] = {1, 3, 4};
    const int64_t sizes[] = {2, 2, 4, 1};
    const pm_batch masks = {counts, offsets, sizes, 2};
    pm_where where;
    CHECK_EQUAL(pm_runs_check(&masks, 5, &where), PM_OK);
    CHECK_EQUAL(pm_runs_check(&masks, 4, &where), PM_OK);
    CHECK_EQUAL(pm_runs_check(&masks, 3, &where), PM_OFFSETS_ORDER);
}

static void test_check_accepts_an_empty_batch(void) {
    const int64_t offsets[] = {0};
    const pm_batch masks = {NULL, offsets, NULL, 0};
    pm_where where;
    CHECK_EQUAL(pm_runs_check(&masks, 0, &where), PM_OK);
}

/* ---- area, box, equality, values --------------------------------------------------------------------------------- */

static void check_measures(const pm_batch *mask, const uint8_t *pixels, int64_t height, int64_t width) {
    uint64_t area;
    pm_runs_area(mask, &area);
    CHECK_EQUAL(area, oracle_area(pixels, height * width));
    double box[4];
    double expected[4];
    pm_runs_bbox(mask, box);
    oracle_bbox(pixels, height, width, expected);
    for (int k = 0; k < 4; k++)
        CHECK_DOUBLE(box[k], expected[k]);
}

static void check_values(const pm_batch *mask, const uint32_t *runs, int64_t n_runs) {
    int64_t n = mask->offsets[1] - mask->offsets[0];
    int64_t *values = GUARD_ARRAY(int64_t, n + 1);
    int64_t value_offsets[2];
    pm_runs_to_values(mask, values, value_offsets);
    CHECK_EQUAL(value_offsets[0], 0);
    CHECK_EQUAL(value_offsets[1], n_runs);
    for (int64_t j = 0; j < n_runs && j < value_offsets[1]; j++)
        CHECK_EQUAL(values[j], runs[j]);
    guard_free(values);
}

static void visit_measures(int64_t height, int64_t width, const uint8_t *pixels, const uint32_t *runs, int64_t n_runs) {
    random_state random = {(uint64_t)n_runs * 31 + pixels[0]};
    one_mask canonical;
    one_mask respelled;
    one_mask neighbour;
    pm_where where;
    bool equal;
    const pm_batch *mask = one_mask_of(&canonical, runs, n_runs, height, width);
    CHECK_EQUAL(pm_runs_check(mask, n_runs, &where), PM_OK);
    check_measures(mask, pixels, height, width);
    check_values(mask, runs, n_runs);
    for (int spelling = 0; spelling < 4; spelling++) {
        uint32_t spelled[3 * (TINY_PIXELS + 1) + 4];
        int64_t n = respell(&random, runs, n_runs, spelled);
        const pm_batch *other = one_mask_of(&respelled, spelled, n, height, width);
        CHECK_EQUAL(pm_runs_check(other, n, &where), PM_OK);
        check_measures(other, pixels, height, width);
        check_values(other, runs, n_runs);
        pm_runs_equal(mask, other, &equal);
        CHECK(equal);
        pm_runs_equal(other, mask, &equal);
        CHECK(equal);
        /* One pixel less or more is another mask. */
        uint8_t changed[TINY_PIXELS];
        uint32_t changed_runs[TINY_PIXELS + 1];
        memcpy(changed, pixels, (size_t)(height * width));
        changed[random_below(&random, height * width)] ^= 1;
        int64_t n_changed = oracle_encode(changed, height * width, changed_runs);
        pm_runs_equal(other, one_mask_of(&neighbour, changed_runs, n_changed, height, width), &equal);
        CHECK(!equal);
        pm_runs_equal(&neighbour.batch, other, &equal);
        CHECK(!equal);
    }
}

static void test_measures_of_every_tiny_mask(void) {
    for_every_tiny_mask(visit_measures);
}

static void test_measures_of_random_masks(void) {
    random_state random = {1};
    for (int trial = 0; trial < 500; trial++) {
        int64_t height = random_side(&random, 150);
        int64_t width = random_side(&random, 150);
        int64_t n = random_between(&random, 0, 4);
        many_masks masks = random_masks(&random, n, height, width);
        uint64_t *areas = GUARD_ARRAY(uint64_t, n);
        double *boxes = GUARD_ARRAY(double, 4 * n);
        pm_where where;
        CHECK_EQUAL(pm_runs_check(&masks.batch, masks.offsets[n], &where), PM_OK);
        pm_runs_area(&masks.batch, areas);
        pm_runs_bbox(&masks.batch, boxes);
        for (int64_t i = 0; i < n; i++) {
            mask_case now = {height, width, pixels_of(&masks, i), NULL, 0, NULL};
            double box[4];
            check_case(height * width, print_mask, &now);
            CHECK_EQUAL(areas[i], oracle_area(pixels_of(&masks, i), height * width));
            oracle_bbox(pixels_of(&masks, i), height, width, box);
            for (int k = 0; k < 4; k++)
                CHECK_DOUBLE(boxes[4 * i + k], box[k]);
        }
        guard_free(areas);
        guard_free(boxes);
        free_masks(&masks);
    }
}

static void check_box(const uint32_t *runs, int64_t n_runs, int64_t height, int64_t width, double x, double y, double w,
                      double h) {
    one_mask mask;
    double box[4];
    pm_runs_bbox(one_mask_of(&mask, runs, n_runs, height, width), box);
    CHECK_DOUBLE(box[0], x);
    CHECK_DOUBLE(box[1], y);
    CHECK_DOUBLE(box[2], w);
    CHECK_DOUBLE(box[3], h);
}

static void test_box_examples(void) {
    check_box((const uint32_t[]){4, 4, 1, 1, 2}, 5, 3, 4, 1, 0, 3, 3);
    check_box((const uint32_t[]){13, 1, 5, 2, 4, 3, 3, 4, 13}, 9, 6, 8, 2, 1, 4, 4);
    check_box((const uint32_t[]){48}, 1, 6, 8, 0, 0, 0, 0);
    check_box((const uint32_t[]){0, 48}, 2, 6, 8, 0, 0, 8, 6);
}

/* pycocotools answers [3, 2, 4294967294, 4294967295] to the first of these. */
static void test_box_of_runs_without_foreground_is_zero(void) {
    check_box((const uint32_t[]){2, 0, 4}, 3, 2, 3, 0, 0, 0, 0);
    check_box((const uint32_t[]){0, 0, 6, 0}, 4, 2, 3, 0, 0, 0, 0);
    check_box(NULL, 0, 0, 3, 0, 0, 0, 0);
    check_box((const uint32_t[]){0, 0, 0}, 3, 5, 0, 0, 0, 0, 0);
}

static void test_masks_of_unequal_size_are_not_equal(void) {
    const uint32_t counts[] = {12, 0};
    const int64_t offsets[] = {0, 1, 1};
    const int64_t sizes_a[] = {3, 4, 0, 5};
    const int64_t sizes_b[] = {4, 3, 5, 0};
    const pm_batch a = {counts, offsets, sizes_a, 2};
    const pm_batch b = {counts, offsets, sizes_b, 2};
    bool equal[2] = {true, true};
    pm_runs_equal(&a, &b, equal);
    CHECK(!equal[0]);
    CHECK(!equal[1]);
    pm_runs_equal(&a, &a, equal);
    CHECK(equal[0]);
    CHECK(equal[1]);
}

static void test_masks_without_pixels_are_equal_in_any_spelling(void) {
    const uint32_t zeros[] = {0, 0, 0};
    for (int64_t n = 0; n <= 3; n++) {
        for (int64_t k = 0; k <= 3; k++) {
            one_mask a;
            one_mask b;
            bool equal = false;
            pm_runs_equal(one_mask_of(&a, zeros, n, 0, 5), one_mask_of(&b, zeros, k, 0, 5), &equal);
            CHECK(equal);
        }
    }
}

static void test_values_of_masks_without_pixels_are_one_zero(void) {
    const uint32_t zeros[] = {0, 0, 0, 0, 0, 0};
    const int64_t offsets[] = {0, 0, 1, 3, 6};
    const int64_t sizes[] = {0, 0, 0, 5, 5, 0, 0, 1};
    const pm_batch masks = {zeros, offsets, sizes, 4};
    int64_t *values = GUARD_ARRAY(int64_t, 6 + 4);
    int64_t value_offsets[5];
    pm_runs_to_values(&masks, values, value_offsets);
    for (int i = 0; i < 4; i++) {
        CHECK_EQUAL(value_offsets[i], i);
        CHECK_EQUAL(values[i], 0);
    }
    CHECK_EQUAL(value_offsets[4], 4);
    guard_free(values);
}

static void test_an_empty_batch_has_no_measures(void) {
    const int64_t offsets[] = {7};
    const pm_batch masks = {NULL, offsets, NULL, 0};
    int64_t value_offsets[1] = {-1};
    pm_runs_area(&masks, NULL);
    pm_runs_bbox(&masks, NULL);
    pm_runs_equal(&masks, &masks, NULL);
    pm_runs_to_values(&masks, NULL, value_offsets);
    CHECK_EQUAL(value_offsets[0], 0);
}

/* ---- select ------------------------------------------------------------------------------------------------------ */

static void test_select_copies_masks_as_they_are_spelled(void) {
    random_state random = {2};
    for (int trial = 0; trial < 300; trial++) {
        int64_t n = random_between(&random, 1, 5);
        int64_t k = random_between(&random, 0, 8);
        many_masks masks = random_masks(&random, n, random_between(&random, 0, 6), random_between(&random, 0, 6));
        int64_t *index = GUARD_ARRAY(int64_t, k);
        for (int64_t i = 0; i < k; i++)
            index[i] = random_below(&random, n);
        int64_t bound = pm_runs_select_bound(&masks.batch, index, k);
        uint32_t *counts = GUARD_ARRAY(uint32_t, bound);
        int64_t *offsets = GUARD_ARRAY(int64_t, k + 1);
        int64_t *sizes = GUARD_ARRAY(int64_t, 2 * k);
        pm_runs_select(&masks.batch, index, k, counts, offsets, sizes);
        CHECK_EQUAL(offsets[0], 0);
        CHECK_EQUAL(offsets[k], bound);
        for (int64_t i = 0; i < k; i++) {
            CHECK_EQUAL(sizes[2 * i], masks.height);
            CHECK_EQUAL(sizes[2 * i + 1], masks.width);
            CHECK_RUNS(counts + offsets[i], offsets[i + 1] - offsets[i], masks.counts + masks.offsets[index[i]],
                       masks.offsets[index[i] + 1] - masks.offsets[index[i]]);
        }
        guard_free(index);
        guard_free(counts);
        guard_free(offsets);
        guard_free(sizes);
        free_masks(&masks);
    }
}

static void test_select_takes_sizes_along(void) {
    const uint32_t counts[] = {12, 0, 6};
    const int64_t offsets[] = {0, 1, 3};
    const int64_t sizes[] = {3, 4, 2, 3};
    const pm_batch masks = {counts, offsets, sizes, 2};
    const int64_t index[] = {1, 0, 1};
    uint32_t out[5];
    int64_t out_offsets[4];
    int64_t out_sizes[6];
    CHECK_EQUAL(pm_runs_select_bound(&masks, index, 3), 5);
    pm_runs_select(&masks, index, 3, out, out_offsets, out_sizes);
    CHECK_RUNS(out, out_offsets[3], ((const uint32_t[]){0, 6, 12, 0, 6}), 5);
    const int64_t expected[] = {2, 3, 3, 4, 2, 3};
    for (int k = 0; k < 6; k++)
        CHECK_EQUAL(out_sizes[k], expected[k]);
}

/* ---- wide -------------------------------------------------------------------------------------------------------- */

static void test_measures_of_wide_runs(void) {
    const int64_t side = 70000; /* 4.9e9 pixels */
    const int64_t values[] = {side * 10 + 3, INT64_C(4500000000), side * side - side * 10 - 3 - INT64_C(4500000000)};
    uint32_t runs[16];
    int64_t n_runs = spell_values(values, 3, runs);
    CHECK_EQUAL(n_runs, 5);
    one_mask mask;
    pm_where where;
    uint64_t area;
    const pm_batch *batch = one_mask_of(&mask, runs, n_runs, side, side);
    CHECK_EQUAL(pm_runs_check(batch, n_runs, &where), PM_OK);
    pm_runs_area(batch, &area);
    CHECK_EQUAL(area, values[1]);
    int64_t last = values[0] + values[1] - 1;
    check_box(runs, n_runs, side, side, 10, 0, (double)(last / side - 10 + 1), (double)side);
    int64_t found[6];
    int64_t found_offsets[2];
    pm_runs_to_values(batch, found, found_offsets);
    CHECK_EQUAL(found_offsets[1], 3);
    for (int j = 0; j < 3; j++)
        CHECK_EQUAL(found[j], values[j]);
}

static void test_wide_runs_are_equal_in_any_spelling(void) {
    const uint32_t a[] = {UINT32_MAX, 0, 705032704, 1}; /* 5e9 - 1 pixels of background */
    const uint32_t b[] = {0, 0, 2500000000u, 0, 2499999999u, 1, 0, 0};
    const uint32_t c[] = {UINT32_MAX, 0, 705032703, 2};
    CHECK_EQUAL((uint64_t)a[0] + a[2], UINT64_C(4999999999));
    one_mask masks[3];
    bool equal;
    one_mask_of(&masks[0], a, 4, 50000, 100000);
    one_mask_of(&masks[1], b, 8, 50000, 100000);
    one_mask_of(&masks[2], c, 4, 50000, 100000);
    pm_runs_equal(&masks[0].batch, &masks[1].batch, &equal);
    CHECK(equal);
    pm_runs_equal(&masks[1].batch, &masks[2].batch, &equal);
    CHECK(!equal);
}

static void test_the_largest_image(void) {
    const int64_t side = INT64_C(1) << 20;
    const int64_t values[] = {PM_MAX_PIXELS - 1, 1};
    uint32_t runs[520];
    int64_t n_runs = spell_values(values, 2, runs);
    one_mask mask;
    pm_where where;
    uint64_t area;
    const pm_batch *batch = one_mask_of(&mask, runs, n_runs, side, side);
    CHECK_EQUAL(pm_runs_check(batch, n_runs, &where), PM_OK);
    pm_runs_area(batch, &area);
    CHECK_EQUAL(area, 1);
    check_box(runs, n_runs, side, side, (double)(side - 1), (double)(side - 1), 1, 1);
    check_box(runs, n_runs, PM_MAX_PIXELS, 1, 0, (double)(PM_MAX_PIXELS - 1), 1, 1);
    check_box(runs, n_runs, 1, PM_MAX_PIXELS, (double)(PM_MAX_PIXELS - 1), 0, 1, 1);
}

/* The box of a random wide mask, from the ends of its runs. */
static void test_boxes_of_random_wide_masks(void) {
    random_state random = {3};
    for (int trial = 0; trial < 2000; trial++) {
        int64_t height = random_between(&random, 1, INT64_C(1) << random_between(&random, 0, 40));
        int64_t width = random_between(&random, 1, PM_MAX_PIXELS / height);
        int64_t values[8];
        int64_t n = random_values(&random, height * width, 8, values);
        uint32_t runs[8 + 520];
        int64_t n_runs = spell_values(values, n, runs);
        int64_t left = width;
        int64_t right = -1;
        int64_t top = height;
        int64_t bottom = -1;
        int64_t start = 0;
        for (int64_t j = 0; j < n; start += values[j++]) {
            if (j % 2 == 0 || values[j] == 0)
                continue;
            int64_t last = start + values[j] - 1;
            bool is_inside = start / height == last / height;
            left = left < start / height ? left : start / height;
            right = last / height;
            top = !is_inside ? 0 : top < start % height ? top : start % height;
            bottom = !is_inside ? height - 1 : bottom > last % height ? bottom : last % height;
        }
        if (right < 0)
            check_box(runs, n_runs, height, width, 0, 0, 0, 0);
        else
            check_box(runs, n_runs, height, width, (double)left, (double)top, (double)(right - left + 1),
                      (double)(bottom - top + 1));
    }
}

/* ---- counts that do not cover ------------------------------------------------------------------------------------ */

static void test_lying_counts_are_measured_inside_their_memory(void) {
    random_state random = {4};
    for (int trial = 0; trial < 2000; trial++) {
        int64_t n = random_between(&random, 1, 4);
        many_masks masks = lying_masks(&random, n, random_between(&random, 0, 9), random_between(&random, 0, 9));
        uint64_t *areas = GUARD_ARRAY(uint64_t, n);
        double *boxes = GUARD_ARRAY(double, 4 * n);
        bool *equal = GUARD_ARRAY(bool, n);
        int64_t *values = GUARD_ARRAY(int64_t, masks.offsets[n] + n);
        int64_t *value_offsets = GUARD_ARRAY(int64_t, n + 1);
        pm_runs_area(&masks.batch, areas);
        pm_runs_bbox(&masks.batch, boxes);
        pm_runs_equal(&masks.batch, &masks.batch, equal);
        pm_runs_to_values(&masks.batch, values, value_offsets);
        CHECK(value_offsets[n] <= masks.offsets[n] + n);
        guard_free(areas);
        guard_free(boxes);
        guard_free(equal);
        guard_free(values);
        guard_free(value_offsets);
        free_masks(&masks);
    }
}

int main(void) {
    RUN(test_check_accepts_sizes_up_to_the_limit);
    RUN(test_check_refuses_sizes_beyond_the_limit);
    RUN(test_check_refuses_negative_sizes);
    RUN(test_check_looks_at_sizes_first);
    RUN(test_check_refuses_offsets_that_leave_the_counts);
    RUN(test_check_refuses_a_late_offset_before_it_reads);
    RUN(test_check_refuses_runs_that_do_not_cover);
    RUN(test_check_adds_in_64_bits);
    RUN(test_check_accepts_no_runs_where_there_are_no_pixels);
    RUN(test_check_accepts_slices_of_a_batch);
    RUN(test_check_accepts_an_empty_batch);
    RUN(test_measures_of_every_tiny_mask);
    RUN(test_measures_of_random_masks);
    RUN(test_box_examples);
    RUN(test_box_of_runs_without_foreground_is_zero);
    RUN(test_masks_of_unequal_size_are_not_equal);
    RUN(test_masks_without_pixels_are_equal_in_any_spelling);
    RUN(test_values_of_masks_without_pixels_are_one_zero);
    RUN(test_an_empty_batch_has_no_measures);
    RUN(test_select_copies_masks_as_they_are_spelled);
    RUN(test_select_takes_sizes_along);
    RUN(test_measures_of_wide_runs);
    RUN(test_wide_runs_are_equal_in_any_spelling);
    RUN(test_the_largest_image);
    RUN(test_boxes_of_random_wide_masks);
    RUN(test_lying_counts_are_measured_inside_their_memory);
    return check_report("test_runs");
}
