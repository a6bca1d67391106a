"""numba: an RLEArray in compiled functions, and panomask's functions called from them."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

import numba

import panomask.numba
from masks import random_masks, respelled
from panomask import RLEArray
from panomask.errors import SizeMismatchError
from panomask.numba import area, bbox, intersection_area, iou

RNG = np.random.default_rng(1)
MASKS = random_masks(RNG, 24, 33, 65)
BATCH = RLEArray.from_dense(MASKS)
SPELLED = RLEArray.from_coco([{**rle, "counts": respelled(RNG, rle["counts"])} for rle in BATCH.to_coco(counts="list")])
BATCHES = {
    "whole": BATCH,
    "spelled": SPELLED,
    "slice": SPELLED[5:17],
    "empty": RLEArray.empty(),
    "empty slice": BATCH[9:9],
    "no pixels": RLEArray.zeros(3, 0, 5),
    "wide": RLEArray.ones(2, 70_000, 70_000),
}


@numba.njit
def areas_of(rles: Any) -> Any:
    areas = np.empty(len(rles), np.int64)
    for i in range(len(rles)):
        areas[i] = area(rles, i)
    return areas


@numba.njit
def boxes_of(rles: Any) -> Any:
    boxes = np.empty((len(rles), 4))
    for i in range(len(rles)):
        boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = bbox(rles, i)
    return boxes


@numba.njit
def overlaps_of(a: Any, b: Any) -> Any:
    areas, ious = np.empty((len(a), len(b)), np.int64), np.empty((len(a), len(b)))
    for i in range(len(a)):
        for j in range(len(b)):
            areas[i, j], ious[i, j] = intersection_area(a, i, b, j), iou(a, i, b, j)
    return areas, ious


@numba.njit(parallel=True, nogil=True)
def parallel_overlaps(a: Any, b: Any) -> Any:
    areas = np.empty((len(a), len(b)), np.int64)
    for i in numba.prange(len(a)):
        for j in range(len(b)):
            areas[i, j] = intersection_area(a, i, b, j)
    return areas


@numba.njit
def one_area(rles: Any, i: int) -> Any:
    return area(rles, i)


@numba.njit
def one_intersection_area(a: Any, i: int, b: Any, j: int) -> Any:
    return intersection_area(a, i, b, j)


@numba.njit
def arrays_of(rles: Any) -> Any:
    return rles.counts, rles.offsets, rles.sizes


@numba.njit
def itself(rles: Any) -> Any:
    return rles


@pytest.mark.parametrize("rles", BATCHES.values(), ids=BATCHES.keys())
def test_areas_and_boxes_are_those_of_the_batch(rles: RLEArray) -> None:
    assert areas_of(rles).tolist() == rles.area.tolist() == [area(rles, i) for i in range(len(rles))]
    assert boxes_of(rles).tolist() == rles.bbox.tolist() == [[*bbox(rles, i)] for i in range(len(rles))]


@pytest.mark.parametrize("rles", BATCHES.values(), ids=BATCHES.keys())
def test_overlaps_are_those_of_the_batch(rles: RLEArray) -> None:
    other = rles[1:]
    areas, ious = overlaps_of(rles, other)
    expected = rles.intersection_area(other)
    assert (areas == expected).all()
    assert (ious == rles.iou(other)).all()
    assert (parallel_overlaps(rles, other) == expected).all()
    pairs = [(i, j) for i in range(len(rles)) for j in range(len(other))]
    assert [intersection_area(rles, i, other, j) for i, j in pairs] == expected.ravel().tolist()
    assert [iou(rles, i, other, j) for i, j in pairs] == ious.ravel().tolist()


def test_python_and_compiled_code_give_plain_numbers() -> None:
    assert type(area(BATCH, 0)) is type(one_area(BATCH, 0)) is int
    assert type(intersection_area(BATCH, 0, BATCH, 1)) is type(one_intersection_area(BATCH, 0, BATCH, 1)) is int
    assert type(iou(BATCH, 0, BATCH, 1)) is float


@pytest.mark.parametrize("kind", [np.int8, np.uint64])
def test_an_index_has_any_integer_type(kind: type) -> None:
    assert one_area(BATCH, kind(7)) == BATCH.area[7]
    assert one_intersection_area(BATCH, kind(7), BATCH, 8) == BATCH.intersection_area(BATCH)[7, 8]


def test_a_negative_index_counts_from_the_end() -> None:
    shared = BATCH[22:23].intersection_area(BATCH[20:21])[0, 0]
    for function in (one_area, area):
        assert function(BATCH, -1) == BATCH.area[23]
    for function in (one_intersection_area, intersection_area):
        assert function(BATCH, -2, BATCH, -4) == shared


@pytest.mark.parametrize("i", [24, -25, 2**63 - 1, -(2**63)])
def test_an_index_outside_is_an_error(i: int) -> None:
    with pytest.raises(IndexError, match=f"index {i} is out of range for 24 masks"):
        one_area(BATCH, i)
    with pytest.raises(IndexError, match=f"index {i} is out of range for 24 masks") as error:
        one_intersection_area(BATCH, 0, BATCH, i)
    assert type(error.value) is IndexError
    with pytest.raises(IndexError):
        area(BATCH, i)
    with pytest.raises(IndexError):
        intersection_area(BATCH, 0, BATCH, i)


def test_masks_of_different_sizes_are_an_error() -> None:
    other = RLEArray.zeros(3, 65, 33)
    with pytest.raises(SizeMismatchError, match=r"a\[4\]: size is 33 x 65, but b\[2\] is 65 x 33") as error:
        one_intersection_area(BATCH, 4, other, -1)
    assert type(error.value) is SizeMismatchError
    with pytest.raises(SizeMismatchError):
        intersection_area(BATCH, 4, other, -1)


def test_what_is_no_mask_is_an_error() -> None:
    with pytest.raises(numba.TypingError):
        one_area(BATCH, 1.5)
    with pytest.raises(numba.TypingError):
        one_area(BATCH.counts, 0)
    with pytest.raises(IndexError):
        one_area(RLEArray.__new__(RLEArray), 0)


def test_masks_of_one_batch_may_differ_in_size() -> None:
    rles = RLEArray.concatenate([RLEArray.ones(1, 3, 4), RLEArray.ones(2, 5, 6)])
    assert areas_of(rles).tolist() == [12, 30, 30]
    assert one_intersection_area(rles, 1, rles, 2) == 30


def test_arrays_are_the_batch_s_own() -> None:
    for array, own in zip(arrays_of(BATCH), (BATCH.counts, BATCH.offsets, BATCH.sizes), strict=True):
        assert np.shares_memory(array, own)
        assert (array == own).all()
        assert not array.flags.writeable


def test_compiled_code_cannot_write() -> None:
    @numba.njit
    def write(rles: Any) -> None:
        rles.counts[0] = 1

    with pytest.raises(numba.TypingError, match="readonly"):
        write(BATCH)


def test_a_batch_comes_back_as_itself() -> None:
    part = BATCH[3:5]
    assert itself(part) is part

    class Named(RLEArray):
        pass

    named = Named.zeros(2, 3, 4)
    assert itself(named) is named


def test_no_reference_is_lost_or_kept() -> None:
    rles = SPELLED[2:9]

    def references(rles: RLEArray) -> list[int]:
        gc.collect()
        return [sys.getrefcount(thing) for thing in (rles, rles.counts, rles.offsets, rles.sizes)]

    before = references(rles)
    for _ in range(20):
        areas_of(rles), boxes_of(rles), overlaps_of(rles, rles), parallel_overlaps(rles, rles)
        itself(rles), arrays_of(rles)
    assert references(rles) == before
    watch = weakref.ref(rles)
    del rles
    gc.collect()
    assert watch() is None


def test_compiled_code_keeps_a_batch_alive() -> None:
    @numba.njit
    def areas_one_by_one(rles: Any) -> Any:
        for i in range(len(rles)):
            yield area(rles, i)

    rles = BATCH.copy()
    watch = weakref.ref(rles)
    areas = areas_one_by_one(rles)
    counts = arrays_of(rles)[0][1:]
    expected = rles.counts[1:].tolist()
    del rles
    assert list(areas) == BATCH.area.tolist()
    del areas
    gc.collect()
    assert watch() is None
    assert counts.tolist() == expected


def test_compiled_code_can_hold_batches_in_containers() -> None:
    @numba.njit
    def total(batches: Any) -> Any:
        n = 0
        for rles in batches:
            n += area(rles, 0)
        return n

    batches = numba.typed.List([BATCH.copy(), BATCH[1:]])
    assert total(batches) == BATCH.area[:2].sum()
    assert total((BATCH, BATCH[1:])) == BATCH.area[:2].sum()
    assert batches[0] == BATCH


def test_a_signature_can_name_the_type() -> None:
    @numba.njit(numba.int64(panomask.numba.rle_array))
    def first(rles: Any) -> Any:
        return area(rles, 0)

    assert first(BATCH) == BATCH.area[0]
    assert numba.typeof(BATCH) is panomask.numba.rle_array


PROGRAM = """\
import sys

