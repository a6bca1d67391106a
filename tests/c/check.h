/* check.h - a test harness in one header: counts checks, and of those that fail shows the smallest case.
 *
 * A test is a function without arguments. What a loop is looking at is told with check_case: its size and how to print
 * it. Nothing is printed until the test is over, so an exhaustive loop that fails a thousand times says one thing.
 *
 *     static void test_area_of_empty_mask_is_zero(void) {
 *         check_case(n_pixels, print_mask, &mask);
 *         CHECK_EQUAL(area, 0);
 *     }
 *     int main(void) {
 *         RUN(test_area_of_empty_mask_is_zero);
 *         return check_report(__FILE__);
 *     }
 */
#ifndef CHECK_H
#define CHECK_H

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*check_printer)(FILE *file, const void *context);

typedef struct check_state {
    int64_t tests;
    int64_t checks;
    int64_t failed_tests;
    /* of the running test */
    int64_t failures;
    int64_t smallest; /* size of the case that `text` describes */
    char text[4096];
    /* of the running case */
    int64_t size;
    check_printer print;
    const void *context;
} check_state;

static check_state check_now;

/* From here on checks are about this case. `context` must live until the next call or the end of the test. */
static inline void check_case(int64_t size, check_printer print, const void *context) {
    check_now.size = size;
    check_now.print = print;
    check_now.context = context;
}

/* A failure: keep its text if no smaller case failed before. */
static inline void check_failed(const char *file, int line, const char *format, ...) {
    if (check_now.failures++ > 0 && check_now.size >= check_now.smallest)
        return;
    check_now.smallest = check_now.size;
    FILE *text = tmpfile();
    if (!text) {
        perror("tmpfile");
        abort();
    }
    fprintf(text, "    %s:%d: ", file, line);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(text, format, arguments);
    va_end(arguments);
    if (check_now.print) {
        fprintf(text, "\n    case: ");
        check_now.print(text, check_now.context);
    }
    rewind(text);
    size_t n = fread(check_now.text, 1, sizeof check_now.text - 1, text);
    check_now.text[n] = 0;
    fclose(text);
}

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        check_now.checks++;                                                                                            \
        if (!(condition))                                                                                              \
            check_failed(__FILE__, __LINE__, "%s", #condition);                                                        \
    } while (0)

/* Two integers of any type up to 64 bits. */
#define CHECK_EQUAL(found, expected)                                                                                   \
    do {                                                                                                               \
        int64_t found_ = (int64_t)(found);                                                                             \
        int64_t expected_ = (int64_t)(expected);                                                                       \
        check_now.checks++;                                                                                            \
        if (found_ != expected_)                                                                                       \
            check_failed(__FILE__, __LINE__, "%s is %" PRId64 ", expected %" PRId64, #found, found_, expected_);       \
    } while (0)

/* Two doubles, bit for bit except for the sign of zero. */
#define CHECK_DOUBLE(found, expected)                                                                                  \
    do {                                                                                                               \
        double found_ = (found);                                                                                       \
        double expected_ = (expected);                                                                                 \
        check_now.checks++;                                                                                            \
        if (!(found_ <= expected_ && found_ >= expected_))                                                             \
            check_failed(__FILE__, __LINE__, "%s is %.17g, expected %.17g", #found, found_, expected_);                \
    } while (0)

#define CHECK_STRING(found, expected)                                                                                  \
    do {                                                                                                               \
        const char *found_ = (found);                                                                                  \
        const char *expected_ = (expected);                                                                            \
        check_now.checks++;                                                                                            \
        if (strcmp(found_, expected_) != 0)                                                                            \
            check_failed(__FILE__, __LINE__, "found    \"%s\"\n    expected \"%s\"", found_, expected_);               \
    } while (0)

/* Two arrays of uint32_t, run lists above all. */
static inline void check_runs(const uint32_t *found, int64_t n_found, const uint32_t *expected, int64_t n_expected,
                              const char *file, int line) {
    check_now.checks++;
    bool equal = n_found == n_expected;
    for (int64_t i = 0; equal && i < n_found; i++)
        equal = found[i] == expected[i];
    if (equal)
        return;
    char text[2][512] = {"", ""};
    for (int side = 0; side < 2; side++) {
        const uint32_t *runs = side ? expected : found;
        size_t at = 0;
        for (int64_t i = 0; i < (side ? n_expected : n_found) && at < sizeof text[0] - 16; i++)
            at += (size_t)snprintf(text[side] + at, sizeof text[0] - at, "%s%" PRIu32, i ? "," : "", runs[i]);
    }
    check_failed(file, line, "found    [%s]\n    expected [%s]", text[0], text[1]);
}

#define CHECK_RUNS(found, n_found, expected, n_expected)                                                               \
    check_runs(found, n_found, expected, n_expected, __FILE__, __LINE__)

static inline void check_run_test(const char *name, void (*test)(void)) {
    check_case(0, NULL, NULL);
    check_now.failures = 0;
    check_now.tests++;
    test();
    if (check_now.failures == 0)
        return;
    check_now.failed_tests++;
    printf("FAILED %s: %" PRId64 " checks failed, the smallest:\n%s\n", name, check_now.failures, check_now.text);
    fflush(stdout);
}

#define RUN(test) check_run_test(#test, test)

/* The last line of a test program, and its exit status. */
static inline int check_report(const char *file) {
    printf("%s: %" PRId64 " tests, %" PRId64 " checks, %" PRId64 " failed\n", file, check_now.tests, check_now.checks,
           check_now.failed_tests);
    return check_now.failed_tests > 0;
}

#endif
