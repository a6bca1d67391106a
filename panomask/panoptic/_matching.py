"""Which segments of ground truth and prediction match in one image: the rules of the evaluators, on integers.

All begin with the joint histogram of two maps: how many pixels each pair of ids shares. A match is a pair of segments
of one category with IoU > 0.5, strictly; as segments of a map are disjoint there is at most one for each segment, so
nothing is assigned or sorted by score. What remains is tp, fp and fn of each category, and the intersection and union
of each match, in the order in which the evaluator adds the IoUs up.

In one image there are tens of segments and pairs. Where segments are listed C does it: on such short arrays numpy took
twice the time of loops over lists, and these eight times.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from panomask import cy_match
from panomask.panoptic._records import Integers, as_int64

__all__ = [
    "VOID",
    "Boundaries",
    "Matches",
    "Pairs",
    "SegmentTable",
    "check_predicted",
    "match_listed",
    "match_points",
    "match_voids",
    "read_segments",
]

VOID = 0  # the id of pixels that belong to no segment, in maps whose segments are listed
KEY_BITS = 32  # a segment of maps of categories and instances has the key category << KEY_BITS | instance, void has -1


class Pairs(NamedTuple):
    """A joint histogram: ids that share pixels, ascending by (gt, pred), and how many pixels."""

    gt: Integers
    pred: Integers
    pixels: Integers


class SegmentTable(NamedTuple):
    """The segments that are listed for an image, in the order of the list."""

    numbers: Integers  # (4, n): ids, categories as indices or -1 for unknown, areas or -1 for untold, 1 for crowds
    listed: Sequence[Mapping[str, Any]]  # as they are written

    @property
    def ids(self) -> Integers:
        ids: Integers = self.numbers[0]
        return ids


class Boundaries(NamedTuple):
    """What `Pairs` and areas are, of the boundaries of the segments."""

    pairs: Pairs
    gt_area: Integers
    pred_area: Integers


class Matches(NamedTuple):
    """pairs (k, 3): category, intersection, union of what is added up; counts (m, 4): category, tp, fp, fn."""

    pairs: Integers
    counts: Integers


# ---- segments that are listed, as COCO does -------------------------------------------------------------------------


def read_segments(
    segments_info: Iterable[Mapping[str, Any]], categories: dict[Any, int], where: str, *, with_areas: bool
) -> SegmentTable:
    """Read COCO's ``segments_info``; categories are looked up, to be checked by who knows whether that matters.

    Areas are read of the ground truth: those of predictions are counted, whatever their lists say.
    """
    if isinstance(segments_info, str | Mapping) or not isinstance(segments_info, Iterable):
        raise TypeError(f"{where} is {segments_info!r:.80}, expected a list of dicts with id and category_id")
    segments = list(segments_info)
    numbers = cy_match.read_segments(segments, categories, with_areas)
    if numbers is None:  # other integers, or what is none
        numbers = _read_any_segments(segments, categories, where, with_areas)
    return SegmentTable(numbers, segments)


def _read_any_segments(segments: list[Any], categories: dict[Any, int], where: str, with_areas: bool) -> Integers:
    rows: dict[int, int] = {}
    table = np.empty((4, len(segments)), np.int64)
    for i, segment in enumerate(segments):
        one = f"{where}[{i}]"
        try:
            number, category_id = as_int64(segment["id"], f"{one}: id"), segment["category_id"]
            area, is_crowd = segment.get("area") if with_areas else None, segment.get("iscrowd", 0) == 1
        except KeyError as error:
            raise ValueError(f"{one} has no {error.args[0]!r}") from None
        except (AttributeError, IndexError, TypeError):
            if isinstance(segment, Mapping):
                raise
            raise TypeError(f"{one} is {segment!r:.80}, expected a dict with id and category_id") from None
        try:
            category = categories.get(category_id, -1)
        except TypeError:
            raise TypeError(f"{one}: category_id is {category_id!r:.80}, expected an integer") from None
        if rows.setdefault(number, i) != i:
            raise ValueError(f"{one}: id {number} is that of segment {rows[number]} of the list too")
        table[:, i] = number, category, -1 if area is None else as_int64(area, f"{one}: area"), is_crowd
        if area is not None and table[2, i] < 0:
            raise ValueError(f"{one}: area is {area}, expected 0 or more")
    return table


def check_predicted(pairs: Pairs, pred: SegmentTable, image: Any) -> None:
    """Refuse what panopticapi refuses, in its order and words."""
    present = sorted(set(pairs.pred.tolist()))
    ids, category = pred.numbers[:2].tolist()
    rows = {each: row for row, each in enumerate(ids)}
    absent = set(ids)
    for each in present:
        row = rows.get(each)
        if row is None:
            if each == VOID:
                continue
            raise KeyError(
                f"In the image with ID {image} segment with ID {each} is presented in PNG and not presented in JSON."
            )
        if category[row] < 0:
            raise KeyError(
                f"In the image with ID {image} segment with ID {each} has unknown category_id "
                f"{pred.listed[row]['category_id']}."
            )
        absent.discard(each)
    if absent:
        raise KeyError(
            f"In the image with ID {image} the following segment IDs {list(absent)} are presented in JSON and not "
            "presented in PNG."
        )


def match_listed(
    pairs: Pairs,
    gt: SegmentTable,
    pred: SegmentTable,
    image: Any,
    where: str,
    boundaries: Boundaries | None = None,
) -> Matches:
    """Match as panopticapi and Cityscapes do, and with `boundaries` as Boundary PQ does.

    `image` is what panopticapi calls the image where it refuses a prediction, `where` what all other errors begin with.

    The areas of ground truth are those of the list where it has them, right or wrong, those of predictions are counted.
    Ids of the ground truth that are in the map but not in the list are neither void nor a segment.
    """
    found = cy_match.match_listed(pairs, gt.numbers, pred.numbers, boundaries, where)
    if found is None:
        check_predicted(pairs, pred, image)
    assert found is not None
    return Matches(*found)


# ---- segments that are the categories and instances of pixels -------------------------------------------------------


def match_voids(pairs: Pairs, stuff: NDArray[np.bool_], modified: bool) -> Matches:
    """Match as torchmetrics does: void is taken from both sides of a union, and IoUs are float32.

    `stuff` tells which categories are; with `modified` these have no fp and fn: all their IoUs are added up, and tp
    are the segments of the ground truth. `pairs` has the keys of segments, -1 for void.
    """
    order = np.lexsort((pairs.gt, pairs.pred))
    gt_keys, g = np.unique(pairs.gt[order], return_inverse=True)
    pred_keys, p = np.unique(pairs.pred[order], return_inverse=True)
    pixels = pairs.pixels[order]
    gt_area, pred_area = _sums(g, pixels, len(gt_keys)), _sums(p, pixels, len(pred_keys))
    gt_void, pred_void = pred_keys[p] < 0, gt_keys[g] < 0  # pixels of gt that lie in predicted void, and the reverse
    gt_in_void = _sums(g[gt_void], pixels[gt_void], len(gt_keys))
    pred_in_void = _sums(p[pred_void], pixels[pred_void], len(pred_keys))
    gt_category, pred_category = gt_keys >> KEY_BITS, pred_keys >> KEY_BITS

    may_match = (gt_keys[g] >= 0) & (gt_category[g] == pred_category[p])
    i, j = g[may_match], p[may_match]
    intersection = pixels[may_match]
    union = pred_area[j] - pred_in_void[j] + gt_area[i] - gt_in_void[i] - intersection
    matched = _divide(intersection, union, np.float32) > 0.5
    gt_free = (gt_keys >= 0) & ~(_divide(gt_in_void, gt_area, np.float32) > 0.5)
    pred_free = (pred_keys >= 0) & ~(_divide(pred_in_void, pred_area, np.float32) > 0.5)
    gt_free[i[matched]] = False
    pred_free[j[matched]] = False

    category = gt_category[i]
    added, tp = matched, category[matched]
    if modified:
        is_stuff = stuff[category]
        added = matched | is_stuff
        whole = gt_category[gt_keys >= 0]
        tp = np.concatenate([category[matched & ~is_stuff], whole[stuff[whole]]])
        gt_free &= ~stuff[gt_category]
        pred_free &= ~stuff[pred_category]
    return Matches(
        np.stack([category[added], intersection[added], union[added]], axis=1),
        _counts(tp, pred_category[pred_free], gt_category[gt_free]),
    )


def match_points(pairs: Pairs, min_points: int) -> Matches:
    """Match as SemanticKITTI and nuScenes do: no void; fp and fn are of segments of `min_points` and more.

    `pairs` has the keys of segments, -1 for what is none, without the points whose ground truth is ignored.
    """
    gt_keys, g = np.unique(pairs.gt, return_inverse=True)
    pred_keys, p = np.unique(pairs.pred, return_inverse=True)
    pixels = pairs.pixels
    gt_area, pred_area = _sums(g, pixels, len(gt_keys)), _sums(p, pixels, len(pred_keys))
    gt_category, pred_category = gt_keys >> KEY_BITS, pred_keys >> KEY_BITS

    may_match = (gt_keys[g] >= 0) & (gt_category[g] == pred_category[p])
    i, j = g[may_match], p[may_match]
    intersection = pixels[may_match]
    union = gt_area[i] + pred_area[j] - intersection
    matched = _divide(intersection, union) > 0.5
    gt_free = (gt_keys >= 0) & (gt_area >= min_points)
    pred_free = (pred_keys >= 0) & (pred_area >= min_points)
    gt_free[i[matched]] = False
    pred_free[j[matched]] = False

    category = gt_category[i[matched]]
    return Matches(
        np.stack([category, intersection[matched], union[matched]], axis=1),
        _counts(category, pred_category[pred_free], gt_category[gt_free]),
    )


# ---- short arrays ---------------------------------------------------------------------------------------------------


def _sums(rows: Integers, pixels: Integers, n: int) -> Integers:
    """Pixels of each row."""
    total = np.zeros(n, np.int64)
    np.add.at(total, rows, pixels)
    return total


def _divide(pixels: Integers, whole: Integers, dtype: Any = np.float64) -> NDArray[Any]:
    with np.errstate(divide="ignore", invalid="ignore"):  # what lies in void has a union of nothing
        quotient: NDArray[Any] = pixels.astype(dtype) / whole.astype(dtype)
    return quotient


def _counts(tp: Integers, fp: Integers, fn: Integers) -> Integers:
    """Rows (category, tp, fp, fn), ascending, of the categories that occur."""
    category, row = np.unique(np.concatenate([tp, fp, fn]), return_inverse=True)
    counts = np.zeros((len(category), 4), np.int64)
    counts[:, 0] = category
    np.add.at(counts, (row, np.repeat([1, 2, 3], [len(tp), len(fp), len(fn)])), 1)
    return counts
