/* pm_algebra.c - union, intersection, difference, xor of masks; pairwise and over groups.
 *
 * A mask is the ascending positions at which its value toggles. A zero-length run is two toggles in one place, which
 * cancel, so no spelling of a mask needs special care. Two masks are merged by their toggles.
 *
 * A group is united in one of two ways; for an intersection the background is united instead. As spans: the masks' runs
 * of foreground, by where they start and end, are merged in pairs, the results in pairs again. Masks of one image mostly
 * lie beside one another, and what one mask has to itself is copied. Or, where many masks with many runs lie in one
 * place, as bits: every run is set in one image of bits, which is then read back.
 */
#include "pm_kernels.h"

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

/* Elements for a group's result. */
static int64_t group_bound(const pm_batch *masks, int64_t begin, int64_t end) {
    if (begin == end)
        return 0;
    int64_t runs = masks->offsets[end] - masks->offsets[begin];
    return runs + merge_slack(pm_runs_pixels(masks, begin));
}

/* The part of an image, in positions, outside which a result has no foreground; empty when start >= end. */
typedef struct run_span {
    int64_t start;
    int64_t end;
} run_span;

/* From the first run and the last alone: it may be larger than need be where these have no pixels. */
static run_span list_span(pm_list list, int64_t pixels) {
    if (list.length == 0)
        return (run_span){pixels, 0};
    int64_t last = list.length % 2 ? list.runs[list.length - 1] : 0;
    return (run_span){pm_min(list.runs[0], pixels), pm_max(pixels - last, 0)};
}

static run_span group_span(pm_operation operation, const pm_batch *masks, int64_t begin, int64_t end) {
    int64_t pixels = pm_runs_pixels(masks, begin);
    run_span all = operation == PM_INTERSECTION ? (run_span){0, pixels} : (run_span){pixels, 0};
    for (int64_t i = begin; i < end; i++) {
        run_span one = list_span(pm_runs_list(masks, i), pixels);
        if (operation == PM_INTERSECTION)
            all = (run_span){pm_max(all.start, one.start), pm_min(all.end, one.end)};
        else if (one.start < one.end)
            all = (run_span){pm_min(all.start, one.start), pm_max(all.end, one.end)};
    }
    return all;
}

/* Words of bits from the one that holds the start to the one that holds the end, so that the last run ends in them. */
static int64_t span_words(run_span part) {
    return part.start < part.end ? part.end / 64 - part.start / 64 + 1 : 0;
}

/* Words up to which a group is merged as bits, where in the mean 2^halvings masks or more lie in one place. Merging spans
 * costs 1.4 ns a run, and 0.6 more for each halving; bits cost 2 ns a run, and 1 a word. Of 100 images with their
 * annotations two go by bits. */
static int64_t most_words(int64_t halvings, const pm_batch *masks, int64_t begin, int64_t end) {
    return halvings > 1 ? 3 * (halvings - 1) * (masks->offsets[end] - masks->offsets[begin]) / 4 : 0;
}

/* How often masks that cover `length` pixels altogether can be halved before they cover `covered`. */
static int64_t count_halvings(int64_t length, int64_t covered) {
    int64_t halvings = 0;
    for (; length / 2 >= covered; length /= 2)
        halvings++;
    return halvings;
}

static bool is_for_bits(pm_operation operation, const pm_batch *masks, int64_t begin, int64_t end, run_span part) {
    int64_t covered = part.end - part.start;
    int64_t length = 0;
    for (int64_t i = begin; i < end; i++) {
        run_span own = list_span(pm_runs_list(masks, i), pm_runs_pixels(masks, i));
        /* What is united for an intersection is background, which is everywhere. */
        length += operation == PM_INTERSECTION ? covered : pm_max(own.end - own.start, 0);
        length = pm_min(length, INT64_MAX / 2); /* so many masks do not matter */
    }
    return span_words(part) <= most_words(count_halvings(length, covered), masks, begin, end);
}

