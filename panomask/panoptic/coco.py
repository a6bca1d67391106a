"""COCO panoptic: a JSON and a folder of PNG files, read, checked and written.

An annotation is an image: ``{"image_id", "file_name", "segments_info": [{"id", "category_id", "area", "bbox",
"iscrowd"}, ...]}``. The PNG in the folder holds the id of each pixel's segment as ``R + 256 G + 65536 B``, 0 where
there is none. The folder lies beside the JSON and has its name without ``.json``, unless another is named.

`CocoPanoptic` reads, `write_panoptic` writes, `validate` lists everything that is wrong. What is not in ``__all__`` is
for `panomask.panoptic.converters`.
"""

from __future__ import annotations

import json as stdlib_json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from operator import index
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panomask._files import NewFile, NewFolder
from panomask._threads import get_number
from panomask.errors import PanomaskError
from panomask.panoptic.labels import Segments, segments
from panomask.panoptic.png import read_id_png, write_id_png

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]

__all__ = [
    "CocoPanoptic",
    "Fault",
    "FaultError",
    "Record",
    "describe_segments",
    "validate",
    "write_panoptic",
]

PathLike = str | os.PathLike[str]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

MOST_ID = (1 << 24) - 1


# ---- faults ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a data set.

    Attributes
    ----------
    kind : str
        What it is about: "json", "category", "image", "annotation", "file", "size", "segment", "area", "bbox", "crowd"
        or "stuff".
    message : str
        What was found and what was expected.
    file : str
        The JSON, or the PNG.
    image_id : int, str or None
    segment_id : int or None

    Examples
    --------
    >>> print(Fault("area", "area is 3, 5 pixels have this id", "000000000139.png", 139, 7))
    000000000139.png: image 139: segment 7: area is 3, 5 pixels have this id
    """

    kind: Literal[
        "json", "category", "image", "annotation", "file", "size", "segment", "area", "bbox", "crowd", "stuff"
    ]
    message: str
    file: str
    image_id: int | str | None = None
    segment_id: int | None = None

    def __str__(self) -> str:
        parts = [self.file]
        if self.image_id is not None:
            parts.append(f"image {self.image_id}")
        if self.segment_id is not None:
            parts.append(f"segment {self.segment_id}")
        return ": ".join([*parts, self.message])


class FaultError(PanomaskError, ValueError):
    """A data set that cannot be used as it is. `faults` has everything that is wrong with what was looked at.

    Examples
    --------
    >>> raise FaultError([Fault("file", "is not there", "1.png", 1)])
    Traceback (most recent call last):
    panomask.panoptic.coco.FaultError: 1.png: image 1: is not there
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        lines = [str(fault) for fault in self.faults[:5]]
        if len(self.faults) > 5:
            lines.append(f"and {len(self.faults) - 5} more")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[Any, ...]:
        return FaultError, (self.faults,)


# ---- JSON, threads, progress ----------------------------------------------------------------------------------------


def read_json(path: PathLike) -> Any:
    content = Path(path).read_bytes()
    try:
        return stdlib_json.loads(content) if orjson is None else orjson.loads(content)
    except (ValueError, RecursionError) as error:
        raise FaultError([Fault("json", f"is not JSON: {error}", os.fspath(path))]) from error


def to_json(data: Any) -> bytes:
    if orjson is not None:
        return orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY)
    return stdlib_json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def tracked(items: Iterable[_Item], n: int | None, title: str, progress: bool) -> Iterable[_Item]:
    if not progress:
        return items
    try:
        from rich.console import Console
        from rich.progress import track
    except ImportError as error:
        raise ImportError("progress=True needs rich; it is in the extra: pip install panomask[cli]") from error
    return track(items, title, total=n, console=Console(stderr=True))


