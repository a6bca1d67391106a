from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from panomask._batch import Batch

_B = TypeVar("_B", bound=Batch)

def read_rings(
    rings: list[Any], names: Callable[[int], str], allow_odd: bool
) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...
def rasterize_rings(
    cls: type[_B],
    xy: NDArray[np.float64],
    offsets: NDArray[np.int64],
    height: int,
    width: int,
    names: Callable[[int], str],
) -> _B: ...
def rasterize_to_dicts(
    xy: NDArray[np.float64],
    offsets: NDArray[np.int64],
    height: int,
    width: int,
    names: Callable[[int], str],
) -> list[dict[str, Any]]: ...
def box_corners(boxes: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]: ...
