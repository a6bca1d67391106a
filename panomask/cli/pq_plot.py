"""Panoptic quality as a picture: a bar for the PQ of each category, with its SQ and RQ on it."""

from __future__ import annotations

from textwrap import fill
from typing import Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from panomask.bench.plot import FAINT, INK, RULE, STYLE, save
from panomask.panoptic.result import PanopticResult

__all__ = ["to_picture"]

# Okabe and Ito's colours, as in the picture of the benchmark.
COLOURS = {"Things": "#0072b2", "Stuff": "#e69f00"}
SQ, RQ = "#009e73", "#cc79a7"
WIDTH = 4.6  # inches of a panel
PITCH = 0.17  # inches from bar to bar


def to_picture(result: PanopticResult, title: str, kind: Literal["png", "svg"] = "png") -> bytes:
    """Draw categories that have a match in descending order of PQ: things in one panel, stuff in the other.

    Parameters
    ----------
    result : PanopticResult
    title : str
        What was evaluated, in one line below the picture.
    kind : {"png", "svg"}
    """
    isthing = np.array([category.isthing for category in result.categories])
    some = result.tp + result.fp + result.fn > 0
    panels = {
        name: np.flatnonzero(some & members)
        for name, members in (("Things", isthing), ("Stuff", ~isthing))
        if (some & members).any()
    }
    # What has no match would be an empty line; it is counted in the title instead.
    rows = max([int(np.count_nonzero(result.pq[chosen])) for chosen in panels.values()], default=0)
    rows = max(rows, 4)
    with matplotlib.rc_context(STYLE):
        size = (WIDTH * max(len(panels), 1), 1.6 + PITCH * rows)
        figure = Figure(figsize=size, layout="constrained")
        for place, (name, chosen) in enumerate(panels.items(), 1):
            axes = figure.add_subplot(1, len(panels), place)
            _draw_panel(result, name, chosen, rows, axes)
        everything = result.groups["All"]
        figure.suptitle(
            f"PQ {100 * everything['pq']:.1f}   SQ {100 * everything['sq']:.1f}   RQ {100 * everything['rq']:.1f}",
            x=0.015,
            ha="left",
            fontweight="bold",
            fontsize=11,
        )
        figure.supxlabel(fill(title, 70 * max(len(panels), 1)), x=0.015, ha="left", fontsize=7, color=FAINT)
        return save(figure, kind)


def _draw_panel(result: PanopticResult, name: str, chosen: np.ndarray, rows: int, axes: Axes) -> None:
    matched = chosen[result.pq[chosen] > 0]
    order = matched[np.argsort(-result.pq[matched], kind="stable")]
    places = np.arange(len(order))
    group = result.groups[name]
    axes.barh(places, 100 * result.pq[order], height=0.7, color=COLOURS[name], label="PQ")
    for values, colour, marker, label in ((result.sq, SQ, "|", "SQ"), (result.rq, RQ, "o", "RQ")):
        size = (
            {"s": 34.0, "linewidths": 1.8} if marker == "|" else {"s": 11.0, "linewidths": 0.5, "edgecolors": "white"}
        )
        axes.scatter(100 * values[order], places, color=colour, marker=marker, label=label, zorder=3, **size)
    for place, i in zip(places.tolist(), order.tolist(), strict=True):
        axes.annotate(
            f"{100 * result.pq[i]:.1f}",
            (100, place),
            (8, -0.5),
            textcoords="offset points",
            va="center",
            fontsize=6.5,
            color=INK,
            annotation_clip=False,
        )
    if group["n"]:
        axes.axvline(100 * group["pq"], color=INK, linewidth=0.9, linestyle=(0, (3, 2)), zorder=4)
    without = len(chosen) - len(order)
    title = f"{name}: PQ {100 * group['pq']:.1f} (dashed) of {group['n']} categories"
    axes.set_title(title + (f", {without} without a match" if without else ""), loc="left", fontsize=9)
    axes.set_yticks(places, [result.categories[i].name for i in order.tolist()], fontsize=6.5)
    axes.set_ylim(rows - 0.4, -0.6)  # as many rows in both panels
    axes.set_xlim(0, 101)
    axes.grid(axis="x", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    first = sorted(range(len(labels)), key=lambda i: ("PQ", "SQ", "RQ").index(labels[i]))
    axes.legend(
        [handles[i] for i in first],
        [labels[i] for i in first],
        loc="lower right",
        framealpha=0.9,
        edgecolor="none",
        fontsize=7,
    )
