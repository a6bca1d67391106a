"""Panoptic quality: each preset equals its oracle exactly, whatever form images have and whoever did which."""

from __future__ import annotations

import json
import math
import pickle
import re
import sys
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import panomask
import quality_oracles as oracles
from panomask import RLEArray, cy_match
from panomask.panoptic import _coco_io, _matching
from panomask.panoptic.png import write_id_png
from panomask.panoptic.quality import PRESETS, PanopticQuality, PanopticResult, pq_compute

CATEGORIES = [
    {"id": 1, "name": "person", "isthing": 1},
    {"id": 7, "name": "car", "isthing": 1},
    {"id": 3, "name": "tree", "isthing": 1},
    {"id": 21, "name": "road", "isthing": 0},
    {"id": 9, "name": "sky", "isthing": 0},
]
IDS = [category["id"] for category in CATEGORIES]
THINGS = [category["id"] for category in CATEGORIES if category["isthing"]]
STUFF = [category["id"] for category in CATEGORIES if not category["isthing"]]
GROUPS = {"All": IDS, "Things": THINGS, "Stuff": STUFF}

Image = dict[str, Any]


# ---- scenes ---------------------------------------------------------------------------------------------------------


def blocks(rng: np.random.Generator, height: int, width: int, n: int) -> np.ndarray:
    """Rectangles over each other, some of a single pixel, with ids 0 .. n."""
    label_map = np.zeros((height, width), np.int64)
    for each in range(1, n + 1):
        row, column = rng.integers(0, height), rng.integers(0, width)
        tall, wide = (1, 1) if rng.random() < 0.2 else rng.integers(1, (height, width), endpoint=True)
        label_map[row : row + tall, column : column + wide] = each
    return label_map


def disturbed(rng: np.random.Generator, label_map: np.ndarray) -> np.ndarray:
    """The same, shifted and with some rectangles of void, of one id, and of other ids."""
    other = np.roll(label_map, rng.integers(-1, 2, 2), (0, 1))
    top = int(label_map.max())
    for each in (0, int(rng.integers(0, top + 1)), top + 1):
        row, column = rng.integers(0, other.shape[0]), rng.integers(0, other.shape[1])
        other[row : row + 3, column : column + 4] = each
    return other


def listed_image(rng: np.random.Generator, height: int = 12, width: int = 15) -> Image:
    """Two maps with ids like COCO's and their segments: void, crowd, stuff, ids that are not listed, tiny ones."""
    gt = blocks(rng, height, width, int(rng.integers(0, 9)))
    pred = disturbed(rng, gt)
    category = rng.choice(IDS, 40)
    colour = rng.integers(1, 2**24, 40)
    sides = {}
    for side, label_map in (("gt", gt), ("pred", pred)):
        segments = []
        colour = np.roll(colour, 20) if side == "pred" else colour
        painted = np.where(label_map > 0, colour[label_map], 0)
        for each in rng.permutation(np.unique(label_map[label_map > 0])).tolist():
            wrong = side == "pred" and rng.random() < 0.1
            segment = {"id": int(colour[each]), "category_id": int(rng.choice(IDS) if wrong else category[each])}
            if side == "gt":
                segment |= {"iscrowd": int(rng.random() < 0.3), "area": int((label_map == each).sum())}
                if rng.random() < 0.1:
                    continue  # in the map, not in the list
            segments.append(segment)
        sides |= {side: painted, f"{side}_segments": segments}
    return sides


@pytest.fixture(scope="module")
def images() -> list[Image]:
    rng = np.random.default_rng(5)
    return [listed_image(rng, 9, 11) for _ in range(60)]


def evaluate(images: list[Image], preset: Any = "coco", **options: Any) -> PanopticQuality:
    quality = PanopticQuality(CATEGORIES, preset, **options)
    for image in images:
        quality.update(image["gt"], image["pred"], image.get("gt_segments"), image.get("pred_segments"))
    return quality


def assert_same(result: PanopticResult, other: PanopticResult) -> None:
    assert json.dumps(result.to_dict()) == json.dumps(other.to_dict())


def assert_equals_oracle(result: PanopticResult, stats: dict[int, Any], values: Any = None) -> None:
    for i, category in enumerate(result.categories):
        stat = stats[category.id]
        found = float(result.iou[i]), int(result.tp[i]), int(result.fp[i]), int(result.fn[i])
        assert found == (stat["iou"], stat["tp"], stat["fp"], stat["fn"]), category
        if values is not None:
            assert (float(result.pq[i]), float(result.sq[i]), float(result.rq[i])) == values(stat)[:3], category


