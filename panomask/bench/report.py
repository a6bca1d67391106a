"""What a comparison found, as a table for the terminal and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from .adapters import LIBRARIES
from .runner import Measurement
from .scenes import Scene

__all__ = [
    "OURS", "Report", "bytes_text", "describe_scenes", "machine_text", "ratio_text", "scenes_text", "seconds_text",
    "to_json", "to_record", "to_table",
]  # fmt: skip

OURS = "panomask"
SCHEMA = 1  # of the JSON; raised when a reader of the old one would misread the new


@dataclass(frozen=True)
class Report:
    """A comparison with everything needed to judge it.

    Attributes
    ----------
    measurements : sequence of Measurement
        By case, in the order of `LIBRARIES` within one.
    scenes : dict
        What was measured on (`describe_scenes`).
    machine, versions : dict
        See `machine`.
    missing : dict of str to str
        Libraries that could not take part, and why.
    """

    measurements: Sequence[Measurement]
    scenes: dict[str, Any]
    machine: dict[str, str | int]
    versions: dict[str, str]
    missing: dict[str, str]

    @property
    def problems(self) -> list[str]:
        """One sentence for each library that failed or gave another answer."""
        return [f"{each.case.title}: {each.library} {each.problem}" for each in self.measurements if each.problem]

    def by_case(self) -> list[dict[str, Measurement]]:
        """Give the measurements of each case by library."""
        groups = groupby(self.measurements, key=lambda each: each.case)
        return [{each.library: each for each in group} for _, group in groups]

    def ratio(self, row: dict[str, Measurement], library: str) -> str:
        """Write how many times as fast as a library ours is in one case; nothing where that has no meaning."""
        if library == OURS or OURS not in row or not (row[OURS].seconds and row[library].seconds):
            return ""
        return ratio_text(row[library].median / row[OURS].median)


def describe_scenes(scenes: Sequence[Scene], source: str, seed: int) -> dict[str, Any]:
    """Describe what was measured on: where it came from, and the numbers that decide its cost."""
    runs = [len(counts) for scene in scenes for counts in scene.gt.counts]
    return {
        "source": source,
        "seed": seed,
        "images": len(scenes),
        "masks": len(runs),
        "sizes": [[scene.gt.height, scene.gt.width] for scene in scenes],
        "median_runs": float(np.median(runs)),
        "mean_runs": float(np.mean(runs)),
    }


def scenes_text(scenes: dict[str, Any]) -> str:
    """Write what was measured on (`describe_scenes`), in one line."""
    sizes = {tuple(size) for size in scenes["sizes"]}
    size = "{} x {}".format(*sizes.pop()) if len(sizes) == 1 else f"{len(sizes)} sizes"
    runs = f"{scenes['median_runs']:.0f} runs a mask (mean {scenes['mean_runs']:.0f})"
    images = f"{scenes['images']} image{'s' if scenes['images'] > 1 else ''}"
    return f"{scenes['source']}: {scenes['masks']} masks in {images} of {size}, {runs}"


def machine_text(machine: dict[str, Any], versions: dict[str, str]) -> str:
    """Write machine and versions, in one line."""
    threads = f"{machine['threads']} thread{'s' if machine['threads'] > 1 else ''}"
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items())
    return "{processor}, {cores} cores, {system}, {kernels} kernels, ".format(**machine) + f"{threads}; {libraries}"


def to_table(report: Report) -> Table:
    """Make the table: an operation a row, a library a column, everything per mask."""
    about = escape(machine_text(report.machine, report.versions))
    repeats = max((len(each.seconds) for each in report.measurements), default=0)
    table = Table(
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
        title=escape(scenes_text(report.scenes)),
        caption=(
            f"Time per mask, the median of {repeats} repeats, and how many times as fast {OURS} is; below, the memory "
            f"that operands and results fill, per mask; equal: all answers are. {about}."
        ),
        title_justify="left",
        caption_justify="left",
        title_style="bold",
    )
    table.add_column("operation", no_wrap=True)
    for library in LIBRARIES:
        table.add_column(library, justify="right", no_wrap=True, style="bold" if library == OURS else "")
    table.add_column("equal", no_wrap=True)
    for row in report.by_case():
        agreed = all(each.agreed for each in row.values())
        title = next(iter(row.values())).case.title
        equal = Text("yes", "green") if agreed else Text("no", "bold red")
        table.add_row(title, *(_cell(report, row, library) for library in LIBRARIES), equal)
    return table


def _cell(report: Report, row: dict[str, Measurement], library: str) -> Text:
    """Write what one library did in one case."""
    if library not in row:
        return Text("not installed" if library in report.missing else "-", "dim")
    each = row[library]
    if not each.seconds:
        return Text("failed", "bold red")
    text = Text(seconds_text(each.median / each.masks), "" if each.agreed else "red")
    ratio = report.ratio(row, library)
    text.append(f" {ratio:>5}" if ratio else "", "cyan")
    return text.append(f"\n{bytes_text(each.bytes_moved / each.masks)}", "dim").append(" " * 6 if ratio else "")


def to_json(report: Report) -> str:
    """Write everything that was found, times in seconds for one pass over all masks."""
    return json.dumps(to_record(report), indent=1) + "\n"


def to_record(report: Report) -> dict[str, Any]:
    """Give everything that was found as what JSON has: dicts, lists, text and numbers."""
    return {
        "schema": SCHEMA,
        "date": date.today().isoformat(),
        "versions": report.versions,
        "missing": report.missing,
        "machine": report.machine,
        "scenes": report.scenes,
        "agreed": not report.problems,
        "results": [
            {
                "operation": each.case.operation,
                "library": each.library,
                "masks": each.masks,
                "median": each.median if each.seconds else None,
                "min": min(each.seconds, default=None),
                "max": max(each.seconds, default=None),
                "repeats": len(each.seconds),
                "loops": each.loops,
                "bytes_moved": each.bytes_moved,
                "agreed": each.agreed,
                "problem": each.problem,
            }
            for each in report.measurements
        ],
    }


def seconds_text(seconds: float) -> str:
    """Write a time with three digits and a unit."""
    return _quantity(seconds * 1e9, ("ns", "µs", "ms", "s"))


def bytes_text(number: float) -> str:
    """Write a number of bytes with three digits and a unit."""
    return _quantity(number, ("B", "kB", "MB", "GB"))


def ratio_text(ratio: float) -> str:
    """Write a ratio with about two digits."""
    if 0 < ratio < 0.0095:
        return f"{ratio:.1g}x"
    return f"{ratio:.{2 if ratio < 0.995 else 1 if ratio < 9.95 else 0}f}x"


def _quantity(value: float, units: Sequence[str]) -> str:
    """Write a value with three digits, in the largest unit, a thousand of the one before, that it has one of."""
    power = 0
    while value >= 999.5 and power < len(units) - 1:  # 999.5 would be written 1000
        value, power = value / 1000, power + 1
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {units[power]}"