import numba
import numpy as np

import panomask

{register}

@numba.njit(cache=True)
def shared(a, b):
    areas = np.empty((len(a), len(b)), np.int64)
    for i in range(len(a)):
        for j in range(len(b)):
            areas[i, j] = panomask.numba.intersection_area(a, i, b, j)
    return areas


rles = panomask.RLEArray.from_boxes([[0, 0, 2, 4], [1, 0, 2, 4]], 4, 4)
print(shared(rles, rles).tolist(), sum(shared.stats.cache_hits.values()))
"""


def run_program(tmp_path: Path, text: str) -> str:
    program = tmp_path / "program.py"
    program.write_text(text)
    process = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_code_kept_on_disk_runs_in_another_process(tmp_path: Path) -> None:
    text = PROGRAM.format(register="import panomask.numba")
    assert run_program(tmp_path, text) == "[[8, 4], [4, 8]] 0\n"
    assert run_program(tmp_path, text) == "[[8, 4], [4, 8]] 1\n"


def is_installed() -> bool:
    """Whether the panomask that runs is an installed one; a source tree has no entry points."""
    entry_points = metadata.entry_points(group="numba_extensions", name="init")
    return "panomask.numba:init" in [entry_point.value for entry_point in entry_points]


@pytest.mark.skipif(not is_installed(), reason="panomask is not installed with its entry points")
def test_numba_finds_the_module_by_itself(tmp_path: Path) -> None:
    text = PROGRAM.format(register="assert 'panomask.numba' not in sys.modules")
    assert run_program(tmp_path, text) == "[[8, 4], [4, 8]] 0\n"
    assert run_program(tmp_path, text) == "[[8, 4], [4, 8]] 1\n"


def test_panomask_does_not_import_numba(tmp_path: Path) -> None:
    text = "import sys, panomask\nprint('numba' in sys.modules, 'panomask.numba' in sys.modules)"
    assert run_program(tmp_path, text) == "False False\n"


def test_the_entry_point_is_there_to_be_called() -> None:
    assert panomask.numba.init() is None  # type: ignore[func-returns-value]
