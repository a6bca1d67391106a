"""Check that a source distribution and a wheel hold what they have to: check_dist.py SDIST WHEEL."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(path.stem for path in ROOT.glob("panomask/*.pyx"))
SOURCES = [
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "pyproject.toml", "setup.py"),
    *(path.relative_to(ROOT).as_posix() for path in ROOT.glob("csrc/**/*.[ch]")),
    *(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md")),
    *(path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/*.py")),
    *(path.relative_to(ROOT).as_posix() for path in ROOT.glob("panomask/**/*.py*") if path.suffix != ".pyc"),
    *(f"panomask/{name}.pxd" for name in ("__init__", "_c", "_batch")),
]
PACKAGE = [
    "panomask/py.typed",
    "panomask/__init__.pxd",
    *(path.relative_to(ROOT).as_posix() for path in ROOT.glob("panomask/**/*.py")),
    *(path.relative_to(ROOT).as_posix() for path in ROOT.glob("panomask/cy_*.pxd")),
    *(f"panomask/{name}.pyi" for name in MODULES),
    *(f"panomask/{name}{EXTENSION_SUFFIXES[0]}" for name in MODULES),
]


def check(archive: str, names: set[str], needed: list[str], unwanted: tuple[str, ...]) -> bool:
    """Say what is missing and what has no place there."""
    missing = sorted(set(needed) - names)
    extra = sorted(name for name in names if name.endswith(unwanted))
    print(f"{archive}: {len(names)} files")
    for name in missing:
        print(f"  missing: {name}")
    for name in extra:
        print(f"  has no place there: {name}")
    return not missing and not extra


def main(sdist: str, wheel: str) -> int:
    """Check both; the exit code."""
    with tarfile.open(sdist) as tar:
        in_sdist = {member.name.partition("/")[2] for member in tar if member.isfile()}
    with zipfile.ZipFile(wheel) as zipped:
        in_wheel = set(zipped.namelist())
    generated = {f"panomask/{name}.c" for name in MODULES} & in_sdist
    good = check(Path(sdist).name, in_sdist - generated, SOURCES, (".so", ".pyc", ".nbi", ".nbc", ".o"))
    good &= check(Path(wheel).name, in_wheel, PACKAGE, (".c", ".h", ".pyx", ".pyc", ".nbi", ".nbc"))
    for name in sorted(generated):
        print(f"  has no place there: {name}")
    return 0 if good and not generated else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
