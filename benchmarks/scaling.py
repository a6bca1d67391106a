"""Measure what the cost of an operation grows with, and write docs/scaling.md and docs/scaling.svg.

    python benchmarks/scaling.py

Takes some minutes; --quick takes seconds and measures too little to be kept.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import matplotlib
import numpy as np
from inputs import SEED, in_one
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from numpy.typing import NDArray
from pages import ROOT, markdown, measured_on, medians, threads_set, write_picture, write_section

from panomask.bench.adapters import load_adapters
from panomask.bench.cases import CASES, Case, answers_agree
from panomask.bench.plot import COLOURS, FAINT, RULE, STYLE, save
from panomask.bench.report import OURS, ratio_text, seconds_text
from panomask.bench.scenes import Masks, Scene, coco_like_scenes

OPERATIONS = {case.operation: case for case in CASES if case.operation != "rasterise"}
DECODED = ("numpy", "numba")  # work on decoded arrays
DRAWN = ("encode_nhw", "decode_nhw", "area", "union", "intersection", "iou", "compress", "parse")
SECONDS, QUICK_SECONDS = 0.1, 0.001  # for a library at a point
MASKS = 8  # of an image, where not their number is what changes


@dataclass(frozen=True)
class Point:
    """What libraries took: seconds a mask, at one value of what changes."""

    at: float
    seconds: Mapping[str, float]


Curves = dict[str, list[Point]]
"""Points by operation."""


# ---- what is worked on ----------------------------------------------------------------------------------------------


def scene_of(planes: NDArray[np.bool_], others: NDArray[np.bool_]) -> Scene:
    """Make a scene of decoded masks and detections (n, height, width)."""
    gt, dt = (Masks.from_planes(each, *each.shape[1:]) for each in (planes, others))
    return Scene(gt, dt, np.zeros(len(planes), np.uint8), [])


def blobs(rng: np.random.Generator, n: int, height: int, width: int, grain: int) -> NDArray[np.bool_]:
    """Make masks of half the image: noise, blurred twice over squares of `grain` pixels, above its median."""
    noise = rng.random((n, height + 2 * grain - 2, width + 2 * grain - 2))
    for axis in (1, 2, 1, 2):
        sums = np.insert(np.cumsum(noise, axis=axis), 0, 0, axis=axis)
        stop = sums.shape[axis]
        noise = np.take(sums, range(grain, stop), axis) - np.take(sums, range(stop - grain), axis)
    return np.asarray(noise > np.median(noise, axis=(1, 2), keepdims=True))


def rectangles(n: int, height: int, width: int) -> NDArray[np.bool_]:
    """Make masks of half the image: a rectangle, each a little further to the right."""
    planes = np.zeros((n, height, width), bool)
    h, w = round(height * math.sqrt(0.5)), round(width * math.sqrt(0.5))
    for i, plane in enumerate(planes):
        plane[(height - h) // 2 :, i:][:h, :w] = True
    return planes


def checkerboards(n: int, height: int, width: int) -> NDArray[np.bool_]:
    """Make masks of half the image with as many runs as pixels, each the complement of the one before."""
    return (np.indices((height, width)).sum(0) + np.arange(n)[:, None, None]) % 2 == 1


def discs(n: int, side: int, diameter: int) -> NDArray[np.bool_]:
    """Make discs of one diameter around the middle of a square image, each a little further to the right."""
    y, x = np.ogrid[:side, :side]
    return np.array([((y - side / 2) ** 2 + (x - side / 2 - 4 * i) ** 2) * 4 < diameter**2 for i in range(n)])


def perimeter_scenes(height: int, width: int, grains: Sequence[int]) -> list[Scene]:
    """Make masks of equal area with longer and longer outlines, from rectangles to checkerboards."""
    rng = np.random.default_rng(SEED)
    scenes = [scene_of(rectangles(MASKS, height, width), rectangles(MASKS, height, width)[::-1])]
    scenes += [scene_of(*(blobs(rng, MASKS, height, width, grain) for _ in range(2))) for grain in grains]
    return [*scenes, scene_of(checkerboards(MASKS, height, width), checkerboards(MASKS, height, width)[::-1])]


# ---- measuring ------------------------------------------------------------------------------------------------------


def measure(
    scenes: Sequence[Scene],
    at: Callable[[Scene], float],
    operations: Sequence[str],
    adapters: Mapping[str, ModuleType],
    seconds: float,
) -> Curves:
    """Time operations on each scene by each library, after comparing their answers."""
    curves: Curves = {}
    for operation in operations:
        points = []
        for scene in scenes:
            calls = bind(OPERATIONS[operation], scene, adapters)
            times = medians(calls, seconds)
            points.append(Point(at(scene), {name: time / len(scene.gt) for name, time in times.items()}))
        curves[operation] = points
    return curves


def bind(case: Case, scene: Scene, adapters: Mapping[str, ModuleType]) -> dict[str, Callable[[], Any]]:
    """Give a call for each library that offers the operation; they must agree."""
    calls: dict[str, Callable[[], Any]] = {}
    expected = None
    for name, adapter in adapters.items():
        if not hasattr(adapter, case.operation):
            continue
        (operands,) = case.operands(adapter, [scene])
        function = getattr(adapter, case.operation)
        answer = case.comparable(adapter, function(*operands))
        expected = answer if expected is None else expected
        if not answers_agree(expected, answer):
            raise AssertionError(f"{name} gives another answer to {case.title}")
        calls[name] = lambda function=function, operands=operands: function(*operands)
    return calls


def crossover(points: Sequence[Point]) -> float | None:
    """Find where decoded arrays become faster than ours for good; None if they are not at the last point.

    Between two points times are taken to be straight lines on logarithmic scales. 0 if they are faster everywhere.
    """
    leads = [
        math.log(min(each.seconds[name] for name in DECODED if name in each.seconds) / each.seconds[OURS])
        for each in points
    ]
    if leads[-1] >= 0:
        return None
    last = max((i for i, lead in enumerate(leads) if lead >= 0), default=-1)
    if last < 0:
        return 0
    share = leads[last] / (leads[last] - leads[last + 1])
    low, high = (math.log(points[i].at) for i in (last, last + 1))
    return math.exp(low + share * (high - low))


def thread_counts() -> list[int]:
    """Powers of two up to the number of cores."""
    cores = os.cpu_count() or 1
    return sorted({*(1 << i for i in range(cores.bit_length()) if 1 << i <= cores), cores})


def measure_own_threads(scene: Scene, adapter: ModuleType, seconds: float) -> dict[int, dict[str, float]]:
    """Time one call on several threads of panomask's own; nothing if it has none."""
    found = {}
    for n in thread_counts():
        with threads_set(n) as is_set:
            if is_set:
                found[n] = {
                    name: medians(bind(case, scene, {OURS: adapter}), seconds)[OURS]
                    for name, case in OPERATIONS.items()
                }
    return found


