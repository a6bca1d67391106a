/* fuzz_algebra.c - set operations: what is painted of the operands, combined pixel by pixel; in images too large to
 * paint, the areas add up. */
#include "reader.h"

enum { PAINTABLE = 128 };

static const pm_operation operations[] = {PM_INTERSECTION, PM_UNION, PM_XOR, PM_DIFFERENCE};

static uint64_t area_of(const pm_batch *batch, int64_t i) {
    const pm_batch one = {batch->counts, batch->offsets + i, batch->sizes + 2 * i, 1};
    uint64_t area;
    pm_runs_area(&one, &area);
    return area;
}

/* The operations one after the other; returns the areas of one pair's results. */
static void combine(const pm_batch *a, const pm_batch *b, bool is_painted) {
    int64_t n = a->n == 1 ? b->n : a->n;
    uint64_t areas[4][MOST_MASKS];
    int64_t bound = pm_algebra_pairwise_bound(a, b);
    uint32_t *counts = GUARD_ARRAY(uint32_t, bound);
    int64_t *offsets = GUARD_ARRAY(int64_t, n + 1);
    for (int k = 0; k < 4; k++) {
        pm_where where;
        pm_status status = pm_algebra_pairwise(operations[k], a, b, counts, offsets, &where);
        if (status == PM_SIZE_MISMATCH) {
            REQUIRE(a->sizes[2 * where.mask] != b->sizes[2 * where.other]);
            guard_free(counts);
            guard_free(offsets);
            return;
        }
        REQUIRE(status == PM_OK && offsets[0] == 0 && offsets[n] <= bound);
        for (int64_t i = 0; i < n; i++) {
            int64_t i_a = a->n == 1 ? 0 : i;
            int64_t i_b = b->n == 1 ? 0 : i;
            int64_t n_pixels = a->sizes[2 * i_a] * a->sizes[2 * i_a + 1];
            uint8_t pixels[3][PAINTABLE];
            if (is_painted) {
                paint(a, i_a, pixels[0]);
                paint(b, i_b, pixels[1]);
                oracle_combine(operations[k], pixels[0], pixels[1], n_pixels, pixels[2]);
            }
            require_mask(counts + offsets[i], offsets[i + 1] - offsets[i], n_pixels, is_painted ? pixels[2] : NULL);
            const pm_batch result = {counts, offsets, a->n == 1 ? b->sizes : a->sizes, n};
            areas[k][i] = area_of(&result, i);
        }
    }
    for (int64_t i = 0; i < n; i++) {
        uint64_t area_a = area_of(a, a->n == 1 ? 0 : i);
        uint64_t area_b = area_of(b, b->n == 1 ? 0 : i);
        REQUIRE(areas[0][i] + areas[1][i] == area_a + area_b);
        REQUIRE(areas[2][i] == areas[1][i] - areas[0][i]);
        REQUIRE(areas[3][i] == area_a - areas[0][i]);
    }
    guard_free(counts);
    guard_free(offsets);
}

static void complement(const pm_batch *batch) {
    int64_t bound = pm_algebra_complement_bound(batch);
    uint32_t *counts = GUARD_ARRAY(uint32_t, bound);
    int64_t *offsets = GUARD_ARRAY(int64_t, batch->n + 1);
    pm_algebra_complement(batch, counts, offsets);
    REQUIRE(offsets[0] == 0 && offsets[batch->n] <= bound);
    const pm_batch result = {counts, offsets, batch->sizes, batch->n};
    for (int64_t i = 0; i < batch->n; i++) {
        int64_t n_pixels = batch->sizes[2 * i] * batch->sizes[2 * i + 1];
        uint8_t pixels[PAINTABLE];
        bool is_painted = n_pixels <= PAINTABLE;
        if (is_painted)
            paint(batch, i, pixels);
        for (int64_t p = 0; is_painted && p < n_pixels; p++)
            pixels[p] = !pixels[p];
        require_mask(counts + offsets[i], offsets[i + 1] - offsets[i], n_pixels, is_painted ? pixels : NULL);
        REQUIRE(area_of(&result, i) == (uint64_t)n_pixels - area_of(batch, i));
    }
    guard_free(counts);
    guard_free(offsets);
}

/* Groups, against folding from the left with pixels, or with the pairwise operation. */
static void reduce(reader *from, const pm_batch *batch, bool is_painted) {
    int64_t n_groups = read_below(from, 4);
    int64_t groups[5] = {read_below(from, (int)batch->n + 1)};
    for (int64_t g = 0; g < n_groups; g++)
        groups[g + 1] = groups[g] + read_below(from, (int)(batch->n - groups[g] + 1));
    int64_t bound = pm_algebra_reduce_bound(batch, groups, n_groups);
    uint32_t *counts = GUARD_ARRAY(uint32_t, bound);
    int64_t *offsets = GUARD_ARRAY(int64_t, n_groups + 1);
    int64_t *sizes = GUARD_ARRAY(int64_t, 2 * n_groups);
    void *scratch = guard_scratch(pm_algebra_reduce_scratch(batch, groups, n_groups));
    pm_operation operation = operations[read_byte(from) % 2];
    pm_where where;
    pm_status status =
        pm_algebra_reduce(operation, batch, groups, n_groups, counts, offsets, sizes, scratch, &where);
    REQUIRE(status == PM_OK || status == PM_SIZE_MISMATCH);
    for (int64_t g = 0; status == PM_OK && g < n_groups; g++) {
        if (groups[g] == groups[g + 1]) {
            REQUIRE(offsets[g] == offsets[g + 1] && sizes[2 * g] == 0 && sizes[2 * g + 1] == 0);
            continue;
        }
        int64_t n_pixels = sizes[2 * g] * sizes[2 * g + 1];
        uint8_t pixels[2][PAINTABLE];
        for (int64_t i = groups[g]; is_painted && i < groups[g + 1]; i++) {
            paint(batch, i, pixels[1]);
            oracle_combine(operation, pixels[i > groups[g] ? 0 : 1], pixels[1], n_pixels, pixels[0]);
        }
        require_mask(counts + offsets[g], offsets[g + 1] - offsets[g], n_pixels, is_painted ? pixels[0] : NULL);
    }
    REQUIRE(status != PM_OK || offsets[n_groups] <= bound);
    guard_free(counts);
    guard_free(offsets);
    guard_free(sizes);
    guard_free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    reader from = {data, data + size};
    uint8_t kind = read_byte(&from);
    int64_t height;
    int64_t width;
    read_size(&from, PAINTABLE - 32, &height, &width);
    int64_t n = read_below(&from, MOST_MASKS + 1);
    int64_t odd_one = kind >= 240 ? kind - 240 : -1;
    masks a = read_masks(&from, kind & 1 ? 1 : n, height, width, odd_one);
    masks b = read_masks(&from, kind & 2 ? 1 : n, height, width, -1);
    bool is_painted = (height + 1) * width <= PAINTABLE;
    combine(&a.batch, &b.batch, is_painted);
    complement(&a.batch);
    reduce(&from, &a.batch, is_painted);
    free_masks(&a);
    free_masks(&b);
    return 0;
}
