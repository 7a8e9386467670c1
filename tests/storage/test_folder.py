"""The data folder: made for its owner alone, and tested by writing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from desktop_logs.core.errors import StorageError
from desktop_logs.storage.folder import cannot_write, check_folder


def test_a_missing_folder_is_made_with_its_parents_for_its_owner_alone(tmp_path):
    folder = tmp_path / "a" / "b"
    check_folder(folder)
    assert folder.is_dir()
    if os.name != "nt":
        assert folder.stat().st_mode & 0o777 == 0o700


def test_an_existing_folder_keeps_its_mode_and_its_content(tmp_path):
    os.chmod(tmp_path, 0o755)
    (tmp_path / "mine").write_bytes(b"1")
    check_folder(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    assert os.listdir(tmp_path) == ["mine"]


@pytest.mark.parametrize("below", ["", "below", "far/below"])
def test_a_file_in_the_way_is_named_with_what_to_do(tmp_path, below):
    (tmp_path / "file").write_bytes(b"")
    folder = tmp_path / "file" / below
    with pytest.raises(StorageError) as refused:
        check_folder(folder)
    assert str(refused.value) == (
        f"Cannot use {folder} as the data folder: a file stands where a folder should be. "
        "Move that file away or choose another folder with --data-dir."
    )


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder that refuses even root")
def test_a_folder_that_takes_no_files_is_refused():
    with pytest.raises(StorageError, match=r"Cannot use /proc/self as the data folder: .* with --data-dir"):
        check_folder(Path("/proc/self"))


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "Free some space or choose another folder with --data-dir."),
        (errno.EACCES, "Make it writable for you or choose another folder with --data-dir."),
        (errno.EMFILE, "Raise the limit on open files (ulimit -n)."),
        (errno.EIO, "Check the disk or choose another folder with --data-dir."),
    ],
)
def test_each_cause_has_its_advice(tmp_path, number, advice):
    sentence = cannot_write(tmp_path, OSError(number, os.strerror(number)))
    assert sentence == f"Cannot write log files in {tmp_path}: {os.strerror(number)}. {advice}"


def test_a_fault_without_a_number_is_told_by_its_text(tmp_path):
    assert ": the cable is out. Check the disk" in cannot_write(tmp_path, OSError("the cable is out"))


def test_the_way_to_another_folder_is_the_programs_own(tmp_path: Path) -> None:
    sentence = cannot_write(tmp_path, OSError(errno.ENOSPC, "No space"), "pass another log_dir")
    assert sentence.endswith("No space. Free some space or pass another log_dir.")
