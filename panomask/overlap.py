"""How masks overlap: IoU inside many groups at once, and non-maximum suppression by masks.

All pairs of two batches are `RLEArray.iou`, `RLEArray.dice` and `RLEArray.intersection_area`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panomask import cy_algebra, cy_nms, cy_overlap, cy_runs
from panomask._arrays import as_batch, as_labels, as_number, as_offsets, as_scores
from panomask.rle import RLEArray

__all__ = ["intersection_area_grouped", "iou_grouped", "matrix_nms", "nmm", "nms"]

_RATIOS = {"iou": cy_overlap.IOU, "ios": cy_overlap.IOS}
_DECAYS = {"gaussian": cy_nms.GAUSSIAN, "linear": cy_nms.LINEAR}


# ---- groups ---------------------------------------------------------------------------------------------------------


def iou_grouped(
    dt: RLEArray, gt: RLEArray, dt_offsets: ArrayLike, gt_offsets: ArrayLike, iscrowd: ArrayLike | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Intersection over union of all pairs inside each group, say each image, or each image and category.

    Parameters
    ----------
    dt, gt : RLEArray
        All masks, ordered by group.
    dt_offsets, gt_offsets : array_like of int, shape (g + 1,)
        Group k is ``dt[dt_offsets[k]:dt_offsets[k + 1]]`` against ``gt[gt_offsets[k]:gt_offsets[k + 1]]``. Either side
        may be empty, which costs nothing.
    iscrowd : array_like of bool, shape (len(gt),), optional
        Where a mask of `gt` is a crowd, the intersection is divided by the area of the mask of `dt` alone.

    Returns
    -------
    ious : ndarray of float64, shape (pairs,)
        The matrices of the groups one after the other, each in C order, bit for bit those of `RLEArray.iou`.
    offsets : ndarray of int64, shape (g + 1,)
        Group k is ``ious[offsets[k]:offsets[k + 1]].reshape(n_dt, n_gt)``.

    Raises
    ------
    SizeMismatchError
        Masks of different sizes in one group; a ValueError that names the group and the masks. Groups may differ.
    ValueError
        Offsets that descend, lie outside of the masks, or are not equally many; flags that are not one a mask.
    TypeError
        Offsets that are not integers, masks that are not an RLEArray.

    Notes
    -----
    One call for a whole data set: no Python is run between groups, and scratch memory is that of the largest group.
    The rule for crowds is that at the head of cocoapi's ``mask.py``.

    Examples
    --------
    >>> from panomask import RLEArray
    >>> dt = RLEArray.from_boxes([[0, 0, 2, 4], [1, 0, 2, 4], [0, 0, 4, 4]], 4, 4)
    >>> gt = RLEArray.from_boxes([[1, 0, 2, 4], [0, 0, 4, 2]], 4, 4)
    >>> ious, offsets = iou_grouped(dt, gt, [0, 2, 3], [0, 1, 2])
    >>> ious
    array([0.33333333, 1.        , 0.5       ])
    >>> offsets
    array([0, 2, 3])
    """
    shared, offsets, dt_groups, gt_groups = _shared(dt, gt, dt_offsets, gt_offsets)
    crowd = cy_overlap.crowd_flags(iscrowd, len(gt), "iscrowd", "gt")
    ious = cy_overlap.grouped_ratio(cy_overlap.IOU, shared, dt.area, dt_groups, gt.area, gt_groups, crowd)
    return ious, offsets


