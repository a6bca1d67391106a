"""A data set's worth of masks in two batches: the annotations and detections of many images, ordered by image.

    PANOMASK_DATA=folder pytest benchmarks/ -k data_set
    PANOMASK_DATA=folder python benchmarks/data_set.py      what is in it, and the time of the whole

The folder has coco/instances_val2014_100.json and coco/instances_val2014_fakesegm100_results.json, the 100 images of
COCO's own demonstration. Fifty times these are 5 000 images with 41 950 annotations and 36 700 detections, about COCO's
val2017. Without the folder the images are those that `panomask.bench` draws.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panomask import RLEArray
from panomask.bench.adapters import via_panomask
from panomask.bench.scenes import coco_like_scenes
from panomask.overlap import iou_grouped

REPEAT = 50
ANNOTATIONS = "coco/instances_val2014_100.json"
DETECTIONS = "coco/instances_val2014_fakesegm100_results.json"


@dataclass(frozen=True, eq=False)
class DataSet:
    """Masks by image: image i has dt[dt_offsets[i]:dt_offsets[i + 1]] and gt[gt_offsets[i]:gt_offsets[i + 1]]."""

    dt: RLEArray
    gt: RLEArray
    dt_offsets: NDArray[np.int64]
    gt_offsets: NDArray[np.int64]
    iscrowd: NDArray[np.uint8]
    scores: NDArray[np.float64]  # of dt
    dt_categories: NDArray[np.int64]
    gt_categories: NDArray[np.int64]

    @property
    def dt_classes(self) -> NDArray[np.int64]:
        """Give the detections of each image and category a number."""
        images = np.repeat(np.arange(len(self.dt_offsets) - 1), np.diff(self.dt_offsets))
        return images * (self.dt_categories.max() + 1) + self.dt_categories


@dataclass(frozen=True, eq=False)
class _Image:
    dt: RLEArray
    gt: RLEArray
    iscrowd: list[int]
    scores: list[float]
    dt_categories: list[int]
    gt_categories: list[int]


@lru_cache
def make_data_set(repeat: int = REPEAT) -> DataSet:
    """Repeat the images so often."""
    folder = os.environ.get("PANOMASK_DATA")
    images = (_read(Path(folder)) if folder else _draw()) * repeat
    return DataSet(
        RLEArray.concatenate([image.dt for image in images]),
        RLEArray.concatenate([image.gt for image in images]),
        np.cumsum([0, *(len(image.dt) for image in images)]),
        np.cumsum([0, *(len(image.gt) for image in images)]),
        np.concatenate([image.iscrowd for image in images]).astype(np.uint8),
        np.concatenate([image.scores for image in images]),
        np.concatenate([image.dt_categories for image in images]).astype(np.int64),
        np.concatenate([image.gt_categories for image in images]).astype(np.int64),
    )


def _read(folder: Path) -> list[_Image]:
    annotations = json.loads((folder / ANNOTATIONS).read_bytes())
    gt, dt = defaultdict(list), defaultdict(list)
    for each in annotations["annotations"]:
        gt[each["image_id"]].append(each)
    for each in json.loads((folder / DETECTIONS).read_bytes()):
        dt[each["image_id"]].append(each)
    return [
        _Image(
            RLEArray.from_coco([each["segmentation"] for each in dt[image["id"]]]),
            RLEArray.concatenate([_mask(each["segmentation"], image) for each in gt[image["id"]]]),
            [each["iscrowd"] for each in gt[image["id"]]],
            [each["score"] for each in dt[image["id"]]],
            [each["category_id"] for each in dt[image["id"]]],
            [each["category_id"] for each in gt[image["id"]]],
        )
        for image in annotations["images"]
    ]


def _mask(segmentation: Any, image: dict[str, Any]) -> RLEArray:
    if isinstance(segmentation, list):
        return RLEArray.from_polygons([segmentation], image["height"], image["width"])
    return RLEArray.from_coco(segmentation)


def _draw() -> list[_Image]:
    rng = np.random.default_rng(0)
    images = []
    for scene in coco_like_scenes(rng, masks=839):
        n = len(scene.gt)
        categories = rng.integers(0, 3, n).tolist()
        dt, gt = via_panomask.hold_masks(scene.dt), via_panomask.hold_masks(scene.gt)
        images.append(_Image(dt, gt, scene.iscrowd.tolist(), rng.random(n).tolist(), categories, categories))
    return images


def main() -> None:
    """Print how long the IoU of all pairs of every image takes."""
    data = make_data_set()
    fastest = np.inf
    for _ in range(15):
        start = perf_counter()
        ious, _ = iou_grouped(data.dt[:], data.gt[:], data.dt_offsets, data.gt_offsets, data.iscrowd)
        fastest = min(fastest, perf_counter() - start)
    print(f"{len(data.dt_offsets) - 1} images: {data.dt!r} with {data.gt!r}")
    print(f"{len(ious)} pairs, {(ious > 0).sum()} overlap; fastest of 15: {fastest * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
