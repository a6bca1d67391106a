/* test_counts.c - pm_counts_*: COCO's compressed text and lists of numbers <-> runs. */
#include "cases.h"

enum { MOST_RUNS = 64, MOST_TEXT = 200 };

static pm_counts_source text_source(const char *text) {
    return (pm_counts_source){text, (int64_t)strlen(text), true};
}

/* Read one source into guarded memory of exactly the bound. Returns the runs in `runs` (room for MOST_RUNS). */
static pm_status read_one(pm_counts_source source, int64_t height, int64_t width, uint32_t *runs, int64_t *n_runs,
                          pm_where *where) {
    const int64_t sizes[] = {height, width};
    int64_t bound = pm_counts_read_bound(&source, sizes, 1);
    size_t item = source.is_text ? 1 : sizeof(int64_t);
    void *data = guard_new((size_t)source.length * item, item);
    if (source.length > 0)
        memcpy(data, source.data, (size_t)source.length * item);
    source.data = data;
    uint32_t *counts = GUARD_ARRAY(uint32_t, bound);
    int64_t *offsets = GUARD_ARRAY(int64_t, 2);
    pm_status status = pm_counts_read(&source, sizes, 1, counts, offsets, where);
    if (status == PM_OK) {
        CHECK_EQUAL(offsets[0], 0);
        CHECK(offsets[1] <= bound);
        *n_runs = offsets[1];
        for (int64_t j = 0; j < *n_runs && j < MOST_RUNS; j++)
            runs[j] = counts[j];
    }
    guard_free(data);
    guard_free(counts);
    guard_free(offsets);
    return status;
}

/* Write one mask into guarded memory of exactly the bound; returns the length. */
static int64_t write_one(const pm_batch *mask, bool verbatim, char *text) {
    int64_t bound = pm_counts_write_bound(mask);
    uint8_t *out = GUARD_ARRAY(uint8_t, bound);
    int64_t *offsets = GUARD_ARRAY(int64_t, 2);
    pm_counts_write(mask, verbatim, out, offsets);
    int64_t length = offsets[1];
    CHECK_EQUAL(offsets[0], 0);
    CHECK(length <= bound);
    memcpy(text, out, (size_t)length);
    text[length] = 0;
    guard_free(out);
    guard_free(offsets);
    return length;
}

/* ---- the published examples -------------------------------------------------------------------------------------- */

static const struct {
    int64_t height;
    int64_t width;
    uint32_t runs[9];
    int64_t n_runs;
    const char *text;
} examples[] = {
    {3, 4, {4, 4, 1, 1, 2}, 5, "441M1"},
    {3, 4, {12}, 1, "<"},
    {3, 4, {0, 12}, 2, "0<"},
    {0, 0, {0}, 1, "0"},
    {0, 5, {0}, 1, "0"},
    {1, 7, {0, 6, 1}, 3, "061"},
    {7, 1, {2, 3, 1, 1}, 4, "231N"},
    {4, 5, {5, 5, 5, 5}, 4, "5550"},
    {9, 10, {6, 1, 40, 4, 5, 4, 5, 4, 21}, 9, "61X13mN000`0"},
    {7, 9, {31, 1, 15, 16}, 4, "o01??"},
    {6, 8, {16, 32}, 2, "`0P1"},
    {20, 10, {0, 100, 0, 100}, 4, "0T300"},
    {2999, 1, {1000, 1, 999, 1, 998}, 5, "Xo01Wo00O"},
    {973, 3, {52, 48, 874, 112, 861, 125, 847}, 7, "d1`1Zk0P2C=B"},
    {292, 10, {52, 48, 874, 112, 861, 125, 848}, 7, "d1`1Zk0P2C=C"},
    {6, 8, {13, 1, 5, 2, 4, 3, 3, 4, 13}, 9, "=151O1O1:"},
    {6, 8, {7, 3, 3, 3, 3, 3, 3, 3, 20}, 9, "73300000a0"},
    {6, 8, {0, 48}, 2, "0`1"},
    {6, 8, {48}, 1, "`1"},
};

