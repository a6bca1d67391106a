"""COCO panoptic -> COCO detection, two-channel and semantic PNG files; detection, two-channel files, Cityscapes -> it.

The converters take paths and write files. What they write is beside its place until all of it is there, so that a
failure leaves nothing behind.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from panomask._files import NewFolder, write_whole
from panomask.panoptic._cityscapes import LABELS
from panomask.panoptic._coco_io import PathLike, in_threads, read_json, to_json, tracked
from panomask.panoptic._coco_rules import (
    MOST_ID,
    Checked,
    LabelMap,
    as_categories,
    check_categories,
    check_images,
    is_int,
    is_key,
    listed_in,
    show,
)
from panomask.panoptic.coco import CocoPanoptic, Made, describe, describe_segments, named, png_name, write_dataset
from panomask.panoptic.faults import Fault, FaultError
from panomask.panoptic.labels import paint, segments
from panomask.panoptic.png import read_id_png, read_label_png, write_id_png, write_label_png
from panomask.rle import RLEArray

__all__ = [
    "cityscapes_to_panoptic",
    "detection_to_panoptic",
    "panoptic_to_detection",
    "panoptic_to_semantic",
    "panoptic_to_two_channel",
    "two_channel_to_panoptic",
]

# What crowds have for an instance number in panopticapi's two-channel samples.
_CROWD_INSTANCE = 255
# What panopticapi's semantic maps have for all things.
_OTHER = 183


class _SegmentIds:
    """Ids for segments: the color of the category if no other segment has it, else one near it.

    As panopticapi's IdGenerator, but the same ids every time, and never 0, which is void.
    """

    _NEAR = 30

    def __init__(self) -> None:
        self.taken = {0}

    def new(self, category: Mapping[str, Any]) -> int:
        color = category.get("color", [category["id"] * step % 256 for step in (67, 151, 211)])
        span = 2 * self._NEAR + 1
        for k in range(span):
            near = (
                min(max(c + (k * step) % span - self._NEAR * (k > 0), 0), 255)
                for c, step in zip(color, (37, 53, 17), strict=True)
            )
            red, green, blue = near
            number: int = red + 256 * green + 65536 * blue
            if number not in self.taken:
                break
        while number in self.taken:
            number = (number + 1) % (MOST_ID + 1)
        self.taken.add(number)
        return number


class _Source(NamedTuple):
    """A JSON that becomes a panoptic one: its images, and the categories that are written."""

    file: str
    data: dict[str, Any]
    listed: list[Any]
    categories: dict[int, dict[str, Any]]
    images: dict[Any, dict[str, Any]]


def _read_source(
    json: PathLike, categories: PathLike | Sequence[Mapping[str, Any]] | None
) -> tuple[_Source, list[Fault]]:
    """Read a JSON and check its categories and images; what is wrong with them is for the caller to raise."""
    file = Path(json).name
    data = read_json(json)
    if not isinstance(data, dict):
        raise FaultError([Fault("json", f"is {show(data)}, expected an object", file)])
    faults: list[Fault] = []
    listed = as_categories(categories)
    if listed is None:
        listed = listed_in(data, "categories", file, faults, is_needed=True)
    known = check_categories(listed, file, faults)
    images = check_images(listed_in(data, "images", file, faults, is_needed=True), file, faults)
    return _Source(file, data, listed, known, images), faults


def _write_images(
    output: PathLike,
    folder: PathLike | None,
    source: _Source,
    make: Callable[[dict[str, Any]], Made],
    progress: bool,
) -> None:
    """Write what is made of each image, with the rest of the source's JSON."""
    base = {key: value for key, value in source.data.items() if key not in ("images", "annotations", "categories")}
    images = source.images.values()
    write_dataset(output, folder, base, source.listed, images, make, lambda image: image["id"], len(images), progress)


