"""Benchmarks of runs: areas and boxes."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("operation", ["area", "box"])
def test_runs(compare: Callable[[str], None], operation: str) -> None:
    compare(operation)
