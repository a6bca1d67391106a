"""Panoptic segmentations: ids of segments and their encodings, label maps, files, and quality."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from panomask.panoptic import codecs
from panomask.panoptic.ids import id2rgb, make_contiguous, relabel, rgb2id, unique_ids
from panomask.panoptic.labels import Overlaps, Segments, confusion_matrix, joint_histogram, paint, segments

if TYPE_CHECKING:
    from panomask.panoptic import coco, converters, fuse, png, presets, quality, result, semantic, tracking
    from panomask.panoptic.quality import PanopticQuality, pq_compute
    from panomask.panoptic.semantic import SemanticIoU
    from panomask.panoptic.tracking import TrackingQuality, VideoPanopticQuality

__all__ = [
    "Overlaps",
    "PanopticQuality",
    "Segments",
    "SemanticIoU",
    "TrackingQuality",
    "VideoPanopticQuality",
    "coco",
    "codecs",
    "confusion_matrix",
    "converters",
    "fuse",
    "id2rgb",
    "joint_histogram",
    "make_contiguous",
    "paint",
    "png",
    "pq_compute",
    "presets",
    "quality",
    "relabel",
    "result",
    "rgb2id",
    "segments",
    "semantic",
    "tracking",
    "unique_ids",
]

# Modules that are imported when they, or these names of theirs, are first asked for.
_LATER = {name: name for name in __all__ if name not in globals()} | {
    "PanopticQuality": "quality",
    "SemanticIoU": "semantic",
    "TrackingQuality": "tracking",
    "VideoPanopticQuality": "tracking",
    "pq_compute": "quality",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_LATER[name]}")
    globals()[name] = module if name == _LATER[name] else getattr(module, name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
