"""Numba: the algorithms of `via_numpy` as plain loops, compiled.

Users of it hold masks and runs as numpy's do. Compiled code is kept on disk where numba finds a place for it, so only
the first run ever compiles; no run times compilation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from .via_numpy import UPSAMPLING, counts_of, hold_counts, hold_masks, hold_runs, hold_text

__all__ = [
    "NAME", "area", "box", "compress", "counts_of", "decode_hwn", "decode_nhw", "encode_hwn", "encode_nhw",
    "hold_counts", "hold_masks", "hold_runs", "hold_text", "intersection", "iou", "parse", "rasterise", "union",
    "version",
]  # fmt: skip

NAME = "numba"

Function = TypeVar("Function", bound=Callable[..., Any])


def version() -> str:
    """Give the version in use."""
    return str(numba.__version__)


def compiled(function: Function) -> Function:
    """Compile a function at its first call, and keep the code on disk if there is a place for it."""
    try:
        return cast(Function, numba.njit(cache=True)(function))
    except RuntimeError:  # neither beside this file nor in the user's cache directory can be written
        return cast(Function, numba.njit(function))


# Pixels to runs and back.


def encode_hwn(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint32]]:
    """Give the run lengths of an array (height, width, n) in Fortran order."""
    return [mask_runs(pixels[:, :, i]) for i in range(pixels.shape[2])]


def encode_nhw(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint32]]:
    """Give the run lengths of an array (n, height, width) in C order."""
    return [mask_runs(plane) for plane in pixels]


def decode_hwn(runs: tuple[list[NDArray[Any]], int, int]) -> NDArray[np.uint8]:
    """Fill an array (height, width, n) in Fortran order from run lengths."""
    counts, height, width = runs
    pixels = np.empty((height, width, len(counts)), np.uint8, order="F")
    for i, each in enumerate(counts):
        fill_mask(each, pixels[:, :, i])
    return pixels


def decode_nhw(runs: tuple[list[NDArray[Any]], int, int]) -> NDArray[np.uint8]:
    """Fill an array (n, height, width) in C order from run lengths."""
    counts, height, width = runs
    pixels = np.empty((len(counts), height, width), np.uint8)
    for each, plane in zip(counts, pixels, strict=True):
        fill_mask(each, plane)
    return pixels


@compiled
def mask_runs(mask: NDArray[Any]) -> NDArray[np.uint32]:
    """Give the run lengths of a (height, width) mask in any memory order."""
    height, width = mask.shape
    counts = np.empty(height * width + 1, np.uint32)  # its untouched pages cost nothing
    n, length, inside = 0, 0, False
    for x in range(width):
        for y in range(height):
            if (mask[y, x] != 0) != inside:
                counts[n] = length
                n, length, inside = n + 1, 0, not inside
            length += 1
    counts[n] = length
    return counts[: n + 1].copy()


@compiled
def fill_mask(counts: NDArray[Any], mask: NDArray[np.uint8]) -> None:
    """Fill a (height, width) mask in any memory order from its run lengths."""
    height, width = mask.shape
    i, left = 0, counts[0]
    for x in range(width):
        for y in range(height):
            while left == 0:
                i += 1
                left = counts[i]
            mask[y, x] = i & 1
            left -= 1


# Measures and set operations on masks.


@compiled
def area(masks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the pixels of each mask."""
    n, height, width = masks.shape
    areas = np.zeros(n, np.int64)
    for i in range(n):
        for y in range(height):
            for x in range(width):
                areas[i] += masks[i, y, x]
    return areas


