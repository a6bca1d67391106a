"""Writing files whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, then rename it there, so that a full disk leaves the old file or none.

    Parameters
    ----------
    path : Path
        The file to write or replace; through a symbolic link, the file that it points to. What is not a regular file,
        such as a pipe, is written to directly.
    content : bytes
        All of it.

    Raises
    ------
    OSError
        If the file cannot be written. Nothing is left beside it.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
