"""Label maps: runs of all segments and back, joint histograms, confusion matrices."""

from __future__ import annotations

import pickle
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import oracles
import panomask
from masks import random_masks, random_shapes
from panomask import RLEArray
from panomask.errors import ImageTooLargeError, SizeMismatchError
from panomask.panoptic import Overlaps, Segments, confusion_matrix, joint_histogram, paint, segments

INTEGERS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")


# ---- oracles --------------------------------------------------------------------------------------------------------


def segments_of(label_map: NDArray[Any], ignored: Any = ()) -> dict[int, list[int]]:
    """The definition: every id with the runs of its mask."""
    ids = sorted({int(each) for each in label_map.ravel().tolist()} - set(ignored))
    return {each: oracles.encode(label_map == each) for each in ids}


def pairs_of(a: NDArray[Any], b: NDArray[Any]) -> list[tuple[int, int, int]]:
    """The definition: every pair that there is, and its number of pixels."""
    pairs = [(int(x), int(y)) for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)]
    return [(*pair, pairs.count(pair)) for pair in sorted(set(pairs))]


def check_segments(label_map: NDArray[Any], ignore: Any = None, **arguments: Any) -> Segments:
    """Everything that `segments` gives, for a map that is a plain array too."""
    found = segments(label_map, ignore=ignore, **arguments)
    expected = segments_of(label_map, () if ignore is None else [ignore] if isinstance(ignore, int) else ignore)
    assert found.ids.tolist() == list(expected)
    assert found.ids.dtype == label_map.dtype.newbyteorder("=")
    assert [rle["counts"] for rle in found.rles.to_coco("list")] == list(expected.values())
    assert found.rles.sizes.tolist() == [list(label_map.shape)] * len(expected)
    fresh = found.rles.copy()  # nothing of what came with the segments
    assert found.area.dtype == fresh.area.dtype
    assert found.area.tolist() == fresh.area.tolist()
    assert found.bbox.shape == fresh.bbox.shape
    assert found.bbox.tolist() == fresh.bbox.tolist()
    assert found.offsets.tolist() == [0, len(expected)]
    assert len(found) == len(expected)
    return found


def check_histogram(a: NDArray[Any], b: NDArray[Any]) -> None:
    ids_a, ids_b, counts = joint_histogram(a, b)
    assert (ids_a.dtype, ids_b.dtype) == (a.dtype.newbyteorder("="), b.dtype.newbyteorder("="))
    assert counts.dtype == np.uint64
    assert list(zip(ids_a.tolist(), ids_b.tolist(), counts.tolist(), strict=True)) == pairs_of(a, b)


def layouts(array: NDArray[Any]) -> list[NDArray[Any]]:
    """The same values in every kind of memory order."""
    height, width = array.shape
    spread = np.full((2 * height + 1, 3 * width + 1), array.flat[0] if array.size else 0, array.dtype)
    spread[1::2, 1::3] = array
    shifted = np.frombuffer(b"\0" + array.tobytes(), array.dtype, offset=1).reshape(array.shape)
    return [
        array,
        np.asfortranarray(array),
        np.ascontiguousarray(array[::-1, ::-1])[::-1, ::-1],
        np.asfortranarray(array[::-1])[::-1],
        spread[1::2, 1::3],
        np.asfortranarray(spread)[1::2, 1::3],
        shifted,  # not aligned, and read-only
        array.astype(array.dtype.newbyteorder()),
    ]


def patches(rng: np.random.Generator, shape: tuple[int, int], ids: NDArray[Any]) -> NDArray[Any]:
    """A map of rectangles, some of one pixel."""
    out = np.full(shape, ids[0], ids.dtype)
    for _ in range(int(rng.integers(0, 30))):
        y, x = int(rng.integers(shape[0])), int(rng.integers(shape[1]))
        height, width = (int(rng.integers(1, 1 + side if rng.random() < 0.8 else 2)) for side in shape)
        out[y : y + height, x : x + width] = rng.choice(ids)
    return out


def extreme_ids(dtype: str, rng: np.random.Generator) -> NDArray[Any]:
    """The ends of what a dtype holds, multiples of powers of two, small ones."""
    limits = np.iinfo(dtype)
    bits = limits.bits - (limits.min < 0)
    some = [limits.min, limits.max, 0, 1, limits.max - 1, *(k << bits - 3 for k in range(4))]
    return np.array([*some, *rng.integers(0, 100, 3).tolist()], dtype)


