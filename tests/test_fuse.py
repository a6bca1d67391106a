"""Predictions merged into panoptic maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from panomask import RLEArray
from panomask.panoptic.fuse import mask2former_inference, panoptic_fpn_merge

Array = NDArray[Any]
Result = tuple[Array, list[dict[str, Any]]]


def naive_fpn(
    masks: Array, scores: Array, classes: Array, semantic: Array, overlap: float, stuff: float, score: float
) -> Result:
    """Kirillov et al., Panoptic Feature Pyramid Networks, 2019, section 3: pixel by pixel, all of them each time."""
    panoptic = np.zeros(semantic.shape, dtype=np.int32)
    info: list[dict[str, Any]] = []
    for i in sorted(range(len(masks)), key=lambda i: -scores[i]):
        mask = masks[i] != 0
        if scores[i] < score or not mask.any():
            continue
        if (mask & (panoptic != 0)).sum() / mask.sum() > overlap or not (mask & (panoptic == 0)).any():
            continue
        panoptic[mask & (panoptic == 0)] = len(info) + 1
        info.append(
            {
                "id": len(info) + 1,
                "isthing": True,
                "score": float(scores[i]),
                "category_id": int(classes[i]),
                "instance_id": i,
            }
        )
    for label in sorted(set(semantic.ravel().tolist()) - {0}):
        mask = (semantic == label) & (panoptic == 0)
        if mask.any() and mask.sum() >= stuff:
            panoptic[mask] = len(info) + 1
            info.append({"id": len(info) + 1, "isthing": False, "category_id": label, "area": int(mask.sum())})
    return panoptic, info


def naive_mask2former(
    mask_cls: Array, mask_pred: Array, things: set[int], object_mask: float, overlap: float
) -> Result:
    """Cheng et al., Per-Pixel Classification is Not All You Need, 2021, section 3.4, with every product in memory."""
    exponentials = np.exp(mask_cls - mask_cls.max(axis=1, keepdims=True))
    probability = exponentials / exponentials.sum(axis=1, keepdims=True)
    masks = 1 / (1 + np.exp(-mask_pred))
    panoptic = np.zeros(mask_pred.shape[1:], dtype=np.int32)
    info: list[dict[str, Any]] = []
    best = probability.argmax(axis=1)
    keep = [q for q in range(len(mask_cls)) if best[q] < mask_cls.shape[1] - 1 and probability[q].max() > object_mask]
    if not keep:
        return panoptic, info
    owner = np.array([probability[q].max() * masks[q] for q in keep]).argmax(axis=0)
    of_stuff: dict[int, int] = {}
    for k, q in enumerate(keep):
        category = int(best[q])
        mine, whole = owner == k, masks[q] >= 0.5
        mask = mine & whole
        if not mask.any() or mine.sum() / whole.sum() < overlap:
            continue
        if category not in things and category in of_stuff:
            panoptic[mask] = of_stuff[category]
            continue
        info.append({"id": len(info) + 1, "isthing": category in things, "category_id": category})
        panoptic[mask] = len(info)
        if category not in things:
            of_stuff[category] = len(info)
    return panoptic, info


def assert_equal(found: Result, expected: Result) -> None:
    assert found[0].dtype == np.int32
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[1] == expected[1]


# ---- Panoptic FPN ---------------------------------------------------------------------------------------------------


def fpn_scene(rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
    height, width, n = int(rng.integers(1, 40)), int(rng.integers(1, 40)), int(rng.integers(0, 9))
    masks = np.zeros((n, height, width), dtype=bool)
    for mask in masks:
        y, x = int(rng.integers(0, height)), int(rng.integers(0, width))
        mask[y : y + int(rng.integers(0, height)), x : x + int(rng.integers(0, width))] = True
        mask &= rng.random(mask.shape) < rng.choice([0.3, 0.9, 1.0])
    scores = rng.choice([0.2, 0.5, 0.7, 0.9, 0.95], n).astype(rng.choice([np.float32, np.float64]))
    blocks = rng.integers(0, 5, (height // 6 + 1, width // 6 + 1)).repeat(6, axis=0).repeat(6, axis=1)
    return masks, scores, rng.integers(0, 80, n), blocks[:height, :width]


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("as_rle", [False, True])
def test_panoptic_fpn_merge_is_the_naive_one(seed: int, as_rle: bool) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(5):
        masks, scores, classes, semantic = fpn_scene(rng)
        overlap, stuff, score = float(rng.choice([0, 0.3, 0.5, 1])), int(rng.integers(0, 60)), 0.5
        found = panoptic_fpn_merge(
            RLEArray.from_dense(masks) if as_rle else masks,
            scores,
            classes,
            semantic,
            overlap_threshold=overlap,
            stuff_area_thresh=stuff,
            instances_score_thresh=score,
        )
        assert_equal(found, naive_fpn(masks, scores, classes, semantic, overlap, stuff, score))


def test_an_instance_that_is_covered_exactly_to_the_threshold_stays() -> None:
    masks = np.array([[[1, 1, 0, 0]], [[0, 1, 1, 0]]])
    found, info = panoptic_fpn_merge(masks, [0.9, 0.8], [1, 2], np.zeros((1, 4), int), overlap_threshold=0.5)
    assert found.tolist() == [[1, 1, 2, 0]]
    found, info = panoptic_fpn_merge(masks, [0.9, 0.8], [1, 2], np.zeros((1, 4), int), overlap_threshold=0.49)
    assert found.tolist() == [[1, 1, 0, 0]]
    assert [each["instance_id"] for each in info] == [0]


def test_scores_at_the_threshold_stay_and_equal_ones_keep_their_order() -> None:
    masks = np.array([[[1, 1, 1]], [[0, 1, 0]], [[0, 1, 1]]])
    found, info = panoptic_fpn_merge(masks, [0.4, 0.5, 0.5], [1, 2, 3], np.zeros((1, 3), int), overlap_threshold=1)
    assert [each["instance_id"] for each in info] == [1, 2]
    assert found.tolist() == [[0, 1, 2]]


def test_an_instance_of_which_nothing_is_left_is_no_segment() -> None:
    """It was one that no pixel had, as in detectron2, where the threshold is 1."""
    masks = np.ones((2, 1, 2), dtype=bool)
    for overlap in (1, 1.5):
        found, info = panoptic_fpn_merge(
            masks, [0.9, 1.0], [4, 5], np.array([[7, 7]]), overlap_threshold=overlap, stuff_area_thresh=0
        )
        assert found.tolist() == [[1, 1]]
        assert [each["instance_id"] for each in info] == [1]


def test_stuff_of_which_nothing_is_left_is_no_segment() -> None:
    """detectron2 lists it with area 0 where the threshold is 0."""
    masks = np.ones((1, 1, 2), dtype=bool)
    found, info = panoptic_fpn_merge(masks, [1.0], [4], np.array([[7, 7]]), stuff_area_thresh=0)
    assert found.tolist() == [[1, 1]]
    assert len(info) == 1


def test_no_instances_and_no_pixels() -> None:
    found, info = panoptic_fpn_merge([], [], [], np.full((2, 3), 9), stuff_area_thresh=6)
    assert found.tolist() == [[1] * 3] * 2
    assert info == [{"id": 1, "isthing": False, "category_id": 9, "area": 6}]
    found, info = panoptic_fpn_merge(RLEArray.empty(), [], [], np.zeros((0, 5), int))
    assert found.shape == (0, 5)
    assert info == []


def test_tensors_are_merged_as_arrays() -> None:
    torch = pytest.importorskip("torch")
    masks, scores, classes, semantic = fpn_scene(np.random.default_rng(3))
    found = panoptic_fpn_merge(
        torch.tensor(masks), torch.tensor(scores), torch.tensor(classes), torch.tensor(semantic), stuff_area_thresh=4
    )
    assert_equal(found, panoptic_fpn_merge(masks, scores, classes, semantic, stuff_area_thresh=4))


SQUARE = np.zeros((2, 2), dtype=int)
MASK = np.ones((1, 2, 2), dtype=bool)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((MASK, [1.0], [1], [1, 2]), ValueError, r"semantic has shape \(2,\), expected \(height, width\)"),
        ((MASK, [1.0], [1], SQUARE * 1.0), TypeError, "semantic has dtype float64, expected integers"),
        ((MASK, [1.0], [1], SQUARE - 1), ValueError, "semantic has the label -1, expected 0 to 16777215"),
        (
            (MASK[0], [1.0], [1], SQUARE),
            ValueError,
            r"instance_masks has shape \(2, 2\), expected \(n, height, width\)",
        ),
        ((MASK * 1.0, [1.0], [1], SQUARE), TypeError, "instance_masks has dtype float64, expected bool or integers"),
        ((MASK[:, :1], [1.0], [1], SQUARE), ValueError, r"instance_masks\[0\]: size is 1 x 2, but semantic is 2 x 2"),
        ((MASK, [1.0, 2.0], [1], SQUARE), ValueError, r"scores has shape \(2,\), expected \(1,\), one for each mask"),
        ((MASK, [1.0], [[1]], SQUARE), ValueError, r"classes has shape \(1, 1\), expected \(1,\)"),
        ((MASK, [np.nan], [1], SQUARE), ValueError, r"scores\[0\] is NaN"),
        ((MASK, ["a"], [1], SQUARE), TypeError, "scores has dtype"),
        ((MASK, [1.0], [1.5], SQUARE), TypeError, "classes has dtype float64, expected integers"),
    ],
)
def test_instances_that_do_not_fit_are_refused(arguments: tuple[Any, ...], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        panoptic_fpn_merge(*arguments)


@pytest.mark.parametrize(
    ("threshold", "error", "text"), [(np.nan, ValueError, "nan"), ("a", TypeError, "'a'"), (None, TypeError, "None")]
)
def test_thresholds_that_are_no_numbers_are_refused(threshold: Any, error: Any, text: str) -> None:
    """NaN was taken for a threshold that nothing passes, or everything."""
    for name in ("overlap_threshold", "stuff_area_thresh", "instances_score_thresh"):
        with pytest.raises(error, match=f"^{name} is {text}, expected a number"):
            panoptic_fpn_merge(MASK, [1.0], [1], SQUARE, **{name: threshold})
    for name in ("object_mask_threshold", "overlap_threshold"):
        with pytest.raises(error, match=f"^{name} is {text}, expected a number"):
            mask2former_inference(np.array([[9.0, 0.0]]), np.ones((1, 1, 1)), [0], **{name: threshold})


# ---- Mask2Former ----------------------------------------------------------------------------------------------------


def queries(rng: np.random.Generator, dtype: Any = np.float32) -> tuple[Array, Array]:
    n, n_classes = int(rng.integers(1, 12)), int(rng.integers(1, 6))
    height, width = int(rng.integers(1, 30)), int(rng.integers(1, 30))
    mask_cls = rng.normal(0, 1, (n, n_classes + 1))
    mask_cls[np.arange(n), rng.integers(0, n_classes + 1, n)] += rng.choice([0, 3, 8], n)
    coarse = rng.normal(0, 4, (n, height // 7 + 1, width // 7 + 1)).repeat(7, axis=1).repeat(7, axis=2)
    return mask_cls.astype(dtype), (coarse[:, :height, :width] + rng.normal(0, 1, (n, height, width))).astype(dtype)


@pytest.mark.parametrize("seed", range(60))
def test_mask2former_inference_is_the_naive_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(5):
        mask_cls, mask_pred = queries(rng, rng.choice([np.float32, np.float64]))
        things = set(rng.choice(6, 3).tolist())
        object_mask, overlap = float(rng.choice([0.0, 0.5, 0.8])), float(rng.choice([0.0, 0.3, 0.8]))
        found = mask2former_inference(
            mask_cls, mask_pred, things, object_mask_threshold=object_mask, overlap_threshold=overlap
        )
        assert_equal(found, naive_mask2former(mask_cls, mask_pred, things, object_mask, overlap))


def test_mask2former_inference_as_torch_computes_it() -> None:
    torch = pytest.importorskip("torch")
    for seed in range(40):
        rng = np.random.default_rng(seed)
        mask_cls, mask_pred = queries(rng)
        scores, labels = torch.softmax(torch.tensor(mask_cls), -1).max(-1)
        keep = (labels != mask_cls.shape[1] - 1) & (scores > 0.5)
        found, _ = mask2former_inference(
            torch.tensor(mask_cls), torch.tensor(mask_pred), {0}, object_mask_threshold=0.5, overlap_threshold=0.0
        )
        masks = torch.tensor(mask_pred).sigmoid()[keep]
        if len(masks) == 0:
            assert not found.any()
            continue
        owner = (scores[keep].view(-1, 1, 1) * masks).argmax(0)
        inside = (masks >= 0.5).gather(0, owner[None])[0].numpy()
        np.testing.assert_array_equal(found > 0, inside)


def test_stuff_of_one_class_is_one_segment_and_things_are_not() -> None:
    mask_cls = np.array([[9, 0, 0]] * 2 + [[0, 9, 0]] * 2, dtype=np.float32)
    mask_pred = np.full((4, 1, 4), -9, dtype=np.float32)
    mask_pred[np.arange(4), 0, np.arange(4)] = 9
    found, info = mask2former_inference(mask_cls, mask_pred, {1})
    assert found.tolist() == [[1, 1, 2, 3]]
    assert info == [
        {"id": 1, "isthing": False, "category_id": 0},
        {"id": 2, "isthing": True, "category_id": 1},
        {"id": 3, "isthing": True, "category_id": 1},
    ]


def test_products_of_two_dtypes_are_in_the_wider_one() -> None:
    """Scores of float64 were rounded to the masks' float32, so that these were equal and the first had the pixel."""
    mask_cls = np.array([[1.0, 0, 0], [0, 1 + 1e-12, 0]])
    mask_pred = np.ones((2, 1, 1), np.float32)
    for masks in (mask_pred, mask_pred.astype(np.float64), mask_pred.astype(np.float16)):
        _, info = mask2former_inference(mask_cls, masks, [], object_mask_threshold=0, overlap_threshold=0)
        assert [each["category_id"] for each in info] == [1]


