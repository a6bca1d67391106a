/* test_nms.c - pm_nms_*: which mask keeps each one, and how scores decay. */
#include "cases.h"

#include <math.h>

/* ---- the definitions --------------------------------------------------------------------------------------------- */

static double ratio_of(pm_ratio ratio, const many_masks *masks, int64_t i, int64_t j) {
    const uint8_t *a = pixels_of(masks, i);
    const uint8_t *b = pixels_of(masks, j);
    double shared = (double)oracle_shared(a, b, masks->n_pixels);
    double area_a = (double)oracle_area(a, masks->n_pixels);
    double area_b = (double)oracle_area(b, masks->n_pixels);
    if (shared <= 0)
        return 0;
    if (ratio == PM_RATIO_DICE)
        return 2 * shared / (area_a + area_b);
    return shared / (ratio == PM_RATIO_IOS ? fmin(area_a, area_b) : area_a + area_b - shared);
}

/* The first kept mask of the group before j that is too much like it, or j. */
static int64_t keeper_of(const many_masks *masks, const int64_t *keepers, int64_t begin, int64_t j, pm_ratio ratio,
                         double threshold) {
    for (int64_t i = begin; i < j; i++)
        if (keepers[i] == i && ratio_of(ratio, masks, i, j) > threshold)
            return i;
    return j;
}

static double decayed(pm_decay decay, double sigma, double iou) {
    return decay == PM_DECAY_GAUSSIAN ? exp(-sigma * iou * iou) : 1 - iou;
}

static double largest_before(const many_masks *masks, int64_t begin, int64_t j) {
    double largest = 0;
    for (int64_t i = begin; i < j; i++)
        largest = fmax(largest, ratio_of(PM_RATIO_IOU, masks, i, j));
    return largest;
}

