"""CPU kernels: every table that this machine has finds the same, and the compiled modules are the ones that run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import panomask
from panomask import _cpu

AVAILABLE = _cpu.available()
MODULES = ["_batch", "_check", "_cpu", "_dense", "_dicts", "_overlap", "_status", "_threads", "cy_algebra", "cy_counts",
           "cy_dense", "cy_ids", "cy_labels", "cy_mask", "cy_match", "cy_nms", "cy_overlap", "cy_png", "cy_runs",
           "cy_shapes"]  # fmt: skip


def run_python(*arguments: str, isa: str | None) -> subprocess.CompletedProcess[str]:
    """Run Python with PANOMASK_ISA set, or not."""
    environment = {name: value for name, value in os.environ.items() if name != "PANOMASK_ISA"}
    if isa is not None:
        environment["PANOMASK_ISA"] = isa
    path = [str(Path(__file__).parent), str(Path(panomask.__file__).parents[1]), environment.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)


@cache
def digests(isa: str | None) -> dict[str, str]:
    """What `isa_digest.py` prints with these kernels."""
    run = run_python(str(Path(__file__).with_name("isa_digest.py")), isa=isa)
    assert run.returncode == 0, run.stderr
    found: dict[str, str] = json.loads(run.stdout)
    return found


def test_portable_kernels_are_always_there() -> None:
    assert AVAILABLE[-1] == "portable"
    assert len(set(AVAILABLE)) == len(AVAILABLE)


@pytest.mark.parametrize("isa", AVAILABLE)
def test_the_environment_chooses(isa: str) -> None:
    assert digests(isa)["isa"] == isa


def test_the_best_is_chosen_otherwise() -> None:
    code = "import panomask; print(panomask.get_isa())"
    assert run_python("-c", code, isa=None).stdout == f"{AVAILABLE[0]}\n"
    assert run_python("-c", code, isa="").stdout == f"{AVAILABLE[0]}\n"


@pytest.mark.parametrize("isa", AVAILABLE)
def test_every_table_finds_the_same(isa: str) -> None:
    found, expected = digests(isa), digests("portable")
    assert len(expected) == 13
    differing = [part for part in expected if part != "isa" and found[part] != expected[part]]
    assert differing == []


@pytest.mark.parametrize("isa", ["avx9", "AVX2", "portable "])
def test_an_unknown_table_is_an_import_error(isa: str) -> None:
    run = run_python("-c", "import panomask", isa=isa)
    assert run.returncode == 1
    expected = f"ImportError: PANOMASK_ISA is {isa!r}; this machine has {', '.join(AVAILABLE)}"
    assert run.stderr.splitlines()[-1] == expected


def test_get_isa_names_the_table_in_use() -> None:
    assert panomask.get_isa() in AVAILABLE


@pytest.mark.parametrize("name", MODULES)
def test_the_compiled_module_is_the_one_that_runs(name: str) -> None:
    module = import_module(f"panomask.{name}")
    assert (module.__file__ or "").endswith(tuple(EXTENSION_SUFFIXES))
    assert Path(module.__file__ or "").parent == Path(panomask.__file__).parent


def test_all_compiled_modules_are_in_the_list() -> None:
    sources = Path(__file__).parents[1] / "panomask"
    if not sources.is_dir():
        pytest.skip("the sources are not here")
    assert sorted(path.stem for path in sources.glob("*.pyx")) == MODULES