def panoptic_to_detection(
    json: PathLike,
    output: PathLike,
    *,
    folder: PathLike | None = None,
    things_only: bool = False,
    segment_ids: bool = False,
    progress: bool = False,
) -> None:
    """Convert COCO panoptic to COCO detection: every segment is an annotation with compressed RLE.

    Parameters
    ----------
    json, folder : path
        The panoptic data set.
    output : path
        The detection JSON to write.
    things_only : bool
        Leave out stuff.
    segment_ids : bool
        Keep each segment's id as ``segment_id``, with which `detection_to_panoptic` makes the same maps again.
    progress : bool
        Show a bar, with rich.

    Raises
    ------
    FaultError
        Where the data set breaks a rule of `validate`; a ValueError.

    Notes
    -----
    As panopticapi's converter: annotations in the order of the segments, their ids from 0, categories without
    ``isthing``.
    """
    dataset = CocoPanoptic(json, folder)

    def convert(checked: Checked) -> list[dict[str, Any]]:
        found = dataset._load(checked).segments
        rles = dict(zip(found.ids.tolist(), found.rles.to_coco(counts="str"), strict=True))
        converted = []
        for info in checked.annotation["segments_info"]:
            if things_only and dataset.categories[info["category_id"]]["isthing"] == 0:
                continue
            annotation = {key: value for key, value in info.items() if key != "id"}
            annotation |= {"image_id": checked.annotation["image_id"], "segmentation": rles[info["id"]]}
            if segment_ids:
                annotation["segment_id"] = info["id"]
            converted.append(annotation)
        return converted

    converted = tracked(in_threads(convert, dataset._annotations), len(dataset), "Converting", progress)
    annotations = [annotation for of_image in converted for annotation in of_image]
    for i, annotation in enumerate(annotations):
        annotation["id"] = i
    categories = [
        {key: value for key, value in category.items() if key != "isthing"}
        for category in dataset.data["categories"]
        if not things_only or category["isthing"] == 1
    ]
    write_whole(output, to_json({**dataset.data, "annotations": annotations, "categories": categories}))


def detection_to_panoptic(
    json: PathLike,
    output: PathLike,
    *,
    folder: PathLike | None = None,
    categories: PathLike | Sequence[Mapping[str, Any]] | None = None,
    overlaps: Literal["error", "over", "smaller"] = "error",
    progress: bool = False,
) -> None:
    """Convert COCO detection, polygons and RLE, to COCO panoptic.

    Parameters
    ----------
    json : path
        The detection JSON.
    output : path
        The panoptic JSON to write.
    folder : path, optional
        Where the PNG files go; by default the folder with the name of `output`.
    categories : path or list of dict, optional
        Categories with ``isthing``, where those of the JSON do not have it.
    overlaps : {"error", "over", "smaller"}
        What to do where annotations have pixels in common: refuse them; let the later one have the pixels; or let the
        one with fewer pixels have them, and any before a crowd.
    progress : bool
        Show a bar, with rich.

    Raises
    ------
    FaultError
        Where what would be written breaks a rule of `validate`, as two annotations of one stuff category do; a
        ValueError.
    ValueError
        Annotations that overlap, with ``overlaps="error"``; a segmentation that is none. The message names the image
        and the annotations.

    Notes
    -----
    An annotation's segment has the id that it names as ``segment_id``, or else one near its category's color, the same
    every time. What has no pixels, or none that it may keep, is left out.
    """
    if overlaps not in ("error", "over", "smaller"):
        raise ValueError(f"overlaps is {overlaps!r}, expected 'error', 'over' or 'smaller'")
    source, faults = _read_source(json, categories)
    file, images, known = source.file, source.images, source.categories
    of_image: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for i, annotation in enumerate(listed_in(source.data, "annotations", file, faults, is_needed=True)):
        key = annotation.get("image_id") if isinstance(annotation, dict) else None
        if not is_key(key) or key not in images:
            faults.append(Fault("annotation", f"annotations[{i}] is {show(annotation)}, of no image", file))
        elif not is_int(annotation.get("category_id")) or annotation["category_id"] not in known:
            message = f"annotations[{i}]: category {show(annotation.get('category_id'))} is not in categories"
            faults.append(Fault("category", message, file, key))
        else:
            of_image[key].append(annotation)
    if faults:
        raise FaultError(faults)

    def make(image: dict[str, Any]) -> Made:
        height, width = image["height"], image["width"]
        annotations = of_image[image["id"]]
        masks = RLEArray.concatenate([_as_mask(each, i, height, width) for i, each in enumerate(annotations)])
        if overlaps == "error":
            _refuse_overlaps(masks, annotations)
        order = np.arange(len(masks))
        if overlaps == "smaller":
            # what is painted last is on top
            is_crowd = np.array([each.get("iscrowd") == 1 for each in annotations], dtype=bool)
            order = np.lexsort((-masks.area.astype(np.int64), ~is_crowd))
        numbers = _segment_ids(annotations, known)
        ids = paint(
            masks[order],
            np.array(numbers, dtype=np.uint32)[order],
            shape=(height, width),
            dtype=np.uint32,
            overlaps="over",
        )
        found = segments(ids)
        left = set(found.ids.tolist())
        dropped = ("segmentation", "image_id", "segment_id")
        infos = [
            {key: value for key, value in {**each, "id": number}.items() if key not in dropped}
            for number, each in zip(numbers, annotations, strict=True)
            if number in left
        ]
        return Made(image, png_name(image), ids, describe(found, infos))

    _write_images(output, folder, source, make, progress)


