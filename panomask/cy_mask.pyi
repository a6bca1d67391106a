from typing import Any

import numpy as np
from numpy.typing import NDArray

def encode(bimask: Any) -> Any: ...
def decode(rleObjs: Any) -> NDArray[np.uint8]: ...  # noqa: N803
def area(rleObjs: Any) -> Any: ...  # noqa: N803
def toBbox(rleObjs: Any) -> NDArray[np.float64]: ...  # noqa: N802, N803
def merge(rleObjs: Any, intersect: Any = 0) -> dict[str, Any]: ...  # noqa: N803
def iou(dt: Any, gt: Any, pyiscrowd: Any) -> Any: ...
def frPyObjects(pyobj: Any, h: int, w: int) -> Any: ...  # noqa: N802
def rles_from_dicts(rles: Any) -> Any: ...
