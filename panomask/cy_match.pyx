"""Bindings of pm_match: lists of segments, and which of ground truth and prediction of an image match."""

from cpython.long cimport PyLong_AsLongLongAndOverflow
from libc.stdint cimport int64_t
from libc.string cimport memcpy

cimport numpy as cnp

from panomask._batch cimport Scratch, int64_data, new_scratch
from panomask._c cimport (
    PM_MATCH_BAD_PREDICTION,
    PM_MATCH_NO_AREA,
    PM_MATCH_NO_UNION,
    c_bool,
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


cdef cnp.ndarray new_table(int64_t rows, int64_t columns):
    cdef cnp.npy_intp[2] shape = [rows, columns]
    return cnp.PyArray_SimpleNew(2, shape, cnp.NPY_INT64)


# ---- lists of segments ----------------------------------------------------------------------------------------------

cdef c_bool put(object number, int64_t *place) noexcept:
    """Write an int that fits; False for anything else."""
    cdef int overflow = 0
    if type(number) is not int:
        return False
    place[0] = PyLong_AsLongLongAndOverflow(number, &overflow)
    return overflow == 0


def read_segments(list segments, dict categories, c_bool with_areas):
    """Read a list of segments as JSON has them: int64 (4, n) of ids, categories (-1 for one that `categories` does not
    have), areas (-1 for none, or without `with_areas`) and crowds. None where an id is there twice, where an area is
    negative, or where it is not dicts of ints."""
    cdef int64_t n = len(segments), i = 0
    cdef cnp.ndarray table = new_table(4, n)
    cdef int64_t *data = int64_data(table)
    cdef set seen = set()
    for segment in segments:  # another thread can change how many there are
        if i == n or type(segment) is not dict:
            return None
        number, category = (<dict>segment).get("id"), (<dict>segment).get("category_id")
        crowd, area = (<dict>segment).get("iscrowd", 0), (<dict>segment).get("area") if with_areas else None
        if (type(category) is not int or type(crowd) is not int or not put(number, data + i)
                or not put(categories.get(category, -1), data + n + i)):
            return None
        data[2 * n + i] = -1
        if area is not None and (not put(area, data + 2 * n + i) or data[2 * n + i] < 0):
            return None
        data[3 * n + i] = crowd == 1
        seen.add(number)
        i += 1
    return table if i == n and len(seen) == n else None


# ---- matching -------------------------------------------------------------------------------------------------------

# Pairs and categories, three and four numbers each, of an image that is matched in a few us. To give the GIL away for
# so long costs more: taking it back takes 50 us where another thread has it.
cdef size_t FEW_NUMBERS = 4096


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


cdef pm_listed as_listed(cnp.ndarray table):
    """What `read_segments` gives."""
    cdef pm_listed listed
    listed.n = cnp.PyArray_DIM(table, 1)
    listed.ids = int64_data(table)
    listed.categories = listed.ids + listed.n
    listed.areas = listed.ids + 2 * listed.n
    listed.is_crowd = listed.ids + 3 * listed.n
    return listed


cdef int64_t count_categories(const pm_listed *gt, const pm_listed *pred) noexcept nogil:
    cdef int64_t most = -1, i
    for i in range(gt.n):
        most = max(most, gt.categories[i])
    for i in range(pred.n):
        most = max(most, pred.categories[i])
    return most + 1


def match_listed(pairs, cnp.ndarray gt, cnp.ndarray pred, boundaries, str where):
    """Match listed segments, as `read_segments` has them; int64 (matches, 3) and (categories, 4). None where those of
    the prediction are not the known ones of its map. `boundaries` has pairs and the areas of both sides, or is None; errors
    begin with `where`."""
    cdef list kept = []
    cdef pm_pairs shared = as_pairs(pairs, kept)
    cdef pm_listed gt_listed = as_listed(gt), pred_listed = as_listed(pred)
    cdef int64_t n_categories = count_categories(&gt_listed, &pred_listed)
    cdef size_t n_found = <size_t>(3 * shared.n + 4 * n_categories)
    cdef Scratch scratch = new_scratch(n_found * sizeof(int64_t)
                                       + pm_match_scratch(shared.n, gt_listed.n, pred_listed.n, n_categories))
    cdef pm_edges edges
    cdef pm_matches found
    cdef pm_match_outcome outcome
    cdef bint has_edges = boundaries is not None
    cdef cnp.ndarray gt_areas, pred_areas
    if has_edges:
        gt_areas, pred_areas = boundaries[1], boundaries[2]
        edges.pairs = as_pairs(boundaries[0], kept)
        edges.gt_areas = int64_data(gt_areas)
        edges.pred_areas = int64_data(pred_areas)
    found.matches = <pm_match *>scratch.data
    found.counts = <pm_match_count *>(found.matches + shared.n)
    cdef const pm_edges *edges_or_none = &edges if has_edges else NULL
    cdef void *rest = found.counts + n_categories
    if n_found < FEW_NUMBERS:
        outcome = pm_match_listed(&shared, &gt_listed, &pred_listed, edges_or_none, n_categories, &found, rest)
    else:
        with nogil:
            outcome = pm_match_listed(&shared, &gt_listed, &pred_listed, edges_or_none, n_categories, &found, rest)
    if outcome == PM_MATCH_BAD_PREDICTION:
        return None
    if outcome == PM_MATCH_NO_AREA:
        raise ValueError(f"{where}gt segment {gt[0, found.gt_row]} has no area, and is not in the map")
    if outcome == PM_MATCH_NO_UNION:
        raise ValueError(
            f"{where}gt segment {gt[0, found.gt_row]} has area {found.gt_area} in the list, but shares "
            f"{found.shared} pixels with pred segment {pred[0, found.pred_row]}"
        )
    cdef cnp.ndarray matches = new_table(found.n_matches, 3), counts = new_table(found.n_counts, 4)
    memcpy(cnp.PyArray_DATA(matches), found.matches, <size_t>found.n_matches * sizeof(pm_match))
    memcpy(cnp.PyArray_DATA(counts), found.counts, <size_t>found.n_counts * sizeof(pm_match_count))
    return matches, counts
