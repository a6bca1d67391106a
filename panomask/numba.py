"""RLEArray inside compiled functions of numba.

With panomask and numba installed, an `RLEArray` can be an argument of a function that `numba.njit` compiles, and its
result. Compiled code sees `rles.counts`, `rles.offsets`, `rles.sizes` and `len(rles)`, and calls the functions below,
which do the same in plain Python. They run panomask's C core; nothing is copied, nothing needs the GIL.

numba imports this module by itself when the first function is compiled. Import it to call the functions from Python.
"""

# Compiled code knows the functions of the C core by name, not by address, so that it can be kept on disk (cache=True).

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from llvmlite.binding import add_symbol
from numba import types
from numba.core import cgutils
from numba.extending import (
    NativeValue,
    box,
    get_cython_function_address,
    intrinsic,
    make_attribute_wrapper,
    models,
    overload,
    register_jitable,
    register_model,
    typeof_impl,
    unbox,
)

from panomask import __version__
from panomask.errors import SizeMismatchError
from panomask.rle import RLEArray

__all__ = ["area", "bbox", "intersection_area", "iou", "rle_array"]


class RLEArrayType(types.Type):
    """The type of an RLEArray in compiled code. There is one, `rle_array`, for signatures and fields."""

    def __init__(self) -> None:
        # The version, so that code kept on disk is compiled anew for another panomask.
        super().__init__(name=f"RLEArray[panomask {__version__}]")


rle_array = RLEArrayType()

ARRAYS = {
    "counts": types.Array(types.uint32, 1, "C", readonly=True),
    "offsets": types.Array(types.int64, 1, "C", readonly=True),
    "sizes": types.Array(types.int64, 2, "C", readonly=True),
}


@typeof_impl.register(RLEArray)
def type_of(value: RLEArray, context: object) -> RLEArrayType:
    """Give the type of an argument."""
    return rle_array


@register_model(RLEArrayType)
class RLEArrayModel(models.StructModel):
    """The three arrays, and a reference to the object, to give it back and to keep it alive."""

    def __init__(self, manager: Any, kind: RLEArrayType) -> None:
        super().__init__(manager, kind, [*ARRAYS.items(), ("object", types.MemInfoPointer(types.voidptr))])


for _name in ARRAYS:
    make_attribute_wrapper(RLEArrayType, _name, _name)


@unbox(RLEArrayType)
def unbox_rles(kind: RLEArrayType, value: Any, c: Any) -> Any:
    """Take the arrays out of the object, as they are."""
    native = cgutils.create_struct_proxy(kind)(c.context, c.builder)
    is_error = cgutils.false_bit
    for name, array in ARRAYS.items():
        attribute = c.pyapi.object_getattr_string(value, name)
        unboxed = c.unbox(array, attribute)
        c.pyapi.decref(attribute)
        setattr(native, name, unboxed.value)
        is_error = c.builder.or_(is_error, unboxed.is_error)
    native.object = c.pyapi.nrt_meminfo_new_from_pyobject(value, value)
    return NativeValue(native._getvalue(), is_error=is_error)


@box(RLEArrayType)
def box_rles(kind: RLEArrayType, value: Any, c: Any) -> Any:
    """Give back the object that was passed."""
    native = cgutils.create_struct_proxy(kind)(c.context, c.builder, value=value)
    rles = c.context.nrt.meminfo_data(c.builder, native.object)
    c.pyapi.incref(rles)
    c.context.nrt.decref(c.builder, kind, value)
    return rles


# ---- the C core -----------------------------------------------------------------------------------------------------


def link(module: str, name: str) -> str:
    """Give a function of a cy_*.pxd file a name that compiled code, also that kept on disk, finds it by."""
    symbol = f"panomask_{module}_{name}"
    add_symbol(symbol, get_cython_function_address(f"panomask.{module}", name))
    return symbol


AREA = link("cy_runs", "area")
BBOX = link("cy_runs", "bbox")
SCRATCH_SIZE = link("cy_overlap", "scratch_size")
INTERSECTION_AREA = link("cy_overlap", "intersection_area")

VOID, INT64, DOUBLE = ir.VoidType(), ir.IntType(64), ir.DoubleType()


