/* match_cases.h - small images whose segments are matched, made of any bytes, and the rules pixel by pixel. For the
 * tests and the fuzz target. */
#ifndef MATCH_CASES_H
#define MATCH_CASES_H

#include "guard.h"
#include "panomask.h"

enum { MATCH_PIXELS = 48, MATCH_IDS = 6, MATCH_PAIRS = MATCH_IDS * MATCH_IDS, MATCH_CATEGORIES = 3 };

/* Void, and ids that are not in the order in which they are listed. */
static const int64_t match_ids[MATCH_IDS] = {0, 7, -3, INT64_C(1) << 40, 5, 6};

typedef uint8_t match_next(void *from);

typedef struct match_map {
    int64_t n;
    int64_t gt[MATCH_PIXELS];
    int64_t pred[MATCH_PIXELS];
} match_map;

typedef struct match_list {
    int64_t n;
    int64_t ids[MATCH_IDS];
    int64_t categories[MATCH_IDS];
    int64_t areas[MATCH_IDS];
    int64_t is_crowd[MATCH_IDS];
    int64_t edge_areas[MATCH_IDS];
} match_list;

/* Pixels with one id here and the other there; NULL is any. */
static inline int64_t match_pixels(const match_map *map, const int64_t *gt, const int64_t *pred) {
    int64_t n = 0;
    for (int64_t p = 0; p < map->n; p++)
        n += (!gt || map->gt[p] == *gt) && (!pred || map->pred[p] == *pred);
    return n;
}

/* Stretches of ids, most of them the same on both sides. */
static inline void match_draw(match_next *next, void *from, match_map *map) {
    map->n = next(from) % (MATCH_PIXELS + 1);
    uint8_t gt = 0;
    uint8_t pred = 0;
    for (int64_t p = 0; p < map->n; p++) {
        uint8_t byte = next(from);
        if (byte % 4 == 0)
            gt = pred = byte / 4 % MATCH_IDS;
        else if (byte % 16 == 1)
            pred = byte / 16 % MATCH_IDS;
        map->gt[p] = match_ids[gt];
        map->pred[p] = match_ids[pred];
    }
}

/* Pairs in ascending order, at memory that ends where they end. */
static inline pm_pairs match_count(const match_map *map) {
    int64_t sorted[MATCH_IDS];
    int64_t found[3][MATCH_PAIRS];
    int64_t n = 0;
    memcpy(sorted, match_ids, sizeof sorted);
    for (int i = 0; i < MATCH_IDS; i++)
        for (int k = i; k > 0 && sorted[k] < sorted[k - 1]; k--) {
            int64_t other = sorted[k];
            sorted[k] = sorted[k - 1];
            sorted[k - 1] = other;
        }
    for (int i = 0; i < MATCH_PAIRS; i++) {
        found[0][n] = sorted[i / MATCH_IDS];
        found[1][n] = sorted[i % MATCH_IDS];
        found[2][n] = match_pixels(map, &found[0][n], &found[1][n]);
        n += found[2][n] > 0;
    }
    int64_t *arrays[3];
    for (int k = 0; k < 3; k++) {
        arrays[k] = guard_new((size_t)n * sizeof(int64_t), sizeof(int64_t));
        for (int64_t i = 0; i < n; i++)
            arrays[k][i] = found[k][i];
    }
    return (pm_pairs){n, arrays[0], arrays[1], arrays[2]};
}

static inline void match_free(pm_pairs pairs) {
    guard_free((void *)pairs.gt);
    guard_free((void *)pairs.pred);
    guard_free((void *)pairs.pixels);
}