def test_classes_of_things_are_any_integers() -> None:
    """Elements of a tensor are equal to no int in a set, so that all was stuff."""
    mask_cls, mask_pred = np.array([[9.0, 0, 0], [0, 9, 0]]), np.ones((2, 1, 2))
    mask_pred[:, 0] = [[1, -1], [-1, 1]]
    many: list[Any] = [[1], {1}, np.array([1]), np.array([1], np.uint8), {7: 1}.values(), range(1, 2), iter([1])]
    try:
        import torch
    except ImportError:
        pass
    else:
        many.append(torch.tensor([1]))
    for things in many:
        _, info = mask2former_inference(mask_cls, mask_pred, things)
        assert [each["isthing"] for each in info] == [False, True]


def test_nothing_found_is_all_void() -> None:
    found, info = mask2former_inference(np.array([[0.0, 9.0]]), np.ones((1, 2, 3)), {0})
    assert found.tolist() == [[0] * 3] * 2
    assert info == []
    found, info = mask2former_inference(np.zeros((0, 4)), np.zeros((0, 2, 3)), [])
    assert found.shape == (2, 3)
    assert info == []


def test_infinite_logits_are_certain(recwarn: pytest.WarningsRecorder) -> None:
    mask_pred = np.array([[[np.inf, -np.inf, -2000.0]]], dtype=np.float32)
    found, _ = mask2former_inference(np.array([[9.0, 0.0]], np.float32), mask_pred, {0}, overlap_threshold=0)
    assert found.tolist() == [[1, 0, 0]]
    assert not recwarn.list


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.zeros(3), np.zeros((3, 1, 1)), []), ValueError, r"mask_cls has shape \(3,\), expected 2 dimensions"),
        ((np.zeros((3, 2)), np.zeros((2, 1, 1)), []), ValueError, "mask_cls has 3 queries, mask_pred 2"),
        ((np.zeros((3, 0)), np.zeros((3, 1, 1)), []), ValueError, r"expected \(n, number of classes \+ 1\)"),
        ((np.zeros((1, 2), int), np.zeros((1, 1, 1)), []), TypeError, "mask_cls has dtype int64, expected floats"),
        (
            (np.array([[1, 2], [np.nan, 2]]), np.zeros((2, 1, 1)), []),
            ValueError,
            r"mask_cls\[1\]: the greatest logit is nan, expected a finite number",
        ),
        ((np.array([[np.inf, 2]]), np.zeros((1, 1, 1)), []), ValueError, r"mask_cls\[0\]: the greatest logit is inf,"),
        ((np.full((1, 2), -np.inf), np.zeros((1, 1, 1)), []), ValueError, "the greatest logit is -inf, expected"),
        (
            (np.array([[0.0, 9.0], [9.0, 0.0]]), np.array([[[np.nan, 0]], [[0, np.nan]]]), []),
            ValueError,
            r"mask_pred\[1, 0, 1\] is NaN",
        ),
        ((np.array([[9.0, 0.0]]), np.zeros((1, 1, 1)), ["a"]), TypeError, r"thing_classes is \['a'\], expected int"),
        ((np.array([[9.0, 0.0]]), np.zeros((1, 1, 1)), 0), TypeError, "thing_classes is 0, expected integers"),
        ((np.array([[9.0, 0.0]]), np.zeros((1, 1, 1)), [0.5]), TypeError, r"thing_classes is \[0.5\], expected int"),
    ],
)
def test_queries_that_do_not_fit_are_refused(arguments: tuple[Any, ...], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        mask2former_inference(*arguments)