# ---- segments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (1, 6), (6, 1)])
def test_every_tiny_map_of_three_ids(shape: tuple[int, int]) -> None:
    for k, ids in enumerate(product(range(3), repeat=6)):
        label_map = np.array(ids, INTEGERS[k % 8]).reshape(shape)
        check_segments(label_map, 0)
        check_segments(np.asfortranarray(label_map))
        assert (paint(segments(label_map), shape=shape) == label_map).all()


def test_random_maps_of_every_dtype_in_every_layout() -> None:
    rng = np.random.default_rng(0)
    for k, shape in enumerate(random_shapes(rng, 32)):
        ids = extreme_ids(INTEGERS[k % 8], rng)
        label_map = patches(rng, shape, ids)
        first = check_segments(label_map)
        for other in layouts(label_map):
            found = segments(other, ignore=None)
            assert found.ids.dtype == first.ids.dtype
            assert found.ids.tolist() == first.ids.tolist()
            assert found.rles == first.rles
            assert found.area.tolist() == first.area.tolist()
            assert found.bbox.tolist() == first.bbox.tolist()
        ignored = rng.choice(ids, 2).tolist()
        check_segments(label_map, ignored)
        assert (paint(first) == label_map).all()


def test_noise_and_lines_longer_than_a_block() -> None:
    rng = np.random.default_rng(1)
    for shape in [(3, 5000), (5000, 3), (300, 1100), (1, 2000), (2000, 1)]:
        label_map = rng.integers(0, 4, shape).astype(np.uint16)
        for each in (label_map, np.asfortranarray(label_map)):
            check_segments(each, 2)


def test_an_id_for_every_pixel() -> None:
    label_map = np.arange(90 * 100).reshape(90, 100) * 2**40
    found = segments(label_map, ignore=None)
    assert found.ids.tolist() == label_map.ravel().tolist()
    assert (found.area == 1).all()
    y, x = np.divmod(np.arange(9000), 100)
    assert (found.bbox == np.stack([x, y, np.ones(9000), np.ones(9000)], axis=1)).all()
    assert (paint(found) == label_map).all()


@pytest.mark.parametrize("step", [1, 2**20, 2**32, 2**43, 2**50, -(2**50)])
def test_ids_that_are_multiples_of_powers_of_two(step: int) -> None:
    rng = np.random.default_rng(2)
    label_map = rng.integers(0, 5000, (80, 90)) * step
    found = segments(label_map, ignore=None)
    ids, counts = np.unique(label_map, return_counts=True)
    assert found.ids.tolist() == ids.tolist()
    assert found.area.tolist() == counts.tolist()


def test_bool_maps_have_bool_ids() -> None:
    label_map = np.array([[True, False], [True, True]])
    found = segments(label_map)
    assert found.ids.dtype == np.bool_
    assert found.ids.tolist() == [True]
    assert found.area.tolist() == [3]
    assert segments(label_map, ignore=None).ids.tolist() == [False, True]
    assert segments(label_map, ignore=[True]).ids.tolist() == [False]
    for ignore in (0, None):  # the ids of a bool map were no ids, and its segments were painted as uint8
        found = segments(label_map, ignore=ignore)
        for again in (paint(found), paint(found.rles, found.ids)):
            assert again.dtype == np.bool_
            assert again.tolist() == label_map.tolist()
        assert paint(found.rles, found.ids, dtype="u1", background=0).tolist() == label_map.astype(int).tolist()
        counts = joint_histogram((found.rles, found.ids), label_map)
        assert [each.dtype for each in counts] == [np.bool_, np.bool_, np.uint64]
        assert counts[2].tolist() == [1, 3][ignore == 0 :]
    with pytest.raises(ValueError, match=r"ids has shape \(2,\), expected \(1,\)"):
        paint(RLEArray.ones(1, 2, 2), np.array([True, False]))


@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (4, 0)])
def test_maps_without_pixels_have_no_segments(shape: tuple[int, int]) -> None:
    for dtype in ("u1", "i8", "?"):
        found = segments(np.zeros(shape, dtype), ignore=None)
        assert (found.ids.dtype, found.ids.shape) == (np.dtype(dtype), (0,))
        assert found.bbox.shape == (0, 4)
        assert found.offsets.tolist() == [0, 0]
    assert len(segments(np.zeros(shape, np.int32), ignore=None)) == 0


def test_a_run_longer_than_32_bits() -> None:
    # One row of memory, seen 70 000 times.
    label_map = np.broadcast_to(np.full(70_000, 3, np.uint8), (70_000, 70_000))
    found = segments(label_map)
    assert found.area.tolist() == [70_000**2]
    assert found.rles.to_coco("list")[0]["counts"] == [0, 70_000**2]
    assert found.bbox.tolist() == [[0, 0, 70_000, 70_000]]
    void = np.zeros(70_000, np.uint8)
    void[-1] = 9
    found = segments(np.broadcast_to(void, (70_000, 70_000)))
    assert found.rles.to_coco("list")[0]["counts"] == [69_999 * 70_000, 70_000]
    assert found.rles == found.rles.copy()


