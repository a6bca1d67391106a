"""The functions of ``pycocotools.mask``, with their names, shapes, dtypes, memory order and bytes.

Wherever pycocotools 2.0.11 returns a defined, right result this module returns the same to the last bit. Where it
returns rubbish, reads memory it does not own or fails for no reason, the answer here is right or a clear error; the
page "Differences from pycocotools" lists every such case. Every function that takes RLEs takes an `RLEArray` too.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from panomask import _check, cy_algebra, cy_counts, cy_dense, cy_overlap, cy_runs, cy_shapes
from panomask._arrays import as_boxes, as_groups, as_images, as_output
from panomask._batch import Batch

__all__: list[str] = ["area", "decode", "encode", "frPyObjects", "iou", "merge", "toBbox"]


def encode(bimask: Any) -> Any:
    """Encode masks.

    Parameters
    ----------
    bimask : array_like of bool or int, shape (h, w, n) or (h, w)
        Foreground is what is not zero. Any memory order; Fortran order is read fastest, as is an (n, h, w) array in
        C order that was transposed. Where the pixels of the n masks lie interleaved they are gathered one by one.

    Returns
    -------
    list of dict, or dict for one mask of shape (h, w)
        ``{"size": [h, w], "counts": bytes}``.

    Examples
    --------
    >>> encode(np.eye(3, dtype=np.uint8))
    {'size': [3, 3], 'counts': b'013000'}
    """
    pixels = _check.as_array(bimask, "bimask")
    images, _ = as_images(pixels, None, "hwn", "bimask")
    rles = cy_counts.to_dicts(cy_dense.encode(Batch, images, None, "bimask"))
    return rles[0] if pixels.ndim == 2 else rles


def decode(rleObjs: Any) -> NDArray[np.uint8]:  # noqa: N803 - pycocotools' name
    """Decode masks.

    Parameters
    ----------
    rleObjs : list of dict, or dict

    Returns
    -------
    ndarray of uint8, Fortran order, shape (h, w, n), or (h, w) for one dict

    Raises
    ------
    SizeMismatchError
        Masks of different sizes.
    """
    masks = cy_counts.from_dicts(Batch, rleObjs, "rleObjs")
    images, result, _ = as_output(masks, "hwn", None, None, "rleObjs")
    cy_dense.decode_into(masks, images, np.ones(1, np.uint8), True)
    return result[:, :, 0] if isinstance(rleObjs, dict) else result


def area(rleObjs: Any) -> Any:  # noqa: N803
    """Count foreground pixels.

    Parameters
    ----------
    rleObjs : list of dict, or dict

    Returns
    -------
    ndarray of uint32, shape (n,), or a uint32 scalar for one dict
        uint64 where an area passes 2^32 - 1.
    """
    areas = cy_runs.areas32(cy_counts.from_dicts(Batch, rleObjs, "rleObjs"))
    return areas[0] if isinstance(rleObjs, dict) else areas


def toBbox(rleObjs: Any) -> NDArray[np.float64]:  # noqa: N802, N803
    """Smallest boxes around masks.

    Parameters
    ----------
    rleObjs : list of dict, or dict

    Returns
    -------
    ndarray of float64, shape (n, 4), or (4,) for one dict
        x, y, width, height in pixels; zeros for an empty mask.
    """
    boxes = cy_runs.boxes(cy_counts.from_dicts(Batch, rleObjs, "rleObjs"))
    return boxes[0] if isinstance(rleObjs, dict) else boxes


def merge(rleObjs: Any, intersect: Any = 0) -> dict[str, Any]:  # noqa: N803
    """Unite masks, or intersect them.

    Parameters
    ----------
    rleObjs : list of dict
    intersect : bool or int
        Intersection instead of union.

    Returns
    -------
    dict
        No mask gives an image of 0 x 0 pixels without runs; one mask comes back with its runs as they are spelled.

    Raises
    ------
    SizeMismatchError
        Masks of different sizes.
    """
    masks = cy_counts.from_dicts(Batch, rleObjs, "rleObjs")
    if len(masks) == 1:
        return cy_counts.to_dicts(masks, verbatim=True)[0]
    operation = cy_algebra.INTERSECTION if intersect else cy_algebra.UNION
    merged = cy_algebra.reduce(operation, masks, as_groups(None, len(masks)), "rleObjs")
    return cy_counts.to_dicts(merged, verbatim=True)[0]


def iou(dt: Any, gt: Any, pyiscrowd: Any) -> Any:
    """Intersection over union of all pairs of masks, or of boxes.

    Parameters
    ----------
    dt, gt : list of dict, or boxes x, y, width, height as a list of lists or an array of shape (n, 4)
        Both of one kind.
    pyiscrowd : sequence of bool or int, shape (len(gt),), or None
        Where `gt` is a crowd, the intersection is divided by the area of `dt` alone.

    Returns
    -------
    ndarray of float64, Fortran order, shape (len(dt), len(gt))
        An empty list where `dt` or `gt` is empty.

    Raises
    ------
    SizeMismatchError
        Masks of different sizes.
    ValueError
        A wrong number of flags.

    Examples
    --------
    >>> iou([[0, 0, 2, 2]], [[1, 1, 2, 2]], [0])
    array([[0.14285714]])
    """
    dt_kind, n_dt = _kind_and_number(dt, "dt")
    gt_kind, n_gt = _kind_and_number(gt, "gt")
    crowd = cy_overlap.crowd_flags(pyiscrowd, n_gt, "pyiscrowd", "gt")
    if n_dt == 0 or n_gt == 0:
        return []
    if dt_kind != gt_kind:
        raise TypeError(f"dt is {dt_kind}, but gt is {gt_kind}; expected one kind")
    if dt_kind == "boxes":
        return cy_overlap.box_ious(as_boxes(dt, "dt"), as_boxes(gt, "gt"), crowd)
    masks_dt = cy_counts.from_dicts(Batch, dt, "dt")
    masks_gt = cy_counts.from_dicts(Batch, gt, "gt")
    return cy_overlap.coco_iou(masks_dt, masks_gt, crowd)


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
    if isinstance(pyobj, Batch | dict):
        return _rles_from_dicts(pyobj)
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
        return _rles_from_dicts(objects)
    if not hasattr(objects[0], "__len__"):  # one flat polygon or box
        if isinstance(objects[0], Real) and len(objects) % 2:
            raise ValueError(f"pyobj has {len(objects)} numbers, expected a box of 4 or a polygon of pairs x, y")
        return (rles_from_boxes if len(objects) == 4 else rles_from_polygons)([objects], h, w)[0]
    if len(objects[0]) == 4:
        return rles_from_boxes(objects, h, w)
    return rles_from_polygons(objects, h, w)


def _rles_from_dicts(rles: Any) -> Any:
    dicts = cy_counts.to_dicts(cy_counts.from_dicts(Batch, rles, "pyobj"), verbatim=True)
    return dicts[0] if isinstance(rles, dict) else dicts


def rles_from_boxes(bb: Any, h: int, w: int) -> list[dict[str, Any]]:
    """Rasterise boxes x, y, width, height; ``pycocotools._mask.frBbox``."""
    height, width = _check.image_size(h, w)
    xy, offsets = cy_shapes.box_corners(as_boxes(bb, "pyobj"))
    return _rasterize(xy, offsets, height, width)


def rles_from_polygons(poly: Any, h: int, w: int) -> list[dict[str, Any]]:
    """Rasterise polygons x0, y0, x1, y1, ..., one mask each; ``pycocotools._mask.frPoly``."""
    height, width = _check.image_size(h, w)
    xy, offsets = cy_shapes.read_rings(list(poly), _name_polygon, True)
    return _rasterize(xy, offsets, height, width)


def _rasterize(xy: NDArray[np.float64], offsets: NDArray[np.int64], height: int, width: int) -> list[dict[str, Any]]:
    return cy_counts.to_dicts(cy_shapes.rasterize_rings(Batch, xy, offsets, height, width, _name_polygon))


def _name_polygon(i: int) -> str:
    return f"pyobj[{i}]"


def _kind_and_number(objects: Any, name: str) -> tuple[str, int]:
    """Tell whether an operand of `iou` is RLEs or boxes, and how many."""
    if isinstance(objects, dict):
        return "RLEs", 1
    if isinstance(objects, str | bytes) or not hasattr(objects, "__len__"):
        raise TypeError(f"{name} is {type(objects).__name__}, expected RLE dicts or boxes")
    n = len(objects)
    return "RLEs" if isinstance(objects, Batch) or (n > 0 and isinstance(objects[0], dict)) else "boxes", n
