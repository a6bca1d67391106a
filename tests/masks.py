"""Generators of masks: every tiny one, every spelling, seeded random ones next to the sizes of machine words."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

import oracles

Masks = NDArray[np.bool_]

# ---- every tiny one -------------------------------------------------------------------------------------------------


def tiny_shapes(most_pixels: int) -> list[tuple[int, int]]:
    """Every height and width with 1 .. most_pixels pixels, and some without pixels."""
    shapes = [(h, n // h) for n in range(1, most_pixels + 1) for h in range(1, n + 1) if n % h == 0]
    return [(0, 0), (0, 3), (3, 0), *shapes]


@cache
def every_mask(height: int, width: int) -> Masks:
    """All 2^(height * width) masks of one shape, bool (n, height, width)."""
    pixels = height * width
    numbers = np.arange(2**pixels)[:, np.newaxis]
    masks = (numbers >> np.arange(pixels) & 1).astype(bool).reshape(2**pixels, height, width)
    masks.flags.writeable = False
    return masks


def every_tiny_mask(most_pixels: int = 12) -> Iterator[tuple[tuple[int, int], Masks]]:
    """Every shape of up to `most_pixels` pixels with all its masks."""
    for shape in tiny_shapes(most_pixels):
        yield shape, every_mask(*shape)


@cache
def every_spelling(pixels: int, most_runs: int) -> list[list[int]]:
    """Every list of at most `most_runs` run lengths, zeros included, that covers `pixels` pixels."""
    spellings: list[list[int]] = [[]] if pixels == 0 else []
    for runs in range(1, most_runs + 1):
        for bars in combinations(range(pixels + runs - 1), runs - 1):  # stars and bars
            ends = [-1, *bars, pixels + runs - 1]
            spellings.append([ends[i + 1] - ends[i] - 1 for i in range(runs)])
    return spellings


# ---- seeded random ones ---------------------------------------------------------------------------------------------

# Sides next to 16, 32, 64, where vectors and machine words end.
SIDES = (1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129)


def random_shapes(rng: np.random.Generator, n: int) -> list[tuple[int, int]]:
    """Heights and widths, each from SIDES."""
    return [(int(h), int(w)) for h, w in rng.choice(SIDES, (n, 2))]


# Images in which a line of pixels, or a run, is longer than the blocks that are looked at in one go.
LARGE_SHAPES = ((255, 260), (256, 64), (257, 193), (513, 66), (1025, 5), (3, 4095), (2, 4097), (4097, 2), (300, 1100))


def random_masks(rng: np.random.Generator, n: int, height: int, width: int) -> Masks:
    """Some of each kind below, bool (n, height, width)."""
    kinds = (blob, noise, stripes, checkerboard, all_background, all_foreground)
    masks = np.zeros((n, height, width), dtype=bool)
    for i in range(n):
        masks[i] = kinds[int(rng.choice(len(kinds), p=(0.5, 0.2, 0.15, 0.05, 0.05, 0.05)))](rng, height, width)
    return masks


def blob(rng: np.random.Generator, height: int, width: int) -> Masks:
    """A few ellipses, as objects in photographs are."""
    rows, columns = np.mgrid[:height, :width]
    mask = np.zeros((height, width), dtype=bool)
    for _ in range(int(rng.integers(1, 4))):
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        a, b = rng.uniform(0.5, 1 + height / 2), rng.uniform(0.5, 1 + width / 2)
        mask |= ((rows - y) / a) ** 2 + ((columns - x) / b) ** 2 <= 1
    return mask


def noise(rng: np.random.Generator, height: int, width: int) -> Masks:
    """Independent pixels, from almost none to almost all."""
    return rng.random((height, width)) < rng.choice([0.01, 0.1, 0.5, 0.9, 0.99])


def stripes(rng: np.random.Generator, height: int, width: int) -> Masks:
    """Whole rows or whole columns."""
    lines = rng.random((height, 1) if rng.random() < 0.5 else (1, width)) < 0.5
    return np.broadcast_to(lines, (height, width))


def checkerboard(rng: np.random.Generator, height: int, width: int) -> Masks:
    """The most runs there can be."""
    return np.indices((height, width)).sum(axis=0) % 2 == rng.integers(2)


def all_background(rng: np.random.Generator, height: int, width: int) -> Masks:
    """No pixel."""
    return np.zeros((height, width), dtype=bool)


def all_foreground(rng: np.random.Generator, height: int, width: int) -> Masks:
    """Every pixel."""
    return np.ones((height, width), dtype=bool)


def respelled(rng: np.random.Generator, counts: list[int]) -> list[int]:
    """The same mask with zero-length runs put inside: a run c becomes a, 0, c - a."""
    spelled: list[int] = []
    for count in counts:
        while rng.random() < 0.3:
            part = int(rng.integers(count + 1))
            spelled += [part, 0]
            count -= part
        spelled.append(count)
    if rng.random() < 0.3:
        spelled += [0] * int(rng.integers(1, 4))
    return spelled


# ---- as other people's data -----------------------------------------------------------------------------------------


def to_rle(mask: Masks, kind: type = bytes) -> dict[str, Any]:
    """A COCO RLE dict made by the oracle, with counts as ``bytes``, ``str`` or ``list``."""
    counts = oracles.encode(mask)
    text = oracles.counts_to_text(counts)
    spelled = {bytes: text, str: text.decode(), list: counts}[kind]
    return {"size": list(mask.shape), "counts": spelled}


def random_ring(rng: np.random.Generator, height: int, width: int, points: int) -> list[float]:
    """A ring in and around the image, its coordinates rounded like those of real files, or not at all."""
    step = rng.choice([0, 0.1, 0.5, 1])
    xy = rng.uniform(-0.3, 1.3, (points, 2)) * (width, height)
    return [float(c) for c in (np.round(xy / step) * step if step else xy).ravel()]