/* Set the background of a list in bits, the first of which is pixel `origin`; what lies outside the part is left out. */
static void set_background(const pm_kernels *kernels, uint64_t *bits, int64_t origin, pm_list list, run_span part) {
    int64_t position = 0;
    int64_t j = 0;
    while (j + 1 < list.length && position + list.runs[j] <= part.start) {
        position += (int64_t)list.runs[j] + list.runs[j + 1];
        j += 2;
    }
    if (j == list.length)
        return;
    int64_t start = pm_max(position, part.start);
    position += list.runs[j++];
    int64_t end = pm_min(position, part.end);
    if (start < end)
        pm_bits_set(bits, start - origin, end - origin);
    /* Behind it come pairs of foreground and background. */
    kernels->paint(list.runs + j, (list.length - j) / 2, position - origin, part.end - origin, bits);
}

/* Unite or intersect masks begin .. end - 1 by way of bits, which have room for the words of the part and PM_PAINT_ROOM
 * more. */
static uint32_t *merge_bits(pm_operation operation, const pm_batch *masks, int64_t begin, int64_t end, run_span part,
                            uint64_t *bits, uint32_t *out, const uint32_t *out_end) {
    int64_t pixels = pm_runs_pixels(masks, begin);
    int64_t n_words = span_words(part);
    int64_t origin = part.start / 64 * 64;
    const pm_kernels *kernels = pm_cpu_kernels();
    memset(bits, 0, (size_t)n_words * sizeof *bits);
    for (int64_t i = begin; i < end; i++) {
        pm_list list = pm_runs_list(masks, i);
        run_span own = list_span(list, pixels);
        if (operation == PM_INTERSECTION)
            set_background(kernels, bits, origin, list, part);
        else if (own.start < own.end) /* else it has no foreground, and may begin before the part */
            kernels->paint(list.runs, list.length / 2, -origin, part.end - origin, bits);
    }
    if (operation == PM_INTERSECTION) {
        for (int64_t i = 0; i < n_words; i++)
            bits[i] = ~bits[i];
        bits[0] &= ~UINT64_C(0) << (part.start % 64);
        bits[n_words - 1] &= ~(~UINT64_C(0) << (part.end % 64));
    }
    pm_bit_walker walker = pm_bits_walk(out, out_end, pixels);
    walker.position = origin;
    bool fits = kernels->walk(&walker, bits, pm_min(64 * n_words, pixels - origin));
    walker.position = pixels;
    fits = fits && pm_bits_walk_end(&walker);
    PM_ASSERT(fits);
    (void)fits;
    return walker.out;
}

/* The spans of one list, ascending; they may touch. */
typedef struct span_list {
    run_span *spans;
    int64_t n;
} span_list;

/* Write where a list has foreground, or background; returns past the end. */
static run_span *write_spans(pm_list list, bool foreground, int64_t pixels, run_span *out) {
    int64_t position = 0;
    if (!foreground && list.length > 0) {
        position = *list.runs++;
        list.length--;
        *out = (run_span){0, pm_min(position, pixels)};
        out += position > 0;
    }
    for (int64_t j = 0; j + 1 < list.length; j += 2) {
        int64_t start = position + list.runs[j];
        position = start + list.runs[j + 1];
        *out = (run_span){start, pm_min(position, pixels)};
        out += out->start < out->end;
    }
    return out;
}

static run_span *copy_spans(span_list list, run_span *out) {
    if (list.n > 0)
        memcpy(out, list.spans, (size_t)list.n * sizeof *out);
    return out + list.n;
}

