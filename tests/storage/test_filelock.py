"""A lock on an open file: one has it, and it ends with the program."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_logs.storage import filelock
from desktop_logs.storage.filelock import try_lock
from tests.support.program import Program

_HOLD = """
import os, sys
from desktop_logs.storage.filelock import try_lock
print(try_lock(os.open(sys.argv[1], os.O_RDWR)), flush=True)
input()
"""


def test_one_opening_has_it_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch()
    first, second = os.open(path, os.O_RDWR), os.open(path, os.O_RDWR)
    assert [try_lock(first), try_lock(second)] == [True, False]
    os.close(first)
    assert try_lock(second)
    os.close(second)


def test_it_leaves_the_place_in_the_file_alone(tmp_path: Path) -> None:
    file = os.open(tmp_path / "a", os.O_RDWR | os.O_CREAT)
    os.write(file, b"12345")
    assert try_lock(file)
    assert os.lseek(file, 0, os.SEEK_CUR) == 5
    os.close(file)


def test_it_ends_with_a_program_that_is_killed(tmp_path: Path, start: Callable[..., Program]) -> None:
    path = tmp_path / "a"
    path.touch()
    holder = start([sys.executable, "-c", _HOLD, path])
    assert holder.line() == "True"
    file = os.open(path, os.O_RDWR)
    assert not try_lock(file)
    holder.end()
    assert try_lock(file)
    os.close(file)


def test_a_file_system_without_locks_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_file: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(filelock, "_lock", fails)
    with pytest.raises(OSError, match="No locks available"):
        try_lock(0)
