"""Find the constants of csrc/pm_overlap.c on this machine, and write the last section of docs/scaling.md.

    python benchmarks/fit_overlap.py

Compiles the C core several times with the compiler named by CC (cc without), each time with other constants, so that
one build always takes intervals, one takes bits wherever it may; times both in turns on the same masks. Takes a minute.
"""

from __future__ import annotations

import argparse
import ctypes
import math
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from inputs import SEED
from pages import ROOT, markdown, measured_on, medians, write_section

from panomask import RLEArray
from panomask.bench.adapters import via_panomask
from panomask.bench.report import ratio_text, seconds_text

SIDE = 2048  # pixels of the image's sides
COLUMNS = 128  # of an object
MASKS = (2, 8, 32)  # of each side
ALWAYS = 4096  # words an interval: every mask that is made here is prepared as bits
HEIGHTS = (64, 256, 1024, 2048)
PIECES = (1, 4, 16)  # intervals in a column
SPANS = (4, 16, 64)  # whole columns in an interval
BLOCKS = (12, 13, 14, 15, 16, 17, 18)  # powers of two
FAR = 8  # times as fast: too far from a crossing to tell where it is
SECONDS, QUICK_SECONDS = 0.05, 0.001


class Batch(ctypes.Structure):
    """pm_batch."""

    _fields_ = [
        ("counts", ctypes.c_void_p),
        ("offsets", ctypes.c_void_p),
        ("sizes", ctypes.c_void_p),
        ("n", ctypes.c_int64),
    ]


class Compiler:
    """The C core, all but pm_overlap.c compiled once."""

    def __init__(self, folder: Path, optimise: str) -> None:
        """Compile it, with this flag."""
        self.folder = folder
        self.command = [os.environ.get("CC", "cc"), optimise, "-std=c11", "-ffp-contract=off", "-fPIC", "-Icsrc"]
        sources = [str(path) for path in sorted((ROOT / "csrc").rglob("*.c")) if path.name != "pm_overlap.c"]
        self.objects = [str(folder / f"{Path(source).stem}.o") for source in sources]
        for source, target in zip(sources, self.objects, strict=True):
            subprocess.run([*self.command, "-c", source, "-o", target], check=True, cwd=ROOT)

    def build(self, name: str, **constants: int) -> Build:
        """Compile pm_overlap.c with constants of its own, link and load."""
        library = str(self.folder / f"{name}.so")
        flags = ["-shared", *(f"-DPM_{key.upper()}={value}" for key, value in constants.items())]
        files = ["csrc/pm_overlap.c", *self.objects, "-lm", "-o", library]
        subprocess.run([*self.command, *flags, *files], check=True, cwd=ROOT)
        return Build(library)


class Build:
    """One such library."""

    def __init__(self, library: str) -> None:
        """Load it."""
        self._core = ctypes.CDLL(library)
        self._core.pm_overlap_scratch.restype = ctypes.c_size_t

    def bind(self, a: RLEArray, b: RLEArray) -> tuple[Callable[[], Any], Any]:
        """Give a call that compares all pairs, and the array of areas that it writes."""
        batches = [
            Batch(each.counts.ctypes.data, each.offsets.ctypes.data, each.sizes.ctypes.data, len(each))
            for each in (a, b)
        ]
        pair = [ctypes.byref(each) for each in batches]
        scratch = np.empty(self._core.pm_overlap_scratch(*pair), np.uint8)  # pages that are not used cost nothing
        areas = np.empty((len(a), len(b)), np.uint64)
        arguments = (*pair, ctypes.c_void_p(areas.ctypes.data), ctypes.c_void_p(scratch.ctypes.data), None)

        def call(keep: Any = (a, b, batches, scratch, areas)) -> None:
            if self._core.pm_overlap_matrix(*arguments):
                raise RuntimeError("pm_overlap_matrix failed")

        return call, areas


def make_masks(n: int, height: int, pieces: int, span: int) -> RLEArray:
    """Make objects in the middle of an image, each moved by some pixels, that all meet.

    Their columns are cut into `pieces` intervals, or, where they are as high as the image, run on through `span`.
    """
    rng = np.random.default_rng(SEED)
    pixels = np.zeros((n, SIDE, SIDE), np.uint8, order="C")
    for plane in pixels:
        left = (SIDE - COLUMNS) // 2 + int(rng.integers(-8, 9))
        top = 0 if height == SIDE else (SIDE - height) // 2 + int(rng.integers(-8, 9))
        area = plane[top : top + height, left : left + COLUMNS]
        area[:] = 1
        if span > 1:
            area[-1, span - 1 :: span] = 0
        else:
            for k in range(1, pieces):
                rows = k * height // pieces + rng.integers(-1, 2, area.shape[1])
                area[rows, np.arange(area.shape[1])] = 0
            area[-1] = 0
    return RLEArray.from_dense(pixels)


