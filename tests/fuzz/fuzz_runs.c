/* fuzz_runs.c - arbitrary counts, offsets and sizes: pm_runs_check says what the definition says. What is valid is
 * measured as it is painted; what only lies about its counts goes through every function, and none leaves its memory.
 */
#include "reader.h"

enum { PAINTABLE = 128, MOST_COUNTS = 64 };

/* The definition of a valid batch. */
static pm_status check(const int64_t *sizes, const int64_t *offsets, const uint32_t *counts, int64_t length, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        int64_t height = sizes[2 * i];
        int64_t width = sizes[2 * i + 1];
        if (height < 0 || width < 0)
            return PM_SIZE_NEGATIVE;
        if (height > PM_MAX_PIXELS || width > PM_MAX_PIXELS || (width > 0 && height > PM_MAX_PIXELS / width))
            return PM_SIZE_TOO_LARGE;
    }
    for (int64_t i = 0; i < n; i++)
        if (offsets[i] < 0 || offsets[i] > offsets[i + 1] || offsets[i + 1] > length)
            return PM_OFFSETS_ORDER;
    for (int64_t i = 0; i < n; i++) {
        int64_t covered = 0;
        for (int64_t j = offsets[i]; j < offsets[i + 1]; j++)
            covered += counts[j];
        if (covered != sizes[2 * i] * sizes[2 * i + 1])
            return PM_RUNS_COVERAGE;
    }
    return PM_OK;
}

/* Neither too large, nor without pixels and yet a million columns wide. */
static bool is_paintable(const pm_batch *batch, int64_t i) {
    int64_t height = batch->sizes[2 * i];
    int64_t width = batch->sizes[2 * i + 1];
    return height <= PAINTABLE && width <= PAINTABLE && height * width <= PAINTABLE;
}

/* Every measure of a batch whose offsets and sizes are right. */
static void measure(const pm_batch *batch, bool is_valid) {
    int64_t n = batch->n;
    uint64_t *areas = GUARD_ARRAY(uint64_t, n);
    double *boxes = GUARD_ARRAY(double, 4 * n);
    int64_t most_values = n;
    for (int64_t i = 0; i < n; i++)
        most_values += batch->offsets[i + 1] - batch->offsets[i];
    int64_t *values = GUARD_ARRAY(int64_t, most_values);
    int64_t *value_offsets = GUARD_ARRAY(int64_t, n + 1);
    bool *equal = GUARD_ARRAY(bool, n);
    pm_runs_area(batch, areas);
    pm_runs_bbox(batch, boxes);
    pm_runs_to_values(batch, values, value_offsets);
    pm_runs_equal(batch, batch, equal);
    for (int64_t i = 0; i < n; i++)
        REQUIRE(equal[i]);
    for (int64_t i = 0; is_valid && i < n; i++) {
        uint64_t area = 0;
        for (int64_t j = value_offsets[i] + 1; j < value_offsets[i + 1]; j += 2)
            area += (uint64_t)values[j];
        REQUIRE(areas[i] == area);
        if (!is_paintable(batch, i))
            continue;
        uint8_t pixels[PAINTABLE];
        double box[4];
        int64_t n_pixels = batch->sizes[2 * i] * batch->sizes[2 * i + 1];
        paint(batch, i, pixels);
        REQUIRE(areas[i] == oracle_area(pixels, n_pixels));
        oracle_bbox(pixels, batch->sizes[2 * i], batch->sizes[2 * i + 1], box);
        for (int k = 0; k < 4; k++)
            REQUIRE(boxes[4 * i + k] <= box[k] && boxes[4 * i + k] >= box[k]);
        uint32_t runs[PAINTABLE + 1];
        int64_t n_runs = oracle_encode(pixels, n_pixels, runs);
        REQUIRE(n_runs == value_offsets[i + 1] - value_offsets[i]);
        for (int64_t j = 0; j < n_runs; j++)
            REQUIRE(values[value_offsets[i] + j] == runs[j]);
    }
    guard_free(areas);
    guard_free(boxes);
    guard_free(values);
    guard_free(value_offsets);
    guard_free(equal);
}

