"""The history as commands read it: in order, each record once, however the pages fall."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from desktop_logs import archive as archive_room
from desktop_logs.archive import Archive, Wanted
from desktop_logs.core.errors import QueryError, StorageError, UserError
from desktop_logs.core.query import parse
from desktop_logs.core.records import Record
from desktop_logs.core.timestamps import NS_PER_S
from desktop_logs.folders import history_dir
from desktop_logs.storage.schema import insert_records
from tests.support.segments import write_segment, write_segments

NOW_NS = 1_795_341_600 * NS_PER_S
DAYS = (date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22))


def record(seq: int) -> Record:
    severity, level = ((9, "info"), (17, "error"))[seq % 10 == 0]
    return Record(seq, NOW_NS - (1_000 - seq) * NS_PER_S, severity, level, "api", f"m{seq}" + "x" * (seq % 7 * 20))


RECORDS = [record(seq) for seq in range(1, 901) if seq % 100]
"""Over three days, with a gap at every hundredth number."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    days = [[one for one in RECORDS if one.seq // 300 == third] for third in range(3)]
    write_segments(history_dir(tmp_path), zip(DAYS, days, strict=True))
    return tmp_path


@pytest.fixture
def archive(data: Path) -> Iterator[Archive]:
    with Archive(data) as opened:
        yield opened


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of a handful of records, of which next to nothing may be kept."""
    monkeypatch.setattr(archive_room, "FIRST_PAGE", 3)
    monkeypatch.setattr(archive_room, "PAGE_CHARACTERS", 500)
    monkeypatch.setattr(archive_room, "KEPT_CHARACTERS", 1_000)


def read(archive: Archive, query: str = "") -> list[Record]:
    return [one for page in archive.oldest_first(parse(query).tree) for one in page]


@pytest.mark.parametrize("query", ["", "error", "-error", "m88", "m1 OR m900", "nothing has this", "level:error m5"])
def test_all_come_oldest_first(archive: Archive, query: str) -> None:
    matches = parse(query).compile()
    assert read(archive, query) == [one for one in RECORDS if matches(one)]


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("query", ["", "error", "-error", "m88", "m1 OR m900", "nothing has this"])
def test_the_same_come_in_small_pages(archive: Archive, query: str) -> None:
    matches = parse(query).compile()
    assert read(archive, query) == [one for one in RECORDS if matches(one)]


@pytest.mark.parametrize("limit", [1, 7, 250, 300, 5_000])
def test_of_the_newest_so_many_come_and_the_newest_is_last(archive: Archive, limit: int) -> None:
    assert archive.newest(None, limit) == RECORDS[-limit:]
    errors = [one for one in RECORDS if one.level == "error"]
    assert archive.newest(parse("level:error").tree, limit) == errors[-limit:]


@pytest.mark.parametrize("query", ["", "api"])
@pytest.mark.usefixtures("small_pages")
def test_what_is_written_meanwhile_is_not_among_them(archive: Archive, data: Path, query: str) -> None:
    pages = archive.oldest_first(parse(query).tree)
    read = list(next(pages))
    write_segment(history_dir(data), 4, [record(seq) for seq in range(901, 950)])
    assert read + [one for page in pages for one in page] == RECORDS


@pytest.mark.usefixtures("small_pages")
def test_a_day_that_is_deleted_meanwhile_is_missing_and_nothing_comes_twice(archive: Archive, data: Path) -> None:
    pages = archive.oldest_first(parse("api").tree)
    first = list(next(pages))
    for path in history_dir(data).glob("segment-000002-*"):
        path.unlink()
    rest = [one for page in pages for one in page]
    # Of that day there may be what had been read before.
    assert [one for one in first + rest if one.seq // 300 != 1] == [one for one in RECORDS if one.seq // 300 != 1]
    assert len({one.seq for one in first + rest}) == len(first + rest)


def test_a_hub_may_be_writing(data: Path) -> None:
    """What it has committed is found, what it has not is not, and neither waits for the other."""
    newest = max(history_dir(data).glob("*.db"))
    with closing(sqlite3.connect(newest, isolation_level=None)) as writer, Archive(data) as opened:
        writer.execute("BEGIN IMMEDIATE")
        insert_records(writer, [record(901)])
        assert (opened.newest(None, 1), read(opened)) == (RECORDS[-1:], RECORDS)
        writer.execute("COMMIT")
        assert (opened.newest(None, 1), read(opened)) == ([record(901)], [*RECORDS, record(901)])


def test_without_a_history_it_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as told:
        Archive(tmp_path)
    assert str(told.value) == (
        f"There is no history in {tmp_path / 'history'}. Has a hub run with this data folder? "
        "Name another with --data-dir."
    )


def test_an_empty_history_has_nothing(tmp_path: Path) -> None:
    write_segments(history_dir(tmp_path), [(DAYS[0], [])])
    with Archive(tmp_path) as empty:
        assert (empty.newest(None, 5), read(empty), read(empty, "a")) == ([], [], [])


def test_what_is_wanted_is_one_tree() -> None:
    assert Wanted().tree(NOW_NS) is None
    wanted = Wanted("a OR b", "2h", "2026-11-22T10:00:00Z", 13)
    assert wanted.tree(NOW_NS) == parse("(a OR b) after:2h before:2026-11-22T10:00:00Z level>=warn", NOW_NS).tree


@pytest.mark.parametrize("wanted", [Wanted(since="soon"), Wanted(until="25:00"), Wanted(since=" ")])
def test_a_time_that_is_none_is_told_with_its_option(wanted: Wanted) -> None:
    with pytest.raises(UserError, match=r"^--(since|until) '.*' is not a time\. Give a duration"):
        wanted.tree(NOW_NS)


def test_a_query_that_is_none_keeps_its_position() -> None:
    with pytest.raises(QueryError) as told:
        Wanted("a (b", "2h").tree(NOW_NS)
    assert told.value.position == 2
