"""`panomask bench`: measure panomask beside naive numpy, numba and pycocotools on this machine."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from panomask.bench.adapters import load_adapters
from panomask.bench.cases import COMMAND_CASES
from panomask.bench.coco_file import CocoFileError, read_coco_scenes
from panomask.bench.machine import machine, versions
from panomask.bench.report import Report, bytes_text, describe_scenes, to_json, to_record, to_table
from panomask.bench.runner import measure, steps
from panomask.bench.scenes import Scene, coco_like_scenes
from panomask.cli._failure import check_outputs, failure, write_or_fail

__all__ = ["bench"]

MASKS, QUICK_MASKS = 200, 50
REPEATS, QUICK_REPEATS = 15, 3
SMALLEST, LARGEST = 32, 2**15  # pixels along a side: objects of COCO's shapes need some, pycocotools takes 2**31 in all
DECODED_COPIES = 8  # bytes for each pixel of each mask that the hungriest case holds at once, IoU in numpy


def bench(
    size: Annotated[str, typer.Option(metavar="HxW", help="Height and width of the images made.")] = "480x640",
    masks: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help=f"How many masks to make, or to draw from FILE by the image: {MASKS}, with --quick {QUICK_MASKS}.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Another number makes other masks.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer masks and repeats: a first look in seconds.")] = False,
    coco: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Measure on the annotations of a COCO instances JSON file instead."),
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all numbers to this file too.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the speeds too, as PNG or .svg.")] = None,
) -> None:
    """Measure panomask beside naive numpy, numba and pycocotools on this machine.

    All of them encode, decode and rasterise masks, take areas, boxes, unions, intersections and IoU matrices. Their
    answers are compared first: the exit code is 1 if any differs. A library that is not installed is left out.

    The masks are made to be like those of COCO: in number, size and raggedness (a median of about 100 runs, a mean of
    about 220). Each library starts from the form in which its users hold masks: decoded arrays for numpy and numba,
    RLE dicts for pycocotools, an RLEArray for panomask. All images are done one by one, as a data loader or an
    evaluator would.

    For example:

    - panomask bench --quick
    - panomask bench --coco instances_val2017.json --masks 500
    - panomask bench --json times.json --plot times.png
    """
    height, width = _parse_size(size)
    check_outputs({"--json": json, "--plot": plot}, [] if coco is None else [coco])
    if plot is not None and find_spec("matplotlib") is None:
        raise typer.BadParameter('plotting needs matplotlib: pip install "panomask[plot]"', param_hint="--plot")
    masks = masks or (QUICK_MASKS if quick else MASKS)
    if coco is None:
        _check_memory(masks * height * width)

    rng = np.random.default_rng(seed)
    errors = Console(stderr=True)
    with errors.status("making scenes" if coco is None else f"reading {coco}"):
        try:
            scenes = coco_like_scenes(rng, masks, height, width) if coco is None else read_coco_scenes(coco, rng, masks)
        except CocoFileError as error:
            raise failure("bench", str(error)) from error
    _check_memory(sum(len(scene.gt) * scene.gt.height * scene.gt.width for scene in scenes))

    report = _compare(scenes, "COCO-like scenes" if coco is None else coco.name, seed, quick, errors)
    Console().print(to_table(report))
    for library, reason in report.missing.items():
        if reason != "not installed":
            errors.print(f"{library} is left out: {reason}", markup=False, highlight=False)
    for problem in report.problems:
        errors.print(problem, style="bold red", markup=False, highlight=False)
    if json is not None:
        write_or_fail("bench", json, to_json(report).encode())
    if plot is not None:
        from panomask.bench.plot import to_picture

        write_or_fail("bench", plot, to_picture(to_record(report), "svg" if plot.suffix == ".svg" else "png"))
    if report.problems:
        raise typer.Exit(1)


def _compare(scenes: list[Scene], source: str, seed: int, quick: bool, errors: Console) -> Report:
    """Run all libraries, behind a progress bar if there is a terminal to show it."""
    adapters, missing = load_adapters()
    repeats = QUICK_REPEATS if quick else REPEATS
    columns = TextColumn("{task.description:18}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("", total=steps(COMMAND_CASES, adapters, repeats))
        measurements = measure(
            COMMAND_CASES,
            adapters,
            scenes,
            repeats=repeats,
            step=lambda title: progress.update(task, advance=1, description=title),
        )
    return Report(measurements, describe_scenes(scenes, source, seed), machine(), versions(adapters), missing)


def _parse_size(size: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", size)
    if match is None:
        raise typer.BadParameter(f"expected HEIGHTxWIDTH such as 480x640, found {size!r}", param_hint="--size")
    height, width = map(int, match.groups())
    if not (SMALLEST <= height <= LARGEST and SMALLEST <= width <= LARGEST):
        raise typer.BadParameter(
            f"expected sides of {SMALLEST} to {LARGEST} pixels, found {height} x {width}", param_hint="--size"
        )
    return height, width


def _check_memory(pixels: int) -> None:
    """Refuse work that would not fit, before it takes the machine down."""
    needed = DECODED_COPIES * pixels
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not a system that tells
        return
    if needed > there:
        raise failure(
            "bench",
            f"decoded, these masks take about {bytes_text(needed)} and this machine has {bytes_text(there)}: "
            "lower --masks or --size",
        )
