"""Array arguments of the public functions -> arrays the bindings take, or an error that says what was expected."""

from __future__ import annotations

from numbers import Real
from operator import index as to_index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from panomask._batch import Batch
from panomask._check import as_array, as_integers
from panomask.cy_dense import common_size

__all__ = [
    "as_batch",
    "as_count",
    "as_groups",
    "as_images",
    "as_index",
    "as_labels",
    "as_number",
    "as_offsets",
    "as_output",
    "as_scores",
    "as_window",
]

# Layout -> where the axes n, h, w of a three-dimensional array are.
_AXES = {"nhw": (0, 1, 2), "hwn": (2, 0, 1)}


def _axes(layout: str) -> tuple[int, int, int]:
    if layout not in tuple(_AXES):
        raise ValueError(f"layout is {layout!r}, expected 'nhw' or 'hwn'")
    return _AXES[layout]


def as_batch(masks: Any, name: str) -> Batch:
    """Return what is a batch of masks already."""
    if not isinstance(masks, Batch):
        raise TypeError(f"{name}: expected an RLEArray, found {type(masks).__name__}")
    return masks


def as_images(masks: Any, threshold: float | None, layout: str, name: str) -> tuple[NDArray[Any], float | None]:
    """Return pixels as a view (n, h, w), and the threshold where the C core is to apply it."""
    axes = _axes(layout)
    array = as_array(masks, name)
    kind = array.dtype.kind
    if kind not in "biuf":
        raise TypeError(f"{name} has dtype {array.dtype}, expected bool, integers, or floats with a threshold")
    if array.ndim not in (2, 3):
        raise ValueError(f"{name} has shape {array.shape}, expected two or three dimensions")
    if kind == "f" and threshold is None:
        raise TypeError(f"{name} has dtype {array.dtype}; floats need a threshold, foreground is what lies above it")
    if threshold is not None:
        threshold = as_number(threshold, "threshold")
        if kind != "f" or array.dtype.itemsize not in (4, 8) or not array.dtype.isnative:
            with np.errstate(over="ignore"):  # a threshold beyond float16 is infinite
                array, threshold = array > (array.dtype.type(threshold) if kind == "f" else threshold), None
    return (array[np.newaxis] if array.ndim == 2 else array.transpose(axes)), threshold


def as_number(value: Any, name: str) -> float:
    """Return a real number as a float that is not NaN."""
    if not isinstance(value, Real):
        raise TypeError(f"{name} is {value!r:.80}, expected a number")
    try:
        number = float(value)
    except OverflowError:
        raise OverflowError(f"{name} is an integer too large for a float") from None
    if np.isnan(number):
        raise ValueError(f"{name} is nan, expected a number")
    return number


def as_window(window: Any, masks: Batch, name: str) -> tuple[int, int, int, int]:
    """Return first row, first column, height and width of a window that lies inside the image of each mask."""
    try:
        y, x, height, width = map(to_index, window)
    except (TypeError, ValueError):
        raise TypeError(f"window is {window!r:.80}, expected four integers: y, x, height, width") from None
    if min(y, x, height, width) < 0:
        raise ValueError(f"window is {window!r:.80}, expected y, x, height, width of 0 or more")
    leaves = np.flatnonzero((masks.sizes < [y + height, x + width]).any(axis=1))
    if len(leaves) > 0:
        i = leaves[0]
        raise ValueError(
            f"{name}[{i}]: size is {masks.sizes[i, 0]} x {masks.sizes[i, 1]}, which does not hold the window of "
            f"{height} x {width} at row {y}, column {x}"
        )
    return y, x, height, width


def _shared_array(out: Any) -> NDArray[Any]:
    if isinstance(out, np.ndarray):
        return out
    if hasattr(out, "__dlpack__") or hasattr(out, "__array_interface__"):
        array: NDArray[Any] = as_array(out, "out")
        if array.size == 0 or hasattr(out, "__array_interface__"):  # what is empty has no memory to share
            return array
        # numpy before 2.1 makes all DLPack arrays read-only, so `array` is by __array__ where there is that
        if np.from_dlpack(out).ctypes.data == array.ctypes.data:
            return array
    raise TypeError(f"out is {type(out).__name__}, expected an ndarray, or what shares its memory by DLPack")


