"""Two COCO panoptic files that are compared, and the threads that go through their images."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import panomask
from panomask._arrays import as_count
from panomask.panoptic._coco_io import parse_json
from panomask.panoptic._records import Record, as_key

__all__ = ["FilePair", "as_workers", "default_folder", "in_threads", "open_pair"]

ImageId = int | str
Progress = Callable[[int, int, int], None]


class FilePair(NamedTuple):
    """Ground truth and predictions: categories, and of each image, in order, what `PanopticQuality.update` takes."""

    categories: Any
    images: dict[ImageId, tuple[str, str, Any, Any]]


def default_folder(path: str | Path) -> str:
    """Return the folder of PNGs that panopticapi takes for a JSON file."""
    return str(path).replace(".json", "")


def open_pair(
    gt_json_file: str | Path,
    pred_json_file: str | Path,
    gt_folder: str | Path | None,
    pred_folder: str | Path | None,
) -> FilePair:
    """Read both JSON files; each image of the ground truth has a prediction."""
    gt_path, gt, gt_folder = _open_panoptic(gt_json_file, gt_folder, "ground truth")
    pred_path, pred, pred_folder = _open_panoptic(pred_json_file, pred_folder, "predicted")
    gt_annotations, pred_annotations = _by_image(gt, gt_path), _by_image(pred, pred_path)
    if "categories" not in gt:
        raise ValueError(f"{gt_path} has no 'categories'")
    images = {}
    for image_id, one in gt_annotations.items():
        if image_id not in pred_annotations:
            raise ValueError(f"no prediction for the image with id: {image_id}")
        other = pred_annotations[image_id]
        images[image_id] = (
            os.path.join(gt_folder, one["file_name"]),  # a third of the time of a Path
            os.path.join(pred_folder, other["file_name"]),
            one["segments_info"],
            other["segments_info"],
        )
    return FilePair(gt["categories"], images)


def _open_panoptic(path: str | Path, folder: str | Path | None, what: str) -> tuple[Path, dict[str, Any], str]:
    path = Path(path)
    folder = os.fspath(Path(default_folder(path) if folder is None else folder))
    try:
        content = parse_json(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from None
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"Folder {folder} with {what} segmentations doesn't exist")
    if not isinstance(content, dict) or "annotations" not in content:
        raise ValueError(f"{path} has no 'annotations'")
    if not isinstance(content["annotations"], list):
        raise ValueError(f"{path}: annotations is {content['annotations']!r:.80}, expected a list")
    return path, content, folder


def _by_image(content: dict[str, Any], path: Path) -> dict[int | str, dict[str, Any]]:
    """Return the annotations of a panoptic file by the id of their image, in its order."""
    found: dict[int | str, dict[str, Any]] = {}
    for i, annotation in enumerate(content["annotations"]):
        if not isinstance(annotation, dict):
            raise ValueError(f"{path}: annotations[{i}] is {annotation!r:.80}, expected a dict")
        for name, kind in (("image_id", object), ("file_name", str), ("segments_info", list)):
            if name not in annotation:
                raise ValueError(f"{path}: annotations[{i}] has no {name!r}")
            if not isinstance(annotation[name], kind):
                expected = "a name" if kind is str else "a list"
                raise ValueError(f"{path}: annotations[{i}]: {name} is {annotation[name]!r:.80}, expected {expected}")
        key = as_key(annotation["image_id"], f"{path}: annotations[{i}]: image_id")
        if key in found:
            raise ValueError(f"{path}: annotations[{i}] is another one of image {key!r}")
        found[key] = annotation
    return found


def as_workers(workers: int | None) -> int:
    return panomask.get_num_threads() if workers is None else as_count(workers, "workers", 1)


def in_threads(
    match: Callable[[int | str], Record],
    keys: list[int | str],
    workers: int,
    progress: Progress | None,
) -> dict[Any, Record]:
    """Return the records of all images, of which each worker does consecutive ones.

    Threads are enough: decompressing PNGs, which takes most of the time, and counting run without the GIL.
    """
    stop = threading.Event()

    def work(worker: int, part: list[int | str]) -> list[Record]:
        records = []
        for done, key in enumerate(part):
            if stop.is_set():
                break
            if progress is not None:
                progress(worker, done, len(part))
            try:
                records.append(match(key))
            except BaseException:
                stop.set()
                raise
        else:
            if progress is not None:
                progress(worker, len(part), len(part))
        return records

    workers = max(1, min(workers, len(keys)))
    parts = [[keys[i] for i in part.tolist()] for part in np.array_split(np.arange(len(keys)), workers)]
    if workers == 1:
        return dict(zip(keys, work(0, keys), strict=True))
    with ThreadPoolExecutor(workers) as pool:
        try:
            futures = [pool.submit(work, worker, part) for worker, part in enumerate(parts)]
            records = [record for future in futures for record in future.result()]
        finally:
            stop.set()
    return dict(zip(keys, records, strict=True))
