"""Memory: what is used is given back, and what cannot be had is a MemoryError."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masks import random_masks
from panomask import RLEArray, compat, mask
from panomask.overlap import iou_grouped, matrix_nms, nmm, nms
from panomask.panoptic import codecs, id2rgb, make_contiguous, relabel, rgb2id, unique_ids

MASKS = random_masks(np.random.default_rng(1), 6, 33, 34)
BATCH = RLEArray.from_dense(MASKS)
TEXTS, LISTS = BATCH.to_coco(), BATCH.to_coco(counts="list")
RING = [1.0, 1, 6, 1, 6, 5]
BOXES = np.array([[0.0, 0, 2, 2], [1, 1, 2, 2]])
OUT = np.zeros((6, 33, 34))
SHORT = {"size": [3, 4], "counts": [4, 4]}
TURNED = RLEArray.zeros(6, 34, 33)
IDS = np.arange(600, dtype=np.int32).reshape(20, 30)
MIXED = RLEArray.concatenate([BATCH, TURNED])

GOOD_CALLS: list[Callable[[], Any]] = [
    lambda: RLEArray.from_coco(TEXTS),
    lambda: RLEArray.from_coco(LISTS),
    lambda: RLEArray.from_coco(TEXTS * 3),
    lambda: RLEArray.from_dense(MASKS),
    lambda: RLEArray.from_dense(MASKS.transpose(0, 2, 1)),
    lambda: RLEArray.from_dense(OUT, threshold=0.5),
    lambda: RLEArray.from_polygons([[RING], [RING, RING]], 33, 34),
    lambda: RLEArray.from_boxes(BOXES, 33, 34),
    lambda: RLEArray.concatenate([BATCH, BATCH]),
    lambda: BATCH.to_coco("str"),
    lambda: BATCH.to_coco("list"),
    lambda: BATCH.to_dense(),
    lambda: BATCH.to_dense(out=OUT),
    lambda: (BATCH[2], BATCH[1:4], BATCH[[0, 1]], list(BATCH)),
    lambda: (BATCH[:].area, BATCH[:].bbox),
    lambda: (BATCH | BATCH, ~BATCH, BATCH == BATCH),
    lambda: (BATCH.union(), BATCH.intersection([0, 3, 6])),
    lambda: (BATCH.iou(BATCH), BATCH.dice(BATCH, paired=True)),
    lambda: iou_grouped(BATCH, BATCH, [0, 2, 6], [0, 3, 6]),
    lambda: (nms(BATCH, range(6)), nmm(BATCH, range(6), 0.1), matrix_nms(BATCH, range(6), classes=[0, 1] * 3)),
    lambda: mask.encode(MASKS),
    lambda: mask.decode(TEXTS),
    lambda: (mask.area(TEXTS), mask.toBbox(TEXTS[0])),
    lambda: mask.merge(TEXTS),
    lambda: (mask.iou(TEXTS, TEXTS, [0] * 6), mask.iou(BOXES, BOXES, [0, 1])),
    lambda: mask.frPyObjects([RING], 33, 34),
    lambda: (rgb2id(id2rgb(IDS)), unique_ids(IDS), make_contiguous(IDS), relabel(IDS, {0: 1}, default=0, out=IDS * 2)),
    lambda: (codecs.get("cityscapes").unpack(IDS), codecs.convert(IDS, "cityscapes", "coco")),
]
BAD_CALLS: list[Callable[[], Any]] = [
    lambda: RLEArray.from_coco([*TEXTS, SHORT]),
    lambda: RLEArray.from_coco([*TEXTS, None]),
    lambda: RLEArray.from_coco({"size": [3, 4], "counts": "4P"}),
    lambda: RLEArray.from_dense(OUT),
    lambda: RLEArray.from_polygons([[RING], [[1, 2, float("nan"), 4, 5, 6]]], 3, 4),
    lambda: RLEArray.from_counts([1], [0, 2], [[3, 4]]),
    lambda: BATCH[99],
    lambda: BATCH | TURNED,
    lambda: BATCH.iou(TURNED),
    lambda: MIXED.union(),
    lambda: MIXED.to_dense(),
    lambda: iou_grouped(BATCH, TURNED, [0, 6], [0, 6]),
    lambda: nms(MIXED, range(12)),
    lambda: mask.iou(TEXTS, TEXTS, [0]),
    lambda: id2rgb(IDS - 1),
    lambda: relabel(IDS, {0: 1}),
    lambda: codecs.convert(IDS, "cityscapes", "detectron2", category_map={0: 1}),
]


def resident_bytes() -> int:
    """Memory of this process that is in use; Linux only."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def call_all(times: int) -> None:
    """Every call, the failing ones too."""
    for _ in range(times):
        for call in GOOD_CALLS:
            call()
        for call in BAD_CALLS:
            with suppress(ValueError, TypeError, IndexError, OverflowError):
                call()