# ---- the presets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["coco", "cityscapes"])
def test_coco_equals_the_oracle(images: list[Image], preset: str) -> None:
    result = evaluate(images, preset).compute()
    stats = oracles.coco_stats(images, IDS)
    assert_equals_oracle(result, stats)
    for name, chosen in GROUPS.items():
        assert result.groups[name] == oracles.coco_average(stats, chosen)
    assert min(result.tp.min(), result.fp.min(), result.fn.min()) > 1


@pytest.mark.parametrize(("preset", "ratio"), [("coco-boundary", 0.02), ("cityscapes-boundary", 0.005), (None, 0.11)])
def test_boundary_equals_the_oracle(images: list[Image], preset: str | None, ratio: float) -> None:
    rules = PRESETS[preset] if preset else replace(PRESETS["coco-boundary"], boundary_ratio=ratio)
    assert rules.boundary_ratio == ratio
    result = evaluate(images[:30], rules).compute()
    assert_equals_oracle(result, oracles.coco_stats(images[:30], IDS, ratio))
    assert result.tp.sum() > 3


def test_boundary_equals_the_oracle_where_a_segment_has_the_id_of_the_insides(images: list[Image]) -> None:
    """Boundary-iou-api sets what is inside of a segment to the id after the last category, 22 here."""
    rng = np.random.default_rng(0)
    changed = []
    for image in images[:30]:
        other = dict(image)
        for side in ("gt", "pred"):
            segments = [dict(segment) for segment in image[f"{side}_segments"]]
            if segments and rng.random() < 0.8:
                one = segments[int(rng.integers(len(segments)))]
                other[side] = np.where(image[side] == one["id"], 22, image[side])
                one["id"] = 22
            other[f"{side}_segments"] = segments
        changed.append(other)
    for ratio in (0.02, 0.11):
        preset = replace(PRESETS["coco-boundary"], boundary_ratio=ratio)
        assert_equals_oracle(evaluate(changed, preset).compute(), oracles.coco_stats(changed, IDS, ratio))


def category_image(rng: np.random.Generator, unknown_pred: bool) -> Image:
    """Maps (h, w, 2) of category and instance, with categories that there are not for void."""
    label_map = blocks(rng, 12, 15, int(rng.integers(0, 9)))
    category = rng.choice([*IDS, *IDS, 0, 2], 40)
    instance = rng.integers(0, 3, 40)
    gt = np.stack([category[label_map], instance[label_map]], axis=-1)
    label_map = disturbed(rng, label_map)
    if not unknown_pred:
        category[~np.isin(category, IDS)] = 7
    return {"gt": gt, "pred": np.stack([category[label_map], instance[label_map]], axis=-1)}


@pytest.mark.parametrize("modified", [False, True])
@pytest.mark.parametrize("unknown", [False, True])
def test_torchmetrics_equals_the_oracle(modified: bool, unknown: bool) -> None:
    rng = np.random.default_rng(6)
    images = [category_image(rng, unknown) for _ in range(60)]
    preset = replace(PRESETS["torchmetrics-modified" if modified else "torchmetrics"], allow_unknown=unknown)
    result = evaluate(images, preset).compute()
    stats = oracles.torchmetrics_stats(images, THINGS, STUFF, modified)
    assert [category.id for category in result.categories] == sorted(THINGS) + sorted(STUFF)
    assert_equals_oracle(result, stats, oracles.torchmetrics_values)
    some = [c for c in [*sorted(THINGS), *sorted(STUFF)] if stats[c]["tp"] + stats[c]["fp"] + stats[c]["fn"]]
    values = [oracles.torchmetrics_values(stats[c]) for c in some]
    means = [oracles.pairwise_mean(column) for column in zip(*values, strict=True)]
    assert [result.groups["All"][name] for name in ("pq", "sq", "rq")] == means


def test_torchmetrics_refuses_unknown_predictions() -> None:
    gt = np.array([[[1, 0], [1, 0]]])
    with pytest.raises(ValueError, match=r"^image 0: Unknown categories found: \[2, 5\]$"):
        PanopticQuality(CATEGORIES, "torchmetrics").update(gt, np.array([[[5, 0], [2, 1]]]))


