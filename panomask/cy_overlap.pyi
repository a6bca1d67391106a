from typing import Final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from panomask._batch import Batch

IOU: Final[int]
DICE: Final[int]
IOS: Final[int]

def matrix(a: Batch, b: Batch, name_a: str = "masks", name_b: str = "other") -> NDArray[np.uint64]: ...
def grouped(
    a: Batch, b: Batch, groups_a: NDArray[np.int64], groups_b: NDArray[np.int64], starts: NDArray[np.int64]
) -> NDArray[np.uint64]: ...
def paired(a: Batch, b: Batch) -> NDArray[np.uint64]: ...
def matrix_ratio(
    ratio: int,
    intersections: NDArray[np.uint64],
    areas_a: NDArray[np.uint64],
    areas_b: NDArray[np.uint64],
    *,
    crowd_a: NDArray[np.uint8] | None = None,
    crowd_b: NDArray[np.uint8] | None = None,
) -> NDArray[np.float64]: ...
def grouped_ratio(
    ratio: int,
    intersections: NDArray[np.uint64],
    areas_a: NDArray[np.uint64],
    groups_a: NDArray[np.int64],
    areas_b: NDArray[np.uint64],
    groups_b: NDArray[np.int64],
    crowd_b: NDArray[np.uint8] | None = None,
) -> NDArray[np.float64]: ...
def paired_ratio(
    ratio: int,
    intersections: NDArray[np.uint64],
    areas_a: NDArray[np.uint64],
    areas_b: NDArray[np.uint64],
    crowd_b: NDArray[np.uint8] | None = None,
) -> NDArray[np.float64]: ...
def box_ious(
    a: NDArray[np.float64], b: NDArray[np.float64], crowd_b: NDArray[np.uint8] | None
) -> NDArray[np.float64]: ...
@overload
def crowd_flags(values: None, n: int, name: str, of: str) -> None: ...
@overload
def crowd_flags(values: ArrayLike, n: int, name: str, of: str) -> NDArray[np.uint8]: ...
@overload
def crowd_flags(values: ArrayLike | None, n: int, name: str, of: str) -> NDArray[np.uint8] | None: ...
