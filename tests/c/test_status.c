/* test_status.c - pm_status_describe: every status is a whole sentence. */
#include "cases.h"

#include <limits.h>

/* The sentence in guarded memory, which must be as long as it was said to be. */
static void check_sentence(pm_status status, const pm_where *where, const char *expected) {
    char text[512];
    int length = pm_status_describe(status, where, "masks", "others", text, sizeof text);
    CHECK_STRING(text, expected);
    CHECK_EQUAL(length, strlen(expected));
}

/* Each status with what fails it: none may be left out, up to the sentinel. */
static void test_every_status_has_its_sentence(void) {
    static const pm_where where = {.mask = 3,
                                   .other = 5,
                                   .at = 7,
                                   .found = 812,
                                   .expected = 307200,
                                   .height = 480,
                                   .width = 640,
                                   .other_height = 640,
                                   .other_width = 480,
                                   .value = 1e300};
    static const char *const expected[] = {
        "masks[3]: no error",
        "masks[3]: the output is full; try one of 307200 elements",
        "masks[3]: size 480 x 640 is negative",
        "masks[3]: size 480 x 640 is too large; an image has at most 1099511627776 pixels",
        "masks[3]: size is 480 x 640, but others[5] is 640 x 480",
        "masks[3]: run 7 is 812 pixels long",
        "masks[3]: runs cover 812 pixels, expected 307200 (480 x 640)",
        "masks[3]: offsets go from 7 to 812, outside the 307200 elements there are",
        "masks[3]: counts has byte 812 at position 7; COCO text has only bytes 48 to 111",
        "masks[3]: counts ends inside a number that begins at position 7 of its 812 characters",
        "masks[3]: counts has a number of more than 307200 characters at position 7",
        "masks[3]: coordinate 7 is inf",
        "masks[3]: coordinate 7 is 1e+300, beyond the largest, 35184372088832",
    };
    CHECK_EQUAL(sizeof expected / sizeof *expected, PM_STATUS_END);
    for (int status = 0; status < PM_STATUS_END; status++)
        check_sentence((pm_status)status, &where, expected[status]);
}

static void test_statuses_keep_their_numbers(void) {
    static const pm_status statuses[] = {PM_OK,           PM_FULL,          PM_SIZE_NEGATIVE,    PM_SIZE_TOO_LARGE,
                                         PM_SIZE_MISMATCH, PM_RUN_NEGATIVE, PM_RUNS_COVERAGE,    PM_OFFSETS_ORDER,
                                         PM_TEXT_BYTE,    PM_TEXT_TRUNCATED, PM_TEXT_OVERLONG,   PM_POINT_NOT_FINITE,
                                         PM_POINT_TOO_LARGE};
    for (int i = 0; i < (int)(sizeof statuses / sizeof *statuses); i++)
        CHECK_EQUAL(statuses[i], i);
}

static void test_points_that_are_not_finite_are_named(void) {
    static const double values[] = {NAN, INFINITY, -INFINITY};
    static const char *const expected[] = {"masks[0]: coordinate 2 is nan", "masks[0]: coordinate 2 is inf",
                                           "masks[0]: coordinate 2 is -inf"};
    for (int i = 0; i < 3; i++) {
        const pm_where where = {.at = 2, .value = values[i]};
        check_sentence(PM_POINT_NOT_FINITE, &where, expected[i]);
    }
}

/* All its digits, so that it differs from the limit. */
static void test_points_beyond_the_limit_are_written_whole(void) {
    const pm_where where = {.at = 2, .value = -35184372088833.};
    check_sentence(PM_POINT_TOO_LARGE, &where,
                   "masks[0]: coordinate 2 is -35184372088833, beyond the largest, 35184372088832");
}

static void test_an_only_mask_has_no_index(void) {
    const pm_where where = {.mask = -1, .other = -1, .height = 1, .width = 2, .other_height = 3, .other_width = 4};
    check_sentence(PM_SIZE_MISMATCH, &where, "masks: size is 1 x 2, but others is 3 x 4");
}

static void test_unknown_statuses_have_a_sentence(void) {
    const pm_where where = {.mask = 0};
    char expected[64];
    static const int unknown[] = {PM_STATUS_END, 99, INT_MAX};
    for (int i = 0; i < 3; i++) {
        snprintf(expected, sizeof expected, "masks[0]: unknown status %d", unknown[i]);
        check_sentence((pm_status)unknown[i], &where, expected);
    }
}

static void test_extreme_numbers_are_written_whole(void) {
    const pm_where where = {
        .mask = INT64_MAX, .found = INT64_MIN, .expected = INT64_MAX, .height = INT64_MIN, .width = INT64_MIN};
    check_sentence(PM_RUNS_COVERAGE, &where,
                   "masks[9223372036854775807]: runs cover -9223372036854775808 pixels, expected 9223372036854775807 "
                   "(-9223372036854775808 x -9223372036854775808)");
}

/* Like snprintf: any capacity, zero and no memory included. */
static void test_no_capacity_is_exceeded(void) {
    const pm_where where = {.mask = 3, .found = 812, .expected = 307200, .height = 480, .width = 640};
    const char *whole = "masks[3]: runs cover 812 pixels, expected 307200 (480 x 640)";
    size_t length = strlen(whole);
    CHECK_EQUAL(pm_status_describe(PM_RUNS_COVERAGE, &where, "masks", "", NULL, 0), length);
    for (size_t capacity = 1; capacity < length + 3; capacity++) {
        char *text = guard_new(capacity, 1);
        memset(text, 'x', capacity);
        CHECK_EQUAL(pm_status_describe(PM_RUNS_COVERAGE, &where, "masks", "", text, capacity), length);
        size_t written = capacity <= length ? capacity - 1 : length;
        CHECK(memcmp(text, whole, written) == 0);
        CHECK_EQUAL(text[written], 0);
        guard_free(text);
    }
}

static void test_long_names_are_cut(void) {
    char name[1000];
    char text[4000];
    const pm_where where = {.mask = 3, .other = 4};
    memset(name, 'm', sizeof name - 1);
    name[sizeof name - 1] = 0;
    int length = pm_status_describe(PM_SIZE_MISMATCH, &where, name, name, text, sizeof text);
    CHECK_EQUAL(length, strlen(text));
    CHECK(length < 400);
}

int main(void) {
    RUN(test_every_status_has_its_sentence);
    RUN(test_statuses_keep_their_numbers);
    RUN(test_points_that_are_not_finite_are_named);
    RUN(test_points_beyond_the_limit_are_written_whole);
    RUN(test_an_only_mask_has_no_index);
    RUN(test_unknown_statuses_have_a_sentence);
    RUN(test_extreme_numbers_are_written_whole);
    RUN(test_no_capacity_is_exceeded);
    RUN(test_long_names_are_cut);
    return check_report("test_status");
}
