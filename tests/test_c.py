"""The C tests and the fuzz corpus, built and run by their Makefiles in a temporary directory."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
COMPILERS = ("cc", "gcc", "clang")

pytestmark = [
    pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="no C compiler"),
    pytest.mark.skipif(sys.platform == "win32", reason="the C tests protect memory by the POSIX functions"),
]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One directory for all, so that the core is compiled once."""
    return tmp_path_factory.mktemp("c")


def make(folder: str, *arguments: str, build: Path) -> str:
    """Run make in a folder of the tests; its output, which is also what a failure shows."""
    compiler = next(name for name in COMPILERS if shutil.which(name))
    command = ["make", "-C", str(HERE / folder), f"-j{os.cpu_count()}", f"CC={compiler}", f"BUILD={build}", *arguments]
    # A developer's choice of kernels is not the tests'; the Makefile makes its own.
    environment = {name: value for name, value in os.environ.items() if name not in ("PANOMASK_ISA", "MAKEFLAGS")}
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    if result.returncode != 0:
        pytest.fail(f"{' '.join(command)}\n{result.stdout}", pytrace=False)
    return result.stdout


def test_c_tests_pass_with_every_kernel_table(build: Path) -> None:
    output = make("c", "test", build=build)
    assert "PANOMASK_ISA=portable" in output
    assert " 0 failed" in output


def test_external_symbols_begin_with_pm(build: Path) -> None:
    make("c", "symbols", build=build)


def test_core_compiles_with_one_line_and_as_one_file(build: Path) -> None:
    make("c", "single", build=build)


def test_fuzz_targets_replay_their_corpus(build: Path) -> None:
    output = make("fuzz", "replay", build=build / "fuzz")
    targets = {path.name.removeprefix("fuzz_").removesuffix(".c") for path in (HERE / "fuzz").glob("fuzz_*.c")}
    for target in targets:
        assert f"replay_{target}: 0 files" not in output
        assert f"replay_{target}: " in output


def test_every_public_function_is_tested_and_fuzzed() -> None:
    header = (HERE.parent / "csrc" / "panomask.h").read_text(encoding="utf-8")
    functions = set(re.findall(r"^\w[\w *]*\b(pm_\w+)\(", header, re.MULTILINE))
    both = [*(HERE / "c").glob("*_cases.h")]  # what tests and targets share
    tests = "".join(path.read_text(encoding="utf-8") for path in [*(HERE / "c").glob("*.c"), *both])
    targets = "".join(path.read_text(encoding="utf-8") for path in [*(HERE / "fuzz").glob("*.[ch]"), *both])
    assert len(functions) > 30
    assert {name for name in functions if f"{name}(" not in tests} == set()
    assert {name for name in functions if f"{name}(" not in targets} == set()
