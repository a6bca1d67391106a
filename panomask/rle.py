"""RLEArray: a batch of masks as run lengths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from panomask import _check, cy_algebra, cy_counts, cy_dense, cy_overlap, cy_runs, cy_shapes
from panomask._arrays import as_batch, as_count, as_groups, as_images, as_index, as_output, as_window
from panomask._batch import Batch

__all__ = ["RLEArray"]

CocoRLE = dict[str, Any]
_Out = TypeVar("_Out")


class RLEArray(Batch):
    """A batch of binary masks, held as run lengths in three flat arrays.

    Made by one of the constructors below, immutable from then on: the arrays are read-only, and `area` and `bbox` are
    computed once. Masks of one batch may lie on images of different sizes. An index gives a COCO RLE dict, a slice or
    an array of indices another batch.

    Attributes
    ----------
    counts : ndarray of uint32, shape (total runs,)
        Run lengths, column by column, background first. A run longer than 2^32 - 1 stands as parts with zero-length
        runs between them.
    offsets : ndarray of int64, shape (n + 1,)
        Mask i is ``counts[offsets[i]:offsets[i + 1]]``.
    sizes : ndarray of int64, shape (n, 2)
        Height and width of each mask's image.

    Notes
    -----
    Lists with zero-length runs inside are valid, and every method gives the same answer for every spelling of a mask;
    what is written out is canonical. An image has at most 2^40 pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from panomask import RLEArray
    >>> rles = RLEArray.from_dense(np.eye(3, dtype=bool))
    >>> rles
    RLEArray(1 mask, 3 x 3, 6 runs, 56 bytes)
    >>> rles[0]
    {'size': [3, 3], 'counts': b'013000'}
    >>> rles.area
    array([3], dtype=uint64)
    """

    __slots__ = ("__weakref__",)
    __array_ufunc__ = None  # ndarray | RLEArray is an error, not an array of objects

    def __init__(self, *args: object, **kwargs: object) -> None:
        raise TypeError(
            "RLEArray is made by from_coco, from_dense, from_polygons, from_boxes, from_counts, concatenate, empty, "
            "zeros or ones"
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"an RLEArray is immutable; {name!r} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"an RLEArray is immutable; {name!r} cannot be deleted")

    # ---- in ---------------------------------------------------------------------------------------------------------

    @classmethod
    def from_coco(cls, rles: CocoRLE | Iterable[CocoRLE]) -> RLEArray:
        """Read COCO RLE dicts.

        Parameters
        ----------
        rles : dict or iterable of dict
            ``{"size": [height, width], "counts": ...}`` with counts as compressed text (``bytes`` or ``str``) or as run
            lengths (a list or array of integers), in any mixture. One dict gives a batch of one.

        Returns
        -------
        RLEArray

        Raises
        ------
        InvalidRLEError
            Text that is not COCO's, a negative run, or runs that do not add up to height x width. It is a ValueError
            and names the mask and the numbers.
        ImageTooLargeError
            More than 2^40 pixels; an OverflowError.
        TypeError, ValueError
            Something that is not such a dict.

        Examples
        --------
        >>> RLEArray.from_coco({"size": [3, 4], "counts": "441M1"}).area
        array([5], dtype=uint64)
        >>> len(RLEArray.from_coco([]))
        0
        """
        return cy_counts.from_dicts(cls, rles, "rles")

    @classmethod
    def from_dense(
        cls, masks: Any, *, threshold: float | None = None, layout: Literal["nhw", "hwn"] = "nhw"
    ) -> RLEArray:
        """Encode arrays of pixels; what is not zero is foreground.

        Parameters
        ----------
        masks : array_like, shape (n, h, w), (h, w, n) or (h, w)
            Bool or any integer dtype; floats with `threshold`. Anything with ``__array__``, the buffer protocol or
            DLPack, such as torch tensors. C order, Fortran order and strided arrays are read where they lie, read-only
            ones too.
        threshold : float, optional
            Foreground is ``masks > threshold`` instead, compared in the dtype of `masks`. Required for floats.
        layout : {"nhw", "hwn"}
            The order of the axes of a three-dimensional array. A two-dimensional one is one mask.

        Returns
        -------
        RLEArray

        Raises
        ------
        TypeError
            Floats without a threshold, a dtype that is not a number, or a tensor whose memory numpy cannot share.
        ValueError
            Not two or three dimensions.

        Examples
        --------
        >>> RLEArray.from_dense([[0, 7, 255]]).to_coco(counts="list")
        [{'size': [1, 3], 'counts': [1, 2]}]
        >>> RLEArray.from_dense(np.array([[0.2, 0.7]]), threshold=0.5).area
        array([1], dtype=uint64)
        >>> len(RLEArray.from_dense(np.zeros((0, 480, 640), bool)))
        0
        """
        images, limit = as_images(masks, threshold, layout, "masks")
        return cy_dense.encode(cls, images, limit, "masks")

    @classmethod
    def from_polygons(cls, polygons: Iterable[Iterable[ArrayLike]], height: int, width: int) -> RLEArray:
        """Rasterise polygons exactly as COCO does.

        Parameters
        ----------
        polygons : iterable of iterable of array_like
            For each mask its rings, whose union it is: COCO's ``segmentation`` lists. A ring is
            ``[x0, y0, x1, y1, ...]`` or an array of shape (k, 2), in pixels; pixel (row, column) covers
            ``[column, column + 1) x [row, row + 1)``. One or two points, or no ring at all, give an empty mask.
        height, width : int
            Size of the image, the same for all.

        Returns
        -------
        RLEArray

        Raises
        ------
        ValueError
            An odd number of coordinates, NaN, infinity, or a coordinate beyond 2^45.
        TypeError
            Something that is not a ring of numbers.

        Notes
        -----
        Each ring is filled by the even-odd rule. Costs time for the pixel columns that edges cross, not for pixels.
        The rule is ``rleFrPoly`` of cocoapi's ``common/maskApi.c``.

        Examples
        --------
        >>> RLEArray.from_polygons([[[1, 1, 1, 4, 5, 4, 5, 1]]], 6, 8).bbox
        array([[1., 1., 4., 3.]])
        """
        rings: list[Any] = []
        starts = [0]
        for i, mask in enumerate(_listed(polygons, "polygons")):
            rings += _listed(mask, f"polygons[{i}]") or [[]]
            starts.append(len(rings))
        groups = np.array(starts, dtype=np.int64)

        def name(ring: int) -> str:
            mask = int(np.searchsorted(groups, ring, side="right")) - 1
            return f"polygons[{mask}][{ring - groups[mask]}]"

        masks = cy_shapes.rasterize_polygons(cls, rings, height, width, name)
        return masks if len(rings) == len(groups) - 1 else cy_algebra.reduce(cy_algebra.UNION, masks, groups, "masks")

    @classmethod
    def from_boxes(cls, boxes: ArrayLike, height: int, width: int) -> RLEArray:
        """Rasterise boxes exactly as COCO does.

        Parameters
        ----------
        boxes : array_like, shape (n, 4)
            x, y, width, height in pixels. A negative side reaches to the other side of its corner.
        height, width : int
            Size of the image, the same for all.

        Returns
        -------
        RLEArray

        Examples
        --------
        >>> RLEArray.from_boxes([[1, 1, 4, 3]], 6, 8).area
        array([12], dtype=uint64)
        """
        return cy_shapes.rasterize_boxes(cls, boxes, height, width, "boxes")

    @classmethod
    def from_counts(cls, counts: ArrayLike, offsets: ArrayLike, sizes: ArrayLike) -> RLEArray:
        """Make a batch of its three arrays.

        Parameters
        ----------
        counts : array_like of uint32, shape (total runs,)
        offsets : array_like of int64, shape (n + 1,)
        sizes : array_like of int64, shape (n, 2)
            As the attributes of the same names. C-contiguous arrays of these dtypes are not copied and must not be
            changed afterwards; the batch sees them read-only, the caller's own stay writable.

        Returns
        -------
        RLEArray

        Raises
        ------
        InvalidRLEError
            Runs that do not cover their image, offsets that descend or leave `counts`.

        Examples
        --------
        >>> RLEArray.from_counts([4, 4, 1, 1, 2], [0, 5], [[3, 4]])[0]
        {'size': [3, 4], 'counts': b'441M1'}
        """
        return cy_runs.from_arrays(cls, counts, offsets, sizes)

    @classmethod
    def concatenate(cls, batches: Iterable[RLEArray]) -> RLEArray:
        """Join batches into one, copied.

        Parameters
        ----------
        batches : iterable of RLEArray

        Returns
        -------
        RLEArray

        Examples
        --------
        >>> len(RLEArray.concatenate([RLEArray.zeros(2, 4, 5), RLEArray.ones(3, 6, 7)]))
        5
        """
        parts = _listed(batches, "batches")
        for i, part in enumerate(parts):
            as_batch(part, f"batches[{i}]")
        if not parts:
            return cls.empty()
        lengths = [0, *(int(part.offsets[-1] - part.offsets[0]) for part in parts)]
        starts = np.cumsum(lengths)
        counts = np.concatenate([part.counts[part.offsets[0] : part.offsets[-1]] for part in parts])
        offsets = np.concatenate(
            [[0], *(part.offsets[1:] - part.offsets[0] + start for part, start in zip(parts, starts, strict=False))]
        )
        return cy_runs.own_arrays(cls, counts, offsets, np.concatenate([part.sizes for part in parts]))

    @classmethod
    def empty(cls) -> RLEArray:
        """Return a batch of no masks.

        Examples
        --------
        >>> RLEArray.empty().area
        array([], dtype=uint64)
        """
        return cls.from_coco([])

    @classmethod
    def zeros(cls, n: int, height: int, width: int) -> RLEArray:
        """Return `n` masks without foreground on images of `height` x `width`.

        Examples
        --------
        >>> RLEArray.zeros(2, 480, 640).area
        array([0, 0], dtype=uint64)
        """
        height, width = _check.image_size(height, width)
        return cls._repeated({"size": (height, width), "counts": [height * width]}, n)

    @classmethod
    def ones(cls, n: int, height: int, width: int) -> RLEArray:
        """Return `n` masks that are all foreground on images of `height` x `width`.

        Examples
        --------
        >>> RLEArray.ones(2, 480, 640).area
        array([307200, 307200], dtype=uint64)
        """
        height, width = _check.image_size(height, width)
        counts = [0, height * width] if height * width else [0]
        return cls._repeated({"size": (height, width), "counts": counts}, n)

    @classmethod
    def _repeated(cls, rle: CocoRLE, n: int) -> RLEArray:
        n = as_count(n, "n", 0)
        if n > 2**48:
            raise MemoryError(f"cannot allocate {n} masks")
        return cy_runs.select(cy_counts.from_dicts(cls, rle, "image"), np.zeros(n, np.int64))

    # ---- out --------------------------------------------------------------------------------------------------------

    def to_coco(self, counts: Literal["bytes", "str", "list"] = "bytes") -> list[CocoRLE]:
        """Return the masks as COCO RLE dicts.

        Parameters
        ----------
        counts : {"bytes", "str", "list"}
            Compressed text as pycocotools has it, the same as ``str`` for JSON, or a list of run lengths.

        Returns
        -------
        list of dict
            ``{"size": [height, width], "counts": ...}``, canonical.

        Examples
        --------
        >>> RLEArray.zeros(1, 2, 3).to_coco(counts="list")
        [{'size': [2, 3], 'counts': [6]}]
        """
        if counts == "list":
            sizes = self.sizes.tolist()
            return [{"size": size, "counts": runs} for size, runs in zip(sizes, cy_runs.to_values(self), strict=True)]
        if counts not in ("bytes", "str"):
            raise ValueError(f"counts is {counts!r}, expected 'bytes', 'str' or 'list'")
        return cy_counts.to_dicts(self, as_str=counts == "str")

    @overload
    def to_dense(
        self,
        *,
        layout: Literal["nhw", "hwn"] = "nhw",
        dtype: DTypeLike | None = None,
        out: None = None,
        window: Sequence[int] | None = None,
    ) -> NDArray[Any]: ...
    @overload
    def to_dense(
        self,
        *,
        layout: Literal["nhw", "hwn"] = "nhw",
        dtype: DTypeLike | None = None,
        out: _Out,
        window: Sequence[int] | None = None,
    ) -> _Out: ...
    def to_dense(
        self,
        *,
        layout: Literal["nhw", "hwn"] = "nhw",
        dtype: DTypeLike | None = None,
        out: Any = None,
        window: Sequence[int] | None = None,
    ) -> Any:
        """Decode into an array of pixels: 1 where there is foreground, 0 elsewhere.

        Parameters
        ----------
        layout : {"nhw", "hwn"}
            ``"nhw"`` gives (n, h, w) in C order, ``"hwn"`` (h, w, n) in Fortran order as pycocotools does.
        dtype : dtype, optional
            Bool, integer or float; uint8 by default, or that of `out`.
        out : ndarray or tensor, optional
            Where to write: that shape, any strides, all of it overwritten. An array, or what shares the CPU's memory by
            DLPack or the array interface, as a torch tensor does.
        window : sequence of four int, optional
            y, x, height, width: decode only rows ``y .. y + height - 1`` and columns ``x .. x + width - 1`` of each
            mask. The array then has this height and width, and masks of different sizes go together. Costs time for
            the window's pixels and the runs up to its last column.

        Returns
        -------
        ndarray
            `out`, or a new array.

        Raises
        ------
        SizeMismatchError
            Masks of different sizes, which no one array holds.
        TypeError
            An `out` whose memory numpy cannot share.
        ValueError
            A window that is not inside the image of each mask.

        Examples
        --------
        >>> RLEArray.from_coco({"size": [3, 4], "counts": "441M1"}).to_dense()[0]
        array([[0, 0, 1, 1],
               [0, 1, 1, 0],
               [0, 1, 0, 0]], dtype=uint8)
        >>> RLEArray.from_boxes([[30, 20, 50, 60]], 480, 640).to_dense(window=(18, 28, 4, 6))[0]
        array([[0, 0, 0, 0, 0, 0],
               [0, 0, 0, 0, 0, 0],
               [0, 0, 1, 1, 1, 1],
               [0, 0, 1, 1, 1, 1]], dtype=uint8)
        """
        inside = None if window is None else as_window(window, self, "masks")
        images, result, is_new = as_output(self, layout, dtype, out, "masks", inside)
        cy_dense.decode_into(self, images, is_new, inside and inside[:2])
        return result

    # ---- container --------------------------------------------------------------------------------------------------

    @overload
    def __getitem__(self, key: int) -> CocoRLE: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | Sequence[bool] | NDArray[Any]) -> RLEArray: ...
    def __getitem__(self, key: Any) -> CocoRLE | RLEArray:
        n = len(self)
        if isinstance(key, slice):
            start, stop, step = key.indices(n)
            if step == 1:
                return cy_runs.slice_of(self, start, max(start, stop))
            return cy_runs.select(self, np.arange(start, stop, step, dtype=np.int64))
        chosen = as_index(key, n)
        if isinstance(chosen, int):
            return cy_counts.to_dicts(cy_runs.slice_of(self, chosen, chosen + 1))[0]
        return cy_runs.select(self, chosen)

    def __iter__(self) -> Iterator[CocoRLE]:
        return iter(self.to_coco())

    def __eq__(self, other: object) -> bool:
        """Whether both batches have the same masks in the same order, however their runs are spelled."""
        if not isinstance(other, RLEArray):
            return NotImplemented
        return len(self) == len(other) and bool(cy_runs.equal(self, other).all())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        n = len(self)
        parts = [f"{n} mask{'s' if n != 1 else ''}"]
        if n:
            sizes = np.unique(self.sizes, axis=0)
            parts.append(f"{sizes[0, 0]} x {sizes[0, 1]}" if len(sizes) == 1 else f"{len(sizes)} sizes")
        runs = self.offsets[-1] - self.offsets[0]
        parts.append(f"{runs} run{'s' if runs != 1 else ''}")
        parts.append(f"{self.nbytes} bytes")
        return f"RLEArray({', '.join(parts)})"

    @property
    def nbytes(self) -> int:
        """Bytes of the three arrays, as far as these masks use them."""
        runs = int(self.offsets[-1] - self.offsets[0])
        return runs * self.counts.itemsize + self.offsets.nbytes + self.sizes.nbytes

    def copy(self) -> RLEArray:
        """Return the same masks in memory of their own, without what a slice leaves unused."""
        return cy_runs.select(self, np.arange(len(self), dtype=np.int64))

    def __copy__(self) -> RLEArray:
        return self.copy()

    def __deepcopy__(self, memo: object) -> RLEArray:
        return self.copy()

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        start, stop = int(self.offsets[0]), int(self.offsets[-1])
        whole = start == 0 and stop == len(self.counts)
        counts = self.counts if whole else self.counts[start:stop].copy()
        offsets = self.offsets if start == 0 else self.offsets - start
        return cy_runs.own_arrays, (type(self), counts, offsets, self.sizes)

    # ---- measures ---------------------------------------------------------------------------------------------------

    @property
    def area(self) -> NDArray[np.uint64]:
        """Foreground pixels of each mask: ndarray of uint64, shape (n,), read-only.

        Examples
        --------
        >>> RLEArray.ones(1, 70_000, 70_000).area
        array([4900000000], dtype=uint64)
        """
        return cy_runs.areas(self)

    @property
    def bbox(self) -> NDArray[np.float64]:
        """Smallest box around each mask: ndarray of float64, shape (n, 4), read-only: x, y, width, height in pixels.

        An empty mask has the box 0, 0, 0, 0.

        Examples
        --------
        >>> RLEArray.from_coco({"size": [3, 4], "counts": "441M1"}).bbox
        array([[1., 0., 3., 3.]])
        """
        return cy_runs.boxes(self)

    # ---- algebra ----------------------------------------------------------------------------------------------------

    def __or__(self, other: RLEArray) -> RLEArray:
        return _pairwise(cy_algebra.UNION, self, other)  # type: ignore[no-any-return]

    def __and__(self, other: RLEArray) -> RLEArray:
        return _pairwise(cy_algebra.INTERSECTION, self, other)  # type: ignore[no-any-return]

    def __sub__(self, other: RLEArray) -> RLEArray:
        return _pairwise(cy_algebra.DIFFERENCE, self, other)  # type: ignore[no-any-return]

    def __xor__(self, other: RLEArray) -> RLEArray:
        return _pairwise(cy_algebra.XOR, self, other)  # type: ignore[no-any-return]

    def __invert__(self) -> RLEArray:
        return cy_algebra.complement(self)

    def union(self, groups: ArrayLike | None = None) -> RLEArray:
        """Unite all masks, or those of each group.

        Parameters
        ----------
        groups : array_like of int, shape (g + 1,), optional
            Offsets: group k is masks ``groups[k]:groups[k + 1]``. One group of all masks by default.

        Returns
        -------
        RLEArray
            One mask a group. An empty group gives a mask of 0 x 0 pixels.

        Raises
        ------
        SizeMismatchError
            Masks of different sizes in one group.

        Notes
        -----
        Time grows with the runs and the logarithm of the masks in a group.

        Examples
        --------
        >>> halves = RLEArray.from_boxes([[0, 0, 2, 4], [2, 0, 2, 4]], 4, 4)
        >>> halves.union() == RLEArray.ones(1, 4, 4)
        True
        >>> halves.union(groups=[0, 1, 2]) == halves
        True
        """
        return cy_algebra.reduce(cy_algebra.UNION, self, as_groups(groups, len(self)), "masks")

    def intersection(self, groups: ArrayLike | None = None) -> RLEArray:
        """Intersect all masks, or those of each group; otherwise like `union`.

        Examples
        --------
        >>> RLEArray.from_boxes([[0, 0, 3, 4], [2, 0, 2, 4]], 4, 4).intersection().bbox
        array([[2., 0., 1., 4.]])
        """
        return cy_algebra.reduce(cy_algebra.INTERSECTION, self, as_groups(groups, len(self)), "masks")

    # ---- overlap ----------------------------------------------------------------------------------------------------

    def intersection_area(self, other: RLEArray, *, paired: bool = False) -> NDArray[np.uint64]:
        """Count the pixels that pairs of masks share.

        Parameters
        ----------
        other : RLEArray
        paired : bool
            Mask by mask, a batch of one going with every mask of the other, instead of all pairs.

        Returns
        -------
        ndarray of uint64, shape (n, m), or (n,) if `paired`

        Raises
        ------
        SizeMismatchError
            Masks of different sizes; all must share one, or each pair if `paired`.

        Examples
        --------
        >>> a = RLEArray.from_boxes([[0, 0, 2, 4], [1, 0, 2, 4]], 4, 4)
        >>> a.intersection_area(a)
        array([[8, 4],
               [4, 8]], dtype=uint64)
        """
        as_batch(other, "other")
        return cy_overlap.paired(self, other) if paired else cy_overlap.matrix(self, other)

    def iou(self, other: RLEArray, iscrowd: ArrayLike | None = None, *, paired: bool = False) -> NDArray[np.float64]:
        """Intersection over union of pairs of masks.

        Parameters
        ----------
        other : RLEArray
        iscrowd : array_like of bool, shape (m,), optional
            Where a mask of `other` is a crowd, the intersection is divided by the area of this batch's mask alone.
        paired : bool
            As for `intersection_area`.

        Returns
        -------
        ndarray of float64, shape (n, m), or (n,) if `paired`
            0 for two empty masks, as in COCO.

        Examples
        --------
        >>> a = RLEArray.from_boxes([[0, 0, 2, 4]], 4, 4)
        >>> b = RLEArray.from_boxes([[1, 0, 2, 4]], 4, 4)
        >>> a.iou(b)
        array([[0.33333333]])
        >>> a.iou(b, iscrowd=[True])
        array([[0.5]])
        """
        crowd = cy_overlap.crowd_flags(iscrowd, len(as_batch(other, "other")), "iscrowd", "other")
        return self._ratio(cy_overlap.IOU, other, paired, crowd)

    def dice(self, other: RLEArray, *, paired: bool = False) -> NDArray[np.float64]:
        """Twice the intersection over the sum of the areas; otherwise like `iou`.

        Examples
        --------
        >>> a = RLEArray.from_boxes([[0, 0, 2, 4]], 4, 4)
        >>> a.dice(RLEArray.from_boxes([[1, 0, 2, 4]], 4, 4))
        array([[0.5]])
        """
        as_batch(other, "other")
        return self._ratio(cy_overlap.DICE, other, paired, None)

    def _ratio(self, ratio: int, other: RLEArray, paired: bool, crowd: Any) -> NDArray[np.float64]:
        if paired:
            return cy_overlap.paired_ratio(ratio, cy_overlap.paired(self, other), self.area, other.area, crowd)
        return cy_overlap.matrix_ratio(ratio, cy_overlap.matrix(self, other), self.area, other.area, crowd_b=crowd)


def _listed(values: Any, name: str) -> list[Any]:
    if isinstance(values, str | bytes | dict) or not hasattr(values, "__iter__"):
        hint = "; one mask's rings stand in a list of their own" if "[" in name else ""
        raise TypeError(f"{name}: expected a list, found {type(values).__name__}{hint}")
    return list(values)


def _pairwise(operation: int, masks: RLEArray, other: object) -> Any:
    """For the operators: NotImplemented where the other operand is not a batch."""
    return cy_algebra.pairwise(operation, masks, other) if isinstance(other, RLEArray) else NotImplemented
