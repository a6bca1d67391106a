"""Benchmarks of label maps: the segments of a map, masks into a map, the ids of two maps, beside naive ways."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from panomask.panoptic import confusion_matrix, joint_histogram, paint, segments

mask = pytest.importorskip("pycocotools.mask")

SIZES = {"480x640": (480, 640), "1024x2048": (1024, 2048)}
SEGMENTS = 30
CLASSES = 19
BITS = np.uint64(32)


@cache
def panoptic_map(size: str, seed: int = 0) -> NDArray[np.uint32]:
    """Ellipses over stripes, with ids such as colours make, and some void."""
    height, width = SIZES[size]
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    ids = np.concatenate([[0], rng.integers(1, 2**24, SEGMENTS)]).astype(np.uint32)
    wavy = rows + height / 30 * np.sin(columns / 40) + height / 80 * np.sin(columns / 7)
    label_map = ids[np.clip(wavy * 5 / height, 0, 4).astype(int)]
    for each in ids[5:]:
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        a, b = rng.uniform(height / 50, height / 5), rng.uniform(width / 50, width / 5)
        label_map[((rows - y) / a) ** 2 + ((columns - x) / b) ** 2 <= 1] = each
    return label_map


def naive_segments(label_map: NDArray[Any]) -> list[Any]:
    return [(k, mask.encode(np.asfortranarray(label_map == k))) for k in np.unique(label_map).tolist() if k]


def naive_paint(masks: list[Any], ids: list[int], shape: tuple[int, int]) -> NDArray[Any]:
    out = np.zeros(shape, np.uint32)
    for each, rle in zip(ids, masks, strict=True):
        out[mask.decode(rle).astype(bool)] = each
    return out


def naive_joint_histogram(a: NDArray[Any], b: NDArray[Any]) -> Any:
    return np.unique(a.astype(np.uint64) << BITS | b, return_counts=True)


def naive_confusion_matrix(a: NDArray[Any], b: NDArray[Any], n: int) -> NDArray[Any]:
    return np.bincount(a.ravel().astype(np.int64) * n + b.ravel(), minlength=n * n).reshape(n, n)


def time(benchmark: Any, group: str, function: Callable[..., Any], *arguments: Any) -> Any:
    benchmark.group = group
    return benchmark(function, *arguments)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("library", ["numpy and pycocotools", "panomask"])
def test_segments(benchmark: Any, size: str, order: Any, library: str) -> None:
    label_map = np.array(panoptic_map(size), order=order)
    function = segments if library == "panomask" else naive_segments
    found = time(benchmark, f"segments, {size}, {order} order", function, label_map)
    expected = naive_segments(label_map)
    if library == "panomask":
        assert list(zip(found.ids.tolist(), found.rles.to_coco(), strict=True)) == expected


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("library", ["numpy and pycocotools", "panomask"])
def test_paint(benchmark: Any, size: str, library: str) -> None:
    label_map = panoptic_map(size)
    found = segments(label_map)
    if library == "panomask":
        out = time(benchmark, f"paint, {size}", paint, found)
    else:
        masks, ids = found.rles.to_coco(), found.ids.tolist()
        out = time(benchmark, f"paint, {size}", naive_paint, masks, ids, label_map.shape)
    assert (out == label_map).all()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("library", ["numpy", "panomask"])
def test_joint_histogram(benchmark: Any, size: str, library: str) -> None:
    a, b = panoptic_map(size), np.roll(panoptic_map(size), (5, 9), (0, 1))
    function = joint_histogram if library == "panomask" else naive_joint_histogram
    found = time(benchmark, f"joint histogram, {size}", function, a, b)
    assert found[-1].tolist() == naive_joint_histogram(a, b)[1].tolist()


@pytest.mark.parametrize("kind", ["patches", "noise"])
@pytest.mark.parametrize("library", ["numpy", "panomask"])
def test_confusion_matrix(benchmark: Any, kind: str, library: str) -> None:
    a = (panoptic_map("1024x2048") % CLASSES).astype(np.uint8)
    b = np.roll(a, 3, 1)
    if kind == "noise":
        a, b = np.random.default_rng(0).integers(0, CLASSES, (2, 1024, 2048)).astype(np.uint8)
    function = confusion_matrix if library == "panomask" else naive_confusion_matrix
    found = time(benchmark, f"confusion matrix, 1024x2048, {kind}", function, a, b, CLASSES)
    assert (found == naive_confusion_matrix(a, b, CLASSES)).all()
