"""The folder of crash reports: its owner's alone, bounded, and each report offered until it is seen."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from desktop_logs.crashfolder import MOST_REPORTS, CrashFolder

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> CrashFolder:
    return CrashFolder(tmp_path / "data" / "crashes")


def names(folder: CrashFolder) -> list[str]:
    return sorted(os.listdir(folder.path))


def test_a_report_is_kept_and_offered_until_it_is_seen(folder: CrashFolder) -> None:
    report = folder.write("text", NOON, 7, ended=True)
    assert report.path.name == "crash-20261123T120000Z-7.txt"
    assert folder.unseen() == [report]
    assert folder.unseen()[0].text() == "text"
    folder.mark_seen([report])
    assert (folder.unseen(), folder.reports()) == ([], [report])
    assert names(folder) == [report.path.name]
    folder.mark_seen([report])


def test_a_report_that_is_deleted_leaves_nothing(folder: CrashFolder) -> None:
    report = folder.write("text", NOON, 7, ended=False)
    assert report.path.name.startswith("fault-")
    folder.delete(report)
    folder.delete(report)
    assert names(folder) == []


def test_everything_is_its_owners_alone(folder: CrashFolder) -> None:
    folder.write("text", NOON, 7, ended=True)
    for path in (folder.path.parent, folder.path, *folder.path.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


def test_the_oldest_go(folder: CrashFolder) -> None:
    written = [folder.write("", NOON + timedelta(hours=n), 7, ended=n % 2 == 0) for n in range(MOST_REPORTS + 3)]
    assert folder.reports() == written[:2:-1]
    assert len(names(folder)) == 2 * MOST_REPORTS


def test_several_in_a_second_have_names_of_their_own(folder: CrashFolder) -> None:
    for text in ("a", "b", "c"):
        folder.write(text, NOON, 7, ended=True)
    assert sorted(report.text() for report in folder.unseen()) == ["a", "b", "c"]


def test_other_files_are_left_alone(folder: CrashFolder) -> None:
    folder.make()
    for name in ("notes.txt", "crash-1.txt", "crash-20269923T120000Z-7.txt", "crash-x.unseen"):
        (folder.path / name).touch()
    for hours in range(MOST_REPORTS + 1):
        folder.write("", NOON + timedelta(hours=hours), 7, ended=True)
    assert {"notes.txt", "crash-1.txt", "crash-20269923T120000Z-7.txt", "crash-x.unseen"} < set(names(folder))


def test_a_folder_that_is_not_there_holds_nothing(folder: CrashFolder) -> None:
    assert (folder.reports(), folder.unseen()) == ([], [])


def test_a_full_disk_leaves_no_half_report(folder: CrashFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "touch", full)
        with pytest.raises(OSError, match="No space left"):
            folder.write("text", NOON, 7, ended=True)
    assert names(folder) == []
