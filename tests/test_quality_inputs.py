"""What panoptic quality is made from: lists of segments; maps, colours, run lists and files, each giving the same."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import panomask
from panomask import RLEArray, cy_match
from panomask.panoptic import _coco_io, _matching
from panomask.panoptic.png import write_id_png
from panomask.panoptic.quality import PanopticQuality, PanopticResult, pq_compute
from quality_scenes import CATEGORIES, GOOD, ONES, Image, assert_same, evaluate, listed_images


@pytest.fixture(name="images")
def images_fixture() -> list[Image]:
    return listed_images()


# ---- lists of segments ----------------------------------------------------------------------------------------------

NUMBERS = st.one_of(
    st.integers(-3, 9),
    st.sampled_from(
        [2**63 - 1, 2**63, -(2**63), 10**30, True, False, None, 2.0, 2.5, "2", np.int32(3), np.uint64(2**63)]
    ),
)
SEGMENT = st.fixed_dictionaries(
    {}, optional={"id": NUMBERS, "category_id": NUMBERS, "iscrowd": NUMBERS, "area": NUMBERS, "bbox": st.none()}
)


SIMPLE_SEGMENT = st.fixed_dictionaries({"id": st.integers(), "category_id": st.integers(0, 9)})


@given(st.lists(st.one_of(SEGMENT, SIMPLE_SEGMENT)), st.booleans())
def test_lists_are_read_by_the_loop_as_by_the_rules(segments: list[dict[str, Any]], with_areas: bool) -> None:
    index = {1: 0, 7: 1, 3: 2}
    found = cy_match.read_segments(segments, index, with_areas)
    try:
        expected = _matching._read_any_segments(segments, index, "gt", with_areas)
    except (TypeError, ValueError, OverflowError):
        assert found is None
    else:
        assert found is None or found.tolist() == expected.tolist()


def test_lists_of_dicts_of_ints_are_read_by_the_loop() -> None:
    crowd = {"id": 5, "category_id": 7, "area": 3, "iscrowd": 1, "bbox": [0, 0, 1, 3]}
    other = {"id": 2**63 - 1, "category_id": 8}
    for with_areas in (False, True):
        found = cy_match.read_segments([crowd, other], {7: 4}, with_areas)
        assert found is not None
        assert found.tolist() == [[5, 2**63 - 1], [4, -1], [3 if with_areas else -1, -1], [1, 0]]
    for wrong in ([crowd, crowd], [crowd, {**other, "id": True}], [crowd, [5, 7]]):
        assert cy_match.read_segments(wrong, {7: 4}, False) is None
    for area in (2.0, -1, 2**63):
        assert cy_match.read_segments([crowd, {**other, "area": area}], {7: 4}, True) is None
        assert cy_match.read_segments([crowd, {**other, "area": area}], {7: 4}, False) is not None


@pytest.mark.parametrize("area", [None, -5, 3.5, math.nan, "2", 10**30, [1]])
def test_areas_of_predictions_are_counted_whatever_the_list_says(area: Any) -> None:
    """As panopticapi does, which writes over them; before, such lists were refused."""
    quality = PanopticQuality(CATEGORIES)
    quality.update(ONES, ONES, GOOD, [{**GOOD[0], "area": area}])
    assert quality.compute().tp.tolist() == [1, 0, 0, 0, 0]


# ---- maps, colours and run lists ------------------------------------------------------------------------------------


def rgb(label_map: np.ndarray) -> np.ndarray:
    return np.stack([label_map >> shift & 255 for shift in (0, 8, 16)], axis=-1).astype(np.uint8)


def rles_of(image: Image, side: str) -> tuple[Any, list[Any]]:
    masks = [image[side] == segment["id"] for segment in image[f"{side}_segments"]]
    return RLEArray.from_dense(np.array(masks)) if masks else RLEArray.empty(), image[f"{side}_segments"]


def is_listed(image: Image) -> bool:
    return set(np.unique(image["gt"]).tolist()) - {0} == {segment["id"] for segment in image["gt_segments"]}


@pytest.mark.parametrize("preset", ["coco", "coco-boundary"])
@pytest.mark.parametrize("form", ["colours", "runs", "runs and map", "map and runs", "uint32, Fortran"])
def test_all_forms_give_the_same(images: list[Image], form: str, preset: str) -> None:
    images = [image for image in images if is_listed(image)]
    assert len(images) > 15
    quality = PanopticQuality(CATEGORIES, preset)
    for image in images:
        gt, pred = image["gt"], image["pred"]
        if form == "colours":
            gt, pred = rgb(gt), rgb(pred)
        elif form == "uint32, Fortran":
            gt, pred = np.asfortranarray(gt, np.uint32), pred.astype(np.int32)[::-1][::-1]
        if form.startswith("runs"):
            gt = rles_of(image, "gt")[0]
        if form.endswith("runs"):
            pred = rles_of(image, "pred")[0]
        quality.update(gt, pred, image["gt_segments"], image["pred_segments"])
    assert_same(quality.compute(), evaluate(images, preset).compute())


def test_masks_may_be_rle_dicts(images: list[Image]) -> None:
    """As pycocotools has them; before, a list of them was taken for an array."""
    images = [image for image in images if is_listed(image)]
    quality = PanopticQuality(CATEGORIES)
    for image in images:
        gt, pred = (list(rles_of(image, side)[0]) for side in ("gt", "pred"))
        quality.update(gt, tuple(pred), image["gt_segments"], image["pred_segments"])
    assert [] in [image["gt_segments"] for image in images]
    assert_same(quality.compute(), evaluate(images).compute())


@pytest.mark.parametrize("preset", ["coco", "coco-boundary"])
def test_ids_below_void_are_refused(preset: str) -> None:
    """detectron2 has void as -1; before, that was neither void nor a segment."""
    quality = PanopticQuality(CATEGORIES, preset)
    with pytest.raises(ValueError, match=r"^image 0: gt has id -1, expected 0 for void to 9223372036854775807$"):
        quality.update([[1, -1, 1]], [[1, 1, 1]], GOOD, GOOD)
    with pytest.raises(ValueError, match=r"^image 0: pred has id -1, expected 0 for void to 9223372036854775807$"):
        quality.update([[1, 1, 1]], [[1, -1, 1]], GOOD, GOOD)


def test_two_sides_without_segments_or_pixels() -> None:
    quality = PanopticQuality(CATEGORIES)
    quality.update(RLEArray.empty(), RLEArray.empty(), [], [])
    quality.update(np.zeros((0, 4), int), np.zeros((0, 4), int), [], [])
    quality.update(np.zeros((2, 2), int), RLEArray.empty(), [], [])
    assert len(quality) == 3
    assert quality.compute().tp.sum() == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((ONES, ONES.T, GOOD, GOOD), ValueError, "image 0: gt is 2 x 3 pixels, but pred 3 x 2"),
        (
            (ONES[0], ONES, GOOD, GOOD),
            ValueError,
            "image 0: gt has shape (3,), expected (h, w) of ids or (h, w, 3) of colours",
        ),
        ((ONES * 1.5, ONES, GOOD, GOOD), TypeError, "image 0: gt has dtype float64, expected integers"),
        (
            (np.ones((2, 2, 3), int), ONES, GOOD, GOOD),
            TypeError,
            "image 0: gt has dtype int64, expected uint8 for colours (h, w, 3)",
        ),
        ((ONES, ONES), TypeError, "preset coco needs gt_segments and pred_segments"),
        (
            (ONES, ONES, GOOD, GOOD * 2),
            ValueError,
            "image 0: pred_segments[1]: id 1 is that of segment 0 of the list too",
        ),
        ((ONES, ONES, [{"id": 1}], GOOD), ValueError, "image 0: gt_segments[0] has no 'category_id'"),
        ((ONES, ONES, [1], GOOD), TypeError, "image 0: gt_segments[0] is 1, expected a dict with id and category_id"),
        (
            (ONES, ONES, GOOD, 7),
            TypeError,
            "image 0: pred_segments is 7, expected a list of dicts with id and category_id",
        ),
        (
            (ONES, ONES, GOOD[0], GOOD),
            TypeError,
            "image 0: gt_segments is {'id': 1, 'category_id': 1}, expected a list of dicts with id and category_id",
        ),
        (
            (ONES, ONES, [{"id": 1, "category_id": [1]}], GOOD),
            TypeError,
            "image 0: gt_segments[0]: category_id is [1], expected an integer",
        ),
        (
            (ONES, ONES, [{"id": 1, "category_id": 1, "area": -6}], GOOD),
            ValueError,
            "image 0: gt_segments[0]: area is -6, expected 0 or more",
        ),
        (
            (ONES, ONES, [*GOOD, {"id": 2**63, "category_id": 1}], GOOD),
            ValueError,
            "image 0: gt_segments[1]: id is 9223372036854775808, expected less than 2**63",
        ),
        ((-ONES, ONES, GOOD, GOOD), ValueError, f"image 0: gt has id -1, expected 0 for void to {2**63 - 1}"),
        (
            (ONES, ONES.astype(np.uint64) + np.uint64(2**63), GOOD, GOOD),
            ValueError,
            f"image 0: pred has id {2**63 + 1}, expected 0 for void to {2**63 - 1}",
        ),
        (
            (ONES, ONES, [{"id": "1", "category_id": 1}], GOOD),
            TypeError,
            "image 0: gt_segments[0]: id is '1', expected an integer",
        ),
        (
            (ONES, ONES, [{"id": 1.5, "category_id": 1}], GOOD),
            TypeError,
            "image 0: gt_segments[0]: id is 1.5, expected an integer",
        ),
        (
            (ONES, ONES, [{"id": 2, "category_id": 1}], GOOD),
            ValueError,
            "image 0: gt segment 2 has no area, and is not in the map",
        ),
        (
            (ONES, ONES, [{"id": 1, "category_id": 1, "area": 0}], GOOD),
            ValueError,
            "image 0: gt segment 1 has area 0 in the list, but shares 6 pixels with pred segment 1",
        ),
        ((RLEArray.ones(2, 2, 3), ONES, GOOD, GOOD), ValueError, "image 0: gt has 2 masks, but its list 1 segments"),
        (
            (RLEArray.ones(2, 2, 3), ONES, [*GOOD, {"id": 2, "category_id": 1}], GOOD),
            ValueError,
            "image 0: gt: masks overlap in 6 pixels, expected segments that have none in common",
        ),
        ((RLEArray.ones(1, 2, 4), ONES, GOOD, GOOD), ValueError, "image 0: gt is 2 x 4 pixels, but pred 2 x 3"),
        (
            (RLEArray.ones(1, 2, 4), RLEArray.ones(1, 2, 3), GOOD, GOOD),
            ValueError,
            "image 0: gt is 2 x 4 pixels, but pred 2 x 3",
        ),
        (
            ([{"size": [2, 3], "counts": [5]}], ONES, GOOD, GOOD),
            ValueError,
            "image 0: gt: rles[0]: runs cover 5 pixels, expected 6 (2 x 3)",
        ),
        (
            (ONES, [RLEArray.ones(1, 2, 3)[0], RLEArray.zeros(1, 4, 1)[0]], GOOD, [*GOOD, {"id": 2, "category_id": 1}]),
            ValueError,
            "image 0: pred: masks[1]: size is 4 x 1, but masks[0] is 2 x 3",
        ),
        (
            (ONES, ONES * 8, GOOD, GOOD),
            KeyError,
            "'In the image with ID 0 segment with ID 8 is presented in PNG and not presented in JSON.'",
        ),
        (
            (ONES, ONES, GOOD, [{"id": 1, "category_id": 4}]),
            KeyError,
            "'In the image with ID 0 segment with ID 1 has unknown category_id 4.'",
        ),
        (
            (ONES, ONES, GOOD, [*GOOD, {"id": 5, "category_id": 1}]),
            KeyError,
            "'In the image with ID 0 the following segment IDs [5] are presented in JSON and not presented in PNG.'",
        ),
    ],
)
def test_what_is_refused(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    quality = PanopticQuality(CATEGORIES)
    with pytest.raises(error) as caught:
        quality.update(*arguments)
    assert str(caught.value) == message
    assert len(quality) == 0


@pytest.mark.parametrize(
    ("preset", "gt", "message"),
    [
        (
            "torchmetrics",
            np.ones((2, 3), int),
            "image 0: gt has shape (2, 3), expected (..., 2): a category and an instance a pixel",
        ),
        (
            "torchmetrics",
            (np.ones(3, int), np.ones(4, int)),
            "image 0: gt has categories of shape (3,), but instances of (4,)",
        ),
        ("torchmetrics", (np.ones(3, int), -np.ones(3, int)), "image 0: gt has instance -1, expected 0 to 4294967295"),
        ("torchmetrics", (np.ones(4, int), np.ones(4, int)), "image 0: gt has shape (4,), but pred (3,)"),
        (
            "nuscenes",
            (np.array([1, 2, 7]), np.ones(3, int)),
            "image 0: gt has category 2, which is none of those to evaluate or ignore",
        ),
    ],
)
def test_categories_and_points_that_are_refused(preset: str, gt: Any, message: str) -> None:
    pred = np.array([1, 1, 1]), np.array([1, 1, 1])
    with pytest.raises(ValueError, match=r"^image") as caught:
        PanopticQuality(CATEGORIES, preset).update(gt, pred)
    assert str(caught.value) == message


# ---- files ----------------------------------------------------------------------------------------------------------


def write_files(folder: Path, images: list[Image]) -> tuple[Path, Path]:
    image_module = pytest.importorskip("PIL.Image")
    for side in ("gt", "pred"):
        (folder / side).mkdir(parents=True)
        annotations = []
        for i, image in enumerate(images):
            image_module.fromarray(rgb(image[side])).save(folder / side / f"{i}.png")
            annotations.append({"image_id": i, "file_name": f"{i}.png", "segments_info": image[f"{side}_segments"]})
        content = {"annotations": annotations, "categories": CATEGORIES}
        (folder / f"{side}.json").write_text(json.dumps(content))
    return folder / "gt.json", folder / "pred.json"


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_files_give_what_maps_give(tmp_path: Path, images: list[Image], workers: int) -> None:
    gt, pred = write_files(tmp_path, images)
    quality = PanopticQuality.from_files(gt, pred, workers=workers)
    assert_same(quality.compute(), evaluate(images).compute())
    one = PanopticQuality(CATEGORIES)
    first = images[0]
    one.update(tmp_path / "gt/0.png", str(tmp_path / "pred/0.png"), first["gt_segments"], first["pred_segments"])
    one.update(tmp_path / "gt/1.png", images[1]["pred"], images[1]["gt_segments"], images[1]["pred_segments"])
    one.update(rgb(images[2]["gt"]), tmp_path / "pred/2.png", images[2]["gt_segments"], images[2]["pred_segments"])
    assert_same(one.compute(), evaluate(images[:3]).compute())


def test_pq_compute_returns_and_prints_what_panopticapi_does(
    tmp_path: Path, images: list[Image], capsys: pytest.CaptureFixture[str]
) -> None:
    gt, pred = write_files(tmp_path, images)
    result = pq_compute(gt_json_file=str(gt), pred_json_file=str(pred), gt_folder=None, pred_folder=None, workers=2)
    whole = evaluate(images).compute()
    assert result["All"] == whole.groups["All"]
    assert result["per_class"][7] == {name: whole.to_dict()["per_class"][7][name] for name in ("pq", "sq", "rq")}
    printed = capsys.readouterr().out
    assert f"Ground truth:\n\tSegmentation folder: {tmp_path / 'gt'}\n\tJSON file: {gt}\nPrediction:\n" in printed
    assert "\nNumber of cores: 2, images per core: 30\n" in printed
    assert "Core: 1, 0 from 30 images processed\n" in printed
    assert "Core: 0, all 30 images processed\n" in printed
    assert whole.to_table() + "\nTime elapsed: " in printed
    pq_compute(gt, pred, preset="cityscapes", workers=1)
    printed = capsys.readouterr().out
    assert re.findall(r"Core: 0, (\w+)", printed) == ["0", "30", "all"]
    assert whole.to_table(per_class=True) + "\nTime elapsed: " in printed


def test_pq_compute_divides_by_zero_where_panopticapi_does(tmp_path: Path, images: list[Image]) -> None:
    things = [
        {
            "gt": np.ones((2, 2), int),
            "pred": np.ones((2, 2), int),
            "gt_segments": [{"id": 1, "category_id": 1}],
            "pred_segments": [{"id": 1, "category_id": 1}],
        }
    ]
    gt, pred = write_files(tmp_path, things)
    with pytest.raises(ZeroDivisionError, match=r"^no category of the group Stuff has a segment in any image$"):
        pq_compute(gt, pred)


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_real_pairs_equal_panopticapi_to_the_last_bit(data: Path, workers: int) -> None:
    pytest.importorskip("PIL")
    pairs = data / "panoptic" / "pairs"
    expected = json.loads((pairs / "expected_pq.json").read_text())
    quality = PanopticQuality.from_files(pairs / "gt.json", pairs / "pred.json", workers=workers)
    assert_expected(quality.compute(), expected)
    printed = pq_compute(pairs / "gt.json", pairs / "pred.json", workers=workers)
    assert {name: printed[name] for name in ("All", "Things", "Stuff")} == expected["summary"]


def assert_expected(result: PanopticResult, expected: Any) -> None:
    found = result.to_dict()
    assert result.groups == expected["summary"]
    assert {str(category): found["per_class"][category] for category in found["per_class"]} == expected["per_class"]


@pytest.mark.parametrize("form", ["maps", "runs"])
def test_real_pairs_as_maps_and_as_runs_equal_panopticapi(data: Path, form: str) -> None:
    pillow = pytest.importorskip("PIL.Image")
    pairs = data / "panoptic" / "pairs"
    expected = json.loads((pairs / "expected_pq.json").read_text())
    gt, pred = (json.loads((pairs / f"{side}.json").read_text()) for side in ("gt", "pred"))
    by_image = {annotation["image_id"]: annotation for annotation in pred["annotations"]}
    parts = [
        PanopticQuality(gt["categories"], image_order=[a["image_id"] for a in gt["annotations"]]) for _ in range(3)
    ]
    for i, annotation in enumerate(gt["annotations"]):
        other = by_image[annotation["image_id"]]
        sides = []
        for side, each in (("gt", annotation), ("pred", other)):
            colours = np.array(pillow.open(pairs / side / each["file_name"]), np.uint32)
            label_map = colours @ np.array([1, 256, 65536], np.uint32)
            if form == "runs":
                masks = np.array([label_map == segment["id"] for segment in each["segments_info"]])
                sides.append(RLEArray.from_dense(masks))
            else:
                sides.append(label_map)
        parts[i % 3].update(
            *sides, annotation["segments_info"], other["segments_info"], image_id=annotation["image_id"]
        )
    assert_expected(parts[2].merge(parts[0]).merge(parts[1]).compute(), expected)


def test_files_that_are_refused(tmp_path: Path, images: list[Image]) -> None:
    gt, pred = write_files(tmp_path, images[:3])
    with pytest.raises(FileNotFoundError) as caught:
        pq_compute(gt, pred, gt_folder=tmp_path / "none")
    assert str(caught.value) == f"Folder {tmp_path / 'none'} with ground truth segmentations doesn't exist"
    with pytest.raises(FileNotFoundError) as caught:
        pq_compute(gt, pred, pred_folder=str(tmp_path / "none"))
    assert str(caught.value) == f"Folder {tmp_path / 'none'} with predicted segmentations doesn't exist"
    with pytest.raises(ValueError, match=r"^preset nuscenes is not for files of segments$"):
        pq_compute(gt, pred, preset="nuscenes")
    with pytest.raises(ValueError, match=r"^workers is 0, expected 1 or more$"):
        pq_compute(gt, pred, workers=0)

    write_id_png(tmp_path / "small.png", [[1]])
    with pytest.raises(ValueError, match=r"^image 0: gt is \d+ x \d+ pixels, but pred 1 x 1$"):
        PanopticQuality(CATEGORIES).update(tmp_path / "gt/0.png", tmp_path / "small.png", GOOD, GOOD)

    content = json.loads(pred.read_text())
    twice = {**content, "annotations": content["annotations"] * 2}
    pred.write_text(json.dumps(twice))
    with pytest.raises(ValueError, match=r"annotations\[3\] is another one of image 0$"):
        pq_compute(gt, pred)
    content["annotations"][1]["segments_info"] = [{"id": 3, "category_id": 1}]
    pred.write_text(json.dumps(content))
    for workers in (1, 2, 3):
        with pytest.raises(KeyError, match=r"In the image with ID 1 "):
            pq_compute(gt, pred, workers=workers)
    bad_name = {"image_id": 1, "file_name": 5, "segments_info": []}
    for listed, message in (
        (None, "annotations is None, expected a list"),
        ([7], "annotations[0] is 7, expected a dict"),
        ([bad_name], "annotations[0]: file_name is 5, expected a name"),
        ([{**bad_name, "file_name": "", "segments_info": {}}], "annotations[0]: segments_info is {}, expected a list"),
    ):
        pred.write_text(json.dumps({"annotations": listed}))
        with pytest.raises(ValueError, match=re.escape(f"{pred}: {message}") + "$"):
            pq_compute(gt, pred)
    content["annotations"].pop()
    pred.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"^no prediction for the image with id: 2$"):
        pq_compute(gt, pred)
    gt.write_text("{}")
    with pytest.raises(ValueError, match=r"has no 'annotations'$"):
        pq_compute(gt, pred)
    gt.write_text('{"annotations": }')
    with pytest.raises(ValueError, match=r"gt\.json: Expecting value: line 1 column 17 \(char 16\)$"):
        pq_compute(gt, pred)


@pytest.mark.parametrize("reader", ["orjson", "json"])
def test_json_is_read_as_python_reads_it(reader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if reader == "json":
        monkeypatch.setattr(_coco_io, "orjson", None)
    for text in (
        '{"id": 1, "id": 2}',
        "[0.1, 1e5, -0.0, 18446744073709551615, -9223372036854775808]",
        '"\\ud800"',
        "[NaN, Infinity, -Infinity]",
        "[1e400]",
    ):
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            content = text.encode(encoding)
            assert repr(_coco_io.parse_json(content)) == repr(json.loads(content))
    for number in (2**64, -(2**63) - 1, 10**25):
        assert repr(_coco_io.parse_json(str(number).encode())) == repr(float(number))
    assert _coco_io.parse_json(b"1" * 400) == float("inf")
    for text in ("", "[1,]", "[01]", "{'id': 1}", "\x00", "[1] 2", "nan", "+1", '"\n"'):
        with pytest.raises(ValueError, match=r"^(Expecting|Invalid|Extra|Illegal)"):
            _coco_io.parse_json(text.encode())
    with pytest.raises(RecursionError):
        _coco_io.parse_json(b"[" * 100000)


def test_workers_are_panomasks_threads_by_default(
    tmp_path: Path, images: list[Image], capsys: pytest.CaptureFixture[str]
) -> None:
    gt, pred = write_files(tmp_path, images[:5])
    before = panomask.get_num_threads()
    try:
        panomask.set_num_threads(3)
        pq_compute(gt, pred)
    finally:
        panomask.set_num_threads(before)
    assert "Core: 2, all 1 images processed" in capsys.readouterr().out
