/* test_algebra.c - pm_algebra_*: masks from masks. */
#include "cases.h"

static const pm_operation operations[] = {PM_INTERSECTION, PM_UNION, PM_XOR, PM_DIFFERENCE};
static const char *const operation_names[] = {"intersection of ", "union of ", "xor of ", "difference of "};

/* A result in guarded memory of exactly the bound. */
typedef struct result {
    uint32_t *counts;
    int64_t *offsets;
    int64_t bound;
} result;

static result new_result(int64_t bound, int64_t n) {
    return (result){GUARD_ARRAY(uint32_t, bound), GUARD_ARRAY(int64_t, n + 1), bound};
}

static void free_result(result *out) {
    guard_free(out->counts);
    guard_free(out->offsets);
}

/* Mask i of a result against the pixels it should have: the canonical runs. */
static void check_result(const result *out, int64_t i, const uint8_t *pixels, int64_t n_pixels, uint32_t *room) {
    int64_t n_runs = oracle_encode(pixels, n_pixels, room);
    CHECK_RUNS(out->counts + out->offsets[i], out->offsets[i + 1] - out->offsets[i], room, n_runs);
}

/* ---- pairwise ---------------------------------------------------------------------------------------------------- */

/* Every pair (i, j) of two batches of one size: a's mask i against all of b at once. */
static void check_all_pairs(const many_masks *a, const many_masks *b) {
    int64_t n_pixels = a->n_pixels;
    uint8_t *pixels = malloc((size_t)n_pixels + 1);
    uint32_t *room = malloc((size_t)(n_pixels + 1) * sizeof *room);
    for (int64_t i = 0; i < a->batch.n; i++) {
        const pm_batch one = {a->counts, a->offsets + i, a->sizes + 2 * i, 1};
        for (int k = 0; k < 8; k++) { /* each operation, the one mask first, then second */
            pm_operation operation = operations[k % 4];
            const pm_batch *left = k < 4 ? &one : &b->batch;
            const pm_batch *right = k < 4 ? &b->batch : &one;
            result out = new_result(pm_algebra_pairwise_bound(left, right), b->batch.n);
            pm_where where;
            CHECK_EQUAL(pm_algebra_pairwise(operation, left, right, out.counts, out.offsets, &where), PM_OK);
            for (int64_t j = 0; j < b->batch.n; j++) {
                mask_case now = {a->height, a->width, pixels, NULL, 0, operation_names[k % 4]};
                check_case(n_pixels, print_mask, &now);
                oracle_combine(operation, k < 4 ? pixels_of(a, i) : pixels_of(b, j),
                               k < 4 ? pixels_of(b, j) : pixels_of(a, i), n_pixels, pixels);
                check_result(&out, j, pixels, n_pixels, room);
            }
            check_case(0, NULL, NULL);
            free_result(&out);
        }
    }
    free(pixels);
    free(room);
}

static void test_every_pair_of_tiny_masks(void) {
    random_state random = {1};
    for (int64_t n_pixels = 1; n_pixels <= 7; n_pixels++) {
        for (int64_t height = 0; next_tiny_shape(n_pixels, &height);) {
            many_masks a = every_mask(&random, height, n_pixels / height);
            many_masks b = every_mask(&random, height, n_pixels / height);
            check_all_pairs(&a, &b);
            free_masks(&a);
            free_masks(&b);
        }
    }
}

static void test_random_pairs(void) {
    random_state random = {2};
    for (int trial = 0; trial < 200; trial++) {
        int64_t height = random_side(&random, 70);
        int64_t width = random_side(&random, 70);
        many_masks a = random_masks(&random, 3, height, width);
        many_masks b = random_masks(&random, random_between(&random, 0, 4), height, width);
        check_all_pairs(&a, &b);
        free_masks(&a);
        free_masks(&b);
    }
}

