"""The model holds, filters and evicts as plain Python would, and Qt's model tester agrees at every step."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from PySide6.QtCore import QModelIndex, Qt
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from desktop_logs.core.errors import TooSlow
from desktop_logs.core.held import Held
from desktop_logs.core.levels import ALL_BANDS, BANDS, band_of
from desktop_logs.core.query import parse
from desktop_logs.core.records import Record
from desktop_logs.ui.cells import LEVEL, MESSAGE, SOURCE, TIME
from desktop_logs.ui.model import RecordModel
from tests.ui.fakes import complete_filter, make_record, make_records

ERRORS = frozenset({BANDS.index("error"), BANDS.index("fatal")})


class SteppedClock:
    """A clock that moves by *step_s* at each look, so that a test decides how many slices a scan takes."""

    def __init__(self, step_s: float = 0.0) -> None:
        self.step_s = step_s
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


@pytest.fixture
def make_model(
    qtmodeltester: ModelTester, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., RecordModel]]:
    """Models with Qt's tester attached before the first change, and slabs of 100 records."""
    monkeypatch.setattr("desktop_logs.core.held.SLAB_RECORDS", 100)
    models: list[RecordModel] = []

    def make(capacity: int = 100_000, step_s: float = 0.0) -> RecordModel:
        model = RecordModel(capacity, clock=SteppedClock(step_s))
        qtmodeltester.check(model)
        models.append(model)
        return model

    yield make
    for model in models:
        model.clear()


def seqs(model: RecordModel) -> list[int]:
    return [record.seq for record in model.shown]


def test_appended_records_are_rows_with_one_insertion(make_model: Callable[..., RecordModel]) -> None:
    model = make_model()
    inserted: list[tuple[int, int]] = []
    model.rowsInserted.connect(lambda _parent, first, last: inserted.append((first, last)))
    model.append(make_records(3))
    model.append(make_records(2, 4))
    model.append([])
    assert inserted == [(0, 2), (3, 4)]
    assert seqs(model) == [1, 2, 3, 4, 5]
    assert model.rowCount() == 5
    assert model.columnCount() == 4
    assert model.rowCount(model.index(0, 0)) == 0


def test_older_records_are_refused(make_model: Callable[..., RecordModel]) -> None:
    model = make_model()
    model.append(make_records(3))
    with pytest.raises(ValueError, match="3 is not newer"):
        model.append(make_records(1, 3))


def test_oldest_leave_in_slabs_with_one_removal(make_model: Callable[..., RecordModel]) -> None:
    model = make_model(capacity=80)
    removed: list[tuple[int, int]] = []
    model.rowsRemoved.connect(lambda _parent, first, last: removed.append((first, last)))
    for start in range(1, 82):
        model.append(make_records(1, start))
    assert removed == [(0, 9)]
    assert seqs(model) == list(range(11, 82))
    model.append(make_records(509, 82))
    assert len(removed) == 2
    assert seqs(model) == list(range(511, 591))
    assert sum(model.counts) == 80


def test_counts_are_of_all_held_whatever_the_filter(make_model: Callable[..., RecordModel]) -> None:
    model = make_model()
    records = make_records(90)
    model.append(records)
    model.set_filter(ERRORS, parse("api"))
    expected = [sum(band_of(record.severity) == band for record in records) for band in range(6)]
    assert list(model.counts) == expected
    model.clear()
    assert list(model.counts) == [0] * 6


def test_filter_shows_what_passes_and_appended_records_obey_it(make_model: Callable[..., RecordModel]) -> None:
    model = make_model()
    model.append([make_record(1, "one", level="error"), make_record(2, "two", level="error"), make_record(3, "two")])
    model.set_filter(ERRORS, parse("two"))
    assert seqs(model) == [2]
    assert model.is_filtered
    model.append([make_record(4, "two", level="fatal"), make_record(5, "two"), make_record(6, "x", level="fatal")])
    assert seqs(model) == [2, 4]
    model.set_filter(ALL_BANDS, parse(""))
    assert seqs(model) == [1, 2, 3, 4, 5, 6]
    assert not model.is_filtered


