from typing import Any, TypeVar

from numpy.typing import NDArray

from panomask._batch import Batch

_B = TypeVar("_B", bound=Batch)

def encode(cls: type[_B], images: NDArray[Any], threshold: float | None, name: str) -> _B: ...
def decode_into(masks: Batch, images: NDArray[Any], zeroed: bool, origin: tuple[int, int] | None = None) -> None: ...
def common_size(masks: Batch, name: str) -> tuple[int, int]: ...
