"""panomask: batches of run lengths.

Users of it hold the masks of an image as one `RLEArray`. It keeps its areas and boxes once they are known, so every
timed call that could find them gets a fresh view (`rles[:]`), whose cost is in the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import panomask
from panomask import RLEArray

from . import via_numpy

if TYPE_CHECKING:
    from ..scenes import Masks

__all__ = [
    "NAME", "area", "box", "compress", "counts_of", "decode_hwn", "decode_nhw", "encode_hwn", "encode_nhw",
    "hold_counts", "hold_masks", "hold_runs", "hold_text", "intersection", "iou", "nms", "parse", "rasterise", "union",
    "version",
]  # fmt: skip

NAME = "panomask"


def version() -> str:
    """Give the version in use."""
    return str(panomask.__version__)


def hold_masks(masks: Masks) -> RLEArray:
    """Give a batch of run lengths."""
    offsets = np.cumsum([0, *map(len, masks.counts)])
    return RLEArray.from_counts(np.concatenate(masks.counts), offsets, [(masks.height, masks.width)] * len(masks))


hold_runs = hold_counts = hold_masks


def hold_text(masks: Masks) -> list[dict[str, Any]]:
    """Give a list of compressed COCO RLE dicts."""
    texts = via_numpy.compress(via_numpy.hold_runs(masks))
    return [{"size": [masks.height, masks.width], "counts": text} for text in texts]


def counts_of(answer: RLEArray) -> list[NDArray[Any]]:
    """Give the run lengths of each mask of a batch."""
    return np.split(answer.counts, answer.offsets[1:-1])


def encode_hwn(pixels: NDArray[np.uint8]) -> RLEArray:
    """Give the runs of an array (height, width, n) in Fortran order."""
    return RLEArray.from_dense(pixels, layout="hwn")


def encode_nhw(pixels: NDArray[np.uint8]) -> RLEArray:
    """Give the runs of an array (n, height, width) in C order."""
    return RLEArray.from_dense(pixels)


def decode_hwn(rles: RLEArray) -> NDArray[Any]:
    """Fill an array (height, width, n) in Fortran order."""
    return rles.to_dense(layout="hwn")


def decode_nhw(rles: RLEArray) -> NDArray[Any]:
    """Fill an array (n, height, width) in C order."""
    return rles.to_dense()


def area(rles: RLEArray) -> NDArray[np.uint64]:
    """Count the pixels of each mask."""
    return rles[:].area


def box(rles: RLEArray) -> NDArray[np.float64]:
    """Give the box x, y, w, h of each mask."""
    return rles[:].bbox


def union(rles: RLEArray) -> RLEArray:
    """Unite all masks of the image into one."""
    return rles.union()


def intersection(rles: RLEArray, others: RLEArray) -> RLEArray:
    """Intersect mask i with other i."""
    return rles & others


def iou(dt: RLEArray, gt: RLEArray, iscrowd: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Divide intersection by union for all pairs."""
    return dt[:].iou(gt[:], iscrowd)


def nms(rles: RLEArray, scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Keep the best of those whose IoU is above a half."""
    return panomask.overlap.nms(rles, scores)


def rasterise(polygons: Sequence[list[list[float]]], height: int, width: int) -> RLEArray:
    """Give the runs of each polygon, its rings united."""
    return RLEArray.from_polygons(polygons, height, width)


def compress(rles: RLEArray) -> Any:
    """Write the runs of each mask as COCO text."""
    return rles.to_coco()


def parse(rles: list[dict[str, Any]]) -> RLEArray:
    """Read the runs of each mask from COCO text."""
    return RLEArray.from_coco(rles)
