"""Slow, obvious definitions of panoptic and semantic quality; each quotes the evaluator whose rule it is.

Nothing here imports panomask. Maps are two-dimensional arrays; a segment is a Python value, its pixels a set of
positions.
"""

from __future__ import annotations

import functools
import math
import operator
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = dict[str, Any]
Stat = dict[str, Any]


def pixels_of(label_map: NDArray[Any]) -> dict[int, set[int]]:
    """Return the positions of each id."""
    found: dict[int, set[int]] = defaultdict(set)
    for position, each in enumerate(np.asarray(label_map).ravel().tolist()):
        found[each].add(position)
    return found


def boundary(mask: set[int], height: int, width: int, distance: int) -> set[int]:
    """Pixels of a mask whose square of that distance does not lie in the mask: boundary_iou's ``mask_to_boundary``."""
    left = set()
    for position in mask:
        row, column = divmod(position, width)
        for r in range(row - distance, row + distance + 1):
            for c in range(column - distance, column + distance + 1):
                if not (0 <= r < height and 0 <= c < width) or r * width + c not in mask:
                    left.add(position)
    return left


def boundary_map(
    label_map: NDArray[Any], segments: Iterable[int], ratio: float, inside: int
) -> tuple[list[int], dict[int, int]]:
    """Leave the boundary of one segment after the other, and set what is inside to one id: boundary-iou-api, PQ."""
    height, width = label_map.shape
    distance = max(1, round(ratio * math.sqrt(height * height + width * width)))
    left = label_map.ravel().tolist()
    areas = {}
    for each in segments:
        mask = {position for position, label in enumerate(left) if label == each}
        edge = boundary(mask, height, width, distance)
        for position in mask - edge:
            left[position] = inside
        areas[each] = len(edge)
    return left, areas


# ---- panopticapi, Cityscapes, boundary-iou-api ----------------------------------------------------------------------


def coco_stats(images: Iterable[Image], category_ids: Sequence[int], ratio: float = 0.0) -> dict[int, Stat]:
    """``pq_compute_single_core`` of panopticapi's ``evaluation.py``; with a ratio boundary-iou-api's."""
    stats: dict[int, Stat] = {c: {"iou": 0.0, "tp": 0, "fp": 0, "fn": 0} for c in category_ids}
    for image in images:
        gt, pred = pixels_of(image["gt"]), pixels_of(image["pred"])
        gt_segments = {s["id"]: s for s in image["gt_segments"]}
        pred_segments = {s["id"]: s for s in image["pred_segments"]}
        void = gt.get(0, set())
        if ratio:
            inside = max(category_ids) + 1
            edges_gt, edge_areas_gt = boundary_map(image["gt"], gt_segments, ratio, inside)
            edges_pred, edge_areas_pred = boundary_map(image["pred"], pred_segments, ratio, inside)
        matched_gt, matched_pred = set(), set()
        for g in sorted(gt_segments):
            for p in sorted(pred_segments):
                one, other = gt_segments[g], pred_segments[p]
                inter = len(gt.get(g, set()) & pred[p])
                if inter == 0 or one.get("iscrowd", 0) == 1 or one["category_id"] != other["category_id"]:
                    continue
                area = one.get("area", len(gt.get(g, set())))
                iou = inter / (len(pred[p]) + area - inter - len(pred[p] & void))
                if ratio:
                    shared = sum(a == g and b == p for a, b in zip(edges_gt, edges_pred, strict=True))
                    in_void = sum(a == 0 and b == p for a, b in zip(edges_gt, edges_pred, strict=True))
                    union = edge_areas_pred[p] + edge_areas_gt[g] - shared - in_void
                    iou = min(iou, shared / union if union else math.inf)
                if iou > 0.5:
                    stats[one["category_id"]]["iou"] += iou
                    stats[one["category_id"]]["tp"] += 1
                    matched_gt.add(g)
                    matched_pred.add(p)
        crowd = {}
        for g, segment in gt_segments.items():
            if segment.get("iscrowd", 0) == 1:
                crowd[segment["category_id"]] = g
            elif g not in matched_gt:
                stats[segment["category_id"]]["fn"] += 1
        for p, segment in pred_segments.items():
            forgiven = len(pred[p] & void)
            if segment["category_id"] in crowd:
                forgiven += len(pred[p] & gt.get(crowd[segment["category_id"]], set()))
            if p not in matched_pred and not forgiven / len(pred[p]) > 0.5:
                stats[segment["category_id"]]["fp"] += 1
    return stats