def _as_mask(annotation: dict[str, Any], i: int, height: int, width: int) -> RLEArray:
    segmentation = annotation.get("segmentation")
    name = f"annotation {annotation.get('id', i)}"
    try:
        if isinstance(segmentation, list):
            mask = RLEArray.from_polygons([segmentation], height, width)
        else:
            mask = RLEArray.from_coco([segmentation])  # type: ignore[list-item]
    except (OverflowError, TypeError, ValueError) as error:
        message = str(error).replace("polygons[0]", "segmentation", 1).replace("rles[0]", "segmentation", 1)
        raise ValueError(f"{name}: {message}") from error
    found = mask.sizes[0].tolist()
    if found != [height, width]:
        raise ValueError(f"{name}: size is {found[0]} x {found[1]}, expected {height} x {width}")
    return mask


def _refuse_overlaps(masks: RLEArray, annotations: list[dict[str, Any]]) -> None:
    if len(masks) == 0 or int(masks.area.sum()) == int(masks.union().area[0]):
        return
    first, second = np.argwhere(np.triu(masks.intersection_area(masks), 1))[0].tolist()
    common = int(masks[first : first + 1].intersection_area(masks[second : second + 1])[0, 0])
    names = [annotations[i].get("id", i) for i in (first, second)]
    raise ValueError(f"annotations {names[0]} and {names[1]} have {common} pixel{'s' * (common != 1)} in common")


def _segment_ids(annotations: list[dict[str, Any]], categories: Mapping[int, Mapping[str, Any]]) -> list[int]:
    generator = _SegmentIds()
    for i, annotation in enumerate(annotations):
        number = annotation.get("segment_id")
        if number is not None:
            if not is_int(number) or not 1 <= number <= MOST_ID:
                name = annotation.get("id", i)
                raise ValueError(f"annotation {name}: segment_id is {show(number)}, expected 1 to {MOST_ID}")
            if number in generator.taken:
                raise ValueError(f"annotation {annotation.get('id', i)}: segment_id {number} is taken")
            generator.taken.add(number)
    return [
        generator.new(categories[each["category_id"]]) if each.get("segment_id") is None else each["segment_id"]
        for each in annotations
    ]


def panoptic_to_two_channel(
    json: PathLike,
    output_folder: PathLike,
    *,
    folder: PathLike | None = None,
    merge_crowds: bool = False,
    progress: bool = False,
) -> None:
    """Convert COCO panoptic to panopticapi's two-channel PNG files: red is the category, green the instance.

    Parameters
    ----------
    json, folder : path
        The panoptic data set.
    output_folder : path
        Where the PNG files go, with the names that they have in the data set.
    merge_crowds : bool
        Let the crowds of a category in an image be one. There is one number for them, so that is an error otherwise.
    progress : bool
        Show a bar, with rich.

    Raises
    ------
    FaultError
        Where the data set breaks a rule of `validate`; a ValueError.
    OverflowError
        A category above 255, more than 255 instances of one, or several crowds without `merge_crowds`. The message
        names the image.

    Notes
    -----
    Instances of a category count from 0 in the order of the segments, crowds have 255, as in panopticapi's samples.
    """
    dataset = CocoPanoptic(json, folder)

    def convert(checked: Checked) -> NDArray[Any]:
        counted: dict[int, int] = defaultdict(int)
        crowds = set()
        codes = {}
        for info in checked.annotation["segments_info"]:
            category_id = info["category_id"]
            if not 1 <= category_id <= 255:
                raise OverflowError(f"category {category_id} does not fit, expected 1 to 255")
            instance = _CROWD_INSTANCE
            if info["iscrowd"] == 1:
                if category_id in crowds and not merge_crowds:
                    raise OverflowError(
                        f"category {category_id} has several crowds, which two channels do not tell apart; "
                        "merge_crowds=True makes them one"
                    )
                crowds.add(category_id)
            else:
                instance = counted[category_id]
                counted[category_id] += 1
                if instance == _CROWD_INSTANCE:
                    raise OverflowError(f"category {category_id} has more than {_CROWD_INSTANCE} instances")
            codes[info["id"]] = category_id + 256 * instance
        return _repainted(dataset._load(checked), codes, np.uint32)

    _convert_maps(dataset, output_folder, convert, write_id_png, progress)


