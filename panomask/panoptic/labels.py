"""Label maps <-> the runs of all their segments, and how often the ids of two maps meet.

A label map is an array of integers, an id a pixel: what a panoptic PNG holds, a semantic segmentation, instance ids,
superpixels. Pixels that belong to nothing have the id 0 in the maps of COCO and of most who follow it: void.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, Literal, cast, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from panomask import _check, cy_labels, cy_overlap
from panomask._arrays import as_batch, as_count, as_labels
from panomask._batch import Batch
from panomask._check import as_array
from panomask.errors import SizeMismatchError
from panomask.rle import RLEArray

__all__ = ["Overlaps", "Segments", "confusion_matrix", "joint_histogram", "paint", "segments"]

Ids = int | Iterable[int] | NDArray[Any] | None


@dataclass(frozen=True, eq=False, repr=False)
class Segments:
    """The segments of a label map, or of several, as `segments` finds them.

    Attributes
    ----------
    ids : ndarray, shape (n,)
        In ascending order for each map, in the dtype of the maps; uint32 for colours.
    rles : RLEArray, n masks
        Pixels of each segment.
    offsets : ndarray of int64, shape (number of maps + 1,)
        Segments ``offsets[i] .. offsets[i + 1] - 1`` are those of map i; ``[0, n]`` for one map.

    Examples
    --------
    >>> found = segments([[0, 7, 7], [5, 5, 7]])
    >>> found
    Segments(2 segments of 1 map)
    >>> found.ids, found.area
    (array([5, 7]), array([2, 3], dtype=uint64))
    >>> len(found)
    2
    """

    ids: NDArray[Any]
    rles: RLEArray
    offsets: NDArray[np.int64]

    @property
    def area(self) -> NDArray[np.uint64]:
        """Pixels of each segment: ndarray of uint64, shape (n,)."""
        return self.rles.area

    @property
    def bbox(self) -> NDArray[np.float64]:
        """Smallest box around each segment: ndarray of float64, shape (n, 4), x, y, width, height in pixels."""
        return self.rles.bbox

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        n, maps = len(self), len(self.offsets) - 1
        return f"Segments({n} segment{'s' * (n != 1)} of {maps} map{'s' * (maps != 1)})"

    def split(self) -> list[Segments]:
        """Return the segments of each map, on the same memory.

        Examples
        --------
        >>> [part.ids.tolist() for part in segments([[[1, 2]], [[2, 2]]]).split()]
        [[1, 2], [2]]
        """
        return [
            Segments(self.ids[begin:end], self.rles[begin:end], _frozen(np.array([0, end - begin])))
            for begin, end in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True)
        ]


def segments(label_map: Any, *, ignore: Ids = 0, rgb: bool = False) -> Segments:
    """Find all segments of a label map: the runs, the area and the box of each id, in one read of the map.

    Parameters
    ----------
    label_map : array_like, shape (h, w) or (n, h, w), or a list of maps
        Ids of bool or any integer dtype, in any memory order; anything that numpy takes, or DLPack, such as torch
        tensors. Three dimensions are n maps, and so is a list or a tuple of arrays, which may differ in size, but not
        in dtype.
    ignore : int, iterable of int or None
        Ids that are no segments. 0 by default, COCO's void; None for none, where 0 is a segment too. Ids that the dtype
        does not hold are in no map, and may be among them.
    rgb : bool
        The last axis, of length 3, holds uint8 red, green and blue of ``id = R + 256 * G + 65536 * B``, as COCO's
        panoptic PNGs do: shapes are (h, w, 3) and (n, h, w, 3).

    Returns
    -------
    Segments
        ``ids``, ``rles``, ``area``, ``bbox``, and for several maps ``offsets``.

    Raises
    ------
    TypeError
        A dtype that is not bool or integer (not uint8 with `rgb`), maps of several dtypes, ids that are not integers.
    ValueError
        A shape that is none of these.
    ImageTooLargeError
        More than 2^40 pixels; an OverflowError.

    Notes
    -----
    Costs time for the pixels, which are compared with their neighbours only, and for the runs; not for the number of
    segments. Several maps are split over threads, see `panomask.set_num_threads`.

    Examples
    --------
    >>> import numpy as np
    >>> found = segments(np.array([[0, 7, 7], [5, 5, 7]]))
    >>> found.ids
    array([5, 7])
    >>> found.rles.to_coco(counts="list")
    [{'size': [2, 3], 'counts': [1, 1, 1, 1, 2]}, {'size': [2, 3], 'counts': [2, 1, 1, 2]}]
    >>> found.area
    array([2, 3], dtype=uint64)
    >>> found.bbox
    array([[0., 1., 2., 1.],
           [1., 0., 2., 2.]])
    >>> segments(np.zeros((2, 3), np.uint8)).ids
    array([], dtype=uint8)
    >>> segments(np.zeros((2, 3), np.uint8), ignore=None).ids
    array([0], dtype=uint8)
    """
    maps, dtype = _as_maps(label_map, rgb)
    bits = 2 ** (8 * dtype.itemsize) - 1
    ignored = [each & bits for each in _ignored(ignore, dtype)]
    ids, rles, offsets = cy_labels.segments(RLEArray, maps, ignored, "label_map")
    return Segments(ids if ids.dtype == dtype else ids.view(dtype), rles, offsets)


# ---- segments -> label map ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Masks that have pixels in common, as `paint` reports them: pair k is of masks first[k] and second[k].

    Attributes
    ----------
    first, second : ndarray of int64, shape (pairs,)
        Indices of the masks, ``first < second``, in ascending order.
    pixels : ndarray of uint64, shape (pairs,)
        How many they have in common.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    pixels: NDArray[np.uint64]


@overload
def paint(
    rles: RLEArray | Segments,
    ids: ArrayLike | None = None,
    *,
    shape: Sequence[int] | None = None,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    background: int = 0,
    overlaps: Literal["error", "over"] = "error",
) -> NDArray[Any]: ...
@overload
def paint(
    rles: RLEArray | Segments,
    ids: ArrayLike | None = None,
    *,
    shape: Sequence[int] | None = None,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    background: int = 0,
    overlaps: Literal["report"],
) -> tuple[NDArray[Any], Overlaps]: ...
def paint(
    rles: RLEArray | Segments,
    ids: ArrayLike | None = None,
    *,
    shape: Sequence[int] | None = None,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    background: int = 0,
    overlaps: Literal["error", "over", "report"] = "error",
) -> NDArray[Any] | tuple[NDArray[Any], Overlaps]:
    """Paint masks into a label map, one after the other; the inverse of `segments`.

    Parameters
    ----------
    rles : RLEArray or Segments
        Masks of one size, or the segments of one map.
    ids : array_like of int, shape (n,)
        The id of each mask; not with `Segments`, which has its own.
    shape : (int, int), optional
        Height and width; needed where there are neither masks nor `out` to tell them.
    out : ndarray, shape (h, w), optional
        Where to paint, in any memory order; all of it is overwritten.
    dtype : dtype, optional
        Bool or an integer dtype; by default that of `out`, or else of `ids`.
    background : int
        The id of pixels that are in no mask.
    overlaps : {"error", "over", "report"}
        What to do where masks have pixels in common: refuse them; let the later mask stand over the earlier; or that,
        and report which they are. Masks count, whatever their ids: two masks of one id overlap too.

    Returns
    -------
    label_map : ndarray, shape (h, w)
        `out`, or a new array in C order.
    report : Overlaps
        With ``overlaps="report"`` only.

    Raises
    ------
    SizeMismatchError
        Masks of several sizes, or not of `shape`; a ValueError.
    ValueError
        Masks that overlap, with ``overlaps="error"``: the message names the first two, and the first pixel. `out` is
        painted then, as with "over". Ids that are not one a mask; no masks and no shape.
    OverflowError
        An id that the dtype does not hold.
    TypeError
        Ids or a dtype that are not integers.

    Notes
    -----
    Costs time for the pixels of the map and the runs of the masks; which masks overlap is looked for only if any do.

    Examples
    --------
    >>> masks = RLEArray.from_boxes([[0, 0, 2, 2], [1, 1, 3, 1]], 2, 4)
    >>> paint(masks, [7, 5], overlaps="over")
    array([[7, 7, 0, 0],
           [7, 5, 5, 5]])
    >>> paint(masks, [7, 5])
    Traceback (most recent call last):
    ValueError: rles[0] (id 7) and rles[1] (id 5) have 1 pixel in common, the first in row 1, column 1
    >>> paint(masks, [7, 5], overlaps="report")[1]
    Overlaps(first=array([0]), second=array([1]), pixels=array([1], dtype=uint64))
    >>> paint(RLEArray.empty(), [], shape=(1, 3), dtype="u1")
    array([[0, 0, 0]], dtype=uint8)
    """
    if overlaps not in ("error", "over", "report"):
        raise ValueError(f"overlaps is {overlaps!r:.80}, expected 'error', 'over' or 'report'")
    masks, values = _as_masks(rles, ids, "rles")
    size = _painted_size(masks, shape, out)
    label_map = _painted_map(size, values, out, dtype)
    pixel = label_map.dtype
    painted = _raw(_in_dtype(values, pixel, "ids"))
    ground = _raw(_in_dtype(as_labels([background], 1, "background"), pixel, "background"))
    target = label_map if pixel.isnative else np.empty(size, pixel.newbyteorder("="))
    is_disjoint = cy_labels.paint(masks, painted, int(ground[0]), target)
    if target is not label_map:
        label_map[...] = target
    if overlaps == "over" or (overlaps == "error" and is_disjoint):
        return label_map
    report = _overlaps(masks[:0] if is_disjoint else masks)
    if overlaps == "report":
        return label_map, report
    i, j, pixels = (int(each[0]) for each in (report.first, report.second, report.pixels))
    shared = masks[i : i + 1] & masks[j : j + 1]
    column, row = divmod(int(shared.counts[0]), size[0])
    raise ValueError(
        f"rles[{i}] (id {values[i]}) and rles[{j}] (id {values[j]}) have {pixels} pixel{'s' * (pixels != 1)} in "
        f"common, the first in row {row}, column {column}"
    )


# ---- two maps -------------------------------------------------------------------------------------------------------


def joint_histogram(
    a: Any, b: Any, *, ignore: Ids = None, rgb: bool | tuple[bool, bool] = False, dense: bool = False
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.uint64]]:
    """Count the pixels in which two label maps have one id and the other.

    Parameters
    ----------
    a, b : array_like of one shape
        Ids of bool or any integer dtype, which may differ, in any memory order and with any number of axes: an image, a
        video, a volume, the points of a cloud. Or one of the two is `Segments` of one map, or a pair ``(rles, ids)`` of
        an `RLEArray` and an id for each mask: then pixels are counted for every mask that they are in, and the other is
        a map (h, w) of the masks' size.
    ignore : int, iterable of int or None
        Pixels in which either map has one of these ids are not counted.
    rgb : bool, or (bool, bool) for a and b
        The last axis of the array, of length 3, holds uint8 red, green and blue of
        ``id = R + 256 * G + 65536 * B``, as COCO's panoptic PNGs do; it does not count as one of its shape.
    dense : bool
        Return a matrix instead of pairs, for few ids.

    Returns
    -------
    ids_a, ids_b : ndarray, shape (k,)
        Pairs that occur, in ascending order of (id_a, id_b), in the dtypes of a and b; uint32 for colours. With
        `dense`, the ids that occur in a pair, each once: shapes (n,) and (m,).
    counts : ndarray of uint64, shape (k,)
        Pixels of each pair, above 0. With `dense` shape (n, m), ``counts[i, j]`` for ``ids_a[i]`` and ``ids_b[j]``.

    Raises
    ------
    ValueError
        Shapes that differ.
    TypeError
        A dtype that is not bool or integer (not uint8 with `rgb`), ids that are not integers.

    Notes
    -----
    The same pairs and counts as ``np.unique(a << 32 | b, return_counts=True)``, for ids of any width. Both maps are
    read once; time goes with the pixels, which are compared with their neighbours only, and with the runs of equal
    pairs. Large maps are split over threads, see `panomask.set_num_threads`. Arrays of three and more axes that do not
    lie in one memory order are copied.

    Examples
    --------
    >>> import numpy as np
    >>> gt = np.array([[1, 1, 2], [1, 1, 2]])
    >>> pred = np.array([[5, 5, 5], [0, 5, 9]])
    >>> joint_histogram(gt, pred)
    (array([1, 1, 2, 2]), array([0, 5, 5, 9]), array([1, 3, 1, 1], dtype=uint64))
    >>> joint_histogram(gt, pred, ignore=0, dense=True)
    (array([1, 2]), array([5, 9]), array([[3, 0],
           [1, 1]], dtype=uint64))
    >>> joint_histogram(segments(gt), pred)[2]
    array([1, 3, 1, 1], dtype=uint64)
    """
    colours = (False, False) if rgb is False else _as_pair(rgb)
    if not any(colours) and cy_labels.are_flat(a, b):  # most calls: 1.4 us instead of 5, with cold caches 22 of 43
        ids_a, ids_b, counts = cy_labels.joint_histogram(a, b)
    elif _are_masks(a) or _are_masks(b):
        ids_a, ids_b, counts = _count_masks(a, b, colours)
    else:
        map_a, dtype_a = _as_map(a, colours[0], "a")
        map_b, dtype_b = _as_map(b, colours[1], "b")
        if map_a.shape != map_b.shape:
            without = " without their colours" if True in colours else ""
            raise ValueError(f"a has shape {map_a.shape}, but b has {map_b.shape}{without}")
        ids_a, ids_b, counts = cy_labels.joint_histogram(*_in_rows(map_a, map_b))
        ids_a = ids_a if ids_a.dtype == dtype_a else ids_a.view(dtype_a)
        ids_b = ids_b if ids_b.dtype == dtype_b else ids_b.view(dtype_b)
    if ignore is not None:
        kept = ~(_is_ignored(ids_a, ignore) | _is_ignored(ids_b, ignore))
        ids_a, ids_b, counts = ids_a[kept], ids_b[kept], counts[kept]
    if not dense:
        return ids_a, ids_b, counts
    rows, row = np.unique(ids_a, return_inverse=True)
    columns, column = np.unique(ids_b, return_inverse=True)
    matrix = np.zeros((len(rows), len(columns)), np.uint64)
    matrix[row, column] = counts
    return rows, columns, matrix


def confusion_matrix(a: Any, b: Any, n_classes: int, *, ignore: Ids = None) -> NDArray[np.int64]:
    """Count the pixels of each pair of classes of two semantic maps.

    Parameters
    ----------
    a, b : array_like of one shape
        Classes 0 .. n_classes - 1 as bool or any integer dtype, in any memory order and with any number of axes; `a` is
        the ground truth.
    n_classes : int
    ignore : int, iterable of int or None
        Pixels in which `a` has one of these are not counted, whatever `b` has there: 255 in Cityscapes and ADE20K. They
        may be outside of the classes or among them.

    Returns
    -------
    ndarray of int64, shape (n_classes, n_classes)
        Element (i, j): pixels with class i in `a` and j in `b`.

    Raises
    ------
    ValueError
        A class out of range in a pixel that is counted; shapes that differ; `n_classes` below 0.
    TypeError
        As for `joint_histogram`.

    Examples
    --------
    >>> confusion_matrix([[0, 0, 1, 255]], [[0, 1, 1, 0]], 2, ignore=255)
    array([[1, 1],
           [0, 1]])
    """
    n = as_count(n_classes, "n_classes", 0)
    ids_a, ids_b, counts = joint_histogram(a, b)
    kept = ~_is_ignored(ids_a, ignore)
    ids_a, ids_b, counts = ids_a[kept], ids_b[kept], counts[kept]
    for ids, name in ((ids_a, "a"), (ids_b, "b")):
        bad = ids[(ids < 0) | (ids >= n)]
        if len(bad) > 0:
            raise ValueError(f"{name} has class {bad[0]}, expected 0 to {n - 1}" + " or one to ignore" * (name == "a"))
    matrix = np.zeros((n, n), np.int64)
    matrix[ids_a.astype(np.intp), ids_b.astype(np.intp)] = counts
    return matrix


# ---- arguments ------------------------------------------------------------------------------------------------------


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array[:]


def _as_pair(rgb: Any) -> tuple[bool, bool]:
    if isinstance(rgb, bool | np.bool_):
        return bool(rgb), bool(rgb)
    try:
        a, b = rgb
    except (TypeError, ValueError):
        raise TypeError(f"rgb is {rgb!r:.80}, expected a bool or two") from None
    return bool(a), bool(b)


def _as_map(values: Any, rgb: bool, name: str) -> tuple[NDArray[Any], np.dtype[Any]]:
    """Return ids as the C core takes them, with colours as one item, and the dtype in which it gives them out."""
    if isinstance(values, Batch):
        raise TypeError(f"{name} is an RLEArray without ids, expected a map")
    array = as_array(values, name)
    if rgb:
        if array.dtype != np.uint8:
            raise TypeError(f"{name} has dtype {array.dtype}, expected uint8 for colours")
        if array.ndim == 0 or array.shape[-1] != 3:
            raise ValueError(f"{name} has shape {array.shape}, expected a last axis of 3: red, green, blue")
        if array.strides[-1] != 1:
            array = np.ascontiguousarray(array)
        return array.view("V3")[..., 0], np.dtype(np.uint32)
    if array.size == 0 and not hasattr(values, "dtype"):  # an empty list is one of integers too
        array = array.astype(np.int64)
    dtype = array.dtype
    if dtype.kind not in "biu":
        raise TypeError(f"{name} has dtype {dtype}, expected bool or integers")
    if dtype.kind == "b":
        return array.view(np.uint8), dtype
    if not dtype.isnative:
        array = array.astype(dtype.newbyteorder("="))
    return array, array.dtype


def _as_maps(values: Any, rgb: bool) -> tuple[list[NDArray[Any]], np.dtype[Any]]:
    """Return maps (h, w), and the dtype in which their ids are given out."""
    if isinstance(values, (list, tuple)) and all(hasattr(x, "__array__") or hasattr(x, "__dlpack__") for x in values):
        found = [_as_map(each, rgb, f"label_map[{i}]") for i, each in enumerate(values)]
        maps, dtypes = [each for each, _ in found], [dtype for _, dtype in found]
        dtype = dtypes[0] if dtypes else np.dtype(np.int64)
        for i, each in enumerate(maps):
            if each.ndim != 2:
                raise ValueError(f"label_map[{i}] has shape {values[i].shape}, expected {_map_shapes(rgb)[0]}")
            if dtypes[i] != dtype:
                raise TypeError(f"label_map[{i}] has dtype {dtypes[i]}, but label_map[0] has {dtype}; expected one")
        return maps, dtype
    array, dtype = _as_map(values, rgb, "label_map")
    if array.ndim not in (2, 3):
        shape = array.shape + (3,) * rgb
        raise ValueError(f"label_map has shape {shape}, expected {' or '.join(_map_shapes(rgb))}")
    return (list(array) if array.ndim == 3 else [array]), dtype


def _map_shapes(rgb: bool) -> tuple[str, str]:
    return ("(h, w, 3)", "(n, h, w, 3)") if rgb else ("(h, w)", "(n, h, w)")


def _holds(dtype: np.dtype[Any], value: int) -> bool:
    bits = 1 if dtype.kind == "b" else 8 * dtype.itemsize
    return -(1 << bits - 1) <= value < 1 << bits - 1 if dtype.kind == "i" else 0 <= value < 1 << bits


def _ignored(ignore: Ids, dtype: np.dtype[Any]) -> list[int]:
    """Return those of the ids that there can be in a map, each once."""
    if ignore is None:
        return []
    try:
        ids = {index(cast(int, ignore))}
    except TypeError:
        try:
            ids = set(map(index, cast(Iterable[int], ignore)))
        except TypeError:
            raise TypeError(f"ignore is {ignore!r:.80}, expected an id, several, or None") from None
    return [each for each in ids if _holds(dtype, each)]


def _is_ignored(ids: NDArray[Any], ignore: Ids) -> NDArray[np.bool_]:
    return np.isin(ids, np.array(_ignored(ignore, ids.dtype), ids.dtype))


def _raw(ids: NDArray[Any]) -> NDArray[np.uint64]:
    """Return ids as the C core knows them: their bits, and zeros above."""
    return np.ascontiguousarray(ids).view(f"u{ids.dtype.itemsize}").astype(np.uint64)


def _in_dtype(values: NDArray[Any], dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    """Return ids in the dtype of a map, all of which it holds."""
    if values.dtype == dtype and dtype.isnative:
        return values
    for value in (int(values.min()), int(values.max())) if values.size else ():
        if not _holds(dtype, value):
            raise OverflowError(f"{name} has {value}, which {dtype} does not hold")
    return values.astype(dtype.newbyteorder("="))


def _as_masks(masks: Any, ids: Any, name: str) -> tuple[RLEArray, NDArray[Any]]:
    """Return masks, and an id for each."""
    if isinstance(masks, Segments):
        if ids is not None:
            raise TypeError(f"ids are given, but {name} are Segments, which have their own")
        if len(masks.offsets) != 2:
            raise ValueError(f"{name} are segments of {len(masks.offsets) - 1} maps, expected one; split() parts them")
        return masks.rles, masks.ids
    rles = cast(RLEArray, as_batch(masks, name))
    if ids is None:
        raise TypeError(f"ids are missing, one for each of {name}")
    if getattr(ids, "dtype", None) == np.bool_:  # of the segments of a bool map
        return rles, as_labels(ids.view(np.uint8), len(rles), "ids").view(np.bool_)
    return rles, as_labels(ids, len(rles), "ids")


def _painted_size(masks: RLEArray, shape: Sequence[int] | None, out: Any) -> tuple[int, int]:
    if shape is None and len(masks) == 0 and isinstance(out, np.ndarray):
        shape = out.shape
    if shape is not None:
        try:
            height, width = shape
        except (TypeError, ValueError):
            raise TypeError(f"shape is {shape!r:.80}, expected (height, width)") from None
        size = _check.image_size(height, width)
    elif len(masks) == 0:
        raise ValueError("shape is missing, and there are no masks to tell it")
    else:
        size = (int(masks.sizes[0, 0]), int(masks.sizes[0, 1]))
    differs = masks.sizes != size
    if differs.any():
        i = np.flatnonzero(differs.any(axis=1))[0]
        other = "rles[0]" if shape is None else "the map"
        raise SizeMismatchError(
            f"rles[{i}]: size is {masks.sizes[i, 0]} x {masks.sizes[i, 1]}, but {other} is {size[0]} x {size[1]}"
        )
    return size


def _painted_map(size: tuple[int, int], ids: NDArray[Any], out: Any, dtype: DTypeLike | None) -> NDArray[Any]:
    """Return where to paint."""
    if out is None:
        default = np.uint64 if ids.dtype.kind == "O" else ids.dtype
        return np.empty(size, _as_label_dtype(default if dtype is None else dtype))
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is {type(out).__name__}, expected an ndarray")
    if out.dtype.kind not in "biu":
        raise TypeError(f"out has dtype {out.dtype}, expected bool or an integer")
    if dtype is not None and _as_label_dtype(dtype) != out.dtype:
        raise ValueError(f"dtype is {np.dtype(dtype)}, but out has dtype {out.dtype}")
    if out.shape != size:
        raise ValueError(f"out has shape {out.shape}, expected {size}")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    if out.size and any(stride == 0 < length - 1 for length, stride in zip(out.shape, out.strides, strict=True)):
        raise ValueError(f"out has strides {out.strides}, so that several pixels lie in one place")
    return out


def _as_label_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        wanted = np.dtype(dtype)
    except (TypeError, ValueError):
        wanted = None
    if wanted is None or wanted.kind not in "biu":
        raise TypeError(f"dtype is {dtype if wanted is None else wanted}, expected bool or an integer")
    return wanted


def _overlaps(masks: RLEArray) -> Overlaps:
    """Find which masks have pixels in common, some rows of the matrix of all pairs at a time."""
    n = len(masks)
    parts: list[tuple[NDArray[Any], ...]] = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint64))]
    rows = max(1, 2**20 // max(n, 1))
    for begin in range(0, n, rows):
        shared = np.triu(cy_overlap.matrix(masks[begin : begin + rows], masks[begin:]), 1)
        first, second = np.nonzero(shared)
        parts.append((begin + first, begin + second, shared[first, second]))
    return Overlaps(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _in_rows(a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return two arrays of one shape as rows, or both in C order: pixels side by side in an order near to memory's."""
    if a.flags.c_contiguous and b.flags.c_contiguous:
        return a, b
    axes = sorted(range(a.ndim), key=lambda k: (-abs(a.strides[k]), -abs(b.strides[k])))
    a, b = a.transpose(axes), b.transpose(axes)
    if a.ndim == 2 and not (a.flags.c_contiguous and b.flags.c_contiguous):
        return a, b
    return np.ascontiguousarray(a), np.ascontiguousarray(b)


