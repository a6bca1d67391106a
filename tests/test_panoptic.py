"""panomask.panoptic as a package: what it offers, and that importing it stays cheap."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from panomask import panoptic

EVALUATORS = {
    "quality": ["PanopticQuality", "pq_compute"],
    "semantic": ["SemanticIoU"],
    "tracking": ["TrackingQuality", "VideoPanopticQuality"],
}


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, names in EVALUATORS.items() for name in names])
def test_the_evaluators_are_there_by_their_names(module: str, name: str) -> None:
    assert getattr(panoptic, name) is getattr(import_module(f"panomask.panoptic.{module}"), name)


def test_all_is_there_and_listed() -> None:
    assert all(getattr(panoptic, name) is not None for name in panoptic.__all__)
    assert set(panoptic.__all__) <= set(dir(panoptic))


def test_what_is_not_there_is_an_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'panomask\.panoptic' has no attribute 'nothing'"):
        panoptic.nothing  # noqa: B018


def test_modules_are_imported_when_they_are_asked_for() -> None:
    code = """
import sys
import panomask
modules = ["coco", "converters", "fuse", "png", "quality", "semantic", "tracking"]
print([name for name in modules if "panomask.panoptic." + name in sys.modules])
panomask.panoptic.pq_compute, panomask.panoptic.png.read_png
print([name for name in modules if "panomask.panoptic." + name in sys.modules])
"""
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.splitlines() == ["[]", "['png', 'quality']"]
