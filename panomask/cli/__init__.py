"""The panomask command."""

from __future__ import annotations

import io
import sys

__all__ = ["main"]

NEEDED = ("typer", "rich")


def main() -> None:
    """Run the panomask command with the arguments of the process, and exit with its code."""
    try:
        from .app import app
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in NEEDED:
            raise
        print(f'panomask: the command needs {module}: pip install "panomask[cli]"', file=sys.stderr)
        sys.exit(2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # in an ASCII terminal, "?s" for "µs" beats no table at all
    app(prog_name="panomask")