def coco_average(stats: dict[int, Stat], chosen: Iterable[int]) -> dict[str, Any]:
    """``PQStat.pq_average``, NaN where it divides by zero."""
    pq = sq = rq = 0.0
    n = 0
    for c in chosen:
        iou, tp, fp, fn = (stats[c][name] for name in ("iou", "tp", "fp", "fn"))
        if tp + fp + fn == 0:
            continue
        n += 1
        pq += iou / (tp + 0.5 * fp + 0.5 * fn)
        sq += iou / tp if tp else 0
        rq += tp / (tp + 0.5 * fp + 0.5 * fn)
    return {"pq": pq / n if n else math.nan, "sq": sq / n if n else math.nan, "rq": rq / n if n else math.nan, "n": n}


# ---- torchmetrics ---------------------------------------------------------------------------------------------------


def torchmetrics_stats(
    samples: Iterable[Image], things: Sequence[int], stuffs: Sequence[int], modified: bool
) -> dict[int, Stat]:
    """``functional/detection/_panoptic_quality_common.py``: void on both sides, float32 IoU."""
    stats: dict[int, Stat] = {c: {"iou": 0.0, "tp": 0, "fp": 0, "fn": 0} for c in [*things, *stuffs]}
    for sample in samples:
        sides = []
        for side in ("gt", "pred"):
            found: dict[Any, set[int]] = defaultdict(set)
            for position, (category, instance) in enumerate(sample[side].reshape(-1, 2).tolist()):
                if category in stats:
                    found[category, instance if category in things else 0].add(position)
                else:
                    found[None].add(position)
            sides.append(found)
        gt, pred = sides
        gt_void, pred_void = gt.pop(None, set()), pred.pop(None, set())
        sums = dict.fromkeys(stats, 0.0)
        matched_gt, matched_pred = set(), set()
        for p in sorted(pred):
            for g in sorted(gt):
                inter = len(gt[g] & pred[p])
                if inter == 0 or g[0] != p[0]:
                    continue
                union = len(pred[p] - gt_void) + len(gt[g] - pred_void) - inter
                iou = np.float32(inter) / np.float32(union)
                if modified and g[0] in stuffs:
                    sums[g[0]] += float(iou)
                elif iou > 0.5:
                    sums[g[0]] += float(iou)
                    stats[g[0]]["tp"] += 1
                    matched_gt.add(g)
                    matched_pred.add(p)
        for g, pixels in gt.items():
            if modified and g[0] in stuffs:
                stats[g[0]]["tp"] += 1
            elif g not in matched_gt and len(pixels & pred_void) / len(pixels) <= 0.5:
                stats[g[0]]["fn"] += 1
        for p, pixels in pred.items():
            if not (modified and p[0] in stuffs) and p not in matched_pred:
                stats[p[0]]["fp"] += len(pixels & gt_void) / len(pixels) <= 0.5
        for c in stats:
            stats[c]["iou"] += sums[c]
    return stats


def torchmetrics_values(stat: Stat) -> tuple[float, float, float]:
    """Return pq, sq, rq of a class as ``_panoptic_quality_compute`` does: rq is of float32."""
    half = np.float32(0.5)
    whole = np.float32(stat["tp"]) + half * np.float32(stat["fp"]) + half * np.float32(stat["fn"])
    sq = stat["iou"] / stat["tp"] if stat["tp"] else 0.0
    rq = float(np.float32(stat["tp"]) / whole) if whole > 0 else 0.0
    return sq * rq, sq, rq


# ---- SemanticKITTI, nuScenes ----------------------------------------------------------------------------------------


def pairwise_sum(values: Sequence[float]) -> float:
    """NumPy's sum of a contiguous array, as its ``loops_utils.h.src`` describes it."""
    n = len(values)
    if n < 8:
        total = -0.0
        for each in values:
            total += each
        return total
    if n <= 128:
        lanes = list(values[:8])
        whole = n - n % 8
        for at in range(8, whole, 8):
            lanes = [lane + each for lane, each in zip(lanes, values[at : at + 8], strict=True)]
        total = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
        for each in values[whole:]:
            total += each
        return total
    half = n // 2 - n // 2 % 8
    return pairwise_sum(values[:half]) + pairwise_sum(values[half:])


