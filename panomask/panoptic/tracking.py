"""Panoptic quality of videos: VPQ over windows of frames, and STQ of whole sequences.

Both keep of a frame its sparse joint histogram, and add histograms up: a window of n frames costs no pixels again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from panomask._arrays import as_count, as_integer
from panomask.panoptic._matching import KEY_BITS, SegmentTable, check_predicted, match_listed, read_segments
from panomask.panoptic._records import Integers, Record, Records, as_key
from panomask.panoptic._sides import count_labels, count_pairs, merged, pixel_keys
from panomask.panoptic.presets import read_categories
from panomask.panoptic.quality import PanopticQuality, Segments
from panomask.panoptic.result import Category, PanopticResult

__all__ = ["TrackingQuality", "TrackingResult", "VideoPanopticQuality", "VideoPanopticResult"]

_EPSILON = 1e-15  # what deeplab2 divides by rather than by zero


def _as_integers(values: Iterable[int], name: str) -> list[int]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"{name} is {values!r:.80}, expected several integers")
    return [as_integer(each, name) for each in values]


class _FrameRecords(Records):
    """Records of frames: the keys are (video, frame)."""

    def _new_frame(self, video_id: int | str, frame: int) -> tuple[int | str, int]:
        key = as_key(video_id, "video_id"), as_integer(frame, "frame")
        self._check_new(key)
        return key

    @staticmethod
    def _name(key: Any) -> str:
        return f"frame {key[1]} of video {key[0]!r}"

    def _videos(self) -> dict[Any, dict[int, Record]]:
        """Return the records of each video by frame, in the order of frames, videos in ascending order."""
        videos: dict[Any, dict[int, Record]] = {}
        key: Any
        for key in self._ordered():
            videos.setdefault(key[0], {})[key[1]] = self._records[key]
        return videos


# ---- VPQ ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class VideoPanopticResult:
    """VPQ of all videos.

    Attributes
    ----------
    vpq : dict
        ``"All"``, ``"Things"`` and ``"Stuff"``: the mean of PQ in percent over the windows.
    windows : dict of int to PanopticResult
        The panoptic quality of the windows of each length.
    """

    vpq: dict[str, float]
    windows: dict[int, PanopticResult]

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as Python's own.

        Returns
        -------
        dict
            ``"vpq"``, and ``"windows"``: for each length `PanopticResult.to_dict`.
        """
        return {"vpq": dict(self.vpq), "windows": {n: result.to_dict() for n, result in self.windows.items()}}

    def __repr__(self) -> str:
        return f"VideoPanopticResult(vpq={self.vpq['All']:.2f}, windows of {', '.join(map(str, self.windows))} frames)"


