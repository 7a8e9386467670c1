"""The panel searches all that is stored when told to, shows the newest first, and says plainly what went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop_logs.core.completion import Vocabulary
from desktop_logs.core.errors import TooSlow
from desktop_logs.core.export import text_line
from desktop_logs.core.history import Found, History
from desktop_logs.core.levels import ALL_BANDS, BANDS
from desktop_logs.core.records import Record
from desktop_logs.tasks import Tasks
from desktop_logs.ui.cells import TIME
from desktop_logs.ui.historypanel import HistoryPanel
from desktop_logs.ui.historysearch import NO_HISTORY
from desktop_logs.ui.loop import make_loop
from desktop_logs.ui.querybook import QueryBook
from desktop_logs.ui.theme import Theme
from tests.ui.fake_history import FakeHistory
from tests.ui.fakes import make_record, make_records

ERRORS = frozenset({BANDS.index("error"), BANDS.index("fatal")})


@pytest.fixture
def qt_loop(qapp: QApplication) -> Iterator[asyncio.AbstractEventLoop]:
    loop = make_loop(qapp)
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


class Opened:
    """A panel over a made-up history on a loop of Qt's, and what a person does in it."""

    def __init__(self, qtbot: QtBot, loop: Any, theme: Theme, history: FakeHistory) -> None:
        self.loop = loop
        self.qtbot = qtbot
        self.history: Any = history
        self.failures: list[BaseException] = []
        self.selected: list[Record | None] = []
        self.around: list[tuple[Record, int]] = []
        self.exported: list[tuple[list[int], list[int]]] = []
        self.refused: list[int] = []
        self.closings = 0
        self.panel = HistoryPanel(
            self._history,
            theme,
            QueryBook(),
            Tasks(lambda name, failure: self.failures.append(failure)),
            vocabulary=lambda: Vocabulary((), (), ()),
        )
        qtbot.addWidget(self.panel)
        self.panel.resize(1_000, 400)
        self.panel.record_selected.connect(self.selected.append)
        self.panel.surroundings_requested.connect(lambda record, span_s: self.around.append((record, span_s)))
        self.panel.export_requested.connect(
            lambda *parts: self.exported.append(tuple([one.seq for one in part] for part in parts))
        )
        self.panel.copy_refused.connect(self.refused.append)
        self.panel.close_requested.connect(self._closed)
        self.panel.show()

    def _history(self) -> History | None:
        return self.history

    def _closed(self) -> None:
        self.closings += 1

    @property
    def seqs(self) -> list[int]:
        return [record.seq for record in self.panel.model.records]

    @property
    def said(self) -> str:
        return self.panel.said.text()

    def key(self, key: Qt.Key, widget: QWidget, *modifiers: Qt.KeyboardModifier) -> None:
        keys = modifiers[0] if modifiers else Qt.KeyboardModifier.NoModifier
        self.qtbot.keyClick(widget, key, keys)

    def run(self, *steps: Callable[[], Any], until: Callable[[], Any] | None = None) -> None:
        """Do *steps* while the loop runs, then let it run until *until* holds; else until nothing is searched."""
        is_done = until or (lambda: not self.panel.search.is_running)

        async def scenario() -> None:
            for step in steps:
                step()
            async with asyncio.timeout(20):
                while not is_done():  # noqa: ASYNC110 (the end of a search shows only in the panel)
                    await asyncio.sleep(0.001)

        self.loop.run_until_complete(scenario())

    def search(self, text: str = "", bands: frozenset[int] = ALL_BANDS) -> None:
        self.panel.prepare(text, bands)
        self.run(lambda: self.key(Qt.Key.Key_Return, self.panel.field))


@pytest.fixture
def make(qtbot: QtBot, qt_loop: Any, theme: Theme) -> Iterator[Callable[..., Opened]]:
    made: list[Opened] = []

    def make(*records: Record) -> Opened:
        made.append(Opened(qtbot, qt_loop, theme, FakeHistory(records)))
        return made[-1]

    yield make
    for opened in made:
        assert opened.failures == []
        opened.run(opened.panel.stop)


def test_nothing_is_searched_before_it_is_asked_for(make: Callable[..., Opened]) -> None:
    opened = make(*make_records(10))
    opened.panel.prepare("api", ERRORS)
    assert opened.history.asked == []
    assert opened.panel.field.text() == "api"
    assert opened.panel.bands == ERRORS
    assert opened.panel.hint.title == "Search all that is stored"


