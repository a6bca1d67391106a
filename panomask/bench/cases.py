"""What is measured: each case is one operation, the form its operands are in, and the form its answers compare in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .adapters import via_numpy
from .scenes import Masks, Scene

__all__ = ["CASES", "COMMAND_CASES", "Case", "answers_agree", "bytes_of"]

Hold = Callable[[Masks], Any]


@dataclass(frozen=True)
class Case:
    """One operation on the masks of an image.

    Attributes
    ----------
    operation : str
        The adapters' function that does it.
    title : str
        How reports call it.
    hold : str or None
        The adapters' function that makes the operands; None for operands that are the same for every library.
    arguments : callable
        Takes that function and a scene, gives the arguments of the operation.
    gives : {"numbers", "masks", "text"}
        What answers are: arrays, masks, which are compared as run lengths, or COCO text.
    """

    operation: str
    title: str
    hold: str | None
    arguments: Callable[[Hold, Scene], tuple[Any, ...]]
    gives: Literal["numbers", "masks", "text"] = "numbers"

    def operands(self, adapter: ModuleType, scenes: Sequence[Scene]) -> list[tuple[Any, ...]]:
        """Make the arguments of the operation for each scene, in the form that the library's users hold."""
        hold = getattr(adapter, self.hold) if self.hold else _same_for_all
        return [self.arguments(hold, scene) for scene in self.scenes(scenes)]

    def scenes(self, scenes: Sequence[Scene]) -> list[Scene]:
        """Choose the scenes that the operation has something to do on."""
        return [scene for scene in scenes if self.masks([scene])]

    def masks(self, scenes: Sequence[Scene]) -> int:
        """Count the masks that the operation works on."""
        if self.operation == "rasterise":
            return sum(len(scene.polygons) for scene in scenes)
        if self.operation == "nms":
            return sum(len(scene.gt) + len(scene.dt) for scene in scenes)
        return sum(len(scene.gt) for scene in scenes)

    def comparable(self, adapter: ModuleType, answer: Any) -> Any:
        """Bring the answer for one scene into the form that all libraries' answers compare in."""
        if self.gives == "masks":
            return adapter.counts_of(answer)
        if self.gives == "text":
            return [rle["counts"] if isinstance(rle, dict) else rle for rle in answer]
        return np.asarray(answer)


def _same_for_all(masks: Masks) -> Any:
    raise AssertionError("operands that are the same for every library are held by none")


COMMAND_CASES = (
    Case("encode_hwn", "encode (h, w, n)", None, lambda _, scene: (_pixels_hwn(scene.gt),), gives="masks"),
    Case("encode_nhw", "encode (n, h, w)", None, lambda _, scene: (_pixels_nhw(scene.gt),), gives="masks"),
    Case("decode_hwn", "decode (h, w, n)", "hold_runs", lambda hold, scene: (hold(scene.gt),)),
    Case("decode_nhw", "decode (n, h, w)", "hold_runs", lambda hold, scene: (hold(scene.gt),)),
    Case("area", "area", "hold_masks", lambda hold, scene: (hold(scene.gt),)),
    Case("box", "box", "hold_masks", lambda hold, scene: (hold(scene.gt),)),
    Case("union", "union", "hold_masks", lambda hold, scene: (hold(scene.gt),), gives="masks"),
    Case(
        "intersection", "intersection", "hold_masks", lambda hold, scene: (hold(scene.gt), hold(scene.dt)),
        gives="masks",
    ),
    Case("iou", "IoU matrix", "hold_masks", lambda hold, scene: (hold(scene.dt), hold(scene.gt), scene.iscrowd)),
    Case(
        "rasterise", "polygons", None, lambda _, scene: (scene.polygons, scene.gt.height, scene.gt.width),
        gives="masks",
    ),
)  # fmt: skip
"""What `panomask bench` measures. Dense arrays come in both memory orders: pycocotools' own (height, width, n) Fortran
order and the (n, height, width) C order of torch and numpy."""

CASES = (
    *COMMAND_CASES,
    Case("nms", "NMS", "hold_masks", lambda hold, scene: (hold(_candidates(scene)), _scores(scene))),
    Case("compress", "runs to COCO text", "hold_counts", lambda hold, scene: (hold(scene.gt),), gives="text"),
    Case("parse", "COCO text to runs", "hold_text", lambda hold, scene: (hold(scene.gt),), gives="masks"),
)
"""What the suites in `benchmarks/` measure."""


def answers_agree(answer: Any, other: Any) -> bool:
    """Tell whether two answers are the same runs, the same text, or arrays of one shape with exactly equal values."""
    if isinstance(answer, list):
        return len(answer) == len(other) and all(map(np.array_equal, answer, other))
    return np.array_equal(answer, other)


def bytes_of(value: Any) -> int:
    """Compute the bytes of data in an operand or a result, in the form the library works on.

    Parameters
    ----------
    value : object
        Arrays and batches of masks count their buffers; text its characters; numbers 8 bytes each, also inside lists
        and dicts, whose own Python objects are not counted.

    Returns
    -------
    int
    """
    if isinstance(value, bytes | str):
        return len(value)
    if isinstance(value, dict):
        return sum(map(bytes_of, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(bytes_of, value))
    return int(getattr(value, "nbytes", 8))


def _candidates(scene: Scene) -> Masks:
    """Give two detections of each object, as a detector does before NMS."""
    return Masks(scene.gt.height, scene.gt.width, scene.gt.counts + scene.dt.counts)


def _scores(scene: Scene) -> NDArray[np.float64]:
    return np.random.default_rng(0).random(len(scene.gt) + len(scene.dt))


def _pixels_hwn(masks: Masks) -> Any:
    return via_numpy.decode_hwn(via_numpy.hold_runs(masks))


def _pixels_nhw(masks: Masks) -> Any:
    return via_numpy.decode_nhw(via_numpy.hold_runs(masks))
