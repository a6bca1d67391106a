"""Non-maximum suppression: which masks are kept, what they are united with, how scores decay."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import oracles
from masks import blob, every_mask, every_spelling, random_masks, random_shapes
from panomask import RLEArray
from panomask.errors import SizeMismatchError
from panomask.overlap import matrix_nms, nmm, nms
from test_algebra import batches

RATIOS = {"iou": oracles.iou, "ios": oracles.ios}
DECAYS = {"gaussian": lambda iou: math.exp(-2 * iou**2), "linear": lambda iou: 1 - iou}
PIXELS, RUNS = 4, 4


def check(masks: NDArray[np.bool_], batch: RLEArray, scores: Any, threshold: float, classes: Any) -> None:
    """All that there is, of both metrics and both kernels."""
    n = len(masks)
    labels = [0] * n if classes is None else np.asarray(classes).tolist()
    values = np.asarray(scores).tolist()
    for metric, ratio in RATIOS.items():
        keepers = oracles.keepers(ratio, masks, values, threshold, labels)
        expected = [i for i in oracles.ranked(values) if keepers[i] == i]
        kept = nms(batch, scores, threshold, classes=classes, metric=metric)
        assert kept.dtype == np.int64
        assert kept.tolist() == expected
        merged, also_kept = nmm(batch, scores, threshold, classes=classes, metric=metric)
        assert also_kept.tolist() == expected
        assert len(merged) == len(kept)
        united = [np.logical_or.reduce([masks[i] for i in range(n) if keepers[i] == k]) for k in expected]
        if united:
            assert merged == RLEArray.from_dense(np.array(united))
    for kernel, decay in DECAYS.items():
        found = matrix_nms(batch, scores, classes=classes, kernel=kernel)
        assert found.dtype == np.float64
        assert found.shape == (n,)
        np.testing.assert_allclose(found, oracles.decayed(masks, values, labels, decay), rtol=1e-12)


# ---- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (2, 2), (1, 4), (4, 1)])
@pytest.mark.parametrize("threshold", [0.0, 1 / 3, 0.5, 0.9])
def test_every_tiny_mask_beside_every_other(shape: tuple[int, int], threshold: float) -> None:
    masks = every_mask(*shape)
    order = np.random.default_rng(0).permutation(len(masks))
    check(masks, RLEArray.from_dense(masks), order, threshold, None)
    check(masks, RLEArray.from_dense(masks), order // 3, threshold, order % 2)


def test_every_pair_of_tiny_masks() -> None:
    masks = every_mask(2, 3)
    i, j = (index.ravel() for index in np.indices((len(masks), len(masks))))
    pairs = np.stack([masks[i], masks[j]], axis=1).reshape(-1, 2, 3)  # each pair a class of its own
    batch = RLEArray.from_dense(pairs)
    classes = np.arange(len(pairs)) // 2
    scores = np.tile([0.9, 0.8], len(pairs) // 2)
    for metric, ratio in RATIOS.items():
        is_kept = np.zeros(len(pairs), bool)
        is_kept[nms(batch, scores, 0.5, classes=classes, metric=metric)] = True
        assert is_kept[::2].all()
        assert is_kept[1::2].tolist() == [ratio(a, b) <= 0.5 for a, b in zip(masks[i], masks[j], strict=True)]


def test_every_spelling() -> None:
    lists = every_spelling(PIXELS, RUNS)[::3]
    masks = np.array([oracles.decode(counts, PIXELS, 1) for counts in lists])
    batch = RLEArray.from_coco([{"size": [PIXELS, 1], "counts": counts} for counts in lists])
    scores = np.random.default_rng(1).permutation(len(lists)) / len(lists)
    check(masks, batch, scores, 0.4, None)


def test_random_masks_of_random_classes() -> None:
    rng = np.random.default_rng(2)
    for shape in random_shapes(rng, 25):
        n = int(rng.integers(0, 12))
        masks = random_masks(rng, n, *shape)
        masks[n // 2 :] = masks[: n - n // 2] ^ (rng.random((n - n // 2, *shape)) < 0.1)  # each beside one like it
        batch = RLEArray.from_dense(masks)
        scores = rng.random(n).round(1)  # some are equal
        check(masks, batch, scores, float(rng.random()), None)
        check(masks, batch, scores, float(rng.random()), rng.integers(-1, 2, n))


def test_many_masks_of_sizes_that_differ_by_class() -> None:
    rng = np.random.default_rng(3)
    shapes = random_shapes(rng, 6)
    parts = [np.array([blob(rng, *shape) for _ in range(4)]) for shape in shapes]
    batch = RLEArray.concatenate([RLEArray.from_dense(part) for part in parts])
    classes = np.repeat(np.arange(6), 4)
    scores = rng.random(24)
    mixed = rng.permutation(24)
    found = nms(batch[mixed], scores[mixed], 0.3, classes=classes[mixed])
    expected = []
    for k, part in enumerate(parts):
        keepers = oracles.keepers(oracles.iou, part, scores[4 * k : 4 * k + 4].tolist(), 0.3, [0] * 4)
        expected += [4 * k + i for i in range(4) if keepers[i] == i]
    assert sorted(mixed[found].tolist()) == expected
    assert (np.diff(scores[mixed][found]) < 0).all()


@given(st.data())
def test_what_is_kept_does_not_overlap_and_the_rest_does(data: st.DataObject) -> None:
    (batch,) = data.draw(batches(1, most_masks=6))
    scores = data.draw(st.lists(st.floats(-1, 1), min_size=len(batch), max_size=len(batch)))
    threshold = data.draw(st.floats(0, 1))
    kept = nms(batch, scores, threshold)
    among = batch[kept].iou(batch[kept])
    assert (among[~np.eye(len(kept), dtype=bool)] <= threshold).all()
    rest = np.setdiff1d(np.arange(len(batch)), kept)
    assert (batch[rest].iou(batch[kept]).max(axis=1, initial=-1) > threshold).all()
    merged, _ = nmm(batch, scores, threshold, metric="iou")
    assert merged.union() == batch.union()
    assert (merged.area >= batch[kept].area).all()
    for kernel in ("gaussian", "linear"):
        factors = matrix_nms(batch, np.ones(len(batch)), kernel=kernel)
        assert ((factors >= 0) & (factors <= 1)).all()


# ---- order ----------------------------------------------------------------------------------------------------------


def test_of_equal_scores_the_lower_index_goes_first() -> None:
    same = RLEArray.ones(4, 3, 3)
    assert nms(same, [1, 2, 2, 1]).tolist() == [1]
    assert nms(same, [0.0, -0.0, 0.0, -0.0]).tolist() == [0]
    assert nms(same, [5, 5, 5, 5], classes=[1, 0, 1, 0]).tolist() == [0, 1]
    assert matrix_nms(same, [1, 1, 1, 1], kernel="linear").tolist() == [1, 0, 0, 0]


def test_infinite_scores_are_in_order() -> None:
    apart = RLEArray.from_boxes([[0, 0, 1, 1], [1, 0, 1, 1], [2, 0, 1, 1]], 1, 3)
    assert nms(apart, [-np.inf, np.inf, 0]).tolist() == [1, 2, 0]


def test_a_ratio_equal_to_the_threshold_is_kept() -> None:
    masks = RLEArray.from_boxes([[0, 0, 2, 1], [1, 0, 1, 1]], 1, 2)
    assert nms(masks, [2, 1], 0.5).tolist() == [0, 1]
    assert nms(masks, [2, 1], np.nextafter(0.5, 0)).tolist() == [0]
    assert nms(masks, [2, 1], 1, metric="ios").tolist() == [0, 1]
    assert nms(masks, [2, 1], 0.99, metric="ios").tolist() == [0]
    assert nms(masks, [2, 1], -1).tolist() == [0]


def test_what_was_suppressed_suppresses_nothing() -> None:
    chain = RLEArray.from_boxes([[0, 0, 4, 1], [2, 0, 4, 1], [4, 0, 4, 1]], 1, 8)
    assert nms(chain, [3, 2, 1], 0.3).tolist() == [0, 2]
    merged, kept = nmm(chain, [3, 2, 1], 0.3)
    assert kept.tolist() == [0, 2]
    assert merged.bbox.tolist() == [[0, 0, 6, 1], [4, 0, 4, 1]]


def test_empty_masks_are_kept() -> None:
    assert nms(RLEArray.zeros(3, 2, 2), [1, 2, 3], 0).tolist() == [2, 1, 0]
    assert matrix_nms(RLEArray.zeros(3, 2, 2), [1, 2, 3]).tolist() == [1, 2, 3]


def test_no_masks() -> None:
    none = RLEArray.empty()
    for classes in (None, []):
        kept = nms(none, [], classes=classes)
        assert (kept.dtype, kept.shape) == (np.int64, (0,))
        merged, kept = nmm(none, [], 0.5, classes=classes)
        assert (len(merged), kept.shape) == (0, (0,))
        assert matrix_nms(none, [], classes=classes).shape == (0,)


def test_images_past_32_bits() -> None:
    side = 70_000
    left = {"size": [side, side], "counts": [0, 40_000 * side, 30_000 * side]}
    masks = RLEArray.concatenate([RLEArray.ones(1, side, side), RLEArray.from_coco(left)])
    assert nms(masks, [1, 2], 4 / 7).tolist() == [1, 0]
    assert nms(masks, [1, 2], 0.57).tolist() == [1]
    assert matrix_nms(masks, [1, 2], kernel="linear").tolist() == pytest.approx([3 / 7, 2])


# ---- matrix NMS as others have it -----------------------------------------------------------------------------------


def test_matrix_nms_is_that_of_a_matrix() -> None:
    # All at once, as SOLOv2's code does: IoUs above the diagonal, the largest of each column, the least of each column.
    rng = np.random.default_rng(4)
    masks = RLEArray.from_dense(np.array([blob(rng, 40, 50) for _ in range(40)]))
    scores = np.sort(rng.random(40))[::-1]
    classes = rng.integers(0, 3, 40)
    ious = np.triu(masks.iou(masks) * (classes[:, np.newaxis] == classes), 1)
    largest = ious.max(axis=0)[:, np.newaxis]
    gaussian = (np.exp(-0.5 * ious**2) / np.exp(-0.5 * largest**2)).min(axis=0)
    linear = ((1 - ious) / (1 - largest)).min(axis=0)
    np.testing.assert_allclose(matrix_nms(masks, scores, classes=classes, sigma=0.5), scores * gaussian, rtol=1e-12)
    np.testing.assert_allclose(matrix_nms(masks, scores, classes=classes, kernel="linear"), scores * linear, rtol=1e-12)


@pytest.mark.parametrize("kernel", ["gaussian", "linear"])
def test_a_mask_equal_to_a_better_one_has_no_say_and_gives_no_nan(kernel: Any) -> None:
    masks = RLEArray.from_boxes([[0, 0, 4, 1], [0, 0, 4, 1], [0, 0, 4, 1], [2, 0, 4, 1]], 1, 8)
    found = matrix_nms(masks, [4, 3, 2, 1], kernel=kernel)
    same, third = (0, 2 / 3) if kernel == "linear" else (math.exp(-2), math.exp(-2 / 9))
    assert found.tolist() == pytest.approx([4, 3 * same, 2 * same, third])


# ---- arguments ------------------------------------------------------------------------------------------------------

BOXES = RLEArray.from_boxes([[0, 0, 2, 1], [0, 0, 2, 1], [2, 0, 2, 1]], 1, 4)


@pytest.mark.parametrize(
    "scores",
    [[1, 3, 2], (1.0, 3.0, 2.0), np.array([1, 3, 2], np.uint8), np.array([1, 3, 2], ">f4"),
     np.array([1, 3, 2], np.float16), np.array([1, 9, 3, 9, 2])[::2], np.longdouble([1, 3, 2])],
    ids=repr,
)  # fmt: skip
def test_scores_of_every_kind_are_read(scores: Any) -> None:
    assert nms(BOXES, scores).tolist() == [1, 2]
    assert matrix_nms(BOXES, scores).dtype == np.float64


@pytest.mark.parametrize(
    "classes", [[-5, 7, 7], (2**63, 0, 0), np.array([1, 0, 0], np.uint8), [2**70, -(2**70), 0]], ids=repr
)
def test_classes_of_every_kind_are_read(classes: Any) -> None:
    assert nms(BOXES, [1, 3, 2], classes=classes).tolist() == [1, 2, 0]


def test_scores_and_classes_of_torch_are_read() -> None:
    torch = pytest.importorskip("torch")
    scores, classes = torch.tensor([0.1, 0.3, 0.2]), torch.tensor([0, 0, 1])
    assert nms(BOXES, scores, classes=classes).tolist() == [1, 2]
    assert nms(BOXES, scores, classes=torch.tensor([0, 1, 1])).tolist() == [1, 2, 0]


def test_arguments_stay_as_they_are() -> None:
    scores = np.array([1.0, 3.0, 2.0])
    found = matrix_nms(BOXES, scores)
    assert found is not scores
    assert scores.tolist() == [1, 3, 2]


FUNCTIONS = pytest.mark.parametrize(
    "function", [nms, lambda m, s, **k: nmm(m, s, 0.5, **k), matrix_nms], ids=["nms", "nmm", "matrix_nms"]
)


@FUNCTIONS
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([{"size": [1, 1], "counts": [1]}], [1]), TypeError, "masks: expected an RLEArray, found list"),
        ((BOXES, [1, 2]), ValueError, r"scores has shape \(2,\), expected \(3,\), one for each mask"),
        ((BOXES, [[1, 2, 3]]), ValueError, r"scores has shape \(1, 3\)"),
        ((BOXES, 1.0), ValueError, r"scores has shape \(\)"),
        ((BOXES, ["a", "b", "c"]), TypeError, "scores has dtype <U1, expected numbers"),
        ((BOXES, [1, 2, 3j]), TypeError, "scores has dtype complex128"),
        ((BOXES, [1, np.nan, 3]), ValueError, r"scores\[1\] is nan"),
        ((BOXES, None), TypeError, "scores has dtype object"),
    ],
)
def test_bad_masks_and_scores_are_refused(function: Any, arguments: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        function(*arguments)


@FUNCTIONS
@pytest.mark.parametrize(
    ("classes", "error", "message"),
    [
        ([0, 1], ValueError, r"classes has shape \(2,\), expected \(3,\)"),
        ([[0], [1], [2]], ValueError, r"classes has shape \(3, 1\)"),
        ([0.0, 1.0, 2.0], TypeError, "classes has dtype float64, expected integers"),
        (["cat", "dog", "cat"], TypeError, "classes has dtype <U3"),
        ([True, False, True], TypeError, "classes has dtype bool"),
    ],
)
def test_bad_classes_are_refused(function: Any, classes: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        function(BOXES, [1, 2, 3], classes=classes)


@FUNCTIONS
def test_sizes_that_differ_in_a_class_are_named(function: Any) -> None:
    masks = RLEArray.concatenate([RLEArray.ones(2, 3, 4), RLEArray.ones(1, 5, 6), RLEArray.ones(1, 3, 4)])
    with pytest.raises(SizeMismatchError, match=r"masks\[2\]: size is 5 x 6, but masks\[3\] is 3 x 4"):
        function(masks, [1, 2, 3, 4])
    with pytest.raises(SizeMismatchError, match=r"masks\[0\]: size is 3 x 4, but masks\[2\] is 5 x 6"):
        function(masks, [1, 2, 3, 4], classes=[7, 1, 7, 1])
    function(masks, [1, 2, 3, 4], classes=[1, 1, 7, 1])


@pytest.mark.parametrize(
    ("threshold", "error", "message"),
    [(math.nan, ValueError, "threshold is nan"), ("0.5", TypeError, "threshold is '0.5', expected a number"),
     (None, TypeError, "threshold is None"), (10**400, OverflowError, "threshold is an integer too large")],
)  # fmt: skip
def test_bad_thresholds_are_refused(threshold: Any, error: Any, message: str) -> None:
    for function in (nms, nmm):
        with pytest.raises(error, match=message):
            function(BOXES, [1, 2, 3], threshold)


@pytest.mark.parametrize("metric", ["IoU", "", None, ["iou"], 0])
def test_unknown_metrics_are_refused(metric: Any) -> None:
    with pytest.raises(ValueError, match=r"metric is .*, expected 'iou' or 'ios'"):
        nms(BOXES, [1, 2, 3], metric=metric)


def test_bad_kernels_and_sigmas_are_refused() -> None:
    with pytest.raises(ValueError, match="kernel is 'box', expected 'gaussian' or 'linear'"):
        matrix_nms(BOXES, [1, 2, 3], kernel="box")  # type: ignore[arg-type]
    for sigma in (0, -1, math.inf):
        with pytest.raises(ValueError, match=r"sigma is .*, expected a finite number above 0"):
            matrix_nms(BOXES, [1, 2, 3], sigma=sigma)
    with pytest.raises(ValueError, match="sigma is nan"):
        matrix_nms(BOXES, [1, 2, 3], sigma=math.nan)
    with pytest.raises(TypeError, match="sigma is '2'"):
        matrix_nms(BOXES, [1, 2, 3], sigma="2")  # type: ignore[arg-type]
