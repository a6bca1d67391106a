"""`panomask pq`: the panoptic quality of predictions in COCO's panoptic format."""

from __future__ import annotations

import json
import math
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from panomask.cli._failure import check_outputs, failure, write_or_fail
from panomask.panoptic._panoptic_files import default_folder
from panomask.panoptic.quality import PRESETS, PanopticQuality
from panomask.panoptic.result import PanopticResult

__all__ = ["pq"]

FILE_PRESETS = [preset.name for preset in PRESETS.values() if preset.maps == "segments"]


def pq(
    gt: Annotated[Path, typer.Argument(metavar="GT.json", help="Ground truth, a COCO panoptic JSON file.")],
    pred: Annotated[Path, typer.Argument(metavar="PRED.json", help="Predictions, another one.")],
    gt_folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="PNGs of the ground truth: GT without .json by default.")
    ] = None,
    pred_folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="PNGs of the predictions: PRED without .json by default.")
    ] = None,
    preset: Annotated[str, typer.Option(metavar="NAME", help=f"Whose rules: {', '.join(FILE_PRESETS)}.")] = "coco",
    output: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all numbers to this file too, in full.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the categories too, as PNG or .svg.")] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Threads: one a CPU by default. Results do not depend on it.")
    ] = None,
) -> None:
    """Panoptic quality of predictions in COCO's panoptic format: PQ, SQ and RQ, to the last bit as the evaluators.

    The exit code is 2 if the files cannot be evaluated: one is missing, an image has no prediction, or the segments of
    a prediction are not those of its PNG. Nothing is written then, and no file that is read is ever written over.

    For example:

    - panomask pq panoptic_val2017.json predictions.json
    - panomask pq panoptic_val2017.json predictions.json --preset coco-boundary --json pq.json --plot pq.png
    """
    if preset not in FILE_PRESETS:
        raise typer.BadParameter(f"expected one of {', '.join(FILE_PRESETS)}, found {preset!r}", param_hint="--preset")
    folders = gt_folder or Path(default_folder(gt)), pred_folder or Path(default_folder(pred))
    check_outputs({"--json": output, "--plot": plot}, (gt, pred, *folders))
    if plot is not None and find_spec("matplotlib") is None:
        raise typer.BadParameter('plotting needs matplotlib: pip install "panomask[plot]"', param_hint="--plot")

    quality = _evaluate(gt, pred, gt_folder, pred_folder, preset, workers)
    result = quality.compute()
    Console().print(*_tables(result), sep="\n\n")
    if output is not None:
        content = {"preset": preset, "gt": str(gt), "pred": str(pred), "images": len(quality), **result.to_dict()}
        write_or_fail("pq", output, (json.dumps(_finite(content), indent=1) + "\n").encode())
    if plot is not None:
        from .pq_plot import to_picture

        title = f"{pred.name} against {gt.name}, {len(quality)} images, rules of {PRESETS[preset].source}"
        write_or_fail("pq", plot, to_picture(result, title, "svg" if plot.suffix == ".svg" else "png"))


def _evaluate(
    gt: Path, pred: Path, gt_folder: Path | None, pred_folder: Path | None, preset: str, workers: int | None
) -> PanopticQuality:
    """Read and match all images, behind a progress bar if there is a terminal to show it."""
    errors = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    parts: dict[int, tuple[int, int]] = {}
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("images", total=None)

        def show(worker: int, done: int, total: int) -> None:
            parts[worker] = done, total
            now = list(parts.values())
            progress.update(task, completed=sum(done for done, _ in now), total=sum(total for _, total in now))

        try:
            return PanopticQuality.from_files(
                gt, pred, gt_folder, pred_folder, preset=preset, workers=workers, progress=show
            )
        except OSError as error:
            about = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            raise failure("pq", about) from error
        except KeyError as error:
            raise failure("pq", str(error.args[0])) from error
        except (ValueError, TypeError, OverflowError, ImportError) as error:
            raise failure("pq", str(error)) from error


def _tables(result: PanopticResult) -> list[Table | Text]:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("category")
    for name in ("PQ", "SQ", "RQ", "TP", "FP", "FN"):
        table.add_column(name, justify="right")
    absent = 0
    for i, category in enumerate(result.categories):
        tp, fp, fn = int(result.tp[i]), int(result.fp[i]), int(result.fn[i])
        if tp + fp + fn == 0:
            absent += 1
            continue
        numbers = [f"{100 * float(values[i]):.1f}" for values in (result.pq, result.sq, result.rq)]
        table.add_row(Text(category.name), *numbers, str(tp), str(fp), str(fn))
    summary = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "PQ", "SQ", "RQ", "categories"):
        summary.add_column(name, justify="left" if name == "" else "right")
    for name, group in result.groups.items():
        numbers = ["-" if math.isnan(group[k]) else f"{100 * group[k]:.1f}" for k in ("pq", "sq", "rq")]
        summary.add_row(name, *numbers, str(group["n"]))
    parts: list[Table | Text] = [table, summary]
    if absent:
        parts.insert(1, Text(f"{absent} categories are in no image", style="dim"))
    return parts


def _finite(value: object) -> object:
    """Return null for NaN, which JSON has not."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
