"""Slow, obvious definitions of what panomask computes, on plain numpy arrays and lists; each quotes its source.

A mask is a bool array of shape (h, w). Nothing here imports panomask.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


# ---- runs -----------------------------------------------------------------------------------------------------------


def encode(mask: Mask) -> list[int]:
    """Lengths of the runs, column by column, background first: cocoapi's comment at the head of ``mask.py``.

    An image without pixels has the one count 0 (``rleEncode`` of ``common/maskApi.c``).
    """
    counts = [0]
    value = False
    for pixel in np.asarray(mask).flatten(order="F"):
        if bool(pixel) != value:
            counts.append(0)
            value = not value
        counts[-1] += 1
    return counts


def decode(counts: Sequence[int], height: int, width: int) -> Mask:
    """Runs of background and foreground in turn, laid down column by column."""
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    assert len(flat) == height * width
    return flat.reshape((height, width), order="F")


def area(mask: Mask) -> int:
    """Foreground pixels."""
    return int(np.count_nonzero(mask))


def bbox(mask: Mask) -> list[float]:
    """x, y, width, height of the smallest box around the foreground, zeros where there is none."""
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        return [0.0, 0.0, 0.0, 0.0]
    x, y = columns.min(), rows.min()
    return [float(x), float(y), float(columns.max() - x + 1), float(rows.max() - y + 1)]


# ---- counts text ----------------------------------------------------------------------------------------------------


def counts_to_text(counts: Sequence[int]) -> bytes:
    """COCO's compressed text: groups of five bits, lowest first, from index 3 on the difference to two counts before.

    ``rleToString`` of ``common/maskApi.c``, whose comment says: similar to LEB128, but with 6 bits a character and
    ASCII characters 48 to 111.
    """
    text = bytearray()
    for i, count in enumerate(counts):
        x = count - (counts[i - 2] if i > 2 else 0)
        while True:
            group = x & 31
            x >>= 5
            more = x != (-1 if group & 16 else 0)
            text.append(48 + group + 32 * more)
            if not more:
                break
    return bytes(text)


def text_to_counts(text: bytes) -> list[int]:
    """Read `counts_to_text` back: ``rleFrString`` of ``common/maskApi.c``, with integers of any size."""
    counts: list[int] = []
    groups: list[int] = []
    for byte in text:
        groups.append(byte - 48)
        if groups[-1] & 32:
            continue
        x = sum((group & 31) << 5 * k for k, group in enumerate(groups))
        if groups[-1] & 16:
            x -= 1 << 5 * len(groups)
        if len(counts) > 2:
            x += counts[-2]
        counts.append(x)
        groups = []
    assert not groups, "the text ends inside a number"
    return counts


def text_to_error(text: bytes, height: int, width: int) -> str | None:
    """What is wrong with a text of an image of this size, in the words of pm_status.c; None where nothing is."""
    begin = covered = 0
    counts: list[int] = []
    value = shift = 0
    for at, byte in enumerate(text):
        if not 48 <= byte <= 111:
            return f"counts has byte {byte} at position {at}; COCO text has only bytes 48 to 111"
        if at - begin == 12:
            return f"counts has a number of more than 12 characters at position {begin}"
        value |= (byte - 48 & 31) << shift
        shift += 5
        if byte - 48 & 32:
            continue
        run = value - ((1 << shift) if byte - 48 & 16 else 0) + (counts[-2] if len(counts) > 2 else 0)
        if run < 0:
            return f"run {len(counts)} is {run} pixels long"
        covered += run
        if run >= 2**32 and covered > height * width:
            break
        counts.append(run)
        begin, value, shift = at + 1, 0, 0
    else:
        if begin < len(text):
            return f"counts ends inside a number that begins at position {begin} of its {len(text)} characters"
    if covered != height * width:
        return f"runs cover {covered} pixels, expected {height * width} ({height} x {width})"
    return None


# ---- shapes ---------------------------------------------------------------------------------------------------------


def rasterize(ring: Sequence[float], height: int, width: int) -> Mask:
    """Fill a ring x0, y0, x1, y1, ... by ``rleFrPoly`` of ``common/maskApi.c``.

    Walk along the edges in fifths of a pixel, note where the walk passes the centre line of a column, and change
    colour there: the pixels from each note on, column by column, are toggled.
    """
    points = [(math.trunc(5 * x + 0.5), math.trunc(5 * y + 0.5)) for x, y in zip(ring[::2], ring[1::2], strict=False)]
    walk: list[tuple[int, int]] = []
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        along_x = abs(x1 - x0) >= abs(y1 - y0)
        flip = x0 > x1 if along_x else y0 > y1
        (xs, ys), (xe, ye) = ((x1, y1), (x0, y0)) if flip else ((x0, y0), (x1, y1))
        steps = xe - xs if along_x else ye - ys
        slope = ((ye - ys) if along_x else (xe - xs)) / steps if steps else 0.0
        for t in range(steps, -1, -1) if flip else range(steps + 1):
            if along_x:
                walk.append((xs + t, math.trunc(ys + slope * t + 0.5)))
            else:
                walk.append((math.trunc(xs + slope * t + 0.5), ys + t))
    toggles = np.zeros(height * width + 1, dtype=np.int64)
    for (u0, v0), (u1, v1) in pairwise(walk):
        if u0 == u1:
            continue
        column = (min(u0, u1) + 0.5) / 5 - 0.5
        if column != math.floor(column) or not 0 <= column <= width - 1:
            continue
        row = math.ceil(min(max((min(v0, v1) + 0.5) / 5 - 0.5, 0), height))
        toggles[int(column) * height + row] += 1
    flat = np.cumsum(toggles[:-1]) % 2 == 1
    return flat.reshape((height, width), order="F")


def box_ring(box: Sequence[float]) -> list[float]:
    """The corners of a box x, y, width, height: ``rleFrBbox`` of ``common/maskApi.c``."""
    x, y, w, h = box
    return [x, y, x, y + h, x + w, y + h, x + w, y]


# ---- algebra and overlap --------------------------------------------------------------------------------------------

OPERATIONS: dict[str, Callable[[Mask, Mask], Mask]] = {
    "|": lambda a, b: a | b,
    "&": lambda a, b: a & b,
    "-": lambda a, b: a & ~b,
    "^": lambda a, b: a ^ b,
}


def iou(a: Mask, b: Mask, *, b_is_crowd: bool = False) -> float:
    """Intersection over union; where b is a crowd, over the area of a; 0 where nothing is shared.

    The comment at the end of the head of cocoapi's ``mask.py``.
    """
    shared = area(a & b)
    return 0.0 if shared == 0 else shared / (area(a) if b_is_crowd else area(a | b))


def dice(a: Mask, b: Mask) -> float:
    """Twice the intersection over the sum of the areas (Dice 1945); 0 for two empty masks."""
    shared = area(a & b)
    return 0.0 if shared == 0 else 2 * shared / (area(a) + area(b))


def box_iou(a: Sequence[float], b: Sequence[float], *, b_is_crowd: bool = False) -> float:
    """IoU of boxes x, y, width, height as continuous rectangles: ``bbIou`` of ``common/maskApi.c``."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    area_a, area_b = a[2] * a[3], b[2] * b[3]
    return (w * h) / (area_a if b_is_crowd else area_a + area_b - w * h)


