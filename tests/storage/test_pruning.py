"""What is over the limits is deleted, as a whole and in order, and nothing else is."""

from __future__ import annotations

import os
import threading
from datetime import date, timedelta
from pathlib import Path

import pytest

from desktop_logs.storage.pruning import prune_files, prune_history
from desktop_logs.storage.retention import Limits
from desktop_logs.storage.rotation import RotatingFile

TODAY = date(2026, 11, 22)
MONTH = Limits(30, 10**9)


@pytest.fixture
def both(tmp_path):
    made = [RotatingFile(tmp_path, stem, 1_000_000) for stem in ("application", "errors")]
    yield made
    for series in made:
        series.close()


def put(folder, *names, size=100):
    for name in names:
        (folder / name).write_bytes(bytes(size))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def prune(both, limits=MONTH, spared=(), today=TODAY):
    return prune_files(both, today, limits, threading.Event(), spared)


def prune_segments(folder, limits=MONTH, kept_from=None, stop=None):
    return prune_history(folder, TODAY, limits, stop or threading.Event(), kept_from)


def test_files_past_their_age_go_by_the_date_in_their_name(both, tmp_path):
    """The time of change says nothing: a copy or a backup sets it anew."""
    put(tmp_path, "application-2026-10-22.log.gz", "application-2026-10-22.log.1", "errors-2026-10-22.log.gz")
    put(tmp_path, "application-2026-10-23.log.gz")
    os.utime(tmp_path / "application-2026-10-23.log.gz", (0, 0))
    assert prune(both) == ""
    assert names(tmp_path) == ["application-2026-10-23.log.gz"]


def test_over_the_bytes_the_oldest_day_goes_first_and_the_errors_of_a_day_last(both, tmp_path):
    put(tmp_path, "application-2026-11-20.log.gz", "application-2026-11-20.log.1.gz", "errors-2026-11-20.log.gz")
    put(tmp_path, "application-2026-11-21.log.10.gz", "application-2026-11-21.log.9.gz", "errors-2026-11-21.log.gz")
    put(tmp_path, "application-2026-11-22.log", "application-2026-11-22.log.1")
    expected = names(tmp_path)
    for gone in (
        [],
        ["application-2026-11-20.log.gz"],
        ["application-2026-11-20.log.1.gz"],
        ["errors-2026-11-20.log.gz"],
        ["application-2026-11-21.log.9.gz"],
        ["application-2026-11-21.log.10.gz", "errors-2026-11-21.log.gz", "application-2026-11-22.log"],
    ):
        expected = [name for name in expected if name not in gone]
        assert prune(both, Limits(30, 100 * len(expected))) == ""
        assert names(tmp_path) == expected


def test_neither_a_live_file_nor_the_newest_of_today_ever_goes(both, tmp_path):
    both[0].append(b"1\n", TODAY - timedelta(days=400))
    put(tmp_path, "errors-2026-11-22.log.3")
    assert prune(both, Limits(1, 0)) == ""
    assert names(tmp_path) == ["application-2025-10-18.log", "errors-2026-11-22.log.3"]


def test_a_spared_file_goes_by_bytes_alone(both, tmp_path):
    name = "application-2016-11-22.log.gz"
    put(tmp_path, name)
    assert prune(both, spared=[name]) == ""
    assert names(tmp_path) == [name]
    assert prune(both, Limits(30, 99), spared=[name]) == ""
    assert names(tmp_path) == []


def test_what_is_not_exactly_of_the_series_is_neither_counted_nor_touched(both, tmp_path):
    put(tmp_path, "application-2020-01-01.log.bak", "other-2020-01-01.log", "notes", size=1_000)
    (tmp_path / "application-2020-01-01.log").mkdir()
    os.symlink(tmp_path / "notes", tmp_path / "application-2020-01-02.log")
    put(tmp_path, "application-2026-11-21.log.gz")
    before = names(tmp_path)
    assert prune(both, Limits(30, 100)) == ""
    assert names(tmp_path) == before


def test_a_missing_folder_has_nothing_to_prune(tmp_path):
    assert prune([RotatingFile(tmp_path / "none", "app", 1_000)]) == ""
    assert prune_segments(tmp_path / "none") == ""


