"""What evaluators keep of each image: arrays of integers by the image's id, which merge and are stored as bytes.

Integers, since their sums do not depend on the order in which workers see images. What is summed as floating point is
made of them when it is computed, in one order of the images: results are the same to the last bit whoever did what.
"""

from __future__ import annotations

import json
import struct
import zlib
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from operator import index
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Integers", "Record", "Records"]

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
    _unit: ClassVar[str] = "image"

    def __init__(self) -> None:
        self._records: dict[Key, Record] = {}

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
        new = len(self._records) if key is None else as_key(key, f"{self._unit}_id")
        if new in self._records:
            raise ValueError(f"{self._unit} {_show(new)} was added before")
        return new

    def _ordered(self, order: Sequence[Key] | None = None) -> list[Key]:
        """Return all keys in the order of summation: that given, or else ascending, numbers before names."""
        if order is None:
            return sorted(self._records, key=_sort_key)
        return [key for key in order if key in self._records]

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
        for name in mine:
            if mine[name] != theirs[name]:
                raise ValueError(f"other was made with {name} {_short(theirs[name])}, expected {_short(mine[name])}")
        for key in other._records:
            if key in self._records:
                raise ValueError(f"{self._unit} {_show(key)} is in both")
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
        keys = self._ordered()
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
        data : bytes

        Returns
        -------
        the evaluator

        Raises
        ------
        ValueError
            Bytes that are not whole, or of another class.
        """
        view = memoryview(data).cast("B")
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


def as_integers(values: Iterable[Any], what: str) -> Integers:
    """Return integers as int64; floats only where they are whole."""
    array = np.array(list(values))
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.dtype.kind == "f" and bool((array == np.floor(array)).all()) and bool((abs(array) < 2**53).all()):
        return array.astype(np.int64)
    if array.dtype.kind not in "biu" or array.ndim != 1 or (array.dtype.kind == "u" and array.max() >= 2**63):
        raise TypeError(f"{what} are {_short(array.tolist())}, expected integers")
    return array.astype(np.int64)


def _sort_key(key: Any) -> Any:
    return tuple(map(_sort_key, key)) if isinstance(key, tuple) else (isinstance(key, str), key)


def _tuples(key: Any) -> Any:
    return tuple(map(_tuples, key)) if isinstance(key, list) else key


def _show(key: Any) -> str:
    return ", ".join(map(repr, key)) if isinstance(key, tuple) else repr(key)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