def ios(a: Mask, b: Mask) -> float:
    """Intersection over the smaller area, the overlap coefficient (Szymkiewicz, Simpson); 0 where nothing is shared."""
    shared = area(a & b)
    return 0.0 if shared == 0 else shared / min(area(a), area(b))


# ---- non-maximum suppression ----------------------------------------------------------------------------------------


def ranked(scores: Sequence[float]) -> list[int]:
    """Indices in descending order of the scores, equal ones as they come."""
    return sorted(range(len(scores)), key=lambda i: -scores[i])


def keepers(
    ratio: Callable[[Mask, Mask], float],
    masks: Sequence[Mask],
    scores: Sequence[float],
    threshold: float,
    classes: Sequence[int],
) -> list[int]:
    """Greedy non-maximum suppression: which mask keeps each one.

    From the best on, a mask goes to the first kept one of its class with which its ratio is above the threshold, or
    else is kept: the loop in the documentation of ``torchvision.ops.nms``.
    """
    found = [-1] * len(masks)
    for j in ranked(scores):
        better = [k for k in ranked(scores) if found[k] == k and classes[k] == classes[j]]
        found[j] = next((k for k in better if ratio(masks[k], masks[j]) > threshold), j)
    return found


def decayed(
    masks: Sequence[Mask],
    scores: Sequence[float],
    classes: Sequence[int],
    decay: Callable[[float], float],
) -> list[float]:
    """Matrix NMS of SOLOv2 (Wang et al. 2020) with its f given; a mask i whose f(largest IoU) is 0 has no say."""
    order = ranked(scores)
    found = list(scores)
    for place, j in enumerate(order):
        factors = [1.0]
        for above, i in enumerate(order[:place]):
            largest = max((iou(masks[k], masks[i]) for k in order[:above] if classes[k] == classes[i]), default=0.0)
            if classes[i] == classes[j] and decay(largest) > 0:
                factors.append(decay(iou(masks[i], masks[j])) / decay(largest))
        found[j] = scores[j] * min(factors)
    return found
