"""Benchmarks of panoptic quality: one image, from the forms that it comes in, beside the same in numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from panomask import RLEArray
from panomask.panoptic.quality import PanopticQuality

CATEGORIES = [{"id": i, "isthing": int(i < 80)} for i in range(133)]
HEIGHT, WIDTH, SEGMENTS = 480, 640, 20


class Pair(NamedTuple):
    """Ground truth and prediction of one image."""

    gt: NDArray[np.uint32]
    pred: NDArray[np.uint32]
    gt_segments: list[dict[str, int]]
    pred_segments: list[dict[str, int]]


def make_pair() -> Pair:
    """Cells around random points with ragged borders, and the same shifted: some 20 segments and 100 pairs."""
    rng = np.random.default_rng(0)
    points = rng.random((SEGMENTS, 2)) * (HEIGHT, WIDTH)
    places = np.stack(np.mgrid[:HEIGHT, :WIDTH], axis=-1) + rng.normal(0, 1, (HEIGHT, WIDTH, 2)).cumsum(axis=1) * 0.3
    cells = ((places[:, :, np.newaxis] - points) ** 2).sum(axis=-1).argmin(axis=-1)
    ids = rng.integers(1, 2**24, SEGMENTS + 1, dtype=np.uint32)
    ids[0] = 0
    gt = ids[:-1][cells]
    pred = np.roll(gt, (5, 7), (0, 1))
    category = {each: i for i, each in enumerate(ids.tolist())}
    segments = [
        [
            {"id": each, "category_id": category[each], "iscrowd": 0, "area": int((label_map == each).sum())}
            for each in np.unique(label_map).tolist()
            if each
        ]
        for label_map in (gt, pred)
    ]
    return Pair(gt, pred, segments[0], segments[1])


PAIR = make_pair()


def colours(label_map: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return np.stack([label_map >> shift & 255 for shift in (0, 8, 16)], axis=-1).astype(np.uint8)


def masks(label_map: NDArray[np.uint32], segments: list[dict[str, int]]) -> RLEArray:
    return RLEArray.from_dense(np.array([label_map == segment["id"] for segment in segments]))


def by_numpy(pair: Pair) -> NDArray[np.float64]:
    """Return the IoUs of matches, as one writes it in numpy: ids of both in one integer, distinct ones counted."""
    values, counts = np.unique(pair.gt.astype(np.uint64) << 24 | pair.pred, return_counts=True)
    gt, pred = values >> 24, values & 0xFFFFFF
    area_gt, area_pred = (dict(zip(*np.unique(x, return_counts=True), strict=True)) for x in (pair.gt, pair.pred))
    category_gt, category_pred = ({s["id"]: s["category_id"] for s in each} for each in pair[2:])
    void = {p: n for g, p, n in zip(gt.tolist(), pred.tolist(), counts.tolist(), strict=True) if g == 0}
    ious = []
    for g, p, n in zip(gt.tolist(), pred.tolist(), counts.tolist(), strict=True):
        if g in category_gt and p in category_pred and category_gt[g] == category_pred[p]:
            iou = n / (area_gt[g] + area_pred[p] - n - void.get(p, 0))
            if iou > 0.5:
                ious.append(iou)
    return np.array(ious)


def by_panomask(gt: Any, pred: Any) -> NDArray[np.float64]:
    quality = PanopticQuality(CATEGORIES)
    quality.update(gt, pred, PAIR.gt_segments, PAIR.pred_segments)
    return quality.compute().iou


FORMS: dict[str, Callable[[], tuple[Any, Any]]] = {
    "maps": lambda: (PAIR.gt, PAIR.pred),
    "colours": lambda: (colours(PAIR.gt), colours(PAIR.pred)),
    "runs": lambda: (masks(PAIR.gt, PAIR.gt_segments), masks(PAIR.pred, PAIR.pred_segments)),
}


@pytest.mark.parametrize("form", FORMS)
def test_pq_of_an_image(benchmark: Any, form: str) -> None:
    gt, pred = FORMS[form]()
    benchmark.group = f"PQ of an image, {HEIGHT} x {WIDTH}"
    iou = benchmark(by_panomask, gt, pred)
    assert sorted(iou[iou > 0]) == sorted(by_numpy(PAIR))


def test_pq_of_an_image_in_numpy(benchmark: Any) -> None:
    benchmark.group = f"PQ of an image, {HEIGHT} x {WIDTH}"
    assert len(benchmark(by_numpy, PAIR)) > 0