static double factor_of(const many_masks *masks, int64_t begin, int64_t j, pm_decay decay, double sigma) {
    double least = 1;
    for (int64_t i = begin; i < j; i++) {
        double below = decayed(decay, sigma, largest_before(masks, begin, i));
        if (below > 0)
            least = fmin(least, decayed(decay, sigma, ratio_of(PM_RATIO_IOU, masks, i, j)) / below);
    }
    return least;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

static pm_status greedy(const pm_batch *masks, const int64_t *groups, int64_t n_groups, pm_ratio ratio,
                        double threshold, int64_t *keepers, pm_where *where) {
    void *scratch = guard_scratch(pm_nms_scratch(masks, groups, n_groups));
    pm_status status = pm_nms_greedy(masks, groups, n_groups, ratio, threshold, keepers, scratch, where);
    guard_free(scratch);
    return status;
}

static pm_status matrix(const pm_batch *masks, const int64_t *groups, int64_t n_groups, pm_decay decay, double sigma,
                        double *factors, pm_where *where) {
    void *scratch = guard_scratch(pm_nms_scratch(masks, groups, n_groups));
    pm_status status = pm_nms_matrix(masks, groups, n_groups, decay, sigma, factors, scratch, where);
    guard_free(scratch);
    return status;
}

/* One mask of a batch, for the failing check to print. */
typedef struct rank_case {
    const many_masks *masks;
    int64_t i;
} rank_case;

static void print_rank(FILE *file, const void *context) {
    const rank_case *now = context;
    const mask_case mask = {now->masks->height, now->masks->width, pixels_of(now->masks, now->i), NULL, 0, NULL};
    fprintf(file, "mask %" PRId64 " is ", now->i);
    print_mask(file, &mask);
}

/* Masks outside of the groups keep what was there. */
static void check_greedy(const many_masks *masks, const int64_t *groups, int64_t n_groups, pm_ratio ratio,
                         double threshold) {
    int64_t n = masks->batch.n;
    int64_t *keepers = GUARD_ARRAY(int64_t, n);
    pm_where where;
    for (int64_t i = 0; i < n; i++)
        keepers[i] = -1;
    CHECK_EQUAL(greedy(&masks->batch, groups, n_groups, ratio, threshold, keepers, &where), PM_OK);
    for (int64_t i = 0, g = 0; i < n; i++) {
        const rank_case now = {masks, i};
        check_case(masks->n_pixels, print_rank, &now);
        while (g < n_groups && i >= groups[g + 1])
            g++;
        bool is_in = g < n_groups && i >= groups[g];
        CHECK_EQUAL(keepers[i], is_in ? keeper_of(masks, keepers, groups[g], i, ratio, threshold) : -1);
    }
    check_case(0, NULL, NULL);
    guard_free(keepers);
}

static void check_matrix(const many_masks *masks, const int64_t *groups, int64_t n_groups, pm_decay decay,
                         double sigma) {
    int64_t n = masks->batch.n;
    double *factors = GUARD_ARRAY(double, n);
    pm_where where;
    for (int64_t i = 0; i < n; i++)
        factors[i] = -1;
    CHECK_EQUAL(matrix(&masks->batch, groups, n_groups, decay, sigma, factors, &where), PM_OK);
    for (int64_t i = 0, g = 0; i < n; i++) {
        const rank_case now = {masks, i};
        check_case(masks->n_pixels, print_rank, &now);
        while (g < n_groups && i >= groups[g + 1])
            g++;
        bool is_in = g < n_groups && i >= groups[g];
        CHECK(fabs(factors[i] - (is_in ? factor_of(masks, groups[g], i, decay, sigma) : -1)) < 1e-12);
    }
    check_case(0, NULL, NULL);
    guard_free(factors);
}

static void check_all(const many_masks *masks, const int64_t *groups, int64_t n_groups) {
    static const double thresholds[] = {-1, 0, .3, .5, 1};
    for (int k = 0; k < 5; k++) {
        check_greedy(masks, groups, n_groups, PM_RATIO_IOU, thresholds[k]);
        check_greedy(masks, groups, n_groups, PM_RATIO_DICE, thresholds[k]);
        check_greedy(masks, groups, n_groups, PM_RATIO_IOS, thresholds[k]);
    }
    check_matrix(masks, groups, n_groups, PM_DECAY_GAUSSIAN, 2);
    check_matrix(masks, groups, n_groups, PM_DECAY_GAUSSIAN, .5);
    check_matrix(masks, groups, n_groups, PM_DECAY_LINEAR, 1);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void test_every_tiny_mask_beside_every_other(void) {
    random_state random = {1};
    for (int64_t n_pixels = 1; n_pixels <= 5; n_pixels++) {
        for (int64_t height = 0; next_tiny_shape(n_pixels, &height);) {
            many_masks masks = every_mask(&random, height, n_pixels / height);
            const int64_t groups[] = {0, masks.batch.n};
            check_all(&masks, groups, 1);
            free_masks(&masks);
        }
    }
}

/* Copies of a few masks with some pixels changed, in groups of which some are empty. */
static void test_random_groups_of_masks_that_resemble(void) {
    random_state random = {2};
    for (int trial = 0; trial < 150; trial++) {
        int64_t height = random_side(&random, 80);
        int64_t width = random_side(&random, 40);
        int64_t n_pixels = height * width;
        int64_t n = random_between(&random, 0, 12);
        uint8_t *pixels = GUARD_ARRAY(uint8_t, n * n_pixels);
        for (int64_t i = 0; i < n; i++) {
            int64_t like = random_below(&random, i + 1);
            if (like == i)
                random_pixels(&random, n_pixels, pixels + i * n_pixels);
            else
                memcpy(pixels + i * n_pixels, pixels + like * n_pixels, (size_t)n_pixels);
            for (int64_t k = random_below(&random, 20); n_pixels > 0 && k > 0; k--)
                pixels[i * n_pixels + random_below(&random, n_pixels)] ^= 1;
        }
        many_masks masks = masks_of_pixels(&random, n, height, width, pixels);
        int64_t *groups = GUARD_ARRAY(int64_t, 4);
        groups[0] = random_between(&random, 0, n / 4);
        for (int g = 1; g < 4; g++)
            groups[g] = random_between(&random, groups[g - 1], n);
        check_all(&masks, groups, 3);
        guard_free(groups);
        free_masks(&masks);
    }
}

static void test_a_chain(void) {
    /* 1 x 8 pixels: 0..4, 2..6, 4..8, each IoU with the next 1/3; what is suppressed does not suppress. */
    const uint32_t counts[] = {0, 4, 4, 2, 4, 2, 4, 4};
    const int64_t offsets[] = {0, 3, 6, 8};
    const int64_t sizes[] = {1, 8, 1, 8, 1, 8};
    const pm_batch masks = {counts, offsets, sizes, 3};
    const int64_t groups[] = {0, 3};
    int64_t keepers[3];
    double factors[3];
    pm_where where;
    CHECK_EQUAL(greedy(&masks, groups, 1, PM_RATIO_IOU, .3, keepers, &where), PM_OK);
    CHECK_EQUAL(keepers[0], 0);
    CHECK_EQUAL(keepers[1], 0);
    CHECK_EQUAL(keepers[2], 2);
    CHECK_EQUAL(greedy(&masks, groups, 1, PM_RATIO_IOU, 1. / 3, keepers, &where), PM_OK); /* not above */
    CHECK_EQUAL(keepers[1], 1);
    CHECK_EQUAL(matrix(&masks, groups, 1, PM_DECAY_LINEAR, 1, factors, &where), PM_OK);
    CHECK_DOUBLE(factors[0], 1);
    CHECK_DOUBLE(factors[1], 1 - 1. / 3);
    CHECK_DOUBLE(factors[2], 1); /* (1 - 1/3) / (1 - 1/3) */
}

static void test_equal_masks_give_no_nan(void) {
    const uint32_t counts[] = {0, 6, 0, 6, 0, 6};
    const int64_t offsets[] = {0, 2, 4, 6};
    const int64_t sizes[] = {2, 3, 2, 3, 2, 3};
    const pm_batch masks = {counts, offsets, sizes, 3};
    const int64_t groups[] = {0, 3};
    double factors[3];
    pm_where where;
    CHECK_EQUAL(matrix(&masks, groups, 1, PM_DECAY_LINEAR, 1, factors, &where), PM_OK);
    CHECK_DOUBLE(factors[0], 1);
    CHECK_DOUBLE(factors[1], 0);
    CHECK_DOUBLE(factors[2], 0);
    CHECK_EQUAL(matrix(&masks, groups, 1, PM_DECAY_GAUSSIAN, 1e9, factors, &where), PM_OK);
    CHECK_DOUBLE(factors[1], 0);
    CHECK_DOUBLE(factors[2], 0);
}

static void test_unequal_sizes_are_named(void) {
    const uint32_t counts[] = {6, 6, 6};
    const int64_t offsets[] = {0, 1, 2, 3};
    const int64_t sizes[] = {2, 3, 3, 2, 3, 2};
    const pm_batch masks = {counts, offsets, sizes, 3};
    const int64_t groups[] = {0, 1, 1, 3};
    const int64_t all[] = {0, 0, 3};
    int64_t keepers[3];
    double factors[3];
    pm_where where;
    CHECK_EQUAL(greedy(&masks, groups, 3, PM_RATIO_IOU, .5, keepers, &where), PM_OK);
    CHECK_EQUAL(matrix(&masks, groups, 3, PM_DECAY_LINEAR, 1, factors, &where), PM_OK);
    CHECK_EQUAL(greedy(&masks, all, 2, PM_RATIO_IOU, .5, keepers, &where), PM_SIZE_MISMATCH);
    CHECK_EQUAL(where.at, 1);
    CHECK_EQUAL(where.mask, 1);
    CHECK_EQUAL(where.other, 0);
    CHECK_EQUAL(where.height, 3);
    CHECK_EQUAL(where.other_height, 2);
    CHECK_EQUAL(matrix(&masks, all, 2, PM_DECAY_LINEAR, 1, factors, &where), PM_SIZE_MISMATCH);
    CHECK_EQUAL(where.mask, 1);
}

static void test_no_masks(void) {
    const int64_t offsets[] = {0};
    const pm_batch none = {NULL, offsets, NULL, 0};
    const int64_t groups[] = {0, 0};
    pm_where where;
    CHECK_EQUAL(greedy(&none, groups, 0, PM_RATIO_IOU, .5, NULL, &where), PM_OK);
    CHECK_EQUAL(greedy(&none, groups, 1, PM_RATIO_IOU, .5, NULL, &where), PM_OK);
    CHECK_EQUAL(matrix(&none, groups, 1, PM_DECAY_LINEAR, 1, NULL, &where), PM_OK);
}

static void test_lying_counts_stay_inside_the_scratch(void) {
    random_state random = {3};
    for (int trial = 0; trial < 3000; trial++) {
        int64_t n = random_between(&random, 1, 6);
        many_masks masks = lying_masks(&random, n, random_between(&random, 0, random_below(&random, 2) ? 9 : 300),
                                       random_between(&random, 0, 9));
        int64_t *keepers = GUARD_ARRAY(int64_t, n);
        double *factors = GUARD_ARRAY(double, n);
        const int64_t groups[] = {0, n / 2, n};
        pm_where where;
        CHECK_EQUAL(greedy(&masks.batch, groups, 2, PM_RATIO_IOS, .5, keepers, &where), PM_OK);
        CHECK_EQUAL(matrix(&masks.batch, groups, 2, PM_DECAY_GAUSSIAN, 2, factors, &where), PM_OK);
        guard_free(keepers);
        guard_free(factors);
        free_masks(&masks);
    }
}

int main(void) {
    RUN(test_every_tiny_mask_beside_every_other);
    RUN(test_random_groups_of_masks_that_resemble);
    RUN(test_a_chain);
    RUN(test_equal_masks_give_no_nan);
    RUN(test_unequal_sizes_are_named);
    RUN(test_no_masks);
    RUN(test_lying_counts_stay_inside_the_scratch);
    return check_report("test_nms");
}
