/* test_dense.c - pm_dense_*: arrays of pixels in any memory order <-> runs. */
#include "cases.h"

/* ---- memory orders ----------------------------------------------------------------------------------------------- */

enum { IMAGE, ROW, COLUMN, AXES };

/* How images lie in memory: which axis is innermost, which next; bytes left out after each step along an axis; which
 * axes run backwards. */
typedef struct layout {
    int order[AXES];
    int64_t gap;
    unsigned backwards; /* bit by axis */
} layout;

enum { LAYOUTS = 6 * 8 * 3 };

static layout layout_of(int index) {
    static const int orders[6][AXES] = {{ROW, COLUMN, IMAGE}, {COLUMN, ROW, IMAGE}, {IMAGE, ROW, COLUMN},
                                        {IMAGE, COLUMN, ROW}, {ROW, IMAGE, COLUMN}, {COLUMN, IMAGE, ROW}};
    static const int64_t gaps[3] = {0, 1, 8};
    layout now = {.gap = gaps[index / 48], .backwards = (unsigned)(index / 6 % 8)};
    memcpy(now.order, orders[index % 6], sizeof now.order);
    return now;
}

/* What a pixel is. */
typedef struct kind {
    pm_pixel pixel;
    int64_t item_size;
} kind;

enum { KINDS = 6 };
static const kind kinds[KINDS] = {{PM_PIXEL_INTEGER, 1}, {PM_PIXEL_INTEGER, 2}, {PM_PIXEL_INTEGER, 4},
                                  {PM_PIXEL_INTEGER, 8}, {PM_PIXEL_FLOAT, 4},   {PM_PIXEL_FLOAT, 8}};

/* Images in guarded memory that has not one byte more than the layout needs. */
typedef struct canvas {
    char *memory;
    size_t size;
    pm_dense images;
} canvas;

static canvas new_canvas(layout order, kind type, int64_t n, int64_t height, int64_t width, int gap_byte) {
    const int64_t extents[AXES] = {n, height, width};
    canvas out = {.images = {.n = n,
                             .height = height,
                             .width = width,
                             .item_size = type.item_size,
                             .pixel = type.pixel,
                             .threshold = .5}};
    int64_t block = type.item_size;
    int64_t start = 0;
    for (int level = 0; level < AXES; level++) {
        int axis = order.order[level];
        int64_t stride = block + order.gap;
        int64_t steps = extents[axis] > 0 ? extents[axis] - 1 : 0;
        bool is_backwards = order.backwards >> axis & 1;
        out.images.strides[axis] = is_backwards ? -stride : stride;
        start += is_backwards ? steps * stride : 0;
        block += steps * stride;
    }
    out.size = n * height * width > 0 ? (size_t)block : 0;
    out.memory = guard_new(out.size, 1);
    memset(out.memory, gap_byte, out.size);
    out.images.data = out.memory + (out.size > 0 ? start : 0);
    return out;
}

static char *pixel_at(const canvas *now, int64_t i, int64_t row, int64_t column) {
    const int64_t *strides = now->images.strides;
    return now->images.data + i * strides[IMAGE] + row * strides[ROW] + column * strides[COLUMN];
}

/* Some value of a pixel that counts as foreground, or as background. */
static void put_pixel(random_state *random, kind type, bool foreground, char *pixel) {
    static const double high[] = {.75, 1, INFINITY, 1e30, .5000001};
    static const double low[] = {.5, 0, -1, -INFINITY, NAN};
    if (type.pixel == PM_PIXEL_INTEGER) {
        memset(pixel, 0, (size_t)type.item_size);
        if (foreground)
            pixel[random_below(random, type.item_size)] = (char)random_between(random, 1, 255);
        return;
    }
    double value = (foreground ? high : low)[random_below(random, 5)];
    float narrow = (float)value;
    memcpy(pixel, type.item_size == 4 ? (void *)&narrow : (void *)&value, (size_t)type.item_size);
}

