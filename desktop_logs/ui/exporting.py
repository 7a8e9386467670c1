"""The dialog that exports records: what, how, where; then progress, then the result. The writing is in export_job."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QRadioButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop_logs.core.errors import StorageError
from desktop_logs.core.export import FORMATS, Format
from desktop_logs.core.records import Record
from desktop_logs.tasks import Tasks
from desktop_logs.ui.export_job import ExportJob
from desktop_logs.ui.forms import (
    ProblemLabel,
    field_label,
    grow_to_fit,
    heading,
    mark_invalid,
    muted_label,
    open_folder,
    push_button,
)
from desktop_logs.ui.theme import Theme

_WIDTH_PX: Final = 520
_PROGRESS_STEPS: Final = 1_000


class ExportDialog(QDialog):
    """Shown with `open()`, and deleted when it is closed. What it exports is what it was given, whatever comes after.

    Closing it while it works cancels the export first, and closes when the unfinished file is gone.
    """

    exported = Signal(object)
    """The Path of the file, once it is complete."""

    def __init__(
        self,
        theme: Theme,
        shown: Sequence[Record],
        selected: Sequence[Record],
        folder: Path,
        parent: QWidget | None = None,
        *,
        tasks: Tasks | None = None,
    ) -> None:
        """*shown* and *selected* must not change any more.

        *tasks* runs the export, so that who ends the program can cancel it; the dialog has its own without one.
        """
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.setMinimumWidth(_WIDTH_PX)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._theme = theme
        self._shown = shown
        self._selected = selected
        self._folder = folder
        self._tasks = Tasks() if tasks is None else tasks  # an empty one is falsy
        self._task: asyncio.Task[str] | None = None
        self._closes_after = False
        self._may_replace: Path | None = None
        self._target = folder
        self._browser: QFileDialog | None = None

        self._pages = QStackedWidget()
        self._choosing = self._make_choosing()
        self._working = self._make_working()
        self._result = self._make_result()
        for page in (self._choosing, self._working, self._result):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 16)
        layout.addWidget(self._pages)
        self._name.setText(default_name(datetime.now(), self._form.suffix))
        self._name.setFocus()

    @property
    def _form(self) -> Format:
        return FORMATS[self._format.currentData()]

    @property
    def _chosen(self) -> Sequence[Record]:
        return self._selected if self._some.isChecked() else self._shown

    def reject(self) -> None:
        if self._task is None:
            super().reject()
        else:
            self._closes_after = True
            self._task.cancel()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._task is None:
            super().closeEvent(event)
        else:
            event.ignore()
            self.reject()

    # Choosing

    def _make_choosing(self) -> QWidget:
        self._all = QRadioButton(f"&All that is shown ({_records(len(self._shown))})")
        self._some = QRadioButton(f"&Selected ({_records(len(self._selected))})")
        self._some.setEnabled(bool(self._selected))
        # Who has selected several rows means them; one row is selected all the time.
        (self._some if len(self._selected) > 1 else self._all).setChecked(True)
        self._format = QComboBox()
        for name, form in FORMATS.items():
            self._format.addItem(f"{form.name} ({form.suffix})", name)
        self._format.currentIndexChanged.connect(self._follow_format)
        self._name = QLineEdit()
        self._name.textEdited.connect(self._forget_problem)
        browse = push_button("&Browse …")
        browse.clicked.connect(self._browse)
        self._where = muted_label()
        self._tell_folder()
        self._problem = ProblemLabel()
        self._export_button = push_button("Export", primary=True)
        self._export_button.clicked.connect(self._export_clicked)
        cancel = push_button("Cancel")
        cancel.clicked.connect(self.reject)

        what = heading("Records")
        fields = QGridLayout()
        fields.setHorizontalSpacing(12)
        fields.setVerticalSpacing(8)
        fields.setColumnStretch(1, 1)
        fields.addWidget(what, 0, 0)
        fields.addWidget(self._all, 0, 1, 1, 2)
        fields.addWidget(self._some, 1, 1, 1, 2)
        fields.addWidget(field_label("&Format", self._format), 2, 0)
        fields.addWidget(self._format, 2, 1, 1, 2)
        fields.addWidget(field_label("File &name", self._name), 3, 0)
        fields.addWidget(self._name, 3, 1)
        fields.addWidget(browse, 3, 2)
        fields.addWidget(self._where, 4, 1, 1, 2)
        fields.addWidget(self._problem, 5, 0, 1, 3)
        return _page(fields, cancel, self._export_button)

    def _follow_format(self) -> None:
        """The suffix follows the format, unless it is one of somebody's own."""
        name = Path(self._name.text())
        if name.suffix in {form.suffix for form in FORMATS.values()}:
            self._name.setText(str(name.with_suffix(self._form.suffix)))
        self._forget_problem()

    def _browse(self) -> None:
        browser = QFileDialog(self, "Export to", str(self._folder / self._name.text()))
        browser.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        browser.setNameFilters([f"{form.name} (*{form.suffix})" for form in FORMATS.values()] + ["All files (*)"])
        browser.selectNameFilter(f"{self._form.name} (*{self._form.suffix})")
        browser.setDefaultSuffix(self._form.suffix)
        browser.fileSelected.connect(self._take_file)
        browser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._browser = browser  # kept, since nothing else of Python's holds it
        browser.open()

    def _take_file(self, file: str) -> None:
        target = Path(file)
        self._folder = target.parent
        self._name.setText(target.name)
        self._tell_folder()
        self._forget_problem()
        self._may_replace = target  # the file dialog has asked

    def _tell_folder(self) -> None:
        self._where.setText(f"in {self._folder}".replace("/", "/\u200b"))  # a long path may break after its slashes

    def _forget_problem(self) -> None:
        self._problem.say("")
        mark_invalid(self._name, False)
        self._may_replace = None
        self._export_button.setText("Export")

    def _export_clicked(self) -> None:
        name = self._name.text().strip()
        if not name:
            self._tell_problem("Type a file name.")
            return
        target = self._folder / _without_tilde(name)
        if target.is_file() and target != self._may_replace:
            self._tell_problem(f"{target.name} exists already. Press Replace to write over it, or choose another name.")
            self._may_replace = target
            self._export_button.setText("Replace")
            return
        self._start(target)

    def _tell_problem(self, sentence: str) -> None:
        mark_invalid(self._name, True)
        self._problem.say(sentence)
        self._name.setFocus()

    # Working

    def _make_working(self) -> QWidget:
        self._doing = QLabel()
        self._doing.setTextFormat(Qt.TextFormat.PlainText)
        self._bar = QProgressBar()
        self._bar.setRange(0, _PROGRESS_STEPS)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Export progress")
        self._cancel_button = push_button("Cancel")
        self._cancel_button.clicked.connect(self._cancel)
        parts = QVBoxLayout()
        parts.setSpacing(12)
        parts.addWidget(self._doing)
        parts.addWidget(self._bar)
        return _page(parts, self._cancel_button)

    def _start(self, target: Path) -> None:
        self._target = target
        records = (self._some.isChecked() and self._selected) or self._shown
        job = ExportJob(records, self._form, target, self._progress)
        self._progress(0, job.total)
        self._show_page(self._working)
        self._cancel_button.setFocus()
        self._task = self._tasks.start(_outcome(job), f"export {target.name}")
        self._task.add_done_callback(self._ended)

    def _progress(self, done: int, total: int) -> None:
        self._doing.setText(f"{done:,} of {_records(total)}")
        self._bar.setValue(done * _PROGRESS_STEPS // total if total else _PROGRESS_STEPS)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _ended(self, task: asyncio.Task[str]) -> None:
        self._task = None
        if task.cancelled():
            self._choose_again("Cancelled. No file was written.")
        elif task.exception() is not None:  # Tasks reports it
            self._choose_again("The export stopped for a fault of this program. No file was written.")
        elif task.result():
            self._choose_again(task.result())
        else:
            self._show_result(len(self._chosen))

    def _choose_again(self, sentence: str) -> None:
        if self._closes_after:
            self.reject()
            return
        self._show_page(self._choosing)
        self._forget_problem()
        self._problem.say(sentence)
        self._export_button.setFocus()

    # Result

    def _make_result(self) -> QWidget:
        self._count = QLabel()
        self._count.setProperty("kind", "heading")
        self._file = muted_label()
        show = push_button("Open folder")
        show.clicked.connect(self._open_folder)
        self._close_button = push_button("Close", primary=True)
        self._close_button.clicked.connect(self.accept)
        parts = QVBoxLayout()
        parts.setSpacing(8)
        parts.addWidget(self._count)
        parts.addWidget(self._file)
        return _page(parts, show, self._close_button)

    def _show_result(self, count: int) -> None:
        self._count.setText(f"{_records(count)} exported")
        self._file.setText(str(self._target).replace("/", "/\u200b"))
        self._show_page(self._result)
        self._close_button.setFocus()
        self.exported.emit(self._target)
        if self._closes_after:
            self.accept()

    def _open_folder(self) -> None:
        if not open_folder(self._target.parent):
            self._file.setText(f"No program to show folders was found. The file is {self._target}")
            grow_to_fit(self)

    def _show_page(self, page: QWidget) -> None:
        self._pages.setCurrentWidget(page)


async def _outcome(job: ExportJob) -> str:
    """What went wrong, as a sentence; empty when the file is complete."""
    try:
        await job.run()
    except StorageError as failure:
        return str(failure)
    return ""


def default_name(now: datetime, suffix: str) -> str:
    """`desktop-logs-2026-11-22-104235.jsonl`."""
    return f"desktop-logs-{now:%Y-%m-%d-%H%M%S}{suffix}"


def _without_tilde(name: str) -> Path:
    """*name* as a path, `~` at its beginning being the home folder; the name as it is where nobody has that home."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def _records(count: int) -> str:
    return f"{count:,} {'record' if count == 1 else 'records'}"


def _page(parts: QGridLayout | QVBoxLayout, *buttons: QWidget) -> QWidget:
    page = QWidget()
    row = QHBoxLayout()
    row.addStretch(1)
    for button in buttons:
        row.addWidget(button)
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(16)
    layout.addLayout(parts)
    layout.addStretch(1)
    layout.addLayout(row)
    return page
