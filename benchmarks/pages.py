"""What the scripts share: timing in turns, and sections of pages that a script writes."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median
from textwrap import fill
from time import perf_counter
from typing import Any

import panomask
from panomask._files import write_whole
from panomask.bench.machine import machine, versions
from panomask.bench.report import machine_text

ROOT = Path(__file__).parents[1]


def take_turns(functions: Mapping[str, Callable[[], Any]], seconds: float, rounds: int = 7) -> dict[str, list[float]]:
    """Time functions in turn, so that a machine that slows down slows all of them.

    Parameters
    ----------
    functions : mapping of str to callable
        By name. Each is called once before, untimed.
    seconds : float
        To spend on each; a function that takes longer gets fewer rounds, at least one.
    rounds : int
        Measurements of each, each the mean of as many calls as fit.

    Returns
    -------
    dict of str to list of float
        Seconds a call, once a round.
    """
    loops, turns = {}, {}
    for name, function in functions.items():
        function()
        once = _time(function, 1)
        turns[name] = rounds if once * rounds < 2 * seconds else max(1, int(2 * seconds / once))
        loops[name] = max(1, int(seconds / rounds / once))
    times: dict[str, list[float]] = {name: [] for name in functions}
    for i in range(rounds):
        for name, function in functions.items():
            if i < turns[name]:
                times[name].append(_time(function, loops[name]))
    return times


def medians(functions: Mapping[str, Callable[[], Any]], seconds: float, rounds: int = 7) -> dict[str, float]:
    """Give the median of each function's seconds a call (`take_turns`)."""
    return {name: median(each) for name, each in take_turns(functions, seconds, rounds).items()}


def _time(function: Callable[[], Any], loops: int) -> float:
    gc.disable()
    try:
        start = perf_counter()
        for _ in range(loops):
            function()
        return max(perf_counter() - start, 1e-9) / loops
    finally:
        gc.enable()


@contextmanager
def threads_set(n: int) -> Iterator[bool]:
    """Let panomask's calls take n threads; tells whether it has such a setting, and without it does nothing."""
    set_num_threads = getattr(panomask, "set_num_threads", None)
    if set_num_threads is None:
        yield False
        return
    before = panomask.get_num_threads()
    set_num_threads(n)
    try:
        yield True
    finally:
        set_num_threads(before)


def measured_on(adapters: Mapping[str, Any]) -> str:
    """Say when and on what was measured."""
    return fill(f"Measured on {date.today().isoformat()}: {machine_text(machine(), versions(adapters))}.", 120)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> list[str]:
    """Write the lines of a table whose first columns are aligned to the left."""
    lines = [f"| {' | '.join(head)} |", "| --- |" + " --- |" * (left - 1) + " ---: |" * (len(head) - left)]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def write_section(page: Path, name: str, lines: Iterable[str]) -> None:
    """Replace what a page has between `<!-- name -->` and `<!-- /name -->`."""
    text = page.read_text(encoding="utf-8")
    found = re.search(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", text, re.DOTALL)
    if found is None:
        raise ValueError(f"{page} has no section <!-- {name} --> ... <!-- /{name} -->")
    section = found[1] + "\n".join(lines).rstrip() + "\n" + found[2]
    write_whole(page, (text[: found.start()] + section + text[found.end() :]).encode())


def write_picture(path: Path, content: bytes) -> None:
    """Write a picture of a page."""
    write_whole(path, content)
