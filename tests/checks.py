"""Assertions about many masks at once, whose failure shows the smallest mask that is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Masks = NDArray[np.bool_] | Sequence[NDArray[np.bool_]]


def show(mask: NDArray[Any]) -> str:
    """A mask as text, ``#`` for foreground."""
    rows = ["".join(".#"[bool(pixel)] for pixel in row) for row in mask[:40]]
    return "\n".join([f"{mask.shape[0]} x {mask.shape[1]}", *rows])


def check_each(found: Iterable[Any], expected: Iterable[Any], *masks: Masks) -> None:
    """Assert that found[i] is expected[i], where both were made of masks[0][i], masks[1][i], ..."""
    found, expected = list(found), list(expected)
    assert len(found) == len(expected)
    wrong = [i for i, (f, e) in enumerate(zip(found, expected, strict=True)) if not np.array_equal(f, e)]
    if wrong:
        i = min(wrong, key=lambda i: sum(some[i].size for some in masks))
        shown = "\n".join(show(some[i]) for some in masks)
        pytest.fail(f"{len(wrong)} of {len(found)} are wrong, the smallest:\n{shown}\nfound {found[i]}\n"
                    f"expected {expected[i]}", pytrace=False)  # fmt: skip


def check_arrays(found: NDArray[Any], expected: NDArray[Any], *masks: Masks) -> None:
    """The same for two arrays, whose first axis is that of the masks; fast where nothing is wrong."""
    assert found.shape == expected.shape
    if not np.array_equal(found, expected):
        check_each(found, expected, *masks)


def check_identical(found: Any, expected: Any) -> None:
    """Assert equality of type, value, dtype, shape and memory order, through lists and dicts."""
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            check_identical(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for f, e in zip(found, expected, strict=True):
            check_identical(f, e)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        assert (found.flags.c_contiguous, found.flags.f_contiguous) == (
            expected.flags.c_contiguous,
            expected.flags.f_contiguous,
        )
        assert found.flags.writeable == expected.flags.writeable
        assert found.tobytes(order="A") == expected.tobytes(order="A")
    else:
        assert found == expected