def test_enter_finds_the_newest_first_at_the_chosen_levels(make: Callable[..., Opened]) -> None:
    opened = make(*make_records(90))
    opened.search("source:api", ERRORS)
    expected = [one.seq for one in make_records(90) if one.source == "api" and one.level in ("error", "fatal")]
    assert opened.seqs == expected[::-1]
    assert opened.said == f"{len(expected)} records found"
    assert opened.panel.hint.title == ""


def test_a_result_says_its_date(make: Callable[..., Opened]) -> None:
    opened = make(make_record(1))
    opened.search()
    assert opened.panel.model.index(0, TIME).data().startswith("2026-11-22 ")


def test_a_search_under_way_names_its_day_and_how_far_it_is(make: Callable[..., Opened]) -> None:
    opened = make(*make_records(10))
    opened.history.gate.clear()
    opened.run(opened.panel.start, until=lambda: "%" in opened.said)
    assert opened.said == "Searching 2026-11-18 …  25%"
    assert opened.panel.bar.value() == opened.panel.bar.maximum() // 4
    assert opened.panel.cancel.isVisible()
    opened.run(opened.history.gate.set)
    assert not opened.panel.cancel.isVisible()


@pytest.mark.parametrize("by", ["button", "field", "table"])
def test_it_can_be_cancelled(make: Callable[..., Opened], by: str) -> None:
    """Esc stops the search wherever in the panel the keyboard is, and closes nothing while it does."""
    opened = make(*make_records(10))
    panel = opened.panel
    opened.history.gate.clear()
    opened.run(panel.start, until=lambda: opened.history.asked)
    target = {"field": panel.field, "table": panel.table}.get(by)
    if target is None:
        opened.run(panel.cancel.click, until=lambda: opened.history.cancelled)
    else:
        target.setFocus()
        opened.run(lambda: opened.key(Qt.Key.Key_Escape, target), until=lambda: opened.history.cancelled)
    assert opened.said == "Cancelled"
    assert opened.closings == 0


def test_another_search_takes_the_place_of_the_one_under_way(make: Callable[..., Opened]) -> None:
    opened = make(*make_records(10))
    opened.history.gate.clear()
    opened.run(opened.panel.start, until=lambda: opened.history.asked)
    opened.panel.prepare("message AND 7", ALL_BANDS)
    opened.run(opened.panel.start, opened.history.gate.set)
    assert opened.history.cancelled == 1
    assert opened.seqs == [7]
    assert opened.said == "1 record found"


def test_more_is_loaded_by_the_button_and_at_the_end(make: Callable[..., Opened]) -> None:
    opened = make(*make_records(500))
    opened.search()
    assert opened.seqs == list(range(500, 300, -1))
    assert opened.said == "The newest 200 records; there may be older ones"
    opened.run(opened.panel.more.click)
    assert opened.seqs == list(range(500, 100, -1))
    bar = opened.panel.table.verticalScrollBar()
    opened.run(lambda: bar.setValue(bar.maximum()))
    assert opened.seqs == list(range(500, 0, -1))
    assert not opened.panel.more.isVisible()
    assert [asked.seq for asked in opened.history.asked] == [None, 301, 101]


def test_a_query_that_is_none_is_told_with_its_place(make: Callable[..., Opened]) -> None:
    opened = make(*make_records(10))
    opened.search('api "open')
    assert opened.history.asked == []
    assert opened.panel.field.fault == 4
    assert opened.panel.problem.sentence
    opened.search("api")
    assert opened.panel.problem.sentence == ""


def test_nothing_found_is_said_and_all_levels_are_offered(make: Callable[..., Opened]) -> None:
    opened = make(*make_records(10))
    opened.search("nowhere", ERRORS)
    assert opened.panel.hint.title == "Nothing found"
    opened.run(opened.panel.hint.button.click)
    assert opened.history.asked[-1].bands == ALL_BANDS
    assert opened.panel.hint.title == "Nothing found"
    assert not opened.panel.hint.button.isVisible()


def test_what_could_not_be_read_is_told(make: Callable[..., Opened]) -> None:
    opened = make(*make_records(10))
    opened.history.problem = "The segment of 2026-11-20 cannot be read. Move it away."
    opened.search()
    assert opened.panel.problem.sentence == opened.history.problem
    assert len(opened.seqs) == 10
    opened.history.failure = "The disk is gone. Plug it in."
    opened.search()
    assert opened.panel.problem.sentence == "The disk is gone. Plug it in."
    assert opened.said == "Stopped"
    assert opened.panel.hint.title == ""


def test_a_history_that_was_turned_off_is_told(make: Callable[..., Opened]) -> None:
    opened = make()
    opened.history = None
    opened.run(opened.panel.start)
    assert opened.panel.problem.sentence == NO_HISTORY


