"""COCO panoptic: a JSON and a folder of PNG files, read, checked and written.

An annotation is an image: ``{"image_id", "file_name", "segments_info": [{"id", "category_id", "area", "bbox",
"iscrowd"}, ...]}``. The PNG in the folder holds the id of each pixel's segment as ``R + 256 G + 65536 B``, 0 where
there is none. The folder lies beside the JSON and has its name without ``.json``, unless another is named.

`CocoPanoptic` reads, `write_panoptic` writes, `validate` lists everything that is wrong. What is not in ``__all__`` is
for `panomask.panoptic.converters`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import index
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panomask._check import as_array
from panomask._files import NewFile, NewFolder
from panomask.panoptic._coco_io import PathLike, in_threads, read_json, to_json, tracked
from panomask.panoptic._coco_rules import (
    Checked,
    LabelMap,
    as_categories,
    check_data,
    check_map,
    is_inside,
    measured,
    show,
)
from panomask.panoptic.faults import Fault, FaultError
from panomask.panoptic.labels import Segments, segments
from panomask.panoptic.png import read_id_png, write_id_png

__all__ = [
    "CocoPanoptic",
    "Fault",
    "FaultError",
    "Record",
    "describe_segments",
    "validate",
    "write_panoptic",
]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# ---- validating -----------------------------------------------------------------------------------------------------


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
    return found, check_map(checked, found)


def folder_of(json: PathLike, folder: PathLike | None) -> Path:
    """Return where the PNG files are: in the folder with the name of the JSON, unless one is given."""
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
    ValueError
        A JSON whose name has no ending, where `folder` is not given.

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
    - the folder holds nothing else, but for names that begin with a dot, and the JSON if it lies there.

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
    pngs = folder_of(json, folder)
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
    return faults + _extra_files(pngs, checked.files, Path(json))


def _extra_files(folder: Path, named: set[str], json: Path) -> list[Fault]:
    if not folder.is_dir():
        return [Fault("file", "is no folder, where the PNG files are expected", str(folder))]
    files = (file for file in folder.rglob("*") if not file.is_dir() and not file.name.startswith("."))
    present = {file.relative_to(folder).as_posix(): file for file in files}
    return [
        Fault("file", "is in the folder, but no annotation names it", name)
        for name, file in sorted(present.items())
        if name not in named and not (file.name == json.name and file.resolve() == json.resolve())
    ]


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
        An id that is described twice, or described but not in the map, or the other way round; an ``iscrowd`` that is
        not 0 or 1; a map of another shape.
    TypeError
        A description that is no dict; an ``id`` or ``category_id`` that is no int; ids that are not integers.

    Examples
    --------
    >>> from panomask.panoptic.coco import describe_segments
    >>> describe_segments([[0, 7, 7], [7, 7, 7]], [{"id": 7, "category_id": 187}])
    [{'id': 7, 'category_id': 187, 'iscrowd': 0, 'bbox': [0, 0, 3, 2], 'area': 5}]
    """
    return describe(segments(_as_id_map(ids)), segments_info)


def _as_id_map(ids: ArrayLike) -> NDArray[Any]:
    array: NDArray[Any] = as_array(ids, "ids")
    if array.ndim != 2:
        raise ValueError(f"ids has shape {array.shape}, expected (height, width)")
    if array.dtype.kind not in "iu":
        raise TypeError(f"ids has dtype {array.dtype}, expected integers")
    return array


def _as_int(value: Any, name: str) -> int:
    try:
        return int(index(value))
    except TypeError:
        raise TypeError(f"{name} is {show(value)}, expected an int") from None


def describe(found: Segments, segments_info: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if isinstance(segments_info, Mapping) or not isinstance(segments_info, Iterable):
        raise TypeError(f"segments_info is {show(segments_info)}, expected a list of dicts")
    in_map = measured(found)
    described = []
    seen = set()
    for i, info in enumerate(segments_info):
        if not isinstance(info, Mapping):
            raise TypeError(f"segments_info[{i}] is {show(info)}, expected a dict")
        number = _as_int(info.get("id"), f"segments_info[{i}]: id")
        if number in seen:
            raise ValueError(f"segment {number} is described twice")
        if number not in in_map:
            raise ValueError(f"segment {number} is described, but no pixel has its id")
        seen.add(number)
        area, bbox = in_map[number]
        category_id = _as_int(info.get("category_id"), f"segment {number}: category_id")
        iscrowd = info.get("iscrowd", 0)
        if iscrowd not in (0, 1):
            raise ValueError(f"segment {number}: iscrowd is {show(iscrowd)}, expected 0 or 1")
        computed = {"id": number, "category_id": category_id, "iscrowd": int(iscrowd), "bbox": bbox, "area": area}
        described.append({**info, **computed})
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
        self.folder = folder_of(json, folder)
        self.categories = checked.categories
        self.images = checked.images
        self._annotations = checked.annotations

    def __len__(self) -> int:
        return len(self._annotations)

    def __getitem__(self, i: int) -> Record:
        try:
            number = index(i)
        except TypeError:
            raise TypeError(f"a data set takes an integer, the number of an annotation, not {show(i)}") from None
        if not -len(self) <= number < len(self):
            raise IndexError(f"index {number} is out of range for {len(self)} annotations")
        return self._record(self._annotations[number])

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
    if listed is None:
        raise TypeError("categories is None, expected a list of dicts or a path")
    listed = [_of_python(each) for each in listed]

    def make(record: Record) -> Made:
        ids = _as_id_map(record.ids)
        size = dict(zip(("height", "width"), ids.shape, strict=True))
        for side, found in size.items():
            if record.image.get(side, found) != found:
                raise ValueError(f"{side} is {show(record.image[side])}, but its map has {found}")
        name = png_name(record.image) if record.file_name is None else record.file_name
        return Made({**_of_python(record.image), **size}, name, ids, describe(segments(ids), record.segments))

    more = {"info": info, "licenses": None if licenses is None else list(licenses)}
    base = {key: value for key, value in more.items() if value is not None}
    n = len(records) if isinstance(records, Sequence | CocoPanoptic) else None
    items = _as_records(records)
    write_dataset(json, folder, base, listed, items, make, lambda record: record.image.get("id"), n, progress)


def _as_records(records: Iterable[Record]) -> Iterator[Record]:
    for i, record in enumerate(records):
        if not isinstance(record, Record):
            raise TypeError(f"records[{i}] is {show(record)}, expected a Record")
        if not isinstance(record.image, Mapping):
            raise TypeError(f"records[{i}]: image is {show(record.image)}, expected a dict")
        yield record


def _of_python(described: Any) -> Any:
    """Return what has numbers of Python for those of numpy, which the rules do not take for ints."""
    if not isinstance(described, Mapping):
        return described
    return {key: value.item() if isinstance(value, np.generic) else value for key, value in described.items()}


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
    with NewFolder(folder_of(json, folder)) as pngs, NewFile(json) as file:
        if pngs.target == file.target:
            raise ValueError(f"folder is {show(str(folder))}, which is the JSON")

        def write(item: _Item) -> tuple[dict[str, Any], dict[str, Any]]:
            made = make(item)
            if not isinstance(made.file_name, str) or not is_inside(made.file_name):
                raise ValueError(f"file_name is {show(made.file_name)}, expected the name of a file in the folder")
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
