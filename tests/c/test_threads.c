/* test_threads.c - pm_threads: how work is cut into parts, and that each is done once, by any number of threads. */
#include "check.h"
#include "panomask.h"

#include <time.h>

enum { MOST_ITEMS = 3000 };

/* Units that ascend by 0 .. 999, some by a thousand times more. */
static void fill_units(int64_t *units, int64_t n, uint64_t seed) {
    units[0] = 17; /* like the offsets of a slice */
    for (int64_t i = 0; i < n; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int64_t step = (int64_t)(seed >> 40) % 1000;
        units[i + 1] = units[i] + ((seed >> 33) % 50 == 0 ? 1000 * step : step);
    }
}

static void check_parts(const pm_work *work, int64_t n_parts) {
    CHECK_EQUAL(pm_threads_part_begin(work, n_parts, 0), 0);
    CHECK_EQUAL(pm_threads_part_begin(work, n_parts, n_parts), work->n);
    for (int64_t part = 0; part < n_parts; part++)
        CHECK(pm_threads_part_begin(work, n_parts, part) <= pm_threads_part_begin(work, n_parts, part + 1));
}

static void test_parts_follow_one_another(void) {
    static int64_t units[MOST_ITEMS + 1];
    for (int64_t n = 0; n < 40; n++)
        for (int64_t n_parts = 1; n_parts < 20; n_parts++)
            for (uint64_t seed = 1; seed < 4; seed++) {
                fill_units(units, n, seed);
                check_parts(&(pm_work){n, units, 0, 1e5}, n_parts);
                check_parts(&(pm_work){n, units, 3, 7}, n_parts);
                check_parts(&(pm_work){n, NULL, 1e6, 0}, n_parts);
                check_parts(&(pm_work){n, NULL, 0, 0}, n_parts);
            }
}

static void test_parts_cost_about_the_same(void) {
    static int64_t units[MOST_ITEMS + 1];
    fill_units(units, MOST_ITEMS, 5);
    pm_work work = {MOST_ITEMS, units, 0, 1};
    double most = (double)(units[MOST_ITEMS] - units[0]) / 8 + 999000; /* one item more than its share */
    for (int64_t part = 0; part < 8; part++) {
        int64_t cost = units[pm_threads_part_begin(&work, 8, part + 1)] - units[pm_threads_part_begin(&work, 8, part)];
        CHECK((double)cost <= most);
    }
}

static void test_small_work_is_one_part(void) {
    CHECK_EQUAL(pm_threads_parts(&(pm_work){0, NULL, 1e9, 0}, 8), 1);
    CHECK_EQUAL(pm_threads_parts(&(pm_work){1, NULL, 1e12, 0}, 8), 1);
    CHECK_EQUAL(pm_threads_parts(&(pm_work){1000, NULL, 999, 0}, 8), 1);
}

static void test_large_work_is_parts_of_an_eighth_of_a_millisecond_to_twenty(void) {
    CHECK_EQUAL(pm_threads_parts(&(pm_work){1000, NULL, 1000, 0}, 8), 8);     /* 1 ms               */
    CHECK_EQUAL(pm_threads_parts(&(pm_work){1000, NULL, 1000, 0}, 1), 1);     /* nothing to stop    */
    CHECK_EQUAL(pm_threads_parts(&(pm_work){1000, NULL, 10000, 0}, 2), 16);   /* 10 ms              */
    CHECK_EQUAL(pm_threads_parts(&(pm_work){100000, NULL, 10000, 0}, 2), 50); /* 1 s                */
    CHECK_EQUAL(pm_threads_parts(&(pm_work){100000, NULL, 10000, 0}, 1), 50); /* for a stop         */
    CHECK_EQUAL(pm_threads_parts(&(pm_work){3, NULL, 1e9, 0}, 2), 3);         /* no more than items */
}

/* What a task did: how often each item, and how many parts. */
typedef struct tally {
    unsigned char done[MOST_ITEMS]; /* each item belongs to one part, so to one thread */
    int64_t begins[MOST_ITEMS];
    int64_t failing; /* the part that fails, or -1 */
} tally;

static tally counted;

static bool count_items(void *context, int64_t part, int64_t begin, int64_t end) {
    tally *t = context;
    t->begins[part] = begin;
    for (int64_t i = begin; i < end; i++)
        t->done[i]++;
    return part != t->failing;
}

