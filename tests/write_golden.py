"""Write tests/data/pycocotools.json: what pycocotools finds on inputs of all kinds, for machines that do not have it.

Run by hand, never by a test: python tests/write_golden.py
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools import mask as reference

from masks import random_masks, random_ring, random_shapes

FILE = Path(__file__).with_name("data") / "pycocotools.json"


def texts(rles: list[dict[str, Any]]) -> list[str]:
    """Only the counts."""
    return [rle["counts"].decode() for rle in rles]


def scenes() -> list[dict[str, Any]]:
    """Masks of one size each, and all that pycocotools says of them."""
    rng = np.random.default_rng(2017)
    found = []
    small = [(height, width) for height, width in random_shapes(rng, 24) if height * width <= 2200]
    for height, width in [*small, (0, 5), (7, 0)]:
        masks = random_masks(rng, 4, height, width)
        rles = reference.encode(np.asfortranarray(masks.transpose(1, 2, 0).astype(np.uint8)))
        rings = [random_ring(rng, height, width, int(rng.integers(3, 9))) for _ in range(5)] if width else []
        boxes = (
            np.round(rng.uniform(-0.3, 1.2, (5, 4)) * (width, height, width, height), 1) if width else np.ones((0, 4))
        )
        crowd = [0, 1, 0, 1]
        found.append(
            {
                "size": [height, width],
                "masks": texts(rles),
                "uncompressed": [np.diff([0, *(np.flatnonzero(np.diff([0, *each.ravel(order="F")])).tolist()),
                                          each.size]).tolist() for each in masks],
                "area": reference.area(rles).tolist(),
                "bbox": reference.toBbox(rles).tolist(),
                "union": reference.merge(rles)["counts"].decode(),
                "intersection": reference.merge(rles, True)["counts"].decode(),
                "crowd": crowd,
                "iou": reference.iou(rles, rles, crowd).tolist(),
                "rings": rings,
                "polygons": texts(reference.frPyObjects(rings, height, width)) if rings else [],
                "boxes": boxes.tolist(),
                "rasterised boxes": texts(reference.frPyObjects(boxes, height, width)),
                "box iou": reference.iou(boxes, boxes, [1, 0, 1, 0, 1]).tolist() if width else [],
            }
        )  # fmt: skip
    return found


if __name__ == "__main__":
    content = {"written by": f"tests/write_golden.py with pycocotools {version('pycocotools')}", "scenes": scenes()}
    FILE.write_text(json.dumps(content, separators=(",", ":")).replace('{"size"', '\n{"size"') + "\n")
