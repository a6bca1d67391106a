"""Semantic IoU of label maps, exactly as the evaluators compute it.

All count the same pixels, how many of class g were predicted as p; they differ in what happens to pixels that are to be
ignored, in which classes enter the mean, and in precision.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from panomask._arrays import as_count, as_integer
from panomask._check import as_integers
from panomask.panoptic._records import Integers, Records
from panomask.panoptic._sides import count_labels, merged

__all__ = ["SEMANTIC_PRESETS", "SemanticIoU", "SemanticResult"]

# Labels of Cityscapes that are not evaluated: ``ignoreInEval`` of cityscapesscripts/helpers/labels.py.
_CITYSCAPES_IGNORE = (0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30)

# Preset -> what is ignored unless told otherwise.
SEMANTIC_PRESETS: dict[str, tuple[int, ...]] = {"mmseg": (255,), "cityscapes": _CITYSCAPES_IGNORE, "torchmetrics": ()}


@dataclass(frozen=True, eq=False, repr=False)
class SemanticResult:
    """Semantic IoU of all images.

    Attributes
    ----------
    iou : ndarray of float64 or float32, shape (n,)
        Of each class, in the precision of the evaluator. NaN for a class without pixels and for one that is ignored; 0
        with torchmetrics.
    accuracy : ndarray, shape (n,)
        Pixels of each class that were predicted as such, over pixels of the class; NaN where there are none.
    mean : float
        The mean of `iou` over the classes that the evaluator takes.
    mean_accuracy, pixel_accuracy : float
        The mean of `accuracy` over classes with pixels, and that of all pixels.
    confusion : ndarray of int64, shape (n, n)
        Pixels of class i that were predicted as j; without those that are ignored.
    """

    iou: NDArray[Any]
    accuracy: NDArray[Any]
    mean: float
    mean_accuracy: float
    pixel_accuracy: float
    confusion: Integers

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers but the matrix as Python's own.

        Returns
        -------
        dict
            ``mean``, ``mean_accuracy``, ``pixel_accuracy``, and ``per_class``: ``iou`` and ``accuracy`` of each.
        """
        rows = zip(self.iou.tolist(), self.accuracy.tolist(), strict=True)
        return {
            "mean": self.mean,
            "mean_accuracy": self.mean_accuracy,
            "pixel_accuracy": self.pixel_accuracy,
            "per_class": {i: {"iou": iou, "accuracy": accuracy} for i, (iou, accuracy) in enumerate(rows)},
        }

    def __repr__(self) -> str:
        return f"SemanticResult(mean={self.mean:.4f}, {len(self.iou)} classes)"