def points_stats(
    scans: Iterable[Image], classes: Sequence[int], ignore: Sequence[int], min_points: int
) -> dict[int, Stat]:
    """``addBatchPanoptic`` and ``addBatchSemIoU`` of semantic-kitti-api's ``eval_np.py``."""
    stats: dict[int, Stat] = {
        c: {"iou": 0.0, "tp": 0, "fp": 0, "fn": 0, "i": 0, "u_gt": 0, "u_pred": 0} for c in classes
    }
    for scan in scans:
        gt_class, gt_id = (x.tolist() for x in scan["gt"])
        pred_class, pred_id = (x.tolist() for x in scan["pred"])
        for g, p in zip(gt_class, pred_class, strict=True):
            if g in ignore:
                continue  # the column is zeroed before the sums
            stats[g]["u_gt"] += 1
            if p in stats:
                stats[p]["u_pred"] += 1
                stats[p]["i"] += g == p
        for c in classes:
            gt: dict[int, set[int]] = defaultdict(set)
            pred: dict[int, set[int]] = defaultdict(set)
            for i in range(len(gt_class)):
                if gt_class[i] in ignore:
                    continue
                if gt_class[i] == c:
                    gt[gt_id[i]].add(i)
                if pred_class[i] == c:
                    pred[pred_id[i]].add(i)
            ious = []
            matched_gt, matched_pred = set(), set()
            for g in sorted(gt):
                for p in sorted(pred):
                    iou = len(gt[g] & pred[p]) / len(gt[g] | pred[p])
                    if iou > 0.5:
                        ious.append(iou)
                        matched_gt.add(g)
                        matched_pred.add(p)
            stats[c]["iou"] += pairwise_sum(ious)
            stats[c]["tp"] += len(ious)
            stats[c]["fn"] += sum(len(gt[g]) >= min_points for g in gt if g not in matched_gt)
            stats[c]["fp"] += sum(len(pred[p]) >= min_points for p in pred if p not in matched_pred)
    return stats


def points_values(stat: Stat) -> tuple[float, float, float, float]:
    """Return pq, sq, rq and semantic IoU of a class: ``getPQ`` and ``getSemIoU``."""
    sq = stat["iou"] / max(stat["tp"], 1e-15)
    rq = stat["tp"] / max(stat["tp"] + 0.5 * stat["fp"] + 0.5 * stat["fn"], 1e-15)
    return sq * rq, sq, rq, stat["i"] / max(stat["u_gt"] + stat["u_pred"] - stat["i"], 1e-15)


def pairwise_mean(values: Sequence[float]) -> float:
    """NumPy's mean."""
    return pairwise_sum(values) / len(values) if values else math.nan


# ---- videos ---------------------------------------------------------------------------------------------------------


def window_image(frames: Sequence[Image]) -> Image:
    """Frames of a window as one tall image, as mcahny/vps's ``tools/eval_vpq.py`` stacks them."""
    image: Image = {side: np.concatenate([frame[side] for frame in frames]) for side in ("gt", "pred")}
    for side in ("gt_segments", "pred_segments"):
        segments: dict[int, Any] = {}
        for frame in frames:
            for segment in frame[side]:
                if segment["id"] not in segments:
                    segments[segment["id"]] = dict(segment)
                elif side == "gt_segments":
                    segments[segment["id"]]["area"] += segment["area"]
        image[side] = list(segments.values())
    return image


def vpq_stats(videos: Iterable[Sequence[Image]], category_ids: Sequence[int], n: int) -> dict[int, Stat]:
    """All windows of n frames, one video after the other."""
    windows = [window_image(video[k : k + n]) for video in videos for k in range(len(video) - n + 1)]
    return coco_stats(windows, category_ids)


