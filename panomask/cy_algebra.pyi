from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from panomask._batch import Batch

_B = TypeVar("_B", bound=Batch)

INTERSECTION: Final[int]
UNION: Final[int]
XOR: Final[int]
DIFFERENCE: Final[int]

def pairwise(operation: int, a: _B, b: Batch) -> _B: ...
def complement(masks: _B) -> _B: ...
def reduce(operation: int, masks: _B, groups: NDArray[np.int64], name: str) -> _B: ...
