"""Predictions -> one panoptic map: the merges of Panoptic FPN and of Mask2Former.

Both give what the public code of the models gives: a map of segment ids 1, 2, ... with 0 where there is none, and a
list that says what each segment is. Category ids are the model's own contiguous ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panomask._arrays import as_number
from panomask._check import as_array
from panomask.panoptic.labels import paint
from panomask.rle import RLEArray

__all__ = ["mask2former_inference", "panoptic_fpn_merge"]

# What a table of labels may take; labels of a semantic map are class indices.
_MOST_LABEL = (1 << 24) - 1


def panoptic_fpn_merge(
    instance_masks: RLEArray | ArrayLike,
    scores: ArrayLike,
    classes: ArrayLike,
    semantic: ArrayLike,
    *,
    overlap_threshold: float = 0.5,
    stuff_area_thresh: float = 4096,
    instances_score_thresh: float = 0.5,
) -> tuple[NDArray[np.int32], list[dict[str, Any]]]:
    """Merge instances and a semantic map as Panoptic FPN does: instances first, then stuff where none is.

    Instances go in by descending score. One of which more than `overlap_threshold` is taken already is left out, of the
    others only what is not taken is kept. Then each class of the semantic map gets its pixels that are still free,
    where they are enough.

    Parameters
    ----------
    instance_masks : RLEArray of n masks, or array_like of bool or integers, shape (n, height, width)
        Run lengths are not decoded; arrays and tensors are encoded.
    scores : array_like of float, shape (n,)
    classes : array_like of int, shape (n,)
        The class of each instance.
    semantic : array_like of int, shape (height, width)
        The most probable class of each pixel. 0 stands for all things and is left out.
    overlap_threshold : float
        An instance is left out where a greater part of it is taken.
    stuff_area_thresh : float
        Fewer free pixels than this are no stuff segment.
    instances_score_thresh : float
        Instances with a lower score are left out.

    Returns
    -------
    panoptic_seg : ndarray of int32, shape (height, width)
        Ids of segments, from 1; 0 is void.
    segments_info : list of dict
        In the order of the ids. Of an instance ``id``, ``isthing`` True, ``score``, ``category_id``, ``instance_id``,
        its index; of stuff ``id``, ``isthing`` False, ``category_id``, ``area``.

    Raises
    ------
    ValueError
        Shapes that do not fit together, a score or a threshold that is NaN, a semantic label below 0 or above 2^24 - 1.
    TypeError
        Classes or a semantic map that are not integers, masks of floats, thresholds that are no numbers.

    Notes
    -----
    As ``combine_semantic_and_instance_outputs`` of detectron2 [1]_, with two differences: of equal scores the first
    goes first, which there is left open; and an instance or a class without a free pixel is never a segment, which
    there it is where ``overlap_threshold`` is 1 or ``stuff_area_thresh`` is 0.

    References
    ----------
    .. [1] https://github.com/facebookresearch/detectron2, detectron2/modeling/meta_arch/panoptic_fpn.py

    Examples
    --------
    >>> import numpy as np
    >>> from panomask.panoptic.fuse import panoptic_fpn_merge
    >>> masks = np.array([[[1, 1, 0, 0]], [[0, 1, 1, 0]]])
    >>> panoptic_seg, segments_info = panoptic_fpn_merge(
    ...     masks, [0.6, 0.9], [17, 3], [[8, 8, 8, 8]], stuff_area_thresh=1)
    >>> panoptic_seg
    array([[2, 1, 1, 3]], dtype=int32)
    >>> for info in segments_info:
    ...     print(info)
    {'id': 1, 'isthing': True, 'score': 0.9, 'category_id': 3, 'instance_id': 1}
    {'id': 2, 'isthing': True, 'score': 0.6, 'category_id': 17, 'instance_id': 0}
    {'id': 3, 'isthing': False, 'category_id': 8, 'area': 1}
    """
    overlap_threshold = as_number(overlap_threshold, "overlap_threshold")
    stuff_area_thresh = as_number(stuff_area_thresh, "stuff_area_thresh")
    instances_score_thresh = as_number(instances_score_thresh, "instances_score_thresh")
    labels = _as_semantic(semantic)
    height, width = labels.shape
    masks = _as_masks(instance_masks, height, width)
    order, of_score, of_class = _as_instances(scores, classes, len(masks))
    segments_info: list[dict[str, Any]] = []
    parts = []
    taken = RLEArray.zeros(1, height, width)
    for i in order:
        if of_score[i] < instances_score_thresh:
            break
        area = int(masks.area[i])
        if area == 0:
            continue
        mask = masks[i : i + 1]
        overlap = int(mask.intersection_area(taken, paired=True)[0])
        if overlap / area > overlap_threshold or overlap == area:
            continue
        parts.append(mask - taken if overlap else mask)
        taken |= mask
        segments_info.append(
            {
                "id": len(parts),
                "isthing": True,
                "score": of_score[i],
                "category_id": of_class[i],
                "instance_id": i,
            }
        )
    ids = np.arange(1, len(parts) + 1, dtype=np.int32)
    panoptic_seg: NDArray[np.int32] = paint(RLEArray.concatenate(parts), ids, shape=(height, width), dtype=np.int32)

    free = np.where(panoptic_seg == 0, labels, 0)
    areas = np.bincount(free.ravel())
    id_of_label = np.zeros(len(areas), dtype=np.int32)
    for label in np.flatnonzero(areas >= max(stuff_area_thresh, 1)).tolist():
        if label == 0:
            continue
        id_of_label[label] = len(segments_info) + 1
        segments_info.append(
            {"id": len(segments_info) + 1, "isthing": False, "category_id": label, "area": int(areas[label])}
        )
    if len(areas) > 0:
        panoptic_seg += id_of_label[free]
    return panoptic_seg, segments_info


def mask2former_inference(
    mask_cls: ArrayLike,
    mask_pred: ArrayLike,
    thing_classes: Iterable[int],
    *,
    object_mask_threshold: float = 0.8,
    overlap_threshold: float = 0.8,
) -> tuple[NDArray[np.int32], list[dict[str, Any]]]:
    """Make a panoptic map of the queries of MaskFormer and Mask2Former.

    Each pixel goes to the query with the greatest product of score and mask probability, among those whose best class
    is not "no object" and has a score above `object_mask_threshold`. Of what a query got, the pixels with a probability
    of 0.5 and more are its segment, unless it got too little of its mask. Stuff of one class is one segment.

    Parameters
    ----------
    mask_cls : array_like of float, shape (n, number of classes + 1)
        Logits of the classes of each query; the last one is "no object".
    mask_pred : array_like of float, shape (n, height, width)
        Logits of the masks, at the size of the image.
    thing_classes : iterable of int
        The classes that are things.
    object_mask_threshold : float
    overlap_threshold : float
        A query that got a smaller part of its mask than this is left out.

    Returns
    -------
    panoptic_seg : ndarray of int32, shape (height, width)
        Ids of segments, from 1; 0 is void.
    segments_info : list of dict
        ``id``, ``isthing``, ``category_id`` of each segment, in the order of the ids.

    Raises
    ------
    ValueError
        Shapes that do not fit together, logits that are NaN, a threshold too; a query whose greatest class logit is
        infinite.
    TypeError
        Logits that are not floats, classes that are not integers, thresholds that are no numbers.

    Notes
    -----
    As ``panoptic_inference`` of Mask2Former [1]_, whose thresholds are settings of the model. float16 is computed as
    float32, float64 as it is, and products of the two as float64. Needs memory for four maps, not for a probability of
    every query and pixel.

    References
    ----------
    .. [1] https://github.com/facebookresearch/Mask2Former, mask2former/maskformer_model.py

    Examples
    --------
    >>> import numpy as np
    >>> from panomask.panoptic.fuse import mask2former_inference
    >>> mask_cls = np.array([[9, 0, 0], [0, 9, 0], [0, 9, 0], [0, 0, 9]], dtype=np.float32)
    >>> mask_pred = np.array([[[9, 9, -9, -9]], [[-9, -9, 9, -9]], [[-9, -9, -9, 9]], [[9, 9, 9, 9]]], dtype=np.float32)
    >>> mask2former_inference(mask_cls, mask_pred, thing_classes=[0])[0]
    array([[1, 1, 2, 2]], dtype=int32)
    """
    object_mask_threshold = as_number(object_mask_threshold, "object_mask_threshold")
    overlap_threshold = as_number(overlap_threshold, "overlap_threshold")
    things = _as_classes(thing_classes)
    class_logits = _as_floats(mask_cls, "mask_cls", 2)
    mask_logits = _as_floats(mask_pred, "mask_pred", 3)
    if len(class_logits) != len(mask_logits):
        raise ValueError(f"mask_cls has {len(class_logits)} queries, mask_pred {len(mask_logits)}")
    if class_logits.shape[1] == 0:
        raise ValueError(f"mask_cls has shape {class_logits.shape}, expected (n, number of classes + 1)")
    greatest = class_logits.max(axis=1, keepdims=True)
    for query in np.flatnonzero(~np.isfinite(greatest))[:1].tolist():
        raise ValueError(f"mask_cls[{query}]: the greatest logit is {greatest[query, 0]}, expected a finite number")
    exponentials = np.exp(class_logits - greatest)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    scores, classes = probabilities.max(axis=1), probabilities.argmax(axis=1)
    keep = np.flatnonzero((classes != class_logits.shape[1] - 1) & (scores > object_mask_threshold))

    size = mask_logits.shape[1:]
    owner = np.zeros(size, dtype=np.intp)  # index into keep
    is_inside = np.zeros(size, dtype=bool)  # of the owner's mask
    best = np.full(size, -np.inf, dtype=np.result_type(class_logits, mask_logits))
    own_areas = []
    for k, query in enumerate(keep):
        with np.errstate(over="ignore"):  # 1 / (1 + inf) is right
            probability = 1 / (1 + np.exp(-mask_logits[query]))
        is_foreground = probability >= 0.5
        own_areas.append(int(np.count_nonzero(is_foreground)))
        probability = probability.astype(best.dtype, copy=False)
        probability *= scores[query]
        is_better = probability > best
        np.copyto(owner, k, where=is_better)
        np.copyto(is_inside, is_foreground, where=is_better)
        np.maximum(best, probability, out=best)  # NaN stays
    if np.isnan(best).any():
        query = next(query for query in keep if np.isnan(mask_logits[query]).any())
        row, column = np.argwhere(np.isnan(mask_logits[query]))[0].tolist()
        raise ValueError(f"mask_pred[{query}, {row}, {column}] is NaN")

    won_areas = np.bincount(owner.ravel(), minlength=len(keep)).tolist()
    kept_areas = np.bincount(owner[is_inside], minlength=len(keep)).tolist()
    segments_info: list[dict[str, Any]] = []
    id_of_stuff: dict[int, int] = {}
    id_of_owner = np.zeros(max(len(keep), 1), dtype=np.int32)
    for k, category in enumerate(classes[keep].tolist()):
        if kept_areas[k] == 0 or won_areas[k] / own_areas[k] < overlap_threshold:
            continue
        if category in id_of_stuff:
            id_of_owner[k] = id_of_stuff[category]
            continue
        id_of_owner[k] = len(segments_info) + 1
        segments_info.append({"id": len(segments_info) + 1, "isthing": category in things, "category_id": category})
        if category not in things:
            id_of_stuff[category] = len(segments_info)
    return id_of_owner[owner] * is_inside, segments_info


# ---- checks ---------------------------------------------------------------------------------------------------------


def _as_semantic(semantic: ArrayLike) -> NDArray[Any]:
    labels = as_array(semantic, "semantic")
    if labels.ndim != 2:
        raise ValueError(f"semantic has shape {labels.shape}, expected (height, width)")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"semantic has dtype {labels.dtype}, expected integers")
    if labels.size > 0:
        for found in (int(labels.min()), int(labels.max())):
            if not 0 <= found <= _MOST_LABEL:
                raise ValueError(f"semantic has the label {found}, expected 0 to {_MOST_LABEL}")
    return labels.astype(np.intp)


def _as_masks(instance_masks: Any, height: int, width: int) -> RLEArray:
    if isinstance(instance_masks, RLEArray):
        masks = instance_masks
    else:
        array = as_array(instance_masks, "instance_masks")
        if array.size == 0 and len(array) == 0:
            return RLEArray.empty()
        if array.ndim != 3:
            raise ValueError(f"instance_masks has shape {array.shape}, expected (n, height, width)")
        if array.dtype.kind not in "biu":
            raise TypeError(f"instance_masks has dtype {array.dtype}, expected bool or integers")
        masks = RLEArray.from_dense(array)
    for i in np.flatnonzero((masks.sizes != (height, width)).any(axis=1))[:1].tolist():
        raise ValueError(
            f"instance_masks[{i}]: size is {masks.sizes[i, 0]} x {masks.sizes[i, 1]}, "
            f"but semantic is {height} x {width}"
        )
    return masks


def _as_instances(scores: ArrayLike, classes: ArrayLike, n: int) -> tuple[list[int], list[float], list[int]]:
    """Return the order in which instances go in, their scores and classes."""
    of_score = as_array(scores, "scores")
    of_class = as_array(classes, "classes")
    for name, values in (("scores", of_score), ("classes", of_class)):
        if values.shape != (n,):
            raise ValueError(f"{name} has shape {values.shape}, expected ({n},), one for each mask")
    if n > 0 and of_score.dtype.kind not in "fiu":
        raise TypeError(f"scores has dtype {of_score.dtype}, expected floats")
    if n > 0 and of_class.dtype.kind not in "iu":
        raise TypeError(f"classes has dtype {of_class.dtype}, expected integers")
    bad = np.flatnonzero(of_score != of_score)
    if len(bad) > 0:
        raise ValueError(f"scores[{bad[0]}] is NaN")
    values = of_score.astype(np.float64)  # exact, and can be negated
    return np.argsort(-values, kind="stable").tolist(), of_score.tolist(), of_class.tolist()


def _as_classes(thing_classes: Any) -> frozenset[int]:
    try:
        # as ints: a set does not find one among the elements of a tensor
        return frozenset(int(index(each)) for each in thing_classes)
    except TypeError:
        raise TypeError(f"thing_classes is {thing_classes!r:.80}, expected integers") from None


def _as_floats(values: ArrayLike, name: str, n_dimensions: int) -> NDArray[Any]:
    array = as_array(values, name)
    if array.ndim != n_dimensions:
        raise ValueError(f"{name} has shape {array.shape}, expected {n_dimensions} dimensions")
    if array.dtype.kind != "f":
        raise TypeError(f"{name} has dtype {array.dtype}, expected floats")
    return array.astype(np.float32) if array.dtype.itemsize < 4 else array
