/* pm_algebra.c - union, intersection, difference, xor of masks; pairwise and over groups.
 *
 * A mask is the ascending positions at which its value toggles. A zero-length run is two toggles in one place, which
 * cancel, so no spelling of a mask needs special care. Two masks are merged by their toggles; a group is merged in
 * pairs, the results in pairs again, so that each run is read log2(masks) times and not once a mask.
 */
#include "pm_runs.h"

/* The next place where a mask toggles; UINT64_MAX past the last. */
typedef struct toggles {
    const uint32_t *next;
    const uint32_t *end;
    uint64_t position;
    unsigned value; /* left of the next toggle */
} toggles;

static inline void step(toggles *mask) {
    mask->position = mask->next < mask->end ? mask->position + *mask->next++ : UINT64_MAX;
}

static toggles begin_toggles(pm_list list) {
    toggles mask = {.next = list.runs, .end = list.runs + list.length};
    step(&mask);
    return mask;
}

/* Pass all toggles that lie at `position`. */
static inline void pass(toggles *mask, uint64_t position) {
    while (mask->position == position) {
        mask->value ^= 1;
        step(mask);
    }
}

/* Write the result of one operation; returns past its end. Needs room for a.length + b.length + 1 runs and the wide
 * ones. A list that does not cover its image counts as unchanging from its end on. */
static uint32_t *merge_lists(pm_operation operation, pm_list list_a, pm_list list_b, uint64_t pixels, uint32_t *out) {
    toggles a = begin_toggles(list_a);
    toggles b = begin_toggles(list_b);
    uint64_t run_start = 0;
    unsigned value = 0;
    for (;;) {
        uint64_t position = a.position < b.position ? a.position : b.position;
        if (position >= pixels)
            return pm_runs_put(out, pixels - run_start);
        pass(&a, position);
        pass(&b, position);
        unsigned now = (unsigned)operation >> (a.value + 2 * b.value) & 1;
        if (now != value) {
            out = pm_runs_put(out, position - run_start);
            run_start = position;
            value = now;
        }
    }
}

/* Runs a merge may need beyond those of its operands. */
static int64_t merge_slack(int64_t pixels) {
    return 1 + pm_runs_wide_bound(pixels);
}

/* ---- pairwise --------------------------------------------------------------------------------------------------- */

int64_t pm_algebra_pairwise_bound(const pm_batch *a, const pm_batch *b) {
    const pm_batch *longer = a->n == 1 ? b : a;
    int64_t n = pm_runs_paired(a, b);
    int64_t bound = 0;
    for (int64_t i = 0; i < n; i++)
        bound += pm_runs_list(a, pm_runs_partner(a, i)).length + pm_runs_list(b, pm_runs_partner(b, i)).length +
                 merge_slack(pm_runs_pixels(longer, i));
    return bound;
}

pm_status pm_algebra_pairwise(pm_operation operation, const pm_batch *a, const pm_batch *b, uint32_t *counts,
                              int64_t *offsets, pm_where *where) {
    uint32_t *out = counts;
    int64_t n = pm_runs_paired(a, b);
    offsets[0] = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t i_a = pm_runs_partner(a, i);
        int64_t i_b = pm_runs_partner(b, i);
        if (!pm_runs_same_size(a, i_a, b, i_b, where))
            return PM_SIZE_MISMATCH;
        out = merge_lists(operation, pm_runs_list(a, i_a), pm_runs_list(b, i_b), (uint64_t)pm_runs_pixels(a, i_a), out);
        offsets[i + 1] = out - counts;
    }
    return PM_OK;
}

/* ---- complement ------------------------------------------------------------------------------------------------- */

int64_t pm_algebra_complement_bound(const pm_batch *masks) {
    int64_t bound = 0;
    for (int64_t i = 0; i < masks->n; i++)
        bound += pm_runs_list(masks, i).length + merge_slack(pm_runs_pixels(masks, i));
    return bound;
}

void pm_algebra_complement(const pm_batch *masks, uint32_t *counts, int64_t *offsets) {
    uint32_t *out = counts;
    offsets[0] = 0;
    for (int64_t i = 0; i < masks->n; i++) {
        pm_list list = pm_runs_list(masks, i);
        /* The first run, of background, becomes foreground behind a run of none; one of none falls away. */
        uint64_t first = list.length > 0 ? pm_runs_take(&list, false) : 0;
        if (first > 0 || list.length == 0)
            *out++ = 0;
        if (first > 0)
            out = pm_runs_put(out, first);
        while (list.length > 0)
            out = pm_runs_put(out, pm_runs_take(&list, false));
        offsets[i + 1] = out - counts;
    }
}

/* ---- groups ----------------------------------------------------------------------------------------------------- */

