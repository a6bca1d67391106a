from collections.abc import Callable
from typing import Any, TypeVar

from numpy.typing import ArrayLike

from panomask._batch import Batch

_B = TypeVar("_B", bound=Batch)

def rasterize_polygons(
    cls: type[_B], rings: list[Any], height: Any, width: Any, names: Callable[[int], str]
) -> _B: ...
def rasterize_boxes(cls: type[_B], boxes: ArrayLike, height: Any, width: Any, name: str) -> _B: ...
def rles_from_polygons(poly: Any, h: Any, w: Any) -> list[dict[str, Any]]: ...
def rles_from_boxes(bb: Any, h: Any, w: Any) -> list[dict[str, Any]]: ...
