"""The codes in which data sets and toolkits write the category and the instance of each pixel or point.

A codec packs fields into codes and unpacks them again; `get` gives that of a data set by name, `convert` goes from any
to any other. Codes are integers of the data set's dtype, or pixels of several channels, as they stand in its files;
fields are int32 (int64 where one of them can pass that), and attributes bool. Single integers, images, batches and
point clouds work alike. A value that does not fit is an error that names the pixel, the value and the limit.

Four classes describe all encodings: `SegmentCodec` (one number for each segment; what it is stands elsewhere),
`CategoryCodec` (only the category), `DivisorCodec` (``category * divisor + instance`` or ``instance * divisor +
category``) and `FieldCodec` (bits of an integer, or channels of a pixel).
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections import namedtuple
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panomask import cy_ids
from panomask._check import as_array
from panomask.panoptic._encodings import ENCODINGS
from panomask.panoptic._maps import as_ids, as_int, as_lines, as_target, element, finish, is_scalar

__all__ = [
    "AttributedFields",
    "CategoryCodec",
    "CategoryFields",
    "Codec",
    "DivisorCodec",
    "FieldCodec",
    "InstanceFields",
    "PartFields",
    "SegmentCodec",
    "SegmentFields",
    "convert",
    "get",
    "names",
]

_C = TypeVar("_C", bound="Codec")
_NO_FIELD = (0, 0, 0, 0, 1)
_FAULTS = {number: name for name, number in cy_ids.FAULTS.items()}
_LARGEST = 2**63 - 1


class SegmentFields(NamedTuple):
    """What the code of a segment says."""

    segment: Any


class CategoryFields(NamedTuple):
    """What the code of a category says."""

    category: Any


class InstanceFields(NamedTuple):
    """What most codes say. An instance of -1 is none, where 0 is the first."""

    category: Any
    instance: Any


class PartFields(NamedTuple):
    """What the codes of Panoptic Parts say. An instance or a part of -1 is none."""

    category: Any
    instance: Any
    part: Any


class AttributedFields(NamedTuple):
    """What the codes of BDD100K say."""

    category: Any
    instance: Any
    truncated: Any
    occluded: Any
    crowd: Any
    ignored: Any


@dataclass(frozen=True, kw_only=True)
class Codec(ABC):
    """An encoding: what all four kinds have in common.

    Attributes
    ----------
    name : str
        That of the encoding, as in messages.
    dtype : str
        The dtype of a code, or of each of its channels. To be unpacked, codes of one channel may be of any integer
        dtype.
    channels : int
        Channels of a code, along the last axis of an array; 1 for codes that are integers, without such an axis.
    void : int or None
        The category, or the segment id, that means void; None where the encoding cannot say void. -1 is a code outside
        of the formula, others are inside.
    first_instance : int
        The number of the first instance of a category, or of the first segment.
    most_code : int or None
        The largest code; None for what the dtype holds.
    segment_shift : int
        What `convert` adds to a code to make it a segment id, so that none but void is 0.
    source : str
        Where the encoding is defined.
    note : str
        What is to know about it.
    """

    name: str
    dtype: str
    channels: int = 1
    void: int | None = None
    first_instance: int = 1
    most_code: int | None = None
    segment_shift: int = 0
    source: str = ""
    note: str = ""

    def replace(self: _C, **changes: Any) -> _C:
        """Return the same encoding with some attributes changed, say another divisor or another void.

        Parameters
        ----------
        **changes
            Attributes by name.

        Returns
        -------
        Codec

        Raises
        ------
        ValueError, TypeError
            Attributes that do not go together, such as bits that the dtype does not have.

        Examples
        --------
        >>> from panomask.panoptic import codecs
        >>> codecs.get("waymo").replace(divisor=100).pack(9, 12)
        np.uint16(912)
        >>> codecs.get("semantickitti").replace(dtype="uint16")
        Traceback (most recent call last):
        ValueError: semantickitti: instance has 16 bits from 16 on, expected some of 16
        """
        return dataclasses.replace(self, **changes)

    def __post_init__(self) -> None:
        """Check what would otherwise fail later, or give wrong codes."""
        dtype = np.dtype(self.dtype)
        if dtype.kind not in "iu" or not dtype.isnative:
            raise TypeError(f"{self.name}: dtype is {self.dtype!r}, expected integers in native byte order")
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if each.type == "int" or (each.type == "int | None" and value is not None):
                if not is_scalar(value):
                    raise TypeError(f"{self.name}: {each.name} is {value!r}, expected an integer")
                if int(value).bit_length() > 63:
                    raise ValueError(f"{self.name}: {each.name} is {value}, expected less than 2^63")
        if not 1 <= self.channels <= 4 or self.channels * dtype.itemsize > 8:
            raise ValueError(
                f"{self.name}: {self.channels} channels of {dtype}, expected at most 4, and 8 bytes in all"
            )
        if self.most_code is not None and not 0 <= self.most_code <= self._most_bits:
            raise ValueError(
                f"{self.name}: most_code is {self.most_code}, expected 0 to {self._most_bits}, which its dtype holds"
            )
        self._check()
        if self.void is not None and self.void != -1 and not 0 <= self.void <= self.limits[0]:
            raise ValueError(f"{self.name}: void is {self.void}, expected -1 or 0 to {self.limits[0]}")
        if self.void == -1 and (dtype.kind == "u" or self.channels > 1):
            raise ValueError(f"{self.name}: void is -1, which codes of {dtype} do not hold")
        if self.first_instance not in (0, 1):
            raise ValueError(f"{self.name}: first_instance is {self.first_instance}, expected 0 or 1")
        if self.segment_shift < 0 or self._most_segment > _LARGEST:
            raise ValueError(
                f"{self.name}: segment_shift is {self.segment_shift}, expected 0 or more, and segment ids below 2^63"
            )

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: the attributes, and not what was made of them."""
        return {name: value for name, value in self.__dict__.items() if name != "_encoding"}

    # -- what the kinds differ in

    @property
    @abstractmethod
    def fields(self) -> tuple[str, ...]:
        """The names of the fields, in the order of `unpack`'s result."""

    @property
    @abstractmethod
    def limits(self) -> tuple[int, int | None]:
        """The largest category (or segment id) and the largest instance, None where there are none.

        Not all of one need go with all of the other.
        """

    @abstractmethod
    def unpack(self, ids: ArrayLike) -> tuple[Any, ...]:
        """Return the fields of codes, by name."""

    @abstractmethod
    def _check(self) -> None:
        """Check the attributes that only this kind has, before `limits` are made of them."""

    @property
    @abstractmethod
    def _kind(self) -> str:
        """What the C core calls it."""

    def _layout(self) -> dict[str, Any]:
        return {}

    @property
    def _void_number(self) -> int:
        return self.void or 0

    # -- what they have in common

    @property
    def has_instances(self) -> bool:
        """Whether codes tell the instances of a category apart."""
        return "instance" in self.fields

    @property
    def no_instance(self) -> int | None:
        """The instance of what is none, such as stuff: 0 where instances begin at 1, -1 where the code leaves it out.

        None where the encoding cannot tell none from the first, or has no instances.
        """
        return 0 if self.has_instances and self.first_instance == 1 else None

    @property
    def void_code(self) -> Any:
        """The code that is written for void: an integer, an array of the channels, or None."""
        return None if self.void is None else self._shape_like_code(self._void_number)

    @property
    def _most_bits(self) -> int:
        """The largest code that the dtype holds."""
        dtype = np.dtype(self.dtype)
        has_sign = dtype.kind == "i" and self.channels == 1
        return (1 << min(63, 8 * dtype.itemsize * self.channels - has_sign)) - 1

    @property
    def _last_code(self) -> int:
        return self._most_bits if self.most_code is None else self.most_code

    @property
    def _most_segment(self) -> int:
        """The largest segment id that `convert` makes."""
        return self._last_code + self.segment_shift

    @cached_property
    def _encoding(self) -> cy_ids.Encoding:
        layout = {
            "least_code": -1 if self.void == -1 else 0,
            "most_code": self._last_code,
            "most_category": self.limits[0],
            "most_instance": self.limits[1] or 0,
            "first_instance": self.first_instance,
            "divisor": 1,
            "bare_below": 0,
            "part_divisor": 0,
            "void_category": cy_ids.NO_VOID if self.void is None else self.void,
            "fields": (_NO_FIELD, _NO_FIELD, _NO_FIELD),
            "constant": 0,
            "segment_divisor": 0,
            "segment_shift": self.segment_shift,
            "void_code": self._void_number,
        }
        return cy_ids.Encoding(cy_ids.KINDS[self._kind], **{**layout, **self._layout()})

    @property
    def _field_dtype(self) -> type[np.signedinteger[Any]]:
        return np.int32 if max(self.limits[0], self.limits[1] or 0) < 2**31 else np.int64

    def _shape_like_code(self, word: int) -> Any:
        if self.channels == 1:
            return np.dtype(self.dtype).type(word)
        code = _empty_codes(self, 1)
        cy_ids.copy(np.array([[[word]]]), 1, code, self.channels)
        return code[0, 0, 0]

    def _pack(self, values: Mapping[str, Any], attributes: Any, out: NDArray[Any] | None) -> Any:
        arrays = {name: _as_field(value, name) for name, value in values.items()}
        if attributes is not None:
            arrays["attributes"] = attributes
        shape = next(iter(arrays.values())).shape
        spread = arrays
        if any(array.shape != shape for array in arrays.values()):
            try:
                shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
            except ValueError:
                listed = ", ".join(f"{name} has shape {array.shape}" for name, array in arrays.items())
                raise ValueError(f"{listed}, which do not go together") from None
            spread = {name: np.broadcast_to(array, shape) for name, array in arrays.items()}
        tail = (self.channels,) if self.channels > 1 else ()
        written, result = as_target(out, (*shape, *tail), [self.dtype], arrays.values())
        codes, *inputs = as_lines((written, self.channels), *((each, 1) for each in spread.values()))
        lines = dict(zip(spread, inputs, strict=True))
        categories = lines["segment"] if "segment" in lines else lines["category"]
        instances, flags = lines.get("instance"), lines.get("attributes")
        bad, fault = cy_ids.pack(self._encoding, categories, instances, flags, codes, self.channels)
        if bad >= 0:
            found = {name: int(each.flat[bad]) for name, each in spread.items()}
            raise OverflowError(self._misfit(found, _FAULTS[fault], shape, bad))
        finish(written, result)
        return result if out is not None or result.ndim > 0 else result[()]

    def _misfit(self, found: dict[str, int], fault: str, shape: tuple[int, ...], index: int) -> str:
        """Return what is to say about fields that do not fit."""
        name = "segment" if "segment" in found else "category"
        if fault == "bad category":
            void = f", or {self.void} for void" if self.void is not None and self.void < 0 else ""
            return (
                f"{element(name, shape, index)} is {found[name]}, expected 0 to {self.limits[0]}{void} in {self.name}"
            )
        if fault == "bad instance":
            least = self.first_instance if self._layout().get("bare_below") else 0
            bare = f", or {self.no_instance} for none" if self.no_instance == -1 else ""
            return (
                f"{element('instance', shape, index)} is {found['instance']}, expected {least} to "
                f"{self.limits[1]}{bare} in {self.name}"
            )
        where = element("code", shape, index)
        both = f"category {found['category']} with instance {found['instance']}"
        return f"{where}: {both} {self._clash(found)} in {self.name}"

    def _clash(self, found: dict[str, int]) -> str:
        """Return why a category and an instance, which both fit, do not go together."""
        return "does not fit"

    def _as_codes(self, ids: Any, name: str) -> NDArray[Any]:
        array = as_array(ids, name)
        if self.channels > 1:
            array = array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
            if array.dtype != np.dtype(self.dtype):
                raise TypeError(f"{name} has dtype {array.dtype}, expected {self.dtype} in {self.name}")
            if array.ndim == 0 or array.shape[-1] != self.channels:
                raise ValueError(
                    f"{name} has shape {array.shape}, expected (..., {self.channels}) in {self.name}: "
                    f"{self.channels} channels"
                )
            return array
        return _as_signed(as_ids(array, name), name)

    def _unpack(self, ids: Any) -> tuple[tuple[Any, ...], Any]:
        """Return the fields that are numbers, and the attributes."""
        codes = self._as_codes(ids, "ids")
        shape = codes.shape[: codes.ndim - (self.channels > 1)]
        numbers = [np.empty(shape, self._field_dtype) for name in self.fields[:2]]
        attributes = np.empty(shape, np.uint8) if len(self.fields) > 2 else None
        outputs = numbers if attributes is None else [*numbers, attributes]
        lines = as_lines((codes, self.channels), *((each, 1) for each in outputs))
        instances, flags = [*lines[2:], None, None][:2]
        bad, _ = cy_ids.unpack(self._encoding, lines[0], self.channels, lines[1], instances, flags)
        if bad >= 0:
            raise ValueError(
                f"{element('ids', shape, bad)} is {self._show(codes, bad)}, which is no code of {self.name}"
            )
        return tuple(each[()] for each in numbers), attributes

    def _show(self, codes: NDArray[Any], index: int) -> str:
        """Return a code as the user wrote it."""
        if self.channels == 1:
            return str(int(codes.flat[index]))
        return str(tuple(codes.reshape(-1, self.channels)[index].tolist()))


