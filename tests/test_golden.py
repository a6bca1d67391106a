"""Golden files: what pycocotools 2.0.11 found once (tests/write_golden.py), also where it is not installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oracles
from panomask import RLEArray, mask

SCENES: list[dict[str, Any]] = json.loads((Path(__file__).with_name("data") / "pycocotools.json").read_text())["scenes"]


def texts(rles: Any) -> list[str]:
    """Only the counts."""
    return [rle["counts"].decode() for rle in rles]


@pytest.fixture(params=SCENES, ids=lambda scene: "{} x {}".format(*scene["size"]))
def scene(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Masks of one size, and all that pycocotools said of them."""
    found: dict[str, Any] = request.param
    return found


@pytest.fixture
def rles(scene: dict[str, Any]) -> list[dict[str, Any]]:
    """The masks of the scene."""
    return [{"size": scene["size"], "counts": text} for text in scene["masks"]]


def test_masks_are_encoded_as_then(scene: dict[str, Any], rles: list[dict[str, Any]]) -> None:
    dense = np.array([oracles.decode(counts, *scene["size"]) for counts in scene["uncompressed"]])
    assert texts(RLEArray.from_dense(dense)) == scene["masks"]
    assert texts(mask.encode(dense.transpose(1, 2, 0))) == scene["masks"]
    assert (RLEArray.from_coco(rles).to_dense() == dense).all()
    assert (mask.decode(rles) == dense.transpose(1, 2, 0)).all()
    uncompressed = [{"size": scene["size"], "counts": counts} for counts in scene["uncompressed"]]
    assert RLEArray.from_coco(rles).to_coco(counts="list") == uncompressed
    assert texts(mask.frPyObjects(uncompressed, *scene["size"])) == scene["masks"]


def test_masks_are_measured_as_then(scene: dict[str, Any], rles: list[dict[str, Any]]) -> None:
    batch = RLEArray.from_coco(rles)
    assert batch.area.tolist() == mask.area(rles).tolist() == scene["area"]
    assert batch.bbox.tolist() == mask.toBbox(rles).tolist() == scene["bbox"]


def test_masks_are_merged_as_then(scene: dict[str, Any], rles: list[dict[str, Any]]) -> None:
    batch = RLEArray.from_coco(rles)
    assert texts(batch.union()) == texts([mask.merge(rles)]) == [scene["union"]]
    assert texts(batch.intersection()) == texts([mask.merge(rles, True)]) == [scene["intersection"]]


def test_masks_overlap_as_then(scene: dict[str, Any], rles: list[dict[str, Any]]) -> None:
    batch = RLEArray.from_coco(rles)
    assert batch.iou(batch, scene["crowd"]).tolist() == scene["iou"]
    assert mask.iou(rles, rles, scene["crowd"]).tolist() == scene["iou"]


def test_shapes_are_rasterised_as_then(scene: dict[str, Any]) -> None:
    rings, boxes, size = scene["rings"], np.array(scene["boxes"]).reshape(-1, 4), scene["size"]
    assert texts(RLEArray.from_polygons([[ring] for ring in rings], *size)) == scene["polygons"]
    assert texts(mask.frPyObjects(rings, *size)) == scene["polygons"]
    assert texts(RLEArray.from_boxes(boxes, *size)) == scene["rasterised boxes"]
    assert texts(mask.frPyObjects(boxes, *size)) == scene["rasterised boxes"]
    crowd = [1, 0, 1, 0, 1][: len(boxes)]
    assert np.asarray(mask.iou(boxes, boxes, crowd)).tolist() == scene["box iou"]
