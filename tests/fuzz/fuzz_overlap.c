/* fuzz_overlap.c - intersection areas: pixels that are painted in both masks, or, in images too large to paint, the
 * area of the intersection; the same in groups; the ratios made of them, in place too; boxes of any numbers. */
#include "reader.h"

enum { PAINTABLE = 640 };

/* Both sides, painted once where they can be. */
static uint8_t painted[2][MOST_MASKS][PAINTABLE];

static void paint_all(const pm_batch *batch, uint8_t pixels[MOST_MASKS][PAINTABLE]) {
    for (int64_t i = 0; i < batch->n; i++)
        if (batch->sizes[2 * i] * batch->sizes[2 * i + 1] <= PAINTABLE)
            paint(batch, i, pixels[i]);
}

static uint64_t shared_area(const pm_batch *a, int64_t i, const pm_batch *b, int64_t j) {
    int64_t n_pixels = a->sizes[2 * i] * a->sizes[2 * i + 1];
    if (n_pixels <= PAINTABLE)
        return oracle_shared(painted[0][i], painted[1][j], n_pixels);
    const pm_batch one_a = {a->counts, a->offsets + i, a->sizes + 2 * i, 1};
    const pm_batch one_b = {b->counts, b->offsets + j, b->sizes + 2 * j, 1};
    uint32_t *counts = GUARD_ARRAY(uint32_t, pm_algebra_pairwise_bound(&one_a, &one_b));
    int64_t offsets[2];
    pm_where where;
    REQUIRE(pm_algebra_pairwise(PM_INTERSECTION, &one_a, &one_b, counts, offsets, &where) == PM_OK);
    const pm_batch both = {counts, offsets, a->sizes, 1};
    uint64_t area;
    pm_runs_area(&both, &area);
    guard_free(counts);
    return area;
}

static void require_ratio(double ratio, pm_ratio kind, uint64_t shared, uint64_t area_a, bool crowd_a, uint64_t area_b,
                          bool crowd_b) {
    double whole = (double)(area_a + area_b) / 2;
    if (kind == PM_RATIO_IOU)
        whole = (double)(crowd_b ? area_a : crowd_a ? area_b : area_a + area_b - shared);
    REQUIRE(shared == 0 ? ratio <= 0 && ratio >= 0 : fabs(ratio - (double)shared / whole) < 1e-12);
    REQUIRE(ratio >= 0 && ratio <= 1);
}

/* The matrix in parts, on two threads where there are many rows. */
typedef struct row_parts {
    const pm_batch *a;
    const pm_batch *b;
    uint64_t *areas;
    void *scratch;
} row_parts;

static bool compare_rows(void *context, int64_t part, int64_t begin, int64_t end) {
    row_parts *rows = context;
    pm_overlap_matrix_rows(rows->a, rows->b, begin, end, rows->areas, rows->scratch);
    return part >= 0;
}

static void check_rows(const pm_batch *a, const pm_batch *b, const uint64_t *areas) {
    row_parts rows = {a, b, GUARD_ARRAY(uint64_t, a->n * b->n), guard_scratch(pm_overlap_scratch(a, b))};
    pm_work work = {a->n, a->offsets, 1e6, 1e5};
    pm_where where;
    int n_threads = a->n > 3 ? 2 : 1;
    int64_t n_parts = pm_threads_parts(&work, n_threads);
    REQUIRE(n_parts >= 1 && n_parts <= a->n);
    REQUIRE(pm_threads_part_begin(&work, n_parts, 0) == 0 && pm_threads_part_begin(&work, n_parts, n_parts) == a->n);
    REQUIRE(pm_overlap_matrix_prepare(a, b, rows.scratch, &where) == PM_OK);
    REQUIRE(pm_threads_run(&work, n_parts, n_threads, compare_rows, &rows, NULL) == PM_DONE);
    REQUIRE(memcmp(rows.areas, areas, (size_t)(a->n * b->n) * sizeof *areas) == 0);
    guard_free(rows.scratch);
    guard_free(rows.areas);
}

