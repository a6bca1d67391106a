/* pm_overlap.c - intersection areas of many pairs of masks, and the ratios made of them.
 *
 * Every mask is prepared once, then pairs are compared: first their boxes, and where these meet, what is inside.
 *
 * A mask can be prepared in two ways. As bits: its box, cut into rows of 64 pixels high, a word a column, so that the
 * common part of two boxes is a rectangle of words whose rows are contiguous, and two masks share popcount(a & b) in it.
 * Or as the intervals of its foreground in column-major order, which two masks merge, from the first common column to
 * the last, adding max(0, end - start) and advancing by comparison results, without a branch on the data but the loop's
 * own.
 *
 * On a Zen 4 a word costs 0.16 ns with AVX-512, 0.2 ns with AVX2 and 0.8 ns in portable C, a step of the merge about
 * 3.5 ns. A column of an object is about one interval and as many words as the object is high in rows of 64; so bits are
 * worth it unless a mask has far more words than intervals, as tall ones of long runs do. Preparing bits costs as much
 * as one merge, so they must be used twice.
 */
#include "pm_overlap.h"

#include <math.h>

/* Words a mask may have for each of its intervals to be prepared as bits. The time of both ways is about equal there. */
#ifndef PM_MOST_WORDS_AN_INTERVAL /* benchmarks/fit_overlap.py measures both constants, with others in their place */
#define PM_MOST_WORDS_AN_INTERVAL 16
#endif
enum { MOST_WORDS_AN_INTERVAL = PM_MOST_WORDS_AN_INTERVAL };

/* Words of bits on one side that are compared with the whole other side at a time: a quarter of a common L2. */
#ifndef PM_BLOCK_WORDS
#define PM_BLOCK_WORDS (1 << 15)
#endif
enum { BLOCK_WORDS = PM_BLOCK_WORDS };

/* Masks of one side at a time, at most. */
enum { MOST_BLOCK = 256 };

/* Scratch: what is prepared of the masks of a, of b, then words and intervals of both. A list of m runs has at most
 * m / 2 intervals, and bits only where their words are bounded by these. Where the intervals will be, if any, the
 * places of one mask's runs are while its bits are set. */
static int64_t most_intervals(const pm_batch *masks) {
    return (masks->offsets[masks->n] - masks->offsets[0]) / 2;
}

/* Places are written eight at a time. */
static int64_t rounded_up(int64_t n_pairs) {
    return (n_pairs + 7) / 8 * 8;
}

size_t pm_overlap_prepare_scratch(const pm_batch *a, const pm_batch *b, bool use_bits) {
    int64_t intervals = most_intervals(a) + most_intervals(b);
    size_t size = (size_t)(a->n + b->n) * sizeof(pm_prepared) + (size_t)rounded_up(intervals) * sizeof(pm_interval);
    return use_bits ? size + (size_t)intervals * MOST_WORDS_AN_INTERVAL * sizeof(uint64_t) : size;
}

/* Bits must be used twice to be worth their preparation. */
static bool pays_for_bits(const pm_batch *a, const pm_batch *b) {
    return a->n > 1 && b->n > 1;
}

size_t pm_overlap_scratch(const pm_batch *a, const pm_batch *b) {
    return pm_overlap_prepare_scratch(a, b, pays_for_bits(a, b));
}

/* Words of the bits of a mask, with the row below its box, whose values mean nothing. */
static int64_t bits_words(const pm_prepared *mask) {
    return ((mask->box.bottom + 63) / 64 - mask->top + 1) * mask->width;
}

/* Exchange all pixels of a column from `row` to the end of its word. `column` is the index of the column's word for row
 * 0, which lies before the bits where the box begins lower. */
static inline void toggle(uint64_t *bits, int64_t width, int64_t column, int64_t row) {
    bits[column + (int64_t)((uint64_t)row / 64) * width] ^= ~UINT64_C(0) << (row % 64);
}

