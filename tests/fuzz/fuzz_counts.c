/* fuzz_counts.c - COCO text and lists of numbers: read as the oracle reads them; what was read is written, and read
 * again, as the same mask. */
#include "reader.h"

enum { MOST_SOURCES = 4, MOST_VALUES = 64 };

/* What comes from outside, and what the oracle makes of it. */
typedef struct source {
    pm_counts_source in;
    void *data;
    int64_t values[MOST_VALUES];
    int64_t n_values;
    pm_status status;
} source;

/* A list of numbers: the same rules as for text, but nothing that can go wrong before the runs. */
static pm_status read_list(const int64_t *values, int64_t n, int64_t pixels) {
    int64_t covered = 0;
    for (int64_t j = 0; j < n; j++) {
        if (values[j] < 0)
            return PM_RUN_NEGATIVE;
        if (values[j] > UINT32_MAX && values[j] > pixels - covered)
            return PM_RUNS_COVERAGE;
        covered += values[j];
    }
    return covered == pixels ? PM_OK : PM_RUNS_COVERAGE;
}

/* Pixels that a source covers, if any image has as many. */
static int64_t covered_pixels(const source *from) {
    int64_t covered = 0;
    for (int64_t j = 0; j < from->n_values; j++) {
        if (from->values[j] < 0 || from->values[j] > PM_MAX_PIXELS - covered)
            return 0;
        covered += from->values[j];
    }
    return covered;
}

static void read_source(reader *from, source *out, int64_t size[2]) {
    uint8_t kind = read_byte(from);
    int64_t length = read_below(from, MOST_VALUES);
    if (kind & 1) {
        for (out->n_values = 0; out->n_values < length && from->at < from->end; out->n_values++)
            out->values[out->n_values] = read_number(from);
        length = out->n_values;
        out->data = guard_new((size_t)length * sizeof *out->values, 8);
        memcpy(out->data, out->values, (size_t)length * sizeof *out->values);
    } else {
        length = length < from->end - from->at ? length : from->end - from->at;
        out->data = guard_new((size_t)length, 1);
        if (length > 0)
            memcpy(out->data, from->at, (size_t)length);
        from->at += length;
        oracle_read_text(out->data, length, PM_MAX_PIXELS, out->values, &out->n_values);
    }
    out->in = (pm_counts_source){out->data, length, !(kind & 1)};
    size[0] = covered_pixels(out); /* mostly an image that the runs cover */
    size[1] = 1;
    if (!(kind & 6))
        read_size(from, 256, &size[0], &size[1]);
    out->status = out->in.is_text
                      ? oracle_read_text(out->data, length, size[0] * size[1], out->values, &out->n_values)
                      : read_list(out->values, length, size[0] * size[1]);
}

/* Text of what was read, and back: the same mask; without the largest run, also the same spelling. */
static void require_round_trip(const pm_batch *batch, bool verbatim) {
    int64_t n = batch->n;
    bool has_largest = false;
    for (int64_t j = 0; j < batch->offsets[n]; j++)
        has_largest |= batch->counts[j] == UINT32_MAX;
    int64_t text_bound = pm_counts_write_bound(batch);
    uint8_t *text = GUARD_ARRAY(uint8_t, text_bound);
    int64_t *text_offsets = GUARD_ARRAY(int64_t, n + 1);
    pm_counts_write(batch, verbatim, text, text_offsets);
    REQUIRE(text_offsets[0] == 0 && text_offsets[n] <= text_bound);

    pm_counts_source again[MOST_SOURCES];
    for (int64_t i = 0; i < n; i++)
        again[i] = (pm_counts_source){text + text_offsets[i], text_offsets[i + 1] - text_offsets[i], true};
    int64_t bound = pm_counts_read_bound(again, batch->sizes, n);
    uint32_t *counts = GUARD_ARRAY(uint32_t, bound);
    int64_t *offsets = GUARD_ARRAY(int64_t, n + 1);
    bool equal[MOST_SOURCES];
    pm_where where;
    REQUIRE(pm_counts_read(again, batch->sizes, n, counts, offsets, &where) == PM_OK);
    const pm_batch read = {counts, offsets, batch->sizes, n};
    pm_runs_equal(batch, &read, equal);
    for (int64_t i = 0; i < n; i++) {
        REQUIRE(equal[i]);
        int64_t n_runs = offsets[i + 1] - offsets[i];
        if (!verbatim)
            require_mask(counts + offsets[i], n_runs, batch->sizes[2 * i] * batch->sizes[2 * i + 1], NULL);
        else if (!has_largest)
            REQUIRE(n_runs == batch->offsets[i + 1] - batch->offsets[i] &&
                    (n_runs == 0 || memcmp(counts + offsets[i], batch->counts + batch->offsets[i],
                                           (size_t)n_runs * sizeof *counts) == 0));
    }
    guard_free(text);
    guard_free(text_offsets);
    guard_free(counts);
    guard_free(offsets);
}

