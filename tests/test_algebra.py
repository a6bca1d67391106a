"""Algebra: masks from masks, mask by mask and by group."""

from __future__ import annotations

from itertools import pairwise
from operator import and_, or_, sub, xor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import oracles
from checks import check_arrays, check_each
from masks import (
    LARGE_SHAPES,
    every_mask,
    every_spelling,
    every_tiny_mask,
    random_masks,
    random_shapes,
    respelled,
    tiny_shapes,
    to_rle,
)
from panomask import RLEArray

OPERATORS = {"|": or_, "&": and_, "-": sub, "^": xor}
PIXELS, RUNS = 5, 5


@st.composite
def batches(draw: st.DrawFn, n: int, most_masks: int = 1) -> list[RLEArray]:
    """Some batches of equally many masks of one size, with all kinds of spellings."""
    height, width = draw(st.integers(0, 7)), draw(st.integers(0, 7))
    pixels = height * width
    masks = draw(st.integers(1, most_masks))
    cuts = st.lists(st.integers(0, pixels), max_size=12).map(lambda cuts: np.diff([0, *sorted(cuts), pixels]).tolist())
    return [
        RLEArray.from_coco([{"size": [height, width], "counts": draw(cuts)} for _ in range(masks)]) for _ in range(n)
    ]


