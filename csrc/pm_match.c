/* pm_match.c - which segments of ground truth and prediction match in an image, by the rules of panopticapi.
 *
 * All begins with how many pixels each pair of ids shares, tens to hundreds of pairs. Segments are listed in any order:
 * rows are put in order of their ids once, so that those of the ground truth are found by walking along with the pairs,
 * which are in that order, and those of the prediction by halving.
 */
#include "panomask.h"
#include "pm_base.h"

enum { VOID_ID = 0 }; /* of pixels that belong to no segment */

/* Scratch, in int64_t:
 *
 *   gt_order      gt         rows in ascending order of ids
 *   pred_order    pred
 *   gt_rows       pairs      of each pair, -1 where the id is not listed
 *   pred_rows     pairs
 *   gt_area       gt         pixels; of the list, or counted
 *   pred_area     pred
 *   in_void       pred       pixels that lie in void
 *   forgiven      pred       those, and pixels in crowds
 *   gt_matched    gt         1 for what has a match
 *   pred_matched  pred
 *   last_crowd    categories row of the last crowd that is listed, if any is
 *   counts        3 x categories
 */
typedef struct match_scratch {
    int64_t *gt_order;
    int64_t *pred_order;
    int64_t *gt_rows;
    int64_t *pred_rows;
    int64_t *gt_area;
    int64_t *pred_area;
    int64_t *in_void;
    int64_t *forgiven;
    int64_t *gt_matched;
    int64_t *pred_matched;
    int64_t *last_crowd;
    int64_t *counts;
} match_scratch;

size_t pm_match_scratch(int64_t n_pairs, int64_t n_gt, int64_t n_pred, int64_t n_categories) {
    return (size_t)(2 * n_pairs + 3 * n_gt + 5 * n_pred + 4 * n_categories) * sizeof(int64_t);
}

static int64_t *take_zeros(int64_t **memory, int64_t n) {
    int64_t *taken = *memory;
    for (int64_t i = 0; i < n; i++)
        taken[i] = 0;
    *memory += n;
    return taken;
}

static match_scratch new_match_scratch(int64_t n_pairs, int64_t n_gt, int64_t n_pred, int64_t n_categories,
                                       int64_t *memory) {
    match_scratch scratch;
    scratch.gt_order = take_zeros(&memory, n_gt);
    scratch.pred_order = take_zeros(&memory, n_pred);
    scratch.gt_rows = take_zeros(&memory, n_pairs);
    scratch.pred_rows = take_zeros(&memory, n_pairs);
    scratch.gt_area = take_zeros(&memory, n_gt);
    scratch.pred_area = take_zeros(&memory, n_pred);
    scratch.in_void = take_zeros(&memory, n_pred);
    scratch.forgiven = take_zeros(&memory, n_pred);
    scratch.gt_matched = take_zeros(&memory, n_gt);
    scratch.pred_matched = take_zeros(&memory, n_pred);
    scratch.last_crowd = take_zeros(&memory, n_categories);
    scratch.counts = take_zeros(&memory, 3 * n_categories);
    return scratch;
}

/* Rows in ascending order of their ids: Shell's sort, O(n^1.5) at worst. */
static void order_rows(const int64_t *ids, int64_t n, int64_t *order) {
    int64_t gap = 1;
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    while (gap < n / 3)
        gap = 3 * gap + 1;
    for (; gap > 0; gap /= 3) {
        for (int64_t i = gap; i < n; i++) {
            int64_t row = order[i];
            int64_t k = i;
            for (; k >= gap && ids[order[k - gap]] > ids[row]; k -= gap)
                order[k] = order[k - gap];
            order[k] = row;
        }
    }
}

/* The row of an id, -1 where it is not listed. */
static int64_t find_row(const int64_t *ids, const int64_t *order, int64_t n, int64_t id) {
    int64_t low = 0;
    int64_t high = n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (ids[order[middle]] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && ids[order[low]] == id ? order[low] : -1;
}

/* Pixels that two ids share. */
static int64_t find_pixels(const pm_pairs *pairs, int64_t gt, int64_t pred) {
    int64_t low = 0;
    int64_t high = pairs->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (pairs->gt[middle] < gt || (pairs->gt[middle] == gt && pairs->pred[middle] < pred))
            low = middle + 1;
        else
            high = middle;
    }
    return low < pairs->n && pairs->gt[low] == gt && pairs->pred[low] == pred ? pairs->pixels[low] : 0;
}

static void find_rows(const pm_pairs *pairs, const pm_listed *gt, const pm_listed *pred, match_scratch *scratch) {
    int64_t next = 0; /* in gt_order: not below the pair's id */
    order_rows(gt->ids, gt->n, scratch->gt_order);
    order_rows(pred->ids, pred->n, scratch->pred_order);
    for (int64_t k = 0; k < pairs->n; k++) {
        while (next < gt->n && gt->ids[scratch->gt_order[next]] < pairs->gt[k])
            next++;
        bool is_listed = next < gt->n && gt->ids[scratch->gt_order[next]] == pairs->gt[k];
        scratch->gt_rows[k] = is_listed ? scratch->gt_order[next] : -1;
        scratch->pred_rows[k] = find_row(pred->ids, scratch->pred_order, pred->n, pairs->pred[k]);
    }
}