def intersection_area_grouped(
    dt: RLEArray, gt: RLEArray, dt_offsets: ArrayLike, gt_offsets: ArrayLike
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Count the pixels that the pairs inside each group share; otherwise like `iou_grouped`.

    Returns
    -------
    areas : ndarray of uint64, shape (pairs,)
    offsets : ndarray of int64, shape (g + 1,)

    Examples
    --------
    >>> from panomask import RLEArray
    >>> dt = RLEArray.from_boxes([[0, 0, 2, 4], [1, 0, 2, 4]], 4, 4)
    >>> intersection_area_grouped(dt, dt, [0, 1, 2], [0, 2, 2])[0]
    array([8, 4], dtype=uint64)
    """
    return _shared(dt, gt, dt_offsets, gt_offsets)[:2]


def _shared(
    dt: RLEArray, gt: RLEArray, dt_offsets: ArrayLike, gt_offsets: ArrayLike
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the intersection areas, where each group's begin, and both groups as they are passed on."""
    dt_groups = as_offsets(dt_offsets, len(as_batch(dt, "dt")), "dt_offsets")
    gt_groups = as_offsets(gt_offsets, len(as_batch(gt, "gt")), "gt_offsets")
    if len(dt_groups) != len(gt_groups):
        raise ValueError(
            f"dt_offsets are of {len(dt_groups) - 1} groups, gt_offsets of {len(gt_groups) - 1}; expected equally many"
        )
    offsets = _offsets(np.diff(dt_groups) * np.diff(gt_groups))
    return cy_overlap.grouped(dt, gt, dt_groups, gt_groups, offsets), offsets, dt_groups, gt_groups


# ---- non-maximum suppression ----------------------------------------------------------------------------------------


def nms(
    masks: RLEArray,
    scores: ArrayLike,
    threshold: float = 0.5,
    *,
    classes: ArrayLike | None = None,
    metric: Literal["iou", "ios"] = "iou",
) -> NDArray[np.int64]:
    """Keep the best of masks that overlap: greedy non-maximum suppression.

    Parameters
    ----------
    masks : RLEArray
    scores : array_like, shape (n,)
        Any real dtype, compared as float64. Of equal scores the one with the lower index goes first.
    threshold : float
        From the highest score down, a mask is kept unless `metric` of it and a mask kept before is above this.
    classes : array_like of int, shape (n,), optional
        Only masks of one class suppress each other. Any integers; for many images at once give each image and class an
        integer of its own.
    metric : {"iou", "ios"}
        Intersection over union, or over the smaller of both areas, which also suppresses parts of a mask.

    Returns
    -------
    ndarray of int64, shape (k,)
        Indices of the masks that are kept, in descending order of their scores.

    Raises
    ------
    SizeMismatchError
        Masks of one class that have different sizes; a ValueError.
    ValueError
        Scores or classes that are not one a mask, NaN among the scores or as the threshold, an unknown metric.
    TypeError
        Classes that are not integers, scores that are not numbers, masks that are not an RLEArray.

    Notes
    -----
    The same indices as ``torchvision.ops.batched_nms`` has for boxes, but by masks. Boxes are compared first, so time
    grows with the pairs of masks whose boxes meet.

    Examples
    --------
    >>> from panomask import RLEArray
    >>> masks = RLEArray.from_boxes([[0, 0, 2, 4], [0, 0, 3, 4], [3, 0, 1, 4]], 4, 4)
    >>> nms(masks, [0.8, 0.9, 0.7])
    array([1, 2])
    >>> nms(masks, [0.8, 0.9, 0.7], classes=[0, 1, 1])
    array([1, 0, 2])
    """
    ranking = _rank(masks, scores, classes)
    return _kept(ranking, _keepers(ranking, threshold, metric))


def nmm(
    masks: RLEArray,
    scores: ArrayLike,
    threshold: float,
    *,
    classes: ArrayLike | None = None,
    metric: Literal["iou", "ios"] = "ios",
) -> tuple[RLEArray, NDArray[np.int64]]:
    """Unite each mask that `nms` keeps with those it suppresses: greedy non-maximum merging.

    For objects that were found in parts, in the tiles of a large image above all.

    Parameters
    ----------
    masks, scores, threshold, classes, metric
        As for `nms`. Masks are compared as they are, not as they have grown; where several kept ones are above the
        threshold, a mask goes to the one of the highest score.

    Returns
    -------
    merged : RLEArray, k masks
    kept : ndarray of int64, shape (k,)
        What `nms` gives: ``merged[j]`` has grown from ``masks[kept[j]]``.

    Raises
    ------
    SizeMismatchError, ValueError, TypeError
        As for `nms`.

    Examples
    --------
    >>> from panomask import RLEArray
    >>> masks = RLEArray.from_boxes([[0, 0, 3, 4], [2, 0, 2, 4], [6, 0, 2, 4]], 4, 8)
    >>> merged, kept = nmm(masks, [0.9, 0.8, 0.7], 0.4)
    >>> merged.bbox
    array([[0., 0., 4., 4.],
           [6., 0., 2., 4.]])
    >>> kept
    array([0, 2])
    """
    ranking = _rank(masks, scores, classes)
    keepers = _keepers(ranking, threshold, metric)
    kept = _kept(ranking, keepers)
    place = np.empty(len(masks), np.int64)
    place[kept] = np.arange(len(kept))
    of = place[keepers]
    groups = _offsets(np.bincount(of, minlength=len(kept)))
    members = cy_runs.select(masks, np.argsort(of, kind="stable"))
    return cy_algebra.reduce(cy_algebra.UNION, members, groups, "masks"), kept


def matrix_nms(
    masks: RLEArray,
    scores: ArrayLike,
    *,
    classes: ArrayLike | None = None,
    kernel: Literal["gaussian", "linear"] = "gaussian",
    sigma: float = 2.0,
) -> NDArray[np.float64]:
    """Lower the scores of masks by how much better ones overlap them: Matrix NMS.

    Parameters
    ----------
    masks, scores, classes
        As for `nms`.
    kernel : {"gaussian", "linear"}
        What a score decays with: ``f(iou) = exp(-sigma * iou**2)`` or ``f(iou) = 1 - iou``.
    sigma : float
        Above zero; of the Gaussian kernel only.

    Returns
    -------
    ndarray of float64, shape (n,)
        Scores in the order of the masks, each times the least ``f(iou[i, j]) / f(largest[i])`` over the masks i of its
        class that go before it, ``largest[i]`` being the largest IoU of i with one that goes before i. No factor is
        above 1, and the best of each class keeps its score.

    Raises
    ------
    SizeMismatchError, ValueError, TypeError
        As for `nms`; ValueError also for a sigma that is not above zero and finite.

    Notes
    -----
    From SOLOv2 (Wang et al., NeurIPS 2020), and with the result of its code, whose sigma multiplies the squared IoU
    where the paper's divides it. It differs where that code has NaN: an empty mask has an IoU of 0, and under the
    linear kernel a mask equal to one before it, whose own score becomes 0, does not count among the masks i. IoUs are
    made row by row, so memory is that of the masks, not of a matrix.

    Examples
    --------
    >>> from panomask import RLEArray
    >>> masks = RLEArray.from_boxes([[0, 0, 2, 4], [0, 0, 4, 4]], 4, 4)
    >>> matrix_nms(masks, [0.6, 0.9], kernel="linear")
    array([0.3, 0.9])
    """
    decay = _chosen(kernel, _DECAYS, "kernel")
    sigma = as_number(sigma, "sigma")
    if not 0 < sigma < np.inf:
        raise ValueError(f"sigma is {sigma}, expected a finite number above 0")
    ranking = _rank(masks, scores, classes)
    factors = np.empty(len(masks))
    factors[ranking.order] = cy_nms.matrix(ranking.masks, ranking.order, ranking.groups, decay, sigma)
    return ranking.scores * factors


class _Ranking(NamedTuple):
    """What may suppress each other, in the order in which it may."""

    scores: NDArray[np.float64]  # as they came
    by_score: NDArray[np.int64]  # indices of the masks, best first
    order: NDArray[np.int64]  # indices of the masks, by class and best first
    groups: NDArray[np.int64]  # offsets of the classes in it
    masks: RLEArray  # in that order


def _rank(masks: RLEArray, scores: ArrayLike, classes: ArrayLike | None) -> _Ranking:
    n = len(as_batch(masks, "masks"))
    values = as_scores(scores, n, "scores")
    order = by_score = np.argsort(-values, kind="stable")
    groups = np.array([0, n], dtype=np.int64)
    if classes is not None:
        labels = np.unique(as_labels(classes, n, "classes"), return_inverse=True)[1]
        order = by_score[np.argsort(labels[by_score], kind="stable")]
        groups = _offsets(np.bincount(labels))
    is_ranked = bool((order[:-1] < order[1:]).all())  # as most detectors give them
    return _Ranking(values, by_score, order, groups, masks if is_ranked else cy_runs.select(masks, order))


def _keepers(ranking: _Ranking, threshold: float, metric: str) -> NDArray[np.int64]:
    """Return the index of the mask that keeps each one."""
    ratio = _chosen(metric, _RATIOS, "metric")
    limit = as_number(threshold, "threshold")
    keepers = np.empty_like(ranking.order)
    keepers[ranking.order] = ranking.order[cy_nms.greedy(ranking.masks, ranking.order, ranking.groups, ratio, limit)]
    return keepers


def _kept(ranking: _Ranking, keepers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the masks that keep themselves, best first."""
    by_score = ranking.by_score
    kept: NDArray[np.int64] = by_score[keepers[by_score] == by_score]
    return kept


def _offsets(lengths: NDArray[Any]) -> NDArray[np.int64]:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def _chosen(name: str, choices: Mapping[str, int], what: str) -> int:
    if name not in tuple(choices):
        raise ValueError(f"{what} is {name!r:.80}, expected {' or '.join(map(repr, choices))}")
    return choices[name]
