/* pm_runs.c - the run list: what a valid one is, and what can be read off it. */
#include "pm_runs.h"

#include "pm_kernels.h"

pm_status pm_runs_check_sizes(const int64_t *sizes, int64_t n, pm_where *where) {
    for (int64_t i = 0; i < n; i++) {
        int64_t height = sizes[2 * i];
        int64_t width = sizes[2 * i + 1];
        where->mask = i;
        where->height = height;
        where->width = width;
        if (height < 0 || width < 0)
            return PM_SIZE_NEGATIVE;
        if (height > PM_MAX_PIXELS || width > PM_MAX_PIXELS || (width > 0 && height > PM_MAX_PIXELS / width))
            return PM_SIZE_TOO_LARGE;
    }
    return PM_OK;
}

pm_status pm_runs_check(const pm_batch *masks, int64_t length, pm_where *where) {
    pm_status status = pm_runs_check_sizes(masks->sizes, masks->n, where);
    if (status != PM_OK)
        return status;
    /* All offsets before any run: a later offset must not be trusted to bound an earlier list. */
    for (int64_t i = 0; i < masks->n; i++) {
        int64_t begin = masks->offsets[i];
        int64_t end = masks->offsets[i + 1];
        if (begin < 0 || end < begin || end > length) {
            *where = (pm_where){.mask = i, .at = begin, .found = end, .expected = length};
            return PM_OFFSETS_ORDER;
        }
    }
    for (int64_t i = 0; i < masks->n; i++) {
        pm_list list = pm_runs_list(masks, i);
        uint64_t covered = 0; /* below 2^32 runs of below 2^32 pixels: fits */
        for (int64_t j = 0; j < list.length; j++)
            covered += list.runs[j];
        if (covered != (uint64_t)pm_runs_pixels(masks, i)) {
            *where = (pm_where){.mask = i,
                                .found = (int64_t)covered,
                                .expected = pm_runs_pixels(masks, i),
                                .height = masks->sizes[2 * i],
                                .width = masks->sizes[2 * i + 1]};
            return PM_RUNS_COVERAGE;
        }
    }
    return PM_OK;
}

bool pm_runs_same_size(const pm_batch *a, int64_t i, const pm_batch *b, int64_t j, pm_where *where) {
    const int64_t *size_a = a->sizes + 2 * i;
    const int64_t *size_b = b->sizes + 2 * j;
    if (size_a[0] == size_b[0] && size_a[1] == size_b[1])
        return true;
    *where = (pm_where){.mask = i,
                        .other = j,
                        .height = size_a[0],
                        .width = size_a[1],
                        .other_height = size_b[0],
                        .other_width = size_b[1]};
    return false;
}

void pm_runs_area(const pm_batch *masks, uint64_t *areas) {
    const pm_kernels *kernels = pm_cpu_kernels();
    for (int64_t i = 0; i < masks->n; i++) {
        pm_list list = pm_runs_list(masks, i);
        areas[i] = kernels->area(list.runs, list.length / 2);
    }
}

pm_box pm_runs_box(pm_list list, const pm_grid *grid) {
    return pm_cpu_kernels()->box(list.runs, grid->pixels > 0 ? list.length / 2 : 0, grid);
}

void pm_runs_bbox(const pm_batch *masks, double *boxes) {
    for (int64_t i = 0; i < masks->n; i++) {
        pm_grid grid = pm_grid_of(masks->sizes[2 * i], masks->sizes[2 * i + 1]);
        pm_box box = pm_runs_box(pm_runs_list(masks, i), &grid);
        bool empty = box.right == 0;
        boxes[4 * i + 0] = empty ? 0 : (double)box.left;
        boxes[4 * i + 1] = empty ? 0 : (double)box.top;
        boxes[4 * i + 2] = empty ? 0 : (double)(box.right - box.left);
        boxes[4 * i + 3] = empty ? 0 : (double)(box.bottom - box.top);
    }
}

int64_t pm_runs_joined(pm_list rest, bool verbatim, uint64_t *length) {
    int64_t joined = 0;
    while (joined < rest.length && rest.runs[joined] == 0) {
        if (verbatim && rest.runs[joined - 1] != UINT32_MAX)
            break;
        if (joined + 1 == rest.length) /* a zero-length run at the end adds nothing */
            return verbatim ? joined : joined + 1;
        *length += rest.runs[joined + 1];
        joined += 2;
    }
    return joined;
}

static bool equal_lists(pm_list a, pm_list b) {
    if (a.length == b.length && (a.length == 0 || memcmp(a.runs, b.runs, (size_t)a.length * sizeof *a.runs) == 0))
        return true;
    while (a.length > 0 && b.length > 0)
        if (pm_runs_take(&a, false) != pm_runs_take(&b, false))
            return false;
    return a.length == 0 && b.length == 0;
}

void pm_runs_equal(const pm_batch *a, const pm_batch *b, bool *equal) {
    pm_where where;
    PM_ASSERT(a->n == b->n);
    for (int64_t i = 0; i < a->n; i++)
        equal[i] = pm_runs_same_size(a, i, b, i, &where) &&
                   (pm_runs_pixels(a, i) == 0 || equal_lists(pm_runs_list(a, i), pm_runs_list(b, i)));
}

int64_t pm_runs_select_bound(const pm_batch *masks, const int64_t *index, int64_t k) {
    int64_t bound = 0;
    for (int64_t i = 0; i < k; i++)
        bound += masks->offsets[index[i] + 1] - masks->offsets[index[i]];
    return bound;
}

void pm_runs_select(const pm_batch *masks, const int64_t *index, int64_t k, uint32_t *counts, int64_t *offsets,
                    int64_t *sizes) {
    offsets[0] = 0;
    for (int64_t i = 0; i < k; i++) {
        pm_list list = pm_runs_list(masks, index[i]);
        if (list.length > 0)
            memcpy(counts + offsets[i], list.runs, (size_t)list.length * sizeof *counts);
        offsets[i + 1] = offsets[i] + list.length;
        sizes[2 * i] = masks->sizes[2 * index[i]];
        sizes[2 * i + 1] = masks->sizes[2 * index[i] + 1];
    }
}

void pm_runs_to_values(const pm_batch *masks, int64_t *values, int64_t *value_offsets) {
    int64_t *value = values;
    value_offsets[0] = 0;
    for (int64_t i = 0; i < masks->n; i++) {
        pm_list list = pm_runs_list(masks, i);
        if (list.length == 0)
            *value++ = 0;
        while (list.length > 0)
            *value++ = (int64_t)pm_runs_take(&list, false);
        value_offsets[i + 1] = value - values;
    }
}
