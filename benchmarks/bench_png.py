"""Benchmarks of PNG files of label maps, beside Pillow."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from panomask.panoptic import png

image = pytest.importorskip("PIL.Image")

SIZES = {"480x640": (480, 640), "1024x2048": (1024, 2048)}
LIBRARIES = ["panomask", "panomask with zlib", "pillow"]


@cache
def pixels(size: str) -> NDArray[np.uint8]:
    """Ellipses over stripes, in colors of their own, and some black."""
    height, width = SIZES[size]
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:height, :width]
    colors = rng.integers(0, 256, (31, 3), dtype=np.uint8)
    colors[0] = 0
    wavy = rows + height / 30 * np.sin(columns / 40) + height / 80 * np.sin(columns / 7)
    out = colors[np.clip(wavy * 5 / height, 0, 4).astype(int)]
    for color in colors[5:]:
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        a, b = rng.uniform(height / 50, height / 5), rng.uniform(width / 50, width / 5)
        out[((rows - y) / a) ** 2 + ((columns - x) / b) ** 2 <= 1] = color
    return out


def as_file(size: str) -> bytes:
    """As panopticapi writes it: by Pillow."""
    file = io.BytesIO()
    image.fromarray(pixels(size)).save(file, "png")
    return file.getvalue()


def read_by_pillow(file: bytes) -> NDArray[np.uint8]:
    return np.asarray(image.open(io.BytesIO(file)))


def ids_by_pillow(file: bytes) -> NDArray[np.uint32]:
    found = np.array(image.open(io.BytesIO(file)), dtype=np.uint32)
    return found[:, :, 0] + 256 * found[:, :, 1] + 65536 * found[:, :, 2]


def write_by_pillow(path: Path, rgb: NDArray[np.uint8]) -> None:
    image.fromarray(rgb).save(path)


def run(benchmark: Any, monkeypatch: pytest.MonkeyPatch, library: str, group: str, *functions: Any) -> Any:
    """Measure panomask's function, or Pillow's."""
    if library == "panomask with zlib":
        monkeypatch.setattr(png, "deflate", None)
    elif library == "panomask" and png.deflate is None:
        pytest.skip("the deflate package is not there")
    benchmark.group = group
    return functions[library == "pillow"]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("size", SIZES)
def test_read(benchmark: Any, monkeypatch: pytest.MonkeyPatch, size: str, library: str) -> None:
    read = run(benchmark, monkeypatch, library, f"read RGB, {size}", png.read_png, read_by_pillow)
    np.testing.assert_array_equal(benchmark(read, as_file(size)), pixels(size))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("size", SIZES)
def test_read_ids(benchmark: Any, monkeypatch: pytest.MonkeyPatch, size: str, library: str) -> None:
    read = run(benchmark, monkeypatch, library, f"read ids, {size}", png.read_id_png, ids_by_pillow)
    np.testing.assert_array_equal(benchmark(read, as_file(size)), ids_by_pillow(as_file(size)))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("size", SIZES)
def test_write(benchmark: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, size: str, library: str) -> None:
    write = run(benchmark, monkeypatch, library, f"write RGB, {size}", png.write_png, write_by_pillow)
    benchmark(write, tmp_path / "a.png", pixels(size))
    benchmark.extra_info["bytes"] = (tmp_path / "a.png").stat().st_size
    np.testing.assert_array_equal(png.read_png(tmp_path / "a.png"), pixels(size))
