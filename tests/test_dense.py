"""Dense: arrays of pixels to runs and back, every dtype and memory order."""

from __future__ import annotations

import array
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from checks import check_arrays, check_each
from masks import LARGE_SHAPES, SIDES, every_tiny_mask, random_masks, random_shapes, respelled, to_rle
from panomask import RLEArray, _arrays

INTEGERS = ["?", "b", "B", "h", "H", "i", "I", "q", "Q", ">i2", ">u4", ">i8", "<u2"]
FLOATS = ["e", "f", "d", "g", ">f2", ">f4", ">f8"]
OUTPUTS = ["?", "b", "B", "h", "H", "i", "I", "q", "Q", "e", "f", "d", ">i2", ">u4", ">i8", ">f2", ">f4", ">f8"]


def strided(masks: NDArray[Any]) -> NDArray[Any]:
    """The same values in memory with gaps on every axis, and the last two axes backwards."""
    n, h, w = masks.shape
    roomy = np.full((2 * n, 2 * h, 3 * w), 1, masks.dtype)
    view = roomy[::2, ::-2, ::-3]
    view[...] = masks
    return view


def unaligned(masks: NDArray[Any]) -> NDArray[Any]:
    """The same values one byte off."""
    memory = bytearray(masks.nbytes + 1)
    view = np.frombuffer(memory, dtype=masks.dtype, offset=1, count=masks.size).reshape(masks.shape)
    view[...] = masks
    return view


# How one (n, h, w) array may lie in memory.
ORDERS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "column-major images": lambda a: np.ascontiguousarray(a.transpose(0, 2, 1)).transpose(0, 2, 1),
    "pixel-interleaved": lambda a: np.ascontiguousarray(a.transpose(1, 2, 0)).transpose(2, 0, 1),
    "as pycocotools": lambda a: np.asfortranarray(a.transpose(1, 2, 0)).transpose(2, 0, 1),
    "strided": strided,
    "reversed": lambda a: np.ascontiguousarray(a[::-1, ::-1, ::-1])[::-1, ::-1, ::-1],
    "reversed columns": lambda a: np.asfortranarray(a[:, :, ::-1])[:, :, ::-1],
    "unaligned": unaligned,
}


def non_zero(rng: np.random.Generator, masks: NDArray[np.bool_], dtype: str) -> NDArray[Any]:
    """The masks with all kinds of values that are not zero for foreground."""
    kind = np.dtype(dtype)
    if kind.kind == "b":
        return masks.astype(kind)
    limits = np.iinfo(kind)
    values = np.array([1, 2, 128 % (limits.max + 1) or 1, limits.max, limits.max - 1, limits.min or 1], kind)
    high_byte = np.array([1 << (8 * kind.itemsize - 8)], kind) if kind.itemsize > 1 else values[:1]
    pixels = rng.choice(np.concatenate([values, high_byte]), masks.shape)
    return np.where(masks, pixels, 0).astype(kind)


# ---- encoding -------------------------------------------------------------------------------------------------------


def test_every_tiny_mask_is_encoded() -> None:
    for _, masks in every_tiny_mask():
        expected = [to_rle(mask) for mask in masks]
        check_each(RLEArray.from_dense(masks), expected, masks)
        check_each(RLEArray.from_dense(np.asfortranarray(masks.transpose(1, 2, 0)), layout="hwn"), expected, masks)
        check_each(RLEArray.from_dense(np.ascontiguousarray(masks.transpose(1, 2, 0)), layout="hwn"), expected, masks)
        check_each(RLEArray.from_dense(np.asfortranarray(masks)), expected, masks)


@pytest.mark.parametrize("order", ORDERS)
def test_random_masks_are_encoded_from_every_order(order: str) -> None:
    rng = np.random.default_rng(1)
    for shape in random_shapes(rng, 25):
        masks = random_masks(rng, 3, *shape)
        expected = [to_rle(mask) for mask in masks]
        for dtype in (np.uint8, np.int64):
            check_each(RLEArray.from_dense(ORDERS[order](masks.astype(dtype))), expected, masks)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("order", ORDERS)
