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


def _is_folder(target: Path) -> OSError:
    return IsADirectoryError(errno.EISDIR, "is a folder, expected a file or nothing", str(target))


def _is_file(target: Path) -> OSError:
    return NotADirectoryError(errno.ENOTDIR, "is a file, expected a folder or nothing", str(target))


def _show_target(error: BaseException | None, beside: Path, target: Path) -> None:
    """Let an error of the system name what was asked for, where it names what is beside that for a while."""
    if not isinstance(error, OSError):
        return
    for attribute in ("filename", "filename2"):
        name = getattr(error, attribute)
        if isinstance(name, str) and name.startswith(str(beside)):
            setattr(error, attribute, str(target) + name[len(str(beside)) :])
    if error.filename2 is not None and error.filename2 == error.filename:
        del error.filename2  # None would be shown


class NewFile:
    """A file that is written beside where it goes: `move` puts it there, leaving without that removes it."""

    def __init__(self, target: str | os.PathLike[str]) -> None:
        self.target = Path(target).resolve()  # through a symbolic link, what it points to
        self.beside = _beside(self.target)

    def __enter__(self) -> NewFile:
        if self.target.is_dir():
            raise _is_folder(self.target)
        _check_parent(self.target)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.beside.unlink(missing_ok=True)
        _show_target(error, self.beside, self.target)

    def write(self, data: bytes | bytearray) -> None:
        """Write all of it, down to the disk."""
        try:
            with open(self.beside, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if error.filename is None:  # a full disk names no file
                error.filename = str(self.target)
            raise

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
            raise _is_file(self.target)
        _check_parent(self.target)
        self.beside.mkdir()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.beside, ignore_errors=True)
        _show_target(error, self.beside, self.target)

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
        moves = [(file, self.target / file.relative_to(self.beside)) for file in sorted(self.beside.rglob("*"))]
        for file, target in moves:  # before any of them replaces one
            if target.is_dir() and not file.is_dir():
                raise _is_folder(target)
            if file.is_dir() and target.exists() and not target.is_dir():
                raise _is_file(target)
        for file, target in moves:
            if file.is_dir():
                target.mkdir(exist_ok=True)
            else:
                os.replace(file, target)