static void print_canvas(FILE *file, const void *context) {
    const pm_dense *images = &((const canvas *)context)->images;
    fprintf(file, "%" PRId64 " images of %" PRId64 " x %" PRId64 ", strides %" PRId64 " %" PRId64 " %" PRId64
                  ", %s of %" PRId64 " bytes", images->n, images->height, images->width, images->strides[IMAGE],
            images->strides[ROW], images->strides[COLUMN], images->pixel == PM_PIXEL_FLOAT ? "floats" : "integers",
            images->item_size);
}

/* ---- encode ------------------------------------------------------------------------------------------------------ */

/* Runs of a canvas, in memory that grows as the core asks for it. */
typedef struct encoded {
    uint32_t *counts;
    int64_t *offsets;
    int64_t calls;
} encoded;

static encoded encode_growing(const pm_dense *images, int64_t capacity) {
    encoded out = {GUARD_ARRAY(uint32_t, capacity), GUARD_ARRAY(int64_t, images->n + 1), 0};
    void *scratch = guard_scratch(pm_dense_encode_scratch(images));
    int64_t first = 0;
    out.offsets[0] = 0;
    for (;;) {
        pm_where where = {.mask = -1};
        out.calls++;
        if (pm_dense_encode(images, first, out.counts, capacity, out.offsets, scratch, &where) == PM_OK)
            break;
        CHECK(where.mask >= first && where.mask < images->n);
        CHECK(where.expected > 2 * capacity);
        first = where.mask;
        uint32_t *more = GUARD_ARRAY(uint32_t, where.expected);
        memcpy(more, out.counts, (size_t)out.offsets[first] * sizeof *more); /* what came before stays */
        guard_free(out.counts);
        out.counts = more;
        capacity = where.expected;
    }
    guard_free(scratch);
    return out;
}

static void free_encoded(encoded *out) {
    guard_free(out->counts);
    guard_free(out->offsets);
}

static void check_encoded(const encoded *found, const many_masks *masks) {
    uint32_t *runs = malloc((size_t)(masks->n_pixels + 1) * sizeof *runs);
    CHECK_EQUAL(found->offsets[0], 0);
    for (int64_t i = 0; i < masks->batch.n; i++) {
        int64_t n_runs = oracle_encode(pixels_of(masks, i), masks->n_pixels, runs);
        CHECK_RUNS(found->counts + found->offsets[i], found->offsets[i + 1] - found->offsets[i], runs, n_runs);
    }
    free(runs);
}

static void check_encode(random_state *random, const many_masks *masks, layout order, kind type, int64_t capacity) {
    canvas now = new_canvas(order, type, masks->batch.n, masks->height, masks->width, 0xff);
    for (int64_t i = 0; i < masks->batch.n; i++)
        for (int64_t column = 0; column < masks->width; column++)
            for (int64_t row = 0; row < masks->height; row++)
                put_pixel(random, type, pixels_of(masks, i)[column * masks->height + row],
                          pixel_at(&now, i, row, column));
    check_case(masks->n_pixels, print_canvas, &now);
    encoded found = encode_growing(&now.images, capacity);
    check_encoded(&found, masks);
    check_case(0, NULL, NULL);
    free_encoded(&found);
    guard_free(now.memory);
}

/* ---- decode ------------------------------------------------------------------------------------------------------ */

static void check_decode(random_state *random, const many_masks *masks, layout order, kind type, pm_memory memory) {
    char one[8];
    const char zero[8] = {0};
    for (int k = 0; k < 8; k++)
        one[k] = (char)random_between(random, 1, 255);
    canvas found = new_canvas(order, type, masks->batch.n, masks->height, masks->width, 0xaa);
    canvas expected = new_canvas(order, type, masks->batch.n, masks->height, masks->width, 0xaa);
    for (int64_t i = 0; i < masks->batch.n; i++) {
        for (int64_t column = 0; column < masks->width; column++) {
            for (int64_t row = 0; row < masks->height; row++) {
                bool foreground = pixels_of(masks, i)[column * masks->height + row];
                memcpy(pixel_at(&expected, i, row, column), foreground ? one : zero, (size_t)type.item_size);
                if (memory == PM_ZEROED)
                    memset(pixel_at(&found, i, row, column), 0, (size_t)type.item_size);
            }
        }
    }
    void *scratch = guard_scratch(pm_dense_decode_scratch(&found.images, memory));
    pm_dense_decode(&masks->batch, &found.images, one, memory, scratch);
    check_case(masks->n_pixels, print_canvas, &found);
    CHECK(found.size == 0 || memcmp(found.memory, expected.memory, found.size) == 0);
    check_case(0, NULL, NULL);
    guard_free(scratch);
    guard_free(found.memory);
    guard_free(expected.memory);
}

