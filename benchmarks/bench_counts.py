"""Benchmarks of counts: runs to COCO text and back."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("operation", ["compress", "parse"])
def test_counts(compare: Callable[[str], None], operation: str) -> None:
    compare(operation)