/* Masks that are chosen, and what is written of them, inside their bounds. */
static void copy(reader *from, const pm_batch *batch) {
    int64_t index[8];
    int64_t k = batch->n > 0 ? read_below(from, 9) : 0;
    for (int64_t i = 0; i < k; i++)
        index[i] = read_below(from, (int)batch->n);
    int64_t bound = pm_runs_select_bound(batch, index, k);
    uint32_t *counts = GUARD_ARRAY(uint32_t, bound);
    int64_t *offsets = GUARD_ARRAY(int64_t, k + 1);
    int64_t *sizes = GUARD_ARRAY(int64_t, 2 * k);
    pm_runs_select(batch, index, k, counts, offsets, sizes);
    const pm_batch chosen = {counts, offsets, sizes, k};
    uint8_t *text = GUARD_ARRAY(uint8_t, pm_counts_write_bound(&chosen));
    int64_t *text_offsets = GUARD_ARRAY(int64_t, k + 1);
    pm_counts_write(&chosen, read_byte(from) % 2, text, text_offsets);
    uint32_t *complement = GUARD_ARRAY(uint32_t, pm_algebra_complement_bound(&chosen));
    pm_algebra_complement(&chosen, complement, offsets);
    guard_free(counts);
    guard_free(offsets);
    guard_free(sizes);
    guard_free(text);
    guard_free(text_offsets);
    guard_free(complement);
}

/* Paint one mask: what the oracle paints of the same counts, and nothing beside. */
static void decode(const pm_batch *batch, int64_t i, bool by_rows) {
    const pm_batch one = {batch->counts, batch->offsets + i, batch->sizes + 2 * i, 1};
    int64_t height = one.sizes[0];
    int64_t width = one.sizes[1];
    char *data = guard_new((size_t)(height * width), 1);
    const pm_dense image = {.data = data,
                            .n = 1,
                            .height = height,
                            .width = width,
                            .strides = {0, by_rows ? width : 1, by_rows ? 1 : height},
                            .item_size = 1};
    void *scratch = guard_scratch(pm_dense_decode_scratch(&image, PM_USED));
    const uint8_t value = 1;
    pm_dense_decode(&one, &image, &value, PM_USED, scratch);
    uint8_t pixels[PAINTABLE];
    paint(batch, i, pixels);
    for (int64_t column = 0; column < width; column++)
        for (int64_t row = 0; row < height; row++)
            REQUIRE(data[row * image.strides[1] + column * image.strides[2]] == pixels[column * height + row]);
    guard_free(scratch);
    guard_free(data);
}

/* Mask i with mask j, in every function of two masks or more. */
static void combine(const pm_batch *batch, int64_t i, int64_t j) {
    const pm_batch a = {batch->counts, batch->offsets + i, batch->sizes + 2 * i, 1};
    const pm_batch b = {batch->counts, batch->offsets + j, batch->sizes + 2 * j, 1};
    bool is_same_size = a.sizes[0] == b.sizes[0] && a.sizes[1] == b.sizes[1];
    static const pm_operation operations[] = {PM_INTERSECTION, PM_UNION, PM_XOR, PM_DIFFERENCE};
    uint32_t *counts = GUARD_ARRAY(uint32_t, pm_algebra_pairwise_bound(&a, &b));
    int64_t *offsets = GUARD_ARRAY(int64_t, 2);
    pm_where where;
    for (int k = 0; k < 4; k++) {
        pm_status status = pm_algebra_pairwise(operations[k], &a, &b, counts, offsets, &where);
        REQUIRE(status == (is_same_size ? PM_OK : PM_SIZE_MISMATCH));
    }
    guard_free(counts);
    uint64_t *area = GUARD_ARRAY(uint64_t, 1);
    void *scratch = guard_scratch(pm_overlap_scratch(&a, &b));
    pm_overlap_matrix(&a, &b, area, scratch, &where);
    pm_overlap_paired(&a, &b, area, scratch, &where);
    guard_free(scratch);
    guard_free(area);
    int64_t groups[] = {i, batch->n};
    int64_t *sizes = GUARD_ARRAY(int64_t, 2);
    counts = GUARD_ARRAY(uint32_t, pm_algebra_reduce_bound(batch, groups, 1));
    scratch = guard_scratch(pm_algebra_reduce_scratch(batch, groups, 1));
    pm_algebra_reduce(j % 2 ? PM_UNION : PM_INTERSECTION, batch, groups, 1, counts, offsets, sizes, scratch, &where);
    guard_free(counts);
    guard_free(offsets);
    guard_free(sizes);
    guard_free(scratch);
}

