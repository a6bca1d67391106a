"""How commands stop when they cannot do what they were asked for."""

from __future__ import annotations

from pathlib import Path

import typer

from panomask._files import write_whole

__all__ = ["failure", "write_or_fail"]


def failure(command: str, message: str) -> typer.Exit:
    """Say why the command stops, in one sentence, and give the exit."""
    typer.echo(f"panomask {command}: {message}", err=True)
    return typer.Exit(2)


def write_or_fail(command: str, path: Path, content: bytes) -> None:
    """Write a file whole, or stop."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise failure(command, f"{path}: {error.strerror}") from error
