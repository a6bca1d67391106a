"""The functions of ``pycocotools.mask``, with their names, shapes, dtypes, memory order and bytes.

Wherever pycocotools 2.0.11 returns a defined, right result this module returns the same to the last bit. Where it
returns rubbish, reads memory it does not own or fails for no reason, the answer here is right or a clear error; the
page "Differences from pycocotools" lists every such case. Every function that takes RLEs takes an `RLEArray` too.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from panomask import _check, cy_shapes
from panomask._batch import Batch
from panomask.cy_mask import area, decode, encode, iou, merge, rles_from_dicts, toBbox

__all__: list[str] = ["area", "decode", "encode", "frPyObjects", "iou", "merge", "toBbox"]


def frPyObjects(pyobj: Any, h: int, w: int) -> Any:  # noqa: N802
    """Turn polygons, boxes or uncompressed RLEs into compressed RLEs.

    Parameters
    ----------
    pyobj : list, ndarray or dict
        A list of polygons ``[x0, y0, x1, y1, ...]``, of boxes ``[x, y, width, height]`` or of dicts with counts; an
        array of boxes (n, 4); or one polygon, box or dict. What the first element is, all are.
    h, w : int
        Size of the image; dicts bring their own.

    Returns
    -------
    list of dict, or dict for one polygon, box or dict

    Examples
    --------
    >>> frPyObjects([[1, 1, 6, 1, 6, 5]], 6, 8)
    [{'size': [6, 8], 'counts': b'=151O1O1:'}]
    """
    if type(pyobj) is list and pyobj and type(pyobj[0]) is list and len(pyobj[0]) != 4:
        return rles_from_polygons(
            pyobj, h, w
        )  # as annotations have them; below, the same and all else, a microsecond later
    if isinstance(pyobj, Batch | dict):
        return rles_from_dicts(pyobj)
    if isinstance(pyobj, np.ndarray):
        if pyobj.ndim == 0 or (pyobj.ndim == 2 and pyobj.shape[1] % 2):
            raise ValueError(f"pyobj has shape {pyobj.shape}, expected (n, 4) for boxes or (n, 2 k) for polygons")
        if pyobj.ndim == 2 and pyobj.shape[1] == 4:
            return rles_from_boxes(pyobj, h, w)
    if isinstance(pyobj, str | bytes) or not hasattr(pyobj, "__iter__"):
        raise TypeError(f"pyobj is {type(pyobj).__name__}, expected polygons, boxes or RLE dicts")
    objects = list(pyobj)
    if not objects:
        return []
    if isinstance(objects[0], dict):
        return rles_from_dicts(objects)
    if not hasattr(objects[0], "__len__"):  # one flat polygon or box
        if isinstance(objects[0], Real) and len(objects) % 2:
            raise ValueError(f"pyobj has {len(objects)} numbers, expected a box of 4 or a polygon of pairs x, y")
        return (rles_from_boxes if len(objects) == 4 else rles_from_polygons)([objects], h, w)[0]
    if len(objects[0]) == 4:
        return rles_from_boxes(objects, h, w)
    return rles_from_polygons(objects, h, w)


def rles_from_boxes(bb: Any, h: int, w: int) -> list[dict[str, Any]]:
    """Rasterise boxes x, y, width, height; ``pycocotools._mask.frBbox``."""
    height, width = _check.image_size(h, w)
    xy, offsets = cy_shapes.box_corners(_check.as_boxes(bb, "pyobj"))
    return cy_shapes.rasterize_to_dicts(xy, offsets, height, width, _name_polygon)


def rles_from_polygons(poly: Any, h: int, w: int) -> list[dict[str, Any]]:
    """Rasterise polygons x0, y0, x1, y1, ..., one mask each; ``pycocotools._mask.frPoly``."""
    height, width = _check.image_size(h, w)
    xy, offsets = cy_shapes.read_rings(list(poly), _name_polygon, True)
    return cy_shapes.rasterize_to_dicts(xy, offsets, height, width, _name_polygon)


def _name_polygon(i: int) -> str:
    return f"pyobj[{i}]"
