from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from panomask._batch import Batch

_B = TypeVar("_B", bound=Batch)

def segments(
    cls: type[_B], maps: list[NDArray[Any]], ignored: list[int], name: str
) -> tuple[NDArray[Any], _B, NDArray[np.int64]]: ...
def paint(masks: Batch, ids: NDArray[np.uint64], background: int, out: NDArray[Any]) -> bool: ...
def are_flat(a: Any, b: Any) -> bool: ...
def joint_histogram(a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.uint64]]: ...
def joint_histogram_of_pngs(
    a: bytes, b: bytes, height: int, width: int, name_a: str, name_b: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]: ...
