"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from types import TracebackType
from uuid import uuid4

__all__ = ["NewFile", "NewFolder", "write_whole"]


def _beside(target: Path) -> Path:
    # not from tempfile, whose files only their owner may read
    return target.with_name(f".{target.name}.{uuid4().hex}")


def _check_parent(target: Path) -> None:
    """Say which folder is not there, where the error of `open` would show the name of a file that nobody asked for."""
    if not target.parent.is_dir():
        raise FileNotFoundError(
            errno.ENOENT, f"{os.strerror(errno.ENOENT)}, where {target.name} goes", str(target.parent)
        )


class NewFile:
    """A file that is written beside where it goes: `move` puts it there, leaving without that removes it."""

    def __init__(self, target: str | os.PathLike[str]) -> None:
        self.target = Path(target).resolve()  # through a symbolic link, what it points to
        self.beside = _beside(self.target)

    def __enter__(self) -> NewFile:
        if self.target.is_dir():
            raise IsADirectoryError(f"{self.target.name} is a folder, expected a file or nothing")
        _check_parent(self.target)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.beside.unlink(missing_ok=True)

    def write(self, data: bytes | bytearray) -> None:
        """Write all of it, down to the disk."""
        with open(self.beside, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def move(self) -> None:
        """Put it where it goes: whoever reads that sees the old file or the new one."""
        os.replace(self.beside, self.target)


def write_whole(path: str | os.PathLike[str], data: bytes | bytearray) -> None:
    """Write a file, or leave what was there. What is no regular file, such as a pipe, is written to directly."""
    target = Path(path).resolve()
    if target.exists() and not target.is_file() and not target.is_dir():
        target.write_bytes(data)
        return
    with NewFile(target) as file:
        file.write(data)
        file.move()


class NewFolder:
    """A folder that is filled beside where it goes: `move` puts it there, leaving without that removes it.

    Where there is a folder of that name, `move` adds to it and replaces files one by one.
    """

    def __init__(self, target: str | os.PathLike[str]) -> None:
        self.target = Path(target).resolve()  # through a symbolic link, what it points to
        self.beside = _beside(self.target)

    def __enter__(self) -> NewFolder:
        if self.target.exists() and not self.target.is_dir():
            raise NotADirectoryError(f"{self.target.name} is a file, expected a folder or nothing")
        _check_parent(self.target)
        self.beside.mkdir()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.beside, ignore_errors=True)

    def path(self, name: str) -> Path:
        """Return where to write a file of that name, which may have folders in it."""
        path = self.beside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def move(self) -> None:
        """Put the files where they go."""
        if not self.target.exists():
            os.rename(self.beside, self.target)
            return
        for file in sorted(self.beside.rglob("*")):
            target = self.target / file.relative_to(self.beside)
            if file.is_dir():
                target.mkdir(exist_ok=True)
            else:
                os.replace(file, target)
