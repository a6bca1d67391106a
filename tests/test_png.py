"""PNG files of label maps."""

from __future__ import annotations

import os
import re
import struct
import threading
import tracemalloc
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from panomask import cy_png
from panomask.panoptic import joint_histogram, png

Array = NDArray[Any]
SIZES = [(1, 1), (1, 2), (2, 1), (3, 3), (1, 40), (70, 1), (5, 8), (9, 9), (4, 21), (17, 33), (40, 64)]


@pytest.fixture(params=["deflate", "zlib"])
def inflater(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run with both: the package and what Python has."""
    if request.param == "zlib":
        monkeypatch.setattr(png, "deflate", None)
    elif png.deflate is None:
        pytest.skip("the deflate package is not there")
    return str(request.param)


# ---- the specification, slowly --------------------------------------------------------------------------------------


def predict(kind: int, a: int, b: int, c: int) -> int:
    """What a filter predicts: PNG specification 9.2 and 9.4."""
    if kind == 4:
        p = a + b - c
        return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
    return [0, a, b, (a + b) // 2][kind]


def neighbours(rows: Array, r: int, i: int, pixel: int) -> tuple[int, int, int]:
    a = int(rows[r, i - pixel]) if i >= pixel else 0
    b = int(rows[r - 1, i]) if r else 0
    c = int(rows[r - 1, i - pixel]) if r and i >= pixel else 0
    return a, b, c


def slow_filter(rows: Array, kinds: list[int], pixel: int) -> bytes:
    height, n = rows.shape
    out = np.empty((height, n + 1), dtype=np.uint8)
    for r in range(height):
        out[r, 0] = kinds[r % len(kinds)]
        for i in range(n):
            out[r, i + 1] = (int(rows[r, i]) - predict(int(out[r, 0]), *neighbours(rows, r, i, pixel))) % 256
    return out.tobytes()


def slow_unfilter(filtered: Array, pixel: int) -> Array:
    height, n = filtered.shape[0], filtered.shape[1] - 1
    rows = np.zeros((height, n), dtype=np.uint8)
    for r in range(height):
        for i in range(n):
            value = int(filtered[r, i + 1]) + predict(int(filtered[r, 0]), *neighbours(rows, r, i, pixel))
            rows[r, i] = value % 256
    return rows


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def header(height: int, width: int, depth: int = 8, colour: int = 2, interlace: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = chunk(b"IEND", b"")


def make_png(pixels: Array, kinds: list[int], parts: int = 1) -> bytes:
    height, width = pixels.shape[:2]
    channels = pixels.shape[2]
    data = zlib.compress(slow_filter(pixels.reshape(height, -1), kinds, channels))
    cuts = np.linspace(0, len(data), parts + 1).astype(int)
    idat = [chunk(b"IDAT", data[a:b]) for a, b in pairwise(cuts)]
    return b"".join([SIGNATURE, header(height, width, colour={3: 2, 4: 6}[channels]), *idat, END])


def scenes(height: int, width: int, seed: int = 0) -> list[Array]:
    """Noise, and what label maps look like: few colours, in blocks."""
    rng = np.random.default_rng([seed, height, width])
    noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    colours = rng.integers(0, 256, (4, 3), dtype=np.uint8)
    blocks = colours[rng.integers(0, 4, (height // 5 + 1, width // 7 + 1))].repeat(5, axis=0).repeat(7, axis=1)
    dotted = blocks[:height, :width].copy()
    dotted[rng.random((height, width)) < 0.02] = colours[0]
    return [noise, blocks[:height, :width], dotted, np.zeros_like(noise)]


# ---- filters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pixel", [1, 2, 3, 4])
@pytest.mark.parametrize("zeros", [0.0, 0.5, 0.9, 0.98])
def test_filters_are_undone_as_the_specification_says(pixel: int, zeros: float) -> None:
    rng = np.random.default_rng([pixel, int(100 * zeros)])
    for height, columns in [(1, 1), (2, 1), (3, 2), (6, 9), (12, 50), (7, 131)]:
        n = columns * pixel
        for _ in range(4):
            filtered = rng.choice(np.array([1, 3, 255, 128], dtype=np.uint8), (height, n + 1))
            filtered[rng.random(filtered.shape) < zeros] = 0
            filtered[:, 0] = rng.integers(0, 5, height)
            found = cy_png.unfilter(filtered.tobytes(), height, n, pixel, "rows")
            expected = slow_unfilter(filtered, pixel)
            np.testing.assert_array_equal(found, expected)
            if pixel == 3:
                parts = expected.reshape(height, columns, 3).astype(np.uint32)
                ids = cy_png.unfilter_ids(filtered.tobytes(), height, columns, "rows")
                np.testing.assert_array_equal(ids, parts @ np.array([1, 256, 65536], dtype=np.uint32))


@pytest.mark.parametrize("kinds", [[0], [1], [2], [3], [4], [0, 1, 2, 3, 4], [4, 2, 4, 1, 3]])
@pytest.mark.parametrize("size", SIZES)
def test_every_filter_and_size_is_read(kinds: list[int], size: tuple[int, int], inflater: str) -> None:
    for pixels in scenes(*size):
        file = make_png(pixels, kinds, parts=1 + size[0] % 3)
        np.testing.assert_array_equal(png.read_png(file), pixels)
        ids = pixels.astype(np.uint32) @ np.array([1, 256, 65536], dtype=np.uint32)
        np.testing.assert_array_equal(png.read_id_png(file), ids)


@pytest.mark.parametrize("kinds", [[0], [1], [2], [3], [4], [4, 2, 0, 1, 3]])
def test_alpha_is_a_number(kinds: list[int], inflater: str, tmp_path: Path) -> None:
    for size in SIZES:
        rng = np.random.default_rng(size)
        pixels = rng.integers(0, 256, (*size, 4), dtype=np.uint8)
        pixels[..., 3] *= rng.integers(0, 2, size, dtype=np.uint8)  # where it is 0 the others stay
        found = png.read_rgba_png(make_png(pixels, kinds))
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, pixels)
        file = tmp_path / "a.png"
        png.write_rgba_png(file, pixels)
        np.testing.assert_array_equal(png.read_rgba_png(file), pixels)
        image = pytest.importorskip("PIL.Image").open(file)
        assert image.mode == "RGBA"
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_what_is_not_rgba_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    png.write_png(file, np.zeros((2, 3, 3), np.uint8))
    with pytest.raises(ValueError, match=r"a\.png: 8-bit RGB, expected 8-bit RGB with alpha$"):
        png.read_rgba_png(file)
    rows = np.zeros((2, 13), np.uint8)
    rows[1, 0] = 5
    file.write_bytes(SIGNATURE + header(2, 3, colour=6) + chunk(b"IDAT", zlib.compress(rows.tobytes())) + END)
    with pytest.raises(ValueError, match=r"a\.png: broken: row 1 has filter 5, expected 0 to 4"):
        png.read_rgba_png(file)
    file.unlink()
    for pixels, error, message in (
        (np.zeros((2, 3, 3), np.uint8), ValueError, r"rgba has shape \(2, 3, 3\), expected \(height, width, 4\)"),
        (np.zeros((2, 3, 4), np.uint16), TypeError, "rgba has dtype uint16, expected uint8"),
        (np.zeros((0, 3, 4), np.uint8), ValueError, "rgba has 0 x 3 pixels"),
    ):
        with pytest.raises(error, match=message):
            png.write_rgba_png(file, pixels)
    assert not file.exists()


@pytest.mark.parametrize("size", [*SIZES, (3, 5000), (0, 3)])
def test_the_histogram_of_two_files_is_that_of_their_ids(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(size)
    n = 3 * size[1]
    for zeros in (0.0, 0.5, 0.99):
        sides = []
        for name in ("a", "b"):
            filtered = rng.integers(0, 256, (size[0], n + 1), dtype=np.uint8)
            filtered[rng.random(filtered.shape) < zeros] = 0
            filtered[:, 0] = rng.integers(0, 5, size[0])
            sides.append(png.RGBRows(name, *size, filtered.tobytes()))
        found = png.joint_histogram_of_pngs(*sides)
        expected = joint_histogram(sides[0].ids(), sides[1].ids())
        assert all(each.dtype == np.int64 for each in found)
        assert [each.tolist() for each in found] == [each.tolist() for each in expected]


def test_histograms_name_the_file_that_is_broken() -> None:
    whole = png.RGBRows("a.png", 2, 1, bytes(8))
    broken = png.RGBRows("b.png", 2, 1, bytes([0, 0, 0, 0, 7, 0, 0, 0]))
    for sides in ((whole, broken), (broken, whole)):
        with pytest.raises(ValueError, match=r"^b\.png: broken: row 1 has filter 7, expected 0 to 4$"):
            png.joint_histogram_of_pngs(*sides)
    with pytest.raises(ValueError, match=r"^b\.png: 8 bytes of rows, expected 14$"):
        png.joint_histogram_of_pngs(whole._replace(width=2, filtered=bytes(14)), broken)


def test_a_filter_that_is_none_is_an_error(inflater: str) -> None:
    rows = np.zeros((4, 7), dtype=np.uint8)
    rows[2, 0] = 5
    file = SIGNATURE + header(4, 2) + chunk(b"IDAT", zlib.compress(rows.tobytes())) + END
    for read in (png.read_png, png.read_id_png):
        with pytest.raises(ValueError, match=r"^PNG: broken: row 2 has filter 5, expected 0 to 4$"):
            read(file)


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^a: 11 bytes of rows, expected 12$"):
        cy_png.unfilter(bytes(11), 3, 3, 1, "a")
    with pytest.raises(ValueError, match=r"^a: 11 bytes of rows, expected 12$"):
        cy_png.unfilter_ids(bytes(11), 3, 1, "a")


# ---- files ----------------------------------------------------------------------------------------------------------


def test_files_of_any_length_are_read(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    for size in (0, 8000, 65535, 65536, 65537, 200000):
        file.write_bytes(GOOD[:33] + (chunk(b"tEXt", bytes(size - len(GOOD) - 12)) if size else b"") + GOOD[33:])
        np.testing.assert_array_equal(png.read_png(file), PIXELS)
        assert (cy_png.open_file(os.fsencode(file)) is None) == (size >= 65536 or os.name == "nt")


def test_what_is_read_is_not_changed() -> None:
    file = make_png(PIXELS, [4], parts=3)
    for content in (file, bytearray(file), memoryview(file)):
        np.testing.assert_array_equal(png.read_png(content), PIXELS)
        assert content == file


def test_names_are_those_of_the_system(tmp_path: Path) -> None:
    for name in ("ä b.png", "\U0001f600.png"):
        png.write_id_png(tmp_path / name, [[7, 8]])
        assert png.read_id_png(tmp_path / name).tolist() == [[7, 8]]
        assert png.read_id_png(os.fspath(tmp_path / name)).tolist() == [[7, 8]]


def test_files_that_cannot_be_read_are_pythons_errors(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.png"):
        png.read_png(tmp_path / "nowhere.png")
    with pytest.raises(OSError, match=re.escape(tmp_path.name)):  # a folder
        png.read_png(tmp_path)
    (tmp_path / "a.png").touch()
    with pytest.raises(ValueError, match="null"):
        png.read_png(f"{tmp_path}/a.png\0b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have names on POSIX only")
@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="pipes have no names here")
@pytest.mark.parametrize("side", [10, 400])  # less and more than is read at once
def test_a_pipe_is_read_once(side: int, tmp_path: Path) -> None:
    ids = np.random.default_rng(side).integers(0, 2**24, (side, side))
    png.write_id_png(tmp_path / "a.png", ids)
    content = (tmp_path / "a.png").read_bytes()
    reader, writer = os.pipe()
    thread = threading.Thread(target=lambda: (os.write(writer, content), os.close(writer)))
    thread.start()
    np.testing.assert_array_equal(png.read_id_png(f"/dev/fd/{reader}"), ids)
    thread.join()
    os.close(reader)


# ---- beside Pillow --------------------------------------------------------------------------------------------------


def test_real_files_are_as_pillow_reads_them(data: Path, inflater: str) -> None:
    image = pytest.importorskip("PIL.Image")
    files = sorted((data / "panoptic").rglob("*.png"))
    assert len(files) >= 80
    for file in files:
        expected = np.asarray(image.open(file))
        np.testing.assert_array_equal(png.read_png(file), expected)
        ids = expected.astype(np.uint32) @ np.array([1, 256, 65536], dtype=np.uint32)
        np.testing.assert_array_equal(png.read_id_png(str(file)), ids)


@pytest.mark.parametrize("size", SIZES)
def test_what_pillow_writes_is_read(size: tuple[int, int], tmp_path: Path, inflater: str) -> None:
    image = pytest.importorskip("PIL.Image")
    for level in (0, 1, 6, 9):
        for pixels in scenes(*size):
            image.fromarray(pixels).save(tmp_path / "a.png", compress_level=level)
            np.testing.assert_array_equal(png.read_png(tmp_path / "a.png"), pixels)


@pytest.mark.parametrize("size", SIZES)
def test_what_is_written_is_read_by_pillow_and_by_us(size: tuple[int, int], tmp_path: Path, inflater: str) -> None:
    image = pytest.importorskip("PIL.Image")
    for pixels in scenes(*size):
        png.write_png(tmp_path / "a.png", pixels)
        with image.open(tmp_path / "a.png") as opened:
            assert opened.mode == "RGB"
            np.testing.assert_array_equal(np.asarray(opened), pixels)
        np.testing.assert_array_equal(png.read_png(tmp_path / "a.png"), pixels)
        ids = png.read_id_png(tmp_path / "a.png")
        png.write_id_png(tmp_path / "b.png", ids.astype(np.int64))
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("size", SIZES)
def test_label_maps_are_written_and_read_as_pillow_does(size: tuple[int, int], tmp_path: Path, inflater: str) -> None:
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(size)
    for dtype, most in ((np.uint8, 255), (np.uint16, 65535)):
        labels = rng.integers(0, most + 1, size).astype(dtype)
        png.write_label_png(tmp_path / "a.png", labels)
        with image.open(tmp_path / "a.png") as opened:
            np.testing.assert_array_equal(np.asarray(opened), labels)
        found = png.read_label_png(tmp_path / "a.png")
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, labels)
        image.fromarray(labels).save(tmp_path / "b.png")
        np.testing.assert_array_equal(png.read_label_png(tmp_path / "b.png"), labels)


@pytest.mark.parametrize(("colours", "bits"), [(2, 1), (4, 2), (16, 4), (256, 8)])
def test_indexes_of_a_palette_are_read_in_every_depth(colours: int, bits: int, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    labels = np.random.default_rng(bits).integers(0, colours, (9, 13)).astype(np.uint8)
    picture = image.fromarray(labels).convert("P")
    picture.putdata(labels.ravel().tolist())
    picture.putpalette(list(range(256)) * 3)
    picture.save(tmp_path / "a.png", bits=bits)
    assert png._open(tmp_path / "a.png").kind == f"{bits}-bit palette"
    np.testing.assert_array_equal(png.read_label_png(tmp_path / "a.png"), labels)


# ---- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("depth", "colour", "found"),
    [
        (8, 0, "8-bit grey"),
        (16, 0, "16-bit grey"),
        (1, 0, "1-bit grey"),
        (8, 3, "8-bit palette"),
        (16, 2, "16-bit RGB"),
        (8, 4, "8-bit grey with alpha"),
        (8, 6, "8-bit RGB with alpha"),
    ],
)
def test_other_kinds_of_pixels_are_refused(depth: int, colour: int, found: str, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(SIGNATURE + header(4, 4, depth, colour) + chunk(b"IDAT", zlib.compress(bytes(200))) + END)
    for read in (png.read_png, png.read_id_png):
        with pytest.raises(ValueError, match=rf"a\.png: {found}, expected 8-bit RGB$"):
            read(file)
    if colour not in (0, 3):
        with pytest.raises(ValueError, match=rf"a\.png: {found}, expected grey or a palette$"):
            png.read_label_png(file)


PIXELS = scenes(9, 11)[2]
GOOD = make_png(PIXELS, [0, 1, 2, 3, 4])
IDAT = chunk(b"IDAT", zlib.compress(slow_filter(PIXELS.reshape(9, -1), [0], 3)))
BROKEN = {
    "empty": (b"", "not a PNG: begins with b''"),
    "JPEG": (b"\xff\xd8\xff\xe0" + bytes(20), "not a PNG: begins with"),
    "signature only": (SIGNATURE, "truncated: ends after 8 bytes, before an IEND chunk"),
    "no end": (GOOD[: -len(END)], "before an IEND chunk"),
    "cut in a chunk": (GOOD[:60], "truncated: chunk IDAT at byte 33 has"),
    "checksum": (GOOD[:50] + bytes([GOOD[50] ^ 1]) + GOOD[51:], "broken: chunk IDAT at byte 33 has the checksum"),
    "no header": (SIGNATURE + IDAT + END, "broken: chunk IDAT at byte 8, expected IHDR first and once"),
    "two headers": (SIGNATURE + header(9, 11) * 2 + IDAT + END, "broken: chunk IHDR at byte 33, expected IHDR first"),
    "short header": (SIGNATURE + chunk(b"IHDR", bytes(12)) + IDAT + END, "broken: IHDR has 12 bytes, expected 13"),
    "no pixels": (SIGNATURE + header(9, 11) + END, "broken: has no IDAT chunk, so no pixels"),
    "height 0": (SIGNATURE + header(0, 11) + IDAT + END, "broken: size is 0 x 11"),
    "width 2^31": (SIGNATURE + header(9, 1 << 31) + IDAT + END, "broken: size is 9 x 2147483648"),
    "colour": (SIGNATURE + header(9, 11, 8, 5) + IDAT + END, "broken: colour type 5 with 8 bits"),
    "depth": (SIGNATURE + header(9, 11, 4, 2) + IDAT + END, "broken: colour type 2 with 4 bits"),
    "interlaced": (SIGNATURE + header(9, 11, interlace=1) + IDAT + END, "interlaced, expected row after row"),
    "interlace 2": (
        SIGNATURE + header(9, 11, interlace=2) + IDAT + END,
        "broken: compression 0, filters 0, interlace 2",
    ),
    "unknown": (SIGNATURE + header(9, 11) + chunk(b"QUIZ", b"") + IDAT + END, "chunk QUIZ at byte 33 is not known"),
    "type": (SIGNATURE + header(9, 11) + chunk(b"I\x00AT", b"") + END, "broken: chunk at byte 33 has the type"),
    "too few rows": (SIGNATURE + header(10, 11) + IDAT + END, "inflate to 306 bytes, expected 340"),
    "too many rows": (
        SIGNATURE + header(8, 11) + IDAT + END,
        "inflate to (272 bytes|more than 272 bytes, expected 272)",
    ),
    "huge": (
        SIGNATURE + header(1 << 30, 1 << 30) + IDAT + END,
        "bytes of data cannot hold 1073741824 x 1073741824 pixels",
    ),
    "not deflated": (SIGNATURE + header(9, 11) + chunk(b"IDAT", bytes(306)) + END, "do not inflate to 306 bytes"),
    "cut data": (
        SIGNATURE + header(9, 11) + chunk(b"IDAT", IDAT[8:-20]) + END,
        "end early|do not inflate to 306 bytes",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_files_are_refused_by_name(what: str, tmp_path: Path, inflater: str) -> None:
    content, message = BROKEN[what]
    file = tmp_path / "000.png"
    file.write_bytes(content)
    for read in (png.read_png, png.read_id_png):
        with pytest.raises(ValueError, match=f"000.png: .*({message})"):
            read(file)


def test_chunks_that_add_to_the_picture_are_passed_over() -> None:
    extra = chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"tEXt", b"a\0b") + chunk(b"PLTE", bytes(6))
    np.testing.assert_array_equal(png.read_png(GOOD[:33] + extra + GOOD[33:] + b"more"), PIXELS)


def test_a_bomb_is_not_inflated(inflater: str) -> None:
    """A thousand times more rows than the header has: nothing beyond the header's is ever made."""
    bomb = zlib.compress(bytes(50_000_000))
    file = SIGNATURE + header(9, 11) + chunk(b"IDAT", bomb) + END
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"inflate to (306 bytes|more than 306)"):
        png.read_png(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize("read", [png.read_png, png.read_id_png, png.read_label_png])
def test_mutated_files_are_read_or_refused(read: Callable[[bytes], Array], inflater: str) -> None:
    rng = np.random.default_rng(5)
    grey = SIGNATURE + header(9, 33, 8, 0) + IDAT + END
    n_read = 0
    messages = set()
    for i in range(1500):
        file = bytearray(grey if read is png.read_label_png else GOOD)
        for _ in range(rng.integers(1, 4)):
            kind, at = rng.integers(0, 4), int(rng.integers(8, len(file)))
            if kind == 0:
                file[at] ^= 1 << int(rng.integers(0, 8))
            elif kind == 1:
                file[at] = int(rng.integers(0, 256))
            elif kind == 2:
                del file[at : at + int(rng.integers(1, 9))]
            else:
                file[at:at] = bytes(int(rng.integers(1, 9)))
        if i % 3:  # the checksums made good again, so that what lies behind them is reached
            mended = bytearray(SIGNATURE)
            at = 8
            while at + 12 <= len(file):
                length = min(struct.unpack_from(">I", file, at)[0], len(file) - at - 12)
                mended += chunk(bytes(file[at + 4 : at + 8]), bytes(file[at + 8 : at + 8 + length]))
                at += 12 + length
            file = mended
        try:
            found = read(bytes(file))
        except ValueError as error:
            messages.add(str(error)[:5])
        else:
            n_read += 1
            assert found.shape[0] == struct.unpack_from(">I", file, 20)[0]
            assert found.shape[1] == struct.unpack_from(">I", file, 16)[0]
    assert 0 < n_read < 1400
    assert messages == {"PNG: "}


# ---- writing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("write", "pixels", "error", "message"),
    [
        (png.write_png, np.zeros((2, 2)), ValueError, r"rgb has shape \(2, 2\), expected \(height, width, 3\)"),
        (png.write_png, np.zeros((2, 2, 4), np.uint8), ValueError, r"rgb has shape \(2, 2, 4\)"),
        (png.write_png, np.zeros((2, 2, 3)), TypeError, "rgb has dtype float64, expected uint8"),
        (png.write_png, np.zeros((0, 2, 3), np.uint8), ValueError, "rgb has 0 x 2 pixels"),
        (png.write_id_png, np.zeros((2, 2, 3), np.uint8), ValueError, r"ids has shape \(2, 2, 3\)"),
        (png.write_id_png, np.zeros((2, 2)), TypeError, "ids has dtype float64, expected integers"),
        (png.write_id_png, np.array([[1, -1]]), OverflowError, r"^ids\[0, 1\] is -1, expected 0 to 16777215"),
        (png.write_id_png, np.full((2, 2), 1 << 24), OverflowError, r"ids\[0, 0\] is 16777216"),
        (
            png.write_label_png,
            np.zeros((2, 2), np.int32),
            TypeError,
            "labels has dtype int32, expected uint8 or uint16",
        ),
        (png.write_label_png, np.zeros(2, np.uint8), ValueError, r"labels has shape \(2,\)"),
    ],
)
def test_what_is_no_such_image_is_not_written(
    write: Callable[[Path, Any], None], pixels: Array, error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        write(tmp_path / "a.png", pixels)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["replace", "write"])