static inline void match_list_side(match_next *next, void *from, const match_map *map, const match_map *edges,
                                   bool is_gt, match_list *list) {
    list->n = 0;
    for (int k = 0; k < MATCH_IDS; k++) {
        const int64_t *id = match_ids + k;
        uint8_t byte = next(from);
        int64_t i = list->n;
        if (byte % 32 == 0 || (k == 0 && byte % 8 < 6) || (!is_gt && byte % 32 > 1 && match_pixels(map, NULL, id) == 0))
            continue;
        list->ids[i] = *id;
        list->categories[i] = byte / 8 % MATCH_CATEGORIES - (byte > 250);
        list->is_crowd[i] = byte / 32 % 4 == 0;
        list->areas[i] = match_pixels(map, id, NULL);
        if (byte / 64 == 0)
            list->areas[i] = byte % 3 == 0 ? -1 : byte % 3 == 1 ? next(from) : INT64_MAX - next(from);
        list->edge_areas[i] = is_gt ? match_pixels(edges, id, NULL) : match_pixels(edges, NULL, id);
        list->n++;
    }
}

static inline int64_t match_row(const match_list *list, int64_t id) {
    for (int64_t i = 0; i < list->n; i++)
        if (list->ids[i] == id)
            return i;
    return -1;
}

/* The rules; what is found as pm_match_listed has it. */
static inline pm_match_outcome match_slowly(const match_map *map, const pm_pairs *pairs, const match_list *gt,
                                            const match_list *pred, const match_map *edges, pm_matches *found) {
    int64_t area[MATCH_IDS];
    int64_t last_crowd[MATCH_CATEGORIES] = {-1, -1, -1};
    int64_t forgiven[MATCH_IDS];
    bool is_matched[2][MATCH_IDS] = {{false}, {false}};
    found->n_matches = found->n_counts = 0;
    for (int64_t k = 0; k < pairs->n; k++)
        if (pairs->pred[k] != match_ids[0] && match_row(pred, pairs->pred[k]) < 0)
            return PM_MATCH_BAD_PREDICTION;
    for (int64_t j = 0; j < pred->n; j++)
        if (pred->categories[j] < 0 || match_pixels(map, NULL, pred->ids + j) == 0)
            return PM_MATCH_BAD_PREDICTION;
    for (int64_t i = 0; i < gt->n; i++) {
        area[i] = gt->areas[i] >= 0 ? gt->areas[i] : match_pixels(map, gt->ids + i, NULL);
        if (gt->areas[i] < 0 && area[i] == 0) {
            found->gt_row = i;
            return PM_MATCH_NO_AREA;
        }
        if (gt->is_crowd[i] && gt->categories[i] >= 0)
            last_crowd[gt->categories[i]] = i;
    }
    for (int64_t j = 0; j < pred->n; j++) {
        int64_t crowd = last_crowd[pred->categories[j]];
        forgiven[j] = match_pixels(map, match_ids, pred->ids + j);
        forgiven[j] += crowd < 0 ? 0 : match_pixels(map, gt->ids + crowd, pred->ids + j);
    }
    for (int64_t k = 0; k < pairs->n; k++) {
        const int64_t *g = pairs->gt + k;
        const int64_t *p = pairs->pred + k;
        int64_t i = match_row(gt, *g);
        int64_t j = match_row(pred, *p);
        if (i < 0 || j < 0 || gt->is_crowd[i] || gt->categories[i] != pred->categories[j])
            continue;
        int64_t shared = match_pixels(map, g, p);
        double united = (double)match_pixels(map, NULL, p) + (double)area[i] - (double)shared -
                        (double)match_pixels(map, match_ids, p);
        if (united <= 0) {
            *found = (pm_matches){found->matches, 0, found->counts, 0, i, j, area[i], shared};
            return PM_MATCH_NO_UNION;
        }
        if (edges) {
            int64_t edge_shared = match_pixels(edges, g, p);
            int64_t edge_united = match_pixels(edges, g, NULL) + match_pixels(edges, NULL, p) - edge_shared -
                                  match_pixels(edges, match_ids, p);
            if (edge_united != 0 && (double)edge_shared / (double)edge_united < (double)shared / united) {
                shared = edge_shared;
                united = (double)edge_united;
            }
        }
        if ((double)shared / united > 0.5) {
            found->matches[found->n_matches++] = (pm_match){gt->categories[i], shared, (int64_t)united};
            is_matched[0][i] = is_matched[1][j] = true;
        }
    }
    for (int64_t c = 0; c < MATCH_CATEGORIES; c++) {
        pm_match_count count = {c, 0, 0, 0};
        for (int64_t k = 0; k < found->n_matches; k++)
            count.tp += found->matches[k].category == c;
        for (int64_t j = 0; j < pred->n; j++)
            count.fp += pred->categories[j] == c && !is_matched[1][j] &&
                        !(2 * forgiven[j] > match_pixels(map, NULL, pred->ids + j));
        for (int64_t i = 0; i < gt->n; i++)
            count.fn += gt->categories[i] == c && !is_matched[0][i] && !gt->is_crowd[i];
        if (count.tp || count.fp || count.fn)
            found->counts[found->n_counts++] = count;
    }
    return PM_MATCH_OK;
}

