"""Scenes of the user's own: the images and annotations of a COCO instances file."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panomask import RLEArray

from .adapters import via_numpy
from .scenes import Masks, Polygon, Scene, detections

__all__ = ["CocoFileError", "read_coco_scenes"]

MOST_PIXELS = 2**31 - 1  # of an image; pycocotools counts pixels in a signed 32-bit integer
FARTHEST = 1e6  # coordinates beyond are mistakes, and rasterising them would take forever


class CocoFileError(ValueError):
    """The file cannot be read, or is not a COCO instances file. The message is one sentence that names the file."""


def read_coco_scenes(path: Path, rng: np.random.Generator, masks: int) -> list[Scene]:
    """Read images, drawn at random, with their annotations.

    Parameters
    ----------
    path : Path
        A COCO instances JSON file. Segmentations may be polygons, compressed or uncompressed RLEs.
    rng : numpy.random.Generator
        Draws the images and makes the detections, which are the annotations moved and frayed (`scenes.detections`).
    masks : int
        Images are drawn until they have this many masks together, or none are left.

    Returns
    -------
    list of Scene
        Images without masks are left out, and so are rings of fewer than three points, which have no area and which
        pycocotools does not take.

    Raises
    ------
    CocoFileError
        Naming what was found where. Only the images drawn are looked at in full.
    """
    images, annotations = _load(path)
    try:
        by_image = defaultdict(list)
        for i, annotation in enumerate(annotations):
            by_image[_field(annotation, "image_id", f"annotations[{i}]")].append(i)
        sizes = _image_sizes(images)
        scenes: list[Scene] = []
        found = 0
        drawn = list(by_image.items())
        for k in rng.permutation(len(drawn)):
            image_id, numbers = drawn[k]
            if image_id not in sizes:
                raise CocoFileError(f"annotations[{numbers[0]}]: image_id {image_id!r} is not among the images")
            scene = _scene(rng, [(i, annotations[i]) for i in numbers], *sizes[image_id])
            if len(scene.gt):
                scenes.append(scene)
                found += len(scene.gt)
            if found >= masks:
                break
    except CocoFileError as error:
        raise CocoFileError(f"{path}: {error}") from error
    if not scenes:
        raise CocoFileError(f"{path}: no annotation has a mask")
    return scenes


def _load(path: Path) -> tuple[list[Any], list[Any]]:
    """Read the lists `images` and `annotations`."""
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise CocoFileError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CocoFileError(f"{path}: not a JSON file: {error}") from error
    if not isinstance(content, dict):
        raise CocoFileError(f"{path}: expected a COCO instances object, found a {type(content).__name__}")
    for name in ("images", "annotations"):
        if not isinstance(content.get(name), list):
            raise CocoFileError(f"{path}: not a COCO instances file: it has no list {name!r}")
    return content["images"], content["annotations"]


def _image_sizes(images: Iterable[Any]) -> dict[Any, tuple[int, int]]:
    """Give height and width by image id."""
    sizes = {}
    for i, image in enumerate(images):
        height, width = (_field(image, name, f"images[{i}]") for name in ("height", "width"))
        if not (isinstance(height, int) and isinstance(width, int) and min(height, width) > 0):
            raise CocoFileError(f"images[{i}]: expected a height and width in pixels, found {height!r} and {width!r}")
        if height * width > MOST_PIXELS:
            raise CocoFileError(f"images[{i}]: {height} x {width} pixels are more than can be compared")
        sizes[_field(image, "id", f"images[{i}]")] = height, width
    return sizes


def _field(record: Any, name: str, where: str) -> Any:
    """Give a field of a JSON object, as something that can be a key."""
    if not isinstance(record, dict) or name not in record:
        raise CocoFileError(f"{where}: expected an object with {name!r}")
    value = record[name]
    if isinstance(value, dict | list):
        raise CocoFileError(f"{where}: {name} is a {type(value).__name__}")
    return value


def _scene(rng: np.random.Generator, annotations: list[tuple[int, Any]], height: int, width: int) -> Scene:
    """Make the scene of one image from its numbered annotations."""
    planes: list[NDArray[Any]] = []
    iscrowd, polygons = [], []
    for i, annotation in annotations:
        segmentation = annotation.get("segmentation")
        if isinstance(segmentation, list):
            rings = _rings(segmentation, f"annotations[{i}]")
            if not rings:
                continue
            polygons.append(rings)
            planes += list(via_numpy.rasterise([rings], height, width))
        elif isinstance(segmentation, dict):
            planes += _decoded(segmentation, f"annotations[{i}]", height, width)
        else:
            found = type(segmentation).__name__
            raise CocoFileError(f"annotations[{i}]: expected a segmentation of polygons or an RLE, found {found}")
        iscrowd.append(bool(annotation.get("iscrowd")))
    gt = Masks.from_planes(planes, height, width)
    return Scene(gt, detections(rng, gt), np.array(iscrowd, np.uint8), polygons)


def _rings(segmentation: list[Any], where: str) -> Polygon:
    """Check the rings of one object, and keep those that have an inside."""
    try:
        rings = [np.array(ring, np.float64) for ring in segmentation]
    except (TypeError, ValueError) as error:
        raise CocoFileError(f"{where}: expected rings [x0, y0, x1, y1, ...] of numbers") from error
    for ring in rings:
        if ring.ndim != 1 or ring.size % 2:
            raise CocoFileError(f"{where}: expected rings [x0, y0, x1, y1, ...], found an array of shape {ring.shape}")
        if not np.all(np.abs(ring) < FARTHEST):
            raise CocoFileError(f"{where}: a coordinate is not a number or beyond {FARTHEST:,.0f}")
    return [ring.tolist() for ring in rings if ring.size >= 6]


def _decoded(segmentation: dict[str, Any], where: str, height: int, width: int) -> list[NDArray[Any]]:
    """Decode an RLE, so that what is compared is canonical whatever the file holds."""
    try:
        rles = RLEArray.from_coco(segmentation)
    except (TypeError, ValueError, OverflowError) as error:
        raise CocoFileError(f"{where}: {str(error).removeprefix('rles: ')}") from error
    if tuple(rles.sizes[0]) != (height, width):
        found = " x ".join(map(str, rles.sizes[0]))
        raise CocoFileError(f"{where}: the RLE is of {found} pixels, its image of {height} x {width}")
    return list(rles.to_dense())