def test_same_filter_again_changes_nothing(make_model: Callable[..., RecordModel]) -> None:
    model = make_model()
    model.append(make_records(10))
    resets: list[bool] = []
    model.modelReset.connect(lambda: resets.append(True))
    model.set_filter(ALL_BANDS, parse("  "))
    assert resets == []


def test_long_scan_shows_the_newest_first_and_completes(make_model: Callable[..., RecordModel]) -> None:
    """Each look at the clock takes 6 ms, so a slice is a slab of 100; the first look fills a screen of 40 rows."""
    model = make_model(step_s=0.006)
    model.append(make_records(900))
    changes: list[bool] = []
    model.filtering_changed.connect(changes.append)
    model.set_filter(ERRORS, parse(""))
    assert model.is_filtering
    assert 40 <= model.rowCount() < 60
    assert seqs(model)[-1] > 890
    model.append(make_records(90, 901))
    complete_filter(model)
    assert changes == [True, False]
    assert seqs(model) == [record.seq for record in make_records(990) if band_of(record.severity) in ERRORS]


def test_scan_goes_on_by_itself(make_model: Callable[..., RecordModel], qtbot: QtBot) -> None:
    model = make_model(step_s=0.006)
    model.append(make_records(900))
    with qtbot.waitSignals([model.filtering_changed, model.filtering_changed]):
        model.set_filter(ERRORS, parse(""))
    assert seqs(model) == [record.seq for record in make_records(900) if band_of(record.severity) in ERRORS]


def test_newer_filter_discards_the_scan_under_way(make_model: Callable[..., RecordModel]) -> None:
    model = make_model(step_s=0.006)
    model.append(make_records(900))
    model.set_filter(ERRORS, parse(""))
    model.set_filter(ALL_BANDS, parse("899"))
    complete_filter(model)
    assert seqs(model) == [899]


def test_clear_during_a_scan_leaves_nothing(make_model: Callable[..., RecordModel]) -> None:
    model = make_model(step_s=0.006)
    model.append(make_records(900))
    model.set_filter(ERRORS, parse(""))
    model.clear()
    assert not model.is_filtering
    assert seqs(model) == []
    model.append(make_records(9, 901))
    assert seqs(model) == [record.seq for record in make_records(9, 901) if band_of(record.severity) in ERRORS]


@pytest.mark.parametrize("seed", range(12))
def test_any_sequence_of_changes_agrees_with_plain_python(make_model: Callable[..., RecordModel], seed: int) -> None:
    """Append, evict, filter, clear and single slices of a scan, in random order."""
    rng = random.Random(seed)
    model = make_model(capacity=300, step_s=0.004)
    held: list[Record] = []
    head = 0
    bands, query = ALL_BANDS, parse("")
    for _ in range(60):
        action = rng.choice(["append", "append", "append", "filter", "slice", "slice", "clear"])
        if action == "append":
            batch = make_records(rng.choice([1, 7, 30, 150]), head + 1)
            head += len(batch)
            model.append(batch)
            held += batch
            del held[: len(held) - model.held_count]
            assert model.held_count <= 300
        elif action == "filter":
            bands = frozenset(rng.sample(range(6), rng.randint(0, 6)))
            query = parse(rng.choice(["", "7", "api", "-worker 1", '"message 1"']))
            model.set_filter(bands, query)
        elif action == "slice" and model.is_filtering:
            model._scan_slice()
        elif action == "clear" and rng.random() < 0.3:
            model.clear()
            held = []
        matches = query.compile()
        expected = [one.seq for one in held if band_of(one.severity) in bands and matches(one)]
        shown = seqs(model)
        if model.is_filtering:
            assert shown == expected[len(expected) - len(shown) :]
        else:
            assert shown == expected
        assert [one.seq for one in model.held] == [one.seq for one in held]
        assert list(model.counts) == [sum(band_of(one.severity) == band for one in held) for band in range(6)]
    complete_filter(model)