def _count_masks(a: Any, b: Any, rgb: tuple[bool, bool]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.uint64]]:
    """Do `joint_histogram` where one of the two is masks and the other a map, or masks too."""
    (rles_a, ids_a), (rles_b, ids_b) = _as_side(a, rgb[0], "a"), _as_side(b, rgb[1], "b")
    shared = cy_overlap.matrix(rles_a, rles_b, "a", "b")
    rows, row = np.unique(ids_a, return_inverse=True)
    columns, column = np.unique(ids_b, return_inverse=True)
    counts = np.zeros((len(rows), len(columns)), np.uint64)
    np.add.at(counts, (row[:, np.newaxis], column), shared)
    i, j = np.nonzero(counts)
    return rows[i], columns[j], counts[i, j]


def _are_masks(values: Any) -> bool:
    is_pair = isinstance(values, tuple) and len(values) == 2 and isinstance(values[0], Batch)
    return is_pair or isinstance(values, Segments)


def _as_side(values: Any, rgb: bool, name: str) -> tuple[RLEArray, NDArray[Any]]:
    if isinstance(values, Segments):
        return _as_masks(values, None, name)[0], values.ids
    if _are_masks(values):
        return _as_masks(values[0], values[1], name)
    array, _ = _as_map(values, rgb, name)
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape + (3,) * rgb}, expected {_map_shapes(rgb)[0]} beside masks")
    found = segments(values, ignore=None, rgb=rgb)
    return found.rles, found.ids
