"""pycocotools: the reference, on COCO RLE dicts with compressed counts.

Users of it hold the masks of an image as a list of `{"size": [height, width], "counts": bytes}`. Every call reads that
text, and calls that return masks write it. Dense arrays are (height, width, n) in Fortran order; those in any other
order are converted by the caller, as users of it do.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from . import via_numpy

if TYPE_CHECKING:
    from ..scenes import Masks

__all__ = [
    "NAME", "area", "box", "compress", "counts_of", "decode_hwn", "decode_nhw", "encode_hwn", "encode_nhw",
    "hold_counts", "hold_masks", "hold_runs", "intersection", "iou", "nms", "rasterise", "union", "version",
]  # fmt: skip

NAME = "pycocotools"

RLE = dict[str, Any]


def version() -> str:
    """Give the version in use."""
    return metadata.version("pycocotools")


def hold_counts(masks: Masks) -> list[RLE]:
    """Give a list of uncompressed COCO RLE dicts."""
    return [{"size": [masks.height, masks.width], "counts": counts.tolist()} for counts in masks.counts]


def hold_masks(masks: Masks) -> Any:
    """Give a list of compressed COCO RLE dicts."""
    return compress(hold_counts(masks))


hold_runs = hold_masks


def counts_of(answer: RLE | list[RLE]) -> list[NDArray[Any]]:
    """Give the run lengths of one COCO RLE dict or of a list of them."""
    rles = [answer] if isinstance(answer, dict) else answer
    return list(via_numpy.parse([rle["counts"] for rle in rles]))


def encode_hwn(pixels: NDArray[np.uint8]) -> Any:
    """Give the RLE dicts of an array (height, width, n) in Fortran order."""
    return coco_mask.encode(pixels)


def encode_nhw(pixels: NDArray[np.uint8]) -> Any:
    """Give the RLE dicts of an array (n, height, width) in C order, which has to be transposed first."""
    return coco_mask.encode(np.asfortranarray(pixels.transpose(1, 2, 0)))


def decode_hwn(rles: list[RLE]) -> Any:
    """Fill an array (height, width, n) in Fortran order from RLE dicts."""
    return coco_mask.decode(rles)


def decode_nhw(rles: list[RLE]) -> NDArray[np.uint8]:
    """Fill an array (n, height, width) in C order from RLE dicts, by transposing."""
    return np.ascontiguousarray(coco_mask.decode(rles).transpose(2, 0, 1))


def area(rles: list[RLE]) -> Any:
    """Count the pixels of each mask."""
    return coco_mask.area(rles)


def box(rles: list[RLE]) -> Any:
    """Give the box x, y, w, h of each mask."""
    return coco_mask.toBbox(rles)


def union(rles: list[RLE]) -> Any:
    """Unite all masks of the image into one."""
    return coco_mask.merge(rles)


def intersection(rles: list[RLE], others: list[RLE]) -> list[Any]:
    """Intersect mask i with other i."""
    return [coco_mask.merge([rle, other], intersect=True) for rle, other in zip(rles, others, strict=True)]


def iou(dt: list[RLE], gt: list[RLE], iscrowd: NDArray[np.uint8]) -> Any:
    """Divide intersection by union for all pairs."""
    return coco_mask.iou(dt, gt, iscrowd)


def nms(rles: list[RLE], scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Keep the best of those whose IoU is above a half, by the matrix of all IoUs."""
    return via_numpy.keep_best(coco_mask.iou(rles, rles, [0] * len(rles)), scores)


def rasterise(polygons: Sequence[list[list[float]]], height: int, width: int) -> list[Any]:
    """Give the RLE dict of each polygon, its rings united."""
    return [coco_mask.merge(coco_mask.frPyObjects(rings, height, width)) for rings in polygons]


def compress(rles: list[RLE]) -> Any:
    """Write the counts of uncompressed RLE dicts, lists of numbers, as COCO text."""
    return coco_mask.frPyObjects(rles, *rles[0]["size"])
