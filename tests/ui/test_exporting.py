"""The export dialog asks what, how and where, works without blocking, and leaves a whole file or none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog, QLabel, QLineEdit, QProgressBar, QPushButton
from pytestqt.qtbot import QtBot

from desktop_logs.core.export import FORMATS
from desktop_logs.core.records import Record
from desktop_logs.core.wire import decode_json, parse_entry
from desktop_logs.partfile import PartFile
from desktop_logs.tasks import Tasks
from desktop_logs.ui import export_job, exporting
from desktop_logs.ui.exporting import ExportDialog, default_name
from desktop_logs.ui.forms import ProblemLabel
from desktop_logs.ui.loop import make_loop
from desktop_logs.ui.theme import Theme

# The offscreen platform has no window manager to tell sizes and stacking to.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def records(how_many: int) -> list[Record]:
    return [
        Record(seq, 1_795_341_600_000_000_000 + seq, 9, "info", "api", f"message {seq}", given_id=f"i{seq}")
        for seq in range(1, how_many + 1)
    ]


@pytest.fixture
def qt_loop(qapp: QApplication) -> Iterator[asyncio.AbstractEventLoop]:
    loop = make_loop(qapp)
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


class Opened:
    """A dialog on a loop of Qt's, and what a person does in it."""

    def __init__(self, qtbot: QtBot, loop: Any, dialog: ExportDialog) -> None:
        self.loop = loop
        self.dialog = dialog
        self.files: list[Path] = []
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # looked at after it closed
        qtbot.addWidget(dialog)
        dialog.exported.connect(self.files.append)
        dialog.open()

    @property
    def name(self) -> QLineEdit:
        return next(one for one in self.dialog.findChildren(QLineEdit) if one.accessibleName() == "File name")

    @property
    def format(self) -> QComboBox:
        return next(one for one in self.dialog.findChildren(QComboBox) if one.accessibleName() == "Format")

    @property
    def problem(self) -> str:
        return self.dialog.findChild(ProblemLabel).sentence

    @property
    def said(self) -> list[str]:
        return [one.text().replace("\u200b", "") for one in self.dialog.findChildren(QLabel) if one.isVisible()]

    def choose(self, starts: str) -> None:
        next(one for one in self.dialog.findChildren(QPushButton.__base__) if one.text().startswith(starts)).click()

    def press(self, text: str) -> None:
        buttons = [one for one in self.dialog.findChildren(QPushButton) if one.isVisible() and one.text() == text]
        buttons[0].click()

    def run(self, *steps: Callable[[], Any], until: Callable[[], Any]) -> None:
        """Do *steps* while the loop runs, then let it run until *until* holds."""

        async def scenario() -> None:
            for step in steps:
                step()
            async with asyncio.timeout(20):
                while not until():  # noqa: ASYNC110 (the end of an export shows only in the dialog)
                    await asyncio.sleep(0.005)

        self.loop.run_until_complete(scenario())


@pytest.fixture
def make(qtbot: QtBot, qapp: QApplication, qt_loop: Any, tmp_path: Path) -> Callable[..., Opened]:
    def made(shown: int = 100, selected: int = 0, **more: Any) -> Opened:
        every = records(shown)
        folder = more.pop("folder", tmp_path)
        return Opened(qtbot, qt_loop, ExportDialog(Theme(qapp, "dark"), every, every[:selected], folder, **more))

    return made


def read(path: Path) -> list[Record]:
    lines = path.read_bytes().splitlines()
    return [parse_entry(decode_json(line), seq, 0) for seq, line in enumerate(lines, 1)]


def test_the_name_has_date_and_time() -> None:
    assert default_name(datetime(2026, 11, 22, 10, 42, 5), ".csv") == "desktop-logs-2026-11-22-104205.csv"


def test_all_shown_records_are_exported(make: Callable[..., Opened], tmp_path: Path) -> None:
    """As they were when the dialog was made; the result says how many and where."""
    opened = make(shown=2_500)
    opened.name.setText("out.jsonl")
    opened.run(lambda: opened.press("Export"), until=lambda: opened.files)
    assert opened.files == [tmp_path / "out.jsonl"]
    assert read(tmp_path / "out.jsonl") == records(2_500)
    assert "2,500 records exported" in opened.said
    assert str(tmp_path / "out.jsonl") in opened.said


