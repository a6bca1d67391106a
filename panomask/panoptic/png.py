"""PNG files of label maps: RGB as COCO has it, ids at once, RGBA, and grey or palette numbers.

Only what label maps are stored as, and strictly: a palette where RGB was asked for, a broken checksum, a file that ends
early are errors, where an image library would make some picture of it. Nothing but numpy is needed; with the
``deflate`` package (libdeflate) reading is five times and writing twice as fast.
"""

from __future__ import annotations

import os
import struct
import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from panomask import cy_labels, cy_png
from panomask._files import write_whole
from panomask.panoptic.ids import id2rgb

try:
    import deflate

    _BAD_DATA: tuple[type[Exception], ...] = (zlib.error, deflate.DeflateError)
except ImportError:
    deflate = None  # type: ignore[assignment]
    _BAD_DATA = (zlib.error,)

__all__ = [
    "read_id_png",
    "read_label_png",
    "read_png",
    "read_rgba_png",
    "write_id_png",
    "write_label_png",
    "write_png",
    "write_rgba_png",
]

Source = str | os.PathLike[str] | bytes | bytearray | memoryview

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_GREY, _RGB, _PALETTE, _RGBA = 0, 2, 3, 6
_UP = 2  # the filter that is a subtraction of rows

# Bytes that one byte of deflate data can stand for, at most: 258 of them take two bits.
_MOST_INFLATED = 1032
# Where the file size stops falling and the time rises: of levels 1, 3, 6, 9 of zlib and 1 to 12 of libdeflate, for
# 640 x 427 COCO maps with filter Up. Pillow at its level 6 makes files 7 % larger in 8.4 ms, this takes 2.2 ms with
# libdeflate and 4.7 ms with zlib.
_LEVEL = 6


class _Image(NamedTuple):
    name: str
    height: int
    width: int
    depth: int
    colour: int
    data: bytes  # deflated

    @property
    def kind(self) -> str:
        """What the pixels are."""
        return f"{self.depth}-bit {_COLOURS[self.colour]}"


def _open(source: Source) -> _Image:
    """Take a PNG apart and check it; the pixels stay deflated."""
    if isinstance(source, bytes | bytearray | memoryview):
        name = "PNG"
        opened = cy_png.open_content(bytes(source))
    else:
        path = os.fspath(source)
        name = str(path)
        small = cy_png.open_file(os.fsencode(path))
        if small is None:
            with open(path, "rb") as file:
                opened = cy_png.open_content(file.read())
        else:
            opened = small
    header, data, fault = opened
    size = None if header is None else _read_header(name, header)
    if size is None or fault is not None:
        raise ValueError(f"{name}: {fault}")
    return _Image(name, *size, data)


def _read_header(name: str, body: bytes) -> tuple[int, int, int, int]:
    if len(body) != 13:
        raise ValueError(f"{name}: broken: IHDR has {len(body)} bytes, expected 13")
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", body)
    if not (0 < width < 1 << 31 and 0 < height < 1 << 31):
        raise ValueError(f"{name}: broken: size is {height} x {width}")
    if depth not in _DEPTHS.get(colour, ()):
        raise ValueError(f"{name}: broken: colour type {colour} with {depth} bits")
    if compression or filtering or interlace > 1:
        raise ValueError(f"{name}: broken: compression {compression}, filters {filtering}, interlace {interlace}")
    if interlace:
        raise ValueError(f"{name}: interlaced, expected row after row")
    return height, width, depth, colour


def _inflate(image: _Image, row_size: int) -> bytes:
    """Inflate the rows. Never more than the header says they are, nor more memory than the data can fill."""
    size = image.height * (row_size + 1)
    if size > _MOST_INFLATED * len(image.data):
        raise ValueError(
            f"{image.name}: broken: {len(image.data)} bytes of data cannot hold {image.height} x {image.width} pixels"
        )
    rows: Any
    try:
        if deflate is not None:
            rows = deflate.zlib_decompress(image.data, size)
        else:
            inflater = zlib.decompressobj()
            rows = inflater.decompress(image.data, size + 1)
            if not inflater.eof and len(rows) <= size:
                raise ValueError(f"{image.name}: broken: the data of its pixels end early")
    except _BAD_DATA as error:
        raise ValueError(f"{image.name}: broken: the data of its pixels do not inflate to {size} bytes") from error
    if len(rows) != size:
        found = f"more than {size}" if len(rows) > size else str(len(rows))
        raise ValueError(f"{image.name}: broken: its pixels inflate to {found} bytes, expected {size}")
    return rows  # type: ignore[no-any-return]


