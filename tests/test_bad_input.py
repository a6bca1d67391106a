"""Bad input: every argument of every function, with the whole sentence that the user gets.

The answer is right, or it is a ValueError, a TypeError, an OverflowError (an IndexError for an index) whose text names
the argument, the mask and the numbers. What came in stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles
from panomask import RLEArray, mask
from panomask.errors import ImageTooLargeError, InvalidRLEError, PanomaskError, PointOutOfRangeError, SizeMismatchError

NAN, INF = float("nan"), float("inf")
MASK = {"size": [3, 4], "counts": b"441M1"}
OTHER = {"size": [4, 3], "counts": b"<"}
TWO = RLEArray.from_coco([MASK, MASK])
THREE = RLEArray.zeros(3, 3, 4)
TURNED = RLEArray.zeros(2, 4, 3)
MIXED = RLEArray.from_coco([MASK, MASK, OTHER, OTHER])
TOO_LARGE = "is too large; an image has at most 1099511627776 pixels"
BEYOND = "beyond the largest, 35184372088832"
RAGGED = "expected an array of numbers, found a ragged list"
RING = "expected a ring [x0, y0, x1, y1, ...], found"

Case = tuple[Any, type[Exception], str]


def check(call: Callable[[], Any], error: type[Exception], text: str) -> None:
    """Assert that a call raises just this error with just this text."""
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value) == text
    assert type(raised.value) is error


def table(cases: list[Case]) -> Any:
    """One test a case, named by the text."""
    return pytest.mark.parametrize(("argument", "error", "text"), cases, ids=[text[:60] for _, _, text in cases])


# ---- RLE dicts ------------------------------------------------------------------------------------------------------

# counts of a mask of 3 x 4 pixels
COUNTS: list[Case] = [
    # text
    (b"44", InvalidRLEError, "{}: runs cover 8 pixels, expected 12 (3 x 4)"),
    (b"449", InvalidRLEError, "{}: runs cover 17 pixels, expected 12 (3 x 4)"),
    (b"=", InvalidRLEError, "{}: runs cover 13 pixels, expected 12 (3 x 4)"),
    (b"", InvalidRLEError, "{}: runs cover 0 pixels, expected 12 (3 x 4)"),
    ("", InvalidRLEError, "{}: runs cover 0 pixels, expected 12 (3 x 4)"),
    (b"44P", InvalidRLEError, "{}: counts ends inside a number that begins at position 2 of its 3 characters"),
    (b"441MPPP", InvalidRLEError, "{}: counts ends inside a number that begins at position 4 of its 7 characters"),
    (b"P" * 12, InvalidRLEError, "{}: counts ends inside a number that begins at position 0 of its 12 characters"),
    (b"P" * 13, InvalidRLEError, "{}: counts has a number of more than 12 characters at position 0"),
    (b"P" * 1000, InvalidRLEError, "{}: counts has a number of more than 12 characters at position 0"),
    (b"44" + b"o" * 12 + b"O", InvalidRLEError, "{}: counts has a number of more than 12 characters at position 2"),
    (b"4/", InvalidRLEError, "{}: counts has byte 47 at position 1; COCO text has only bytes 48 to 111"),
    (b"4p", InvalidRLEError, "{}: counts has byte 112 at position 1; COCO text has only bytes 48 to 111"),
    (b"\xff4", InvalidRLEError, "{}: counts has byte 255 at position 0; COCO text has only bytes 48 to 111"),
    (b"441M1\0", InvalidRLEError, "{}: counts has byte 0 at position 5; COCO text has only bytes 48 to 111"),
    ("441M1\n", InvalidRLEError, "{}: counts has byte 10 at position 5; COCO text has only bytes 48 to 111"),
    ("44 1", InvalidRLEError, "{}: counts has byte 32 at position 2; COCO text has only bytes 48 to 111"),
    ("4é", InvalidRLEError, "{}: counts has byte 195 at position 1; COCO text has only bytes 48 to 111"),
    ("4\ud800", ValueError, "{}: counts has a character that COCO text has not: '4\\ud800'"),
    (b"O", InvalidRLEError, "{}: run 0 is -1 pixels long"),
    (b"11:@", InvalidRLEError, "{}: run 3 is -15 pixels long"),
    (b"o" * 11 + b"O", InvalidRLEError, "{}: run 0 is -1 pixels long"),
    (b"<" + b"P" * 11 + b"@", InvalidRLEError, "{}: run 1 is -576460752303423488 pixels long"),
    # run lengths
    ([], InvalidRLEError, "{}: runs cover 0 pixels, expected 12 (3 x 4)"),
    ([4, 4], InvalidRLEError, "{}: runs cover 8 pixels, expected 12 (3 x 4)"),
    ([4, 9], InvalidRLEError, "{}: runs cover 13 pixels, expected 12 (3 x 4)"),
    ([4, 4, 9, 3], InvalidRLEError, "{}: runs cover 20 pixels, expected 12 (3 x 4)"),
    ([0, 2**32], InvalidRLEError, "{}: runs cover 4294967296 pixels, expected 12 (3 x 4)"),
    ([2**63 - 1], InvalidRLEError, "{}: runs cover 9223372036854775807 pixels, expected 12 (3 x 4)"),
    ([1, 2**63 - 1], InvalidRLEError, "{}: runs cover 9223372036854775807 pixels, expected 12 (3 x 4)"),
    ([2**63], OverflowError, "{}: run 0 is 9223372036854775808 pixels long, expected below 2^63"),
    ([4, 2**70], OverflowError, "{}: run 1 is 1180591620717411303424 pixels long, expected below 2^63"),
    ([-(2**70)], OverflowError, "{}: run 0 is -1180591620717411303424 pixels long, expected below 2^63"),
    ([-1, 13], InvalidRLEError, "{}: run 0 is -1 pixels long"),
    ([4, -1, 9], InvalidRLEError, "{}: run 1 is -1 pixels long"),
    ([4.5, 7.5], ValueError, "{}: run 0 is 4.5 pixels long, expected a whole number"),
    ([4.0, NAN], ValueError, "{}: run 1 is nan pixels long, expected a whole number"),
    ([INF], ValueError, "{}: run 0 is inf pixels long, expected a whole number"),
    ([-INF], ValueError, "{}: run 0 is -inf pixels long, expected a whole number"),
    ([1e300], OverflowError, "{}: run 0 is 1e+300 pixels long, expected below 2^63"),
    ([2.0**63], OverflowError, "{}: run 0 is 9.223372036854776e+18 pixels long, expected below 2^63"),
    (np.array([4.5, 8]), ValueError, "{}: run 0 is 4.5 pixels long, expected a whole number"),
    (np.array([4, NAN], np.float32), ValueError, "{}: run 1 is nan pixels long, expected a whole number"),
    (np.array([2**63], np.uint64), OverflowError, "{}: run 0 is 9223372036854775808 pixels long, expected below 2^63"),
    (np.array([-1, 13], np.int8), InvalidRLEError, "{}: run 0 is -1 pixels long"),
    # other things
    (None, TypeError, "{}: counts is NoneType, expected text or a list of run lengths"),
    (12, TypeError, "{}: counts is int, expected text or a list of run lengths"),
    (12.0, TypeError, "{}: counts is float, expected text or a list of run lengths"),
    (True, TypeError, "{}: counts is bool, expected text or a list of run lengths"),
    ({}, TypeError, "{}: counts is dict, expected text or a list of run lengths"),
    ({4, 8}, TypeError, "{}: counts is set, expected text or a list of run lengths"),
    (object(), TypeError, "{}: counts is object, expected text or a list of run lengths"),
    (MASK, TypeError, "{}: counts is dict, expected text or a list of run lengths"),
    (np.array(12), ValueError, "{}: counts has 0 dimensions, expected a flat list of run lengths"),
    ([[4, 8]], ValueError, "{}: counts has 2 dimensions, expected a flat list of run lengths"),
    (np.zeros((2, 3, 2), int), ValueError, "{}: counts has 3 dimensions, expected a flat list of run lengths"),
    ([[4], [4, 4]], ValueError, "{}: counts: expected an array of numbers, found a ragged list"),
    (["4", "8"], TypeError, "{}: counts has dtype <U1, expected integers"),
    ([b"4", b"8"], TypeError, "{}: counts has dtype |S1, expected integers"),
    ([4, None], TypeError, "{}: counts has dtype object, expected integers"),
    ([4, 8 + 0j], TypeError, "{}: counts has dtype complex128, expected integers"),
    (np.array([4, 8], "m8[s]"), TypeError, "{}: counts has dtype timedelta64[s], expected integers"),
]

# sizes of a mask whose counts are 441M1
SIZES: list[Case] = [
    ([-3, 4], InvalidRLEError, "{}: size -3 x 4 is negative"),
    ([3, -4], InvalidRLEError, "{}: size 3 x -4 is negative"),
    ([-3, -4], InvalidRLEError, "{}: size -3 x -4 is negative"),
    ([-(2**70), 1], InvalidRLEError, "{}: size -1180591620717411303424 x 1 is negative"),
    ([0, 4], InvalidRLEError, "{}: runs cover 12 pixels, expected 0 (0 x 4)"),
    ([4, 4], InvalidRLEError, "{}: runs cover 12 pixels, expected 16 (4 x 4)"),
    ([2**20, 2**20], InvalidRLEError, "{}: runs cover 12 pixels, expected 1099511627776 (1048576 x 1048576)"),
    ([2**20 + 1, 2**20], ImageTooLargeError, f"{{}}: size 1048577 x 1048576 {TOO_LARGE}"),
    ([0, 2**40 + 1], ImageTooLargeError, f"{{}}: size 0 x 1099511627777 {TOO_LARGE}"),
    ([2**32, 2**32], ImageTooLargeError, f"{{}}: size 4294967296 x 4294967296 {TOO_LARGE}"),
    ([2**62, 4], ImageTooLargeError, f"{{}}: size 4611686018427387904 x 4 {TOO_LARGE}"),
    ([2**63, 1], ImageTooLargeError, f"{{}}: size 9223372036854775808 x 1 {TOO_LARGE}"),
    ([1, 2**64 + 4], ImageTooLargeError, f"{{}}: size 1 x 18446744073709551620 {TOO_LARGE}"),
    ([3.5, 4], TypeError, "{}: size is [3.5, 4], expected two integers"),
    ([3, NAN], TypeError, "{}: size is [3, nan], expected two integers"),
    ([INF, 4], TypeError, "{}: size is [inf, 4], expected two integers"),
    ([3 + 0j, 4], TypeError, "{}: size is [(3+0j), 4], expected two integers"),
    (["3", "4"], TypeError, "{}: size is ['3', '4'], expected two integers"),
    ([None, 4], TypeError, "{}: size is [None, 4], expected two integers"),
    ("34", TypeError, "{}: size is '34', expected two integers"),
    ([[3, 4], [5, 6]], TypeError, "{}: size is [[3, 4], [5, 6]], expected two integers"),
    ([3], ValueError, "{}: size is [3], expected [height, width]"),
    ([3, 4, 5], ValueError, "{}: size is [3, 4, 5], expected [height, width]"),
    ([], ValueError, "{}: size is [], expected [height, width]"),
    ("3x4", ValueError, "{}: size is '3x4', expected [height, width]"),
    ([[3, 4]], ValueError, "{}: size is [[3, 4]], expected [height, width]"),
    (None, TypeError, "{}: size is None, expected [height, width]"),
    (12, TypeError, "{}: size is 12, expected [height, width]"),
    ({3, 4}, TypeError, "{}: size is {{3, 4}}, expected [height, width]"),
    ({3: 1, 4: 1}, TypeError, "{}: size is {{3: 1, 4: 1}}, expected [height, width]"),
]

# things that are no dicts, in place of one mask
MASKS: list[Case] = [
    (None, TypeError, "{}: expected a COCO RLE dict, found NoneType"),
    (5, TypeError, "{}: expected a COCO RLE dict, found int"),
    ("441M1", TypeError, "{}: expected a COCO RLE dict, found str"),
    (b"441M1", TypeError, "{}: expected a COCO RLE dict, found bytes"),
    ([1, 2, 3, 4], TypeError, "{}: expected a COCO RLE dict, found list"),
    ([MASK], TypeError, "{}: expected a COCO RLE dict, found list"),
    (TWO, TypeError, "{}: expected a COCO RLE dict, found RLEArray"),
    ({}, ValueError, "{}: no 'size' in the dict; its keys are []"),
    ({"counts": b"441M1"}, ValueError, "{}: no 'size' in the dict; its keys are ['counts']"),
    ({"size": [3, 4], "count": b"441M1"}, ValueError, "{}: no 'counts' in the dict; its keys are ['size', 'count']"),
]

# things that are no list of dicts, in place of all masks
LISTS: list[Case] = [
    (None, TypeError, "{}: expected a COCO RLE dict or a list of them, found NoneType"),
    (5, TypeError, "{}: expected a COCO RLE dict or a list of them, found int"),
    ("441M1", TypeError, "{}: expected a COCO RLE dict or a list of them, found str"),
    (b"441M1", TypeError, "{}: expected a COCO RLE dict or a list of them, found bytes"),
    (object(), TypeError, "{}: expected a COCO RLE dict or a list of them, found object"),
]

# every function that reads RLE dicts, and what it calls them
READERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "from_coco": (RLEArray.from_coco, "rles"),
    "decode": (mask.decode, "rleObjs"),
    "area": (mask.area, "rleObjs"),
    "toBbox": (mask.toBbox, "rleObjs"),
    "merge": (mask.merge, "rleObjs"),
    "merge-intersect": (lambda rles: mask.merge(rles, True), "rleObjs"),
    "iou-dt": (lambda rles: mask.iou(rles, [MASK], [0]), "dt"),
    "iou-gt": (lambda rles: mask.iou([MASK], rles, [0] * (1 if isinstance(rles, dict) else len(rles))), "gt"),
    "frPyObjects": (lambda rles: mask.frPyObjects(rles, 3, 4), "pyobj"),
}


@pytest.mark.parametrize("reader", READERS)
@table(COUNTS)
def test_counts(reader: str, argument: Any, error: type[Exception], text: str) -> None:
    function, name = READERS[reader]
    rle, before = {"size": [3, 4], "counts": argument}, repr(argument)
    check(lambda: function(rle), error, text.format(name))
    check(lambda: function([MASK, rle]), error, text.format(f"{name}[1]"))
    assert list(rle) == ["size", "counts"]
    assert rle["size"] == [3, 4]
    assert rle["counts"] is argument
    assert repr(argument) == before


@pytest.mark.parametrize("reader", READERS)
@table(SIZES)
def test_sizes(reader: str, argument: Any, error: type[Exception], text: str) -> None:
    function, name = READERS[reader]
    check(lambda: function({"size": argument, "counts": b"441M1"}), error, text.format(name))
    check(lambda: function([MASK, {"size": argument, "counts": "441M1"}]), error, text.format(f"{name}[1]"))


@pytest.mark.parametrize("reader", READERS)
@table(MASKS)
def test_masks_that_are_none(reader: str, argument: Any, error: type[Exception], text: str) -> None:
    function, name = READERS[reader]
    check(lambda: function([MASK, argument]), error, text.format(f"{name}[1]"))
    if isinstance(argument, dict):
        check(lambda: function(argument), error, text.format(name))


@pytest.mark.parametrize("reader", sorted(set(READERS) - {"iou-dt", "iou-gt", "frPyObjects"}))
@table(LISTS)
def test_lists_that_are_none(reader: str, argument: Any, error: type[Exception], text: str) -> None:
    function, name = READERS[reader]
    check(lambda: function(argument), error, text.format(name))


def test_iterators_hold_on_to_errors_of_their_own() -> None:
    def broken() -> Any:
        yield MASK
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        RLEArray.from_coco(broken())


def test_a_mask_without_pixels_needs_no_counts() -> None:
    for size, counts in product([[0, 0], [0, 4], [3, 0]], [[], [0], "", b"00", [0, 0, 0]]):
        assert RLEArray.from_coco({"size": size, "counts": counts}).area.tolist() == [0]


# ---- arrays of pixels -----------------------------------------------------------------------------------------------

WANTED = "expected bool, integers, or floats with a threshold"
NEEDED = "floats need a threshold, foreground is what lies above it"
PIXELS: list[Case] = [
    (None, TypeError, f"{{}} has dtype object, {WANTED}"),
    ("abc", TypeError, f"{{}} has dtype <U3, {WANTED}"),
    (np.zeros((2, 2), object), TypeError, f"{{}} has dtype object, {WANTED}"),
    (np.zeros((2, 2), complex), TypeError, f"{{}} has dtype complex128, {WANTED}"),
    (np.zeros((2, 2), "U1"), TypeError, f"{{}} has dtype <U1, {WANTED}"),
    (np.zeros((2, 2), "M8[s]"), TypeError, f"{{}} has dtype datetime64[s], {WANTED}"),
    (np.zeros((2, 2), "m8[s]"), TypeError, f"{{}} has dtype timedelta64[s], {WANTED}"),
    (np.zeros((2, 2), [("a", "i8")]), TypeError, f"{{}} has dtype [('a', '<i8')], {WANTED}"),
    (np.zeros((2, 2)), TypeError, f"{{}} has dtype float64; {NEEDED}"),
    ([[0.5]], TypeError, f"{{}} has dtype float64; {NEEDED}"),
    (np.zeros((2, 2), "e"), TypeError, f"{{}} has dtype float16; {NEEDED}"),
    (5, ValueError, "{} has shape (), expected two or three dimensions"),
    ([1, 0], ValueError, "{} has shape (2,), expected two or three dimensions"),
    (np.zeros((1, 2, 3, 4), bool), ValueError, "{} has shape (1, 2, 3, 4), expected two or three dimensions"),
    ([[1], [1, 0]], ValueError, f"{{}}: {RAGGED}"),
    (np.broadcast_to(np.uint8(0), (2**21, 2**20)), ImageTooLargeError, f"{{}}[0]: size 2097152 x 1048576 {TOO_LARGE}"),
]


@pytest.mark.parametrize(("function", "name"), [(RLEArray.from_dense, "masks"), (mask.encode, "bimask")],
                         ids=["from_dense", "encode"])  # fmt: skip
@table(PIXELS)
def test_pixels(function: Any, name: str, argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: function(argument), error, text.format(name))


@table([
    (NAN, ValueError, "threshold is nan, expected a number"),
    (np.float32(NAN), ValueError, "threshold is nan, expected a number"),
    ("a", TypeError, "threshold is 'a', expected a number"),
    ("0.5", TypeError, "threshold is '0.5', expected a number"),
    ([1], TypeError, "threshold is [1], expected a number"),
    (1j, TypeError, "threshold is 1j, expected a number"),
    (np.array([0.5]), TypeError, "threshold is array([0.5]), expected a number"),
    (10**400, OverflowError, "threshold is an integer too large for a float"),
])  # fmt: skip
@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float16, np.float32, np.float64, np.longdouble])
def test_thresholds(dtype: Any, argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: RLEArray.from_dense(np.zeros((2, 2), dtype), threshold=argument), error, text)


LAYOUTS: list[Case] = [
    ("whn", ValueError, "layout is 'whn', expected 'nhw' or 'hwn'"),
    ("NHW", ValueError, "layout is 'NHW', expected 'nhw' or 'hwn'"),
    (None, ValueError, "layout is None, expected 'nhw' or 'hwn'"),
    (0, ValueError, "layout is 0, expected 'nhw' or 'hwn'"),
    (["nhw"], ValueError, "layout is ['nhw'], expected 'nhw' or 'hwn'"),
]


@table(LAYOUTS)
def test_layouts(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: RLEArray.from_dense(np.zeros((1, 2, 3), bool), layout=argument), error, text)
    check(lambda: RLEArray.from_dense(np.zeros((2, 3), bool), layout=argument), error, text)
    check(lambda: TWO.to_dense(layout=argument), error, text)
    check(lambda: TWO.to_dense(layout=argument, out=np.zeros((2, 3, 4))), error, text)


DTYPES = "expected bool, an integer, or a float of at most 8 bytes"


@table([
    (object, TypeError, f"dtype is object, {DTYPES}"),
    (complex, TypeError, f"dtype is complex128, {DTYPES}"),
    ("U3", TypeError, f"dtype is <U3, {DTYPES}"),
    ("M8[s]", TypeError, f"dtype is datetime64[s], {DTYPES}"),
    ([("a", "i8")], TypeError, f"dtype is [('a', '<i8')], {DTYPES}"),
    ("abc", TypeError, f"dtype is 'abc', {DTYPES}"),
    (5, TypeError, f"dtype is 5, {DTYPES}"),
])  # fmt: skip
def test_dtypes_to_decode_to(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: TWO.to_dense(dtype=argument), error, text)


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="long double is double here")
def test_long_doubles_are_nothing_to_decode_to() -> None:
    name = np.dtype(np.longdouble).name
    check(lambda: TWO.to_dense(dtype=np.longdouble), TypeError, f"dtype is {name}, {DTYPES}")


@table([
    (5, TypeError, "out is int, expected an ndarray, or what shares its memory by DLPack"),
    ([[[0]]], TypeError, "out is list, expected an ndarray, or what shares its memory by DLPack"),
    (bytearray(24), TypeError, "out is bytearray, expected an ndarray, or what shares its memory by DLPack"),
    (np.zeros((2, 3, 4), object), TypeError, f"out has dtype object, {DTYPES}"),
    (np.zeros((2, 3, 4), complex), TypeError, f"out has dtype complex128, {DTYPES}"),
    (np.zeros((2, 4, 3)), ValueError, "out has shape (2, 4, 3), expected (2, 3, 4) for layout 'nhw'"),
    (np.zeros((3, 3, 4)), ValueError, "out has shape (3, 3, 4), expected (2, 3, 4) for layout 'nhw'"),
    (np.zeros((3, 4, 2)), ValueError, "out has shape (3, 4, 2), expected (2, 3, 4) for layout 'nhw'"),
    (np.zeros((3, 4)), ValueError, "out has shape (3, 4), expected (2, 3, 4) for layout 'nhw'"),
    (np.zeros((1, 2, 3, 4)), ValueError, "out has shape (1, 2, 3, 4), expected (2, 3, 4) for layout 'nhw'"),
    (np.zeros(24), ValueError, "out has shape (24,), expected (2, 3, 4) for layout 'nhw'"),
    (np.broadcast_to(np.zeros((3, 4)), (2, 3, 4)), ValueError, "out is read-only"),
    (np.lib.stride_tricks.as_strided(np.zeros((3, 4)), (2, 3, 4), (0, 32, 8)), ValueError,
     "out has strides (0, 32, 8), so that several pixels lie in one place"),
])  # fmt: skip
def test_arrays_to_decode_into(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: TWO.to_dense(out=argument), error, text)


def test_arrays_to_decode_into_in_the_other_layout() -> None:
    out = np.zeros((2, 3, 4))
    text = "out has shape (2, 3, 4), expected (3, 4, 2) for layout 'hwn'"
    check(lambda: TWO.to_dense(out=out, layout="hwn"), ValueError, text)
    text = "dtype is uint8, but out has dtype float64"
    check(lambda: TWO.to_dense(out=out, dtype=np.uint8), ValueError, text)
    assert not out.any()


def test_masks_of_different_sizes_are_no_array() -> None:
    text = "[2]: size is 4 x 3, but {}[0] is 3 x 4; one array holds masks of one size"
    check(MIXED.to_dense, SizeMismatchError, "masks" + text.format("masks"))
    out = np.zeros((4, 3, 4))
    check(lambda: MIXED.to_dense(out=out), SizeMismatchError, "masks" + text.format("masks"))
    check(lambda: mask.decode(MIXED), SizeMismatchError, "rleObjs" + text.format("rleObjs"))
    check(lambda: mask.decode(MIXED.to_coco()), SizeMismatchError, "rleObjs" + text.format("rleObjs"))


@table([
    (5, TypeError, "window is 5, expected four integers: y, x, height, width"),
    ((0, 0, 1), TypeError, "window is (0, 0, 1), expected four integers: y, x, height, width"),
    ((0, 0, 1, 1, 1), TypeError, "window is (0, 0, 1, 1, 1), expected four integers: y, x, height, width"),
    ((0, 0, 1.0, 1), TypeError, "window is (0, 0, 1.0, 1), expected four integers: y, x, height, width"),
    ("0011", TypeError, "window is '0011', expected four integers: y, x, height, width"),
    ((0, 0, 1, -1), ValueError, "window is (0, 0, 1, -1), expected y, x, height, width of 0 or more"),
    ((-1, 0, 1, 1), ValueError, "window is (-1, 0, 1, 1), expected y, x, height, width of 0 or more"),
    ((0, 0, 4, 4), ValueError, "masks[0]: size is 3 x 4, which does not hold the window of 4 x 4 at row 0, column 0"),
    ((2, 0, 2, 1), ValueError, "masks[0]: size is 3 x 4, which does not hold the window of 2 x 1 at row 2, column 0"),
    ((0, 2, 3, 2), ValueError, "masks[2]: size is 4 x 3, which does not hold the window of 3 x 2 at row 0, column 2"),
    ((0, 5, 0, 0), ValueError, "masks[0]: size is 3 x 4, which does not hold the window of 0 x 0 at row 0, column 5"),
    ((2**63 - 1, 0, 1, 1), ValueError, "masks[0]: size is 3 x 4, which does not hold the window of 1 x 1 at row "
                                       "9223372036854775807, column 0"),
    ((0, 10**30, 1, 1), ValueError, "masks[0]: size is 3 x 4, which does not hold the window of 1 x 1 at row 0, "
                                    "column 1000000000000000000000000000000"),
])  # fmt: skip
def test_windows(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: MIXED.to_dense(window=argument), error, text)
    check(lambda: MIXED.to_dense(window=argument, layout="hwn", out=np.zeros((3, 3, 3))), error, text)


def test_arrays_to_decode_a_window_into() -> None:
    text = "out has shape (2, 3, 4), expected (2, 2, 3) for layout 'nhw'"
    check(lambda: TWO.to_dense(out=np.zeros((2, 3, 4)), window=(0, 0, 2, 3)), ValueError, text)


# ---- polygons and boxes ---------------------------------------------------------------------------------------------

COORDINATES: list[Case] = [
    ([1, 2, 3, 4, 5, NAN], PointOutOfRangeError, "{}: coordinate 5 is nan"),
    ([1, 2, INF, 4, 5, 6], PointOutOfRangeError, "{}: coordinate 2 is inf"),
    ([-INF, 2, 3, 4, 5, 6], PointOutOfRangeError, "{}: coordinate 0 is -inf"),
    ([1, 2, 3, 4, 1e300, 6], PointOutOfRangeError, f"{{}}: coordinate 4 is 1e+300, {BEYOND}"),
    ([1, 2, 3, -1e300, 5, 6], PointOutOfRangeError, f"{{}}: coordinate 3 is -1e+300, {BEYOND}"),
    ([1, 2, 3, 2**45 + 1, 5, 6], PointOutOfRangeError, f"{{}}: coordinate 3 is 35184372088833, {BEYOND}"),
    ([1, 2, 3, 10**400, 5, 6], OverflowError, "{}: coordinate 3 is an integer too large for a float"),
    (np.array([1, 2, 3, 4, 5, NAN], np.float32), PointOutOfRangeError, "{}: coordinate 5 is nan"),
    (np.array([[1, 2], [3, 4], [5, INF]]), PointOutOfRangeError, "{}: coordinate 5 is inf"),
    (None, TypeError, f"{{}}: {RING} None"),
    ("123456", TypeError, f"{{}}: {RING} '123456'"),
    ({}, TypeError, f"{{}}: {RING} {{{{}}}}"),
    ([1, 2, 3, None, 5, 6], TypeError, f"{{}}: {RING} [1, 2, 3, None, 5, 6]"),
    ([1, 2, 3, "4", 5, 6], TypeError, f"{{}}: {RING} [1, 2, 3, '4', 5, 6]"),
    ([1, 2, 3, 4j, 5, 6], TypeError, f"{{}}: {RING} [1, 2, 3, 4j, 5, 6]"),
    ([1, 2, 3, [4], 5, 6], TypeError, f"{{}}: {RING} [1, 2, 3, [4], 5, 6]"),
    ([[1, 2], [3]], TypeError, f"{{}}: {RING} [[1, 2], [3]]"),
    ([[1, 2, 3]] * 3, ValueError, f"{{}}: {RING} an array of shape (3, 3)"),
    ([[[1, 2]] * 3], ValueError, f"{{}}: {RING} an array of shape (1, 3, 2)"),
]
GOOD_RING = [1, 1, 6, 1, 6, 5]


@table(COORDINATES)
def test_rings(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: RLEArray.from_polygons([[argument]], 3, 4), error, text.format("polygons[0][0]"))
    check(lambda: RLEArray.from_polygons([[GOOD_RING], [], [GOOD_RING, argument]], 3, 4), error,
          text.format("polygons[2][1]"))  # fmt: skip
    check(lambda: mask.frPyObjects([GOOD_RING, argument], 3, 4), error, text.format("pyobj[1]"))


def test_rings_are_pairs() -> None:
    text = "polygons[0][1]: has 5 coordinates, expected pairs x, y"
    check(lambda: RLEArray.from_polygons([[GOOD_RING, GOOD_RING[:5]]], 3, 4), ValueError, text)
    check(lambda: RLEArray.from_polygons([[GOOD_RING, np.array(GOOD_RING[:5])]], 3, 4), ValueError, text)
    assert mask.frPyObjects([GOOD_RING, [*GOOD_RING, 7]], 6, 8)[1] == mask.frPyObjects([GOOD_RING], 6, 8)[0]


HINT = "; one mask's rings stand in a list of their own"


@table([
    (None, TypeError, "polygons: expected a list, found NoneType"),
    (5, TypeError, "polygons: expected a list, found int"),
    ("abc", TypeError, "polygons: expected a list, found str"),
    ({}, TypeError, "polygons: expected a list, found dict"),
    ([5], TypeError, f"polygons[0]: expected a list, found int{HINT}"),
    ([None], TypeError, f"polygons[0]: expected a list, found NoneType{HINT}"),
    (["abc"], TypeError, f"polygons[0]: expected a list, found str{HINT}"),
    ([[GOOD_RING], MASK], TypeError, f"polygons[1]: expected a list, found dict{HINT}"),
    (GOOD_RING, TypeError, f"polygons[0]: expected a list, found int{HINT}"),
    ([GOOD_RING], TypeError, f"polygons[0][0]: {RING} 1"),
])  # fmt: skip
def test_nesting_of_polygons(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: RLEArray.from_polygons(argument, 3, 4), error, text)


BOXES: list[Case] = [
    ([[1, 2, 3, NAN]], PointOutOfRangeError, "{}[0]: height is nan"),
    ([[1, 2, 3, 4], [INF, 2, 3, 4]], PointOutOfRangeError, "{}[1]: x is inf"),
    ([[1, -INF, 3, 4]], PointOutOfRangeError, "{}[0]: y is -inf"),
    ([[1, 2, 1e300, 4]], PointOutOfRangeError, f"{{}}[0]: width is 1e+300, {BEYOND}"),
    ([[2**45 + 1, 2, 3, 4]], PointOutOfRangeError, f"{{}}[0]: x is 35184372088833, {BEYOND}"),
    ([[1, 2, 3]], ValueError, "{} has shape (1, 3), expected (n, 4): x, y, width, height"),
    ([[[1, 2, 3, 4]]], ValueError, "{} has shape (1, 1, 4), expected (n, 4): x, y, width, height"),
    ([[1, 2, 3, "a"]], TypeError, "{} has dtype <U21, expected numbers"),
    ([[1, 2, 3, None]], TypeError, "{} has dtype object, expected numbers"),
    ([[1, 2, 3, 4j]], TypeError, "{} has dtype complex128, expected numbers"),
    ([[1, 2, 3, 4], [1, 2]], ValueError, f"{{}}: {RAGGED}"),
]


@table(BOXES)
def test_boxes(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: RLEArray.from_boxes(argument, 3, 4), error, text.format("boxes"))
    check(lambda: mask.iou(argument, [[1, 2, 3, 4]], [0]), error, text.format("dt"))
    check(lambda: mask.iou([[1, 2, 3, 4]], argument, [0] * len(argument)), error, text.format("gt"))
    if len(argument[0]) == 4:
        check(lambda: mask.frPyObjects(argument, 3, 4), error, text.format("pyobj"))


@table([
    (None, TypeError, "boxes has dtype object, expected numbers"),
    ("abc", TypeError, "boxes has dtype <U3, expected numbers"),
    ({1: 2}, TypeError, "boxes has dtype object, expected numbers"),
    (5, ValueError, "boxes has shape (), expected (n, 4): x, y, width, height"),
    ([1, 2, 3, 4], ValueError, "boxes has shape (4,), expected (n, 4): x, y, width, height"),
    (np.zeros((2, 5)), ValueError, "boxes has shape (2, 5), expected (n, 4): x, y, width, height"),
    ([[2**45, 2, 2**45, 4]], PointOutOfRangeError, f"boxes[0]: x + width is 70368744177664, {BEYOND}"),
    ([[2, -(2**45), 2, -5]], PointOutOfRangeError, f"boxes[0]: y + height is -35184372088837, {BEYOND}"),
])  # fmt: skip
def test_boxes_of_a_batch(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: RLEArray.from_boxes(argument, 3, 4), error, text)


IMAGES: list[Case] = [
    ((-3, 4), InvalidRLEError, "image: size -3 x 4 is negative"),
    ((3, -4), InvalidRLEError, "image: size 3 x -4 is negative"),
    ((-(2**70), 4), InvalidRLEError, "image: size -1180591620717411303424 x 4 is negative"),
    ((2**20, 2**20 + 1), ImageTooLargeError, f"image: size 1048576 x 1048577 {TOO_LARGE}"),
    ((2**70, 4), ImageTooLargeError, f"image: size 1180591620717411303424 x 4 {TOO_LARGE}"),
    ((2**32, 2**32), ImageTooLargeError, f"image: size 4294967296 x 4294967296 {TOO_LARGE}"),
    ((3.5, 4), TypeError, "image: size is (3.5, 4), expected two integers"),
    ((3, NAN), TypeError, "image: size is (3, nan), expected two integers"),
    ((INF, 4), TypeError, "image: size is (inf, 4), expected two integers"),
    (("3", 4), TypeError, "image: size is ('3', 4), expected two integers"),
    ((None, 4), TypeError, "image: size is (None, 4), expected two integers"),
    ((3, [4]), TypeError, "image: size is (3, [4]), expected two integers"),
]


@table(IMAGES)
def test_image_sizes(argument: Any, error: type[Exception], text: str) -> None:
    height, width = argument
    check(lambda: RLEArray.from_polygons([[GOOD_RING]], height, width), error, text)
    check(lambda: RLEArray.from_boxes([[1, 2, 3, 4]], height, width), error, text)
    check(lambda: RLEArray.zeros(1, height, width), error, text)
    check(lambda: RLEArray.ones(1, height, width), error, text)
    check(lambda: mask.frPyObjects([GOOD_RING], height, width), error, text)
    check(lambda: mask.frPyObjects([[1, 2, 3, 4]], height, width), error, text)


@table([
    (None, TypeError, "pyobj is NoneType, expected polygons, boxes or RLE dicts"),
    (5, TypeError, "pyobj is int, expected polygons, boxes or RLE dicts"),
    ("abc", TypeError, "pyobj is str, expected polygons, boxes or RLE dicts"),
    (b"abc", TypeError, "pyobj is bytes, expected polygons, boxes or RLE dicts"),
    ([None], TypeError, f"pyobj[0]: {RING} [None]"),
    (["abc"], TypeError, f"pyobj[0]: {RING} 'abc'"),
    ([1, 2, 3, 4, None, 6], TypeError, f"pyobj[0]: {RING} [1, 2, 3, 4, None, 6]"),
    ([1, 2, 3], ValueError, "pyobj has 3 numbers, expected a box of 4 or a polygon of pairs x, y"),
    ([1, 2, 3, 4, 0.9], ValueError, "pyobj has 5 numbers, expected a box of 4 or a polygon of pairs x, y"),
    (np.zeros(5), ValueError, "pyobj has 5 numbers, expected a box of 4 or a polygon of pairs x, y"),
    ([GOOD_RING, MASK], TypeError, f"pyobj[1]: {RING} {MASK}"),
    ([MASK, GOOD_RING], TypeError, "pyobj[1]: expected a COCO RLE dict, found list"),
    (np.array(5), ValueError, "pyobj has shape (), expected (n, 4) for boxes or (n, 2 k) for polygons"),
    (np.zeros((2, 5)), ValueError, "pyobj has shape (2, 5), expected (n, 4) for boxes or (n, 2 k) for polygons"),
    (np.zeros((1, 4), object), TypeError, "pyobj has dtype object, expected numbers"),
    (np.zeros((1, 4), complex), TypeError, "pyobj has dtype complex128, expected numbers"),
    (np.array([[1, 2, NAN, 4]]), PointOutOfRangeError, "pyobj[0]: width is nan"),
])  # fmt: skip
def test_objects(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: mask.frPyObjects(argument, 3, 4), error, text)


# ---- three arrays ---------------------------------------------------------------------------------------------------

GOOD = {"counts": [4, 4, 1, 1, 2], "offsets": [0, 5], "sizes": [[3, 4]]}


@pytest.mark.parametrize(
    ("name", "argument", "error", "text"),
    [
        ("counts", None, TypeError, "counts has dtype object, expected integers"),
        ("counts", "441M1", TypeError, "counts has dtype <U5, expected integers"),
        ("counts", [4.0, 4.0, 1.0, 1.0, 2.0], TypeError, "counts has dtype float64, expected integers"),
        ("counts", 5, ValueError, "counts has shape (), expected one dimension"),
        ("counts", [[4, 4, 1, 1, 2]], ValueError, "counts has shape (1, 5), expected one dimension"),
        ("counts", [[4], [4, 1]], ValueError, f"counts: {RAGGED}"),
        ("counts", [4, -4, 1, 1, 2], ValueError, "counts has -4, expected 0 or more"),
        ("counts", [4, 2**32, 1, 1, 2], OverflowError, "counts has 4294967296, expected 4294967295 or less"),
        ("counts", [4, 2**70], OverflowError, "counts has 1180591620717411303424, expected 4294967295 or less"),
        ("counts", [4, -(2**70)], ValueError, "counts has -1180591620717411303424, expected 0 or more"),
        ("counts", [4, 4, 1, 1, 3], InvalidRLEError, "masks[0]: runs cover 13 pixels, expected 12 (3 x 4)"),
        ("counts", [4, 4, 1, 1], InvalidRLEError, "masks[0]: offsets go from 0 to 5, outside the 4 elements there are"),
        ("counts", [], InvalidRLEError, "masks[0]: offsets go from 0 to 5, outside the 0 elements there are"),
        ("offsets", None, TypeError, "offsets has dtype object, expected integers"),
        ("offsets", [0.0, 5.0], TypeError, "offsets has dtype float64, expected integers"),
        ("offsets", 5, ValueError, "offsets has shape (), expected one dimension"),
        ("offsets", [[0, 5]], ValueError, "offsets has shape (1, 2), expected one dimension"),
        ("offsets", [0, 5, 5], ValueError, "offsets has 3 elements, expected 2, one more than the 1 sizes"),
        ("offsets", [0], ValueError, "offsets has 1 elements, expected 2, one more than the 1 sizes"),
        ("offsets", [], ValueError, "offsets has 0 elements, expected 2, one more than the 1 sizes"),
        ("offsets", [0, 4], InvalidRLEError, "masks[0]: runs cover 10 pixels, expected 12 (3 x 4)"),
        ("offsets", [1, 5], InvalidRLEError, "masks[0]: runs cover 8 pixels, expected 12 (3 x 4)"),
        ("offsets", [0, 6], InvalidRLEError, "masks[0]: offsets go from 0 to 6, outside the 5 elements there are"),
        ("offsets", [-1, 5], InvalidRLEError, "masks[0]: offsets go from -1 to 5, outside the 5 elements there are"),
        ("offsets", [5, 0], InvalidRLEError, "masks[0]: offsets go from 5 to 0, outside the 5 elements there are"),
        ("offsets", [0, 2**62], InvalidRLEError,
         "masks[0]: offsets go from 0 to 4611686018427387904, outside the 5 elements there are"),
        ("offsets", [-(2**63), 5], InvalidRLEError,
         "masks[0]: offsets go from -9223372036854775808 to 5, outside the 5 elements there are"),
        ("offsets", np.array([0, 2**63], np.uint64), OverflowError,
         "offsets has 9223372036854775808, expected 9223372036854775807 or less"),
        ("offsets", [0, 2**64], OverflowError,
         "offsets has 18446744073709551616, expected 9223372036854775807 or less"),
        ("sizes", None, TypeError, "sizes has dtype object, expected integers"),
        ("sizes", [[3.0, 4.0]], TypeError, "sizes has dtype float64, expected integers"),
        ("sizes", [3, 4], ValueError, "sizes has shape (2,), expected (n, 2): height and width of each mask"),
        ("sizes", [[3, 4, 5]], ValueError, "sizes has shape (1, 3), expected (n, 2): height and width of each mask"),
        ("sizes", [[3, 4], [3, 4]], ValueError, "offsets has 2 elements, expected 3, one more than the 2 sizes"),
        ("sizes", [[-3, 4]], InvalidRLEError, "masks[0]: size -3 x 4 is negative"),
        ("sizes", [[-3, -4]], InvalidRLEError, "masks[0]: size -3 x -4 is negative"),
        ("sizes", [[4, 4]], InvalidRLEError, "masks[0]: runs cover 12 pixels, expected 16 (4 x 4)"),
        ("sizes", [[2**40, 2]], ImageTooLargeError, f"masks[0]: size 1099511627776 x 2 {TOO_LARGE}"),
        ("sizes", [[2**63 - 1, 2**63 - 1]], ImageTooLargeError,
         f"masks[0]: size 9223372036854775807 x 9223372036854775807 {TOO_LARGE}"),
        ("sizes", [[2**64, 4]], OverflowError, "sizes has 18446744073709551616, expected 9223372036854775807 or less"),
    ],
)  # fmt: skip
def test_three_arrays(name: str, argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: RLEArray.from_counts(**{**GOOD, name: argument}), error, text)


def test_the_third_mask_of_three_arrays_is_named() -> None:
    def make(offsets: list[int], sizes: list[list[int]]) -> RLEArray:
        return RLEArray.from_counts([12] * 3, offsets, sizes)

    fine = [[3, 4]] * 3
    check(lambda: make([0, 1, 2, 3], [*fine[:2], [4, 4]]), InvalidRLEError,
          "masks[2]: runs cover 12 pixels, expected 16 (4 x 4)")  # fmt: skip
    check(lambda: make([0, 1, 2, 1], fine), InvalidRLEError,
          "masks[2]: offsets go from 2 to 1, outside the 3 elements there are")  # fmt: skip
    check(lambda: make([0, 1, 2, 3], [*fine[:2], [3, -4]]), InvalidRLEError, "masks[2]: size 3 x -4 is negative")


# ---- containers -----------------------------------------------------------------------------------------------------


@table([
    (None, TypeError, "batches: expected a list, found NoneType"),
    (5, TypeError, "batches: expected a list, found int"),
    ("abc", TypeError, "batches: expected a list, found str"),
    ([MASK], TypeError, "batches[0]: expected an RLEArray, found dict"),
    ([TWO, None], TypeError, "batches[1]: expected an RLEArray, found NoneType"),
    (TWO, TypeError, "batches[0]: expected an RLEArray, found dict"),
])  # fmt: skip
def test_batches_to_concatenate(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: RLEArray.concatenate(argument), error, text)


@table([
    (-1, ValueError, "n is -1, expected 0 or more"),
    (1.5, TypeError, "n is 1.5, expected an integer"),
    (2.0, TypeError, "n is 2.0, expected an integer"),
    ("2", TypeError, "n is '2', expected an integer"),
    (None, TypeError, "n is None, expected an integer"),
    ([2], TypeError, "n is [2], expected an integer"),
])  # fmt: skip
def test_numbers_of_masks(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: RLEArray.zeros(argument, 3, 4), error, text)
    check(lambda: RLEArray.ones(argument, 3, 4), error, text)


@table([
    ("text", ValueError, "counts is 'text', expected 'bytes', 'str' or 'list'"),
    ("STR", ValueError, "counts is 'STR', expected 'bytes', 'str' or 'list'"),
    (None, ValueError, "counts is None, expected 'bytes', 'str' or 'list'"),
    (str, ValueError, "counts is <class 'str'>, expected 'bytes', 'str' or 'list'"),
    (["list"], ValueError, "counts is ['list'], expected 'bytes', 'str' or 'list'"),
])  # fmt: skip
def test_kinds_of_counts(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: TWO.to_coco(argument), error, text)
    check(lambda: TWO.to_coco(counts=argument), error, text)


INDEX = "an RLEArray takes an integer, a slice, or an array of integers or bools, not"


@table([
    (2, IndexError, "index 2 is out of range for 2 masks"),
    (-3, IndexError, "index -3 is out of range for 2 masks"),
    (2**70, IndexError, "index 1180591620717411303424 is out of range for 2 masks"),
    (np.uint64(2**64 - 1), IndexError, "index 18446744073709551615 is out of range for 2 masks"),
    ([0, 2], IndexError, "index 2 is out of range for 2 masks"),
    ([0, -3], IndexError, "index -3 is out of range for 2 masks"),
    (np.array([2**64 - 1], np.uint64), IndexError, "index 18446744073709551615 is out of range for 2 masks"),
    ([True], IndexError, "the index has 1 flags, expected 2, one for each mask"),
    ([True, False, True], IndexError, "the index has 3 flags, expected 2, one for each mask"),
    (np.zeros(0, bool), IndexError, "the index has 0 flags, expected 2, one for each mask"),
    (None, TypeError, f"{INDEX} None"),
    ("0", TypeError, f"{INDEX} '0'"),
    (1.0, TypeError, f"{INDEX} 1.0"),
    ([0.0, 1.0], TypeError, f"{INDEX} [0.0, 1.0]"),
    (True, TypeError, f"{INDEX} True"),
    (..., TypeError, f"{INDEX} Ellipsis"),
    ((0, 1), TypeError, f"{INDEX} (0, 1)"),
    ((slice(None), 0), TypeError, f"{INDEX} (slice(None, None, None), 0)"),
    ([[0, 1]], TypeError, f"{INDEX} [[0, 1]]"),
    (["a"], TypeError, f"{INDEX} ['a']"),
    ([None], TypeError, f"{INDEX} [None]"),
    ({0}, TypeError, f"{INDEX} {{0}}"),
    (MASK, TypeError, f"{INDEX} {MASK}"),
    (TWO, TypeError, f"{INDEX} {TWO}"),
    ([[0], [0, 1]], ValueError, f"index: {RAGGED}"),
    (slice(None, None, 0), ValueError, "slice step cannot be zero"),
    (slice("a", None), TypeError, "slice indices must be integers or None or have an __index__ method"),
])  # fmt: skip
def test_indices(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: TWO[argument], error, text)


def test_an_empty_batch_has_no_index() -> None:
    check(lambda: RLEArray.empty()[0], IndexError, "index 0 is out of range for 0 masks")
    check(lambda: RLEArray.empty()[[0]], IndexError, "index 0 is out of range for 0 masks")


# ---- algebra and overlap --------------------------------------------------------------------------------------------


@table([
    ([], ValueError, "groups has shape (0,), expected (g + 1,): the offsets of g groups"),
    (5, ValueError, "groups has shape (), expected (g + 1,): the offsets of g groups"),
    ([[0, 2]], ValueError, "groups has shape (1, 2), expected (g + 1,): the offsets of g groups"),
    ("a", TypeError, "groups has dtype <U1, expected integers"),
    ([0.0, 2.0], TypeError, "groups has dtype float64, expected integers"),
    ([True, True], TypeError, "groups has dtype bool, expected integers"),
    ([None], TypeError, "groups has dtype object, expected integers"),
    ({0}, TypeError, "groups has dtype object, expected integers"),
    ([[0], [0, 1]], ValueError, f"groups: {RAGGED}"),
    ([0, 3], ValueError, "groups has offset 3, outside the 2 masks"),
    ([-1, 2], ValueError, "groups has offset -1, outside the 2 masks"),
    ([0, 2**63], ValueError, "groups has offset 9223372036854775808, outside the 2 masks"),
    ([0, 2**64], ValueError, "groups has offset 18446744073709551616, outside the 2 masks"),
    (np.array([0, 2**63], np.uint64), ValueError, "groups has offset 9223372036854775808, outside the 2 masks"),
    ([2, 0], ValueError, "groups descends from 2 to 0 at position 1"),
    ([0, 2, 1], ValueError, "groups descends from 2 to 1 at position 2"),
])  # fmt: skip
def test_groups(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: TWO.union(argument), error, text)
    check(lambda: TWO.intersection(argument), error, text)


def test_sizes_differ_in_a_group() -> None:
    for operation in (MIXED.union, MIXED.intersection):
        check(operation, SizeMismatchError, "masks[2]: size is 4 x 3, but masks[0] is 3 x 4")
        check(lambda: operation([1, 3]), SizeMismatchError, "masks[2]: size is 4 x 3, but masks[1] is 3 x 4")  # noqa: B023
        assert operation([0, 2, 4]).sizes.tolist() == [[3, 4], [4, 3]]
    for intersect in (False, True):
        text = "rleObjs[2]: size is 4 x 3, but rleObjs[0] is 3 x 4"
        check(lambda: mask.merge(MIXED, intersect), SizeMismatchError, text)  # noqa: B023
        check(lambda: mask.merge(MIXED.to_coco(), intersect), SizeMismatchError, text)  # noqa: B023


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "|": lambda a, b: a | b,
    "&": lambda a, b: a & b,
    "-": lambda a, b: a - b,
    "^": lambda a, b: a ^ b,
}


@pytest.mark.parametrize("symbol", OPERATORS)
def test_operands(symbol: str) -> None:
    operator = OPERATORS[symbol]
    for other, kind in ((None, "NoneType"), (5, "int"), ([MASK], "list"), (MASK, "dict"), ("a", "str")):
        text = f"unsupported operand type(s) for {symbol}: "
        check(lambda: operator(TWO, other), TypeError, f"{text}'RLEArray' and '{kind}'")  # noqa: B023
        check(lambda: operator(other, TWO), TypeError, f"{text}'{kind}' and 'RLEArray'")  # noqa: B023
    for array in (np.zeros(2), np.zeros(2, bool), np.array([MASK])):
        with pytest.raises(TypeError, match="RLEArray"):
            operator(array, TWO)
        with pytest.raises(TypeError, match="RLEArray"):
            operator(TWO, array)
    text = "masks[0]: size is 3 x 4, but other[0] is 4 x 3"
    check(lambda: operator(TWO, TURNED), SizeMismatchError, text)
    check(lambda: operator(TWO, TURNED[:1]), SizeMismatchError, text)
    check(lambda: operator(TWO[:1], TURNED), SizeMismatchError, text)
    check(lambda: operator(MIXED, MIXED[:1]), SizeMismatchError, "masks[2]: size is 4 x 3, but other[0] is 3 x 4")
    check(lambda: operator(MIXED[:1], MIXED), SizeMismatchError, "masks[0]: size is 3 x 4, but other[2] is 4 x 3")
    for others in (THREE, RLEArray.empty()):
        text = f"cannot pair 2 masks with {len(others)}; expected equally many, or one"
        check(lambda: operator(TWO, others), ValueError, text)  # noqa: B023


MEASURES: dict[str, Callable[..., Any]] = {
    "intersection_area": RLEArray.intersection_area,
    "iou": RLEArray.iou,
    "dice": RLEArray.dice,
}


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("measure", MEASURES)
def test_overlaps(measure: str, paired: bool) -> None:
    function = MEASURES[measure]
    for other, kind in ((None, "NoneType"), ([MASK], "list"), (MASK, "dict"), (np.zeros(2), "ndarray")):
        text = f"other: expected an RLEArray, found {kind}"
        check(lambda: function(TWO, other, paired=paired), TypeError, text)  # noqa: B023
    text = "masks[0]: size is 3 x 4, but other[0] is 4 x 3"
    check(lambda: function(TWO, TURNED, paired=paired), SizeMismatchError, text)
    check(lambda: function(TWO[:1], TURNED, paired=paired), SizeMismatchError, text)
    if paired:
        check(lambda: function(TWO, THREE, paired=True), ValueError,
              "cannot pair 2 masks with 3; expected equally many, or one")  # fmt: skip
        check(lambda: function(MIXED, MIXED[::-1], paired=True), SizeMismatchError, text)
    else:
        check(lambda: function(MIXED, TWO), SizeMismatchError, "masks[2]: size is 4 x 3, but other[0] is 3 x 4")
        check(lambda: function(TWO, MIXED), SizeMismatchError, "masks[0]: size is 3 x 4, but other[2] is 4 x 3")


FLAGS: list[Case] = [
    ([1], ValueError, "{}: expected 2 flags, one for each of {}, found 1 flags"),
    ([], ValueError, "{}: expected 2 flags, one for each of {}, found 0 flags"),
    ([1, 0, 1], ValueError, "{}: expected 2 flags, one for each of {}, found 3 flags"),
    (1, ValueError, "{}: expected 2 flags, one for each of {}, found an array of shape ()"),
    (True, ValueError, "{}: expected 2 flags, one for each of {}, found an array of shape ()"),
    ([[1, 0]], ValueError, "{}: expected 2 flags, one for each of {}, found an array of shape (1, 2)"),
    ("10", TypeError, "{}: expected 2 flags, one for each of {}, found str of dtype <U2"),
    (["a", "b"], TypeError, "{}: expected 2 flags, one for each of {}, found list of dtype <U1"),
    ([None, 1], TypeError, "{}: expected 2 flags, one for each of {}, found list of dtype object"),
    ([1j, 0], TypeError, "{}: expected 2 flags, one for each of {}, found list of dtype complex128"),
    ({0, 1}, TypeError, "{}: expected 2 flags, one for each of {}, found set of dtype object"),
    ({}, TypeError, "{}: expected 2 flags, one for each of {}, found dict of dtype object"),
    ([[1], [1, 0]], ValueError, f"{{}}: {RAGGED}"),
]


@table(FLAGS)
def test_crowd_flags(argument: Any, error: type[Exception], text: str) -> None:
    check(lambda: TWO.iou(TWO, argument), error, text.format("iscrowd", "other"))
    check(lambda: TWO.iou(TWO, argument, paired=True), error, text.format("iscrowd", "other"))
    check(lambda: mask.iou([MASK], [MASK, MASK], argument), error, text.format("pyiscrowd", "gt"))
    check(lambda: mask.iou([], [MASK, MASK], argument), error, text.format("pyiscrowd", "gt"))
    boxes = [[1, 2, 3, 4]] * 2
    check(lambda: mask.iou(boxes, boxes, argument), error, text.format("pyiscrowd", "gt"))


@pytest.mark.parametrize(
    ("dt", "gt", "error", "text"),
    [
        (None, [MASK], TypeError, "dt is NoneType, expected RLE dicts or boxes"),
        ([MASK], None, TypeError, "gt is NoneType, expected RLE dicts or boxes"),
        (5, [MASK], TypeError, "dt is int, expected RLE dicts or boxes"),
        ("abc", [MASK], TypeError, "dt is str, expected RLE dicts or boxes"),
        ([MASK], b"abc", TypeError, "gt is bytes, expected RLE dicts or boxes"),
        (iter([MASK]), [MASK], TypeError, "dt is list_iterator, expected RLE dicts or boxes"),
        ([MASK], [[1, 2, 3, 4]], TypeError, "dt is RLEs, but gt is boxes; expected one kind"),
        ([[1, 2, 3, 4]], [MASK], TypeError, "dt is boxes, but gt is RLEs; expected one kind"),
        (TWO, np.zeros((1, 4)), TypeError, "dt is RLEs, but gt is boxes; expected one kind"),
        ([MASK], [OTHER], SizeMismatchError, "gt[0]: size is 4 x 3, but dt[0] is 3 x 4"),
        (TWO, [OTHER], SizeMismatchError, "gt[0]: size is 4 x 3, but dt[0] is 3 x 4"),
        ([1, 2, 3, 4], [[1, 2, 3, 4]], ValueError, "dt has shape (4,), expected (n, 4): x, y, width, height"),
        (np.zeros(4), [[1, 2, 3, 4]], ValueError, "dt has shape (4,), expected (n, 4): x, y, width, height"),
        (np.zeros((1, 5)), [[1, 2, 3, 4]], ValueError, "dt has shape (1, 5), expected (n, 4): x, y, width, height"),
        ([[1, 2, 3, 4]], np.zeros((1, 3)), ValueError, "gt has shape (1, 3), expected (n, 4): x, y, width, height"),
        ([5], [5], ValueError, "dt has shape (1,), expected (n, 4): x, y, width, height"),
    ],
)
def test_two_sides(dt: Any, gt: Any, error: type[Exception], text: str) -> None:
    check(lambda: mask.iou(dt, gt, [0]), error, text)


class Replacing(dict[str, Any]):
    """A dict that replaces what a list holds when it is read."""

    def __init__(self, target: list[Any], items: list[Any]) -> None:
        super().__init__(MASK)
        self.target = target
        self.items_then = items

    def __getitem__(self, key: str) -> Any:
        self.target[:] = self.items_then
        return super().__getitem__(key)


@pytest.mark.parametrize("n", [1, 4, 5, 40])
def test_lists_that_change_while_they_are_read(n: int) -> None:
    rles: list[Any] = []
    rles[:] = [Replacing(rles, [])] + [MASK] * (n - 1)
    np.testing.assert_array_equal(mask.area(rles), mask.area([MASK] * n))
    assert rles == []
    gt = [MASK] * n
    np.testing.assert_array_equal(mask.iou([Replacing(gt, [MASK])], gt, [0] * n), np.ones((1, 1)))
    check(
        lambda: mask.iou([Replacing(gt, [MASK] * (n + 9))], gt, [0] * len(gt)),
        RuntimeError,
        "gt: the list became longer while it was read",
    )


def test_boxes_that_are_more_than_they_said() -> None:
    class Boxes(list[Any]):
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.ones((100, 4))

    text = "gt: the list became longer while it was read"
    check(lambda: mask.iou([[1, 1, 1, 1]], Boxes([[1, 1, 1, 1]]), [0]), RuntimeError, text)


# ---- anything at all ------------------------------------------------------------------------------------------------

ALLOWED = (ValueError, TypeError, OverflowError)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.complex_numbers()
    | st.text(max_size=9)
    | st.binary(max_size=9)
    | st.text(alphabet=st.characters(codec="ascii", min_codepoint=48, max_codepoint=111), max_size=9),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.tuples(inner, inner)
        | st.dictionaries(st.sampled_from(["size", "counts", "other"]), inner, max_size=3)
        | st.fixed_dictionaries({"size": st.lists(st.integers(0, 4), min_size=2, max_size=2), "counts": inner})
    ),
    max_leaves=12,
)


@given(anything)
def test_anything_is_read_or_refused(something: Any) -> None:
    calls: list[Callable[[Any], Any]] = [
        RLEArray.from_coco,
        lambda x: RLEArray.from_dense(x, threshold=0),
        lambda x: RLEArray.from_polygons(x, 3, 4),
        lambda x: RLEArray.from_boxes(x, 3, 4),
        lambda x: RLEArray.from_counts(x, [0, 1], [[3, 4]]),
        lambda x: RLEArray.from_counts([12], x, [[3, 4]]),
        lambda x: RLEArray.from_counts([12], [0, 1], x),
        RLEArray.concatenate,
        TWO.to_coco,
        TWO.union,
        TWO.iou,
        lambda x: TWO.iou(TWO, x),
        mask.decode,
        mask.area,
        mask.toBbox,
        mask.merge,
        lambda x: mask.frPyObjects(x, 3, 4),
        lambda x: mask.iou(x, x, [0] * (len(x) if hasattr(x, "__len__") else 1)),
        lambda x: mask.iou([MASK], [MASK], x),
    ]
    for call in calls:
        try:
            call(something)
        except ALLOWED as error:
            assert str(error)  # noqa: PT017
    try:
        TWO[something]
    except (*ALLOWED, IndexError) as error:
        assert str(error)  # noqa: PT017


@given(st.binary(max_size=40), st.integers(0, 5), st.integers(0, 5))
def test_any_bytes_are_a_mask_or_refused(text: bytes, height: int, width: int) -> None:
    try:
        batch = RLEArray.from_coco({"size": [height, width], "counts": text})
    except PanomaskError:
        return
    counts = oracles.text_to_counts(text)
    assert min(counts, default=0) >= 0
    assert batch.to_dense()[0].tolist() == oracles.decode(counts, height, width).tolist()


@given(st.lists(st.integers(48, 111), max_size=12).map(bytes), st.integers(0, 40))
def test_any_text_is_a_mask_or_refused(text: bytes, width: int) -> None:
    try:
        counts: list[int] | None = oracles.text_to_counts(text)
    except AssertionError:
        counts = None
    is_mask = counts is not None and min(counts, default=0) >= 0 and sum(counts) == width
    try:
        batch = RLEArray.from_coco({"size": [1, width], "counts": text})
    except PanomaskError:
        assert not is_mask
    else:
        assert is_mask
        assert counts is not None
        assert batch.to_dense()[0].tolist() == oracles.decode(counts, 1, width).tolist()


@given(st.lists(st.integers(-2, 6), max_size=8), st.lists(st.integers(-1, 9), max_size=5), st.integers(0, 4))
def test_any_three_arrays_are_masks_or_refused(counts: list[int], offsets: list[int], n: int) -> None:
    try:
        batch = RLEArray.from_counts(np.array(counts, int), np.array(offsets, int), np.full((n, 2), 2))
    except ALLOWED:
        return
    assert len(batch) == n
    for i in range(n):
        runs = counts[offsets[i] : offsets[i + 1]]
        assert batch[i : i + 1].to_dense()[0].tolist() == oracles.decode(runs, 2, 2).tolist()
