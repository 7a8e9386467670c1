"""A place in the past is shown whole, in the same table, and the way back leads to what was left."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_logs.core.levels import ALL_BANDS, BANDS
from desktop_logs.ui import backfill
from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.theme import Theme
from tests.support.asynchronous import soon
from tests.support.loops import window_loop
from tests.ui.fake_history import FakeHistory
from tests.ui.fakes import FakeFeed, make_record, make_records

STORED = 9_000
HELD_FROM = 8_001
ERRORS = frozenset({BANDS.index("error")})
Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture
def run(qapp: QApplication) -> Iterator[Run]:
    """Runs what a test does while the window's loop turns."""
    with window_loop(qapp) as loop:
        yield loop.run_until_complete


@pytest.fixture
def history() -> FakeHistory:
    return FakeHistory(make_records(STORED))


@pytest.fixture
def feed(history: FakeHistory) -> FakeFeed:
    made = FakeFeed()
    made.history = history
    made.push(history.records[HELD_FROM - 1 :])
    return made


@pytest.fixture
def page(theme: Theme, feed: FakeFeed, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, run: Run) -> FeedPage:
    """A page that holds the newest thousand of what is stored; a record comes each 7 ms."""
    monkeypatch.setattr(backfill, "_REST_MS", 1)
    made = FeedPage(feed, theme, is_local=True)
    qtbot.addWidget(made, before_close_func=FeedPage.close_feed)
    made.resize(1_200, 600)
    made.show()
    return made


async def loaded(page: FeedPage) -> None:
    await soon("all that came is held", lambda: page._seq >= page.feed.head)


async def arrived(page: FeedPage) -> None:
    await soon("a place is shown", lambda: not page.model.is_live and page.surroundings._task is None)


def shown(page: FeedPage) -> list[int]:
    return [record.seq for record in page.model.shown]