def scan(rng: np.random.Generator, n: int = 300) -> Image:
    """Classes and whole labels of points along a line, as SemanticKITTI and nuScenes have them."""
    label_map = blocks(rng, 1, n, 25)[0]
    category = rng.choice([*IDS, *IDS, 0], 60)
    instance = rng.integers(0, 4, 60) << 16 | category
    other = disturbed(rng, label_map[np.newaxis])[0]
    return {"gt": (category[label_map], instance[label_map]), "pred": (category[other], instance[other])}


@pytest.mark.parametrize("min_points", [0, 15, 50])
@pytest.mark.parametrize("name", ["semantic-kitti", "nuscenes"])
def test_points_equal_the_oracle(name: str, min_points: int) -> None:
    rng = np.random.default_rng(min_points)
    scans = [scan(rng) for _ in range(25)]
    result = evaluate(scans, replace(PRESETS[name], min_points=min_points)).compute()
    stats = oracles.points_stats(scans, IDS, [0], min_points)
    assert_equals_oracle(result, stats, oracles.points_values)
    values = {c: oracles.points_values(stats[c]) for c in IDS}
    for name, chosen in GROUPS.items():
        means = [oracles.pairwise_mean([values[c][k] for c in chosen]) for k in range(3)]
        assert [result.groups[name][k] for k in ("pq", "sq", "rq")] == means
    assert result.semantic_iou is not None
    assert result.semantic_iou.tolist() == [values[c][3] for c in IDS]
    assert result.miou == oracles.pairwise_mean([values[c][3] for c in sorted(IDS)])
    dagger = [values[c][0] for c in THINGS] + [values[c][3] for c in STUFF]
    assert result.pq_dagger == oracles.pairwise_mean(dagger)


def test_many_matches_in_a_scan_are_added_as_numpy_does() -> None:
    """From eight matches of a class on, NumPy does not add them one after the other."""
    rng = np.random.default_rng(3)
    sizes = rng.integers(3, 30, 200)
    gt = np.repeat(np.arange(200), sizes)
    pred = np.where(rng.random(len(gt)) < 0.2, 999, gt)
    image = {"gt": (np.full(len(gt), 7), gt), "pred": (np.full(len(gt), 7), pred)}
    result = evaluate([image], "semantic-kitti").compute()
    stats = oracles.points_stats([image], sorted(IDS), [0], 50)
    assert stats[7]["tp"] > 128
    assert result.iou[IDS.index(7)] == stats[7]["iou"]


def test_the_last_instance_of_an_unsigned_dtype_is_no_segment() -> None:
    """semantic-kitti-api adds 1 to ids in their own dtype, and 0 is dropped."""
    category, last = np.array([7] * 60), np.full(60, 2**32 - 1, np.uint32)
    stat = PanopticQuality(CATEGORIES, "semantic-kitti")
    stat.update((category, last), (category, np.zeros(60, np.uint32)))
    result = stat.compute()
    assert (int(result.tp.sum()), int(result.fp.sum()), int(result.fn.sum())) == (0, 1, 0)


# ---- micro-cases that were seen in the references -------------------------------------------------------------------


def halves(area: int) -> PanopticQuality:
    categories = [{"id": 1, "isthing": 1}, {"id": 2, "isthing": 0}]
    gt, pred = np.ones((10, 10), np.uint8), np.ones((10, 10), np.uint8)
    gt[5:], pred[6:] = 2, 2
    segments = [{"id": 1, "category_id": 1, "area": area}, {"id": 2, "category_id": 2, "area": 50}]
    quality = PanopticQuality(categories)
    quality.update(gt, pred, segments, segments)
    return quality


def test_ious_of_two_halves() -> None:
    result = halves(50).compute()
    assert result.iou.tolist() == [0.8333333333333334, 0.8]
    assert result.tp.tolist() == [1, 1]


def test_the_area_of_the_list_counts() -> None:
    result = halves(500).compute()
    assert (result.tp[0], result.fp[0], result.fn[0]) == (0, 1, 1)


@pytest.mark.parametrize(("void_columns", "fp"), [(10, 0), (6, 0), (5, 1), (0, 1)])
def test_a_prediction_is_forgiven_where_more_than_half_is_void(void_columns: int, fp: int) -> None:
    gt = np.full((10, 10), 4)
    gt[:, :void_columns] = 0
    gt_segments = [{"id": 4, "category_id": 7}] if void_columns < 10 else []
    quality = PanopticQuality(CATEGORIES)
    quality.update(gt, np.full((10, 10), 5), gt_segments, [{"id": 5, "category_id": 1}])
    result = quality.compute()
    assert result.fp.sum() == fp
    assert result.tp.sum() == 0


