/* pm_nms.c - non-maximum suppression: greedy, and by matrix.
 *
 * Both look at the masks of a group in descending order of their scores and compare each with those before it: greedy
 * NMS with the kept ones only, until one suppresses it; matrix NMS with all, but only the largest IoU of each is
 * remembered, so that no matrix is.
 *
 * Matrix NMS is that of SOLOv2 (Wang et al., NeurIPS 2020).
 */
#include "pm_overlap.h"

#include <math.h>

/* Scratch: an area and another number for each mask of the largest group, then what is prepared of them. */
typedef struct ranking {
    uint64_t *areas;
    void *numbers;
    pm_prepared *masks;
    int64_t n;
    int64_t height;
} ranking;

static const int64_t no_offsets[] = {0};
static const pm_batch no_masks = {NULL, no_offsets, NULL, 0};

static size_t part_scratch(const pm_batch *part) {
    return (size_t)part->n * 2 * sizeof(uint64_t) + pm_overlap_prepare_scratch(part, &no_masks, true);
}

size_t pm_nms_scratch(const pm_batch *masks, const int64_t *groups, int64_t n_groups) {
    size_t most = 0;
    for (int64_t g = 0; g < n_groups; g++) {
        pm_batch part = pm_runs_part(masks, groups[g], groups[g + 1]);
        size_t size = part_scratch(&part);
        most = size > most ? size : most;
    }
    return most;
}

static bool group_shares_size(const pm_batch *masks, const int64_t *groups, int64_t g, pm_where *where) {
    for (int64_t i = groups[g] + 1; i < groups[g + 1]; i++) {
        if (!pm_runs_same_size(masks, i, masks, groups[g], where)) {
            where->at = g;
            return false;
        }
    }
    return true;
}

static ranking prepare_ranking(const pm_batch *part, void *scratch) {
    uint64_t *areas = scratch;
    pm_sides sides = pm_overlap_prepare(part, &no_masks, true, areas + 2 * part->n);
    pm_runs_area(part, areas);
    return (ranking){areas, areas + part->n, sides.a, part->n, part->sizes[0]};
}

/* ---- greedy ----------------------------------------------------------------------------------------------------- */

/* What is kept moves to the front, so that the kept ones are looked at in one sweep; none that is still to come is
 * overwritten. */
static void suppress(const ranking *all, int64_t first, pm_ratio ratio, double threshold, int64_t *keepers) {
    const pm_kernels *kernels = pm_cpu_kernels();
    int64_t *kept = all->numbers;
    int64_t n_kept = 0;
    for (int64_t j = 0; j < all->n; j++) {
        int64_t k = 0;
        for (; k < n_kept; k++) {
            uint64_t shared = pm_overlap_intersect(kernels, &all->masks[k], &all->masks[j], all->height);
            if (pm_overlap_divide(ratio, shared, all->areas[k], false, all->areas[j], false) > threshold)
                break;
        }
        if (k == n_kept) {
            all->masks[k] = all->masks[j];
            all->areas[k] = all->areas[j];
            kept[k] = first + j;
            n_kept++;
        }
        keepers[j] = kept[k];
    }
}

pm_status pm_nms_greedy(const pm_batch *masks, const int64_t *groups, int64_t n_groups, pm_ratio ratio,
                        double threshold, int64_t *keepers, void *scratch, pm_where *where) {
    for (int64_t g = 0; g < n_groups; g++) {
        if (!group_shares_size(masks, groups, g, where))
            return PM_SIZE_MISMATCH;
        pm_batch part = pm_runs_part(masks, groups[g], groups[g + 1]);
        if (part.n == 1) /* many are alone: there is nothing to prepare for */
            keepers[groups[g]] = groups[g];
        if (part.n < 2)
            continue;
        ranking all = prepare_ranking(&part, scratch);
        suppress(&all, groups[g], ratio, threshold, keepers + groups[g]);
    }
    return PM_OK;
}

/* ---- matrix ----------------------------------------------------------------------------------------------------- */

/* Gaussian: the least exp(-sigma iou^2) / exp(-sigma largest^2) is that of the largest iou^2 - largest^2, which needs
 * one exponential a mask and divides nothing. Linear: where the largest IoU is 1, a mask's own score decays to nothing,
 * and there is nothing that its say could be divided by. The first of a group has none before it, so its largest is 0,
 * and no factor is above 1. */
static void let_decay(const ranking *all, pm_decay decay, double sigma, double *factors) {
    const pm_kernels *kernels = pm_cpu_kernels();
    double *largest = all->numbers;
    for (int64_t j = 0; j < all->n; j++) {
        double most = 0;   /* iou_ij                         */
        double excess = 0; /* iou_ij^2 - largest_i^2         */
        double least = 1;  /* (1 - iou_ij) / (1 - largest_i) */
        for (int64_t i = 0; i < j; i++) {
            uint64_t shared = pm_overlap_intersect(kernels, &all->masks[i], &all->masks[j], all->height);
            if (shared == 0) /* no decay, and f(0) / f is 1 or more */
                continue;
            double iou = pm_overlap_divide(PM_RATIO_IOU, shared, all->areas[i], false, all->areas[j], false);
            most = fmax(most, iou);
            if (decay == PM_DECAY_GAUSSIAN)
                excess = fmax(excess, iou * iou - largest[i] * largest[i]);
            else if (largest[i] < 1)
                least = fmin(least, (1 - iou) / (1 - largest[i]));
        }
        largest[j] = most;
        factors[j] = decay == PM_DECAY_GAUSSIAN ? exp(-sigma * excess) : least;
    }
}

pm_status pm_nms_matrix(const pm_batch *masks, const int64_t *groups, int64_t n_groups, pm_decay decay, double sigma,
                        double *factors, void *scratch, pm_where *where) {
    for (int64_t g = 0; g < n_groups; g++) {
        if (!group_shares_size(masks, groups, g, where))
            return PM_SIZE_MISMATCH;
        pm_batch part = pm_runs_part(masks, groups[g], groups[g + 1]);
        if (part.n == 1)
            factors[groups[g]] = 1;
        if (part.n < 2)
            continue;
        ranking all = prepare_ranking(&part, scratch);
        let_decay(&all, decay, sigma, factors + groups[g]);
    }
    return PM_OK;
}