static void test_each_item_is_done_once(void) {
    static int64_t units[MOST_ITEMS + 1];
    fill_units(units, MOST_ITEMS, 9);
    for (int n_threads = 0; n_threads <= 9; n_threads++)
        for (int64_t n_parts = 1; n_parts < 200; n_parts = n_parts * 2 + 1) {
            pm_work work = {MOST_ITEMS, units, 1, 1};
            memset(&counted, 0, sizeof counted);
            counted.failing = -1;
            CHECK_EQUAL(pm_threads_run(&work, n_parts, n_threads, count_items, &counted, NULL), PM_DONE);
            for (int64_t i = 0; i < MOST_ITEMS; i++)
                CHECK_EQUAL(counted.done[i], 1);
            for (int64_t part = 0; part < n_parts; part++)
                CHECK_EQUAL(counted.begins[part], pm_threads_part_begin(&work, n_parts, part));
        }
}

static void test_more_threads_than_there_may_be(void) {
    pm_work work = {MOST_ITEMS, NULL, 1, 0};
    memset(&counted, 0, sizeof counted);
    counted.failing = -1;
    CHECK_EQUAL(pm_threads_run(&work, MOST_ITEMS, 1 << 20, count_items, &counted, NULL), PM_DONE);
    for (int64_t i = 0; i < MOST_ITEMS; i++)
        CHECK_EQUAL(counted.done[i], 1);
}

/* So that the first error does not depend on the threads. */
static void test_all_before_a_failure_is_done(void) {
    pm_work work = {MOST_ITEMS, NULL, 1, 0};
    for (int n_threads = 1; n_threads <= 5; n_threads++)
        for (int64_t failing = 0; failing < 100; failing += 7) {
            memset(&counted, 0, sizeof counted);
            counted.failing = failing;
            CHECK_EQUAL(pm_threads_run(&work, 100, n_threads, count_items, &counted, NULL), PM_FAILED);
            for (int64_t i = 0; i < pm_threads_part_begin(&work, 100, failing + 1); i++)
                CHECK_EQUAL(counted.done[i], 1);
            if (n_threads == 1)
                CHECK_EQUAL(counted.done[pm_threads_part_begin(&work, 100, failing + 1)], 0);
        }
}

static int questions;

static bool stop_at_third(void) {
    return ++questions == 3;
}

static bool wait_a_while(void *context, int64_t part, int64_t begin, int64_t end) {
    struct timespec pause = {.tv_nsec = 5000000};
    nanosleep(&pause, NULL);
    return count_items(context, part, begin, end);
}

static void test_a_stop_comes_through(void) {
    pm_work work = {MOST_ITEMS, NULL, 1, 0};
    for (int n_threads = 1; n_threads <= 3; n_threads++) {
        memset(&counted, 0, sizeof counted);
        counted.failing = -1;
        questions = 0;
        CHECK_EQUAL(pm_threads_run(&work, MOST_ITEMS, n_threads, wait_a_while, &counted, stop_at_third), PM_STOPPED);
        CHECK_EQUAL(questions, 3);
        int64_t n_done = 0;
        for (int64_t i = 0; i < MOST_ITEMS; i++)
            n_done += counted.done[i];
        CHECK(n_done > 0 && n_done < MOST_ITEMS);
    }
}

/* Asking costs: short calls never do. */
static void test_short_work_is_not_asked(void) {
    pm_work work = {MOST_ITEMS, NULL, 1, 0};
    questions = 0;
    counted.failing = -1;
    CHECK_EQUAL(pm_threads_run(&work, 8, 2, count_items, &counted, stop_at_third), PM_DONE);
    CHECK_EQUAL(questions, 0);
}

static bool run_inside(void *context, int64_t part, int64_t begin, int64_t end) {
    (void)context;
    (void)begin;
    (void)end;
    pm_work work = {200, NULL, 1, 0};
    tally inside = {.failing = -1};
    bool good = pm_threads_run(&work, 20, 3, count_items, &inside, NULL) == PM_DONE;
    for (int64_t i = 0; i < 200; i++)
        good = good && inside.done[i] == 1;
    return good && part >= 0;
}

static void test_calls_may_nest(void) {
    pm_work work = {50, NULL, 1, 0};
    CHECK_EQUAL(pm_threads_run(&work, 50, 4, run_inside, NULL, NULL), PM_DONE);
}

int main(void) {
    RUN(test_parts_follow_one_another);
    RUN(test_parts_cost_about_the_same);
    RUN(test_small_work_is_one_part);
    RUN(test_large_work_is_parts_of_an_eighth_of_a_millisecond_to_twenty);
    RUN(test_each_item_is_done_once);
    RUN(test_more_threads_than_there_may_be);
    RUN(test_all_before_a_failure_is_done);
    RUN(test_a_stop_comes_through);
    RUN(test_short_work_is_not_asked);
    RUN(test_calls_may_nest);
    return check_report("test_threads");
}
