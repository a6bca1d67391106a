"""Benchmarks of overlap: IoU of all pairs of an image, and of a pool of masks that no image bounds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from inputs import POOL_INPUT


@pytest.mark.parametrize("operation", ["iou"])
def test_overlap(compare: Callable[[str], None], operation: str) -> None:
    compare(operation)


@pytest.mark.parametrize("input_name", [POOL_INPUT.name])
def test_pool(compare: Callable[[str], None], input_name: str) -> None:
    compare("iou")
