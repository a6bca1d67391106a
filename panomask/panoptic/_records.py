"""What evaluators keep of each image: arrays of integers by the image's id, which merge and are stored as bytes.

Integers, since their sums do not depend on the order in which workers see images. What is summed as floating point is
made of them when it is computed, in one order of the images: results are the same to the last bit whoever did what.
"""

from __future__ import annotations

import json
import struct
import zlib
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable
from operator import index
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from panomask._arrays import as_integer

__all__ = ["Integers", "Record", "Records", "as_int64", "as_key"]

Integers = NDArray[np.int64]
Record = tuple[Integers, ...]
Key = Hashable  # an int or a str, or a tuple of them

_MAGIC = b"panomask"
_VERSION = 1
_HEAD = struct.Struct("<8sHIQ")  # magic, version, CRC-32 of what follows, bytes of the header

_Self = TypeVar("_Self", bound="Records")


class Records(ABC):
    """The records of images, and how two evaluators that saw different images become one.

    A subclass says with `_widths` how many columns each array of a record has (0: one dimension), and with `_config`
    and `_of_config` what it was made with; only evaluators made with the same merge.
    """

    _widths: ClassVar[tuple[int, ...]]

    def __init__(self, image_order: Iterable[int | str] | None = None) -> None:
        self._records: dict[Key, Record] = {}
        self._order = None if image_order is None else _as_order(image_order)
        self._expected = None if self._order is None else frozenset(self._order)

    @abstractmethod
    def _config(self) -> dict[str, Any]: ...

    @classmethod
    @abstractmethod
    def _of_config(cls: type[_Self], config: dict[str, Any]) -> _Self: ...

    # ---- images -----------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._records)

    def _new_key(self, key: Any) -> Key:
        """Check the id of an image that is to be added; without one, it is how many there were before."""
        new = len(self._records) if key is None else as_key(key, "image_id")
        if self._expected is not None and new not in self._expected:
            raise ValueError(f"{self._name(new)} is not in image_order")
        self._check_new(new)
        return new

    def _check_new(self, key: Key) -> None:
        if key in self._records:
            raise ValueError(f"{self._name(key)} was added before")

    def _add(self, key: Key, record: Record) -> None:
        """Keep a record. Another thread may have added the same image meanwhile: none takes the place of another."""
        if self._records.setdefault(key, record) is not record:
            self._check_new(key)

    @staticmethod
    def _name(key: Any) -> str:
        """Return what the user calls an image."""
        return f"image {key!r}"

    def _ordered(self) -> list[Key]:
        """Return all keys in the order of summation: that given, or else ascending, numbers before names."""
        if self._order is None:
            return sorted(self._records, key=_sort_key)
        return [key for key in self._order if key in self._records]

    def merge(self: _Self, other: _Self) -> _Self:
        """Take over what another evaluator knows; what is computed then does not depend on who merged whom.

        Parameters
        ----------
        other : the same class
            Made with the same arguments, of other images. It is not changed.

        Returns
        -------
        the evaluator itself

        Raises
        ------
        ValueError
            An image that both have, or evaluators made with different arguments. Nothing is merged then.
        TypeError
            Not an evaluator of this class.
        """
        if type(other) is not type(self):
            raise TypeError(f"other is {type(other).__name__}, expected {type(self).__name__}")
        mine, theirs = self._config(), other._config()
        if mine != theirs:
            raise ValueError(f"other was made with {_difference('', theirs, mine)}")
        for key in other._records:
            if key in self._records:
                raise ValueError(f"{self._name(key)} is in both")
        self._records.update(other._records)
        return self

    # ---- bytes ------------------------------------------------------------------------------------------------------

    def to_bytes(self) -> bytes:
        """Return all that is known as bytes, the same for the same images in whatever order they came.

        Returns
        -------
        bytes
            For `from_bytes`, on any machine.
        """
        keys = sorted(self._records, key=_sort_key)
        arrays = [array for key in keys for array in self._records[key]]
        header = {
            "class": type(self).__name__,
            "config": self._config(),
            "keys": keys,
            "lengths": [len(array) for array in arrays],
        }
        text = json.dumps(header, separators=(",", ":")).encode()
        body = text + b"".join(np.ascontiguousarray(array, "<i8").tobytes() for array in arrays)
        return _HEAD.pack(_MAGIC, _VERSION, zlib.crc32(body), len(text)) + body

    @classmethod
    def from_bytes(cls: type[_Self], data: bytes | bytearray | memoryview) -> _Self:
        """Return the evaluator that `to_bytes` wrote.

        Parameters
        ----------
        data : bytes, or another contiguous buffer

        Returns
        -------
        the evaluator

        Raises
        ------
        ValueError
            Bytes that are not whole, or of another class.
        TypeError
            Not bytes.
        """
        try:
            view = memoryview(data).cast("B")
        except TypeError:
            raise TypeError(f"data is {type(data).__name__}, expected bytes that lie side by side") from None
        what = f"{len(view)} bytes are not a {cls.__name__}"
        if len(view) < _HEAD.size:
            raise ValueError(f"{what}: expected at least {_HEAD.size}")
        magic, version, crc, n_text = _HEAD.unpack_from(view)
        body = view[_HEAD.size :]
        if magic != _MAGIC:
            raise ValueError(f"{what}: they begin with {magic!r}, expected {_MAGIC!r}")
        if version != _VERSION:
            raise ValueError(f"{what}: version {version}, expected {_VERSION}")
        if zlib.crc32(body) != crc or n_text > len(body):
            raise ValueError(f"{what}: they are damaged or cut short")
        header = json.loads(bytes(body[:n_text]))
        if header["class"] != cls.__name__:
            raise ValueError(f"{what}: they are a {header['class']}")
        self = cls._of_config(header["config"])
        numbers = np.frombuffer(body[n_text:], "<i8").astype(np.int64)
        lengths, widths = iter(header["lengths"]), cls._widths
        at = 0
        for key in header["keys"]:
            record = []
            for width in widths:
                n = next(lengths)
                part = numbers[at : at + n * (width or 1)]
                record.append(part.reshape(n, width) if width else part)
                at += part.size
            self._records[_tuples(key)] = tuple(record)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_bytes, (self.to_bytes(),)


