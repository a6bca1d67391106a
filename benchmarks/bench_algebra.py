"""Benchmarks of algebra: the union of all masks of an image, and intersections mask by mask."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("operation", ["union", "intersection"])
def test_algebra(compare: Callable[[str], None], operation: str) -> None:
    compare(operation)
