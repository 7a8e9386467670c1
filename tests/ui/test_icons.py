"""Every icon is there, takes its colour, and an unknown name is an error."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QIcon
from PySide6.QtWidgets import QApplication

from desktop_logs.assets import resource
from desktop_logs.ui.icons import app_icon, icon
from desktop_logs.ui.theme import DARK, LIGHT

NAMES = sorted(path.stem for path in resource("icons").glob("*.svg") if path.stem != "desktop-logs")


def _inks(drawn: QIcon, mode: QIcon.Mode = QIcon.Mode.Normal) -> set[str]:
    image = drawn.pixmap(32, 32, mode).toImage()
    pixels = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return {pixel.name() for pixel in pixels if pixel.alpha() > 250}


@pytest.mark.parametrize("name", NAMES)
def test_icon_is_drawn_in_the_palettes_text_colour(qapp: QApplication, name: str) -> None:
    assert _inks(icon(name, DARK)) == {DARK.text}
    assert _inks(icon(name, LIGHT)) == {LIGHT.text}


def test_icon_takes_a_colour_and_is_dimmed_when_disabled(qapp: QApplication) -> None:
    drawn = icon("search", DARK, "#ff0000")
    assert _inks(drawn) == {"#ff0000"}
    assert QColor("#ff0000").name() not in _inks(drawn, QIcon.Mode.Disabled)


def test_unknown_icon_is_an_error(qapp: QApplication) -> None:
    with pytest.raises(FileNotFoundError):
        icon("no-such-icon", DARK)


def test_program_has_an_icon(qapp: QApplication) -> None:
    assert not app_icon().pixmap(64, 64).isNull()
