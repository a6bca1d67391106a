/* test_match.c - pm_match_*: which listed segments match. */
#include "cases.h"
#include "match_cases.h"

static uint8_t random_byte(void *random) {
    return (uint8_t)(random_bits(random) >> 32);
}

static void test_segments_match_by_the_rules(void) {
    random_state random = {1};
    int64_t outcomes[4] = {0};
    for (int k = 0; k < 50000; k++) {
        match_case each;
        match_case_draw(random_byte, &random, &each);
        void *scratch =
            guard_new(pm_match_scratch(each.pairs.n, each.gt.n, each.pred.n, MATCH_CATEGORIES), sizeof(int64_t));
        pm_match_outcome outcome =
            pm_match_listed(&each.pairs, &each.listed_gt, &each.listed_pred, each.has_edges ? &each.edges : NULL,
                            MATCH_CATEGORIES, &each.found, scratch);
        CHECK(match_case_agrees(&each, outcome));
        guard_free(scratch);
        match_case_free(&each);
        outcomes[outcome]++;
    }
    for (int k = 0; k < 4; k++)
        CHECK(outcomes[k] > 50);
}

/* More rows than the gaps of the sort have steps, in falling order. */
static void test_many_segments_are_found(void) {
    enum { N = 1000 };
    int64_t *numbers[5];
    for (int k = 0; k < 5; k++)
        numbers[k] = GUARD_ARRAY(int64_t, N);
    for (int64_t i = 0; i < N; i++) {
        numbers[0][i] = i + 1;         /* ids of the pairs, ascending */
        numbers[1][i] = N - i;         /* and of the lists */
        numbers[2][i] = 3;             /* pixels, areas */
        numbers[3][i] = (N - i) % 7;   /* categories */
        numbers[4][i] = 0;
    }
    pm_pairs pairs = {N, numbers[0], numbers[0], numbers[2]};
    pm_listed listed = {N, numbers[1], numbers[3], numbers[2], numbers[4]};
    pm_matches found = {.matches = GUARD_ARRAY(pm_match, N), .counts = GUARD_ARRAY(pm_match_count, 7)};
    void *scratch = guard_new(pm_match_scratch(N, N, N, 7), sizeof(int64_t));
    CHECK_EQUAL(pm_match_listed(&pairs, &listed, &listed, NULL, 7, &found, scratch), PM_MATCH_OK);
    CHECK_EQUAL(found.n_matches, N);
    CHECK_EQUAL(found.n_counts, 7);
    for (int64_t i = 0; i < N; i++)
        CHECK_EQUAL(found.matches[i].category, (i + 1) % 7);
    for (int64_t c = 0; c < 7; c++)
        CHECK_EQUAL(found.counts[c].tp, N / 7 + (c > 0 && c <= N % 7));
    for (int k = 0; k < 5; k++)
        guard_free(numbers[k]);
    guard_free(found.matches);
    guard_free(found.counts);
    guard_free(scratch);
}

int main(void) {
    RUN(test_segments_match_by_the_rules);
    RUN(test_many_segments_are_found);
    return check_report("test_match");
}
