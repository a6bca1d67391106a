"""Counts text: COCO's compressed string, its readers and writers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles
from checks import check_each
from masks import every_tiny_mask, random_masks, random_shapes, respelled, to_rle
from panomask import RLEArray, mask
from panomask.errors import InvalidRLEError
from test_runs import spelled_masks

# Counts and their text, as pycocotools 2.0.11 writes it.
KNOWN = [
    ([4, 4, 1, 1, 2], b"441M1"),
    ([12], b"<"),
    ([0, 12], b"0<"),
    ([0], b"0"),
    ([0, 6, 1], b"061"),
    ([2, 3, 1, 1], b"231N"),
    ([5, 5, 5, 5], b"5550"),
    ([6, 1, 40, 4, 5, 4, 5, 4, 21], b"61X13mN000`0"),
    ([31, 1, 15, 16], b"o01??"),
    ([16, 32], b"`0P1"),
    ([0, 100, 0, 100], b"0T300"),
    ([1000, 1, 999, 1, 998], b"Xo01Wo00O"),
    ([52, 48, 874, 112, 861, 125, 848], b"d1`1Zk0P2C=C"),
    ([13, 1, 5, 2, 4, 3, 3, 4, 13], b"=151O1O1:"),
    ([7, 3, 3, 3, 3, 3, 3, 3, 20], b"73300000a0"),
    ([0, 48], b"0`1"),
    ([48], b"`1"),
]


def text_of(counts: list[int], height: int, width: int) -> bytes:
    """What panomask writes, zero-length runs kept."""
    return mask.merge([{"size": [height, width], "counts": counts}])["counts"]


# ---- writing and reading --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("counts", "text"), KNOWN)
def test_known_text(counts: list[int], text: bytes) -> None:
    width = sum(counts)
    assert text_of(counts, 1, width) == text
    assert oracles.counts_to_text(counts) == text
    for spelled in (text, text.decode(), bytearray(text), memoryview(text)):
        (rle,) = RLEArray.from_coco({"size": [1, width], "counts": spelled}).to_coco(counts="list")
        mask_ = oracles.decode(counts, 1, width)
        assert rle == {"size": [1, width], "counts": oracles.encode(mask_)}


def test_text_of_every_tiny_mask_is_read_and_written() -> None:
    for _, masks in every_tiny_mask():
        rles = [to_rle(each) for each in masks]
        batch = RLEArray.from_coco(rles)
        check_each(batch.to_coco(), rles, masks)
        check_each(batch.to_coco(counts="list"), [to_rle(each, list) for each in masks], masks)
        check_each(batch.to_coco(counts="str"), [to_rle(each, str) for each in masks], masks)
        assert batch == RLEArray.from_dense(masks)


def test_text_of_random_masks_is_read_and_written() -> None:
    rng = np.random.default_rng(1)
    for shape in random_shapes(rng, 40):
        masks = random_masks(rng, 8, *shape)
        rles = [to_rle(each) for each in masks]
        check_each(RLEArray.from_coco(rles).to_coco(), rles, masks)
        check_each(RLEArray.from_dense(masks).to_coco(), rles, masks)


@given(spelled_masks())
def test_text_comes_back_from_every_spelling(spelled: tuple[list[int], int, int]) -> None:
    counts, height, width = spelled
    text = oracles.counts_to_text(counts)
    batch = RLEArray.from_coco({"size": [height, width], "counts": text})
    assert batch == RLEArray.from_coco({"size": [height, width], "counts": counts})
    canonical = oracles.encode(oracles.decode(counts, height, width))
    assert batch[0]["counts"] == oracles.counts_to_text(canonical)


@given(st.lists(st.integers(0, 2**33), max_size=40))
def test_text_holds_runs_of_any_length(runs: list[int]) -> None:
    counts = [run + (i > 0) for i, run in enumerate(runs)] or [0]  # canonical: only the first may be zero
    width = sum(counts)
    text = oracles.counts_to_text(counts)
    assert oracles.text_to_counts(text) == counts
    batch = RLEArray.from_coco({"size": [1, width], "counts": text})
    assert batch.to_coco() == [{"size": [1, width], "counts": text}]
    assert batch.to_coco(counts="list") == [{"size": [1, width], "counts": counts}]
    assert batch.area.tolist() == [sum(counts[1::2])]


@pytest.mark.parametrize("exponent", [3, 4, 5, 8, 9, 10, 13, 14, 15, 18, 19, 20, 23, 24, 25, 28, 29, 31, 32, 34, 38])
def test_numbers_next_to_powers_of_two(exponent: int) -> None:
    for number in (2**exponent - 1, 2**exponent, 2**exponent + 1):
        for counts in ([number], [0, number], [1, 2, 3, number], [number, 1, number, 2, 3], [1, 2, number, number, 1]):
            width = sum(counts)
            text = oracles.counts_to_text(counts)
            batch = RLEArray.from_coco({"size": [1, width], "counts": text})
            assert batch.to_coco(counts="list")[0]["counts"] == counts
            assert RLEArray.from_coco({"size": [1, width], "counts": counts})[0]["counts"] == text


def test_the_largest_number_is_the_largest_image() -> None:
    batch = RLEArray.from_coco({"size": [2**20, 2**20], "counts": b"PPPPPPPP1"})
    assert batch.to_coco(counts="list")[0]["counts"] == [2**40]
    assert batch[0]["counts"] == b"PPPPPPPP1"


# ---- text that others write -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding", range(11))
def test_numbers_with_more_groups_than_they_need_are_read(padding: int) -> None:
    text = b"4" + b"T" + b"P" * padding + b"0" + b"1M1"  # 4 is one group; here it is 4 + 32 * 0 + ...
    batch = RLEArray.from_coco({"size": [3, 4], "counts": text})
    assert batch[0]["counts"] == b"441M1"


@pytest.mark.parametrize("padding", range(11))
def test_negative_differences_with_more_groups_than_they_need_are_read(padding: int) -> None:
    text = b"441" + b"m" + b"o" * padding + b"O" + b"1"  # M is -3
    batch = RLEArray.from_coco({"size": [3, 4], "counts": text})
    assert batch[0]["counts"] == b"441M1"


def test_the_third_count_is_no_difference() -> None:
    assert oracles.text_to_counts(b"1234") == [1, 2, 3, 6]
    assert RLEArray.from_coco({"size": [1, 12], "counts": b"1234"}).to_coco(counts="list")[0]["counts"] == [1, 2, 3, 6]


@pytest.mark.parametrize(
    "counts",
    [
        [4, 4, 1, 1, 2],
        (4, 4, 1, 1, 2),
        [4.0, 4.0, 1.0, 1.0, 2.0],
        [np.int8(4), np.uint64(4), 1, True, 2],
        *(np.array([4, 4, 1, 1, 2], dtype) for dtype in "bBhHiIlLqQefdg"),
        np.array([4, 4, 1, 1, 2], ">i2"),
        np.array([4, 4, 1, 1, 2], ">f8"),
        np.array([4, 4, 1, 1, 2], object),
        np.array([4, 9, 4, 9, 1, 9, 1, 9, 2, 9])[::2],
        np.array([2, 1, 1, 4, 4])[::-1],
        memoryview(np.array([4, 4, 1, 1, 2])),
        np.str_("441M1"),
        np.bytes_(b"441M1"),
    ],
    ids=lambda counts: f"{type(counts).__name__}-{getattr(counts, 'dtype', '')}",
)
def test_counts_of_every_kind_are_read(counts: Any) -> None:
    assert RLEArray.from_coco({"size": [3, 4], "counts": counts})[0] == {"size": [3, 4], "counts": b"441M1"}


def test_run_lengths_that_are_bools_are_numbers() -> None:
    assert RLEArray.from_coco({"size": [1, 1], "counts": [False, True]}).area.tolist() == [1]
    assert RLEArray.from_coco({"size": [1, 1], "counts": np.array([False, True])}).area.tolist() == [1]


@pytest.mark.parametrize(
    "size",
    [[3, 4], (3, 4), np.array([3, 4]), np.array([3, 4], np.uint8), [np.int16(3), np.uint64(4)], [3.0, 4.0],
     np.array([3.0, 4.0]), memoryview(b"\3\4")],
    ids=repr,
)  # fmt: skip
def test_sizes_of_every_kind_are_read(size: Any) -> None:
    assert RLEArray.from_coco({"size": size, "counts": "441M1"})[0] == {"size": [3, 4], "counts": b"441M1"}


def test_dicts_of_every_kind_are_read() -> None:
    class Record(dict):  # type: ignore[type-arg]
        pass

    class Reading:
        def __getitem__(self, key: str) -> Any:
            return {"size": [3, 4], "counts": "441M1"}[key]

    plain = {"size": [3, 4], "counts": "441M1"}
    for rle in (plain, {**plain, "score": 1.0}, Record(plain), Reading()):
        assert RLEArray.from_coco([rle])[0] == {"size": [3, 4], "counts": b"441M1"}


def test_lists_of_every_kind_are_read() -> None:
    rle = {"size": [3, 4], "counts": "441M1"}
    for rles in ([rle, rle], (rle, rle), iter([rle, rle]), np.array([rle, rle]), {1: rle, 2: rle}.values()):
        assert RLEArray.from_coco(rles).area.tolist() == [5, 5]
    assert len(RLEArray.from_coco(rle)) == 1
    assert len(RLEArray.from_coco([])) == 0
    assert len(RLEArray.from_coco(())) == 0


def test_a_batch_is_read_as_it_is() -> None:
    batch = RLEArray.ones(2, 3, 4)
    assert RLEArray.from_coco(batch) == batch


def broken_texts(rng: np.random.Generator) -> list[bytes]:
    """Texts of a hundred numbers, most short, some long; and the same with a byte changed, gone, or more, anywhere."""
    steps = rng.choice([0, 0, 0, 1, 5, -3, 9, 15, 16, 31, 33, 511, -16, -17, 600, 20_000], 110)
    counts = np.abs(np.cumsum(steps))
    counts[rng.integers(110, size=3)] += 2 ** rng.integers(20, 36, 3)
    text = oracles.counts_to_text(counts.tolist())
    texts = [text]
    for at in range(len(text)):
        texts.append(text[:at])
        texts.append(text[:at] + text[at + 1 :])
        for byte in (*rng.integers(48, 112, 2).tolist(), int(rng.integers(256)), 47, 112, 255, 80, 111, 79):
            texts.append(text[:at] + bytes([byte]) + text[at + 1 :])
        texts.append(text[:at] + b"P" * int(rng.integers(1, 14)) + text[at:])
        texts.append(text[:at] + b"O" * int(rng.integers(1, 4)) + text[at:])
    return texts


@pytest.mark.parametrize("seed", range(8))
def test_wrong_text_is_refused_where_it_is_wrong(seed: int) -> None:
    texts = broken_texts(np.random.default_rng(seed))
    width = sum(oracles.text_to_counts(texts[0]))
    right = 0
    for text in texts:
        expected = oracles.text_to_error(text, 1, width)
        if expected is None:
            right += 1
            (found,) = RLEArray.from_coco({"size": [1, width], "counts": text}).to_coco(counts="list")
            counts = oracles.text_to_counts(text)
            assert sum(found["counts"][1::2]) == sum(counts[1::2]), text
        else:
            with pytest.raises(InvalidRLEError) as raised:
                RLEArray.from_coco({"size": [1, width], "counts": text})
            assert str(raised.value) == f"rles: {expected}", text
    assert right > 0


@pytest.mark.parametrize("seed", range(8))
def test_numbers_of_all_lengths_follow_one_another(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(100):
        bits = rng.choice([3, 3, 3, 3, 4, 4, 4, 8, 8, 9, 9, 14, 20, 28, 31, 33], size=int(rng.integers(1, 99)))
        counts = [int(rng.integers(1, 2 ** int(each))) for each in bits]
        width = sum(counts)
        text = oracles.counts_to_text(counts)
        batch = RLEArray.from_coco({"size": [1, width], "counts": text})
        assert batch.to_coco(counts="list")[0]["counts"] == counts
        assert batch[0]["counts"] == text


# ---- what is written ------------------------------------------------------------------------------------------------


def test_dicts_hold_plain_python_objects() -> None:
    batch = RLEArray.ones(1, 3, 4)
    for kind, counts in (("bytes", b"0<"), ("str", "0<"), ("list", [0, 12])):
        (rle,) = batch.to_coco(counts=kind)  # type: ignore[arg-type]
        assert list(rle) == ["size", "counts"]
        assert type(rle["size"]) is list
        assert [type(side) for side in rle["size"]] == [int, int]
        assert rle["counts"] == counts
        assert type(rle["counts"]) is type(counts)
    assert all(type(run) is int for run in batch.to_coco(counts="list")[0]["counts"])


def test_bytes_are_the_default() -> None:
    assert RLEArray.ones(1, 3, 4).to_coco() == RLEArray.ones(1, 3, 4).to_coco(counts="bytes")
    assert RLEArray.ones(1, 3, 4)[0] == RLEArray.ones(1, 3, 4).to_coco(counts="bytes")[0]


def test_no_masks_are_an_empty_list() -> None:
    assert RLEArray.empty().to_coco() == []
    assert RLEArray.empty().to_coco(counts="str") == []
    assert RLEArray.empty().to_coco(counts="list") == []


def test_dicts_of_one_batch_share_nothing() -> None:
    batch = RLEArray.ones(2, 3, 4)
    first, second = batch.to_coco()
    first["size"][0] = 99
    assert second["size"] == [3, 4]
    assert batch[0]["size"] == [3, 4]


def test_what_is_written_is_canonical() -> None:
    rng = np.random.default_rng(2)
    for height, width in random_shapes(rng, 20):
        masks = random_masks(rng, 4, height, width)
        lists = [respelled(rng, oracles.encode(each)) for each in masks]
        batch = RLEArray.from_coco([{"size": [height, width], "counts": counts} for counts in lists])
        check_each(batch.to_coco(), [to_rle(each) for each in masks], masks)


def test_masks_of_many_sizes_are_read_and_written() -> None:
    rng = np.random.default_rng(3)
    masks = [random_masks(rng, 1, *shape)[0] for shape in random_shapes(rng, 300)]
    rles = [to_rle(each, kind) for each, kind in zip(masks, [bytes, str, list] * 100, strict=True)]
    batch = RLEArray.from_coco(rles)
    check_each(batch.to_coco(), [to_rle(each) for each in masks], masks)
    check_each(batch.sizes.tolist(), [list(each.shape) for each in masks], masks)
