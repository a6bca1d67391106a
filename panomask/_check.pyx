"""Checks of arguments that are about Python objects: types, shapes, lengths. What is about masks is checked in C."""

from cpython.long cimport PyLong_AsLongLongAndOverflow
from libc.math cimport isfinite
from libc.stdint cimport int64_t, uint8_t

cimport numpy as cnp

from operator import index

import numpy as np

from panomask._c cimport (
    PM_MAX_COORDINATE,
    PM_MAX_PIXELS,
    pm_runs_check_sizes,
    pm_status,
    pm_where,
)
from panomask._status cimport check as check_status

from panomask.errors import ImageTooLargeError, InvalidRLEError, PointOutOfRangeError

cnp.import_array()

# Integers up to here are floats too.
cdef int64_t MOST_EXACT = (<int64_t>1) << 53

cdef tuple BOX_SIDES = ("x", "y", "width", "height", "x + width", "y + height")


cdef str item(str name, int64_t i):
    """What the user calls one mask: "masks[3]", or "masks" where there is only one."""
    return name if i < 0 else f"{name}[{i}]"


def as_array(values, str name):
    """The array that something is: by ``__array__`` or the buffer protocol, or else by DLPack."""
    try:
        if hasattr(values, "__dlpack__") and not hasattr(values, "__array__"):
            return np.from_dlpack(values)
        return np.asarray(values)
    except (RuntimeError, TypeError, BufferError) as error:  # a tensor elsewhere, or one that wants its gradient
        if not hasattr(values, "__dlpack__"):
            raise
        raise TypeError(f"{name}: no array can share the memory of this {type(values).__name__}: {error}") from error
    except ValueError:
        if not isinstance(values, (list, tuple)):
            raise
        raise ValueError(f"{name}: expected an array of numbers, found a ragged list") from None


def as_integers(values, str name):
    """The array of integers that something is: of an integer dtype, or of Python's where those do not fit one."""
    array = as_array(values, name)
    if array.dtype.kind in "iu":
        return array
    if array.size == 0:
        return array.astype(np.int64)
    if not isinstance(values, np.ndarray) and array.ndim == 1 and all([type(x) is int for x in values]):
        return np.array(values, dtype=object)  # numpy makes floats of some lists that pass 2^63
    if array.dtype.kind == "O" and all([isinstance(x, int) for x in array.flat]):
        return array
    raise TypeError(f"{name} has dtype {array.dtype}, expected integers")


cdef object whole_number(object value):
    """An int out of anything that is one, 480.0 among it; TypeError otherwise."""
    if isinstance(value, (float, np.floating)) and value.is_integer():
        return int(value)
    return index(value)


cdef tuple two_sides(object size, str name, int64_t i):
    """What stands in a sequence of two."""
    try:
        if isinstance(size, (set, frozenset, dict)):  # two of them may be there, but in no order
            raise TypeError
        height, width = size
    except TypeError:
        raise TypeError(f"{item(name, i)}: size is {size!r:.80}, expected [height, width]") from None
    except ValueError:
        raise ValueError(f"{item(name, i)}: size is {size!r:.80}, expected [height, width]") from None
    return height, width


cdef int read_size(object size, str name, int64_t i, int64_t *out) except -1:
    """Height and width out of any sequence of two integers."""
    cdef int overflow_height = 0
    cdef int overflow_width = 0
    if type(size) is list and len(<list>size) == 2:  # as JSON and pycocotools have it, without the exceptions' cost
        height, width = (<list>size)[0], (<list>size)[1]
    else:
        height, width = two_sides(size, name, i)
    written = None
    if type(height) is not int or type(width) is not int:
        written = f"{height} x {width}"
        try:
            height, width = whole_number(height), whole_number(width)
        except TypeError:
            raise TypeError(f"{item(name, i)}: size is {size!r:.80}, expected two integers") from None
    out[0] = PyLong_AsLongLongAndOverflow(height, &overflow_height)
    out[1] = PyLong_AsLongLongAndOverflow(width, &overflow_width)
    if (overflow_height or overflow_width) and written is None:
        written = f"{height} x {width}"
    if overflow_height < 0 or overflow_width < 0:
        raise InvalidRLEError(f"{item(name, i)}: size {written} is negative")
    if overflow_height or overflow_width:
        raise ImageTooLargeError(
            f"{item(name, i)}: size {written} is too large; an image has at most {PM_MAX_PIXELS} pixels"
        )
    return 0


