"""Overlap: intersection areas of many pairs, and IoU and Dice made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

import masks as generators
import oracles
from checks import check_arrays
from masks import LARGE_SHAPES, every_mask, every_spelling, random_masks, random_shapes, respelled, tiny_shapes
from panomask import RLEArray
from panomask.errors import SizeMismatchError
from panomask.overlap import intersection_area_grouped, iou_grouped
from test_algebra import batches, pairs

PIXELS, RUNS = 5, 6


def shared_pixels(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Pixels that a[i] and b[j] share, (n, m)."""
    flat_a, flat_b = a.reshape(len(a), -1).astype(np.float64), b.reshape(len(b), -1).astype(np.float64)
    return (flat_a @ flat_b.T).astype(np.uint64)


def divided(shared: NDArray[np.uint64], whole: NDArray[np.uint64]) -> NDArray[np.float64]:
    """The ratio, 0 where nothing is shared."""
    return np.divide(shared, whole, out=np.zeros(shared.shape), where=shared > 0)


def areas(masks: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Foreground pixels of each."""
    return masks.sum(axis=(1, 2)).astype(np.uint64)


def check_all_pairs(a: NDArray[np.bool_], b: NDArray[np.bool_], batch_a: RLEArray, batch_b: RLEArray) -> None:
    """Intersection area, IoU with and without crowds, and Dice of all pairs, bit for bit."""
    shared = shared_pixels(a, b)
    i, j = (index.ravel() for index in np.indices(shared.shape))
    area_a, area_b = areas(a)[:, np.newaxis], areas(b)
    crowd = np.arange(len(b)) % 3 == 1
    for found, expected in (
        (batch_a.intersection_area(batch_b), shared),
        (batch_a.iou(batch_b), divided(shared, area_a + area_b - shared)),
        (batch_a.iou(batch_b, crowd), divided(shared, np.where(crowd, area_a, area_a + area_b - shared))),
        (batch_a.dice(batch_b), divided(2 * shared, area_a + area_b)),
    ):
        assert found.shape == expected.shape
        assert found.dtype == expected.dtype
        check_arrays(found.ravel(), expected.ravel(), a[i], b[j])


# ---- all pairs ------------------------------------------------------------------------------------------------------


def test_overlaps_of_every_pair_of_tiny_masks() -> None:
    for shape in tiny_shapes(8):
        masks = every_mask(*shape)
        batch = RLEArray.from_dense(masks)
        check_all_pairs(masks, masks, batch, batch)


def test_overlaps_of_every_pair_of_spellings() -> None:
    lists = every_spelling(PIXELS, RUNS)
    masks = np.array([oracles.decode(counts, PIXELS, 1) for counts in lists])
    batch = RLEArray.from_coco([{"size": [PIXELS, 1], "counts": counts} for counts in lists])
    check_all_pairs(masks, masks, batch, batch)


def test_overlaps_of_random_masks() -> None:
    rng = np.random.default_rng(1)
    for shape in random_shapes(rng, 60):
        a, b = random_masks(rng, 9, *shape), random_masks(rng, 7, *shape)
        check_all_pairs(a, b, RLEArray.from_dense(a), RLEArray.from_dense(b))


@pytest.mark.parametrize("kind", ["blob", "noise", "checkerboard", "stripes"])
@pytest.mark.parametrize("n", [(1, 60), (60, 1), (60, 60), (300, 40)])
def test_overlaps_of_many_masks_of_one_kind(kind: str, n: tuple[int, int]) -> None:
    # Few or many, simple or ragged: whichever way of comparing is cheaper, the integers are the same.
    rng = np.random.default_rng(2)
    a, b = (np.array([getattr(generators, kind)(rng, 61, 67) for _ in range(k)]) for k in n)
    check_all_pairs(a, b, RLEArray.from_dense(a), RLEArray.from_dense(b))


def test_overlaps_of_one_ragged_mask_with_many_simple_ones() -> None:
    rng = np.random.default_rng(3)
    a = np.concatenate([random_masks(rng, 30, 129, 130), np.indices((129, 130)).sum(axis=0)[np.newaxis] % 2 == 1])
    b = np.array([generators.blob(rng, 129, 130) for _ in range(50)])
    check_all_pairs(a, b, RLEArray.from_dense(a), RLEArray.from_dense(b))
    check_all_pairs(b, a, RLEArray.from_dense(b), RLEArray.from_dense(a))


@pytest.mark.parametrize("shape", LARGE_SHAPES)
def test_overlaps_of_large_masks(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(8)
    a, b = random_masks(rng, 12, *shape), random_masks(rng, 10, *shape)
    a[0] = b[0] = False
    a[0, -1, -1] = b[0, -1, -1] = True
    check_all_pairs(a, b, RLEArray.from_dense(a), RLEArray.from_dense(b))


@pytest.mark.parametrize("height", [63, 64, 65, 127, 128, 129, 200])
def test_overlaps_of_every_pair_of_rectangles(height: int) -> None:
    # Boxes that begin and end next to each other's edges, and to the edges of words.
    edges = sorted({0, 1, 2, 62, 63, 64, 65, 66, 126, 127, 128, 129, height - 1, height} & set(range(height + 1)))
    boxes = [[x, y, w, end - y] for y in edges for end in edges if y < end for x, w in ((0, 1), (1, 2), (0, 3), (2, 1))]
    batch = RLEArray.from_boxes(boxes, height, 3)
    masks = np.zeros((len(boxes), height, 3), dtype=bool)
    for mask, (x, y, w, h) in zip(masks, boxes, strict=True):
        mask[y : y + h, x : x + w] = True
    assert batch == RLEArray.from_dense(masks)
    check_all_pairs(masks, masks, batch, batch)
    check_all_pairs(~masks, masks, ~batch, batch)


def test_overlaps_of_spelled_masks() -> None:
    rng = np.random.default_rng(4)
    for height, width in random_shapes(rng, 20):
        masks = random_masks(rng, 8, height, width)
        lists = [respelled(rng, oracles.encode(mask)) for mask in masks]
        batch = RLEArray.from_coco([{"size": [height, width], "counts": counts} for counts in lists])
        check_all_pairs(masks, masks, batch, RLEArray.from_dense(masks))


def test_overlaps_of_slices() -> None:
    masks = random_masks(np.random.default_rng(5), 12, 33, 34)
    batch = RLEArray.from_dense(masks)
    check_all_pairs(masks[3:7], masks[5:], batch[3:7], batch[5:])


@given(batches(2, most_masks=5))
def test_overlap_is_symmetric_and_bounded(ab: list[RLEArray]) -> None:
    a, b = ab
    assert (a.intersection_area(b) == b.intersection_area(a).T).all()
    assert (a.iou(b) == b.iou(a).T).all()
    assert (a.dice(b) == b.dice(a).T).all()
    assert ((a.iou(b) >= 0) & (a.iou(b) <= a.dice(b)) & (a.dice(b) <= 1)).all()
    assert (np.diagonal(a.iou(a)) == (a.area > 0)).all()
    assert (np.diagonal(a.intersection_area(a)) == a.area).all()
    assert (a.intersection_area(b).diagonal() == (a & b).area).all()


def test_no_masks_have_no_pairs() -> None:
    some, none = RLEArray.ones(2, 3, 4), RLEArray.empty()
    for first, second, shape in ((some, none, (2, 0)), (none, some, (0, 2)), (none, none, (0, 0))):
        assert first.intersection_area(second).shape == shape
        assert first.intersection_area(second).dtype == np.uint64
        assert first.iou(second).shape == shape
        assert first.iou(second).dtype == np.float64
        assert first.dice(second).shape == shape


def test_empty_masks_overlap_with_nothing() -> None:
    empty, full = RLEArray.zeros(1, 3, 4), RLEArray.ones(1, 3, 4)
    for a, b in ((empty, empty), (empty, full), (full, empty)):
        assert a.iou(b).tolist() == [[0]]
        assert a.iou(b, [True]).tolist() == [[0]]
        assert a.dice(b).tolist() == [[0]]


@pytest.mark.parametrize("size", [(0, 0), (0, 3), (3, 0)])
def test_masks_without_pixels_overlap_with_nothing(size: tuple[int, int]) -> None:
    batch = RLEArray.ones(2, *size)
    assert batch.iou(batch).tolist() == [[0, 0], [0, 0]]
    assert batch.intersection_area(batch, paired=True).tolist() == [0, 0]


@pytest.mark.parametrize(
    "crowd",
    [[0, 1, 0], (0, 1, 0), [False, True, False], [0, 2, 0], [0, -1, 0], [0.0, 1.0, 0.0], np.array([0, 1, 0], np.uint8),
     np.array([0, 1, 0], ">i8"), np.array([0, 9, 1, 9, 0, 9])[::2], np.array([False, True, False]), [0, 2**70, 0]],
    ids=repr,
)  # fmt: skip
def test_crowd_flags_of_every_kind_are_read(crowd: Any) -> None:
    a = RLEArray.from_boxes([[0, 0, 2, 4]], 4, 4)
    b = RLEArray.from_boxes([[1, 0, 2, 4]] * 3, 4, 4)
    assert a.iou(b, crowd).tolist() == [[1 / 3, 1 / 2, 1 / 3]]
    assert a.iou(b, crowd, paired=True).tolist() == [1 / 3, 1 / 2, 1 / 3]


@pytest.mark.parametrize("n", [1, 16, 17, 100])
def test_many_crowd_flags_are_read(n: int) -> None:
    a = RLEArray.from_boxes([[0, 0, 2, 4]], 4, 4)
    b = RLEArray.from_boxes([[1, 0, 2, 4]] * n, 4, 4)
    flags = [i % 3 == 0 for i in range(n)]
    for spelled in (flags, [int(flag) for flag in flags], np.array(flags)):
        assert a.iou(b, spelled).tolist() == [[1 / 2 if flag else 1 / 3 for flag in flags]]


# ---- mask by mask ---------------------------------------------------------------------------------------------------


def test_paired_overlaps_of_every_pair_of_tiny_masks() -> None:
    for shape in tiny_shapes(6):
        masks = every_mask(*shape)
        batch = RLEArray.from_dense(masks)
        i, j = pairs(len(masks))
        for measure in ("intersection_area", "iou", "dice"):
            matrix = getattr(batch, measure)(batch)
            found = getattr(batch[i], measure)(batch[j], paired=True)
            assert found.dtype == matrix.dtype
            check_arrays(found, matrix.ravel(), masks[i], masks[j])


def test_paired_overlaps_of_masks_of_many_sizes() -> None:
    rng = np.random.default_rng(6)
    shapes = random_shapes(rng, 60)
    a, b = ([random_masks(rng, 1, *shape)[0] for shape in shapes] for _ in range(2))
    batch_a, batch_b = (RLEArray.concatenate([RLEArray.from_dense(mask) for mask in masks]) for masks in (a, b))
    crowd = np.arange(60) % 2 == 0
    assert batch_a.iou(batch_b, paired=True).tolist() == [oracles.iou(x, y) for x, y in zip(a, b, strict=True)]
    assert batch_a.iou(batch_b, crowd, paired=True).tolist() == [
        oracles.iou(x, y, b_is_crowd=bool(flag)) for x, y, flag in zip(a, b, crowd, strict=True)
    ]
    assert batch_a.dice(batch_b, paired=True).tolist() == [oracles.dice(x, y) for x, y in zip(a, b, strict=True)]
    assert batch_a.intersection_area(batch_b, paired=True).tolist() == [
        oracles.area(x & y) for x, y in zip(a, b, strict=True)
    ]


def test_one_mask_is_paired_with_every_other() -> None:
    rng = np.random.default_rng(7)
    one, many = (RLEArray.from_dense(random_masks(rng, n, 33, 17)) for n in (1, 9))
    crowd = [i % 2 for i in range(9)]
    for measure in ("intersection_area", "iou", "dice"):
        assert (getattr(one, measure)(many, paired=True) == getattr(one, measure)(many)[0]).all()
        assert (getattr(many, measure)(one, paired=True) == getattr(many, measure)(one)[:, 0]).all()
        assert getattr(one, measure)(many[:0], paired=True).shape == (0,)
        assert getattr(many[:0], measure)(one, paired=True).shape == (0,)
        assert getattr(many[:0], measure)(many[:0], paired=True).shape == (0,)
    assert (one.iou(many, crowd, paired=True) == one.iou(many, crowd)[0]).all()
    assert (many.iou(one, [1], paired=True) == many.iou(one, [1])[:, 0]).all()


# ---- groups ---------------------------------------------------------------------------------------------------------


def check_groups(
    dt: list[NDArray[np.bool_]], gt: list[NDArray[np.bool_]], batch_dt: RLEArray, batch_gt: RLEArray, cuts: Any
) -> None:
    """Areas and IoU, with and without crowds, of groups dt[cuts[0][k]:cuts[0][k + 1]] and gt[cuts[1][k]: ...]."""
    crowd = np.arange(len(gt)) % 3 == 1
    areas, ious, crowd_ious, offsets = [], [], [], [0]
    for dt_begin, dt_end, gt_begin, gt_end in zip(cuts[0][:-1], cuts[0][1:], cuts[1][:-1], cuts[1][1:], strict=True):
        for a in dt[dt_begin:dt_end]:
            areas += [oracles.area(a & b) for b in gt[gt_begin:gt_end]]
            ious += [oracles.iou(a, b) for b in gt[gt_begin:gt_end]]
            crowd_ious += [oracles.iou(a, gt[j], b_is_crowd=bool(crowd[j])) for j in range(gt_begin, gt_end)]
        offsets.append(len(areas))
    for (values, begins), expected, dtype in (
        (intersection_area_grouped(batch_dt, batch_gt, *cuts), areas, np.uint64),
        (iou_grouped(batch_dt, batch_gt, *cuts), ious, np.float64),
        (iou_grouped(batch_dt, batch_gt, *cuts, crowd), crowd_ious, np.float64),
    ):
        assert (values.dtype, begins.dtype) == (dtype, np.int64)
        assert begins.tolist() == offsets
        assert values.tolist() == expected


def random_cuts(rng: np.random.Generator, n: int, groups: int) -> list[int]:
    """Offsets of groups among n masks; some are empty, and some masks are in none."""
    return sorted(rng.integers(0, n + 1, groups + 1).tolist())


def test_overlaps_of_random_groups() -> None:
    rng = np.random.default_rng(9)
    for height, width in random_shapes(rng, 30):
        dt, gt = random_masks(rng, 14, height, width), random_masks(rng, 11, height, width)
        cuts = [random_cuts(rng, 14, 5), random_cuts(rng, 11, 5)]
        batch_gt = RLEArray.from_coco(
            [{"size": [height, width], "counts": respelled(rng, oracles.encode(mask))} for mask in gt]
        )
        check_groups(list(dt), list(gt), RLEArray.from_dense(dt), batch_gt, cuts)
        check_groups(list(dt[2:]), list(gt[1:]), RLEArray.from_dense(dt)[2:], batch_gt[1:], [[0, 12], [0, 10]])


def test_groups_may_have_sizes_of_their_own() -> None:
    rng = np.random.default_rng(10)
    sides: list[list[NDArray[np.bool_]]] = [[], []]
    cuts = [[0], [0]]
    for shape in random_shapes(rng, 40):
        for side, offsets in zip(sides, cuts, strict=True):
            side += list(random_masks(rng, int(rng.integers(0, 5)), *shape))
            offsets.append(len(side))
    batches_of = [RLEArray.concatenate([RLEArray.from_dense(mask) for mask in side]) for side in sides]
    check_groups(*sides, *batches_of, cuts)


def test_a_group_of_all_is_the_matrix() -> None:
    rng = np.random.default_rng(11)
    dt, gt = (RLEArray.from_dense(random_masks(rng, n, 65, 33)) for n in (20, 30))
    ious, offsets = iou_grouped(dt, gt, [0, 20], [0, 30], [i % 2 for i in range(30)])
    assert offsets.tolist() == [0, 600]
    assert (ious.reshape(20, 30) == dt.iou(gt, [i % 2 for i in range(30)])).all()


def test_no_groups_and_empty_groups() -> None:
    some, none = RLEArray.ones(2, 3, 4), RLEArray.empty()
    odd = RLEArray.concatenate([some, RLEArray.ones(1, 5, 6)])
    for dt, gt, dt_offsets, gt_offsets in (
        (some, some, [0], [2]),
        (none, none, [0, 0, 0], [0, 0, 0]),
        (some, none, [0, 1, 2], [0, 0, 0]),
        (some, some, [0, 0, 2, 2], [0, 2, 2, 2]),
        (odd, none, [0, 3], [0, 0]),  # of sizes that differ, but there is none to compare with
    ):
        ious, offsets = iou_grouped(dt, gt, dt_offsets, gt_offsets)
        assert (ious.shape, ious.dtype) == ((0,), np.float64)
        assert offsets.tolist() == [0] * len(dt_offsets)


def test_many_groups_of_one_pair() -> None:
    masks = RLEArray.from_dense(every_mask(2, 3))
    starts = np.arange(len(masks) + 1)
    ious, offsets = iou_grouped(masks, masks[::-1], starts, starts)
    assert (ious == masks.iou(masks[::-1], paired=True)).all()
    assert (offsets == starts).all()


def test_sizes_that_differ_in_a_group_are_named() -> None:
    dt = RLEArray.concatenate([RLEArray.ones(3, 3, 4), RLEArray.ones(2, 5, 6)])
    gt = RLEArray.concatenate([RLEArray.ones(2, 3, 4), RLEArray.ones(2, 5, 6)])
    iou_grouped(dt, gt, [0, 3, 5], [0, 2, 4])
    for dt_offsets, gt_offsets, text in (
        ([0, 3, 5], [0, 3, 4], r"group 0: dt\[0\]: size is 3 x 4, but gt\[2\] is 5 x 6"),
        ([0, 2, 5], [0, 2, 4], r"group 1: dt\[2\]: size is 3 x 4, but gt\[2\] is 5 x 6"),
        ([0, 0, 4], [0, 1, 2], r"group 1: dt\[3\]: size is 5 x 6, but gt\[1\] is 3 x 4"),
    ):
        with pytest.raises(SizeMismatchError, match=text):
            iou_grouped(dt, gt, dt_offsets, gt_offsets)
        with pytest.raises(SizeMismatchError, match=text):
            intersection_area_grouped(dt, gt, dt_offsets, gt_offsets)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((None, [0, 2]), TypeError, "dt_offsets has dtype object, expected integers"),
        (([0, 2], None), TypeError, "gt_offsets has dtype object, expected integers"),
        (([0.0, 2.0], [0, 2]), TypeError, "dt_offsets has dtype float64"),
        (([], [0, 2]), ValueError, r"dt_offsets has shape \(0,\)"),
        (([0, 2], [[0, 2]]), ValueError, r"gt_offsets has shape \(1, 2\)"),
        (([0, 3], [0, 2]), ValueError, "dt_offsets has offset 3, outside the 2 masks"),
        (([0, 2], [-1, 2]), ValueError, "gt_offsets has offset -1, outside the 2 masks"),
        (([0, 2, 1], [0, 1, 2]), ValueError, "dt_offsets descends from 2 to 1 at position 2"),
        (([0, 1, 2], [0, 2]), ValueError, "dt_offsets are of 2 groups, gt_offsets of 1; expected equally many"),
        (([0, 2], [0, 2], [1]), ValueError, "iscrowd: expected 2 flags, one for each of gt, found 1 flags"),
    ],
)
def test_bad_groups_are_refused(arguments: Any, error: type[Exception], text: str) -> None:
    two = RLEArray.ones(2, 3, 4)
    with pytest.raises(error, match=text):
        iou_grouped(two, two, *arguments)


def test_what_is_no_batch_is_refused() -> None:
    two = RLEArray.ones(2, 3, 4)
    for dt, gt, name in ((two.to_coco(), two, "dt"), (two, two.to_coco(), "gt")):
        with pytest.raises(TypeError, match=f"{name}: expected an RLEArray, found list"):
            iou_grouped(dt, gt, [0, 2], [0, 2])  # type: ignore[arg-type]


# ---- images past 2^32 pixels ----------------------------------------------------------------------------------------


def test_overlaps_of_images_past_32_bits() -> None:
    side = 70_000
    everything = RLEArray.ones(1, side, side)
    left = RLEArray.from_coco({"size": [side, side], "counts": [0, 40_000 * side, 30_000 * side]})
    right = RLEArray.from_coco({"size": [side, side], "counts": [30_000 * side, 40_000 * side]})
    three = RLEArray.concatenate([everything, left, right])
    shared = [[70_000, 40_000, 40_000], [40_000, 40_000, 10_000], [40_000, 10_000, 40_000]]
    assert three.intersection_area(three).tolist() == [[columns * side for columns in row] for row in shared]
    assert three.iou(three).tolist() == [[1, 4 / 7, 4 / 7], [4 / 7, 1, 1 / 7], [4 / 7, 1 / 7, 1]]
    assert everything.iou(three, [1, 1, 1]).tolist() == [[1, 4 / 7, 4 / 7]]
    assert left.dice(right).tolist() == [[20_000 / 80_000]]
    assert left.iou(right, paired=True).tolist() == [1 / 7]
    many = three[np.arange(300) % 3]
    assert (many.intersection_area(many) == np.tile(three.intersection_area(three), (100, 100))).all()