/* How many spans start before a position. */
static int64_t spans_before(span_list list, int64_t position) {
    int64_t low = 0;
    int64_t high = list.n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (list.spans[middle].start < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Write the union of two lists; returns past the end. Of masks of one image one begins before the other does, and ends
 * before it: what lies outside of the other is copied. Where both are, no branch asks which comes first. */
static run_span *unite_spans(span_list a, span_list b, run_span *out) {
    if (a.n == 0 || (b.n > 0 && b.spans[0].start < a.spans[0].start)) {
        span_list first = b;
        b = a;
        a = first;
    }
    if (b.n == 0)
        return copy_spans(a, out);
    int64_t ahead = pm_max(spans_before(a, b.spans[0].start), 1);
    out = copy_spans((span_list){a.spans, ahead}, out) - 1;
    const run_span *next_a = a.spans + ahead;
    const run_span *next_b = b.spans;
    const run_span *end_a = a.spans + a.n;
    const run_span *end_b = b.spans + b.n;
    run_span last = *out;
    while (next_a < end_a && next_b < end_b) {
        bool is_a = next_a->start <= next_b->start;
        run_span next = is_a ? *next_a : *next_b;
        next_a += is_a;
        next_b += !is_a;
        bool is_apart = next.start > last.end;
        *out = last;
        out += is_apart;
        last.start = is_apart ? next.start : last.start;
        last.end = is_apart ? next.end : pm_max(last.end, next.end);
    }
    span_list rest = {(run_span *)(next_a < end_a ? next_a : next_b), (end_a - next_a) + (end_b - next_b)};
    for (; rest.n > 0 && rest.spans->start <= last.end; rest.spans++, rest.n--)
        last.end = pm_max(last.end, rest.spans->end);
    *out++ = last;
    return copy_spans(rest, out);
}

/* Write spans as runs, of foreground or of background. */
static uint32_t *put_spans(span_list list, bool foreground, int64_t pixels, uint32_t *out) {
    int64_t position = 0;
    if (!foreground && (list.n == 0 || list.spans[0].start > 0))
        *out++ = 0;
    for (int64_t i = 0; i < list.n; i++) {
        run_span span = list.spans[i];
        while (PM_UNLIKELY(i + 1 < list.n && list.spans[i + 1].start == span.end))
            span.end = list.spans[++i].end;
        if (foreground || span.start > 0)
            out = pm_runs_put(out, (uint64_t)(span.start - position));
        out = pm_runs_put(out, (uint64_t)(span.end - span.start));
        position = span.end;
    }
    return position < pixels ? pm_runs_put(out, (uint64_t)(pixels - position)) : out;
}

/* Spans of a group in every stage of its merging. */
static int64_t most_spans(const pm_batch *masks, int64_t begin, int64_t end) {
    return (masks->offsets[end] - masks->offsets[begin] + end - begin) / 2;
}

static size_t spans_size(const pm_batch *masks, int64_t begin, int64_t end) {
    return (size_t)(end - begin) * sizeof(span_list) + 2 * (size_t)most_spans(masks, begin, end) * sizeof(run_span);
}

/* Lists in the order in which they start, so that neighbours share little; among SORTED_LISTS, as it is only for time. */
enum { SORTED_LISTS = 64 };
static void sort_lists(span_list *lists, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        span_list list = lists[i];
        int64_t j = i;
        for (; j % SORTED_LISTS > 0 && list.n > 0 && lists[j - 1].n > 0; j--) {
            if (lists[j - 1].spans[0].start <= list.spans[0].start)
                break;
            lists[j] = lists[j - 1];
        }
        lists[j] = list;
    }
}

/* Unite or intersect masks begin .. end - 1 in pairs: the foreground, or else the background, is united. */
static uint32_t *merge_spans(pm_operation operation, const pm_batch *masks, int64_t begin, int64_t end, void *scratch,
                             uint32_t *out) {
    int64_t pixels = pm_runs_pixels(masks, begin);
    bool foreground = operation == PM_UNION;
    int64_t n = end - begin;
    span_list *lists = scratch;
    run_span *buffers[2] = {(run_span *)(lists + n), (run_span *)(lists + n) + most_spans(masks, begin, end)};
    run_span *next = buffers[0];
    for (int64_t i = 0; i < n; i++) {
        lists[i].spans = next;
        next = write_spans(pm_runs_list(masks, begin + i), foreground, pixels, next);
        lists[i].n = next - lists[i].spans;
    }
    sort_lists(lists, n);
    for (int turn = 1; n > 1; turn ^= 1) {
        next = buffers[turn];
        for (int64_t i = 0; i < n; i += 2) { /* an odd one out moves along, so that its memory may be written next turn */
            run_span *spans = next;
            next = i + 1 < n ? unite_spans(lists[i], lists[i + 1], next) : copy_spans(lists[i], next);
            lists[i / 2] = (span_list){spans, next - spans};
        }
        n = (n + 1) / 2;
    }
    return put_spans(lists[0], foreground, pixels, out);
}

static uint32_t *merge_group(pm_operation operation, const pm_batch *masks, int64_t begin, int64_t end, void *scratch,
                             uint32_t *out, const uint32_t *out_end) {
    run_span part = group_span(operation, masks, begin, end);
    if (part.start >= part.end)
        return pm_runs_put(out, (uint64_t)pm_runs_pixels(masks, begin));
    if (is_for_bits(operation, masks, begin, end, part))
        return merge_bits(operation, masks, begin, end, part, scratch, out, out_end);
    return merge_spans(operation, masks, begin, end, scratch, out);
}

int64_t pm_algebra_reduce_bound(const pm_batch *masks, const int64_t *groups, int64_t n_groups) {
    int64_t bound = 0;
    int64_t room = 0; /* that a walk over bits has to see in front of it */
    for (int64_t g = 0; g < n_groups; g++) {
        bound += group_bound(masks, groups[g], groups[g + 1]);
        if (groups[g] < groups[g + 1])
            room = pm_max(room, pm_bits_walk_room(pm_runs_pixels(masks, groups[g])));
    }
    return bound + room;
}

size_t pm_algebra_reduce_scratch(const pm_batch *masks, const int64_t *groups, int64_t n_groups) {
    size_t size = 0;
    for (int64_t g = 0; g < n_groups; g++) {
        int64_t begin = groups[g];
        int64_t end = groups[g + 1];
        if (begin == end)
            continue;
        int64_t words = most_words(count_halvings(end - begin, 1), masks, begin, end);
        words = pm_min(words, pm_runs_pixels(masks, begin) / 64 + 1);
        size_t larger = (size_t)(words + PM_PAINT_ROOM) * sizeof(uint64_t);
        if (larger < spans_size(masks, begin, end))
            larger = spans_size(masks, begin, end);
        if (size < larger)
            size = larger;
    }
    return size;
}

pm_status pm_algebra_reduce(pm_operation operation, const pm_batch *masks, const int64_t *groups, int64_t n_groups,
                            uint32_t *counts, int64_t *offsets, int64_t *sizes, void *scratch, pm_where *where) {
    const uint32_t *counts_end = counts + pm_algebra_reduce_bound(masks, groups, n_groups);
    uint32_t *out = counts;
    PM_ASSERT(operation == PM_UNION || operation == PM_INTERSECTION);
    offsets[0] = 0;
    for (int64_t g = 0; g < n_groups; g++) {
        int64_t begin = groups[g];
        int64_t end = groups[g + 1];
        for (int64_t i = begin; i < end; i++)
            if (!pm_runs_same_size(masks, i, masks, begin, where))
                return PM_SIZE_MISMATCH;
        sizes[2 * g] = end > begin ? masks->sizes[2 * begin] : 0;
        sizes[2 * g + 1] = end > begin ? masks->sizes[2 * begin + 1] : 0;
        if (end > begin)
            out = merge_group(operation, masks, begin, end, scratch, out, counts_end);
        offsets[g + 1] = out - counts;
    }
    return PM_OK;
}