def test_void_is_left_out_and_ignore_says_what_is() -> None:
    label_map = np.array([[0, 1, 2], [255, 1, 0]], np.uint8)
    assert segments(label_map).ids.tolist() == [1, 2, 255]
    assert segments(label_map, ignore=None).ids.tolist() == [0, 1, 2, 255]
    assert segments(label_map, ignore=255).ids.tolist() == [0, 1, 2]
    assert segments(label_map, ignore=np.uint8(255)).ids.tolist() == [0, 1, 2]
    for several in ([0, 255], (255, 0, 0), {0, 255}, np.array([0, 255]), range(0, 256, 255)):
        assert segments(label_map, ignore=several).ids.tolist() == [1, 2]
    assert segments(label_map, ignore=[]).ids.tolist() == [0, 1, 2, 255]
    assert segments(label_map, ignore=range(256)).ids.tolist() == []


def test_ids_that_the_dtype_does_not_hold_are_in_no_map() -> None:
    label_map = np.array([[0, 1, 255]], np.uint8)
    assert segments(label_map, ignore=[-1, 256, 2**64, -(2**70), 1]).ids.tolist() == [0, 255]
    signed = np.array([[0, -1, 127]], np.int8)
    assert segments(signed, ignore=255).ids.tolist() == [-1, 0, 127]
    assert segments(signed, ignore=-1).ids.tolist() == [0, 127]
    assert segments(np.array([[2**64 - 1, 3]], np.uint64), ignore=2**64 - 1).ids.tolist() == [3]
    assert segments(np.array([[-(2**63), 3]]), ignore=-(2**63)).ids.tolist() == [3]


# ---- colours --------------------------------------------------------------------------------------------------------


def colours_of(label_map: NDArray[Any]) -> NDArray[np.uint8]:
    return np.stack([label_map & 255, label_map >> 8 & 255, label_map >> 16], axis=-1).astype(np.uint8)


def test_colours_are_ids() -> None:
    rng = np.random.default_rng(3)
    ids = np.array([0, 1, 256, 65536, 2**24 - 1, 3937500], np.uint32)
    for shape in random_shapes(rng, 12):
        label_map = patches(rng, shape, ids)
        rgb = colours_of(label_map)
        expected = segments(label_map)
        planes = np.ascontiguousarray(rgb.transpose(2, 0, 1)).transpose(1, 2, 0)
        padded = np.concatenate([rgb, rgb[..., :1]], axis=-1)[..., :3]
        for each in (rgb, np.asfortranarray(rgb), planes, padded, np.ascontiguousarray(rgb[::-1])[::-1]):
            found = segments(each, rgb=True)
            assert found.ids.dtype == np.uint32
            assert found.ids.tolist() == expected.ids.tolist()
            assert found.rles == expected.rles
        stack = segments(np.stack([rgb, rgb]), rgb=True)
        assert stack.ids.tolist() == expected.ids.tolist() * 2
        other = np.roll(label_map, 1)
        for pair, which in (((rgb, colours_of(other)), True), ((rgb, other), (True, False)),
                            ((label_map, colours_of(other)), (False, True))):  # fmt: skip
            found = joint_histogram(*pair, rgb=which)
            assert [each.tolist() for each in found] == [each.tolist() for each in joint_histogram(label_map, other)]
            assert found[0].dtype == found[1].dtype == np.uint32


# ---- several maps ---------------------------------------------------------------------------------------------------


def test_several_maps_are_found_in_one_call() -> None:
    rng = np.random.default_rng(4)
    maps = [patches(rng, shape, np.arange(5, dtype=np.int16)) for shape in random_shapes(rng, 9)]
    found = segments(maps)
    parts = found.split()
    assert len(parts) == len(found.offsets) - 1 == 9
    for part, label_map in zip(parts, maps, strict=True):
        alone = segments(label_map)
        assert part.ids.tolist() == alone.ids.tolist()
        assert part.rles == alone.rles
        assert part.area.tolist() == alone.area.tolist()
        assert part.bbox.tolist() == alone.bbox.tolist()
        assert part.offsets.tolist() == alone.offsets.tolist()
    same = np.stack([maps[0], maps[0][::-1]])
    for several in (same, np.asfortranarray(same), list(same), tuple(same)):
        found = segments(several)
        assert [part.ids.tolist() for part in found.split()] == [segments(each).ids.tolist() for each in same]