class VideoPanopticQuality(_FrameRecords):
    """VPQ: panoptic quality of tubes, segments that have one id over the frames of a window.

    Parameters
    ----------
    categories : as for `PanopticQuality`
    windows : iterable of int
        Lengths of windows in frames: 1, 2, 3, 4 with Cityscapes-VPS, 1, 2, 4, 6, 8 with VIPSeg.

    Notes
    -----
    The rules are those of ``tools/eval_vpq.py`` in mcahny/vps: all windows of consecutive frames, areas of the ground
    truth from the lists and summed, category and crowd of a tube from its first frame in the window, matching as
    panopticapi does. IoUs are added up window after window, videos in ascending order of their ids.

    Examples
    --------
    >>> categories = [{"id": 1, "isthing": 1}]
    >>> quality = VideoPanopticQuality(categories, windows=(1, 2))
    >>> segments = [{"id": 5, "category_id": 1}]
    >>> for frame in range(3):
    ...     quality.update([[5, 0]], [[5, 0]], segments, segments, video_id="a", frame=frame)
    >>> quality.compute().vpq["All"]
    100.0
    """

    _widths: ClassVar[tuple[int, ...]] = (3, 4, 2)  # gt, pred, pixels; id, category, area, crowd; id, category

    def __init__(self, categories: Any, windows: Iterable[int] = (1, 2, 3, 4)) -> None:
        super().__init__()
        self._categories = read_categories(categories)
        self._index = {category.id: i for i, category in enumerate(self._categories)}
        self._windows = _as_integers(windows, "windows")
        if not self._windows or min(self._windows) < 1 or len(set(self._windows)) < len(self._windows):
            raise ValueError(f"windows are {self._windows}, expected different lengths of 1 or more")

    def update(
        self,
        gt: Any,
        pred: Any,
        gt_segments: Segments,
        pred_segments: Segments,
        *,
        video_id: int | str,
        frame: int,
    ) -> None:
        """Add a frame.

        Parameters
        ----------
        gt, pred, gt_segments, pred_segments
            As for `PanopticQuality.update`, with ids that a segment keeps over time.
        video_id : int or str
        frame : int
            Frames of a video are taken in ascending order, whatever lies between them.

        Raises
        ------
        KeyError, ValueError, TypeError
            As for `PanopticQuality.update`.
        """
        key = self._new_frame(video_id, frame)
        where = f"{self._name(key)}: "
        gt_table = read_segments(gt_segments, self._index, f"{where}gt_segments", with_areas=True)
        pred_table = read_segments(pred_segments, self._index, f"{where}pred_segments", with_areas=False)
        pairs = count_pairs(gt, pred, gt_table.ids, pred_table.ids, where)
        check_predicted(pairs, pred_table, f"{key[0]}, {key[1]}")
        ids, _, area, _ = gt_table.numbers
        for i in np.flatnonzero(area < 0).tolist():
            area[i] = pairs.pixels[pairs.gt == ids[i]].sum()
            if area[i] == 0:
                raise ValueError(f"{where}gt segment {ids[i]} has no area, and is not in the map")
        self._add(key, (np.stack(pairs, axis=1), gt_table.numbers.T, pred_table.numbers[:2].T))

    def compute(self) -> VideoPanopticResult:
        """Return the VPQ of all frames so far.

        Returns
        -------
        VideoPanopticResult
            NaN where there is no window of some length.

        Raises
        ------
        ValueError
            An IoU above 1, or a union of nothing: areas in the lists of the ground truth are too small.
        """
        videos = self._videos()
        windows = {}
        for n in self._windows:
            quality = PanopticQuality(self._categories)
            for video, frames in videos.items():
                numbers = list(frames)
                for start in range(len(frames) - n + 1):
                    chosen = numbers[start : start + n]
                    where = f"video {video!r}, frames {chosen[0]} to {chosen[-1]}: "
                    matches = _match_window([frames[number] for number in chosen], where)
                    if (matches[0][:, 1] > matches[0][:, 2]).any():
                        raise ValueError(f"{where}IoU above 1; areas of the ground truth are too small")
                    quality._records[video, start] = (*matches, np.empty((0, 3), np.int64))
            windows[n] = quality.compute()
        names = ("All", "Things", "Stuff")
        vpq = {
            name: float(np.cumsum([100 * result.groups[name]["pq"] for result in windows.values()])[-1]) / len(windows)
            for name in names
        }
        return VideoPanopticResult(vpq, windows)

    def _config(self) -> dict[str, Any]:
        return {"categories": [list(category) for category in self._categories], "windows": self._windows}

    @classmethod
    def _of_config(cls, config: dict[str, Any]) -> VideoPanopticQuality:
        return cls([Category(*each) for each in config["categories"]], config["windows"])


def _match_window(frames: list[Record], where: str) -> tuple[Integers, Integers]:
    pairs = merged(*np.concatenate([frame[0] for frame in frames]).T)
    listed = np.concatenate([frame[1] for frame in frames])
    first, which = _first(listed)
    gt_table = np.ascontiguousarray(listed[first].T)
    gt_table[2] = 0
    np.add.at(gt_table[2], which, listed[:, 2])
    listed = np.concatenate([frame[2] for frame in frames])
    pred = listed[_first(listed)[0]]
    pred_table = np.zeros((4, len(pred)), np.int64)
    pred_table[:2] = pred.T
    matches = match_listed(pairs, SegmentTable(gt_table, []), SegmentTable(pred_table, []), None, where)
    return matches.pairs, matches.counts


def _first(table: Integers) -> tuple[Integers, Integers]:
    """Return the first row of each id, ascending, and of each row which of these has its id."""
    _, first, which = np.unique(table[:, 0], return_index=True, return_inverse=True)
    rows = np.sort(first)
    return rows, np.searchsorted(rows, first[which])


