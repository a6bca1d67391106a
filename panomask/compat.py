"""Put panomask under code that calls ``pycocotools.mask``, and take it away again.

`install` replaces the functions inside the modules ``pycocotools.mask`` and ``pycocotools._mask``, so that everything
which holds one of these modules, ``pycocotools.coco`` and ``pycocotools.cocoeval`` among it, calls panomask from then
on; the classes ``COCO`` and ``COCOeval`` stay pycocotools' own. Code that took a function out of the module before
(``from pycocotools.mask import iou``) keeps the one it took. Without pycocotools the two modules are made.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from panomask import cy_shapes, mask

__all__ = ["install", "installed", "is_installed", "uninstall"]

_PUBLIC: dict[str, Callable[..., Any]] = {name: getattr(mask, name) for name in mask.__all__}
_REPLACEMENTS: dict[str, dict[str, Callable[..., Any]]] = {
    "pycocotools.mask": _PUBLIC,
    "pycocotools._mask": {
        **_PUBLIC,
        "frBbox": cy_shapes.rles_from_boxes,
        "frPoly": cy_shapes.rles_from_polygons,
        "frUncompressedRLE": lambda ucRles, h, w: mask.frPyObjects(ucRles, h, w),  # noqa: N803 - pycocotools' name
    },
}

_lock = threading.RLock()
_undo: list[Callable[[], object]] = []


def is_installed() -> bool:
    """Whether panomask is under ``pycocotools.mask`` now.

    Returns
    -------
    bool
    """
    return bool(_undo)


def install() -> None:
    """Make the functions of ``pycocotools.mask`` and ``pycocotools._mask`` panomask's, for the whole process.

    A second call does nothing.

    Examples
    --------
    >>> import panomask
    >>> from panomask import compat
    >>> compat.install()
    >>> import pycocotools.mask
    >>> pycocotools.mask.iou is panomask.mask.iou
    True
    >>> compat.uninstall()
    >>> pycocotools.mask.iou is panomask.mask.iou
    False
    """
    with _lock:
        if _undo:
            return
        if _find("pycocotools") is None:
            _add_module("pycocotools").__path__ = []
        for name, functions in _REPLACEMENTS.items():
            module = _find(name) or _add_module(name)
            for attribute, function in functions.items():
                _replace(module, attribute, function)


def uninstall() -> None:
    """Undo `install`: every function and module is what it was. Does nothing when panomask is not installed."""
    with _lock:
        while _undo:
            _undo.pop()()


@contextmanager
def installed() -> Iterator[None]:
    """Install panomask for the length of a ``with`` block, in the whole process.

    Inside a block, or after `install`, it changes nothing.

    Examples
    --------
    >>> from panomask import compat
    >>> with compat.installed():
    ...     compat.is_installed()
    True
    """
    with _lock:
        was_installed = is_installed()
        install()
    try:
        yield
    finally:
        if not was_installed:
            uninstall()


def _find(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def _add_module(name: str) -> ModuleType:
    module = ModuleType(name, "Made by panomask.compat; there is no pycocotools here.")
    sys.modules[name] = module
    _undo.append(lambda: sys.modules.pop(name, None))
    package, _, child = name.rpartition(".")
    if package:
        _replace(sys.modules[package], child, module)
    return module


def _replace(module: ModuleType, name: str, value: object) -> None:
    missing = object()
    original = getattr(module, name, missing)
    setattr(module, name, value)
    _undo.append(lambda: delattr(module, name) if original is missing else setattr(module, name, original))
