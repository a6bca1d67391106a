"""Shapes: polygons and boxes to runs, exactly as COCO rasterises."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles
from checks import check_each
from masks import random_ring, random_shapes, to_rle
from panomask import RLEArray

RECTANGLE = [1, 1, 1, 4, 5, 4, 5, 1]
SIZE = (6, 8)

# Rings on 6 x 8 pixels and their counts, as pycocotools 2.0.11 has them.
KNOWN = {
    "rectangle": (RECTANGLE, [7, 3, 3, 3, 3, 3, 3, 3, 20]),
    "triangle": ([1, 1, 6, 1, 6, 5], [13, 1, 5, 2, 4, 3, 3, 4, 13]),
    "whole image": ([0, 0, 0, 6, 8, 6, 8, 0], [0, 48]),
    "far larger than the image": ([-9, -9, -9, 99, 99, 99, 99, -9], [0, 48]),
    "outside": ([20, 20, 20, 30, 30, 30], [48]),
    "between two column centres": ([1.6, 0, 2.4, 0, 2.4, 6, 1.6, 6], [48]),
    "wound twice": (RECTANGLE * 2, [48]),
    "a point": ([2, 2], [48]),
    "two points": ([2, 2, 5, 5], [48]),
    "a point three times": ([2, 2, 2, 2, 2, 2], [48]),
    "nothing": ([], [48]),
}


def runs(batch: RLEArray) -> list[list[int]]:
    """Only the counts."""
    return [rle["counts"] for rle in batch.to_coco(counts="list")]


# ---- polygons -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KNOWN)
def test_known_rings(name: str) -> None:
    ring, counts = KNOWN[name]
    assert runs(RLEArray.from_polygons([[ring]], *SIZE)) == [counts]


def test_a_bow_tie_fills_both_lobes() -> None:
    ring = [0, 0, 8, 6, 8, 0, 0, 6]
    (mask,) = RLEArray.from_polygons([[ring]], *SIZE).to_dense(dtype=bool)
    assert (mask == oracles.rasterize(ring, *SIZE)).all()
    assert mask[:, [0, 7]].all()
    assert not mask[[0, 5], 3:5].any()


def test_random_rings_are_filled_as_coco_does() -> None:
    rng = np.random.default_rng(1)
    for height, width in random_shapes(rng, 60):
        rings = [random_ring(rng, height, width, int(rng.integers(1, 12))) for _ in range(10)]
        expected = [oracles.rasterize(ring, height, width) for ring in rings]
        found = RLEArray.from_polygons([[ring] for ring in rings], height, width).to_coco()
        check_each(found, [to_rle(mask) for mask in expected], expected)


@given(
    st.lists(st.tuples(*[st.one_of(st.integers(-9, 17), st.floats(-9, 17))] * 2), min_size=3, max_size=8),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_rings_are_filled_as_coco_does(points: list[tuple[float, float]], height: int, width: int) -> None:
    ring = [coordinate for point in points for coordinate in point]
    expected = oracles.rasterize(ring, height, width)
    assert RLEArray.from_polygons([[ring]], height, width).to_coco() == [to_rle(expected)]


def test_rings_of_one_mask_are_united() -> None:
    rng = np.random.default_rng(2)
    for height, width in random_shapes(rng, 30):
        polygons = [
            [random_ring(rng, height, width, int(rng.integers(1, 9))) for _ in range(rng.integers(4))] for _ in range(6)
        ]
        expected = [
            np.any([oracles.rasterize(ring, height, width) for ring in [[], *rings]], axis=0) for rings in polygons
        ]
        found = RLEArray.from_polygons(polygons, height, width).to_coco()
        check_each(found, [to_rle(mask) for mask in expected], expected)


def test_a_mask_without_rings_is_empty() -> None:
    assert runs(RLEArray.from_polygons([[], [RECTANGLE], []], *SIZE)) == [[48], KNOWN["rectangle"][1], [48]]
    assert runs(RLEArray.from_polygons([[], []], *SIZE)) == [[48], [48]]


def test_no_polygons_are_no_masks() -> None:
    assert len(RLEArray.from_polygons([], *SIZE)) == 0


@pytest.mark.parametrize(
    "ring",
    [
        RECTANGLE,
        tuple(RECTANGLE),
        [float(x) for x in RECTANGLE],
        [np.float32(x) for x in RECTANGLE],
        *(np.array(RECTANGLE, dtype) for dtype in "bBhHiIqQefdg"),
        np.array(RECTANGLE, ">f4"),
        np.array(RECTANGLE, ">i2"),
        np.repeat(RECTANGLE, 2)[::2],
        np.array(RECTANGLE).reshape(4, 2),
        np.asfortranarray(np.array(RECTANGLE).reshape(4, 2)),
        [[1, 1], [1, 4], [5, 4], [5, 1]],
        memoryview(np.array(RECTANGLE, dtype=float)),
    ],
    ids=lambda ring: f"{type(ring).__name__}-{getattr(ring, 'dtype', '')}",
)
def test_rings_of_every_kind_are_read(ring: Any) -> None:
    assert runs(RLEArray.from_polygons([[ring]], *SIZE)) == [KNOWN["rectangle"][1]]


def test_lists_of_every_kind_are_read() -> None:
    for polygons in ([[RECTANGLE]], ((RECTANGLE,),), iter([iter([RECTANGLE])]), np.array([[RECTANGLE]])):
        assert runs(RLEArray.from_polygons(polygons, *SIZE)) == [KNOWN["rectangle"][1]]


@pytest.mark.parametrize("side", [int, np.int32, np.uint8, float, np.float32])
def test_sizes_of_every_kind_are_read(side: Any) -> None:
    assert runs(RLEArray.from_polygons([[RECTANGLE]], side(6), side(8))) == [KNOWN["rectangle"][1]]
    assert runs(RLEArray.from_boxes([[1, 1, 4, 3]], side(6), side(8))) == [KNOWN["rectangle"][1]]


def test_inputs_stay_as_they_are() -> None:
    ring = [1, 1, 1, 4.5, 5, 4, 5, 1]
    points = np.array(ring).reshape(4, 2)
    boxes = np.array([[1, 1, 4, 3]])
    RLEArray.from_polygons([[ring, points]], *SIZE)
    RLEArray.from_boxes(boxes, *SIZE)
    assert ring == [1, 1, 1, 4.5, 5, 4, 5, 1]
    assert points.ravel().tolist() == ring
    assert boxes.tolist() == [[1, 1, 4, 3]]


@pytest.mark.parametrize("size", [(0, 0), (0, 8), (6, 0)])
def test_an_image_without_pixels_has_an_empty_mask(size: tuple[int, int]) -> None:
    assert (
        RLEArray.from_polygons([[RECTANGLE], []], *size).to_coco(counts="list")
        == [{"size": list(size), "counts": [0]}] * 2
    )


def test_a_ring_of_a_million_points_is_quick() -> None:
    angle = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    ring = np.stack([160 + 120 * np.cos(angle), 120 + 100 * np.sin(angle)], axis=1)
    before = time.perf_counter()
    fine = RLEArray.from_polygons([[ring.ravel().tolist()]], 240, 320)
    assert time.perf_counter() - before < 5
    rows, columns = np.mgrid[:240, :320] + 0.5
    distance = ((columns - 160) / 120) ** 2 + ((rows - 120) / 100) ** 2
    (mask,) = fine.to_dense(dtype=bool)
    assert mask[distance < 0.97].all()
    assert not mask[distance > 1.03].any()
    few = ring[::500]
    assert RLEArray.from_polygons([[few]], 240, 320).to_coco() == [to_rle(oracles.rasterize(few.ravel(), 240, 320))]


def test_far_coordinates_are_quick_and_right() -> None:
    far = 2.0**45
    before = time.perf_counter()
    rings = [[-far, -far, -far, far, far, far, far, -far], [-far, 3, far, 3, far, far]]
    batch = RLEArray.from_polygons([[ring] for ring in rings], *SIZE)
    assert time.perf_counter() - before < 5
    assert batch[:1] == RLEArray.ones(1, *SIZE)
    assert batch[1:] == RLEArray.from_boxes([[0, 3, 8, 3]], *SIZE)


@pytest.mark.parametrize("scale", [10, 300, 10_000])
def test_edges_far_outside_are_cut_where_coco_cuts_them(scale: int) -> None:
    rng = np.random.default_rng(scale)
    for _ in range(8):
        ring = (rng.uniform(-scale, scale, (4, 2)) + 5).ravel().tolist()
        expected = oracles.rasterize(ring, 9, 11)
        assert RLEArray.from_polygons([[ring]], 9, 11).to_coco() == [to_rle(expected)]


def test_polygons_on_an_image_past_32_bits() -> None:
    side = 70_000
    batch = RLEArray.from_polygons(
        [[[0, 0, 0, side, side, side, side, 0]], [[side - 2, side - 3, side - 2, side, side, side, side, side - 3]]],
        side,
        side,
    )
    assert batch.area.tolist() == [side * side, 6]
    assert batch.bbox.tolist() == [[0, 0, side, side], [side - 2, side - 3, 2, 3]]


# ---- boxes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("box", "counts"),
    [
        ([1, 1, 4, 3], [7, 3, 3, 3, 3, 3, 3, 3, 20]),
        ([0.5, 0.5, 2, 2], [7, 2, 4, 2, 33]),
        ([0.4, 0.4, 0.2, 0.2], [0, 1, 47]),
        ([2, 2, 0, 3], [48]),
        ([0, 0, 8, 6], [0, 48]),
        ([5, 4, -4, -3], [7, 3, 3, 3, 3, 3, 3, 3, 20]),
        ([-5, -5, 50, 50], [0, 48]),
        ([20, 20, 5, 5], [48]),
    ],
)
def test_known_boxes(box: list[float], counts: list[int]) -> None:
    assert runs(RLEArray.from_boxes([box], *SIZE)) == [counts]


def test_random_boxes_are_filled_as_coco_does() -> None:
    rng = np.random.default_rng(3)
    for height, width in random_shapes(rng, 60):
        boxes = rng.uniform(-0.3, 1.2, (10, 4)) * (width, height, width, height)
        boxes = np.round(boxes / 0.5) * 0.5 if rng.random() < 0.5 else boxes
        expected = [oracles.rasterize(oracles.box_ring(box), height, width) for box in boxes.tolist()]
        found = RLEArray.from_boxes(boxes, height, width).to_coco()
        check_each(found, [to_rle(mask) for mask in expected], expected)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.float16, np.float32, np.float64, ">f4", bool])
def test_boxes_of_every_dtype_are_read(dtype: str) -> None:
    boxes = np.array([[1, 1, 1, 1], [0, 1, 1, 0]], dtype)
    found = RLEArray.from_boxes(boxes, *SIZE)
    assert found == RLEArray.from_boxes(boxes.astype(float).tolist(), *SIZE)
    assert found == RLEArray.from_boxes(np.asfortranarray(boxes), *SIZE)
    assert found == RLEArray.from_boxes(np.repeat(boxes, 2, axis=1)[:, ::2], *SIZE)


@pytest.mark.parametrize("boxes", [[], [[]], np.zeros((0, 4)), np.zeros((0, 4), int), ()])
def test_no_boxes_are_no_masks(boxes: Any) -> None:
    assert len(RLEArray.from_boxes(boxes, *SIZE)) == 0


def test_a_box_with_whole_sides_has_its_area_and_itself_as_box() -> None:
    rng = np.random.default_rng(4)
    corners = rng.integers(0, 40, (200, 2))
    boxes = np.concatenate([corners, rng.integers(1, 20, (200, 2))], axis=1)
    batch = RLEArray.from_boxes(boxes, 64, 64)
    assert batch.area.tolist() == (boxes[:, 2] * boxes[:, 3]).tolist()
    assert batch.bbox.tolist() == boxes.tolist()