def test_older_records_come_in_front_with_one_insertion(make_model: Callable[..., RecordModel]) -> None:
    model = make_model()
    model.append(make_records(250, 501))
    inserted: list[tuple[int, int]] = []
    model.rowsInserted.connect(lambda _parent, first, last: inserted.append((first, last)))
    model.prepend(make_records(90, 411))
    model.prepend(make_records(90, 300))
    assert inserted == [(0, 89), (0, 89)]
    assert seqs(model) == [*range(300, 390), *range(411, 751)]
    assert model.oldest_seq == 300
    assert not model.has_selected
    with pytest.raises(ValueError, match="300 is not older"):
        model.prepend(make_records(1, 300))


def test_matches_in_front_leave_with_their_filter(make_model: Callable[..., RecordModel]) -> None:
    model = make_model()
    model.append(make_records(250, 501))
    model.set_filter(ALL_BANDS, parse("message"))
    complete_filter(model)
    model.prepend([make_record(17), make_record(400)])
    assert seqs(model)[:3] == [17, 400, 501]
    assert model.held_count == sum(model.counts) == 252
    model.set_filter(ALL_BANDS, parse(""))
    assert seqs(model) == list(range(501, 751))
    assert model.held_count == sum(model.counts) == 250


def test_beyond_the_capacity_there_is_room_while_it_is_given(make_model: Callable[..., RecordModel]) -> None:
    model = make_model(capacity=800)
    model.append(make_records(800, 1_001))
    assert model.room == 0
    model.set_spare(300)
    model.prepend(make_records(100, 901))
    model.append(make_records(100, 1_801))
    assert seqs(model) == list(range(901, 1_901))
    assert model.room == 100
    model.set_spare(0)
    assert model.held_count <= 800
    assert seqs(model)[-1] == 1_900


def test_another_stretch_is_shown_while_what_comes_goes_on_being_held(make_model: Callable[..., RecordModel]) -> None:
    model = make_model(capacity=800, step_s=0.006)
    model.append(make_records(800, 5_001))
    model.set_filter(ERRORS, parse(""))
    assert model.is_filtering
    place = Held(1_000)
    place.append(make_records(50, 101), range(50))
    model.show_place(place)
    assert not model.is_live
    assert not model.is_filtering
    assert not model.is_filtered
    assert seqs(model) == list(range(101, 151))
    heard: list[object] = []
    for signal in (model.rowsInserted, model.rowsRemoved, model.modelReset):
        signal.connect(lambda *what: heard.append(what))
    came = model.append(make_records(90, 5_801))
    assert came == sum(band_of(record.severity) in ERRORS for record in make_records(90, 5_801))
    assert heard == []
    assert model.live_held[-1].seq == 5_890
    model.extend(make_records(10, 151))
    assert seqs(model) == list(range(101, 161))
    model.set_filter(ALL_BANDS, parse('"message 11"'))
    complete_filter(model)
    assert seqs(model) == list(range(110, 120))
    model.show_live()
    complete_filter(model)
    assert model.is_live
    assert seqs(model) == [record.seq for record in model.held if band_of(record.severity) in ERRORS]
    assert seqs(model)[-1] > 5_880


def test_query_that_fails_out_of_sight_is_told_when_it_is_set_again(make_model: Callable[..., RecordModel]) -> None:
    model = make_model()
    query = parse("message~/(a|aa)+$/")
    model.set_filter(ALL_BANDS, query)
    told: list[TooSlow] = []
    model.filter_failed.connect(told.append)
    model.show_place(Held(10))
    model.append([make_record(1, "a" * 5_000 + "!")])
    model.show_live()
    assert told == []
    model.set_filter(ALL_BANDS, query)
    assert len(told) == 1


def test_fewer_are_held_when_the_capacity_is_lowered(make_model: Callable[..., RecordModel]) -> None:
    model = make_model(capacity=800)
    model.append(make_records(800))
    model.set_capacity(400)
    assert seqs(model) == list(range(401, 801))
    assert model.capacity == 400


