"""Benchmarks of NMS: of the masks of one image, and of all detections of a data set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from data_set import make_data_set

from panomask.overlap import matrix_nms, nmm, nms


@pytest.mark.parametrize("operation", ["nms"])
def test_nms(compare: Callable[[str], None], operation: str) -> None:
    compare(operation)


@pytest.mark.parametrize("function", [nms, nmm, matrix_nms])
def test_nms_of_a_data_set(benchmark: Any, function: Callable[..., Any]) -> None:
    data = make_data_set()
    benchmark.group = "NMS of a data set"
    arguments = (0.5,) if function is nmm else ()
    benchmark(function, data.dt, data.scores, *arguments, classes=data.dt_classes)
