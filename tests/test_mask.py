"""panomask.mask beside pycocotools.mask: the same to the last bit, and every difference by name.

A test whose name begins with ``test_difference_`` pins one row of the table in the documentation. It also asks
pycocotools for what the table says of it, where that is safe: not where it reads foreign memory, crashes or hangs.
"""

from __future__ import annotations

import json
import math
from collections import OrderedDict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import oracles
from checks import check_arrays, check_each, check_identical
from masks import every_tiny_mask, random_masks, random_ring, random_shapes, to_rle
from panomask import RLEArray, mask
from panomask.errors import ImageTooLargeError, InvalidRLEError, PointOutOfRangeError, SizeMismatchError

reference = pytest.importorskip("pycocotools.mask")

of_2_0_11 = pytest.mark.skipif(version("pycocotools") != "2.0.11", reason="the table is about pycocotools 2.0.11")

MASK = {"size": [3, 4], "counts": b"441M1"}
EMPTY = {"size": [3, 4], "counts": b"<"}
FULL = {"size": [3, 4], "counts": b"0<"}
TRIANGLE = [1, 1, 6, 1, 6, 5]


def fortran(masks: NDArray[Any]) -> NDArray[np.uint8]:
    """Masks (n, h, w) as pycocotools takes them: uint8 (h, w, n) in Fortran order."""
    return np.asfortranarray(masks.transpose(1, 2, 0).astype(np.uint8))


def both(function: str, *arguments: Any, **keywords: Any) -> Any:
    """Assert that both libraries give the same; returns it."""
    found = getattr(mask, function)(*arguments, **keywords)
    check_identical(found, getattr(reference, function)(*arguments, **keywords))
    return found


def random_batches(seed: int, n: int, masks: int = 6) -> list[NDArray[np.bool_]]:
    """Batches (masks, h, w), most next to the sizes of machine words."""
    rng = np.random.default_rng(seed)
    return [random_masks(rng, masks, *shape) for shape in random_shapes(rng, n)]


# ---- parity on masks of all kinds -----------------------------------------------------------------------------------


def test_every_function_is_there() -> None:
    functions = {name for name, value in vars(reference).items() if callable(value)}
    assert set(mask.__all__) == functions


def test_arguments_have_the_same_names() -> None:
    both("encode", bimask=np.asfortranarray(np.eye(3, dtype=np.uint8)))
    for function in ("decode", "area", "toBbox"):
        both(function, rleObjs=MASK)
    both("merge", rleObjs=[MASK, FULL], intersect=1)
    both("iou", dt=[MASK], gt=[FULL], pyiscrowd=[0])
    both("frPyObjects", pyobj=[TRIANGLE], h=6, w=8)


def test_every_tiny_mask_is_encoded_and_decoded_alike() -> None:
    for _, masks in every_tiny_mask(9):
        rles = both("encode", fortran(masks))
        check_arrays(both("decode", rles).transpose(2, 0, 1), masks.astype(np.uint8), masks)
        both("area", rles[:255])
        both("toBbox", rles)


def test_random_masks_are_encoded_alike() -> None:
    for masks in random_batches(1, 60):
        pixels = fortran(masks)
        both("encode", pixels)
        both("encode", pixels.view(bool))
        both("encode", pixels * np.uint8(255))
        both("encode", pixels[:, :, 0])
        both("encode", pixels[:, :, :1])
        both("encode", pixels[:, :, :0])


def test_random_masks_are_decoded_and_measured_alike() -> None:
    for masks in random_batches(2, 60):
        rles = [to_rle(each) for each in masks]
        strings = [to_rle(each, str) for each in masks]
        for function in ("decode", "area", "toBbox"):
            both(function, rles)
            both(function, strings)
            both(function, rles[:1])
            both(function, rles[0])
            both(function, strings[0])


def test_random_masks_are_merged_alike() -> None:
    for masks in random_batches(3, 60):
        rles = [to_rle(each) for each in masks]
        strings = [to_rle(each, str) for each in masks]
        for n in range(len(rles)):
            for intersect in (0, 1, False, True):
                both("merge", rles[:n], intersect)
            both("merge", rles[:n])
            both("merge", tuple(strings[:n]), intersect=1)


def test_random_masks_overlap_alike() -> None:
    rng = np.random.default_rng(4)
    for masks in random_batches(4, 60, masks=11):
        dt, gt = [to_rle(each) for each in masks[:5]], [to_rle(each, str) for each in masks[5:]]
        crowd = rng.integers(0, 2, 6)
        for flags in (crowd, crowd.tolist(), tuple(crowd.tolist()), crowd.astype(bool), crowd.astype(np.uint8)):
            both("iou", dt, gt, flags)
        both("iou", dt[:1], gt[:1], [1])


def test_three_hundred_masks_go_alike() -> None:
    masks = random_masks(np.random.default_rng(5), 300, 33, 34)
    rles = both("encode", fortran(masks))
    both("decode", rles)
    both("toBbox", rles)
    both("merge", rles)
    both("merge", rles, True)
    both("iou", rles, rles[:100], [i % 2 for i in range(100)])


def test_random_polygons_are_rasterised_alike() -> None:
    rng = np.random.default_rng(6)
    for height, width in random_shapes(rng, 150):
        rings = [random_ring(rng, height, width, int(rng.integers(3, 12))) for _ in range(10)]
        both("frPyObjects", rings, height, width)
        both("frPyObjects", [tuple(rings[0]), np.array(rings[1]), *rings[2:]], height, width)
        both("frPyObjects", [np.array(ring, np.float32) for ring in rings], height, width)
        both("frPyObjects", [np.round(ring).astype(int).tolist() for ring in rings], np.int64(height), np.uint8(width))
        both("frPyObjects", [[*ring, 7.0] for ring in rings], height, width)  # a last coordinate without partner


def test_a_million_points_are_rasterised_alike() -> None:
    rng = np.random.default_rng(7)
    angle = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    radius = 90 + rng.normal(size=1_000_000)
    ring = np.stack([160 + radius * np.cos(angle), 120 + radius * np.sin(angle)], axis=1).ravel()
    both("frPyObjects", [ring.tolist()], 240, 320)


