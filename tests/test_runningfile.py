"""The file that a running program keeps: rewritten in place, gone after an orderly end, read by who comes next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from desktop_logs.runningfile import FACTS_BYTES, RunningFile, left_over
from desktop_logs.storage import filelock


def abandon(running: RunningFile) -> None:
    """End as a killed process does: the lock goes, the file stays."""
    os.close(running.file)


def test_facts_are_written_over_in_place_and_last_words_come_behind_them(tmp_path: Path) -> None:
    running = RunningFile(tmp_path)
    running.write("long, with more in it")
    running.write("short")
    os.write(running.file, b"Fatal Python error: Aborted\n")
    running.write("shorter")
    abandon(running)
    (left,) = left_over(tmp_path)
    assert (left.facts, left.last_words, left.pid) == ("shorter", "Fatal Python error: Aborted", os.getpid())
    assert os.listdir(tmp_path) == []


def test_what_is_left_is_gone_before_a_report_of_it_needs_its_room(tmp_path: Path) -> None:
    abandon(RunningFile(tmp_path))
    for left in left_over(tmp_path):
        assert left.pid == os.getpid()
        assert os.listdir(tmp_path) == []


def test_one_that_was_killed_has_no_last_words(tmp_path: Path) -> None:
    abandon(RunningFile(tmp_path))
    assert [left.last_words for left in left_over(tmp_path)] == [""]
    assert os.listdir(tmp_path) == []


def test_an_orderly_end_leaves_nothing(tmp_path: Path) -> None:
    RunningFile(tmp_path).close()
    assert os.listdir(tmp_path) == []


def test_one_that_runs_is_left_alone_and_another_gets_a_name_of_its_own(tmp_path: Path) -> None:
    first = RunningFile(tmp_path)
    second = RunningFile(tmp_path)
    assert len(os.listdir(tmp_path)) == 2
    assert list(left_over(tmp_path)) == []
    assert len(os.listdir(tmp_path)) == 2
    first.close()
    second.close()


def test_facts_too_long_are_cut_off_and_the_last_words_stay_whole(tmp_path: Path) -> None:
    running = RunningFile(tmp_path)
    os.write(running.file, b"last words")
    running.write("ä" * FACTS_BYTES)
    abandon(running)
    (left,) = left_over(tmp_path)
    assert left.last_words == "last words"
    assert left.facts.startswith("ääää")


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    for name in ("running-notes.txt", "running-7notes.txt", "notes.txt"):
        (tmp_path / name).touch()
    assert list(left_over(tmp_path)) == []
    assert len(os.listdir(tmp_path)) == 3


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    (tmp_path / "running-7.txt").symlink_to(tmp_path / "precious")
    assert list(left_over(tmp_path)) == []
    assert (tmp_path / "precious").read_text() == "x"


def test_without_locks_there_is_no_such_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_file: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(filelock, "_lock", fails)
    with pytest.raises(OSError, match="No locks"):
        RunningFile(tmp_path)
    assert os.listdir(tmp_path) == []
