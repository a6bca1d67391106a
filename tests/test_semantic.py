"""Semantic IoU: each preset equals its oracle exactly, and workers merge."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest

import quality_oracles as oracles
from panomask.panoptic.semantic import SemanticIoU

N = 11
Image = dict[str, Any]


@pytest.fixture(scope="module")
def images() -> list[Image]:
    """Blocks of classes, of which 9 is nowhere, 3 in predictions only, and 255 in the ground truth only."""
    rng = np.random.default_rng(2)
    made = []
    for _ in range(30):
        gt = np.kron(rng.choice([0, 1, 2, 4, 5, 6, 7, 8, 10, 255], (4, 5)), np.ones((3, 3), np.uint8))
        pred = np.where((gt == 255) | (rng.random(gt.shape) < 0.3), rng.choice(9, gt.shape), gt)
        made.append({"gt": gt.astype(np.uint8), "pred": pred})
    return made


def evaluate(images: list[Image], *arguments: Any, **options: Any) -> SemanticIoU:
    quality = SemanticIoU(N, *arguments, **options)
    for image in images:
        quality.update(image["gt"], image["pred"])
    return quality


def assert_same(found: np.ndarray, expected: list[Any]) -> None:
    np.testing.assert_array_equal(found, np.array(expected, found.dtype), strict=True)


def test_mmseg_equals_the_oracle(images: list[Image]) -> None:
    result = evaluate(images).compute()
    ious, mean = oracles.mmseg_iou(images, N, 255)
    assert result.iou.dtype == np.float32
    assert_same(result.iou, ious)
    assert math.isnan(ious[9])
    assert ious[3] == 0
    assert result.mean == float(mean)


def test_mmseg_predictions_out_of_range_are_of_no_class() -> None:
    gt, pred = np.array([0, 0, 1, 7]), np.array([0, 9, -1, 0])
    quality = SemanticIoU(2)
    quality.update(gt, pred)
    ious, mean = oracles.mmseg_iou([{"gt": gt, "pred": pred}], 2, 255)
    assert_same(quality.compute().iou, ious)
    assert quality.compute().mean == float(mean) == pytest.approx((1 / 3 + 0) / 2)


def test_mmseg_adds_float32_image_by_image() -> None:
    """Above 2^24 pixels a float32 has no room for one more."""
    quality = SemanticIoU(1)
    quality._records[0] = (np.array([[0, 0, 2**24]]),)  # an image of 2^24 pixels, of which only the counts are kept
    for _ in range(3):
        quality.update([0], [0])
        quality.update([0], [5])
    assert quality.compute().iou.tolist() == [1.0]
    exact = quality.compute().confusion
    assert exact.tolist() == [[2**24 + 3]]


def test_cityscapes_equals_the_oracle(images: list[Image]) -> None:
    ignore = [255, 4, 6]
    result = evaluate(images, "cityscapes", ignore=ignore).compute()
    ious, mean = oracles.cityscapes_iou(images, N, ignore)
    assert_same(result.iou, ious)
    assert result.mean == mean


def test_cityscapes_ignores_its_labels_by_default() -> None:
    quality = SemanticIoU(34, "cityscapes")
    quality.update([7, 7, 0, 26], [7, 0, 7, 26])  # void pixels count for nothing, void predictions against the road
    result = quality.compute()
    assert result.mean == (0.5 + 1) / 2
    assert math.isnan(result.iou[0])


@pytest.mark.parametrize("ignore", [255, 4])
def test_torchmetrics_equals_the_oracle(images: list[Image], ignore: int) -> None:
    if ignore == 4:
        images = [{**image, "gt": np.where(image["gt"] == 255, 0, image["gt"])} for image in images]
    result = evaluate(images, "torchmetrics", ignore=ignore).compute()
    ious, mean = oracles.torchmetrics_iou(images, N, ignore)
    assert result.iou.dtype == np.float32
    assert_same(result.iou, ious)
    assert result.mean == float(mean)


def test_accuracy_and_dict() -> None:
    quality = SemanticIoU(3, "torchmetrics")
    quality.update([[0, 0, 1, 1]], [[0, 1, 1, 1]])
    result = quality.compute()
    assert result.accuracy.tolist()[:2] == [0.5, 1.0]
    assert result.mean_accuracy == 0.75
    assert result.pixel_accuracy == 0.75
    assert result.confusion.tolist() == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert result.to_dict()["per_class"][0] == {"iou": 0.5, "accuracy": 0.5}
    assert repr(result) == "SemanticResult(mean=0.5833, 3 classes)"


@pytest.mark.parametrize("preset", ["mmseg", "cityscapes", "torchmetrics"])
def test_merging_gives_the_same_bits(images: list[Image], preset: str) -> None:
    whole = evaluate(images, preset, ignore=255)
    parts = [SemanticIoU(N, preset, ignore=255) for _ in range(3)]
    for i, image in enumerate(images):
        parts[i % 3].update(image["gt"], image["pred"], image_id=i)
    merged = SemanticIoU.from_bytes(parts[2].to_bytes()).merge(pickle.loads(pickle.dumps(parts[0]))).merge(parts[1])
    assert merged.to_bytes() == whole.to_bytes()
    assert merged.compute().to_dict()["mean"] == whole.compute().mean
    with pytest.raises(ValueError, match=r"^other was made with n_classes 3, expected 11$"):
        whole.merge(SemanticIoU(3, preset))


def test_without_images_all_is_nan() -> None:
    for preset in ("mmseg", "cityscapes", "torchmetrics"):
        assert math.isnan(SemanticIoU(2, preset).compute().mean)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), ValueError, "n_classes is 0, expected 1 or more"),
        ((2.5,), TypeError, "n_classes is 2.5, expected an integer"),
        ((2, ["mmseg"]), ValueError, "preset is ['mmseg'], expected one of mmseg, cityscapes, torchmetrics"),
        ((2, "voc"), ValueError, "preset is 'voc', expected one of mmseg, cityscapes, torchmetrics"),
    ],
)
def test_an_evaluator_that_cannot_be(arguments: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        SemanticIoU(*arguments)
    assert str(caught.value) == message


def test_ignore_is_any_integer_or_several() -> None:
    """Before, one of NumPy was an error."""
    for ignore in (1, np.int64(1), np.uint8(1), [1], np.array([1]), {1}):
        quality = SemanticIoU(2, ignore=ignore)  # type: ignore[arg-type]
        quality.update([0, 1], [0, 0])
        assert quality.compute().confusion.tolist() == [[1, 0], [0, 0]]
    with pytest.raises(TypeError, match=r"^ignore is 1\.5, expected an integer$"):
        SemanticIoU(2, ignore=1.5)  # type: ignore[arg-type]


def test_image_order_has_each_image_once() -> None:
    """Before, an image that was there twice was counted twice."""
    with pytest.raises(ValueError, match=r"^image_order has 'a' twice$"):
        SemanticIoU(2, image_order=["a", "b", "a"])
    quality = SemanticIoU(2, image_order=iter("ba"))
    quality.update([0], [0], image_id="a")
    with pytest.raises(ValueError, match=r"^image 'c' is not in image_order$"):
        quality.update([0], [0], image_id="c")


def test_what_is_refused() -> None:
    quality = SemanticIoU(2, "cityscapes", ignore=255)
    with pytest.raises(ValueError, match=r"^image 0: gt has shape \(2,\), but pred \(3,\)$"):
        quality.update([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match=r"^image 'a': gt has class 2, expected 0 to 1$"):
        quality.update([0, 2], [0, 1], image_id="a")
    with pytest.raises(ValueError, match=r"^image 0: pred has class -1, expected 0 to 1$"):
        quality.update([0, 255, 0], [0, 9, -1])
    with pytest.raises(TypeError, match="image 0: gt has dtype float64"):
        quality.update([0.5], [1])
    with pytest.raises(ValueError, match=r"^image 0: pred has label 18446744073709551615, expected at most 922337203"):
        SemanticIoU(2, ignore=-1).update(np.array([0]), np.array([2**64 - 1], np.uint64))
    assert len(quality) == 0
