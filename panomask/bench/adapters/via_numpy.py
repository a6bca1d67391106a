"""Naive numpy: the shortest good code on decoded masks, without a mask library.

Users of it hold the masks of an image as one bool array (n, height, width), and run lengths as a list of integer
arrays. Every answer is exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..scenes import Masks

__all__ = [
    "NAME", "area", "box", "compress", "counts_of", "decode_hwn", "decode_nhw", "encode_hwn", "encode_nhw",
    "hold_counts", "hold_masks", "hold_runs", "hold_text", "intersection", "iou", "nms", "parse", "rasterise", "union",
    "version",
]  # fmt: skip

NAME = "numpy"

UPSAMPLING = 5  # COCO rasterises polygons on a grid this much finer than the pixels


def version() -> str:
    """Give the version in use."""
    return np.__version__


# The forms that users hold, and the answers as run lengths. None of this is timed.


def hold_masks(masks: Masks) -> NDArray[np.bool_]:
    """Decode masks to a bool array (n, height, width) in C order."""
    return np.array([decode_mask(counts, masks.height, masks.width) for counts in masks.counts], bool)


def hold_runs(masks: Masks) -> tuple[list[NDArray[Any]], int, int]:
    """Give the run lengths of each mask with the image's height and width."""
    return list(masks.counts), masks.height, masks.width


hold_counts = hold_runs


def hold_text(masks: Masks) -> list[bytes]:
    """Give the COCO text of each mask."""
    return compress(hold_runs(masks))


def counts_of(answer: Any) -> list[NDArray[Any]]:
    """Give the run lengths of masks in any form that a function of this module returns."""
    if isinstance(answer, np.ndarray):
        return encode_planes(answer.reshape(-1, *answer.shape[-2:]))
    return list(answer)


# Pixels to runs and back.


def encode_hwn(pixels: NDArray[np.uint8]) -> list[NDArray[np.int64]]:
    """Give the run lengths of an array (height, width, n) in Fortran order."""
    return encode_planes(np.moveaxis(pixels, 2, 0))


def encode_nhw(pixels: NDArray[np.uint8]) -> list[NDArray[np.int64]]:
    """Give the run lengths of an array (n, height, width) in C order."""
    return encode_planes(pixels)


def decode_hwn(runs: tuple[list[NDArray[Any]], int, int]) -> NDArray[np.uint8]:
    """Fill an array (height, width, n) in Fortran order from run lengths."""
    counts, height, width = runs
    pixels = np.empty((height, width, len(counts)), np.uint8, order="F")
    for i, each in enumerate(counts):
        pixels[:, :, i] = decode_mask(each, height, width)
    return pixels


def decode_nhw(runs: tuple[list[NDArray[Any]], int, int]) -> NDArray[np.uint8]:
    """Fill an array (n, height, width) in C order from run lengths."""
    counts, height, width = runs
    pixels = np.empty((len(counts), height, width), np.uint8)
    for i, each in enumerate(counts):
        pixels[i] = decode_mask(each, height, width)
    return pixels


def encode_planes(planes: Iterable[NDArray[Any]]) -> list[NDArray[np.int64]]:
    """Give the run lengths of each (height, width) mask: a run ends where a pixel differs from the next."""
    runs = []
    for plane in planes:
        flat = plane.ravel(order="F")
        ends = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        start = [0, 0] if flat[0] else [0]  # a mask that begins with foreground has an empty run before it
        runs.append(np.diff(np.concatenate([start, ends, [flat.size]])))
    return runs


def decode_mask(counts: NDArray[Any], height: int, width: int) -> NDArray[np.uint8]:
    """Fill one (height, width) mask, in Fortran order, from its run lengths."""
    values = np.arange(len(counts), dtype=np.uint8) & 1
    return np.repeat(values, counts).reshape((height, width), order="F")


# Measures and set operations on masks.


def area(masks: NDArray[np.bool_]) -> list[int]:
    """Count the pixels of each mask."""
    return [int(np.count_nonzero(mask)) for mask in masks]


