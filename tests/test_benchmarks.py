"""benchmarks/: the suites run and record, and each script writes its page from what it measured."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich")
pytest.importorskip("matplotlib")
pytest.importorskip("pytest_benchmark")

from panomask.bench import report, runner, scenes
from panomask.bench.adapters import load_adapters, via_numpy
from panomask.bench.cases import CASES, COMMAND_CASES, answers_agree
from panomask.bench.machine import machine, versions

# pycocotools 2.0.11 makes numpy 2 warn whenever it decodes.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ROOT = Path(__file__).parents[1]
SECTION = r"<!-- {0} -->\n(.*?)<!-- /{0} -->"


@pytest.fixture(autouse=True)
def _scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scripts be imported, as they import each other."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a place with empty pages for scripts to write in."""
    (tmp_path / "docs").mkdir()
    for page in ("README.md", "docs/benchmarks.md", "docs/scaling.md", "docs/accounting.md"):
        text = re.sub(SECTION.format("([a-z ]+)").replace("/([a-z ]+)", r"/\1"), r"<!-- \1 -->\n<!-- /\1 -->",
                      (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)  # fmt: skip
        (tmp_path / page).write_text(text, encoding="utf-8")
    return tmp_path


def section(page: Path, name: str) -> str:
    found = re.search(SECTION.format(name), page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def small_scene() -> scenes.Scene:
    return scenes.coco_like_scenes(np.random.default_rng(1), 12, 40, 60)[0]


# ---- inputs and peers -----------------------------------------------------------------------------------------------


def test_inputs_are_what_their_names_say() -> None:
    inputs = import_module("inputs")
    assert len(inputs.INPUTS) == 1 + 3 * 4 * 2 - 1 + 1
    assert set(inputs.QUICK) <= set(inputs.INPUTS)
    for name in ("480x640-ragged-one", "480x640-checkerboard-many", "tiny"):
        each = inputs.INPUTS[name]
        made = each.make()
        assert f"{made[0].gt.height}x{made[0].gt.width}" == each.size
        assert (sum(len(scene.gt) for scene in made) > 1) == name.endswith("many")
        assert [len(scene.dt) for scene in made] == [len(scene.gt) for scene in made]


def test_one_of_many_has_the_median_number_of_runs() -> None:
    made = scenes.coco_like_scenes(np.random.default_rng(1), 13, 40, 60)
    (one,) = import_module("inputs").one_of(made)
    assert len(one.gt) == len(one.dt) == len(one.iscrowd) == len(one.polygons) == 1
    assert len(one.gt.counts[0]) == np.median([len(counts) for scene in made for counts in scene.gt.counts])


def test_a_pool_has_several_detections_of_an_annotation() -> None:
    (pool,) = import_module("inputs").pool_scenes(20, 8, 40, 60)
    assert (len(pool.dt), len(pool.gt), len(pool.iscrowd)) == (20, 8, 8)
    assert not answers_agree(list(pool.dt.counts[:8]), list(pool.dt.counts[8:16]))


def test_peers_answer_alike_or_are_not_installed() -> None:
    scene = small_scene()
    for name, adapter in import_module("peers").load_peers().items():
        assert name == adapter.NAME
        for case in CASES:
            if hasattr(adapter, case.operation):
                answers = []
                for each in (via_numpy, adapter):
                    (operands,) = case.operands(each, [scene])
                    answers.append(case.comparable(each, getattr(each, case.operation)(*operands)))
                assert answers_agree(*answers), (name, case.operation)


# ---- the suites and their table -------------------------------------------------------------------------------------


def test_the_suites_run_and_their_numbers_become_a_page(root: Path) -> None:
    times = root / "times.json"
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(ROOT / "benchmarks"),
        "--quick",
        "-k",
        "tiny and (numpy or panomask)",
    ]
    command += ["-q", "-p", "no:cacheprovider", f"--benchmark-json={times}"]
    process = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout
    content = json.loads(times.read_text())
    assert {each["extra_info"]["operation"] for each in content["benchmarks"]} == {case.operation for case in CASES}
    assert all(each["extra_info"]["agreed"] for each in content["benchmarks"])
    import_module("table").main([str(times), "--root", str(root)])
    text = section(root / "docs" / "benchmarks.md", "numbers")
    assert text.count("| tiny |") == len(CASES)
    assert text.endswith("All answers were equal.\n")
    assert "<svg" in (root / "docs" / "benchmarks.svg").read_text()


def test_losses_and_differences_are_named() -> None:
    table = import_module("table")
    info = {"input": "tiny", "operation": "area", "masks": 2, "machine": machine(), "versions": versions({})}

    def result(library: str, median: float, agreed: bool) -> dict[str, Any]:
        return {"extra_info": {**info, "library": library, "agreed": agreed}, "stats": {"median": median}}

    content = {
        "datetime": "2026-01-02T03:04:05",
        "benchmarks": [result("numpy", 4.0, True), result("other", 1.0, False), result("panomask", 2.0, True)],
    }
    times, about, differing = table.read_suites(content)
    assert table.against_fastest(times) == {("area", "tiny"): (0.5, "other")}
    text = "\n".join(table.suites_section(times, about, differing))
    assert "Measured on 2026-01-02: " in text
    assert "| area | other | tiny 0.50x |" in text
    assert text.endswith("Other answers than numpy's: other in area, tiny.")


def test_the_command_s_json_becomes_the_readme_s_table(root: Path) -> None:
    adapters, missing = load_adapters()
    found = runner.measure(COMMAND_CASES, adapters, [small_scene()], repeats=2, turn_seconds=0)
    about = report.describe_scenes([small_scene()], "scenes", 1)
    path = root / "bench.json"
    path.write_text(report.to_json(report.Report(found, about, machine(), versions(adapters), missing)))
    import_module("table").main([str(path), "--root", str(root)])
    text = section(root / "README.md", "speed table")
    assert all(f"| {case.title} | " in text for case in COMMAND_CASES)
    assert "scenes: " in text
    assert "<svg" in (root / "docs" / "speed.svg").read_text()


# ---- pages ----------------------------------------------------------------------------------------------------------


def test_a_section_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    pages = import_module("pages")
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x -->\nold\n<!-- /x -->\nb\n")
    pages.write_section(page, "x", ["new", r"\1"])
    assert page.read_text() == "a\n<!-- x -->\nnew\n\\1\n<!-- /x -->\nb\n"
    with pytest.raises(ValueError, match="has no section <!-- y -->"):
        pages.write_section(page, "y", [])


def test_functions_take_turns() -> None:
    called: list[str] = []

    def slow(name: str) -> None:
        called.append(name)
        time.sleep(0.0005)

    times = import_module("pages").take_turns({name: lambda name=name: slow(name) for name in "ab"}, 0.1, 3)
    assert "".join(name for name, _ in groupby(called)) == "ab" + 3 * "ab"  # twice before, then three rounds
    assert [len(each) for each in times.values()] == [3, 3]
    assert min(times["a"] + times["b"]) > 0.0004


def test_threads_are_set_where_they_can_be_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = import_module("pages")
    numbers = [4]
    monkeypatch.setattr(pages.panomask, "get_num_threads", lambda: numbers[-1], raising=False)
    monkeypatch.setattr(pages.panomask, "set_num_threads", numbers.append, raising=False)
    with pages.threads_set(2) as is_set:
        assert is_set
    assert numbers == [4, 2, 4]
    monkeypatch.delattr(pages.panomask, "set_num_threads")
    with pages.threads_set(3) as is_set:
        assert not is_set
    assert numbers == [4, 2, 4]


# ---- scripts --------------------------------------------------------------------------------------------------------


def test_scaling_writes_its_page(root: Path) -> None:
    import_module("scaling").main(["--quick", "--root", str(root)])
    page = root / "docs" / "scaling.md"
    assert section(page, "perimeter").count("\n| ") == len(CASES) - 1 + 1
    for name in ("measured", "size", "number", "threads"):
        assert section(page, name)
    assert "<svg" in (root / "docs" / "scaling.svg").read_text()


@pytest.mark.parametrize(
    ("ours", "found"), [([1, 1, 1], None), ([1, 1, 4], 100), ([9, 1, 1], None), ([4, 4, 4], 0), ([4, 1, 4], 100)]
)
def test_a_crossover_is_where_decoded_arrays_win_for_good(ours: list[float], found: float | None) -> None:
    scaling = import_module("scaling")
    points = [scaling.Point(10.0**i, {"numpy": 2.0, "numba": 3.0, "panomask": t}) for i, t in enumerate(ours)]
    # Half way between 10 and 100 on a logarithmic scale.
    assert scaling.crossover(points) == (pytest.approx(10**1.5) if found else found)


def test_masks_of_finer_grain_have_longer_outlines_and_equal_areas() -> None:
    made = import_module("scaling").perimeter_scenes(48, 64, (8, 2))
    runs = [np.mean([len(counts) for counts in scene.gt.counts]) for scene in made]
    areas = [np.mean([counts[1::2].sum() for counts in scene.gt.counts]) for scene in made]
    assert runs == sorted(runs)
    assert np.allclose(areas, 48 * 64 / 2, rtol=0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="the references are a POSIX C library's")
def test_accounting_writes_its_page(root: Path) -> None:
    import_module("accounting").main(["--quick", "--root", str(root)])
    for name in ("cache", "memory"):
        text = section(root / "docs" / "accounting.md", name)
        assert text.count("\n| encode") == 2
        assert text.count("\n| decode") == 4
        assert "Within 1.3x: " in text


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_the_cost_model_is_fitted(root: Path) -> None:
    import_module("fit_overlap").main(["--quick", "--root", str(root)])
    text = section(root / "docs" / "scaling.md", "overlap cost")
    assert "The limit in use is 16." in text
    assert "in use is (1 << 15)." in text


def test_a_crossing_is_where_a_line_through_logarithms_is_zero() -> None:
    fit = import_module("fit_overlap")
    assert fit.crossing([(x, 12 / x) for x in (2.0, 6.0, 50.0)]) == pytest.approx(12)