/* A memory of intersections becomes one of ratios. */
static void check_matrix(reader *from, const pm_batch *a, const pm_batch *b) {
    int64_t n = a->n * b->n;
    uint64_t *areas = GUARD_ARRAY(uint64_t, n);
    uint64_t copy[MOST_MASKS * MOST_MASKS];
    uint64_t areas_a[MOST_MASKS];
    uint64_t areas_b[MOST_MASKS];
    uint8_t crowds[2][MOST_MASKS] = {{0}};
    void *scratch = guard_scratch(pm_overlap_scratch(a, b));
    pm_where where;
    pm_status status = pm_overlap_matrix(a, b, areas, scratch, &where);
    guard_free(scratch);
    if (status == PM_OK && n > 0) {
        for (int64_t k = 0; k < n; k++) {
            copy[k] = areas[k];
            REQUIRE(areas[k] == shared_area(a, k / b->n, b, k % b->n));
        }
        check_rows(a, b, areas);
        pm_runs_area(a, areas_a);
        pm_runs_area(b, areas_b);
        uint8_t flags = read_byte(from);
        for (int64_t i = 0; i < MOST_MASKS; i++) {
            crowds[0][i] = flags >> i & 1;
            crowds[1][i] = read_byte(from);
        }
        pm_ratio kind = flags & 64 ? PM_RATIO_DICE : PM_RATIO_IOU;
        double *ratios = (void *)areas;
        pm_overlap_matrix_ratio(kind, areas, areas_a, a->n, flags & 128 ? crowds[0] : NULL, areas_b, b->n, crowds[1],
                                ratios);
        for (int64_t k = 0; k < n; k++)
            require_ratio(ratios[k], kind, copy[k], areas_a[k / b->n], flags & 128 && crowds[0][k / b->n],
                          areas_b[k % b->n], crowds[1][k % b->n]);
    }
    REQUIRE(status == PM_OK || (status == PM_SIZE_MISMATCH && a->sizes[2 * where.mask] != b->sizes[2 * where.other]));
    guard_free(areas);
}

static void check_paired(const pm_batch *a, const pm_batch *b) {
    int64_t n = a->n == 1 ? b->n : a->n;
    uint64_t *areas = GUARD_ARRAY(uint64_t, n);
    uint64_t areas_a[MOST_MASKS];
    uint64_t areas_b[MOST_MASKS];
    void *scratch = guard_scratch(pm_overlap_scratch(a, b));
    pm_where where;
    pm_status status = pm_overlap_paired(a, b, areas, scratch, &where);
    guard_free(scratch);
    if (status == PM_OK) {
        pm_runs_area(a, areas_a);
        pm_runs_area(b, areas_b);
        double *ratios = GUARD_ARRAY(double, n);
        pm_overlap_paired_ratio(PM_RATIO_IOU, areas, areas_a, a->n, areas_b, b->n, NULL, ratios);
        for (int64_t k = 0; k < n; k++) {
            int64_t i = a->n == 1 ? 0 : k;
            int64_t j = b->n == 1 ? 0 : k;
            REQUIRE(areas[k] == shared_area(a, i, b, j));
            require_ratio(ratios[k], PM_RATIO_IOU, areas[k], areas_a[i], false, areas_b[j], false);
        }
        guard_free(ratios);
    }
    REQUIRE(status == PM_OK || (status == PM_SIZE_MISMATCH && a->sizes[2 * where.mask] != b->sizes[2 * where.other]));
    guard_free(areas);
}

