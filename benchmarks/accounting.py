"""Set the time of each operation beside that of moving the same bytes, and write docs/accounting.md.

    python benchmarks/accounting.py

Takes half a minute; --quick takes seconds and measures too little to be kept. Needs a C library that ctypes can load.
"""

from __future__ import annotations

import argparse
import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from textwrap import fill
from typing import Any

import numpy as np
from inputs import SEED, in_one
from numpy.typing import NDArray
from pages import ROOT, markdown, measured_on, take_turns, threads_set, write_section

from panomask import RLEArray
from panomask.bench.adapters import via_panomask
from panomask.bench.cases import bytes_of
from panomask.bench.report import bytes_text, ratio_text, seconds_text
from panomask.bench.scenes import coco_like_scenes

GROUP = 10  # masks that are united
GOAL = 1.3  # times the reference, for what reads or writes pixels
SECONDS, QUICK_SECONDS = 0.3, 0.002

libc = ctypes.CDLL(None)
libc.memchr.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
libc.memchr.restype = ctypes.c_void_p
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
libc.memset.restype = ctypes.c_void_p
libc.memcpy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
libc.memcpy.restype = ctypes.c_void_p


@dataclass(frozen=True)
class Work:
    """One operation on one amount of data."""

    title: str
    reference: str
    read: int
    written: int
    call: Callable[[], Any]


# ---- references: what moves so many bytes and does nothing else ------------------------------------------------------


def touched(n: int) -> NDArray[np.uint8]:
    """Give memory that is there: pages never written are one page of zeros, which is always in the cache."""
    return np.ones(max(n, 1), np.uint8)


def read(work: Work) -> Callable[[], Any]:
    """Search what is read for a byte that is not there: the fastest plain read that a C library has."""
    memory, n = touched(work.read), work.read
    address = memory.ctypes.data
    return lambda memory=memory: libc.memchr(address, 0, n)


def write(work: Work) -> Callable[[], Any]:
    """Set what is written."""
    memory, n = touched(work.written), work.written
    address = memory.ctypes.data
    return lambda memory=memory: libc.memset(address, 0, n)


def write_new(work: Work) -> Callable[[], Any]:
    """Allocate what is written, set it and give it back, page faults included."""
    n = work.written

    def call() -> None:
        memory = np.empty(n, np.uint8)
        libc.memset(memory.ctypes.data, 0, n)

    return call


def copy(work: Work) -> Callable[[], Any]:
    """Copy half of the bytes, which reads and writes as many as the operation moves."""
    n = (work.read + work.written) // 2
    source, target = touched(n), touched(n)
    addresses = target.ctypes.data, source.ctypes.data
    return lambda source=source, target=target: libc.memcpy(*addresses, n)


REFERENCES = {"read": read, "memset": write, "new, memset": write_new, "memcpy": copy}


# ---- what is measured -----------------------------------------------------------------------------------------------


def pixel_work(rles: RLEArray) -> list[Work]:
    """Encode and decode a batch, in both memory orders."""
    works = []
    for layout, order in (("hwn", "F"), ("nhw", "C")):
        pixels = rles.to_dense(layout=layout)
        out = np.ones_like(pixels)
        runs = bytes_of(rles)
        works += [
            Work(
                f"encode {order}", "read", pixels.nbytes, runs,
                lambda pixels=pixels, layout=layout: RLEArray.from_dense(pixels, layout=layout),
            ),
            Work(
                f"decode {order}, `out=`", "memset", runs, pixels.nbytes,
                lambda out=out, layout=layout: rles.to_dense(layout=layout, out=out),
            ),
            Work(
                f"decode {order}, new array", "new, memset", runs, pixels.nbytes,
                lambda layout=layout: rles.to_dense(layout=layout),
            ),
        ]  # fmt: skip
    order = ("encode F", "encode C", "decode F", "decode C")
    return sorted(works, key=lambda work: [work.title.startswith(each) for each in order], reverse=True)