def panoptic_to_semantic(
    json: PathLike,
    output_folder: PathLike,
    *,
    folder: PathLike | None = None,
    things_other: bool = False,
    progress: bool = False,
) -> None:
    """Convert COCO panoptic to grey PNG files of the category of each pixel, 0 where there is none.

    Parameters
    ----------
    json, folder : path
        The panoptic data set.
    output_folder : path
        Where the PNG files go, with the names that they have in the data set. They have 8 bits, or 16 where a category
        of the data set is above 255.
    things_other : bool
        All things are category 183, "other" in COCO.
    progress : bool
        Show a bar, with rich.

    Raises
    ------
    FaultError
        Where the data set breaks a rule of `validate`; a ValueError.
    OverflowError
        A category that is not 1 to 65535.
    """
    dataset = CocoPanoptic(json, folder)
    for category_id in dataset.categories:
        if not 1 <= category_id <= 65535:
            raise OverflowError(f"category {category_id} does not fit, expected 1 to 65535")
    dtype = np.uint8 if max(dataset.categories) <= 255 else np.uint16

    def convert(checked: Checked) -> NDArray[Any]:
        codes = {}
        for info in checked.annotation["segments_info"]:
            is_other = things_other and dataset.categories[info["category_id"]]["isthing"] == 1
            codes[info["id"]] = _OTHER if is_other else info["category_id"]
        return _repainted(dataset._load(checked), codes, dtype)

    _convert_maps(dataset, output_folder, convert, write_label_png, progress)


def _repainted(found: LabelMap, codes: Mapping[int, int], dtype: Any) -> NDArray[Any]:
    values = np.array([codes[number] for number in found.segments.ids.tolist()], dtype=dtype)
    return paint(found.segments.rles, values, shape=found.ids.shape, dtype=dtype, overlaps="over")


def _convert_maps(
    dataset: CocoPanoptic,
    output_folder: PathLike,
    convert: Callable[[Checked], NDArray[Any]],
    write: Callable[[Path, NDArray[Any]], None],
    progress: bool,
) -> None:
    with NewFolder(output_folder) as pngs:

        def one(checked: Checked) -> None:
            write(pngs.path(checked.annotation["file_name"]), convert(checked))

        write_one = named(one, lambda checked: checked.annotation["image_id"])
        for _ in tracked(in_threads(write_one, dataset._annotations), len(dataset), "Converting", progress):
            pass
        pngs.move()


def two_channel_to_panoptic(
    json: PathLike,
    two_channel_folder: PathLike,
    output: PathLike,
    *,
    folder: PathLike | None = None,
    categories: PathLike | Sequence[Mapping[str, Any]] | None = None,
    progress: bool = False,
) -> None:
    """Convert panopticapi's two-channel PNG files to COCO panoptic.

    Parameters
    ----------
    json : path
        A JSON with ``images``, and ``categories`` unless they are given.
    two_channel_folder : path
        A PNG for each image, with the image's name: red is the category, 0 for none, green the instance.
    output : path
        The panoptic JSON to write.
    folder : path, optional
        Where the PNG files go; by default the folder with the name of `output`.
    categories : path or list of dict, optional
    progress : bool
        Show a bar, with rich.

    Raises
    ------
    FaultError
        A PNG that is not there, a category that is not known, or what else breaks a rule of `validate`; a ValueError.
    ValueError
        A PNG that is none, has another size than its image, or has a blue channel that is not 0.

    Notes
    -----
    Segments are in the order of category and instance; ids are near the category's color, the same every time. Instance
    255 of a thing is a crowd, as in panopticapi's samples, and instances of one stuff category are one segment.
    """
    source, faults = _read_source(json, categories)
    known = source.categories
    if faults:
        raise FaultError(faults)

    def make(image: dict[str, Any]) -> Made:
        name = png_name(image)
        try:
            codes = read_id_png(Path(two_channel_folder) / name)
        except FileNotFoundError:
            message = f"is not in {os.fspath(two_channel_folder)}"
            raise FaultError([Fault("file", message, name, image["id"])]) from None
        if codes.shape != (image["height"], image["width"]):
            found_size = " x ".join(map(str, codes.shape))
            raise ValueError(f"{name} is {found_size}, expected {image['height']} x {image['width']}")
        if codes.max() > 0xFFFF:
            raise ValueError(f"{name} has blue {int(codes.max()) >> 16}, expected red and green only")
        found = segments(codes)
        generator = _SegmentIds()
        of_stuff: dict[int, int] = {}
        numbers = np.zeros(len(found.ids), dtype=np.uint32)
        infos = []
        pairs = [(code & 255, code >> 8, k) for k, code in enumerate(found.ids.tolist())]
        for category_id, instance, k in sorted(pairs):
            if category_id == 0:  # void, whatever the instance
                continue
            if category_id not in known:
                message = f"category {category_id} is not in categories"
                raise FaultError([Fault("category", message, name, image["id"])])
            isthing = known[category_id]["isthing"] == 1
            if category_id in of_stuff:
                numbers[k] = of_stuff[category_id]
                continue
            numbers[k] = generator.new(known[category_id])
            if not isthing:
                of_stuff[category_id] = int(numbers[k])
            is_crowd = int(isthing and instance == _CROWD_INSTANCE)
            infos.append({"id": int(numbers[k]), "category_id": category_id, "iscrowd": is_crowd})
        ids = paint(found.rles, numbers, shape=codes.shape, dtype=np.uint32, overlaps="over")
        return Made(image, name, ids, describe_segments(ids, infos))

    _write_images(output, folder, source, make, progress)