def stq(
    sequences: Iterable[Sequence[Image]], n_classes: int, things: Sequence[int], ignore: int, real: Any
) -> tuple[float, ...]:
    """STQ, AQ and mIoU: deeplab2's ``evaluation/numpy/segmentation_and_tracking_quality.py``.

    Tubes come in the order of their first frames, those of one frame by their ids; sizes are `real` numbers. NumPy
    adds what is left of each sequence up in that precision too, but in float64 where a sequence without tubes is 0.0.
    """
    confusion = [[0] * (n_classes + 1) for _ in range(n_classes + 1)]
    tubes = 0
    outer: list[Any] = []
    for sequence in sequences:
        gt_tubes: dict[Any, set[Any]] = {}
        pred_tubes: dict[Any, set[Any]] = {}
        for t, frame in enumerate(sequence):
            gt = [tuple(each) for each in frame["gt"].reshape(-1, 2).tolist()]
            pred = [tuple(each) for each in frame["pred"].reshape(-1, 2).tolist()]
            for g, p in zip(gt, pred, strict=True):
                confusion[min(g[0], n_classes)][min(p[0], n_classes)] += 1
            crowd = {i for i, g in enumerate(gt) if g[0] in things and g[1] == 0}
            for side, found in ((gt, gt_tubes), (pred, pred_tubes)):
                for each in sorted(set(side)):
                    pixels = {(t, i) for i, label in enumerate(side) if label == each and i not in crowd}
                    if each[0] in things and pixels:
                        found.setdefault(each, set()).update(pixels)
        tubes += len(gt_tubes)
        total = real(0)
        for g in gt_tubes.values():
            inner = real(0)
            for p in pred_tubes.values():
                tpa, gt_size, pred_size = real(len(g & p)), real(len(g)), real(len(p))
                inner += tpa * (tpa / (tpa + (pred_size - tpa) + (gt_size - tpa)))
            total += real(1) / real(len(g)) * inner
        outer.append(total if gt_tubes else 0.0)
    confusion[min(ignore, n_classes)] = [0] * (n_classes + 1)
    ious = []
    for c in range(n_classes + 1):
        union = sum(confusion[c]) + sum(row[c] for row in confusion) - confusion[c][c]
        if union:
            ious.append(confusion[c][c] / union)
    whole = real if all(isinstance(each, real) for each in outer) else np.float64
    aq = float(functools.reduce(operator.add, map(whole, outer))) / tubes
    miou = functools.reduce(operator.add, ious) / len(ious)  # sum is exact from Python 3.12 on
    return math.sqrt(aq * miou), aq, miou


# ---- semantic IoU ---------------------------------------------------------------------------------------------------


def mmseg_iou(images: Iterable[Image], n: int, ignore: int) -> tuple[list[Any], Any]:
    """``IoUMetric`` of mmseg: float32 sums of the counts of each image; the classes' IoU and their mean."""
    shared, union = [np.float32(0)] * n, [np.float32(0)] * n
    for image in images:
        pixels = zip(image["gt"].ravel().tolist(), image["pred"].ravel().tolist(), strict=True)
        kept = [(g, p) for g, p in pixels if g != ignore]
        for c in range(n):
            i = np.float32(sum(g == p == c for g, p in kept))
            shared[c] += i
            union[c] += np.float32(sum(p == c for _, p in kept)) + np.float32(sum(g == c for g, _ in kept)) - i
    ious = [i / u if u else np.float32("nan") for i, u in zip(shared, union, strict=True)]
    some = [np.float32(0) if math.isnan(iou) else iou for iou in ious]
    total = np.array(some, np.float32).sum()
    return ious, total / np.float32(sum(not math.isnan(iou) for iou in ious))


def cityscapes_iou(images: Iterable[Image], n: int, ignore: Sequence[int]) -> tuple[list[float], float]:
    """``getIouScoreForLabel`` of cityscapesScripts' ``evalPixelLevelSemanticLabeling.py``."""
    tp, fp, fn = [0] * n, [0] * n, [0] * n
    for image in images:
        for g, p in zip(image["gt"].ravel().tolist(), image["pred"].ravel().tolist(), strict=True):
            if g in ignore:
                continue
            if g == p:
                tp[g] += 1
            else:
                fn[g] += 1
                fp[p] += 1
    ious = []
    total, classes = 0.0, 0
    for c in range(n):
        if c in ignore or tp[c] + fp[c] + fn[c] == 0:
            ious.append(math.nan)
            continue
        ious.append(tp[c] / (tp[c] + fp[c] + fn[c]))
        total += ious[-1]
        classes += 1
    return ious, total / classes


def torchmetrics_iou(images: Iterable[Image], n: int, ignore: int | None) -> tuple[list[Any], Any]:
    """``MulticlassJaccardIndex`` of torchmetrics, macro: float32, 0 for classes without pixels."""
    shared, union = [0] * n, [0] * n
    for image in images:
        for g, p in zip(image["gt"].ravel().tolist(), image["pred"].ravel().tolist(), strict=True):
            if g == ignore:
                continue
            shared[g] += g == p
            for c in {g, p}:
                union[c] += 1
    ious = [np.float32(i) / np.float32(u) if u else np.float32(0) for i, u in zip(shared, union, strict=True)]
    weights = np.array([union[c] > 0 and c != ignore for c in range(n)], np.float32)
    return ious, (weights * np.array(ious, np.float32) / weights.sum()).sum()
