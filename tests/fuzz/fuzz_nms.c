/* fuzz_nms.c - non-maximum suppression: the keepers and factors that the definition gives to the painted masks; in images
 * too large to paint, to the areas of their intersections. */
#include "reader.h"

enum { PAINTABLE = 640 };

/* Pixels that masks i and j share. */
static double shared_area(const pm_batch *batch, int64_t i, int64_t j) {
    const pm_batch one_a = {batch->counts, batch->offsets + i, batch->sizes + 2 * i, 1};
    const pm_batch one_b = {batch->counts, batch->offsets + j, batch->sizes + 2 * j, 1};
    int64_t n_pixels = batch->sizes[2 * i] * batch->sizes[2 * i + 1];
    if (n_pixels <= PAINTABLE) {
        uint8_t pixels[2][PAINTABLE];
        paint(batch, i, pixels[0]);
        paint(batch, j, pixels[1]);
        return (double)oracle_shared(pixels[0], pixels[1], n_pixels);
    }
    uint32_t *counts = GUARD_ARRAY(uint32_t, pm_algebra_pairwise_bound(&one_a, &one_b));
    int64_t offsets[2];
    pm_where where;
    REQUIRE(pm_algebra_pairwise(PM_INTERSECTION, &one_a, &one_b, counts, offsets, &where) == PM_OK);
    const pm_batch both = {counts, offsets, one_a.sizes, 1};
    uint64_t area;
    pm_runs_area(&both, &area);
    guard_free(counts);
    return (double)area;
}

static double ratio_of(const pm_batch *batch, pm_ratio ratio, int64_t i, int64_t j) {
    double shared = shared_area(batch, i, j);
    double area_i = shared_area(batch, i, i);
    double area_j = shared_area(batch, j, j);
    if (shared <= 0)
        return 0;
    if (ratio == PM_RATIO_DICE)
        return 2 * shared / (area_i + area_j);
    return shared / (ratio == PM_RATIO_IOS ? fmin(area_i, area_j) : area_i + area_j - shared);
}

static void check_greedy(const pm_batch *batch, int64_t begin, int64_t end, pm_ratio ratio, double threshold,
                         const int64_t *keepers) {
    for (int64_t j = begin; j < end; j++) {
        int64_t i = begin;
        while (i < j && (keepers[i] != i || ratio_of(batch, ratio, i, j) <= threshold))
            i++;
        REQUIRE(keepers[j] == i);
    }
}

static double decayed(pm_decay decay, double sigma, double iou) {
    return decay == PM_DECAY_GAUSSIAN ? exp(-sigma * iou * iou) : 1 - iou;
}

static void check_matrix(const pm_batch *batch, int64_t begin, int64_t end, pm_decay decay, double sigma,
                         const double *factors) {
    double largest[MOST_MASKS] = {0};
    for (int64_t j = begin; j < end; j++) {
        double least = 1;
        for (int64_t i = begin; i < j; i++) {
            double iou = ratio_of(batch, PM_RATIO_IOU, i, j);
            largest[j] = fmax(largest[j], iou);
            if (largest[i] < 1)
                least = fmin(least, decayed(decay, sigma, iou) / decayed(decay, sigma, largest[i]));
        }
        REQUIRE(fabs(factors[j] - least) < 1e-9);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    reader from = {data, data + size};
    uint8_t kind = read_byte(&from);
    pm_ratio ratio = (pm_ratio)(kind % 3);
    pm_decay decay = (pm_decay)(kind % 2);
    double threshold = (double)read_byte(&from) / 128 - .25;
    double sigma = (double)read_byte(&from) / 32 + .03125;
    int64_t height;
    int64_t width;
    read_size(&from, 256, &height, &width);
    int64_t n = read_below(&from, MOST_MASKS + 1);
    int64_t *groups = GUARD_ARRAY(int64_t, 4);
    groups[0] = kind & 16 ? n / 4 : 0;
    for (int g = 1; g < 4; g++)
        groups[g] = groups[g - 1] + (kind & 32 ? n - groups[g - 1] : read_below(&from, (int)(n - groups[g - 1]) + 1));
    masks some = read_masks(&from, n, height, width, kind >= 250 ? kind - 250 : -1);

    int64_t *keepers = GUARD_ARRAY(int64_t, n);
    double *factors = GUARD_ARRAY(double, n);
    void *scratch = guard_scratch(pm_nms_scratch(&some.batch, groups, 3));
    pm_where where;
    pm_status status = pm_nms_greedy(&some.batch, groups, 3, ratio, threshold, keepers, scratch, &where);
    REQUIRE(pm_nms_matrix(&some.batch, groups, 3, decay, sigma, factors, scratch, &where) == status);
    for (int g = 0; status == PM_OK && g < 3; g++) {
        check_greedy(&some.batch, groups[g], groups[g + 1], ratio, threshold, keepers);
        check_matrix(&some.batch, groups[g], groups[g + 1], decay, sigma, factors);
    }
    REQUIRE(status == PM_OK ||
            (status == PM_SIZE_MISMATCH && some.sizes[2 * where.mask] != some.sizes[2 * where.other] &&
             groups[where.at] <= where.mask && where.mask < groups[where.at + 1]));
    guard_free(scratch);
    guard_free(factors);
    guard_free(keepers);
    guard_free(groups);
    free_masks(&some);
    return 0;
}