static void test_mask_by_mask_with_sizes_of_their_own(void) {
    random_state random = {3};
    for (int trial = 0; trial < 200; trial++) {
        int64_t n = random_between(&random, 0, 5);
        many_masks parts[2][5];
        uint32_t counts[2][5 * 400];
        int64_t offsets[2][6] = {{0}, {0}};
        int64_t sizes[10];
        for (int64_t i = 0; i < n; i++) {
            sizes[2 * i] = random_between(&random, 0, 9);
            sizes[2 * i + 1] = random_between(&random, 0, 9);
            for (int side = 0; side < 2; side++) {
                many_masks *part = &parts[side][i];
                *part = random_masks(&random, 1, sizes[2 * i], sizes[2 * i + 1]);
                int64_t n_runs = part->offsets[1] - part->offsets[0];
                memcpy(counts[side] + offsets[side][i], part->counts + part->offsets[0],
                       (size_t)n_runs * sizeof(uint32_t));
                offsets[side][i + 1] = offsets[side][i] + n_runs;
            }
        }
        const pm_batch a = {counts[0], offsets[0], sizes, n};
        const pm_batch b = {counts[1], offsets[1], sizes, n};
        for (int k = 0; k < 4; k++) {
            result out = new_result(pm_algebra_pairwise_bound(&a, &b), n);
            pm_where where;
            CHECK_EQUAL(pm_algebra_pairwise(operations[k], &a, &b, out.counts, out.offsets, &where), PM_OK);
            CHECK_EQUAL(out.offsets[0], 0);
            for (int64_t i = 0; i < n; i++) {
                uint8_t pixels[81];
                uint32_t room[82];
                oracle_combine(operations[k], parts[0][i].pixels, parts[1][i].pixels, parts[0][i].n_pixels, pixels);
                check_result(&out, i, pixels, parts[0][i].n_pixels, room);
            }
            free_result(&out);
        }
        for (int64_t i = 0; i < n; i++) {
            free_masks(&parts[0][i]);
            free_masks(&parts[1][i]);
        }
    }
}

/* pycocotools stops at two zero-length runs in one place and loses the rest. */
static void test_zero_runs_in_one_place_lose_nothing(void) {
    const uint32_t runs[] = {1, 0, 1, 2, 0, 1, 1};
    one_mask mask;
    const pm_batch *batch = one_mask_of(&mask, runs, 7, 1, 6);
    uint32_t counts[32];
    int64_t offsets[2];
    pm_where where;
    CHECK(pm_algebra_pairwise_bound(batch, batch) <= 32);
    CHECK_EQUAL(pm_algebra_pairwise(PM_UNION, batch, batch, counts, offsets, &where), PM_OK);
    CHECK_RUNS(counts, offsets[1], ((const uint32_t[]){2, 3, 1}), 3);
}

static void test_unequal_sizes_are_named(void) {
    const uint32_t counts[] = {6, 6, 6};
    const int64_t offsets[] = {0, 1, 2, 3};
    const int64_t sizes_a[] = {2, 3, 1, 6, 2, 3};
    const int64_t sizes_b[] = {2, 3, 1, 6, 3, 2};
    const pm_batch a = {counts, offsets, sizes_a, 3};
    const pm_batch b = {counts, offsets, sizes_b, 3};
    const pm_batch last = {counts, offsets + 2, sizes_b + 4, 1};
    uint32_t out[64];
    int64_t out_offsets[4];
    pm_where where;
    CHECK_EQUAL(pm_algebra_pairwise(PM_UNION, &a, &b, out, out_offsets, &where), PM_SIZE_MISMATCH);
    CHECK_EQUAL(where.mask, 2);
    CHECK_EQUAL(where.other, 2);
    CHECK_EQUAL(where.height, 2);
    CHECK_EQUAL(where.width, 3);
    CHECK_EQUAL(where.other_height, 3);
    CHECK_EQUAL(where.other_width, 2);
    CHECK_EQUAL(pm_algebra_pairwise(PM_UNION, &a, &last, out, out_offsets, &where), PM_SIZE_MISMATCH);
    CHECK_EQUAL(where.mask, 0);
    CHECK_EQUAL(where.other, 0);
    CHECK_EQUAL(pm_algebra_pairwise(PM_UNION, &last, &b, out, out_offsets, &where), PM_SIZE_MISMATCH);
    CHECK_EQUAL(where.mask, 0);
    CHECK_EQUAL(where.other, 0);
    CHECK_EQUAL(where.height, 3);
    CHECK_EQUAL(where.other_height, 2);
}