def test_the_selected_ones_are_chosen_when_there_are_several(make: Callable[..., Opened], tmp_path: Path) -> None:
    opened = make(shown=100, selected=3)
    opened.name.setText("out.jsonl")
    opened.run(lambda: opened.press("Export"), until=lambda: opened.files)
    assert read(tmp_path / "out.jsonl") == records(3)


def test_one_selected_record_is_no_choice_but_can_be_chosen(make: Callable[..., Opened], tmp_path: Path) -> None:
    opened = make(shown=100, selected=1)
    assert opened.dialog._all.isChecked()
    opened.choose("&Selected (1 record)")
    opened.name.setText("out.jsonl")
    opened.run(lambda: opened.press("Export"), until=lambda: opened.files)
    assert read(tmp_path / "out.jsonl") == records(1)


@pytest.mark.parametrize("index", range(len(FORMATS)), ids=FORMATS)
def test_the_suffix_follows_the_format(make: Callable[..., Opened], tmp_path: Path, index: int) -> None:
    form = list(FORMATS.values())[index]
    opened = make(shown=10)
    assert opened.name.text().endswith(".jsonl")
    opened.format.setCurrentIndex(index)
    assert Path(opened.name.text()).suffix == form.suffix
    opened.run(lambda: opened.press("Export"), until=lambda: opened.files)
    assert opened.files[0].read_bytes() == form.head + form.encode(records(10)) + form.tail


def test_a_suffix_of_ones_own_stays(make: Callable[..., Opened]) -> None:
    opened = make()
    opened.name.setText("my.log")
    opened.format.setCurrentIndex(1)
    assert opened.name.text() == "my.log"


def test_an_existing_file_is_replaced_only_when_that_is_said(make: Callable[..., Opened], tmp_path: Path) -> None:
    """Said in the dialog itself; another name takes the agreement back."""
    (tmp_path / "out.jsonl").write_text("old")
    opened = make(shown=5)
    opened.name.setText("out.jsonl")
    opened.press("Export")
    assert opened.problem == "out.jsonl exists already. Press Replace to write over it, or choose another name."
    assert (tmp_path / "out.jsonl").read_text() == "old"
    opened.name.textEdited.emit("out.jsonl")
    opened.press("Export")
    assert (tmp_path / "out.jsonl").read_text() == "old"
    opened.run(lambda: opened.press("Replace"), until=lambda: opened.files)
    assert read(tmp_path / "out.jsonl") == records(5)


def test_a_missing_name_is_told(make: Callable[..., Opened]) -> None:
    opened = make()
    opened.name.setText("  ")
    opened.press("Export")
    assert opened.problem == "Type a file name."
    assert opened.name.property("invalid") is True


@pytest.mark.parametrize("typed", ["~/out.jsonl", "~nobody-has-this-name.jsonl"])
def test_a_tilde_is_the_home_folder_where_it_can_be(
    make: Callable[..., Opened], home: Path, tmp_path: Path, typed: str
) -> None:
    opened = make(shown=5)
    opened.name.setText(typed)
    opened.run(lambda: opened.press("Export"), until=lambda: opened.files)
    expected = home / "out.jsonl" if typed.startswith("~/") else tmp_path / typed
    assert opened.files == [expected]
    assert read(expected) == records(5)


