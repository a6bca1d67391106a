"""COCO panoptic: reading, writing, validating, converting."""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import panomask
from panomask import RLEArray, _files
from panomask.panoptic import _coco_io, coco, converters
from panomask.panoptic.coco import CocoPanoptic, Fault, FaultError, Record, describe_segments, validate, write_panoptic
from panomask.panoptic.png import (
    read_id_png,
    read_label_png,
    read_png,
    write_id_png,
    write_label_png,
    write_png,
    write_rgba_png,
)

Array = NDArray[Any]

PERSON = {"id": 1, "name": "person", "isthing": 1, "color": [220, 20, 60], "supercategory": "person"}
DOG = {"id": 18, "name": "dog", "isthing": 1}
SKY = {"id": 187, "name": "sky-other-merged", "isthing": 0, "color": [70, 130, 180]}
GRASS = {"id": 193, "name": "grass-merged", "isthing": 0, "color": [152, 251, 152]}
CATEGORIES = [PERSON, DOG, SKY, GRASS]


@pytest.fixture(params=["orjson", "json"])
def json_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run with both: the package and what Python has."""
    if request.param == "json":
        monkeypatch.setattr(_coco_io, "orjson", None)
    elif _coco_io.orjson is None:
        pytest.skip("orjson is not there")
    return str(request.param)


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """Run on one thread and on more than there are images in a row."""
    before = panomask.get_num_threads()
    panomask.set_num_threads(request.param)
    yield request.param
    panomask.set_num_threads(before)


def load(path: Path | str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def scenes() -> list[Record]:
    """Three small images; the ids are anything."""
    first = np.zeros((4, 6), dtype=np.int32)
    first[:2], first[2:, :3], first[1:3, 4] = 11829830, 10025880, 3937500
    second = np.full((3, 5), 7, dtype=np.uint16)
    second[1, 1:4], second[2] = 258, 65535
    third = np.zeros((1, 1), dtype=np.int64)
    return [
        Record(
            {"id": 42, "file_name": "000042.jpg", "license": 3},
            first,
            [
                {"id": 3937500, "category_id": 1, "iscrowd": 0},
                {"id": 11829830, "category_id": 187},
                {"id": 10025880, "category_id": 193},
            ],
        ),
        Record(
            {"id": 7, "file_name": "000007.jpg"},
            second,
            [
                {"id": 258, "category_id": 18, "iscrowd": 1},
                {"id": 7, "category_id": 187, "note": "kept"},
                {"id": 65535, "category_id": 18},
            ],
        ),
        Record({"id": "void", "file_name": "a.b/void.jpeg", "height": 1}, third, []),
    ]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A data set without a fault."""
    write_panoptic(tmp_path / "set.json", scenes(), CATEGORIES)
    return tmp_path / "set.json"


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


# ---- the real examples ----------------------------------------------------------------------------------------------


def test_the_official_files_have_no_fault(data: Path, threads: int) -> None:
    assert validate(data / "panoptic" / "coco_examples.json") == []
    assert validate(data / "panoptic" / "pairs" / "gt.json") == []
    faults = validate(data / "panoptic" / "pairs" / "pred.json", is_prediction=True)
    assert {fault.kind for fault in faults} == {"stuff"}  # segments that were split or given another category


def test_the_official_example_is_described_as_the_json_has_it(data: Path) -> None:
    found = CocoPanoptic(data / "panoptic" / "coco_examples.json")
    assert len(found) == 2
    for record in found:
        bare = [{"id": info["id"], "category_id": info["category_id"]} for info in record.segments]
        for info, bare_info in zip(record.segments, bare, strict=True):
            if info["iscrowd"]:
                bare_info["iscrowd"] = 1
        assert describe_segments(record.ids, bare) == record.segments


def test_the_official_detection_file_is_reproduced(data: Path, threads: int, json_library: str) -> None:
    converters.panoptic_to_detection(data / "panoptic" / "coco_examples.json", "detection.json")
    assert load("detection.json") == load(data / "panoptic" / "coco_examples_detection.json")


def test_the_official_two_channel_files_are_reproduced(data: Path, threads: int) -> None:
    converters.panoptic_to_two_channel(data / "panoptic" / "coco_examples.json", "two_channel")
    expected = data / "panoptic" / "coco_examples_2ch"
    assert files(Path("two_channel")) == files(expected) != []
    for name in files(expected):
        np.testing.assert_array_equal(read_png(f"two_channel/{name}"), read_png(expected / name))


def test_panoptic_to_detection_and_back_is_the_official_example(data: Path, threads: int) -> None:
    official = data / "panoptic" / "coco_examples.json"
    categories = data / "panoptic" / "panoptic_coco_categories.json"
    converters.panoptic_to_detection(official, "detection.json", segment_ids=True)
    converters.detection_to_panoptic("detection.json", "panoptic.json", categories=categories)
    assert load("panoptic.json") == load(official)
    for name in files(official.with_suffix("")):
        np.testing.assert_array_equal(read_png(f"panoptic/{name}"), read_png(official.with_suffix("") / name))


def test_the_official_two_channel_files_are_the_official_segments(data: Path) -> None:
    """But for the ids of things, which the format does not keep; those of stuff are the category's color."""
    folder = data / "panoptic"
    converters.two_channel_to_panoptic(
        folder / "coco_examples_images.json", folder / "coco_examples_2ch", "panoptic.json"
    )
    assert validate("panoptic.json") == []
    found, expected = load("panoptic.json"), load(folder / "coco_examples.json")
    isthing = {category["id"]: category["isthing"] for category in expected["categories"]}
    for of_found, of_expected in zip(found["annotations"], expected["annotations"], strict=True):
        for a, b in zip(of_found["segments_info"], of_expected["segments_info"], strict=True):
            if isthing[b["category_id"]]:
                del a["id"], b["id"]
            assert a == b


def test_the_official_example_as_semantic_maps(data: Path) -> None:
    source = data / "panoptic" / "coco_examples.json"
    converters.panoptic_to_semantic(source, "semantic")
    converters.panoptic_to_semantic(source, "stuff", things_other=True)
    found = CocoPanoptic(source)
    for record in found:
        expected, stuff = np.zeros(record.ids.shape, np.uint8), np.zeros(record.ids.shape, np.uint8)
        for info in record.segments:
            category = found.categories[info["category_id"]]
            expected[record.ids == info["id"]] = category["id"]
            stuff[record.ids == info["id"]] = 183 if category["isthing"] else category["id"]
        for folder, of_folder in (("semantic", expected), ("stuff", stuff)):
            labels = read_label_png(f"{folder}/{record.file_name}")
            assert labels.dtype == np.uint8
            np.testing.assert_array_equal(labels, of_folder)


# ---- writing and reading --------------------------------------------------------------------------------------------


