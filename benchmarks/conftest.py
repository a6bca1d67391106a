"""What the suites share: the inputs, the libraries, and one way to check and time an operation.

    pytest benchmarks/                                   everything, in a quarter of an hour
    pytest benchmarks/ --quick                           a subset, in seconds
    pytest benchmarks/ -k "2160x3840 and ragged"         one size of one kind
    pytest benchmarks/bench_overlap.py -k "coco and not peer"
    pytest benchmarks/ --benchmark-json=times.json       numbers to keep, for benchmarks/table.py

Each test is one operation on one input by one library; its group is the operation and the input, so that a group shows
the libraries side by side. Inputs are those of `inputs`, libraries those of `panomask.bench` and, marked `peer`, of
`peers`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from time import perf_counter
from typing import Any

import pytest
from inputs import INPUTS, POOL_INPUT, QUICK, SEED
from peers import PEERS, load_peers

from panomask.bench.adapters import LIBRARIES, load_adapters, via_numpy
from panomask.bench.cases import CASES, Case, answers_agree, bytes_of
from panomask.bench.machine import machine, versions
from panomask.bench.report import describe_scenes
from panomask.bench.scenes import Scene

SECONDS, QUICK_SECONDS = 0.05, 0.005  # to spend on a benchmark, unless fewest rounds take longer
FEWEST, MOST = 3, 100  # rounds
FAR_OVER = 5  # a pass this many times as long as the budget is not repeated
SLOW = 2.0  # seconds; compilation does not take as long, and a pass that does is not done once more to see how long
TICK = 1e-4  # seconds a round lasts at least, so that the clock's own cost does not show
OPERATIONS = {case.operation: case for case in CASES}
ADAPTERS, MISSING = load_adapters()
ADAPTERS |= load_peers()
EVERY_INPUT = {**INPUTS, POOL_INPUT.name: POOL_INPUT}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="few inputs, no peers, few rounds: a first look in seconds")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "peer: a library beyond those of `panomask bench`")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mine = [item for item in items if "input_name" in getattr(item, "fixturenames", ())]
    others = [item for item in items if "input_name" not in getattr(item, "fixturenames", ())]
    # Inputs are made once: all that is done on one is done before the next is made.
    places = {name: i for i, name in enumerate(EVERY_INPUT)}
    mine.sort(key=lambda item: places[_of(item, "input_name")])
    if config.getoption("--quick"):
        chosen = [item for item in mine if _of(item, "input_name") in QUICK and _of(item, "library") in LIBRARIES]
        config.hook.pytest_deselected(items=list(set(mine) - set(chosen)))
        mine = chosen
    for item in mine:
        item.add_marker(pytest.mark.benchmark(disable_gc=True))
        # pycocotools 2.0.11 makes numpy 2 warn whenever it decodes.
        item.add_marker(pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"))
    items[:] = others + mine


def _of(item: Any, parameter: str) -> str:
    return str(item.callspec.params[parameter])


@pytest.fixture(params=[*LIBRARIES, *(pytest.param(name, marks=pytest.mark.peer) for name in PEERS)])
def library(request: pytest.FixtureRequest) -> str:
    """Name who does the work."""
    if request.param not in ADAPTERS:
        pytest.skip(f"{request.param}: {MISSING.get(request.param, 'not installed')}")
    return str(request.param)


@pytest.fixture(params=INPUTS)
def input_name(request: pytest.FixtureRequest) -> str:
    """Name what is worked on."""
    return str(request.param)


@pytest.fixture
def compare(benchmark: Any, library: str, input_name: str, request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Give a function that checks and times an operation."""
    budget = QUICK_SECONDS if request.config.getoption("--quick") else SECONDS

    def run(operation: str) -> None:
        case, adapter = OPERATIONS[operation], ADAPTERS[library]
        if not hasattr(adapter, operation):
            pytest.skip(f"{library} does not offer {operation}")
        scenes = _scenes(input_name)
        operands = case.operands(adapter, scenes)
        function = getattr(adapter, operation)
        start = perf_counter()
        results = [function(*arguments) for arguments in operands]
        first = perf_counter() - start
        answers = [case.comparable(adapter, result) for result in results]
        agreed = all(map(answers_agree, _expected(case, input_name), answers))
        benchmark.group = f"{case.title}, {input_name}"
        benchmark.extra_info.update(
            agreed=agreed,
            library=library,
            operation=operation,
            input=input_name,
            versions=versions(ADAPTERS),
            machine=machine(),
            scenes=describe_scenes(scenes, input_name, SEED),
            masks=case.masks(scenes),
            bytes_moved=bytes_of(operands) + bytes_of(results),
        )
        del results, answers
        _time(benchmark, function, operands, budget, first)
        # A peer's other answer is recorded, not failed: it is for its users to judge.
        assert agreed or library in PEERS, f"{library} gives another answer than numpy"

    return run


def _time(
    benchmark: Any, function: Callable[..., Any], operands: list[tuple[Any, ...]], budget: float, first: float
) -> None:
    """Time passes until the budget is spent; `first` is what a pass took that compiled what is compiled."""
    once = first
    if first < SLOW:
        start = perf_counter()
        _one_pass(function, operands)
        once = max(perf_counter() - start, 1e-7)
    loops = 1 + int(TICK / once)
    rounds = 1 if once > FAR_OVER * budget else max(FEWEST, min(MOST, int(budget / (once * loops))))
    benchmark.pedantic(_one_pass, (function, operands), rounds=rounds, iterations=loops)


def _one_pass(function: Callable[..., Any], operands: list[tuple[Any, ...]]) -> None:
    for arguments in operands:
        function(*arguments)


@lru_cache(maxsize=1)
def _scenes(input_name: str) -> list[Scene]:
    return EVERY_INPUT[input_name].make()


@lru_cache(maxsize=1)
def _expected(case: Case, input_name: str) -> list[Any]:
    """Give the answers of naive numpy."""
    function = getattr(via_numpy, case.operation)
    operands = case.operands(via_numpy, _scenes(input_name))
    return [case.comparable(via_numpy, function(*arguments)) for arguments in operands]