@dataclass(frozen=True, kw_only=True)
class SegmentCodec(Codec):
    """A number for each segment; its category is written somewhere else.

    Attributes
    ----------
    constant : int
        Bits that are set in every code and ignored when it is read, above all others.
    takes_floats : bool
        Whether toolkits also give these codes as floats. Those that are whole are read.
    empty : int or None
        A number that toolkits fill a map with where it has no segments. It is read as void.
    """

    constant: int = 0
    takes_floats: bool = False
    empty: int | None = None
    _kind = "segment"

    def _check(self) -> None:
        rest = self._last_code - self.constant
        if self.constant and (rest < 0 or self.constant & rest or rest & rest + 1):
            raise ValueError(f"{self.name}: constant is {self.constant:#x}, expected the highest bits of a code")
        if self.empty is not None and self.void is None:
            raise ValueError(f"{self.name}: empty is {self.empty}, expected void, too, as which it is read")

    @property
    def fields(self) -> tuple[str, ...]:
        """("segment",)."""
        return ("segment",)

    @property
    def limits(self) -> tuple[int, int | None]:
        """The largest segment id, and None."""
        return self._last_code & ~self.constant, None

    def _layout(self) -> dict[str, Any]:
        return {"constant": self.constant}

    @property
    def _void_number(self) -> int:
        return (self.void or 0) | self.constant

    def _as_codes(self, ids: Any, name: str) -> NDArray[Any]:
        if self.takes_floats:
            array = as_array(ids, name)
            if array.dtype.kind == "f":
                whole = np.isfinite(array) & (array == np.trunc(array)) & (np.abs(array) < 2.0**31)
                if not whole.all():
                    bad = int(np.argmin(whole))
                    raise ValueError(
                        f"{element(name, array.shape, bad)} is {array.flat[bad]}, which is no code of {self.name}"
                    )
                ids = array.astype(np.int32)
        codes = super()._as_codes(ids, name)
        return codes if self.empty is None else np.where(codes == self.empty, codes.dtype.type(self.void or 0), codes)

    def pack(self, segment: ArrayLike, *, out: NDArray[Any] | None = None) -> Any:
        """Return the codes of segment ids.

        Parameters
        ----------
        segment : int or array_like of integers, shape (...)
        out : ndarray of `dtype`, shape (...) or, with channels, (..., channels), optional
            Where to write. After an error its contents are undefined.

        Returns
        -------
        ndarray of `dtype`, or a scalar of it for one id; `out` where it is given

        Raises
        ------
        OverflowError
            An id that does not fit.

        Examples
        --------
        >>> from panomask.panoptic import codecs
        >>> codecs.get("coco").pack([3937500, 7])
        array([[220,  20,  60],
               [  7,   0,   0]], dtype=uint8)
        """
        return self._pack({"segment": segment}, None, out)

    def unpack(self, ids: ArrayLike) -> SegmentFields:
        """Return the segment ids of codes.

        Parameters
        ----------
        ids : array_like, shape (...) or, with channels, (..., channels)
            Codes.

        Returns
        -------
        SegmentFields

        Raises
        ------
        ValueError
            What is no code.
        """
        return SegmentFields(*self._unpack(ids)[0])


