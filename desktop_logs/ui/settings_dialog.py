"""The dialog for what is written where, and for what the window holds and looks like. It saves nothing itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop_logs.core.errors import SettingsError
from desktop_logs.core.levels import BANDS
from desktop_logs.core.settings import MAX_HELD_RECORDS, LogSettings
from desktop_logs.ui.clipboard import CopyButton
from desktop_logs.ui.forms import ProblemLabel, field_label, heading, open_folder, push_button
from desktop_logs.ui.theme import CHOICES, Theme

_WIDTH_PX: Final = 580
_BYTES_PER_KB: Final = 1_000
_THEME_NAMES: Final = {"system": "As the system", "dark": "Dark", "light": "Light"}


class SettingsDialog(QDialog):
    """Shown with `open()`. Save tells what changed and closes, unless whoever heard it called `show_problem`."""

    settings_changed = Signal(object)
    """The new LogSettings; only when they differ."""
    theme_chosen = Signal(str)
    """`system`, `dark` or `light`; only when it differs."""

    def __init__(self, theme: Theme, settings: LogSettings, logs_folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.setMinimumWidth(_WIDTH_PX)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._theme = theme
        self._settings = settings
        self._folder = logs_folder

        self._files = QCheckBox("&Write records to files")
        self._files.setChecked(settings.files)
        self._file_level = _level_box(settings.file_level)
        self._error_level = _level_box(settings.error_level)
        self._max_file = MegabytesBox(settings.max_file_bytes)
        self._max_age = QSpinBox()
        self._max_age.setRange(1, 36_500)
        self._max_age.setValue(settings.max_age_days)
        self._max_age.setSuffix(" days")
        self._held = QSpinBox()
        self._held.setRange(1_000, MAX_HELD_RECORDS)
        self._held.setSingleStep(100_000)
        self._held.setGroupSeparatorShown(True)
        self._held.setValue(settings.held_records)
        self._held.setSuffix(" records")
        self._held.setToolTip("The oldest leave the window first. In the files they stay.")
        for box in (self._max_file, self._max_age, self._held):
            box.lineEdit().setTextMargins(6, 0, 0, 0)  # the style sheet's padding does not reach a spin box's text
        self._console = QCheckBox("&Print records in the terminal this was started from")
        self._console.setChecked(settings.console)
        self._console_level = _level_box(settings.console_level)
        self._theme_box = QComboBox()
        for choice in CHOICES:
            self._theme_box.addItem(_THEME_NAMES[choice], choice)
        self._theme_box.setCurrentIndex(CHOICES.index(theme.choice))
        self._files.toggled.connect(self._enable)
        self._console.toggled.connect(self._enable)
        self._problem = ProblemLabel()
        self._lay_out()
        self._enable()

    def show_problem(self, text: str) -> None:
        """Say above the buttons why it did not work, and stay open."""
        self._problem.say(text)

    def _lay_out(self) -> None:
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(8)
        form.setColumnStretch(1, 1)

        def add(*widgets: QWidget | QHBoxLayout, whole: bool = False) -> None:
            row = form.rowCount()
            for column, part in enumerate(widgets):
                span = 2 if whole else 1
                if isinstance(part, QWidget):
                    form.addWidget(part, row, column, 1, span)
                else:
                    form.addLayout(part, row, column, 1, span)

        add(heading("Files"), whole=True)
        add(self._files, whole=True)
        add(field_label("&Application log from", self._file_level), self._file_level)
        add(field_label("&Error log from", self._error_level), self._error_level)
        add(field_label("&New file after", self._max_file), self._max_file)
        add(field_label("&Delete files after", self._max_age), self._max_age)
        folder, row = self._folder_row()
        add(field_label("&Folder", folder), row)
        form.setRowMinimumHeight(form.rowCount(), 8)
        add(heading("Terminal"), whole=True)
        add(self._console, whole=True)
        add(field_label("Records f&rom", self._console_level), self._console_level)
        form.setRowMinimumHeight(form.rowCount(), 8)
        add(heading("Window"), whole=True)
        add(field_label("&Hold at most", self._held), self._held)
        add(field_label("&Theme", self._theme_box), self._theme_box)

        save = push_button("Save", primary=True)
        save.clicked.connect(self._save)
        cancel = push_button("Cancel")
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 16)
        layout.setSpacing(12)
        layout.addLayout(form)
        layout.addWidget(self._problem)
        layout.addStretch(1)
        layout.addLayout(buttons)

    def _folder_row(self) -> tuple[QLineEdit, QHBoxLayout]:
        shown = QLineEdit(str(self._folder))
        shown.setReadOnly(True)
        shown.setCursorPosition(0)
        copy = CopyButton("the folder's path")
        copy.setProperty("compact", None)
        copy.set_text(str(self._folder))
        show = push_button("Open")
        show.setAccessibleName("Open the folder")
        show.clicked.connect(self._open_folder)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(shown, 1)
        row.addWidget(show)
        row.addWidget(copy)
        return shown, row

    def _open_folder(self) -> None:
        if not self._folder.is_dir():
            self.show_problem(f"There is no folder {self._folder} yet. It is made when the first record is written.")
        elif not open_folder(self._folder):
            self.show_problem(f"No program to show folders was found. The files are in {self._folder}.")

    def _enable(self) -> None:
        """What a switch that is off makes meaningless cannot be changed."""
        for field in (self._file_level, self._error_level, self._max_file, self._max_age):
            field.setEnabled(self._files.isChecked())
        self._console_level.setEnabled(self._console.isChecked())

    def _save(self) -> None:
        self._problem.say("")
        try:
            settings = self._settings.changed(
                files=self._files.isChecked(),
                file_level=self._file_level.currentText(),
                error_level=self._error_level.currentText(),
                max_file_bytes=self._max_file.size_bytes,
                max_age_days=self._max_age.value(),
                console=self._console.isChecked(),
                console_level=self._console_level.currentText(),
                held_records=self._held.value(),
            )
        except SettingsError as fault:
            self.show_problem(str(fault))
            return
        if settings != self._settings:
            self.settings_changed.emit(settings)
        if self._problem.sentence:
            return
        self._settings = settings
        if self._theme_box.currentData() != self._theme.choice:
            self.theme_chosen.emit(self._theme_box.currentData())
        self.accept()


class MegabytesBox(QSpinBox):
    """A size shown in MB and counted in kB, with the styling of a spin box. A size that nobody changes stays exact."""

    def __init__(self, size_bytes: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._given_bytes = size_bytes
        self.setRange(1, 100_000_000)
        self.setSingleStep(1_000)
        self.setSuffix(" MB")
        self.setValue(round(size_bytes / _BYTES_PER_KB))
        self._given_value = self.value()

    @property
    def size_bytes(self) -> int:
        """The size, in bytes."""
        return self._given_bytes if self.value() == self._given_value else self.value() * _BYTES_PER_KB

    def textFromValue(self, value: int) -> str:
        return f"{value / 1_000:.3f}".rstrip("0").rstrip(".")

    def valueFromText(self, text: str) -> int:
        number = _megabytes(text, self.suffix())
        return self.value() if number is None else round(number * 1_000)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        number = _megabytes(text, self.suffix())
        if number is not None and self.minimum() <= round(number * 1_000) <= self.maximum():
            return QValidator.State.Acceptable, text, position
        typed = text.removesuffix(self.suffix()).strip()
        is_begun = all(character.isdigit() or character in ".," for character in typed)
        return (QValidator.State.Intermediate if is_begun else QValidator.State.Invalid), text, position


def _megabytes(text: str, suffix: str) -> float | None:
    try:
        number = float(text.removesuffix(suffix).strip().replace(",", "."))
    except ValueError:
        return None
    return number if 0 <= number < 1e9 else None


def _level_box(level: str) -> QComboBox:
    """The six bands; also *level* where it is a name between them."""
    box = QComboBox()
    box.addItems(BANDS if level in BANDS else [*BANDS, level])
    box.setCurrentText(level)
    return box
