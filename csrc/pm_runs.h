/* pm_runs.h - how the other files read and write run lists. */
#ifndef PM_RUNS_H
#define PM_RUNS_H

#include "panomask.h"
#include "pm_base.h"
#include "pm_grid.h"

/* Pixels of mask i's image; its size was checked. */
static inline int64_t pm_runs_pixels(const pm_batch *masks, int64_t i) {
    return masks->sizes[2 * i] * masks->sizes[2 * i + 1];
}

/* The run list of one mask. */
typedef struct pm_list {
    const uint32_t *runs;
    int64_t length;
} pm_list;

static inline pm_list pm_runs_list(const pm_batch *masks, int64_t i) {
    int64_t begin = masks->offsets[i];
    int64_t length = masks->offsets[i + 1] - begin;
    return (pm_list){length > 0 ? masks->counts + begin : masks->counts, length}; /* counts may be NULL for no runs */
}

/* Masks begin .. end - 1 as a batch, on the same memory. */
static inline pm_batch pm_runs_part(const pm_batch *masks, int64_t begin, int64_t end) {
    const int64_t *sizes = masks->sizes ? masks->sizes + 2 * begin : NULL; /* scratch sizes are asked without */
    return (pm_batch){masks->counts, masks->offsets + begin, sizes, end - begin};
}

/* Elements that the wide runs of one mask take beyond one each: every two use up UINT32_MAX pixels. */
static inline int64_t pm_runs_wide_bound(int64_t pixels) {
    return 2 * (pixels / UINT32_MAX);
}

/* Append one run, in parts where it is wide. */
static inline uint32_t *pm_runs_put(uint32_t *out, uint64_t run) {
    while (PM_UNLIKELY(run > UINT32_MAX)) {
        *out++ = UINT32_MAX;
        *out++ = 0;
        run -= UINT32_MAX;
    }
    *out++ = (uint32_t)run;
    return out;
}

/* How many elements pm_runs_take joins to the run it has just taken, whose successor is of zero length; adds what they
 * cover. The list goes by value: a caller can keep it in registers. */
int64_t pm_runs_joined(pm_list rest, bool verbatim, uint64_t *length);

/* Take the next run off a list as a canonical reader sees it: what zero-length runs separate is one run. With
 * `verbatim`, only the parts of a wide run are. The list is not empty. */
static inline uint64_t pm_runs_take(pm_list *list, bool verbatim) {
    uint32_t run = *list->runs++;
    list->length--;
    if (PM_UNLIKELY(list->length > 0 && *list->runs == 0)) {
        uint64_t length = run;
        int64_t joined = pm_runs_joined(*list, verbatim, &length);
        list->runs += joined;
        list->length -= joined;
        return length;
    }
    return run;
}

pm_box pm_runs_box(pm_list list, const pm_grid *grid);

/* Whether masks i of a and j of b have one size; fills `where` if not. */
bool pm_runs_same_size(const pm_batch *a, int64_t i, const pm_batch *b, int64_t j, pm_where *where);

/* For the functions that work mask by mask, a batch of one going with every mask of the other: how many results there
 * are, and the index of an operand's mask for result i. */
static inline int64_t pm_runs_paired(const pm_batch *a, const pm_batch *b) {
    PM_ASSERT(a->n == b->n || a->n == 1 || b->n == 1);
    return a->n == 1 ? b->n : a->n;
}

static inline int64_t pm_runs_partner(const pm_batch *masks, int64_t i) {
    return masks->n == 1 ? 0 : i;
}

#endif