/* A window of each mask, into any memory order. */
static void check_window(random_state *random, const many_masks *masks, layout order, kind type) {
    const char zero[8] = {0};
    const char one[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    int64_t top = random_between(random, 0, masks->height);
    int64_t left = random_between(random, 0, masks->width);
    int64_t height = random_between(random, 0, masks->height - top);
    int64_t width = random_between(random, 0, masks->width - left);
    canvas found = new_canvas(order, type, masks->batch.n, height, width, 0xaa);
    canvas expected = new_canvas(order, type, masks->batch.n, height, width, 0xaa);
    for (int64_t i = 0; i < masks->batch.n; i++)
        for (int64_t column = 0; column < width; column++)
            for (int64_t row = 0; row < height; row++)
                memcpy(pixel_at(&expected, i, row, column),
                       pixels_of(masks, i)[(left + column) * masks->height + top + row] ? one : zero,
                       (size_t)type.item_size);
    pm_memory memory = random_below(random, 2) ? PM_USED : PM_LARGE;
    void *scratch = guard_scratch(pm_dense_decode_scratch(&found.images, memory));
    pm_dense_decode_window(&masks->batch, top, left, &found.images, one, memory, scratch);
    check_case(masks->n_pixels, print_canvas, &found);
    CHECK(found.size == 0 || memcmp(found.memory, expected.memory, found.size) == 0);
    check_case(0, NULL, NULL);
    guard_free(scratch);
    guard_free(found.memory);
    guard_free(expected.memory);
}

/* ---- exhaustive and random --------------------------------------------------------------------------------------- */

static void test_every_tiny_mask_in_every_layout(void) {
    random_state random = {1};
    for (int64_t n_pixels = 1; n_pixels <= TINY_PIXELS; n_pixels++) {
        for (int64_t height = 0; next_tiny_shape(n_pixels, &height);) {
            many_masks masks = every_mask(&random, height, n_pixels / height);
            for (int index = 0; index < LAYOUTS; index++) {
                /* All kinds with few pixels; with more, bytes and one of the others; with most, the others in turn. */
                for (int k = 0; k < KINDS; k++) {
                    if (n_pixels > 6 && k > 0 && (index + index / 6) % (KINDS - 1) != k - 1)
                        continue;
                    if (n_pixels > 9 && (index + k) % 6 != height % 6)
                        continue;
                    check_encode(&random, &masks, layout_of(index), kinds[k], masks.batch.n * (n_pixels + 1) + 64);
                    check_decode(&random, &masks, layout_of(index), kinds[k], (pm_memory)((index + k) % 3));
                    check_window(&random, &masks, layout_of(index), kinds[k]);
                }
            }
            free_masks(&masks);
        }
    }
}

static void test_random_masks_in_random_layouts(void) {
    random_state random = {2};
    for (int trial = 0; trial < 1500; trial++) {
        layout order = layout_of((int)random_below(&random, LAYOUTS));
        kind type = kinds[random_below(&random, 3) ? 0 : random_below(&random, KINDS)];
        many_masks masks = random_masks(&random, random_between(&random, 0, 3), random_side(&random, 200),
                                        random_side(&random, 200));
        check_encode(&random, &masks, order, type, random_below(&random, 2) ? 0 : 30000);
        check_decode(&random, &masks, order, type, (pm_memory)random_below(&random, 3));
        check_window(&random, &masks, order, type);
        free_masks(&masks);
    }
}

/* Pixels of all images together, where they are read in groups. Of no group's size, of more than one, with gaps. */
static void test_interleaved_images(void) {
    random_state random = {9};
    for (int trial = 0; trial < 300; trial++) {
        int64_t n = random_between(&random, 2, trial % 8 ? 66 : 270);
        many_masks masks = random_masks(&random, n, random_side(&random, 140), random_between(&random, 1, 70));
        layout order = layout_of(2 + (int)random_below(&random, 2)); /* images innermost */
        order.gap = trial % 3 ? 0 : random_between(&random, 0, 9);
        order.backwards = (unsigned)random_below(&random, 4) << 1;
        check_encode(&random, &masks, order, kinds[trial % KINDS], random_below(&random, 2) ? 0 : 30000);
        free_masks(&masks);
    }
}

/* Lines longer than what is packed at a time. */
static void test_long_lines(void) {
    static const int64_t lengths[] = {4095, 4096, 4097, 8191, 8192, 8193, 12345};
    random_state random = {3};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        for (int flat = 0; flat < 2; flat++) {
            for (int64_t thick = 1; thick <= 3; thick++) {
                many_masks masks = random_masks(&random, 2, flat ? thick : lengths[i], flat ? lengths[i] : thick);
                for (int index = 0; index < LAYOUTS; index += 7) {
                    check_encode(&random, &masks, layout_of(index), kinds[index % KINDS], 0);
                    check_decode(&random, &masks, layout_of(index), kinds[index % KINDS], (pm_memory)(index % 3));
                }
                free_masks(&masks);
            }
        }
    }
}

