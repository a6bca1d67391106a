/* test_png.c - pm_png_*: the chunks of files, the filters of rows. */
#include "cases.h"
#include "png_cases.h"

static uint8_t random_byte(void *random) {
    return (uint8_t)(random_bits(random) >> 32);
}

static void test_chunks_are_walked_as_specified(void) {
    random_state random = {3};
    uint8_t file[PNG_MOST_FILE];
    int64_t faults[PM_PNG_NO_DATA + 1] = {0};
    for (int k = 0; k < 100000; k++) {
        pm_png_fault fault;
        int64_t size = png_draw(random_byte, &random, file);
        CHECK(png_agrees(file, size, &fault));
        faults[fault]++;
    }
    for (int fault = 0; fault <= PM_PNG_NO_DATA; fault++)
        CHECK(faults[fault] > 100);
}

static uint32_t id_of(const uint8_t *rgb) {
    return rgb[0] + 256 * (uint32_t)rgb[1] + 65536 * (uint32_t)rgb[2];
}

/* Ids of the rows, all at once and one after the other, and where they change. */
static void check_ids(const uint8_t *filtered, int64_t height, int64_t width, const uint8_t *expected) {
    uint32_t *ids = GUARD_ARRAY(uint32_t, height * width);
    void *scratch = guard_scratch(pm_png_ids_scratch(width));
    pm_png_unfilter_ids(filtered, height, width, ids, scratch);
    for (int64_t i = 0; i < height * width; i++)
        CHECK_EQUAL(ids[i], id_of(expected + 3 * i));
    pm_png_ids row = pm_png_ids_begin(width, scratch);
    for (int64_t r = 0; r < height; r++) {
        pm_png_ids_next(filtered + r * (3 * width + 1), &row);
        for (int64_t i = 0; i < width; i++) {
            bool changes = i + 1 < width && ids[r * width + i] != ids[r * width + i + 1];
            CHECK_EQUAL(row.ids[i], ids[r * width + i]);
            CHECK_EQUAL(row.changes[i / 64] >> (i % 64) & 1, changes);
        }
        CHECK(width % 64 == 0 || row.changes[width / 64] >> (width % 64) == 0);
    }
    guard_free(ids);
    guard_free(scratch);
}

static void check_rows(random_state *random, int64_t height, int64_t width, int pixel, int zeros, int64_t bad) {
    int64_t n = width * pixel;
    uint8_t *filtered = random_png(random, height, n, zeros, bad);
    uint8_t *expected = GUARD_ARRAY(uint8_t, height * n);
    uint8_t *found = GUARD_ARRAY(uint8_t, height * n);
    int64_t whole = oracle_png_unfilter(filtered, height, n, pixel, expected);
    CHECK_EQUAL(pm_png_check(filtered, height, n), whole);
    pm_png_unfilter(filtered, whole, n, pixel, found);
    for (int64_t i = 0; i < whole * n; i++)
        CHECK_EQUAL(found[i], expected[i]);
    if (pixel == 3)
        check_ids(filtered, whole, width, expected);
    guard_free(filtered);
    guard_free(expected);
    guard_free(found);
}

static void test_filters_are_undone_as_specified(void) {
    random_state random = {1};
    for (int64_t width = 0; width < 140; width += width == 40 || width == 70 ? 20 : 1) /* at and next to 64 and 128 */
        for (int64_t height = 0; height < 6; height++)
            for (int pixel = 1; pixel <= 4; pixel++)
                for (int zeros = 0; zeros <= 100; zeros += 20)
                    check_rows(&random, height, width, pixel, zeros, -1);
}

static void test_the_first_unknown_filter_is_told(void) {
    random_state random = {2};
    for (int64_t bad = 0; bad < 5; bad++)
        check_rows(&random, 5, 7, 3, 50, bad);
}

int main(void) {
    RUN(test_chunks_are_walked_as_specified);
    RUN(test_filters_are_undone_as_specified);
    RUN(test_the_first_unknown_filter_is_told);
    return check_report("test_png");
}
