"""The two sides of an image that are compared, in whatever form they come -> their joint histogram."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panomask._check import as_array
from panomask._check import as_integers as as_integer_array
from panomask.panoptic._matching import KEY_BITS, VOID, Boundaries, Pairs
from panomask.panoptic._records import Integers
from panomask.panoptic.ids import rgb2id
from panomask.panoptic.labels import joint_histogram, paint
from panomask.panoptic.png import RGBRows, joint_histogram_of_pngs, open_rgb
from panomask.rle import RLEArray

__all__ = ["boundary_distance", "count_boundaries", "count_labels", "count_pairs", "merged", "pixel_keys"]

_MOST = 2**63 - 1  # the largest id


# ---- maps of segment ids --------------------------------------------------------------------------------------------


def count_pairs(gt: Any, pred: Any, gt_ids: Integers, pred_ids: Integers, where: str) -> Pairs:
    """Count the pixels of each pair of ids of two sides: maps, colours, files, or a mask for each listed id."""
    sides = [_as_side(gt, gt_ids, f"{where}gt"), _as_side(pred, pred_ids, f"{where}pred")]
    _check_sizes(sides, where)
    if all(isinstance(side, RLEArray) for side in sides):
        return _count_masks(sides[0], sides[1], gt_ids, pred_ids)
    if all(isinstance(side, RGBRows) for side in sides):
        return Pairs(*joint_histogram_of_pngs(*sides))
    maps = _as_maps(sides, (gt_ids, pred_ids))
    counted = joint_histogram(*maps, rgb=(maps[0].ndim == 3, maps[1].ndim == 3))
    for ids, name in zip(counted, ("gt", "pred"), strict=False):
        _check_ids(ids, f"{where}{name}")
    return Pairs(*(each.astype(np.int64) for each in counted))


def _as_side(side: Any, ids: Integers, name: str) -> Any:
    """Return an array (h, w) of ids or (h, w, 3) of colours, rows of a PNG, or an RLEArray with a mask for each id."""
    if isinstance(side, str | os.PathLike):
        return open_rgb(side)
    if isinstance(side, list | tuple) and all(isinstance(each, Mapping) for each in side) and (side or not len(ids)):
        side = _named(RLEArray.from_coco, side, name)
    if isinstance(side, RLEArray):
        if len(side) != len(ids):
            raise ValueError(f"{name} has {len(side)} masks, but its list {len(ids)} segments")
        covered = _named(RLEArray.union, side, name)
        if int(covered.area.sum()) != int(side.area.sum()):
            raise ValueError(
                f"{name}: masks overlap in {int(side.area.sum()) - int(covered.area.sum())} pixels, "
                "expected segments that have none in common"
            )
        return side
    array = as_array(side, name)
    if array.ndim == 3 and array.shape[2] == 3:
        if array.dtype != np.uint8:
            raise TypeError(f"{name} has dtype {array.dtype}, expected uint8 for colours (h, w, 3)")
    elif array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}, expected (h, w) of ids or (h, w, 3) of colours")
    elif array.dtype.kind not in "biu":
        raise TypeError(f"{name} has dtype {array.dtype}, expected integers")
    return array


def _named(read: Callable[[Any], RLEArray], masks: Any, name: str) -> RLEArray:
    """Do something with masks whose errors do not tell of which image and side they are."""
    try:
        return read(masks)
    except (ValueError, OverflowError, TypeError) as error:
        error.args = (f"{name}: {error}", *error.args[1:])
        raise


def _check_ids(ids: NDArray[Any], name: str) -> None:
    """Refuse ids that are below void, which detectron2 has as -1, and such as int64 has not."""
    bad = ids[ids < 0] if ids.dtype.kind == "i" else ids[ids > _MOST] if ids.dtype.itemsize == 8 else ids[:0]
    if bad.size:
        raise ValueError(f"{name} has id {bad.flat[0]}, expected 0 for void to {_MOST}")


def _check_sizes(sides: list[Any], where: str) -> None:
    gt, pred = map(_size, sides)
    if gt is not None and pred is not None and gt != pred:
        raise ValueError(f"{where}gt is {gt[0]} x {gt[1]} pixels, but pred {pred[0]} x {pred[1]}")


def _size(side: Any) -> tuple[int, int] | None:
    """Height and width; None for a batch of no masks, which has none."""
    if isinstance(side, RLEArray):
        return (int(side.sizes[0, 0]), int(side.sizes[0, 1])) if len(side) else None
    return (side.height, side.width) if isinstance(side, RGBRows) else side.shape[:2]


def _as_maps(sides: list[Any], ids: tuple[Integers, Integers]) -> list[NDArray[Any]]:
    """Return two maps of one size: files are read to the end, masks painted."""
    size = _size(sides[0]) or _size(sides[1]) or (0, 0)
    maps = []
    for side, each in zip(sides, ids, strict=True):
        if isinstance(side, RLEArray):
            maps.append(paint(side, each, shape=size))
        else:
            maps.append(side.ids() if isinstance(side, RGBRows) else side)
    return maps


def _count_masks(gt: RLEArray, pred: RLEArray, gt_ids: Integers, pred_ids: Integers) -> Pairs:
    """Do it on runs: what a mask shares with no mask of the other side lies in its void."""
    shared = gt.intersection_area(pred).astype(np.int64)
    alone_gt = gt.area.astype(np.int64) - shared.sum(axis=1)
    alone_pred = pred.area.astype(np.int64) - shared.sum(axis=0)
    i, j = np.nonzero(shared)
    return merged(
        np.concatenate([gt_ids[i], gt_ids, np.full(len(pred_ids), VOID)]),
        np.concatenate([pred_ids[j], np.full(len(gt_ids), VOID), pred_ids]),
        np.concatenate([shared[i, j], alone_gt, alone_pred]),
    )


def merged(gt: Integers, pred: Integers, pixels: Integers) -> Pairs:
    """Return each pair once, ascending, with all its pixels, of which there are some."""
    some = pixels > 0
    gt, pred, pixels = gt[some], pred[some], pixels[some]
    order = np.lexsort((pred, gt))
    gt, pred, pixels = gt[order], pred[order], pixels[order]
    if len(gt) == 0:
        return Pairs(gt, pred, pixels)
    starts = np.flatnonzero(np.r_[True, (gt[1:] != gt[:-1]) | (pred[1:] != pred[:-1])])
    return Pairs(gt[starts], pred[starts], np.add.reduceat(pixels, starts))


# ---- boundaries -----------------------------------------------------------------------------------------------------


def boundary_distance(height: int, width: int, ratio: float) -> int:
    """Width of the boundary in pixels: `ratio` of the diagonal, to the nearest, halves to even, at least 1.

    As ``boundary_iou/utils/boundary_utils.py``.
    """
    return max(1, round(ratio * math.sqrt(height**2 + width**2)))


def count_boundaries(
    gt: Any, pred: Any, gt_ids: Integers, pred_ids: Integers, ratio: float, interior: int, where: str
) -> tuple[Pairs, Boundaries]:
    """Count pairs in the maps, and in copies of which only the boundaries of listed segments are left.

    `interior` is the id of what is not left. Boundary-iou-api takes the one after the largest category, and takes the
    segments one after the other: should one of them have that very id, it is mixed up with the insides of others.
    """
    sides = [_as_side(gt, gt_ids, f"{where}gt"), _as_side(pred, pred_ids, f"{where}pred")]
    _check_sizes(sides, where)
    maps = []
    for label_map, name in zip(_as_maps(sides, (gt_ids, pred_ids)), ("gt", "pred"), strict=True):
        _check_ids(label_map, f"{where}{name}")
        maps.append((rgb2id(label_map) if label_map.ndim == 3 else label_map).astype(np.int64))
    distance = boundary_distance(maps[0].shape[0], maps[0].shape[1], ratio)
    edges = []
    areas = []
    for label_map, ids in zip(maps, (gt_ids, pred_ids), strict=True):
        inside = _inside(label_map, distance)
        edge = label_map.copy()
        area = np.zeros(len(ids), np.int64)
        if interior in ids:
            for row, each in enumerate(ids):
                mask = edge == each
                mask_inside = mask & _inside(mask, distance)
                edge[mask_inside] = interior
                area[row] = np.count_nonzero(mask) - np.count_nonzero(mask_inside)
        else:
            edge[inside & np.isin(label_map, ids)] = interior
            left, pixels = np.unique(edge, return_counts=True)
            pixels_left = dict(zip(left.tolist(), pixels.tolist(), strict=True))
            area[:] = [pixels_left.get(each, 0) for each in ids.tolist()]
        edges.append(edge)
        areas.append(area)
    both = [Pairs(*(each.astype(np.int64) for each in joint_histogram(*two))) for two in (maps, edges)]
    return both[0], Boundaries(both[1], areas[0], areas[1])


def _inside(label_map: NDArray[Any], distance: int) -> NDArray[np.bool_]:
    """Where the square of pixels up to `distance` away lies in the map and has one id.

    Runs of equal neighbours are counted by cumulated sums, along rows and then along columns, so that the cost does not
    depend on the distance.
    """
    height, width = label_map.shape
    inside = np.zeros((height, width), np.bool_)
    side = 2 * distance
    if height <= side or width <= side:
        return inside
    changes = np.zeros((height, width), np.int32)
    np.cumsum(label_map[:, 1:] != label_map[:, :-1], axis=1, out=changes[:, 1:])
    mixed_row = changes[:, side:] != changes[:, :-side]  # of the pixels distance .. width - 1 - distance
    centre = label_map[:, distance : width - distance]
    breaks = np.zeros((height + 1, width - side), np.int32)
    breaks[1:] = mixed_row
    breaks[1:-1] += centre[1:] != centre[:-1]  # between row r and r + 1, with what is wrong in row r
    np.cumsum(breaks, axis=0, out=breaks)
    # rows r - d .. r + d: none mixed, and no change between them
    last_mixed = mixed_row[side:]
    whole = (breaks[side:height] == breaks[: height - side]) & ~last_mixed
    inside[distance : height - distance, distance : width - distance] = whole
    return inside


# ---- maps of categories and instances -------------------------------------------------------------------------------


def pixel_keys(side: Any, name: str) -> NDArray[np.int64]:
    """Return category << KEY_BITS | instance of each pixel, for an array (..., 2) of both or a tuple of two arrays."""
    if isinstance(side, tuple) and len(side) == 2:
        category, instance = as_integer_array(side[0], f"{name}[0]"), as_integer_array(side[1], f"{name}[1]")
    else:
        both = as_integer_array(side, name)
        if both.ndim < 2 or both.shape[-1] != 2:
            raise ValueError(f"{name} has shape {both.shape}, expected (..., 2): a category and an instance a pixel")
        category, instance = both[..., 0], both[..., 1]
    if category.shape != instance.shape:
        raise ValueError(f"{name} has categories of shape {category.shape}, but instances of {instance.shape}")
    for values, what, low, high in (
        (category, "category", -(2**30), 2**30),
        (instance, "instance", 0, 2**KEY_BITS - 1),
    ):
        if values.size and (values.min() < low or values.max() > high):
            bad = values.min() if values.min() < low else values.max()
            raise ValueError(f"{name} has {what} {bad}, expected {low} to {high}")
    keys: NDArray[np.int64] = (category.astype(np.int64) << KEY_BITS) | instance.astype(np.int64)
    return keys


def count_labels(gt: NDArray[Any], pred: NDArray[Any], where: str) -> Pairs:
    """Count the pixels of each pair of labels of two arrays of one shape."""
    if gt.shape != pred.shape:
        raise ValueError(f"{where}gt has shape {gt.shape}, but pred {pred.shape}")
    a, b, pixels = joint_histogram(gt, pred)
    for labels, name in ((a, "gt"), (b, "pred")):
        if labels.dtype == np.uint64 and labels.size and labels.max() > _MOST:
            raise ValueError(f"{where}{name} has label {labels.max()}, expected at most {_MOST}")
    return Pairs(a.astype(np.int64), b.astype(np.int64), pixels.astype(np.int64))
