# cython: embedsignature=False
# the docstrings are public ones
"""The calls of `panomask.mask` that evaluators make by the thousand: from dicts to the answer without an object in
between."""

from libc.stdint cimport UINT32_MAX, int64_t, uint8_t, uint32_t, uint64_t

cimport numpy as cnp

from panomask._batch cimport Batch, Scratch, counts_data, double_data, new_scratch, new_uint64, uint64_data
from panomask._c cimport (
    PM_INTERSECTION,
    PM_OK,
    PM_RATIO_IOU,
    PM_UNION,
    pm_algebra_reduce,
    pm_algebra_reduce_bound,
    pm_algebra_reduce_scratch,
    pm_batch,
    pm_dense,
    pm_overlap_matrix,
    pm_overlap_matrix_ratio,
    pm_overlap_scratch,
    pm_runs_area,
    pm_runs_bbox,
    pm_status,
    pm_where,
)
from panomask._check cimport flags
from panomask._dense cimport common_size, decode_images, encode_dicts, images_of
from panomask._dicts cimport begin, call_masks, end, read, write_dicts
from panomask._overlap cimport intersect_all
from panomask._status cimport check as check_status

cnp.import_array()

from numbers import Real

from panomask._arrays import as_images
from panomask._check import as_array, as_boxes
from panomask.cy_overlap import box_ious
from panomask.cy_shapes import rles_from_boxes, rles_from_polygons

# Runs that are compared without letting go of the GIL: some 20 us, while letting go and coming back costs 0.1.
cdef int64_t SHORT_RUNS = 1 << 12

cdef enum:
    SMALL_SCRATCH = 256  # words on the stack


def encode(bimask):
    """Encode masks.

    Parameters
    ----------
    bimask : array_like of bool or int, shape (h, w, n) or (h, w)
        Foreground is what is not zero. Any memory order; Fortran order is read fastest, as is an (n, h, w) array in
        C order that was transposed.

    Returns
    -------
    list of dict, or dict for one mask of shape (h, w)
        ``{"size": [h, w], "counts": bytes}``.

    Examples
    --------
    >>> import numpy as np
    >>> encode(np.eye(3, dtype=np.uint8))
    {'size': [3, 3], 'counts': b'013000'}
    """
    cdef pm_dense images
    cdef bint is_plain = cnp.PyArray_CheckExact(bimask) and cnp.PyArray_TYPE(<cnp.ndarray>bimask) <= cnp.NPY_ULONGLONG
    pixels = bimask if is_plain else as_array(bimask, "bimask")
    if is_plain and 2 <= cnp.PyArray_NDIM(<cnp.ndarray>pixels) <= 3:
        images = images_of(pixels, True, None)
    else:
        images = images_of(as_images(pixels, None, "hwn", "bimask")[0], False, None)
    rles = encode_dicts(&images, "bimask")
    return rles[0] if cnp.PyArray_NDIM(<cnp.ndarray>pixels) == 2 else rles


def decode(rleObjs):
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
    cdef call_masks masks
    cdef pm_dense images
    cdef int64_t[2] size
    cdef cnp.npy_intp[3] shape
    cdef cnp.ndarray pixels
    cdef uint8_t one = 1
    begin(&masks)
    try:
        read(rleObjs, "rleObjs", &masks)
        common_size(&masks.view, "rleObjs", size)
        shape[0] = size[0]
        shape[1] = size[1]
        shape[2] = masks.view.n
        pixels = cnp.PyArray_ZEROS(2 if masks.is_one else 3, shape, cnp.NPY_UINT8, 1)
        images = images_of(pixels, True, None)
        decode_images(&masks.view, &images, &one, True, None)
    finally:
        end(&masks)
    return pixels


def area(rleObjs):
    """Count foreground pixels.

    Parameters
    ----------
    rleObjs : list of dict, or dict

    Returns
    -------
    ndarray of uint32, shape (n,), or a uint32 scalar for one dict
        uint64 where an area passes 2^32 - 1.
    """
    cdef call_masks masks
    begin(&masks)
    try:
        read(rleObjs, "rleObjs", &masks)
        areas = areas_of(&masks.view)
    finally:
        end(&masks)
    return areas[0] if masks.is_one else areas


cdef object areas_of(const pm_batch *masks):
    cdef cnp.npy_intp n = masks.n
    cdef cnp.ndarray areas = cnp.PyArray_SimpleNew(1, &n, cnp.NPY_UINT32)
    cdef pm_batch mask
    cdef uint64_t area
    cdef int64_t i
    for i in range(n):
        mask = pm_batch(masks.counts, masks.offsets + i, masks.sizes + 2 * i, 1)
        pm_runs_area(&mask, &area)
        if area > UINT32_MAX:
            areas = new_uint64(n)
            pm_runs_area(masks, uint64_data(areas))
            break
        counts_data(areas)[i] = <uint32_t>area
    return areas