def words_an_interval(rles: RLEArray) -> float:
    """Give what the limit is compared with: words of the bits of a mask for each of its intervals."""
    words = sum((math.ceil((y + h) / 64) - int(y) // 64 + 1) * w for _, y, w, h in rles.bbox.tolist())
    return float(words / (len(rles.counts) // 2))


def crossing(points: Sequence[tuple[float, float]]) -> float:
    """Fit log(ratio), where it is near zero, as a line in log(words an interval), and give where it is zero."""
    near = [point for point in points if 1 / FAR < point[1] < FAR]
    x, y = np.log(np.array(near if len(near) > 1 else points)).T
    slope, start = np.polyfit(x, y, 1)
    return float(np.exp(-start / slope))


def fit_limit(bits: Build, intervals: Build, seconds: float, quick: bool) -> list[str]:
    """Time both ways over a grid of masks."""
    shapes = [(height, pieces, 1) for height in HEIGHTS for pieces in PIECES]
    shapes += [(SIDE, 1, span) for span in SPANS]
    if quick:
        shapes = shapes[:1] + shapes[-1:]
    table: dict[float, dict[int, tuple[float, float]]] = {}
    for shape in shapes:
        masks = make_masks(max(MASKS), *shape)
        words = words_an_interval(masks)
        for n in MASKS:
            some = masks[:n]
            (use_bits, areas), (use_intervals, other_areas) = bits.bind(some, some), intervals.bind(some, some)
            found = medians({"bits": use_bits, "intervals": use_intervals}, seconds)
            if not np.array_equal(areas, other_areas):
                raise AssertionError(f"the two ways differ for {shape}")
            table.setdefault(words, {})[n] = found["bits"] / n**2, found["intervals"] / n**2
    rows = []
    for words, row in sorted(table.items()):
        cells = [f"{seconds_text(b)} / {seconds_text(i)} ({ratio_text(i / b)})" for b, i in row.values()]
        rows.append([f"{words:.2f}", *cells])
    lines = [
        "Time for one pair, preparation included, by bits / by intervals, and how many times as fast bits are:",
        "",
        *markdown(["words an interval", *(f"{n} x {n} masks" for n in MASKS)], rows),
        "",
    ]
    cross = [
        f"{crossing([(words, row[n][1] / row[n][0]) for words, row in table.items()]):.1f} for {n} x {n}" for n in MASKS
    ]
    limit = constant("PM_MOST_WORDS_AN_INTERVAL")
    return [
        *lines,
        f"Both cost the same at this many words an interval: {', '.join(cross)}. The limit in use is {limit}.",
    ]


def fit_block(compiler: Compiler, seconds: float, quick: bool) -> list[str]:
    """Time blocks of several sizes on masks whose bits fill no cache."""
    powers = BLOCKS[:2] if quick else BLOCKS
    builds = {power: compiler.build(f"block{power}", block_words=1 << power) for power in powers}
    rng = np.random.default_rng(SEED)
    n, side = (16, 128) if quick else (256, 768)
    boxes = np.column_stack([rng.uniform(0, 64, (n, 2)), np.full((n, 2), side)])
    masks = RLEArray.from_boxes(boxes, side + 64, side + 64)
    calls = {str(1 << power): build.bind(masks, masks)[0] for power, build in builds.items()}
    found = medians(calls, seconds * 10)
    best = min(found, key=found.__getitem__)
    return [
        f"Words compared at a time, for {n} x {n} squares of {side} pixels, whose bits fill no cache, a pair:",
        "",
        *markdown(["words", *found], [["time", *(seconds_text(time / n**2) for time in found.values())]]),
        "",
        f"The best is {best}; in use is {constant('PM_BLOCK_WORDS')}.",
    ]


def constant(name: str) -> str:
    """Read a constant from the source."""
    source = (ROOT / "csrc" / "pm_overlap.c").read_text(encoding="utf-8")
    found = re.search(rf"#define {name} (.+)", source)
    assert found is not None
    return found[1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few points and little time: only to see that it works")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository to write in, this one by default")
    options = parser.parse_args(arguments)
    seconds = QUICK_SECONDS if options.quick else SECONDS
    with tempfile.TemporaryDirectory() as name:
        compiler = Compiler(Path(name), "-O0" if options.quick else "-O3")
        bits = compiler.build("bits", most_words_an_interval=ALWAYS)
        intervals = compiler.build("intervals", most_words_an_interval=0)
        lines = [measured_on({"panomask": via_panomask}), "", *fit_limit(bits, intervals, seconds, options.quick), ""]
        lines += fit_block(compiler, seconds, options.quick)
    write_section(options.root / "docs" / "scaling.md", "overlap cost", lines)


if __name__ == "__main__":
    main()
