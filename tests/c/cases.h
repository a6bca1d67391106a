/* cases.h - the masks that tests run on: every tiny one, random ones, their non-canonical spellings, batches of them. */
#ifndef CASES_H
#define CASES_H

#include "check.h"
#include "guard.h"
#include "oracle.h"

/* ---- random numbers: the same ones in every run ------------------------------------------------------------------ */

typedef struct random_state {
    uint64_t state;
} random_state;

/* splitmix64: a counter and a mixing function. */
static inline uint64_t random_bits(random_state *random) {
    uint64_t x = random->state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* 0 .. n - 1. */
static inline int64_t random_below(random_state *random, int64_t n) {
    return (int64_t)(random_bits(random) % (uint64_t)n);
}

static inline int64_t random_between(random_state *random, int64_t low, int64_t high) {
    return low + random_below(random, high - low + 1);
}

/* A side of an image: mostly next to a multiple of 16, where the words and tiles of the code end. */
static inline int64_t random_side(random_state *random, int64_t most) {
    int64_t side = random_below(random, 4) == 0 ? random_between(random, 0, most)
                                                : 16 * random_between(random, 0, most / 16) + random_between(random, -1, 1);
    return side < 0 ? 0 : side > most ? most : side;
}

/* Pixels in runs whose mean length varies from mask to mask: noise, checkers, blobs, nothing, everything. */
static inline void random_pixels(random_state *random, int64_t n_pixels, uint8_t *pixels) {
    int64_t mean = INT64_C(1) << random_below(random, 12);
    bool is_checkered = random_below(random, 8) == 0;
    uint8_t value = (uint8_t)random_below(random, 2);
    for (int64_t i = 0; i < n_pixels; i++) {
        pixels[i] = value;
        if (is_checkered || random_below(random, mean) == 0)
            value ^= 1;
    }
}

/* ---- one mask ---------------------------------------------------------------------------------------------------- */

/* A batch of one. */
typedef struct one_mask {
    int64_t offsets[2];
    int64_t sizes[2];
    pm_batch batch;
} one_mask;

static inline const pm_batch *one_mask_of(one_mask *mask, const uint32_t *runs, int64_t n_runs, int64_t height,
                                          int64_t width) {
    mask->offsets[0] = 0;
    mask->offsets[1] = n_runs;
    mask->sizes[0] = height;
    mask->sizes[1] = width;
    mask->batch = (pm_batch){runs, mask->offsets, mask->sizes, 1};
    return &mask->batch;
}

/* Another spelling of the same mask: runs are cut by zero-length ones, and those are put before and after. out: three
 * elements a run and four more. */
static inline int64_t respell(random_state *random, const uint32_t *runs, int64_t n_runs, uint32_t *out) {
    int64_t n = 0;
    if (random_below(random, 2)) {
        out[n++] = 0;
        out[n++] = 0;
    }
    for (int64_t j = 0; j < n_runs; j++) {
        uint32_t part = random_below(random, 2) ? (uint32_t)random_below(random, (int64_t)runs[j] + 1) : runs[j];
        out[n++] = part;
        if (part < runs[j] || random_below(random, 4) == 0) {
            out[n++] = 0;
            out[n++] = runs[j] - part;
        }
    }
    for (int64_t zeros = random_below(random, 3); zeros > 0; zeros--)
        out[n++] = 0;
    return n;
}

/* What a failing check prints. */
typedef struct mask_case {
    int64_t height;
    int64_t width;
    const uint8_t *pixels; /* or NULL */
    const uint32_t *runs;  /* or NULL */
    int64_t n_runs;
    const char *note; /* or NULL */
} mask_case;

static inline void print_mask(FILE *file, const void *context) {
    const mask_case *mask = context;
    fprintf(file, "%s%" PRId64 " x %" PRId64, mask->note ? mask->note : "", mask->height, mask->width);
    if (mask->pixels && mask->height * mask->width <= 1024) {
        fprintf(file, ", rows");
        for (int64_t row = 0; row < mask->height; row++) {
            fputc(' ', file);
            for (int64_t column = 0; column < mask->width; column++)
                fputc("01"[mask->pixels[column * mask->height + row] != 0], file);
        }
    }
    fprintf(file, ", %" PRId64 " runs", mask->n_runs);
    for (int64_t j = 0; mask->runs && j < mask->n_runs && j < 64; j++)
        fprintf(file, "%c%" PRIu32, j ? ',' : ' ', mask->runs[j]);
}

/* ---- every tiny mask --------------------------------------------------------------------------------------------- */

enum { TINY_PIXELS = 12 };

/* Shapes h x w of n_pixels pixels, one after the other: begin with height 0; false past the last. */
static inline bool next_tiny_shape(int64_t n_pixels, int64_t *height) {
    do
        ++*height;
    while (*height <= n_pixels && n_pixels % *height != 0);
    return *height <= n_pixels;
}

/* Mask number `index` of the 2^n_pixels there are: pixel i is bit i. */
static inline void tiny_pixels(int64_t index, int64_t n_pixels, uint8_t *pixels) {
    for (int64_t i = 0; i < n_pixels; i++)
        pixels[i] = index >> i & 1;
}

typedef void (*tiny_visitor)(int64_t height, int64_t width, const uint8_t *pixels, const uint32_t *runs, int64_t n_runs);

/* Visit every mask of up to TINY_PIXELS pixels in every shape, smallest first, with its canonical runs. */
static inline void for_every_tiny_mask(tiny_visitor visit) {
    for (int64_t n_pixels = 1; n_pixels <= TINY_PIXELS; n_pixels++) {
        for (int64_t height = 0; next_tiny_shape(n_pixels, &height);) {
            for (int64_t index = 0; index < INT64_C(1) << n_pixels; index++) {
                uint8_t pixels[TINY_PIXELS];
                uint32_t runs[TINY_PIXELS + 1];
                tiny_pixels(index, n_pixels, pixels);
                int64_t n_runs = oracle_encode(pixels, n_pixels, runs);
                mask_case now = {height, n_pixels / height, pixels, runs, n_runs, NULL};
                check_case(n_pixels, print_mask, &now);
                visit(height, n_pixels / height, pixels, runs, n_runs);
            }
        }
    }
    check_case(0, NULL, NULL);
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

/* Masks of one size that own their memory, all of it guarded. Their runs begin at some offset, in any spelling. */
typedef struct many_masks {
    uint8_t *pixels; /* n x (height * width) */
    uint32_t *counts;
    int64_t *offsets;
    int64_t *sizes;
    int64_t height;
    int64_t width;
    int64_t n_pixels;
    pm_batch batch;
} many_masks;

static inline const uint8_t *pixels_of(const many_masks *masks, int64_t i) {
    return masks->pixels + i * masks->n_pixels;
}

/* Make a batch of n masks from pixels that the result then owns. */
static inline many_masks masks_of_pixels(random_state *random, int64_t n, int64_t height, int64_t width,
                                         uint8_t *pixels) {
    int64_t n_pixels = height * width;
    many_masks masks = {.pixels = pixels, .height = height, .width = width, .n_pixels = n_pixels};
    uint32_t *room = malloc(((size_t)n * (size_t)(3 * (n_pixels + 1) + 4) + 1) * sizeof *room);
    uint32_t *runs = malloc((size_t)(n_pixels + 1) * sizeof *runs);
    if (!room || !runs)
        abort();
    int64_t unused = random_below(random, 3); /* a slice of a batch does not begin at zero */
    int64_t length = unused;
    masks.offsets = GUARD_ARRAY(int64_t, n + 1);
    masks.sizes = GUARD_ARRAY(int64_t, 2 * n);
    masks.offsets[0] = length;
    for (int64_t i = 0; i < n; i++) {
        int64_t n_runs = oracle_encode(pixels + i * n_pixels, n_pixels, runs);
        if (random_below(random, 2)) {
            length += respell(random, runs, n_runs, room + length - unused);
        } else {
            memcpy(room + length - unused, runs, (size_t)n_runs * sizeof *runs);
            length += n_runs;
        }
        masks.offsets[i + 1] = length;
        masks.sizes[2 * i] = height;
        masks.sizes[2 * i + 1] = width;
    }
    masks.counts = GUARD_ARRAY(uint32_t, length);
    memset(masks.counts, 0xff, (size_t)unused * sizeof *room);
    memcpy(masks.counts + unused, room, (size_t)(length - unused) * sizeof *room);
    masks.batch = (pm_batch){masks.counts, masks.offsets, masks.sizes, n};
    free(room);
    free(runs);
    return masks;
}

static inline many_masks random_masks(random_state *random, int64_t n, int64_t height, int64_t width) {
    uint8_t *pixels = GUARD_ARRAY(uint8_t, n * height * width);
    for (int64_t i = 0; i < n; i++)
        random_pixels(random, height * width, pixels + i * height * width);
    return masks_of_pixels(random, n, height, width, pixels);
}

/* All 2^n_pixels masks of one shape. */
static inline many_masks every_mask(random_state *random, int64_t height, int64_t width) {
    int64_t n_pixels = height * width;
    int64_t n = INT64_C(1) << n_pixels;
    uint8_t *pixels = GUARD_ARRAY(uint8_t, n * n_pixels);
    for (int64_t i = 0; i < n; i++)
        tiny_pixels(i, n_pixels, pixels + i * n_pixels);
    return masks_of_pixels(random, n, height, width, pixels);
}

static inline void free_masks(many_masks *masks) {
    guard_free(masks->pixels);
    guard_free(masks->counts);
    guard_free(masks->offsets);
    guard_free(masks->sizes);
}

/* A batch whose offsets and sizes are right and whose counts are anything: what the core must survive. */
static inline many_masks lying_masks(random_state *random, int64_t n, int64_t height, int64_t width) {
    many_masks masks = {.height = height, .width = width, .n_pixels = height * width};
    masks.pixels = GUARD_ARRAY(uint8_t, 0);
    masks.offsets = GUARD_ARRAY(int64_t, n + 1);
    masks.sizes = GUARD_ARRAY(int64_t, 2 * n);
    masks.offsets[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        masks.offsets[i + 1] = masks.offsets[i] + random_below(random, 12);
        masks.sizes[2 * i] = height;
        masks.sizes[2 * i + 1] = width;
    }
    masks.counts = GUARD_ARRAY(uint32_t, masks.offsets[n]);
    for (int64_t j = 0; j < masks.offsets[n]; j++) {
        static const int64_t most[] = {1, 2, 8, 64, 4096, INT64_C(1) << 32};
        masks.counts[j] = (uint32_t)random_below(random, most[random_below(random, 6)]);
        if (random_below(random, 8) == 0)
            masks.counts[j] = UINT32_MAX;
    }
    masks.batch = (pm_batch){masks.counts, masks.offsets, masks.sizes, n};
    return masks;
}

/* ---- wide masks: images of more than 2^32 pixels ------------------------------------------------------------------ */

/* Spell 64-bit runs as counts; returns how many. out: n plus the wide bound. */
static inline int64_t spell_values(const int64_t *values, int64_t n, uint32_t *out) {
    int64_t n_runs = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t rest = values[i];
        for (; rest > UINT32_MAX; rest -= UINT32_MAX) {
            out[n_runs++] = UINT32_MAX;
            out[n_runs++] = 0;
        }
        out[n_runs++] = (uint32_t)rest;
    }
    return n_runs;
}

/* Canonical 64-bit runs that cover `pixels`; returns how many, at most `most`, which is at least 1. */
static inline int64_t random_values(random_state *random, int64_t pixels, int64_t most, int64_t *values) {
    int64_t n = 0;
    int64_t left = pixels;
    values[n++] = random_below(random, 3) == 0 ? 0 : random_below(random, left);
    left -= values[0];
    while (n < most - 1 && left > 1 && random_below(random, 8) > 0) {
        int64_t run = random_below(random, 4) == 0 ? UINT32_MAX + random_between(random, -1, 1)
                                                   : random_between(random, 1, left - 1);
        if (run >= left)
            break;
        values[n++] = run;
        left -= run;
    }
    if (left > 0 && n < most)
        values[n++] = left;
    else
        values[n - 1] += left;
    return n;
}

/* A PNG that is inflated: rows of n bytes of which so many percent are zero, with filters 0 .. 4; row `bad`, if any,
 * has another. */
static inline uint8_t *random_png(random_state *random, int64_t height, int64_t n, int zeros, int64_t bad) {
    uint8_t *filtered = GUARD_ARRAY(uint8_t, height * (n + 1));
    for (int64_t i = 0; i < height * (n + 1); i++) {
        uint64_t bits = random_bits(random);
        bool is_filter = n + 1 > 0 && i % (n + 1) == 0;
        filtered[i] = is_filter                      ? (uint8_t)(bits % 5)
                      : (int)(bits % 100) < zeros ? 0
                                                     : (uint8_t)(bits >> 32);
    }
    if (bad >= 0)
        filtered[bad * (n + 1)] = 5;
    return filtered;
}

#endif
