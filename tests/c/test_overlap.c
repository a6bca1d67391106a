/* test_overlap.c - pm_overlap_*: intersection areas, and the ratios made of them. */
#include "cases.h"

/* ---- matrix and pairs -------------------------------------------------------------------------------------------- */

static pm_status matrix(const pm_batch *a, const pm_batch *b, uint64_t *areas, pm_where *where) {
    void *scratch = guard_scratch(pm_overlap_scratch(a, b));
    pm_status status = pm_overlap_matrix(a, b, areas, scratch, where);
    guard_free(scratch);
    return status;
}

static pm_status paired(const pm_batch *a, const pm_batch *b, uint64_t *areas, pm_where *where) {
    void *scratch = guard_scratch(pm_overlap_scratch(a, b));
    pm_status status = pm_overlap_paired(a, b, areas, scratch, where);
    guard_free(scratch);
    return status;
}

/* Mask i of a and mask j of b, for the failing check to print. */
typedef struct pair_case {
    const many_masks *a;
    const many_masks *b;
    int64_t i;
    int64_t j;
} pair_case;

static void print_pair(FILE *file, const void *context) {
    const pair_case *pair = context;
    const mask_case a = {pair->a->height, pair->a->width, pixels_of(pair->a, pair->i), NULL, 0, "a is "};
    const mask_case b = {pair->b->height, pair->b->width, pixels_of(pair->b, pair->j), NULL, 0, "; b is "};
    print_mask(file, &a);
    print_mask(file, &b);
}

static void check_matrix(const many_masks *a, const many_masks *b) {
    int64_t n_a = a->batch.n;
    int64_t n_b = b->batch.n;
    uint64_t *areas = GUARD_ARRAY(uint64_t, n_a * n_b);
    pm_where where;
    CHECK_EQUAL(matrix(&a->batch, &b->batch, areas, &where), PM_OK);
    for (int64_t i = 0; i < n_a; i++) {
        for (int64_t j = 0; j < n_b; j++) {
            const pair_case now = {a, b, i, j};
            check_case(a->n_pixels, print_pair, &now);
            CHECK_EQUAL(areas[i * n_b + j], oracle_shared(pixels_of(a, i), pixels_of(b, j), a->n_pixels));
        }
    }
    check_case(0, NULL, NULL);
    /* the same in two steps, rows from the last to the first */
    uint64_t *rows = GUARD_ARRAY(uint64_t, n_a * n_b);
    void *scratch = guard_scratch(pm_overlap_scratch(&a->batch, &b->batch));
    if (n_a > 0 && n_b > 0)
        CHECK_EQUAL(pm_overlap_matrix_prepare(&a->batch, &b->batch, scratch, &where), PM_OK);
    for (int64_t i = n_b > 0 ? n_a : 0; i-- > 0;)
        pm_overlap_matrix_rows(&a->batch, &b->batch, i, i + 1, rows, scratch);
    CHECK(memcmp(rows, areas, (size_t)(n_a * n_b) * sizeof *rows) == 0);
    guard_free(scratch);
    guard_free(rows);
    guard_free(areas);
}

static void check_paired(const many_masks *a, const many_masks *b) {
    int64_t n = a->batch.n == 1 ? b->batch.n : a->batch.n;
    uint64_t *areas = GUARD_ARRAY(uint64_t, n);
    pm_where where;
    CHECK_EQUAL(paired(&a->batch, &b->batch, areas, &where), PM_OK);
    for (int64_t k = 0; k < n; k++) {
        const pair_case now = {a, b, a->batch.n == 1 ? 0 : k, b->batch.n == 1 ? 0 : k};
        check_case(a->n_pixels, print_pair, &now);
        CHECK_EQUAL(areas[k], oracle_shared(pixels_of(a, now.i), pixels_of(b, now.j), a->n_pixels));
    }
    check_case(0, NULL, NULL);
    guard_free(areas);
}

