"""The benchmark: its scenes are like COCO's, all libraries answer alike, and a wrong answer is found out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich")

from panomask.bench import report, runner, scenes
from panomask.bench.adapters import LIBRARIES, load_adapters, via_numpy
from panomask.bench.cases import CASES, COMMAND_CASES, answers_agree, bytes_of
from panomask.bench.coco_file import CocoFileError, read_coco_scenes
from panomask.bench.machine import machine, versions

# pycocotools 2.0.11 makes numpy 2 warn whenever it decodes.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

HEIGHT, WIDTH = 40, 60
ADAPTERS, MISSING = load_adapters()
INPUTS = {
    "coco": scenes.coco_like_scenes,
    "simple": scenes.simple_scenes,
    "ragged": scenes.ragged_scenes,
    "checkerboard": scenes.checkerboard_scenes,
}


def small_scenes(name: str = "coco", masks: int = 12) -> list[scenes.Scene]:
    return INPUTS[name](np.random.default_rng(1), masks, HEIGHT, WIDTH)


def measured(adapters: dict[str, ModuleType], some: list[scenes.Scene]) -> list[runner.Measurement]:
    return runner.measure(COMMAND_CASES, adapters, some, repeats=2, turn_seconds=0)


def coco_file(path: Path, **changes: Any) -> Path:
    """Write a file with one image and an annotation of each kind of segmentation, some of it replaced."""
    mask = {"image_id": "first", "iscrowd": 1}
    content = {
        "images": [{"id": "first", "height": 6, "width": 8}],
        "annotations": [
            {"image_id": "first", "iscrowd": 0, "segmentation": [[1, 1, 1, 4, 5, 4, 5, 1], [0, 0, 1, 1]]},
            {**mask, "segmentation": {"size": [6, 8], "counts": "73300000a0"}},
            # Spelled with an empty run, which pycocotools would stumble over in a merge.
            {**mask, "segmentation": {"size": [6, 8], "counts": [7, 2, 0, 1, 38]}},
        ],
    }
    path.write_text(json.dumps(content | changes))
    return path


# Scenes


@pytest.mark.parametrize("seed", range(3))
def test_scenes_have_the_statistics_of_coco(seed: int) -> None:
    some = scenes.coco_like_scenes(np.random.default_rng(seed))
    runs = [len(counts) for scene in some for counts in scene.gt.counts]
    areas = [counts[1::2].sum() for scene in some for counts in scene.gt.counts]
    masks_per_image = [len(scene.gt) for scene in some]
    assert len(runs) == 200
    assert 80 <= np.median(runs) <= 125
    assert 180 <= np.mean(runs) <= 260
    assert 900 <= np.median(areas) <= 1300
    assert 3 <= np.median(masks_per_image) <= 8
    assert max(masks_per_image) > 20


def test_scenes_of_a_seed_are_always_the_same() -> None:
    one, other = small_scenes(), small_scenes()
    assert [scene.polygons for scene in one] == [scene.polygons for scene in other]
    for a, b in zip(one, other, strict=True):
        assert answers_agree(list(a.dt.counts), list(b.dt.counts))


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("masks", [1, 2, 12])
def test_scenes_hold_as_many_masks_as_asked(name: str, masks: int) -> None:
    some = small_scenes(name, masks)
    assert sum(len(scene.gt) for scene in some) == masks
    for scene in some:
        assert len(scene.dt) == len(scene.iscrowd) == len(scene.gt)
        for counts in scene.gt.counts + scene.dt.counts:
            assert counts.sum() == HEIGHT * WIDTH
            assert (counts[1:] > 0).all()


def test_a_checkerboard_has_a_run_a_pixel_except_between_columns() -> None:
    counts = small_scenes("checkerboard", 1)[0].gt.counts[0]
    assert len(counts) >= HEIGHT * WIDTH - WIDTH


def test_detections_overlap_what_they_detect() -> None:
    some = small_scenes("simple")
    iou = [via_numpy.iou(*(via_numpy.hold_masks(m) for m in (s.dt, s.gt)), s.iscrowd).diagonal() for s in some]
    assert 0.5 < np.median(iou) < 1


@pytest.mark.parametrize(("down", "right"), [(0, 0), (2, -3), (-2, 3), (40, 0), (0, -60), (-99, 99)])
def test_moving_a_mask_loses_what_leaves_the_image(down: int, right: int) -> None:
    mask = np.random.default_rng(0).random((HEIGHT, WIDTH)) < 0.5
    expected = np.zeros_like(mask)
    for row, col in np.argwhere(mask) + np.array([down, right]):
        if 0 <= row < HEIGHT and 0 <= col < WIDTH:
            expected[row, col] = True
    assert np.array_equal(scenes.moved(mask, down, right), expected)


# Adapters and cases


@pytest.mark.parametrize("library", LIBRARIES[1:])
@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.operation)
def test_all_libraries_answer_alike(case: Any, name: str, library: str) -> None:
    if library in MISSING:
        pytest.skip(f"{library}: {MISSING[library]}")
    answers = {}
    for adapter in (via_numpy, ADAPTERS[library]):
        if not hasattr(adapter, case.operation):
            pytest.skip(f"{library} does not offer {case.operation}")
        function = getattr(adapter, case.operation)
        operands = case.operands(adapter, small_scenes(name))
        answers[adapter.NAME] = [case.comparable(adapter, function(*arguments)) for arguments in operands]
    assert all(map(answers_agree, answers["numpy"], answers[library]))


def test_every_library_offers_what_the_command_measures() -> None:
    for adapter in ADAPTERS.values():
        for case in COMMAND_CASES:
            assert callable(getattr(adapter, case.operation))
        assert adapter.NAME in LIBRARIES
        assert adapter.version()


def test_numba_compiles_where_nothing_can_be_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    if "numba" in MISSING:
        pytest.skip(f"numba: {MISSING['numba']}")

    def no_place(function: Any = None, *, cache: bool = False) -> Any:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return function

    monkeypatch.setattr(ADAPTERS["numba"].numba, "njit", no_place)
    assert ADAPTERS["numba"].compiled(len)([1, 2]) == 2


def test_a_crowd_is_divided_by_the_detection_alone() -> None:
    mask = via_numpy.encode_planes(np.array([[[1, 1, 0, 0]], [[0, 1, 1, 0]]]))
    masks = scenes.Masks(1, 4, tuple(mask))
    iscrowd = np.array([0, 1], np.uint8)
    for adapter in ADAPTERS.values():
        held = adapter.hold_masks(masks)
        assert np.asarray(adapter.iou(held, held, iscrowd)).tolist() == [[1, 0.5], [1 / 3, 1]]


def test_empty_masks_are_measured_too() -> None:
    masks = scenes.Masks(3, 4, (np.array([12], np.uint32), np.array([0, 12], np.uint32)))
    scene = scenes.Scene(masks, masks, np.zeros(2, np.uint8), [[[9.0, 9, 9, 10, 10, 10]]])
    assert {each.problem for each in measured(ADAPTERS, [scene])} == {""}


@pytest.mark.parametrize(
    ("answer", "other", "agree"),
    [
        ([np.array([1, 2])], [np.array([1, 2], np.uint32)], True),
        ([np.array([1, 2])], [np.array([1, 3])], False),
        ([np.array([1, 2])], [], False),
        ([b"1"], [b"1"], True),
        ([b"1"], [b"2"], False),
        (np.zeros((2, 2)), np.zeros((2, 2)), True),
        (np.zeros((2, 2)), np.zeros(4), False),
        (np.array([1.0]), np.array([np.nextafter(1, 2)]), False),
    ],
)
def test_answers_agree_if_exactly_equal(answer: Any, other: Any, agree: bool) -> None:
    assert answers_agree(answer, other) is agree


def test_bytes_are_those_of_the_data() -> None:
    rle = {"size": [480, 640], "counts": b"1234"}
    assert bytes_of(np.zeros((3, 4), np.uint8)) == 12
    assert bytes_of([rle, rle]) == 2 * (16 + 4)
    assert bytes_of(([[1.5, 2.5, 3.5]], 480, 640)) == 40


# The runner


def test_measurements_are_complete() -> None:
    some = small_scenes()
    called: list[str] = []
    found = runner.measure(COMMAND_CASES, ADAPTERS, some, repeats=2, turn_seconds=0, step=called.append)
    assert [(each.case, each.library) for each in found] == [(c, name) for c in COMMAND_CASES for name in ADAPTERS]
    assert len(called) == runner.steps(COMMAND_CASES, ADAPTERS, 2)
    for each in found:
        assert each.agreed, each.problem
        assert each.masks == 12
        assert len(each.seconds) == 2
        assert min(each.seconds) <= each.median <= max(each.seconds)
    dense = next(each for each in found if each.case.operation == "area" and each.library == "numpy")
    assert dense.bytes_moved == 12 * (HEIGHT * WIDTH + 8)


def test_short_passes_are_timed_together() -> None:
    found = runner.measure(COMMAND_CASES[4:5], {"numpy": via_numpy}, small_scenes(), repeats=1, turn_seconds=0.01)
    assert found[0].loops > 1
    assert found[0].median < 0.005


def test_a_different_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = ADAPTERS["panomask"].box
    monkeypatch.setattr(ADAPTERS["panomask"], "box", lambda rles: right(rles) + 1)
    found = measured(ADAPTERS, small_scenes(masks=30))
    wrong = [each for each in found if not each.agreed]
    assert [(each.case.operation, each.library) for each in wrong] == [("box", "panomask")]
    assert wrong[0].problem.startswith("gives another answer for image 1 of ")
    assert wrong[0].seconds


def test_a_library_that_fails_does_not_end_the_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(masks: Any) -> None:
        raise RuntimeError("no more masks")

    monkeypatch.setattr(via_numpy, "union", fail)
    found = measured(ADAPTERS, small_scenes())
    wrong = [each for each in found if not each.agreed]
    assert [(each.case.operation, each.library) for each in wrong] == [("union", "numpy")]
    assert wrong[0].problem == "fails with RuntimeError: no more masks"
    assert np.isnan(wrong[0].median)


@pytest.mark.parametrize("library", ["numba", "pycocotools"])
def test_without_a_library_the_others_are_compared(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    for module in (library, f"{library}.mask"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, f"panomask.bench.adapters.via_{library}", raising=False)
    adapters, missing = load_adapters()
    assert missing == {**MISSING, library: "not installed"}
    found = measured(adapters, small_scenes())
    assert {each.library for each in found} == set(LIBRARIES) - set(missing)


def test_without_polygons_there_is_nothing_to_rasterise() -> None:
    scene = small_scenes()[0]
    some = [scenes.Scene(scene.gt, scene.dt, scene.iscrowd, [])]
    assert "rasterise" not in {each.case.operation for each in measured({"numpy": via_numpy}, some)}


# Reports


def make_report(some: list[scenes.Scene], missing: dict[str, str] | None = None) -> report.Report:
    return report.Report(
        measured(ADAPTERS, some),
        report.describe_scenes(some, "scenes [1]", 1),
        machine(),
        versions(ADAPTERS),
        missing or {},
    )


def table_text(of: report.Report) -> str:
    from rich.console import Console

    console = Console(width=80, no_color=True)
    with console.capture() as capture:
        console.print(report.to_table(of))
    return capture.get()


def test_the_table_fits_a_terminal_and_has_a_row_a_case() -> None:
    text = table_text(make_report(small_scenes()))
    assert text.startswith("scenes [1]: 12 masks in 1 image of 40 x 60, ")
    assert "…" not in text
    for case in COMMAND_CASES:
        assert case.title in text
    assert text.count(" yes ") == len(COMMAND_CASES)


def test_the_table_says_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ADAPTERS, "numba", raising=False)
    text = table_text(make_report(small_scenes(), {"numba": "not installed"}))
    assert text.count("not installed") == len(COMMAND_CASES)


def test_a_difference_is_in_table_problems_and_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ADAPTERS["panomask"], "area", lambda rles: [0])
    of = make_report(small_scenes())
    assert of.problems == ["area: panomask gives another answer for image 1 of 1"]
    assert table_text(of).count(" no ") == 1
    assert json.loads(report.to_json(of))["agreed"] is False


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.00 ns"), (1.5e-8, "15.0 ns"), (9.994e-7, "999 ns"), (9.996e-7, "1.00 µs"), (2e4, "20000 s")],
)
def test_times_have_three_digits(seconds: float, text: str) -> None:
    assert report.seconds_text(seconds) == text


@pytest.mark.parametrize(("ratio", "text"), [(0.002, "0.002x"), (0.0149, "0.01x"), (0.999, "1.0x"), (12.3, "12x")])
def test_ratios_have_about_two_digits(ratio: float, text: str) -> None:
    assert report.ratio_text(ratio) == text


def test_a_plot_is_a_png_or_an_svg_file() -> None:
    pytest.importorskip("matplotlib")
    from panomask.bench.plot import to_picture

    record = json.loads(report.to_json(make_report(small_scenes())))
    assert to_picture(record).startswith(b"\x89PNG\r\n\x1a\n")
    svg = to_picture(record, "svg")
    assert b"<svg" in svg
    assert svg == to_picture(record, "svg")


def test_a_plot_shows_what_failed_or_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    from panomask.bench import plot

    written: list[str] = []
    monkeypatch.setattr(plot, "_write", lambda axes, x, y, text, *look: written.append(text))
    record = report.to_record(make_report(small_scenes()))
    first, second, *_ = (each for each in record["results"] if each["library"] == "panomask")
    first["agreed"], second["median"] = False, None
    plot.to_picture(record)
    assert len(written) == len(COMMAND_CASES) * (len(ADAPTERS) - 1)
    assert sum(text.endswith("x, differs") for text in written) == 1
    assert written.count("failed") == 1


# COCO files


def test_every_kind_of_segmentation_is_read(tmp_path: Path) -> None:
    path = coco_file(tmp_path / "coco.json")
    (scene,) = read_coco_scenes(path, np.random.default_rng(0), masks=1)
    assert [counts.tolist() for counts in scene.gt.counts] == [
        [7, 3, 3, 3, 3, 3, 3, 3, 20],
        [7, 3, 3, 3, 3, 3, 3, 3, 20],
        [7, 3, 38],
    ]
    assert scene.iscrowd.tolist() == [0, 1, 1]
    assert scene.polygons == [[[1, 1, 1, 4, 5, 4, 5, 1]]]
    assert len(scene.dt) == 3


def test_images_are_drawn_until_there_are_enough_masks(tmp_path: Path) -> None:
    images = [{"id": i, "height": 6, "width": 8} for i in range(9)]
    annotations = [{"image_id": i % 9, "segmentation": [[1, 1, 1, 4, 5, 4]]} for i in range(18)]
    path = coco_file(tmp_path / "coco.json", images=images, annotations=annotations)
    assert len(read_coco_scenes(path, np.random.default_rng(0), masks=3)) == 2
    assert len(read_coco_scenes(path, np.random.default_rng(0), masks=99)) == 9


IMAGE = {"id": "first", "height": 6, "width": 8}
RLE = {"size": [6, 8], "counts": [48]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": None}, "not a COCO instances file: it has no list 'images'"),
        ({"annotations": {}}, "not a COCO instances file: it has no list 'annotations'"),
        ({"annotations": []}, "no annotation has a mask"),
        ({"annotations": [3]}, "annotations[0]: expected an object with 'image_id'"),
        ({"annotations": [{"image_id": []}]}, "annotations[0]: image_id is a list"),
        ({"annotations": [{"image_id": 7}]}, "annotations[0]: image_id 7 is not among the images"),
        (
            {"annotations": [{"image_id": "first"}]},
            "annotations[0]: expected a segmentation of polygons or an RLE, found NoneType",
        ),
        (
            {"annotations": [{"image_id": "first", "segmentation": [["a"]]}]},
            "annotations[0]: expected rings [x0, y0, x1, y1, ...] of numbers",
        ),
        (
            {"annotations": [{"image_id": "first", "segmentation": [[[1, 2], [3, 4]]]}]},
            "annotations[0]: expected rings [x0, y0, x1, y1, ...], found an array of shape (2, 2)",
        ),
        (
            {"annotations": [{"image_id": "first", "segmentation": [[1, 2, float("nan"), 4, 5, 6]]}]},
            "annotations[0]: a coordinate is not a number or beyond 1,000,000",
        ),
        (
            {"annotations": [{"image_id": "first", "segmentation": RLE | {"size": [8, 6]}}]},
            "annotations[0]: the RLE is of 8 x 6 pixels, its image of 6 x 8",
        ),
        ({"images": [{"id": "first", "height": 6}]}, "images[0]: expected an object with 'width'"),
        (
            {"images": [IMAGE | {"height": "6"}]},
            "images[0]: expected a height and width in pixels, found '6' and 8",
        ),
        (
            {"images": [IMAGE | {"height": 10**5, "width": 10**5}]},
            "images[0]: 100000 x 100000 pixels are more than can be compared",
        ),
    ],
)
def test_a_broken_coco_file_is_explained(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = coco_file(tmp_path / "coco.json", **changes)
    with pytest.raises(CocoFileError) as failure:
        read_coco_scenes(path, np.random.default_rng(0), masks=9)
    assert str(failure.value) == f"{path}: {message}"


def test_a_broken_rle_is_explained_with_its_annotation(tmp_path: Path) -> None:
    annotation = {"image_id": "first", "segmentation": {"size": [6, 8], "counts": [1, 2]}}
    path = coco_file(tmp_path / "coco.json", annotations=[annotation])
    with pytest.raises(CocoFileError) as failure:
        read_coco_scenes(path, np.random.default_rng(0), masks=9)
    assert str(failure.value) == f"{path}: annotations[0]: runs cover 3 pixels, expected 48 (6 x 8)"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory"),
        (b"", "not a JSON file: Expecting value: line 1 column 1 (char 0)"),
        (b"\xff\xfe\xff", "not a JSON file: 'utf-16-le' codec can't decode byte 0xff in position 2: truncated data"),
        (b"[" * 10**5, "not a JSON file: "),
        (b"[]", "expected a COCO instances object, found a list"),
    ],
)
def test_what_is_no_coco_file_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "coco.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CocoFileError) as failure:
        read_coco_scenes(path, np.random.default_rng(0), masks=9)
    assert str(failure.value).startswith(f"{path}: {message}")