def test_of_two_crowds_of_a_category_only_the_last_forgives() -> None:
    gt = np.array([[1, 1, 2, 2]])
    quality = PanopticQuality(CATEGORIES)
    crowd = [{"id": i, "category_id": 1, "iscrowd": 1} for i in (1, 2)]
    quality.update(gt, gt, crowd, [{"id": i, "category_id": 1} for i in (1, 2)])
    result = quality.compute()
    assert (result.tp.sum(), result.fp.sum(), result.fn.sum()) == (0, 1, 0)


def test_means_are_added_up_one_after_the_other() -> None:
    """Not exactly, as `sum` does from Python 3.12 on, nor in pairs."""
    n = 40
    gt = np.repeat(np.arange(1, n + 1), 100).reshape(n, 100)
    pred = np.where(np.arange(100) < np.arange(60, 100).reshape(n, 1), gt, 0)  # IoUs of 0.60, 0.61, ... 0.99
    categories = [{"id": i, "isthing": 1} for i in range(1, n + 1)]
    segments = [{"id": i, "category_id": i} for i in range(1, n + 1)]
    quality = PanopticQuality(categories)
    quality.update(gt, pred, segments, segments)
    result = quality.compute()
    total = 0.0
    for iou in result.iou.tolist():
        total += iou
    assert total not in (math.fsum(result.iou), result.iou.sum())
    assert result.groups["All"]["pq"] == total / n


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


def test_thousands_of_segments_match_as_few_do() -> None:
    gt = np.arange(1, 1601).reshape(40, 40)
    pred = gt[::-1] // 2 + 1  # of two pixels each, but the first and the last of one
    lists = [[{"id": each, "category_id": 1} for each in np.unique(ids).tolist()] for ids in (gt, pred)]
    quality = PanopticQuality(CATEGORIES)
    quality.update(gt, gt, lists[0], lists[0])
    quality.update(gt, pred, *lists)
    result = quality.compute()
    assert (result.tp[0], result.fp[0], result.fn[0], result.iou[0]) == (1602, 799, 1598, 1602.0)


def test_a_group_without_any_category_is_nan() -> None:
    quality = PanopticQuality(CATEGORIES[:1])
    quality.update(np.ones((2, 2), int), np.ones((2, 2), int), *[[{"id": 1, "category_id": 1}]] * 2)
    groups = quality.compute().groups
    assert groups["All"] == {"pq": 1.0, "sq": 1.0, "rq": 1.0, "n": 1}
    assert math.isnan(groups["Stuff"]["pq"])
    assert groups["Stuff"]["n"] == 0
    assert "Stuff     |   nan    nan    nan     0" in quality.compute().to_table()


def test_a_segment_with_the_id_of_the_inside_is_mixed_up_in_boundary_pq() -> None:
    """boundary-iou-api marks the inside of segments with the id after the last category, and takes them in turn."""
    categories = [{"id": 1, "isthing": 1}, {"id": 2, "isthing": 1}]
    label_map = np.full((40, 40), 5)
    label_map[10:30, 20:] = 3  # the largest category is 2
    segments = [{"id": 5, "category_id": 1}, {"id": 3, "category_id": 2}]
    quality = PanopticQuality(categories, "coco-boundary")
    quality.update(label_map, label_map, segments, segments)
    result = quality.compute()
    assert (result.tp[1], result.fp[1], result.fn[1]) == (0, 1, 1)
    assert (result.tp[0], result.iou[0]) == (1, 1.0)


# ---- every form of input --------------------------------------------------------------------------------------------


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


def test_categories_of_an_evaluator_make_another() -> None:
    quality = PanopticQuality(CATEGORIES)
    assert PanopticQuality(quality.categories).categories == quality.categories


def test_two_sides_without_segments_or_pixels() -> None:
    quality = PanopticQuality(CATEGORIES)
    quality.update(RLEArray.empty(), RLEArray.empty(), [], [])
    quality.update(np.zeros((0, 4), int), np.zeros((0, 4), int), [], [])
    quality.update(np.zeros((2, 2), int), RLEArray.empty(), [], [])
    assert len(quality) == 3
    assert quality.compute().tp.sum() == 0


# ---- merging --------------------------------------------------------------------------------------------------------


