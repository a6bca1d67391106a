"""Fixtures of all tests: where the real data are, and how hypothesis runs."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

# Every run draws the same examples; nothing is written beside the tests.
hypothesis.settings.register_profile("panomask", deadline=None, derandomize=True, database=None, max_examples=100)
hypothesis.settings.load_profile("panomask")


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave the repository: a Python that a test starts would find panomask's bare source folder there."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder with real data, named by PANOMASK_DATA or beside the repository; tests are skipped without it."""
    named = os.environ.get("PANOMASK_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real data: set PANOMASK_DATA to the folder that has coco/instances_val2014_100.json")
    return folder
