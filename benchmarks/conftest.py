"""What the suites share: the inputs, the libraries, and one way to check and time an operation.

    pytest benchmarks/                                   everything, in some minutes
    pytest benchmarks/bench_overlap.py -k coco           one concept, one input
    pytest benchmarks/ --benchmark-json=times.json       numbers to keep

Each test is one operation on one input by one library; its group is the operation and the input, so that a group shows
the libraries side by side. Operations, libraries and inputs are those of `panomask.bench`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from panomask.bench.adapters import LIBRARIES, load_adapters, via_numpy
from panomask.bench.cases import CASES, Case, answers_agree, bytes_of
from panomask.bench.machine import machine, versions
from panomask.bench.report import describe_scenes
from panomask.bench.scenes import Scene, checkerboard_scenes, coco_like_scenes, ragged_scenes, simple_scenes

MAX_SECONDS = 0.3  # a benchmark; there are some two hundred
SEED = 0
INPUTS: dict[str, Callable[[], list[Scene]]] = {
    "coco": lambda: coco_like_scenes(np.random.default_rng(SEED), masks=60),
    "simple": lambda: simple_scenes(np.random.default_rng(SEED), masks=20),
    "ragged": lambda: ragged_scenes(np.random.default_rng(SEED), masks=10),
    "checkerboard": lambda: checkerboard_scenes(np.random.default_rng(SEED), masks=4),
}
OPERATIONS = {case.operation: case for case in CASES}
ADAPTERS, MISSING = load_adapters()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.benchmark(max_time=MAX_SECONDS, min_rounds=3))
        # pycocotools 2.0.11 makes numpy 2 warn whenever it decodes.
        item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"))


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    """Name who does the work."""
    if request.param in MISSING:
        pytest.skip(f"{request.param}: {MISSING[request.param]}")
    return str(request.param)


@pytest.fixture(params=INPUTS)
def input_name(request: pytest.FixtureRequest) -> str:
    """Name what is worked on."""
    return str(request.param)


@pytest.fixture
def compare(benchmark: Any, library: str, input_name: str) -> Callable[[str], None]:
    """Give a function that checks and times an operation."""

    def run(operation: str) -> None:
        case, adapter = OPERATIONS[operation], ADAPTERS[library]
        if not hasattr(adapter, operation):
            pytest.skip(f"{library} does not offer {operation}")
        scenes = _scenes(input_name)
        operands = case.operands(adapter, scenes)
        function = getattr(adapter, operation)
        results = [function(*arguments) for arguments in operands]
        answers = [case.comparable(adapter, result) for result in results]
        agreed = all(map(answers_agree, _expected(case, input_name), answers))
        benchmark.group = f"{case.title}, {input_name}"
        benchmark.extra_info.update(
            agreed=agreed,
            library=library,
            versions=versions(ADAPTERS),
            machine=machine(),
            scenes=describe_scenes(scenes, input_name, SEED),
            masks=case.masks(scenes),
            bytes_moved=bytes_of(operands) + bytes_of(results),
        )
        benchmark(_one_pass, function, operands)
        assert agreed, f"{library} gives another answer than numpy"

    return run


def _one_pass(function: Callable[..., Any], operands: list[tuple[Any, ...]]) -> None:
    for arguments in operands:
        function(*arguments)


@lru_cache
def _scenes(input_name: str) -> list[Scene]:
    return INPUTS[input_name]()


@lru_cache
def _expected(case: Case, input_name: str) -> list[Any]:
    """Give the answers of naive numpy."""
    function = getattr(via_numpy, case.operation)
    operands = case.operands(via_numpy, _scenes(input_name))
    return [case.comparable(via_numpy, function(*arguments)) for arguments in operands]