def test_a_failing_disk_leaves_what_was_there(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    png.write_png(tmp_path / "a.png", PIXELS)
    before = (tmp_path / "a.png").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if step == "replace":
        monkeypatch.setattr(os, "replace", full)
    else:
        real = open

        class Full:
            def __init__(self, *args: Any) -> None:
                self.file = real(*args)

            def __enter__(self) -> Full:
                return self

            def __exit__(self, *_: object) -> None:
                self.file.close()

            def write(self, data: bytes) -> None:
                self.file.write(data[:5])
                full()

        monkeypatch.setattr("panomask._files.open", Full, raising=False)
    with pytest.raises(OSError, match="No space left"):
        png.write_png(tmp_path / "a.png", PIXELS[:3])
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before


def test_strided_and_read_only_pixels_are_written(tmp_path: Path) -> None:
    pixels = PIXELS[::-1, ::2]
    pixels.flags.writeable = False
    png.write_png(tmp_path / "a.png", pixels)
    np.testing.assert_array_equal(png.read_png(tmp_path / "a.png"), pixels)
    png.write_id_png(tmp_path / "b.png", np.arange(12).reshape(3, 4).T)
    np.testing.assert_array_equal(png.read_id_png(tmp_path / "b.png"), np.arange(12).reshape(3, 4).T)
