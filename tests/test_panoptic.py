"""panomask.panoptic as a package: what it offers, and that importing it stays cheap."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from panomask import panoptic

EVALUATORS = {
    "quality": ["PanopticQuality", "pq_compute"],
    "semantic": ["SemanticIoU"],
    "tracking": ["TrackingQuality", "VideoPanopticQuality"],
}


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in EVALUATORS.items() for name in names])
def test_the_evaluators_are_there_by_their_names(module: str, name: str) -> None:
    assert getattr(panoptic, name) is getattr(import_module(f"panomask.panoptic.{module}"), name)


def test_all_is_there_and_listed() -> None:
    assert all(getattr(panoptic, name) is not None for name in panoptic.__all__)
    assert set(panoptic.__all__) <= set(dir(panoptic))


def test_what_is_not_there_is_an_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'panomask\.panoptic' has no attribute 'nothing'"):
        panoptic.nothing  # noqa: B018


def test_modules_are_imported_when_they_are_asked_for() -> None:
    code = """
import sys
import panomask
modules = ["coco", "converters", "fuse", "png", "quality", "semantic", "tracking"]
print([name for name in modules if "panomask.panoptic." + name in sys.modules])
panomask.panoptic.pq_compute, panomask.panoptic.png.read_png
print([name for name in modules if "panomask.panoptic." + name in sys.modules])
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.splitlines() == ["[]", "['png', 'quality']"]


# ---- hash tables ----------------------------------------------------------------------------------------------------

N_IDS = 1 << 15
FACTORS = 0x9E3779B97F4A7C15, 0xFF51AFD7ED558CCD  # of pm_hash_pair


def unmixed(product: int) -> int:
    """Return the number whose last product this is, where no table has a place: small ones go to the first slots."""
    first, last = (pow(factor, -1, 1 << 64) for factor in FACTORS)
    folded = product * last % (1 << 64)
    return (folded ^ folded >> 32) * first % (1 << 64)


HOSTILE = {
    "made for it": np.array([unmixed(i) for i in range(N_IDS)], np.uint64),
    "high bits only": np.arange(N_IDS, dtype=np.uint64) << np.uint64(48),
}


def least_time(function: Any, ids: NDArray[Any]) -> float:
    times = []
    for _ in range(3):
        begin = perf_counter()
        function(ids)
        times.append(perf_counter() - begin)
    return min(times)


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize(
    "function",
    [
        panoptic.segments,
        lambda ids: panoptic.joint_histogram(ids, np.zeros_like(ids)),
        panoptic.unique_ids,
        panoptic.make_contiguous,
    ],
    ids=["segments", "joint histogram", "unique", "contiguous"],
)
def test_no_ids_make_a_hash_table_slow(function: Any, kind: str) -> None:
    """Such ids once met in a few slots: segments took 1.1 s instead of 0.03, make_contiguous 2.6 s instead of 0.003."""
    shape = (128, -1)
    anything = np.random.default_rng(0).integers(0, 1 << 62, N_IDS).astype(np.uint64)
    slow, usual = (least_time(function, ids.reshape(shape)) for ids in (HOSTILE[kind], anything))
    assert slow < 10 * usual + 0.1
