/* reader.h - the bytes of a fuzzer, read as numbers, sizes and masks.
 *
 * Past the end everything is zero, so each input is a case. Numbers take few bytes, so that one changed byte is one
 * changed thing. Blocks come from guard.h: none has a byte more than it was said to need.
 */
#ifndef READER_H
#define READER_H

#include "guard.h"
#include "oracle.h"

#include <stdio.h>

/* What a target is: libFuzzer and replay.c call it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must be true whatever the input. */
#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);                                  \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

typedef struct reader {
    const uint8_t *at;
    const uint8_t *end;
} reader;

static inline uint8_t read_byte(reader *from) {
    return from->at < from->end ? *from->at++ : 0;
}

static inline uint64_t read_word(reader *from) {
    uint64_t word = 0;
    for (int k = 0; k < 8; k++)
        word |= (uint64_t)read_byte(from) << (8 * k);
    return word;
}

/* 0 .. n - 1, n up to 256. */
static inline int64_t read_below(reader *from, int n) {
    return read_byte(from) % n;
}

/* Most numbers are small, some lie next to what matters, some are anything. */
static inline int64_t read_number(reader *from) {
    static const int64_t special[] = {INT64_MIN, -1, 0, 1, UINT32_MAX, PM_MAX_PIXELS, INT64_MAX, INT64_C(1) << 20};
    uint8_t kind = read_byte(from);
    if (kind < 224)
        return kind;
    if (kind < 252)
        return (int64_t)((uint64_t)special[kind % 8] + (uint64_t)(int64_t)(kind / 8 - 29));
    return (int64_t)read_word(from);
}

/* ---- masks ------------------------------------------------------------------------------------------------------- */

enum { MOST_MASKS = 5, MOST_RUNS = 48, MOST_PARTS = 2 * MOST_RUNS + 520 };

/* A valid run list of an image, in any spelling; returns how many. Ends with a zero byte or when the image is full. */
static inline int64_t read_runs(reader *from, int64_t pixels, uint32_t runs[MOST_PARTS]) {
    int64_t n = 0;
    int64_t left = pixels;
    while (n < MOST_RUNS && from->at < from->end) {
        uint8_t kind = read_byte(from);
        if (kind == 0 || (kind > 1 && left == 0))
            break;
        /* 1 is a run of none, and so is allowed at the end; large bytes are shares of what is left. */
        int64_t run = kind < 192 ? kind - 1 : kind < 248 ? left / 64 * (kind - 191) : kind == 255 ? UINT32_MAX : left;
        run = run > left ? left : run > UINT32_MAX ? UINT32_MAX : run;
        runs[n++] = (uint32_t)run;
        left -= run;
    }
    while (left > 0) {
        uint32_t part = left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
        runs[n++] = part;
        left -= part;
        if (left > 0)
            runs[n++] = 0;
    }
    return n;
}

/* A batch on guarded memory. */
typedef struct masks {
    uint32_t *counts;
    int64_t *offsets;
    int64_t *sizes;
    pm_batch batch;
} masks;

static inline masks new_masks(const uint32_t *counts, const int64_t *offsets, const int64_t *sizes, int64_t n) {
    masks out = {GUARD_ARRAY(uint32_t, offsets[n]), GUARD_ARRAY(int64_t, n + 1), GUARD_ARRAY(int64_t, 2 * n), {0}};
    memcpy(out.offsets, offsets, (size_t)(n + 1) * sizeof *offsets);
    if (offsets[n] > 0)
        memcpy(out.counts, counts, (size_t)offsets[n] * sizeof *counts);
    if (n > 0)
        memcpy(out.sizes, sizes, (size_t)(2 * n) * sizeof *sizes);
    out.batch = (pm_batch){out.counts, out.offsets, out.sizes, n};
    return out;
}

/* n masks of one size, but for an odd one out where the input says so. */
static inline masks read_masks(reader *from, int64_t n, int64_t height, int64_t width, int64_t odd_one) {
    uint32_t counts[MOST_MASKS * MOST_PARTS];
    int64_t offsets[MOST_MASKS + 1] = {0};
    int64_t sizes[2 * MOST_MASKS];
    for (int64_t i = 0; i < n; i++) {
        sizes[2 * i] = height + (i == odd_one && (height + 1) * width <= PM_MAX_PIXELS);
        sizes[2 * i + 1] = width;
        offsets[i + 1] = offsets[i] + read_runs(from, sizes[2 * i] * width, counts + offsets[i]);
    }
    return new_masks(counts, offsets, sizes, n);
}

static inline void free_masks(masks *now) {
    guard_free(now->counts);
    guard_free(now->offsets);
    guard_free(now->sizes);
}

/* The size of an image: mostly one that can be painted, in `paintable` pixels, else up to the largest. */
static inline void read_size(reader *from, int64_t paintable, int64_t *height, int64_t *width) {
    uint8_t kind = read_byte(from);
    *height = read_byte(from);
    *width = read_byte(from);
    if (kind >= 192) {
        *height <<= kind % 33;
        *width <<= (kind / 2) % 33;
        if (*width > 0 && *height > PM_MAX_PIXELS / *width)
            *height = PM_MAX_PIXELS / *width;
    } else {
        *height %= 33;
        *width %= *height > 0 ? paintable / *height + 1 : 256;
    }
}

/* Paint mask i. */
static inline void paint(const pm_batch *batch, int64_t i, uint8_t *pixels) {
    oracle_decode(batch->counts + batch->offsets[i], batch->offsets[i + 1] - batch->offsets[i],
                  batch->sizes[2 * i] * batch->sizes[2 * i + 1], pixels);
}

/* That mask i of a result is canonical and, if there are pixels to compare with, that it has them. */
static inline void require_mask(const uint32_t *runs, int64_t n_runs, int64_t n_pixels, const uint8_t *pixels) {
    uint64_t covered = 0;
    REQUIRE(n_runs >= 1);
    for (int64_t j = 0; j < n_runs; j++) {
        covered += runs[j];
        REQUIRE(j == 0 || runs[j] > 0 || (runs[j - 1] == UINT32_MAX && j + 1 < n_runs && runs[j + 1] > 0));
    }
    REQUIRE(covered == (uint64_t)n_pixels);
    for (int64_t j = 0, position = 0; pixels && j < n_runs; j++)
        for (uint32_t k = 0; k < runs[j]; k++)
            REQUIRE(pixels[position++] == j % 2);
}

/* ---- statuses ---------------------------------------------------------------------------------------------------- */

/* Any failure can be told, in any space. */
static inline void describe(pm_status status, const pm_where *where, size_t capacity) {
    char *text = guard_new(capacity, 1);
    int length = pm_status_describe(status, where, "masks", "others", text, capacity);
    REQUIRE(length > 0 && (capacity == 0 || strlen(text) == ((size_t)length < capacity ? (size_t)length : capacity - 1)));
    guard_free(text);
}

#endif