@dataclass(frozen=True, kw_only=True)
class CategoryCodec(Codec):
    """A category for each pixel or point, and no instances."""

    first_instance: int = 0
    _kind = "category"

    @property
    def fields(self) -> tuple[str, ...]:
        """("category",)."""
        return ("category",)

    @property
    def limits(self) -> tuple[int, int | None]:
        """The largest category, and None."""
        return self._last_code, None

    def _check(self) -> None:
        """Check nothing: there are no others."""

    def pack(self, category: ArrayLike, *, out: NDArray[Any] | None = None) -> Any:
        """Return the codes of categories, as `SegmentCodec.pack` does."""
        return self._pack({"category": category}, None, out)

    def unpack(self, ids: ArrayLike) -> CategoryFields:
        """Return the categories of codes, as `SegmentCodec.unpack` does."""
        return CategoryFields(*self._unpack(ids)[0])


@dataclass(frozen=True, kw_only=True)
class DivisorCodec(Codec):
    """``category * divisor + instance``, or ``instance * divisor + category``.

    Attributes
    ----------
    divisor : int
    major : {"category", "instance"}
        Which of the two is multiplied.
    bare_below : int
        Codes below are a category without an instance; 0 where there are none. Only with ``major="category"``.
    part_divisor : int
        Codes from ``bare_below * divisor`` on have a part: ``(category * divisor + instance) * part_divisor + part``. 0
        where there are no parts.
    """

    divisor: int = 1000
    major: Literal["category", "instance"] = "category"
    bare_below: int = 0
    part_divisor: int = 0

    def _check(self) -> None:
        if self.divisor < 1 or self.major not in ("category", "instance"):
            raise ValueError(f"{self.name}: divisor is {self.divisor}, major {self.major!r}; expected a positive one, "
                             "and 'category' or 'instance'")  # fmt: skip
        if self.bare_below and self.major == "instance":
            raise ValueError(f"{self.name}: bare_below is {self.bare_below}, expected 0 where the instance is major")
        if not 0 <= self.bare_below <= _LARGEST // self.divisor:
            raise ValueError(
                f"{self.name}: bare_below is {self.bare_below}, expected 0 to {_LARGEST // self.divisor}, which times "
                "the divisor stays below 2^63"
            )
        if self.part_divisor and not (self.bare_below and 0 < self.part_divisor <= 255):
            raise ValueError(f"{self.name}: part_divisor is {self.part_divisor}, expected 1 to 255, and bare_below")
        if self.part_divisor and self.part_divisor < min(self.bare_below, self.divisor):
            raise ValueError(
                f"{self.name}: part_divisor is {self.part_divisor}, expected at least "
                f"{min(self.bare_below, self.divisor)}, lest codes with a part read as others"
            )
        if self.bare_below and (self.void or 0) >= self.bare_below:
            raise ValueError(f"{self.name}: void is {self.void}, expected a bare one, below {self.bare_below}")

    @property
    def _kind(self) -> str:
        return f"{self.major} major"

    @property
    def fields(self) -> tuple[str, ...]:
        """("category", "instance"), and "part" if there are any."""
        return ("category", "instance", *(("part",) if self.part_divisor else ()))

    @property
    def limits(self) -> tuple[int, int | None]:
        """The largest category and the largest instance."""
        last = self._last_code
        high, low = last // self.divisor, min(self.divisor - 1, last)
        if self.major == "instance":
            return low, high
        bare = min(self.bare_below - 1, last)
        return (bare if self.part_divisor else max(high, bare)), low  # beyond them codes have parts

    @property
    def no_instance(self) -> int | None:
        """As of `Codec`."""
        return -1 if self.bare_below else super().no_instance

    def _layout(self) -> dict[str, Any]:
        return {"divisor": self.divisor, "bare_below": self.bare_below, "part_divisor": self.part_divisor}

    @property
    def _void_number(self) -> int:
        is_multiplied = self.major == "category" and not self.bare_below and (self.void or 0) > 0
        return (self.void or 0) * (self.divisor if is_multiplied else 1)

    def _clash(self, found: dict[str, int]) -> str:
        if found["instance"] == -1 and found.get("attributes"):
            return "has no instance, but a part"
        if found["instance"] == -1:
            return f"is bare, expected categories below {self.bare_below}"
        parts = found["category"], found["instance"]
        high, low = parts if self.major == "category" else parts[::-1]
        code = high * self.divisor + low
        if code < self.bare_below:
            return f"is {code}, which means category {code} without an instance"
        if self.bare_below and code < self.divisor:
            return f"is {code}, which means nothing"
        return f"is {code}, expected at most {self._last_code}"

    def pack(
        self,
        category: ArrayLike,
        instance: ArrayLike | None = None,
        part: ArrayLike | None = None,
        *,
        out: NDArray[Any] | None = None,
    ) -> Any:
        """Return the codes of categories and instances.

        Parameters
        ----------
        category, instance : int or array_like of integers
            Their shapes go together as numpy's broadcasting has it. No `instance` means `no_instance`, or 0.
        part : int or array_like of integers, optional
            Where the encoding has parts; -1 for none.
        out : ndarray of `dtype`, optional
            Where to write. After an error its contents are undefined.

        Returns
        -------
        ndarray of `dtype`, or a scalar of it for one pair; `out` where it is given

        Raises
        ------
        OverflowError
            A category, instance or part that does not fit, or some whose code does not fit, or means others.
        TypeError
            A part where the encoding has none.

        Examples
        --------
        >>> from panomask.panoptic import codecs
        >>> codecs.get("cityscapes").pack([26, 26, 7], [2, -1, -1])
        array([26002,    26,     7], dtype=uint16)
        >>> codecs.get("cityscapes").pack(26, 1000)
        Traceback (most recent call last):
        OverflowError: instance is 1000, expected 0 to 999, or -1 for none in cityscapes
        """
        given = (self.no_instance or 0) if instance is None else instance
        flags = None if part is None else self._as_flags(part)
        return self._pack({"category": category, "instance": given}, flags, out)

    def _as_flags(self, part: ArrayLike) -> NDArray[np.uint8]:
        """Return parts as the C core has them: plus 1, as 0 is none."""
        if not self.part_divisor:
            raise TypeError(f"part was given, and {self.name} has no parts")
        array = _as_field(part, "part")
        fits = (array >= -1) & (array < self.part_divisor)
        if not fits.all():
            bad = int(np.argmin(fits))
            raise OverflowError(
                f"{element('part', array.shape, bad)} is {array.flat[bad]}, expected 0 to {self.part_divisor - 1}, "
                f"or -1 for none in {self.name}"
            )
        return (array + 1).astype(np.uint8)

    def unpack(self, ids: ArrayLike) -> InstanceFields | PartFields:
        """Return the categories and instances of codes, and the parts if there are any.

        Parameters
        ----------
        ids : array_like of integers, shape (...)
            Codes.

        Returns
        -------
        InstanceFields or PartFields

        Raises
        ------
        ValueError
            What is no code.

        Examples
        --------
        >>> from panomask.panoptic import codecs
        >>> category, instance = codecs.get("mmdetection").unpack([3017, 90])
        >>> category.tolist(), instance.tolist()
        ([17, 90], [3, 0])
        >>> codecs.get("panoptic_parts").unpack([2401002, 24010, 23]).part
        array([ 2, -1, -1], dtype=int32)
        """
        numbers, flags = self._unpack(ids)
        if flags is None:
            return InstanceFields(*numbers)
        category, instance = numbers
        return PartFields(category, instance, (flags.astype(self._field_dtype) - 1)[()])