def test_merging_in_any_order_gives_the_same_bits(images: list[Image]) -> None:
    whole = evaluate(images)
    parts = []
    for k in range(4):
        part = PanopticQuality(CATEGORIES)
        for i in reversed(range(k, len(images), 4)):
            image = images[i]
            part.update(image["gt"], image["pred"], image["gt_segments"], image["pred_segments"], image_id=i)
        parts.append(part.to_bytes())
    for order in permutations(range(4)):
        merged = PanopticQuality(CATEGORIES)
        for k in order:
            assert merged.merge(PanopticQuality.from_bytes(parts[k])) is merged
        assert_same(merged.compute(), whole.compute())
        assert merged.to_bytes() == whole.to_bytes()


@pytest.mark.parametrize("preset", PRESETS)
def test_bytes_and_pickle_keep_everything(preset: str) -> None:
    rng = np.random.default_rng(1)
    maps = PRESETS[preset].maps
    make = {"segments": listed_image, "categories": lambda rng: category_image(rng, False), "points": scan}[maps]
    quality = evaluate([make(rng) for _ in range(5)], preset)
    for other in (PanopticQuality.from_bytes(quality.to_bytes()), pickle.loads(pickle.dumps(quality))):
        assert other.to_bytes() == quality.to_bytes()
        assert other.images == [0, 1, 2, 3, 4]
        assert other.preset == PRESETS[preset]
        assert_same(other.compute(), quality.compute())


def test_names_and_numbers_of_images_are_ordered(images: list[Image]) -> None:
    quality = PanopticQuality(CATEGORIES)
    for key, image in zip(["b", 10, "a", 9], images, strict=False):
        quality.update(image["gt"], image["pred"], image["gt_segments"], image["pred_segments"], image_id=key)
    assert quality.images == [9, 10, "a", "b"]
    assert PanopticQuality.from_bytes(quality.to_bytes()).images == [9, 10, "a", "b"]


def test_image_order_is_the_order_of_summation(images: list[Image]) -> None:
    order = np.random.default_rng(0).permutation(len(images)).tolist()
    quality = evaluate(images, image_order=order)
    stats = oracles.coco_stats([images[i] for i in order], IDS)
    assert_equals_oracle(quality.compute(), stats)
    assert quality.images == order
    assert evaluate(images).compute().iou.tolist() != quality.compute().iou.tolist()


def test_chunks_are_added_as_panopticapi_adds_its_cores(images: list[Image]) -> None:
    quality = evaluate(images)
    for chunks in (1, 7, 70):
        sums = dict.fromkeys(IDS, 0.0)
        for part in np.array_split(np.arange(len(images)), chunks):
            for c, stat in oracles.coco_stats([images[i] for i in part], IDS).items():
                sums[c] += stat["iou"]
        assert quality.compute(chunks=chunks).iou.tolist() == list(sums.values())


# ---- results --------------------------------------------------------------------------------------------------------


def test_the_table_is_panopticapis() -> None:
    assert halves(50).compute().to_table() == str(halves(50).compute())
    assert halves(50).compute().to_table().splitlines() == [
        "          |    PQ     SQ     RQ     N",
        "--------------------------------------",
        "All       |  81.7   81.7  100.0     2",
        "Things    |  83.3   83.3  100.0     1",
        "Stuff     |  80.0   80.0  100.0     1",
    ]


def test_the_table_by_category_is_that_of_cityscapes() -> None:
    assert halves(50).compute().to_table(per_class=True).splitlines() == [
        "Category      |    PQ     SQ     RQ",
        "1             |  83.3   83.3  100.0",
        "2             |  80.0   80.0  100.0",
        "-----------------------------------------",
        "              |    PQ     SQ     RQ     N",
        "All           |  81.7   81.7  100.0     2",
        "Things        |  83.3   83.3  100.0     1",
        "Stuff         |  80.0   80.0  100.0     1",
    ]


def test_a_data_frame_needs_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"^a data frame needs pandas: pip install pandas$"):
        halves(50).compute().to_dataframe()


def test_the_data_frame_has_a_row_for_each_category() -> None:
    pytest.importorskip("pandas")
    frame = halves(50).compute().to_dataframe()
    assert frame.columns.tolist() == ["id", "name", "isthing", "pq", "sq", "rq", "iou", "tp", "fp", "fn"]
    assert frame["iou"].tolist() == [0.8333333333333334, 0.8]


def test_the_dict_is_json() -> None:
    result = halves(50).compute().to_dict()
    assert list(result) == ["All", "Things", "Stuff", "per_class"]
    assert json.loads(json.dumps(result))["per_class"]["2"] == {
        "pq": 0.8,
        "sq": 0.8,
        "rq": 1.0,
        "iou": 0.8,
        "tp": 1,
        "fp": 0,
        "fn": 0,
    }


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


