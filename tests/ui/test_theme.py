"""The palettes are readable, the style sheet is whole, and the choice of theme is obeyed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QPushButton, QStyle, QStyleOptionButton, QStylePainter
from pytestqt.qtbot import QtBot

from desktop_logs.core import html_page
from desktop_logs.core.levels import BANDS
from desktop_logs.ui.theme import (
    DARK,
    LIGHT,
    Palette,
    Theme,
    band_color,
    contrast,
    fixed_font,
    interface_font,
    source_color,
    stylesheet,
)

PALETTES = pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
GROUNDS = ("window", "panel", "row_alternate", "selection", "chip")
INKS = ("text", "accent", "muted", *BANDS)


@PALETTES
@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize("ground", GROUNDS)
def test_text_is_readable_on_every_background_it_meets(palette: Palette, ink: str, ground: str) -> None:
    """At least 4.5 : 1, the selection included (ux.md)."""
    assert contrast(getattr(palette, ink), getattr(palette, ground)) >= 4.5


@PALETTES
def test_text_on_the_accent_is_readable_also_under_the_pointer(palette: Palette) -> None:
    hover = re.search(r'QPushButton\[kind="primary"\]:hover \{ background: (#\w{6})', stylesheet(palette))
    assert hover is not None
    assert contrast(palette.on_accent, palette.accent) >= 4.5
    assert contrast(palette.on_accent, hover[1]) >= 4.5


def test_contrast_is_what_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@PALETTES
@given(source=st.text(min_size=1, max_size=30))
def test_every_source_has_a_colour_that_stands_out(palette: Palette, source: str) -> None:
    """3 : 1 is what WCAG asks of a graphical mark; the row may be selected."""
    color = source_color(palette, source)
    assert contrast(color.name(), palette.window) >= 3
    assert contrast(color.name(), palette.selection) >= 3
    assert source_color(palette, source) == color


@PALETTES
def test_usual_sources_are_told_apart(palette: Palette) -> None:
    names = ("api", "worker", "db", "gateway", "auth")
    assert len({source_color(palette, name).name() for name in names}) == len(names)


@PALETTES
def test_band_colours_are_the_tokens_of_their_names(palette: Palette) -> None:
    assert [band_color(palette, index) for index in range(6)] == [getattr(palette, name) for name in BANDS]


@PALETTES
def test_style_sheet_names_only_files_that_exist(palette: Palette) -> None:
    from pathlib import Path

    files = re.findall(r'url\("([^"]+)"\)', stylesheet(palette))
    assert files
    assert [file for file in files if not Path(file).is_file()] == []


def test_choice_decides_and_listeners_hear_of_it_once(qapp: QApplication) -> None:
    theme = Theme(qapp, "dark")
    heard: list[Palette] = []
    theme.changed.connect(heard.append)
    theme.set_choice("light")
    theme.set_choice("light")
    assert theme.palette is LIGHT
    assert heard == [LIGHT]
    assert qapp.palette().window().color().name() == LIGHT.window
    theme.set_choice("dark")
    assert heard == [LIGHT, DARK]
    theme.set_choice("system")
    assert theme.palette in (DARK, LIGHT)


def test_the_keyboards_place_is_the_border_of_a_button_and_no_second_frame(theme: Theme, qtbot: QtBot) -> None:
    """As after the Tab key, when a style draws its own frame around the text of what has the keyboard."""
    button = QPushButton("Save")
    qtbot.addWidget(button)
    button.show()
    pictures = []
    for focus in (QStyle.StateFlag.State_None, QStyle.StateFlag.State_HasFocus):
        picture = QImage(button.size(), QImage.Format.Format_RGB32)
        picture.fill(0)
        painter = QStylePainter(picture, button)
        option = QStyleOptionButton()
        option.rect, option.palette, option.text = button.rect(), button.palette(), button.text()  # type: ignore[attr-defined]
        option.state = QStyle.StateFlag.State_Enabled | QStyle.StateFlag.State_KeyboardFocusChange | focus  # type: ignore[attr-defined]
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        painter.end()
        pictures.append(picture.copy(button.rect().adjusted(4, 4, -4, -4)))
    assert pictures[0] == pictures[1]


def test_fonts_come_from_the_system(qapp: QApplication) -> None:
    assert fixed_font().pointSize() > 0
    assert interface_font().pointSize() > 0


def test_an_exported_page_has_the_colours_of_the_window() -> None:
    for palette, exported in ((DARK, html_page.DARK), (LIGHT, html_page.LIGHT)):
        assert exported == {name: getattr(palette, name) for name in exported}
