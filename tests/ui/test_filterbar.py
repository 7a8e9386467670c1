"""The filter bar keeps the last good filter in force, says what is wrong with a bad one, and folds when narrow."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.core.query import Query, parse
from desktop_logs.ui.filterbar import FilterBar
from desktop_logs.ui.levels import short_count
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
    assert bar.problem == "The quotation mark at 6 is never closed.  In force: good"
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
    assert not bar._second.isHidden()
    bar.set_text("")
    assert bar._second.isHidden()


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