def test_no_maps() -> None:
    for none in ([], (), np.zeros((0, 3, 4), np.uint8)):
        found = segments(none)
        assert len(found) == 0
        assert found.offsets.tolist() == [0]
        assert found.split() == []


@pytest.mark.parametrize("threads", [1, 2, 7])
def test_threads_find_the_same(threads: int) -> None:
    rng = np.random.default_rng(5)
    maps = [patches(rng, (600, 700), np.arange(100, 140, dtype=np.int64)) for _ in range(12)]
    volume = np.stack(maps)
    noise = rng.integers(0, 300, (2000, 2100)).astype(np.uint16)
    before = panomask.get_num_threads()
    try:
        panomask.set_num_threads(1)
        alone = segments(maps), joint_histogram(volume, volume[::-1]), joint_histogram(noise, noise.T.copy().T)
        panomask.set_num_threads(threads)
        found = segments(maps), joint_histogram(volume, volume[::-1]), joint_histogram(noise, noise.T.copy().T)
    finally:
        panomask.set_num_threads(before)
    assert found[0].rles.counts.tobytes() == alone[0].rles.counts.tobytes()
    assert found[0].ids.tolist() == alone[0].ids.tolist()
    for one, many in zip(alone[1:], found[1:], strict=True):
        assert [each.tobytes() for each in one] == [each.tobytes() for each in many]


# ---- what comes out -------------------------------------------------------------------------------------------------


def test_segments_are_immutable_and_can_be_pickled() -> None:
    label_map = np.array([[1, 1, 2]], np.uint8)
    found = segments(label_map)
    for array in (found.ids, found.area, found.bbox, found.offsets):
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
    with pytest.raises(AttributeError):
        found.ids = found.ids  # type: ignore[misc]
    again = pickle.loads(pickle.dumps(found))
    assert again.ids.tolist() == [1, 2]
    assert again.rles == found.rles
    assert repr(found) == "Segments(2 segments of 1 map)"
    assert repr(segments([label_map, label_map], ignore=[0, 1])) == "Segments(2 segments of 2 maps)"
    assert repr(segments(label_map, ignore=1)) == "Segments(1 segment of 1 map)"


def test_the_map_stays_as_it_is() -> None:
    label_map = np.arange(6).reshape(2, 3)
    before = label_map.copy()
    segments(label_map)
    joint_histogram(label_map, label_map)
    assert label_map.flags.writeable
    assert (label_map == before).all()


def test_lists_and_tensors_are_maps() -> None:
    assert segments([[0, 7], [7, 5]]).ids.tolist() == [5, 7]
    assert segments([[[0, 7]], [[7, 5]]]).offsets.tolist() == [0, 1, 3]
    torch = pytest.importorskip("torch")
    tensor = torch.tensor([[0, 7], [7, 5]])
    assert segments(tensor).ids.tolist() == [5, 7]
    assert segments([tensor, tensor[:, :1]]).ids.tolist() == [5, 7, 7]
    assert joint_histogram(tensor, tensor + 1)[2].tolist() == [1, 1, 2]