cdef cnp.ndarray flags(object values, int64_t n, str name, str of):
    """n truth values as uint8."""
    cdef cnp.npy_intp shape = n
    cdef cnp.ndarray out
    cdef uint8_t *data
    cdef Py_ssize_t i = 0
    if type(values) is list and len(<list>values) == n:  # costs less than numpy's way in
        out = cnp.PyArray_SimpleNew(1, &shape, cnp.NPY_UINT8)
        data = <uint8_t *>cnp.PyArray_DATA(out)
        for value in <list>values:  # another thread can change how many there are
            if i == n or (type(value) is not int and type(value) is not bool):
                break
            data[i] = bool(value)
            i += 1
        if i == n:
            return out
    array = as_array(values, name)
    if array.dtype.kind not in "biuf" and array.size > 0:
        raise TypeError(f"{name}: expected {n} flags, one for each of {of}, found {type(values).__name__} of dtype "
                        f"{array.dtype}")
    if array.ndim != 1 or len(array) != n:
        found = f"{len(array)} flags" if array.ndim == 1 else f"an array of shape {array.shape}"
        raise ValueError(f"{name}: expected {n} flags, one for each of {of}, found {found}")
    return np.ascontiguousarray(array != 0).view(np.uint8)


cdef cnp.ndarray listed_ints(list values):
    """A list of ints as int64, 6 times as fast as numpy's way in; None for what is anything else."""
    cdef cnp.npy_intp n = len(values)
    cdef cnp.ndarray out = cnp.PyArray_SimpleNew(1, &n, cnp.NPY_INT64)
    cdef int64_t *data = <int64_t *>cnp.PyArray_DATA(out)
    cdef int overflow = 0
    cdef Py_ssize_t i = 0
    for value in values:  # another thread can change how many there are
        if i == n or type(value) is not int:
            return None
        data[i] = PyLong_AsLongLongAndOverflow(value, &overflow)
        if overflow:
            return None
        i += 1
    return out if i == n else None


cdef cnp.ndarray int_values(object values, str name):
    """Run lengths out of a list or an array of integers, as int64. Floats pass where they are whole."""
    cdef cnp.ndarray ints = listed_ints(values) if type(values) is list else None
    if ints is not None:
        return ints
    array = as_array(values, f"{name}: counts")
    if array.ndim != 1:
        raise ValueError(f"{name}: counts has {array.ndim} dimensions, expected a flat list of run lengths")
    if array.dtype.kind in "bi" or array.size == 0:
        return np.ascontiguousarray(array, dtype=np.int64)
    if array.dtype.kind == "f":
        array = array.astype(np.float64)
        bad = np.flatnonzero(~np.isfinite(array) | (array != np.trunc(array)))
        if len(bad) > 0:
            raise ValueError(f"{name}: run {bad[0]} is {array[bad[0]]} pixels long, expected a whole number")
    elif array.dtype.kind != "u" and not (array.dtype.kind == "O" and all([isinstance(x, int) for x in array])):
        raise TypeError(f"{name}: counts has dtype {array.dtype}, expected integers")
    bad = np.flatnonzero((array >= 2**63) | (array < -(2**63)))
    if len(bad) > 0:
        raise OverflowError(f"{name}: run {bad[0]} is {array[bad[0]]} pixels long, expected below 2^63")
    return array.astype(np.int64)


cdef cnp.ndarray new_boxes(int64_t n):
    cdef cnp.npy_intp[2] shape
    shape[0] = n
    shape[1] = 4
    return cnp.PyArray_SimpleNew(2, shape, cnp.NPY_FLOAT64)