static inline bool match_is_same(pm_match_outcome outcome, const pm_matches *a, const pm_matches *b) {
    if (outcome == PM_MATCH_BAD_PREDICTION)
        return true;
    if (outcome == PM_MATCH_NO_AREA)
        return a->gt_row == b->gt_row;
    if (outcome == PM_MATCH_NO_UNION)
        return a->gt_row == b->gt_row && a->pred_row == b->pred_row && a->gt_area == b->gt_area &&
               a->shared == b->shared;
    return a->n_matches == b->n_matches && a->n_counts == b->n_counts &&
           memcmp(a->matches, b->matches, (size_t)a->n_matches * sizeof *a->matches) == 0 &&
           memcmp(a->counts, b->counts, (size_t)a->n_counts * sizeof *a->counts) == 0;
}

/* An image as pm_match_listed takes it, with room for what it finds. */
typedef struct match_case {
    match_map map;
    match_map edge_map;
    match_list gt;
    match_list pred;
    pm_pairs pairs;
    pm_edges edges;
    bool has_edges;
    pm_listed listed_gt;
    pm_listed listed_pred;
    pm_matches found;
} match_case;

static inline void match_case_draw(match_next *next, void *from, match_case *out) {
    match_draw(next, from, &out->map);
    out->edge_map = out->map;
    for (int64_t p = 0; p < out->map.n; p++)
        if (next(from) % 2) /* the insides, whose id is that of a segment too */
            out->edge_map.gt[p] = out->edge_map.pred[p] = match_ids[MATCH_IDS - 1];
    out->has_edges = next(from) % 2;
    match_list_side(next, from, &out->map, &out->edge_map, true, &out->gt);
    match_list_side(next, from, &out->map, &out->edge_map, false, &out->pred);
    out->pairs = match_count(&out->map);
    out->edges = (pm_edges){match_count(&out->edge_map), out->gt.edge_areas, out->pred.edge_areas};
    out->listed_gt = (pm_listed){out->gt.n, out->gt.ids, out->gt.categories, out->gt.areas, out->gt.is_crowd};
    out->listed_pred = (pm_listed){out->pred.n, out->pred.ids, out->pred.categories, NULL, NULL};
    out->found = (pm_matches){
        .matches = guard_new((size_t)out->pairs.n * sizeof(pm_match), sizeof(int64_t)),
        .counts = guard_new(MATCH_CATEGORIES * sizeof(pm_match_count), sizeof(int64_t)),
    };
}

/* Whether this outcome, and what was found, are those of the rules. */
static inline bool match_case_agrees(const match_case *each, pm_match_outcome outcome) {
    pm_match_count counts[MATCH_CATEGORIES];
    pm_match matches[MATCH_PAIRS];
    pm_matches expected = {.matches = matches, .counts = counts};
    return outcome == match_slowly(&each->map, &each->pairs, &each->gt, &each->pred,
                                   each->has_edges ? &each->edge_map : NULL, &expected) &&
           match_is_same(outcome, &each->found, &expected);
}

static inline void match_case_free(match_case *each) {
    guard_free(each->found.matches);
    guard_free(each->found.counts);
    match_free(each->pairs);
    match_free(each->edges.pairs);
}

#endif
