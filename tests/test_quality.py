"""Panoptic quality: each preset equals its oracle exactly, whoever did which image."""

from __future__ import annotations

import json
import math
import pickle
import re
import sys
from dataclasses import replace
from itertools import permutations
from typing import Any

import numpy as np
import pytest

import quality_oracles as oracles
from panomask.panoptic._sides import boundary_distance
from panomask.panoptic.quality import PRESETS, PanopticQuality, PanopticResult
from quality_scenes import (
    CATEGORIES,
    GOOD,
    IDS,
    ONES,
    STUFF,
    THINGS,
    Image,
    assert_same,
    blocks,
    disturbed,
    evaluate,
    listed_image,
    listed_images,
)

GROUPS = {"All": IDS, "Things": THINGS, "Stuff": STUFF}


@pytest.fixture(name="images")
def images_fixture() -> list[Image]:
    return listed_images()


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


def test_ids_of_classes_may_be_large() -> None:
    """Before, the table of all pairs of classes had a row for each number up to the largest id: 8 TB here."""
    scans = [scan(np.random.default_rng(k)) for k in range(3)]
    large = [{side: (image[side][0] * 10**6, image[side][1]) for side in ("gt", "pred")} for image in scans]
    quality = PanopticQuality([{**category, "id": category["id"] * 10**6} for category in CATEGORIES], "nuscenes")
    for image in large:
        quality.update(image["gt"], image["pred"])
    found, expected = quality.compute(), evaluate(scans, "nuscenes").compute()
    for name in ("pq", "semantic_iou", "miou", "pq_dagger"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


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


def test_distances_of_boundaries() -> None:
    """Those that boundary-iou-api gave: 2 % and 0.5 % of the diagonal, to the nearest, halves to even."""
    for size, distances in {
        (480, 640): (16, 4),
        (427, 640): (15, 4),
        (640, 640): (18, 5),
        (333, 500): (12, 3),
        (720, 1280): (29, 7),
        (1080, 1920): (44, 11),
        (1024, 2048): (46, 11),
        (3, 4): (1, 1),
    }.items():
        assert (boundary_distance(*size, 0.02), boundary_distance(*size, 0.005)) == distances


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


# ---- what is refused ------------------------------------------------------------------------------------------------


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


def test_categories_of_an_evaluator_make_another() -> None:
    quality = PanopticQuality(CATEGORIES)
    assert PanopticQuality(quality.categories).categories == quality.categories


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("coco", {"maps": "runs"}, "maps is 'runs', expected one of segments, categories, points"),
        ("coco", {"mean": "median"}, "mean is 'median', expected one of present, torchmetrics"),
        ("torchmetrics", {"mean": "all"}, "mean is 'all', expected one of present, torchmetrics"),
        ("coco", {"boundary_ratio": -0.1}, "boundary_ratio is -0.1, expected 0 or more"),
        ("nuscenes", {"min_points": -1}, "min_points is -1, expected 0 or more"),
    ],
)
def test_rules_that_cannot_be(name: str, changes: dict[str, Any], message: str) -> None:
    """Before, they were taken for others: torchmetrics' with a mean over all had a semantic IoU of 0."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        replace(PRESETS[name], **changes)


def test_rules_with_a_list_are_those_with_a_tuple() -> None:
    """Before, an evaluator did not merge with its own bytes."""
    rules = replace(PRESETS["nuscenes"], ignore=[0, np.int64(2)])
    assert rules == replace(PRESETS["nuscenes"], ignore=(0, 2))
    quality = PanopticQuality(CATEGORIES, rules)
    assert len(quality.merge(PanopticQuality.from_bytes(quality.to_bytes()))) == 0


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


def test_no_image_takes_the_place_of_one_that_was_added_meanwhile() -> None:
    """As by another thread; before, the first was lost without a word."""
    quality = PanopticQuality(CATEGORIES)

    def segments() -> Any:
        quality.update(ONES, ONES, GOOD, GOOD)
        yield from GOOD

    with pytest.raises(ValueError, match=r"^image 0 was added before$"):
        quality.update(ONES, ONES * 0, segments(), [])
    assert quality.compute().tp.sum() == 1


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