def call(builder: Any, symbol: str, result: Any, *arguments: Any) -> Any:
    """Call a linked function."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, symbol), arguments)


def mask_pointers(context: Any, builder: Any, rles: Any, i: Any) -> tuple[Any, Any, Any]:
    """Give counts, offsets and sizes of the batch that begins with mask `i`, without taking references."""
    native = cgutils.create_struct_proxy(rle_array)(context, builder, value=rles)
    counts, offsets, sizes = (
        context.make_array(array)(context, builder, value=getattr(native, name)).data for name, array in ARRAYS.items()
    )
    return counts, builder.gep(offsets, [i]), builder.gep(sizes, [builder.mul(i, INT64(2))])


@intrinsic
def core_area(typing_context: Any, rles: Any, i: Any) -> Any:
    """Call cy_runs.area with mask `i`, which is there."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        counts, offsets, _ = mask_pointers(context, builder, *arguments)
        out = cgutils.alloca_once(builder, INT64)  # unsigned in C, where an area is at most 2^40
        call(builder, AREA, VOID, counts, offsets, INT64(1), out)
        return builder.load(out)

    return types.int64(rles, types.int64), generate


@intrinsic
def core_bbox(typing_context: Any, rles: Any, i: Any) -> Any:
    """Call cy_runs.bbox with mask `i`, which is there."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        counts, offsets, sizes = mask_pointers(context, builder, *arguments)
        out = cgutils.alloca_once(builder, ir.ArrayType(DOUBLE, 4))
        call(builder, BBOX, VOID, counts, offsets, sizes, INT64(1), builder.bitcast(out, DOUBLE.as_pointer()))
        return builder.load(out)  # four doubles, which is what a tuple of them is

    return types.UniTuple(types.float64, 4)(rles, types.int64), generate


@intrinsic
def core_scratch_size(typing_context: Any, a: Any, i: Any, b: Any, j: Any) -> Any:
    """Call cy_overlap.scratch_size with mask `i` of a and mask `j` of b."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, offsets_a, _ = mask_pointers(context, builder, *arguments[:2])
        _, offsets_b, _ = mask_pointers(context, builder, *arguments[2:])
        size_t = context.get_value_type(types.uintp)
        size = call(builder, SCRATCH_SIZE, size_t, offsets_a, INT64(1), offsets_b, INT64(1))
        return size

    return types.uintp(a, types.int64, b, types.int64), generate


