"""How commands stop when they cannot do what they were asked for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import typer

from panomask._files import write_whole

__all__ = ["check_outputs", "failure", "write_or_fail"]


def failure(command: str, message: str) -> typer.Exit:
    """Say why the command stops, in one sentence, and give the exit."""
    typer.echo(f"panomask {command}: {message}", err=True)
    return typer.Exit(2)


def check_outputs(outputs: dict[str, Path | None], inputs: Iterable[Path]) -> None:
    """Refuse, before any work is done, files that cannot be written, and such as would take the place of another.

    Parameters
    ----------
    outputs : dict of Path or None
        Option -> the file that it asks for.
    inputs : iterable of Path
        Files and folders that are read; no file that is there in such a folder, however deep, is written
        over.
    """
    read = {path.resolve() for path in inputs}
    written: set[Path] = set()
    for option, path in outputs.items():
        if path is None:
            continue
        target = path.resolve()
        if not target.parent.is_dir():
            raise typer.BadParameter(f"there is no directory {target.parent}", param_hint=option)
        if target.is_dir():
            raise typer.BadParameter(f"{path} is a directory", param_hint=option)
        if target in read or (target.exists() and not read.isdisjoint(target.parents)):
            raise typer.BadParameter(f"{path} is what the command reads, and would be written over", param_hint=option)
        if target in written:
            raise typer.BadParameter(f"{path} is where another option writes, too", param_hint=option)
        written.add(target)


def write_or_fail(command: str, path: Path, content: bytes) -> None:
    """Write a file whole, or stop."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise failure(command, f"{path}: {error.strerror or error}") from error
