"""The file of an export: there when it is complete, and a sentence for each way in which it cannot be."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from desktop_logs.partfile import PartFile, export_problem


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_target_is_there_only_when_all_of_it_is(tmp_path: Path) -> None:
    part = PartFile(tmp_path / "out.csv")
    part.open()
    part.write(b"a")
    part.write(b"b")
    assert names_in(tmp_path) == ["out.csv.part"]
    part.finish()
    assert names_in(tmp_path) == ["out.csv"]
    assert (tmp_path / "out.csv").read_bytes() == b"ab"


def test_discarded_it_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("old")
    part = PartFile(tmp_path / "out.csv")
    part.discard()
    part.open()
    part.write(b"new")
    part.discard()
    part.discard()
    assert names_in(tmp_path) == ["out.csv"]
    assert (tmp_path / "out.csv").read_text() == "old"


def test_two_at_once_have_parts_of_their_own(tmp_path: Path) -> None:
    first, second = PartFile(tmp_path / "out.csv"), PartFile(tmp_path / "out.csv")
    first.open()
    second.open()
    assert names_in(tmp_path) == ["out.csv.2.part", "out.csv.part"]
    first.discard()
    second.finish()
    assert names_in(tmp_path) == ["out.csv"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_missing_permission_says_where(number: int) -> None:
    told = export_problem(OSError(number, "no"), Path("/data/out.csv"))
    assert told.startswith("/data/out.csv cannot be written")
    assert "Choose another folder or name." in told


def test_another_failure_says_what_the_system_said() -> None:
    told = export_problem(OSError(errno.EIO, "Input/output error"), Path("/data/out.csv"))
    assert told == "/data/out.csv could not be written (Input/output error). Choose another folder or name."


def test_a_name_that_is_too_long_is_told_shortened(tmp_path: Path) -> None:
    told = export_problem(OSError(errno.ENAMETOOLONG, "File name too long"), tmp_path / ("x" * 300))
    assert told == f"The name {'x' * 40}… is too long. Choose a shorter one."
