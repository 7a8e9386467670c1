"""The settings dialog shows the settings as they are and tells only what was changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLabel, QLineEdit, QPushButton, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from desktop_logs.core.settings import LogSettings
from desktop_logs.ui import settings_dialog
from desktop_logs.ui.forms import ProblemLabel
from desktop_logs.ui.settings_dialog import SettingsDialog
from desktop_logs.ui.theme import Theme

# The offscreen platform has no window manager to tell sizes and stacking to.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


class Opened:
    """A dialog, and what it told."""

    def __init__(self, qtbot: QtBot, theme: Theme, settings: LogSettings, folder: Path) -> None:
        self.dialog = SettingsDialog(theme, settings, folder)
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # looked at after it closed
        qtbot.addWidget(self.dialog)
        self.settings: list[LogSettings] = []
        self.themes: list[str] = []
        self.dialog.settings_changed.connect(self.settings.append)
        self.dialog.theme_chosen.connect(self.themes.append)
        self.dialog.open()

    def field(self, name: str) -> QComboBox | QSpinBox | QLineEdit:
        return next(one.buddy() for one in self.dialog.findChildren(QLabel) if one.text().replace("&", "") == name)

    def switch(self, starts: str) -> QCheckBox:
        return next(one for one in self.dialog.findChildren(QCheckBox) if one.text().startswith(starts))

    def press(self, text: str) -> None:
        next(one for one in self.dialog.findChildren(QPushButton) if one.text() == text).click()

    @property
    def problem(self) -> str:
        return self.dialog.findChild(ProblemLabel).sentence


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "dark")


@pytest.fixture
def opened(qtbot: QtBot, theme: Theme, tmp_path: Path) -> Opened:
    return Opened(qtbot, theme, LogSettings(), tmp_path)


def test_it_shows_the_settings_as_they_are(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    settings = LogSettings(
        console=True, console_level="warn", file_level="debug", error_level="fatal", max_file_bytes=1_500_000
    )
    opened = Opened(qtbot, theme, settings, tmp_path)
    assert opened.switch("&Write").isChecked()
    assert opened.switch("&Print").isChecked()
    assert opened.field("Application log from").currentText() == "debug"
    assert opened.field("Error log from").currentText() == "fatal"
    assert opened.field("New file after").text() == "1.5 MB"
    assert opened.field("Delete files after").text() == "30 days"
    assert opened.field("Records from").currentText() == "warn"
    assert opened.field("Folder").text() == str(tmp_path)
    assert opened.field("Theme").currentText() == "Dark"


def test_save_tells_the_new_settings_and_closes(opened: Opened) -> None:
    opened.field("Application log from").setCurrentText("trace")
    opened.field("Delete files after").setValue(7)
    opened.field("New file after").setValue(5_000)
    opened.switch("&Print").click()
    opened.press("Save")
    assert opened.settings == [
        LogSettings(console=True, file_level="trace", max_age_days=7, max_file_bytes=5_000_000),
    ]
    assert opened.themes == []
    assert not opened.dialog.isVisible()


def test_how_many_records_are_held_can_be_chosen(opened: Opened) -> None:
    held = opened.field("Hold at most")
    assert held.value() == 1_000_000
    held.setValue(250_000)
    opened.press("Save")
    assert opened.settings == [LogSettings(held_records=250_000)]


def test_save_without_a_change_tells_nothing(opened: Opened) -> None:
    opened.press("Save")
    assert opened.settings == []
    assert opened.themes == []
    assert not opened.dialog.isVisible()


def test_cancel_tells_nothing(opened: Opened) -> None:
    opened.switch("&Write").click()
    opened.field("Theme").setCurrentIndex(2)
    opened.press("Cancel")
    assert opened.settings == []
    assert opened.themes == []


def test_the_theme_is_told_by_its_name(opened: Opened) -> None:
    opened.field("Theme").setCurrentIndex(2)
    opened.press("Save")
    assert opened.themes == ["light"]
    assert opened.settings == []


def test_a_level_between_the_bands_is_kept(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    opened = Opened(qtbot, theme, LogSettings(file_level="notice"), tmp_path)
    assert opened.field("Application log from").currentText() == "notice"
    opened.switch("&Print").click()
    opened.press("Save")
    assert opened.settings[0].file_level == "notice"


def test_a_size_that_nobody_changed_stays_exact(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    opened = Opened(qtbot, theme, LogSettings(max_file_bytes=20_971_520), tmp_path)
    assert opened.field("New file after").text() == "20.972 MB"
    opened.switch("&Print").click()
    opened.press("Save")
    assert opened.settings[0].max_file_bytes == 20_971_520


def test_what_a_switch_makes_meaningless_is_disabled(opened: Opened) -> None:
    assert not opened.field("Records from").isEnabled()
    opened.switch("&Write").click()
    for name in ("Application log from", "Error log from", "New file after", "Delete files after", "All files up to"):
        assert not opened.field(name).isEnabled()
    opened.switch("&Print").click()
    assert opened.field("Records from").isEnabled()


def test_what_is_stored_and_how_long_can_be_chosen(opened: Opened) -> None:
    assert opened.field("All files up to").text() == "2 GB"
    assert opened.field("Delete records after").text() == "30 days"
    assert opened.field("History up to").text() == "5 GB"
    assert opened.field("Leave space free").text() == "0.5 GB"
    opened.field("All files up to").setValue(1_500)
    opened.field("Delete records after").setValue(7)
    opened.field("History up to").setValue(20_000)
    opened.field("Leave space free").setValue(0)
    opened.press("Save")
    assert opened.settings == [
        LogSettings(
            max_total_bytes=1_500_000_000, history_max_age_days=7, history_max_bytes=20_000_000_000, min_free_bytes=0
        )
    ]


def test_the_history_can_be_turned_off(opened: Opened) -> None:
    opened.switch("&Keep").click()
    for name in ("Delete records after", "History up to"):
        assert not opened.field(name).isEnabled()
    assert opened.field("Leave space free").isEnabled()
    opened.press("Save")
    assert opened.settings == [LogSettings(history=False)]


def test_each_letter_leads_to_one_field(opened: Opened) -> None:
    texts = [one.text() for kind in (QLabel, QCheckBox) for one in opened.dialog.findChildren(kind)]
    letters = [text[text.index("&") + 1].lower() for text in texts if "&" in text]
    assert len(set(letters)) == len(letters) == 15


def test_it_fits_into_a_small_window(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    """The fields scroll there, and the buttons are in sight also below a problem."""
    window = QWidget()
    window.resize(800, 500)
    qtbot.addWidget(window)
    window.show()
    dialog = SettingsDialog(theme, LogSettings(), tmp_path, window)
    dialog.open()
    dialog.show_problem("The disk is full. Free some space on it, or choose another one for the data folder.")
    assert dialog.height() <= 500
    assert dialog.width() <= 800
    save = next(one for one in dialog.findChildren(QPushButton) if one.text() == "Save")
    assert save.visibleRegion().boundingRect() == save.rect()


def test_the_wheel_scrolls_the_form_and_changes_no_field_on_its_way(opened: Opened) -> None:
    def turn(field: QComboBox | QSpinBox | QLineEdit) -> None:
        at = QPointF(field.rect().center())
        down = QPoint(0, -120)
        no_button, no_key = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
        event = QWheelEvent(
            at, field.mapToGlobal(at), QPoint(), down, no_button, no_key, Qt.ScrollPhase.NoScrollPhase, False
        )
        QApplication.sendEvent(field, event)

    size, level = opened.field("History up to"), opened.field("Application log from")
    turn(size)
    turn(level)
    assert size.text() == "5 GB"
    assert level.currentText() == "info"
    size.setFocus()
    turn(size)
    assert size.text() == "4 GB"


def test_settings_that_cannot_be_are_told_inline(opened: Opened) -> None:
    """Should a value ever come that the settings refuse, their own sentence is shown and nothing is told."""
    opened.field("Error log from").addItem("loud")
    opened.field("Error log from").setCurrentText("loud")
    opened.press("Save")
    assert opened.problem.startswith("error_level: 'loud' is not a level. Use one of")
    assert opened.dialog.isVisible()
    assert opened.settings == []


def test_a_problem_told_in_answer_keeps_it_open(opened: Opened) -> None:
    opened.dialog.settings_changed.connect(lambda settings: opened.dialog.show_problem("The disk is full."))
    opened.switch("&Print").click()
    opened.press("Save")
    assert opened.dialog.isVisible()
    assert opened.problem == "The disk is full."


def test_the_folder_is_copied_and_opened(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened.press("Copy")
    assert QApplication.clipboard().text() == str(tmp_path)
    shown: list[Path] = []
    monkeypatch.setattr(settings_dialog, "open_folder", lambda folder: not shown.append(folder))
    opened.press("Open")
    assert shown == [tmp_path]
    assert opened.problem == ""


def test_a_folder_that_cannot_be_shown_is_told(
    qtbot: QtBot, theme: Theme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_dialog, "open_folder", lambda folder: False)
    opened = Opened(qtbot, theme, LogSettings(), tmp_path)
    opened.press("Open")
    assert opened.problem == f"No program to show folders was found. The files are in {tmp_path}."
    opened = Opened(qtbot, theme, LogSettings(), tmp_path / "not yet")
    opened.press("Open")
    assert opened.problem.startswith(f"There is no folder {tmp_path / 'not yet'} yet.")


def test_every_field_has_a_label_and_a_name(opened: Opened) -> None:
    for kind in (QComboBox, QSpinBox):
        for field in opened.dialog.findChildren(kind):
            assert field.accessibleName()
