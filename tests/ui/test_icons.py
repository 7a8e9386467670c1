"""Every icon is there, takes its colour, and an unknown name is an error."""

from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QImage
from PySide6.QtWidgets import QApplication

from desktop_logs.assets import resource
from desktop_logs.ui.icons import app_icon, icon
from desktop_logs.ui.theme import DARK, LIGHT

NAMES = sorted(path.stem for path in resource("icons").glob("*.svg") if not path.stem.startswith("desktop-logs"))


def _ink(drawn: QIcon, mode: QIcon.Mode = QIcon.Mode.Normal) -> str:
    """The colour that most of the opaque pixels have; drawing with soft edges rounds a few of them."""
    image = drawn.pixmap(32, 32, mode).toImage()
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    most = max(pixel.alpha() for pixel in pixels)
    return Counter(pixel.name() for pixel in pixels if pixel.alpha() == most).most_common(1)[0][0]


@pytest.mark.parametrize("name", NAMES)
def test_icon_is_drawn_in_the_palettes_text_colour(qapp: QApplication, name: str) -> None:
    assert _ink(icon(name, DARK)) == DARK.text
    assert _ink(icon(name, LIGHT)) == LIGHT.text


def test_icon_takes_a_colour_and_is_dimmed_when_disabled(qapp: QApplication) -> None:
    drawn = icon("search", DARK, "#ff0000")
    assert _ink(drawn) == "#ff0000"
    assert _ink(drawn, QIcon.Mode.Disabled) != "#ff0000"


def test_unknown_icon_is_an_error(qapp: QApplication) -> None:
    with pytest.raises(FileNotFoundError):
        icon("no-such-icon", DARK)


def test_program_has_an_icon(qapp: QApplication) -> None:
    assert not app_icon().pixmap(64, 64).isNull()


def test_the_programs_icon_is_the_one_that_was_drawn_for_each_size(qapp: QApplication) -> None:
    offered = {(size.width(), size.height()) for size in app_icon().availableSizes()}
    assert offered >= {(size, size) for size in (16, 22, 24, 32, 48, 64, 128, 256)}
    for size, _ in offered:
        drawn = QImage(str(resource("icons", "app", f"desktop-logs-{size}.png")))
        shown = app_icon().pixmap(QSize(size, size), 1.0).toImage()
        assert shown == drawn.convertToFormat(shown.format()), size
