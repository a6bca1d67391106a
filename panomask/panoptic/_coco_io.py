"""JSON in and out, work on threads in order, bars of progress: what reading and writing of data sets have in common."""

from __future__ import annotations

import json as stdlib_json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from panomask._threads import get_number
from panomask.panoptic.faults import Fault, FaultError

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]

__all__ = ["PathLike", "in_threads", "parse_json", "read_json", "to_json", "tracked"]

PathLike = str | os.PathLike[str]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def parse_json(content: bytes) -> Any:
    """Read what `json` reads, which is more than JSON: NaN and Infinity, half a surrogate pair, UTF-16.

    Integers beyond 64 bits become floats. All of it is so with orjson, which takes half the time, and without.
    """
    if orjson is not None:
        try:
            return orjson.loads(content)
        except ValueError:
            pass
    return stdlib_json.loads(content, parse_int=_parse_int)


def _parse_int(text: str) -> int | float:
    number = int(text) if len(text) <= 20 else 1 << 64  # the longest is -2^63
    return number if -(1 << 63) <= number < 1 << 64 else float(text)


def read_json(path: PathLike) -> Any:
    content = Path(path).read_bytes()
    try:
        return parse_json(content)
    except (ValueError, RecursionError) as error:
        raise FaultError([Fault("json", f"is not JSON: {error}", os.fspath(path))]) from error


def to_json(data: Any) -> bytes:
    """Write JSON, with orjson and without it alike.

    Numbers and arrays of numpy are those of Python, NaN and infinity, which JSON does not have, null.
    """
    if orjson is not None:
        try:
            return orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY)
        except TypeError:  # some of what it does not take, json does: keys that are numbers, longer integers
            pass
    try:
        text = _dumps(data)
    except ValueError:
        text = _dumps(_without_nan(data))
    return text.encode("utf-8", "backslashreplace")


def _dumps(data: Any) -> str:
    return stdlib_json.dumps(data, default=_plain, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is nothing that JSON has: {value!r:.60}")


def _without_nan(data: Any) -> Any:
    if isinstance(data, np.generic | np.ndarray):
        data = data.tolist()
    if isinstance(data, dict):
        return {key: _without_nan(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_without_nan(value) for value in data]
    return None if isinstance(data, float) and not isfinite(data) else data


def tracked(items: Iterable[_Item], n: int | None, title: str, progress: bool) -> Iterable[_Item]:
    if not progress:
        return items
    try:
        from rich.console import Console
        from rich.progress import track
    except ImportError as error:
        raise ImportError("progress=True needs rich; it is in the extra: pip install panomask[cli]") from error
    return track(items, title, total=n, console=Console(stderr=True))


def in_threads(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Map in order, on as many threads as panomask may use; never more than a few results ahead of who takes them."""
    n_threads = get_number()
    if n_threads == 1:
        yield from map(function, items)
        return
    with ThreadPoolExecutor(n_threads, "panomask") as pool:
        waiting: deque[Future[_Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