def test_what_is_written_is_read(dataset: Path, threads: int, json_library: str) -> None:
    write_panoptic("new.json", scenes(), CATEGORIES, info={"year": 2018}, licenses=[{"id": 3}])
    assert validate("new.json") == []
    written = load("new.json")
    assert written["info"] == {"year": 2018}
    assert written["licenses"] == [{"id": 3}]
    assert written["categories"] == CATEGORIES
    assert written["images"][0] == {
        "id": 42,
        "file_name": "000042.jpg",
        "license": 3,
        "height": 4,
        "width": 6,
    }
    assert [each["file_name"] for each in written["annotations"]] == ["000042.png", "000007.png", "a.b/void.png"]
    person = {"id": 3937500, "category_id": 1, "iscrowd": 0, "bbox": [4, 1, 1, 2], "area": 2}
    assert written["annotations"][0]["segments_info"][0] == person
    assert written["annotations"][1]["segments_info"][1]["note"] == "kept"
    found = CocoPanoptic("new.json")
    assert len(found) == 3
    assert set(found.images) == {42, 7, "void"}
    for record, expected in zip(found, scenes(), strict=True):
        np.testing.assert_array_equal(record.ids, expected.ids)
        assert [info["id"] for info in record.segments] == [info["id"] for info in expected.segments]
    np.testing.assert_array_equal(found[1].ids, scenes()[1].ids)


def test_a_data_set_is_copied_by_its_records(dataset: Path, threads: int) -> None:
    write_panoptic("copy.json", CocoPanoptic(dataset), dataset, folder="elsewhere")
    assert load("copy.json") == load(dataset)
    assert files(Path("elsewhere")) == files(dataset.with_suffix(""))
    assert validate("copy.json", "elsewhere") == []


def test_numpy_integers_are_written_as_integers(json_library: str) -> None:
    image = {"id": 1, "file_name": "1.jpg"}
    info = {"id": np.int64(5), "category_id": np.uint8(187), "iscrowd": np.bool_(False)}
    write_panoptic("set.json", [Record(image, np.full((2, 2), 5), [info])], CATEGORIES)
    assert validate("set.json") == []


def test_ids_of_numpy_are_ids(json_library: str) -> None:
    """Images and categories with them were refused, segments were not."""
    image = {"id": np.int64(1), "file_name": "1.jpg", "height": np.int32(2), "score": np.float32(0.5)}
    category = {"id": np.int16(187), "name": "sky", "isthing": np.uint8(0)}
    write_panoptic("set.json", [Record(image, np.full((2, 2), 5), [{"id": 5, "category_id": 187}])], [category])
    assert validate("set.json") == []
    data = load("set.json")
    assert data["images"] == [{"id": 1, "file_name": "1.jpg", "height": 2, "width": 2, "score": 0.5}]
    assert data["categories"] == [{"id": 187, "name": "sky", "isthing": 0}]


def test_json_is_the_same_with_and_without_orjson(json_library: str) -> None:
    """Only orjson took NaN and arrays, only json took long integers and keys that are numbers."""
    image = {"id": 1, "file_name": "1.jpg"}
    info = {
        "a": [float("nan"), np.float64("inf")],
        "b": np.arange(4)[::2],
        3: 2**80,
        "c": ("\ud800\\", "é", np.bool_(1)),
    }
    write_panoptic("set.json", [Record(image, np.zeros((1, 1), int), [])], CATEGORIES, info=info)  # type: ignore[arg-type]
    expected = {"a": [None, None], "b": [0, 2], "3": 2**80, "c": ["\ud800\\", "é", True]}
    assert load("set.json")["info"] == expected
    converters.panoptic_to_detection("set.json", "detection.json")
    assert load("detection.json")["info"] == {**expected, "3": 2.0**80}
    for value in (object(), b"", {1}):
        with pytest.raises(TypeError, match=f"{type(value).__name__} is nothing that JSON has"):
            write_panoptic("set.json", [], CATEGORIES, info={"a": value})
    assert load("set.json")["info"] == expected


def test_records_are_asked_for_by_number(dataset: Path) -> None:
    found = CocoPanoptic(dataset)
    assert [found[i].image["id"] for i in (0, -1, np.int64(1))] == [42, "void", 7]
    for i in (3, -4):
        with pytest.raises(IndexError, match=f"index {i} is out of range for 3 annotations"):
            found[i]
    some: list[Any] = [slice(0, 1), "a", None, 1.0]
    for key in some:
        with pytest.raises(TypeError, match="takes an integer, the number of an annotation, not "):
            found[key]


@pytest.mark.parametrize(
    ("ids", "infos", "error", "message"),
    [
        (np.full((2, 3, 4), 7), [{"id": 7, "category_id": 1}], ValueError, r"ids has shape \(2, 3, 4\), expected \(h"),
        (np.zeros((2, 3, 3), np.uint8), [], ValueError, r"ids has shape \(2, 3, 3\), expected \(height, width\)"),
        ([[1], [1, 2]], [], ValueError, "ids: expected an array of numbers, found a ragged list"),
        ([[0.5]], [], TypeError, "ids has dtype float64, expected integers"),
        ([[True]], [], TypeError, "ids has dtype bool, expected integers"),
        ([[1]], None, TypeError, "segments_info is None, expected a list of dicts"),
        ([[1]], {"id": 1}, TypeError, "segments_info is {'id': 1}, expected a list of dicts"),
    ],
)
def test_what_is_no_map_is_not_described(ids: Any, infos: Any, error: type[Exception], message: str) -> None:
    """Several maps were taken for one, whose segments have area and box of the last."""
    with pytest.raises(error, match=message):
        describe_segments(ids, infos)