def test_polygons_of_every_length_are_rasterised_alike() -> None:
    """Short ones are read and rasterised in memory on the stack, long ones elsewhere."""
    rng = np.random.default_rng(10)
    for points in range(3, 160):
        rings = [rng.uniform(0, 40, 2 * points).tolist()]
        both("frPyObjects", rings, 30, 40)
        both("frPyObjects", [[1.0, 1, 1, 4, 5, 4]] * (points // 3), 30, 40)


@pytest.mark.parametrize("scale", [100, 10_000, 300_000])
def test_polygons_far_outside_are_rasterised_alike(scale: int) -> None:
    rng = np.random.default_rng(scale)
    rings = [(rng.uniform(-scale, scale, (4, 2)) + 50).ravel().tolist() for _ in range(20)]
    both("frPyObjects", rings, 90, 110)


@pytest.mark.parametrize("points", range(3))
def test_short_polygons_after_others_are_rasterised_alike(points: int) -> None:
    both("frPyObjects", [TRIANGLE, [2.0] * (2 * points), TRIANGLE, [3.0] * (2 * points + 1)], 6, 8)


def test_random_boxes_are_rasterised_alike() -> None:
    rng = np.random.default_rng(8)
    for height, width in random_shapes(rng, 100):
        boxes = rng.uniform(-0.5, 1.2, (8, 4)) * (width, height, width, height)
        both("frPyObjects", boxes, height, width)
        both("frPyObjects", np.round(boxes), height, width)
        both("frPyObjects", np.round(boxes * 2) / 2, height, width)
    both("frPyObjects", np.zeros((0, 4)), 6, 8)


def test_random_boxes_overlap_alike() -> None:
    rng = np.random.default_rng(9)
    for _ in range(60):
        n, m = rng.integers(1, 12, 2)
        dt, gt = (np.round(rng.uniform(-2, 9, (k, 4)), int(rng.integers(0, 4))) for k in (n, m))
        flags = rng.integers(0, 2, m).tolist()
        found = both("iou", dt, gt, flags)
        both("iou", dt.tolist(), gt.tolist(), flags)
        both("iou", dt.tolist(), gt, np.array(flags))
        both("iou", list(dt), list(gt), flags)
        both("iou", dt.astype(np.float32), gt.astype(np.float16), flags)
        both("iou", dt.astype(int), gt.astype(np.int8), flags)
        both("iou", np.repeat(dt, 2, axis=0)[::2], gt, flags)
        expected = [[oracles.box_iou(d, g, b_is_crowd=bool(c)) for g, c in zip(gt.tolist(), flags, strict=True)]
                    for d in dt.tolist()]  # fmt: skip
        assert found.tolist() == expected


@pytest.mark.parametrize("n", [1, 3, 64, 65, 200])
@pytest.mark.parametrize("numbers", ["float", "int", "mixed", "bool", "numpy", "large"])
def test_boxes_in_lists_and_in_arrays_overlap_alike(n: int, numbers: str) -> None:
    values = np.random.default_rng(n).integers(0, 40, (n, 4)).astype(np.float64)
    if numbers == "large":
        values = np.array([[2**44 - 1, 0, 2**44, 1]] * n, np.float64)
    convert: dict[str, Any] = {
        "float": lambda i, x: float(x),
        "int": lambda i, x: int(x),
        "mixed": lambda i, x: int(x) if i % 3 else float(x),
        "bool": lambda i, x: bool(x),
        "numpy": lambda i, x: np.float32(x),
        "large": lambda i, x: int(x),
    }
    boxes = [[convert[numbers](i, x) for i, x in enumerate(box)] for box in values]
    expected = mask.iou(np.array(boxes, dtype=np.float64), np.array(boxes, dtype=np.float64), None)
    np.testing.assert_array_equal(mask.iou(boxes, boxes, None), expected)
    np.testing.assert_array_equal(mask.iou(tuple(map(tuple, boxes)), boxes, [0] * n), expected)


@pytest.mark.parametrize("boxes", [[[1.0, 2, 3]], [[1.0, 2, 3, 4], [1.0, 2, 3]], [[1.0, 2, 3, "4"]], [[1, 2, 3, None]]])
def test_lists_that_are_no_boxes_are_refused(boxes: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^dt"):
        mask.iou(boxes, [[0, 0, 1, 1]], [0])


@pytest.mark.parametrize("side", [math.nan, math.inf, 2.0**60, 2**60, 10**400])
def test_a_box_too_far_out_is_named(side: float) -> None:
    with pytest.raises((OverflowError, TypeError, ValueError), match="dt"):
        mask.iou([[0, 0, 1, 1], [0, side, 1, 1]], [[0, 0, 1, 1]], [0])


def test_negative_and_empty_boxes_overlap_alike() -> None:
    boxes = [[2, 2, -2, -2], [0, 0, -1, 3], [0, 0, 0, 0], [0, 0, 2, 2], [-1, -1, 3, 3], [0, 0, 1e-300, 1e-300]]
    for flag in (0, 1):
        both("iou", boxes, boxes, [flag] * len(boxes))


@pytest.mark.parametrize("make", [list, tuple, np.array, lambda c: np.array(c, np.uint8), lambda c: np.array(c, float)])
def test_uncompressed_rles_are_compressed_alike(make: Any) -> None:
    for counts in ([12], [0, 12], [4, 4, 1, 1, 2], [1, 0, 1, 2, 0, 1, 7], [0, 0, 12], [12, 0], [0] * 5 + [12]):
        rle = {"size": [3, 4], "counts": make(counts)}
        both("frPyObjects", rle, 3, 4)
        both("frPyObjects", [rle], 99, 99)
        both("frPyObjects", [rle, {"size": [1, 1], "counts": [0, 1]}], 3, 4)


def test_uncompressed_random_masks_are_compressed_alike() -> None:
    for masks in random_batches(10, 40):
        both("frPyObjects", [to_rle(each, list) for each in masks], *masks.shape[1:])


def test_whole_floats_are_sizes_alike() -> None:
    for height, width in ((3.0, 4.0), (np.float64(3), np.float32(4))):
        rle = {"size": [height, width], "counts": b"441M1"}
        for function in ("decode", "area", "toBbox"):
            both(function, rle)
        both("frPyObjects", {"size": [height, width], "counts": [4, 8]}, height, width)
        both("frPyObjects", [TRIANGLE], height * 2, width * 2)
        both("frPyObjects", np.array([[1.0, 1, 4, 3]]), height * 2, width * 2)


@pytest.mark.parametrize("size", [(3, 4), np.array([3, 4]), np.array([3, 4], np.int16)], ids=repr)
def test_sizes_of_every_kind_go_alike(size: Any) -> None:
    for function in ("decode", "area", "toBbox"):
        both(function, {"size": size, "counts": b"441M1"})
        both(function, [{"size": size, "counts": "441M1", "score": 1.0}])
    both("merge", [{"size": size, "counts": b"441M1"}] * 2)
    both("merge", [{"size": size, "counts": b"441M1"}])


def test_subclasses_of_dict_go_alike() -> None:
    for function in ("decode", "area", "toBbox"):
        both(function, OrderedDict(MASK))
        both(function, [OrderedDict(MASK)])
    both("merge", [OrderedDict(MASK), FULL])


@pytest.mark.parametrize("size", [(0, 0), (0, 4), (3, 0)])
def test_images_without_pixels_go_alike(size: tuple[int, int]) -> None:
    rles = both("encode", np.zeros((*size, 2), np.uint8, order="F"))
    both("encode", np.zeros(size, np.uint8, order="F"))
    for function in ("decode", "area", "toBbox"):
        both(function, rles)
        both(function, rles[0])
    both("merge", rles)
    both("iou", rles, rles, [0, 1])


def test_no_masks_go_alike() -> None:
    for function in ("area", "toBbox"):
        both(function, [])
    both("merge", [])
    both("merge", [], True)
    both("iou", [], [MASK], [0])
    both("iou", [MASK], [], [])
    both("iou", [], [], [])
    both("iou", np.zeros((0, 4)), np.zeros((1, 4)), [0])
    both("iou", np.zeros((1, 4)), np.zeros((0, 4)), [])


def test_one_mask_is_merged_as_it_is_spelled() -> None:
    for counts in ([1, 0, 1, 2, 0, 1, 7], [0, 0, 12], [12, 0], [4, 4, 4], [0, 0, 0, 12]):
        text = oracles.counts_to_text(counts)
        for intersect in (0, 1):
            assert both("merge", [{"size": [3, 4], "counts": text}], intersect)["counts"] == text


def test_a_run_of_nothing_after_the_longest_run_is_kept() -> None:
    rle = {"size": [1, 2**32 - 1], "counts": [2**32 - 1, 0]}
    assert mask.merge([rle])["counts"] == oracles.counts_to_text([2**32 - 1, 0])
    assert mask.merge([rle, rle])["counts"] == oracles.counts_to_text([2**32 - 1])


def test_spelled_masks_are_measured_alike_where_pycocotools_can() -> None:
    for counts in ([1, 0, 1, 2, 0, 1, 7], [0, 0, 0, 5, 7], [12, 0], [2, 3, 0, 0, 7]):
        rle = {"size": [3, 4], "counts": oracles.counts_to_text(counts)}
        both("decode", rle)
        both("area", rle)
        if any(counts[1::2]):
            both("toBbox", rle)


def test_long_runs_are_written_alike() -> None:
    for pixels in (2**19, 2**24 - 1):  # from 2^24 on pycocotools writes past its buffer
        both("encode", np.zeros((pixels, 1), np.uint8, order="F"))
        both("frPyObjects", {"size": [pixels, 1], "counts": [0, pixels]}, 1, 1)


# ---- parity on real data --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def coco(data: Path) -> dict[int, dict[str, Any]]:
    """Per image: size, segmentations as they are in the file, crowd flags, detections."""
    truth = json.loads((data / "coco" / "instances_val2014_100.json").read_text())
    results = json.loads((data / "coco" / "instances_val2014_fakesegm100_results.json").read_text())
    boxes = json.loads((data / "coco" / "instances_val2014_fakebbox100_results.json").read_text())
    images: dict[int, dict[str, Any]] = {
        image["id"]: {"size": (image["height"], image["width"]), "segmentations": [], "crowd": [], "boxes": [],
                      "dt": [], "dt_boxes": []}
        for image in truth["images"]
    }  # fmt: skip
    for annotation in truth["annotations"]:
        image = images[annotation["image_id"]]
        image["segmentations"].append(annotation["segmentation"])
        image["crowd"].append(annotation["iscrowd"])
        image["boxes"].append(annotation["bbox"])
    for result in results:
        images[result["image_id"]]["dt"].append(result["segmentation"])
    for result in boxes:
        images[result["image_id"]]["dt_boxes"].append(result["bbox"])
    return images


def test_real_masks_go_alike(coco: dict[int, dict[str, Any]]) -> None:
    for image in coco.values():
        height, width = image["size"]
        gt = []
        for segmentation in image["segmentations"]:
            rles = both("frPyObjects", segmentation, height, width)
            gt.append(both("merge", rles) if isinstance(rles, list) else rles)
        dt = image["dt"]
        for rles in (gt, dt, gt + dt):
            if rles:
                both("decode", rles)
                both("decode", rles[0])
                both("area", rles[0])
            both("area", rles)
            both("toBbox", rles)
            both("merge", rles)
            both("merge", rles, True)
        both("iou", dt, gt, image["crowd"])
        both("iou", gt, dt, [0] * len(dt))
        if gt:
            pixels = mask.decode(gt)
            assert both("encode", pixels) == gt
            both("encode", pixels[:, :, 0])


def test_real_boxes_go_alike(coco: dict[int, dict[str, Any]]) -> None:
    for image in coco.values():
        both("iou", image["dt_boxes"], image["boxes"], image["crowd"])
        if image["boxes"]:
            both("frPyObjects", np.array(image["boxes"]), *image["size"])


def test_real_masks_are_read_by_a_batch(coco: dict[int, dict[str, Any]]) -> None:
    for image in coco.values():
        height, width = image["size"]
        polygons = [s for s in image["segmentations"] if isinstance(s, list)]
        found = RLEArray.from_polygons(polygons, height, width)
        expected = [reference.merge(reference.frPyObjects(s, height, width)) for s in polygons]
        check_identical(found.to_coco(), expected)
        if expected:
            check_identical(found.to_dense(layout="hwn"), np.asfortranarray(reference.decode(expected)))
            assert found.area.tolist() == reference.area(expected).tolist()
            check_identical(np.array(found.bbox), reference.toBbox(expected))


# ---- what a batch gives ---------------------------------------------------------------------------------------------


def test_a_batch_goes_wherever_a_list_goes() -> None:
    rles = [MASK, EMPTY, FULL]
    batch = RLEArray.from_coco(rles)
    for function in ("decode", "area", "toBbox", "merge"):
        check_identical(getattr(mask, function)(batch), getattr(mask, function)(rles))
    check_identical(mask.merge(batch, True), mask.merge(rles, True))
    check_identical(mask.merge(batch[:1]), MASK)
    for dt, gt in ((batch, batch), (batch, rles), (rles, batch)):
        check_identical(mask.iou(dt, gt, [0, 1, 0]), mask.iou(rles, rles, [0, 1, 0]))
    check_identical(mask.iou(batch[:0], batch, [0, 0, 0]), [])
    check_identical(mask.frPyObjects(batch, 3, 4), rles)


def test_inputs_stay_as_they_are() -> None:
    rle = {"size": [3, 4], "counts": [4, 4, 1, 1, 2]}
    boxes = np.array([[0, 0, 2, 2], [1, 1, 2, 2]])
    ring = [1, 1, 6, 1, 6, 5.5]
    pixels = np.arange(12).reshape(3, 4)
    mask.decode([rle, MASK]), mask.area(rle), mask.toBbox([rle]), mask.merge([rle, MASK]), mask.iou([rle], [MASK], [0])
    mask.frPyObjects(rle, 3, 4), mask.frPyObjects([ring], 6, 8), mask.frPyObjects(boxes, 6, 8)
    mask.iou(boxes, boxes, [0, 0]), mask.encode(pixels)
    assert rle == {"size": [3, 4], "counts": [4, 4, 1, 1, 2]}
    assert MASK == {"size": [3, 4], "counts": b"441M1"}
    assert boxes.tolist() == [[0, 0, 2, 2], [1, 1, 2, 2]]
    assert ring == [1, 1, 6, 1, 6, 5.5]
    assert pixels.ravel().tolist() == list(range(12))


def test_results_are_the_callers() -> None:
    for result in (mask.area([MASK]), mask.toBbox([MASK]), mask.decode([MASK]), mask.decode(MASK), mask.toBbox(MASK),
                   mask.iou([MASK], [MASK], [0])):  # fmt: skip
        assert result.flags.writeable
        result[...] = 7
    assert mask.area([MASK]).tolist() == [5]
    merged = mask.merge([MASK])
    merged["size"][0] = 99
    assert MASK["size"] == [3, 4]


# ---- differences: encode --------------------------------------------------------------------------------------------


@of_2_0_11
def test_difference_encode_memory_order() -> None:
    masks = random_masks(np.random.default_rng(11), 3, 17, 18)
    expected = [to_rle(each) for each in masks]
    pixels = fortran(masks)
    strided = np.asfortranarray(np.repeat(pixels, 2, axis=0))[::2]
    for array in (np.ascontiguousarray(pixels), strided, np.asfortranarray(pixels[:, ::-1])[:, ::-1]):
        with pytest.raises(ValueError, match="not Fortran contiguous"):
            reference.encode(array)
        check_each(mask.encode(array), expected, masks)
        assert mask.encode(array[:, :, 0]) == expected[0]


@of_2_0_11
@pytest.mark.parametrize("dtype", "bhHiIqQ")
def test_difference_encode_integer_dtypes(dtype: str) -> None:
    pixels = np.asfortranarray(np.eye(3, dtype=dtype) * 100)
    with pytest.raises(ValueError, match="Buffer dtype mismatch"):
        reference.encode(pixels)
    assert mask.encode(pixels) == {"size": [3, 3], "counts": b"013000"}


@of_2_0_11
def test_difference_encode_floats() -> None:
    pixels = np.asfortranarray(np.eye(3))
    with pytest.raises(ValueError, match="Buffer dtype mismatch"):
        reference.encode(pixels)
    with pytest.raises(TypeError, match=r"^bimask has dtype float64; floats need a threshold, "):
        mask.encode(pixels)


@of_2_0_11
def test_difference_encode_mixed_values() -> None:
    pixels = np.array([[1], [2], [0]], dtype=np.uint8)
    assert reference.encode(pixels)["counts"] == b"0110"
    assert mask.encode(pixels)["counts"] == b"021"


@of_2_0_11
@pytest.mark.parametrize("shape", [(3,), (1, 2, 3, 4)])
def test_difference_encode_dimensions(shape: tuple[int, ...]) -> None:
    assert reference.encode(np.zeros(shape, np.uint8)) is None
    with pytest.raises(ValueError, match=r"^bimask has shape .*, expected two or three dimensions$"):
        mask.encode(np.zeros(shape, np.uint8))


@of_2_0_11
def test_difference_encode_array_likes() -> None:
    pixels = np.asfortranarray(np.eye(3, dtype=np.uint8))
    for array_like in (pixels.tolist(), memoryview(pixels)):
        with pytest.raises((AttributeError, TypeError)):
            reference.encode(array_like)
        assert mask.encode(array_like) == {"size": [3, 3], "counts": b"013000"}


# ---- differences: every function that reads RLEs --------------------------------------------------------------------


@of_2_0_11
def test_difference_runs_that_do_not_cover() -> None:
    short, long = {"size": [3, 4], "counts": b"44"}, {"size": [2, 2], "counts": b"441M1"}
    assert reference.area(short) == 4  # decode would show memory that nobody wrote
    assert reference.area(long) == 5
    with pytest.raises(ValueError, match=r"^Invalid RLE mask representation$"):
        reference.decode(long)
    for function in (mask.decode, mask.area, mask.toBbox):
        with pytest.raises(InvalidRLEError, match=r"^rleObjs: runs cover 8 pixels, expected 12 \(3 x 4\)$"):
            function(short)
        with pytest.raises(InvalidRLEError, match=r"^rleObjs\[1\]: runs cover 12 pixels, expected 4 \(2 x 2\)$"):
            function([MASK, long])
    with pytest.raises(InvalidRLEError, match=r"^rleObjs\[0\]: runs cover 8 pixels, expected 12 \(3 x 4\)$"):
        mask.merge([short, MASK])
    with pytest.raises(InvalidRLEError, match=r"^gt\[0\]: runs cover 8 pixels, expected 12 \(3 x 4\)$"):
        mask.iou([MASK], [short], [0])


@of_2_0_11
def test_difference_empty_counts() -> None:
    empty = {"size": [3, 4], "counts": b""}
    assert reference.area(empty) == 0
    for function in (mask.decode, mask.area, mask.toBbox):
        with pytest.raises(InvalidRLEError, match=r"^rleObjs: runs cover 0 pixels, expected 12 \(3 x 4\)$"):
            function(empty)
    with pytest.raises(InvalidRLEError):
        mask.merge([empty, empty])  # pycocotools crashes
    assert mask.area({"size": [0, 4], "counts": b""}) == 0


@of_2_0_11
@pytest.mark.parametrize("text", [b"441M1\0", b"441M1\n", b"44!", b"4\xff", "4é"], ids=repr)
def test_difference_text_alphabet(text: Any) -> None:
    if text == b"441M1\0":
        assert reference.area({"size": [3, 4], "counts": text}) == 5
    with pytest.raises(InvalidRLEError, match=r"COCO text has only bytes 48 to 111$"):
        mask.area({"size": [3, 4], "counts": text})


def test_difference_text_that_ends_inside_a_number() -> None:
    with pytest.raises(InvalidRLEError, match=r"^rleObjs: counts ends inside a number that begins at position 2 "):
        mask.area({"size": [3, 4], "counts": b"44P"})  # pycocotools reads on behind the string


@of_2_0_11
def test_difference_text_of_overlong_numbers() -> None:
    rle = {"size": [3, 4], "counts": b"d``````````````04"}
    assert reference.area(rle) == 4
    with pytest.raises(InvalidRLEError, match=r"^rleObjs: counts has a number of more than 12 characters"):
        mask.area(rle)


@of_2_0_11
def test_difference_negative_runs() -> None:
    rle = {"size": [3, 4], "counts": b"11:@"}
    assert reference.area(rle) == 2**32 - 14
    with pytest.raises(InvalidRLEError, match=r"^rleObjs: run 3 is -15 pixels long$"):
        mask.area(rle)


@of_2_0_11
def test_difference_images_past_32_bits() -> None:
    side = 70_000
    runs = [0, 2**32 - 1, 0, side * side - (2**32 - 1)]
    rle = reference.frPyObjects({"size": [side, side], "counts": runs}, side, side)
    assert reference.area(rle) == 4_294_967_288
    area = mask.area(rle)
    assert area == side * side
    assert area.dtype == np.uint64
    assert mask.area([rle, MASK]).tolist() == [side * side, 5]
    assert mask.toBbox(rle).tolist() == [0, 0, side, side]
    half = {"size": [side, side], "counts": [0, side * side // 2, side * side // 2]}
    assert mask.iou([half], [rle], [0]).tolist() == [[0.5]]
    assert mask.merge([half, rle]) == {"size": [side, side], "counts": oracles.counts_to_text([0, side * side])}
    assert mask.merge([half, rle], True)["counts"] == oracles.counts_to_text(half["counts"])
    assert mask.frPyObjects(half, 0, 0)["counts"] == oracles.counts_to_text(half["counts"])
    box = np.array([[0.0, 0, side, side]])
    assert mask.area(mask.frPyObjects(box, side, side)).tolist() == [side * side]
    with pytest.raises(ImageTooLargeError):
        mask.area({"size": [2**20, 2**21], "counts": [2**41]})


@of_2_0_11
def test_difference_uncompressed_everywhere() -> None:
    uncompressed = {"size": [3, 4], "counts": [4, 4, 1, 1, 2]}
    for function in ("decode", "area", "toBbox"):
        with pytest.raises(TypeError, match=r"^Expected bytes, got list$"):
            getattr(reference, function)(uncompressed)
        check_identical(getattr(mask, function)(uncompressed), getattr(mask, function)(MASK))
    with pytest.raises(TypeError, match=r"^Expected bytes, got list$"):
        reference.iou([uncompressed], [MASK], [0])
    assert mask.iou([uncompressed], [MASK], [0]).tolist() == [[1]]
    assert mask.merge([uncompressed, MASK]) == MASK


@of_2_0_11
@pytest.mark.parametrize("counts", [bytearray(b"441M1"), memoryview(b"441M1"), np.bytes_(b"441M1"), np.str_("441M1")],
                         ids=lambda counts: type(counts).__name__)  # fmt: skip
def test_difference_types_of_text(counts: Any) -> None:
    with pytest.raises(TypeError, match="xpected bytes"):
        reference.area({"size": [3, 4], "counts": counts})
    assert mask.area({"size": [3, 4], "counts": counts}) == 5


@of_2_0_11
def test_difference_containers() -> None:
    for function in ("decode", "area", "toBbox"):
        with pytest.raises(TypeError):
            getattr(reference, function)((MASK, FULL))
        for rles in ((MASK, FULL), iter([MASK, FULL]), np.array([MASK, FULL])):
            check_identical(getattr(mask, function)(rles), getattr(mask, function)([MASK, FULL]))
    with pytest.raises(TypeError):
        reference.merge(MASK)
    assert mask.merge(MASK) == MASK
    for dt in (MASK, (MASK,), [OrderedDict(MASK)]):
        with pytest.raises(Exception, match=r"unrecognized type|list input can be"):
            reference.iou(dt, [FULL], [0])
        assert mask.iou(dt, [FULL], [0]).tolist() == [[5 / 12]]


@of_2_0_11
def test_difference_missing_keys() -> None:
    for key in ("size", "counts"):
        broken = {k: v for k, v in MASK.items() if k != key}
        with pytest.raises(KeyError):
            reference.area(broken)
        with pytest.raises(ValueError, match=f"^rleObjs: no '{key}' in the dict; its keys are \\['.*'\\]$"):
            mask.area(broken)


@of_2_0_11
def test_difference_negative_sizes() -> None:
    with pytest.raises(OverflowError):
        reference.area({"size": [-3, 4], "counts": b"<"})
    with pytest.raises(OverflowError):
        reference.frPyObjects([TRIANGLE], -6, 8)
    with pytest.raises(InvalidRLEError, match=r"^rleObjs: size -3 x 4 is negative$"):
        mask.area({"size": [-3, 4], "counts": b"<"})
    with pytest.raises(ValueError, match=r"^image: size -6 x 8 is negative$"):
        mask.frPyObjects([TRIANGLE], -6, 8)


@of_2_0_11
def test_difference_sizes_that_are_no_two_integers() -> None:
    assert reference.area({"size": [3, 4, 5], "counts": b"441M1"}) == 5
    assert reference.decode({"size": [3.5, 4], "counts": b"441M1"}).shape == (3, 4)
    with pytest.raises(ValueError, match=r"^rleObjs: size is \[3, 4, 5\], expected \[height, width\]$"):
        mask.area({"size": [3, 4, 5], "counts": b"441M1"})
    with pytest.raises(TypeError, match=r"^rleObjs: size is \[3\.5, 4\], expected two integers$"):
        mask.decode({"size": [3.5, 4], "counts": b"441M1"})
    with pytest.raises(TypeError, match=r"^image: size is \(6\.5, 8\), expected two integers$"):
        mask.frPyObjects([TRIANGLE], 6.5, 8)


# ---- differences: decode, area, toBbox ------------------------------------------------------------------------------


def test_difference_decode_no_masks() -> None:
    assert mask.decode([]).shape == (0, 0, 0)  # pycocotools: a meaningless shape
    assert mask.decode([]).dtype == np.uint8


def test_difference_decode_sizes_differ() -> None:
    # pycocotools takes the first size for all, and shows memory that nobody wrote
    expected = r"^rleObjs\[1\]: size is 4 x 3, but rleObjs\[0\] is 3 x 4; one array holds masks of one size$"
    with pytest.raises(SizeMismatchError, match=expected):
        mask.decode([MASK, {"size": [4, 3], "counts": b"<"}])


@pytest.mark.filterwarnings("error")
def test_difference_decode_warns() -> None:
    mask.decode(MASK)
    if version("pycocotools") == "2.0.11" and np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        with pytest.warns(DeprecationWarning, match="__array__ implementation"):
            reference.decode(MASK)


@of_2_0_11
@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.0.0", reason="it is NumPy 2 that refuses")
def test_difference_area_of_more_than_255_masks() -> None:
    with pytest.raises(OverflowError, match="256 out of bounds for uint8"):
        reference.area([MASK] * 256)
    found = mask.area([MASK] * 300)
    assert found.tolist() == [5] * 300
    assert found.dtype == np.uint32


@of_2_0_11
def test_difference_box_of_runs_without_pixels() -> None:
    rle = {"size": [2, 3], "counts": b"303"}
    assert reference.toBbox(rle).tolist() == [3, 2, 4294967294, 4294967295]
    assert mask.toBbox(rle).tolist() == [0, 0, 0, 0]
    assert reference.toBbox({"size": [0, 0], "counts": b"00"}).tolist() == [0, 0, 1, 1]
    assert mask.toBbox({"size": [0, 0], "counts": b"00"}).tolist() == [0, 0, 0, 0]


# ---- differences: merge ---------------------------------------------------------------------------------------------

SPELLED = {"size": [1, 7], "counts": oracles.counts_to_text([1, 0, 1, 2, 0, 1, 2])}


@of_2_0_11
def test_difference_merge_sizes_differ() -> None:
    other = {"size": [4, 3], "counts": b"<"}
    assert reference.merge([MASK, other]) == {"size": [0, 0], "counts": b""}
    with pytest.raises(SizeMismatchError, match=r"^rleObjs\[1\]: size is 4 x 3, but rleObjs\[0\] is 3 x 4$"):
        mask.merge([MASK, other])


@of_2_0_11
def test_difference_merge_runs_without_pixels() -> None:
    assert reference.merge([SPELLED, SPELLED])["counts"] == b"1"  # the rest of the mask is lost
    assert mask.merge([SPELLED, SPELLED])["counts"] == b"232"
    other = {"size": [1, 7], "counts": b"7"}
    assert reference.merge([SPELLED, other]) == SPELLED  # right, but not canonical
    assert mask.merge([SPELLED, other])["counts"] == b"232"


@of_2_0_11
def test_difference_merge_intersect_is_a_truth_value() -> None:
    with pytest.raises(TypeError):
        reference.merge([MASK, EMPTY], "yes")
    assert reference.merge([MASK, EMPTY], 0.5) == MASK
    assert mask.merge([MASK, EMPTY], "yes") == EMPTY
    assert mask.merge([MASK, EMPTY], 0.5) == EMPTY
    assert mask.merge([MASK, EMPTY], None) == MASK


# ---- differences: iou -----------------------------------------------------------------------------------------------


@of_2_0_11
def test_difference_iou_sizes_differ() -> None:
    for text, value in ((b"0<", -1), (b"<", 0)):
        other = {"size": [4, 3], "counts": text}
        assert reference.iou([MASK], [other], [0]).tolist() == [[value]]
        with pytest.raises(SizeMismatchError, match=r"^gt\[0\]: size is 4 x 3, but dt\[0\] is 3 x 4$"):
            mask.iou([MASK], [other], [0])


@of_2_0_11
def test_difference_iou_runs_without_pixels() -> None:
    assert reference.iou([SPELLED], [SPELLED], [0]).tolist() == [[0]]
    assert mask.iou([SPELLED], [SPELLED], [0]).tolist() == [[1]]


@of_2_0_11
def test_difference_iou_number_of_flags() -> None:
    for dt, gt, flags in (([MASK], [MASK], [0, 0]), ([MASK], [MASK], []), ([], [MASK], []), ([MASK], [], [0])):
        with pytest.raises(AssertionError):
            reference.iou(dt, gt, flags)
        expected = f"^pyiscrowd: expected {len(gt)} flags, one for each of gt, found {len(flags)} flags$"
        with pytest.raises(ValueError, match=expected):
            mask.iou(dt, gt, flags)


@of_2_0_11
def test_difference_iou_flags_are_truth_values() -> None:
    for flag in (256, -1, None):
        with pytest.raises((OverflowError, TypeError, DeprecationWarning)):  # the last is NumPy 1's
            reference.iou([MASK], [FULL], [flag] if flag else None)
    assert reference.iou([MASK], [FULL], [0.5]).tolist() == [[5 / 12]]
    for flag in (256, -1, 0.5):
        assert mask.iou([MASK], [FULL], [flag]).tolist() == [[1]]
    assert mask.iou([MASK], [FULL], None).tolist() == [[5 / 12]]


@of_2_0_11
def test_difference_iou_boxes_in_fortran_order() -> None:
    boxes = np.asfortranarray([[0.0, 0, 2, 2], [1, 1, 2, 2]])
    assert reference.iou(boxes, boxes, [0, 0]).tolist() == [[0, 0], [0, 1]]
    assert mask.iou(boxes, boxes, [0, 0]).tolist() == [[1, 1 / 7], [1 / 7, 1]]


@of_2_0_11
def test_difference_iou_boxes_not_finite() -> None:
    for value, found in ((np.nan, "nan"), (np.inf, "inf")):
        reference.iou([[0, 0, value, 2]], [[1, 1, 2, 2]], [0])
        with pytest.raises(PointOutOfRangeError, match=rf"^dt\[0\]: width is {found}$"):
            mask.iou([[0, 0, value, 2]], [[1, 1, 2, 2]], [0])


@of_2_0_11
def test_difference_iou_boxes_beyond_floats() -> None:
    boxes = [[0, 0, 1e200, 1e200]]
    with np.errstate(invalid="ignore"):
        assert np.isnan(reference.iou(boxes, boxes, [0])).all()
    with pytest.raises(PointOutOfRangeError, match=r"^dt\[0\]: width is 1e\+200, beyond the largest, 35184372088832$"):
        mask.iou(boxes, boxes, [0])


@of_2_0_11
def test_difference_iou_box_containers() -> None:
    with pytest.raises(Exception, match="list input can be bounding box"):
        reference.iou([(0, 0, 2, 2)], [(1, 1, 2, 2)], [0])
    assert mask.iou([(0, 0, 2, 2)], ((1, 1, 2, 2),), [0]).tolist() == [[1 / 7]]


@of_2_0_11
def test_difference_iou_kinds_differ() -> None:
    with pytest.raises(Exception, match="should have the same data type"):
        reference.iou([MASK], [[0, 0, 1, 1]], [0])
    with pytest.raises(TypeError, match=r"^dt is RLEs, but gt is boxes; expected one kind$"):
        mask.iou([MASK], [[0, 0, 1, 1]], [0])


# ---- differences: frPyObjects ---------------------------------------------------------------------------------------


@of_2_0_11
def test_difference_boxes_in_lists() -> None:
    with pytest.raises(TypeError):
        reference.frPyObjects([[1, 1, 4, 3]], 6, 8)
    assert mask.frPyObjects([[1, 1, 4, 3]], 6, 8) == [{"size": [6, 8], "counts": b"73300000a0"}]


@of_2_0_11
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8])
def test_difference_box_dtypes(dtype: Any) -> None:
    with pytest.raises(ValueError, match="Buffer dtype mismatch"):
        reference.frPyObjects(np.array([[1, 1, 4, 3]], dtype), 6, 8)
    assert mask.frPyObjects(np.array([[1, 1, 4, 3]], dtype), 6, 8) == [{"size": [6, 8], "counts": b"73300000a0"}]


@of_2_0_11
def test_difference_box_memory_order() -> None:
    boxes = np.asfortranarray([[1.0, 1, 4, 3], [0, 0, 2, 2]])
    assert reference.frPyObjects(boxes, 6, 8)[0]["counts"] == b"`1"
    assert mask.frPyObjects(boxes, 6, 8) == mask.frPyObjects(np.ascontiguousarray(boxes), 6, 8)
    assert [rle["counts"] for rle in mask.frPyObjects(boxes, 6, 8)] == [b"73300000a0", b"0240T1"]


@of_2_0_11
def test_difference_arrays_of_polygons() -> None:
    polygons = np.array([TRIANGLE, TRIANGLE], dtype=float)
    assert reference.frPyObjects(polygons, 6, 8)[1]["counts"] != b"=151O1O1:"  # read as boxes
    assert [rle["counts"] for rle in mask.frPyObjects(polygons, 6, 8)] == [b"=151O1O1:"] * 2
    scored = np.array([[1, 1, 4, 3, 0.9], [0, 0, 2, 2, 0.8]])
    assert reference.frPyObjects(scored, 6, 8)[1]["counts"] != b"0240T1"
    with pytest.raises(ValueError, match=r"^pyobj has shape \(2, 5\), expected \(n, 4\) for boxes or"):
        mask.frPyObjects(scored, 6, 8)


@of_2_0_11
def test_difference_one_flat_polygon_or_box() -> None:
    for flat, counts in ((TRIANGLE, b"=151O1O1:"), ([1, 1, 4, 3], b"73300000a0")):
        for pyobj in (flat, np.array(flat, dtype=float)):
            with pytest.raises((TypeError, ValueError)):
                reference.frPyObjects(pyobj, 6, 8)
            assert mask.frPyObjects(pyobj, 6, 8) == {"size": [6, 8], "counts": counts}


@of_2_0_11
def test_difference_no_objects() -> None:
    with pytest.raises(IndexError):
        reference.frPyObjects([], 6, 8)
    assert mask.frPyObjects([], 6, 8) == []


@of_2_0_11
@pytest.mark.parametrize("ring", [[], [2], [2, 2], [2, 2, 5]])
def test_difference_short_polygons_first(ring: list[int]) -> None:
    with pytest.raises(Exception, match="input type is not supported"):
        reference.frPyObjects([ring], 6, 8)
    assert mask.frPyObjects([ring], 6, 8) == [{"size": [6, 8], "counts": b"`1"}]


@of_2_0_11
def test_difference_polygons_of_points() -> None:
    points = [[1, 1], [6, 1], [6, 5], [6, 5], [6, 5]]
    with pytest.raises(ValueError, match="wrong number of dimensions"):
        reference.frPyObjects([points], 6, 8)
    for ring in (points, np.array(points), np.array(points[:3])):
        assert mask.frPyObjects([ring], 6, 8) == [{"size": [6, 8], "counts": b"=151O1O1:"}]


@of_2_0_11
def test_difference_polygon_containers() -> None:
    for pyobj in ((TRIANGLE,), iter([TRIANGLE])):
        with pytest.raises(Exception, match="input type is not supported"):
            reference.frPyObjects(pyobj, 6, 8)
    for pyobj in ((TRIANGLE,), iter([TRIANGLE])):
        assert mask.frPyObjects(pyobj, 6, 8) == [{"size": [6, 8], "counts": b"=151O1O1:"}]


@pytest.mark.parametrize(("value", "found"), [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"),
                                              (1e300, "1e+300, beyond the largest, 35184372088832")])  # fmt: skip
def test_difference_coordinates_out_of_range(value: float, found: str) -> None:
    # pycocotools crashes, or allocates until it does
    with pytest.raises(PointOutOfRangeError) as raised:
        mask.frPyObjects([TRIANGLE, [1, 1, 6, value, 6, 5]], 6, 8)
    assert str(raised.value) == f"pyobj[1]: coordinate 3 is {found}"


def test_difference_coordinates_past_32_bits() -> None:
    far = 1e10  # five times this is no int any more
    ring = [-far, -far, -far, far, far, far, far, -far]
    assert mask.frPyObjects([ring], 6, 8) == [{"size": [6, 8], "counts": b"0`1"}]


@of_2_0_11
def test_difference_coordinates_of_other_types() -> None:
    assert reference.frPyObjects([[str(x) for x in TRIANGLE]], 6, 8)[0]["counts"] == b"=151O1O1:"
    for wrong in ("5", None):  # None is NaN for pycocotools, which then crashes
        with pytest.raises(TypeError, match=r"^pyobj\[0\]: expected a ring \[x0, y0, x1, y1, \.\.\.\], found "):
            mask.frPyObjects([[1, 1, 6, 1, 6, wrong]], 6, 8)


@of_2_0_11
def test_difference_uncompressed_runs_that_do_not_cover() -> None:
    short = {"size": [3, 4], "counts": [4, 4]}
    assert reference.frPyObjects(short, 3, 4)["counts"] == b"44"
    with pytest.raises(InvalidRLEError, match=r"^pyobj: runs cover 8 pixels, expected 12 \(3 x 4\)$"):
        mask.frPyObjects(short, 3, 4)


@of_2_0_11
def test_difference_uncompressed_runs_that_are_no_counts() -> None:
    for counts, text in (([4.5, 8], b"48"), (["4", "8"], b"48")):
        assert reference.frPyObjects({"size": [3, 4], "counts": counts}, 3, 4)["counts"] == text
    for counts in ([-1, 13], [2**32]):
        with pytest.raises((OverflowError, DeprecationWarning)):  # the last is NumPy 1's
            reference.frPyObjects({"size": [3, 4], "counts": counts}, 3, 4)
    for counts, kind, text in (
        ([4.5, 8], ValueError, "pyobj: run 0 is 4.5 pixels long, expected a whole number"),
        (["4", "8"], TypeError, "pyobj: counts has dtype <U1, expected integers"),
        ([-1, 13], InvalidRLEError, "pyobj: run 0 is -1 pixels long"),
        ([2**32], InvalidRLEError, "pyobj: runs cover 4294967296 pixels, expected 12 (3 x 4)"),
    ):
        with pytest.raises(kind) as raised:
            mask.frPyObjects({"size": [3, 4], "counts": counts}, 3, 4)
        assert str(raised.value) == text


@of_2_0_11
def test_difference_compressed_objects() -> None:
    with pytest.raises(ValueError, match="invalid literal for int"):
        reference.frPyObjects(MASK, 3, 4)
    assert mask.frPyObjects(MASK, 3, 4) == MASK
    assert mask.frPyObjects([MASK, {"size": [3, 4], "counts": [12]}], 3, 4) == [MASK, EMPTY]


@of_2_0_11
def test_difference_size_beside_dicts() -> None:
    with pytest.raises(TypeError):
        reference.frPyObjects({"size": [3, 4], "counts": [12]}, None, None)
    assert mask.frPyObjects({"size": [3, 4], "counts": [12]}, None, None) == EMPTY


@of_2_0_11
def test_difference_shapes_on_images_without_columns() -> None:
    assert reference.frPyObjects([TRIANGLE], 6, 0)[0]["counts"] == b"0=1H1O1O1"
    assert mask.frPyObjects([TRIANGLE], 6, 0) == [{"size": [6, 0], "counts": b"0"}]
    assert mask.frPyObjects([[1, 1, 4, 3]], 6, 0) == [{"size": [6, 0], "counts": b"0"}]


def test_difference_counts_of_six_characters() -> None:
    # pycocotools has room for six bytes a count, but none for the end of the string
    assert mask.encode(np.zeros((2**24, 1), np.uint8)) == {"size": [2**24, 1], "counts": b"PPPP`0"}
    assert mask.frPyObjects({"size": [2**29, 1], "counts": [2**29]}, 0, 0)["counts"] == b"PPPPP`0"