@compiled
def box(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Give the box x, y, w, h of each mask; an empty mask has four zeros."""
    n, height, width = masks.shape
    boxes = np.zeros((n, 4))
    for i in range(n):
        left, top, right, bottom = width, height, -1, -1
        for y in range(height):
            for x in range(width):
                if masks[i, y, x]:
                    left, right = min(left, x), max(right, x)
                    top, bottom = min(top, y), max(bottom, y)
        if right >= 0:
            boxes[i, 0], boxes[i, 1] = left, top
            boxes[i, 2], boxes[i, 3] = right - left + 1, bottom - top + 1
    return boxes


@compiled
def union(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Unite all masks of the image into one."""
    n, height, width = masks.shape
    united = np.zeros((height, width), np.bool_)
    for i in range(n):
        for y in range(height):
            for x in range(width):
                united[y, x] |= masks[i, y, x]
    return united


@compiled
def intersection(masks: NDArray[np.bool_], others: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Intersect mask i with other i."""
    n, height, width = masks.shape
    shared = np.empty((n, height, width), np.bool_)
    for i in range(n):
        for y in range(height):
            for x in range(width):
                shared[i, y, x] = masks[i, y, x] & others[i, y, x]
    return shared


@compiled
def iou(dt: NDArray[np.bool_], gt: NDArray[np.bool_], iscrowd: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Divide intersection by union for all pairs; a crowd's union is the detection alone, as in COCO."""
    dt_area, dt_rows = area_and_rows(dt)
    gt_area, gt_rows = area_and_rows(gt)
    ratios = np.zeros((len(dt), len(gt)))
    for i in range(len(dt)):
        for j in range(len(gt)):
            shared = 0
            # Whole rows: boxes would spare more pixels, but finding them costs more than that in most images.
            for y in range(max(dt_rows[i, 0], gt_rows[j, 0]), min(dt_rows[i, 1], gt_rows[j, 1])):
                for x in range(dt.shape[2]):
                    shared += dt[i, y, x] & gt[j, y, x]
            if shared:
                ratios[i, j] = shared / (dt_area[i] if iscrowd[j] else dt_area[i] + gt_area[j] - shared)
    return ratios


@compiled
def area_and_rows(masks: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the pixels of each mask, and give its first row and the one after its last."""
    n, height, width = masks.shape
    areas, rows = np.zeros(n, np.int64), np.zeros((n, 2), np.int64)
    for i in range(n):
        for y in range(height):
            pixels = 0
            for x in range(width):
                pixels += masks[i, y, x]
            if pixels:
                if areas[i] == 0:
                    rows[i, 0] = y
                rows[i, 1] = y + 1
                areas[i] += pixels
    return areas, rows


# Polygons.


def rasterise(polygons: Sequence[list[list[float]]], height: int, width: int) -> NDArray[np.bool_]:
    """Fill an array (n, height, width): mask i is the union of the rings of polygon i."""
    masks = np.zeros((len(polygons), height, width), np.bool_)
    changes = np.zeros(height * width + 1, np.bool_)
    for mask, rings in zip(masks, polygons, strict=True):
        for ring in rings:
            add_ring(np.asarray(ring, np.float64), changes, mask)
    return masks


@compiled
def add_ring(ring: NDArray[np.float64], changes: NDArray[np.bool_], mask: NDArray[np.bool_]) -> None:
    """Unite a mask with the inside of a ring. `changes` is scratch for every offset, False before and after."""
    height, width = mask.shape
    n = len(ring) // 2
    first, last = height * width, 0
    before_x, before_y = 0, 0
    for i in range(n):
        j = (i + 1) % n
        start_x, start_y = int(UPSAMPLING * ring[2 * i] + 0.5), int(UPSAMPLING * ring[2 * i + 1] + 0.5)
        end_x, end_y = int(UPSAMPLING * ring[2 * j] + 0.5), int(UPSAMPLING * ring[2 * j + 1] + 0.5)
        size_x, size_y = abs(end_x - start_x), abs(end_y - start_y)
        along_x = size_x >= size_y
        steps = size_x if along_x else size_y
        # COCO rounds from the lower end whichever way the edge is walked.
        flip = start_x > end_x if along_x else start_y > end_y
        if flip:
            start_x, start_y, end_x, end_y = end_x, end_y, start_x, start_y
        slope = (end_y - start_y if along_x else end_x - start_x) / max(steps, 1)
        for step in range(steps + 1):
            t = steps - step if flip else step
            x = start_x + t if along_x else int(start_x + slope * t + 0.5)
            y = int(start_y + slope * t + 0.5) if along_x else start_y + t
            left = min(x, before_x)
            if (i or step) and x != before_x and left >= 0 and left % UPSAMPLING == 2 and left < UPSAMPLING * width:
                row = int(np.ceil(min(max((min(y, before_y) + 0.5) / UPSAMPLING - 0.5, 0), height)))
                offset = left // UPSAMPLING * height + row
                changes[offset] = not changes[offset]
                first, last = min(first, offset), max(last, offset)
            before_x, before_y = x, y
    inside = False
    for x in range(first // height, min(last // height + 1, width)):
        for y in range(height):
            inside ^= changes[x * height + y]
            changes[x * height + y] = False
            mask[y, x] |= inside
    changes[height * width] = False  # crossings below the last column, which nothing follows


# COCO's text of run lengths.


def compress(runs: tuple[list[NDArray[Any]], int, int]) -> list[bytes]:
    """Write the run lengths of each mask as COCO text."""
    return [counts_to_text(counts).tobytes() for counts in runs[0]]


def parse(texts: Sequence[bytes]) -> list[NDArray[np.int64]]:
    """Read the run lengths of each mask from COCO text."""
    return [text_to_counts(np.frombuffer(text, np.uint8)) for text in texts]


@compiled
def counts_to_text(counts: NDArray[Any]) -> NDArray[np.uint8]:
    """Write run lengths as signed groups of five bits, lowest first."""
    text = np.empty(7 * len(counts), np.uint8)
    n = 0
    for i in range(len(counts)):
        x = np.int64(counts[i]) - (np.int64(counts[i - 2]) if i > 2 else 0)
        more = True
        while more:
            group = x & 31
            x >>= 5
            more = x != (-1 if group & 16 else 0)
            text[n] = (group | 32 if more else group) + 48
            n += 1
    return text[:n].copy()


@compiled
def text_to_counts(text: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Read run lengths from signed groups of five bits, lowest first."""
    counts = np.empty(len(text), np.int64)
    n, x, shift = 0, 0, 0
    for i in range(len(text)):
        group = int(text[i]) - 48
        x |= (group & 31) << shift
        shift += 5
        if not group & 32:
            if group & 16:
                x |= -1 << shift
            counts[n] = x + (counts[n - 2] if n > 2 else 0)
            n, x, shift = n + 1, 0, 0
    return counts[:n].copy()