def as_ids(record: Record, number: int) -> Record:
    return record._replace(ids=np.full((2, 3), number), segments=[{"id": number, "category_id": 187}])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r._replace(ids=r.ids[0]), r"image 42: ids has shape \(6,\), expected \(height, width\)"),
        (
            lambda r: r._replace(ids=r.ids[..., None]),
            r"image 42: ids has shape \(4, 6, 1\), expected \(height, width\)",
        ),
        (lambda r: r._replace(ids=r.ids * 1.5), "image 42: ids has dtype float64, expected integers"),
        (lambda r: r._replace(ids=r.ids > 0), "image 42: ids has dtype bool, expected integers"),
        (lambda r: r._replace(ids=-r.ids), "image 42: segment 3937500 is described, but no pixel has its id"),
        (lambda r: as_ids(r, -1), r"image 42: ids\[0, 0\] is -1, expected 0 to 16777215"),
        (lambda r: as_ids(r, 1 << 24), r"image 42: ids\[0, 0\] is 16777216, expected 0 to 16777215"),
        (lambda r: r._replace(segments=[5]), r"image 42: segments_info\[0\] is 5, expected a dict"),
        (lambda r: r._replace(segments=[{}]), r"image 42: segments_info\[0\]: id is None, expected an int"),
        (
            lambda r: r._replace(segments=[{"id": 3937500}]),
            "image 42: segment 3937500: category_id is None, expected an",
        ),
        (
            lambda r: r._replace(segments=[{**info, "iscrowd": "x"} for info in r.segments]),
            "image 42: segment 3937500: iscrowd is 'x', expected 0 or 1",
        ),
        (lambda r: tuple(r), r"records\[0\] is \(.*, expected a Record"),
        (lambda r: r._replace(image={**r.image, "height": 5}), "image 42: height is 5, but its map has 4"),
        (
            lambda r: r._replace(segments=r.segments[:2]),
            "image 42: segment 10025880: 6 pixels have this id, which is not",
        ),
        (
            lambda r: r._replace(segments=[*r.segments, {"id": 9, "category_id": 1}]),
            "image 42: segment 9 is described, but",
        ),
        (lambda r: r._replace(segments=[*r.segments, r.segments[0]]), "image 42: segment 3937500 is described twice"),
        (
            lambda r: r._replace(file_name="../a.png"),
            r"image 42: file_name is '../a\.png', expected the name of a file",
        ),
        (
            lambda r: r._replace(segments=[{**info, "category_id": 5} for info in r.segments]),
            "new.json: image 42: segment 3937500: category 5 is not in categories",
        ),
        (
            lambda r: r._replace(segments=[{**info, "category_id": 187} for info in r.segments]),
            "category 187 is stuff and has segment 3937500 already",
        ),
        (lambda r: r._replace(image={"id": 42}), "image 42: file_name is None, expected the name of a file"),
        (
            lambda r: r._replace(image={**r.image, "file_name": "/"}),
            "image 42: file_name is '/', expected the name of a file",
        ),
        (lambda r: r._replace(image={**r.image, "id": 7}), "new.json: image 7: is in images twice"),
        (lambda r: r._replace(image=None), r"records\[0\]: image is None, expected a dict"),
        (lambda r: r._replace(segments=None), "image 42: segments_info is None, expected a list of dicts"),
        (lambda r: r._replace(file_name=5), "image 42: file_name is 5, expected the name of a file in the folder"),
        (
            lambda r: r._replace(file_name="a\0.png"),
            r"image 42: file_name is 'a\\x00\.png', expected the name of a file",
        ),
        (lambda r: r._replace(image={**r.image, "width": "6"}), "image 42: width is '6', but its map has 6"),
        (
            lambda r: r._replace(file_name="./000007.png"),
            "new.json: image 7: file_name is 000007.png, which is that of image 42 too",
        ),
    ],
)
def test_what_breaks_a_rule_is_not_written(change: Callable[[Record], Record], message: str, tmp_path: Path) -> None:
    records = scenes()
    records[0] = change(records[0])
    with pytest.raises((OverflowError, TypeError, ValueError), match=message):
        write_panoptic("new.json", records, CATEGORIES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("categories", "message"),
    [(None, "None"), (5, "5"), ({"categories": CATEGORIES}, "{'categories': .*")],
)
def test_categories_that_are_no_list_are_refused(categories: Any, message: str, dataset: Path) -> None:
    with pytest.raises(TypeError, match=f"^categories is {message}, expected a list of dicts or a path"):
        write_panoptic("new.json", scenes(), categories)
    if categories is not None:
        with pytest.raises(TypeError, match=f"^categories is {message}, expected a list of dicts or a path"):
            validate(dataset, categories=categories)


def test_the_folder_is_not_the_json(tmp_path: Path) -> None:
    """The folder was put there, and then the JSON could not be."""
    with pytest.raises(ValueError, match=r"folder is 'set\.json', which is the JSON"):
        write_panoptic("set.json", scenes(), CATEGORIES, folder="set.json")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way_leaves_what_was_there(dataset: Path) -> None:
    """Files before it were replaced."""
    folder = dataset.with_suffix("")
    before = (folder / "000007.png").read_bytes()
    (folder / "000042.png").unlink()
    (folder / "000042.png").mkdir()
    records = [record._replace(ids=np.pad(record.ids, ((1, 0), (0, 0)))) for record in scenes()[:2]]
    with pytest.raises(IsADirectoryError, match=r"is a folder, expected a file or nothing: .*000042\.png"):
        write_panoptic(dataset, records, CATEGORIES)
    assert (folder / "000007.png").read_bytes() == before


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"No such file or directory, where set goes: '.*nowhere'"):
        write_panoptic("nowhere/set.json", scenes(), CATEGORIES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["png", "json", "folder"])