# ---- what is refused ------------------------------------------------------------------------------------------------

GOOD = [{"id": 1, "category_id": 1}]
ONES = np.ones((2, 3), int)


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


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), ValueError, "categories: there are none"),
        ((None,), TypeError, "categories is None, expected a list of dicts with id and isthing"),
        ((CATEGORIES, ["coco"]), ValueError, f"preset is ['coco'], expected one of {', '.join(PRESETS)}, or a Preset"),
        ((CATEGORIES, "coco", "images"), TypeError, "image_order is 'images', expected a list of ids"),
        (([{"id": 1}],), ValueError, "categories[0] is {'id': 1}, expected a dict with id and isthing"),
        (([CATEGORIES[0], CATEGORIES[0]],), ValueError, "categories[1]: id 1 is that of another category too"),
        (([{"id": "1", "isthing": 1}],), TypeError, "categories[0]: id is '1', expected an int"),
        ((CATEGORIES, "kitti"), ValueError, f"preset is 'kitti', expected one of {', '.join(PRESETS)}, or a Preset"),
        (([{"id": 0, "isthing": 1}], "nuscenes"), ValueError, "category 0 is among those of the preset to ignore"),
    ],
)
def test_an_evaluator_that_cannot_be(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        PanopticQuality(*arguments[:2], **dict(zip(["image_order"], arguments[2:], strict=False)))
    assert str(caught.value) == message


def test_an_image_is_added_once() -> None:
    quality = PanopticQuality(CATEGORIES, image_order=["x", "y"])
    quality.update(ONES, ONES, GOOD, GOOD, image_id="x")
    with pytest.raises(ValueError, match=r"^image 'x' was added before$"):
        quality.update(ONES, ONES, GOOD, GOOD, image_id="x")
    with pytest.raises(ValueError, match=r"^image 'z' is not in image_order$"):
        quality.update(ONES, ONES, GOOD, GOOD, image_id="z")
    with pytest.raises(ValueError, match=r"^image 'x' is in both$"):
        quality.merge(PanopticQuality.from_bytes(quality.to_bytes()))
    with pytest.raises(ValueError, match=r"^image_order has 3 twice$"):
        PanopticQuality(CATEGORIES, image_order=[3, 3])
    with pytest.raises(TypeError, match=r"^image_id is 1\.5, expected an int or a str$"):
        quality.update(ONES, ONES, GOOD, GOOD, image_id=1.5)  # type: ignore[arg-type]


def test_only_equals_merge() -> None:
    """Where evaluators of many categories differ first is said; before, both lists were, of which one saw the begin."""
    quality = PanopticQuality(CATEGORIES)
    others = {
        "2 categories, expected 5": PanopticQuality(CATEGORIES[:2]),
        "categories[4][1] 'air', expected 'sky'": PanopticQuality([*CATEGORIES[:4], {**CATEGORIES[4], "name": "air"}]),
        "preset: name 'cityscapes', expected 'coco'": PanopticQuality(CATEGORIES, "cityscapes"),
        "preset: min_points 7, expected 0": PanopticQuality(CATEGORIES, replace(PRESETS["coco"], min_points=7)),
        "image_order [1, 2], expected None": PanopticQuality(CATEGORIES, image_order=[1, 2]),
    }
    for message, other in others.items():
        with pytest.raises(ValueError, match=re.escape(f"other was made with {message}") + "$"):
            quality.merge(other)
    with pytest.raises(TypeError, match=r"^other is str, expected PanopticQuality$"):
        PanopticQuality(CATEGORIES).merge("")  # type: ignore[arg-type]


def test_damaged_bytes_are_refused(images: list[Image]) -> None:
    whole = evaluate(images[:3]).to_bytes()
    for end in range(0, len(whole), 11):
        with pytest.raises(ValueError, match=r"bytes are not a PanopticQuality"):
            PanopticQuality.from_bytes(whole[:end])
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match=r"^data is str, expected bytes that lie side by side$"):
        PanopticQuality.from_bytes("")  # type: ignore[arg-type]
    for position in rng.integers(0, len(whole), 200).tolist():
        changed = bytearray(whole)
        changed[position] ^= 1 << int(rng.integers(8))
        with pytest.raises(ValueError, match=r"bytes are not a PanopticQuality"):
            PanopticQuality.from_bytes(changed)


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
