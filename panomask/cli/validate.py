"""`panomask validate-panoptic`: list everything that is wrong with a COCO panoptic data set."""

from __future__ import annotations

import json as json_library
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from panomask.cli._failure import check_outputs, write_or_fail
from panomask.panoptic.coco import FaultError, folder_of, validate

__all__ = ["validate_panoptic"]


def validate_panoptic(
    json: Annotated[Path, typer.Argument(metavar="JSON", help="The annotations.", exists=True, dir_okay=False)],
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="The PNG files; by default in the folder with the name of the JSON."),
    ] = None,
    prediction: Annotated[
        bool, typer.Option("--prediction", help="A result: only id and category_id of segments are needed.")
    ] = False,
    categories: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A JSON file with the categories, if not the annotations.", exists=True, dir_okay=False
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the faults as JSON too.")] = None,
) -> None:
    """List everything that is wrong with a COCO panoptic data set, a fault a line.

    Looked at are the JSON, every PNG and what lies in the folder: ids that the map and the JSON do not share, areas,
    boxes, categories, crowds, sizes, missing and unnamed files. The exit code is 1 if there is any fault.

    For example:

    - panomask validate-panoptic annotations/panoptic_val2017.json
    - panomask validate-panoptic predictions.json pngs --prediction --categories panoptic_val2017.json
    """
    errors = Console(stderr=True)
    try:
        inputs = [json, folder_of(json, folder), *([] if categories is None else [categories])]
        check_outputs({"--report": report}, inputs)
        faults = validate(json, folder, is_prediction=prediction, categories=categories, progress=errors.is_terminal)
    except FaultError as error:  # of the categories
        raise typer.BadParameter(str(error), param_hint="--categories") from error
    except ValueError as error:  # the JSON has no ending, which the folder's name would be without
        raise typer.BadParameter(str(error), param_hint="FOLDER") from error
    for fault in faults:
        typer.echo(str(fault))
    if report is not None:
        content = json_library.dumps([asdict(fault) for fault in faults], indent=1).encode()
        write_or_fail("validate-panoptic", report, content)
    kinds = ", ".join(f"{n} of {kind}" for kind, n in Counter(fault.kind for fault in faults).most_common())
    counted = f"{len(faults)} fault{'s' * (len(faults) != 1)}"
    errors.print(f"{json.name}: {counted}{f': {kinds}' if kinds else ''}", markup=False, highlight=False)
    if faults:
        raise typer.Exit(1)