/* Lines whose bits are walked in more than one stretch. */
static void test_very_long_lines(void) {
    static const int64_t lengths[] = {(1 << 18) - 1, 1 << 18, (1 << 18) + 1, 3 << 18 | 12345};
    random_state random = {11};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        many_masks masks = random_masks(&random, 1, lengths[i], 1);
        for (int type = 0; type < KINDS; type += 3)
            check_encode(&random, &masks, layout_of(0), kinds[type], 0);
        free_masks(&masks);
    }
}

/* One pixel, at every place of a line that is otherwise all background, or all foreground: none is passed over. */
static void test_lone_pixels_in_quiet_lines(void) {
    enum { N = 600 };
    random_state random = {8};
    for (int inverted = 0; inverted < 2; inverted++) {
        uint8_t *pixels = GUARD_ARRAY(uint8_t, N * N);
        for (int64_t i = 0; i < N; i++)
            for (int64_t p = 0; p < N; p++)
                pixels[i * N + p] = (p == i) != inverted;
        many_masks masks = masks_of_pixels(&random, N, N / 2, 2, pixels);
        check_encode(&random, &masks, layout_of(0), kinds[0], 0);
        check_encode(&random, &masks, layout_of(1), kinds[0], 0);
        check_decode(&random, &masks, layout_of(1), kinds[0], PM_LARGE);
        free_masks(&masks);
    }
}

static void test_images_without_pixels(void) {
    static const int64_t sizes[][2] = {{0, 0}, {0, 5}, {5, 0}};
    random_state random = {4};
    for (int s = 0; s < 3; s++) {
        for (int64_t n = 0; n < 3; n++) {
            many_masks masks = random_masks(&random, n, sizes[s][0], sizes[s][1]);
            for (int index = 0; index < LAYOUTS; index += 5) {
                check_encode(&random, &masks, layout_of(index), kinds[index % KINDS], 0);
                check_decode(&random, &masks, layout_of(index), kinds[index % KINDS], PM_USED);
            }
            free_masks(&masks);
        }
    }
}

/* ---- thresholds -------------------------------------------------------------------------------------------------- */

/* The runs of a row of floats. */
static void check_threshold(int64_t item_size, double threshold, const double *pixels, int64_t n,
                            const uint32_t *expected, int64_t n_expected) {
    char *data = guard_new((size_t)(n * item_size), 1);
    for (int64_t i = 0; i < n; i++) {
        float narrow = (float)pixels[i];
        memcpy(data + i * item_size, item_size == 4 ? (const void *)&narrow : (const void *)&pixels[i],
               (size_t)item_size);
    }
    const pm_dense images = {.data = data,
                             .n = 1,
                             .height = 1,
                             .width = n,
                             .strides = {0, 0, item_size},
                             .item_size = item_size,
                             .pixel = PM_PIXEL_FLOAT,
                             .threshold = threshold};
    encoded found = encode_growing(&images, 0);
    CHECK_RUNS(found.counts, found.offsets[1], expected, n_expected);
    free_encoded(&found);
    guard_free(data);
}

