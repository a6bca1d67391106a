"""The panomask command and its subcommands."""

from __future__ import annotations

from typing import Annotated

import typer

import panomask

from .bench import bench
from .pq import pq
from .validate import validate_panoptic

__all__ = ["app"]

app = typer.Typer(
    help="Work with segmentation masks as run lengths.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(bench)
app.command()(pq)
app.command()(validate_panoptic)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"panomask {panomask.__version__} ({panomask.get_isa()} kernels)")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and the CPU kernels in use.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    pass