def test_bad_calls_are_bad() -> None:
    for call in BAD_CALLS:
        with pytest.raises((ValueError, TypeError, IndexError, OverflowError)):
            call()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="there is no /proc/self/statm")
def test_memory_does_not_grow_in_100_000_calls() -> None:
    call_all(200)
    gc.collect()
    before = resident_bytes()
    call_all(100_000 // (len(GOOD_CALLS) + len(BAD_CALLS)))
    gc.collect()
    assert resident_bytes() - before < 2 * 2**20


def test_objects_do_not_grow_in_number() -> None:
    call_all(20)
    growth = []
    for _ in range(3):  # caches of numpy's and Python's still fill; a leak is in each
        gc.collect()
        before = sys.getallocatedblocks()
        call_all(50)
        gc.collect()
        growth.append(sys.getallocatedblocks() - before)
    assert min(growth) < 50


def test_references_to_inputs_are_given_back() -> None:
    inputs = [MASKS, OUT, BOXES, RING, TEXTS, TEXTS[0], TEXTS[0]["counts"], LISTS[0]["counts"], SHORT, BATCH, TURNED,
              BATCH.counts, BATCH.offsets, BATCH.sizes]  # fmt: skip
    call_all(2)
    before = [sys.getrefcount(each) for each in inputs]
    call_all(50)
    gc.collect()
    assert [sys.getrefcount(each) for each in inputs] == before


def test_installing_and_uninstalling_does_not_grow() -> None:
    pytest.importorskip("pycocotools.mask")
    with compat.installed():
        pass
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(500):
        with compat.installed():
            pass
    gc.collect()
    assert sys.getallocatedblocks() - before < 50


# ---- too much -------------------------------------------------------------------------------------------------------

# All of these ask for 2^47 bytes or more, which no process on today's machines can address.


@pytest.fixture(scope="module")
def wide() -> RLEArray:
    """A thousand masks of 2^40 pixels each, in two megabytes."""
    return RLEArray.ones(1, 2**20, 2**20)[[0] * 1024]


def test_pixels_that_do_not_fit(wide: RLEArray) -> None:
    for layout in ("nhw", "hwn"):
        with pytest.raises(MemoryError):
            wide.to_dense(layout=layout)  # type: ignore[arg-type]
    with pytest.raises(MemoryError):
        mask.decode(wide)
    assert (wide.area == 2**40).all()


@pytest.mark.parametrize("n", [2**50, 2**61, 2**63 - 1, 2**63, 2**70])
def test_masks_that_do_not_fit(n: int) -> None:
    with pytest.raises(MemoryError):
        RLEArray.zeros(n, 3, 4)
    with pytest.raises(MemoryError):
        RLEArray.ones(n, 3, 4)


@pytest.mark.skipif(sys.maxsize < 2**32, reason="arrays of this size need 64 bits")
def test_runs_that_do_not_fit() -> None:
    many = np.broadcast_to(np.uint32(0), (2**50,))
    with pytest.raises(MemoryError):
        RLEArray.from_counts(many, [0, 2**50], [[0, 0]])
    with pytest.raises(MemoryError):
        RLEArray.from_dense(np.broadcast_to(np.uint8(0), (2**50, 0, 3)))


def test_pairs_that_do_not_fit() -> None:
    many = RLEArray.zeros(2**22, 1, 1)
    for measure in (many.intersection_area, many.iou, many.dice):
        with pytest.raises(MemoryError):
            measure(many)
    assert many.intersection_area(many, paired=True).shape == (2**22,)
    with pytest.raises(MemoryError):
        mask.iou(many, many, None)


def test_polygons_whose_runs_do_not_fit() -> None:
    wide_ring = [0, 0, 2**40, 0, 2**40, 1, 0, 1]
    with pytest.raises(MemoryError):
        RLEArray.from_polygons([[wide_ring]] * 64, 1, 2**40)
    with pytest.raises(MemoryError):
        RLEArray.from_boxes([[0, 0, 2**40, 1]] * 64, 1, 2**40)


def test_work_goes_on_after_a_memory_error(wide: RLEArray) -> None:
    with pytest.raises(MemoryError):
        wide.to_dense()
    assert RLEArray.from_dense(MASKS) == BATCH
