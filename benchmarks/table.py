"""Turn kept numbers into the tables and pictures of the pages.

    python benchmarks/table.py bench.json     of panomask bench --json: README.md and docs/speed.svg
    python benchmarks/table.py times.json     of pytest benchmarks/ --benchmark-json: docs/benchmarks.md and .svg

What was on the pages before is replaced.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any, Literal

import matplotlib
import numpy as np
from inputs import INPUTS, KINDS, POOL_INPUT, SIZES
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from pages import ROOT, markdown, write_picture, write_section

from panomask.bench.cases import CASES
from panomask.bench.plot import FAINT, INK, STYLE, save, to_picture
from panomask.bench.report import OURS, machine_text, ratio_text, scenes_text, seconds_text

TITLES = {case.operation: case.title for case in CASES}
SHOWN = ("480x640-ragged-many", "480x640-checkerboard-many", "batch", "tiny")  # in the table of docs/benchmarks.md

Times = dict[tuple[str, str], dict[str, float]]
"""Seconds a pass by (operation, input) and library."""


# ---- the README, of panomask bench ----------------------------------------------------------------------------------


def command_table(record: dict[str, Any]) -> list[str]:
    """Write a row for each operation: the median time a mask, and how many times as fast ours is."""
    rows: dict[str, dict[str, float]] = defaultdict(dict)
    for each in record["results"]:
        rows[each["operation"]][each["library"]] = each["median"] / each["masks"]
    libraries = [name for name in record["versions"] if name in next(iter(rows.values()))]
    lines = markdown(
        ["", *libraries],
        ([TITLES[operation], *(_cell(times, name) for name in libraries)] for operation, times in rows.items()),
    )
    repeats = max(each["repeats"] for each in record["results"])
    about = (
        f"{machine_text(record['machine'], record['versions'])}; {record['date']}, medians of {repeats} repeats. "
        f"numpy's matrix product takes as many threads as BLAS does. {scenes_text(record['scenes'])}."
    )
    return [*lines, "", fill(about, 120)]


def _cell(times: dict[str, float], library: str) -> str:
    if library not in times:
        return "-"
    speed = f" ({ratio_text(times[library] / times[OURS])})" if library != OURS else ""
    return seconds_text(times[library]) + speed


# ---- docs/benchmarks.md, of the suites ------------------------------------------------------------------------------


def read_suites(content: dict[str, Any]) -> tuple[Times, dict[str, Any], list[str]]:
    """Give times, what they were measured with, and who gave other answers where."""
    times: Times = defaultdict(dict)
    differing = []
    about: dict[str, Any] = {}
    for each in content["benchmarks"]:
        info = each["extra_info"]
        if "operation" not in info:  # those of a whole data set stand by themselves
            continue
        about = info
        times[info["operation"], info["input"]][info["library"]] = each["stats"]["median"] / info["masks"]
        if not info["agreed"]:
            differing.append(f"{info['library']} in {TITLES[info['operation']]}, {info['input']}")
    return times, {**about, "date": content["datetime"][:10]}, differing


def against_fastest(times: Times) -> dict[tuple[str, str], tuple[float, str]]:
    """How many times as fast as the fastest other library ours is, and which that is, by operation and input."""
    ratios = {}
    for key, row in times.items():
        others = {name: time for name, time in row.items() if name != OURS}
        if OURS in row and others:
            fastest = min(others, key=others.__getitem__)
            ratios[key] = others[fastest] / row[OURS], fastest
    return ratios


def suites_section(times: Times, about: dict[str, Any], differing: Sequence[str]) -> list[str]:
    """Write what the suites found: the picture, hard inputs in full, and every loss."""
    libraries = [name for name in about["versions"] if any(name in row for row in times.values()) and name != OURS]
    libraries.append(OURS)
    ratios = against_fastest(times)
    lines = [
        fill(f"Measured on {about['date']}: {machine_text(about['machine'], about['versions'])}.", 120),
        "",
        "![How many times as fast as the fastest other library panomask is](benchmarks.svg)",
        "",
        "Time for one mask, in full, of some inputs:",
        "",
    ]
    shown = [(operation, name) for operation in TITLES for name in (*SHOWN, POOL_INPUT.name)]
    rows = [
        [TITLES[key[0]], key[1], *(seconds_text(times[key][name]) if name in times[key] else "-" for name in libraries)]
        for key in shown
        if key in times
    ]
    lines += [*markdown(["", "input", *libraries], rows, left=2), ""]
    lost = sorted((ratio, key, fastest) for key, (ratio, fastest) in ratios.items() if ratio < 0.95)
    lines += [
        fill(
            f"panomask is the fastest, or within 5 % of it, in {len(ratios) - len(lost)} of {len(ratios)} comparisons. "
            + ("It loses:" if lost else ""),
            120,
        ),
        "",
    ]
    if lost:
        named: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for ratio, (operation, name), fastest in lost:
            named[operation][fastest].append(f"{name} {ratio_text(ratio)}")
        rows = [
            [TITLES[operation], fastest, ", ".join(inputs)]
            for operation in TITLES
            for fastest, inputs in named[operation].items()
        ]
        lines += [*markdown(["", "fastest", "inputs, and panomask's speed relative to the fastest"], rows, left=3), ""]
    peers = fill("Other answers than numpy's: " + "; ".join(differing) + ".", 120) if differing else ""
    return [*lines, peers or "All answers were equal."]


def suites_picture(times: Times, about: dict[str, Any], kind: Literal["png", "svg"] = "svg") -> bytes:
    """Draw speeds against the fastest other library: an operation a row, an input a column."""
    ratios = {key: ratio for key, (ratio, _) in against_fastest(times).items()}
    panels = {
        "one mask": [*(f"{size}-{kind}-one" for size in SIZES for kind in KINDS), "tiny"],
        "many masks": [*(f"{size}-{kind}-many" for size in SIZES for kind in KINDS), "batch", "pool"],
    }
    panels = {title: [name for name in names if name in INPUTS or name == "pool"] for title, names in panels.items()}
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 7.6), layout="constrained")
        for axes, (title, names) in zip(figure.subplots(2), panels.items(), strict=True):
            _draw_panel(axes, title, names, ratios)
        figure.suptitle(
            "How many times as fast as the fastest other library panomask is", x=0.015, ha="left", fontweight="bold",
            fontsize=11,
        )  # fmt: skip
        caption = fill(f"{machine_text(about['machine'], about['versions'])}; {about['date']}.", 125)
        figure.supxlabel(caption, x=0.015, ha="left", fontsize=7, color=FAINT)
        return save(figure, kind)


def _draw_panel(axes: Axes, title: str, names: Sequence[str], ratios: dict[tuple[str, str], float]) -> None:
    operations = list(TITLES)
    values = np.array([[ratios.get((operation, name), np.nan) for name in names] for operation in operations])
    # Orange where it is slower, blue where it is faster: the two ends differ in every colour vision.
    axes.imshow(values, norm=LogNorm(0.05, 20), cmap="RdYlBu", aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            strong = value < 0.95
            ink = "white" if not 0.12 < value < 8 else INK
            axes.text(
                column, row, ratio_text(value).removesuffix("x"), ha="center", va="center", color=ink,
                fontsize=7, fontweight="bold" if strong else "normal",
            )  # fmt: skip
    labels = [name.removesuffix("-one").removesuffix("-many").partition("-")[2] or name for name in names]
    axes.set_xticks(range(len(names)), labels, rotation=35, ha="right", rotation_mode="anchor", fontsize=7.5)
    axes.set_yticks(range(len(operations)), [TITLES[operation] for operation in operations], fontsize=7.5)
    for size in SIZES:
        columns = [i for i, name in enumerate(names) if name.startswith(size)]
        if columns:
            axes.text(np.mean(columns), -0.75, size, ha="center", va="bottom", fontsize=8, color=FAINT)
            axes.axvline(columns[-1] + 0.5, color="white", linewidth=3)
    axes.set_title(title, loc="left", fontsize=9, pad=16, fontweight="bold")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


# ---------------------------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the pages that the file is for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository to write in, this one by default")
    options = parser.parse_args(arguments)
    content = json.loads(options.file.read_text(encoding="utf-8"))
    if "results" in content:
        write_section(options.root / "README.md", "speed table", command_table(content))
        write_picture(options.root / "docs" / "speed.svg", to_picture(content, "svg"))
        return
    times, about, differing = read_suites(content)
    write_section(options.root / "docs" / "benchmarks.md", "numbers", suites_section(times, about, differing))
    write_picture(options.root / "docs" / "benchmarks.svg", suites_picture(times, about))


if __name__ == "__main__":
    main()
