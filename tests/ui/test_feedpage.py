"""A page pulls what its feed has, a frame at a time; pause, clear, filter and keys do what ux.md says."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop_logs.core.gaps import gap_record
from desktop_logs.core.levels import BANDS
from desktop_logs.ui.cells import TIME
from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.theme import Theme
from tests.ui.fakes import FakeFeed, complete_filter, make_record, make_records

MakePage = Callable[..., FeedPage]


@pytest.fixture
def feed() -> FakeFeed:
    return FakeFeed()


@pytest.fixture
def make_page(theme: Theme, feed: FakeFeed, qtbot: QtBot) -> MakePage:
    def make(*, is_local: bool = True, width: int = 1_400, height: int = 700, capacity: int = 100_000) -> FeedPage:
        page = FeedPage(feed, theme, is_local=is_local, capacity=capacity)
        qtbot.addWidget(page, before_close_func=FeedPage.close_feed)
        page.resize(width, height)
        page.show()
        return page

    return make


@pytest.fixture
def page(make_page: MakePage) -> FeedPage:
    return make_page()


def settle(page: FeedPage, qtbot: QtBot) -> None:
    """Until all that came is in the model and counted."""
    qtbot.waitUntil(lambda: page._seq >= page.feed.head and not page._frame_timer.isActive())
    page.show_figures()


def shown(page: FeedPage) -> list[int]:
    return [record.seq for record in page.model.shown]


# Pulling


def test_what_came_before_the_page_is_shown(make_page: MakePage, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push_many(700)
    page = make_page()
    settle(page, qtbot)
    assert shown(page) == list(range(1, 701))
    assert page.skipped == 0


def test_a_burst_is_taken_over_frame_by_frame(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    settle(page, qtbot)
    inserted: list[int] = []
    page.model.rowsInserted.connect(lambda _parent, first, last: inserted.append(last - first + 1))
    for _ in range(100):
        feed.push_many(120)
    settle(page, qtbot)
    assert sum(inserted) == 12_000
    assert max(inserted) <= 5_000
    assert len(inserted) <= 12


def test_huge_records_are_taken_over_a_few_at_a_time(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    settle(page, qtbot)
    inserted: list[int] = []
    page.model.rowsInserted.connect(lambda _parent, first, last: inserted.append(last - first + 1))
    feed.push([make_record(seq, "x" * 250_000) for seq in range(1, 41)])
    settle(page, qtbot)
    assert sum(inserted) == 40
    assert max(inserted) <= 4


def test_another_filter_meets_few_records_first(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    """What it costs is not known yet, and 5,000 records at once could be too many for a frame."""
    settle(page, qtbot)
    inserted: list[int] = []
    page.bar.set_text("message")
    page.model.rowsInserted.connect(lambda _parent, first, last: inserted.append(last - first + 1))
    feed.push_many(2_000)
    settle(page, qtbot)
    assert sum(inserted) == 2_000
    assert inserted[0] == 200


def test_an_idle_page_does_nothing(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push_many(10)
    settle(page, qtbot)
    qtbot.waitUntil(lambda: not page._figures_timer.isActive())
    calls: list[int] = []
    feed.since = lambda seq, limit=0: calls.append(seq) or []  # type: ignore[method-assign, func-returns-value]
    qtbot.wait(120)
    assert calls == []
    assert not page._frame_timer.isActive()


def test_bar_and_status_bar_say_the_same_figures(theme: Theme, qtbot: QtBot) -> None:
    feed = FakeFeed()
    page = FeedPage(feed, theme, is_local=True)
    qtbot.addWidget(page, before_close_func=FeedPage.close_feed)
    page.show()
    page.bar.set_text("NOT nowhere")
    feed.push_many(20)
    settle(page, qtbot)
    page.show_figures()
    assert page.bar.field.figures == "20 match of 20"
    assert page.status.text("shown") == "20 shown of 20"
    feed.push_many(10)
    page._frame()
    page.status.refresh()  # the next figures are due a little later, for both
    assert page.bar.field.figures == "20 match of 20"
    assert page.status.text("shown") == "20 shown of 20"


def test_records_that_left_the_ring_are_counted_as_skipped(theme: Theme, qtbot: QtBot) -> None:
    feed = FakeFeed(capacity=1_000)
    feed.push_many(5_000)
    page = FeedPage(feed, theme, is_local=True)
    qtbot.addWidget(page, before_close_func=FeedPage.close_feed)
    page.resize(1_400, 700)
    page.show()
    settle(page, qtbot)
    assert page.skipped == 0, "what was gone before the page was there is no loss"
    page.set_paused(True)
    first_missing = feed.head + 1
    for _ in range(10):
        feed.push_many(500)
    page.set_paused(False)
    settle(page, qtbot)
    assert page.skipped == feed.ring.first_seq - first_missing
    page.status.refresh()
    assert page.status.text("skipped") == f"{page.skipped:,} skipped"


def test_closed_page_lets_go_of_its_feed(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    settle(page, qtbot)
    assert len(feed.listeners) == 1
    page.close_feed()
    page.close_feed()
    assert feed.listeners == []
    page.set_paused(False)
    assert not page._frame_timer.isActive()


# Pause, clear, follow


def test_gaps_that_the_feed_tells_are_counted_as_skipped(theme: Theme, qtbot: QtBot) -> None:
    feed = FakeFeed()
    page = FeedPage(feed, theme, is_local=False)
    qtbot.addWidget(page, before_close_func=FeedPage.close_feed)
    page.show()
    feed.push([gap_record(1, 0, "slow", 1, 40), make_record(2), gap_record(3, 0, "unknown")])
    qtbot.waitUntil(lambda: page.model.shown_count == 3)
    page.status.refresh()
    assert page.skipped == 40
    assert page.status.text("skipped") == "40 or more skipped"


def test_numbers_that_a_crash_has_skipped_do_not_wait_for_a_paused_view(
    page: FeedPage, feed: FakeFeed, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeFeed, "head", property(lambda self: max(self.ring.head, 10_000)))
    feed.push(make_records(30))
    settle(page, qtbot)
    page.set_paused(True)
    feed.push([make_record(10_001), make_record(10_002)])
    page.show_figures()
    assert page.area.pill.text() == "2 new  ·  paused, press Space"


def test_times_have_their_date_while_some_are_of_another_day(
    page: FeedPage, feed: FakeFeed, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = make_record(1)
    monkeypatch.setattr(time, "time_ns", lambda: one.time_ns)
    feed.push([one])
    settle(page, qtbot)
    narrow = page.table.columns.sectionSize(TIME)
    monkeypatch.setattr(time, "time_ns", lambda: one.time_ns + 24 * 3_600 * 10**9)
    page.show_figures()
    wide = page.table.columns.sectionSize(TIME)
    assert wide > narrow
    page.table.columns.resizeSection(TIME, 200)
    page.clear_view()
    assert page.table.columns.sectionSize(TIME) == 200, "that is a person's choice"
    page.table.columns.reset_columns()
    assert page.table.columns.sectionSize(TIME) == narrow


def test_pause_freezes_the_view_and_goes_on_counting(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push_many(50)
    settle(page, qtbot)
    page.bar.pause.click()
    feed.push_many(30)
    qtbot.waitUntil(lambda: page.area.pill.text().startswith("30 new"))
    assert len(shown(page)) == 50
    page.bar.pause.click()
    settle(page, qtbot)
    assert len(shown(page)) == 80
    assert page.area.pill.isHidden()


def test_clear_empties_the_view_and_what_comes_then_is_shown(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push_many(50)
    settle(page, qtbot)
    page.table.go_to_row(3)
    page.clear_view()
    settle(page, qtbot)
    assert page.detail.record is None
    assert page.area.hint.title == "Cleared"
    feed.push_many(2)
    settle(page, qtbot)
    assert shown(page) == [51, 52]
    assert page.area.hint.isHidden()


def test_pill_says_how_many_rows_came_below(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push_many(500)
    settle(page, qtbot)
    page.bar.set_bands(frozenset({BANDS.index("info")}))
    page.table.verticalScrollBar().setValue(0)
    assert page.bar.follow.property("kind") == ""
    feed.push([make_record(501), make_record(502, level="error"), make_record(503)])
    settle(page, qtbot)
    assert page.area.pill.text() == "2 new  ·  press End"
    qtbot.mouseClick(page.area.pill, Qt.MouseButton.LeftButton)
    assert page.table.is_following
    assert page.area.pill.isHidden()
    assert page.bar.follow.property("kind") == "primary"


def test_follow_button_turns_following_off_and_on(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push_many(500)
    settle(page, qtbot)
    page.bar.follow.click()
    assert not page.table.is_following
    page.bar.follow.click()
    assert page.table.is_following


# What is seen when there is nothing


def test_untouched_local_hub_teaches_until_something_comes(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    settle(page, qtbot)
    assert page._stack.currentWidget() is page.empty
    feed.push_many(1)
    settle(page, qtbot)
    assert page._stack.currentWidget() is page.splitter


def test_remote_without_records_says_whether_it_is_connected(make_page: MakePage, feed: FakeFeed, qtbot: QtBot) -> None:
    page = make_page(is_local=False)
    settle(page, qtbot)
    assert page._stack.currentWidget() is page.splitter
    assert page.area.hint.title == "No records yet"
    feed.set_state("failed", "failed", "The token is wrong.")
    qtbot.waitUntil(lambda: page.area.hint.title == "No records")


def test_expression_that_takes_too_long_gives_way_to_the_last_good_query(
    page: FeedPage, feed: FakeFeed, qtbot: QtBot
) -> None:
    feed.push_many(30)
    settle(page, qtbot)
    page.bar.set_text("message")
    page.bar.set_text("message message~/(a|aa)+$/")
    feed.push([make_record(31, "message " + "a" * 5_000 + "!"), make_record(32, "other")])
    settle(page, qtbot)
    assert "takes too long" in page.bar.problem
    assert page.bar.query.text == "message"
    assert [record.seq for record in page.model.shown] == list(range(1, 32))


def test_query_bar_completes_what_the_records_have(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push([make_record(1, source="billing", context='{"tenant":"a"}')])
    settle(page, qtbot)
    known = page.model.vocabulary()
    assert (list(known.fields), list(known.sources), list(known.levels)) == (["tenant"], ["billing"], ["info"])


def test_filter_that_hides_everything_can_be_cleared_there(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push_many(30)
    settle(page, qtbot)
    page.bar.set_text("nothing like it")
    complete_filter(page.model)
    assert page.area.hint.title == "Nothing matches the filter"
    page.area.hint.button.click()
    assert page.bar.field.text() == ""
    assert len(shown(page)) == 30
    assert page.area.hint.isHidden()


def test_figures_stand_in_chips_and_field(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push([make_record(at, level="error" if at % 10 == 0 else "info") for at in range(1, 101)])
    settle(page, qtbot)
    page.bar.set_bands(frozenset({BANDS.index("error")}))
    assert page.bar.field.figures == "10 match of 100"
    assert page.bar.chips.chips[2].accessibleDescription() == "90 records"


# Keys


def test_keys_lead_everywhere(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    levels = ["info", "error", "warn", "info", "fatal", "info"]
    feed.push([make_record(at, level=level) for at, level in enumerate(levels, 1)])
    settle(page, qtbot)
    qtbot.waitUntil(page.isActiveWindow)
    page.focus_table()
    visited = []
    for key in "eeEwe":
        qtbot.keyClicks(page.table, key)
        record = page.table.current_record()
        visited.append(record.seq if record else None)
    assert visited == [2, 5, 2, 3, 5]
    qtbot.keyClicks(page.table, "e")
    assert page.status.text("flash") == "No later error"
    qtbot.keyClicks(page.table, " ")
    assert page.is_paused
    qtbot.keyClicks(page.table, " ")
    assert not page.is_paused
    assert not page.table.is_following
    qtbot.keyClick(page.table, Qt.Key.Key_End)
    assert page.table.is_following
    qtbot.keyClicks(page.table, "/")
    assert page.bar.field.hasFocus()
    qtbot.keyClicks(page.bar.field, "we e")
    assert page.bar.field.text() == "we e"
    assert not page.is_paused
    for _ in range(3):  # what it suggests, what is typed, and the field itself
        qtbot.keyClick(page.bar.field, Qt.Key.Key_Escape)
    assert page.table.hasFocus()


def test_enter_goes_to_the_detail_and_escape_back(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push([make_record(1, "first\nsecond", context='{"user":42}')])
    settle(page, qtbot)
    qtbot.waitUntil(page.isActiveWindow)
    page.focus_table()
    qtbot.keyClick(page.table, Qt.Key.Key_Return)
    assert page.detail.record is page.model.record_at(0)
    focused = page.window().focusWidget()
    assert page.detail.isAncestorOf(focused)
    qtbot.keyClick(focused, Qt.Key.Key_Escape)
    assert page.table.hasFocus()


def test_space_on_a_button_presses_the_button(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push_many(3)
    settle(page, qtbot)
    page.bar.export.setFocus()
    with qtbot.waitSignal(page.export_requested):
        qtbot.keyClick(page.bar.export, Qt.Key.Key_Space)
    assert not page.is_paused


# The room


def test_detail_stands_below_in_a_narrow_page_and_keeps_its_share(page: FeedPage, feed: FakeFeed, qtbot: QtBot) -> None:
    feed.push_many(3)
    settle(page, qtbot)
    wide = page.splitter.sizes()
    assert page.splitter.orientation() == Qt.Orientation.Horizontal
    assert 0.26 < wide[1] / sum(wide) < 0.30
    page.resize(800, 500)
    assert page.splitter.orientation() == Qt.Orientation.Vertical
    tall = page.splitter.sizes()
    assert 0.35 < tall[1] / sum(tall) < 0.45
    page.resize(1_400, 700)
    assert page.splitter.sizes() == wide


def test_too_many_rows_to_copy_are_offered_for_export(page: FeedPage, qtbot: QtBot) -> None:
    page.table.copy_refused.emit(20_000)
    assert "These 20,000 rows are more than the clipboard should hold." in page.notices.texts["copy"]
    with qtbot.waitSignal(page.export_requested):
        page._export_instead()
    assert page.notices.texts == {}


def test_records_beyond_the_capacity_leave_the_view(make_page: MakePage, feed: FakeFeed, qtbot: QtBot) -> None:
    page = make_page(capacity=800)
    feed.push(make_records(3_000))
    settle(page, qtbot)
    assert shown(page)[-1] == 3_000
    assert 800 <= len(shown(page)) < 900
