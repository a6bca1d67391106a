from typing import Any

import numpy as np
from numpy.typing import NDArray

def read_segments(segments: list[Any], categories: dict[Any, int], with_areas: bool) -> NDArray[np.int64] | None: ...
def match_listed(
    pairs: tuple[NDArray[np.int64], ...],
    gt: NDArray[np.int64],
    pred: NDArray[np.int64],
    boundaries: tuple[Any, ...] | None,
    where: str,
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None: ...