def in_threads(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Map in order, on as many threads as panomask may use; never more than a few results ahead of who takes them."""
    n_threads = get_number()
    if n_threads == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(n_threads, "panomask") as pool:
        waiting: deque[Future[_Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


# ---- the rules ------------------------------------------------------------------------------------------------------


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


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and ":" not in name


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
    """Return those of which the PNG can be looked at, and the names of all files."""
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
        if not isinstance(name, str) or not _is_inside(name):
            faults.append(
                Fault("file", f"file_name is {show(name)}, expected the name of a file in the folder", file, key)
            )
            is_readable = False
        elif name in files:
            faults.append(Fault("file", f"file_name is {name}, which is that of image {files[name]} too", file, key))
        else:
            files[name] = key
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


class _Data(NamedTuple):
    """What is in a JSON that was checked; faulty parts are left out."""

    data: dict[str, Any]
    categories: dict[int, dict[str, Any]]
    images: dict[Any, dict[str, Any]]
    annotations: list[Checked]
    files: set[str]
    faults: list[Fault]


def check_data(data: Any, file: str, categories: Any = None, *, is_prediction: bool = False) -> _Data:
    """Check what can be checked without the PNG files."""
    faults: list[Fault] = []
    if not isinstance(data, dict):
        return _Data({}, {}, {}, [], set(), [Fault("json", f"is {show(data)}, expected an object", file)])
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
    return _Data(data, known, images, annotations, files, faults)


class LabelMap(NamedTuple):
    ids: NDArray[np.uint32]
    segments: Segments


def _check_map(checked: Checked, found: LabelMap) -> list[Fault]:
    """Check a map against what the JSON says of it."""
    annotation, infos, size = checked
    name, key = annotation["file_name"], annotation["image_id"]
    height, width = found.ids.shape
    faults = []
    if size is not None and (height, width) != size:
        faults.append(Fault("size", f"is {height} x {width}, expected {size[0]} x {size[1]} as in images", name, key))
    in_map = _measured(found.segments)
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


def _measured(found: Segments) -> dict[int, tuple[int, list[int]]]:
    """Return area and box of each segment."""
    measures = zip(found.area.tolist(), found.bbox.astype(np.int64).tolist(), strict=True)
    return dict(zip(found.ids.tolist(), measures, strict=True))


def _check_file(checked: Checked, folder: Path) -> tuple[LabelMap | None, list[Fault]]:
    name, key = checked.annotation["file_name"], checked.annotation["image_id"]
    try:
        ids = read_id_png(folder / name)
    except FileNotFoundError:
        return None, [Fault("file", "is not there", name, key)]
    except (OSError, ValueError) as error:
        message = str(error).removeprefix(f"{folder / name}: ")
        return None, [Fault("file", f"cannot be read: {message}", name, key)]
    found = LabelMap(ids, segments(ids))
    return found, _check_map(checked, found)


def _folder_of(json: PathLike, folder: PathLike | None) -> Path:
    if folder is not None:
        return Path(folder)
    path = Path(json)
    if not path.suffix:
        raise ValueError(f"json is {path.name!r}, which has no ending that the name of a folder could be without")
    return path.with_suffix("")


def validate(
    json: PathLike,
    folder: PathLike | None = None,
    *,
    is_prediction: bool = False,
    categories: PathLike | Sequence[Mapping[str, Any]] | None = None,
    progress: bool = False,
) -> list[Fault]:
    """List everything that is wrong with a COCO panoptic data set.

    Parameters
    ----------
    json : path
    folder : path, optional
        Where its PNG files are; by default the folder with the JSON's name.
    is_prediction : bool
        A result, of which only ``id`` and ``category_id`` of each segment are needed: ``images``, ``area``, ``bbox``
        and ``iscrowd`` may be missing. What is there is checked. Images without an annotation are not faults.
    categories : path or list of dict, optional
        Categories, if not those of the JSON: a list, or a JSON file with a list or with ``categories``.
    progress : bool
        Show a bar, with rich.

    Returns
    -------
    list of Fault
        Empty where all is well. First what the JSON says: categories, images, annotations; then the PNG files, in the
        order of the annotations; then files that nothing names.

    Raises
    ------
    FileNotFoundError
        Where there is no JSON. Everything else that is missing or broken is a fault.

    Notes
    -----
    The rules:

    - the JSON is one, has categories and annotations, and, for what is no prediction, images;
    - categories have an id of their own, a name, ``isthing`` 0 or 1 and, if any, a color of three bytes;
    - images have an id of their own, a height and a width, and exactly one annotation, whose ``file_name`` is its own;
    - segments have an id of their own in the image, from 1 to 2^24 - 1, a known category, ``iscrowd`` 0 or 1, which is
      1 only for things; a stuff category has one segment an image;
    - the PNG is there, 8-bit RGB, of the image's size; its ids are those listed; areas and boxes are those of its
      pixels;
    - the folder holds nothing else, but for names that begin with a dot.

    The PNG files are read on as many threads as `panomask.set_num_threads` allows.

    Examples
    --------
    >>> import numpy as np
    >>> from panomask.panoptic.coco import Record, validate, write_panoptic
    >>> from panomask.panoptic.png import write_id_png
    >>> sky = {"id": 187, "name": "sky-other-merged", "isthing": 0}
    >>> image = {"id": 1, "file_name": "1.jpg"}
    >>> write_panoptic("sky.json", [Record(image, np.full((2, 3), 5), [{"id": 5, "category_id": 187}])], [sky])
    >>> validate("sky.json")
    []
    >>> write_id_png("sky/1.png", [[5, 5, 5], [5, 5, 6]])
    >>> for fault in validate("sky.json"):
    ...     print(fault)
    1.png: image 1: segment 5: area is 6, 5 pixels have its id
    1.png: image 1: segment 6: 1 pixels have this id, which is not listed
    """
    file = Path(json).name
    pngs = _folder_of(json, folder)
    try:
        data = read_json(json)
    except FaultError as error:
        return [Fault("json", error.faults[0].message, file)]
    if not isinstance(data, dict):
        return check_data(data, file).faults
    checked = check_data(data, file, as_categories(categories), is_prediction=is_prediction)
    faults = checked.faults
    results = in_threads(lambda each: _check_file(each, pngs)[1], checked.annotations)
    for found in tracked(results, len(checked.annotations), "Validating", progress):
        faults += found
    return faults + _extra_files(pngs, checked.files)


def _extra_files(folder: Path, names: set[str]) -> list[Fault]:
    if not folder.is_dir():
        return [Fault("file", "is no folder, where the PNG files are expected", str(folder))]
    named = {PurePosixPath(name).as_posix() for name in names}
    present = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir())
    return [
        Fault("file", "is in the folder, but no annotation names it", name)
        for name in present
        if name not in named and not PurePosixPath(name).name.startswith(".")
    ]


def as_categories(categories: PathLike | Iterable[Mapping[str, Any]] | None) -> list[Any] | None:
    if categories is None:
        return None
    if not isinstance(categories, str | os.PathLike):
        return list(categories)
    data = read_json(categories)
    listed = data.get("categories") if isinstance(data, dict) else data
    if not isinstance(listed, list):
        raise FaultError([Fault("category", "has no list of categories", os.fspath(categories))])
    return listed


# ---- reading and writing --------------------------------------------------------------------------------------------


class Record(NamedTuple):
    """One image of a panoptic data set.

    Attributes
    ----------
    image : dict
        What ``images`` says of it: ``id``, ``file_name``, ``height``, ``width`` and more.
    ids : ndarray of integers, shape (height, width)
        The id of each pixel's segment, 0 where there is none.
    segments : list of dict
        What ``segments_info`` says: ``id``, ``category_id`` and, if they are known, ``iscrowd``, ``area``, ``bbox``.
    file_name : str, optional
        The PNG; by default that of the image with the ending ``.png``.
    """

    image: Mapping[str, Any]
    ids: NDArray[Any]
    segments: Sequence[Mapping[str, Any]]
    file_name: str | None = None


def describe_segments(ids: ArrayLike, segments_info: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Complete the description of a map's segments as COCO has it.

    Parameters
    ----------
    ids : array_like of integers, shape (height, width)
        The id of each pixel's segment, 0 where there is none.
    segments_info : iterable of dict
        ``id`` and ``category_id`` of each segment. ``iscrowd`` is 0 where it is missing; other keys stay.

    Returns
    -------
    list of dict
        In the order given, with ``id``, ``category_id``, ``iscrowd``, ``bbox`` (x, y, width, height) and ``area`` as
        ints; what they were before does not matter.

    Raises
    ------
    ValueError
        An id that is described twice, or described but not in the map, or the other way round.

    Examples
    --------
    >>> from panomask.panoptic.coco import describe_segments
    >>> describe_segments([[0, 7, 7], [7, 7, 7]], [{"id": 7, "category_id": 187}])
    [{'id': 7, 'category_id': 187, 'iscrowd': 0, 'bbox': [0, 0, 3, 2], 'area': 5}]
    """
    return describe(segments(np.asarray(ids)), segments_info)


def describe(found: Segments, segments_info: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    in_map = _measured(found)
    described = []
    seen = set()
    for info in segments_info:
        number = index(info.get("id"))  # type: ignore[arg-type]
        if number in seen:
            raise ValueError(f"segment {number} is described twice")
        if number not in in_map:
            raise ValueError(f"segment {number} is described, but no pixel has its id")
        seen.add(number)
        area, bbox = in_map[number]
        computed = {"iscrowd": int(info.get("iscrowd", 0)), "bbox": bbox, "area": area}
        category_id = index(info.get("category_id"))  # type: ignore[arg-type]
        described.append({**info, "id": number, "category_id": category_id, **computed})
    for number, (area, _) in in_map.items():
        if number not in seen:
            raise ValueError(f"segment {number}: {area} pixels have this id, which is not described")
    return described


class CocoPanoptic:
    """A COCO panoptic data set: its JSON in memory, its PNG files read when they are asked for.

    Parameters
    ----------
    json : path
    folder : path, optional
        Where its PNG files are; by default the folder with the JSON's name.
    is_prediction : bool
        A result: see `validate`, also for the rules that are checked.
    categories : path or list of dict, optional
        Categories, if not those of the JSON.

    Attributes
    ----------
    data : dict
        The JSON.
    folder : Path
    categories : dict
        Categories by their id.
    images : dict
        Images by their id.

    Raises
    ------
    FaultError
        Where the JSON breaks a rule; the PNG files are checked when they are read. A ValueError that lists all faults.

    Examples
    --------
    >>> import numpy as np
    >>> from panomask.panoptic.coco import CocoPanoptic, Record, write_panoptic
    >>> sky = {"id": 187, "name": "sky-other-merged", "isthing": 0}
    >>> image = {"id": 1, "file_name": "1.jpg"}
    >>> write_panoptic("set.json", [Record(image, np.full((2, 3), 5), [{"id": 5, "category_id": 187}])], [sky])
    >>> dataset = CocoPanoptic("set.json")
    >>> len(dataset)
    1
    >>> for record in dataset:
    ...     print(record.image["id"], record.ids.shape, record.segments)
    1 (2, 3) [{'id': 5, 'category_id': 187, 'iscrowd': 0, 'bbox': [0, 0, 3, 2], 'area': 6}]
    """

    def __init__(
        self,
        json: PathLike,
        folder: PathLike | None = None,
        *,
        is_prediction: bool = False,
        categories: PathLike | Sequence[Mapping[str, Any]] | None = None,
    ) -> None:
        checked = check_data(read_json(json), Path(json).name, as_categories(categories), is_prediction=is_prediction)
        if checked.faults:
            raise FaultError(checked.faults)
        self.data = checked.data
        self.folder = _folder_of(json, folder)
        self.categories = checked.categories
        self.images = checked.images
        self._annotations = checked.annotations

    def __len__(self) -> int:
        return len(self._annotations)

    def __getitem__(self, i: int) -> Record:
        return self._record(self._annotations[i])

    def __iter__(self) -> Iterator[Record]:
        return in_threads(self._record, self._annotations)

    def _record(self, checked: Checked) -> Record:
        annotation = checked.annotation
        image = self.images.get(annotation["image_id"], {"id": annotation["image_id"]})
        return Record(image, self._load(checked).ids, annotation["segments_info"], annotation["file_name"])

    def _load(self, checked: Checked) -> LabelMap:
        found, faults = _check_file(checked, self.folder)
        if found is None or faults:
            raise FaultError(faults)
        return found


def png_name(image: Mapping[str, Any]) -> str:
    name = image.get("file_name")
    if not isinstance(name, str) or not PurePosixPath(name).name:
        raise ValueError(f"file_name is {show(name)}, expected the name of a file")
    return PurePosixPath(name).with_suffix(".png").as_posix()


def write_panoptic(
    json: PathLike,
    records: Iterable[Record],
    categories: PathLike | Iterable[Mapping[str, Any]],
    *,
    folder: PathLike | None = None,
    info: Mapping[str, Any] | None = None,
    licenses: Iterable[Mapping[str, Any]] | None = None,
    progress: bool = False,
) -> None:
    """Write a COCO panoptic data set.

    Parameters
    ----------
    json : path
    records : iterable of Record
        The images; read one after the other, so they may be made as they are asked for. Sizes of images, areas and
        boxes of segments are computed, and ``iscrowd`` is 0 where it is missing.
    categories : list of dict, or path
        With ``id``, ``name`` and ``isthing``. Or a JSON file with a list, or with ``categories``.
    folder : path, optional
        Where the PNG files go; by default the folder with the JSON's name. Other files in it stay.
    info, licenses : optional
        More for the JSON.
    progress : bool
        Show a bar, with rich.

    Raises
    ------
    FaultError
        Where what would be written breaks a rule of `validate`; a ValueError.
    ValueError
        A map and a description that do not fit together. The message names the image.

    Notes
    -----
    The files are written beside their place, on as many threads as `panomask.set_num_threads` allows, and moved there
    when all are whole: after an error nothing is left over, and what was there stays.

    Examples
    --------
    See `CocoPanoptic`.
    """
    listed = as_categories(categories)

    def make(record: Record) -> Made:
        ids = np.asarray(record.ids)
        if ids.ndim != 2:
            raise ValueError(f"ids has shape {ids.shape}, expected (height, width)")
        size = dict(zip(("height", "width"), ids.shape, strict=True))
        for side, found in size.items():
            if record.image.get(side, found) != found:
                raise ValueError(f"{side} is {record.image[side]}, but its map has {found}")
        name = png_name(record.image) if record.file_name is None else record.file_name
        return Made({**record.image, **size}, name, ids, describe_segments(ids, record.segments))

    more = {"info": info, "licenses": None if licenses is None else list(licenses)}
    base = {key: value for key, value in more.items() if value is not None}
    n = len(records) if isinstance(records, Sequence | CocoPanoptic) else None
    write_dataset(json, folder, base, listed, records, make, lambda record: record.image.get("id"), n, progress)


class Made(NamedTuple):
    """What is written for an image."""

    image: dict[str, Any]
    file_name: str
    ids: NDArray[Any]
    segments_info: list[dict[str, Any]]


def named(make: Callable[[_Item], _Result], name: Callable[[_Item], Any]) -> Callable[[_Item], _Result]:
    """Let errors tell the image."""

    def named(item: _Item) -> _Result:
        try:
            return make(item)
        except FaultError:
            raise
        except (OverflowError, TypeError, ValueError) as error:
            kind = next(kind for kind in (OverflowError, TypeError, ValueError) if isinstance(error, kind))
            raise kind(f"image {name(item)}: {error}") from error

    return named


def write_dataset(
    json: PathLike,
    folder: PathLike | None,
    base: Mapping[str, Any],
    categories: Any,
    items: Iterable[_Item],
    make: Callable[[_Item], Made],
    name: Callable[[_Item], Any],
    n: int | None,
    progress: bool,
) -> None:
    """Write a data set, all of it or nothing."""
    with NewFolder(_folder_of(json, folder)) as pngs, NewFile(json) as file:

        def write(item: _Item) -> tuple[dict[str, Any], dict[str, Any]]:
            made = make(item)
            if not _is_inside(made.file_name):
                raise ValueError(f"file_name is {made.file_name!r}, expected the name of a file in the folder")
            write_id_png(pngs.path(made.file_name), made.ids)
            annotation = {
                "image_id": made.image.get("id"),
                "file_name": made.file_name,
                "segments_info": made.segments_info,
            }
            return made.image, annotation

        written = list(tracked(in_threads(named(write, name), items), n, "Writing", progress))
        data = {
            **base,
            "images": [image for image, _ in written],
            "annotations": [annotation for _, annotation in written],
            "categories": categories,
        }
        faults = check_data(data, Path(json).name).faults
        if faults:
            raise FaultError(faults)
        file.write(to_json(data))
        pngs.move()
        file.move()
