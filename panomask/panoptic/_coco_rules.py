"""The rules of COCO panoptic: what a JSON may say, and what a map may be to go with it.

Checks append what is wrong to a list and go on, so that all of it is found; `panomask.panoptic.coco.validate` has the
rules in words.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from panomask.panoptic._coco_io import PathLike, read_json
from panomask.panoptic.faults import Fault, FaultError
from panomask.panoptic.labels import Segments

__all__ = [
    "MOST_ID",
    "Checked",
    "Data",
    "LabelMap",
    "as_categories",
    "check_categories",
    "check_data",
    "check_images",
    "check_map",
    "is_inside",
    "is_int",
    "is_key",
    "listed_in",
    "measured",
    "show",
]

MOST_ID = (1 << 24) - 1


def is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_key(value: Any) -> bool:
    return is_int(value) or isinstance(value, str)


def show(value: Any) -> str:
    return f"{value!r:.60}"


def listed_in(data: Any, key: str, file: str, faults: list[Fault], *, is_needed: bool) -> list[Any]:
    if key not in data:
        if is_needed:
            faults.append(Fault("json", f"has no {key}", file))
        return []
    if not isinstance(data[key], list):
        faults.append(Fault("json", f"{key} is {show(data[key])}, expected a list", file))
        return []
    return data[key]  # type: ignore[no-any-return]


def check_categories(listed: list[Any], file: str, faults: list[Fault]) -> dict[int, dict[str, Any]]:
    categories: dict[int, dict[str, Any]] = {}

    def fault(message: str) -> None:
        faults.append(Fault("category", message, file))

    for i, category in enumerate(listed):
        if not isinstance(category, dict) or not is_int(category.get("id")):
            fault(f"categories[{i}] is {show(category)}, expected a dict with an int id")
            continue
        number = category["id"]
        if number in categories:
            fault(f"category {number} is there twice")
            continue
        categories[number] = category
        if not isinstance(category.get("name"), str):
            fault(f"category {number}: name is {show(category.get('name'))}, expected a text")
        if category.get("isthing") not in (0, 1) or not is_int(category["isthing"]):
            fault(f"category {number}: isthing is {show(category.get('isthing'))}, expected 0 or 1")
        color = category.get("color", [0, 0, 0])
        if not (isinstance(color, list) and len(color) == 3 and all(is_int(c) and 0 <= c <= 255 for c in color)):
            fault(f"category {number}: color is {show(color)}, expected three ints from 0 to 255")
    return categories


def check_images(listed: list[Any], file: str, faults: list[Fault]) -> dict[Any, dict[str, Any]]:
    images: dict[Any, dict[str, Any]] = {}
    for i, image in enumerate(listed):
        if not isinstance(image, dict) or not is_key(image.get("id")):
            faults.append(Fault("image", f"images[{i}] is {show(image)}, expected a dict with an int or text id", file))
            continue
        key = image["id"]
        if key in images:
            faults.append(Fault("image", "is in images twice", file, key))
            continue
        images[key] = image
        for side in ("height", "width"):
            if not is_int(image.get(side)) or image[side] < 1:
                faults.append(Fault("image", f"{side} is {show(image.get(side))}, expected a positive int", file, key))
    return images


def is_inside(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and not {":", "\0"} & set(name)


def _check_segments(
    listed: list[Any],
    categories: dict[int, dict[str, Any]],
    file: str,
    image_id: Any,
    faults: list[Fault],
    *,
    is_prediction: bool,
) -> dict[int, dict[str, Any]]:
    """Check what can be checked without the PNG."""
    found: dict[int, dict[str, Any]] = {}
    of_stuff: dict[int, int] = {}
    for i, info in enumerate(listed):
        number: Any = info.get("id") if isinstance(info, dict) else None
        if not isinstance(info, dict) or not is_int(number) or not 1 <= number <= MOST_ID:
            found_id = f"id {show(number)}" if isinstance(info, dict) else show(info)
            faults.append(
                Fault("segment", f"segments_info[{i}] has {found_id}, expected 1 to {MOST_ID}", file, image_id)
            )
            continue

        def fault(kind: Any, message: str, number: int = number) -> None:
            faults.append(Fault(kind, message, file, image_id, number))

        if number in found:
            fault("segment", "is listed twice")
            continue
        found[number] = info
        is_crowd = info.get("iscrowd", 0 if is_prediction else None)
        if is_crowd not in (0, 1) or not is_int(is_crowd):
            fault("crowd", f"iscrowd is {show(is_crowd)}, expected 0 or 1")
        category_id: Any = info.get("category_id")
        category = categories.get(category_id) if is_int(category_id) else None
        if category is None:
            if not is_int(category_id) or categories:  # without any, that was said
                fault("category", f"category {show(category_id)} is not in categories")
        elif category.get("isthing") == 0:
            if is_crowd == 1:
                fault("crowd", f"iscrowd is 1, but category {category_id} is stuff")
            if category_id in of_stuff:
                fault("stuff", f"category {category_id} is stuff and has segment {of_stuff[category_id]} already")
            of_stuff.setdefault(category_id, number)
        if "area" in info or not is_prediction:
            area: Any = info.get("area")
            if not _is_number(area) or not area > 0:
                fault("area", f"area is {show(area)}, expected pixels")
        if "bbox" in info or not is_prediction:
            bbox = info.get("bbox")
            if not (isinstance(bbox, list) and len(bbox) == 4 and all(map(_is_number, bbox))):
                fault("bbox", f"bbox is {show(bbox)}, expected x, y, width, height")
    return found


class Checked(NamedTuple):
    """An annotation of which the PNG can be looked at."""

    annotation: dict[str, Any]
    segments: dict[int, dict[str, Any]]
    size: tuple[int, int] | None


def _check_annotations(
    listed: list[Any],
    images: dict[Any, dict[str, Any]],
    categories: dict[int, dict[str, Any]],
    file: str,
    faults: list[Fault],
    *,
    has_images: bool,
    is_prediction: bool,
) -> tuple[list[Checked], set[str]]:
    """Return those of which the PNG can be looked at, and the paths of all files."""
    checked = []
    seen: set[Any] = set()
    files: dict[str, Any] = {}
    for i, annotation in enumerate(listed):
        if not isinstance(annotation, dict) or not is_key(annotation.get("image_id")):
            faults.append(
                Fault("annotation", f"annotations[{i}] is {show(annotation)}, expected a dict with an image_id", file)
            )
            continue
        key, name = annotation["image_id"], annotation.get("file_name")
        if key in seen:
            faults.append(Fault("annotation", "has two annotations", file, key))
        seen.add(key)
        if has_images and key not in images:
            faults.append(Fault("annotation", "is not in images", file, key))
        is_readable = True
        if not isinstance(name, str) or not is_inside(name):
            faults.append(
                Fault("file", f"file_name is {show(name)}, expected the name of a file in the folder", file, key)
            )
            is_readable = False
        else:
            path = PurePosixPath(name).as_posix()  # a.png and ./a.png are one file
            if path in files:
                message = f"file_name is {name}, which is that of image {files[path]} too"
                faults.append(Fault("file", message, file, key))
            files.setdefault(path, key)
        infos = annotation.get("segments_info")
        if not isinstance(infos, list):
            faults.append(Fault("annotation", f"segments_info is {show(infos)}, expected a list", file, key))
            is_readable = False
            infos = []
        found = _check_segments(infos, categories, file, key, faults, is_prediction=is_prediction)
        if is_readable:
            image = images.get(key, {})
            size: Any = (image.get("height"), image.get("width"))
            checked.append(Checked(annotation, found, size if all(map(is_int, size)) else None))
    for key in images:
        if key not in seen and not is_prediction:
            faults.append(Fault("image", "has no annotation", file, key))
    return checked, set(files)


class Data(NamedTuple):
    """What is in a JSON that was checked; faulty parts are left out."""

    data: dict[str, Any]
    categories: dict[int, dict[str, Any]]
    images: dict[Any, dict[str, Any]]
    annotations: list[Checked]
    files: set[str]
    faults: list[Fault]


def check_data(data: Any, file: str, categories: Any = None, *, is_prediction: bool = False) -> Data:
    """Check what can be checked without the PNG files."""
    faults: list[Fault] = []
    if not isinstance(data, dict):
        return Data({}, {}, {}, [], set(), [Fault("json", f"is {show(data)}, expected an object", file)])
    if categories is None:
        categories = listed_in(data, "categories", file, faults, is_needed=False)
    known = check_categories(categories, file, faults)
    if not known:
        faults.append(Fault("category", "has no categories", file))
    images = check_images(listed_in(data, "images", file, faults, is_needed=not is_prediction), file, faults)
    annotations, files = _check_annotations(
        listed_in(data, "annotations", file, faults, is_needed=True),
        images,
        known,
        file,
        faults,
        has_images="images" in data,
        is_prediction=is_prediction,
    )
    return Data(data, known, images, annotations, files, faults)


class LabelMap(NamedTuple):
    ids: NDArray[np.uint32]
    segments: Segments


def check_map(checked: Checked, found: LabelMap) -> list[Fault]:
    """Check a map against what the JSON says of it."""
    annotation, infos, size = checked
    name, key = annotation["file_name"], annotation["image_id"]
    height, width = found.ids.shape
    faults = []
    if size is not None and (height, width) != size:
        faults.append(Fault("size", f"is {height} x {width}, expected {size[0]} x {size[1]} as in images", name, key))
    in_map = measured(found.segments)
    for number, info in infos.items():
        if number not in in_map:
            faults.append(Fault("segment", "is in segments_info, but no pixel has its id", name, key, number))
            continue
        area, bbox = in_map[number]
        if _is_number(info.get("area")) and info["area"] != area:
            faults.append(Fault("area", f"area is {info['area']}, {area} pixels have its id", name, key, number))
        box = info.get("bbox")
        if isinstance(box, list) and len(box) == 4 and all(map(_is_number, box)) and box != bbox:
            faults.append(Fault("bbox", f"bbox is {box}, its pixels are in {bbox}", name, key, number))
    for number, (area, _) in in_map.items():
        if number not in infos:
            faults.append(Fault("segment", f"{area} pixels have this id, which is not listed", name, key, number))
    return faults


def measured(found: Segments) -> dict[int, tuple[int, list[int]]]:
    """Return area and box of each segment."""
    measures = zip(found.area.tolist(), found.bbox.astype(np.int64).tolist(), strict=True)
    return dict(zip(found.ids.tolist(), measures, strict=True))


def as_categories(categories: PathLike | Iterable[Mapping[str, Any]] | None) -> list[Any] | None:
    if categories is None:
        return None
    if isinstance(categories, Mapping) or not isinstance(categories, str | os.PathLike | Iterable):
        raise TypeError(f"categories is {show(categories)}, expected a list of dicts or a path")
    if not isinstance(categories, str | os.PathLike):
        return list(categories)
    data = read_json(categories)
    listed = data.get("categories") if isinstance(data, dict) else data
    if not isinstance(listed, list):
        raise FaultError([Fault("category", "has no list of categories", os.fspath(categories))])
    return listed
