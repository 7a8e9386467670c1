"""The bar of a place says where it is and how wide, and leads to other widths and back."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from desktop_logs.ui.pastbar import SPANS_S, PastBar, span_text
from desktop_logs.ui.theme import Theme


@pytest.fixture
def bar(theme: Theme, qtbot: QtBot) -> PastBar:
    made = PastBar(theme)
    qtbot.addWidget(made)
    made.resize(900, 36)
    return made


def test_it_is_there_only_for_a_place(bar: PastBar) -> None:
    assert bar.isHidden()
    bar.show_place("2026-11-18 10:32:05", 30.0)
    bar.say("412 records of the history")
    assert bar.isVisible()
    assert bar.place.text() == "2026-11-18 10:32:05 ±30 s"
    assert bar.detail.text() == "412 records of the history"


def test_width_in_force_is_marked_and_others_can_be_chosen(bar: PastBar, qtbot: QtBot) -> None:
    chosen: list[float] = []
    bar.span_chosen.connect(chosen.append)
    bar.show_place("2026-11-18 10:32:05", 30.0)
    assert [button.accessibleDescription() for button in bar._spans] == ["", "current", ""]
    for button in bar._spans:
        button.click()
    assert chosen == list(SPANS_S)
    bar.show_place("2026-11-18 10:32:05", 300.0)
    assert [button.accessibleDescription() for button in bar._spans] == ["", "", "current"]
    with qtbot.waitSignal(bar.leave_requested):
        bar.back.click()


def test_spans_are_said_in_seconds_or_minutes() -> None:
    assert [span_text(span_s) for span_s in (0.5, *SPANS_S)] == ["±0.5 s", "±5 s", "±30 s", "±5 min"]


def test_it_takes_the_colours_of_the_theme(bar: PastBar, theme: Theme) -> None:
    bar.show_place("2026-11-18 10:32:05", 30.0)
    for choice in ("dark", "light"):
        theme.set_choice(choice)
        picture = bar.grab().toImage()
        assert picture.pixelColor(1, 5).name() == theme.palette.accent
        assert picture.pixelColor(8, 5).name() == theme.palette.selection
