"""The filter bar keeps the last good filter in force, says what is wrong with a bad one, and folds when narrow."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop_logs.core.completion import Vocabulary
from desktop_logs.core.errors import TooSlow
from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.core.query import Query, parse
from desktop_logs.ui.filterbar import FilterBar
from desktop_logs.ui.levels import short_count
from desktop_logs.ui.namedpanel import NamedPanel
from desktop_logs.ui.querybook import QueryBook
from desktop_logs.ui.savedqueries import NamedQuery
from desktop_logs.ui.theme import Theme

Heard = list[tuple[frozenset[int], Query]]


@pytest.fixture
def bar(theme: Theme, qtbot: QtBot) -> FilterBar:
    made = FilterBar(theme)
    qtbot.addWidget(made)
    made.resize(1_400, 90)
    made.show()
    return made


@pytest.fixture
def heard(bar: FilterBar) -> Heard:
    changes: Heard = []
    bar.filter_changed.connect(lambda bands, query: changes.append((bands, query)))
    return changes


def test_typing_filters_after_a_moment_and_once(bar: FilterBar, heard: Heard, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bar.filter_changed):
        qtbot.keyClicks(bar.field, "time out")
        assert heard == []
    assert heard == [(ALL_BANDS, parse("time out"))]


def test_enter_filters_at_once(bar: FilterBar, heard: Heard, qtbot: QtBot) -> None:
    qtbot.keyClicks(bar.field, "timeout")
    qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    assert heard == [(ALL_BANDS, parse("timeout"))]


def test_bad_query_is_told_with_its_place_and_the_last_good_one_stays(bar: FilterBar, heard: Heard) -> None:
    bar.set_text("good")
    bar.set_text('good "bad')
    assert heard == [(ALL_BANDS, parse("good"))]
    assert bar.query == parse("good")
    assert bar.field.property("invalid") is True
    assert bar.problem == "The quotation mark at 6 is never closed."
    assert bar.field.fault == 5
    assert bar.in_force == "In force: good"
    bar.set_text('good "bad"')
    assert bar.problem == ""
    assert bar.field.property("invalid") is False
    assert heard[-1] == (ALL_BANDS, parse('good "bad"'))


def test_escape_clears_the_text_and_then_leaves(bar: FilterBar, heard: Heard, qtbot: QtBot) -> None:
    bar.set_text("word")
    qtbot.keyClick(bar.field, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: heard[-1] == (ALL_BANDS, Query()))
    with qtbot.waitSignal(bar.leave_requested):
        qtbot.keyClick(bar.field, Qt.Key.Key_Escape)


def test_chip_toggles_its_level(bar: FilterBar, heard: Heard, qtbot: QtBot) -> None:
    chips = bar.chips.chips
    qtbot.mouseClick(chips[1], Qt.MouseButton.LeftButton)
    assert heard[-1][0] == ALL_BANDS - {1}
    qtbot.keyClick(chips[1], Qt.Key.Key_Space)
    assert heard[-1][0] == ALL_BANDS


@pytest.mark.parametrize("way", ["mouse", "keyboard"])
def test_only_this_level_and_all_again(bar: FilterBar, heard: Heard, qtbot: QtBot, way: str) -> None:
    chip = bar.chips.chips[4]

    def press() -> None:
        if way == "mouse":
            qtbot.mouseClick(chip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.AltModifier)
        else:
            qtbot.keyClick(chip, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)

    press()
    assert heard[-1][0] == {4}
    assert [one.isChecked() for one in bar.chips.chips] == [False] * 4 + [True, False]
    press()
    assert heard[-1][0] == ALL_BANDS


def test_one_click_clears_query_and_levels(bar: FilterBar, heard: Heard, qtbot: QtBot) -> None:
    bar.set_text("word")
    bar.set_bands(frozenset({4}))
    bar.field.clear_requested.emit()
    assert heard[-1] == (ALL_BANDS, Query())
    assert bar.field.text() == ""
    assert all(chip.isChecked() for chip in bar.chips.chips)


def test_matches_are_told_while_something_is_filtered(bar: FilterBar) -> None:
    bar.set_figures(84_211, 84_211, [0, 0, 84_211, 0, 0, 0])
    assert bar.field.figures == ""
    bar.set_bands(frozenset({3}))
    bar.set_figures(953, 84_211, [0, 0, 84_211, 0, 0, 0])
    assert bar.field.figures == "953 match of 84,211"
    assert bar.chips.chips[2].accessibleDescription() == "84,211 records"


def test_narrow_bar_folds_chips_into_a_menu_that_does_the_same(bar: FilterBar, heard: Heard) -> None:
    bar.resize(800, 60)
    assert bar.chips.isHidden()
    assert not bar.levels.isHidden()
    assert bar.pause.text() == ""
    assert bar.pause.accessibleName() == "Pause"
    menu = bar.levels.menu()
    menu.aboutToShow.emit()
    menu.actions()[0].trigger()
    assert heard[-1][0] == ALL_BANDS - {0}
    assert bar.levels.text().strip() == "Levels · 5"
    next(action for action in menu.actions() if action.text() == "Error and above").trigger()
    assert heard[-1][0] == {4, 5}
    bar.resize(1_400, 90)
    assert [chip.isChecked() for chip in bar.chips.chips] == [False] * 4 + [True] * 2
    assert bar.pause.text().strip() == "Pause"


def test_problem_is_seen_in_a_narrow_bar_too(bar: FilterBar) -> None:
    bar.resize(800, 60)
    bar.set_text('"')
    assert "never closed" in bar.problem
    assert not bar._trouble.isHidden()
    bar.set_text("")
    assert bar._trouble.isHidden()


def test_pause_and_follow_say_what_they_are(bar: FilterBar, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bar.pause_toggled) as paused:
        bar.pause.click()
    assert paused.args == [True]
    assert bar.pause.accessibleName() == "Paused"
    with qtbot.waitSignal(bar.follow_toggled) as follow:
        bar.follow.click()
    assert follow.args == [False]
    bar.set_following(False)
    assert bar.follow.property("kind") == ""
    assert bar.follow.accessibleDescription() == "off"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        *((0, "0"), (912, "912"), (999, "999"), (1_000, "1.0k"), (3_199, "3.1k"), (9_999, "9.9k"), (80_012, "80k")),
        *((999_999, "999k"), (1_250_000, "1.2M"), (25_000_000, "25M")),
    ],
)
def test_counts_are_short_and_never_rounded_up(count: int, text: str) -> None:
    assert short_count(count) == text


# The query: in force, at fault, kept


def test_what_is_half_typed_is_given_time_before_it_is_called_wrong(bar: FilterBar, qtbot: QtBot) -> None:
    told: list[str] = []
    bar.filter_changed.connect(lambda: told.append(bar.problem))
    qtbot.keyClicks(bar.field, "level: ")
    qtbot.waitUntil(lambda: not bar._state._typing.isActive())
    assert bar.problem == ""
    qtbot.waitUntil(lambda: bar.problem != "")
    assert bar.field.fault == 0
    qtbot.keyClicks(bar.field, ")")
    qtbot.keyClick(bar.field, Qt.Key.Key_Home)
    qtbot.keyClicks(bar.field, "x ")
    qtbot.waitUntil(lambda: bar.field.fault == 2)
    assert told == []


def test_nothing_is_called_wrong_while_the_list_offers_what_is_missing(bar: FilterBar, qtbot: QtBot) -> None:
    qtbot.keyClicks(bar.field, "level:")
    assert bar.completer.is_open
    assert bar.field._clear.isVisibleTo(bar), "what is typed can be cleared before it is looked at"
    bar._state._typing.timeout.emit()
    bar._state._patience.timeout.emit()
    assert bar.problem == ""
    qtbot.keyClick(bar.field, Qt.Key.Key_Escape)
    assert bar.field.text() == "level:"
    qtbot.waitUntil(lambda: bar.problem != "")


def test_enter_says_at_once_what_is_wrong(bar: FilterBar, qtbot: QtBot) -> None:
    qtbot.keyClicks(bar.field, "good (")
    qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    assert bar.problem
    assert bar.field.accessibleDescription() == bar.problem
    assert bar.in_force == "In force: no query"


def test_what_is_in_force_is_told_only_while_the_field_says_something_else(bar: FilterBar) -> None:
    bar.set_text("good")
    assert bar.in_force == ""
    bar.set_text("good )")
    assert bar.in_force == "In force: good"
    bar.clear()
    assert (bar.in_force, bar.problem, bar.field.fault) == ("", "", None)


def test_problem_and_query_in_force_are_whole_where_there_is_room(bar: FilterBar, qtbot: QtBot) -> None:
    bar.set_text("good )")
    for width in (1_400, 1_000, 800):
        bar.resize(width, 120)
        bar.layout().activate()
        qtbot.waitUntil(lambda: bar._problem.width() >= bar._problem.sizeHint().width())
        assert bar._in_force.width() >= 180
        corner = bar._trouble.mapTo(bar, bar._trouble.rect().bottomRight())
        assert bar.rect().contains(corner)


def test_times_count_from_the_moment_of_typing(theme: Theme, qtbot: QtBot) -> None:
    now_s = [1_000]
    bar = FilterBar(theme, now_ns=lambda: now_s[0] * 10**9)
    qtbot.addWidget(bar)
    bar.set_text("after:10s")
    first = bar.query
    assert first == parse("after:10s", 1_000 * 10**9)
    now_s[0] = 1_005
    qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    assert bar.query == parse("after:10s", 1_005 * 10**9)
    assert bar.query != first


def test_a_query_too_much_for_the_engine_gives_way_to_the_last_that_went_well(bar: FilterBar, heard: Heard) -> None:
    bar.set_text("good")
    bar.confirm()
    bar.set_bands(frozenset({4}))
    bar.set_text("good message~/(a+)+$/")
    bar.show_engine_problem(TooSlow("This expression takes too long.", 13))
    assert bar.query == parse("good")
    assert heard[-1] == (frozenset({4}), parse("good"))
    assert bar.field.text() == "good message~/(a+)+$/"
    assert bar.field.fault == 13
    assert bar.field.property("invalid") is True
    assert bar.problem == "This expression takes too long."
    assert bar.in_force == "In force: good"
    bar.set_text("other")
    assert bar.problem == ""


def test_falling_back_goes_on_until_no_query_is_left(bar: FilterBar, heard: Heard) -> None:
    for text in ("~/a+/", "~/b+/"):
        bar.set_text(text)
        bar.confirm()
    problem = TooSlow("This expression takes too long.", 0)
    bar.show_engine_problem(problem)
    assert heard[-1] == (ALL_BANDS, parse("~/a+/"))
    bar.show_engine_problem(problem)
    assert heard[-1] == (ALL_BANDS, Query())
    assert bar.in_force == "In force: no query"
    assert bar.field.text() == "~/b+/"


def test_an_engine_that_fails_at_once_is_heard(bar: FilterBar, heard: Heard) -> None:
    """The engine looks at the newest records while the change is told, so its problem may come within that."""
    problem = TooSlow("This expression takes too long.", 0)
    bar.filter_changed.connect(lambda _bands, query: bar.show_engine_problem(problem) if "slow" in query.text else None)
    book = QueryBook()
    bar.use_book(book)
    bar.set_text("fine")
    bar.confirm()
    bar.set_text("~/slow/")
    assert [query.text for _, query in heard] == ["fine", "~/slow/", "fine"]
    assert (bar.problem, bar.in_force) == (str(problem), "In force: fine")
    assert book.history == ["fine"]


def test_a_refused_query_is_tried_again_on_enter_only(bar: FilterBar, heard: Heard, qtbot: QtBot) -> None:
    bar.set_text("~/x+/")
    bar.show_engine_problem(TooSlow("This expression takes too long.", 1))
    count = len(heard)
    bar.field.editingFinished.emit()
    assert len(heard) == count
    qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    assert heard[-1] == (ALL_BANDS, parse("~/x+/"))


def test_a_problem_of_what_was_typed_over_meanwhile_marks_nothing(bar: FilterBar, heard: Heard) -> None:
    bar.set_text("~/x+/")
    bar.field.setText("other")
    bar.show_engine_problem(TooSlow("This expression takes too long.", 1))
    assert bar.problem == ""
    assert heard[-1] == (ALL_BANDS, Query())


def test_history_has_what_was_entered_left_or_looked_at(bar: FilterBar, qtbot: QtBot) -> None:
    book = QueryBook()
    bar.use_book(book)
    bar._state._ripe.blockSignals(True)  # this test says itself when something has been looked at
    qtbot.keyClicks(bar.field, "entered")
    qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    assert book.history == ["entered"]
    bar.field.selectAll()
    qtbot.keyClicks(bar.field, "left")
    bar.field.editingFinished.emit()
    assert book.history == ["left", "entered"]
    bar.field.selectAll()
    qtbot.keyClicks(bar.field, "seen")
    qtbot.waitUntil(lambda: bar.query == parse("seen"))
    bar._state.ripen()
    qtbot.keyClick(bar.field, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: bar.query == Query())
    assert book.history == ["seen", "left", "entered"]
    qtbot.keyClicks(bar.field, "half")
    qtbot.waitUntil(lambda: bar.query == parse("half"))
    qtbot.keyClick(bar.field, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: bar.query == Query())
    qtbot.keyClicks(bar.field, "wrong )")
    qtbot.keyClick(bar.field, Qt.Key.Key_Return)
    assert book.history == ["seen", "left", "entered"]


def test_a_step_back_in_the_history_comes_into_force(bar: FilterBar, heard: Heard, qtbot: QtBot) -> None:
    bar.set_text("first")
    bar.set_text("second")
    qtbot.keyClick(bar.field, Qt.Key.Key_Up)
    qtbot.waitUntil(lambda: heard[-1] == (ALL_BANDS, parse("first")))


def test_a_chosen_earlier_query_comes_into_force_at_once(bar: FilterBar, heard: Heard, qtbot: QtBot) -> None:
    bar.set_text("first")
    bar.clear()
    bar.field.history_requested.emit()
    qtbot.keyClick(bar.field, Qt.Key.Key_Tab)
    assert heard[-1] == (ALL_BANDS, parse("first"))


def test_the_star_is_filled_while_a_named_query_is_in_force(bar: FilterBar, heard: Heard) -> None:
    book = QueryBook()
    bar.use_book(book)
    bar.set_text("slow")
    bar.set_bands(frozenset({3}))
    book.put(NamedQuery("slow ones", "slow", frozenset({3})))
    assert "slow ones" in bar.field.star.accessibleName()
    bar.set_bands(ALL_BANDS)
    assert "slow ones" not in bar.field.star.accessibleName()


def test_a_named_query_brings_text_and_levels_in_one_change(bar: FilterBar, heard: Heard, qtbot: QtBot) -> None:
    book = QueryBook()
    book.put(NamedQuery("slow ones", "slow", frozenset({3})))
    bar.use_book(book)
    bar.field.star.click()
    panel = bar.findChild(NamedPanel)
    assert panel is not None
    panel.rows[0].use.click()
    assert heard == [(frozenset({3}), parse("slow"))]
    assert bar.field.text() == "slow"
    assert [chip.isChecked() for chip in bar.chips.chips] == [False] * 3 + [True] + [False] * 2
    book.put(NamedQuery("slow ones", "fast", ALL_BANDS))
    assert "slow ones" not in bar.field.star.accessibleName()


def test_the_bar_asks_what_is_known_only_when_something_is_completed(theme: Theme, qtbot: QtBot) -> None:
    asked: list[int] = []

    def vocabulary() -> Vocabulary:
        asked.append(1)
        return Vocabulary(["user"], ["error"], ["api"])

    bar = FilterBar(theme, vocabulary=vocabulary)
    qtbot.addWidget(bar)
    bar.show()
    bar.set_text("something")
    bar.clear()
    assert asked == []
    bar.field.setFocus()
    qtbot.waitUntil(bar.field.hasFocus)
    qtbot.keyClicks(bar.field, "us")
    assert asked
    assert any("user" in label for label, _ in bar.completer.list.rows)
