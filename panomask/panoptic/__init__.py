"""Panoptic segmentations: the ids of their segments, the encodings that data sets give them, their label maps."""

from __future__ import annotations

__all__: list[str] = []