static void test_every_pair_of_tiny_masks(void) {
    random_state random = {1};
    for (int64_t n_pixels = 1; n_pixels <= 8; n_pixels++) {
        for (int64_t height = 0; next_tiny_shape(n_pixels, &height);) {
            many_masks a = every_mask(&random, height, n_pixels / height);
            many_masks b = every_mask(&random, height, n_pixels / height);
            check_matrix(&a, &b);
            check_paired(&a, &b);
            free_masks(&a);
            free_masks(&b);
        }
    }
}

static void test_random_batches(void) {
    random_state random = {2};
    for (int trial = 0; trial < 400; trial++) {
        int64_t height = random_side(&random, 100);
        int64_t width = random_side(&random, 100);
        int64_t n = random_between(&random, 0, 6);
        many_masks a = random_masks(&random, n, height, width);
        many_masks b = random_masks(&random, random_between(&random, 0, 6), height, width);
        many_masks c = random_masks(&random, n, height, width);
        many_masks one = random_masks(&random, 1, height, width);
        check_matrix(&a, &b);
        check_paired(&a, &c);
        check_paired(&a, &one);
        check_paired(&one, &a);
        free_masks(&a);
        free_masks(&b);
        free_masks(&c);
        free_masks(&one);
    }
}

/* Objects in a large image: boxes that miss, touch and meet, entered in the middle of their lists. */
static void test_scattered_objects(void) {
    random_state random = {3};
    for (int trial = 0; trial < 60; trial++) {
        int64_t height = random_between(&random, 40, 90);
        int64_t width = random_between(&random, 40, 90);
        many_masks batches[2];
        for (int side = 0; side < 2; side++) {
            uint8_t *pixels = GUARD_ARRAY(uint8_t, 8 * height * width);
            memset(pixels, 0, (size_t)(8 * height * width));
            for (int64_t i = 0; i < 8; i++) {
                int64_t left = random_below(&random, width);
                int64_t right = random_between(&random, left, width);
                int64_t top = random_below(&random, height);
                int64_t bottom = random_between(&random, top, height);
                for (int64_t column = left; column < right; column++)
                    for (int64_t row = top; row < bottom; row++)
                        pixels[(i * width + column) * height + row] = random_below(&random, 5) > 0;
            }
            batches[side] = masks_of_pixels(&random, 8, height, width, pixels);
        }
        check_matrix(&batches[0], &batches[1]);
        check_paired(&batches[0], &batches[1]);
        free_masks(&batches[0]);
        free_masks(&batches[1]);
    }
}

/* A tall mask of a few long runs, which has many words for each of its intervals; and a ragged one, which has few. Both
 * are cut off at random, so that boxes begin and end anywhere in words. */
static void draw_mask(random_state *random, bool is_ragged, int64_t height, int64_t width, uint8_t *pixels) {
    int64_t left = random_below(random, width);
    int64_t right = random_between(random, left, width);
    int64_t top = 64 * random_below(random, height / 64 + 1) + random_between(random, -1, 1);
    top = top < 0 ? 0 : top < height ? top : height;
    int64_t bottom = random_below(random, 2) ? height : random_between(random, top, height);
    memset(pixels, 0, (size_t)(height * width));
    for (int64_t column = left; column < right; column++)
        for (int64_t row = top; row < bottom; row++)
            pixels[column * height + row] = is_ragged ? (uint8_t)random_below(random, 2) : 1;
}

/* All bits, all intervals, and both in one call, where the one kind meets the other. */
static void test_masks_above_and_below_what_is_worth_bits(void) {
    random_state random = {6};
    for (int trial = 0; trial < 600; trial++) {
        int64_t height = random_below(&random, 2) ? random_between(&random, 1, 400) : random_between(&random, 1500, 2500);
        int64_t width = random_between(&random, 1, 6);
        many_masks batches[2];
        for (int side = 0; side < 2; side++) {
            int64_t n = random_between(&random, 2, 5);
            int64_t mixture = random_below(&random, 3);
            uint8_t *pixels = GUARD_ARRAY(uint8_t, n * height * width);
            for (int64_t i = 0; i < n; i++)
                draw_mask(&random, mixture == 2 ? random_below(&random, 2) : mixture, height, width,
                          pixels + i * height * width);
            batches[side] = masks_of_pixels(&random, n, height, width, pixels);
        }
        check_matrix(&batches[0], &batches[1]);
        free_masks(&batches[0]);
        free_masks(&batches[1]);
    }
}

