"""Stubs: each compiled module has one, they say what the running modules have, and types come out as documented."""

from __future__ import annotations

import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import panomask

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(panomask.__file__).resolve().parent

# Each line that a reader of the docstrings would expect to hold, seen by a type checker.
TYPES = """\
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import panomask
from panomask import RLEArray
from panomask.panoptic import (
    Overlaps,
    PanopticQuality,
    Segments,
    confusion_matrix,
    joint_histogram,
    paint,
    pq_compute,
    segments,
)

rles = RLEArray.from_coco({"size": [3, 4], "counts": "441M1"})
assert_type(rles, RLEArray)
assert_type(rles[0], dict[str, Any])
assert_type(rles[:1], RLEArray)
assert_type(rles[np.array([0])], RLEArray)
assert_type(rles[[True]], RLEArray)
assert_type([rle for rle in rles], list[dict[str, Any]])
assert_type(len(rles), int)
assert_type(rles.counts, NDArray[np.uint32])
assert_type(rles.offsets, NDArray[np.int64])
assert_type(rles.sizes, NDArray[np.int64])
assert_type(rles.area, NDArray[np.uint64])
assert_type(rles.bbox, NDArray[np.float64])
assert_type(~rles | rles & rles - rles ^ rles, RLEArray)
assert_type(rles.union(), RLEArray)
assert_type(rles.intersection(groups=[0, 1]), RLEArray)
assert_type(rles.intersection_area(rles), NDArray[np.uint64])
assert_type(rles.iou(rles, iscrowd=[True]), NDArray[np.float64])
assert_type(rles.dice(rles, paired=True), NDArray[np.float64])
assert_type(rles.to_coco(counts="str"), list[dict[str, Any]])
assert_type(RLEArray.concatenate([rles, rles]), RLEArray)
assert_type(panomask.overlap.iou_grouped(rles, rles, [0], [0]), tuple[NDArray[np.float64], NDArray[np.int64]])
assert_type(panomask.overlap.nms(rles, [1.0]), NDArray[np.int64])
assert_type(panomask.overlap.nmm(rles, [1.0], 0.5, classes=[1]), tuple[RLEArray, NDArray[np.int64]])
assert_type(panomask.overlap.matrix_nms(rles, [1.0], kernel="linear"), NDArray[np.float64])
assert_type(panomask.panoptic.rgb2id([1, 2, 3]), NDArray[np.uint32] | Any)
assert_type(panomask.panoptic.unique_ids([1]), NDArray[Any])
assert_type(panomask.panoptic.unique_ids([1], return_counts=True), tuple[NDArray[Any], NDArray[np.int64]])
assert_type(panomask.panoptic.relabel([1], {1: 2}), NDArray[Any])
assert_type(panomask.panoptic.make_contiguous([1]), tuple[NDArray[Any], NDArray[Any]])
assert_type(panomask.panoptic.codecs.names(), list[str])
assert_type(segments(np.zeros((2, 3), int)), Segments)
assert_type(segments([[1]], ignore=None).rles, RLEArray)
assert_type(segments([[1]], ignore=[0, 255], rgb=False).area, NDArray[np.uint64])
assert_type(paint(rles, [1]), NDArray[Any])
assert_type(paint(rles, [1], overlaps="report"), tuple[NDArray[Any], Overlaps])
assert_type(joint_histogram([1], [2])[2], NDArray[np.uint64])
assert_type(confusion_matrix([1], [2], 3), NDArray[np.int64])
assert_type(PanopticQuality([]), PanopticQuality)
assert_type(pq_compute("gt.json", "pred.json"), dict[str, Any])
assert_type(panomask.get_isa(), str)
assert_type(panomask.mask.toBbox(rles), NDArray[np.float64])
assert_type(rles.to_dense(window=(0, 0, 1, 1)), NDArray[Any])
assert_type(rles.to_dense(out=memoryview(b"")), memoryview)
rles.to_dense(layout="chw")  # type: ignore[call-overload]
rles.to_coco(counts="text")  # type: ignore[arg-type]
rles.counts = rles.counts  # type: ignore[misc]
"""


def run_python(*arguments: str, cwd: Path) -> str:
    """Run a module outside the repository, whose panomask/ may be without compiled modules; give what it printed."""
    process = subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    return "" if process.returncode == 0 else process.stdout + process.stderr


def test_every_compiled_module_has_a_stub() -> None:
    suffixes = tuple(EXTENSION_SUFFIXES)
    compiled = {path.name.partition(".")[0] for path in PACKAGE.iterdir() if path.name.endswith(suffixes)}
    assert compiled == {path.stem for path in PACKAGE.glob("*.pyi")}
    assert compiled == {path.stem for path in (ROOT / "panomask").glob("*.pyx")}


def test_the_package_is_marked_as_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_stubs_say_what_the_running_modules_have(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed; stubtest is part of it")
    config, allowlist = str(ROOT / "pyproject.toml"), str(ROOT / "tests" / "stubtest_allowlist.txt")
    arguments = ["panomask", "--concise", "--mypy-config-file", config, "--allowlist", allowlist]
    # which of the allowed names exist depends on Cython's version
    assert run_python("-m", "mypy.stubtest", *arguments, "--ignore-unused-allowlist", cwd=tmp_path) == ""


def test_types_come_out_as_documented(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed")
    example = tmp_path / "example.py"
    example.write_text(TYPES)
    assert run_python("-m", "mypy", "--strict", "--config-file", "", str(example), cwd=tmp_path) == ""
