"""Segment ids: RGB pixels to ids and back, relabelling, contiguous labels, which ids there are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import panomask
from panomask import panoptic
from panomask.panoptic import id2rgb, make_contiguous, relabel, rgb2id, unique_ids

INTEGERS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")
SHAPES = [
    (),
    (0,),
    (1,),
    (3, 0, 2),
    (31,),
    (33,),
    (7, 41),
    (2, 7, 41),
    (3, 2, 5, 19),
    (2, 1, 2, 3, 35),
    (517, 3),
    (3, 1030),
]
WEIGHTS = np.array([1, 256, 65536], np.int64)


def layouts(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """The same array in other memory: every order of axes, backwards, with gaps, misaligned, read-only."""
    yield array
    for order in permutations(range(min(array.ndim, 3))) if array.ndim else ():
        axes = (*order, *range(len(order), array.ndim))
        yield np.ascontiguousarray(array.transpose(axes)).transpose(np.argsort(axes))
    if array.ndim:
        yield np.asfortranarray(array)
        yield np.ascontiguousarray(array[::-1])[::-1]
        yield np.ascontiguousarray(array[..., ::-1])[..., ::-1]
        yield np.repeat(array, 2, axis=-1)[..., ::2]
        yield np.repeat(array, 3, axis=0)[1::3]
    memory = bytearray(array.nbytes + 1)
    misaligned = np.frombuffer(memory, array.dtype, offset=1, count=array.size).reshape(array.shape)
    misaligned[...] = array
    misaligned.flags.writeable = False
    yield misaligned
    yield array.astype(array.dtype.newbyteorder(">"))


def random_pixels(shape: tuple[int, ...], seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def random_map(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, most: int = 6) -> NDArray[Any]:
    """A few ids in runs, the limits of the dtype among them."""
    limits = np.iinfo(dtype)
    pool = [int(limits.min), int(limits.max), *(int(x) for x in rng.integers(0, min(limits.max, 10**6), most))]
    size = int(np.prod(shape, dtype=int))
    runs = rng.integers(1, 20, size + 1)
    picks = np.repeat(rng.integers(0, len(pool), size + 1), runs)[:size]
    return np.array(pool, dtype=dtype)[picks].reshape(shape)


# ---- RGB ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_rgb2id_is_the_sum_of_the_weighted_channels(shape: tuple[int, ...]) -> None:
    pixels = random_pixels(shape)
    expected = pixels.astype(np.int64) @ WEIGHTS
    for each in layouts(pixels):
        found = rgb2id(each)
        if shape == ():
            assert type(found) is int
            assert found == expected
            continue
        assert found.dtype == np.uint32
        assert found.shape == shape
        assert np.array_equal(found, expected)
        assert np.array_equal(rgb2id(each[..., ::-1], order="bgr"), expected)
        assert np.array_equal(rgb2id(each, order="bgr"), pixels[..., ::-1].astype(np.int64) @ WEIGHTS)


@pytest.mark.parametrize("shape", SHAPES)
def test_id2rgb_is_its_inverse(shape: tuple[int, ...]) -> None:
    pixels = random_pixels(shape)
    ids = np.asarray(pixels.astype(np.int64) @ WEIGHTS)
    for dtype in ("u4", "i4", "u8", "i8"):
        for each in layouts(ids.astype(dtype)):
            found = id2rgb(each)
            assert found.dtype == np.uint8
            assert np.array_equal(found, pixels)
            assert np.array_equal(id2rgb(each, order="bgr"), pixels[..., ::-1])


@pytest.mark.parametrize("dtype", INTEGERS)
def test_id2rgb_takes_every_integer_dtype(dtype: str) -> None:
    ids = np.arange(128, dtype=dtype).reshape(4, 32)
    assert np.array_equal(id2rgb(ids), np.stack([ids, 0 * ids, 0 * ids], axis=-1))


def test_arrays_of_a_subclass_and_of_many_axes_are_no_exception() -> None:
    pixels = random_pixels((2, 1, 2, 1, 2, 1, 2, 1, 5))  # more axes of ids than the short way takes
    ids = np.asarray(pixels.astype(np.int64) @ WEIGHTS)
    for colors, numbers in ((pixels, ids), (np.ma.array(pixels), np.ma.array(ids))):
        assert np.array_equal(rgb2id(colors), ids)
        assert np.array_equal(id2rgb(numbers), pixels)
        assert type(rgb2id(colors)) is type(id2rgb(numbers)) is np.ndarray


def test_every_id_comes_back() -> None:
    ids = np.arange(2**24, dtype=np.uint32).reshape(4096, 4096)
    pixels = id2rgb(ids)
    assert np.array_equal(pixels.reshape(-1, 3)[[0, 255, 256, 65536, -1]],
                          [[0, 0, 0], [255, 0, 0], [0, 1, 0], [0, 0, 1], [255, 255, 255]])  # fmt: skip
    assert np.array_equal(rgb2id(pixels), ids)


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), max_size=80), st.integers(0, 3))
def test_rgb2id_of_any_line_of_any_alignment(colors: list[tuple[int, int, int]], skip: int) -> None:
    memory = np.zeros(3 * len(colors) + skip, np.uint8)
    pixels = memory[skip:].reshape(-1, 3)
    pixels[...] = np.array(colors, np.uint8).reshape(-1, 3)
    ids = rgb2id(pixels)
    assert ids.tolist() == [r + 256 * g + 65536 * b for r, g, b in colors]
    assert np.array_equal(id2rgb(ids), pixels)


def test_the_examples_of_the_format() -> None:
    # COCO's (220, 20, 60) is 220 + 20 * 256 + 60 * 65536 = 3937500
    assert rgb2id(np.array([[[220, 20, 60]]], np.uint8)).tolist() == [[3937500]]
    assert id2rgb(np.array(26002)).tolist() == [146, 101, 0]  # 101 * 256 + 146


def test_one_color_and_one_id_are_as_panopticapi_has_them() -> None:
    for color in ([220, 20, 60], (220, 20, 60), np.array([220, 20, 60], np.uint8), [np.int64(220), 20, np.uint8(60)]):
        assert type(rgb2id(color)) is int
        assert rgb2id(color) == 3937500
    assert rgb2id([60, 20, 220], order="bgr") == 3937500
    for number in (3937500, np.int64(3937500), np.uint32(3937500)):
        found = id2rgb(number)
        assert found == [220, 20, 60]
        assert [type(each) for each in found] == [int] * 3
    assert id2rgb(3937500, order="bgr") == [60, 20, 220]


@pytest.mark.parametrize("dtype", ["u4", "i4", "u8", "i8", ">u4", ">i8"])
@pytest.mark.parametrize("shape", SHAPES[1:])
def test_rgb2id_writes_where_it_is_told(shape: tuple[int, ...], dtype: str) -> None:
    pixels = random_pixels(shape)
    expected = pixels.astype(np.int64) @ WEIGHTS
    for out in (np.full(shape, 7, dtype), np.full((*shape, 2), 7, dtype)[..., 0], np.full(shape, 7, dtype, order="F")):
        if not np.dtype(dtype).isnative:
            with pytest.raises(TypeError, match="out has dtype"):
                rgb2id(pixels, out=out)
            continue
        assert rgb2id(pixels, out=out) is out
        assert np.array_equal(out, expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_id2rgb_writes_where_it_is_told(shape: tuple[int, ...]) -> None:
    pixels = random_pixels(shape)
    ids = np.asarray(pixels.astype(np.int64) @ WEIGHTS)
    wide = np.full((*shape, 4), 7, np.uint8)
    for out in (np.full((*shape, 3), 7, np.uint8), wide[..., :3], np.full((*shape, 3), 7, np.uint8, order="F")):
        assert id2rgb(ids, out=out) is out
        assert np.array_equal(out, pixels)
    assert (wide[..., 3] == 7).all()


def test_out_may_share_memory_with_the_pixels() -> None:
    memory = np.zeros((40, 4), np.uint8)
    memory[:, :3] = random_pixels((40,))
    expected = memory[:, :3].astype(np.int64) @ WEIGHTS
    assert np.array_equal(rgb2id(memory[:, :3], out=memory.view(np.uint32)[:, 0]), expected)


@pytest.mark.parametrize("bad", [-1, 2**24, 2**32, -(2**31), 2**40 + 5])
@pytest.mark.parametrize("place", [0, 15, 16, 40, 1099, 1199])
def test_an_id_that_does_not_fit_is_named(bad: int, place: int) -> None:
    ids = np.zeros((3, 400), np.int64)
    ids.flat[place] = bad
    ids.flat[place + 1 :] = 2**30  # later ones are not
    message = rf"id_map\[{place // 400}, {place % 400}\] is {bad}, expected 0 to 16777215"
    dtypes = [dtype for dtype in ("i4", "u4", "i8", "u8") if np.iinfo(dtype).min <= bad <= np.iinfo(dtype).max]
    for dtype in dtypes:
        for order in ("rgb", "bgr"):
            with pytest.raises(OverflowError, match=message):
                id2rgb(ids.astype(dtype), order=order)  # type: ignore[arg-type]
        with pytest.raises(OverflowError, match=message):
            id2rgb(np.asfortranarray(ids.astype(dtype)))
    with pytest.raises(OverflowError, match=rf"id_map is {bad}, expected"):
        id2rgb(bad)


def test_the_largest_uint64_is_named_as_it_is() -> None:
    with pytest.raises(OverflowError, match=r"id_map\[1\] is 18446744073709551615, expected 0 to 16777215"):
        id2rgb(np.array([0, 2**64 - 1], np.uint64))


@pytest.mark.parametrize(
    ("color", "error", "message"),
    [
        (np.zeros((2, 2, 4), np.uint8), ValueError, r"color has shape (2, 2, 4), expected (..., 3); drop alpha with"),
        (np.zeros((2, 2), np.uint8), ValueError, "color has shape (2, 2), expected (..., 3)"),
        (np.zeros((), np.uint8), ValueError, "color has shape (), expected (..., 3)"),
        (np.zeros((2, 3), np.uint16), TypeError, "color has dtype uint16, expected uint8"),
        (np.zeros((2, 3), np.float32), TypeError, "color has dtype float32, expected uint8"),
        (np.zeros((2, 3), bool), TypeError, "color has dtype bool, expected uint8"),
        ([1, 2, 256], OverflowError, "color: blue is 256, expected 0 to 255"),
        ([-1, 2, 0], OverflowError, "color: red is -1, expected 0 to 255"),
        ([1.0, 2, 3], TypeError, "color has dtype float64, expected uint8"),
    ],
)
def test_what_is_no_rgb_is_refused(color: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        rgb2id(color)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("ids", [np.zeros(3), np.zeros(3, bool), [1.5], "abc", None])
def test_what_are_no_ids_is_refused(ids: Any) -> None:
    for function in (id2rgb, unique_ids, make_contiguous, lambda each: relabel(each, {})):
        with pytest.raises(TypeError, match="has dtype"):
            function(ids)


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        (np.zeros((2, 3), np.uint32), ValueError, r"out has shape \(2, 3\), expected \(2, 2\)"),
        (np.zeros((2, 2), np.uint16), TypeError, "out has dtype uint16, expected uint32, int32, uint64, int64"),
        (np.broadcast_to(np.uint32(0), (2, 2)), ValueError, "out is read-only"),
        ([[0, 0], [0, 0]], TypeError, "out is list, expected an ndarray"),
    ],
)
def test_what_cannot_be_written_to_is_refused(out: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        rgb2id(np.zeros((2, 2, 3), np.uint8), out=out)


def test_several_pixels_in_one_place_are_refused() -> None:
    out = np.lib.stride_tricks.as_strided(np.zeros(2, np.uint32), (2, 2), (0, 4))
    with pytest.raises(ValueError, match="several elements lie in one place"):
        rgb2id(np.zeros((2, 2, 3), np.uint8), out=out)


def test_an_unknown_order_is_refused() -> None:
    for function in (lambda: rgb2id([1, 2, 3], order="rbg"), lambda: id2rgb(1, order="RGB")):  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"order is '\w*', expected 'rgb' or 'bgr'"):
            function()


def test_parity_with_panopticapi_s_formula_on_its_files(data: Any) -> None:
    image = pytest.importorskip("PIL.Image")
    for path in sorted((data / "panoptic" / "coco_examples").glob("*.png")):
        pixels = np.asarray(image.open(path))
        ids = rgb2id(pixels)
        assert np.array_equal(
            ids, pixels[..., 0] + 256 * pixels[..., 1].astype(int) + 65536 * pixels[..., 2].astype(int)
        )
        assert np.array_equal(id2rgb(ids), pixels)


# ---- which there are -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_unique_ids_is_numpy_s_unique(shape: tuple[int, ...], dtype: str) -> None:
    ids = random_map(np.random.default_rng(1), shape, dtype)
    expected, counts = np.unique(ids, return_counts=True)
    for each in layouts(ids):
        found, found_counts = unique_ids(each, return_counts=True)
        assert found.dtype == np.dtype(dtype)
        assert found_counts.dtype == np.int64
        assert np.array_equal(found, expected)
        assert np.array_equal(found_counts, counts)
        assert np.array_equal(unique_ids(each), expected)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_many_different_ids(dtype: str) -> None:
    rng = np.random.default_rng(2)
    limits = np.iinfo(dtype)
    ids = rng.integers(limits.min, limits.max, 100_000, dtype=dtype, endpoint=True)
    expected, counts = np.unique(ids, return_counts=True)
    found, found_counts = unique_ids(ids, return_counts=True)
    assert np.array_equal(found, expected)
    assert np.array_equal(found_counts, counts)
    labels, back = make_contiguous(ids)
    assert np.array_equal(back[labels], ids)
    assert np.array_equal(back, expected)


@pytest.mark.parametrize("step", [1, 2**10, 2**20, 2**32, 2**40, 2**53])
def test_ids_at_even_steps_are_found(step: int) -> None:
    ids = np.arange(500, dtype=np.int64) * step
    assert np.array_equal(unique_ids(ids[::-1]), ids)
    assert np.array_equal(relabel(ids, (ids, np.arange(500))), np.arange(500))


# ---- others for them -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_relabel_looks_every_id_up(shape: tuple[int, ...], dtype: str) -> None:
    ids = random_map(np.random.default_rng(3), shape, dtype)
    mapping = {each: 200 - i for i, each in enumerate(np.unique(ids).tolist())}
    for wanted in ("u1", "i2", "u4", "i8", "u8"):
        expected = np.vectorize(mapping.get, otypes=[wanted])(ids) if ids.size else np.zeros(shape, wanted)
        for each in layouts(ids):
            found = relabel(each, mapping, dtype=wanted)
            assert found.dtype == np.dtype(wanted)
            assert np.array_equal(found, expected)


@given(
    st.lists(st.integers(-300, 300), max_size=60),
    st.dictionaries(st.integers(-300, 300), st.integers(-(2**31), 2**31 - 1)),
    st.sets(st.integers(-300, 300), max_size=5),
    st.none() | st.integers(-(2**31), 2**31 - 1),
)
def test_relabel_is_a_look_up(ids: list[int], mapping: dict[int, int], kept: set[int], default: int | None) -> None:
    whole = {**mapping, **{each: each for each in kept}}
    unknown = [i for i, each in enumerate(ids) if each not in whole]
    array = np.array(ids, np.int32)
    pairs = (list(mapping), list(mapping.values()))
    if unknown and default is None:
        i = unknown[0]
        with pytest.raises(ValueError, match=rf"ids\[{i}\] is {ids[i]}, which is not in the mapping"):
            relabel(array, mapping, preserve=kept)
        return
    expected = [whole.get(each, default) for each in ids]
    assert relabel(array, mapping, preserve=kept, default=default).tolist() == expected
    assert relabel(array, pairs, preserve=kept, default=default).tolist() == expected


@pytest.mark.parametrize("dtype", INTEGERS)
def test_relabel_of_noise_is_a_look_up(dtype: str) -> None:
    rng = np.random.default_rng(5)
    ids = rng.integers(0, 100, (17, 1300)).astype(dtype)
    keys, values = np.arange(100), rng.permutation(100)
    expected = values[ids]
    for each in layouts(ids):
        assert np.array_equal(relabel(each, (keys, values), dtype="i4"), expected)
        found = relabel(each, (keys[:50], values[:50]), default=-1, dtype="i8")
        assert np.array_equal(found, np.where(ids < 50, expected, -1))
    for place in (0, 511, 512, 4095, 4096, 9000, ids.size - 1):
        wrong = ids.copy()
        wrong.flat[place:] = 101
        where = ", ".join(str(i) for i in np.unravel_index(place, ids.shape))
        for each in (wrong, np.asfortranarray(wrong)):
            with pytest.raises(ValueError, match=rf"ids\[{where}\] is 101, which is not in the mapping"):
                relabel(each, (keys, values))


def test_relabel_in_place() -> None:
    ids = np.arange(3000, dtype=np.int32).reshape(30, 100) % 7
    expected = (ids + 3) % 7
    mapping = {i: (i + 3) % 7 for i in range(7)}
    for view in (ids.copy(), np.asfortranarray(ids), np.repeat(ids, 2, axis=1)[:, ::2]):
        assert relabel(view, mapping, out=view) is view
        assert np.array_equal(view, expected)
    overlapping = np.zeros(3001, np.int32)
    overlapping[:-1] = ids.ravel()
    relabel(overlapping[:-1], mapping, out=overlapping[1:])
    assert np.array_equal(overlapping[1:], expected.ravel())


def test_relabel_of_small_and_of_large_ids_is_the_same() -> None:
    rng = np.random.default_rng(4)
    small = rng.integers(0, 50, (40, 50))
    for factor in (1, 10**6, 10**12):
        found = relabel(small * factor, {i * factor: 50 - i for i in range(50)})
        assert np.array_equal(found, 50 - small)


def test_ids_beyond_the_dtype_never_come() -> None:
    ids = np.array([1, 255], np.uint8)
    assert relabel(ids, {1: 2, 255: 3, 256: 4, -1: 5, 2**70: 6}).tolist() == [2, 3]
    assert relabel(ids, {1: 2, 256: 9}, preserve=[255, 511]).tolist() == [2, 255]
    ids = np.array([2**64 - 1, 2**63], np.uint64)
    assert relabel(ids, {2**64 - 1: 2**63 + 1, 2**63: 1, -1: 3}).tolist() == [2**63 + 1, 1]


@pytest.mark.parametrize(
    ("mapping", "options", "error", "message"),
    [
        ({1: 300}, {"dtype": np.uint8}, OverflowError, "mapping: new id 300 does not fit uint8, 0 to 255"),
        ({1: -1}, {"dtype": np.uint8}, OverflowError, "mapping: new id -1 does not fit uint8, 0 to 255"),
        (
            {1: 1},
            {"dtype": np.uint8, "default": 256},
            OverflowError,
            "default: new id 256 does not fit uint8, 0 to 255",
        ),
        ({}, {"dtype": np.int8, "preserve": 200}, OverflowError, "preserve: new id 200 does not fit int8, -128 to 127"),
        (([1, 2, 1], [1, 2, 3]), {}, ValueError, "mapping has id 1 twice"),
        (([1, 2], [1]), {}, ValueError, "mapping has 2 ids and 1 new ones, expected equally many"),
        (([[1]], [[1]]), {}, TypeError, "mapping[0] has [1], expected integers"),
        ((np.ones((1, 1), int), [1]), {}, ValueError, "mapping[0] has shape (1, 1), expected one dimension"),
        ({1.5: 1}, {}, TypeError, "mapping has 1.5, expected integers"),
        ({1: "a"}, {}, TypeError, "mapping has 'a', expected integers"),
        ([1, 2, 3], {}, TypeError, "mapping is list, expected a dict or a tuple of two arrays"),
        # two pairs were taken for two arrays: 1 became 2, and 5 6
        ([(1, 5), (2, 6)], {}, TypeError, "mapping is list, expected a dict or a tuple of two arrays"),
        ({1: 1}, {"preserve": None}, TypeError, "preserve is None, expected integers"),
        ({1: 1}, {"preserve": 0.5}, TypeError, "preserve is 0.5, expected integers"),
        ({1: 1}, {"preserve": np.zeros((1, 1), int)}, ValueError, "preserve has shape (1, 1), expected one dimension"),
        ({1: 1}, {"dtype": float}, TypeError, "dtype is <class 'float'>, expected an integer dtype"),
        ({1: 1}, {"default": 0.5}, TypeError, "default has 0.5, expected integers"),
        ({1: 1}, {"out": np.zeros(2)}, TypeError, "the dtype of out is dtype('float64'), expected an integer dtype"),
    ],
)
def test_what_is_no_mapping_is_refused(mapping: Any, options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        relabel([1, 1], mapping, **options)
    assert str(caught.value).startswith(message)


def test_mapping_and_preserve_may_be_tensors_or_one_number() -> None:
    torch = pytest.importorskip("torch")
    ids = torch.tensor([[1, 2], [3, 0]])
    expected = [[5, 2], [7, 0]]
    pairs = (torch.tensor([1, 3]), torch.tensor([5, 7]))
    for kept in ([0, 2], torch.tensor([0, 2]), np.array([0, 2]), {0, 2}):
        assert relabel(ids, pairs, preserve=kept).tolist() == expected
    for one in (2, torch.tensor(2), np.array(2), np.uint8(2)):
        assert relabel(ids, pairs, preserve=one, default=0).tolist() == expected


def test_dtype_and_out_have_to_agree() -> None:
    with pytest.raises(ValueError, match="dtype is int64, but out has dtype uint8"):
        relabel([1], {1: 1}, dtype=np.int64, out=np.zeros(1, np.uint8))


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_contiguous_labels_lead_back_to_the_ids(shape: tuple[int, ...], dtype: str) -> None:
    ids = random_map(np.random.default_rng(5), shape, dtype)
    for each in layouts(ids):
        labels, found = make_contiguous(each)
        assert labels.dtype == np.uint32
        assert labels.shape == shape
        assert np.array_equal(found, np.unique(ids))
        assert np.array_equal(found[labels], ids)
        labels, found = make_contiguous(each, void=1, dtype=np.uint8)
        assert labels.dtype == np.uint8
        assert found[0] == 1
        assert (np.diff(found[1:].astype(object)) > 0).all()
        assert np.array_equal(found[labels], ids)


def test_more_ids_than_labels_is_an_error() -> None:
    ids = np.arange(257)
    assert make_contiguous(ids[:256], dtype=np.uint8)[0].tolist() == ids[:256].tolist()
    with pytest.raises(OverflowError, match="257 different ids, more than labels of uint8 can tell apart"):
        make_contiguous(ids, dtype=np.uint8)
    with pytest.raises(OverflowError, match="void is 256, which uint8, the dtype of ids, does not hold"):
        make_contiguous(np.zeros(3, np.uint8), void=256)


def test_contiguous_labels_go_where_they_are_told() -> None:
    ids = np.array([[9, 9, 4], [0, 4, 9]])
    out = np.zeros((2, 3), np.int16)
    labels, found = make_contiguous(ids, out=out)
    assert labels is out
    assert out.tolist() == [[2, 2, 1], [0, 1, 2]]
    assert found.tolist() == [0, 4, 9]


# ---- large ones ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large() -> NDArray[np.uint32]:
    """Enough for several parts, in runs, and where a run crosses from one part to the next."""
    rng = np.random.default_rng(6)
    runs = rng.integers(1, 90, 300_000)
    return np.repeat(rng.integers(0, 2**24, 40)[rng.integers(0, 40, len(runs))], runs)[: 3 * 1024 * 2048].reshape(
        3, 1024, 2048
    ).astype(np.uint32)  # fmt: skip


def test_the_number_of_threads_changes_nothing(large: NDArray[np.uint32]) -> None:
    before = panomask.get_num_threads()
    strided = np.asfortranarray(large[:, :512])
    ids = unique_ids(large)
    try:
        results = []
        for threads in (1, 2, 7):
            panomask.set_num_threads(threads)
            pixels = id2rgb(large)
            labels, _ = make_contiguous(large)
            turned = relabel(strided, (ids, ids[::-1]))
            counted = unique_ids(large, return_counts=True)
            results.append((pixels, rgb2id(pixels), rgb2id(id2rgb(strided)), labels, turned, *counted))
    finally:
        panomask.set_num_threads(before)
    assert np.array_equal(results[0][1], large)
    for result in results[1:]:
        for found, expected in zip(result, results[0], strict=True):
            assert np.array_equal(found, expected)


def test_the_first_wrong_pixel_is_named_whatever_thread_meets_it(large: NDArray[np.uint32]) -> None:
    wrong = large.copy()
    wrong[2, 1000, 5:] = 2**24
    wrong[1, 7, 9] = 2**25
    before = panomask.get_num_threads()
    try:
        for threads in (1, 2, 5):
            panomask.set_num_threads(threads)
            with pytest.raises(OverflowError, match=r"id_map\[1, 7, 9\] is 33554432"):
                id2rgb(wrong)
            with pytest.raises(ValueError, match=r"ids\[1, 7, 9\] is 33554432, which is not in the mapping"):
                relabel(wrong, (unique_ids(large), unique_ids(large)))
    finally:
        panomask.set_num_threads(before)


def test_inputs_are_left_as_they_are() -> None:
    pixels = random_pixels((5, 9))
    ids = rgb2id(pixels)
    before = pixels.copy(), ids.copy()
    id2rgb(ids)
    relabel(ids, {}, default=0)
    make_contiguous(ids)
    assert np.array_equal(pixels, before[0])
    assert np.array_equal(ids, before[1])


def test_the_names_are_those_of_the_package() -> None:
    assert {"rgb2id", "id2rgb", "relabel", "make_contiguous", "unique_ids"} <= set(panoptic.__all__)