/* The whole batch with itself: more masks than one, so that they may become bits. */
static void overlap(const pm_batch *batch) {
    uint64_t *areas = GUARD_ARRAY(uint64_t, batch->n * batch->n);
    void *scratch = guard_scratch(pm_overlap_scratch(batch, batch));
    pm_where where;
    pm_status status = pm_overlap_matrix(batch, batch, areas, scratch, &where);
    REQUIRE(status == PM_OK || status == PM_SIZE_MISMATCH);
    guard_free(scratch);
    guard_free(areas);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    reader from = {data, data + size};
    int64_t n = read_below(&from, 5);
    uint8_t kind = read_byte(&from); /* how wild the input is */
    int64_t sizes[8];
    int64_t offsets[5] = {kind & 1 ? read_number(&from) : 0};
    uint32_t counts[MOST_COUNTS];
    int64_t length = 0;
    for (int64_t i = 0; i < n; i++) {
        if (kind & 2) {
            sizes[2 * i] = read_number(&from);
            sizes[2 * i + 1] = read_number(&from);
        } else if (i > 0 && kind & 4) { /* the same again */
            sizes[2 * i] = sizes[0];
            sizes[2 * i + 1] = sizes[1];
        } else {
            read_size(&from, PAINTABLE, &sizes[2 * i], &sizes[2 * i + 1]);
        }
    }
    for (int64_t i = 0; i < n; i++) {
        uint64_t left = (uint64_t)sizes[2 * i] * (uint64_t)sizes[2 * i + 1];
        int64_t k = read_below(&from, MOST_COUNTS / 4);
        for (int64_t j = 0; j < k; j++) {
            counts[length] = (uint32_t)read_number(&from);
            if (j + 1 == k && kind & 8 && left <= UINT32_MAX)
                counts[length] = (uint32_t)left; /* make it cover */
            left -= counts[length++];
        }
        offsets[i + 1] = !(kind & 1)  ? length
                         : kind & 16 ? read_number(&from)
                                     : (int64_t)((uint64_t)offsets[i] + read_byte(&from) % 20 - 2);
    }
    uint32_t *guarded = GUARD_ARRAY(uint32_t, length);
    memcpy(guarded, counts, (size_t)length * sizeof *counts);
    const pm_batch batch = {guarded, offsets, sizes, n};
    pm_where where;
    pm_status status = pm_runs_check(&batch, length, &where);
    REQUIRE(status == check(sizes, offsets, guarded, length, n));
    pm_status sizes_status = pm_runs_check_sizes(sizes, n, &(pm_where){0});
    REQUIRE(status == PM_SIZE_NEGATIVE || status == PM_SIZE_TOO_LARGE ? sizes_status == status : sizes_status == PM_OK);
    if (status != PM_OK) {
        REQUIRE(where.mask >= 0 && where.mask < n);
        describe(status, &where, read_byte(&from));
    }
    if (status == PM_OK || status == PM_RUNS_COVERAGE) {
        measure(&batch, status == PM_OK);
        copy(&from, &batch);
        overlap(&batch);
        for (int64_t i = 0; i < n; i++) {
            if (is_paintable(&batch, i))
                decode(&batch, i, kind >> 5 & 1);
            combine(&batch, i, read_below(&from, (int)n));
        }
    }
    guard_free(guarded);
    return 0;
}