static void test_published_examples_read_and_write(void) {
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        int64_t height = examples[i].height;
        int64_t width = examples[i].width;
        const uint32_t *expected = examples[i].runs;
        uint32_t runs[MOST_RUNS];
        int64_t n_runs = 0;
        char text[128];
        pm_where where;
        one_mask mask;
        CHECK_EQUAL(read_one(text_source(examples[i].text), height, width, runs, &n_runs, &where), PM_OK);
        CHECK_RUNS(runs, n_runs, expected, examples[i].n_runs);
        write_one(one_mask_of(&mask, expected, examples[i].n_runs, height, width), true, text);
        CHECK_STRING(text, examples[i].text);
    }
}

/* One number a text: where the number of characters grows, on both sides. */
static void test_numbers_of_every_length(void) {
    static const struct {
        int64_t number;
        const char *text;
    } numbers[] = {
        {0, "0"},           {1, "1"},          {15, "?"},
        {16, "`0"},         {31, "o0"},        {32, "P1"},
        {511, "o?"},        {512, "P`0"},      {16383, "oo?"},
        {16384, "PP`0"},    {524287, "ooo?"},  {524288, "PPP`0"},
        {16777215, "oooo?"}, {16777216, "PPPP`0"}, {536870911, "ooooo?"},
        {536870912, "PPPPP`0"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        uint32_t run = (uint32_t)numbers[i].number;
        uint32_t runs[MOST_RUNS];
        int64_t n_runs = 0;
        char text[64];
        pm_where where;
        one_mask mask;
        write_one(one_mask_of(&mask, &run, 1, run, 1), false, text);
        CHECK_STRING(text, numbers[i].text);
        CHECK_EQUAL(read_one(text_source(text), run, 1, runs, &n_runs, &where), PM_OK);
        CHECK_RUNS(runs, n_runs, &run, 1);
    }
}

/* The third number is whole, the fourth is a difference; differences fall as well as rise. */
static void test_differences_begin_at_the_fourth_number(void) {
    const uint32_t runs[] = {600, 600, 600, 599, 583, 582, 70, 69};
    one_mask mask;
    char text[64];
    write_one(one_mask_of(&mask, runs, 8, 3703, 1), false, text);
    CHECK_STRING(text, "hb0hb0hb0O_O_Oo_Oo_O");
}

static void test_needless_groups_are_read(void) {
    uint32_t runs[MOST_RUNS];
    int64_t n_runs = 0;
    pm_where where;
    CHECK_EQUAL(read_one(text_source("\\P0"), 3, 4, runs, &n_runs, &where), PM_OK);
    CHECK_RUNS(runs, n_runs, ((const uint32_t[]){12}), 1);
    /* Twelve characters are the most. */
    CHECK_EQUAL(read_one(text_source("\\PPPPPPPPPP0"), 3, 4, runs, &n_runs, &where), PM_OK);
    CHECK_RUNS(runs, n_runs, ((const uint32_t[]){12}), 1);
    /* A difference of -1 with needless sign groups. */
    CHECK_EQUAL(read_one(text_source("112oooO"), 1, 4, runs, &n_runs, &where), PM_OK);
    CHECK_RUNS(runs, n_runs, ((const uint32_t[]){1, 1, 2, 0}), 4);
}

/* ---- round trips ------------------------------------------------------------------------------------------------- */

static void check_text_round_trip(const uint32_t *runs, int64_t n_runs, const uint32_t *canonical, int64_t n_canonical,
                                  int64_t height, int64_t width) {
    one_mask mask;
    const pm_batch *batch = one_mask_of(&mask, runs, n_runs, height, width);
    int64_t values[MOST_RUNS];
    char text[8 * MOST_RUNS];
    char expected[8 * MOST_RUNS];
    uint32_t found[MOST_RUNS];
    int64_t n_found = 0;
    pm_where where;

    for (int64_t j = 0; j < n_canonical; j++)
        values[j] = canonical[j];
    expected[oracle_write_text(values, n_canonical, expected)] = 0;
    write_one(batch, false, text);
    CHECK_STRING(text, expected);
    CHECK_EQUAL(read_one(text_source(text), height, width, found, &n_found, &where), PM_OK);
    CHECK_RUNS(found, n_found, canonical, n_canonical);

    for (int64_t j = 0; j < n_runs; j++)
        values[j] = runs[j];
    expected[oracle_write_text(values, n_runs, expected)] = 0;
    write_one(batch, true, text);
    CHECK_STRING(text, expected);
    CHECK_EQUAL(read_one(text_source(text), height, width, found, &n_found, &where), PM_OK);
    CHECK_RUNS(found, n_found, runs, n_runs);

    const pm_counts_source list = {values, n_runs, false};
    CHECK_EQUAL(read_one(list, height, width, found, &n_found, &where), PM_OK);
    CHECK_RUNS(found, n_found, runs, n_runs);
}

static void visit_texts(int64_t height, int64_t width, const uint8_t *pixels, const uint32_t *runs, int64_t n_runs) {
    random_state random = {(uint64_t)n_runs + pixels[0]};
    check_text_round_trip(runs, n_runs, runs, n_runs, height, width);
    for (int spelling = 0; spelling < 2; spelling++) {
        uint32_t spelled[3 * (TINY_PIXELS + 1) + 4];
        int64_t n = respell(&random, runs, n_runs, spelled);
        check_text_round_trip(spelled, n, runs, n_runs, height, width);
    }
}

static void test_round_trip_of_every_tiny_mask(void) {
    for_every_tiny_mask(visit_texts);
}

/* Runs of every magnitude, up to the widest. */
static void test_round_trip_of_random_wide_masks(void) {
    random_state random = {1};
    for (int trial = 0; trial < 5000; trial++) {
        int64_t height = random_between(&random, 1, INT64_C(1) << random_between(&random, 0, 40));
        int64_t width = random_between(&random, 1, PM_MAX_PIXELS / height);
        int64_t values[8];
        int64_t n_values = random_values(&random, height * width, 8, values);
        uint32_t runs[8 + 520];
        int64_t n_runs = spell_values(values, n_values, runs);
        one_mask mask;
        const pm_batch *batch = one_mask_of(&mask, runs, n_runs, height, width);
        char text[128];
        char expected[128];
        int64_t length = write_one(batch, false, text);
        expected[oracle_write_text(values, n_values, expected)] = 0;
        CHECK_STRING(text, expected);
        write_one(batch, true, text);
        CHECK_STRING(text, expected);

        const int64_t sizes[] = {height, width};
        const pm_counts_source sources[] = {{text, length, true}, {values, n_values, false}};
        for (int k = 0; k < 2; k++) {
            int64_t bound = pm_counts_read_bound(&sources[k], sizes, 1);
            uint32_t *counts = GUARD_ARRAY(uint32_t, bound);
            int64_t offsets[2] = {0, 0};
            pm_where where;
            CHECK_EQUAL(pm_counts_read(&sources[k], sizes, 1, counts, offsets, &where), PM_OK);
            CHECK_RUNS(counts, offsets[1], runs, n_runs);
            guard_free(counts);
        }
    }
}

static void test_wide_run_is_one_number(void) {
    const uint32_t runs[] = {UINT32_MAX, 0, UINT32_MAX, 0, 10, 5};
    uint32_t found[MOST_RUNS];
    int64_t n_found = 0;
    int64_t height = 70000;
    pm_where where;
    char text[64];
    char expected[64];
    one_mask mask;
    const int64_t values[] = {2 * (int64_t)UINT32_MAX + 10, 5};
    /* Not the size of a real image, only a number of pixels: 2 UINT32_MAX + 15 = 5 x 1717986921. */
    CHECK_EQUAL((values[0] + 5) % 5, 0);
    const pm_batch *batch = one_mask_of(&mask, runs, 6, (values[0] + 5) / 5, 5);
    expected[oracle_write_text(values, 2, expected)] = 0;
    write_one(batch, true, text);
    CHECK_STRING(text, expected);
    CHECK_EQUAL(read_one(text_source(text), (values[0] + 5) / 5, 5, found, &n_found, &where), PM_OK);
    CHECK_RUNS(found, n_found, runs, 6);
    /* All background of 70000 x 70000. */
    const int64_t pixels = height * height;
    const uint32_t all[] = {UINT32_MAX, 0, (uint32_t)(pixels - UINT32_MAX)};
    expected[oracle_write_text(&pixels, 1, expected)] = 0;
    CHECK_EQUAL(read_one(text_source(expected), height, height, found, &n_found, &where), PM_OK);
    CHECK_RUNS(found, n_found, all, 3);
}

static void test_verbatim_keeps_zero_runs_and_canonical_drops_them(void) {
    const uint32_t runs[] = {0, 0, 5, 0, 0, 3, 4, 0};
    one_mask mask;
    char text[64];
    const pm_batch *batch = one_mask_of(&mask, runs, 8, 12, 1);
    write_one(batch, true, text);
    CHECK_STRING(text, "0050K34M");
    write_one(batch, false, text);
    CHECK_STRING(text, "534");
}

/* What ends in the middle of a wide run is no wide run. */
static void test_verbatim_zero_after_the_largest_run(void) {
    const uint32_t runs[] = {UINT32_MAX, 0};
    const int64_t values[] = {UINT32_MAX, 0};
    one_mask mask;
    char text[64];
    char expected[64];
    expected[oracle_write_text(values, 2, expected)] = 0;
    write_one(one_mask_of(&mask, runs, 2, UINT32_MAX, 1), true, text);
    CHECK_STRING(text, expected);
    expected[oracle_write_text(values, 1, expected)] = 0;
    write_one(&mask.batch, false, text);
    CHECK_STRING(text, expected);
}

/* An image without pixels may have no runs. It is written as the encoder writes it. */
static void test_no_counts_are_read_and_written_as_zero(void) {
    uint32_t runs[MOST_RUNS];
    int64_t n_runs = -1;
    pm_where where;
    one_mask mask;
    char text[8];
    CHECK_EQUAL(read_one(text_source(""), 0, 7, runs, &n_runs, &where), PM_OK);
    CHECK_EQUAL(n_runs, 0);
    write_one(one_mask_of(&mask, runs, 0, 0, 7), false, text);
    CHECK_STRING(text, "0");
    write_one(&mask.batch, true, text);
    CHECK_STRING(text, "");
    CHECK_EQUAL(read_one(text_source(""), 1, 1, runs, &n_runs, &where), PM_RUNS_COVERAGE);
    CHECK_EQUAL(where.found, 0);
    CHECK_EQUAL(where.expected, 1);
}

static void test_batches_of_text_and_lists(void) {
    static const int64_t values[] = {4, 4, 1, 1, 2};
    const pm_counts_source sources[] = {text_source("441M1"), {values, 5, false}, text_source(""), text_source("0<")};
    const int64_t sizes[] = {3, 4, 4, 3, 0, 9, 2, 6};
    int64_t bound = pm_counts_read_bound(sources, sizes, 4);
    uint32_t *counts = GUARD_ARRAY(uint32_t, bound);
    int64_t offsets[5];
    pm_where where;
    CHECK_EQUAL(pm_counts_read(sources, sizes, 4, counts, offsets, &where), PM_OK);
    CHECK_RUNS(counts, offsets[4], ((const uint32_t[]){4, 4, 1, 1, 2, 4, 4, 1, 1, 2, 0, 12}), 12);
    const pm_batch masks = {counts, offsets, sizes, 4};
    uint8_t text[256];
    int64_t text_offsets[5];
    CHECK(pm_counts_write_bound(&masks) <= (int64_t)sizeof text);
    pm_counts_write(&masks, false, text, text_offsets);
    CHECK_EQUAL(text_offsets[1], 5);
    CHECK_EQUAL(text_offsets[2], 10);
    CHECK_EQUAL(text_offsets[3], 11);
    CHECK_EQUAL(text_offsets[4], 13);
    text[text_offsets[4]] = 0;
    CHECK_STRING((const char *)text, "441M1441M100<");
    guard_free(counts);
}

static void test_empty_batches(void) {
    int64_t offsets[1] = {-1};
    pm_where where;
    CHECK_EQUAL(pm_counts_read_bound(NULL, NULL, 0), 0);
    CHECK_EQUAL(pm_counts_read(NULL, NULL, 0, NULL, offsets, &where), PM_OK);
    CHECK_EQUAL(offsets[0], 0);
    const pm_batch masks = {NULL, offsets, NULL, 0};
    int64_t text_offsets[1] = {-1};
    CHECK_EQUAL(pm_counts_write_bound(&masks), 0);
    pm_counts_write(&masks, false, NULL, text_offsets);
    CHECK_EQUAL(text_offsets[0], 0);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void test_every_byte_outside_the_alphabet_is_refused(void) {
    for (int byte = 0; byte < 256; byte++) {
        uint32_t runs[MOST_RUNS];
        int64_t n_runs;
        pm_where where;
        const uint8_t text[] = {'4', '4', (uint8_t)byte, 'M', '1'};
        const pm_counts_source source = {text, 5, true};
        pm_status status = read_one(source, 3, 4, runs, &n_runs, &where);
        if (byte >= 48 && byte <= 111) {
            CHECK(status != PM_TEXT_BYTE);
            continue;
        }
        CHECK_EQUAL(status, PM_TEXT_BYTE);
        CHECK_EQUAL(where.mask, 0);
        CHECK_EQUAL(where.at, 2);
        CHECK_EQUAL(where.found, byte);
    }
}

static void test_text_that_ends_inside_a_number_is_refused(void) {
    static const char *const texts[] = {"P", "4P", "44PPP", "PPPPPPPPPPPP"};
    static const int64_t begins[] = {0, 1, 2, 0};
    for (int i = 0; i < 4; i++) {
        uint32_t runs[MOST_RUNS];
        int64_t n_runs;
        pm_where where;
        CHECK_EQUAL(read_one(text_source(texts[i]), 3, 4, runs, &n_runs, &where), PM_TEXT_TRUNCATED);
        CHECK_EQUAL(where.mask, 0);
        CHECK_EQUAL(where.at, begins[i]);
        CHECK_EQUAL(where.found, strlen(texts[i]));
    }
}

static void test_numbers_of_thirteen_characters_are_refused(void) {
    uint32_t runs[MOST_RUNS];
    int64_t n_runs;
    pm_where where;
    CHECK_EQUAL(read_one(text_source("4\\PPPPPPPPPPP0"), 3, 4, runs, &n_runs, &where), PM_TEXT_OVERLONG);
    CHECK_EQUAL(where.mask, 0);
    CHECK_EQUAL(where.at, 1);
    CHECK_EQUAL(where.expected, 12);
}

static void test_negative_runs_are_refused(void) {
    static const int64_t values[] = {4, 4, -3};
    static const int64_t least[] = {INT64_MIN};
    const pm_counts_source list = {values, 3, false};
    const pm_counts_source least_list = {least, 1, false};
    uint32_t runs[MOST_RUNS];
    int64_t n_runs;
    pm_where where;
    CHECK_EQUAL(read_one(list, 3, 4, runs, &n_runs, &where), PM_RUN_NEGATIVE);
    CHECK_EQUAL(where.at, 2);
    CHECK_EQUAL(where.found, -3);
    CHECK_EQUAL(read_one(least_list, 3, 4, runs, &n_runs, &where), PM_RUN_NEGATIVE);
    CHECK_EQUAL(where.at, 0);
    CHECK_EQUAL(where.found, INT64_MIN);
    CHECK_EQUAL(read_one(text_source("O"), 3, 4, runs, &n_runs, &where), PM_RUN_NEGATIVE);
    CHECK_EQUAL(where.at, 0);
    CHECK_EQUAL(where.found, -1);
    CHECK_EQUAL(read_one(text_source("121N"), 3, 4, runs, &n_runs, &where), PM_RUNS_COVERAGE); /* 2 - 2 is 0 */
    CHECK_EQUAL(read_one(text_source("121M"), 3, 4, runs, &n_runs, &where), PM_RUN_NEGATIVE);
    CHECK_EQUAL(where.at, 3);
    CHECK_EQUAL(where.found, -1);
}

static void test_runs_that_do_not_cover_are_refused(void) {
    uint32_t runs[MOST_RUNS];
    int64_t n_runs;
    pm_where where;
    CHECK_EQUAL(read_one(text_source("441M1"), 3, 5, runs, &n_runs, &where), PM_RUNS_COVERAGE);
    CHECK_EQUAL(where.mask, 0);
    CHECK_EQUAL(where.found, 12);
    CHECK_EQUAL(where.expected, 15);
    CHECK_EQUAL(where.height, 3);
    CHECK_EQUAL(where.width, 5);
    CHECK_EQUAL(read_one(text_source("441M1"), 1, 11, runs, &n_runs, &where), PM_RUNS_COVERAGE);
    CHECK_EQUAL(where.found, 12);
    CHECK_EQUAL(where.expected, 11);
    CHECK_EQUAL(read_one(text_source("441M1"), 0, 0, runs, &n_runs, &where), PM_RUNS_COVERAGE);
}

/* The bound allows for wide runs inside the image only. */
static void test_wide_runs_beyond_the_image_are_refused(void) {
    static const int64_t values[] = {PM_MAX_PIXELS, PM_MAX_PIXELS, 5, PM_MAX_PIXELS};
    const pm_counts_source list = {values, 4, false};
    uint32_t runs[MOST_RUNS];
    int64_t n_runs;
    pm_where where;
    CHECK_EQUAL(read_one(list, 3, 4, runs, &n_runs, &where), PM_RUNS_COVERAGE);
    CHECK_EQUAL(where.expected, 12);
    CHECK(where.found > 12);
    CHECK_EQUAL(read_one(list, 1, PM_MAX_PIXELS, runs, &n_runs, &where), PM_RUNS_COVERAGE);
    CHECK_EQUAL(where.expected, PM_MAX_PIXELS);
    /* Twelve groups of ones with a positive sign, 2^59 - 1. */
    CHECK_EQUAL(read_one(text_source("ooooooooooo?"), 3, 4, runs, &n_runs, &where), PM_RUNS_COVERAGE);
}

/* A sum beyond 63 bits must not wrap, whatever comes before the run. */
static void test_the_largest_numbers_are_refused(void) {
    static const int64_t values[] = {1, INT64_MAX, INT64_MAX};
    for (int64_t first = 0; first < 2; first++) {
        for (int64_t n = 1; n <= 3 - first; n++) {
            const pm_counts_source list = {values + first, n, false};
            uint32_t runs[MOST_RUNS];
            int64_t n_runs;
            pm_where where;
            CHECK_EQUAL(read_one(list, 3, 4, runs, &n_runs, &where), PM_RUNS_COVERAGE);
            CHECK_EQUAL(where.expected, 12);
            CHECK(where.found >= 0);
        }
    }
}

static void test_errors_name_the_mask(void) {
    static const char *const bad[] = {"44 M1", "441MP", "44O", "441M2", "\\PPPPPPPPPPPP0"};
    static const pm_status expected[] = {PM_TEXT_BYTE, PM_TEXT_TRUNCATED, PM_RUN_NEGATIVE, PM_RUNS_COVERAGE,
                                         PM_TEXT_OVERLONG};
    for (int i = 0; i < 5; i++) {
        const pm_counts_source sources[] = {text_source("441M1"), text_source("<"), text_source(bad[i])};
        const int64_t sizes[] = {3, 4, 3, 4, 3, 4};
        uint32_t counts[64];
        int64_t offsets[4];
        pm_where where;
        CHECK(pm_counts_read_bound(sources, sizes, 3) <= 64);
        CHECK_EQUAL(pm_counts_read(sources, sizes, 3, counts, offsets, &where), expected[i]);
        CHECK_EQUAL(where.mask, 2);
        CHECK_EQUAL(where.height, 3);
        CHECK_EQUAL(where.width, 4);
    }
}

/* Any short text: the same verdict, and the same runs, as the oracle. */
static void test_random_text_is_read_as_defined(void) {
    random_state random = {5};
    for (int trial = 0; trial < 200000; trial++) {
        uint8_t text[20];
        int64_t length = random_between(&random, 0, random_below(&random, 4) ? 8 : 20);
        for (int64_t i = 0; i < length; i++) {
            int64_t kind = random_below(&random, 16);
            text[i] = (uint8_t)(kind == 0   ? random_below(&random, 256)
                                : kind < 4  ? random_between(&random, 80, 111)
                                : kind == 5 ? random_between(&random, 64, 79)
                                            : random_between(&random, 48, 63));
        }
        int64_t values[20];
        int64_t n_values;
        oracle_read_text(text, length, 0, values, &n_values);
        /* Mostly an image that the runs happen to cover, so that success is tested too. */
        int64_t pixels = 0;
        for (int64_t j = 0; j < n_values; j++)
            pixels += values[j];
        pixels = random_below(&random, 4) == 0 || pixels > PM_MAX_PIXELS ? random_below(&random, 100) : pixels;
        pm_status expected = oracle_read_text(text, length, pixels, values, &n_values);
        uint32_t runs[MOST_RUNS];
        int64_t n_runs = 0;
        pm_where where;
        const pm_counts_source source = {text, length, true};
        pm_status status = read_one(source, pixels, 1, runs, &n_runs, &where);
        CHECK_EQUAL(status, expected);
        if (status != PM_OK || n_runs > MOST_RUNS)
            continue;
        uint32_t expected_runs[20 + 520];
        CHECK_RUNS(runs, n_runs, expected_runs, spell_values(values, n_values, expected_runs));
    }
}

/* Where the oracle's reader stops, by what is wrong with the text. */
static int64_t oracle_place(const uint8_t *text, int64_t length, pm_status status) {
    int64_t values[MOST_TEXT];
    int64_t n_values;
    int64_t number = 0; /* its first character */
    int64_t index = 0;
    for (int64_t at = 0; at < length; at++) {
        if (status == PM_TEXT_BYTE && (text[at] < 48 || text[at] > 111))
            return at;
        if (status == PM_TEXT_OVERLONG && at - number == 12)
            return number;
        if (status == PM_RUN_NEGATIVE && oracle_read_text(text, at + 1, 0, values, &n_values) == PM_RUN_NEGATIVE)
            return index;
        if (text[at] < 80) {
            number = at + 1;
            index++;
        }
    }
    return number;
}

/* Long texts, most with some byte changed or with their end cut off: one verdict, one place, the same runs. */
static void test_damaged_text_is_refused_where_it_is_wrong(void) {
    random_state random = {7};
    int64_t seen[PM_TEXT_OVERLONG + 1] = {0};
    for (int trial = 0; trial < 40000; trial++) {
        uint8_t text[MOST_TEXT] = "PPP1PPP1PPP1"; /* three runs of 32768 pixels, from which differences lead away */
        int64_t length = random_between(&random, 12, trial % 2 ? MOST_TEXT : 60);
        bool is_short = random_below(&random, 2);
        for (int64_t i = 12; i < length; i++) {
            bool goes_on = !is_short && text[i - 1] < 80 && random_below(&random, 3) == 0;
            text[i] = (uint8_t)(48 + random_below(&random, 32) + (goes_on ? 32 : 0));
        }
        for (int64_t changes = random_below(&random, 3); changes > 0; changes--) {
            int64_t at = random_below(&random, length);
            uint8_t byte = (uint8_t)(random_below(&random, 3) ? random_between(&random, 48, 111)
                                                              : random_below(&random, 256));
            int64_t n = random_below(&random, 4) ? 1 : random_between(&random, 1, 14);
            for (int64_t i = at; i < at + n && i < length; i++)
                text[i] = byte;
        }
        int64_t values[MOST_TEXT];
        int64_t n_values;
        int64_t pixels = 0;
        oracle_read_text(text, length, 0, values, &n_values);
        for (int64_t j = 0; j < n_values; j++)
            pixels += values[j];
        if (pixels > PM_MAX_PIXELS)
            continue;
        pm_status expected = oracle_read_text(text, length, pixels, values, &n_values);
        const pm_counts_source source = {text, length, true};
        uint32_t runs[MOST_RUNS];
        int64_t n_runs = 0;
        pm_where where;
        CHECK_EQUAL(read_one(source, pixels, 1, runs, &n_runs, &where), expected);
        seen[expected]++;
        if (expected != PM_OK)
            CHECK(expected == PM_RUNS_COVERAGE || where.at == oracle_place(text, length, expected));
        else if (n_runs == n_values) /* no wide ones */
            for (int64_t j = 0; j < n_runs && j < MOST_RUNS; j++)
                CHECK_EQUAL(runs[j], values[j]);
    }
    CHECK(seen[PM_OK] > 10000 && seen[PM_TEXT_BYTE] > 1000 && seen[PM_TEXT_TRUNCATED] > 1000 &&
          seen[PM_TEXT_OVERLONG] > 100 && seen[PM_RUN_NEGATIVE] > 1000);
}

static void test_lying_counts_are_written_inside_the_bound(void) {
    random_state random = {6};
    for (int trial = 0; trial < 20000; trial++) {
        int64_t n = random_between(&random, 1, 4);
        many_masks masks = lying_masks(&random, n, random_between(&random, 0, 9), random_between(&random, 0, 9));
        int64_t bound = pm_counts_write_bound(&masks.batch);
        uint8_t *text = GUARD_ARRAY(uint8_t, bound);
        int64_t *offsets = GUARD_ARRAY(int64_t, n + 1);
        pm_counts_write(&masks.batch, trial % 2, text, offsets);
        CHECK(offsets[n] <= bound);
        guard_free(text);
        guard_free(offsets);
        free_masks(&masks);
    }
}

int main(void) {
    RUN(test_published_examples_read_and_write);
    RUN(test_numbers_of_every_length);
    RUN(test_differences_begin_at_the_fourth_number);
    RUN(test_needless_groups_are_read);
    RUN(test_round_trip_of_every_tiny_mask);
    RUN(test_round_trip_of_random_wide_masks);
    RUN(test_wide_run_is_one_number);
    RUN(test_verbatim_keeps_zero_runs_and_canonical_drops_them);
    RUN(test_verbatim_zero_after_the_largest_run);
    RUN(test_no_counts_are_read_and_written_as_zero);
    RUN(test_batches_of_text_and_lists);
    RUN(test_empty_batches);
    RUN(test_every_byte_outside_the_alphabet_is_refused);
    RUN(test_text_that_ends_inside_a_number_is_refused);
    RUN(test_numbers_of_thirteen_characters_are_refused);
    RUN(test_negative_runs_are_refused);
    RUN(test_runs_that_do_not_cover_are_refused);
    RUN(test_wide_runs_beyond_the_image_are_refused);
    RUN(test_the_largest_numbers_are_refused);
    RUN(test_errors_name_the_mask);
    RUN(test_random_text_is_read_as_defined);
    RUN(test_damaged_text_is_refused_where_it_is_wrong);
    RUN(test_lying_counts_are_written_inside_the_bound);
    return check_report("test_counts");
}