@intrinsic
def core_intersection_area(typing_context: Any, a: Any, i: Any, b: Any, j: Any, scratch: Any) -> Any:
    """Call cy_overlap.intersection_area with mask `i` of a and mask `j` of b, which are of one size."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        counts_a, offsets_a, sizes_a = mask_pointers(context, builder, *arguments[:2])
        counts_b, offsets_b, sizes_b = mask_pointers(context, builder, *arguments[2:4])
        memory = context.make_array(scratch)(context, builder, value=arguments[4]).data
        out = cgutils.alloca_once(builder, INT64)  # as above
        one = INT64(1)
        call(
            builder, INTERSECTION_AREA, VOID, counts_a, offsets_a, one, counts_b, offsets_b, one, sizes_a, sizes_b, out,
            memory,
        )  # fmt: skip
        return builder.load(out)

    return types.int64(a, types.int64, b, types.int64, scratch), generate


# ---- functions ------------------------------------------------------------------------------------------------------


@overload(len)
def overload_len(rles: Any) -> Any:
    """Compile len(rles)."""
    if not isinstance(rles, RLEArrayType):
        return None

    def compiled(rles: Any) -> int:
        return len(rles.sizes)

    return compiled


# numba makes an exception of its class and arguments when it is raised; so the sentence is made there, in Python, and
# not in compiled code, which would take seconds to compile.


class OutOfRangeError(IndexError):
    """Makes the IndexError for index `k` of `n` masks."""

    def __new__(cls, k: int, n: int) -> IndexError:  # type: ignore[misc]
        """Give a plain one."""
        return IndexError(f"index {k} is out of range for {n} masks")


class MaskMismatchError(SizeMismatchError):
    """Makes the SizeMismatchError for mask `i` of a and mask `j` of b."""

    def __new__(  # type: ignore[misc]
        cls, i: int, height: int, width: int, j: int, other_height: int, other_width: int
    ) -> SizeMismatchError:
        """Give a plain one."""
        return SizeMismatchError(f"a[{i}]: size is {height} x {width}, but b[{j}] is {other_height} x {other_width}")


# What a called function gets of a batch costs it references, so these get numbers.


@register_jitable
def checked_index(i: int, n: int) -> Any:
    """Count an index from the end where it is negative; one outside the batch is an error."""
    k: Any = np.int64(i)  # prange counts in uint64, whose sum with an int64 would be a float
    if not -n <= k < n:
        raise OutOfRangeError(k, n)
    return k + n if k < 0 else k


@register_jitable
def require_same_size(i: int, height: int, width: int, j: int, other_height: int, other_width: int) -> None:
    """Raise an error if mask i of a and mask j of b lie on images of different sizes."""
    if height != other_height or width != other_width:
        raise MaskMismatchError(i, height, width, j, other_height, other_width)


def area(rles: RLEArray, i: int) -> int:
    """Count the foreground pixels of mask `i`.

    Parameters
    ----------
    rles : RLEArray
    i : int
        Negative ones count from the end.

    Returns
    -------
    int

    Raises
    ------
    IndexError

    Notes
    -----
    In compiled code the runs of the mask are read at each call; all areas are ``rles.area`` in Python.

    Examples
    --------
    >>> from panomask import RLEArray
    >>> area(RLEArray.from_boxes([[1, 1, 4, 3]], 6, 8), 0)
    12
    """
    return int(rles.area[i])


@overload(area)
def overload_area(rles: Any, i: Any) -> Any:
    """Compile area(rles, i)."""
    if not isinstance(rles, RLEArrayType) or not isinstance(i, types.Integer):
        return None

    def compiled(rles: Any, i: Any) -> Any:
        return core_area(rles, checked_index(i, len(rles)))

    return compiled


def bbox(rles: RLEArray, i: int) -> tuple[float, float, float, float]:
    """Give the smallest box around mask `i`; otherwise like `area`.

    Returns
    -------
    tuple of float
        x, y, width, height in pixels; four zeros for an empty mask.

    Examples
    --------
    >>> from panomask import RLEArray
    >>> bbox(RLEArray.from_boxes([[1, 1, 4, 3]], 6, 8), 0)
    (1.0, 1.0, 4.0, 3.0)
    """
    x, y, width, height = rles.bbox[i].tolist()
    return x, y, width, height


@overload(bbox)
def overload_bbox(rles: Any, i: Any) -> Any:
    """Compile bbox(rles, i)."""
    if not isinstance(rles, RLEArrayType) or not isinstance(i, types.Integer):
        return None

    def compiled(rles: Any, i: Any) -> Any:
        return core_bbox(rles, checked_index(i, len(rles)))

    return compiled


def intersection_area(a: RLEArray, i: int, b: RLEArray, j: int) -> int:
    """Count the pixels that mask `i` of `a` and mask `j` of `b` share.

    Parameters
    ----------
    a, b : RLEArray
        May be the same.
    i, j : int
        Negative ones count from the end.

    Returns
    -------
    int

    Raises
    ------
    IndexError
    SizeMismatchError
        The two masks lie on images of different sizes.

    Notes
    -----
    Made for code that decides pair by pair. All pairs are ``a.intersection_area(b)`` in Python, which looks at each
    mask once and not once a pair.

    Examples
    --------
    >>> from panomask import RLEArray
    >>> a = RLEArray.from_boxes([[0, 0, 2, 4], [1, 0, 2, 4]], 4, 4)
    >>> intersection_area(a, 0, a, 1)
    4
    """
    return int(a[[i]].intersection_area(b[[j]])[0, 0])


@overload(intersection_area)
def overload_intersection_area(a: Any, i: Any, b: Any, j: Any) -> Any:
    """Compile intersection_area(a, i, b, j)."""
    is_index = isinstance(i, types.Integer) and isinstance(j, types.Integer)
    if not (isinstance(a, RLEArrayType) and isinstance(b, RLEArrayType) and is_index):
        return None

    def compiled(a: Any, i: Any, b: Any, j: Any) -> Any:
        k, m = checked_index(i, len(a)), checked_index(j, len(b))
        require_same_size(k, a.sizes[k, 0], a.sizes[k, 1], m, b.sizes[m, 0], b.sizes[m, 1])
        scratch = np.empty(core_scratch_size(a, k, b, m), np.uint8)
        return core_intersection_area(a, k, b, m, scratch)

    return compiled


def iou(a: RLEArray, i: int, b: RLEArray, j: int) -> float:
    """Intersection over union of mask `i` of `a` and mask `j` of `b`; otherwise like `intersection_area`.

    Returns
    -------
    float
        0 for two empty masks, as in COCO.

    Examples
    --------
    >>> from panomask import RLEArray
    >>> a = RLEArray.from_boxes([[0, 0, 2, 4], [1, 0, 2, 4]], 4, 4)
    >>> iou(a, 0, a, 1)
    0.3333333333333333
    """
    shared = intersection_area(a, i, b, j)
    return shared / (area(a, i) + area(b, j) - shared) if shared else 0.0


@overload(iou)
def overload_iou(a: RLEArray, i: int, b: RLEArray, j: int) -> Any:
    """Compile iou(a, i, b, j) as it is written."""
    return iou


def init() -> None:
    """Do nothing: numba calls this function, its entry point, to have this module imported."""