def test_a_failure_is_told_and_the_choice_is_there_again(make: Callable[..., Opened], tmp_path: Path) -> None:
    """A second try, with another name, works."""
    opened = make(shown=5)
    opened.name.setText("gone/out.jsonl")
    opened.run(lambda: opened.press("Export"), until=lambda: opened.problem)
    assert opened.problem == f"There is no folder {tmp_path / 'gone'}. Choose another one."
    opened.name.setText("out.jsonl")
    opened.run(lambda: opened.press("Export"), until=lambda: opened.files)
    assert read(tmp_path / "out.jsonl") == records(5)


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes its time, so that something can be done meanwhile."""
    real = PartFile.write

    def write(part: Any, data: bytes) -> None:
        time.sleep(0.05)
        real(part, data)

    monkeypatch.setattr(PartFile, "write", write)


@pytest.mark.usefixtures("slow_disk")
def test_progress_is_shown_and_cancel_leaves_nothing(make: Callable[..., Opened], tmp_path: Path) -> None:
    opened = make(shown=200_000)
    bar = opened.dialog.findChild(QProgressBar)
    opened.run(lambda: opened.press("Export"), until=lambda: bar.value() > 0)
    assert any(text.endswith(" of 200,000 records") for text in opened.said)
    assert list(tmp_path.iterdir())
    opened.run(lambda: opened.press("Cancel"), until=lambda: opened.problem)
    assert opened.problem == "Cancelled. No file was written."
    assert list(tmp_path.iterdir()) == []
    assert opened.dialog.isVisible()


@pytest.mark.usefixtures("slow_disk")
@pytest.mark.parametrize("way", ["close", "reject"])
def test_closing_it_while_it_works_cancels_first(make: Callable[..., Opened], tmp_path: Path, way: str) -> None:
    """The dialog is there until the unfinished file is gone."""
    opened = make(shown=200_000)
    bar = opened.dialog.findChild(QProgressBar)
    opened.run(lambda: opened.press("Export"), until=lambda: bar.value() > 0)
    getattr(opened.dialog, way)()
    assert opened.dialog.isVisible()
    opened.run(until=lambda: not opened.dialog.isVisible())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("slow_disk")
def test_who_ends_the_program_can_cancel_it(make: Callable[..., Opened], tmp_path: Path) -> None:
    """Through the tasks that were given."""
    failures: list[str] = []
    tasks = Tasks(lambda name, failure: failures.append(name))
    opened = make(shown=200_000, tasks=tasks)
    bar = opened.dialog.findChild(QProgressBar)
    opened.run(lambda: opened.press("Export"), until=lambda: bar.value() > 0)
    assert len(tasks) == 1
    opened.loop.run_until_complete(tasks.cancel_all())
    assert list(tmp_path.iterdir()) == []
    assert failures == []


def test_a_fault_of_the_program_is_heard_and_told(
    make: Callable[..., Opened], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(shown: Any) -> Any:
        raise KeyError("fault")

    monkeypatch.setattr(export_job, "groups", broken)
    failures: list[str] = []
    opened = make(shown=5, tasks=Tasks(lambda name, failure: failures.append(repr(failure))))
    opened.run(lambda: opened.press("Export"), until=lambda: opened.problem)
    assert opened.problem == "The export stopped for a fault of this program. No file was written."
    assert failures == ["KeyError('fault')"]
    assert list(tmp_path.iterdir()) == []


def test_browse_chooses_folder_and_name_without_blocking(make: Callable[..., Opened], tmp_path: Path) -> None:
    """The file dialog has asked about replacing, so the export does not ask again."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "mine.jsonl").write_text("old")
    opened = make(shown=5)
    opened.press("&Browse …")
    browser = opened.dialog.findChild(QFileDialog)
    assert browser.isModal()
    browser.fileSelected.emit(str(tmp_path / "sub" / "mine.jsonl"))
    browser.close()
    assert opened.name.text() == "mine.jsonl"
    assert f"in {tmp_path / 'sub'}" in opened.said
    opened.run(lambda: opened.press("Export"), until=lambda: opened.files)
    assert read(tmp_path / "sub" / "mine.jsonl") == records(5)


def test_the_folder_can_be_opened(make: Callable[..., Opened], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Path] = []
    monkeypatch.setattr(exporting, "open_folder", lambda folder: bool(shown.append(folder)))
    opened = make(shown=5)
    opened.run(lambda: opened.press("Export"), until=lambda: opened.files)
    opened.press("Open folder")
    assert shown == [tmp_path]
    assert any(text.startswith("No program to show folders was found.") for text in opened.said)
    opened.press("Close")
    assert not opened.dialog.isVisible()


def test_everything_is_reached_with_tab(make: Callable[..., Opened], qtbot: QtBot) -> None:
    opened = make(shown=5, selected=2)
    opened.dialog.activateWindow()
    qtbot.waitUntil(opened.dialog.isActiveWindow)
    opened.name.setFocus()
    reached = []
    for _ in range(6):
        widget = QApplication.focusWidget()
        reached.append(widget.accessibleName() or widget.text())
        qtbot.keyClick(widget, Qt.Key.Key_Tab)
    # Arrow keys go from one radio button to the other.
    assert reached == ["File name", "&Browse …", "Cancel", "Export", "&All that is shown (5 records)", "Format"]
