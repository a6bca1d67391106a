/* test_png.c - pm_png_*: the filters of rows. */
#include "cases.h"

/* Rows of which most bytes are zero, with filters 0 .. 4; row `bad` has another. */
static uint8_t *random_rows(random_state *random, int64_t height, int64_t n, int zeros, int64_t bad) {
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

static void check_rows(random_state *random, int64_t height, int64_t width, int pixel, int zeros, int64_t bad) {
    int64_t n = width * pixel;
    uint8_t *filtered = random_rows(random, height, n, zeros, bad);
    uint8_t *expected = GUARD_ARRAY(uint8_t, height * n);
    uint8_t *found = GUARD_ARRAY(uint8_t, height * n);
    int64_t whole = oracle_png_unfilter(filtered, height, n, pixel, expected);
    CHECK_EQUAL(pm_png_check(filtered, height, n), whole);
    pm_png_unfilter(filtered, whole, n, pixel, found);
    for (int64_t i = 0; i < whole * n; i++)
        CHECK_EQUAL(found[i], expected[i]);
    for (int64_t cut = 0; cut <= whole && pixel == 3; cut++) {
        uint32_t *ids = GUARD_ARRAY(uint32_t, whole * width);
        void *scratch = guard_new(pm_png_unfilter_ids_scratch(width), 1);
        pm_png_unfilter_ids(filtered, 0, cut, width, ids, scratch);
        pm_png_unfilter_ids(filtered, cut, whole, width, ids + cut * width, scratch);
        for (int64_t i = 0; i < whole * width; i++)
            CHECK_EQUAL(ids[i], expected[3 * i] + 256 * expected[3 * i + 1] + 65536 * expected[3 * i + 2]);
        guard_free(ids);
        guard_free(scratch);
    }
    guard_free(filtered);
    guard_free(expected);
    guard_free(found);
}

static void test_filters_are_undone_as_specified(void) {
    random_state random = {1};
    for (int64_t width = 0; width < 40; width++)
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
    RUN(test_filters_are_undone_as_specified);
    RUN(test_the_first_unknown_filter_is_told);
    return check_report("test_png");
}