@pytest.mark.parametrize("is_new", [True, False])
def test_a_failing_disk_leaves_what_was_there(
    step: str, is_new: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_new:
        write_panoptic("set.json", scenes()[:1], CATEGORIES)
    before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    real_png, calls = coco.write_id_png, []

    def second_png(path: Path, ids: Array) -> None:
        calls.append(path)
        if len(calls) == 2:
            full()
        real_png(path, ids)

    if step == "png":
        monkeypatch.setattr(coco, "write_id_png", second_png)
    elif step == "json":
        monkeypatch.setattr(_files.NewFile, "write", full)
        monkeypatch.setattr(coco, "write_id_png", lambda path, ids: path.write_bytes(b""))
    else:
        monkeypatch.setattr(_files.NewFolder, "move", full)
    with pytest.raises(OSError, match="No space left"):
        write_panoptic("set.json", scenes(), CATEGORIES)
    monkeypatch.undo()
    assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


def noise(n: int) -> Iterator[Record]:
    """Images of which all but the first take a lot of bytes."""
    rng = np.random.default_rng(7)
    for i in range(n):
        ids = np.full((40, 40), 5) if i == 0 else rng.integers(1, 256, (40, 40))
        infos = [{"id": k, "category_id": 1} for k in np.unique(ids).tolist()]
        yield Record({"id": i, "file_name": f"{i}.jpg"}, ids, infos)


@pytest.mark.parametrize("is_new", [True, False])
def test_a_disk_that_is_full_half_way_leaves_what_was_there(is_new: bool, threads: int, tmp_path: Path) -> None:
    """A real one, of which the files may have a thousand bytes."""
    resource = pytest.importorskip("resource")
    (tmp_path / "source").mkdir()
    write_panoptic("source/set.json", noise(4), CATEGORIES)
    converters.panoptic_to_detection("source/set.json", "source/detection.json")
    converters.panoptic_to_two_channel("source/set.json", "source/two")
    out = tmp_path / "out"
    out.mkdir()
    if not is_new:
        write_panoptic(out / "set.json", noise(1), CATEGORIES)
        (out / "set" / "other.txt").write_text("mine")
    before = {path.relative_to(out): path.is_file() and path.read_bytes() for path in out.rglob("*")}
    jobs: list[tuple[str, Callable[[], None]]] = [
        ("set/.*png", lambda: write_panoptic(out / "set.json", noise(4), CATEGORIES)),
        ("set.json", lambda: converters.panoptic_to_detection("source/set.json", out / "set.json")),
        ("set/.*png", lambda: converters.panoptic_to_two_channel("source/set.json", out / "set")),
        (
            "set/.*png",
            lambda: converters.detection_to_panoptic("source/detection.json", out / "set.json", categories=CATEGORIES),
        ),
        (
            "set/.*png",
            lambda: converters.two_channel_to_panoptic("source/set.json", "source/two", out / "set.json"),
        ),
    ]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for file, job in jobs:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        try:
            with pytest.raises(
                OSError, match=rf"\[Errno 27\] File too large: '{re.escape(str(out.resolve()))}/{file}'"
            ):
                job()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        after = {path.relative_to(out): path.is_file() and path.read_bytes() for path in out.rglob("*")}
        assert after == before


def test_a_converter_that_fails_leaves_nothing(dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(tmp_path)
    write_id_png(dataset.with_suffix("") / "000007.png", np.full((3, 5), 6))
    for convert in (
        converters.panoptic_to_semantic,
        converters.panoptic_to_two_channel,
        converters.panoptic_to_detection,
    ):
        with pytest.raises(FaultError, match="image 7: segment 258: is in segments_info, but no pixel has its id"):
            convert(dataset, tmp_path / "out")
    assert files(tmp_path) == before


def test_files_of_a_folder_that_is_there_stay(dataset: Path) -> None:
    (dataset.with_suffix("") / "other.txt").write_text("mine")
    write_panoptic(dataset, scenes()[:1], CATEGORIES)
    assert files(dataset.with_suffix("")) == ["000007.png", "000042.png", "a.b/void.png", "other.txt"]
    assert len(load(dataset)["annotations"]) == 1


def test_a_file_where_the_folder_goes_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "set").write_text("mine")
    with pytest.raises(NotADirectoryError, match=r"is a file, expected a folder or nothing: .*set'"):
        write_panoptic("set.json", scenes(), CATEGORIES)
    assert files(tmp_path) == ["set"]


def test_a_bar_is_shown_with_rich(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rich")
    assert validate(dataset, progress=True) == []
    assert "Validating" in capsys.readouterr().err
    write_panoptic("b.json", iter(scenes()), CATEGORIES, progress=True)
    assert "Writing" in capsys.readouterr().err


def test_a_bar_without_rich_is_an_error_that_tells_the_extra(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with pytest.raises(ImportError, match=r"progress=True needs rich; .* pip install panomask\[cli\]"):
        validate(dataset, progress=True)


def test_a_json_without_an_ending_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="json is 'set', which has no ending"):
        write_panoptic("set", scenes(), CATEGORIES)
    assert list(tmp_path.iterdir()) == []
    write_panoptic("set", scenes(), CATEGORIES, folder="pngs")
    assert validate("set", "pngs") == []


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "set").symlink_to("real")
    (tmp_path / "set.json").symlink_to("real.json")
    (tmp_path / "real.json").write_text("old")
    write_panoptic("set.json", scenes(), CATEGORIES)
    assert (tmp_path / "set").is_symlink()
    assert (tmp_path / "set.json").is_symlink()
    assert files(tmp_path / "real") == ["000007.png", "000042.png", "a.b/void.png"]
    assert validate("set.json") == []


# ---- faults ---------------------------------------------------------------------------------------------------------


def put(path: list[Any], value: Any) -> Callable[[Any], None]:
    """Return a change that puts a value where the path leads."""

    def change(data: Any) -> None:
        for key in path[:-1]:
            data = data[key]
        data[path[-1]] = value

    return change


def drop(path: list[Any]) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        for key in path[:-1]:
            data = data[key]
        del data[path[-1]]

    return change


FIRST = ["annotations", 0]
PERSON_INFO = [*FIRST, "segments_info", 0]
FAULTS: list[tuple[Callable[[Any], None], list[str] | None]] = [
    (put(["categories"], []), ["set.json: has no categories"]),
    (drop(["categories"]), ["set.json: has no categories"]),
    (put(["categories", 1, "id"], "18"), ["set.json: categories[1] is {'id': '18', 'name': 'dog', 'isthing': 1}, "
     "expected a dict with an int id", "set.json: image 7: segment 258: category 18 is not in categories",
     "set.json: image 7: segment 65535: category 18 is not in categories"]),
    (put(["categories", 1, "id"], 1), ["set.json: category 1 is there twice",
     "set.json: image 7: segment 258: category 18 is not in categories",
     "set.json: image 7: segment 65535: category 18 is not in categories"]),
    (drop(["categories", 1, "name"]), ["set.json: category 18: name is None, expected a text"]),
    (put(["categories", 1, "isthing"], True), ["set.json: category 18: isthing is True, expected 0 or 1"]),
    (put(["categories", 0, "color"], [1, 2, 256]), ["set.json: category 1: color is [1, 2, 256], expected three ints "
     "from 0 to 255"]),
    (put(["images"], 5), ["set.json: images is 5, expected a list", *[f"set.json: image {i}: is not in images"
     for i in (42, 7, "void")]]),
    (put(["images", 0, "id"], 5), ["set.json: image 42: is not in images", "set.json: image 5: has no annotation"]),
    (put(["images", 0, "id"], 7), ["set.json: image 7: is in images twice", "set.json: image 42: is not in images",
     "000007.png: image 7: is 3 x 5, expected 4 x 6 as in images"]),
    (put(["images", 0, "height"], 5), ["000042.png: image 42: is 4 x 6, expected 5 x 6 as in images"]),
    (drop(["images", 0, "width"]), ["set.json: image 42: width is None, expected a positive int"]),
    (drop([*FIRST, "image_id"]), None),
    (put([*FIRST, "image_id"], 7), ["set.json: image 7: has two annotations", "set.json: image 42: has no annotation",
     "000042.png: image 7: is 4 x 6, expected 3 x 5 as in images"]),
    (put([*FIRST, "file_name"], "../000042.png"), ["set.json: image 42: file_name is '../000042.png', expected the "
     "name of a file in the folder", "000042.png: is in the folder, but no annotation names it"]),
    (put([*FIRST, "file_name"], "1.png"), ["1.png: image 42: is not there",
     "000042.png: is in the folder, but no annotation names it"]),
    (put([*FIRST, "file_name"], "./000007.png"), ["set.json: image 7: file_name is 000007.png, which is that of image "
     "42 too", "./000007.png: image 42: is 3 x 5, expected 4 x 6 as in images",
     *[f"./000007.png: image 42: segment {i}: is in segments_info, but no pixel has its id"
       for i in (3937500, 11829830, 10025880)],
     *[f"./000007.png: image 42: segment {i}: {n} pixels have this id, which is not listed"
       for i, n in ((7, 7), (258, 3), (65535, 5))],
     "000042.png: is in the folder, but no annotation names it"]),
    (drop([*FIRST, "segments_info"]), ["set.json: image 42: segments_info is None, expected a list"]),
    (put([*PERSON_INFO, "id"], 0), ["set.json: image 42: segments_info[0] has id 0, expected 1 to 16777215",
     "000042.png: image 42: segment 3937500: 2 pixels have this id, which is not listed"]),
    (put([*PERSON_INFO, "id"], 9), ["000042.png: image 42: segment 9: is in segments_info, but no pixel has its id",
     "000042.png: image 42: segment 3937500: 2 pixels have this id, which is not listed"]),
    (put([*PERSON_INFO, "id"], 10025880), ["set.json: image 42: segment 10025880: is listed twice",
     "000042.png: image 42: segment 10025880: area is 2, 6 pixels have its id",
     "000042.png: image 42: segment 10025880: bbox is [4, 1, 1, 2], its pixels are in [0, 2, 3, 2]",
     "000042.png: image 42: segment 3937500: 2 pixels have this id, which is not listed"]),
    (put([*PERSON_INFO, "category_id"], 5), ["set.json: image 42: segment 3937500: category 5 is not in categories"]),
    (drop([*PERSON_INFO, "category_id"]), ["set.json: image 42: segment 3937500: category None is not in categories"]),
    (put([*PERSON_INFO, "category_id"], 193), ["set.json: image 42: segment 10025880: category 193 is stuff and has "
     "segment 3937500 already"]),
    (put([*PERSON_INFO, "iscrowd"], 2), ["set.json: image 42: segment 3937500: iscrowd is 2, expected 0 or 1"]),
    (put([*FIRST, "segments_info", 1, "iscrowd"], 1), ["set.json: image 42: segment 11829830: iscrowd is 1, but "
     "category 187 is stuff"]),
    (put([*PERSON_INFO, "area"], 3), ["000042.png: image 42: segment 3937500: area is 3, 2 pixels have its id"]),
    (drop([*PERSON_INFO, "area"]), ["set.json: image 42: segment 3937500: area is None, expected pixels"]),
    (put([*PERSON_INFO, "bbox"], [4, 1, 1, 1]), ["000042.png: image 42: segment 3937500: bbox is [4, 1, 1, 1], its "
     "pixels are in [4, 1, 1, 2]"]),
    (put([*PERSON_INFO, "bbox"], [4, 1, 1]), ["set.json: image 42: segment 3937500: bbox is [4, 1, 1], expected x, y, "
     "width, height"]),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(FAULTS)))