def run_work(rles: RLEArray, overlap: bool) -> list[Work]:
    """Do on runs what never sees a pixel."""
    runs, text = bytes_of(rles), rles.to_coco()
    groups = np.arange(0, len(rles) + 1, GROUP)
    works = [
        Work("area", "read", runs, bytes_of(rles.area), lambda: rles[:].area),
        Work("box", "read", runs, bytes_of(rles.bbox), lambda: rles[:].bbox),
        Work("text to runs", "memcpy", bytes_of(text), runs, lambda: RLEArray.from_coco(text)),
        Work("runs to text", "memcpy", runs, bytes_of(text), rles.to_coco),
        Work(f"union of {GROUP}", "memcpy", runs, bytes_of(rles.union(groups)), lambda: rles.union(groups)),
    ]
    if overlap:
        works.append(Work("IoU matrix", "memcpy", 2 * runs, 8 * len(rles) ** 2, lambda: rles[:].iou(rles[:])))
    return works


def account(works: Sequence[Work], seconds: float) -> tuple[list[list[str]], dict[str, float]]:
    """Give a row for each, and how many times as long as its reference it takes."""
    rows, ratios = [], {}
    for work in works:
        reference = REFERENCES[work.reference](work)
        times = take_turns({"ours": work.call, "reference": reference}, seconds, rounds=15)
        # Both of one turn saw the same machine.
        pairs = zip(times["ours"], times["reference"], strict=False)
        ratios[work.title] = median(ours / plain for ours, plain in pairs)
        rows.append([
            work.title, bytes_text(work.read), bytes_text(work.written), seconds_text(median(times["ours"])),
            f"{work.reference} {seconds_text(median(times['reference']))}", ratio_text(ratios[work.title]),
        ])  # fmt: skip
    return rows, ratios


def verdict(ratios: dict[str, float]) -> str:
    """Say which of the operations on pixels keep to the goal."""
    met = [title for title, ratio in ratios.items() if ratio <= GOAL]
    missed = [f"{title} ({ratio_text(ratio)})" for title, ratio in ratios.items() if ratio > GOAL]
    return fill(f"Within {GOAL}x: {', '.join(met) or 'none'}. Beyond: {', '.join(missed) or 'none'}.", 120)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="little data and time: only to see that it works")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository to write in, this one by default")
    options = parser.parse_args(arguments)
    with threads_set(1):  # as the references
        _write_page(options.root / "docs" / "accounting.md", options.quick)


def _write_page(page: Path, quick: bool) -> None:
    seconds = QUICK_SECONDS if quick else SECONDS
    height, width, masks, times = (48, 64, 20, 2) if quick else (480, 640, 200, 200)
    (scene,) = in_one(coco_like_scenes(np.random.default_rng(SEED), masks, height, width))
    rles = via_panomask.hold_masks(scene.gt)
    by_runs = np.argsort(np.diff(rles.offsets))
    middle = rles[by_runs[masks // 2 : masks // 2 + 1]]
    twice = RLEArray.concatenate([rles, rles])
    many = RLEArray.concatenate([rles] * times)

    head = ["", "read", "written", "time", "reference", "ratio"]
    write_section(page, "measured", [measured_on({"numpy": np_version, "panomask": via_panomask})])
    for name, pixels, runs, overlap in (("cache", middle, rles, True), ("memory", twice, many, False)):
        rows, ratios = account(pixel_work(pixels), seconds)
        about = (
            f"Pixels: {len(pixels)} mask{'s' if len(pixels) > 1 else ''} of {height} x {width}, "
            f"{len(pixels.counts):,} runs. Runs: {len(runs):,} masks, {len(runs.counts):,} runs."
        )
        more, _ = account(run_work(runs, overlap), seconds)
        write_section(page, name, [about, "", *markdown(head, rows + more), "", verdict(ratios)])


class np_version:  # noqa: N801 - an adapter is a module
    """Stand for numpy among the versions."""

    @staticmethod
    def version() -> str:
        """Give the version in use."""
        return np.__version__


if __name__ == "__main__":
    main()