static void test_pairs_without_pixels(void) {
    const uint32_t zeros[] = {0, 0, 0};
    one_mask a;
    one_mask b;
    for (int64_t n = 0; n <= 3; n++) {
        const pm_batch *left = one_mask_of(&a, zeros, n, 0, 5);
        const pm_batch *right = one_mask_of(&b, zeros, 3 - n, 0, 5);
        result out = new_result(pm_algebra_pairwise_bound(left, right), 1);
        pm_where where;
        CHECK_EQUAL(pm_algebra_pairwise(PM_UNION, left, right, out.counts, out.offsets, &where), PM_OK);
        CHECK_RUNS(out.counts, out.offsets[1], zeros, 1);
        free_result(&out);
    }
}

/* ---- complement -------------------------------------------------------------------------------------------------- */

static void check_complement(const many_masks *masks) {
    int64_t n_pixels = masks->n_pixels;
    uint8_t *pixels = malloc((size_t)n_pixels + 1);
    uint32_t *room = malloc((size_t)(n_pixels + 1) * sizeof *room);
    result out = new_result(pm_algebra_complement_bound(&masks->batch), masks->batch.n);
    pm_algebra_complement(&masks->batch, out.counts, out.offsets);
    CHECK_EQUAL(out.offsets[0], 0);
    for (int64_t i = 0; i < masks->batch.n; i++) {
        mask_case now = {masks->height, masks->width, pixels_of(masks, i), NULL, 0, "complement of "};
        check_case(n_pixels, print_mask, &now);
        for (int64_t k = 0; k < n_pixels; k++)
            pixels[k] = !pixels_of(masks, i)[k];
        check_result(&out, i, pixels, n_pixels, room);
    }
    check_case(0, NULL, NULL);
    free_result(&out);
    free(pixels);
    free(room);
}

static void test_complement_of_every_tiny_mask(void) {
    random_state random = {4};
    for (int64_t n_pixels = 1; n_pixels <= TINY_PIXELS; n_pixels++) {
        for (int64_t height = 0; next_tiny_shape(n_pixels, &height);) {
            many_masks masks = every_mask(&random, height, n_pixels / height);
            check_complement(&masks);
            free_masks(&masks);
        }
    }
}