def row_in_middle(page: FeedPage) -> int:
    return page.table.rowAt(page.table.viewport().height() // 2)


def test_all_around_a_record_is_shown_with_it_in_the_middle(page: FeedPage, history: FakeHistory, run: Run) -> None:
    async def jump() -> None:
        await loaded(page)
        page.bar.set_filter("nothing", ERRORS)
        page.show_surroundings(history.records[3_999], 0.7)
        await arrived(page)
        assert shown(page) == list(range(3_900, 4_101)), "unfiltered"
        current = page.table.current_record()
        assert current is not None
        assert current.seq == 4_000
        assert page.detail.record is current
        assert abs(row_in_middle(page) - page.table.currentIndex().row()) <= 1
        assert (page.bar.query.text, page.bar.bands) == ("", ALL_BANDS)
        assert page.past_bar.isVisible()
        assert page.past_bar.place.text().endswith("±0.7 s")
        assert page.past_bar.detail.text() == "filter off  ·  201 records of the history"

    run(jump())


def test_way_back_leads_to_filter_place_and_selection(
    page: FeedPage, feed: FakeFeed, history: FakeHistory, run: Run, qtbot: QtBot
) -> None:
    async def jump_and_return() -> None:
        await loaded(page)
        page.bar.set_bands(ERRORS)
        page.table.go_to_row(40)
        before = page.table.current_record(), page.table.verticalScrollBar().value()
        qtbot.keyClicks(page.table, "s")
        await arrived(page)
        feed.push([make_record(STORED + 1, level="error"), make_record(STORED + 2)])
        await soon("the pill says so", lambda: page.area.pill.text().startswith("1 new"))
        assert page.model.newest_seq == STORED
        qtbot.keyClick(page.table, Qt.Key.Key_Escape)
        assert page.model.is_live
        assert page.past_bar.isHidden()
        assert page.bar.bands == ERRORS
        after = page.table.current_record(), page.table.verticalScrollBar().value()
        assert after[0] is not None
        assert before[0] is not None
        assert (after[0].seq, after[1]) == (before[0].seq, before[1])
        assert page.table.selected_count == 1
        assert shown(page)[-1] == STORED + 1

    run(jump_and_return())


@pytest.mark.parametrize("way", ["End", "button", "follow"])
def test_following_goes_on_as_it_was(page: FeedPage, feed: FakeFeed, run: Run, qtbot: QtBot, way: str) -> None:
    ways = {
        "End": lambda: qtbot.keyClick(page.table, Qt.Key.Key_End),
        "button": lambda: page.past_bar.back.click(),
        "follow": lambda: page.bar.follow.click(),
    }

    async def jump_and_return() -> None:
        await loaded(page)
        assert page.table.is_following
        page.show_surroundings(page.model.record_at(3))
        await arrived(page)
        assert not page.table.is_following
        page.table.verticalScrollBar().setValue(page.table.verticalScrollBar().maximum())
        assert not page.table.is_following, "the end of a place is not the newest"
        ways[way]()
        assert page.table.is_following
        assert page.bar.follow.property("kind") == "primary"
        feed.push([make_record(STORED + 1)])
        await soon("it is followed", lambda: page.table._last_row_in_view() == page.model.shown_count - 1)

    run(jump_and_return())


def test_who_asks_for_the_newest_in_a_place_gets_them(page: FeedPage, run: Run, qtbot: QtBot) -> None:
    async def jump_and_end() -> None:
        await loaded(page)
        page.table.go_to_row(3)
        page.show_surroundings(page.model.record_at(3))
        await arrived(page)
        qtbot.keyClick(page.table, Qt.Key.Key_End)
        assert page.model.is_live
        assert page.table.is_following
        assert page.table._last_row_in_view() == page.model.shown_count - 1

    run(jump_and_end())


def test_scrolling_on_goes_on_at_either_end(page: FeedPage, history: FakeHistory, run: Run) -> None:
    async def scroll() -> None:
        await loaded(page)
        page.show_surroundings(history.records[3_999], 0.7)
        await arrived(page)
        bar = page.table.verticalScrollBar()
        bar.setValue(bar.maximum())
        await soon("later ones came", lambda: page.model.newest_seq == 5_100)
        bar.setValue(0)
        await soon("earlier ones came", lambda: page.model.oldest_seq == 2_900)
        assert shown(page) == list(range(2_900, 5_101))
        assert page.past_bar.detail.text().startswith("2,201 records")

    run(scroll())


def test_the_end_of_what_is_stored_is_said(page: FeedPage, history: FakeHistory, run: Run) -> None:
    async def scroll() -> None:
        await loaded(page)
        page.show_surroundings(history.records[-1], 0.7)
        await arrived(page)
        bar = page.table.verticalScrollBar()
        bar.setValue(bar.maximum() - 1)
        await soon("it is said", lambda: page.past_bar.detail.text().endswith("nothing later is stored"))

    run(scroll())


def test_filter_in_the_past_is_the_pasts(page: FeedPage, history: FakeHistory, run: Run) -> None:
    async def filter_there() -> None:
        await loaded(page)
        page.bar.set_text("api")
        page.show_surroundings(history.records[3_999], 0.7)
        await arrived(page)
        page.bar.set_bands(ERRORS)
        assert shown(page)[-1] == max(record.seq for record in history.records[3_899:4_100] if record.level == "error")
        page.surroundings.leave()
        assert (page.bar.query.text, page.bar.bands) == ("api", ALL_BANDS)
        assert {record.source for record in page.model.shown} == {"api"}

    run(filter_there())


def test_another_span_is_looked_up_around_the_selected_record(page: FeedPage, history: FakeHistory, run: Run) -> None:
    async def widen() -> None:
        await loaded(page)
        page.show_surroundings(history.records[3_999], 0.7)
        await arrived(page)
        page.past_bar.span_chosen.emit(5.0)
        await soon("more is shown", lambda: page.model.held_count == 1_429)
        assert page.past_bar.place.text().endswith("±5 s")
        page.past_bar.leave_requested.emit()
        assert page.model.is_live

    run(widen())


def test_where_there_is_much_the_nearest_are_shown(page: FeedPage, history: FakeHistory, run: Run) -> None:
    async def jump() -> None:
        await loaded(page)
        page.show_surroundings(history.records[4_499], 300)
        await arrived(page)
        assert page.model.held_count == 2_000
        assert page.model.row_of_seq(4_500) in (999, 1_000)

    run(jump())


def test_what_is_not_on_disk_yet_is_there_all_the_same(
    page: FeedPage, feed: FakeFeed, history: FakeHistory, run: Run
) -> None:
    async def jump() -> None:
        await loaded(page)
        feed.push(make_records(20, STORED + 1))
        await loaded(page)
        page.show_surroundings(make_record(STORED + 10), 0.035)
        await arrived(page)
        assert shown(page) == list(range(STORED + 5, STORED + 16))

    run(jump())


def test_what_fails_is_told_and_the_view_stays(page: FeedPage, history: FakeHistory, run: Run) -> None:
    async def jump() -> None:
        await loaded(page)
        history.failure = "The history cannot be read."
        page.show_surroundings(history.records[3_999])
        await soon("it is told", lambda: page.notices.texts == {"surroundings": history.failure})
        assert page.model.is_live
        assert page.past_bar.isHidden()
        assert page.table.is_following

    run(jump())


def test_escape_gives_up_while_it_is_looked_up(page: FeedPage, history: FakeHistory, run: Run, qtbot: QtBot) -> None:
    async def jump() -> None:
        await loaded(page)
        history.gate.clear()
        page.show_surroundings(history.records[3_999])
        await soon("it is asked", lambda: len(history.asked) == 1)
        assert shown(page)[0] == HELD_FROM
        qtbot.keyClick(page.table, Qt.Key.Key_Escape)
        await soon("it is given up", lambda: history.cancelled == 1)
        assert page.past_bar.isHidden()

    run(jump())


def test_without_a_history_the_records_held_are_shown(page: FeedPage, feed: FakeFeed, run: Run) -> None:
    async def jump() -> None:
        feed.history = None
        await loaded(page)
        page.bar.set_bands(ERRORS)
        page.show_surroundings(page.model.record_at(50), 0.07)
        assert not page.model.is_live, "at once"
        assert page.model.held_count == 21
        assert page.past_bar.detail.text() == "filter off  ·  21 records in memory"

    run(jump())


def test_clear_is_for_what_comes(page: FeedPage, history: FakeHistory, run: Run) -> None:
    async def clear() -> None:
        await loaded(page)
        page.show_surroundings(history.records[3_999], 0.7)
        await arrived(page)
        page.clear_view()
        assert page.model.held_count == 201
        assert page.status.text("flash").startswith("This is a place in the past")

    run(clear())