class SemanticIoU(Records):
    """Semantic IoU of images that come one by one, or in several workers.

    Parameters
    ----------
    n_classes : int
        Classes are 0 .. n_classes - 1; 34 for the label ids of Cityscapes.
    preset : {"mmseg", "cityscapes", "torchmetrics"}
        Whose rules: mmseg's IoUMetric; the pixel level of cityscapesScripts; torchmetrics' MulticlassJaccardIndex with
        macro average.
    ignore : int or iterable of int, optional
        Classes of the ground truth that are not evaluated, in the range or not. By default 255 with mmseg, the labels
        ignored in evaluation with Cityscapes, none with torchmetrics.
    image_order : iterable of int or str, optional
        As for `PanopticQuality`; mmseg adds float32 up image by image, which the last bits depend on from 2^24 pixels
        of a class on.

    Notes
    -----
    - mmseg drops the pixels to ignore, and predictions out of range count for no class. Sums and IoU are float32.
    - Cityscapes counts a prediction of an ignored class against the class of the pixel, and pixels of ignored classes
      for nothing. Predictions out of range are refused here; the reference's compiled path counts them elsewhere.
    - torchmetrics drops the pixels to ignore and leaves an ignored class out of the mean, as it does one that is in
      neither map. IoU is float32.

    Examples
    --------
    >>> quality = SemanticIoU(3)
    >>> quality.update([[0, 0, 1, 255]], [[0, 1, 1, 2]])
    >>> result = quality.compute()
    >>> result.iou
    array([0.5, 0.5, nan], dtype=float32)
    >>> result.mean
    0.5
    """

    _widths: ClassVar[tuple[int, ...]] = (3,)  # gt, pred, pixels; n_classes for what is in no class, and one more

    def __init__(
        self,
        n_classes: int,
        preset: str = "mmseg",
        *,
        ignore: int | Iterable[int] | None = None,
        image_order: Iterable[int | str] | None = None,
    ) -> None:
        super().__init__(image_order)
        self._n = as_count(n_classes, "n_classes", 1)
        if not isinstance(preset, str) or preset not in SEMANTIC_PRESETS:
            raise ValueError(f"preset is {preset!r:.80}, expected one of {', '.join(SEMANTIC_PRESETS)}")
        self._preset = preset
        if ignore is None:
            self._ignore = SEMANTIC_PRESETS[preset]
        else:
            several = ignore if isinstance(ignore, Iterable) else [ignore]
            self._ignore = tuple(sorted({as_integer(each, "ignore") for each in several}))

    def update(self, gt: Any, pred: Any, *, image_id: int | str | None = None) -> None:
        """Add an image.

        Parameters
        ----------
        gt, pred : array_like of one shape
            Classes as any integer dtype, with any number of axes.
        image_id : int or str, optional
            As for `PanopticQuality.update`.

        Raises
        ------
        ValueError
            Shapes that differ, an image that was added before, a class out of range (only in the ground truth, or with
            mmseg nowhere).
        TypeError
            What is not integers.
        """
        key = self._new_key(image_id)
        where = f"{self._name(key)}: "
        pairs = count_labels(as_integers(gt, f"{where}gt"), as_integers(pred, f"{where}pred"), where)
        n = self._n
        ignored = np.isin(pairs.gt, self._ignore)
        if self._preset != "mmseg":
            for values, name in ((pairs.gt[~ignored], "gt"), (pairs.pred[~ignored], "pred")):
                bad = values[(values < 0) | (values >= n)]
                if len(bad) > 0:
                    raise ValueError(f"{where}{name} has class {bad[0]}, expected 0 to {n - 1}")
        places = [np.where((values < 0) | (values >= n), n, values) for values in (pairs.gt, pairs.pred)]
        places[0][ignored] = n + 1
        self._add(key, (np.stack(merged(places[0], places[1], pairs.pixels), axis=1),))

    def compute(self) -> SemanticResult:
        """Return the IoU of all images so far.

        Returns
        -------
        SemanticResult
        """
        keys = self._ordered()
        n = self._n
        whole = np.zeros((n + 2, n + 2), np.int64)
        float32 = np.zeros((3, n), np.float32)  # intersection, union, gt
        for key in keys:
            cells = self._records[key][0]
            image = np.zeros_like(whole)
            image[cells[:, 0], cells[:, 1]] = cells[:, 2]
            whole += image
            if self._preset == "mmseg":
                shared = np.diagonal(image)[:n].astype(np.float32)
                pred = image[: n + 1, :n].sum(axis=0).astype(np.float32)
                gt = image[:n].sum(axis=1).astype(np.float32)
                float32 += np.stack([shared, pred + gt - shared, gt])
        confusion = whole[:n, :n].copy()
        if self._preset == "mmseg":
            shared, union, gt = float32
            with np.errstate(invalid="ignore", divide="ignore"):
                iou, accuracy = shared / union, shared / gt
                overall = shared.sum() / gt.sum()
            return SemanticResult(iou, accuracy, _mean(iou), _mean(accuracy), float(overall), confusion)
        own = np.diagonal(confusion)
        row, column = confusion.sum(axis=1), confusion.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            accuracy = own / row
            overall = own.sum() / row.sum()
        union = row + column - own
        if self._preset == "torchmetrics":
            iou = (own.astype(np.float32) / np.maximum(union, 1).astype(np.float32)).astype(np.float32)
            weight = (union > 0).astype(np.float32)
            weight[[each for each in self._ignore if 0 <= each < n]] = 0
            with np.errstate(invalid="ignore"):
                mean = float((weight * iou / weight.sum()).sum())
            return SemanticResult(iou, accuracy, mean, _mean(accuracy), float(overall), confusion)
        with np.errstate(invalid="ignore"):
            iou = own / union
        iou[[each for each in self._ignore if 0 <= each < n]] = np.nan
        some = iou[~np.isnan(iou)].tolist()
        mean = sum(some) / len(some) if some else np.nan  # one after the other, as the reference adds them
        return SemanticResult(iou, accuracy, mean, _mean(accuracy), float(overall), confusion)

    def _config(self) -> dict[str, Any]:
        return {
            "n_classes": self._n,
            "preset": self._preset,
            "ignore": list(self._ignore),
            "image_order": self._order,
        }

    @classmethod
    def _of_config(cls, config: dict[str, Any]) -> SemanticIoU:
        return cls(**config)


def _mean(values: NDArray[Any]) -> float:
    """``numpy.nanmean``, without its warning: what is NaN counts as 0 in the sum, which its order depends on."""
    some = ~np.isnan(values)
    n = int(np.count_nonzero(some))
    return float(np.where(some, values, values.dtype.type(0)).sum() / values.dtype.type(n)) if n else float("nan")