def test_each_fault_is_listed(case: int, dataset: Path, json_library: str) -> None:
    change, expected = FAULTS[case]
    data = load(dataset)
    change(data)
    dataset.write_text(json.dumps(data), encoding="utf-8")
    found = [str(fault) for fault in validate(dataset)]
    if expected is None:
        assert len(found) == 3
        assert found[0].startswith("set.json: annotations[0] is {")
    else:
        assert found == expected


def test_all_faults_are_listed_together(dataset: Path, threads: int) -> None:
    data = load(dataset)
    put([*PERSON_INFO, "area"], 3)(data)
    put(["annotations", 1, "segments_info", 1, "category_id"], 5)(data)
    data["images"].append({"id": 8, "height": 1, "width": 1})
    dataset.write_text(json.dumps(data), encoding="utf-8")
    folder = dataset.with_suffix("")
    (folder / "a.b" / "void.png").unlink()
    (folder / "000007.png").write_bytes((folder / "000007.png").read_bytes()[:-3])
    (folder / "extra.png").write_bytes(b"")
    (folder / ".hidden").write_bytes(b"")
    assert [(fault.kind, fault.file, fault.image_id, fault.segment_id) for fault in validate(dataset)] == [
        ("category", "set.json", 7, 7),
        ("image", "set.json", 8, None),
        ("area", "000042.png", 42, 3937500),
        ("file", "000007.png", 7, None),
        ("file", "a.b/void.png", "void", None),
        ("file", "extra.png", None, None),
    ]
    assert "000007.png: image 7: cannot be read: truncated" in "".join(map(str, validate(dataset)))
    with pytest.raises(FaultError, match=r"set\.json: image 7: segment 7: category 5") as caught:
        CocoPanoptic(dataset)
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "set.json: is not JSON: "),
        (b'{"images": [', "set.json: is not JSON: "),
        (b"[]", "set.json: is [], expected an object"),
        (b"\xff", "set.json: is not JSON: "),
    ],
)
def test_what_is_no_json_is_a_fault(content: bytes, message: str, tmp_path: Path, json_library: str) -> None:
    (tmp_path / "set.json").write_bytes(content)
    faults = validate("set.json")
    assert len(faults) == 1
    assert str(faults[0]).startswith(message)
    with pytest.raises(FaultError, match=r"set\.json: is "):
        CocoPanoptic("set.json")


def test_a_missing_json_is_an_error_and_a_missing_folder_a_fault(dataset: Path) -> None:
    with pytest.raises(FileNotFoundError):
        validate("nowhere.json")
    faults = validate(dataset, "nowhere")
    assert [fault.message for fault in faults] == ["is not there"] * 3 + [
        "is no folder, where the PNG files are expected"
    ]


def test_the_json_may_lie_in_the_folder(dataset: Path) -> None:
    """It was listed as a file that nothing names."""
    folder = dataset.with_suffix("")
    moved = dataset.rename(folder / dataset.name)
    assert validate(moved, folder) == []
    assert validate(Path("set") / "set.json", "set") == []
    (folder / "a.b" / "set.json").write_bytes(moved.read_bytes())
    assert [fault.file for fault in validate(moved, folder)] == ["a.b/set.json"]


def test_a_map_of_other_ids_is_a_fault(dataset: Path) -> None:
    write_png(dataset.with_suffix("") / "000042.png", np.zeros((4, 6, 3), np.uint8))
    messages = [fault.message for fault in validate(dataset)]
    assert messages == ["is in segments_info, but no pixel has its id"] * 3


def as_palette(file: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.zeros((4, 6), np.uint8)).convert("P").save(file)


BROKEN_PNGS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "palette": (as_palette, "cannot be read: 8-bit palette, expected 8-bit RGB"),
    "grey": (
        lambda file: write_label_png(file, np.zeros((4, 6), np.uint8)),
        "cannot be read: 8-bit grey, expected 8-bit RGB",
    ),
    "16-bit": (
        lambda file: write_label_png(file, np.zeros((4, 6), np.uint16)),
        "cannot be read: 16-bit grey, expected 8-bit RGB",
    ),
    "alpha": (
        lambda file: write_rgba_png(file, np.zeros((4, 6, 4), np.uint8)),
        "cannot be read: 8-bit RGB with alpha, expected 8-bit RGB",
    ),
    "truncated": (
        lambda file: file.write_bytes(file.read_bytes()[:-12]),
        "cannot be read: truncated: ends after",
    ),
    "not a PNG": (lambda file: file.write_bytes(b"GIF89a.."), "cannot be read: not a PNG: begins with b'GIF89a..'"),
    "missing": (Path.unlink, "is not there"),
    "folder": (lambda file: (file.unlink(), file.mkdir()), "cannot be read: [Errno 21] Is a directory"),
    "other size": (
        lambda file: write_id_png(file, np.pad(read_id_png(file), ((0, 1), (0, 0)))),
        "is 5 x 6, expected 4 x 6 as in images",
    ),
}


@pytest.mark.parametrize("kind", BROKEN_PNGS)
def test_a_broken_png_is_named_by_everything_that_reads(kind: str, dataset: Path, tmp_path: Path) -> None:
    spoil_png, message = BROKEN_PNGS[kind]
    spoil_png(dataset.with_suffix("") / "000042.png")
    before = sorted(tmp_path.rglob("*"))
    line = f"000042.png: image 42: {message}"
    faults = [str(fault) for fault in validate(dataset)]
    assert len(faults) == 1
    assert faults[0].startswith(line)
    with pytest.raises(FaultError, match=re.escape(line)):
        list(CocoPanoptic(dataset))
    result = run(dataset)
    assert (result.exit_code, result.stdout) == (1, f"{faults[0]}\n")
    for convert, output in (
        (converters.panoptic_to_detection, "out.json"),
        (converters.panoptic_to_two_channel, "out"),
        (converters.panoptic_to_semantic, "out"),
    ):
        with pytest.raises(FaultError, match=re.escape(line)):
            convert(dataset, output)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("case", range(len(FAULTS)))
def test_no_converter_takes_a_faulty_json(case: int, dataset: Path, tmp_path: Path) -> None:
    data = load(dataset)
    FAULTS[case][0](data)
    dataset.write_text(json.dumps(data), encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FaultError):
        converters.panoptic_to_detection(dataset, "out.json")
    assert sorted(tmp_path.rglob("*")) == before