/* Set the bits of a mask whose box is known, and of whose runs `rows` and `columns` say where their foreground begins.
 * Each run toggles its columns where it begins and behind its end; then, word by word down, a word whose predecessor
 * ends with foreground is exchanged. No branch on where words begin: 0.95 -> 0.5 ms for 340 033 runs. Runs that end with
 * the box toggle what lies in the row of words below it, which takes part in nothing else.
 *
 * Toggling takes 1.8 ns an interval (Zen 3). Longer took: places of eight intervals at a time with AVX2; both ends at
 * once where one word has them; words that are only stored, as they come in order. */
static void set_bits(pm_prepared *mask, pm_list list, int64_t height, const uint32_t *rows, const uint32_t *columns,
                     uint64_t *bits) {
    int64_t width = mask->width;
    int64_t n_words = bits_words(mask) - width;
    mask->bits = bits;
    if (n_words <= 0)
        return;
    memset(bits, 0, (size_t)n_words * sizeof *bits);
    int64_t corner = -mask->top * width - mask->box.left;
    for (int64_t i = 0; i < list.length / 2; i++) {
        int64_t length = list.runs[2 * i + 1];
        if (PM_UNLIKELY(length == 0))
            continue;
        int64_t column = corner + columns[i];
        int64_t end = rows[i] + length;
        toggle(bits, width, column, rows[i]);
        for (; end > height; end -= height) { /* to the bottom, and on from the top of the next */
            toggle(bits, width, column, height);
            column++;
            toggle(bits, width, column, 0);
        }
        toggle(bits, width, column, end);
    }
    pm_cpu_kernels()->fill_down(bits, width, n_words);
}

/* Returns past the last interval that was written. */
static pm_interval *prepare_intervals(pm_prepared *mask, pm_list list, pm_interval *intervals) {
    mask->intervals = intervals;
    int64_t position = 0;
    for (int64_t j = 0; j + 1 < list.length; j += 2) {
        int64_t start = position + list.runs[j];
        position = start + list.runs[j + 1];
        *intervals = (pm_interval){start, position};
        intervals += position > start;
    }
    mask->n = intervals - mask->intervals;
    return intervals;
}

static pm_prepared prepare_box(pm_box box) {
    if (box.right == 0) /* so that an empty mask meets no other and has no words */
        box = (pm_box){0, 0, 0, 0};
    return (pm_prepared){.box = box, .top = box.top / 64, .width = box.right - box.left};
}

static void prepare_boxes(const pm_batch *masks, pm_prepared *out) {
    for (int64_t i = 0; i < masks->n; i++) {
        pm_grid grid = pm_grid_of(masks->sizes[2 * i], masks->sizes[2 * i + 1]);
        out[i] = prepare_box(pm_runs_box(pm_runs_list(masks, i), &grid));
    }
}

/* Boxes and, where that is worth it, bits of masks of one size; `places` has room for those of the longest list.
 * Returns past the last word. One look at a mask's runs serves both: 1.00 -> 0.61 ms for 340 033 runs (Zen 3). */
static uint64_t *prepare_bits(const pm_batch *masks, pm_prepared *out, uint64_t *words, uint32_t *places,
                              bool *is_complete) {
    if (masks->n == 0)
        return words;
    const pm_kernels *kernels = pm_cpu_kernels();
    const pm_grid grid = pm_grid_of(masks->sizes[0], masks->sizes[1]);
    for (int64_t i = 0; i < masks->n; i++) {
        pm_list list = pm_runs_list(masks, i);
        int64_t n_pairs = grid.pixels > 0 ? list.length / 2 : 0;
        uint32_t *columns = places + rounded_up(n_pairs);
        out[i] = prepare_box(kernels->locate(list.runs, n_pairs, &grid, places, columns));
        int64_t n_words = bits_words(&out[i]);
        if (n_words > n_pairs * MOST_WORDS_AN_INTERVAL || pm_max(out[i].box.right, out[i].box.bottom) > UINT32_MAX) {
            *is_complete = false;
            continue;
        }
        set_bits(&out[i], list, grid.height, places, columns, words);
        words += n_words;
    }
    return words;
}