def as_output(
    masks: Batch,
    layout: str,
    dtype: DTypeLike | None,
    out: Any,
    name: str,
    window: tuple[int, int, int, int] | None = None,
) -> tuple[NDArray[Any], Any, bool]:
    """Return where to decode to as a view (n, h, w), what to return, and whether it is new, so all zero."""
    axes = _axes(layout)
    n = len(masks)
    height, width = common_size(masks, name) if window is None else window[2:]
    if out is None:
        wanted = _as_pixel_dtype(np.uint8 if dtype is None else dtype, "dtype is")
        if layout == "nhw":
            result = np.zeros((n, height, width), wanted)
        else:
            result = np.zeros((height, width, n), wanted, order="F")
        return result.transpose(axes), result, True
    array = _shared_array(out)
    _as_pixel_dtype(array.dtype, "out has dtype")
    if dtype is not None and _as_pixel_dtype(dtype, "dtype is") != array.dtype:
        raise ValueError(f"dtype is {np.dtype(dtype)}, but out has dtype {array.dtype}")
    if not array.flags.writeable:
        raise ValueError("out is read-only")
    images = array.transpose(axes) if array.ndim == 3 else array
    if array.ndim != 3 or images.shape[0] != n or (n and images.shape[1:] != (height, width)):
        shape = {"nhw": (n, height, width), "hwn": (height, width, n)}[layout]
        raise ValueError(f"out has shape {array.shape}, expected {shape} for layout {layout!r}")
    if 0 in images.strides and images.size and np.any(np.equal(images.strides, 0) & np.greater(images.shape, 1)):
        raise ValueError(f"out has strides {array.strides}, so that several pixels lie in one place")
    return images, out, False


def _as_pixel_dtype(dtype: DTypeLike, what: str) -> np.dtype[Any]:
    try:
        pixel = np.dtype(dtype)
    except (TypeError, ValueError):
        pixel = None
    if pixel is None or pixel.kind not in "biuf" or pixel.itemsize > 8:
        found = repr(dtype) if pixel is None else pixel
        raise TypeError(f"{what} {found}, expected bool, an integer, or a float of at most 8 bytes")
    return pixel


def as_groups(groups: ArrayLike | None, n: int) -> NDArray[np.int64]:
    """Return offsets of groups among n masks; one group for None."""
    return np.array([0, n], dtype=np.int64) if groups is None else as_offsets(groups, n, "groups")


def as_offsets(offsets: ArrayLike, n: int, name: str) -> NDArray[np.int64]:
    """Return offsets of groups among n masks as int64, ascending inside 0 .. n."""
    array = np.array(as_integers(offsets, name))  # a copy, as the C core trusts it while another thread may write
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(f"{name} has shape {array.shape}, expected (g + 1,): the offsets of g groups")
    if array.min() < 0 or array.max() > n:
        bad = array.min() if array.min() < 0 else array.max()
        raise ValueError(f"{name} has offset {bad}, outside the {n} masks")
    array = np.ascontiguousarray(array, dtype=np.int64)
    descends = np.flatnonzero(array[1:] < array[:-1])
    if len(descends) > 0:
        i = descends[0]
        raise ValueError(f"{name} descends from {array[i]} to {array[i + 1]} at position {i + 1}")
    return array


def as_scores(scores: ArrayLike, n: int, name: str) -> NDArray[np.float64]:
    """Return a number for each of n masks as float64, none of them NaN."""
    array = as_array(scores, name)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} has dtype {array.dtype}, expected numbers")
    _check_length(array, n, name)
    array = array.astype(np.float64)
    bad = np.flatnonzero(np.isnan(array))
    if len(bad) > 0:
        raise ValueError(f"{name}[{bad[0]}] is nan, expected a number")
    return array


def as_labels(labels: ArrayLike, n: int, name: str) -> NDArray[Any]:
    """Return an integer for each of n masks."""
    array = as_integers(labels, name)
    _check_length(array, n, name)
    return array


def _check_length(array: NDArray[Any], n: int, name: str) -> None:
    if array.shape != (n,):
        raise ValueError(f"{name} has shape {array.shape}, expected ({n},), one for each mask")


def as_count(value: Any, name: str, least: int) -> int:
    """Return an integer that is not less than it may be."""
    number = as_integer(value, name)
    if number < least:
        raise ValueError(f"{name} is {number}, expected {least} or more")
    return number


def as_integer(value: Any, name: str) -> int:
    """Return an integer of any kind as Python's."""
    try:
        return to_index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r:.80}, expected an integer") from None


def as_index(index: Any, n: int) -> int | NDArray[np.int64]:
    """Return one index, or an array of them, in 0 .. n - 1."""
    if not isinstance(index, bool | np.bool_):
        try:
            i = to_index(index)
        except TypeError:
            pass
        else:
            if not -n <= i < n:
                raise IndexError(f"index {i} is out of range for {n} masks")
            return i % n
    array = as_array(index, "index") if not isinstance(index, tuple) else np.empty((), object)
    if array.size == 0 and array.ndim == 1 and array.dtype.kind != "b":
        return np.empty(0, np.int64)
    if array.ndim != 1 or array.dtype.kind not in "biu":
        raise TypeError(f"an RLEArray takes an integer, a slice, or an array of integers or bools, not {index!r:.80}")
    if array.dtype.kind == "b":
        if len(array) != n:
            raise IndexError(f"the index has {len(array)} flags, expected {n}, one for each mask")
        return np.flatnonzero(array)
    if array.min() < -n or array.max() >= n:
        bad = array.min() if array.min() < -n else array.max()
        raise IndexError(f"index {bad} is out of range for {n} masks")
    array = array.astype(np.int64)
    array[array < 0] += n
    return array
