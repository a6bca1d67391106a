"""Bindings of pm_match: which segments of ground truth and prediction of an image match."""

from libc.stdint cimport int64_t
from libc.string cimport memcpy

cimport numpy as cnp

from panomask._batch cimport Scratch, int64_data, new_scratch
from panomask._c cimport (
    PM_MATCH_NO_AREA,
    PM_MATCH_NO_UNION,
    pm_edges,
    pm_listed,
    pm_match,
    pm_match_count,
    pm_match_listed,
    pm_match_outcome,
    pm_match_scratch,
    pm_matches,
    pm_pairs,
)

import numpy as np

cnp.import_array()


cdef const int64_t *take(list values, int64_t **memory) except? NULL:
    """Put integers into the next free memory."""
    cdef int64_t *taken = memory[0]
    cdef int64_t value
    for value in values:
        memory[0][0] = value
        memory[0] += 1
    return taken


cdef pm_pairs as_pairs(arrays, list kept):
    """Three arrays of int64; those that had to be copied stay where `kept` does."""
    cdef pm_pairs pairs
    cdef cnp.ndarray gt, pred, pixels
    gt, pred, pixels = [np.ascontiguousarray(each, np.int64) for each in arrays]
    kept += gt, pred, pixels
    pairs.n = cnp.PyArray_SIZE(gt)
    pairs.gt = int64_data(gt)
    pairs.pred = int64_data(pred)
    pairs.pixels = int64_data(pixels)
    return pairs


def match_listed(pairs, gt, pred, boundaries, int64_t n_categories, image):
    """Match listed segments; int64 (matches, 3) and (categories, 4).

    `gt` has lists of ids, categories, areas and crowds, `pred` of ids and categories, all of which are in `pairs`;
    `boundaries` has pairs, and lists of the areas of both sides, or is None."""
    cdef list kept = []
    cdef pm_pairs shared = as_pairs(pairs, kept)
    cdef int64_t n_gt = len(gt[0]), n_pred = len(pred[0])
    cdef size_t n_numbers = <size_t>(5 * n_gt + 3 * n_pred + 3 * shared.n + 4 * n_categories)
    cdef Scratch scratch = new_scratch(n_numbers * sizeof(int64_t)
                                       + pm_match_scratch(shared.n, n_gt, n_pred, n_categories))
    cdef int64_t *memory = <int64_t *>scratch.data
    cdef pm_listed gt_listed, pred_listed
    cdef pm_edges edges
    cdef pm_matches found
    cdef pm_match_outcome outcome
    cdef bint has_edges = boundaries is not None
    gt_listed.n = n_gt
    gt_listed.ids = take(gt[0], &memory)
    gt_listed.categories = take(gt[1], &memory)
    gt_listed.areas = take(gt[2], &memory)
    gt_listed.is_crowd = take(gt[3], &memory)
    pred_listed.n = n_pred
    pred_listed.ids = take(pred[0], &memory)
    pred_listed.categories = take(pred[1], &memory)
    pred_listed.areas = NULL
    pred_listed.is_crowd = NULL
    if has_edges:
        edges.pairs = as_pairs(boundaries[0], kept)
        edges.gt_areas = take(boundaries[1], &memory)
        edges.pred_areas = take(boundaries[2], &memory)
    found.matches = <pm_match *>memory
    found.counts = <pm_match_count *>(found.matches + shared.n)
    with nogil:
        outcome = pm_match_listed(&shared, &gt_listed, &pred_listed, &edges if has_edges else NULL, n_categories,
                                  &found, found.counts + n_categories)
    if outcome == PM_MATCH_NO_AREA:
        raise ValueError(f"image {image!r}: gt segment {gt[0][found.gt_row]} has no area, and is not in the map")
    if outcome == PM_MATCH_NO_UNION:
        raise ValueError(
            f"image {image!r}: gt segment {gt[0][found.gt_row]} has area {found.gt_area} in the list, but shares "
            f"{found.shared} pixels with pred segment {pred[0][found.pred_row]}"
        )
    cdef cnp.ndarray matches = np.empty((found.n_matches, 3), np.int64)
    cdef cnp.ndarray counts = np.empty((found.n_counts, 4), np.int64)
    memcpy(cnp.PyArray_DATA(matches), found.matches, <size_t>found.n_matches * sizeof(pm_match))
    memcpy(cnp.PyArray_DATA(counts), found.counts, <size_t>found.n_counts * sizeof(pm_match_count))
    return matches, counts