def cityscapes_to_panoptic(
    source: PathLike,
    output: PathLike,
    *,
    folder: PathLike | None = None,
    use_train_id: bool = False,
    progress: bool = False,
) -> None:
    """Convert the ``*_gtFine_instanceIds.png`` files of Cityscapes to COCO panoptic.

    Parameters
    ----------
    source : path
        A folder, such as ``gtFine/val``; the files are looked for in all folders below it.
    output : path
        The panoptic JSON to write.
    folder : path, optional
        Where the PNG files go; by default the folder with the name of `output`.
    use_train_id : bool
        Number the categories by train ids, 0 to 18, and not by label ids, which the evaluation server expects.
    progress : bool
        Show a bar, with rich.

    Raises
    ------
    FileNotFoundError
        Where there are no such files.
    ValueError
        An instance id of no label. The message names the image.

    Notes
    -----
    As createPanopticImgs of cityscapesScripts: segment ids are the instance ids, labels that are not evaluated are
    void, things without an instance number are crowds, ``image_id`` is such as ``aachen_000000_000019``. But
    ``file_name`` of an image is that of the picture, where the script writes a name that no file has.
    """
    ending = "_gtFine_instanceIds.png"
    files = sorted(Path(source).rglob(f"*{ending}"), key=lambda file: file.name)
    if not files:
        raise FileNotFoundError(f"no files *{ending} below {source}")
    categories = [
        {
            "id": label.train_id if use_train_id else label.id,
            "name": label.name,
            "color": list(label.color),
            "supercategory": label.supercategory,
            "isthing": int(label.isthing),
        }
        for label in LABELS.values()
        if label.is_evaluated
    ]

    def image_id(file: Path) -> str:
        return file.name.removesuffix(ending)

    def make(file: Path) -> Made:
        found_map = read_label_png(file)
        found = segments(found_map)
        numbers = found.ids.astype(np.uint32)
        infos = []
        for k, number in enumerate(found.ids.tolist()):
            label = LABELS.get(number if number < 1000 else number // 1000)
            if label is None:
                raise ValueError(f"{file.name} has the instance id {number}, which is of no label")
            if not label.is_evaluated:
                numbers[k] = 0
                continue
            infos.append(
                {
                    "id": number,
                    "category_id": label.train_id if use_train_id else label.id,
                    "iscrowd": int(label.isthing and number < 1000),
                }
            )
        height, width = found_map.shape
        ids = paint(found.rles, numbers, shape=(height, width), dtype=np.uint32, overlaps="over")
        key = image_id(file)
        image = {"id": key, "file_name": f"{key}_leftImg8bit.png", "height": height, "width": width}
        return Made(image, f"{key}_gtFine_panoptic.png", ids, describe_segments(ids, infos))

    write_dataset(output, folder, {}, categories, files, make, image_id, len(files), progress)
