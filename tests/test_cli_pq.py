"""`panomask pq`: what it prints, writes and exits with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("rich")
pytest.importorskip("PIL")

from PIL import Image
from typer.testing import CliRunner

from panomask.cli import pq as pq_command
from panomask.cli.app import app
from panomask.panoptic.quality import PanopticQuality

CATEGORIES = [
    {"id": 1, "name": "cat [tabby]", "isthing": 1},
    {"id": 2, "name": "grass", "isthing": 0},
    {"id": 3, "name": "sky", "isthing": 0},
]


def run(*arguments: str | Path) -> Any:
    environment = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    return CliRunner().invoke(app, ["pq", *map(str, arguments)], env=environment, prog_name="panomask")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Two images in which the cat is found and the grass is not."""
    for side in ("gt", "pred"):
        (tmp_path / side).mkdir()
        annotations = []
        for i in (1, 2):
            pixels = np.zeros((10, 10, 3), np.uint8)
            pixels[:5, :, 0] = 7
            pixels[5 + i :, :, 0] = 8
            segments = [{"id": 7, "category_id": 1, "area": 50}]
            if side == "gt":
                segments.append({"id": 8, "category_id": 2, "area": 50 - 10 * i})
            else:
                pixels[5:] = 0
            Image.fromarray(pixels).save(tmp_path / side / f"{i}.png")
            annotations.append({"image_id": i, "file_name": f"{i}.png", "segments_info": segments})
        content = {"annotations": annotations, "categories": CATEGORIES}
        (tmp_path / f"{side}.json").write_text(json.dumps(content))
    return tmp_path / "gt.json", tmp_path / "pred.json"


def test_the_tables(files: tuple[Path, Path]) -> None:
    result = run(*files)
    assert result.exit_code == 0, result.output
    assert [line.split() for line in result.stdout.splitlines() if line.strip()] == [
        ["category", "PQ", "SQ", "RQ", "TP", "FP", "FN"],
        ["cat", "[tabby]", "100.0", "100.0", "100.0", "2", "0", "0"],
        ["grass", "0.0", "0.0", "0.0", "0", "0", "2"],
        ["1", "categories", "are", "in", "no", "image"],
        ["PQ", "SQ", "RQ", "categories"],
        ["All", "50.0", "50.0", "50.0", "2"],
        ["Things", "100.0", "100.0", "100.0", "1"],
        ["Stuff", "0.0", "0.0", "0.0", "1"],
    ]
    assert result.stderr == ""


def test_json_holds_everything(files: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "pq.json"
    assert run(*files, "--json", path, "--workers", "2", "--preset", "coco-boundary").exit_code == 0
    content = json.loads(path.read_text())
    whole = PanopticQuality.from_files(*files, preset="coco-boundary").compute().to_dict()
    assert content == {
        "preset": "coco-boundary",
        "gt": str(files[0]),
        "pred": str(files[1]),
        "images": 2,
        **json.loads(json.dumps(whole)),
    }


def test_a_group_without_categories_is_null(files: tuple[Path, Path], tmp_path: Path) -> None:
    content = json.loads(files[0].read_text())
    content["categories"] = CATEGORIES[:1]
    files[0].write_text(json.dumps(content))
    path = tmp_path / "pq.json"
    result = run(*files, "--json", path)
    assert result.exit_code == 0
    assert json.loads(path.read_text())["Stuff"] == {"pq": None, "sq": None, "rq": None, "n": 0}
    assert ["Stuff", "-", "-", "-", "0"] in [line.split() for line in result.stdout.splitlines()]


@pytest.mark.parametrize(("name", "begin"), [("pq.png", b"\x89PNG"), ("pq.svg", b"<?xml")])
def test_plot_is_written(files: tuple[Path, Path], tmp_path: Path, name: str, begin: bytes) -> None:
    pytest.importorskip("matplotlib")
    assert run(*files, "--plot", tmp_path / name).exit_code == 0
    assert (tmp_path / name).read_bytes().startswith(begin)


def test_other_folders(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "pred").rename(tmp_path / "elsewhere")
    result = run(*files)
    assert result.exit_code == 2
    assert result.stderr == f"panomask pq: Folder {tmp_path / 'pred'} with predicted segmentations doesn't exist\n"
    assert run(*files, "--pred-folder", tmp_path / "elsewhere", "--gt-folder", tmp_path / "gt").exit_code == 0


def test_a_segment_that_is_not_in_the_list_is_exit_code_2(files: tuple[Path, Path], tmp_path: Path) -> None:
    content = json.loads(files[1].read_text())
    content["annotations"][1]["segments_info"] = []
    files[1].write_text(json.dumps(content))
    result = run(*files, "--json", tmp_path / "pq.json")
    assert result.exit_code == 2
    assert result.stderr == (
        "panomask pq: In the image with ID 2 segment with ID 7 is presented in PNG and not presented in JSON.\n"
    )
    assert not (tmp_path / "pq.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "nuscenes"], "expected one of coco, cityscapes, coco-boundary"),
        (["--json", "no/such/place.json"], "there is no directory"),
        (["--plot", "no/such/place.png"], "there is no directory"),
        (["--workers", "0"], "--workers"),
        (["--json", "."], "--json: . is a directory"),
    ],
)
def test_bad_usage_is_exit_code_2(files: tuple[Path, Path], arguments: list[str], message: str) -> None:
    result = run(*files, *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize("option", ["--json", "--plot"])
@pytest.mark.parametrize(
    "name", ["gt.json", "pred.json", "link.json", "gt/1.png", "pred/../pred/2.png", "gt/deep/3.png"]
)
def test_no_input_is_written_over(files: tuple[Path, Path], tmp_path: Path, option: str, name: str) -> None:
    """Before, the results took the place of the annotations that were read, with exit code 0."""
    (tmp_path / "link.json").symlink_to(files[0])
    (tmp_path / "gt" / "deep").mkdir()
    (tmp_path / "gt" / "deep" / "3.png").write_bytes(b"of another image")
    before = (tmp_path / name).read_bytes()
    result = run(*files, option, tmp_path / name)
    assert result.exit_code == 2
    assert "is what the command reads" in " ".join(result.stderr.replace("│", " ").split())
    assert (tmp_path / name).read_bytes() == before


def test_two_options_do_not_write_one_file(files: tuple[Path, Path], tmp_path: Path) -> None:
    result = run(*files, "--json", tmp_path / "out", "--plot", tmp_path / "out")
    assert result.exit_code == 2
    assert "is where another option writes" in " ".join(result.stderr.replace("│", " ").split())


def test_two_outputs_are_two_files(files: tuple[Path, Path], tmp_path: Path) -> None:
    assert run(*files, "--json", tmp_path / "both", "--plot", tmp_path / "both").exit_code == 2
    assert not (tmp_path / "both").exists()


def test_files_that_cannot_be_read(files: tuple[Path, Path], tmp_path: Path) -> None:
    result = run(files[0], tmp_path / "none.json")
    assert (result.exit_code, result.stderr) == (
        2,
        f"panomask pq: {tmp_path / 'none.json'}: No such file or directory\n",
    )
    files[1].write_text("{")
    result = run(*files)
    assert result.exit_code == 2
    assert result.stderr == (
        f"panomask pq: {files[1]}: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)\n"
    )


def test_plotting_without_matplotlib_is_refused_at_once(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pq_command, "find_spec", lambda name: None)
    result = run(*files, "--plot", tmp_path / "pq.png")
    assert result.exit_code == 2
    assert not (tmp_path / "pq.png").exists()