def box(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Give the box x, y, w, h of each mask; an empty mask has four zeros."""
    boxes = np.zeros((len(masks), 4))
    for i, mask in enumerate(masks):
        cols, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
        if len(cols):
            boxes[i] = cols[0], rows[0], cols[-1] - cols[0] + 1, rows[-1] - rows[0] + 1
    return boxes


def union(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Unite all masks of the image into one."""
    return np.asarray(masks.any(axis=0))


def intersection(masks: NDArray[np.bool_], others: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Intersect mask i with other i."""
    return masks & others


def iou(dt: NDArray[np.bool_], gt: NDArray[np.bool_], iscrowd: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Divide intersection by union for all pairs; a crowd's union is the detection alone, as in COCO."""
    # The matrix product of floats is the fast one, on as many threads as BLAS takes; a float32 counts up to 2**24.
    dtype: type[np.floating[Any]] = np.float32 if dt[0].size <= 2**24 else np.float64
    rows, cols = dt.reshape(len(dt), -1).astype(dtype), gt.reshape(len(gt), -1).astype(dtype)
    shared = (rows @ cols.T).astype(np.float64)
    dt_area, gt_area = np.array(area(dt))[:, None], np.array(area(gt))
    whole = np.where(iscrowd, dt_area, dt_area + gt_area - shared)
    return np.divide(shared, whole, out=np.zeros_like(shared), where=shared > 0)


def nms(masks: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Keep the best of those whose IoU is above a half, by the matrix of all IoUs."""
    return keep_best(iou(masks, masks, np.zeros(len(masks), np.uint8)), scores)


def keep_best(ious: NDArray[np.float64], scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Keep the best of those whose entry in the matrix is above a half: the greedy rule, a row at a time."""
    left = np.argsort(-scores, kind="stable")
    kept = []
    while len(left):
        kept.append(left[0])
        left = left[ious[left[0], left] <= 0.5]
        if len(left) and left[0] == kept[-1]:  # an empty mask has no IoU with itself
            left = left[1:]
    return np.array(kept, np.int64)


# Polygons.


def rasterise(polygons: Sequence[list[list[float]]], height: int, width: int) -> NDArray[np.bool_]:
    """Fill an array (n, height, width): mask i is the union of the rings of polygon i."""
    masks = np.zeros((len(polygons), height, width), bool)
    for mask, rings in zip(masks, polygons, strict=True):
        for ring in rings:
            offsets = np.sort(np.append(crossings(np.asarray(ring, np.float64), height, width), height * width))
            # Two crossings at one place are a run of no pixels, which decodes to nothing.
            mask |= decode_mask(np.diff(offsets, prepend=0), height, width).view(bool)
    return masks


def crossings(ring: NDArray[np.float64], height: int, width: int) -> NDArray[np.int64]:
    """Give the flat offsets at which COCO's rasteriser changes between outside and inside, unsorted.

    The ring is walked in steps of one along the longer axis of each edge, on a grid 5 times finer than the pixels; it
    changes sides where two neighbouring steps lie left and right of the centre line of a pixel column.
    """
    vertices = np.trunc(UPSAMPLING * ring[: ring.size // 2 * 2].reshape(-1, 2) + 0.5).astype(np.int64)
    walks = [edge_walk(*edge) for edge in zip(vertices, np.roll(vertices, -1, axis=0), strict=True)]
    x, y = np.concatenate(walks, axis=1)
    left, low = np.minimum(x[1:], x[:-1]), np.minimum(y[1:], y[:-1])
    # Columns are centred at 2.5 on the fine grid, so the two steps are 5 c + 2 and 5 c + 3.
    crosses = (x[1:] != x[:-1]) & (left % UPSAMPLING == 2) & (left >= 0) & (left < UPSAMPLING * width)
    row = np.ceil(np.clip((low[crosses] + 0.5) / UPSAMPLING - 0.5, 0, height)).astype(np.int64)
    return np.asarray(left[crosses] // UPSAMPLING * height + row)


def edge_walk(start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the points, shape (2, k), of one edge from start to end."""
    size = np.abs(end - start)
    along = 0 if size[0] >= size[1] else 1
    steps = np.arange(size[along] + 1)
    if start[along] > end[along]:
        # COCO rounds from the lower end whichever way the edge is walked.
        start, end, steps = end, start, steps[::-1]
    slope = (end[1 - along] - start[1 - along]) / max(size[along], 1)
    points = np.empty((2, len(steps)), np.int64)
    points[along] = steps + start[along]
    points[1 - along] = np.trunc(start[1 - along] + slope * steps + 0.5)
    return points


# COCO's text of run lengths.


def compress(runs: tuple[list[NDArray[Any]], int, int]) -> list[bytes]:
    """Write the run lengths of each mask as COCO text."""
    texts = []
    for counts in runs[0]:
        x = counts.astype(np.int64)
        x[3:] -= counts[1:-2].astype(np.int64)
        # k groups of five bits hold -2**(5k-1) <= x < 2**(5k-1)
        magnitude = np.where(x < 0, ~x, x)
        lengths = 1 + np.sum([magnitude >> (5 * k - 1) > 0 for k in range(1, 7)], axis=0)
        ends = np.cumsum(lengths)
        text = np.empty(ends[-1], np.uint8)
        for k in range(lengths.max()):
            there = lengths > k
            more = np.where(lengths[there] > k + 1, 32, 0)
            text[(ends - lengths)[there] + k] = (x[there] >> 5 * k & 31 | more) + 48
        texts.append(text.tobytes())
    return texts


def parse(texts: Sequence[bytes]) -> list[NDArray[np.int64]]:
    """Read the run lengths of each mask from COCO text."""
    runs = []
    for text in texts:
        groups = np.frombuffer(text, np.uint8).astype(np.int64) - 48
        ends = np.flatnonzero(groups & 32 == 0) + 1
        starts = np.append(0, ends[:-1])
        shifts = 5 * (np.arange(len(groups)) - np.repeat(starts, ends - starts))
        counts = np.add.reduceat((groups & 31) << shifts, starts)
        counts -= np.where(groups[ends - 1] & 16, 1 << 5 * (ends - starts), 0)
        # From the fourth on, a count is written as its difference from the one two before it.
        counts[1::2] = np.cumsum(counts[1::2])
        counts[2::2] = np.cumsum(counts[2::2])
        runs.append(counts)
    return runs
