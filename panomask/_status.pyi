from typing import Final

ERROR_CLASSES: Final[dict[int, type[Exception]]]
STATUS_FULL: Final[int]
STATUS_END: Final[int]

def raise_status(status: int) -> None: ...