# ---- STQ ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class TrackingResult:
    """STQ of all sequences.

    Attributes
    ----------
    stq, aq, miou : float
        Segmentation and tracking quality, the geometric mean of association quality and mean IoU. AQ is 0 without
        tubes, the mean IoU NaN without any class.
    per_sequence : dict
        For each sequence a dict of ``stq``, ``aq``, ``miou`` and the number of tubes ``n_tubes``.
    """

    stq: float
    aq: float
    miou: float
    per_sequence: dict[Any, dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as Python's own.

        Returns
        -------
        dict
        """
        return {"stq": self.stq, "aq": self.aq, "miou": self.miou, "per_sequence": self.per_sequence}

    def __repr__(self) -> str:
        return f"TrackingResult(stq={self.stq:.4f}, aq={self.aq:.4f}, miou={self.miou:.4f})"


class TrackingQuality(_FrameRecords):
    """STQ: how well pixels are segmented and things are tracked over whole sequences.

    Parameters
    ----------
    n_classes : int
        Classes are 0 .. n_classes - 1.
    things : iterable of int
        Those whose instances are tracked.
    ignore : int
        The class of ground truth that is not evaluated, in the range or not.
    precision : {"float32", "float64"}
        deeplab2 counts in float32, which loses pixels of tubes above 2^24, and under NumPy 2 computes in it; float64 is
        what its rule means.

    Notes
    -----
    The rules are those of ``evaluation/numpy/segmentation_and_tracking_quality.py`` in deeplab2. A thing of the ground
    truth with instance 0 is a crowd: its pixels count for no tube, predicted ones included. A class counts in the mean
    IoU if it is in either map; that a prediction of void on pixels with a class adds one with IoU 0 is the reference's.
    Association is added up in ascending order of the ids of sequences, there in the order in which they come.

    Examples
    --------
    >>> quality = TrackingQuality(2, things=[1])
    >>> gt = ([[0, 1, 1]], [[0, 4, 4]])
    >>> quality.update(gt, gt, video_id="a", frame=0)
    >>> quality.update(gt, ([[0, 1, 1]], [[0, 4, 9]]), video_id="a", frame=1)
    >>> quality.compute()
    TrackingResult(stq=0.7906, aq=0.6250, miou=1.0000)
    """

    _widths: ClassVar[tuple[int, ...]] = (3,)  # gt, pred, pixels

    def __init__(
        self,
        n_classes: int,
        things: Iterable[int],
        ignore: int = 255,
        *,
        precision: Literal["float32", "float64"] = "float32",
    ) -> None:
        super().__init__()
        self._n, self._ignore = as_count(n_classes, "n_classes", 1), as_integer(ignore, "ignore")
        self._things = sorted(set(_as_integers(things, "things")))
        bad = [each for each in self._things if not 0 <= each < self._n]
        if bad:
            raise ValueError(f"things have class {bad[0]}, expected 0 to {self._n - 1}")
        if precision not in ("float32", "float64"):
            raise ValueError(f"precision is {precision!r:.80}, expected 'float32' or 'float64'")
        self._precision = precision

    def update(self, gt: Any, pred: Any, *, video_id: int | str, frame: int) -> None:
        """Add a frame.

        Parameters
        ----------
        gt, pred : array_like of int, shape (..., 2), or a tuple of two arrays
            Category and instance of each pixel; an instance keeps its number over the sequence.
        video_id : int or str
        frame : int
            Frames of a sequence are taken in ascending order.

        Raises
        ------
        ValueError
            Shapes that differ, a class out of range, a frame that was added before.
        TypeError
            What is not integers.
        """
        key = self._new_frame(video_id, frame)
        where = f"{self._name(key)}: "
        pairs = count_labels(pixel_keys(gt, f"{where}gt"), pixel_keys(pred, f"{where}pred"), where)
        for values, name in ((pairs.gt, "gt"), (pairs.pred, "pred")):
            classes = values >> KEY_BITS
            bad = classes[((classes < 0) | (classes >= self._n)) & (classes != self._ignore)]
            if len(bad) > 0:
                raise ValueError(
                    f"{where}{name} has class {bad[0]}, expected 0 to {self._n - 1}, or {self._ignore} to ignore"
                )
        self._add(key, (np.stack(pairs, axis=1),))

    def compute(self) -> TrackingResult:
        """Return the STQ of all frames so far.

        Returns
        -------
        TrackingResult
        """
        whole = np.zeros((self._n + 1, self._n + 1), np.int64)
        outer: list[Any] = []
        tubes = []
        per_sequence: dict[Any, dict[str, Any]] = {}
        for video, by_frame in self._videos().items():
            frames = list(by_frame.values())
            confusion = self._confusion(frames)
            whole += confusion
            associated, n_tubes = self._associate(frames)
            outer.append(associated)
            tubes.append(n_tubes)
            aq, miou = float(associated) / max(n_tubes, _EPSILON), self._mean_iou(confusion)
            per_sequence[video] = {"stq": math.sqrt(aq * miou), "aq": aq, "miou": miou, "n_tubes": n_tubes}
        # NumPy adds a list of float32 up as such, and as float64 where a sequence without tubes has put Python's 0.0 in
        aq, miou = float(np.sum(outer)) / max(sum(tubes), _EPSILON), self._mean_iou(whole)
        return TrackingResult(math.sqrt(aq * miou), aq, miou, per_sequence)

    def _confusion(self, frames: Sequence[Record]) -> Integers:
        confusion = np.zeros((self._n + 1, self._n + 1), np.int64)
        for (pairs,) in frames:
            row, column = (np.minimum(keys >> KEY_BITS, self._n) for keys in (pairs[:, 0], pairs[:, 1]))
            np.add.at(confusion, (row, column), pairs[:, 2])
        return confusion

    def _mean_iou(self, confusion: Integers) -> float:
        counted = confusion.astype(np.float64)
        counted[min(self._ignore, self._n)] = 0
        own = np.diagonal(counted)
        union = counted.sum(axis=1) + counted.sum(axis=0) - own
        n = int(np.count_nonzero(union))
        return float(np.sum(own / np.maximum(union, _EPSILON)) / n) if n else math.nan

    def _associate(self, frames: Sequence[Record]) -> tuple[Any, int]:
        """Add the association of the tubes of a sequence up, in the precision of the evaluator, and count them.

        Dicts are in the order in which ids appear: frame after frame, ascending in each.
        """
        real = np.float32 if self._precision == "float32" else np.float64
        gt_sizes: dict[int, Any] = {}
        pred_sizes: dict[int, Any] = {}
        shared: dict[int, dict[int, Any]] = {}
        for (pairs,) in frames:
            gt, pred, pixels = pairs.T
            is_gt, is_pred = (np.isin(keys >> KEY_BITS, self._things) for keys in (gt, pred))
            is_crowd = is_gt & (gt & (2**KEY_BITS - 1) == 0)
            is_gt, is_pred = is_gt & ~is_crowd, is_pred & ~is_crowd
            for keys, chosen, sizes in ((gt, is_gt, gt_sizes), (pred, is_pred, pred_sizes)):
                ids, which = np.unique(keys[chosen], return_inverse=True)
                count = np.zeros(len(ids), np.int64)
                np.add.at(count, which, pixels[chosen])
                for each, n in zip(ids.tolist(), count.tolist(), strict=True):
                    sizes[each] = sizes.get(each, real(0)) + real(n)
            both = is_gt & is_pred
            for g, p, n in zip(gt[both].tolist(), pred[both].tolist(), pixels[both].tolist(), strict=True):
                of_gt = shared.setdefault(g, {})
                of_gt[p] = of_gt.get(p, real(0)) + real(n)
        total: Any = real(0)
        place = {each: i for i, each in enumerate(pred_sizes)}
        for g, gt_size in gt_sizes.items():
            inner: Any = real(0)
            of_gt = shared.get(g, {})
            for p in sorted(of_gt, key=place.__getitem__):
                tpa = of_gt[p]
                inner += tpa * (tpa / (tpa + (pred_sizes[p] - tpa) + (gt_size - tpa)))
            total += real(1) / gt_size * inner
        return total if gt_sizes else 0.0, len(gt_sizes)

    def _config(self) -> dict[str, Any]:
        return {"n_classes": self._n, "things": self._things, "ignore": self._ignore, "precision": self._precision}

    @classmethod
    def _of_config(cls, config: dict[str, Any]) -> TrackingQuality:
        return cls(**config)
