"""Cython: other people's modules can cimport the public ones, with neither our header nor linking."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import oracles
from masks import random_masks, random_ring
from panomask import RLEArray

PACKAGE_PARENT = Path(sys.modules["panomask"].__file__ or "").resolve().parents[1]
MASKS = random_masks(np.random.default_rng(1), 12, 17, 33)
BATCH = RLEArray.from_dense(MASKS)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The example, compiled; that it cannot be is a failure."""
    folder = tmp_path_factory.mktemp("cython_example")
    for name in ("example.pyx", "setup.py"):
        shutil.copy(Path(__file__).with_name("cython_example") / name, folder)
    path = os.pathsep.join([str(PACKAGE_PARENT), *filter(None, [os.environ.get("PYTHONPATH")])])
    build = subprocess.run(
        [sys.executable, "setup.py", "build_ext", "--inplace"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "CFLAGS": os.environ.get("CFLAGS", "") + " -O1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stdout + build.stderr
    (library,) = [path for path in folder.iterdir() if path.name.endswith(tuple(EXTENSION_SUFFIXES))]
    specification = importlib.util.spec_from_file_location("example", library)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_example_does_not_know_our_header(example: ModuleType) -> None:
    folder = Path(example.__file__ or "").parent
    assert "panomask.h" not in (folder / "example.c").read_text(encoding="utf-8")


def test_area(example: ModuleType) -> None:
    areas = np.zeros(12, np.uint64)
    example.area(BATCH.counts, BATCH.offsets, areas)
    assert (areas == BATCH.area).all()
    example.area(BATCH[5:].counts, BATCH[5:].offsets, areas[5:])
    assert (areas == BATCH.area).all()


def test_bbox(example: ModuleType) -> None:
    boxes = np.zeros((12, 4))
    example.bbox(BATCH.counts, BATCH.offsets, BATCH.sizes, boxes)
    assert (boxes == BATCH.bbox).all()


def test_check(example: ModuleType) -> None:
    assert example.check(BATCH.counts, BATCH.offsets, BATCH.sizes)[0] == 0
    counts = BATCH.counts.copy()
    counts[BATCH.offsets[7]] += 1
    status, mask = example.check(counts, BATCH.offsets, BATCH.sizes)
    assert (status, mask) == (6, 7)
    assert example.check(BATCH.counts, BATCH.offsets + 1, BATCH.sizes)[0] != 0


def test_read_and_write(example: ModuleType) -> None:
    for rle, runs in zip(BATCH, BATCH.to_coco(counts="list"), strict=True):
        counts = np.zeros(len(rle["counts"]) + 2, np.uint32)
        n = example.read(rle["counts"], 17, 33, counts)
        assert counts[:n].tolist() == runs["counts"]
        text = np.zeros(9 * n, np.uint8)
        assert text[: example.write(counts[:n], 17, 33, text)].tobytes() == rle["counts"]


@pytest.mark.parametrize(("text", "status"), [(b"44", 6), (b"4!", 8), (b"4P", 9), (b"P" * 13, 10), (b"O", 5)])
def test_a_text_that_is_no_mask_gives_its_status(example: ModuleType, text: bytes, status: int) -> None:
    assert example.read(text, 3, 4, np.zeros(len(text) + 2, np.uint32)) == -status


@pytest.mark.parametrize(("size", "status"), [((-3, 4), 2), ((2**21, 2**20), 3)])
def test_a_size_that_is_none_gives_its_status(example: ModuleType, size: tuple[int, int], status: int) -> None:
    assert example.read(b"441M1", *size, np.zeros(9, np.uint32)) == -status


@pytest.mark.parametrize("order", ["C", "F"])
def test_decode(example: ModuleType, order: str) -> None:
    for i, mask in enumerate(MASKS):
        pixels = np.zeros((17, 33), np.uint8, order=order)  # type: ignore[call-overload]
        example.decode(BATCH.counts[slice(*BATCH.offsets[i : i + 2])], pixels)
        assert (pixels == mask).all()


def test_rasterize(example: ModuleType) -> None:
    rng = np.random.default_rng(2)
    for points in range(1, 9):
        ring = random_ring(rng, 17, 33, points)
        found = example.rasterize(np.array(ring).reshape(-1, 2), 17, 33)
        assert found == oracles.encode(oracles.rasterize(ring, 17, 33))


@pytest.mark.parametrize(("operation", "symbol"), [(8, "&"), (14, "|"), (6, "^"), (2, "-")])
def test_combine(example: ModuleType, operation: int, symbol: str) -> None:
    for i in range(11):
        a, b = (BATCH.counts[slice(*BATCH.offsets[k : k + 2])] for k in (i, i + 1))
        counts = np.zeros(len(a) + len(b) + 1, np.uint32)
        n = example.combine(operation, a, b, 17, 33, counts)
        assert counts[:n].tolist() == oracles.encode(oracles.OPERATIONS[symbol](MASKS[i], MASKS[i + 1]))


def test_keepers(example: ModuleType) -> None:
    keepers = np.zeros(12, np.int64)
    example.keepers(BATCH.counts, BATCH.offsets, BATCH.sizes, 0.3, keepers)
    assert keepers.tolist() == oracles.keepers(oracles.iou, MASKS, [0] * 12, 0.3, [0] * 12)


def test_intersection_area(example: ModuleType) -> None:
    a, b = BATCH[:5].copy(), BATCH[3:].copy()
    areas = np.zeros((5, 9), np.uint64)
    example.intersection_area(a.counts, a.offsets, a.sizes, b.counts, b.offsets, b.sizes, areas)
    assert (areas == a.intersection_area(b)).all()
