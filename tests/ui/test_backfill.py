"""Older records come out of the history when they are wanted, in front of those held, and nothing moves for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_logs.core.levels import ALL_BANDS, BANDS
from desktop_logs.ui import backfill
from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.theme import Theme
from tests.support.asynchronous import soon
from tests.support.loops import window_loop
from tests.ui.fake_history import Asked, FakeHistory
from tests.ui.fakes import FakeFeed, make_record, make_records

STORED = 5_000
HELD_FROM = 4_001
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
def make_page(theme: Theme, history: FakeHistory, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, run: Run) -> Any:
    """A page that holds the newest thousand of the five thousand that are stored."""
    monkeypatch.setattr(backfill, "_REST_MS", 1)

    def make(capacity: int = 100_000) -> FeedPage:
        feed = FakeFeed()
        feed.history = history
        feed.push(history.records[HELD_FROM - 1 :])
        page = FeedPage(feed, theme, is_local=True, capacity=capacity)
        qtbot.addWidget(page, before_close_func=FeedPage.close_feed)
        page.resize(1_200, 600)
        page.show()
        return page

    return make


async def loaded(page: FeedPage) -> None:
    await soon("all that came is held", lambda: page._seq >= page.feed.head)


async def at_rest(page: FeedPage) -> None:
    """Until nothing is loaded or will be."""
    await asyncio.sleep(0.02)
    await soon("loading ends", lambda: page.backfill.state != "loading" and not page.backfill._rest.isActive())


def shown(page: FeedPage) -> list[int]:
    return [record.seq for record in page.model.shown]


def top_line(page: FeedPage) -> tuple[int, int]:
    row = page.table.rowAt(0)
    return page.model.seq_at(row), page.table.rowViewportPosition(row)


def wheel_up(page: FeedPage) -> None:
    place = QPointF(50, 50)
    event = QWheelEvent(
        place,
        place,
        QPoint(0, 0),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    page.table.wheelEvent(event)


def test_a_page_of_older_records_comes_at_the_top_and_the_lines_stand_still(
    make_page: Any, history: FakeHistory, run: Run
) -> None:
    async def scroll() -> None:
        page = make_page()
        await loaded(page)
        history.gate.clear()
        page.table.verticalScrollBar().setValue(7)
        before = top_line(page)
        await soon("it says that it loads", lambda: page.area.note.text == "Loading older records…")
        assert page.area.note.isVisible()
        assert shown(page)[0] == HELD_FROM
        history.gate.set()
        await at_rest(page)
        assert top_line(page) == before == (HELD_FROM, -7)
        assert shown(page) == list(range(3_001, STORED + 1))
        assert page.model.held_count == sum(page.model.counts) == 2_000
        assert not page.area.note.isVisible()

    run(scroll())
    assert history.asked == [Asked("search", seq=HELD_FROM, limit=1_000)]


def test_whoever_goes_on_scrolling_comes_to_the_beginning(make_page: Any, history: FakeHistory, run: Run) -> None:
    async def scroll() -> None:
        page = make_page()
        await loaded(page)
        page.table.set_following(False)
        for _ in range(8):
            page.table.verticalScrollBar().setValue(0)
            wheel_up(page)
            await at_rest(page)
        assert shown(page) == list(range(1, STORED + 1))
        assert page.area.note.text == "Beginning of the history"
        assert page.area.note.isVisible()
        assert len(history.asked) == 5, "four full pages and an empty one"
        page.table.verticalScrollBar().setValue(500)
        assert not page.area.note.isVisible()

    run(scroll())


@pytest.mark.parametrize("key", [Qt.Key.Key_Home, Qt.Key.Key_PageUp, Qt.Key.Key_Up])
def test_keys_lead_beyond_the_oldest_too(
    make_page: Any, history: FakeHistory, run: Run, qtbot: QtBot, key: Qt.Key
) -> None:
    async def press() -> None:
        page = make_page()
        await loaded(page)
        page.table.go_to_row(0)
        assert history.asked == [], "who is led there has not asked for more"
        qtbot.keyClick(page.table, key)
        await soon("a page came", lambda: page.model.held_count == 2_000)

    run(press())


def test_what_fails_is_said_and_scrolling_tries_again(make_page: Any, history: FakeHistory, run: Run) -> None:
    async def scroll() -> None:
        page = make_page()
        await loaded(page)
        history.failure = "The history cannot be read: permission denied."
        page.table.verticalScrollBar().setValue(0)
        await soon("it says what is wrong", lambda: page.area.note.text == history.failure)
        assert page.backfill.state == "failed"
        history.failure = ""
        wheel_up(page)
        await soon("a page came", lambda: page.model.held_count == 2_000)
        assert page.area.note.isHidden()

    run(scroll())


def test_a_filter_that_leaves_room_searches_the_history_by_itself(
    make_page: Any, history: FakeHistory, run: Run
) -> None:
    async def type_query() -> None:
        page = make_page()
        await loaded(page)
        page.bar.set_text("message 7")
        page.bar.set_text('"message 77" 7')
        await at_rest(page)
        assert shown(page) == [77, *range(770, 780)]
        assert page.area.note.text == "The whole history was searched"
        assert page.area.note.isVisible()
        assert page.bar.field.figures == "11 match of 1,011"
        assert len(history.asked) == 1, "typing asks once, and what has no more is not asked again"
        wheel_up(page)
        await at_rest(page)
        assert len(history.asked) == 1

    run(type_query())


def test_progress_is_said_where_the_rows_would_be(make_page: Any, history: FakeHistory, run: Run) -> None:
    async def type_query() -> None:
        page = make_page()
        await loaded(page)
        history.gate.clear()
        page.bar.set_text("nowhere")
        await soon("it searches", lambda: page.area.hint.title == "Searching the history…")
        history.gate.set()
        await soon("it says the result", lambda: page.area.hint.title == "Nothing matches the filter")
        assert page.area.hint.isVisible()

    run(type_query())


def test_matches_leave_with_the_filter_and_all_that_was_loaded_stays(
    make_page: Any, history: FakeHistory, run: Run
) -> None:
    async def filter_twice() -> None:
        page = make_page()
        await loaded(page)
        page.bar.set_text('"message 77"')
        await at_rest(page)
        assert page.model.held_count == 1_011
        page.bar.set_text("")
        assert page.model.held_count == 1_000
        assert shown(page) == list(range(HELD_FROM, STORED + 1))
        page.table.verticalScrollBar().setValue(0)
        await at_rest(page)
        page.bar.set_bands(ERRORS)
        await at_rest(page)
        assert page.model.held_count == 2_000, "what came without a filter holds what any filter wants"
        assert shown(page) == [record.seq for record in history.records[3_000:] if record.level == "error"]

    run(filter_twice())


def test_another_filter_gives_up_the_search_under_way(make_page: Any, history: FakeHistory, run: Run) -> None:
    async def change() -> None:
        page = make_page()
        await loaded(page)
        history.gate.clear()
        page.bar.set_text('"message 77"')
        await soon("it is asked", lambda: len(history.asked) == 1)
        page.bar.set_text('"message 78"')
        await soon("it is given up", lambda: history.cancelled == 1)
        history.gate.set()
        await at_rest(page)
        assert shown(page) == [78, *range(780, 790)]

    run(change())


def test_closing_the_page_gives_up_what_is_under_way(make_page: Any, history: FakeHistory, run: Run) -> None:
    async def close() -> None:
        page = make_page()
        await loaded(page)
        history.gate.clear()
        page.table.verticalScrollBar().setValue(0)
        await soon("it is asked", lambda: len(history.asked) == 1)
        page.close_feed()
        await soon("it is given up", lambda: history.cancelled == 1)
        wheel_up(page)
        page.bar.set_text("nowhere")
        await at_rest(page)
        assert len(history.asked) == 1

    run(close())


def test_after_clear_nothing_older_comes_until_somebody_scrolls_up(
    make_page: Any, history: FakeHistory, run: Run
) -> None:
    async def clear() -> None:
        page = make_page()
        await loaded(page)
        page.clear_view()
        page.bar.set_text("message")
        await at_rest(page)
        assert history.asked == []
        assert page.area.hint.title == "Cleared"
        page.bar.set_text("")
        wheel_up(page)
        await at_rest(page)
        assert shown(page) == list(range(HELD_FROM, STORED + 1))
        feed = page.feed
        assert isinstance(feed, FakeFeed)
        feed.push([make_record(STORED + 1)])
        await soon("what comes is shown", lambda: shown(page)[-1] == STORED + 1)

    run(clear())


def test_beyond_the_capacity_records_stay_while_they_are_read(make_page: Any, history: FakeHistory, run: Run) -> None:
    async def read_and_return() -> None:
        page = make_page(capacity=1_000)
        await loaded(page)
        held = page.model.held_count
        page.table.verticalScrollBar().setValue(0)
        await at_rest(page)
        assert page.model.held_count == held + 1_000
        page.table.set_following(True)
        assert page.model.held_count == held
        assert page.model.newest_seq == STORED

    run(read_and_return())


def test_no_more_is_loaded_than_may_be_held(
    make_page: Any, history: FakeHistory, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "SPARE_RECORDS", 1_500)

    async def scroll() -> None:
        page = make_page(capacity=1_000)
        await loaded(page)
        for _ in range(3):
            page.table.verticalScrollBar().setValue(0)
            wheel_up(page)
            await at_rest(page)
        assert page.model.held_count == 2_000
        assert page.backfill.state == "full"
        assert page.area.note.text.endswith("Ctrl+Shift+F")
        assert len(history.asked) == 1

    run(scroll())


def test_part_of_the_history_that_cannot_be_searched_is_told(make_page: Any, history: FakeHistory, run: Run) -> None:
    async def scroll() -> None:
        page = make_page()
        await loaded(page)
        history.problem = "2026-11-18 cannot be read. Its file is damaged."
        page.table.verticalScrollBar().setValue(0)
        await soon("it is told", lambda: page.notices.texts == {"history": history.problem})
        assert page.model.held_count == 2_000
        page.bar.set_text("nowhere")
        await at_rest(page)
        assert page.backfill.state == "failed", "it is not said that all was searched"

    run(scroll())


def test_page_without_a_history_asks_nobody(make_page: Any, history: FakeHistory, run: Run) -> None:
    async def scroll() -> None:
        page = make_page()
        feed = page.feed
        assert isinstance(feed, FakeFeed)
        feed.history = None
        await loaded(page)
        page.bar.set_filter("nowhere", ALL_BANDS)
        wheel_up(page)
        await at_rest(page)
        assert page.backfill.text == ""

    run(scroll())
    assert history.asked == []
