"""The dialog for what is stored where and how long, and for what the window holds and looks like. It saves nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop_logs.core.errors import SettingsError
from desktop_logs.core.levels import BANDS
from desktop_logs.core.settings import MAX_HELD_RECORDS, LogSettings
from desktop_logs.ui.clipboard import CopyButton
from desktop_logs.ui.forms import ProblemLabel, field_label, heading, muted_label, open_folder, push_button
from desktop_logs.ui.sizebox import SizeBox
from desktop_logs.ui.theme import CHOICES, Theme

_WIDTH_PX: Final = 580
_BESIDE_FORM_PX: Final = 140
"""What the dialog needs of its window's height for its edges, its buttons and a problem."""
_LEAST_FORM_PX: Final = 200
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
        self._max_file = SizeBox(settings.max_file_bytes, "MB")
        self._max_age = _days_box(settings.max_age_days)
        self._max_total = SizeBox(settings.max_total_bytes, "GB")
        self._history = QCheckBox("&Keep all records searchable")
        self._history.setChecked(settings.history)
        self._history_age = _days_box(settings.history_max_age_days)
        self._history_size = SizeBox(settings.history_max_bytes, "GB")
        self._min_free = SizeBox(settings.min_free_bytes, "GB", may_be_none=True)
        self._held = QSpinBox()
        self._held.setRange(1_000, MAX_HELD_RECORDS)
        self._held.setSingleStep(100_000)
        self._held.setGroupSeparatorShown(True)
        self._held.setValue(settings.held_records)
        self._held.setSuffix(" records")
        for box in (self._max_total, self._history_size):
            box.setToolTip("The oldest are deleted first.")
        self._held.setToolTip("The oldest leave the window first. In the files they stay.")
        for box in self._number_boxes():
            box.lineEdit().setTextMargins(6, 0, 0, 0)  # the style sheet's padding does not reach a spin box's text
        self._console = QCheckBox("&Print records in the terminal this was started from")
        self._console.setChecked(settings.console)
        self._console_level = _level_box(settings.console_level)
        self._theme_box = QComboBox()
        for choice in CHOICES:
            self._theme_box.addItem(_THEME_NAMES[choice], choice)
        self._theme_box.setCurrentIndex(CHOICES.index(theme.choice))
        self._files.toggled.connect(self._enable)
        self._history.toggled.connect(self._enable)
        self._console.toggled.connect(self._enable)
        self._problem = ProblemLabel()
        self._lay_out()
        self._enable()

    def show_problem(self, text: str) -> None:
        """Say above the buttons why it did not work, and stay open."""
        self._problem.say(text)

    def _number_boxes(self) -> tuple[QSpinBox, ...]:
        files = (self._max_file, self._max_age, self._max_total)
        return (*files, self._history_age, self._history_size, self._min_free, self._held)

    def _lay_out(self) -> None:
        fields = QWidget()
        form = QGridLayout(fields)
        form.setContentsMargins(0, 0, 12, 0)
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
        add(field_label("All files &up to", self._max_total), self._max_total)
        folder, row = self._folder_row()
        add(field_label("&Folder", folder), row)
        form.setRowMinimumHeight(form.rowCount(), 8)
        add(heading("History"), whole=True)
        add(self._history, whole=True)
        add(muted_label("Everything that arrives, at every level. Search history (Ctrl+Shift+F) finds it."), whole=True)
        add(field_label("De&lete records after", self._history_age), self._history_age)
        add(field_label("Hist&ory up to", self._history_size), self._history_size)
        form.setRowMinimumHeight(form.rowCount(), 8)
        add(heading("Disk"), whole=True)
        add(field_label("Leave &space free", self._min_free), self._min_free)
        add(
            muted_label("With less than that, nothing more is stored; the window goes on showing what comes."),
            whole=True,
        )
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
        layout.addWidget(_Form(fields, self._most_form_height(), self), 1)
        layout.addWidget(self._problem)
        layout.addLayout(buttons)

    def _most_form_height(self) -> int:
        """How high the form can be for the dialog to fit into the window that it belongs to, or onto the screen."""
        parent = self.parentWidget()
        room = parent.window().height() if parent is not None else self.screen().availableGeometry().height()
        return max(room - _BESIDE_FORM_PX, _LEAST_FORM_PX)

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
        for field in (self._file_level, self._error_level, self._max_file, self._max_age, self._max_total):
            field.setEnabled(self._files.isChecked())
        for field in (self._history_age, self._history_size):
            field.setEnabled(self._history.isChecked())
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
                max_total_bytes=self._max_total.size_bytes,
                history=self._history.isChecked(),
                history_max_age_days=self._history_age.value(),
                history_max_bytes=self._history_size.size_bytes,
                min_free_bytes=self._min_free.size_bytes,
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


class _Form(QScrollArea):
    """The fields, as high as they are up to *most_height*; beyond that they scroll."""

    def __init__(self, fields: QWidget, most_height: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._most_height = most_height
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(fields)
        for field in (*fields.findChildren(QSpinBox), *fields.findChildren(QComboBox)):
            field.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            field.installEventFilter(self)

    def eventFilter(self, field: QObject, event: QEvent) -> bool:
        """The wheel scrolls the form; it changes a field only where somebody has gone to it before."""
        if event.type() == QEvent.Type.Wheel and isinstance(field, QWidget) and not field.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(field, event)

    def sizeHint(self) -> QSize:
        fields = self.widget().sizeHint()
        return QSize(fields.width(), min(fields.height(), self._most_height))


def _days_box(days: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(1, 36_500)
    box.setValue(days)
    box.setSuffix(" days")
    return box


def _level_box(level: str) -> QComboBox:
    """The six bands; also *level* where it is a name between them."""
    box = QComboBox()
    box.addItems(BANDS if level in BANDS else [*BANDS, level])
    box.setCurrentText(level)
    return box
