"""Damaged segments: set aside at once, and rebuilt with every record that the log files have."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random
from threading import Event

import pytest

from desktop_logs.core.errors import StorageError
from desktop_logs.core.levels import INFO
from desktop_logs.core.records import Record
from desktop_logs.storage import repair, schema
from desktop_logs.storage.check import CHECKED, Stopped, check
from desktop_logs.storage.repair import Repairs, set_aside, set_aside_in
from desktop_logs.storage.segments import SegmentName, segments_in
from tests.storage.damage import DAY, NAME, damage, make_history, records_from, records_in, write_segment
from tests.storage.support import WAIT_S, until

ASIDE = f"{NAME}.damaged"


@pytest.fixture
def make_repairs(tmp_path):
    """Makes repairs of one data folder that are closed at the end; what they said is in `.said`."""
    made = []

    def make(**options):
        said = []
        repairs = Repairs(tmp_path / "history", tmp_path / "logs", said.append, **options)
        repairs.start()
        made.append(repairs)
        return repairs, said

    yield make
    for repairs in made:
        assert repairs.close(WAIT_S)


def assert_holds(path: Path, records: list[Record], *, at_least: float) -> None:
    """Every line of the files is there once with its own number, nothing else than *records*, and most of the rest."""
    found = records_in(path)
    assert [record.seq for record in found] == sorted({record.seq for record in found})
    by_seq = {record.seq: record for record in found}
    numbered = [record for record in records if record.severity >= INFO and not record.given_id]
    assert [record for record in numbered if by_seq.get(record.seq) != record] == []
    # One with an id of its own may have another number when its row was lost, and then it stands between the same.
    texts = sorted((r.given_id, r.time_ns, r.message, r.context, r.level) for r in found if r.given_id)
    given = [record for record in records if record.severity >= INFO and record.given_id]
    assert set(texts) >= {(r.given_id, r.time_ns, r.message, r.context, r.level) for r in given}
    ids = [r.given_id for r in found if r.given_id and r.severity >= INFO]
    assert sorted(ids) == sorted(r.given_id for r in given)
    lines = [record for record in found if record.severity >= INFO]
    assert [r.time_ns for r in lines] == sorted(r.time_ns for r in lines)
    low = [record for record in found if record.severity < INFO]
    assert len(low) >= at_least * sum(record.severity < INFO for record in records)


@pytest.mark.parametrize("seed", range(6))
def test_a_segment_damaged_in_100_places_is_set_aside_and_rebuilt(tmp_path, make_repairs, seed):
    print(f"seed {seed}")
    chance = Random(seed)
    records = make_history(tmp_path, 6_000, seed, leave_wal=seed % 3 == 1)
    path = tmp_path / "history" / str(NAME)
    damage(path, chance)
    if seed % 3 == 1:
        damage(tmp_path / "history" / f"{NAME}-wal", chance, 20)
    if seed % 3 == 2:
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size * 9 // 10 + 100)
    if seed >= 3:
        data = path.read_bytes()
        path.write_bytes(chance.randbytes(100) + data[100:])
    _, said = make_repairs()
    until(lambda: len(said) >= 2)
    print(said)
    assert said[0].startswith("The history of 2026-11-22 was damaged. ")
    assert "rebuilt" in said[1]
    assert len(said) == 2
    assert (tmp_path / "history" / ASIDE).exists()
    assert len(segments_in(tmp_path / "history")) == 3
    for name in segments_in(tmp_path / "history"):
        assert check(tmp_path / "history" / str(name)) == ""
    assert_holds(path, records, at_least=0.3 if seed % 3 else 0.6)


def test_a_segment_without_its_first_page_gives_the_rest(tmp_path, make_repairs):
    records = make_history(tmp_path, 2_000, 1)
    path = tmp_path / "history" / str(NAME)
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])
    _, said = make_repairs()
    until(lambda: len(said) >= 2)
    assert "2,000 of about 2,000 records" in said[1]
    assert records_in(path) == records


def test_what_stands_beside_the_records_is_kept(tmp_path, make_repairs):
    make_history(tmp_path, 500, 1)
    path = tmp_path / "history" / str(NAME)
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])
    _, said = make_repairs()
    until(lambda: len(said) >= 2)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM producers").fetchall() == [("p1", "[[0,500]]", 77)]
        assert schema.fact(connection, "epoch") == "abc"
        assert schema.fact(connection, "rebuilt")
        assert schema.fact(connection, "indexed_below") == (899 >> 4) + 1
        assert connection.execute("SELECT * FROM marks").fetchall() == []
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_rebuilt_one_is_not_rebuilt_again(tmp_path, make_repairs):
    make_history(tmp_path, 500, 1)
    path = tmp_path / "history" / str(NAME)
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])
    first, said = make_repairs()
    until(lambda: len(said) >= 2)
    until(lambda: str(NAME) in json.loads((tmp_path / "history" / CHECKED).read_text()))
    first.close(WAIT_S)
    path.unlink()  # as retention does
    second, said = make_repairs()
    other = SegmentName(13, DAY + timedelta(days=1))
    (tmp_path / "history" / str(other)).write_bytes(b"no database")
    second.report(other)
    until(lambda: len(said) >= 2)
    assert not path.exists()


def test_a_kill_while_it_was_rebuilt_lets_it_begin_again(tmp_path, make_repairs):
    records = make_history(tmp_path, 500, 1)
    history = tmp_path / "history"
    set_aside(history, NAME)
    for ending in (".part", ".work.part", ".part-journal"):
        (history / f"{NAME}{ending}").write_bytes(b"half")
    _, said = make_repairs()
    until(lambda: len(said) >= 2)
    assert records_in(history / str(NAME)) == records
    assert not (history / f"{NAME}.part").exists()
    assert not (history / f"{NAME}.work.part").exists()


def test_nothing_is_put_where_nothing_could_be_had(tmp_path, make_repairs):
    history = tmp_path / "history"
    history.mkdir()
    (history / str(NAME)).write_bytes(b"nothing " * 5_000)
    repairs, said = make_repairs()
    until(lambda: len(said) >= 2)
    assert "Nothing could be had" in said[1]
    assert segments_in(history) == []
    repairs.close(WAIT_S)
    write_segment(history, SegmentName(14, DAY), records_from(1, 10))
    _, said = make_repairs()
    until((history / CHECKED).exists)
    assert said == []


def test_the_one_that_is_written_is_rolled_before_it_is_set_aside(tmp_path, make_repairs):
    records = make_history(tmp_path, 500, 1)
    history = tmp_path / "history"
    last = SegmentName(14, DAY + timedelta(days=1))
    path = write_segment(history, last, more := records_from(2_000, 400, 5))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    live = [last]
    rolled = []

    def roll(name):
        assert (history / str(name)).exists()
        rolled.append(name)
        live[0] = SegmentName(15, DAY + timedelta(days=1))
        write_segment(history, live[0], [])

    _, said = make_repairs(live=lambda: live[0], roll=roll, ended_well=False)
    until(lambda: len(said) >= 2)
    assert rolled == [last]
    assert set(records_in(path)) < set(more)
    assert records_in(history / str(NAME)) == records


def test_a_report_has_a_segment_looked_into_at_once(tmp_path, make_repairs):
    records = make_history(tmp_path, 500, 1)
    repairs, said = make_repairs()
    path = tmp_path / "history" / str(NAME)
    until(
        lambda: (tmp_path / "history" / CHECKED).exists() and str(NAME) in (tmp_path / "history" / CHECKED).read_text()
    )
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])
    repairs.report(NAME)
    until(lambda: len(said) >= 2)
    assert records_in(path) == records


def test_a_sound_one_that_was_reported_stays(tmp_path, make_repairs):
    make_history(tmp_path, 500, 1)
    repairs, said = make_repairs()
    repairs.report(NAME)
    checked = tmp_path / "history" / CHECKED
    until(lambda: checked.exists() and len(json.loads(checked.read_text())) == 3)
    assert said == []
    assert len(segments_in(tmp_path / "history")) == 3


def test_setting_aside_takes_what_is_beside_along(tmp_path):
    for ending in ("", "-wal", "-shm"):
        (tmp_path / f"{NAME}{ending}").write_text(ending)
    assert set_aside(tmp_path, NAME) == tmp_path / ASIDE
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        ASIDE: "", f"{ASIDE}-wal": "-wal", f"{ASIDE}-shm": "-shm",
    }  # fmt: skip


def test_the_second_that_is_set_aside_has_a_number(tmp_path):
    for number in range(3):
        (tmp_path / str(NAME)).write_text(str(number))
        set_aside(tmp_path, NAME)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        ASIDE: "0", f"{ASIDE}.2": "1", f"{ASIDE}.3": "2",
    }  # fmt: skip
    assert set_aside_in(tmp_path) == {NAME: tmp_path / f"{ASIDE}.3"}


def test_setting_aside_what_is_not_there_changes_nothing(tmp_path):
    set_aside(tmp_path, NAME)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_renamed_is_said_to_be_so(tmp_path, monkeypatch):
    (tmp_path / str(NAME)).touch()

    def refuse(source, target):
        raise PermissionError(13, "it is in use")

    monkeypatch.setattr(repair.os, "rename", refuse)
    with pytest.raises(StorageError, match="is damaged and cannot be renamed: it is in use. Close other programs"):
        set_aside(tmp_path, NAME)


def test_a_report_does_not_wait_for_a_rebuild(tmp_path, make_repairs, monkeypatch):
    records = make_history(tmp_path, 300, 1)
    history = tmp_path / "history"
    set_aside(history, NAME)
    other = SegmentName(13, DAY + timedelta(days=1))
    rebuild = repair.rebuild
    begun = Event()

    def rebuild_without_end(folder, name, damaged, logs, is_stopped):
        """Until it is interrupted; by then the other has been damaged."""
        if begun.is_set():
            return rebuild(folder, name, damaged, logs, is_stopped)
        begun.set()
        until(is_stopped)
        raise Stopped

    monkeypatch.setattr(repair, "rebuild", rebuild_without_end)
    repairs, said = make_repairs()
    assert begun.wait(WAIT_S)
    (history / str(other)).write_bytes(b"no database")
    repairs.report(other)
    until(lambda: len(said) >= 4)
    assert said[1].startswith("The history of 2026-11-23 was damaged. It was set aside")
    assert records_in(history / str(NAME)) == records
    assert check(history / str(other)) == ""


def test_what_failed_is_said_and_tried_again(tmp_path, make_repairs, monkeypatch):
    """The disk is full while it is rebuilt, and then it is not."""
    records = make_history(tmp_path, 300, 1)
    path = tmp_path / "history" / str(NAME)
    path.write_bytes(bytes(4096) + path.read_bytes()[4096:])
    full = OSError(28, "No space left on device")
    rebuild = repair.rebuild

    def rebuild_when_there_is_room(*given):
        if tries.append(1) or len(tries) < 3:
            raise full
        return rebuild(*given)

    tries = []
    monkeypatch.setattr(repair, "rebuild", rebuild_when_there_is_room)
    monkeypatch.setattr(repair, "_AGAIN_S", 0.01)
    repairs, said = make_repairs()
    until(lambda: len(said) >= 3)
    assert "cannot be repaired now: No space left on device. Free some space" in said[1]
    assert "was rebuilt: 300 of about 300 records" in said[2]
    until(lambda: not repairs.problem)
    assert repairs.notice == said[2]
    assert records_in(path) == records


def test_one_that_the_writer_has_set_aside_is_rebuilt_when_it_says_so(tmp_path, make_repairs):
    records = make_history(tmp_path, 300, 1)
    repairs, said = make_repairs()
    until((tmp_path / "history" / CHECKED).exists)
    set_aside(tmp_path / "history", NAME)
    repairs.report(NAME)
    until(lambda: len(said) >= 2)
    assert records_in(tmp_path / "history" / str(NAME)) == records


def test_a_wal_that_stayed_behind_is_read_and_not_applied_to_the_new_one(tmp_path, make_repairs):
    """A kill came between the renaming of the database and that of what was beside it."""
    records = make_history(tmp_path, 1_000, 1, leave_wal=True)
    history = tmp_path / "history"
    (history / str(NAME)).rename(history / ASIDE)
    _, said = make_repairs()
    until(lambda: len(said) >= 2)
    assert records_in(history / str(NAME)) == records
    assert (history / f"{ASIDE}-wal").exists()


def test_closing_ends_a_rebuild_that_the_next_start_takes_up(tmp_path, make_repairs):
    records = make_history(tmp_path, 3_000, 1)
    set_aside(tmp_path / "history", NAME)
    repairs, _ = make_repairs()
    assert repairs.close(WAIT_S)
    assert list((tmp_path / "history").glob("*.part*")) == []
    make_repairs()
    until((tmp_path / "history" / str(NAME)).exists)
    assert records_in(tmp_path / "history" / str(NAME)) == records


def test_it_can_be_closed_before_it_was_started(tmp_path):
    assert Repairs(tmp_path, tmp_path, print).close(WAIT_S)
