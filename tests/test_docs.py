"""Documentation: every example in the docstrings and on the pages runs and shows what it says."""

from __future__ import annotations

import doctest
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import panomask
import panomask.panoptic

ROOT = Path(__file__).parents[1]
PAGES = [page for page in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))) if page.is_file()]
MODULES = ["panomask"] + [
    f"panomask.{module.name}"
    for module in pkgutil.iter_modules(panomask.__path__)
    if not module.name.startswith("_") and module.name not in ("bench", "cli")
]
MODULES += [
    f"panomask.panoptic.{module.name}"
    for module in pkgutil.iter_modules(panomask.panoptic.__path__)
    if not module.name.startswith("_")
]
NEEDS = {"panomask.compat": "pycocotools.mask", "panomask.numba": "numba", "numba.md": "numba", "tensors.md": "torch"}
PUBLIC = [panomask, *(thing for name in panomask.__all__ if inspect.ismodule(thing := getattr(panomask, name)))]
PUBLIC += [thing for name in panomask.panoptic.__all__ if inspect.ismodule(thing := getattr(panomask.panoptic, name))]

# NumPy 1 writes scalars otherwise.
pytestmark = pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.0.0", reason="the examples show NumPy 2")


def run_examples(test: doctest.DocTest) -> dict[str, Any]:
    """Run one docstring or one block, return its names; the failure is doctest's own report."""
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=report.append, clear_globs=False)
    assert runner.failures == 0, "".join(report)
    return test.globs


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name: str) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    module = import_module(name)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        if test.examples:
            run_examples(test)


def documented(module: ModuleType) -> list[tuple[str, Any]]:
    """Everything public of a module, and of the classes in it."""
    found = []
    for name in module.__all__:
        thing = getattr(module, name)
        if inspect.ismodule(thing) or isinstance(thing, str | dict):  # modules have their own turn, data no docstring
            continue
        found.append((f"{module.__name__}.{name}", thing))
        if inspect.isclass(thing) and not issubclass(thing, Exception):
            fields = (*getattr(thing, "_fields", ()), *getattr(thing, "__dataclass_fields__", ()))  # documented with it
            public = {k: v for k, v in vars(thing).items() if not k.startswith("_") and k not in fields}
            found += [(f"{module.__name__}.{name}.{k}", v) for k, v in public.items()]
    return found


@pytest.mark.parametrize(("name", "thing"), [pair for module in PUBLIC for pair in documented(module)])
def test_everything_public_is_documented(name: str, thing: Any) -> None:
    text = inspect.getdoc(thing)
    assert text, name
    first = text.splitlines()[0]
    assert first.endswith((".", ".:")) or ": " in first, first


# ---- pages ----------------------------------------------------------------------------------------------------------


def python_blocks(page: Path) -> list[tuple[int, str]]:
    """The Python blocks of a page and the lines they begin at."""
    text = page.read_text(encoding="utf-8")
    blocks = re.finditer(r"^```python\n(.*?)^```", text, re.M | re.S)
    return [(text.count("\n", 0, block.start()) + 2, block[1]) for block in blocks]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_on_pages_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if page.name in NEEDS:
        pytest.importorskip(NEEDS[page.name])
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": page.stem}
    try:
        for line, block in python_blocks(page):
            if ">>>" in block:
                test = doctest.DocTestParser().get_doctest(block, names, f"{page.name}:{line}", str(page), line - 1)
                names = run_examples(test)
            else:
                exec(compile("\n" * (line - 1) + block, str(page), "exec"), names)
    finally:
        panomask.compat.uninstall()


def test_the_table_of_differences_has_a_row_for_every_test() -> None:
    page = ROOT / "docs" / "differences.md"
    rows = re.findall(r"^\|.*\| `(\w+)` \|$", page.read_text(encoding="utf-8"), re.M)
    source = (ROOT / "tests" / "test_mask.py").read_text(encoding="utf-8")
    tests = re.findall(r"^def test_difference_(\w+)\(", source, re.M)
    assert sorted(rows) == sorted(tests)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []


def test_the_readme_has_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert '```sh\npip install ".[bench]" && panomask bench\n```' in readme
    assert '```sh\npip install ".[test]" && pytest\n```' in readme


@pytest.mark.skipif(sys.platform == "win32", reason="the commands of the page are a POSIX shell's")
def test_cython_and_c_examples_compile_and_print_what_they_say(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "cython-and-c.md").read_text(encoding="utf-8")
    for name, source in re.findall(r"`(\w+\.\w+)`:\n\n```(?:c|cython)\n(.*?)```", page, re.DOTALL):
        (tmp_path / name).write_text(source, encoding="utf-8")
    (tmp_path / "csrc").symlink_to(ROOT / "csrc")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    examples = re.findall(r"```sh\n(.*?)```\n\nprints `(.*?)`", page, re.DOTALL)
    assert len(examples) == 3
    for command, printed in examples:
        shell = ["sh", "-ec", command]
        process = subprocess.run(
            shell, cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )
        assert process.stdout == printed + "\n", process.stderr
