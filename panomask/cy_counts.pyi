from typing import Any, TypeVar

from panomask._batch import Batch

_B = TypeVar("_B", bound=Batch)

def from_dicts(cls: type[_B], rles: Any, name: str) -> _B: ...
def to_dicts(masks: Batch, as_str: bool = False, verbatim: bool = False) -> list[dict[str, Any]]: ...