/* The canonical text is the oracle's. */
static void require_text(const pm_batch *batch) {
    int64_t *values = GUARD_ARRAY(int64_t, batch->offsets[batch->n] + batch->n);
    int64_t *value_offsets = GUARD_ARRAY(int64_t, batch->n + 1);
    pm_runs_to_values(batch, values, value_offsets);
    int64_t n_values = value_offsets[batch->n];
    char *expected = malloc((size_t)(9 * n_values) + 1);
    uint8_t *text = GUARD_ARRAY(uint8_t, pm_counts_write_bound(batch));
    int64_t *text_offsets = GUARD_ARRAY(int64_t, batch->n + 1);
    pm_counts_write(batch, false, text, text_offsets);
    for (int64_t i = 0; i < batch->n; i++) {
        int64_t n = value_offsets[i + 1] - value_offsets[i];
        int64_t length = oracle_write_text(values + value_offsets[i], n, expected);
        REQUIRE(length == text_offsets[i + 1] - text_offsets[i]);
        REQUIRE(memcmp(text + text_offsets[i], expected, (size_t)length) == 0);
    }
    guard_free(values);
    guard_free(value_offsets);
    guard_free(text);
    guard_free(text_offsets);
    free(expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    reader from = {data, data + size};
    source sources[MOST_SOURCES];
    pm_counts_source in[MOST_SOURCES];
    int64_t sizes[2 * MOST_SOURCES];
    int64_t n = read_below(&from, MOST_SOURCES) + 1;
    int64_t first_bad = n;
    for (int64_t i = 0; i < n; i++) {
        read_source(&from, &sources[i], sizes + 2 * i);
        in[i] = sources[i].in;
        if (sources[i].status != PM_OK && first_bad == n)
            first_bad = i;
    }
    int64_t bound = pm_counts_read_bound(in, sizes, n);
    uint32_t *counts = GUARD_ARRAY(uint32_t, bound);
    int64_t *offsets = GUARD_ARRAY(int64_t, n + 1);
    pm_where where;
    pm_status status = pm_counts_read(in, sizes, n, counts, offsets, &where);
    if (first_bad < n) {
        REQUIRE(status == sources[first_bad].status && where.mask == first_bad);
        describe(status, &where, read_byte(&from));
    } else {
        const pm_batch batch = {counts, offsets, sizes, n};
        REQUIRE(status == PM_OK);
        REQUIRE(offsets[n] <= bound && pm_runs_check(&batch, offsets[n], &where) == PM_OK);
        for (int64_t i = 0; i < n; i++) {
            uint32_t expected[MOST_VALUES + 520];
            int64_t n_runs = 0;
            for (int64_t j = 0; j < sources[i].n_values; j++) {
                int64_t rest = sources[i].values[j];
                for (; rest > UINT32_MAX; rest -= UINT32_MAX) {
                    expected[n_runs++] = UINT32_MAX;
                    expected[n_runs++] = 0;
                }
                expected[n_runs++] = (uint32_t)rest;
            }
            REQUIRE(offsets[i + 1] - offsets[i] == n_runs);
            REQUIRE(n_runs == 0 || memcmp(counts + offsets[i], expected, (size_t)n_runs * sizeof *counts) == 0);
        }
        require_round_trip(&batch, true);
        require_round_trip(&batch, false);
        require_text(&batch);
    }
    guard_free(counts);
    guard_free(offsets);
    for (int64_t i = 0; i < n; i++)
        guard_free(sources[i].data);
    return 0;
}
