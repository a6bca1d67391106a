"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], data: bytes | bytearray) -> None:
    """Write a file beside where it goes and rename it: whoever reads it sees the old one or the new one.

    If that fails nothing is left over, and what was there stays.
    """
    target = Path(path)
    # not from tempfile, whose files only their owner may read
    beside = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        with open(beside, "xb") as file:
            file.write(data)
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
