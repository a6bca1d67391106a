"""Panoptic segmentations: the ids of their segments, the encodings that data sets give them, their label maps."""

from panomask.panoptic import codecs
from panomask.panoptic.ids import id2rgb, make_contiguous, relabel, rgb2id, unique_ids
from panomask.panoptic.labels import Overlaps, Segments, confusion_matrix, joint_histogram, paint, segments

__all__ = [
    "Overlaps",
    "Segments",
    "codecs",
    "confusion_matrix",
    "id2rgb",
    "joint_histogram",
    "make_contiguous",
    "paint",
    "relabel",
    "rgb2id",
    "segments",
    "unique_ids",
]
