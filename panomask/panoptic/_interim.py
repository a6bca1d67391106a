"""Until panomask.panoptic.labels is there: the two of its functions that are needed, slowly."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panomask.rle import RLEArray


class Segments(NamedTuple):
    """Ids and masks."""

    ids: NDArray[Any]
    rles: RLEArray

    @property
    def area(self) -> NDArray[np.uint64]:
        """Pixels of each."""
        return self.rles.area

    @property
    def bbox(self) -> NDArray[np.float64]:
        """Box of each."""
        return self.rles.bbox


def segments(label_map: NDArray[Any]) -> Segments:
    """Find the segments of a map; 0 is none."""
    if label_map.dtype.kind not in "biu":
        raise TypeError(f"label_map has dtype {label_map.dtype}, expected integers")
    ids = np.unique(label_map)
    ids = ids[ids != 0]
    masks = [RLEArray.from_dense(label_map == i) for i in ids]
    return Segments(ids, RLEArray.concatenate(masks) if masks else RLEArray.empty())


def paint(
    rles: RLEArray, ids: ArrayLike, *, shape: tuple[int, int], dtype: Any = None, overlaps: str = "error"
) -> NDArray[Any]:
    """Paint masks one after the other."""
    values = np.asarray(ids)
    label_map = np.zeros(shape, dtype=values.dtype if dtype is None else dtype)
    for i, (x, y, width, height) in enumerate(rles.bbox.astype(int).tolist()):
        if width > 0:
            mask = rles[i : i + 1].to_dense(window=(y, x, height, width))[0].view(bool)
            part = label_map[y : y + height, x : x + width]
            if overlaps == "error" and part[mask].any():
                raise ValueError(f"rles[{i}] (id {values[i]}) has pixels in common with one before")
            part[mask] = values[i]
    return label_map
