"""The panomask command: what it prints, writes and exits with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("typer")
pytest.importorskip("rich")

from typer.testing import CliRunner

import panomask
from panomask import _files, cli
from panomask.bench.adapters import LIBRARIES, load_adapters
from panomask.bench.cases import COMMAND_CASES
from panomask.cli import bench as bench_command
from panomask.cli.app import app

# pycocotools 2.0.11 makes numpy 2 warn whenever it decodes.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SMALL = ["bench", "--quick", "--size", "40x60", "--masks", "6"]
ADAPTERS, MISSING = load_adapters()


def run(*arguments: str | Path) -> Any:
    environment = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    return CliRunner().invoke(app, [str(each) for each in arguments], env=environment, prog_name="panomask")


def words(text: str) -> str:
    """Drop boxes and line breaks, which depend on the width of the terminal."""
    return " ".join(text.translate(str.maketrans("│╭╮╰╯─", "      ")).split())


def test_version_names_the_kernels() -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout == f"panomask {panomask.__version__} ({panomask.get_isa()} kernels)\n"


def test_without_arguments_help_is_shown() -> None:
    assert "bench" in run().output


def test_the_module_is_the_command() -> None:
    command = [sys.executable, "-m", "panomask", "--version"]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == run("--version").stdout


def test_a_terminal_without_greek_letters_gets_its_table() -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "panomask", *SMALL]
    result = subprocess.run(command, capture_output=True, check=True, text=True, env=environment)
    assert "polygons" in result.stdout


def test_help_teaches() -> None:
    text = words(run("bench", "--help").output)
    for taught in (
        "beside naive numpy, numba and pycocotools",
        "the exit code is 1 if any differs",
        "a median of about 100 runs",
        "panomask bench --coco instances_val2017.json --masks 500",
        *("--size", "--masks", "--seed", "--quick", "--coco", "--json", "--plot"),
    ):
        assert taught in text


def test_bench_prints_a_table_and_nothing_else() -> None:
    result = run(*SMALL)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert "COCO-like scenes: 6 masks in 1 image of 40 x 60" in words(result.stdout)
    for text in (*LIBRARIES, *(case.title for case in COMMAND_CASES), "panomask " + panomask.__version__):
        assert text in words(result.stdout)


def test_json_holds_everything(tmp_path: Path) -> None:
    path = tmp_path / "times.json"
    assert run(*SMALL, "--seed", "3", "--json", path).exit_code == 0
    content = json.loads(path.read_text())
    assert content["agreed"] is True
    assert content["versions"]["panomask"] == panomask.__version__
    assert set(content["versions"]) == {"python", *ADAPTERS}
    assert content["missing"] == MISSING
    assert content["machine"]["kernels"] == panomask.get_isa()
    assert content["scenes"]["seed"] == 3
    assert content["scenes"]["sizes"] == [[40, 60]]
    results = content["results"]
    assert len(results) == len(ADAPTERS) * len(COMMAND_CASES)
    assert {each["library"] for each in results} == set(ADAPTERS)
    for each in results:
        assert each["agreed"] is True
        assert 0 < each["min"] <= each["median"] <= each["max"]
        assert each["repeats"] == bench_command.QUICK_REPEATS
        assert each["masks"] == 6
        assert each["bytes_moved"] > 0


def test_plot_is_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "times.png"
    assert run(*SMALL, "--plot", path).exit_code == 0
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_different_answer_is_exit_code_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "times.json"
    right = ADAPTERS["panomask"].area
    monkeypatch.setattr(ADAPTERS["panomask"], "area", lambda rles: right(rles) + 1)
    result = run(*SMALL, "--json", path)
    assert result.exit_code == 1
    assert result.stderr == "area: panomask gives another answer for image 1 of 1\n"
    content = json.loads(path.read_text())
    assert content["agreed"] is False
    wrong = [(each["operation"], each["library"]) for each in content["results"] if not each["agreed"]]
    assert wrong == [("area", "panomask")]


def test_a_coco_file_is_measured(tmp_path: Path) -> None:
    path = tmp_path / "instances.json"
    annotations = [
        {"image_id": 1, "segmentation": [[1, 1, 1, 4, 5, 4, 5, 1]]},
        {"image_id": 2, "iscrowd": 1, "segmentation": {"size": [6, 8], "counts": "73300000a0"}},
    ]
    images = [{"id": 1, "height": 7, "width": 9}, {"id": 2, "height": 6, "width": 8}]
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    result = run("bench", "--quick", "--coco", path)
    assert result.exit_code == 0, result.output
    assert "instances.json: 2 masks in 2 images of 2 sizes, 9 runs a mask (mean 9)" in words(result.stdout)


@pytest.mark.parametrize("option", ["--json", "--plot"])
def test_the_coco_file_is_not_written_over(tmp_path: Path, option: str) -> None:
    path = tmp_path / "instances.json"
    path.write_text("[]")
    result = run("bench", "--coco", path, option, path)
    assert result.exit_code == 2
    assert "is what the command reads" in words(result.stderr)
    assert path.read_text() == "[]"


def test_a_missing_coco_file_is_one_sentence(tmp_path: Path) -> None:
    result = run("bench", "--coco", tmp_path / "none.json")
    assert result.exit_code == 2
    assert result.output == f"panomask bench: {tmp_path / 'none.json'}: No such file or directory\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "480"], "Invalid value for --size: expected HEIGHTxWIDTH such as 480x640, found '480'"),
        (["--size", "8x8"], "Invalid value for --size: expected sides of 32 to 32768 pixels, found 8 x 8"),
        (["--json", "no/such/place.json"], "Invalid value for --json: there is no directory"),
        (["--plot", "no/such/place.png"], "Invalid value for --plot: there is no directory"),
    ],
)
def test_bad_usage_is_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("bench", *arguments)
    assert result.exit_code == 2
    assert message in words(result.stderr)


def test_numbers_of_masks_begin_at_one() -> None:
    assert run("bench", "--masks", "0").exit_code == 2


def test_what_cannot_fit_in_memory_is_refused() -> None:
    if not hasattr(os, "sysconf"):
        pytest.skip("this system does not tell its memory")
    result = run("bench", "--masks", str(10**9))
    assert result.exit_code == 2
    assert result.stderr.startswith("panomask bench: decoded, these masks take about ")
    assert result.stderr.endswith(": lower --masks or --size\n")


def test_plotting_without_matplotlib_is_refused_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench_command, "find_spec", lambda name: None)
    result = run(*SMALL, "--plot", tmp_path / "times.png")
    assert result.exit_code == 2
    assert 'plotting needs matplotlib: pip install "panomask[plot]"' in words(result.stderr)


def test_a_full_disk_leaves_nothing_half_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_files.os, "fsync", full)
    path = tmp_path / "times.json"
    result = run(*SMALL, "--json", path)
    assert result.exit_code == 2
    assert result.stderr == f"panomask bench: {path}: No space left on device\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_the_command_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], module: str
) -> None:
    for name in list(sys.modules):
        if name.startswith(("panomask.cli.", "panomask.bench.report")):
            monkeypatch.delitem(sys.modules, name)
        elif name.partition(".")[0] == module:
            monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert capsys.readouterr().err == f'panomask: the command needs {module}: pip install "panomask[cli]"\n'
