"""Run cases: check that all libraries answer alike, then time them in turn."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from types import ModuleType
from typing import Any

from .cases import Case, answers_agree, bytes_of
from .scenes import Scene

__all__ = ["Measurement", "measure", "steps"]

Operands = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Measurement:
    """What one library did in one case.

    Attributes
    ----------
    case : Case
        The operation.
    library : str
        Who did it.
    masks : int
        The masks worked on in one pass over all images.
    seconds : tuple of float
        The time of one pass, once a repeat. Empty if the library failed.
    loops : int
        How many passes each of these is the mean of.
    bytes_moved : int
        The bytes of all operands and results of a pass, computed from the form that the library works on: decoded
        pixels, text, or runs. What a library reads twice or keeps in between is not counted.
    problem : str
        How the library failed or in which image its answer differs; empty if it agreed.
    """

    case: Case
    library: str
    masks: int
    seconds: tuple[float, ...]
    loops: int
    bytes_moved: int
    problem: str = ""

    @property
    def agreed(self) -> bool:
        """Whether the answers were those of the other libraries."""
        return not self.problem

    @property
    def median(self) -> float:
        """The median time of a pass in seconds; NaN if the library failed."""
        return median(self.seconds) if self.seconds else math.nan


def measure(
    cases: Sequence[Case],
    adapters: Mapping[str, ModuleType],
    scenes: Sequence[Scene],
    *,
    repeats: int,
    turn_seconds: float = 0.005,
    step: Callable[[str], None] = lambda title: None,
) -> list[Measurement]:
    """Compare the libraries in each case.

    Parameters
    ----------
    cases : sequence of Case
        What to do.
    adapters : mapping of str to module
        With which libraries; answers are compared with the first one's.
    scenes : sequence of Scene
        On what. Cases that find nothing to do there are left out.
    repeats : int
        How many times each library is timed in each case.
    turn_seconds : float
        A time shorter than this is the mean of so many passes that they take this long together.
    step : callable
        Called with the title of the case `steps(cases, adapters, repeats)` times in all, for a progress bar.

    Returns
    -------
    list of Measurement
        One for each case and library that offers the operation, by case.

    Notes
    -----
    Libraries take turns, repeat by repeat, so that a machine that slows down slows all of them. Each has been run
    twice before: once for its answers, which compiles what is compiled at the first call, and once to know how long it
    takes. The garbage collector rests during a turn.
    """
    results = []
    for case in cases:
        results += _measure_case(case, adapters, case.scenes(scenes), repeats, turn_seconds, step)
    return results


def steps(cases: Sequence[Case], adapters: Mapping[str, ModuleType], repeats: int) -> int:
    """Count the calls of `step` that `measure` makes if no library fails."""
    return len(cases) * len(adapters) * (repeats + 1)


def _measure_case(
    case: Case,
    adapters: Mapping[str, ModuleType],
    scenes: Sequence[Scene],
    repeats: int,
    turn_seconds: float,
    step: Callable[[str], None],
) -> list[Measurement]:
    offering = {library: adapter for library, adapter in adapters.items() if hasattr(adapter, case.operation)}
    if not scenes:
        return []
    operands = _operands(case, offering, scenes)
    expected: list[Any] = []
    loops, moved, problems = {}, {}, {}
    for library, adapter in offering.items():
        function = getattr(adapter, case.operation)
        try:
            moved[library], problems[library] = _check(case, adapter, operands[library], expected)
            loops[library] = 1 + int(turn_seconds / max(_time(function, operands[library], 1), 1e-9))
        except Exception as error:  # whatever a library raises is its failure, not the end of the comparison
            problems[library] = f"fails with {type(error).__name__}: {error}"
        step(case.title)
    seconds: dict[str, list[float]] = {library: [] for library in loops}
    for _ in range(repeats):
        for library, times in seconds.items():
            times.append(_time(getattr(offering[library], case.operation), operands[library], loops[library]))
            step(case.title)
    return [
        Measurement(
            case,
            library,
            case.masks(scenes),
            tuple(seconds.get(library, ())),
            loops.get(library, 0),
            moved.get(library, 0),
            problems[library],
        )
        for library in offering
    ]


def _operands(case: Case, adapters: Mapping[str, ModuleType], scenes: Sequence[Scene]) -> dict[str, Operands]:
    """Make the operands for each library; libraries that hold masks in the same form share them."""
    made: dict[Any, Operands] = {}
    operands = {}
    for library, adapter in adapters.items():
        hold = getattr(adapter, case.hold) if case.hold else None
        if hold not in made:
            made[hold] = case.operands(adapter, scenes)
        operands[library] = made[hold]
    return operands


def _check(case: Case, adapter: ModuleType, operands: Operands, expected: list[Any]) -> tuple[int, str]:
    """Compare a library's answers with those expected, or fill in what is expected if it is the first.

    Returns
    -------
    bytes_moved : int
    problem : str
    """
    function = getattr(adapter, case.operation)
    moved, problem, first = 0, "", not expected
    answers = []
    for i, arguments in enumerate(operands):
        result = function(*arguments)
        moved += bytes_of(arguments) + bytes_of(result)
        answer = case.comparable(adapter, result)
        if first:
            answers.append(answer)
        elif not problem and not answers_agree(expected[i], answer):
            problem = f"gives another answer for image {i + 1} of {len(operands)}"
    expected += answers
    return moved, problem


def _time(function: Callable[..., Any], operands: Operands, loops: int) -> float:
    """Time a pass over all images, as the mean of so many."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        start = perf_counter()
        for _ in range(loops):
            for arguments in operands:
                function(*arguments)
        return (perf_counter() - start) / loops
    finally:
        if collecting:
            gc.enable()