def as_key(key: Any, name: str) -> int | str:
    """Return the id of an image as an int or a str."""
    if isinstance(key, str):
        return key
    try:
        return index(key)
    except TypeError:
        raise TypeError(f"{name} is {key!r:.80}, expected an int or a str") from None


def as_int64(value: Any, name: str) -> int:
    """Return an integer that fits int64; a float only where it is whole."""
    if isinstance(value, float | np.floating):
        real = float(value)
        if real.is_integer() and abs(real) < 2**53:
            return int(real)
    number = as_integer(value, name)
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{name} is {number}, expected less than 2**63")
    return number


def _as_order(image_order: Iterable[int | str]) -> list[int | str]:
    """Return ids of images, each of which is there once: an image that is there twice would be added twice."""
    if isinstance(image_order, str) or not isinstance(image_order, Iterable):
        raise TypeError(f"image_order is {image_order!r:.80}, expected a list of ids")
    order = [as_key(key, "image_order") for key in image_order]
    seen: set[int | str] = set()
    for key in order:
        if key in seen:
            raise ValueError(f"image_order has {key!r} twice")
        seen.add(key)
    return order


def _sort_key(key: Any) -> Any:
    return tuple(map(_sort_key, key)) if isinstance(key, tuple) else (isinstance(key, str), key)


def _tuples(key: Any) -> Any:
    return tuple(map(_tuples, key)) if isinstance(key, list) else key


def _difference(name: str, found: Any, expected: Any) -> str:
    """Say where two configurations differ first: "categories[3][1] 'cat', expected 'dog'"."""
    if isinstance(found, dict) and isinstance(expected, dict) and found.keys() == expected.keys():
        key = next(key for key in found if found[key] != expected[key])
        return _difference(f"{name}: {key}" if name else key, found[key], expected[key])
    if isinstance(found, list) and isinstance(expected, list):
        if len(found) != len(expected):
            return f"{len(found)} {name}, expected {len(expected)}"
        i = next(i for i in range(len(found)) if found[i] != expected[i])
        return _difference(f"{name}[{i}]", found[i], expected[i])
    return f"{name} {found!r:.80}, expected {expected!r:.80}"