def measure_caller_threads(scene: Scene, adapter: ModuleType, seconds: float) -> dict[int, dict[str, float]]:
    """Time calls that as many Python threads make at once, each for itself: seconds until all are done, a call."""
    found: dict[int, dict[str, float]] = {}
    for n in thread_counts():
        found[n] = {}
        with ThreadPoolExecutor(n) as pool:
            for name, case in OPERATIONS.items():
                call = bind(case, scene, {OURS: adapter})[OURS]

                def together(call: Callable[[], Any] = call, n: int = n, pool: ThreadPoolExecutor = pool) -> None:
                    for each in [pool.submit(call) for _ in range(n)]:
                        each.result()

                found[n][name] = medians({"": together}, seconds)[""] / n
    return found


# ---- writing --------------------------------------------------------------------------------------------------------


def curves_table(curves: Curves, head: Callable[[float], str], ends: bool) -> list[str]:
    """Write a row an operation: ours, and how many times as fast as the faster of the decoded ones."""
    points = next(iter(curves.values()))
    rows = []
    for operation, row in curves.items():
        cells = []
        for each in row:
            decoded = min(each.seconds[name] for name in DECODED if name in each.seconds)
            cells.append(f"{seconds_text(each.seconds[OURS])} ({ratio_text(decoded / each.seconds[OURS])})")
        found = crossover(row)
        end = "-" if found is None else "everywhere" if found == 0 else f"{found:,.0f}"
        rows.append([OPERATIONS[operation].title, *cells, *([end] if ends else [])])
    columns = ["", *(head(each.at) for each in points), *(["loses from"] if ends else [])]
    return markdown(columns, rows)


def threads_table(found: Mapping[int, Mapping[str, float]]) -> list[str]:
    """Write a row an operation: the time on one thread, then how many times as fast several are."""
    one, *several = found
    rows = [
        [case.title, seconds_text(found[one][name]), *(ratio_text(found[one][name] / found[n][name]) for n in several)]
        for name, case in OPERATIONS.items()
    ]
    return markdown(["", "1 thread", *(f"{n} threads" for n in several)], rows)


