/* fuzz_dense.c - images in any memory order and of any pixel: encoded as they look, and decoded as they were, with not
 * a byte read or written beside them. */
#include "reader.h"

enum { MOST_PIXELS = 4500, MOST_IMAGES = 3 };

/* Strides of an image in memory: which axis is innermost, the bytes between steps, the direction. Returns the bytes
 * that all images span, and where the first pixel lies among them. */
static int64_t read_layout(reader *from, pm_dense *images, int64_t *start) {
    static const int orders[6][3] = {{1, 2, 0}, {2, 1, 0}, {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {2, 0, 1}};
    const int64_t extents[3] = {images->n, images->height, images->width};
    uint8_t kind = read_byte(from);
    uint8_t gaps = read_byte(from);
    int64_t span = images->item_size;
    *start = 0;
    for (int level = 0; level < 3; level++) {
        int axis = orders[kind % 6][level];
        int64_t stride = span + (gaps >> (2 * level) & 3);
        bool is_backwards = gaps & 64 && kind >> (5 + level) & 1;
        images->strides[axis] = is_backwards ? -stride : stride;
        *start += is_backwards ? (extents[axis] - 1) * stride : 0;
        span += (extents[axis] - 1) * stride;
    }
    return span;
}

/* The pixels of image i: a pattern of the input, repeated and turned, and a few runs. */
static void read_pixels(reader *from, int64_t n_pixels, uint8_t *pixels) {
    uint8_t kind = read_byte(from);
    uint64_t pattern = kind & 1 ? read_word(from) : 0;
    int64_t turn = read_byte(from) + 1;
    for (int64_t p = 0; p < n_pixels; p++)
        pixels[p] = pattern >> ((p + p / turn) % 64) & 1;
    for (int64_t k = 0; k < kind >> 4; k++) {
        int64_t start = (read_byte(from) << 8 | read_byte(from)) % n_pixels;
        int64_t end = start + read_byte(from) * (1 + k % 4);
        for (int64_t p = start; p < end && p < n_pixels; p++)
            pixels[p] ^= 1;
    }
}

static char *pixel_at(const pm_dense *images, int64_t i, int64_t row, int64_t column) {
    return images->data + i * images->strides[0] + row * images->strides[1] + column * images->strides[2];
}

static void copy_pixel(char *pixel, const void *value, int64_t item_size) {
    for (int64_t k = 0; k < item_size; k++)
        pixel[k] = ((const char *)value)[k];
}

static void put_pixel(const pm_dense *images, uint8_t salt, bool foreground, char *pixel) {
    if (images->pixel == PM_PIXEL_INTEGER) {
        for (int64_t k = 0; k < images->item_size; k++)
            pixel[k] = 0;
        if (foreground)
            pixel[salt % images->item_size] = (char)(salt | 1);
        return;
    }
    static const double above[] = {1, INFINITY, 0.25000003};
    static const double below[] = {.25, -1, NAN, 0, -INFINITY};
    double value = foreground ? above[salt % 3] : below[salt % 5];
    float narrow = (float)value;
    copy_pixel(pixel, images->item_size == 4 ? (void *)&narrow : (void *)&value, images->item_size);
}

/* Runs of the images, from a capacity that grows as it is asked for. */
static uint32_t *encode(const pm_dense *images, int64_t capacity, int64_t *offsets) {
    void *scratch = guard_scratch(pm_dense_encode_scratch(images));
    uint32_t *counts = GUARD_ARRAY(uint32_t, capacity);
    int64_t first = 0;
    pm_where where = {0};
    offsets[0] = 0;
    while (pm_dense_encode(images, first, counts, capacity, offsets, scratch, &where) == PM_FULL) {
        REQUIRE(where.mask >= first && where.mask < images->n && where.expected > 2 * capacity);
        first = where.mask;
        uint32_t *more = GUARD_ARRAY(uint32_t, where.expected);
        if (offsets[first] > 0)
            memcpy(more, counts, (size_t)offsets[first] * sizeof *more);
        guard_free(counts);
        counts = more;
        capacity = where.expected;
    }
    guard_free(scratch);
    return counts;
}

/* Mostly small; now and then more than a tile each way, or a line of more than a block. */
static void read_extent(uint8_t kind, int64_t *height, int64_t *width) {
    int64_t most = kind < 240 ? 256 : MOST_PIXELS;
    if (kind >= 248) {
        *height = *height << 4 | *width >> 4;
        *width = 1 + *width % 3;
    }
    if (*height * *width <= most)
        return;
    if (kind & 1)
        *height = most / *width;
    else
        *width = most / *height;
    *height = *height < 1 ? 1 : *height > most ? most : *height;
    *width = *width < 1 ? 1 : *width > most / *height ? most / *height : *width;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const int64_t item_sizes[] = {1, 2, 4, 8, 4, 8};
    static uint8_t pixels[MOST_IMAGES * MOST_PIXELS];
    reader from = {data, data + size};
    uint8_t kind = read_byte(&from);
    int64_t height = 1 + read_byte(&from);
    int64_t width = 1 + read_byte(&from);
    read_extent(read_byte(&from), &height, &width);
    pm_dense images = {.n = height * width > 256 ? 1 : 1 + kind / 8 % MOST_IMAGES,
                       .height = height,
                       .width = width,
                       .item_size = kind & 64 ? 1 : item_sizes[kind % 6],
                       .pixel = kind & 64 || kind % 6 < 4 ? PM_PIXEL_INTEGER : PM_PIXEL_FLOAT,
                       .threshold = .25};
    int64_t n_pixels = height * width;
    int64_t start;
    int64_t span = read_layout(&from, &images, &start);
    uint8_t salt = read_byte(&from);
    int64_t capacity = read_byte(&from) * 4;
    char *memory = guard_new((size_t)span, 1);
    char *expected = guard_new((size_t)span, 1);
    memset(memory, 0xff, (size_t)span);
    memset(expected, 0xee, (size_t)span);
    images.data = memory + start;
    pm_dense answer = images;
    answer.data = expected + start;
    const uint8_t one[8] = {salt | 1, salt, 3, 4, 5, 6, 7, 8};
    const uint8_t zero[8] = {0};
    for (int64_t i = 0; i < images.n; i++) {
        read_pixels(&from, n_pixels, pixels + i * n_pixels);
        for (int64_t p = 0; p < n_pixels; p++) {
            bool foreground = pixels[i * n_pixels + p];
            put_pixel(&images, (uint8_t)(salt + p), foreground, pixel_at(&images, i, p % height, p / height));
            copy_pixel(pixel_at(&answer, i, p % height, p / height), foreground ? one : zero, images.item_size);
        }
    }

    int64_t *offsets = GUARD_ARRAY(int64_t, images.n + 1);
    uint32_t *counts = encode(&images, capacity, offsets);
    int64_t sizes[2 * MOST_IMAGES];
    for (int64_t i = 0; i < images.n; i++) {
        require_mask(counts + offsets[i], offsets[i + 1] - offsets[i], n_pixels, pixels + i * n_pixels);
        sizes[2 * i] = height;
        sizes[2 * i + 1] = width;
    }

    REQUIRE(pm_dense_memory(&images, salt & 2) == (salt & 2 ? PM_ZEROED : PM_USED));
    pm_memory before = salt & 2 ? PM_ZEROED : salt & 4 ? PM_LARGE : PM_USED;
    memset(memory, 0xee, (size_t)span);
    for (int64_t i = 0; before == PM_ZEROED && i < images.n; i++)
        for (int64_t p = 0; p < n_pixels; p++)
            copy_pixel(pixel_at(&images, i, p % height, p / height), zero, images.item_size);
    const pm_batch batch = {counts, offsets, sizes, images.n};
    void *scratch = guard_scratch(pm_dense_decode_scratch(&images, before));
    pm_dense_decode(&batch, &images, one, before, scratch);
    REQUIRE(memcmp(memory, expected, (size_t)span) == 0);
    guard_free(scratch);

    /* A window of these masks is what that part of the pixels shows. */
    int64_t top = read_byte(&from) % height;
    int64_t left = read_byte(&from) % width;
    pm_dense part = answer;
    part.height = height - top - read_byte(&from) % (height - top);
    part.width = width - left - read_byte(&from) % (width - left);
    part.data = pixel_at(&images, 0, top, left);
    memset(memory, 0xee, (size_t)span);
    for (int64_t i = 0; i < images.n; i++)
        for (int64_t p = 0; p < n_pixels; p++)
            if (p % height < top || p % height >= top + part.height || p / height < left ||
                p / height >= left + part.width)
                copy_pixel(pixel_at(&images, i, p % height, p / height),
                           pixel_at(&answer, i, p % height, p / height), images.item_size);
    before = salt & 8 ? PM_LARGE : PM_USED;
    scratch = guard_scratch(pm_dense_decode_scratch(&part, before));
    pm_dense_decode_window(&batch, top, left, &part, one, before, scratch);
    REQUIRE(memcmp(memory, expected, (size_t)span) == 0);
    guard_free(scratch);
    guard_free(counts);
    guard_free(offsets);
    guard_free(memory);
    guard_free(expected);
    return 0;
}