/* Where the scratch has both sides. */
static pm_sides prepared_sides(const pm_batch *a, void *scratch) {
    return (pm_sides){scratch, (pm_prepared *)scratch + a->n};
}

pm_sides pm_overlap_prepare(const pm_batch *a, const pm_batch *b, bool use_bits, void *scratch) {
    pm_sides masks = prepared_sides(a, scratch);
    pm_interval *intervals = (pm_interval *)(masks.b + b->n);
    bool is_complete = use_bits;
    if (use_bits) {
        uint64_t *words = (uint64_t *)intervals;
        intervals = (pm_interval *)(words + (most_intervals(a) + most_intervals(b)) * MOST_WORDS_AN_INTERVAL);
        words = prepare_bits(a, masks.a, words, (uint32_t *)intervals, &is_complete);
        prepare_bits(b, masks.b, words, (uint32_t *)intervals, &is_complete);
    } else {
        prepare_boxes(a, masks.a);
        prepare_boxes(b, masks.b);
    }
    if (!is_complete) {
        for (int64_t i = 0; i < a->n; i++)
            intervals = prepare_intervals(&masks.a[i], pm_runs_list(a, i), intervals);
        for (int64_t j = 0; j < b->n; j++)
            intervals = prepare_intervals(&masks.b[j], pm_runs_list(b, j), intervals);
    }
    return masks;
}