def pairs(n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All pairs of indices below n."""
    i, j = np.indices((n, n))
    return i.ravel(), j.ravel()


def is_canonical(batch: RLEArray) -> bool:
    """Whether no run but the first of each mask is zero."""
    runs = np.arange(batch.offsets[0], batch.offsets[-1])
    return bool(batch.counts[runs[~np.isin(runs, batch.offsets)]].all())


# ---- mask by mask ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("symbol", OPERATORS)
def test_operators_are_numpys_on_every_pair_of_tiny_masks(symbol: str) -> None:
    for shape in tiny_shapes(8):
        masks = every_mask(*shape)
        batch = RLEArray.from_dense(masks)
        i, j = pairs(len(masks))
        found = OPERATORS[symbol](batch[i], batch[j])
        assert is_canonical(found)
        check_arrays(found.to_dense(dtype=bool), oracles.OPERATIONS[symbol](masks[i], masks[j]), masks[i], masks[j])


@pytest.mark.parametrize("symbol", OPERATORS)
def test_operators_are_numpys_on_every_pair_of_spellings(symbol: str) -> None:
    lists = every_spelling(PIXELS, RUNS)
    masks = np.array([oracles.decode(counts, PIXELS, 1) for counts in lists])
    batch = RLEArray.from_coco([{"size": [PIXELS, 1], "counts": counts} for counts in lists])
    i, j = pairs(len(masks))
    found = OPERATORS[symbol](batch[i], batch[j])
    assert is_canonical(found)
    check_arrays(found.to_dense(dtype=bool), oracles.OPERATIONS[symbol](masks[i], masks[j]), masks[i], masks[j])


@pytest.mark.parametrize("symbol", OPERATORS)
def test_operators_are_numpys_on_random_masks(symbol: str) -> None:
    rng = np.random.default_rng(1)
    for shape in random_shapes(rng, 30):
        a, b = random_masks(rng, 8, *shape), random_masks(rng, 8, *shape)
        found = OPERATORS[symbol](RLEArray.from_dense(a), RLEArray.from_dense(b))
        check_each(found, [to_rle(mask) for mask in oracles.OPERATIONS[symbol](a, b)], a, b)


@pytest.mark.parametrize("shape", LARGE_SHAPES)
def test_algebra_of_large_masks(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(11)
    a, b = random_masks(rng, 6, *shape), random_masks(rng, 6, *shape)
    batch_a, batch_b = RLEArray.from_dense(a), RLEArray.from_dense(b)
    for symbol, operation in oracles.OPERATIONS.items():
        check_each(OPERATORS[symbol](batch_a, batch_b), [to_rle(mask) for mask in operation(a, b)], a, b)
    assert batch_a.union().to_coco() == [to_rle(a.any(axis=0))]
    assert batch_a[3:].intersection().to_coco() == [to_rle(a[3:].all(axis=0))]


@pytest.mark.parametrize("symbol", OPERATORS)
def test_one_mask_goes_with_every_other(symbol: str) -> None:
    a, b = random_masks(np.random.default_rng(2), 1, 17, 9), random_masks(np.random.default_rng(3), 7, 17, 9)
    one, many = RLEArray.from_dense(a), RLEArray.from_dense(b)
    operation = oracles.OPERATIONS[symbol]
    check_arrays(OPERATORS[symbol](one, many).to_dense(dtype=bool), operation(a, b), b)
    check_arrays(OPERATORS[symbol](many, one).to_dense(dtype=bool), operation(b, a), b)
    assert len(OPERATORS[symbol](one, many[:0])) == 0
    assert len(OPERATORS[symbol](many[:0], one)) == 0
    assert len(OPERATORS[symbol](many[:0], many[:0])) == 0


def test_masks_of_one_batch_may_have_different_sizes() -> None:
    rng = np.random.default_rng(4)
    shapes = random_shapes(rng, 20)
    a, b = ([random_masks(rng, 1, *shape)[0] for shape in shapes] for _ in range(2))
    batch_a, batch_b = (RLEArray.concatenate([RLEArray.from_dense(mask) for mask in masks]) for masks in (a, b))
    for symbol, operation in oracles.OPERATIONS.items():
        expected = [to_rle(operation(x, y)) for x, y in zip(a, b, strict=True)]
        check_each(OPERATORS[symbol](batch_a, batch_b), expected, a, b)
    check_each(~batch_a, [to_rle(~mask) for mask in a], a)


def test_slices_take_part() -> None:
    masks = random_masks(np.random.default_rng(5), 9, 16, 17)
    batch = RLEArray.from_dense(masks)
    check_arrays((batch[2:5] | batch[6:]).to_dense(dtype=bool), masks[2:5] | masks[6:], masks[2:5], masks[6:])
    check_arrays((~batch[3:]).to_dense(dtype=bool), ~masks[3:], masks[3:])
    check_arrays(batch[4:].union()[:].to_dense(dtype=bool)[0:1], masks[4:].any(axis=0)[None], masks[4:5])


def test_operands_stay_as_they_are() -> None:
    batch = RLEArray.from_coco([{"size": [2, 3], "counts": [1, 0, 1, 2, 0, 1, 1]}, {"size": [2, 3], "counts": [0, 6]}])
    before = [array.tobytes() for array in (batch.counts, batch.offsets, batch.sizes)]
    for operator in OPERATORS.values():
        operator(batch, batch)
    _ = ~batch, batch.union(), batch.intersection(), batch.iou(batch), batch.dice(batch), batch.area, batch.bbox
    assert [array.tobytes() for array in (batch.counts, batch.offsets, batch.sizes)] == before


# ---- complement -----------------------------------------------------------------------------------------------------


def test_complement_of_every_tiny_mask() -> None:
    for _, masks in every_tiny_mask():
        found = ~RLEArray.from_dense(masks)
        check_arrays(found.to_dense(dtype=bool), ~masks, masks)
        check_each(found, [to_rle(mask) for mask in ~masks], masks)


def test_complement_of_every_spelling() -> None:
    lists = every_spelling(PIXELS, 6)
    masks = np.array([oracles.decode(counts, PIXELS, 1) for counts in lists])
    found = ~RLEArray.from_coco([{"size": [PIXELS, 1], "counts": counts} for counts in lists])
    check_each(found, [to_rle(mask) for mask in ~masks], masks)


def test_complement_of_no_masks_is_no_masks() -> None:
    assert len(~RLEArray.empty()) == 0


# ---- laws -----------------------------------------------------------------------------------------------------------


@given(batches(3, most_masks=3))
def test_laws_of_sets(abc: list[RLEArray]) -> None:
    a, b, c = abc
    nothing, everything = a - a, a | ~a
    assert ~(a | b) == ~a & ~b
    assert ~(a & b) == ~a | ~b
    assert ~~a == a
    assert a | b == b | a
    assert a & b == b & a
    assert a ^ b == b ^ a
    assert (a | b) | c == a | (b | c)
    assert (a & b) & c == a & (b & c)
    assert (a ^ b) ^ c == a ^ (b ^ c)
    assert a & (b | c) == (a & b) | (a & c)
    assert a | (b & c) == (a | b) & (a | c)
    assert a - b == a & ~b
    assert a ^ b == (a | b) - (a & b)
    assert a | (a & b) == a
    assert a & (a | b) == a
    assert a | nothing == a
    assert a & everything == a
    assert a ^ everything == ~a


@given(batches(2, most_masks=3))
def test_areas_of_union_and_intersection_add_up(ab: list[RLEArray]) -> None:
    a, b = ab
    assert ((a | b).area + (a & b).area == a.area + b.area).all()
    assert ((a ^ b).area + 2 * (a & b).area == a.area + b.area).all()
    assert ((a - b).area + (a & b).area == a.area).all()
    assert (a.area + (~a).area == a.sizes.prod(axis=1)).all()
    assert ((a & b).area == a.intersection_area(b, paired=True)).all()


# ---- by group -------------------------------------------------------------------------------------------------------


@given(batches(1, most_masks=6), st.data())
def test_a_group_is_its_masks_one_after_the_other(one: list[RLEArray], data: st.DataObject) -> None:
    (batch,) = one
    n = len(batch)
    groups = sorted(data.draw(st.lists(st.integers(0, n), min_size=1, max_size=5)))
    unions, intersections = batch.union(groups), batch.intersection(groups)
    assert len(unions) == len(intersections) == len(groups) - 1
    assert is_canonical(unions)
    assert is_canonical(intersections)
    for k, (start, stop) in enumerate(pairwise(groups)):
        if start == stop:
            assert unions.sizes[k].tolist() == intersections.sizes[k].tolist() == [0, 0]
            continue
        union = intersection = batch[start : start + 1]
        for i in range(start + 1, stop):
            union, intersection = union | batch[i : i + 1], intersection & batch[i : i + 1]
        assert unions[k : k + 1] == union
        assert intersections[k : k + 1] == intersection


def test_union_and_intersection_of_all_masks() -> None:
    rng = np.random.default_rng(6)
    for shape in random_shapes(rng, 20):
        for n in (1, 2, 3, 7, 20):
            masks = random_masks(rng, n, *shape)
            batch = RLEArray.from_dense(masks)
            assert batch.union().to_coco() == [to_rle(masks.any(axis=0))]
            assert batch.intersection().to_coco() == [to_rle(masks.all(axis=0))]


def test_union_and_intersection_of_every_triple_of_tiny_masks() -> None:
    masks = every_mask(2, 2)
    n = len(masks)
    index = np.indices((n, n, n)).reshape(3, -1).T
    batch = RLEArray.from_dense(masks)[index.ravel()]
    groups = np.arange(0, 3 * len(index) + 1, 3)
    triples = masks[index]
    check_arrays(batch.union(groups).to_dense(dtype=bool), triples.any(axis=1), *triples.transpose(1, 0, 2, 3))
    check_arrays(batch.intersection(groups).to_dense(dtype=bool), triples.all(axis=1), *triples.transpose(1, 0, 2, 3))


def test_groups_of_many_sizes() -> None:
    rng = np.random.default_rng(7)
    masks = [random_masks(rng, int(rng.integers(1, 6)), *shape) for shape in random_shapes(rng, 20)]
    batch = RLEArray.concatenate([RLEArray.from_dense(each) for each in masks])
    groups = np.cumsum([0, *map(len, masks)])
    firsts = [each[0] for each in masks]
    check_each(batch.union(groups), [to_rle(each.any(axis=0)) for each in masks], firsts)
    check_each(batch.intersection(groups), [to_rle(each.all(axis=0)) for each in masks], firsts)


def test_spellings_in_groups() -> None:
    rng = np.random.default_rng(8)
    for height, width in random_shapes(rng, 20):
        masks = random_masks(rng, 6, height, width)
        lists = [respelled(rng, oracles.encode(mask)) for mask in masks]
        batch = RLEArray.from_coco([{"size": [height, width], "counts": counts} for counts in lists])
        assert batch.union().to_coco() == [to_rle(masks.any(axis=0))]
        assert batch.intersection().to_coco() == [to_rle(masks.all(axis=0))]
        assert batch.union([0, 2, 3, 6]).area.tolist() == [
            oracles.area(masks[start:stop].any(axis=0)) for start, stop in ((0, 2), (2, 3), (3, 6))
        ]


def test_a_group_of_one_spelled_mask_is_canonical() -> None:
    batch = RLEArray.from_coco({"size": [1, 7], "counts": [1, 0, 1, 2, 0, 1, 2]})
    assert batch.union().to_coco(counts="list") == [{"size": [1, 7], "counts": [2, 3, 2]}]
    assert batch.union().counts.tolist() == [2, 3, 2]
    assert batch.intersection().counts.tolist() == [2, 3, 2]


def test_the_union_of_nothing_has_no_pixels() -> None:
    for result in (RLEArray.empty().union(), RLEArray.empty().intersection(), RLEArray.zeros(2, 3, 4).union([1, 1])):
        assert len(result) == 1
        assert result.sizes.tolist() == [[0, 0]]
        assert result.area.tolist() == [0]


def test_groups_may_leave_masks_out() -> None:
    masks = random_masks(np.random.default_rng(9), 6, 9, 9)
    batch = RLEArray.from_dense(masks)
    assert batch.union([2, 4]).to_coco() == [to_rle(masks[2:4].any(axis=0))]
    assert len(batch.union([3])) == 0


@pytest.mark.parametrize("groups", [[0, 1, 3], (0, 1, 3), np.array([0, 1, 3], np.uint8), np.array([0, 1, 3], ">i8"),
                                    np.array([0, 9, 1, 9, 3])[::2]], ids=repr)  # fmt: skip
def test_groups_of_every_kind_are_read(groups: Any) -> None:
    masks = random_masks(np.random.default_rng(10), 3, 9, 9)
    found = RLEArray.from_dense(masks).union(groups)
    assert found.to_coco() == [to_rle(masks[0]), to_rle(masks[1] | masks[2])]


# ---- images past 2^32 pixels ----------------------------------------------------------------------------------------


def test_algebra_of_images_past_32_bits() -> None:
    side = 70_000
    everything, nothing = RLEArray.ones(1, side, side), RLEArray.zeros(1, side, side)
    left = RLEArray.from_coco({"size": [side, side], "counts": [0, 40_000 * side, 30_000 * side]})
    right = RLEArray.from_coco({"size": [side, side], "counts": [30_000 * side, 40_000 * side]})
    assert left | right == everything
    assert (left & right).area.tolist() == [10_000 * side]
    assert (left & right).bbox.tolist() == [[30_000, 0, 10_000, side]]
    assert (left - right).area.tolist() == [30_000 * side]
    assert (left ^ right).area.tolist() == [60_000 * side]
    assert ~everything == nothing
    assert ~nothing == everything
    assert (~left).area.tolist() == [30_000 * side]
    three = RLEArray.concatenate([left, right, nothing])
    assert three.union() == everything
    assert three.intersection() == nothing
    assert three.union([0, 2, 3]).area.tolist() == [side * side, 0]
    assert RLEArray.from_coco((left | right).to_coco()) == everything
    assert (left & right).to_coco(counts="list")[0]["counts"] == [30_000 * side, 10_000 * side, 30_000 * side]
