from typing import Any

import numpy as np
from numpy.typing import NDArray
from typing_extensions import disjoint_base

FAULTS: dict[str, int]
KINDS: dict[str, int]
NO_VOID: int

@disjoint_base
class Encoding:
    def __init__(
        self,
        kind: int,
        least_code: int,
        most_code: int,
        most_category: int,
        most_instance: int,
        first_instance: int,
        divisor: int,
        bare_below: int,
        part_divisor: int,
        void_category: int,
        fields: tuple[tuple[int, int, int, int, int], ...],
        constant: int,
        segment_divisor: int,
        segment_shift: int,
        void_code: int,
    ) -> None: ...

@disjoint_base
class IdSet:
    def __init__(self, ids: NDArray[np.int64]) -> None: ...
    duplicate: int

def copy(source: NDArray[Any], source_channels: int, target: NDArray[Any], target_channels: int) -> int: ...
def join_rgb(pixels: Any, is_bgr: bool) -> NDArray[np.uint32] | None: ...
def split_rgb(ids: Any, is_bgr: bool) -> NDArray[np.uint8] | None: ...
def unique(ids: NDArray[Any], channels: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
def relabel(
    source: NDArray[Any], target: NDArray[Any], known: IdSet, values: NDArray[np.int64], other: int | None
) -> int: ...
def pack(
    encoding: Encoding,
    categories: NDArray[Any],
    instances: NDArray[Any] | None,
    attributes: NDArray[Any] | None,
    codes: NDArray[Any],
    channels: int,
) -> tuple[int, int]: ...
def unpack(
    encoding: Encoding,
    codes: NDArray[Any],
    channels: int,
    categories: NDArray[Any],
    instances: NDArray[Any] | None,
    attributes: NDArray[Any] | None,
) -> tuple[int, int]: ...
def convert(
    source: Encoding,
    target: Encoding,
    codes: NDArray[Any],
    channels: int,
    out: NDArray[Any],
    out_channels: int,
    known: IdSet | None,
    values: NDArray[np.int64] | None,
    allows_loss: bool,
) -> tuple[int, int]: ...