/* Groups cut at the input's word have the matrices of the definition; in memory that then holds the ratios. */
static void check_grouped(reader *from, const pm_batch *a, const pm_batch *b) {
    enum { GROUPS = 3 };
    int64_t *groups_a = GUARD_ARRAY(int64_t, GROUPS + 1);
    int64_t *groups_b = GUARD_ARRAY(int64_t, GROUPS + 1);
    int64_t n = 0;
    for (int g = 0; g <= GROUPS; g++) {
        groups_a[g] = g > 0 ? groups_a[g - 1] : 0;
        groups_b[g] = g > 0 ? groups_b[g - 1] : 0;
        groups_a[g] += read_below(from, (int)(a->n - groups_a[g]) + 1);
        groups_b[g] += read_below(from, (int)(b->n - groups_b[g]) + 1);
        n += g > 0 ? (groups_a[g] - groups_a[g - 1]) * (groups_b[g] - groups_b[g - 1]) : 0;
    }
    uint64_t *areas = GUARD_ARRAY(uint64_t, n);
    void *scratch = guard_scratch(pm_overlap_grouped_scratch(a, groups_a, b, groups_b, GROUPS));
    pm_where where;
    pm_status status = pm_overlap_grouped(a, groups_a, b, groups_b, GROUPS, areas, scratch, &where);
    guard_free(scratch);
    if (status == PM_OK) {
        uint64_t copy[MOST_MASKS * MOST_MASKS];
        uint64_t areas_a[MOST_MASKS];
        uint64_t areas_b[MOST_MASKS];
        if (n > 0)
            memcpy(copy, areas, (size_t)n * sizeof *areas);
        pm_runs_area(a, areas_a);
        pm_runs_area(b, areas_b);
        double *ratios = (void *)areas;
        pm_overlap_grouped_ratio(PM_RATIO_IOU, areas, areas_a, groups_a, NULL, areas_b, groups_b, NULL, GROUPS, ratios);
        int64_t k = 0;
        for (int g = 0; g < GROUPS; g++) {
            for (int64_t i = groups_a[g]; i < groups_a[g + 1]; i++) {
                for (int64_t j = groups_b[g]; j < groups_b[g + 1]; j++, k++) {
                    REQUIRE(copy[k] == shared_area(a, i, b, j));
                    require_ratio(ratios[k], PM_RATIO_IOU, copy[k], areas_a[i], false, areas_b[j], false);
                }
            }
        }
    }
    REQUIRE(status == PM_OK || (status == PM_SIZE_MISMATCH && a->sizes[2 * where.mask] != b->sizes[2 * where.other] &&
                                groups_a[where.at] <= where.mask && where.mask < groups_a[where.at + 1]));
    guard_free(areas);
    guard_free(groups_a);
    guard_free(groups_b);
}

/* Whole coordinates give true ratios; any numbers, NaN too, give some number. */
static void check_boxes(reader *from) {
    int64_t n_a = read_below(from, 4);
    int64_t n_b = read_below(from, 4);
    bool is_whole = read_byte(from) & 1;
    double boxes[2][16];
    for (int k = 0; k < 32; k++) {
        uint64_t bits = is_whole ? read_byte(from) : read_word(from);
        double number;
        memcpy(&number, &bits, sizeof number);
        boxes[k / 16][k % 16] = is_whole ? (double)bits : number;
    }
    double *ious = GUARD_ARRAY(double, n_a * n_b);
    pm_overlap_boxes(boxes[0], n_a, boxes[1], n_b, NULL, ious);
    for (int64_t k = 0; is_whole && k < n_a * n_b; k++) {
        double iou;
        pm_overlap_boxes(boxes[1] + 4 * (k / n_a), 1, boxes[0] + 4 * (k % n_a), 1, NULL, &iou);
        REQUIRE(ious[k] >= 0 && ious[k] <= 1 && iou >= ious[k] && iou <= ious[k]);
    }
    guard_free(ious);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    reader from = {data, data + size};
    uint8_t kind = read_byte(&from);
    if (kind < 16) {
        check_boxes(&from);
        return 0;
    }
    int64_t height;
    int64_t width;
    read_size(&from, 256, &height, &width);
    if (kind & 2) { /* taller than a word of bits, or than several */
        height = read_byte(&from);
        width = read_below(&from, height > 0 ? (int)(PAINTABLE / height) + 1 : 256);
    }
    int64_t n = read_below(&from, MOST_MASKS + 1);
    masks a = read_masks(&from, n, height, width, kind >= 240 ? kind - 240 : -1);
    masks b = read_masks(&from, kind & 1 ? n : read_below(&from, MOST_MASKS + 1), height, width, -1);
    paint_all(&a.batch, painted[0]);
    paint_all(&b.batch, painted[1]);
    check_matrix(&from, &a.batch, &b.batch);
    if (a.batch.n == b.batch.n || a.batch.n == 1 || b.batch.n == 1)
        check_paired(&a.batch, &b.batch);
    check_grouped(&from, &a.batch, &b.batch);
    free_masks(&a);
    free_masks(&b);
    return 0;
}
