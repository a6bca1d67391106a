"""Benchmarks of shapes: polygons to runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("operation", ["rasterise"])
def test_shapes(compare: Callable[[str], None], operation: str) -> None:
    compare(operation)