def toBbox(rleObjs):
    """Smallest boxes around masks.

    Parameters
    ----------
    rleObjs : list of dict, or dict

    Returns
    -------
    ndarray of float64, shape (n, 4), or (4,) for one dict
        x, y, width, height in pixels; zeros for an empty mask.
    """
    cdef call_masks masks
    cdef cnp.npy_intp[2] shape
    cdef cnp.ndarray boxes
    begin(&masks)
    try:
        read(rleObjs, "rleObjs", &masks)
        shape[0] = masks.view.n
        shape[1] = 4
        boxes = cnp.PyArray_SimpleNew(2, shape, cnp.NPY_FLOAT64)
        pm_runs_bbox(&masks.view, double_data(boxes))
    finally:
        end(&masks)
    return boxes[0] if masks.is_one else boxes


def merge(rleObjs, intersect=0):
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
    cdef call_masks masks
    cdef bint is_intersection = bool(intersect)
    begin(&masks)
    try:
        read(rleObjs, "rleObjs", &masks)
        if masks.view.n == 1:
            return write_dicts(&masks.view, False, True)[0]
        return merged(&masks.view, is_intersection)
    finally:
        end(&masks)


cdef dict merged(const pm_batch *masks, bint is_intersection):
    cdef int64_t[2] group
    cdef int64_t[2] offsets
    cdef int64_t[2] size
    cdef pm_where where
    cdef pm_status status
    group[0] = 0
    group[1] = masks.n
    cdef size_t counts_size = pm_algebra_reduce_bound(masks, group, 1) * sizeof(uint32_t)
    counts_size = (counts_size + 7) // 8 * 8
    cdef Scratch scratch = new_scratch(counts_size + pm_algebra_reduce_scratch(masks, group, 1))
    cdef uint32_t *counts = <uint32_t *>scratch.data
    with nogil:
        status = pm_algebra_reduce(PM_INTERSECTION if is_intersection else PM_UNION, masks, group, 1, counts, offsets,
                                   size, <char *>scratch.data + counts_size, &where)
    check_status(status, &where, "rleObjs")
    cdef pm_batch result = pm_batch(counts, &offsets[0], &size[0], 1)
    return write_dicts(&result, False, True)[0]


def iou(dt, gt, pyiscrowd):
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
    cdef operand a = operand_of(dt, "dt")
    cdef operand b = operand_of(gt, "gt")
    crowd = None if pyiscrowd is None else flags(pyiscrowd, b.n, "pyiscrowd", "gt")
    if a.n == 0 or b.n == 0:
        return []
    if a.is_rles != b.is_rles:
        raise TypeError(f"dt is {kind_of(a)}, but gt is {kind_of(b)}; expected one kind")
    cdef cnp.ndarray boxes_dt, boxes_gt
    if not a.is_rles:
        boxes_dt, boxes_gt = as_boxes(dt, "dt"), as_boxes(gt, "gt")
        check_flagged(cnp.PyArray_DIM(boxes_gt, 0), b.n)
        return box_ious(boxes_dt, boxes_gt, crowd)
    cdef call_masks masks_dt, masks_gt
    begin(&masks_dt)
    begin(&masks_gt)
    try:
        read(dt, "dt", &masks_dt)
        read(gt, "gt", &masks_gt)
        check_flagged(masks_gt.view.n, b.n)
        return mask_ious(&masks_dt.view, &masks_gt.view,
                         NULL if crowd is None else <uint8_t *>cnp.PyArray_DATA(<cnp.ndarray>crowd))
    finally:
        end(&masks_dt)
        end(&masks_gt)