def test_a_segment_goes_whole_and_the_oldest_number_first(tmp_path):
    put(tmp_path, *(f"segment-000009-2026-11-20.db{ending}" for ending in ("", "-wal", "-shm")))
    put(tmp_path, "segment-000010-2026-11-19.db", "segment-000011-2026-11-21.db", "segment-000011-2026-11-21.db-wal")
    everything = names(tmp_path)
    assert prune_segments(tmp_path, Limits(30, 600)) == ""
    assert names(tmp_path) == everything
    assert prune_segments(tmp_path, Limits(30, 599)) == ""
    assert names(tmp_path) == everything[3:]
    assert prune_segments(tmp_path, Limits(30, 299)) == ""
    assert names(tmp_path) == everything[4:]


def test_segments_past_their_age_go_whatever_their_size(tmp_path):
    put(tmp_path, "segment-000001-2026-10-22.db", "segment-000001-2026-10-22.db-wal", "segment-000002-2026-10-23.db")
    assert prune_segments(tmp_path) == ""
    assert names(tmp_path) == ["segment-000002-2026-10-23.db"]


def test_a_segment_that_a_wrong_clock_dated_back_stays_as_long_as_those_before_it(tmp_path):
    put(tmp_path, "segment-000001-2026-11-20.db", "segment-000002-2016-11-20.db")
    assert prune_segments(tmp_path) == ""
    assert len(names(tmp_path)) == 2


def test_the_segment_being_written_and_any_later_never_go(tmp_path):
    put(tmp_path, *(f"segment-{number:06d}-2020-01-01.db" for number in range(1, 5)))
    assert prune_segments(tmp_path, Limits(1, 0), kept_from=3) == ""
    assert names(tmp_path) == ["segment-000003-2020-01-01.db", "segment-000004-2020-01-01.db"]


def test_damaged_segments_count_and_go_first_when_it_is_about_bytes(tmp_path):
    put(
        tmp_path, "segment-000001-2026-11-20.db", "segment-000002-2026-11-21.db", "segment-000002-2026-11-21.db.damaged"
    )
    put(tmp_path, "segment-000002-2026-11-21.db-wal.damaged")
    assert prune_segments(tmp_path, Limits(30, 399), kept_from=2) == ""
    assert names(tmp_path) == ["segment-000001-2026-11-20.db", "segment-000002-2026-11-21.db"]


def test_damaged_segments_go_by_age_as_others_do(tmp_path):
    put(tmp_path, "segment-000001-2026-10-01.db.damaged", "segment-000002-2026-11-21.db.damaged")
    assert prune_segments(tmp_path) == ""
    assert names(tmp_path) == ["segment-000002-2026-11-21.db.damaged"]


def test_what_is_no_segment_is_never_touched(tmp_path):
    others = [
        "notes.db",
        "numbers.json",
        "segment-000001-2020-01-01.db.bak",
        "segment-000001-2020-13-01.db",
        "segment-1-2020-01-01.db",
    ]
    put(tmp_path, *others)
    (tmp_path / "segment-000003-2020-01-01.db").mkdir()
    assert prune_segments(tmp_path, Limits(1, 0)) == ""
    assert names(tmp_path) == sorted([*others, "segment-000003-2020-01-01.db"])


def test_a_segment_that_is_held_open_is_told_and_kept_whole_and_the_others_go(tmp_path, monkeypatch):
    """As on Windows, where a search has it open."""
    put(tmp_path, *(f"segment-00000{number}-2020-01-01.db{end}" for number in (1, 2) for end in ("", "-wal", "-shm")))
    held = tmp_path / "segment-000001-2020-01-01.db"
    real = Path.unlink

    def unlink(path, missing_ok=False):
        if path == held:
            raise PermissionError(13, "The process cannot access the file because it is being used")
        real(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", unlink)
        problem = prune_segments(tmp_path)
    assert problem.startswith(f"Cannot delete {held}: The process cannot access the file because it is being used. ")
    assert names(tmp_path) == [held.name, f"{held.name}-shm", f"{held.name}-wal"]
    assert prune_segments(tmp_path) == ""
    assert names(tmp_path) == []


def test_a_file_taken_away_meanwhile_is_no_problem(both, tmp_path, monkeypatch):
    put(tmp_path, "application-2020-01-01.log", "errors-2020-01-01.log")
    real = Path.unlink

    def unlink(path, missing_ok=False):
        real(path)
        if path.name.startswith("application"):
            raise FileNotFoundError

    monkeypatch.setattr(Path, "unlink", unlink)
    assert prune(both) == ""
    assert names(tmp_path) == []


def test_stopping_leaves_the_rest_for_the_next_run(tmp_path):
    put(tmp_path, "segment-000001-2020-01-01.db")
    stop = threading.Event()
    stop.set()
    assert prune_segments(tmp_path, stop=stop) == ""
    assert names(tmp_path) == ["segment-000001-2020-01-01.db"]
