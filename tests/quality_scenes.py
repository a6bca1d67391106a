"""Images to evaluate panoptic quality on: what the tests of its presets and of its inputs share."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np

from panomask.panoptic.quality import PanopticQuality, PanopticResult

CATEGORIES = [
    {"id": 1, "name": "person", "isthing": 1},
    {"id": 7, "name": "car", "isthing": 1},
    {"id": 3, "name": "tree", "isthing": 1},
    {"id": 21, "name": "road", "isthing": 0},
    {"id": 9, "name": "sky", "isthing": 0},
]
IDS = [category["id"] for category in CATEGORIES]
THINGS = [category["id"] for category in CATEGORIES if category["isthing"]]
STUFF = [category["id"] for category in CATEGORIES if not category["isthing"]]

Image = dict[str, Any]

GOOD = [{"id": 1, "category_id": 1}]
ONES = np.ones((2, 3), int)


def blocks(rng: np.random.Generator, height: int, width: int, n: int) -> np.ndarray:
    """Rectangles over each other, some of a single pixel, with ids 0 .. n."""
    label_map = np.zeros((height, width), np.int64)
    for each in range(1, n + 1):
        row, column = rng.integers(0, height), rng.integers(0, width)
        tall, wide = (1, 1) if rng.random() < 0.2 else rng.integers(1, (height, width), endpoint=True)
        label_map[row : row + tall, column : column + wide] = each
    return label_map


def disturbed(rng: np.random.Generator, label_map: np.ndarray) -> np.ndarray:
    """The same, shifted and with some rectangles of void, of one id, and of other ids."""
    other = np.roll(label_map, rng.integers(-1, 2, 2), (0, 1))
    top = int(label_map.max())
    for each in (0, int(rng.integers(0, top + 1)), top + 1):
        row, column = rng.integers(0, other.shape[0]), rng.integers(0, other.shape[1])
        other[row : row + 3, column : column + 4] = each
    return other


def listed_image(rng: np.random.Generator, height: int = 12, width: int = 15) -> Image:
    """Two maps with ids like COCO's and their segments: void, crowd, stuff, ids that are not listed, tiny ones."""
    gt = blocks(rng, height, width, int(rng.integers(0, 9)))
    pred = disturbed(rng, gt)
    category = rng.choice(IDS, 40)
    colour = rng.integers(1, 2**24, 40)
    sides = {}
    for side, label_map in (("gt", gt), ("pred", pred)):
        segments = []
        colour = np.roll(colour, 20) if side == "pred" else colour
        painted = np.where(label_map > 0, colour[label_map], 0)
        for each in rng.permutation(np.unique(label_map[label_map > 0])).tolist():
            wrong = side == "pred" and rng.random() < 0.1
            segment = {"id": int(colour[each]), "category_id": int(rng.choice(IDS) if wrong else category[each])}
            if side == "gt":
                segment |= {"iscrowd": int(rng.random() < 0.3), "area": int((label_map == each).sum())}
                if rng.random() < 0.1:
                    continue  # in the map, not in the list
            segments.append(segment)
        sides |= {side: painted, f"{side}_segments": segments}
    return sides


@cache
def listed_images() -> list[Image]:
    """Return sixty of them, which tests do not change."""
    rng = np.random.default_rng(5)
    return [listed_image(rng, 9, 11) for _ in range(60)]


def evaluate(images: list[Image], preset: Any = "coco", **options: Any) -> PanopticQuality:
    quality = PanopticQuality(CATEGORIES, preset, **options)
    for image in images:
        quality.update(image["gt"], image["pred"], image.get("gt_segments"), image.get("pred_segments"))
    return quality


def assert_same(result: PanopticResult, other: PanopticResult) -> None:
    assert json.dumps(result.to_dict()) == json.dumps(other.to_dict())
