"""The names of the history's files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from desktop_logs.storage.segments import SegmentName, bytes_of, segments_in, was_left_open


def test_a_name_is_what_parses_to_it() -> None:
    name = SegmentName(12, date(2026, 11, 22))
    assert str(name) == "segment-000012-2026-11-22.db"
    assert SegmentName.parse(str(name)) == name


@pytest.mark.parametrize(
    "text",
    [
        "segment-12-2026-11-22.db",
        "segment-0000012-2026-11-22.db",
        "segment-000012-2026-13-22.db",
        "segment-000012-2026-11-22.db-wal",
        "segment-000012-2026-11-22.db.damaged",
        "SEGMENT-000012-2026-11-22.db",
    ],
)
def test_other_names_are_not_ours(text: str) -> None:
    assert SegmentName.parse(text) is None


def test_segments_stand_in_the_order_they_were_begun_in_whatever_their_days(tmp_path: Path) -> None:
    names = [
        SegmentName(2, date(2036, 1, 1)),
        SegmentName(3, date(2026, 1, 1)),
        SegmentName(1_000_000, date(2026, 1, 2)),
    ]
    for name in reversed(names):
        (tmp_path / str(name)).touch()
    (tmp_path / "notes.txt").touch()
    assert segments_in(tmp_path) == names


def test_without_a_folder_there_are_no_segments(tmp_path: Path) -> None:
    assert segments_in(tmp_path / "history") == []


def test_the_size_of_a_segment_is_that_of_all_its_files(tmp_path: Path) -> None:
    name = SegmentName(1, date(2026, 1, 1))
    (tmp_path / str(name)).write_bytes(b"x" * 10)
    (tmp_path / f"{name}-wal").write_bytes(b"x" * 5)
    assert bytes_of(tmp_path, name) == 15
    assert bytes_of(tmp_path, SegmentName(2, date(2026, 1, 1))) == 0


def test_the_newest_segment_was_left_open_while_its_companion_is_there(tmp_path: Path) -> None:
    older, newest = SegmentName(1, date(2026, 1, 1)), SegmentName(2, date(2026, 1, 1))
    assert not was_left_open(tmp_path)
    for name in (older, newest):
        (tmp_path / str(name)).touch()
    (tmp_path / f"{older}-wal").touch()
    assert not was_left_open(tmp_path)
    (tmp_path / f"{newest}-wal").touch()
    assert was_left_open(tmp_path)
