"""Segment ids: RGB pixels <-> ids, ids -> other ids, and which ids there are.

A panoptic PNG holds the id of each pixel's segment as ``R + 256 G + 65536 B``. `rgb2id` and `id2rgb` have the names and
the results of panopticapi's. All functions take arrays of any number of axes, contiguous or not, one image or many, and
split large ones over threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from panomask import cy_ids
from panomask._check import as_array
from panomask.panoptic._maps import (
    as_ids,
    as_integer_dtype,
    as_lines,
    as_target,
    check_numbers,
    element,
    finish,
    is_scalar,
)

__all__ = ["id2rgb", "make_contiguous", "relabel", "rgb2id", "unique_ids"]

_MOST_ID = 2**24 - 1
_CHANNELS = ("red", "green", "blue")


def rgb2id(
    color: ArrayLike, *, order: Literal["rgb", "bgr"] = "rgb", out: NDArray[Any] | None = None
) -> NDArray[np.uint32] | Any:
    """Return the segment ids of RGB pixels, ``R + 256 G + 65536 B``.

    Parameters
    ----------
    color : array_like of uint8, shape (..., 3), or three ints
        Pixels, in any memory order; one read, without a copy for up to three axes of pixels. One color, as a list or
        tuple of three integers or as an array of shape (3,), is taken too.
    order : {"rgb", "bgr"}
        Which channel is first; "bgr" for pixels that OpenCV read.
    out : ndarray of uint32, int32, uint64 or int64, shape (...), optional
        Where to write the ids.

    Returns
    -------
    ndarray of uint32, shape (...), or int for one color
        `out` where it is given.

    Raises
    ------
    TypeError
        Pixels that are not uint8: of wider ones the ids would overflow.
    ValueError
        Not three channels. Of RGBA pixels take ``color[..., :3]``.
    OverflowError
        A channel of one color that is not 0 to 255.

    Notes
    -----
    As panopticapi's ``rgb2id``, but that is of int32, ignores a fourth channel, and lets uint16 overflow [1]_.

    References
    ----------
    .. [1] https://github.com/cocodataset/panopticapi, panopticapi/utils.py

    Examples
    --------
    >>> import numpy as np
    >>> from panomask import panoptic
    >>> panoptic.rgb2id([220, 20, 60])
    3937500
    >>> panoptic.rgb2id(np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 1]]], np.uint8))
    array([[    1,   256, 65536]], dtype=uint32)
    >>> panoptic.rgb2id(np.zeros((2, 480, 640, 3), np.uint8)).shape
    (2, 480, 640)
    """
    is_bgr = _is_bgr(order)
    if out is None and (ids := cy_ids.join_rgb(color, is_bgr)) is not None:
        return ids
    if isinstance(color, list | tuple) and len(color) == 3 and all(map(is_scalar, color)) and out is None:
        for name, value in zip(reversed(_CHANNELS) if is_bgr else _CHANNELS, color, strict=True):
            if not 0 <= value <= 255:
                raise OverflowError(f"color: {name} is {value}, expected 0 to 255")
        red, green, blue = map(int, reversed(color) if is_bgr else color)
        return red + 256 * green + 65536 * blue
    pixels = as_array(color, "color")
    if pixels.dtype != np.uint8:
        raise TypeError(f"color has dtype {pixels.dtype}, expected uint8")
    _check_channels(pixels, "color")
    dtypes = (np.uint32, np.int32, np.uint64, np.int64)
    written, result = as_target(out, pixels.shape[:-1], dtypes, [pixels])
    source, target = as_lines((pixels, 3), (written, 1))
    cy_ids.copy(source[..., ::-1] if is_bgr else source, 3, target, 1)
    finish(written, result)
    return int(result) if out is None and result.ndim == 0 else result


def id2rgb(
    id_map: ArrayLike, *, order: Literal["rgb", "bgr"] = "rgb", out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8] | Any:
    """Return the RGB pixels of segment ids: the low byte is red, the high one blue.

    Parameters
    ----------
    id_map : array_like of integers, shape (...), or int
        Ids from 0 to 16777215, of any integer dtype and in any memory order.
    order : {"rgb", "bgr"}
        Which channel comes first; "bgr" for pixels that OpenCV is to write.
    out : ndarray of uint8, shape (..., 3), optional
        Where to write the pixels. After an error its contents are undefined.

    Returns
    -------
    ndarray of uint8, shape (..., 3), or a list of three ints for one id
        `out` where it is given.

    Raises
    ------
    OverflowError
        An id that 24 bits do not hold. panopticapi's ``id2rgb`` drops the bits above.
    TypeError
        Not integers.

    Examples
    --------
    >>> import numpy as np
    >>> from panomask import panoptic
    >>> panoptic.id2rgb(3937500)
    [220, 20, 60]
    >>> panoptic.id2rgb(np.array([26002, 7]))
    array([[146, 101,   0],
           [  7,   0,   0]], dtype=uint8)
    >>> panoptic.id2rgb(np.array([[5, -1]]))
    Traceback (most recent call last):
    OverflowError: id_map[0, 1] is -1, expected 0 to 16777215
    """
    is_bgr = _is_bgr(order)
    if out is None and (colors := cy_ids.split_rgb(id_map, is_bgr)) is not None:
        return colors
    if is_scalar(id_map) and out is None:
        number = int(id_map)  # type: ignore[arg-type]
        if not 0 <= number <= _MOST_ID:
            raise OverflowError(f"id_map is {number}, expected 0 to {_MOST_ID}")
        color = [number & 255, number >> 8 & 255, number >> 16]
        return color[::-1] if is_bgr else color
    ids = as_ids(id_map, "id_map")
    written, result = as_target(out, (*ids.shape, 3), [np.uint8], [ids])
    source, target = as_lines((ids, 1), (written, 3))
    bad = cy_ids.copy(source, 1, target[..., ::-1] if is_bgr else target, 3)
    if bad >= 0:
        raise OverflowError(f"{element('id_map', ids.shape, bad)} is {ids.flat[bad]}, expected 0 to {_MOST_ID}")
    return finish(written, result)


def _is_bgr(order: str) -> bool:
    if order not in ("rgb", "bgr"):
        raise ValueError(f"order is {order!r}, expected 'rgb' or 'bgr'")
    return order == "bgr"


def _check_channels(pixels: NDArray[Any], name: str) -> None:
    if pixels.ndim == 0 or pixels.shape[-1] != 3:
        hint = f"; drop alpha with {name}[..., :3]" if pixels.ndim > 1 and pixels.shape[-1] == 4 else ""
        raise ValueError(f"{name} has shape {pixels.shape}, expected (..., 3){hint}")


# ---- which there are -------------------------------------------------------------------------------------------------


@overload
def unique_ids(ids: ArrayLike, *, return_counts: Literal[False] = False) -> NDArray[Any]: ...
@overload
def unique_ids(ids: ArrayLike, *, return_counts: Literal[True]) -> tuple[NDArray[Any], NDArray[np.int64]]: ...
def unique_ids(ids: ArrayLike, *, return_counts: bool = False) -> NDArray[Any] | tuple[NDArray[Any], NDArray[np.int64]]:
    """Return which ids there are, in ascending order.

    Parameters
    ----------
    ids : array_like of integers, shape (...)
    return_counts : bool
        Whether to return how many elements have each, too.

    Returns
    -------
    ids : ndarray of the dtype of `ids`, shape (n,)
    counts : ndarray of int64, shape (n,), if `return_counts`

    Raises
    ------
    TypeError
        Not integers.

    Notes
    -----
    One read, run by run, where ``numpy.unique`` sorts all pixels.

    Examples
    --------
    >>> from panomask import panoptic
    >>> panoptic.unique_ids([[7, 7, 0], [26002, 7, 0]], return_counts=True)
    (array([    0,     7, 26002]), array([2, 3, 1]))
    """
    array = as_ids(ids, "ids")
    found, counts = _unique(array)
    return (found, counts) if return_counts else found


def _unique(array: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    (lines,) = as_lines((array, 1))
    bits, counts = cy_ids.unique(lines, 1)
    found = bits.astype(array.dtype)
    order = np.argsort(found)
    found, counts = found[order], counts[order]
    is_again = found[1:] == found[:-1]
    if is_again.any():  # in another thread's part
        first = np.flatnonzero(np.concatenate([[True], ~is_again]))
        found, counts = found[first], np.add.reduceat(counts, first)
    return found, counts


# ---- others for them -------------------------------------------------------------------------------------------------


def relabel(
    ids: ArrayLike,
    mapping: Mapping[int, int] | tuple[ArrayLike, ArrayLike],
    *,
    default: int | None = None,
    preserve: int | Iterable[int] | ArrayLike = (),
    dtype: DTypeLike | None = None,
    out: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Replace ids by others.

    Parameters
    ----------
    ids : array_like of integers, shape (...)
    mapping : dict of int to int, or tuple of two arrays
        What to put for each id. Of the arrays, the second has what to put for each id of the first.
    default : int, optional
        What to put for ids that the mapping does not have. Without it such an id is an error.
    preserve : int or iterable of int
        Ids that stay as they are, such as that of void, whatever the mapping says.
    dtype : dtype of integers, optional
        That of the result; at first that of `ids`, or of `out`.
    out : ndarray of integers, shape (...), optional
        Where to write; `ids` itself is allowed. After an error its contents are undefined.

    Returns
    -------
    ndarray, shape (...)
        `out` where it is given.

    Raises
    ------
    ValueError
        An id that is not known, or that the first array has twice.
    OverflowError
        A new id that the dtype of the result does not hold.
    TypeError
        Not integers.

    Notes
    -----
    One read and one write. Ids within a range of 65536 are looked up in a table, others in a hash table.

    Examples
    --------
    >>> import numpy as np
    >>> from panomask import panoptic
    >>> ids = np.array([[26002, 26002, 0], [7, 7, 255]])
    >>> panoptic.relabel(ids, {26002: 1, 7: 2, 0: 3}, preserve=255)
    array([[  1,   1,   3],
           [  2,   2, 255]])
    >>> panoptic.relabel(ids, ([26002], [1]), default=0, dtype=np.uint8)
    array([[1, 1, 0],
           [0, 0, 0]], dtype=uint8)
    >>> panoptic.relabel(ids, {26002: 1, 7: 2, 0: 0})
    Traceback (most recent call last):
    ValueError: ids[1, 2] is 255, which is not in the mapping
    """
    array = as_ids(ids, "ids")
    if out is not None and isinstance(out, np.ndarray):
        as_integer_dtype(out.dtype, "the dtype of out")
        if dtype is not None and as_integer_dtype(dtype, "dtype") != out.dtype:
            raise ValueError(f"dtype is {np.dtype(dtype)}, but out has dtype {out.dtype}")
        dtype = out.dtype
    wanted = array.dtype if dtype is None else as_integer_dtype(dtype, "dtype")
    old, new = _as_pairs(mapping)
    kept = check_numbers(preserve, "preserve")
    known, values = _as_table(old, new, kept, array.dtype, wanted)
    other = None if default is None else int(_fits(check_numbers([default], "default"), wanted, "default")[0])
    written, result = as_target(out, array.shape, [wanted], [array])
    source, target = as_lines((array, 1), (written, 1))
    bad = cy_ids.relabel(source, target, known, values, other)
    if bad >= 0:
        raise ValueError(f"{element('ids', array.shape, bad)} is {array.flat[bad]}, which is not in the mapping")
    return finish(written, result)