static void test_foreground_is_above_the_threshold(void) {
    static const double pixels[] = {-1, 1, 0, 2, NAN, INFINITY, -INFINITY, -0.0, 1e-30};
    for (int64_t size = 4; size <= 8; size += 4) {
        check_threshold(size, 0, pixels, 9, (const uint32_t[]){1, 1, 1, 1, 1, 1, 2, 1}, 8);
        check_threshold(size, 1, pixels, 9, (const uint32_t[]){3, 1, 1, 1, 3}, 5);
        check_threshold(size, -1, pixels, 9, (const uint32_t[]){1, 3, 1, 1, 1, 2}, 6);
        check_threshold(size, INFINITY, pixels, 9, (const uint32_t[]){9}, 1);
        check_threshold(size, -INFINITY, pixels, 9, (const uint32_t[]){0, 4, 1, 1, 1, 2}, 6);
        check_threshold(size, NAN, pixels, 9, (const uint32_t[]){9}, 1);
    }
}

/* As numpy compares float32 arrays with Python numbers. */
static void test_threshold_is_cast_to_the_pixels_type(void) {
    const double pixels[] = {(double)0.1f, 0.1};
    check_threshold(4, 0.1, pixels, 2, (const uint32_t[]){2}, 1);
    check_threshold(8, 0.1, pixels, 2, (const uint32_t[]){0, 1, 1}, 3);
}

/* ---- output that fills up ---------------------------------------------------------------------------------------- */

/* Checkerboards: as many runs as pixels. */
static many_masks checkerboards(random_state *random, int64_t n, int64_t side) {
    uint8_t *pixels = GUARD_ARRAY(uint8_t, n * side * side);
    for (int64_t i = 0; i < n * side * side; i++)
        pixels[i] = (uint8_t)((i / side + i % side) % 2);
    return masks_of_pixels(random, n, side, side, pixels);
}

static void test_any_capacity_leads_to_the_same_runs(void) {
    random_state random = {5};
    many_masks masks = checkerboards(&random, 5, 9);
    for (int64_t capacity = 0; capacity < 600; capacity++)
        check_encode(&random, &masks, layout_of((int)capacity % LAYOUTS), kinds[0], capacity);
    free_masks(&masks);
}

/* More than double, so that a loop ends soon; and what came before stays. */
static void test_full_output_asks_for_more_than_double(void) {
    random_state random = {6};
    many_masks masks = checkerboards(&random, 3, 9);
    canvas now = new_canvas(layout_of(0), kinds[0], 3, 9, 9, 0);
    for (int64_t i = 0; i < 3; i++)
        for (int64_t column = 0; column < 9; column++)
            for (int64_t row = 0; row < 9; row++)
                *pixel_at(&now, i, row, column) = (char)pixels_of(&masks, i)[column * 9 + row];
    for (int64_t capacity = 0; capacity < 400; capacity++) {
        uint32_t *counts = GUARD_ARRAY(uint32_t, capacity);
        int64_t offsets[4] = {0, -1, -1, -1};
        pm_where where;
        pm_status status = pm_dense_encode(&now.images, 0, counts, capacity, offsets, NULL, &where);
        int64_t n_done = status == PM_OK ? 3 : where.mask;
        if (status != PM_OK) {
            CHECK_EQUAL(status, PM_FULL);
            CHECK(where.expected > 2 * capacity);
        }
        for (int64_t i = 0; i < n_done; i++) {
            uint32_t runs[82];
            int64_t n_runs = oracle_encode(pixels_of(&masks, i), 81, runs);
            CHECK_RUNS(counts + offsets[i], offsets[i + 1] - offsets[i], runs, n_runs);
        }
        guard_free(counts);
    }
    guard_free(now.memory);
    free_masks(&masks);
}

