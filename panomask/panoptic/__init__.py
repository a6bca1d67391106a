"""Panoptic segmentations: the ids of their segments, the encodings that data sets give them, their label maps."""

from __future__ import annotations

from panomask.panoptic.labels import Overlaps, Segments, confusion_matrix, joint_histogram, paint, segments

__all__ = [
    "Overlaps",
    "Segments",
    "confusion_matrix",
    "joint_histogram",
    "paint",
    "segments",
]
