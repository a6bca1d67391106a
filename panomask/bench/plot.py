"""What a comparison found, as a picture."""

from __future__ import annotations

import math
from io import BytesIO
from textwrap import fill

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from .adapters import LIBRARIES
from .report import OURS, Report, seconds_text

__all__ = ["to_png"]

COLOURS = {"numpy": "#a3adb8", "numba": "#6c9bd9", "pycocotools": "#e6a23c", "panomask": "#0f766e"}
INK, FAINT, RULE = "#1f2933", "#66727f", "#e4e7eb"
PITCH = 0.2  # from bar to bar, where operations are 1 apart
INCHES = 0.68  # from operation to operation


def to_png(report: Report) -> bytes:
    """Draw the time per mask as bars on a logarithmic axis: an operation a group, a library a colour."""
    rows = len(report.by_case())
    with matplotlib.rc_context({"font.family": "DejaVu Sans", "font.size": 9, "text.color": INK}):
        figure = Figure(figsize=(9.5, 1.9 + INCHES * rows), layout="constrained", dpi=150)
        axes = figure.subplots()
        _draw_bars(report, axes)
        _draw_scales(report, axes)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(LIBRARIES), frameon=False, borderaxespad=0.2)
        figure.suptitle(
            f"Time per mask, and how many times as fast {OURS} is", x=0.012, ha="left", fontweight="bold", fontsize=12
        )
        about = fill(f"{report.masks_text()}. {report.machine_text()}.", 145)
        figure.supxlabel(about, x=0.012, ha="left", fontsize=7.5, color=FAINT)
        png = BytesIO()
        figure.savefig(png, format="png")
    return png.getvalue()


def _draw_bars(report: Report, axes: Axes) -> None:
    for place, row in enumerate(report.by_case()):
        for i, library in enumerate(LIBRARIES):
            if library not in row or not row[library].seconds:
                continue
            each = row[library]
            time = each.median / each.masks
            y = place + (i - (len(LIBRARIES) - 1) / 2) * PITCH
            label = library if library not in axes.get_legend_handles_labels()[1] else None
            axes.barh(y, time, height=0.9 * PITCH, color=COLOURS[library], label=label)
            ratio = report.ratio(row, library)
            text = seconds_text(time) + (f"   {ratio}" if ratio else "") + ("" if each.agreed else "   differs")
            axes.annotate(
                text,
                (time, y),
                (3, -0.5),
                textcoords="offset points",
                va="center",
                fontsize=7.5,
                fontweight="bold" if library == OURS else "normal",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},  # else a grid line reads as a digit 1
            )


def _draw_scales(report: Report, axes: Axes) -> None:
    rows = report.by_case()
    times = [each.median / each.masks for each in report.measurements if each.seconds]
    axes.set_xscale("log")
    # From a power of ten that leaves every bar some length, to where the text after the longest has room.
    low, high = 10 ** math.floor(math.log10(min(times, default=1e-6) / 1.5)), max(times, default=1e-3)
    axes.set_xlim(low, high * (high / low) ** 0.13)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _round_text(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(len(rows) - 0.5, -0.55)
    axes.set_yticks(range(len(rows)), [next(iter(row.values())).case.title for row in rows])
    axes.grid(axis="x", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("median time per mask, logarithmic; shorter is better", color=FAINT)


def _round_text(seconds: float) -> str:
    """Write a power of ten: 10 µs, not 10.0 µs."""
    number, _, unit = seconds_text(seconds).partition(" ")
    return f"{float(number):.0f} {unit}"