static void test_encode_continues_where_it_is_told(void) {
    const uint8_t pixels[] = {0, 1, 1, 0, 1, 1};
    const pm_dense images = {
        .data = (char *)(uintptr_t)pixels, .n = 3, .height = 2, .width = 1, .strides = {2, 1, 1}, .item_size = 1};
    uint32_t counts[128] = {77, 78, 79};
    int64_t offsets[4] = {-1, 3, -1, -1};
    pm_where where;
    CHECK_EQUAL(pm_dense_encode(&images, 1, counts, 128, offsets, NULL, &where), PM_OK);
    CHECK_EQUAL(offsets[0], -1);
    CHECK_EQUAL(offsets[3], 8);
    CHECK_RUNS(counts, 8, ((const uint32_t[]){77, 78, 79, 0, 1, 1, 0, 2}), 8);
}

/* ---- strides that read a pixel more than once --------------------------------------------------------------------- */

static void test_strides_of_zero_repeat_pixels(void) {
    char pixels[] = {0, 1, 1};
    const pm_dense rows = {.data = pixels, .n = 2, .height = 4, .width = 3, .strides = {0, 0, 1}, .item_size = 1};
    const pm_dense columns = {.data = pixels, .n = 2, .height = 3, .width = 4, .strides = {0, 1, 0}, .item_size = 1};
    const pm_dense one = {.data = pixels + 1, .n = 1, .height = 9, .width = 9, .strides = {0, 0, 0}, .item_size = 1};
    encoded found = encode_growing(&rows, 0);
    CHECK_RUNS(found.counts, found.offsets[2], ((const uint32_t[]){4, 8, 4, 8}), 4);
    free_encoded(&found);
    found = encode_growing(&columns, 0);
    CHECK_RUNS(found.counts, found.offsets[1], ((const uint32_t[]){1, 2, 1, 2, 1, 2, 1, 2}), 8);
    free_encoded(&found);
    found = encode_growing(&one, 0);
    CHECK_RUNS(found.counts, found.offsets[1], ((const uint32_t[]){0, 81}), 2);
    free_encoded(&found);
}

/* More than 2^32 pixels in one megabyte: column c is the memory from byte 2 c on. */
static void test_wide_runs_are_encoded_in_parts(void) {
    const int64_t height = 1 << 20;
    const int64_t width = (1 << 12) + 1;
    int64_t size = height + 2 * (width - 1);
    char *data = guard_new((size_t)size, 1);
    memset(data, 0, (size_t)size);
    const pm_dense images = {
        .data = data, .n = 1, .height = height, .width = width, .strides = {0, 1, 2}, .item_size = 1};
    int64_t pixels = height * width;
    encoded found = encode_growing(&images, 0);
    CHECK_RUNS(found.counts, found.offsets[1], ((const uint32_t[]){UINT32_MAX, 0, (uint32_t)(pixels - UINT32_MAX)}), 3);
    free_encoded(&found);
    data[size - 1] = 1; /* only the last column reaches it */
    found = encode_growing(&images, 0);
    CHECK_RUNS(found.counts, found.offsets[1],
               ((const uint32_t[]){UINT32_MAX, 0, (uint32_t)(pixels - 1 - UINT32_MAX), 1}), 4);
    free_encoded(&found);
    guard_free(data);
}

/* Decoding costs what the foreground costs: one pixel behind a wide run, in each memory order. */
static void test_pixels_behind_wide_runs_are_decoded(void) {
    const int64_t height = 1 << 20;
    const int64_t width = (1 << 12) + 1;
    const uint32_t runs[] = {UINT32_MAX, 0, (uint32_t)(height * width - 1 - UINT32_MAX), 1};
    const uint8_t one = 7;
    one_mask mask;
    const pm_batch *batch = one_mask_of(&mask, runs, 4, height, width);
    for (int order = 0; order < 2; order++) {
        int64_t size = order ? 2 * (height - 1) + width : height + 2 * (width - 1);
        char *data = guard_new((size_t)size, 1);
        memset(data, 0, (size_t)size);
        const pm_dense images = {.data = data,
                                 .n = 1,
                                 .height = height,
                                 .width = width,
                                 .strides = {0, order ? 2 : 1, order ? 1 : 2},
                                 .item_size = 1};
        void *scratch = guard_scratch(pm_dense_decode_scratch(&images, PM_ZEROED));
        pm_dense_decode(batch, &images, &one, PM_ZEROED, scratch);
        CHECK_EQUAL(data[size - 1], 7);
        CHECK_EQUAL(data[size - 2], 0);
        int64_t sum = 0;
        for (int64_t i = 0; i < size; i++)
            sum += data[i];
        CHECK_EQUAL(sum, 7);
        guard_free(scratch);
        guard_free(data);
    }
}