def test_a_query_that_is_too_slow_is_marked(make: Callable[..., Opened]) -> None:
    class Slow(FakeHistory):
        async def search(self, *args: Any, **more: Any) -> Found:
            raise TooSlow("This expression is too slow. Make it simpler.", 3)

    opened = make()
    opened.history = Slow()
    opened.search("a OR message~/x/")
    assert opened.panel.problem.sentence == "This expression is too slow. Make it simpler."
    assert opened.panel.field.fault == 3


def test_a_chosen_result_asks_for_its_surroundings(make: Callable[..., Opened]) -> None:
    opened = make(*make_records(10))
    opened.search()
    panel = opened.panel
    assert not panel.around.isEnabled()
    panel.table.selectRow(3)
    assert opened.selected[-1] == panel.model.record_at(3)
    opened.key(Qt.Key.Key_Return, panel.table)
    chosen: list[int] = []
    panel.span_chosen.connect(chosen.append)
    panel.span.setCurrentIndex(2)
    panel.span.activated.emit(2)
    panel.around.click()
    middle = panel.table.visualRect(panel.model.index(1, 0)).center()
    opened.qtbot.mouseDClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert [(record.seq, span_s) for record, span_s in opened.around] == [(7, 30), (7, 300), (9, 300)]
    assert chosen == [300]


def test_copy_takes_the_selected_results(make: Callable[..., Opened], monkeypatch: pytest.MonkeyPatch) -> None:
    opened = make(*make_records(10))
    opened.search()
    table = opened.panel.table
    table.selectAll()
    opened.key(Qt.Key.Key_C, table, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().split("\n") == list(map(text_line, make_records(10)[::-1]))
    monkeypatch.setattr("desktop_logs.ui.historyresults.MAX_COPIED_ROWS", 5)
    opened.key(Qt.Key.Key_C, table, Qt.KeyboardModifier.ControlModifier)
    assert opened.refused == [10]


def test_an_export_has_the_oldest_first(make: Callable[..., Opened]) -> None:
    opened = make(*make_records(4))
    assert not opened.panel.export.isEnabled()
    opened.search()
    opened.panel.table.selectRow(1)
    opened.panel.export.click()
    assert opened.exported == [([1, 2, 3, 4], [3])]


def test_escape_clears_the_field_then_closes(make: Callable[..., Opened]) -> None:
    opened = make(*make_records(4))
    opened.search("api")
    opened.key(Qt.Key.Key_Escape, opened.panel.field)
    assert (opened.panel.field.text(), opened.closings) == ("", 0)
    opened.key(Qt.Key.Key_Escape, opened.panel.field)
    assert opened.closings == 1
    opened.key(Qt.Key.Key_Escape, opened.panel.table)
    assert opened.closings == 2


def test_every_control_has_a_name_and_the_tab_key_goes_through_them(make: Callable[..., Opened]) -> None:
    panel = make(*make_records(4)).panel
    controls = (panel.field, panel.levels, panel.go, panel.table, panel.around, panel.span, panel.export)
    for control in (*controls, panel.cancel, panel.more, panel.bar, panel.close_button):
        assert control.accessibleName() or control.text()
    order: list[QWidget] = []
    widget: QWidget = panel.field
    for _ in range(60):
        order.append(widget)
        widget = widget.nextInFocusChain()
    assert [one for one in order if one in controls][: len(controls)] == list(controls)


def test_letters_lead_through_the_results_as_through_the_table(make: Callable[..., Opened]) -> None:
    """e to the next error, E back, w and W for warnings, s to the surroundings."""
    opened = make(*make_records(18))
    opened.search()
    table = opened.panel.table
    levels = []
    for key in "eewEWs":
        opened.qtbot.keyClicks(table, key)
        record = table.current_record()
        levels.append((record.seq, record.level) if record is not None else None)
    assert levels == [(17, "fatal"), (14, "error"), (12, "warn"), (14, "error"), (14, "error"), (14, "error")]
    assert [record.seq for record, _ in opened.around] == [14]


def test_beyond_the_last_error_more_is_loaded(make: Callable[..., Opened]) -> None:
    opened = make(make_record(1, level="error"), *(make_record(seq) for seq in range(2, 300)))
    opened.search()
    opened.run(lambda: opened.qtbot.keyClicks(opened.panel.table, "e"))
    assert opened.seqs[-1] == 1


@pytest.mark.parametrize("key", ["x", " ", "/"])
def test_other_letters_in_the_results_are_the_pages_keys(make: Callable[..., Opened], key: str) -> None:
    opened = make(*make_records(4))
    opened.search()
    opened.qtbot.keyClicks(opened.panel.table, key)
    assert opened.panel.table.current_record() is None