def test_predictions_need_only_ids_and_categories(dataset: Path) -> None:
    data = load(dataset)
    bare = [
        {**each, "segments_info": [{"id": s["id"], "category_id": s["category_id"]} for s in each["segments_info"]]}
        for each in data["annotations"]
    ]
    Path("pred.json").write_text(json.dumps({"annotations": bare}), encoding="utf-8")
    assert len(validate("pred.json", dataset.with_suffix(""))) > 10
    assert validate("pred.json", dataset.with_suffix(""), is_prediction=True, categories=dataset) == []
    assert validate("pred.json", dataset.with_suffix(""), is_prediction=True, categories=CATEGORIES) == []
    assert [str(fault) for fault in validate("pred.json", dataset.with_suffix(""), is_prediction=True)] == [
        "pred.json: has no categories"
    ]
    found = CocoPanoptic("pred.json", dataset.with_suffix(""), is_prediction=True, categories=dataset)
    assert [record.image for record in found] == [{"id": 42}, {"id": 7}, {"id": "void"}]


JUNK = [None, [], {}, "x", "", -1, 0, 2**70, 1e308, float("nan"), True, [None], {"id": 1}, [[1]], {"id": []}]


def spoil(good: Any, rng: np.random.Generator) -> Any:
    """Put junk in up to three places of a JSON, anywhere in it."""
    data = copy.deepcopy(good)
    for _ in range(int(rng.integers(1, 4))):
        node = data
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = keys[int(rng.integers(0, len(keys)))]
            if isinstance(node[key], dict | list) and rng.random() < 0.8:
                node = node[key]
                continue
            node[key] = copy.deepcopy(JUNK[int(rng.integers(0, len(JUNK)))])
            break
    return data


def test_no_json_makes_the_validator_fail(dataset: Path, json_library: str) -> None:
    good = load(dataset)
    rng = np.random.default_rng(1)
    for _ in range(300):
        dataset.write_text(json.dumps(spoil(good, rng)), encoding="utf-8")
        faults = validate(dataset)
        assert all(isinstance(fault, Fault) and str(fault) for fault in faults)
        if not faults:
            assert len(CocoPanoptic(dataset)) == len(list(CocoPanoptic(dataset)))


def test_no_json_makes_a_converter_write_what_is_wrong(dataset: Path, json_library: str) -> None:
    """Either it is refused, and nothing is written, or what is written has no fault."""
    converters.panoptic_to_detection(dataset, "detection.json", segment_ids=True)
    converters.panoptic_to_two_channel(dataset, "two")
    detections, images = load("detection.json"), load(dataset)
    detections["categories"] = CATEGORIES
    del images["annotations"]
    rng = np.random.default_rng(2)
    n_written = 0
    for i in range(300):
        Path("source.json").write_text(json.dumps(spoil((detections, images)[i % 2], rng)), encoding="utf-8")
        output = Path(f"{i}.json")
        try:
            if i % 2:
                converters.two_channel_to_panoptic("source.json", "two", output)
            else:
                converters.detection_to_panoptic("source.json", output)
        except (FileNotFoundError, OverflowError, TypeError, ValueError):
            assert not output.exists()
            assert not output.with_suffix("").exists()
        else:
            n_written += 1
            assert validate(output) == []
    assert 10 < n_written < 290


def test_a_fault_error_lists_a_few_and_is_pickled() -> None:
    faults = [Fault("file", "is not there", f"{i}.png", i) for i in range(8)]
    error = FaultError(faults)
    assert str(error).splitlines()[0] == "0.png: image 0: is not there"
    assert str(error).splitlines()[-1] == "and 3 more"
    assert isinstance(error, ValueError)
    assert pickle.loads(pickle.dumps(error)).faults == faults


# ---- the command ----------------------------------------------------------------------------------------------------


def run(*arguments: str | Path) -> Any:
    testing = pytest.importorskip("typer.testing")
    app = pytest.importorskip("panomask.cli.app").app
    environment = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"}
    return testing.CliRunner().invoke(app, ["validate-panoptic", *map(str, arguments)], env=environment)


def test_the_command_says_that_all_is_well(dataset: Path) -> None:
    result = run(dataset)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "set.json: 0 faults\n")
    assert run(dataset, dataset.with_suffix("")).exit_code == 0


def test_the_command_lists_faults_and_exits_with_1(dataset: Path) -> None:
    (dataset.with_suffix("") / "000042.png").unlink()
    (dataset.with_suffix("") / "extra.png").touch()
    result = run(dataset, "--report", "faults.json")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "000042.png: image 42: is not there",
        "extra.png: is in the folder, but no annotation names it",
    ]
    assert result.stderr == "set.json: 2 faults: 2 of file\n"
    expected = {"kind": "file", "message": "is not there", "file": "000042.png", "image_id": 42, "segment_id": None}
    assert load("faults.json")[0] == expected


def test_the_command_takes_predictions_and_refuses_what_is_none(dataset: Path) -> None:
    data = {"annotations": load(dataset)["annotations"]}
    Path("pred.json").write_text(json.dumps(data), encoding="utf-8")
    folder = dataset.with_suffix("")
    assert run("pred.json", folder, "--prediction", "--categories", dataset).exit_code == 0
    assert run("pred.json", folder).exit_code == 1
    assert run("nowhere.json").exit_code == 2
    Path("bad.json").write_text("{}", encoding="utf-8")
    result = run("pred.json", folder, "--categories", "bad.json")
    assert result.exit_code == 2
    assert "bad.json: has no list of categories" in result.output


def test_the_command_asks_for_a_folder_where_the_json_names_none(dataset: Path) -> None:
    dataset.rename("noending")
    result = run("noending")
    assert result.exit_code == 2
    assert "json is 'noending', which has no ending" in result.output
    assert run("noending", dataset.with_suffix("")).exit_code == 0


@pytest.mark.parametrize("name", ["set.json", "set/000042.png", "categories.json"])
def test_the_command_writes_no_report_over_what_it_reads(dataset: Path, name: str) -> None:
    Path("categories.json").write_text(json.dumps(CATEGORIES), encoding="utf-8")
    before = Path(name).read_bytes()
    result = run(dataset, "--categories", "categories.json", "--report", name)
    assert result.exit_code == 2
    assert "is what the command reads" in result.stderr
    assert Path(name).read_bytes() == before


# ---- converters -----------------------------------------------------------------------------------------------------


def detection(annotations: list[dict[str, Any]], categories: list[dict[str, Any]] = CATEGORIES) -> Path:
    data = {
        "images": [{"id": 5, "file_name": "five.jpg", "height": 6, "width": 8}, {"id": 6, "file_name": "six.jpg",
                    "height": 2, "width": 2}],
        "annotations": [{"id": i, "image_id": 5, **each} for i, each in enumerate(annotations)],
        "categories": categories,
        "info": {"year": 1},
    }  # fmt: skip
    Path("detection.json").write_text(json.dumps(data), encoding="utf-8")
    return Path("detection.json")