static void test_memory_is_large_from_16_megabytes_on(void) {
    static const int64_t shapes[][4] = {{1, 1, (1 << 24) - 1, 1}, {1, 1, 1 << 24, 1},        {3, 1 << 12, 1 << 10, 1},
                                        {4, 1 << 12, 1 << 10, 1}, {1, 1 << 11, 1 << 10, 4},  {1, 1 << 11, 1 << 10, 8},
                                        {1000, 0, 1 << 20, 1},    {INT64_C(1) << 22, 1, 1, 2}, {0, 480, 640, 1}};
    static const pm_memory expected[] = {PM_USED, PM_LARGE, PM_USED, PM_LARGE, PM_USED, PM_LARGE,
                                         PM_USED, PM_USED,  PM_USED};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const pm_dense images = {
            .n = shapes[i][0], .height = shapes[i][1], .width = shapes[i][2], .item_size = shapes[i][3]};
        CHECK_EQUAL(pm_dense_memory(&images, false), expected[i]);
        CHECK_EQUAL(pm_dense_memory(&images, true), PM_ZEROED);
    }
}

/* ---- counts that do not cover ------------------------------------------------------------------------------------ */

static void test_lying_counts_are_decoded_inside_the_image(void) {
    random_state random = {7};
    for (int trial = 0; trial < 20000; trial++) {
        int64_t n = random_between(&random, 1, 3);
        int64_t height = random_below(&random, 8) ? random_between(&random, 0, 9) : random_side(&random, 130);
        int64_t width = random_below(&random, 8) ? random_between(&random, 0, 9) : random_side(&random, 130);
        many_masks lies = lying_masks(&random, n, height, width);
        /* As the header promises wrong pixels only, these are at least the ones that a reader of runs would paint. */
        uint8_t *pixels = GUARD_ARRAY(uint8_t, n * height * width);
        for (int64_t i = 0; i < n; i++)
            oracle_decode(lies.counts + lies.offsets[i], lies.offsets[i + 1] - lies.offsets[i], height * width,
                          pixels + i * height * width);
        many_masks painted = lies;
        painted.pixels = pixels;
        check_decode(&random, &painted, layout_of((int)random_below(&random, LAYOUTS)),
                     kinds[random_below(&random, KINDS)], (pm_memory)random_below(&random, 3));
        check_window(&random, &painted, layout_of((int)random_below(&random, LAYOUTS)),
                     kinds[random_below(&random, KINDS)]);
        guard_free(pixels);
        free_masks(&lies);
    }
}

int main(void) {
    RUN(test_every_tiny_mask_in_every_layout);
    RUN(test_random_masks_in_random_layouts);
    RUN(test_interleaved_images);
    RUN(test_long_lines);
    RUN(test_very_long_lines);
    RUN(test_lone_pixels_in_quiet_lines);
    RUN(test_images_without_pixels);
    RUN(test_foreground_is_above_the_threshold);
    RUN(test_threshold_is_cast_to_the_pixels_type);
    RUN(test_any_capacity_leads_to_the_same_runs);
    RUN(test_full_output_asks_for_more_than_double);
    RUN(test_encode_continues_where_it_is_told);
    RUN(test_strides_of_zero_repeat_pixels);
    RUN(test_wide_runs_are_encoded_in_parts);
    RUN(test_pixels_behind_wide_runs_are_decoded);
    RUN(test_memory_is_large_from_16_megabytes_on);
    RUN(test_lying_counts_are_decoded_inside_the_image);
    return check_report("test_dense");
}
