from typing import Any

import numpy as np
from numpy.typing import NDArray

def match_listed(
    pairs: tuple[NDArray[np.int64], ...],
    gt: tuple[Any, ...],
    pred: tuple[Any, ...],
    boundaries: tuple[Any, ...] | None,
    n_categories: int,
    image: Any,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]: ...
