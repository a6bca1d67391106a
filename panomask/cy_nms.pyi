from typing import Final

import numpy as np
from numpy.typing import NDArray

from panomask._batch import Batch

GAUSSIAN: Final[int]
LINEAR: Final[int]

def greedy(
    masks: Batch, order: NDArray[np.int64], groups: NDArray[np.int64], ratio: int, threshold: float
) -> NDArray[np.int64]: ...
def matrix(
    masks: Batch, order: NDArray[np.int64], groups: NDArray[np.int64], decay: int, sigma: float
) -> NDArray[np.float64]: ...