class RGBRows(NamedTuple):
    """An 8-bit RGB PNG, inflated: rows whose filters are still to be undone."""

    name: str
    height: int
    width: int
    filtered: bytes

    def ids(self) -> NDArray[np.uint32]:
        """Return R + 256 G + 65536 B of the pixels."""
        return cy_png.unfilter_ids(self.filtered, self.height, self.width, self.name)


def open_rgb(source: Source) -> RGBRows:
    """Read an 8-bit RGB PNG as far as it must be; errors are those of `read_png`."""
    image = _open(source)
    if (image.colour, image.depth) != (_RGB, 8):
        raise ValueError(f"{image.name}: {image.kind}, expected 8-bit RGB")
    return RGBRows(image.name, image.height, image.width, _inflate(image, 3 * image.width))


def joint_histogram_of_pngs(a: RGBRows, b: RGBRows) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Count the pixels of each pair of ids, as `labels.joint_histogram`, of two PNGs of one size."""
    return cy_labels.joint_histogram_of_pngs(a.filtered, b.filtered, a.height, a.width, a.name, b.name)


def read_png(source: Source) -> NDArray[np.uint8]:
    """Read an 8-bit RGB PNG.

    Parameters
    ----------
    source : path or bytes
        A file, or what is in one.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)

    Raises
    ------
    ValueError
        Where it is not an 8-bit RGB PNG (palette, grey, 16 bits, alpha and interlaced ones are refused), is truncated,
        or any part of it is broken, checksums included. The message begins with the file's name.

    Notes
    -----
    Colour profiles, gamma and transparent colours that such a file may name are not applied, as the pixels are numbers.
    The GIL is released for most of the time.

    Examples
    --------
    >>> import numpy as np
    >>> from panomask.panoptic.png import read_png, write_png
    >>> write_png("red.png", np.array([[[220, 20, 60], [0, 0, 0]]], dtype=np.uint8))
    >>> read_png("red.png").tolist()
    [[[220, 20, 60], [0, 0, 0]]]
    """
    name, height, width, filtered = open_rgb(source)
    return cy_png.unfilter(filtered, height, 3 * width, 3, name).reshape(height, width, 3)


def read_id_png(source: Source) -> NDArray[np.uint32]:
    """Read an 8-bit RGB PNG as ids R + 256 G + 65536 B, which is what COCO panoptic PNGs hold.

    As ``rgb2id(read_png(source))``, in one go.

    Parameters
    ----------
    source : path or bytes
        A file, or what is in one.

    Returns
    -------
    ndarray of uint32, shape (height, width)

    Raises
    ------
    ValueError
        As `read_png`.

    Examples
    --------
    >>> import numpy as np
    >>> from panomask.panoptic.png import read_id_png, write_png
    >>> write_png("red.png", np.array([[[220, 20, 60], [0, 0, 0]]], dtype=np.uint8))
    >>> read_id_png("red.png")
    array([[3937500,       0]], dtype=uint32)
    """
    return open_rgb(source).ids()


def read_label_png(source: Source) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Read a PNG whose pixels are one number: grey, or a palette, of which the index counts and not the colour.

    Cityscapes labels and instances, Mapillary Vistas, ADE20K, MOTS and PASCAL VOC are stored so.

    Parameters
    ----------
    source : path or bytes
        A file, or what is in one.

    Returns
    -------
    ndarray, shape (height, width)
        uint16 where the file has 16 bits, else uint8. Numbers of 1, 2 and 4 bits stay as they are: 0 and 1, not 0 and
        255.

    Raises
    ------
    ValueError
        Where it is not a grey or palette PNG, is interlaced, truncated, or any part of it is broken. The message begins
        with the file's name.

    Examples
    --------
    >>> import numpy as np
    >>> from panomask.panoptic.png import read_label_png, write_label_png
    >>> write_label_png("instances.png", np.array([[26002, 7]], dtype=np.uint16))
    >>> read_label_png("instances.png")
    array([[26002,     7]], dtype=uint16)
    """
    image = _open(source)
    if image.colour not in (_GREY, _PALETTE):
        raise ValueError(f"{image.name}: {image.kind}, expected grey or a palette")
    row_size = (image.width * image.depth + 7) // 8
    filtered = _inflate(image, row_size)
    pixels = cy_png.unfilter(filtered, image.height, row_size, max(image.depth // 8, 1), image.name)
    if image.depth == 16:
        return pixels.view(">u2").astype(np.uint16)
    if image.depth == 8:
        return pixels
    # several to a byte, the first in the highest bits
    shifts = np.arange(8 - image.depth, -1, -image.depth, dtype=np.uint8)
    parts = (pixels[:, :, None] >> shifts) & np.uint8((1 << image.depth) - 1)
    return np.ascontiguousarray(parts.reshape(image.height, -1)[:, : image.width])


def read_rgba_png(source: Source) -> NDArray[np.uint8]:
    """Read an 8-bit RGBA PNG, in which alpha is a number as the others are.

    The bit masks of BDD100K and the maps of Segments.ai are stored so: see `panomask.panoptic.codecs`.

    Parameters
    ----------
    source : path or bytes
        A file, or what is in one.

    Returns
    -------
    ndarray of uint8, shape (height, width, 4)

    Raises
    ------
    ValueError
        As `read_png`, where it is not an 8-bit RGB PNG with alpha.

    Examples
    --------
    >>> import numpy as np
    >>> from panomask.panoptic import codecs
    >>> from panomask.panoptic.png import read_rgba_png, write_rgba_png
    >>> bdd100k = codecs.get("bdd100k")
    >>> write_rgba_png("cars.png", bdd100k.pack([[35, 35]], [[300, 301]], occluded=[[True, False]]))
    >>> read_rgba_png("cars.png").tolist()
    [[[35, 4, 1, 44], [35, 0, 1, 45]]]
    >>> bdd100k.unpack(read_rgba_png("cars.png")).instance
    array([[300, 301]], dtype=int32)
    """
    image = _open(source)
    if (image.colour, image.depth) != (_RGBA, 8):
        raise ValueError(f"{image.name}: {image.kind}, expected 8-bit RGB with alpha")
    filtered = _inflate(image, 4 * image.width)
    pixels = cy_png.unfilter(filtered, image.height, 4 * image.width, 4, image.name)
    return pixels.reshape(image.height, image.width, 4)


def _chunk(kind: bytes, body: bytes | bytearray) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def _encode(rows: NDArray[np.uint8], width: int, depth: int, colour: int) -> bytes:
    """Make a PNG out of rows of bytes. All rows have the filter Up: nearly all of a label map becomes zero."""
    height, row_size = rows.shape
    filtered = np.empty((height, row_size + 1), dtype=np.uint8)
    filtered[:, 0] = _UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    compress = zlib.compress if deflate is None else deflate.zlib_compress
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    data = compress(filtered.data, _LEVEL)
    # The length of a chunk has 31 bits.
    most = (1 << 31) - 1
    chunks = [_chunk(b"IDAT", data[i : i + most]) for i in range(0, len(data), most)]
    return b"".join([_SIGNATURE, _chunk(b"IHDR", header), *chunks, _chunk(b"IEND", b"")])


def _check_pixels(array: Any, name: str, channels: int = 1) -> NDArray[Any]:
    pixels = np.asarray(array)
    tail = (channels,) if channels > 1 else ()
    if pixels.ndim != 2 + len(tail) or pixels.shape[2:] != tail:
        expected = ", ".join(["height", "width", *map(str, tail)])
        raise ValueError(f"{name} has shape {pixels.shape}, expected ({expected})")
    if not (0 < pixels.shape[0] < 1 << 31 and 0 < pixels.shape[1] < 1 << 31):
        raise ValueError(f"{name} has {pixels.shape[0]} x {pixels.shape[1]} pixels; a PNG has 1 to 2^31 - 1 each way")
    return pixels


def write_png(path: str | os.PathLike[str], rgb: Any) -> None:
    """Write an 8-bit RGB PNG.

    Parameters
    ----------
    path : path
        Where to. The file is written beside it and renamed, so it is there whole or not at all.
    rgb : array_like of uint8, shape (height, width, 3)

    Raises
    ------
    TypeError
        Where the pixels are not uint8.
    ValueError
        Where the shape is another, or there are no pixels, which a PNG cannot say.

    Notes
    -----
    The pixels do not depend on it, but the bytes of the file do: whether the ``deflate`` package is installed.

    Examples
    --------
    >>> import numpy as np
    >>> from panomask.panoptic.png import write_png
    >>> write_png("black.png", np.zeros((480, 640, 3), dtype=np.uint8))
    """
    pixels = _check_pixels(rgb, "rgb", 3)
    if pixels.dtype != np.uint8:
        raise TypeError(f"rgb has dtype {pixels.dtype}, expected uint8")
    height, width = pixels.shape[:2]
    write_whole(path, _encode(pixels.reshape(height, 3 * width), width, 8, _RGB))


def write_id_png(path: str | os.PathLike[str], ids: Any) -> None:
    """Write ids as an 8-bit RGB PNG, R + 256 G + 65536 B.

    Parameters
    ----------
    path : path
        Where to. The file is written beside it and renamed, so it is there whole or not at all.
    ids : array_like of integers, shape (height, width)
        0 to 2^24 - 1.

    Raises
    ------
    TypeError
        Where the ids are not integers.
    OverflowError
        Where an id is not in range. The message has its row and column.
    ValueError
        Where the shape is another, or there are no pixels.

    Examples
    --------
    >>> from panomask.panoptic.png import read_png, write_id_png
    >>> write_id_png("ids.png", [[3937500, 0]])
    >>> read_png("ids.png").tolist()
    [[[220, 20, 60], [0, 0, 0]]]
    """
    array = _check_pixels(ids, "ids")
    if array.dtype.kind not in "iu":
        raise TypeError(f"ids has dtype {array.dtype}, expected integers")
    try:
        rgb = id2rgb(array)
    except OverflowError as error:
        raise OverflowError(str(error).replace("id_map", "ids", 1)) from None
    height, width = array.shape
    write_whole(path, _encode(rgb.reshape(height, 3 * width), width, 8, _RGB))


def write_label_png(path: str | os.PathLike[str], labels: Any) -> None:
    """Write numbers as a grey PNG of 8 or 16 bits.

    Parameters
    ----------
    path : path
        Where to. The file is written beside it and renamed, so it is there whole or not at all.
    labels : array_like of uint8 or uint16, shape (height, width)
        The dtype decides how many bits the file has.

    Raises
    ------
    TypeError
        Where the dtype is another.
    ValueError
        Where the shape is another, or there are no pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from panomask.panoptic.png import read_label_png, write_label_png
    >>> write_label_png("labels.png", np.array([[7, 255]], dtype=np.uint8))
    >>> read_label_png("labels.png")
    array([[  7, 255]], dtype=uint8)
    """
    array = _check_pixels(labels, "labels")
    if array.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"labels has dtype {array.dtype}, expected uint8 or uint16")
    height, width = array.shape
    rows = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    write_whole(path, _encode(rows, width, 8 * array.dtype.itemsize, _GREY))


def write_rgba_png(path: str | os.PathLike[str], rgba: Any) -> None:
    """Write an 8-bit RGBA PNG.

    Parameters
    ----------
    path : path
        Where to. The file is written beside it and renamed, so it is there whole or not at all.
    rgba : array_like of uint8, shape (height, width, 4)

    Raises
    ------
    TypeError, ValueError
        As `write_png`.

    Examples
    --------
    See `read_rgba_png`.
    """
    pixels = _check_pixels(rgba, "rgba", 4)
    if pixels.dtype != np.uint8:
        raise TypeError(f"rgba has dtype {pixels.dtype}, expected uint8")
    height, width = pixels.shape[:2]
    write_whole(path, _encode(pixels.reshape(height, 4 * width), width, 8, _RGBA))