def test_real_maps(data: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for path in sorted((data / "panoptic" / "coco_examples").glob("*.png")):
        rgb = np.asarray(image.open(path))
        label_map = rgb.astype(np.uint32) @ np.array([1, 256, 65536], np.uint32)
        found = check_segments(label_map, 0)
        assert segments(rgb, rgb=True).rles == found.rles
        assert (paint(found) == label_map).all()
        other = np.roll(label_map, (5, 9), (0, 1))
        keys, counts = np.unique(label_map.astype(np.uint64) << np.uint64(32) | other, return_counts=True)
        ids_a, ids_b, pixels = joint_histogram(label_map, other)
        assert (ids_a.astype(np.uint64) << np.uint64(32) | ids_b).tolist() == keys.tolist()
        assert pixels.tolist() == counts.tolist()


# ---- paint ----------------------------------------------------------------------------------------------------------


def painted(masks: NDArray[np.bool_], ids: list[int], background: int, shape: tuple[int, int]) -> NDArray[Any]:
    out = np.full(shape, background, object)
    for mask, each in zip(masks, ids, strict=True):
        out[mask] = each
    return out


def test_masks_are_painted_in_order() -> None:
    rng = np.random.default_rng(6)
    for k, shape in enumerate(random_shapes(rng, 40)):
        masks = random_masks(rng, int(rng.integers(0, 6)), *shape)
        dtype = INTEGERS[k % 8]
        ids = rng.choice(extreme_ids(dtype, rng), len(masks))
        expected = painted(masks, ids.tolist(), 1, shape)
        batch = RLEArray.from_dense(masks)
        found = paint(batch, ids, shape=shape, background=1, overlaps="over")
        assert (found.dtype, found.flags.c_contiguous) == (np.dtype(dtype), True)
        assert (found == expected).all()
        swapped = ids.astype(np.dtype(dtype).newbyteorder())
        assert (paint(batch, swapped, shape=shape, background=1, overlaps="over") == expected).all()
        for out in layouts(np.full(shape, 77, dtype)):
            if out.flags.writeable:
                assert paint(batch, ids, out=out, background=1, overlaps="over") is out
                assert (out == expected).all()
        found, report = paint(batch, ids, shape=shape, background=1, overlaps="report")
        assert (found == expected).all()
        shared = np.triu(batch.intersection_area(batch), 1)
        assert np.stack([report.first, report.second], axis=1).tolist() == np.argwhere(shared).tolist()
        assert report.pixels.tolist() == shared[shared > 0].tolist()
        if len(report.first) == 0:
            assert (paint(batch, ids, shape=shape, background=1) == expected).all()
        else:
            with pytest.raises(ValueError, match="in common, the first in row"):
                paint(batch, ids, shape=shape, background=1)


def test_pixels_around_an_output_stay() -> None:
    frame = np.full((6, 7), 9)
    paint(RLEArray.ones(1, 2, 3), [1], out=frame[2:4, 2:5])
    assert frame.sum() == 9 * 36 + 6
    assert (frame[2:4, 2:5] == 1).all()


def test_the_error_names_two_masks_and_a_pixel() -> None:
    masks = RLEArray.from_boxes([[0, 0, 2, 2], [5, 5, 1, 1], [1, 1, 3, 4], [3, 0, 1, 3]], 6, 8)
    with pytest.raises(
        ValueError, match=r"^rles\[0\] \(id 7\) and rles\[2\] \(id 9\) have 1 pixel .* row 1, column 1$"
    ):
        paint(masks, [7, 8, 9, 10])
    with pytest.raises(
        ValueError, match=r"^rles\[0\] \(id 9\) and rles\[1\] \(id 10\) have 2 pixels .* row 1, column 3$"
    ):
        paint(masks[2:], [9, 10])
    report = paint(masks, [7, 8, 9, 10], overlaps="report")[1]
    assert isinstance(report, Overlaps)
    assert (report.first.tolist(), report.second.tolist()) == ([0, 2], [2, 3])
    assert report.pixels.tolist() == [1, 2]


def test_masks_of_one_id_overlap_too() -> None:
    with pytest.raises(ValueError, match="have 4 pixels in common"):
        paint(RLEArray.ones(2, 2, 2), [3, 3])


def test_the_dtype_is_that_of_the_ids_unless_said_otherwise() -> None:
    ones = RLEArray.ones(1, 1, 2)
    assert paint(ones, np.array([3], np.uint16)).dtype == np.uint16
    assert paint(ones, [3]).dtype == np.int64
    assert paint(ones, [2**64 - 1]).tolist() == [[2**64 - 1] * 2]
    assert paint(ones, [3], dtype="u1").dtype == np.uint8
    assert paint(ones, [1], dtype=bool).tolist() == [[True, True]]
    assert paint(ones, [3], out=np.empty((1, 2), np.int8)).dtype == np.int8
    assert paint(RLEArray.empty(), [], shape=(2, 3), background=7).tolist() == [[7] * 3] * 2
    assert paint(RLEArray.empty(), [], shape=(0, 3)).shape == (0, 3)
    assert paint(segments(np.array([[True, False]]))).tolist() == [[1, 0]]


@given(st.data())
def test_paint_is_the_inverse_of_segments(data: st.DataObject) -> None:
    height, width = data.draw(st.tuples(st.integers(0, 20), st.integers(0, 20)))
    dtype = data.draw(st.sampled_from(INTEGERS))
    limits = np.iinfo(dtype)
    some = data.draw(st.lists(st.integers(int(limits.min), int(limits.max)), min_size=1, max_size=6))
    cells = data.draw(st.lists(st.sampled_from(some), min_size=height * width, max_size=height * width))
    label_map = np.array(cells, dtype).reshape(height, width)
    found = check_segments(label_map)
    assert (paint(found, shape=(height, width)) == label_map).all()
    background = some[0]
    without = segments(label_map, ignore=background)
    assert (paint(without, shape=(height, width), background=background) == label_map).all()
    check_histogram(label_map, label_map[::-1].copy())


# ---- joint histogram ------------------------------------------------------------------------------------------------


def test_every_pair_of_tiny_maps() -> None:
    for ids in product(range(2), repeat=8):
        a, b = np.array(ids[:4], np.int8).reshape(2, 2), np.array(ids[4:], np.uint64).reshape(2, 2)
        check_histogram(a, b)


def test_pairs_of_maps_of_every_dtype_in_every_layout() -> None:
    rng = np.random.default_rng(7)
    for k, shape in enumerate([(1, 1), (1, 70), (70, 1), (33, 40), (64, 65), (20, 129)] * 4):
        a = patches(rng, shape, extreme_ids(INTEGERS[k % 8], rng))
        b = patches(rng, shape, extreme_ids(INTEGERS[k * 3 % 7], rng))
        check_histogram(a, b)
        expected = [each.tolist() for each in joint_histogram(a, b)]
        for other in layouts(b):
            assert [each.tolist() for each in joint_histogram(a, other)] == expected
        for other in layouts(a):
            assert [each.tolist() for each in joint_histogram(other, np.asfortranarray(b))] == expected


def test_any_number_of_axes() -> None:
    rng = np.random.default_rng(8)
    for shape in [(), (0,), (5000,), (4, 0, 3), (3, 4, 5), (2, 3, 4, 5), (1, 7, 1, 3)]:
        a = rng.integers(0, 3, shape)
        b = rng.integers(0, 3, shape).astype(np.uint8)
        check_histogram(np.asarray(a), np.asarray(b))
        if a.ndim > 1:
            check_histogram(a.T, b.T)
            check_histogram(np.asfortranarray(a), b)
            check_histogram(a[..., ::-1], b[..., ::-1])
            check_histogram(a[:, ::2], b[:, ::2])
            check_histogram(np.moveaxis(a, 0, -1), np.moveaxis(b, 0, -1))


def test_a_pair_for_every_pixel() -> None:
    a = np.arange(300 * 310).reshape(300, 310) << 40
    b = -a
    ids_a, ids_b, counts = joint_histogram(a, b)
    assert ids_a.tolist() == a.ravel().tolist()
    assert ids_b.tolist() == b.ravel().tolist()
    assert (counts == 1).all()


def test_pairs_that_are_ignored() -> None:
    a = np.array([0, 0, 1, 1, 2], np.uint8)
    b = np.array([5, 0, 0, 5, -1])
    assert [each.tolist() for each in joint_histogram(a, b, ignore=0)] == [[1, 2], [5, -1], [1, 1]]
    assert [each.tolist() for each in joint_histogram(a, b, ignore=[-1, 5])] == [[0, 1], [0, 0], [1, 1]]


def test_a_dense_histogram() -> None:
    a, b = np.array([3, 3, 9]), np.array([2, 2, 1], np.uint8)
    rows, columns, matrix = joint_histogram(a, b, dense=True)
    assert (rows.tolist(), columns.tolist(), matrix.tolist()) == ([3, 9], [1, 2], [[0, 2], [1, 0]])
    assert (rows.dtype, columns.dtype, matrix.dtype) == (np.int64, np.uint8, np.uint64)
    assert joint_histogram(a[:0], b[:0], dense=True)[2].shape == (0, 0)


def test_masks_beside_a_map() -> None:
    rng = np.random.default_rng(9)
    for shape in random_shapes(rng, 20):
        a, b = (patches(rng, shape, np.arange(4, dtype=np.int16)) for _ in range(2))
        expected = [each.tolist() for each in joint_histogram(a, b)]
        for pair in ((segments(a, ignore=None), b), (a, segments(b, ignore=None)),
                     (segments(a, ignore=None), segments(b, ignore=None))):  # fmt: skip
            found = joint_histogram(*pair)
            assert [each.tolist() for each in found] == expected
            assert found[0].dtype == found[1].dtype == np.int16
        without = joint_histogram(segments(a), b)
        assert [each.tolist() for each in without] == [each[joint_histogram(a, b)[0] != 0].tolist()
                                                       for each in joint_histogram(a, b)]  # fmt: skip


def test_one_map_of_two_is_of_colours() -> None:
    """A list of two was true, so that both maps were taken for colours."""
    ids = np.array([[3937500, 7]])
    rgb = np.array([[[220, 20, 60], [7, 0, 0]]], np.uint8)
    for pair in ([False, True], (0, 1), np.array([False, True])):
        found = joint_histogram(ids, rgb, rgb=pair)  # type: ignore[arg-type]
        assert [each.tolist() for each in found] == [[7, 3937500], [7, 3937500], [1, 1]]
    assert joint_histogram(rgb, rgb, rgb=np.True_)[0].tolist() == [7, 3937500]  # type: ignore[arg-type]


def test_masks_that_overlap_count_each_for_itself() -> None:
    masks = RLEArray.ones(3, 2, 2)
    b = np.array([[1, 1], [1, 2]])
    found = joint_histogram((masks, [7, 5, 7]), b)
    assert [each.tolist() for each in found] == [[5, 5, 7, 7], [1, 2, 1, 2], [3, 1, 6, 2]]


# ---- confusion matrix -----------------------------------------------------------------------------------------------


def test_confusion_is_counted() -> None:
    rng = np.random.default_rng(10)
    for dtype_a, dtype_b in product(("u1", "i2", "i8", "u8"), repeat=2):
        gt = rng.integers(0, 5, (3, 20, 30)).astype(dtype_a)
        pred = rng.integers(0, 5, (3, 20, 30)).astype(dtype_b)
        found = confusion_matrix(gt, pred, 5)
        expected = np.bincount(gt.ravel().astype(int) * 5 + pred.ravel().astype(int), minlength=25).reshape(5, 5)
        assert found.dtype == np.int64
        assert found.tolist() == expected.tolist()
        expected[2] = expected[4] = 0
        assert confusion_matrix(gt, pred, 5, ignore=(2, 4)).tolist() == expected.tolist()


def test_what_is_ignored_may_be_out_of_range_in_both() -> None:
    gt = np.array([0, 255, 255, 1], np.uint8)
    pred = np.array([1, 7, 0, 1])
    assert confusion_matrix(gt, pred, 2, ignore=255).tolist() == [[0, 1], [0, 1]]
    assert confusion_matrix(gt[:0], pred[:0], 3).tolist() == [[0] * 3] * 3
    assert confusion_matrix(gt[:0], pred[:0], 0).shape == (0, 0)


# ---- bad input ------------------------------------------------------------------------------------------------------

MAP = np.zeros((2, 3), np.uint8)
BOX = RLEArray.ones(2, 2, 3)

BAD: list[tuple[Any, type[Exception], str]] = [
    (lambda: segments(MAP.astype(float)), TypeError, "label_map has dtype float64, expected bool or integers"),
    (lambda: segments(MAP.astype("U1")), TypeError, "label_map has dtype <U1, expected bool or integers"),
    (lambda: segments(MAP[0]), ValueError, "label_map has shape (3,), expected (h, w) or (n, h, w)"),
    (lambda: segments(MAP[np.newaxis, np.newaxis]), ValueError,
     "label_map has shape (1, 1, 2, 3), expected (h, w) or (n, h, w)"),
    (lambda: segments([MAP, MAP[0]]), ValueError, "label_map[1] has shape (3,), expected (h, w)"),
    (lambda: segments([MAP, MAP.astype("i4")]), TypeError,
     "label_map[1] has dtype int32, but label_map[0] has uint8; expected one"),
    (lambda: segments([MAP, MAP / 2]), TypeError, "label_map[1] has dtype float64, expected bool or integers"),
    (lambda: segments(MAP, rgb=True), ValueError, "label_map has shape (2, 3), expected (h, w, 3) or (n, h, w, 3)"),
    (lambda: segments(MAP[:, :2], rgb=True), ValueError,
     "label_map has shape (2, 2), expected a last axis of 3: red, green, blue"),
    (lambda: segments(MAP.astype("u2"), rgb=True), TypeError, "label_map has dtype uint16, expected uint8 for colours"),
    (lambda: segments(MAP, ignore=0.5), TypeError, "ignore is 0.5, expected an id, several, or None"),
    (lambda: segments(MAP, ignore=[0, "a"]), TypeError, "ignore is [0, 'a'], expected an id, several, or None"),
    (lambda: segments(np.broadcast_to(MAP[0, 0], (2**21, 2**21))), ImageTooLargeError,
     "label_map: size 2097152 x 2097152 is too large; an image has at most 1099511627776 pixels"),
    (lambda: paint([MAP], [1]), TypeError, "rles: expected an RLEArray, found list"),
    (lambda: paint(BOX), TypeError, "ids are missing, one for each of rles"),
    (lambda: paint(segments(MAP), [1]), TypeError, "ids are given, but rles are Segments, which have their own"),
    (lambda: paint(segments([MAP, MAP])), ValueError, "rles are segments of 2 maps, expected one; split() parts them"),
    (lambda: paint(segments(MAP)), ValueError, "shape is missing, and there are no masks to tell it"),
    (lambda: paint(BOX, [1]), ValueError, "ids has shape (1,), expected (2,), one for each mask"),
    (lambda: paint(BOX, [1.5, 2]), TypeError, "ids has dtype float64, expected integers"),
    (lambda: paint(BOX, [1, 256], dtype="u1"), OverflowError, "ids has 256, which uint8 does not hold"),
    (lambda: paint(BOX, [1, -1], dtype="u1"), OverflowError, "ids has -1, which uint8 does not hold"),
    (lambda: paint(BOX, [2, 1], dtype=bool), OverflowError, "ids has 2, which bool does not hold"),
    (lambda: paint(BOX, [1, 2], dtype="u1", background=-1), OverflowError,
     "background has -1, which uint8 does not hold"),
    (lambda: paint(BOX, [1, 2], dtype="f4"), TypeError, "dtype is float32, expected bool or an integer"),
    (lambda: paint(BOX, [1, 2], shape=(2, 4)), SizeMismatchError, "rles[0]: size is 2 x 3, but the map is 2 x 4"),
    (lambda: paint(BOX, [1, 2], shape=5), TypeError, "shape is 5, expected (height, width)"),
    (lambda: paint(RLEArray.concatenate([BOX, RLEArray.ones(1, 3, 2)]), [1, 2, 3]), SizeMismatchError,
     "rles[2]: size is 3 x 2, but rles[0] is 2 x 3"),
    (lambda: paint(BOX, [1, 2], out=[[0]]), TypeError, "out is list, expected an ndarray"),
    (lambda: paint(BOX, [1, 2], out=MAP.astype(float)), TypeError,
     "out has dtype float64, expected bool or an integer"),
    (lambda: paint(BOX, [1, 2], out=MAP.T), ValueError, "out has shape (3, 2), expected (2, 3)"),
    (lambda: paint(BOX, [1, 2], out=MAP, dtype="i4"), ValueError, "dtype is int32, but out has dtype uint8"),
    (lambda: paint(BOX, [1, 2], out=np.broadcast_to(MAP[0], (2, 3))), ValueError, "out is read-only"),
    (lambda: paint(BOX, [1, 2], out=np.lib.stride_tricks.as_strided(MAP.copy(), (2, 3), (0, 1))), ValueError,
     "out has strides (0, 1), so that several pixels lie in one place"),
    (lambda: paint(BOX, [1, 2], overlaps="no"), ValueError, "overlaps is 'no', expected 'error', 'over' or 'report'"),
    (lambda: joint_histogram(MAP, MAP.T), ValueError, "a has shape (2, 3), but b has (3, 2)"),
    (lambda: joint_histogram(MAP, MAP[np.newaxis]), ValueError, "a has shape (2, 3), but b has (1, 2, 3)"),
    (lambda: joint_histogram(MAP, MAP, rgb=(True, False)), ValueError,
     "a has shape (2,), but b has (2, 3) without their colours"),
    (lambda: joint_histogram(MAP, MAP / 2), TypeError, "b has dtype float64, expected bool or integers"),
    (lambda: joint_histogram((BOX, [1]), MAP), ValueError, "ids has shape (1,), expected (2,), one for each mask"),
    (lambda: joint_histogram((BOX, [1, 2]), MAP[0]), ValueError, "b has shape (3,), expected (h, w) beside masks"),
    (lambda: joint_histogram(MAP.T, (BOX, [1, 2])), SizeMismatchError, "a[0]: size is 3 x 2, but b[0] is 2 x 3"),
    (lambda: joint_histogram(segments([MAP, MAP]), MAP), ValueError,
     "a are segments of 2 maps, expected one; split() parts them"),
    (lambda: joint_histogram(MAP, MAP, rgb=(True,)), TypeError, "rgb is (True,), expected a bool or two"),
    (lambda: joint_histogram(MAP, MAP, rgb=None), TypeError, "rgb is None, expected a bool or two"),
    (lambda: joint_histogram(BOX, MAP), TypeError, "a is an RLEArray without ids, expected a map"),
    (lambda: segments(BOX), TypeError, "label_map is an RLEArray without ids, expected a map"),
    (lambda: paint(BOX, [1, 2], dtype="nope"), TypeError, "dtype is nope, expected bool or an integer"),
    (lambda: paint(BOX, [1, 2], out=MAP, dtype="f4"), TypeError, "dtype is float32, expected bool or an integer"),
    (lambda: confusion_matrix(MAP, MAP + 3, 3), ValueError, "b has class 3, expected 0 to 2"),
    (lambda: confusion_matrix(MAP.astype("i1") - 1, MAP, 3), ValueError,
     "a has class -1, expected 0 to 2 or one to ignore"),
    (lambda: confusion_matrix(MAP, MAP, -1), ValueError, "n_classes is -1, expected 0 or more"),
    (lambda: confusion_matrix(MAP, MAP, 1.5), TypeError, "n_classes is 1.5, expected an integer"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "text"), BAD, ids=[text[:60] for _, _, text in BAD])
def test_bad_input_is_refused_in_a_sentence(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == text
    assert type(raised.value) is error