@dataclass(frozen=True, kw_only=True)
class FieldCodec(Codec):
    """Category and instance in bits of an integer, or in channels of a pixel, of which the first has the lowest bits.

    Attributes
    ----------
    category, instance : tuple of ints
        (shift, bits) of a field, or (shift, bits, high shift, high bits, scale) of one in two parts:
        ``high // scale * 2**bits + low``.
    attributes : tuple of (str, int)
        The bits that are an attribute each, as name and bit.
    most_instance : int or None
        The largest instance, where that is less than the bits hold.
    most_category : int or None
        Likewise.
    segment_divisor : int
        `convert` makes ``category * segment_divisor + instance + segment_shift`` the segment id; 0 where the instance
        alone tells segments apart.

    A field is read as it is, so the bits of fields and attributes may not overlap.
    """

    category: tuple[int, ...] = (0, 8)
    instance: tuple[int, ...] = (8, 8)
    attributes: tuple[tuple[str, int], ...] = ()
    most_category: int | None = None
    most_instance: int | None = None
    segment_divisor: int = 0
    _kind = "fields"

    def _check(self) -> None:
        dtype = np.dtype(self.dtype)
        room = 63 if self.channels == 1 and dtype == np.uint64 else 8 * dtype.itemsize * self.channels
        taken = 0
        for name, shift, bits in self._parts():
            if not (0 <= shift < room and 0 <= bits <= room - shift):
                raise ValueError(f"{self.name}: {name} has {bits} bits from {shift} on, expected some of {room}")
            if taken >> shift & (1 << bits) - 1:
                raise ValueError(f"{self.name}: {name} has bits that another field has, too")
            taken |= (1 << bits) - 1 << shift
        for name, value, field in (
            ("most_category", self.most_category, self.category),
            ("most_instance", self.most_instance, self.instance),
        ):
            if value is not None and not 0 <= value <= _most_of(field):
                raise ValueError(
                    f"{self.name}: {name} is {value}, expected 0 to {_most_of(field)}, which its bits hold"
                )
        if self.void == -1 or self.most_code is not None:
            raise ValueError(f"{self.name}: expected neither a void of -1 nor most_code where fields are bits")
        if self.segment_divisor < 0:
            raise ValueError(f"{self.name}: segment_divisor is {self.segment_divisor}, expected 0 or more")

    def _parts(self) -> Iterator[tuple[str, int, int]]:
        """Give the bits that the fields and attributes have, as name, shift and number."""
        for name in ("category", "instance"):
            bits = getattr(self, name)
            if len(bits) not in (2, 5) or not all(map(is_scalar, bits)):
                raise TypeError(f"{self.name}: {name} is {bits!r}, expected two or five integers")
            low_shift, low, high_shift, high, scale = _whole_field(bits)
            if not 1 <= scale < 1 << 31:
                raise ValueError(f"{self.name}: {name} has scale {scale}, expected 1 to {(1 << 31) - 1}")
            yield name, low_shift, low
            yield name, high_shift, high
        names = [name for name, _ in self.attributes]
        for name, bit in self.attributes:
            if names.count(name) > 1 or not name.isidentifier() or name in ("category", "instance", "out"):
                raise ValueError(f"{self.name}: attribute {name!r}, expected different names that are no field's")
            yield name, bit, 1
        places = [bit for _, bit in self.attributes]
        if places and max(places) - min(places) > 7:
            raise ValueError(
                f"{self.name}: attributes have bits {min(places)} to {max(places)}, expected eight at most"
            )

    @property
    def fields(self) -> tuple[str, ...]:
        """("category", "instance"), and the attributes."""
        return ("category", "instance", *(name for name, _ in self.attributes))

    @property
    def limits(self) -> tuple[int, int | None]:
        """The largest category and the largest instance."""
        category, instance = self.most_category, self.most_instance
        return (
            _most_of(self.category) if category is None else category,
            _most_of(self.instance) if instance is None else instance,
        )

    def _layout(self) -> dict[str, Any]:
        bits = [bit for _, bit in self.attributes]
        flags = (min(bits), max(bits) - min(bits) + 1, 0, 0, 1) if bits else _NO_FIELD
        dtype = np.dtype(self.dtype)
        is_whole = dtype.itemsize * self.channels == 8
        return {
            "fields": (_whole_field(self.category), _whole_field(self.instance), flags),
            # what has its highest bit set, where numbers have a sign
            "least_code": -(2**63) if is_whole else int(np.iinfo(dtype).min) if self.channels == 1 else 0,
            "segment_divisor": self.segment_divisor,
        }

    @property
    def _most_segment(self) -> int:
        category, instance = self.limits
        return category * self.segment_divisor + (instance or 0) + self.segment_shift

    @property
    def _void_number(self) -> int:
        low_shift, low, high_shift, _, scale = _whole_field(self.category)
        number = self.void or 0
        return (number & ((1 << low) - 1)) << low_shift | (number >> low) * scale << high_shift

    def pack(
        self,
        category: ArrayLike,
        instance: ArrayLike | None = None,
        *,
        out: NDArray[Any] | None = None,
        **attributes: ArrayLike,
    ) -> Any:
        """Return the codes of categories and instances, as `DivisorCodec.pack` does.

        Parameters
        ----------
        category, instance : int or array_like of integers
        out : ndarray of `dtype`, shape (...) or, with channels, (..., channels), optional
        **attributes : array_like of bool
            Those that the encoding has; False where they are left out.

        Returns
        -------
        ndarray of `dtype`

        Raises
        ------
        OverflowError
            A category or an instance that does not fit.
        TypeError
            An attribute that the encoding does not have.

        Examples
        --------
        >>> from panomask.panoptic import codecs
        >>> codecs.get("bdd100k").pack(35, 300, occluded=True)
        array([35,  4,  1, 44], dtype=uint8)
        """
        given = (self.no_instance or 0) if instance is None else instance
        flags: Any = None
        bits = dict(self.attributes)
        lowest = min(bits.values(), default=0)
        for name, value in attributes.items():
            if name not in bits:
                has = f"expected {', '.join(bits)}" if bits else "which has no attributes"
                raise TypeError(f"{name!r} is no attribute in {self.name}, {has}")
            array = as_array(value, name)
            if array.dtype.kind != "b" and not np.isin(array, (0, 1)).all():
                raise ValueError(f"{name} has {array.dtype} other than 0 and 1, expected bools")
            flag = array.astype(np.uint8) << np.uint8(bits[name] - lowest)
            flags = flag if flags is None else flags | flag
        return self._pack({"category": category, "instance": given}, None if flags is None else np.asarray(flags), out)

    def unpack(self, ids: ArrayLike) -> Any:
        """Return the categories and instances of codes, and the attributes if there are any.

        Parameters
        ----------
        ids : array_like of `dtype`, shape (..., channels), or of any integers, shape (...)
            Codes.

        Returns
        -------
        InstanceFields, AttributedFields, or with other attributes a named tuple like it

        Raises
        ------
        ValueError
            What is no code.

        Examples
        --------
        >>> import numpy as np
        >>> from panomask.panoptic import codecs
        >>> codecs.get("kitti_step").unpack(np.array([13, 1, 44], np.uint8))
        InstanceFields(category=np.int32(13), instance=np.int32(300))
        """
        numbers, flags = self._unpack(ids)
        if flags is None:
            return InstanceFields(*numbers)
        lowest = min(bit for _, bit in self.attributes)
        bools = {name: (flags >> np.uint8(bit - lowest) & np.uint8(1)).astype(bool) for name, bit in self.attributes}
        return self._result(*numbers, **bools)

    @property
    def _result(self) -> Any:
        """The class of the fields, where there are attributes."""
        return AttributedFields if self.fields == AttributedFields._fields else namedtuple("Fields", self.fields)


