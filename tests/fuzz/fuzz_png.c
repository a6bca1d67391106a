/* fuzz_png.c - chunks and rows of a PNG: any bytes are read as the definition reads them, and nothing is touched beside
 * them. */
#include "../c/png_cases.h"
#include "reader.h"

enum { MOST_WIDTH = 64 };

static uint8_t next_byte(void *from) {
    return read_byte(from);
}

/* A file of chunks, and the bytes as a file. */
static void fuzz_chunks(const uint8_t *data, size_t size) {
    static uint8_t file[PNG_MOST_FILE];
    reader from = {data, data + size};
    pm_png_fault fault;
    REQUIRE(png_agrees(file, png_draw(next_byte, &from, file), &fault));
    if (size <= PNG_MOST_FILE)
        REQUIRE(png_agrees(data, (int64_t)size, &fault));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_chunks(data, size);
    reader from = {data, data + size};
    int pixel = (int)(1 + read_below(&from, 4));
    int64_t width = read_below(&from, MOST_WIDTH);
    int64_t n = width * pixel;
    int64_t height = read_below(&from, 8);
    uint8_t *filtered = guard_new((size_t)(height * (n + 1)), 1);
    for (int64_t i = 0; i < height * (n + 1); i++)
        filtered[i] = read_byte(&from);
    uint8_t *expected = guard_new((size_t)(height * n), 1);
    uint8_t *found = guard_new((size_t)(height * n), 1);
    int64_t whole = oracle_png_unfilter(filtered, height, n, pixel, expected);
    REQUIRE(pm_png_check(filtered, height, n) == whole);
    pm_png_unfilter(filtered, whole, n, pixel, found);
    REQUIRE(whole * n == 0 || memcmp(found, expected, (size_t)(whole * n)) == 0);
    if (pixel == 3) {
        uint32_t *ids = guard_new((size_t)(whole * width) * sizeof *ids, sizeof *ids);
        void *scratch = guard_scratch(pm_png_ids_scratch(width));
        pm_png_unfilter_ids(filtered, whole, width, ids, scratch);
        pm_png_ids row = pm_png_ids_begin(width, scratch);
        for (int64_t r = 0; r < whole; r++) {
            pm_png_ids_next(filtered + r * (n + 1), &row);
            for (int64_t i = 0; i + 1 < width; i++)
                REQUIRE((row.changes[i / 64] >> (i % 64) & 1) == (ids[r * width + i] != ids[r * width + i + 1]));
        }
        for (int64_t i = 0; i < whole * width; i++)
            REQUIRE(ids[i] == (uint32_t)(expected[3 * i] + 256 * expected[3 * i + 1] + 65536 * expected[3 * i + 2]));
        guard_free(ids);
        guard_free(scratch);
    }
    guard_free(filtered);
    guard_free(expected);
    guard_free(found);
    return 0;
}