def test_query_that_takes_too_long_is_given_up_and_told_once(make_model: Callable[..., RecordModel]) -> None:
    model = make_model()
    model.append([make_record(1, "a" * 5_000 + "!"), make_record(2, "b")])
    told: list[TooSlow] = []
    model.filter_failed.connect(told.append)
    model.set_filter(ALL_BANDS, parse("message~/(a|aa)+$/"))
    model.append([make_record(3, "a" * 5_000 + "!")])
    assert [failure.position for failure in told] == [9]
    assert not model.is_filtering
    model.set_filter(ALL_BANDS, parse("message"))
    model.append([make_record(4, "message")])
    assert seqs(model) == [4]
    assert model.held_count == 4


def test_expression_that_takes_too_long_on_what_comes_is_given_up(make_model: Callable[..., RecordModel]) -> None:
    model = make_model()
    told: list[TooSlow] = []
    model.filter_failed.connect(told.append)
    model.set_filter(ALL_BANDS, parse("message~/(a|aa)+$/"))
    model.append([make_record(1, "aaa")])
    assert seqs(model) == [1]
    model.append([make_record(2, "a" * 5_000 + "!")])
    assert len(told) == 1
    assert model.held_count == 2


def test_record_and_row_are_found_from_each_other(make_model: Callable[..., RecordModel]) -> None:
    model = make_model()
    model.append(make_records(20, 101))
    assert model.record_at(3).seq == 104
    assert model.row_of_seq(104) == 3
    assert model.row_of_seq(99) is None
    assert model.row_from_seq(99) == 0
    assert model.row_from_seq(500) == 20
    with pytest.raises(IndexError):
        model.record_at(-1)
    with pytest.raises(IndexError):
        model.record_at(20)


def test_next_row_of_a_band_looks_either_way(make_model: Callable[..., RecordModel]) -> None:
    model = make_model()
    levels = ["info", "error", "info", "warn", "fatal"]
    model.append([make_record(at, level=level) for at, level in enumerate(levels, 1)])
    assert model.next_row(-1, ERRORS, 1) == 1
    assert model.next_row(1, ERRORS, 1) == 4
    assert model.next_row(4, ERRORS, 1) is None
    assert model.next_row(4, ERRORS, -1) == 1
    assert model.next_row(1, ERRORS, -1) is None
    assert model.next_row(99, ERRORS, -1) == 4


def test_records_keep_their_stripe_when_older_ones_leave(make_model: Callable[..., RecordModel]) -> None:
    model = make_model(capacity=8)
    model.append(make_records(8))
    before = model.is_striped(7)
    model.append(make_records(3, 9))
    assert model.record_at(4).seq == 8
    assert model.is_striped(4) is before
    assert all(model.is_striped(a) != model.is_striped(b) for a, b in pairwise(range(8)))


def test_cells_are_plain_safe_text(make_model: Callable[..., RecordModel]) -> None:
    model = make_model()
    model.append([make_record(1, "a\x1b[31m \u202eb\nmore\nmore", level="Warning", source="ap\ti")])
    texts = [model.data(model.index(0, column)) for column in range(4)]
    assert texts[LEVEL] == "WARNING"
    assert texts[SOURCE] == "ap    i"
    assert texts[MESSAGE] == "a⟨ESC⟩[31m ⟨RLO⟩b"
    assert len(texts[TIME]) == len("10:42:31.560")
    assert model.data(model.index(0, 0), Qt.ItemDataRole.UserRole).seq == 1
    assert model.data(QModelIndex()) is None
    assert model.data(model.index(0, MESSAGE), Qt.ItemDataRole.AccessibleTextRole) == "a⟨ESC⟩[31m ⟨RLO⟩b, 2 more lines"


def test_header_names_the_columns(make_model: Callable[..., RecordModel]) -> None:
    model = make_model()
    names = [model.headerData(column, Qt.Orientation.Horizontal) for column in range(4)]
    assert names == ["Time", "Level", "Source", "Message"]
    assert model.headerData(0, Qt.Orientation.Vertical) is None
    assert model.headerData(9, Qt.Orientation.Horizontal) is None