def _whole_field(bits: tuple[int, ...]) -> tuple[int, int, int, int, int]:
    low_shift, low, high_shift, high, scale = (*bits, *_NO_FIELD[len(bits) :])
    return low_shift, low, high_shift, high, scale


def _most_of(bits: tuple[int, ...]) -> int:
    """Return the largest number that a field holds."""
    _, low, _, high, scale = _whole_field(bits)
    return (((1 << high) - 1) // scale << low) + (1 << low) - 1


def _as_signed(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return an array of integers, none of which is beyond 63 bits."""
    if array.dtype == np.uint64 and array.size and array.max() > _LARGEST:
        bad = int(np.argmax(array))
        raise OverflowError(f"{element(name, array.shape, bad)} is {array.flat[bad]}, expected below 2^63")
    return array


def _as_field(values: Any, name: str) -> NDArray[Any]:
    return _as_signed(as_ids(values, name), name)


# ---- the registry ---------------------------------------------------------------------------------------------------

_CLASSES = {"segment": SegmentCodec, "category": CategoryCodec, "divisor": DivisorCodec, "fields": FieldCodec}
_REGISTRY: dict[str, Codec] = {
    name: _CLASSES[kind](name=name, **attributes) for name, (kind, attributes) in ENCODINGS.items()
}


def names() -> list[str]:
    """Return the names of all encodings, in the order of the documentation.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from panomask.panoptic import codecs
    >>> codecs.names()[:3]
    ['coco', 'coconut', 'ade20k_panoptic']
    """
    return list(_REGISTRY)


def get(name: str) -> Any:
    """Return the codec of an encoding.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    Codec

    Raises
    ------
    KeyError
        No such encoding.

    Examples
    --------
    >>> from panomask.panoptic import codecs
    >>> cityscapes = codecs.get("cityscapes")
    >>> cityscapes.dtype, cityscapes.fields, cityscapes.limits
    ('uint16', ('category', 'instance'), (999, 999))
    """
    if name not in _REGISTRY:
        near = get_close_matches(str(name), _REGISTRY)
        others = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(_REGISTRY)}"
        raise KeyError(f"{name!r} is no encoding; {others}")
    return _REGISTRY[name]


# ---- from one to another --------------------------------------------------------------------------------------------


def convert(
    ids: ArrayLike,
    source: str | Codec,
    target: str | Codec,
    *,
    category_map: Mapping[int, int | None] | None = None,
    allow_loss: bool = False,
    out: NDArray[Any] | None = None,
) -> Any:
    """Return the codes of one encoding in another.

    Parameters
    ----------
    ids : array_like
        Codes of `source`.
    source, target : str or Codec
        Encodings, or their names.
    category_map : dict of int to int or None, optional
        The target's category for each of the source's; None is void. Without it categories stay as they are.
    allow_loss : bool
        Whether instances and attributes that the target has no place for may be dropped, different segments may become
        one, and what the target's void would be may become void. Otherwise that is an error that names examples.
    out : ndarray of the target's dtype, optional
        Where to write. After an error its contents are undefined.

    Returns
    -------
    ndarray of the target's dtype, or a scalar of it for one code; `out` where it is given

    Raises
    ------
    ValueError
        What is no code of the source, a category that is not in the map, or a loss.
    OverflowError
        What the target has no code for.

    Notes
    -----
    Void becomes void. Instances keep their order, so the first one of a category stays the first, whether the encoding
    counts from 0 or from 1, and none stays none.

    To encodings of segments, codes become segment ids as they are, or plus `segment_shift` where code 0 is no void,
    which is how Cityscapes and detectron2 write panoptic PNGs; from such encodings they come back. Segment ids that
    mean nothing, as in COCO's own files, have no categories: make codes of their ``segments_info`` with `pack` and use
    `relabel`.

    One read and one write, run by run. Where segments could become one, the codes that there are are found first,
    by another read.

    Examples
    --------
    >>> from panomask.panoptic import codecs
    >>> codecs.convert([26002, 26, 7, 0], "cityscapes", "detectron2")
    array([26003, 26000,  7000,    -1], dtype=int32)
    >>> codecs.convert([26002, 7], "cityscapes", "cityscapes_trainid", category_map={26: 13, 7: 0}, allow_loss=True)
    array([13,  0], dtype=uint8)
    >>> codecs.convert([26002, 7], "cityscapes", "cityscapes_labelid")
    Traceback (most recent call last):
    ValueError: ids[0] is 26002, with an instance, which cityscapes_labelid has no place for; allow_loss=True drops it
    """
    first, second = (get(each) if isinstance(each, str) else each for each in (source, target))
    for each in (first, second):
        if not isinstance(each, Codec):
            raise TypeError(f"expected a codec or its name, found {type(each).__name__}")
    has_categories = "category" in first.fields and "category" in second.fields
    if category_map is not None and not has_categories:
        raise ValueError(f"category_map: {first.name} and {second.name} do not both have categories")
    if isinstance(first, SegmentCodec) and isinstance(second, FieldCodec) and second.segment_divisor == 0:
        raise ValueError(f"segment ids say nothing of categories, which {second.name} needs")
    codes = first._as_codes(ids, "ids")
    known, values = _as_category_table(category_map)
    shape = codes.shape[: codes.ndim - (first.channels > 1)]
    tail = (second.channels,) if second.channels > 1 else ()
    if not allow_loss and _may_collide(first, second, values):
        _check_collisions(codes, first, second, known, values)
    written, result = as_target(out, (*shape, *tail), [second.dtype], [codes])
    lines, targets = as_lines((codes, first.channels), (written, second.channels))
    bad, fault = cy_ids.convert(
        first._encoding, second._encoding, lines, first.channels, targets, second.channels, known, values, allow_loss
    )
    if bad >= 0:
        raise _error(first, second, codes, shape, bad, _FAULTS[fault], known is not None)
    finish(written, result)
    return result if out is not None or result.ndim > 0 else result[()]


def _as_category_table(
    category_map: Mapping[int, int | None] | None,
) -> tuple[cy_ids.IdSet | None, NDArray[np.int64] | None]:
    if category_map is None:
        return None, None
    if not isinstance(category_map, Mapping):
        raise TypeError(f"category_map is {type(category_map).__name__}, expected a dict")
    pairs = [
        (_as_category(key), cy_ids.NO_VOID if value is None else _as_category(value, ", or None for void"))
        for key, value in category_map.items()
    ]
    table = np.array(pairs, np.int64).reshape(-1, 2)
    return cy_ids.IdSet(table[:, 0].copy()), table[:, 1].copy()


def _as_category(value: Any, others: str = "") -> int:
    number = as_int(value, "category_map")
    if not 0 <= number <= _LARGEST:
        raise ValueError(f"category_map has category {number}, expected 0 or more{others}")
    return number


def _may_collide(first: Codec, second: Codec, values: NDArray[np.int64] | None) -> bool:
    """Whether two codes that are not void can become one without the C core seeing it."""
    if values is not None:
        given = values[values != cy_ids.NO_VOID].tolist()
        if len(set(given)) < len(given):
            return True
    if isinstance(second, SegmentCodec):
        return isinstance(first, FieldCodec) and first.segment_divisor <= (first.limits[1] or 0)
    return first.no_instance is not None and second.has_instances and second.no_instance is None


def _check_collisions(
    codes: NDArray[Any],
    first: Codec,
    second: Codec,
    known: cy_ids.IdSet | None,
    values: NDArray[np.int64] | None,
) -> None:
    """Convert each code that there is, and raise where two become one. Other errors are left to the whole."""
    (lines,) = as_lines((codes, first.channels))
    words = np.unique(cy_ids.unique(lines, first.channels)[0])
    n = len(words)
    each, results = _empty_codes(first, n), _empty_codes(second, n)
    cy_ids.copy(words[None, None], 1, each, first.channels)
    fault = cy_ids.convert(
        first._encoding, second._encoding, each, first.channels, results, second.channels, known, values, False
    )[0]
    if fault >= 0:
        return
    found = np.empty(n, np.int64)
    cy_ids.copy(results, second.channels, found[None, None], 1)
    order = np.argsort(found, kind="stable")
    void = None if second.void is None else second._void_number
    for i, j in pairwise(order):
        if found[i] == found[j] and found[i] != void:
            raise ValueError(
                f"ids {first._show(each[0, 0], i)} and {first._show(each[0, 0], j)} both become "
                f"{second._show(results[0, 0], i)} in {second.name}; allow_loss=True permits that"
            )


def _empty_codes(codec: Codec, n: int) -> NDArray[Any]:
    return np.empty((1, 1, n, codec.channels) if codec.channels > 1 else (1, 1, n), codec.dtype)


def _is_code(codec: Codec, code: Any) -> bool:
    try:
        codec.unpack(code)
    except ValueError:
        return False
    return True


def _error(
    first: Codec,
    second: Codec,
    codes: NDArray[Any],
    shape: tuple[int, ...],
    index: int,
    fault: str,
    is_mapped: bool,
) -> Exception:
    where = f"{element('ids', shape, index)} is {first._show(codes, index)}"
    code = codes[np.unravel_index(index, shape)]
    if fault == "unreadable" and not _is_code(first, code):  # otherwise the segment id is no code of the target
        return ValueError(f"{where}, which is no code of {first.name}")
    if fault == "no void":
        return OverflowError(f"{where}, which is void, and {second.name} cannot say void")
    if fault == "becomes void":
        none = "None in category_map or " if is_mapped else ""
        return ValueError(f"{where}, which would be void in {second.name}; {none}allow_loss=True permits that")
    if fault == "loses instance":
        return ValueError(f"{where}, with an instance, which {second.name} has no place for; allow_loss=True drops it")
    if fault == "loses attributes":
        lost, them = ("a part", "it") if "part" in first.fields else ("attributes", "them")
        return ValueError(f"{where}, with {lost}, which {second.name} has no place for; allow_loss=True drops {them}")
    category = getattr(first.unpack(code), "category", None)
    if fault == "unknown category":
        return ValueError(f"{where}, of category {category}, which is not in category_map")
    category_limit, instance_limit = second.limits
    if fault == "bad category":
        return OverflowError(f"{where}, which {second.name} has no code for; its categories go to {category_limit}")
    if fault == "bad instance":
        return OverflowError(f"{where}, which {second.name} has no code for; its instances go to {instance_limit}")
    return OverflowError(f"{where}, which {second.name} has no code for; its codes go to {second._last_code}")
