"""What a comparison found, as a picture: how many times as fast as naive numpy each library is."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from textwrap import fill
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from .adapters import LIBRARIES
from .cases import COMMAND_CASES
from .report import OURS, machine_text, ratio_text, scenes_text, seconds_text

__all__ = ["COLOURS", "FAINT", "INK", "RULE", "STYLE", "save", "to_picture"]

# Okabe and Ito's colours, told apart by people of every colour vision.
COLOURS = {"numpy": "#777777", "numba": "#56b4e9", "pycocotools": "#e69f00", "panomask": "#0072b2"}
INK, FAINT, RULE = "#1f2933", "#5f6b78", "#e1e5ea"
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],  # the first comes with matplotlib
    "svg.fonttype": "none",  # text stays text, in a smaller file
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.hashsalt": "panomask",  # the same numbers give the same file
}
BASE = LIBRARIES[0]
COMPARED = LIBRARIES[1:]
WIDTH = 6.4  # inches: the text is still read where a page is narrow
PITCH = 0.25  # from bar to bar, where operations are 1 apart


def to_picture(record: Mapping[str, Any], kind: Literal["png", "svg"] = "png") -> bytes:
    """Draw speeds relative to numpy as bars from 1 on a logarithmic axis, an operation a group, a library a colour.

    Parameters
    ----------
    record : mapping
        A comparison (`report.to_record`), or what its JSON file holds.
    kind : {"png", "svg"}
    """
    rows: dict[str, dict[str, Any]] = {}
    for each in record["results"]:
        rows.setdefault(each["operation"], {})[each["library"]] = each
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 1.5 + 0.58 * max(len(rows), 1)), layout="constrained")
        axes = figure.subplots()
        speeds = _draw_bars(list(rows.values()), axes)
        _draw_scales(rows, speeds, axes)
        figure.suptitle(
            f"How many times as fast as naive {BASE}, for one mask", x=0.015, ha="left", fontweight="bold", fontsize=11
        )
        about = f"{scenes_text(record['scenes'])}. {machine_text(record['machine'], record['versions'])}"
        caption = fill(f"{about}; {record['date']}.", 108)
        figure.supxlabel(caption, x=0.015, ha="left", fontsize=7, color=FAINT)
        return save(figure, kind)


def save(figure: Figure, kind: Literal["png", "svg"]) -> bytes:
    """Give the file of a figure."""
    file = BytesIO()
    figure.savefig(file, format=kind, dpi=160, metadata={"Date": None} if kind == "svg" else {})
    return file.getvalue()


def _draw_bars(rows: list[dict[str, Any]], axes: Axes) -> list[float]:
    """Draw all bars with their values; gives the values."""
    speeds = [1.0]
    for i, library in enumerate(COMPARED):
        axes.barh(0, 0, color=COLOURS[library], label=library)  # for the legend, should it have no bar
        for place, row in enumerate(rows):
            if library not in row:
                continue
            y = place + (i - (len(COMPARED) - 1) / 2) * PITCH
            speed = _speed(row, library)
            if speed is None:
                _write(axes, 1, y, "failed", FAINT, "normal")
                continue
            speeds.append(speed)
            axes.barh(y, speed - 1, left=1, height=0.86 * PITCH, color=COLOURS[library])
            text = ratio_text(speed) + ("" if row[library]["agreed"] else ", differs")
            _write(axes, speed, y, text, INK, "bold" if library == OURS else "normal")
    return speeds


def _speed(row: dict[str, Any], library: str) -> float | None:
    """How many times as fast a library is as numpy; None where one of them failed."""
    times = [row[name]["median"] if name in row else None for name in (BASE, library)]
    return times[0] / times[1] if times[0] and times[1] else None


def _write(axes: Axes, x: float, y: float, text: str, colour: str, weight: str) -> None:
    """Write beyond the end of a bar, on the side that it points to."""
    right = x >= 1
    axes.annotate(
        text,
        (x, y),
        (3 if right else -3, -0.5),
        textcoords="offset points",
        va="center",
        ha="left" if right else "right",
        fontsize=7.5,
        color=colour,
        fontweight=weight,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.4},  # else a grid line reads as a digit 1
    )


def _draw_scales(rows: dict[str, dict[str, Any]], speeds: list[float], axes: Axes) -> None:
    titles = {case.operation: case.title for case in COMMAND_CASES}
    names = []
    for operation, row in rows.items():
        each = row.get(BASE)
        time = seconds_text(each["median"] / each["masks"]) if each and each["median"] else "failed"
        names.append(f"{titles[operation]}\n{BASE} {time}")
    low, high = min(speeds), max(speeds)
    axes.set_xscale("log")
    room = max(high / low, 10) ** 0.14  # for what is written beyond the longest bars
    axes.set_xlim(low / (room if low < 1 else 1.02), high * room)
    axes.xaxis.set_major_locator(LogLocator(10))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), names, fontsize=8)
    for place in range(1, len(rows)):
        axes.axhline(place - 0.5, color=RULE, linewidth=0.6, zorder=0)
    axes.axvline(1, color=INK, linewidth=1)
    axes.grid(axis="x", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(f"logarithmic; right of 1x is faster than {BASE}, left of it slower")
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=len(COMPARED), frameon=False, borderaxespad=0.2, fontsize=8.5,
        handlelength=1.2,
    )  # fmt: skip