cdef cnp.ndarray few_boxes(object boxes):
    """Boxes out of a short list of lists of four floats or ints, which costs less than numpy's way in; None for what is
    anything else."""
    cdef cnp.ndarray out
    cdef double *sides
    cdef Py_ssize_t i = 0
    if type(boxes) is not list or not 0 < len(<list>boxes) <= 64:
        return None
    out = new_boxes(len(<list>boxes))
    sides = <double *>cnp.PyArray_DATA(out)
    for box in <list>boxes:  # another thread can change how many there are
        if type(box) is not list or len(<list>box) != 4:
            return None
        for side in <list>box:
            if i == 4 * cnp.PyArray_DIM(out, 0):
                return None
            if type(side) is not float and (type(side) is not int or not -MOST_EXACT <= side <= MOST_EXACT):
                return None
            sides[i] = side
            i += 1
    return out if i == 4 * cnp.PyArray_DIM(out, 0) else None


def as_boxes(boxes, str name):
    """Boxes x, y, width, height as float64 (n, 4) in C order, all finite."""
    cdef cnp.ndarray array = few_boxes(boxes)
    if array is None:
        array = as_array(boxes, name)
        if cnp.PyArray_SIZE(array) == 0 and cnp.PyArray_NDIM(array) <= 2:
            return new_boxes(0)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{name} has dtype {array.dtype}, expected numbers")
        if cnp.PyArray_NDIM(array) != 2 or cnp.PyArray_DIM(array, 1) != 4:
            raise ValueError(f"{name} has shape {(<object>array).shape}, expected (n, 4): x, y, width, height")
        array = np.ascontiguousarray(array, dtype=np.float64)
    cdef const double *box = <const double *>cnp.PyArray_DATA(array)
    cdef double side
    cdef int64_t i
    cdef int k
    for i in range(cnp.PyArray_DIM(array, 0)):
        for k in range(6):
            side = box[k] if k < 4 else box[k - 4] + box[k - 2]
            if not -PM_MAX_COORDINATE <= side <= PM_MAX_COORDINATE:
                limit = f", beyond the largest, {PM_MAX_COORDINATE:.0f}" if isfinite(side) else ""
                raise PointOutOfRangeError(f"{name}[{i}]: {BOX_SIDES[k]} is {side:.16g}{limit}")
        box += 4
    return array


cdef int check_lengths(int64_t n_a, int64_t n_b) except -1:
    """For what goes mask by mask: equally many, or one with many."""
    if n_a != n_b and n_a != 1 and n_b != 1:
        raise ValueError(f"cannot pair {n_a} masks with {n_b}; expected equally many, or one")
    return 0


cdef int read_image_size(object height, object width, int64_t *size) except -1:
    """Height and width of an image, as the C core takes them."""
    cdef pm_where where
    read_size((height, width), "image", -1, size)
    cdef pm_status status = pm_runs_check_sizes(size, 1, &where)
    where.mask = -1
    return check_status(status, &where, "image")


def image_size(height, width):
    """Height and width as ints that the C core takes, or an error that names them."""
    cdef int64_t[2] size
    read_image_size(height, width, size)
    return size[0], size[1]


cdef const uint8_t *png_rows(const uint8_t[::1] filtered, int64_t height, int64_t row_size, str name) except? NULL:
    """The rows of an inflated PNG: as many bytes as there should be. `pm_png_check` is to look at their filters."""
    if filtered.shape[0] != height * (row_size + 1):
        raise ValueError(f"{name}: {filtered.shape[0]} bytes of rows, expected {height * (row_size + 1)}")
    return &filtered[0] if height > 0 else NULL


cdef int check_filters(const uint8_t *rows, int64_t height, int64_t row_size, int64_t bad, str name) except -1:
    """Raise what `pm_png_check` found."""
    if bad < height:
        raise ValueError(f"{name}: broken: row {bad} has filter {rows[bad * (row_size + 1)]}, expected 0 to 4")
    return 0