def frPyObjects(pyobj, h, w):
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
    if isinstance(pyobj, (Batch, dict)):
        return rles_from_dicts(pyobj)
    if cnp.PyArray_Check(pyobj):
        if pyobj.ndim == 0 or (pyobj.ndim == 2 and pyobj.shape[1] % 2):
            raise ValueError(f"pyobj has shape {pyobj.shape}, expected (n, 4) for boxes or (n, 2 k) for polygons")
        if pyobj.ndim == 2 and pyobj.shape[1] == 4:
            return rles_from_boxes(pyobj, h, w)
    cdef list objects
    if type(pyobj) is list:
        objects = pyobj
    elif isinstance(pyobj, (str, bytes)) or not hasattr(pyobj, "__iter__"):
        raise TypeError(f"pyobj is {type(pyobj).__name__}, expected polygons, boxes or RLE dicts")
    else:
        objects = list(pyobj)
    if not objects:
        return []
    if isinstance(objects[0], dict):
        return rles_from_dicts(objects)
    if not isinstance(objects[0], list) and not hasattr(objects[0], "__len__"):  # one flat polygon or box
        if isinstance(objects[0], Real) and len(objects) % 2:
            raise ValueError(f"pyobj has {len(objects)} numbers, expected a box of 4 or a polygon of pairs x, y")
        return (rles_from_boxes if len(objects) == 4 else rles_from_polygons)([objects], h, w)[0]
    if len(objects[0]) == 4:
        return rles_from_boxes(objects, h, w)
    return rles_from_polygons(objects, h, w)


def rles_from_dicts(rles):
    """One dict, or a list of them, with compressed counts; the runs stay as they are spelled."""
    cdef call_masks masks
    begin(&masks)
    try:
        read(rles, "pyobj", &masks)
        dicts = write_dicts(&masks.view, False, True)
    finally:
        end(&masks)
    return dicts[0] if masks.is_one else dicts


cdef struct operand:
    bint is_rles
    int64_t n


cdef str kind_of(operand objects):
    return "RLEs" if objects.is_rles else "boxes"


cdef operand operand_of(object objects, str name) except *:
    """Whether an operand of `iou` is RLEs or boxes, and how many."""
    cdef operand found
    if isinstance(objects, dict):
        found.is_rles = True
        found.n = 1
        return found
    if isinstance(objects, (str, bytes)) or not hasattr(objects, "__len__"):
        raise TypeError(f"{name} is {type(objects).__name__}, expected RLE dicts or boxes")
    found.n = len(objects)
    found.is_rles = isinstance(objects, Batch) or (found.n > 0 and isinstance(objects[0], dict))
    return found


cdef int check_flagged(int64_t n_gt, int64_t n_flags) except -1:
    """Reading runs code of the operands, which can change how many there are after the flags were counted."""
    if n_gt > n_flags:
        raise RuntimeError("gt: the list became longer while it was read")
    return 0


cdef object mask_ious(const pm_batch *dt, const pm_batch *gt, const uint8_t *crowd):
    """float64 (n_dt, n_gt) in Fortran order: a column for each mask of `gt`."""
    cdef cnp.npy_intp[2] shape
    shape[0] = dt.n
    shape[1] = gt.n
    cdef cnp.ndarray ious = cnp.PyArray_EMPTY(2, shape, cnp.NPY_FLOAT64, True)
    cdef size_t overlap_size = pm_overlap_scratch(gt, dt)
    cdef size_t areas_size = <size_t>(gt.n + dt.n + gt.n * dt.n) * sizeof(uint64_t)
    cdef uint64_t[SMALL_SCRATCH] small
    cdef uint64_t *areas_gt = small
    cdef Scratch scratch
    if overlap_size + areas_size > sizeof(small):
        scratch = new_scratch(overlap_size + areas_size)
        areas_gt = <uint64_t *>scratch.data
    cdef uint64_t *areas_dt = areas_gt + gt.n
    cdef uint64_t *intersections = areas_dt + dt.n
    cdef void *overlap_scratch = intersections + gt.n * dt.n
    cdef pm_where where
    if n_runs(gt) + n_runs(dt) > SHORT_RUNS:
        intersect_all(gt, dt, intersections, overlap_scratch, "gt", "dt")
        with nogil:
            divide_all(gt, dt, crowd, areas_gt, double_data(ious))
    else:
        check_status(pm_overlap_matrix(gt, dt, intersections, overlap_scratch, &where), &where, "gt", "dt")
        divide_all(gt, dt, crowd, areas_gt, double_data(ious))
    return ious


cdef int64_t n_runs(const pm_batch *masks) noexcept nogil:
    return masks.offsets[masks.n] - masks.offsets[0]


cdef void divide_all(const pm_batch *gt, const pm_batch *dt, const uint8_t *crowd, uint64_t *areas_gt,
                     double *ious) noexcept nogil:
    """Behind the areas of `gt` is the place for those of `dt`, and behind that are the intersections."""
    cdef uint64_t *areas_dt = areas_gt + gt.n
    pm_runs_area(gt, areas_gt)
    pm_runs_area(dt, areas_dt)
    pm_overlap_matrix_ratio(PM_RATIO_IOU, areas_dt + dt.n, areas_gt, gt.n, crowd, areas_dt, dt.n, NULL, ious)