/* The first interval that ends after `position`. */
static const pm_interval *find_first(const pm_prepared *mask, int64_t position) {
    const pm_interval *first = mask->intervals;
    for (int64_t n = mask->n; n > 0;) {
        int64_t half = n / 2;
        if (first[half].end <= position) {
            first += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return first;
}

/* Pixels that both have in columns left .. right - 1. */
static int64_t merge_intervals(const pm_prepared *a, const pm_prepared *b, int64_t left, int64_t right, int64_t height) {
    const pm_interval *end_a = a->intervals + a->n;
    const pm_interval *end_b = b->intervals + b->n;
    const pm_interval *next_a = find_first(a, left * height);
    const pm_interval *next_b = find_first(b, left * height);
    int64_t last = right * height;
    int64_t area = 0;
    while (next_a < end_a && next_b < end_b) {
        pm_interval x = *next_a;
        pm_interval y = *next_b;
        int64_t start = pm_max(x.start, y.start);
        int64_t end = pm_min(x.end, y.end);
        if (start >= last)
            break;
        area += pm_max(0, end - start);
        next_a += x.end <= y.end;
        next_b += y.end <= x.end;
    }
    return area;
}

uint64_t pm_overlap_intersect(const pm_kernels *kernels, const pm_prepared *a, const pm_prepared *b, int64_t height) {
    int64_t left = pm_max(a->box.left, b->box.left);
    int64_t right = pm_min(a->box.right, b->box.right);
    int64_t top = pm_max(a->box.top, b->box.top);
    int64_t bottom = pm_min(a->box.bottom, b->box.bottom);
    if (left >= right || top >= bottom)
        return 0;
    if (!a->bits || !b->bits)
        return (uint64_t)merge_intervals(a, b, left, right, height);
    int64_t first = top / 64;
    const uint64_t *words_a = a->bits + (first - a->top) * a->width + (left - a->box.left);
    const uint64_t *words_b = b->bits + (first - b->top) * b->width + (left - b->box.left);
    return kernels->shared(words_a, a->width, words_b, b->width, (bottom + 63) / 64 - first, right - left);
}

/* ---- all pairs, and those of groups ----------------------------------------------------------------------------- */

pm_status pm_overlap_matrix_prepare(const pm_batch *a, const pm_batch *b, void *scratch, pm_where *where) {
    for (int64_t i = 0; i < a->n; i++)
        if (!pm_runs_same_size(a, i, b, 0, where))
            return PM_SIZE_MISMATCH;
    for (int64_t j = 0; j < b->n; j++)
        if (!pm_runs_same_size(a, 0, b, j, where))
            return PM_SIZE_MISMATCH;
    pm_overlap_prepare(a, b, pays_for_bits(a, b), scratch);
    return PM_OK;
}

/* Those of masks begin .. end - 1 whose boxes meet the box, found without a branch on the data. Returns how many. */
static int64_t find_meeting(const pm_prepared *masks, int64_t begin, int64_t end, pm_box box, int64_t *meeting) {
    int64_t n = 0;
    for (int64_t i = begin; i < end; i++) {
        const pm_box *other = &masks[i].box;
        meeting[n] = i;
        n += (other->left < box.right) & (box.left < other->right) & (other->top < box.bottom) &
             (box.top < other->bottom);
    }
    return n;
}

/* The areas begin as zero, row after row, and only those of boxes that meet are written: 4.3 -> 3.3 ms for 278 x 830
 * masks, of whose pairs one in seven meets. */
void pm_overlap_matrix_rows(const pm_batch *a, const pm_batch *b, int64_t begin, int64_t end, uint64_t *areas,
                            void *scratch) {
    const pm_kernels *kernels = pm_cpu_kernels();
    pm_sides masks = prepared_sides(a, scratch);
    int64_t height = a->sizes[0];
    int64_t meeting[MOST_BLOCK];
    memset(areas + begin * b->n, 0, (size_t)((end - begin) * b->n) * sizeof *areas);
    for (int64_t block = begin, block_end = begin; block < end; block = block_end) {
        int64_t most = pm_min(end, block + MOST_BLOCK);
        for (int64_t words = 0; block_end < most && (block_end == block || words < BLOCK_WORDS); block_end++)
            words += bits_words(&masks.a[block_end]);
        for (int64_t j = 0; j < b->n; j++) {
            int64_t n = find_meeting(masks.a, block, block_end, masks.b[j].box, meeting);
            for (int64_t k = 0; k < n; k++) {
                int64_t i = meeting[k];
                areas[i * b->n + j] = pm_overlap_intersect(kernels, &masks.a[i], &masks.b[j], height);
            }
        }
    }
}

size_t pm_overlap_grouped_scratch(const pm_batch *a, const int64_t *groups_a, const pm_batch *b,
                                  const int64_t *groups_b, int64_t n_groups) {
    size_t most = 0;
    for (int64_t g = 0; g < n_groups; g++) {
        pm_batch part_a = pm_runs_part(a, groups_a[g], groups_a[g + 1]);
        pm_batch part_b = pm_runs_part(b, groups_b[g], groups_b[g + 1]);
        if (part_a.n > 0 && part_b.n > 0) {
            size_t size = pm_overlap_scratch(&part_a, &part_b);
            most = size > most ? size : most;
        }
    }
    return most;
}

pm_status pm_overlap_grouped(const pm_batch *a, const int64_t *groups_a, const pm_batch *b, const int64_t *groups_b,
                             int64_t n_groups, uint64_t *areas, void *scratch, pm_where *where) {
    for (int64_t g = 0; g < n_groups; g++) {
        pm_batch part_a = pm_runs_part(a, groups_a[g], groups_a[g + 1]);
        pm_batch part_b = pm_runs_part(b, groups_b[g], groups_b[g + 1]);
        if (part_a.n == 0 || part_b.n == 0)
            continue;
        if (pm_overlap_matrix_prepare(&part_a, &part_b, scratch, where) != PM_OK) {
            where->mask += groups_a[g];
            where->other += groups_b[g];
            where->at = g;
            return PM_SIZE_MISMATCH;
        }
        pm_overlap_matrix_rows(&part_a, &part_b, 0, part_a.n, areas, scratch);
        areas += part_a.n * part_b.n;
    }
    return PM_OK;
}

pm_status pm_overlap_matrix(const pm_batch *a, const pm_batch *b, uint64_t *areas, void *scratch, pm_where *where) {
    const int64_t groups_a[] = {0, a->n};
    const int64_t groups_b[] = {0, b->n};
    return pm_overlap_grouped(a, groups_a, b, groups_b, 1, areas, scratch, where);
}

/* ---- mask by mask ----------------------------------------------------------------------------------------------- */

pm_status pm_overlap_paired(const pm_batch *a, const pm_batch *b, uint64_t *areas, void *scratch, pm_where *where) {
    int64_t n = pm_runs_paired(a, b);
    for (int64_t i = 0; i < n; i++)
        if (!pm_runs_same_size(a, pm_runs_partner(a, i), b, pm_runs_partner(b, i), where))
            return PM_SIZE_MISMATCH;
    const pm_kernels *kernels = pm_cpu_kernels();
    pm_sides masks = pm_overlap_prepare(a, b, false, scratch);
    for (int64_t i = 0; i < n; i++) {
        int64_t i_a = pm_runs_partner(a, i);
        areas[i] = pm_overlap_intersect(kernels, &masks.a[i_a], &masks.b[pm_runs_partner(b, i)], a->sizes[2 * i_a]);
    }
    return PM_OK;
}

/* ---- ratios ----------------------------------------------------------------------------------------------------- */

void pm_overlap_grouped_ratio(pm_ratio ratio, const uint64_t *intersections, const uint64_t *areas_a,
                              const int64_t *groups_a, const uint8_t *crowd_a, const uint64_t *areas_b,
                              const int64_t *groups_b, const uint8_t *crowd_b, int64_t n_groups, double *ratios) {
    for (int64_t g = 0; g < n_groups; g++)
        for (int64_t i = groups_a[g]; i < groups_a[g + 1]; i++)
            for (int64_t j = groups_b[g]; j < groups_b[g + 1]; j++)
                *ratios++ = pm_overlap_divide(ratio, *intersections++, areas_a[i], crowd_a && crowd_a[i], areas_b[j],
                                              crowd_b && crowd_b[j]);
}

void pm_overlap_matrix_ratio(pm_ratio ratio, const uint64_t *intersections, const uint64_t *areas_a, int64_t n_a,
                             const uint8_t *crowd_a, const uint64_t *areas_b, int64_t n_b, const uint8_t *crowd_b,
                             double *ratios) {
    const int64_t groups_a[] = {0, n_a};
    const int64_t groups_b[] = {0, n_b};
    pm_overlap_grouped_ratio(ratio, intersections, areas_a, groups_a, crowd_a, areas_b, groups_b, crowd_b, 1, ratios);
}

void pm_overlap_paired_ratio(pm_ratio ratio, const uint64_t *intersections, const uint64_t *areas_a, int64_t n_a,
                             const uint64_t *areas_b, int64_t n_b, const uint8_t *crowd_b, double *ratios) {
    int64_t n = n_a == 1 ? n_b : n_a;
    for (int64_t i = 0; i < n; i++) {
        int64_t i_b = n_b == 1 ? 0 : i;
        ratios[i] = pm_overlap_divide(ratio, intersections[i], areas_a[n_a == 1 ? 0 : i], false, areas_b[i_b],
                                      crowd_b && crowd_b[i_b]);
    }
}

void pm_overlap_boxes(const double *a, int64_t n_a, const double *b, int64_t n_b, const uint8_t *crowd_b,
                      double *ious) {
    for (int64_t j = 0; j < n_b; j++) {
        const double *g = b + 4 * j;
        for (int64_t i = 0; i < n_a; i++) {
            const double *d = a + 4 * i;
            double width = fmin(d[0] + d[2], g[0] + g[2]) - fmax(d[0], g[0]);
            double height = fmin(d[1] + d[3], g[1] + g[3]) - fmax(d[1], g[1]);
            double iou = 0;
            if (width > 0 && height > 0) {
                double intersection = width * height;
                double area = d[2] * d[3];
                iou = intersection / (crowd_b && crowd_b[j] ? area : area + g[2] * g[3] - intersection);
            }
            ious[j * n_a + i] = iou;
        }
    }
}