/* Elements for a group's runs at any stage of its merging: they only get fewer, but for each merge's slack. */
static int64_t group_bound(const pm_batch *masks, int64_t begin, int64_t end) {
    if (begin == end)
        return 0;
    int64_t runs = masks->offsets[end] - masks->offsets[begin];
    return runs + (end - begin) * merge_slack(pm_runs_pixels(masks, begin));
}

int64_t pm_algebra_reduce_bound(const pm_batch *masks, const int64_t *groups, int64_t n_groups) {
    int64_t bound = 0;
    for (int64_t g = 0; g < n_groups; g++)
        bound += group_bound(masks, groups[g], groups[g + 1]);
    return bound;
}

/* Scratch of the largest group: its lists, then two buffers of runs that take turns. */
typedef struct reduce_scratch {
    pm_list *lists;
    uint32_t *buffers[2];
} reduce_scratch;

static void measure_groups(const pm_batch *masks, const int64_t *groups, int64_t n_groups, int64_t *most_masks,
                           int64_t *most_runs) {
    *most_masks = 0;
    *most_runs = 0;
    for (int64_t g = 0; g < n_groups; g++) {
        *most_masks = pm_max(*most_masks, groups[g + 1] - groups[g]);
        *most_runs = pm_max(*most_runs, group_bound(masks, groups[g], groups[g + 1]));
    }
}

size_t pm_algebra_reduce_scratch(const pm_batch *masks, const int64_t *groups, int64_t n_groups) {
    int64_t most_masks;
    int64_t most_runs;
    measure_groups(masks, groups, n_groups, &most_masks, &most_runs);
    return (size_t)most_masks * sizeof(pm_list) + 2 * (size_t)most_runs * sizeof(uint32_t);
}

/* Whether a canonical list has no foreground. */
static bool is_empty(pm_list list, uint64_t pixels) {
    return pm_runs_take(&list, false) == pixels;
}

/* Merge n > 0 lists; the result replaces the first. An intersection is over once any part of it is empty. */
static void merge_group(pm_operation operation, int64_t n, uint64_t pixels, const reduce_scratch *scratch) {
    pm_list *lists = scratch->lists;
    for (int turn = 0; n > 1; turn ^= 1) {
        uint32_t *out = scratch->buffers[turn];
        for (int64_t i = 0; i + 1 < n; i += 2) {
            uint32_t *end = merge_lists(operation, lists[i], lists[i + 1], pixels, out);
            lists[i / 2] = (pm_list){out, end - out};
            if (operation == PM_INTERSECTION && is_empty(lists[i / 2], pixels)) {
                lists[0] = lists[i / 2];
                return;
            }
            out = end;
        }
        if (n % 2) { /* the odd one out moves along, so that its memory may be written next turn */
            pm_list last = lists[n - 1];
            if (last.length > 0)
                memcpy(out, last.runs, (size_t)last.length * sizeof *out);
            lists[n / 2] = (pm_list){out, last.length};
        }
        n = (n + 1) / 2;
    }
}

pm_status pm_algebra_reduce(pm_operation operation, const pm_batch *masks, const int64_t *groups, int64_t n_groups,
                            uint32_t *counts, int64_t *offsets, int64_t *sizes, void *scratch, pm_where *where) {
    int64_t most_masks;
    int64_t most_runs;
    measure_groups(masks, groups, n_groups, &most_masks, &most_runs);
    uint32_t *runs = (uint32_t *)((char *)scratch + (size_t)most_masks * sizeof(pm_list));
    reduce_scratch parts = {scratch, {runs, runs + most_runs}};

    uint32_t *out = counts;
    offsets[0] = 0;
    for (int64_t g = 0; g < n_groups; g++) {
        int64_t begin = groups[g];
        int64_t n = groups[g + 1] - begin;
        for (int64_t i = 0; i < n; i++) {
            if (!pm_runs_same_size(masks, begin + i, masks, begin, where))
                return PM_SIZE_MISMATCH;
            parts.lists[i] = pm_runs_list(masks, begin + i);
        }
        sizes[2 * g] = n > 0 ? masks->sizes[2 * begin] : 0;
        sizes[2 * g + 1] = n > 0 ? masks->sizes[2 * begin + 1] : 0;
        if (n > 0) {
            uint64_t pixels = (uint64_t)pm_runs_pixels(masks, begin);
            merge_group(operation, n, pixels, &parts);
            /* A mask with itself is itself, canonical; a result is so already, but must be copied anyway. */
            out = merge_lists(operation, parts.lists[0], parts.lists[0], pixels, out);
        }
        offsets[g + 1] = out - counts;
    }
    return PM_OK;
}