static void test_complement_of_random_masks(void) {
    random_state random = {5};
    for (int trial = 0; trial < 300; trial++) {
        many_masks masks = random_masks(&random, random_between(&random, 0, 3), random_side(&random, 100),
                                        random_side(&random, 100));
        check_complement(&masks);
        free_masks(&masks);
    }
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

/* One reduction with everything guarded; returns the result and its sizes. */
static pm_status reduce(pm_operation operation, const pm_batch *masks, const int64_t *groups, int64_t n_groups,
                        result *out, int64_t **sizes, pm_where *where) {
    *out = new_result(pm_algebra_reduce_bound(masks, groups, n_groups), n_groups);
    *sizes = GUARD_ARRAY(int64_t, 2 * n_groups);
    void *scratch = guard_scratch(pm_algebra_reduce_scratch(masks, groups, n_groups));
    pm_status status =
        pm_algebra_reduce(operation, masks, groups, n_groups, out->counts, out->offsets, *sizes, scratch, where);
    guard_free(scratch);
    return status;
}

static void check_groups(const many_masks *masks, const int64_t *groups, int64_t n_groups) {
    int64_t n_pixels = masks->n_pixels;
    uint8_t *pixels = malloc((size_t)n_pixels + 1);
    uint32_t *room = malloc((size_t)(n_pixels + 1) * sizeof *room);
    for (int k = 0; k < 2; k++) {
        result out;
        int64_t *sizes;
        pm_where where;
        CHECK_EQUAL(reduce(operations[k], &masks->batch, groups, n_groups, &out, &sizes, &where), PM_OK);
        CHECK_EQUAL(out.offsets[0], 0);
        for (int64_t g = 0; g < n_groups; g++) {
            mask_case now = {masks->height, masks->width, pixels, NULL, 0, operation_names[k]};
            check_case((groups[g + 1] - groups[g]) * n_pixels, print_mask, &now);
            if (groups[g] == groups[g + 1]) {
                CHECK_EQUAL(out.offsets[g + 1], out.offsets[g]);
                CHECK_EQUAL(sizes[2 * g], 0);
                CHECK_EQUAL(sizes[2 * g + 1], 0);
                continue;
            }
            memcpy(pixels, pixels_of(masks, groups[g]), (size_t)n_pixels);
            for (int64_t i = groups[g] + 1; i < groups[g + 1]; i++)
                oracle_combine(operations[k], pixels, pixels_of(masks, i), n_pixels, pixels);
            CHECK_EQUAL(sizes[2 * g], masks->height);
            CHECK_EQUAL(sizes[2 * g + 1], masks->width);
            check_result(&out, g, pixels, n_pixels, room);
        }
        check_case(0, NULL, NULL);
        free_result(&out);
        guard_free(sizes);
    }
    free(pixels);
    free(room);
}

/* Every group size up to 40: full and odd levels of the tree of merges. */
static void test_groups_of_every_size(void) {
    random_state random = {6};
    for (int64_t n = 0; n <= 40; n++) {
        for (int trial = 0; trial < 10; trial++) {
            many_masks masks =
                random_masks(&random, n, random_between(&random, 0, 20), random_between(&random, 0, 20));
            const int64_t groups[] = {0, n};
            check_groups(&masks, groups, 1);
            free_masks(&masks);
        }
    }
}

static void test_groups_of_any_division(void) {
    random_state random = {7};
    for (int trial = 0; trial < 1000; trial++) {
        int64_t n = random_between(&random, 0, 12);
        int64_t groups[7];
        int64_t n_groups = random_between(&random, 0, 6);
        many_masks masks = random_masks(&random, n, random_between(&random, 1, 12), random_between(&random, 1, 12));
        for (int64_t g = 0; g <= n_groups; g++)
            groups[g] = random_between(&random, g ? groups[g - 1] : 0, n);
        check_groups(&masks, groups, n_groups);
        free_masks(&masks);
    }
}

static void test_a_group_of_one_becomes_canonical(void) {
    const uint32_t runs[] = {0, 0, 2, 0, 0, 3, 1, 0};
    const int64_t groups[] = {0, 1};
    one_mask mask;
    result out;
    int64_t *sizes;
    pm_where where;
    CHECK_EQUAL(reduce(PM_INTERSECTION, one_mask_of(&mask, runs, 8, 2, 3), groups, 1, &out, &sizes, &where), PM_OK);
    CHECK_RUNS(out.counts, out.offsets[1], ((const uint32_t[]){2, 3, 1}), 3);
    free_result(&out);
    guard_free(sizes);
}

static void test_unequal_sizes_in_a_group_are_named(void) {
    const uint32_t counts[] = {6, 6, 6, 6};
    const int64_t offsets[] = {0, 1, 2, 3, 4};
    const int64_t sizes[] = {6, 1, 2, 3, 2, 3, 3, 2};
    const int64_t fine[] = {0, 1, 3, 4};
    const int64_t bad[] = {0, 1, 4};
    const pm_batch masks = {counts, offsets, sizes, 4};
    result out;
    int64_t *out_sizes;
    pm_where where;
    CHECK_EQUAL(reduce(PM_UNION, &masks, fine, 3, &out, &out_sizes, &where), PM_OK);
    CHECK_EQUAL(out_sizes[0], 6);
    CHECK_EQUAL(out_sizes[3], 3);
    CHECK_EQUAL(out_sizes[4], 3);
    free_result(&out);
    guard_free(out_sizes);
    CHECK_EQUAL(reduce(PM_UNION, &masks, bad, 2, &out, &out_sizes, &where), PM_SIZE_MISMATCH);
    CHECK_EQUAL(where.mask, 3);
    CHECK_EQUAL(where.other, 1);
    CHECK_EQUAL(where.height, 3);
    CHECK_EQUAL(where.width, 2);
    CHECK_EQUAL(where.other_height, 2);
    CHECK_EQUAL(where.other_width, 3);
    free_result(&out);
    guard_free(out_sizes);
}

/* ---- wide -------------------------------------------------------------------------------------------------------- */

/* Masks of more than 2^32 pixels, as 64-bit runs: too large to paint, but easy to ask at single positions. */
typedef struct wide_mask {
    int64_t values[8];
    int64_t n;
    uint32_t runs[8 + 520];
    int64_t n_runs;
} wide_mask;

static void random_wide_mask(random_state *random, int64_t pixels, wide_mask *mask) {
    mask->n = random_values(random, pixels, 8, mask->values);
    mask->n_runs = spell_values(mask->values, mask->n, mask->runs);
}

/* The value of a result next to each place where an operand changes is what the operands' values say; and a canonical
 * list that is right there has no changes elsewhere, since it would need more runs than that. */
static void check_wide_result(pm_operation operation, const wide_mask *a, const wide_mask *b, const int64_t *values,
                              int64_t n) {
    int64_t places[16];
    int64_t n_places = 0;
    for (int side = 0; side < 2; side++) {
        const wide_mask *mask = side ? b : a;
        int64_t position = 0;
        for (int64_t j = 0; j < mask->n; j++) {
            places[n_places++] = position;
            position += mask->values[j];
        }
    }
    int64_t n_changes = 0;
    for (int64_t i = 0; i < n_places; i++) {
        for (int64_t position = places[i] > 0 ? places[i] - 1 : 0; position <= places[i]; position++) {
            bool expected = oracle_operation(operation, oracle_value_at(a->values, a->n, position),
                                             oracle_value_at(b->values, b->n, position));
            CHECK_EQUAL(oracle_value_at(values, n, position), expected);
        }
    }
    qsort(places, (size_t)n_places, sizeof *places, oracle_compare);
    for (int64_t i = 0; i < n_places; i++) {
        if (places[i] == 0 || (i > 0 && places[i] == places[i - 1]))
            continue;
        n_changes += oracle_value_at(values, n, places[i]) != oracle_value_at(values, n, places[i] - 1);
    }
    CHECK_EQUAL(n, n_changes + 1 + oracle_value_at(values, n, 0));
}

static void test_wide_pairs(void) {
    random_state random = {8};
    for (int trial = 0; trial < 2000; trial++) {
        int64_t height = trial % 2 ? 70000 : INT64_C(1) << 20;
        wide_mask masks[2];
        one_mask batches[2];
        for (int side = 0; side < 2; side++) {
            random_wide_mask(&random, height * height, &masks[side]);
            one_mask_of(&batches[side], masks[side].runs, masks[side].n_runs, height, height);
        }
        const pm_batch *a = &batches[0].batch;
        const pm_batch *b = &batches[1].batch;
        for (int k = 0; k < 4; k++) {
            result out = new_result(pm_algebra_pairwise_bound(a, b), 1);
            pm_where where;
            CHECK_EQUAL(pm_algebra_pairwise(operations[k], a, b, out.counts, out.offsets, &where), PM_OK);
            const pm_batch found = {out.counts, out.offsets, batches[0].sizes, 1};
            CHECK_EQUAL(pm_runs_check(&found, out.offsets[1], &where), PM_OK);
            int64_t values[600];
            int64_t value_offsets[2];
            pm_runs_to_values(&found, values, value_offsets);
            check_wide_result(operations[k], &masks[0], &masks[1], values, value_offsets[1]);
            free_result(&out);
        }
    }
}

static void test_wide_complement_and_groups(void) {
    const int64_t side = 70000;
    const int64_t values[2][3] = {{10, INT64_C(4500000000), side * side - INT64_C(4500000010)},
                                  {0, INT64_C(4400000000), side * side - INT64_C(4400000000)}};
    uint32_t counts[16];
    int64_t offsets[3] = {0};
    const int64_t sizes[] = {side, side, side, side};
    for (int i = 0; i < 2; i++)
        offsets[i + 1] = offsets[i] + spell_values(values[i], 3, counts + offsets[i]);
    const pm_batch masks = {counts, offsets, sizes, 2};

    result out = new_result(pm_algebra_complement_bound(&masks), 2);
    pm_algebra_complement(&masks, out.counts, out.offsets);
    const int64_t complement[2][4] = {{0, 10, INT64_C(4500000000), values[0][2]}, {INT64_C(4400000000), values[1][2]}};
    uint32_t expected[16];
    int64_t n_runs = spell_values(complement[0], 4, expected);
    CHECK_RUNS(out.counts, out.offsets[1], expected, n_runs);
    n_runs = spell_values(complement[1], 2, expected);
    CHECK_RUNS(out.counts + out.offsets[1], out.offsets[2] - out.offsets[1], expected, n_runs);
    free_result(&out);

    const int64_t groups[] = {0, 2};
    const int64_t reduced[2][3] = {{10, INT64_C(4399999990), side * side - INT64_C(4400000000)},
                                   {0, INT64_C(4500000010), side * side - INT64_C(4500000010)}};
    for (int k = 0; k < 2; k++) {
        int64_t *out_sizes;
        pm_where where;
        CHECK_EQUAL(reduce(operations[k], &masks, groups, 1, &out, &out_sizes, &where), PM_OK);
        n_runs = spell_values(reduced[k], 3, expected);
        CHECK_RUNS(out.counts, out.offsets[1], expected, n_runs);
        free_result(&out);
        guard_free(out_sizes);
    }
}

/* ---- counts that do not cover ------------------------------------------------------------------------------------ */

static void test_lying_counts_stay_inside_the_bounds(void) {
    random_state random = {9};
    for (int trial = 0; trial < 5000; trial++) {
        int64_t n = random_between(&random, 1, 9);
        int64_t height = random_between(&random, 0, 9);
        int64_t width = random_between(&random, 0, 9);
        many_masks a = lying_masks(&random, n, height, width);
        many_masks b = lying_masks(&random, random_below(&random, 2) ? n : 1, height, width);
        pm_where where;
        for (int k = 0; k < 4; k++) {
            result out = new_result(pm_algebra_pairwise_bound(&a.batch, &b.batch), n);
            CHECK_EQUAL(pm_algebra_pairwise(operations[k], &a.batch, &b.batch, out.counts, out.offsets, &where), PM_OK);
            CHECK(out.offsets[n] <= out.bound);
            free_result(&out);
        }
        result out = new_result(pm_algebra_complement_bound(&a.batch), n);
        pm_algebra_complement(&a.batch, out.counts, out.offsets);
        CHECK(out.offsets[n] <= out.bound);
        free_result(&out);
        const int64_t groups[] = {0, random_between(&random, 0, n), n};
        int64_t *sizes;
        CHECK_EQUAL(reduce(operations[trial % 2], &a.batch, groups, 2, &out, &sizes, &where), PM_OK);
        CHECK(out.offsets[2] <= out.bound);
        free_result(&out);
        guard_free(sizes);
        free_masks(&a);
        free_masks(&b);
    }
}

int main(void) {
    RUN(test_every_pair_of_tiny_masks);
    RUN(test_random_pairs);
    RUN(test_mask_by_mask_with_sizes_of_their_own);
    RUN(test_zero_runs_in_one_place_lose_nothing);
    RUN(test_unequal_sizes_are_named);
    RUN(test_pairs_without_pixels);
    RUN(test_complement_of_every_tiny_mask);
    RUN(test_complement_of_random_masks);
    RUN(test_groups_of_every_size);
    RUN(test_groups_of_any_division);
    RUN(test_a_group_of_one_becomes_canonical);
    RUN(test_unequal_sizes_in_a_group_are_named);
    RUN(test_wide_pairs);
    RUN(test_wide_complement_and_groups);
    RUN(test_lying_counts_stay_inside_the_bounds);
    return check_report("test_algebra");
}
