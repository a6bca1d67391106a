/* fuzz_match.c - segments of a small image match by the rules, whatever maps and lists say. */
#include "match_cases.h"
#include "reader.h"

static uint8_t next_byte(void *from) {
    return read_byte(from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    reader from = {data, data + size};
    match_case each;
    match_case_draw(next_byte, &from, &each);
    void *scratch =
        guard_new(pm_match_scratch(each.pairs.n, each.gt.n, each.pred.n, MATCH_CATEGORIES), sizeof(int64_t));
    pm_match_outcome outcome =
        pm_match_listed(&each.pairs, &each.listed_gt, &each.listed_pred, each.has_edges ? &each.edges : NULL,
                        MATCH_CATEGORIES, &each.found, scratch);
    REQUIRE(match_case_agrees(&each, outcome));
    guard_free(scratch);
    match_case_free(&each);
    return 0;
}
