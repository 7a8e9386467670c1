"""A search in the history finds what the live filter selects, newest first, whatever state the files are in."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop_logs.core.errors import Cancelled, StorageError, TooSlow
from desktop_logs.core.history import Progress
from desktop_logs.core.levels import ALL_BANDS, BANDS, band_of
from desktop_logs.core.query import parse
from desktop_logs.core.query_match import compile_node
from desktop_logs.core.query_tree import Node
from desktop_logs.core.records import Record
from desktop_logs.storage.search import HistorySearch
from desktop_logs.storage.segments import segments_in
from tests.storage.support import WAIT_S
from tests.support.queries import records as any_records
from tests.support.queries import trees
from tests.support.segments import segment_name, write_segment

SECOND_NS = 10**9


@dataclass(frozen=True)
class Held:
    """A history of three segments and what is in it."""

    folder: Path
    records: list[Record]

    def newest(self, selects: Callable[[Record], bool], limit: int = 200) -> list[int]:
        return [record.seq for record in reversed(self.records) if selects(record)][:limit]


def record(seq: int, message: str = "", severity: int = 9) -> Record:
    return Record(seq, seq * SECOND_NS, severity, BANDS[band_of(severity)], "api", message or f"message {seq}")


def seqs(found) -> list[int]:
    return [one.seq for one in found]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    """Every seventh is about a fault, every 500th an error; the numbers have gaps between the segments."""
    folder = tmp_path_factory.mktemp("history")
    made: list[Record] = []
    for number, first in enumerate((3, 2_000, 9_000), 1):
        part = [
            record(seq, f"a fault in {seq}" if seq % 7 == 0 else f"größe {seq}", 17 if seq % 500 == 0 else 9)
            for seq in range(first, first + 1_500)
        ]
        write_segment(folder, number, part)
        made += part
    return Held(folder, made)


@pytest.fixture(scope="module")
def search(held: Held) -> HistorySearch:
    return HistorySearch(held.folder)


@given(
    tree=trees, made=st.lists(any_records, min_size=1, max_size=40), bands=st.sets(st.sampled_from(sorted(ALL_BANDS)))
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_finds_what_the_predicate_selects(
    tmp_path_factory: pytest.TempPathFactory, tree: Node, made: list[Record], bands: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("history")
    numbered = [
        Record(seq, one.time_ns, one.severity, one.level, one.source, one.message, one.context, one.given_id)
        for seq, one in enumerate(made, 5)
    ]
    half = len(made) // 2
    write_segment(folder, 1, numbered[:half])
    write_segment(folder, 2, numbered[half:])
    selects = compile_node(tree)
    wanted = [one for one in reversed(numbered) if band_of(one.severity) in bands and selects(one)]
    assert HistorySearch(folder).search(tree, bands=frozenset(bands)).records == wanted


@pytest.mark.parametrize(
    ("text", "selects"),
    [
        ("", lambda one: True),
        ("fault", lambda one: one.seq % 7 == 0),
        ("FAULT -700", lambda one: one.seq % 7 == 0 and "700" not in one.message),
        ("level:error", lambda one: one.seq % 500 == 0),
        ("GRÖSSE 21", lambda one: one.seq % 7 and "21" in one.message),
        ('"in 9003"', lambda one: False),
        ("after:1970-01-01T02:35:00Z fault", lambda one: one.seq >= 9_300 and one.seq % 7 == 0),
        ("before:1970-01-01T00:00:09Z", lambda one: one.seq < 9),
        ("message~/fault in 2\\d{3}$/", lambda one: one.seq % 7 == 0 and 2_000 <= one.seq < 3_000),
        ("nowhere", lambda one: False),
    ],
)
def test_the_newest_come_first_from_all_segments(held: Held, search: HistorySearch, text: str, selects) -> None:
    found = search.search(parse(text).tree, limit=300)
    assert seqs(found.records) == held.newest(selects, 300)
    assert found.more == (len(found.records) == 300)
    assert found.problem == ""


def test_pages_meet_without_a_gap(held: Held, search: HistorySearch) -> None:
    tree = parse("fault").tree
    paged: list[int] = []
    before_seq = None
    more = True
    while more:
        found = search.search(tree, before_seq=before_seq, limit=100)
        paged += seqs(found.records)
        before_seq, more = paged[-1], found.more
    assert paged == held.newest(lambda one: one.seq % 7 == 0, 10_000)


def test_only_the_bands_that_are_shown_are_found(held: Held, search: HistorySearch) -> None:
    found = search.search(None, bands=frozenset({4}))
    assert seqs(found.records) == held.newest(lambda one: one.severity == 17)
    assert search.search(parse("fault").tree, bands=frozenset()).records == []


def test_newer_goes_on_over_segments_oldest_first(held: Held, search: HistorySearch) -> None:
    after = [one.seq for one in held.records if one.seq > 1_490]
    assert seqs(search.newer(1_490, 100)) == after[:100]
    assert seqs(search.newer(0, 2)) == [3, 4]
    assert search.newer(10_499, 5) == []


def test_around_a_record_are_those_of_its_time(held: Held, search: HistorySearch) -> None:
    assert seqs(search.around(record(2_700), 3 * SECOND_NS, 100)) == list(range(2_697, 2_704))
    assert seqs(search.around(record(1_501), 501 * SECOND_NS, 5_000)) == [*range(1_000, 1_503), 2_000, 2_001, 2_002]


def test_of_too_many_around_a_record_the_nearest_stay(search: HistorySearch) -> None:
    assert seqs(search.around(record(2_700), 600 * SECOND_NS, 5)) == [2_698, 2_699, 2_700, 2_701, 2_702]


def test_without_a_folder_nothing_is_found(tmp_path: Path) -> None:
    search = HistorySearch(tmp_path / "history")
    assert search.search(None).records == []
    assert search.newer(0, 5) == search.around(record(1), 1, 5) == []
    search.close()


def test_progress_names_the_day_and_grows(held: Held, search: HistorySearch, monkeypatch) -> None:
    monkeypatch.setattr("desktop_logs.storage.search._PROGRESS_S", 0.0)
    told: list[Progress] = []
    search.search(parse("nowhere OR ab").tree, on_progress=told.append)
    assert list(dict.fromkeys(one.day for one in told)) == [segment_name(number).day for number in (3, 2, 1)]
    assert [one.done for one in told] == sorted(one.done for one in told)
    assert told[0].done == 0.0
    assert told[-1].done == pytest.approx(1.0)


def test_a_search_is_cancelled_from_another_thread_and_the_next_one_works(held: Held, search: HistorySearch) -> None:
    searching = threading.Event()

    def cancel() -> None:
        assert searching.wait(WAIT_S)
        search.cancel()
        cancelled.set()

    def on_progress(_: Progress) -> None:
        searching.set()
        assert cancelled.wait(WAIT_S)

    cancelled = threading.Event()
    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(Cancelled):
        search.search(parse("nowhere OR ab").tree, on_progress=on_progress)
    thread.join(WAIT_S)
    assert seqs(search.search(parse("fault").tree, limit=1).records) == [10_493]


def test_to_cancel_while_nothing_is_searched_does_nothing(search: HistorySearch) -> None:
    search.cancel()
    assert search.search(None, limit=1).more


def test_an_expression_that_takes_too_long_is_told(tmp_path: Path) -> None:
    write_segment(tmp_path, 1, [record(1, "a" * 60 + "!")])
    with pytest.raises(TooSlow):
        HistorySearch(tmp_path).search(parse("~/(a|aa)+$/").tree)


# The state of the files


@pytest.fixture
def two_days(tmp_path: Path) -> Path:
    write_segment(tmp_path, 1, [record(seq) for seq in range(1, 40)])
    write_segment(tmp_path, 2, [record(seq) for seq in range(40, 80)])
    return tmp_path


def test_nothing_is_left_beside_a_segment_that_is_closed(two_days: Path) -> None:
    assert len(HistorySearch(two_days).search(None).records) == 79
    assert sorted(path.name for path in two_days.glob("segment-000001*")) == [str(segment_name(1))]


def test_a_damaged_segment_is_told_of_and_the_others_are_searched(two_days: Path) -> None:
    (two_days / str(segment_name(1))).write_bytes(b"not a database" * 1_000)
    search = HistorySearch(two_days)
    found = search.search(parse("message").tree)
    assert seqs(found.records) == list(range(79, 39, -1))
    assert found.problem.startswith("The records of 2026-11-01 could not be searched: the file is damaged")
    assert seqs(search.newer(0, 2)) == [40, 41]
    assert seqs(search.around(record(40), SECOND_NS, 5)) == [40, 41]


def test_pages_that_are_damaged_inside_are_told_of(two_days: Path) -> None:
    path = two_days / str(segment_name(2))
    content = bytearray(path.read_bytes())
    content[4_096:] = b"\xa5" * (len(content) - 4_096)
    path.write_bytes(content)
    found = HistorySearch(two_days).search(None)
    assert seqs(found.records) == list(range(39, 0, -1))
    assert "2026-11-02" in found.problem


def test_when_nothing_can_be_read_that_is_an_error(two_days: Path) -> None:
    for path in two_days.glob("segment-*.db"):
        path.write_bytes(b"not a database" * 1_000)
    search = HistorySearch(two_days)
    for ask in (lambda: search.search(None), lambda: search.newer(0, 5), lambda: search.around(record(1), 1, 5)):
        with pytest.raises(StorageError, match="of 2026-11-02 and 1 more could not"):
            ask()


def test_a_segment_that_is_being_made_is_empty(two_days: Path) -> None:
    (two_days / str(segment_name(3))).touch()
    search = HistorySearch(two_days)
    assert len(search.search(parse("message").tree).records) == 79
    assert search.search(None).problem == ""
    assert seqs(search.newer(78, 5)) == [79]


def test_a_segment_that_goes_while_it_is_searched_is_told_of(two_days: Path) -> None:
    def delete(_: Progress) -> None:
        (two_days / str(segment_name(1))).unlink(missing_ok=True)

    found = HistorySearch(two_days).search(None, on_progress=delete)
    assert seqs(found.records) == list(range(79, 39, -1))
    assert found.problem == "The records of 2026-11-01 could not be searched: it was deleted meanwhile."


def test_a_locked_segment_is_told_of_and_the_others_are_searched(two_days: Path) -> None:
    with closing(sqlite3.connect(two_days / str(segment_name(2)), isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("CREATE TABLE made (a)")
        found = HistorySearch(two_days).search(None)
    assert seqs(found.records) == list(range(39, 0, -1))
    assert found.problem.startswith("The records of 2026-11-02 could not be searched: another program holds it locked")


def test_what_a_writer_has_committed_is_found_while_it_is_open(two_days: Path) -> None:
    with closing(sqlite3.connect(two_days / str(segment_name(2)), isolation_level=None)) as writer:
        writer.execute("UPDATE records SET message = 'changed a moment ago' WHERE seq = 79")
        writer.execute("BEGIN IMMEDIATE")
        assert seqs(HistorySearch(two_days).search(parse("moment").tree).records) == [79]
        writer.execute("ROLLBACK")


def test_without_an_index_every_record_is_looked_at_and_that_is_said(tmp_path: Path) -> None:
    write_segment(tmp_path, 1, [record(seq) for seq in range(1, 40)], indexed=False)
    found = HistorySearch(tmp_path).search(parse("message").tree)
    assert len(found.records) == 39
    assert found.problem == "One day has no index of words, so every record was looked at, which takes longer."
    assert HistorySearch(tmp_path).search(None).problem == ""


def test_a_segment_of_another_format_is_not_guessed_at(two_days: Path) -> None:
    with closing(sqlite3.connect(two_days / str(segment_name(1)), isolation_level=None)) as other:
        other.execute("UPDATE facts SET value = 99 WHERE name = 'format'")
    assert "another version of this program" in HistorySearch(two_days).search(None).problem


def test_other_files_in_the_folder_are_let_be(two_days: Path) -> None:
    (two_days / "numbers.json").write_text("{}")
    assert len(segments_in(two_days)) == 2
    assert HistorySearch(two_days).search(None).problem == ""
