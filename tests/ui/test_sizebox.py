"""A size is typed in its unit, and stays exact when nobody changes it."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QValidator
from pytestqt.qtbot import QtBot

from desktop_logs.ui.sizebox import SizeBox


@pytest.mark.parametrize(
    ("text", "state", "value"),
    [
        ("20 MB", QValidator.State.Acceptable, 20_000),
        ("1,5 MB", QValidator.State.Acceptable, 1_500),
        ("0.001 MB", QValidator.State.Acceptable, 1),
        ("0 MB", QValidator.State.Intermediate, 0),
        (" MB", QValidator.State.Intermediate, 20_000),
        ("2x MB", QValidator.State.Invalid, 20_000),
        ("nan MB", QValidator.State.Invalid, 20_000),
    ],
)
def test_megabytes_are_read_as_they_are_typed(qtbot: QtBot, text: str, state: QValidator.State, value: int) -> None:
    box = SizeBox(20_000_000, "MB")
    qtbot.addWidget(box)
    assert box.validate(text, 0)[0] == state
    assert box.valueFromText(text) == value


def test_gigabytes_are_thousands_of_megabytes(qtbot: QtBot) -> None:
    box = SizeBox(5_000_000_000, "GB")
    qtbot.addWidget(box)
    assert box.text() == "5 GB"
    box.setValue(box.valueFromText("0.25 GB"))
    assert box.size_bytes == 250_000_000


def test_a_size_that_nobody_changed_stays_exact(qtbot: QtBot) -> None:
    box = SizeBox(5_368_709_120, "GB")
    qtbot.addWidget(box)
    assert box.text() == "5.369 GB"
    assert box.size_bytes == 5_368_709_120


def test_nothing_is_a_size_only_where_it_may_be(qtbot: QtBot) -> None:
    least = SizeBox(1_000, "MB")
    none = SizeBox(0, "GB", may_be_none=True)
    qtbot.addWidget(least)
    qtbot.addWidget(none)
    assert least.minimum() == 1
    assert none.text() == "0 GB"
    assert none.size_bytes == 0
