"""Arrays of ids and codes -> what the bindings take: native byte order, three axes; and results back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from panomask._check import as_array

__all__ = [
    "as_ids",
    "as_int",
    "as_integer_dtype",
    "as_lines",
    "as_target",
    "check_numbers",
    "element",
    "finish",
    "is_scalar",
]

_INTEGERS = (int, np.integer)  # a union, made anew in each call, takes five times as long


def is_scalar(value: Any) -> bool:
    """Whether something is one integer of Python's or numpy's."""
    return isinstance(value, _INTEGERS) and not isinstance(value, bool)


def as_ids(ids: Any, name: str) -> NDArray[Any]:
    """Return an array of integers in native byte order."""
    array = as_array(ids, name)
    if array.dtype.kind not in "iu":
        if array.size == 0 and not hasattr(ids, "dtype"):  # an empty list is of no type
            return array.astype(np.int64)
        raise TypeError(f"{name} has dtype {array.dtype}, expected integers")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def as_integer_dtype(dtype: DTypeLike, name: str) -> np.dtype[Any]:
    """Return the dtype that something is, of integers."""
    try:
        wanted = np.dtype(dtype)
    except TypeError:
        wanted = None
    if wanted is None or wanted.kind not in "iu":
        raise TypeError(f"{name} is {dtype!r}, expected an integer dtype")
    return wanted


def as_target(
    out: Any, shape: tuple[int, ...], dtypes: Sequence[DTypeLike], inputs: Iterable[NDArray[Any]]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the array to write and the one to return: a new one of the first dtype, or `out` where it has one of them.

    Where `out` cannot be written as it lies, since an input shares its memory in another layout or its axes cannot be
    merged, they are two, and `finish` copies.
    """
    if out is None:
        new = np.empty(shape, dtypes[0])
        return new, new
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is {type(out).__name__}, expected an ndarray")
    if out.dtype not in dtypes:
        expected = ", ".join(str(np.dtype(dtype)) for dtype in dtypes)
        raise TypeError(f"out has dtype {out.dtype}, expected {expected}")
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape}, expected {shape}")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    steps = [step for length, step in zip(out.shape, out.strides, strict=True) if length > 1]
    if out.size and 0 in steps:
        raise ValueError(f"out has strides {out.strides}, so that several elements lie in one place")
    shares = any(np.may_share_memory(out, each) and not _is_same(out, each) for each in inputs)
    if shares or not out.dtype.isnative or (out.ndim > 3 and not out.flags.c_contiguous):
        return np.empty(shape, out.dtype.newbyteorder("=")), out
    return out, out


def _is_same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    return a.ctypes.data == b.ctypes.data and (a.shape, a.strides, a.itemsize) == (b.shape, b.strides, b.itemsize)


def finish(written: NDArray[Any], out: NDArray[Any]) -> NDArray[Any]:
    """Bring what was written to where it belongs."""
    if written is not out:
        out[...] = written
    return out


def as_lines(*arrays: tuple[NDArray[Any], int]) -> list[NDArray[Any]]:
    """Return arrays of one shape, each with a number of channels, as views (or copies, of inputs) of three axes.

    Those with more than one channel keep them as a fourth, the last one.
    """
    shape = arrays[0][0].shape[: arrays[0][0].ndim - (arrays[0][1] > 1)]
    if all(array.flags.c_contiguous for array, _ in arrays) or len(shape) > 3:
        line = (1, 1, prod(shape))
        return [
            np.ascontiguousarray(array).reshape(line if channels == 1 else (*line, channels))
            for array, channels in arrays
        ]
    return [array[(np.newaxis,) * (3 - len(shape))] for array, _ in arrays]


def element(name: str, shape: tuple[int, ...], index: int) -> str:
    """Return what the user calls one element of an array: "ids[3, 5]", or "ids" for an only one."""
    if not shape:
        return name
    return f"{name}[{', '.join(str(i) for i in np.unravel_index(index, shape))}]"


def check_numbers(values: Any, name: str) -> NDArray[Any]:
    """Return a flat array of integers of any size, also of one: those of no array as int64, or as objects beyond."""
    if hasattr(values, "__array__") or hasattr(values, "__dlpack__"):
        array = as_ids(values, name)
        if array.ndim > 1:
            raise ValueError(f"{name} has shape {array.shape}, expected one dimension")
        return array.reshape(-1)
    if not isinstance(values, Iterable) and not is_scalar(values):
        raise TypeError(f"{name} is {values!r:.80}, expected integers")
    numbers = [as_int(value, name) for value in (values if isinstance(values, Iterable) else [values])]
    try:
        return np.array(numbers, dtype=np.int64)
    except OverflowError:
        return np.array(numbers, dtype=object)


def as_int(value: Any, name: str) -> int:
    """Return an integer of Python's or numpy's as Python's."""
    if type(value) is int:
        return value
    if not is_scalar(value):
        raise TypeError(f"{name} has {value!r:.80}, expected integers")
    return int(value)