def test_foreground_is_what_is_not_zero(order: str, dtype: str) -> None:
    rng = np.random.default_rng(2)
    for shape in random_shapes(rng, 12):
        masks = random_masks(rng, 2, *shape)
        pixels = ORDERS[order](non_zero(rng, masks, dtype))
        check_each(RLEArray.from_dense(pixels), [to_rle(mask) for mask in masks], masks)


@pytest.mark.parametrize("height", SIDES)
@pytest.mark.parametrize("width", SIDES)
def test_one_pixel_is_found_wherever_it_is(height: int, width: int) -> None:
    step = max(1, height * width // 40)
    positions = np.arange(0, height * width, step)
    for order in "CF":
        masks = np.zeros((len(positions), height, width), dtype=bool, order=order)  # type: ignore[call-overload]
        masks[np.arange(len(positions)), positions % height, positions // height] = True
        batch = RLEArray.from_dense(masks)
        boxes = np.stack([positions // height, positions % height, *np.ones((2, len(positions)))], axis=1)
        check_arrays(batch.bbox, boxes, masks)
        check_arrays(batch.to_dense(dtype=bool), masks, masks)


def test_pixels_outside_the_array_are_not_looked_at() -> None:
    for height in (1, 15, 16, 17, 33, 63, 64, 65):
        memory = np.ones((3, height + 2, 71), dtype=np.uint8)
        memory[:, 1:-1, 3:-3] = 0
        assert RLEArray.from_dense(memory[:, 1:-1, 3:-3]).area.tolist() == [0, 0, 0]
        assert RLEArray.from_dense(memory.transpose(0, 2, 1)[:, 3:-3, 1:-1]).area.tolist() == [0, 0, 0]


@pytest.mark.parametrize("shape", LARGE_SHAPES)
def test_large_masks_are_encoded_and_decoded_in_every_order(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(11)
    masks = random_masks(rng, 5, *shape)
    masks[0] = False
    masks[0, shape[0] // 2 :, shape[1] // 3] = True  # one long run among long runs
    expected = [to_rle(mask) for mask in masks]
    for order, arrange in ORDERS.items():
        for dtype in (np.uint8, np.int32):
            check_each(RLEArray.from_dense(arrange(masks.astype(dtype))), expected, masks)
            out = arrange(np.full(masks.shape, 7, dtype))
            RLEArray.from_coco(expected).to_dense(out=out)
            check_arrays(out, masks.astype(dtype), masks)
        floats = arrange(np.where(masks, 0.6, 0.4).astype(np.float32))
        assert RLEArray.from_dense(floats, threshold=0.5).to_coco() == expected, order


def test_read_only_arrays_are_encoded() -> None:
    masks = np.eye(3, dtype=bool)
    masks.flags.writeable = False
    assert RLEArray.from_dense(masks)[0]["counts"] == b"013000"
    assert RLEArray.from_dense(np.broadcast_to(np.uint8(7), (2, 3, 4))) == RLEArray.ones(2, 3, 4)


def test_inputs_stay_as_they_are() -> None:
    for dtype in ("?", "u1", "i8", "f4", "f2", "f8"):
        masks = np.random.default_rng(3).integers(0, 3, (3, 17, 18)).astype(dtype)
        before = masks.copy()
        RLEArray.from_dense(masks, threshold=1 if dtype[0] == "f" else None)
        assert (masks == before).all()
        assert masks.flags.writeable


def test_two_dimensions_are_one_mask_in_every_layout() -> None:
    mask = np.eye(3, 4, dtype=bool)
    for layout in ("nhw", "hwn"):
        batch = RLEArray.from_dense(mask, layout=layout)  # type: ignore[arg-type]
        assert batch.to_coco() == [to_rle(mask)]


@pytest.mark.parametrize("shape", [(0, 0, 0), (0, 3, 4), (2, 0, 4), (2, 3, 0), (3, 0, 0), (0, 5), (5, 0)])
def test_arrays_without_pixels_are_encoded(shape: tuple[int, ...]) -> None:
    batch = RLEArray.from_dense(np.zeros(shape, dtype=bool))
    n, *size = shape if len(shape) == 3 else (1, *shape)
    assert len(batch) == n
    assert batch.to_coco() == [{"size": size, "counts": b"0"}] * n
    assert batch.area.tolist() == [0] * n


def test_a_mask_of_many_runs_after_small_ones_is_encoded() -> None:
    # The encoder guesses how many runs there will be, and begins again where it has guessed too few.
    masks = np.zeros((40, 65, 130), dtype=np.uint8)
    masks[::3] = np.indices((65, 130)).sum(axis=0) % 2
    masks[1::3, 5, 7] = 1
    for order in ORDERS.values():
        check_each(RLEArray.from_dense(order(masks)), [to_rle(mask) for mask in masks], masks)


def test_three_hundred_masks_are_encoded_at_once() -> None:
    masks = random_masks(np.random.default_rng(4), 300, 33, 47)
    check_each(RLEArray.from_dense(masks), [to_rle(mask) for mask in masks], masks)


@pytest.mark.parametrize("n", [2, 3, 21, 32, 33, 63, 64, 65, 100, 129, 200])
def test_images_whose_pixels_lie_together_are_encoded(n: int) -> None:
    rng = np.random.default_rng(n)
    for height, width in ((1, 200), (200, 1), (67, 130), (64, 64), (3, 5)):
        masks = random_masks(rng, n, height, width)
        expected = RLEArray.from_dense(masks)
        for dtype in ("u1", "i2", "i4", "i8"):
            pixels = non_zero(rng, masks.transpose(1, 2, 0), dtype)
            assert RLEArray.from_dense(pixels, layout="hwn") == expected
            assert RLEArray.from_dense(np.ascontiguousarray(pixels.transpose(1, 0, 2)).transpose(2, 1, 0)) == expected
        floats = np.where(masks.transpose(1, 2, 0), 0.6, np.nan)
        assert RLEArray.from_dense(floats, layout="hwn", threshold=0.5) == expected
        wide = np.full((height, width, n + 3), 1, np.uint8)
        wide[:, :, 2:-1] = masks.transpose(1, 2, 0)
        assert RLEArray.from_dense(wide[:, :, 2:-1], layout="hwn") == expected
        assert RLEArray.from_dense(wide[:, ::-1, 2:-1], layout="hwn") == RLEArray.from_dense(masks[:, :, ::-1])


# ---- what counts as an array ----------------------------------------------------------------------------------------

MASK = np.array([[0, 0, 1, 1], [0, 1, 1, 0], [0, 1, 0, 0]], dtype=np.uint8)


class WithArray:
    """Only ``__array__``."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        return MASK


class WithInterface:
    """Only ``__array_interface__``."""

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return MASK.__array_interface__


class WithDLPack:
    """Only DLPack, as tensors of other libraries have."""

    def __dlpack__(self, **options: Any) -> Any:
        return MASK.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return MASK.__dlpack_device__()


@pytest.mark.parametrize(
    "masks",
    [
        MASK.tolist(),
        tuple(map(tuple, MASK.tolist())),
        [list(map(bool, row)) for row in MASK],
        [MASK[0], MASK[1], MASK[2]],
        memoryview(MASK),
        memoryview(MASK.tobytes()).cast("B", (3, 4)),
        memoryview(array.array("i", MASK.astype("i").ravel())).cast("B").cast("i", (3, 4)),
        WithArray(),
        WithInterface(),
        WithDLPack(),
        MASK.view(np.ndarray).astype(np.int64),
        np.ma.array(MASK, mask=False),
    ],
    ids=lambda masks: type(masks).__name__,
)
def test_everything_that_is_an_array_is_encoded(masks: Any) -> None:
    assert RLEArray.from_dense(masks)[0] == {"size": [3, 4], "counts": b"441M1"}


@pytest.mark.parametrize("source", [WithArray, WithInterface, WithDLPack])
def test_arrays_of_other_libraries_are_not_copied(source: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    big = np.zeros((1, 3, 4), np.uint8)
    monkeypatch.setitem(globals(), "MASK", big)
    images, _ = _arrays.as_images(source(), None, "nhw", "masks")
    assert np.shares_memory(images, big)


# ---- thresholds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("order", ORDERS)
def test_foreground_is_above_the_threshold(order: str, dtype: str) -> None:
    rng = np.random.default_rng(5)
    for shape in random_shapes(rng, 10):
        pixels = rng.normal(size=(2, *shape)).astype(dtype)
        for threshold in (0, 0.1, -0.5, float(pixels[0, 0, 0])):
            expected = [to_rle(mask) for mask in pixels > threshold]
            check_each(RLEArray.from_dense(ORDERS[order](pixels), threshold=threshold), expected, pixels > threshold)


SPECIAL = [0.0, -0.0, 0.1, 0.5, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 3.0e38, 65504.0, 1 / 3]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("threshold", [t for t in SPECIAL if t == t] + [1e300, -1e300, 1, True, np.float32(0.1)])
def test_thresholds_mean_what_numpy_means(dtype: str, threshold: float) -> None:
    with np.errstate(over="ignore"):
        values = np.array(SPECIAL).astype(dtype)
        near = np.array(float(threshold)).astype(dtype)
        values = np.concatenate([values, np.nextafter(near, near.dtype.type(np.inf)).reshape(1),
                                 np.nextafter(near, near.dtype.type(-np.inf)).reshape(1), near.reshape(1)])  # fmt: skip
        expected = values > near
    pixels = np.resize(values.astype(dtype), (3, 70))
    (mask,) = RLEArray.from_dense(pixels, threshold=threshold).to_dense(dtype=bool)
    check_arrays(mask[0][:, np.newaxis], np.resize(expected, (3, 70))[0][:, np.newaxis], pixels[0][:, None, None])
    assert (mask == np.resize(expected, (3, 70))).all()


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("threshold", [0, 0.5, 1, -1, 127, 127.5, 300, -1e300, 1e300, np.inf, -np.inf])
def test_thresholds_of_integers_mean_what_numpy_means(dtype: str, threshold: float) -> None:
    pixels = np.resize(np.array([0, 1, 2, 3, 100, 127, 200, 255]).astype(dtype), (5, 33))
    with np.errstate(over="ignore"):
        expected = pixels > float(threshold)
    (mask,) = RLEArray.from_dense(pixels, threshold=threshold).to_dense(dtype=bool)
    assert (mask == expected).all()


def test_a_threshold_of_zero_makes_floats_a_mask() -> None:
    batch = RLEArray.from_dense(np.array([[0.0, 0.3, -0.3, np.nan]]), threshold=0)
    assert batch.to_dense().tolist() == [[[0, 1, 0, 0]]]


# ---- decoding -------------------------------------------------------------------------------------------------------


def test_every_tiny_mask_is_decoded() -> None:
    for (height, width), masks in every_tiny_mask():
        batch = RLEArray.from_coco([to_rle(mask) for mask in masks])
        for layout, axes in (("nhw", (0, 1, 2)), ("hwn", (2, 0, 1))):
            dense = batch.to_dense(layout=layout)  # type: ignore[arg-type]
            assert dense.dtype == np.uint8
            assert dense.transpose(axes).shape == (len(masks), height, width)
            check_arrays(dense.transpose(axes), masks.astype(np.uint8), masks)


def test_layouts_have_their_memory_order() -> None:
    batch = RLEArray.ones(2, 3, 4)
    assert batch.to_dense().shape == (2, 3, 4)
    assert batch.to_dense().flags.c_contiguous
    assert batch.to_dense(layout="hwn").shape == (3, 4, 2)
    assert batch.to_dense(layout="hwn").flags.f_contiguous
    assert batch.to_dense().flags.writeable


@pytest.mark.parametrize("dtype", OUTPUTS)
@pytest.mark.parametrize("layout", ["nhw", "hwn"])
def test_foreground_is_one_in_every_dtype(layout: Any, dtype: str) -> None:
    rng = np.random.default_rng(6)
    for shape in random_shapes(rng, 20):
        masks = random_masks(rng, 3, *shape)
        dense = RLEArray.from_dense(masks).to_dense(layout=layout, dtype=dtype)
        assert dense.dtype == np.dtype(dtype)
        check_arrays(dense.transpose((0, 1, 2) if layout == "nhw" else (2, 0, 1)), masks.astype(dtype), masks)


@pytest.mark.parametrize("dtype", [np.uint8, "uint8", np.dtype("u1"), None, "B"])
def test_dtypes_may_be_named_in_every_way(dtype: Any) -> None:
    assert RLEArray.ones(1, 2, 2).to_dense(dtype=dtype).dtype == np.uint8


@pytest.mark.parametrize("dtype", OUTPUTS)
@pytest.mark.parametrize("order", ORDERS)
def test_all_of_out_is_written_and_nothing_beside_it(order: str, dtype: str) -> None:
    rng = np.random.default_rng(7)
    for shape in random_shapes(rng, 8):
        masks = random_masks(rng, 3, *shape)
        memory = np.full((5, shape[0] + 2, shape[1] + 2), 7 if dtype != "?" else 1, dtype)
        memory = ORDERS[order](memory)
        assert memory.flags.writeable
        out = memory[1:-1, 1:-1, 1:-1]
        assert RLEArray.from_dense(masks).to_dense(out=out) is out
        check_arrays(out, masks.astype(dtype), masks)
        memory[1:-1, 1:-1, 1:-1] = memory[0, 0, 0]
        assert (memory == (7 if dtype != "?" else 1)).all()


@pytest.mark.parametrize("layout", ["nhw", "hwn"])
@pytest.mark.parametrize("size", [(384, 640), (379, 641)])
@pytest.mark.parametrize("offset", [0, 16, 37])
def test_all_of_an_out_that_no_cache_holds_is_written(layout: str, size: tuple[int, int], offset: int) -> None:
    """Such arrays are written past the caches, line by line where lines are whole."""
    masks = random_masks(np.random.default_rng(10), 80, *size)
    memory = np.full(masks.size + 2 * offset, 7, np.uint8)
    inside = memory[offset : offset + masks.size]
    images = inside.reshape(masks.shape) if layout == "nhw" else inside.reshape(80, *size[::-1]).transpose(2, 1, 0)
    assert images.nbytes > 1 << 24
    RLEArray.from_dense(masks).to_dense(layout=layout, out=images)  # type: ignore[call-overload]
    assert (images == (masks if layout == "nhw" else masks.transpose(1, 2, 0))).all()
    assert (memory[:offset] == 7).all()
    assert (memory[offset + masks.size :] == 7).all()


def test_out_in_the_other_layout_is_written() -> None:
    masks = random_masks(np.random.default_rng(8), 3, 17, 65)
    out = np.full((17, 65, 3), 9, dtype=np.int16)
    assert RLEArray.from_dense(masks).to_dense(layout="hwn", out=out) is out
    assert (out == masks.transpose(1, 2, 0)).all()


def test_out_may_name_its_dtype() -> None:
    out = np.zeros((1, 2, 2), dtype=np.float32)
    RLEArray.ones(1, 2, 2).to_dense(out=out, dtype=np.float32)
    assert out.all()


def test_out_may_be_a_subclass() -> None:
    class Image(np.ndarray):  # type: ignore[type-arg]
        pass

    out = np.zeros((1, 2, 2), dtype=np.uint8).view(Image)
    assert RLEArray.ones(1, 2, 2).to_dense(out=out) is out
    assert out.all()


def test_a_negative_stride_in_out_is_followed() -> None:
    masks = random_masks(np.random.default_rng(9), 2, 33, 34)
    out = np.full((2, 33, 34), 5, dtype=np.uint8)
    RLEArray.from_dense(masks).to_dense(out=out[:, ::-1, ::-1])
    check_arrays(out[:, ::-1, ::-1], masks.astype(np.uint8), masks)


def test_no_masks_are_decoded_to_an_empty_array() -> None:
    assert RLEArray.empty().to_dense().shape == (0, 0, 0)
    assert RLEArray.empty().to_dense(layout="hwn").shape == (0, 0, 0)
    out = np.zeros((0, 480, 640))
    assert RLEArray.empty().to_dense(out=out) is out


@pytest.mark.parametrize("size", [(0, 0), (0, 4), (4, 0)])
def test_images_without_pixels_are_decoded(size: tuple[int, int]) -> None:
    batch = RLEArray.zeros(3, *size)
    assert batch.to_dense().shape == (3, *size)
    assert batch.to_dense(layout="hwn", dtype=bool).shape == (*size, 3)


def test_every_spelling_is_decoded() -> None:
    rng = np.random.default_rng(10)
    for height, width in random_shapes(rng, 30):
        masks = random_masks(rng, 4, height, width)
        lists = [respelled(rng, to_rle(mask, list)["counts"]) for mask in masks]
        batch = RLEArray.from_coco([{"size": [height, width], "counts": counts} for counts in lists])
        for layout, axes in (("nhw", (0, 1, 2)), ("hwn", (2, 0, 1))):
            check_arrays(batch.to_dense(layout=layout, dtype=bool).transpose(axes), masks, masks)  # type: ignore[arg-type]


def test_long_runs_are_decoded() -> None:
    mask = np.zeros((1031, 517), dtype=bool)
    mask[:, 40:400] = True
    mask[17:900, 450:] = True
    for order in "CF":
        batch = RLEArray.from_dense(np.asarray(mask, order=order))
        assert batch.to_coco() == [to_rle(mask)]
        for layout in ("nhw", "hwn"):
            assert (batch.to_dense(layout=layout).reshape(mask.shape, order="A") == mask).all()  # type: ignore[arg-type]


@pytest.mark.parametrize("source", [WithInterface, WithDLPack])
def test_memory_of_other_libraries_is_written(source: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    if source is WithDLPack and np.lib.NumpyVersion(np.__version__) < "2.1.0":
        pytest.skip("this numpy makes DLPack arrays read-only")
    memory = np.full((2, 3, 4), 7, np.uint8)
    monkeypatch.setitem(globals(), "MASK", memory)
    out = source()
    assert RLEArray.ones(2, 3, 4).to_dense(out=out) is out
    assert (memory == 1).all()


def test_an_array_that_is_a_copy_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    class Copying(WithDLPack):
        def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
            return MASK.copy()

    monkeypatch.setitem(globals(), "MASK", np.full((2, 3, 4), 7, np.uint8))
    for out in (Copying(), WithArray()):
        with pytest.raises(TypeError, match=f"out is {type(out).__name__}, expected an ndarray, or what shares"):
            RLEArray.ones(2, 3, 4).to_dense(out=out)
    assert (MASK == 7).all()


# ---- torch ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("order", ["C", "column-major images", "pixel-interleaved", "as pycocotools"])
def test_torch_tensors_are_encoded_where_they_lie(order: str, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    masks = random_masks(np.random.default_rng(13), 3, 33, 70)
    tensor = torch.from_numpy(ORDERS[order](masks.astype(dtype)))
    threshold = 0.5 if dtype.startswith("float") else None
    assert RLEArray.from_dense(tensor, threshold=threshold).to_coco() == [to_rle(mask) for mask in masks]
    if dtype != "float16":  # which numpy compares
        images, _ = _arrays.as_images(tensor, threshold, "nhw", "masks")
        assert images.ctypes.data == tensor.data_ptr()


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "int64", "float16", "float32", "float64"])
def test_torch_tensors_are_decoded_into(dtype: str) -> None:
    torch = pytest.importorskip("torch")
    masks = random_masks(np.random.default_rng(14), 3, 33, 70)
    batch = RLEArray.from_dense(masks)
    for order in (torch.contiguous_format, torch.channels_last):
        out = torch.full((3, 33, 70, 1), 1, dtype=getattr(torch, dtype)).contiguous(memory_format=order)[..., 0]
        pointer = out.data_ptr()
        assert batch.to_dense(out=out) is out
        assert out.data_ptr() == pointer
        assert (out.numpy() == masks).all()
    part = torch.zeros((5, 4, 20), dtype=getattr(torch, dtype))
    batch.to_dense(out=part[1:4, :, ::2], window=(3, 5, 4, 10))
    assert (part[1:4, :, ::2].numpy() == masks[:, 3:7, 5:15]).all()
    assert not part[1:4, :, 1::2].any()


@pytest.mark.parametrize("shape", [(0, 4, 5), (2, 0, 5), (2, 4, 0)])
def test_torch_tensors_without_pixels_are_decoded_into(shape: tuple[int, int, int]) -> None:
    torch = pytest.importorskip("torch")
    out = torch.zeros(shape)
    assert RLEArray.zeros(*shape).to_dense(out=out) is out


def test_torch_tensors_whose_memory_cannot_be_shared_are_errors() -> None:
    torch = pytest.importorskip("torch")
    ones = torch.ones((1, 2, 2))
    for tensor in (ones.clone().requires_grad_(), ones.to("meta"), ones.to_sparse(), ones.bfloat16()):
        with pytest.raises(TypeError, match="masks: no array can share the memory of this Tensor: "):
            RLEArray.from_dense(tensor, threshold=0)
        with pytest.raises(TypeError, match="out: no array can share the memory of this Tensor: "):
            RLEArray.ones(1, 2, 2).to_dense(out=tensor)
    with pytest.raises(TypeError, match="out has dtype complex64"):
        RLEArray.ones(1, 2, 2).to_dense(out=ones.to(torch.complex64))
    with pytest.raises(ValueError, match="several pixels lie in one place"):
        RLEArray.ones(3, 2, 2).to_dense(out=ones.expand(3, 2, 2))
    with pytest.raises(ValueError, match=r"out has shape \(1, 2, 2\), expected \(1, 2, 3\)"):
        RLEArray.ones(1, 2, 3).to_dense(out=ones)


# ---- windows --------------------------------------------------------------------------------------------------------


def windows_of(height: int, width: int) -> list[tuple[int, int, int, int]]:
    """Every window of an image."""
    rows = [(y, h) for y in range(height + 1) for h in range(height - y + 1)]
    columns = [(x, w) for x in range(width + 1) for w in range(width - x + 1)]
    return [(y, x, h, w) for y, h in rows for x, w in columns]


def test_every_window_of_tiny_masks_is_decoded() -> None:
    for (height, width), masks in every_tiny_mask(9):
        batch = RLEArray.from_coco([to_rle(mask) for mask in masks])
        for y, x, h, w in windows_of(height, width):
            expected = masks[:, y : y + h, x : x + w]
            for layout, axes in (("nhw", (0, 1, 2)), ("hwn", (2, 0, 1))):
                found = batch.to_dense(window=(y, x, h, w), layout=layout, dtype=bool)  # type: ignore[arg-type]
                assert found.transpose(axes).shape == expected.shape
                assert (found.transpose(axes) == expected).all(), (height, width, y, x, h, w)


@given(st.data())
def test_a_window_is_a_slice_of_the_whole(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(0, 150)), data.draw(st.integers(0, 150))
    y, x = data.draw(st.integers(0, height)), data.draw(st.integers(0, width))
    h, w = data.draw(st.integers(0, height - y)), data.draw(st.integers(0, width - x))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    lists = [respelled(rng, to_rle(mask, list)["counts"]) for mask in random_masks(rng, 2, height, width)]
    batch = RLEArray.from_coco([{"size": [height, width], "counts": counts} for counts in lists])
    expected = batch.to_dense()[:, y : y + h, x : x + w]
    check_arrays(batch.to_dense(window=[y, x, h, w]), expected, expected)
    dtype = data.draw(st.sampled_from(OUTPUTS))
    out = ORDERS[data.draw(st.sampled_from(sorted(ORDERS)))](np.full((2, h + 2, w + 2), 7).astype(dtype))
    inner = out[:, 1:-1, 1:-1]
    assert batch.to_dense(window=(y, x, h, w), out=inner) is inner
    check_arrays(inner, expected.astype(out.dtype), expected)
    inner[...] = out[0, 0, 0]
    assert (out == out[0, 0, 0]).all()


def test_masks_of_different_sizes_share_a_window() -> None:
    rng = np.random.default_rng(12)
    masks = [random_masks(rng, 1, height, width)[0] for height, width in ((9, 90), (70, 12), (9, 12), (200, 130))]
    batch = RLEArray.from_coco([to_rle(mask) for mask in masks])
    found = batch.to_dense(window=(2, 3, 7, 9), dtype=bool)
    assert (found == np.stack([mask[2:9, 3:12] for mask in masks])).all()
    assert (batch[::-1].to_dense(window=(2, 3, 7, 9), dtype=bool) == found[::-1]).all()


def test_the_window_of_an_image_larger_than_memory_is_decoded() -> None:
    side = 1_000_000
    batch = RLEArray.from_boxes([[side - 3, side - 2, 9, 9], [0, 0, 2, 1], [17, 5, side - 20, side - 7]], side, side)
    assert batch.to_dense(window=(side - 4, side - 4, 4, 4))[0].sum(axis=0).tolist() == [0, 2, 2, 2]
    assert batch.to_dense(window=(0, 0, 2, 3))[1].tolist() == [[1, 1, 0], [0, 0, 0]]
    assert batch.to_dense(window=(4, 16, 2, 2))[2].tolist() == [[0, 0], [0, 1]]
    assert batch.to_dense(window=(500_000, 999_996, 1, 3))[2].tolist() == [[1, 0, 0]]


def test_the_window_of_no_masks_is_empty() -> None:
    assert RLEArray.empty().to_dense(window=(5, 6, 7, 8)).shape == (0, 7, 8)
    assert RLEArray.empty().to_dense(window=(5, 6, 7, 8), layout="hwn").shape == (7, 8, 0)


# ---- there and back -------------------------------------------------------------------------------------------------


@given(
    hnp.arrays(
        st.sampled_from([np.dtype(d) for d in INTEGERS]),
        st.tuples(st.integers(1, 4), st.integers(0, 20), st.integers(0, 20)),
        fill=st.just(0),
    ),
    st.sampled_from(sorted(ORDERS)),
    st.sampled_from(OUTPUTS),
)
def test_masks_come_back(masks: NDArray[Any], order: str, dtype: str) -> None:
    batch = RLEArray.from_dense(ORDERS[order](masks))
    assert (batch.to_dense(dtype=dtype) == (masks != 0)).all()
    assert (batch.to_dense(dtype=dtype, layout="hwn").transpose(2, 0, 1) == (masks != 0)).all()
    assert RLEArray.from_dense(batch.to_dense()) == batch
    assert RLEArray.from_coco(batch.to_coco()) == batch
    assert RLEArray.from_coco(batch.to_coco(counts="list")) == batch


@pytest.mark.parametrize("layout", ["nhw", "hwn"])
def test_more_than_a_cache_holds_is_overwritten_too(layout: Any) -> None:
    rles = RLEArray.from_boxes([[i, 2 * i, 9, 7] for i in range(70)], 1000, 1000)
    shape = (70, 1000, 1000) if layout == "nhw" else (1000, 1000, 70)
    out = np.full(shape, 7, np.uint8, order="C" if layout == "nhw" else "F")
    np.testing.assert_array_equal(rles.to_dense(layout=layout, out=out), rles.to_dense(layout=layout))
    window = (3, 1, 990, 990)
    part = np.full((70, 990, 990), 7, np.uint8)
    np.testing.assert_array_equal(rles.to_dense(window=window, out=part), rles.to_dense()[:, 3:993, 1:991])