/* Every start and end of a run around the borders of words. */
static void test_every_run_around_the_ends_of_words(void) {
    random_state random = {7};
    static const int64_t heights[] = {63, 64, 65, 127, 128, 129};
    for (int h = 0; h < 6; h++) {
        int64_t height = heights[h];
        int64_t n_pixels = 3 * height;
        for (int64_t start = 0; start < n_pixels; start += start % 64 < 3 || start % 64 > 60 ? 1 : 7) {
            uint8_t *pixels = GUARD_ARRAY(uint8_t, 8 * n_pixels);
            for (int64_t i = 0; i < 8; i++) {
                int64_t end = start + (i < 4 ? 62 + i : i < 6 ? height - 5 + i : 2 * height - 6 + i);
                for (int64_t p = 0; p < n_pixels; p++)
                    pixels[i * n_pixels + p] = p >= start && p < end;
            }
            many_masks a = masks_of_pixels(&random, 8, height, 3, pixels);
            many_masks b = random_masks(&random, 3, height, 3);
            check_matrix(&a, &b);
            check_matrix(&a, &a);
            free_masks(&a);
            free_masks(&b);
        }
    }
}

/* More words on one side than are compared at a time. */
static void test_more_masks_than_a_block_holds(void) {
    random_state random = {8};
    uint8_t *pixels = GUARD_ARRAY(uint8_t, 300 * 70 * 60);
    for (int64_t p = 0; p < 300 * 70 * 60; p++) /* noise, so that all have bits: 300 x 3 x 60 words */
        pixels[p] = (uint8_t)random_below(&random, 2);
    many_masks a = masks_of_pixels(&random, 300, 70, 60, pixels);
    many_masks b = random_masks(&random, 3, 70, 60);
    check_matrix(&a, &b);
    free_masks(&a);
    free_masks(&b);
}

static void test_mask_by_mask_with_sizes_of_their_own(void) {
    const uint32_t counts[] = {1, 4, 1, 2, 2, 8};
    const int64_t offsets[] = {0, 3, 6};
    const int64_t sizes[] = {2, 3, 4, 3};
    const pm_batch masks = {counts, offsets, sizes, 2};
    uint64_t areas[2];
    pm_where where;
    CHECK_EQUAL(paired(&masks, &masks, areas, &where), PM_OK);
    CHECK_EQUAL(areas[0], 4);
    CHECK_EQUAL(areas[1], 2);
}

static void test_unequal_sizes_are_named(void) {
    const uint32_t counts[] = {6, 6, 6};
    const int64_t offsets[] = {0, 1, 2, 3};
    const int64_t same[] = {2, 3, 2, 3, 2, 3};
    const int64_t odd[] = {2, 3, 2, 3, 3, 2};
    const pm_batch a = {counts, offsets, same, 3};
    const pm_batch b = {counts, offsets, odd, 3};
    uint64_t areas[9];
    pm_where where;
    CHECK_EQUAL(matrix(&a, &b, areas, &where), PM_SIZE_MISMATCH);
    CHECK_EQUAL(where.mask, 0);
    CHECK_EQUAL(where.other, 2);
    CHECK_EQUAL(where.height, 2);
    CHECK_EQUAL(where.width, 3);
    CHECK_EQUAL(where.other_height, 3);
    CHECK_EQUAL(where.other_width, 2);
    CHECK_EQUAL(matrix(&b, &a, areas, &where), PM_SIZE_MISMATCH);
    CHECK_EQUAL(where.mask, 2);
    CHECK_EQUAL(where.other, 0);
    CHECK_EQUAL(paired(&a, &b, areas, &where), PM_SIZE_MISMATCH);
    CHECK_EQUAL(where.mask, 2);
    CHECK_EQUAL(where.other, 2);
    const pm_batch first = {counts, offsets, same, 1};
    CHECK_EQUAL(paired(&first, &b, areas, &where), PM_SIZE_MISMATCH);
    CHECK_EQUAL(where.mask, 0);
    CHECK_EQUAL(where.other, 2);
    CHECK_EQUAL(where.height, 2);
    CHECK_EQUAL(where.other_height, 3);
}