static void add_pixels(const pm_pairs *pairs, match_scratch *scratch) {
    for (int64_t k = 0; k < pairs->n; k++) {
        int64_t i = scratch->gt_rows[k];
        int64_t j = scratch->pred_rows[k];
        if (i >= 0)
            scratch->gt_area[i] += pairs->pixels[k];
        if (j >= 0)
            scratch->pred_area[j] += pairs->pixels[k];
        if (j >= 0 && pairs->gt[k] == VOID_ID)
            scratch->in_void[j] = scratch->forgiven[j] = pairs->pixels[k];
    }
}

/* Whether predictions are what is in the pairs, but for void, and all known: panopticapi refuses others. */
static bool are_predictions_listed(const pm_pairs *pairs, const pm_listed *pred, const match_scratch *scratch) {
    for (int64_t k = 0; k < pairs->n; k++)
        if (scratch->pred_rows[k] < 0 && pairs->pred[k] != VOID_ID)
            return false;
    for (int64_t j = 0; j < pred->n; j++)
        if (scratch->pred_area[j] == 0 || pred->categories[j] < 0)
            return false;
    return true;
}

/* Whether two segments match: whether their IoU, or that of their boundaries where it is less, is above 0.5. The match
 * then has the pixels of the one that counts. */
static bool is_match(const pm_edges *edges, int64_t gt, int64_t pred, int64_t i, int64_t j, pm_match *match) {
    double iou = (double)match->shared / (double)match->united;
    if (edges) {
        int64_t shared = find_pixels(&edges->pairs, gt, pred);
        int64_t united =
            edges->gt_areas[i] + edges->pred_areas[j] - shared - find_pixels(&edges->pairs, VOID_ID, pred);
        /* 0 where no boundary lies outside of void, so that the masks decide; negative, as in the reference, where a
         * segment has the id of the insides */
        if (united != 0 && (double)shared / (double)united < iou) {
            match->shared = shared;
            match->united = united;
            iou = (double)shared / (double)united;
        }
    }
    return iou > 0.5;
}

static int64_t count_categories(const pm_listed *gt, const pm_listed *pred, const pm_match *matches, int64_t n_matches,
                                match_scratch *scratch, int64_t n_categories, pm_match_count *counts) {
    int64_t n = 0;
    for (int64_t k = 0; k < n_matches; k++)
        scratch->counts[3 * matches[k].category]++;
    for (int64_t j = 0; j < pred->n; j++)
        if (!scratch->pred_matched[j] && !((double)scratch->forgiven[j] / (double)scratch->pred_area[j] > 0.5))
            scratch->counts[3 * pred->categories[j] + 1]++;
    for (int64_t i = 0; i < gt->n; i++)
        if (!scratch->gt_matched[i] && !gt->is_crowd[i] && gt->categories[i] >= 0)
            scratch->counts[3 * gt->categories[i] + 2]++;
    for (int64_t c = 0; c < n_categories; c++) {
        const int64_t *each = scratch->counts + 3 * c;
        if (each[0] || each[1] || each[2])
            counts[n++] = (pm_match_count){c, each[0], each[1], each[2]};
    }
    return n;
}

pm_match_outcome pm_match_listed(const pm_pairs *pairs, const pm_listed *gt, const pm_listed *pred,
                                 const pm_edges *edges, int64_t n_categories, pm_matches *found, void *memory) {
    match_scratch scratch = new_match_scratch(pairs->n, gt->n, pred->n, n_categories, memory);
    found->n_matches = found->n_counts = 0;
    find_rows(pairs, gt, pred, &scratch);
    add_pixels(pairs, &scratch);
    if (!are_predictions_listed(pairs, pred, &scratch))
        return PM_MATCH_BAD_PREDICTION;
    for (int64_t i = 0; i < gt->n; i++) {
        if (gt->areas[i] >= 0)
            scratch.gt_area[i] = pm_min(gt->areas[i], PM_MOST_LISTED_AREA);
        else if (scratch.gt_area[i] == 0) {
            found->gt_row = i;
            return PM_MATCH_NO_AREA;
        }
    }
    for (int64_t i = 0; i < gt->n; i++)
        if (gt->is_crowd[i] && gt->categories[i] >= 0)
            scratch.last_crowd[gt->categories[i]] = i;
    for (int64_t k = 0; k < pairs->n; k++) {
        int64_t i = scratch.gt_rows[k];
        int64_t j = scratch.pred_rows[k];
        if (i < 0 || j < 0 || gt->categories[i] != pred->categories[j])
            continue;
        int64_t shared = pairs->pixels[k];
        if (gt->is_crowd[i]) {
            if (scratch.last_crowd[gt->categories[i]] == i)
                scratch.forgiven[j] += shared;
            continue;
        }
        pm_match match = {gt->categories[i], shared,
                          scratch.pred_area[j] + scratch.gt_area[i] - shared - scratch.in_void[j]};
        if (match.united <= 0) {
            found->gt_row = i;
            found->pred_row = j;
            found->gt_area = scratch.gt_area[i];
            found->shared = shared;
            return PM_MATCH_NO_UNION;
        }
        if (is_match(edges, pairs->gt[k], pairs->pred[k], i, j, &match)) {
            found->matches[found->n_matches++] = match;
            scratch.gt_matched[i] = scratch.pred_matched[j] = 1;
        }
    }
    found->n_counts = count_categories(gt, pred, found->matches, found->n_matches, &scratch, n_categories,
                                       found->counts);
    return PM_MATCH_OK;
}
