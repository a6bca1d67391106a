"""Benchmarks of ids and codes: a panoptic map like COCO's, a batch of the size of Cityscapes', and noise.

    pytest benchmarks/bench_ids.py
    pytest benchmarks/bench_ids.py -k "rgb2id and batch"

Each operation is done by numpy as toolkits write it, by numba as one would write it with a loop, and by panomask.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from inputs import SEED
from numpy.typing import NDArray

from panomask import panoptic
from panomask.bench.machine import machine
from panomask.panoptic import codecs

Map = NDArray[Any]
SHAPES = {"coco": (1, 480, 640), "batch": (8, 1024, 2048), "noise": (1, 480, 640)}


@cache
def ids_of(name: str) -> Map:
    """Make segment ids: what lies nearest to one of 20 points in each image, or any of 20 for each pixel."""
    rng = np.random.default_rng(SEED)
    n, height, width = SHAPES[name]
    pool = rng.integers(1, 2**24, 20).astype(np.uint32)
    if name == "noise":
        return pool[rng.integers(0, 20, (n, height, width))]
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    image = np.empty((n, height, width), np.uint32)
    for k in range(n):
        nearest = np.full((height, width), np.inf, np.float32)
        for number, y, x in zip(pool, rng.uniform(0, height, 20), rng.uniform(0, width, 20), strict=True):
            distance = (rows - y) ** 2 + (columns - x) ** 2
            image[k][distance < nearest] = number
            np.minimum(nearest, distance, out=nearest)
    return image


@cache
def rgb_of(name: str) -> Map:
    return np.asarray(panoptic.id2rgb(ids_of(name)))


@cache
def codes_of(name: str) -> Map:
    """Give things and stuff as Cityscapes writes them."""
    labels, ids = panoptic.make_contiguous(ids_of(name))
    codes = [7 + i if i % 2 else (24 + i % 10) * 1000 + i for i in range(len(ids))]
    return np.asarray(panoptic.relabel(labels, (range(len(ids)), codes), dtype=np.uint16))


# ---- numpy ----------------------------------------------------------------------------------------------------------


def numpy_rgb2id(rgb: Map) -> Map:
    wide = rgb.astype(np.int32)
    return wide[..., 0] + 256 * wide[..., 1] + 65536 * wide[..., 2]


def numpy_id2rgb(ids: Map) -> Map:
    return np.stack([ids & 255, ids >> 8 & 255, ids >> 16 & 255], axis=-1).astype(np.uint8)


def numpy_relabel(ids: Map) -> Map:
    return np.searchsorted(np.unique(ids), ids).astype(np.uint32)


def numpy_unpack(codes: Map) -> tuple[Map, Map]:
    wide = codes.astype(np.int32)
    bare = wide < 1000
    return np.where(bare, wide, wide // 1000), np.where(bare, -1, wide % 1000)


def numpy_convert(codes: Map) -> Map:
    category, instance = numpy_unpack(codes)
    return np.where(codes == 0, -1, category * 1000 + instance + 1)


# ---- numba ----------------------------------------------------------------------------------------------------------


@cache
def numba_loops() -> dict[str, Callable[..., Any]]:
    numba = pytest.importorskip("numba")

    @numba.njit  # type: ignore[untyped-decorator]
    def rgb2id(rgb: Any) -> Any:
        flat = rgb.reshape(-1, 3)
        ids = np.empty(len(flat), np.uint32)
        for i in range(len(flat)):
            ids[i] = flat[i, 0] + 256 * flat[i, 1] + 65536 * flat[i, 2]
        return ids.reshape(rgb.shape[:-1])

    @numba.njit  # type: ignore[untyped-decorator]
    def id2rgb(ids: Any) -> Any:
        flat = ids.ravel()
        rgb = np.empty((len(flat), 3), np.uint8)
        for i in range(len(flat)):
            for k in range(3):
                rgb[i, k] = flat[i] >> (8 * k) & 255
        return rgb.reshape((*ids.shape, 3))

    return {"rgb2id": rgb2id, "id2rgb": id2rgb}


OPERATIONS: dict[str, tuple[Callable[[str], Map], dict[str, Callable[[Map], Any]]]] = {
    "rgb2id": (rgb_of, {"numpy": numpy_rgb2id, "panomask": panoptic.rgb2id}),
    "id2rgb": (ids_of, {"numpy": numpy_id2rgb, "panomask": panoptic.id2rgb}),
    "unique": (ids_of, {"numpy": np.unique, "panomask": panoptic.unique_ids}),
    "contiguous": (ids_of, {"numpy": numpy_relabel, "panomask": lambda ids: panoptic.make_contiguous(ids)[0]}),
    "unpack": (codes_of, {"numpy": numpy_unpack, "panomask": lambda c: codecs.get("cityscapes").unpack(c)}),
    "convert": (
        codes_of,
        {"numpy": numpy_convert, "panomask": lambda c: codecs.convert(c, "cityscapes", "detectron2")},
    ),
}


@pytest.mark.parametrize("library", ["numpy", "numba", "panomask"])
@pytest.mark.parametrize("size", SHAPES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_ids(benchmark: Any, operation: str, size: str, library: str, request: pytest.FixtureRequest) -> None:
    is_quick = request.config.getoption("--quick")
    if is_quick and size == "batch":
        pytest.skip("not of the quick ones")
    make, functions = OPERATIONS[operation]
    if library == "numba" and operation not in ("rgb2id", "id2rgb"):
        pytest.skip("numba's is not written")
    function = numba_loops()[operation] if library == "numba" else functions[library]
    argument = make(size)
    benchmark.group = f"{operation}, {size}"
    found, expected = function(argument), functions["numpy"](argument)
    agreed = all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    benchmark.extra_info.update(
        agreed=agreed, library=library, input=size, pixels=argument.size, machine=machine(), title=operation
    )
    benchmark.pedantic(function, (argument,), rounds=2 if is_quick else 15, iterations=1)
    assert agreed


@pytest.mark.parametrize("size", SHAPES)
@pytest.mark.parametrize("operation", ["rgb2id", "id2rgb"])
def test_ids_into_memory_that_is_there(
    benchmark: Any, operation: str, size: str, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--quick") and size == "batch":
        pytest.skip("not of the quick ones")
    argument = OPERATIONS[operation][0](size)
    function = getattr(panoptic, operation)
    out = function(argument)
    benchmark.group = f"{operation}, {size}"
    benchmark.extra_info.update(library="panomask, out", input=size, pixels=argument.size, title=operation)
    benchmark.pedantic(function, (argument,), {"out": out}, rounds=2 if request.config.getoption("--quick") else 15)
