"""Files: there whole, or as they were."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from panomask import _files


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "times.json"
    path.write_text("old")
    _files.write_whole(path, b"new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("old", [None, "old"])
def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str | None
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "times.json"
    if old is not None:
        path.write_text(old)
    monkeypatch.setattr(_files.os, "fsync", full)
    with pytest.raises(OSError, match=re.escape(f"No space left on device: '{path.resolve()}'")):
        _files.write_whole(path, b"new")
    assert [entry.read_text() for entry in tmp_path.iterdir()] == ([] if old is None else [old])


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    _files.write_whole(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_what_is_no_regular_file_is_written_to() -> None:
    _files.write_whole(os.devnull, b"new")
    assert not Path(os.devnull).is_file()


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="expected a file or nothing"):
        _files.write_whole(tmp_path, b"new")
    assert list(tmp_path.iterdir()) == []


def fill(folder: Path, *names: str) -> None:
    with _files.NewFolder(folder) as files:
        for name in names:
            _files.write_whole(files.path(name), b"new")
        files.move()


@pytest.mark.parametrize("is_new", [True, False])
def test_errors_name_where_a_file_goes(is_new: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They named a hidden file with a long number, or none."""
    folder = tmp_path / "folder"
    if not is_new:
        folder.mkdir()
    replace = os.replace

    def refuse(source: Path, target: Path) -> None:
        if target.name == "b.png":
            raise OSError(1, "Operation not permitted", str(source), None, str(target))
        replace(source, target)

    monkeypatch.setattr(_files.os, "replace", refuse)
    with pytest.raises(OSError, match="not permitted") as caught:
        fill(folder, "a.png", "b.png")
    assert str(caught.value) == f"[Errno 1] Operation not permitted: '{folder.resolve() / 'b.png'}'"
    assert list(tmp_path.rglob("*")) == ([] if is_new else [folder])


def test_files_are_not_replaced_where_one_of_them_cannot_be(tmp_path: Path) -> None:
    """Those before it in the alphabet were."""
    folder = tmp_path / "folder"
    (folder / "b.png").mkdir(parents=True)
    (folder / "c").write_text("old")
    (folder / "a.png").write_text("old")
    with pytest.raises(IsADirectoryError, match=r"is a folder, expected a file or nothing: .*b\.png"):
        fill(folder, "a.png", "b.png")
    with pytest.raises(NotADirectoryError, match=r"is a file, expected a folder or nothing: .*c'"):
        fill(folder, "a.png", "c/d.png")
    assert (folder / "a.png").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
