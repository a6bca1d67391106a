"""Runs: what a valid list is, and area, box and equality read off it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles
from checks import check_arrays, check_each
from masks import every_spelling, every_tiny_mask, random_masks, random_shapes, respelled
from panomask import RLEArray, cy_runs
from panomask.errors import InvalidRLEError

PIXELS, RUNS = 5, 6


@pytest.fixture(scope="module")
def spellings() -> RLEArray:
    """Every spelling of every mask on 5 x 1 pixels with up to six runs."""
    return RLEArray.from_coco([{"size": [PIXELS, 1], "counts": c} for c in every_spelling(PIXELS, RUNS)])


@st.composite
def spelled_masks(draw: st.DrawFn, most: int = 9) -> tuple[list[int], int, int]:
    """Run lengths, zeros among them, and the height and width they cover."""
    height, width = draw(st.integers(0, most)), draw(st.integers(0, most))
    cuts = sorted(draw(st.lists(st.integers(0, height * width), max_size=14)))
    return np.diff([0, *cuts, height * width]).tolist(), height, width


# ---- validity -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(2, 2), (4, 1), (1, 3), (0, 4)])
def test_a_list_is_valid_exactly_when_it_covers_the_image(size: tuple[int, int]) -> None:
    for length in range(5):
        for counts in product(range(5), repeat=length):
            try:
                RLEArray.from_counts(np.array(counts, dtype=np.uint32), [0, length], [size])
                is_valid = True
            except InvalidRLEError:
                is_valid = False
            assert is_valid == (sum(counts) == size[0] * size[1]), counts


def test_offsets_may_begin_anywhere() -> None:
    batch = RLEArray.from_counts([9, 9, 1, 2, 7], [2, 4], [[1, 3]])
    assert batch.to_coco(counts="list") == [{"size": [1, 3], "counts": [1, 2]}]
    assert batch.area.tolist() == [2]


def test_a_batch_of_an_array_is_not_a_copy() -> None:
    counts = np.array([1, 2], dtype=np.uint32)
    offsets = np.array([0, 2], dtype=np.int64)
    sizes = np.array([[1, 3]], dtype=np.int64)
    batch = RLEArray.from_counts(counts, offsets, sizes)
    assert np.shares_memory(batch.counts, counts)
    assert np.shares_memory(batch.offsets, offsets)
    assert np.shares_memory(batch.sizes, sizes)
    assert counts.flags.writeable
    assert offsets.flags.writeable
    assert sizes.flags.writeable


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint64, ">i4", ">u8"])
def test_a_batch_of_arrays_of_other_integers_is_the_same(dtype: str) -> None:
    batch = RLEArray.from_counts(np.array([4, 4, 1, 1, 2], dtype), np.array([0, 5], dtype), np.array([[3, 4]], dtype))
    assert batch[0] == {"size": [3, 4], "counts": b"441M1"}
    assert (batch.counts.dtype, batch.offsets.dtype, batch.sizes.dtype) == (np.uint32, np.int64, np.int64)


def test_a_batch_of_strided_arrays_is_the_same() -> None:
    counts = np.array([4, 0, 4, 0, 1, 0, 1, 0, 2, 0], dtype=np.uint32)[::2]
    sizes = np.array([[4, 3]], dtype=np.int64)[:, ::-1]
    batch = RLEArray.from_counts(counts, np.array([5, 0], dtype=np.int64)[::-1], sizes)
    assert batch[0] == {"size": [3, 4], "counts": b"441M1"}


# ---- area -----------------------------------------------------------------------------------------------------------


def test_area_of_empty_mask_is_zero() -> None:
    assert RLEArray.zeros(1, 3, 4).area.tolist() == [0]


def test_area_of_no_masks_is_an_empty_array() -> None:
    assert RLEArray.empty().area.shape == (0,)
    assert RLEArray.empty().area.dtype == np.uint64


def test_area_counts_the_pixels_of_every_tiny_mask() -> None:
    for _, masks in every_tiny_mask():
        check_arrays(RLEArray.from_dense(masks).area, masks.sum(axis=(1, 2)).astype(np.uint64), masks)


def test_area_counts_the_pixels_of_random_masks() -> None:
    rng = np.random.default_rng(1)
    for shape in random_shapes(rng, 40):
        masks = random_masks(rng, 8, *shape)
        check_each(RLEArray.from_dense(masks).area, [oracles.area(mask) for mask in masks], masks)


# ---- box ------------------------------------------------------------------------------------------------------------


def test_box_of_empty_mask_is_zeros() -> None:
    assert RLEArray.zeros(1, 3, 4).bbox.tolist() == [[0, 0, 0, 0]]


def test_box_of_no_masks_is_an_empty_array() -> None:
    assert RLEArray.empty().bbox.shape == (0, 4)
    assert RLEArray.empty().bbox.dtype == np.float64


def test_box_of_a_run_of_no_pixels_is_zeros() -> None:
    assert RLEArray.from_coco({"size": [2, 3], "counts": [3, 0, 3]}).bbox.tolist() == [[0, 0, 0, 0]]


def test_box_of_an_image_without_pixels_is_zeros() -> None:
    sizes = [[0, 0], [0, 5], [5, 0]]
    assert not RLEArray.from_coco([{"size": size, "counts": [0, 0, 0]} for size in sizes]).bbox.any()


def test_box_is_that_of_every_tiny_mask() -> None:
    for _, masks in every_tiny_mask():
        check_each(RLEArray.from_dense(masks).bbox.tolist(), [oracles.bbox(mask) for mask in masks], masks)


def test_box_is_that_of_random_masks() -> None:
    rng = np.random.default_rng(2)
    for shape in random_shapes(rng, 40):
        masks = random_masks(rng, 8, *shape)
        check_each(RLEArray.from_dense(masks).bbox.tolist(), [oracles.bbox(mask) for mask in masks], masks)


# ---- spelling -------------------------------------------------------------------------------------------------------


def test_every_spelling_has_the_area_and_box_of_its_mask(spellings: RLEArray) -> None:
    masks = [oracles.decode(counts, PIXELS, 1) for counts in every_spelling(PIXELS, RUNS)]
    check_each(spellings.area, [oracles.area(mask) for mask in masks], masks)
    check_each(spellings.bbox.tolist(), [oracles.bbox(mask) for mask in masks], masks)


@pytest.mark.parametrize("size", [(2, 3), (3, 2), (6, 1), (1, 6)])
def test_every_spelling_has_the_box_of_its_mask_in_every_shape(size: tuple[int, int]) -> None:
    lists = every_spelling(6, 6)
    masks = [oracles.decode(counts, *size) for counts in lists]
    batch = RLEArray.from_coco([{"size": size, "counts": counts} for counts in lists])
    check_each(batch.bbox.tolist(), [oracles.bbox(mask) for mask in masks], masks)


def test_masks_are_equal_exactly_when_their_pixels_are(spellings: RLEArray) -> None:
    masks = np.array([oracles.decode(counts, PIXELS, 1) for counts in every_spelling(PIXELS, RUNS)])
    i, j = (index.ravel() for index in np.indices((len(masks), len(masks))))
    expected = (masks[i] == masks[j]).all(axis=(1, 2))
    check_arrays(cy_runs.equal(spellings[i], spellings[j]), expected, masks[i], masks[j])


def test_masks_of_different_sizes_are_not_equal() -> None:
    a = RLEArray.from_coco({"size": [3, 4], "counts": [12]})
    assert a != RLEArray.from_coco({"size": [4, 3], "counts": [12]})
    assert RLEArray.from_coco({"size": [0, 4], "counts": []}) != RLEArray.from_coco({"size": [4, 0], "counts": []})


def test_masks_of_other_pixels_are_not_equal_where_counts_agree_to_a_point() -> None:
    a = RLEArray.from_coco({"size": [1, 6], "counts": [2, 2, 2]})
    assert a != RLEArray.from_coco({"size": [1, 6], "counts": [2, 2, 1, 1]})
    assert a != RLEArray.from_coco({"size": [1, 6], "counts": [2, 4]})
    assert a != RLEArray.from_coco({"size": [1, 6], "counts": [2, 2, 0, 2]})
    assert a == RLEArray.from_coco({"size": [1, 6], "counts": [2, 2, 2, 0]})


def test_equal_masks_are_written_alike(spellings: RLEArray) -> None:
    lists = every_spelling(PIXELS, RUNS)
    masks = [oracles.decode(counts, PIXELS, 1) for counts in lists]
    found = [rle["counts"] for rle in spellings.to_coco(counts="list")]
    check_each(found, [oracles.encode(mask) for mask in masks], masks)


@pytest.mark.parametrize("size", [(0, 0), (0, 4), (4, 0)])
@pytest.mark.parametrize("counts", [[], [0], [0, 0], [0, 0, 0], "", "0", b"000"])
def test_masks_without_pixels_are_written_alike(size: tuple[int, int], counts: object) -> None:
    batch = RLEArray.from_coco({"size": size, "counts": counts})
    assert batch.to_coco(counts="list") == [{"size": list(size), "counts": [0]}]
    assert batch.to_coco() == [{"size": list(size), "counts": b"0"}]
    assert batch[0] == {"size": list(size), "counts": b"0"}
    assert batch == RLEArray.zeros(1, *size) == batch


@given(spelled_masks())
def test_nothing_depends_on_the_spelling(spelled: tuple[list[int], int, int]) -> None:
    counts, height, width = spelled
    mask = oracles.decode(counts, height, width)
    batch = RLEArray.from_coco({"size": [height, width], "counts": counts})
    plain = RLEArray.from_dense(mask)
    assert batch == plain
    assert batch.area.tolist() == [oracles.area(mask)]
    assert batch.bbox.tolist() == [oracles.bbox(mask)]
    assert batch.to_coco() == plain.to_coco()
    assert (batch.to_dense()[0] == mask).all()
    assert ~batch == RLEArray.from_dense(~mask)
    assert batch.union() == plain
    assert batch.intersection() == plain
    assert batch | plain == plain
    assert batch & plain == plain
    assert (batch ^ plain).area.tolist() == [0]
    assert batch.iou(plain).tolist() == [[float(mask.any())]]


def test_nothing_depends_on_the_spelling_of_larger_masks() -> None:
    rng = np.random.default_rng(3)
    for height, width in random_shapes(rng, 30):
        masks = random_masks(rng, 4, height, width)
        lists = [respelled(rng, oracles.encode(mask)) for mask in masks]
        batch = RLEArray.from_coco([{"size": [height, width], "counts": counts} for counts in lists])
        assert batch == RLEArray.from_dense(masks)
        check_each(batch.area, [oracles.area(mask) for mask in masks], masks)
        check_each(batch.bbox.tolist(), [oracles.bbox(mask) for mask in masks], masks)
        check_arrays(batch.to_dense(dtype=bool), masks, masks)


# ---- images past 2^32 pixels ----------------------------------------------------------------------------------------

SIDE = 70_000


def test_area_and_box_of_an_image_past_32_bits() -> None:
    assert RLEArray.ones(1, SIDE, SIDE).area.tolist() == [SIDE * SIDE]
    assert RLEArray.ones(1, SIDE, SIDE).bbox.tolist() == [[0, 0, SIDE, SIDE]]
    assert RLEArray.zeros(1, SIDE, SIDE).area.tolist() == [0]
    last = RLEArray.from_coco({"size": [SIDE, SIDE], "counts": [SIDE * SIDE - 1, 1]})
    assert last.area.tolist() == [1]
    assert last.bbox.tolist() == [[SIDE - 1, SIDE - 1, 1, 1]]


def test_a_run_past_32_bits_is_in_parts_with_nothing_between() -> None:
    batch = RLEArray.ones(1, SIDE, SIDE)
    assert batch.counts.tolist() == [0, 2**32 - 1, 0, SIDE * SIDE - (2**32 - 1)]
    assert batch.to_coco(counts="list") == [{"size": [SIDE, SIDE], "counts": [0, SIDE * SIDE]}]
    assert RLEArray.from_counts(batch.counts, batch.offsets, batch.sizes) == batch
    assert RLEArray.from_coco(batch.to_coco(counts="list")) == batch
    otherwise = RLEArray.from_counts([0, 5, 0, 2**32 - 1, 0, SIDE * SIDE - 2**32 - 4], [0, 6], [[SIDE, SIDE]])
    assert otherwise == batch
    assert otherwise.to_coco() == batch.to_coco()


@pytest.mark.parametrize("size", [(2**40, 1), (1, 2**40), (2**20, 2**20)])
def test_the_largest_image_has_area_and_box(size: tuple[int, int]) -> None:
    height, width = size
    batch = RLEArray.from_coco([{"size": size, "counts": [0, 2**40]}, {"size": size, "counts": [2**40 - 1, 1]}])
    assert batch.area.tolist() == [2**40, 1]
    assert batch.bbox.tolist() == [[0, 0, width, height], [width - 1, height - 1, 1, 1]]
