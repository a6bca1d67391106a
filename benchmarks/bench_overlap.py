"""Benchmarks of overlap: IoU of all pairs."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("operation", ["iou"])
def test_overlap(compare: Callable[[str], None], operation: str) -> None:
    compare(operation)
