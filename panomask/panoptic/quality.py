"""Panoptic quality: PQ, SQ and RQ exactly as the evaluators of the data sets compute them.

PQ of a category is the sum of the IoUs of matched segments over tp + fp / 2 + fn / 2; it is SQ, the mean IoU of the
matches, times RQ. Evaluators agree on that and on little else: what void is taken from, which segments are forgiven,
which categories enter a mean, and in which precision and order all is added up. A preset is all of these of one
evaluator.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from panomask._arrays import as_count
from panomask.panoptic._matching import KEY_BITS, Matches, Pairs, match_listed, match_points, match_voids, read_segments
from panomask.panoptic._panoptic_files import FilePair, Progress, as_workers, default_folder, in_threads, open_pair
from panomask.panoptic._records import Integers, Record, Records
from panomask.panoptic._sides import count_boundaries, count_labels, count_pairs, merged, pixel_keys
from panomask.panoptic.presets import PRESETS, Preset, as_preset, read_categories
from panomask.panoptic.result import Category, PanopticResult

__all__ = ["PRESETS", "PanopticQuality", "PanopticResult", "Preset", "pq_compute"]

Segments = Sequence[Mapping[str, Any]]
_EPSILON = 1e-15  # what SemanticKITTI and nuScenes divide by rather than by zero


# ---- the evaluator --------------------------------------------------------------------------------------------------


class PanopticQuality(Records):
    """Panoptic quality of images that come one by one, or in several workers.

    Parameters
    ----------
    categories : iterable of dict, or dict of them by id
        Each with ``id`` and ``isthing`` (1 for things, all else is stuff), and ``name`` for tables: the ``categories``
        of a COCO panoptic file. Means are taken in this order; with torchmetrics in its own, things before stuff.
    preset : str or Preset
        Whose rules: a key of `PRESETS`, or rules of your own by ``dataclasses.replace(PRESETS[name], ...)``.
    image_order : iterable of int or str, optional
        Ids of all images in the order in which IoUs are added up, which the last bits of the sums depend on;
        panopticapi's is that of the annotations in the file. Without, it is ascending.

    Raises
    ------
    ValueError
        No categories, two of one id, an unknown preset, an image that `image_order` has twice.
    TypeError
        Categories that are not dicts in a list, ids that are not integers.

    Notes
    -----
    What is kept of an image is a few hundred integers: intersection and union of each match, and tp, fp and fn of each
    category. Hence merging in any order gives the same bits, and those are panopticapi's on a single core.

    Examples
    --------
    >>> import numpy as np
    >>> categories = [{"id": 1, "name": "cat", "isthing": 1}, {"id": 2, "name": "grass", "isthing": 0}]
    >>> quality = PanopticQuality(categories)
    >>> gt = np.array([[7, 7, 7, 9], [7, 7, 7, 9]])
    >>> pred = np.array([[5, 5, 6, 6], [5, 5, 6, 6]])
    >>> quality.update(
    ...     gt,
    ...     pred,
    ...     [{"id": 7, "category_id": 1}, {"id": 9, "category_id": 2}],
    ...     [{"id": 5, "category_id": 1}, {"id": 6, "category_id": 2}],
    ... )
    >>> result = quality.compute()
    >>> result.iou
    array([0.66666667, 0.        ])
    >>> print(result)
              |    PQ     SQ     RQ     N
    --------------------------------------
    All       |  33.3   33.3   50.0     2
    Things    |  66.7   66.7  100.0     1
    Stuff     |   0.0    0.0    0.0     1
    """

    _widths: ClassVar[tuple[int, ...]] = (3, 4, 3)  # category, intersection, union; category, tp, fp, fn; gt, pred, n

    def __init__(
        self, categories: Any, preset: str | Preset = "coco", *, image_order: Iterable[int | str] | None = None
    ) -> None:
        super().__init__(image_order)
        self._preset = as_preset(preset)
        self._categories = read_categories(categories)
        if self._preset.maps == "categories":  # the order of torchmetrics
            self._categories = tuple(sorted(self._categories, key=lambda each: (not each.isthing, each.id)))
        self._index = {category.id: i for i, category in enumerate(self._categories)}
        self._isthing = np.array([category.isthing for category in self._categories], np.bool_)
        ids = [*self._index, *self._preset.ignore]
        if self._preset.maps != "segments" and not 0 <= min(ids) <= max(ids) < 2**30:
            raise ValueError(f"categories have ids {min(ids)} to {max(ids)}, expected 0 to {2**30 - 1}")
        ignored = [each for each in self._preset.ignore if each in self._index]
        if ignored:
            raise ValueError(f"category {ignored[0]} is among those of the preset to ignore")

    @property
    def preset(self) -> Preset:
        """The rules."""
        return self._preset

    @property
    def categories(self) -> tuple[Category, ...]:
        """The categories, in the order of the arrays of a result."""
        return self._categories

    @property
    def images(self) -> list[Any]:
        """Ids of the images so far, in the order in which IoUs are added up."""
        return self._ordered()

    def update(
        self,
        gt: Any,
        pred: Any,
        gt_segments: Segments | None = None,
        pred_segments: Segments | None = None,
        *,
        image_id: int | str | None = None,
    ) -> None:
        """Add an image.

        Parameters
        ----------
        gt, pred : array_like, RLEArray, list of dict, path or tuple
            With lists of segments: segment ids (h, w) of any integer dtype, 0 is void; or uint8 colours (h, w, 3) of
            ``id = R + 256 * G + 65536 * B``; or a PNG file of such colours; or an RLEArray, or COCO RLE dicts, with a
            mask for each listed segment, in this order, none of which overlap. Both sides may come in different forms.

            Presets for maps of categories, or for points: integers (..., 2), category and instance of each pixel or
            point, or a tuple of two arrays. Presets differ in what the instances of stuff are: torchmetrics takes all
            pixels of a stuff category as one segment, SemanticKITTI and nuScenes tell them apart by the instance too.
        gt_segments, pred_segments : sequence of dict
            COCO's ``segments_info``: ``id`` and ``category_id``, for the ground truth also ``iscrowd`` (0 without) and
            ``area``. An area that is listed counts as it is, right or wrong, as panopticapi has it; where there is
            none, pixels are counted, as they always are of predictions.
        image_id : int or str, optional
            An id that no other image has. By default the number of images before; several workers need their own.

        Raises
        ------
        KeyError
            A predicted segment that is in the map but not in the list or the other way round, or of an unknown
            category; in panopticapi's words.
        ValueError
            An image that was added before, sides of different size, ids listed twice, masks that overlap, segments of
            the ground truth without area that are not in the map, negative ids, classes out of range.
        TypeError
            What is not integers.
        """
        key = self._new_key(image_id)
        self._add(key, self._match(gt, pred, gt_segments, pred_segments, key))

    def compute(self, *, chunks: int = 1) -> PanopticResult:
        """Return the quality of all images so far.

        Parameters
        ----------
        chunks : int
            Add the IoUs up in so many chunks of consecutive images, and these sums to each other: what panopticapi on a
            machine with so many cores does, which changes the last bits. Only presets whose maps are segments.

        Returns
        -------
        PanopticResult
            With NaN for a group none of whose categories is in any image, where panopticapi raises ZeroDivisionError;
            `pq_compute` does so too.
        """
        chunks = as_count(chunks, "chunks", 1)
        keys = self._ordered()
        rows = np.concatenate([np.empty((0, 4), np.int64), *(self._records[key][1] for key in keys)])
        counts = np.zeros((len(self._categories), 3), np.int64)
        np.add.at(counts, rows[:, 0], rows[:, 1:])
        iou = self._sum_ious(keys, chunks)
        tp, fp, fn = counts[:, 0].copy(), counts[:, 1].copy(), counts[:, 2].copy()
        if self._preset.mean == "all":
            return self._result_of_points(iou, tp, fp, fn, keys)
        if self._preset.mean == "torchmetrics":
            return self._result_of_torchmetrics(iou, tp, fp, fn)
        some = tp + fp + fn > 0
        whole = np.where(some, tp + 0.5 * fp + 0.5 * fn, 1.0)
        pq, rq = iou / whole, tp / whole
        sq = np.where(tp > 0, iou / np.maximum(tp, 1), 0.0)
        groups: dict[str, dict[str, Any]] = {}
        for name, members in self._groups():
            chosen = np.flatnonzero(some & members)
            n = len(chosen)
            # one after the other, as panopticapi adds them, and not as np.sum would, nor sum of Python 3.12 and later
            groups[name] = {"pq": np.nan, "sq": np.nan, "rq": np.nan, "n": n}
            if n > 0:
                for column, values in (("pq", pq), ("sq", sq), ("rq", rq)):
                    groups[name][column] = float(np.cumsum(values[chosen])[-1]) / n
        return PanopticResult(self._categories, pq, sq, rq, iou, tp, fp, fn, groups)

    @classmethod
    def from_files(
        cls,
        gt_json_file: str | Path,
        pred_json_file: str | Path,
        gt_folder: str | Path | None = None,
        pred_folder: str | Path | None = None,
        *,
        preset: str | Preset = "coco",
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> PanopticQuality:
        """Evaluate two COCO panoptic files and their folders of PNGs.

        Parameters
        ----------
        gt_json_file, pred_json_file : path
        gt_folder, pred_folder : path, optional
            By default the name of the JSON file without ``.json``.
        preset : str or Preset
            One whose maps are segments.
        workers : int, optional
            Threads that read and match images, `panomask.get_num_threads` by default. The result does not depend on it.
        progress : callable, optional
            Called by each worker as ``progress(worker, done, total)`` before each image of its own and after the last.

        Returns
        -------
        PanopticQuality
            Of all images of the ground truth, in the order of its annotations.

        Raises
        ------
        FileNotFoundError
            A folder that is not there.
        ValueError, KeyError
            An image without prediction, or two of one; otherwise as `update`. Predictions for other images are ignored.
        """
        return _evaluate_files(
            cls, open_pair(gt_json_file, pred_json_file, gt_folder, pred_folder), preset, as_workers(workers), progress
        )

    # ---- one image --------------------------------------------------------------------------------------------------

    def _match(self, gt: Any, pred: Any, gt_segments: Any, pred_segments: Any, key: Any) -> Record:
        none = np.empty((0, 3), np.int64)
        where = f"{self._name(key)}: "
        if self._preset.maps == "segments":
            if gt_segments is None or pred_segments is None:
                raise TypeError(f"preset {self._preset.name} needs gt_segments and pred_segments")
            return (*self._match_segments(gt, pred, gt_segments, pred_segments, key, where), none)
        if gt_segments is not None or pred_segments is not None:
            raise TypeError(f"preset {self._preset.name} takes maps of categories and instances, and no segments")
        pairs = count_labels(pixel_keys(gt, f"{where}gt"), pixel_keys(pred, f"{where}pred"), where)
        if self._preset.maps == "categories":
            gt_keys, pred_keys = self._segment_keys(pairs.gt), self._segment_keys(pairs.pred)
            unknown = sorted(set((pairs.pred[pred_keys < 0] >> KEY_BITS).tolist()))
            if unknown and not self._preset.allow_unknown:
                raise ValueError(f"{where}Unknown categories found: {unknown}")
            matches = match_voids(merged(gt_keys, pred_keys, pairs.pixels), ~self._isthing, self._preset.modified)
            return (*matches, none)
        return self._match_points(pairs, gt, pred, where)

    def _match_segments(
        self, gt: Any, pred: Any, gt_segments: Any, pred_segments: Any, key: Any, where: str
    ) -> Matches:
        gt_table = read_segments(gt_segments, self._index, f"{where}gt_segments", with_areas=True)
        pred_table = read_segments(pred_segments, self._index, f"{where}pred_segments", with_areas=False)
        ratio = self._preset.boundary_ratio
        if ratio == 0:
            pairs = count_pairs(gt, pred, gt_table.ids, pred_table.ids, where)
            return match_listed(pairs, gt_table, pred_table, key, where)
        interior = 1 + max(self._index)
        pairs, boundaries = count_boundaries(gt, pred, gt_table.ids, pred_table.ids, ratio, interior, where)
        return match_listed(pairs, gt_table, pred_table, key, where, boundaries)

    def _segment_keys(self, keys: Integers) -> Integers:
        """Return the keys of segments: categories become indices, stuff one segment, what is unknown -1."""
        category = keys >> KEY_BITS
        row = np.array([self._index.get(each, -1) for each in category.tolist()], np.int64)
        instance = np.where(self._isthing[row], keys & (2**KEY_BITS - 1), 0)
        return np.where(row < 0, -1, row << KEY_BITS | instance)

    def _match_points(self, pairs: Pairs, gt: Any, pred: Any, where: str) -> Record:
        classes = merged(pairs.gt >> KEY_BITS, pairs.pred >> KEY_BITS, pairs.pixels)
        known = {*self._index, *self._preset.ignore}
        for values, name in ((classes.gt, "gt"), (classes.pred, "pred")):
            bad = sorted(set(values.tolist()) - known)
            if bad:
                raise ValueError(f"{where}{name} has category {bad[0]}, which is none of those to evaluate or ignore")
        keys = []
        for values, side in ((pairs.gt, gt), (pairs.pred, pred)):
            row = np.array([self._index.get(each, -1) for each in (values >> KEY_BITS).tolist()], np.int64)
            instance = values & (2**KEY_BITS - 1)
            # The evaluators add 1 to ids in the dtype that these have, and take what is 0 then as no segment.
            wraps = instance == _largest(side)
            keys.append(np.where((row < 0) | wraps, -1, row << KEY_BITS | instance))
        counted = ~np.isin(pairs.gt >> KEY_BITS, self._preset.ignore)
        evaluated = merged(keys[0][counted], keys[1][counted], pairs.pixels[counted])
        matches = match_points(evaluated, self._preset.min_points)
        return (*matches, np.stack(classes, axis=1))

    # ---- all images -------------------------------------------------------------------------------------------------

    def _groups(self) -> list[tuple[str, NDArray[np.bool_]]]:
        return [("All", np.ones_like(self._isthing)), ("Things", self._isthing), ("Stuff", ~self._isthing)]

    def _sum_ious(self, keys: list[Any], chunks: int) -> NDArray[np.float64]:
        """Add the IoUs of each category up in the order of the evaluator."""
        n = len(self._categories)
        total = np.zeros(n)
        if self._preset.mean == "present":
            for part in np.array_split(np.arange(len(keys)), chunks):
                pairs = [self._records[keys[i]][0] for i in part.tolist()]
                category, intersection, union = np.concatenate([np.empty((0, 3), np.int64), *pairs]).T
                # bincount adds one after the other
                total += np.bincount(category, weights=intersection / union, minlength=n)
            return total
        if chunks != 1:
            raise ValueError(f"chunks is {chunks}, but preset {self._preset.name} knows none")
        for key in keys:
            category, intersection, union = self._records[key][0].T
            if self._preset.mean == "torchmetrics":
                iou = (intersection.astype(np.float32) / union.astype(np.float32)).astype(np.float64)
                total += np.bincount(category, weights=iou, minlength=n)
            else:
                iou = intersection / union
                for each in np.unique(category).tolist():
                    total[each] += np.sum(iou[category == each])
        return total

    def _result_of_torchmetrics(
        self, iou: NDArray[np.float64], tp: Integers, fp: Integers, fn: Integers
    ) -> PanopticResult:
        half = np.float32(0.5)
        whole = tp.astype(np.float32) + half * fp.astype(np.float32) + half * fn.astype(np.float32)
        some = whole > 0
        sq = np.where(tp > 0, iou / np.maximum(tp, 1), 0.0)
        rq = (tp.astype(np.float32) / np.where(some, whole, np.float32(1))).astype(np.float64)
        pq = sq * rq
        groups = {name: _means(some & members, pq, sq, rq) for name, members in self._groups()}
        return PanopticResult(self._categories, pq, sq, rq, iou, tp, fp, fn, groups)

    def _result_of_points(
        self, iou: NDArray[np.float64], tp: Integers, fp: Integers, fn: Integers, keys: list[Any]
    ) -> PanopticResult:
        sq = iou / np.maximum(tp.astype(np.float64), _EPSILON)
        rq = tp / np.maximum(tp + 0.5 * fp + 0.5 * fn, _EPSILON)
        pq = sq * rq
        groups = {name: _means(members, pq, sq, rq) for name, members in self._groups()}
        ids = np.array(sorted({*self._index, *self._preset.ignore}))  # of which there are few, however large they are
        confusion = np.zeros((len(ids), len(ids)), np.int64)
        for key in keys:
            cells = self._records[key][2]
            confusion[np.searchsorted(ids, cells[:, 0]), np.searchsorted(ids, cells[:, 1])] += cells[:, 2]
        confusion[np.isin(ids, self._preset.ignore)] = 0
        own = np.diagonal(confusion)
        union = (confusion.sum(axis=0) + confusion.sum(axis=1) - own).astype(np.float64)
        of_class = own / np.maximum(union, _EPSILON)
        semantic = of_class[np.searchsorted(ids, list(self._index))]
        return PanopticResult(
            self._categories,
            pq,
            sq,
            rq,
            iou,
            tp,
            fp,
            fn,
            groups,
            semantic,
            float(np.mean(of_class[np.isin(ids, list(self._index))])),
            float(np.mean(np.concatenate([pq[self._isthing], semantic[~self._isthing]]))),
        )

    # ---- records ----------------------------------------------------------------------------------------------------

    def _config(self) -> dict[str, Any]:
        return {
            "categories": [list(category) for category in self._categories],
            "preset": asdict(self._preset),
            "image_order": self._order,
        }

    @classmethod
    def _of_config(cls, config: dict[str, Any]) -> PanopticQuality:
        categories = [Category(*each) for each in config["categories"]]
        return cls(categories, Preset(**config["preset"]), image_order=config["image_order"])


def _means(chosen: NDArray[np.bool_], *columns: NDArray[np.float64]) -> dict[str, Any]:
    n = int(np.count_nonzero(chosen))
    means = (float(np.mean(column[chosen])) if n else np.nan for column in columns)
    return dict(zip(("pq", "sq", "rq"), means, strict=True), n=n)


def _largest(side: Any) -> int:
    """Return the largest number of the unsigned dtype that instances have, -1 for another dtype."""
    dtype = np.asarray(side[1] if isinstance(side, tuple) else side).dtype
    return int(np.iinfo(dtype).max) if dtype.kind == "u" else -1


# ---- files ----------------------------------------------------------------------------------------------------------


def pq_compute(
    gt_json_file: str | Path,
    pred_json_file: str | Path,
    gt_folder: str | Path | None = None,
    pred_folder: str | Path | None = None,
    *,
    preset: str | Preset = "coco",
    workers: int | None = None,
) -> dict[str, Any]:
    """Evaluate two COCO panoptic files; in place of ``panopticapi.evaluation.pq_compute``.

    Parameters
    ----------
    gt_json_file, pred_json_file : path
        COCO panoptic JSON files.
    gt_folder, pred_folder : path, optional
        Their PNGs; by default the name of the JSON file without ``.json``.
    preset : str or Preset
        As for `PanopticQuality`; one whose maps are segments.
    workers : int, optional
        Threads, `panomask.get_num_threads` by default.

    Returns
    -------
    dict
        ``"All"``, ``"Things"``, ``"Stuff"``: each ``pq``, ``sq``, ``rq`` and the number of categories ``n``.
        ``"per_class"``: for each category id ``pq``, ``sq``, ``rq``.

    Raises
    ------
    ZeroDivisionError
        A group none of whose categories is in any image.
    FileNotFoundError, ValueError, KeyError
        As `PanopticQuality.from_files`, in panopticapi's words where it has them.

    Notes
    -----
    Prints what panopticapi prints, or cityscapesScripts with its presets. The numbers are those of panopticapi on a
    single core, to the last bit, whatever `workers` is; there they depend on the cores of the machine in their last
    bits.
    """
    start = time.time()
    n_workers = as_workers(workers)
    print("Evaluation panoptic segmentation metrics:")
    for title, folder, path in (
        ("Ground truth", gt_folder, gt_json_file),
        ("Prediction", pred_folder, pred_json_file),
    ):
        print(f"{title}:\n\tSegmentation folder: {folder or default_folder(path)}\n\tJSON file: {path}")

    is_cityscapes = as_preset(preset).name.startswith("cityscapes")
    step = 30 if is_cityscapes else 100

    def progress(worker: int, done: int, total: int) -> None:
        if done == total:
            print(f"Core: {worker}, all {total} images processed")
        elif done % step == 0:
            print(f"Core: {worker}, {done} from {total} images processed")

    pair = open_pair(gt_json_file, pred_json_file, gt_folder, pred_folder)
    n_workers = max(1, min(n_workers, len(pair.images)))
    print(f"Number of cores: {n_workers}, images per core: {-(-len(pair.images) // n_workers)}")
    quality = _evaluate_files(PanopticQuality, pair, preset, n_workers, progress)
    result = quality.compute()
    for name, group in result.groups.items():
        if group["n"] == 0:
            raise ZeroDivisionError(f"no category of the group {name} has a segment in any image")
    print(result.to_table(per_class=is_cityscapes))
    print(f"Time elapsed: {time.time() - start:0.2f} seconds")
    everything = result.to_dict()
    per_class = {
        category: {name: values[name] for name in ("pq", "sq", "rq")}
        for category, values in everything["per_class"].items()
    }
    return {**result.groups, "per_class": per_class}


def _evaluate_files(
    cls: type[PanopticQuality], pair: FilePair, preset: str | Preset, workers: int, progress: Progress | None
) -> PanopticQuality:
    quality = cls(pair.categories, preset, image_order=list(pair.images))
    if quality.preset.maps != "segments":
        raise ValueError(f"preset {quality.preset.name} is not for files of segments")
    quality._records = in_threads(
        lambda image_id: quality._match(*pair.images[image_id], image_id), list(pair.images), workers, progress
    )
    return quality