static void test_empty_batches(void) {
    const int64_t offsets[] = {0, 1};
    const int64_t sizes[] = {2, 3};
    const uint32_t counts[] = {6};
    const pm_batch none = {counts, offsets, sizes, 0};
    const pm_batch one = {counts, offsets, sizes, 1};
    pm_where where;
    CHECK_EQUAL(matrix(&none, &none, NULL, &where), PM_OK);
    CHECK_EQUAL(matrix(&none, &one, NULL, &where), PM_OK);
    CHECK_EQUAL(matrix(&one, &none, NULL, &where), PM_OK);
    CHECK_EQUAL(paired(&none, &none, NULL, &where), PM_OK);
    CHECK_EQUAL(paired(&none, &one, NULL, &where), PM_OK);
    CHECK_EQUAL(paired(&one, &none, NULL, &where), PM_OK);
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

/* Ascending offsets inside 0 .. n: some groups are empty, some masks in none. */
static void random_groups(random_state *random, int64_t n, int64_t n_groups, int64_t *groups) {
    for (int64_t g = 0; g <= n_groups; g++)
        groups[g] = random_between(random, g > 0 ? groups[g - 1] : 0, g > 0 ? (n + groups[g - 1] + 1) / 2 : n / 2);
}

static int64_t pairs_of(const int64_t *groups_a, const int64_t *groups_b, int64_t n_groups) {
    int64_t n = 0;
    for (int64_t g = 0; g < n_groups; g++)
        n += (groups_a[g + 1] - groups_a[g]) * (groups_b[g + 1] - groups_b[g]);
    return n;
}

static pm_status grouped(const pm_batch *a, const int64_t *groups_a, const pm_batch *b, const int64_t *groups_b,
                         int64_t n_groups, uint64_t *areas, pm_where *where) {
    void *scratch = guard_scratch(pm_overlap_grouped_scratch(a, groups_a, b, groups_b, n_groups));
    pm_status status = pm_overlap_grouped(a, groups_a, b, groups_b, n_groups, areas, scratch, where);
    guard_free(scratch);
    return status;
}

/* All groups at once, and in two parts, which are the same. */
static void test_groups_have_their_matrices(void) {
    enum { GROUPS = 4 };
    random_state random = {9};
    for (int trial = 0; trial < 400; trial++) {
        int64_t height = random_side(&random, 100);
        int64_t width = random_side(&random, 40);
        many_masks a = random_masks(&random, random_between(&random, 0, 9), height, width);
        many_masks b = random_masks(&random, random_between(&random, 0, 9), height, width);
        int64_t *groups_a = GUARD_ARRAY(int64_t, GROUPS + 1);
        int64_t *groups_b = GUARD_ARRAY(int64_t, GROUPS + 1);
        random_groups(&random, a.batch.n, GROUPS, groups_a);
        random_groups(&random, b.batch.n, GROUPS, groups_b);
        int64_t n = pairs_of(groups_a, groups_b, GROUPS);
        uint64_t *areas = GUARD_ARRAY(uint64_t, n);
        uint64_t *again = GUARD_ARRAY(uint64_t, n);
        pm_where where;
        CHECK_EQUAL(grouped(&a.batch, groups_a, &b.batch, groups_b, GROUPS, areas, &where), PM_OK);
        int64_t first = random_between(&random, 0, GROUPS);
        CHECK_EQUAL(grouped(&a.batch, groups_a, &b.batch, groups_b, first, again, &where), PM_OK);
        CHECK_EQUAL(grouped(&a.batch, groups_a + first, &b.batch, groups_b + first, GROUPS - first,
                            again + pairs_of(groups_a, groups_b, first), &where), PM_OK);
        int64_t k = 0;
        for (int64_t g = 0; g < GROUPS; g++) {
            for (int64_t i = groups_a[g]; i < groups_a[g + 1]; i++) {
                for (int64_t j = groups_b[g]; j < groups_b[g + 1]; j++, k++) {
                    const pair_case now = {&a, &b, i, j};
                    check_case(a.n_pixels, print_pair, &now);
                    CHECK_EQUAL(areas[k], oracle_shared(pixels_of(&a, i), pixels_of(&b, j), a.n_pixels));
                    CHECK_EQUAL(again[k], areas[k]);
                }
            }
        }
        check_case(0, NULL, NULL);
        CHECK_EQUAL(k, n);
        guard_free(areas);
        guard_free(again);
        guard_free(groups_a);
        guard_free(groups_b);
        free_masks(&a);
        free_masks(&b);
    }
}

static void test_unequal_sizes_in_a_group_are_named(void) {
    const uint32_t counts[] = {6, 6, 6};
    const int64_t offsets[] = {0, 1, 2, 3};
    const int64_t sizes[] = {2, 3, 3, 2, 3, 2};
    const pm_batch masks = {counts, offsets, sizes, 3};
    const int64_t right[] = {0, 1, 1, 3};
    const int64_t wrong[] = {0, 1, 1, 2};
    const int64_t mixed[] = {0, 0, 0, 3};
    uint64_t areas[9];
    pm_where where;
    CHECK_EQUAL(grouped(&masks, right, &masks, right, 3, areas, &where), PM_OK);
    CHECK_EQUAL(grouped(&masks, wrong, &masks, right, 3, areas, &where), PM_OK);
    CHECK_EQUAL(grouped(&masks, right, &masks, mixed, 3, areas, &where), PM_SIZE_MISMATCH);
    CHECK_EQUAL(where.at, 2);
    CHECK_EQUAL(where.mask, 1);
    CHECK_EQUAL(where.other, 0);
    CHECK_EQUAL(where.height, 3);
    CHECK_EQUAL(where.other_height, 2);
    const int64_t none[] = {0, 0, 0, 0}; /* sizes that differ, but nothing is compared */
    CHECK_EQUAL(grouped(&masks, mixed, &masks, none, 3, NULL, &where), PM_OK);
    CHECK_EQUAL(pm_overlap_grouped_scratch(&masks, mixed, &masks, none, 3), 0);
    CHECK_EQUAL(grouped(&masks, mixed, &masks, none, 0, NULL, &where), PM_OK);
}

static void test_ratios_of_groups(void) {
    const uint64_t areas_a[] = {99, 8, 8, 6};
    const uint64_t areas_b[] = {4, 8, 99, 12};
    const uint8_t crowd_a[] = {0, 0, 1, 0};
    const uint8_t crowd_b[] = {1, 0, 0, 0};
    const int64_t groups_a[] = {1, 3, 3, 4};
    const int64_t groups_b[] = {0, 2, 3, 4};
    const uint64_t shared[] = {4, 4, 2, 0, 3};
    double *ratios = GUARD_ARRAY(double, 5);
    pm_overlap_grouped_ratio(PM_RATIO_IOU, shared, areas_a, groups_a, crowd_a, areas_b, groups_b, crowd_b, 3, ratios);
    CHECK_DOUBLE(ratios[0], 4. / 8);
    CHECK_DOUBLE(ratios[1], 4. / 12);
    CHECK_DOUBLE(ratios[2], 2. / 8);
    CHECK_DOUBLE(ratios[3], 0);
    CHECK_DOUBLE(ratios[4], 3. / 15);
    pm_overlap_grouped_ratio(PM_RATIO_IOS, shared, areas_a, groups_a, NULL, areas_b, groups_b, NULL, 3, ratios);
    CHECK_DOUBLE(ratios[0], 4. / 4);
    CHECK_DOUBLE(ratios[1], 4. / 8);
    CHECK_DOUBLE(ratios[3], 0);
    CHECK_DOUBLE(ratios[4], 3. / 6);
    guard_free(ratios);
}

/* ---- wide -------------------------------------------------------------------------------------------------------- */

/* Two masks of more than 2^32 pixels share what their 64-bit runs share. */
static void test_wide_pairs(void) {
    random_state random = {4};
    for (int trial = 0; trial < 5000; trial++) {
        int64_t height = random_between(&random, 1, INT64_C(1) << random_between(&random, 0, 40));
        int64_t width = random_between(&random, 1, PM_MAX_PIXELS / height);
        int64_t values[2][8];
        int64_t n[2];
        uint32_t runs[2][8 + 520];
        one_mask masks[2];
        for (int side = 0; side < 2; side++) {
            n[side] = random_values(&random, height * width, 8, values[side]);
            one_mask_of(&masks[side], runs[side], spell_values(values[side], n[side], runs[side]), height, width);
        }
        int64_t expected = 0;
        int64_t start_a = 0;
        for (int64_t i = 0; i < n[0]; start_a += values[0][i++]) {
            int64_t start_b = 0;
            for (int64_t j = 0; j < n[1]; start_b += values[1][j++]) {
                int64_t start = start_a > start_b ? start_a : start_b;
                int64_t end_a = start_a + values[0][i];
                int64_t end_b = start_b + values[1][j];
                int64_t end = end_a < end_b ? end_a : end_b;
                expected += i % 2 && j % 2 && end > start ? end - start : 0;
            }
        }
        uint64_t area;
        pm_where where;
        CHECK_EQUAL(matrix(&masks[0].batch, &masks[1].batch, &area, &where), PM_OK);
        CHECK_EQUAL(area, expected);
        CHECK_EQUAL(paired(&masks[1].batch, &masks[0].batch, &area, &where), PM_OK);
        CHECK_EQUAL(area, expected);
    }
}

/* ---- counts that do not cover ------------------------------------------------------------------------------------ */

static void test_lying_counts_stay_inside_the_scratch(void) {
    random_state random = {5};
    for (int trial = 0; trial < 5000; trial++) {
        int64_t n = random_between(&random, 1, 5);
        int64_t height = random_between(&random, 0, random_below(&random, 2) ? 9 : 300);
        int64_t width = random_between(&random, 0, 9);
        many_masks a = lying_masks(&random, n, height, width);
        many_masks b = lying_masks(&random, n, height, width);
        uint64_t *areas = GUARD_ARRAY(uint64_t, n * n);
        pm_where where;
        CHECK_EQUAL(matrix(&a.batch, &b.batch, areas, &where), PM_OK);
        CHECK_EQUAL(paired(&a.batch, &b.batch, areas, &where), PM_OK);
        const int64_t groups[] = {0, n / 2, n};
        CHECK_EQUAL(grouped(&a.batch, groups, &b.batch, groups, 2, areas, &where), PM_OK);
        guard_free(areas);
        free_masks(&a);
        free_masks(&b);
    }
}

/* ---- ratios ------------------------------------------------------------------------------------------------------ */

/* The definition, from areas. */
static double ratio_of(pm_ratio ratio, uint64_t shared, uint64_t area_a, bool crowd_a, uint64_t area_b, bool crowd_b) {
    if (shared == 0)
        return 0;
    double intersection = (double)shared;
    double a = (double)area_a;
    double b = (double)area_b;
    if (ratio == PM_RATIO_DICE)
        return 2 * intersection / (a + b);
    if (crowd_b)
        return intersection / a;
    if (crowd_a)
        return intersection / b;
    return intersection / (a + b - intersection);
}

static void test_ratios_of_all_small_areas(void) {
    enum { N = 6 };
    static const uint64_t areas[N] = {0, 1, 2, 5, 6, 1000000};
    uint64_t shared[N * N];
    double *ratios = GUARD_ARRAY(double, N * N);
    for (unsigned crowds = 0; crowds < 1u << N; crowds++) {
        uint8_t crowd_a[N];
        uint8_t crowd_b[N];
        for (int i = 0; i < N; i++) {
            crowd_a[i] = crowds >> i & 1;
            crowd_b[i] = (uint8_t)((crowds * 37) >> i & 1 ? 2 : 0); /* any value but zero is a flag */
            for (int j = 0; j < N; j++)
                shared[i * N + j] = (areas[i] < areas[j] ? areas[i] : areas[j]) * (crowds % 3) / 2;
        }
        for (int k = 0; k < 8; k++) {
            pm_ratio ratio = k % 2 ? PM_RATIO_DICE : PM_RATIO_IOU;
            const uint8_t *a = k & 2 ? crowd_a : NULL;
            const uint8_t *b = k & 4 ? crowd_b : NULL;
            pm_overlap_matrix_ratio(ratio, shared, areas, N, a, areas, N, b, ratios);
            for (int i = 0; i < N; i++)
                for (int j = 0; j < N; j++)
                    CHECK_DOUBLE(ratios[i * N + j],
                                 ratio_of(ratio, shared[i * N + j], areas[i], a && a[i], areas[j], b && b[j]));
            pm_overlap_paired_ratio(ratio, shared, areas, N, areas, N, b, ratios);
            for (int i = 0; i < N; i++)
                CHECK_DOUBLE(ratios[i], ratio_of(ratio, shared[i], areas[i], false, areas[i], b && b[i]));
            pm_overlap_paired_ratio(ratio, shared, areas + 3, 1, areas, N, b, ratios);
            for (int i = 0; i < N; i++)
                CHECK_DOUBLE(ratios[i], ratio_of(ratio, shared[i], areas[3], false, areas[i], b && b[i]));
            pm_overlap_paired_ratio(ratio, shared, areas, N, areas + 3, 1, b, ratios);
            for (int i = 0; i < N; i++)
                CHECK_DOUBLE(ratios[i], ratio_of(ratio, shared[i], areas[i], false, areas[3], b && b[0]));
        }
    }
    guard_free(ratios);
}

static void test_ratio_examples(void) {
    const uint64_t shared[] = {4};
    const uint64_t areas[] = {8};
    const uint8_t crowd[] = {1};
    double ratio;
    pm_overlap_matrix_ratio(PM_RATIO_IOU, shared, areas, 1, NULL, areas, 1, NULL, &ratio);
    CHECK_DOUBLE(ratio, 4. / 12);
    pm_overlap_matrix_ratio(PM_RATIO_IOU, shared, areas, 1, NULL, areas, 1, crowd, &ratio);
    CHECK_DOUBLE(ratio, .5);
    pm_overlap_matrix_ratio(PM_RATIO_DICE, shared, areas, 1, NULL, areas, 1, NULL, &ratio);
    CHECK_DOUBLE(ratio, .5);
}

static void test_ratios_may_replace_the_intersections(void) {
    enum { N = 16 };
    uint64_t shared[N];
    uint64_t areas_a[1] = {100};
    uint64_t areas_b[N];
    double expected[N];
    for (int i = 0; i < N; i++) {
        shared[i] = (uint64_t)i;
        areas_b[i] = (uint64_t)(50 + i);
    }
    pm_overlap_matrix_ratio(PM_RATIO_IOU, shared, areas_a, 1, NULL, areas_b, N, NULL, expected);
    void *memory = guard_new(sizeof shared, 8);
    for (int pairs = 0; pairs < 2; pairs++) {
        memcpy(memory, shared, sizeof shared);
        if (pairs)
            pm_overlap_paired_ratio(PM_RATIO_IOU, memory, areas_a, 1, areas_b, N, NULL, memory);
        else
            pm_overlap_matrix_ratio(PM_RATIO_IOU, memory, areas_a, 1, NULL, areas_b, N, NULL, memory);
        CHECK(memcmp(memory, expected, sizeof expected) == 0);
    }
    guard_free(memory);
}

static void test_ratios_of_empty_batches(void) {
    pm_overlap_matrix_ratio(PM_RATIO_IOU, NULL, NULL, 0, NULL, NULL, 5, NULL, NULL);
    pm_overlap_matrix_ratio(PM_RATIO_IOU, NULL, NULL, 5, NULL, NULL, 0, NULL, NULL);
    pm_overlap_paired_ratio(PM_RATIO_IOU, NULL, NULL, 0, NULL, 1, NULL, NULL);
    pm_overlap_paired_ratio(PM_RATIO_IOU, NULL, NULL, 1, NULL, 0, NULL, NULL);
}

/* ---- boxes ------------------------------------------------------------------------------------------------------- */

static void test_box_examples(void) {
    const double a[] = {0, 0, 2, 2, 10, 10, 5, 5, 0, 0, 4, 1};
    const double b[] = {1, 1, 2, 2, 2, 0, 2, 1};
    const uint8_t crowd[] = {0, 1};
    double *ious = GUARD_ARRAY(double, 6);
    pm_overlap_boxes(a, 3, b, 2, NULL, ious);
    CHECK_DOUBLE(ious[0], 1. / 7);
    CHECK_DOUBLE(ious[1], 0);
    CHECK_DOUBLE(ious[2], 0); /* they touch */
    CHECK_DOUBLE(ious[3], 0);
    CHECK_DOUBLE(ious[4], 0);
    CHECK_DOUBLE(ious[5], 2. / 4);
    pm_overlap_boxes(a, 3, b, 2, crowd, ious);
    CHECK_DOUBLE(ious[0], 1. / 7);
    CHECK_DOUBLE(ious[5], 2. / 4);
    pm_overlap_boxes(b, 2, a, 3, (const uint8_t[]){1, 1, 1}, ious);
    CHECK_DOUBLE(ious[0], 1. / 4);
    CHECK_DOUBLE(ious[5], 2. / 2);
    guard_free(ious);
}

/* Boxes with whole corners share what their pixels share. */
static void test_boxes_with_whole_corners(void) {
    enum { SIDE = 5, N = 225 }; /* every box on 5 x 5 with an area, or 15 x 15 */
    double boxes[4 * N];
    int n = 0;
    for (int left = 0; left < SIDE; left++)
        for (int right = left + 1; right <= SIDE; right++)
            for (int top = 0; top < SIDE; top++)
                for (int bottom = top + 1; bottom <= SIDE; bottom++) {
                    const double box[] = {left, top, right - left, bottom - top};
                    memcpy(boxes + 4 * n++, box, sizeof box);
                }
    CHECK_EQUAL(n, N);
    double *ious = malloc(sizeof(double) * N * N);
    pm_overlap_boxes(boxes, N, boxes, N, NULL, ious);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            const double *a = boxes + 4 * i;
            const double *b = boxes + 4 * j;
            int shared = 0;
            for (int x = 0; x < SIDE; x++)
                for (int y = 0; y < SIDE; y++)
                    shared += x >= a[0] && x < a[0] + a[2] && y >= a[1] && y < a[1] + a[3] && x >= b[0] &&
                              x < b[0] + b[2] && y >= b[1] && y < b[1] + b[3];
            CHECK_DOUBLE(ious[j * N + i], shared / (a[2] * a[3] + b[2] * b[3] - shared));
        }
    }
    free(ious);
}

int main(void) {
    RUN(test_every_pair_of_tiny_masks);
    RUN(test_random_batches);
    RUN(test_scattered_objects);
    RUN(test_masks_above_and_below_what_is_worth_bits);
    RUN(test_every_run_around_the_ends_of_words);
    RUN(test_more_masks_than_a_block_holds);
    RUN(test_mask_by_mask_with_sizes_of_their_own);
    RUN(test_unequal_sizes_are_named);
    RUN(test_empty_batches);
    RUN(test_groups_have_their_matrices);
    RUN(test_unequal_sizes_in_a_group_are_named);
    RUN(test_ratios_of_groups);
    RUN(test_wide_pairs);
    RUN(test_lying_counts_stay_inside_the_scratch);
    RUN(test_ratios_of_all_small_areas);
    RUN(test_ratio_examples);
    RUN(test_ratios_may_replace_the_intersections);
    RUN(test_ratios_of_empty_batches);
    RUN(test_box_examples);
    RUN(test_boxes_with_whole_corners);
    return check_report("test_overlap");
}