def draw(perimeter: Curves, size: Curves, number: Curves, caption: str, kind: Literal["png", "svg"] = "svg") -> bytes:
    """Draw time against what changes, an operation a panel, a library a line."""
    panels = [(perimeter, operation) for operation in DRAWN]
    panels += [(curves, operation) for curves in (size, number) for operation in curves]
    labels = {id(perimeter): "runs a mask", id(size): "pixels of the image", id(number): "masks"}
    with matplotlib.rc_context({**STYLE, "font.size": 7.5}):
        columns = 4
        rows = -(-len(panels) // columns)
        figure = Figure(figsize=(7.6, 0.9 + 1.75 * rows), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (curves, operation) in zip(grid, panels, strict=False):
            _draw_panel(axes, curves[operation], OPERATIONS[operation].title, labels[id(curves)])
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper right", ncols=4, frameon=False)
        figure.suptitle("Time for one mask", x=0.01, ha="left", fontweight="bold", fontsize=11)
        figure.supxlabel(caption, x=0.01, ha="left", fontsize=7, color=FAINT)
        return save(figure, kind)


def _draw_panel(axes: Axes, points: Sequence[Point], title: str, label: str) -> None:
    for name, colour in COLOURS.items():
        there = [(each.at, each.seconds[name]) for each in points if name in each.seconds]
        if there:
            width = 2.2 if name == OURS else 1.3
            axes.plot(*zip(*there, strict=True), color=colour, label=name, linewidth=width, marker="o", markersize=2.5)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: seconds_text(value).replace(".00", "").replace(".0", ""))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_title(title, fontsize=8.5, loc="left")
    axes.set_xlabel(label, fontsize=7, color=FAINT)
    axes.grid(color=RULE, linewidth=0.6)
    axes.minorticks_off()
    axes.tick_params(length=0, labelsize=6.5)
    axes.spines[:].set_visible(False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small images and few points: only to see that it works")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository to write in, this one by default")
    options = parser.parse_args(arguments)
    with threads_set(1):  # but where threads are what changes
        _write_page(options.root / "docs", options.quick)


def _write_page(docs: Path, quick: bool) -> None:
    seconds = QUICK_SECONDS if quick else SECONDS
    adapters, _ = load_adapters()
    height, width = (48, 64) if quick else (480, 640)

    grains = (8, 1) if quick else (200, 64, 24, 12, 6, 3, 1)
    scenes = perimeter_scenes(height, width, grains)
    perimeter = measure(scenes, lambda scene: mean_runs(scene.gt), list(OPERATIONS), adapters, seconds)
    sides = (32, 64) if quick else (256, 512, 1024, 2048, 4096)
    diameter = 20 if quick else 200
    scenes = [scene_of(discs(2, side, diameter), discs(2, side, diameter)[::-1]) for side in sides]
    size = measure(
        scenes, lambda scene: scene.gt.height * scene.gt.width, ["encode_nhw", "decode_nhw", "area", "intersection"],
        adapters, seconds,
    )  # fmt: skip
    numbers = (1, 4) if quick else (1, 4, 16, 64, 250)  # pycocotools' areas end at 255
    scenes = [in_one(coco_like_scenes(np.random.default_rng(SEED), n, height, width))[0] for n in numbers]
    number = measure(scenes, lambda scene: len(scene.gt), ["encode_nhw", "area", "union", "iou"], adapters, seconds)

    own = measure_own_threads(scenes[-1], adapters[OURS], seconds)
    callers = measure_caller_threads(scenes[-1], adapters[OURS], seconds)

    page = docs / "scaling.md"
    write_section(page, "measured", [measured_on(adapters)])
    write_section(page, "perimeter", curves_table(perimeter, lambda at: f"{at:,.0f} runs", True))
    write_section(page, "size", curves_table(size, lambda at: f"{math.isqrt(round(at)):,}²", False))
    write_section(page, "number", curves_table(number, lambda at: f"{at:.0f}", False))
    lines = ["One call, on threads of panomask's own:", "", *threads_table(own), ""] if own else []
    lines += ["As many calls at once, from as many Python threads:", "", *threads_table(callers)]
    write_section(page, "threads", lines)
    write_picture(docs / "scaling.svg", draw(perimeter, size, number, measured_on(adapters)))


def mean_runs(masks: Masks) -> float:
    """Count the runs of a mask."""
    return float(np.mean([len(each) for each in masks.counts]))


if __name__ == "__main__":
    main()
