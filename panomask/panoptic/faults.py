"""What is wrong with a panoptic data set: one fault, and the error that lists several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from panomask.errors import PanomaskError

__all__ = ["Fault", "FaultError"]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a data set.

    Attributes
    ----------
    kind : str
        What it is about: "json", "category", "image", "annotation", "file", "size", "segment", "area", "bbox", "crowd"
        or "stuff".
    message : str
        What was found and what was expected.
    file : str
        The JSON, or the PNG.
    image_id : int, str or None
    segment_id : int or None

    Examples
    --------
    >>> print(Fault("area", "area is 3, 5 pixels have this id", "000000000139.png", 139, 7))
    000000000139.png: image 139: segment 7: area is 3, 5 pixels have this id
    """

    kind: Literal[
        "json", "category", "image", "annotation", "file", "size", "segment", "area", "bbox", "crowd", "stuff"
    ]
    message: str
    file: str
    image_id: int | str | None = None
    segment_id: int | None = None

    def __str__(self) -> str:
        parts = [self.file]
        if self.image_id is not None:
            parts.append(f"image {self.image_id}")
        if self.segment_id is not None:
            parts.append(f"segment {self.segment_id}")
        return ": ".join([*parts, self.message])


class FaultError(PanomaskError, ValueError):
    """A data set that cannot be used as it is. `faults` has everything that is wrong with what was looked at.

    Examples
    --------
    >>> raise FaultError([Fault("file", "is not there", "1.png", 1)])
    Traceback (most recent call last):
    panomask.panoptic.faults.FaultError: 1.png: image 1: is not there
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        lines = [str(fault) for fault in self.faults[:5]]
        if len(self.faults) > 5:
            lines.append(f"and {len(self.faults) - 5} more")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[Any, ...]:
        return FaultError, (self.faults,)