def _as_pairs(mapping: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    if isinstance(mapping, Mapping):
        return check_numbers(mapping.keys(), "mapping"), check_numbers(mapping.values(), "mapping")
    if not isinstance(mapping, tuple) or len(mapping) != 2:  # a list may be meant as one of pairs
        raise TypeError(f"mapping is {type(mapping).__name__}, expected a dict or a tuple of two arrays")
    old, new = (check_numbers(each, f"mapping[{i}]") for i, each in enumerate(mapping))
    if len(old) != len(new):
        raise ValueError(f"mapping has {len(old)} ids and {len(new)} new ones, expected equally many")
    return old, new


def _as_table(
    old: NDArray[Any], new: NDArray[Any], kept: NDArray[Any], dtype: np.dtype[Any], wanted: np.dtype[Any]
) -> tuple[cy_ids.IdSet, NDArray[np.int64]]:
    """Return ids as the C core finds them, and what to put for each. Ids that the dtype cannot hold never come."""
    comes = _holds(dtype, old)
    if len(kept):
        kept = np.unique(kept[_holds(dtype, kept)])
        comes &= ~np.isin(old.astype(object), kept.astype(object))
    if not comes.all():
        old, new = old[comes], new[comes]
    ids, values = _bits(old, dtype), _fits(new, wanted, "mapping")
    if len(kept):
        ids = np.concatenate([ids, _bits(kept, dtype)])
        values = np.concatenate([values, _fits(kept, wanted, "preserve")])
    known = cy_ids.IdSet(ids)
    if known.duplicate >= 0:
        raise ValueError(f"mapping has id {old[known.duplicate]} twice")
    return known, values


def _bits(numbers: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[np.int64]:
    """Return numbers that fit a dtype as the C core reads them: uint64 as int64 of the same bits."""
    typed = numbers.astype(dtype)
    return typed.view(np.int64) if dtype.itemsize == 8 else typed.astype(np.int64)


def _holds(dtype: np.dtype[Any], numbers: NDArray[Any]) -> NDArray[np.bool_]:
    limits = np.iinfo(dtype)
    return (numbers >= limits.min) & (numbers <= limits.max)


def _fits(numbers: NDArray[Any], dtype: np.dtype[Any], name: str) -> NDArray[np.int64]:
    fits = _holds(dtype, numbers)
    if not fits.all():
        limits = np.iinfo(dtype)
        raise OverflowError(f"{name}: new id {numbers[~fits][0]} does not fit {dtype}, {limits.min} to {limits.max}")
    return _bits(numbers, dtype)


def make_contiguous(
    ids: ArrayLike, *, void: int | None = None, dtype: DTypeLike = np.uint32, out: NDArray[Any] | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Replace ids by labels: their places among those that there are, in ascending order.

    Parameters
    ----------
    ids : array_like of integers, shape (...)
    void : int, optional
        The id that gets label 0, whether it occurs or not; the others then count from 1.
    dtype : dtype of integers
        That of the labels, where there is no `out`.
    out : ndarray of integers, shape (...), optional
        Where to write the labels.

    Returns
    -------
    labels : ndarray, shape (...)
        `out` where it is given.
    ids : ndarray of the dtype of `ids`, shape (n,)
        The id of each label: ``ids[labels]`` is what there was.

    Raises
    ------
    OverflowError
        More ids than the dtype of the labels holds.
    TypeError
        Not integers.

    Notes
    -----
    Two reads and one write.

    Examples
    --------
    >>> import numpy as np
    >>> from panomask import panoptic
    >>> panoptic.make_contiguous(np.array([26002, 7, 7]))
    (array([1, 0, 0], dtype=uint32), array([    7, 26002]))
    >>> panoptic.make_contiguous(np.array([26002, 7, 255]), void=255)
    (array([2, 1, 0], dtype=uint32), array([  255,     7, 26002]))
    """
    array = as_ids(ids, "ids")
    wanted = out.dtype if isinstance(out, np.ndarray) else as_integer_dtype(dtype, "dtype")
    found, _ = _unique(array)
    if void is not None:
        number = check_numbers([void], "void")
        if not _holds(array.dtype, number).all():
            raise OverflowError(f"void is {number[0]}, which {array.dtype}, the dtype of ids, does not hold")
        first = number.astype(array.dtype)
        found = np.concatenate([first, found[found != first]])
    if len(found) - 1 > np.iinfo(as_integer_dtype(wanted, "the dtype of out")).max:
        raise OverflowError(f"ids has {len(found)} different ids, more than labels of {wanted} can tell apart")
    written, result = as_target(out, array.shape, [wanted], [array])
    source, target = as_lines((array, 1), (written, 1))
    known = cy_ids.IdSet(_bits(found, array.dtype))
    cy_ids.relabel(source, target, known, np.arange(len(found)), None)
    return finish(written, result), found