def box(x: int, y: int, width: int, height: int, form: str = "polygon") -> Any:
    if form == "polygon":
        return [[x, y, x + width, y, x + width, y + height, x, y + height]]
    rle = RLEArray.from_boxes([[x, y, width, height]], 6, 8).to_coco(counts=form)[0]  # type: ignore[call-overload]
    return {"size": list(rle["size"]), "counts": rle["counts"]}


@pytest.mark.parametrize("form", ["polygon", "str", "list"])
def test_every_form_of_a_segmentation_is_converted(form: str, threads: int, json_library: str) -> None:
    source = detection(
        [
            {"category_id": 1, "segmentation": box(0, 0, 2, 3, form), "iscrowd": 0, "area": 6.5, "note": 1},
            {"category_id": 187, "segmentation": box(4, 1, 4, 5, form)},
            {"category_id": 1, "segmentation": box(2, 0, 1, 1, form), "iscrowd": 1},
        ]
    )
    converters.detection_to_panoptic(source, "set.json")
    assert validate("set.json") == []
    data = load("set.json")
    assert data["info"] == {"year": 1}
    assert [each["segments_info"] == [] for each in data["annotations"]] == [False, True]
    infos = data["annotations"][0]["segments_info"]
    person = 220 + 256 * 20 + 65536 * 60
    assert infos[0] == {"id": person, "category_id": 1, "iscrowd": 0, "bbox": [0, 0, 2, 3], "area": 6, "note": 1}
    assert infos[1]["id"] == 70 + 256 * 130 + 65536 * 180
    assert infos[2]["iscrowd"] == 1
    assert len({info["id"] for info in infos}) == 3
    expected = np.zeros((6, 8), np.uint32)
    expected[:3, :2], expected[1:, 4:], expected[0, 2] = (info["id"] for info in infos)
    np.testing.assert_array_equal(read_id_png("set/five.png"), expected)
    assert not read_id_png("set/six.png").any()


def test_overlaps_are_refused_or_resolved() -> None:
    source = detection(
        [
            {"category_id": 1, "segmentation": box(0, 0, 3, 3), "segment_id": 1},
            {"category_id": 1, "segmentation": box(1, 1, 5, 4), "segment_id": 2},
            {"category_id": 18, "segmentation": box(0, 0, 2, 1), "segment_id": 3, "iscrowd": 1},
            {"category_id": 18, "segmentation": box(2, 2, 1, 1), "segment_id": 4},
            {"category_id": 18, "segmentation": box(2, 2, 1, 1), "segment_id": 5},
        ]
    )
    with pytest.raises(ValueError, match="image 5: annotations 0 and 1 have 4 pixels in common"):
        converters.detection_to_panoptic(source, "set.json")
    assert not Path("set.json").exists()
    masks = [((0, 3), (0, 3)), ((1, 5), (1, 6)), ((0, 1), (0, 2)), ((2, 3), (2, 3)), ((2, 3), (2, 3))]
    # from below: as they come; or crowds, then the largest first
    for overlaps, order in (("over", [0, 1, 2, 3, 4]), ("smaller", [2, 1, 0, 3, 4])):
        converters.detection_to_panoptic(source, "set.json", overlaps=overlaps)  # type: ignore[arg-type]
        expected = np.zeros((6, 8), np.uint32)
        for i in order:
            (top, bottom), (left, right) = masks[i]
            expected[top:bottom, left:right] = i + 1
        np.testing.assert_array_equal(read_id_png("set/five.png"), expected)
        assert validate("set.json") == []
        left_over = [info["id"] for info in load("set.json")["annotations"][0]["segments_info"]]
        assert left_over == sorted(set(expected.ravel().tolist()) - {0})


@pytest.mark.parametrize(
    ("annotations", "message"),
    [
        ([{"category_id": 5, "segmentation": []}], r"annotations\[0\]: category 5 is not in categories"),
        (
            [{"category_id": 1, "segmentation": []}, {"image_id": 9, "category_id": 1}],
            r"annotations\[1\] is .*, of no image",
        ),
        ([{"category_id": 1}], "image 5: annotation 0: "),
        ([{"category_id": 1, "segmentation": {"size": [2, 2], "counts": "04"}}], "size is 2 x 2, expected 6 x 8"),
        (
            [{"category_id": 1, "segmentation": {"size": [6, 8], "counts": [5]}}],
            "image 5: annotation 0: segmentation: runs cover 5",
        ),
        ([{"category_id": 1, "segmentation": [[1, 2, 3]]}], r"image 5: annotation 0: segmentation\[0\]: has 3 coord"),
        (
            [{"category_id": 1, "segmentation": box(0, 0, 2, 2)}, {"category_id": 1, "segmentation": box(1, 1, 2, 2)}],
            "image 5: annotations 0 and 1 have 1 pixel in common",
        ),
        (
            [{"category_id": 1, "segmentation": box(0, 0, 1, 1), "segment_id": 0}],
            "segment_id is 0, expected 1 to 16777215",
        ),
        (
            [{"category_id": 1, "segmentation": box(i, 0, 1, 1), "segment_id": 7} for i in range(2)],
            "annotation 1: segment_id 7 is taken",
        ),
        (
            [{"category_id": 187, "segmentation": box(i, 0, 1, 1)} for i in range(2)],
            "category 187 is stuff and has segment",
        ),
    ],
)
def test_annotations_that_are_none_are_refused(annotations: list[dict[str, Any]], message: str, tmp_path: Path) -> None:
    source = detection(annotations)
    with pytest.raises(ValueError, match=message):
        converters.detection_to_panoptic(source, "set.json")
    assert files(tmp_path) == ["detection.json"]


def test_categories_without_isthing_are_refused_and_can_be_given() -> None:
    bare = [{"id": 1, "name": "person"}]
    source = detection([{"category_id": 1, "segmentation": box(0, 0, 2, 2)}], bare)
    with pytest.raises(FaultError, match="category 1: isthing is None, expected 0 or 1"):
        converters.detection_to_panoptic(source, "set.json")
    converters.detection_to_panoptic(source, "set.json", categories=[PERSON])
    assert validate("set.json") == []
    with pytest.raises(ValueError, match="overlaps is 'x', expected"):
        converters.detection_to_panoptic(source, "set.json", overlaps="x")  # type: ignore[arg-type]


def test_segment_ids_are_distinct_never_void_and_the_same_again() -> None:
    many = [converters._SegmentIds() for _ in range(2)]
    categories = [PERSON, DOG, {"id": 3, "color": [0, 0, 0]}, {"id": 4, "color": [255, 255, 255]}]
    found = [[each.new(category) for _ in range(300) for category in categories] for each in many]
    assert found[0] == found[1]
    assert len(set(found[0])) == 1200
    assert min(found[0]) > 0
    assert max(found[0]) < 1 << 24


def test_things_only_leaves_out_stuff(dataset: Path) -> None:
    converters.panoptic_to_detection(dataset, "things.json", things_only=True, segment_ids=True)
    data = load("things.json")
    assert [each["id"] for each in data["categories"]] == [1, 18]
    assert [(each["id"], each["segment_id"]) for each in data["annotations"]] == [(0, 3937500), (1, 258), (2, 65535)]


