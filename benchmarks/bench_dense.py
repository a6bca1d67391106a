"""Benchmarks of dense: encoding and decoding arrays in both memory orders."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("operation", ["encode_hwn", "encode_nhw", "decode_hwn", "decode_nhw"])
def test_dense(compare: Callable[[str], None], operation: str) -> None:
    compare(operation)