def test_two_channels_there_and_back(dataset: Path, threads: int) -> None:
    converters.panoptic_to_two_channel(dataset, "two")
    np.testing.assert_array_equal(read_png("two/000007.png")[1], [[187, 0, 0]] + [[18, 255, 0]] * 3 + [[187, 0, 0]])
    converters.two_channel_to_panoptic(dataset, "two", "back.json")
    assert validate("back.json") == []
    for a, b in zip(CocoPanoptic("back.json"), CocoPanoptic(dataset), strict=True):
        measures = [
            sorted((s["category_id"], s["iscrowd"], s["area"], s["bbox"]) for s in record.segments) for record in (a, b)
        ]
        assert measures[0] == measures[1]


def two_channel(pixels: Any) -> None:
    Path("images.json").write_text(
        json.dumps({"images": [{"id": 1, "file_name": "a.jpg", "height": 1, "width": 4}], "categories": CATEGORIES}),
        encoding="utf-8",
    )
    Path("two").mkdir(exist_ok=True)
    write_png("two/a.png", np.array([pixels], dtype=np.uint8))


def test_instances_of_stuff_are_one_segment_and_category_0_is_void() -> None:
    two_channel([[187, 0, 0], [187, 3, 0], [0, 9, 0], [1, 4, 0]])
    converters.two_channel_to_panoptic("images.json", "two", "set.json")
    infos = load("set.json")["annotations"][0]["segments_info"]
    assert [(info["category_id"], info["area"], info["iscrowd"]) for info in infos] == [(1, 1, 0), (187, 2, 0)]


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        ([[5, 0, 0]] * 4, "a.png: image 1: category 5 is not in categories"),
        ([[1, 0, 0]] * 3 + [[1, 0, 7]], "image 1: a.png has blue 7, expected red and green only"),
        ([[1, 0, 0]] * 3, "image 1: a.png is 1 x 3, expected 1 x 4"),
    ],
)
def test_two_channel_files_that_are_none_are_refused(pixels: Any, message: str) -> None:
    two_channel(pixels)
    with pytest.raises(ValueError, match=message):
        converters.two_channel_to_panoptic("images.json", "two", "set.json")
    assert not Path("set.json").exists()


def test_a_two_channel_file_that_is_missing_is_named_with_its_image(tmp_path: Path) -> None:
    """The error was that of the system, without the image."""
    two_channel([[1, 0, 0]] * 4)
    Path("two/a.png").unlink()
    with pytest.raises(FaultError, match=r"^a\.png: image 1: is not in two$"):
        converters.two_channel_to_panoptic("images.json", "two", "set.json")
    assert files(tmp_path) == ["images.json"]


def test_crowds_of_a_category_are_not_merged_unasked() -> None:
    """They were: two channels have one number for them."""
    ids = np.array([[5, 6, 7, 8]])
    infos = [{"id": i, "category_id": 1 if i < 8 else 18, "iscrowd": int(i != 7)} for i in (5, 6, 7, 8)]
    write_panoptic("set.json", [Record({"id": 3, "file_name": "3.jpg"}, ids, infos)], CATEGORIES)
    with pytest.raises(OverflowError, match="image 3: category 1 has several crowds, which two channels do not tell"):
        converters.panoptic_to_two_channel("set.json", "two")
    assert not Path("two").exists()
    converters.panoptic_to_two_channel("set.json", "two", merge_crowds=True)
    assert read_png("two/3.png").tolist() == [[[1, 255, 0], [1, 255, 0], [1, 0, 0], [18, 255, 0]]]


def test_what_two_channels_do_not_hold_is_refused() -> None:
    image = {"id": 1, "file_name": "1.jpg"}
    ids = np.arange(1, 258).reshape(1, -1)
    infos = [{"id": i, "category_id": 1} for i in range(1, 258)]
    write_panoptic("many.json", [Record(image, ids, infos)], CATEGORIES)
    with pytest.raises(OverflowError, match="image 1: category 1 has more than 255 instances"):
        converters.panoptic_to_two_channel("many.json", "two")
    big = {"id": 300, "name": "big", "isthing": 0}
    write_panoptic("big.json", [Record(image, np.full((1, 2), 3), [{"id": 3, "category_id": 300}])], [big])
    with pytest.raises(OverflowError, match="image 1: category 300 does not fit, expected 1 to 255"):
        converters.panoptic_to_two_channel("big.json", "two")
    assert not Path("two").exists()
    converters.panoptic_to_semantic("big.json", "semantic")
    assert read_label_png("semantic/1.png").tolist() == [[300, 300]]
    assert read_label_png("semantic/1.png").dtype == np.uint16


# ---- Cityscapes -----------------------------------------------------------------------------------------------------


def cityscapes(instances: Any) -> Path:
    folder = Path("gtFine") / "val" / "aachen"
    folder.mkdir(parents=True, exist_ok=True)
    write_label_png(folder / "aachen_000000_000019_gtFine_instanceIds.png", np.array(instances, dtype=np.uint16))
    return folder.parent


INSTANCES = [[26002, 26002, 26, 7], [26002, 0, 4, 7], [33999, 29000, 23, 23]]


@pytest.mark.parametrize("use_train_id", [False, True])
def test_cityscapes_is_converted_as_its_scripts_do(use_train_id: bool, threads: int) -> None:
    """Written out from what createPanopticImgs of cityscapesScripts does."""
    converters.cityscapes_to_panoptic(cityscapes(INSTANCES), "set.json", use_train_id=use_train_id)
    assert validate("set.json") == []
    data = load("set.json")
    assert len(data["categories"]) == 19
    assert sum(category["isthing"] for category in data["categories"]) == 8
    key = "aachen_000000_000019"
    assert data["images"] == [{"id": key, "file_name": f"{key}_leftImg8bit.png", "height": 3, "width": 4}]
    annotation = data["annotations"][0]
    assert annotation["image_id"] == key
    assert annotation["file_name"] == f"{key}_gtFine_panoptic.png"
    train = {7: 0, 23: 10, 26: 13, 33: 18}
    assert annotation["segments_info"] == [
        {
            "id": number,
            "category_id": train[label] if use_train_id else label,
            "iscrowd": crowd,
            "bbox": bbox,
            "area": area,
        }
        for number, label, crowd, bbox, area in (
            (7, 7, 0, [3, 0, 1, 2], 2),
            (23, 23, 0, [2, 2, 2, 1], 2),
            (26, 26, 1, [2, 0, 1, 1], 1),
            (26002, 26, 0, [0, 0, 2, 2], 3),
            (33999, 33, 0, [0, 2, 1, 1], 1),
        )
    ]
    kept = np.array(INSTANCES)
    kept[(kept == 4) | (kept == 29000)] = 0
    np.testing.assert_array_equal(read_id_png(f"set/{key}_gtFine_panoptic.png"), kept)


def test_cityscapes_that_is_none_is_refused() -> None:
    with pytest.raises(FileNotFoundError, match=r"no files \*_gtFine_instanceIds\.png below nowhere"):
        converters.cityscapes_to_panoptic("nowhere", "set.json")
    with pytest.raises(
        ValueError, match=r"image aachen_000000_000019: .* has the instance id 40001, which is of no label"
    ):
        converters.cityscapes_to_panoptic(cityscapes([[7, 40001]]), "set.json")
    assert not os.path.exists("set.json")
