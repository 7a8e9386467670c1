"""The window's dealings with log files: the dialog, what is dropped, which feed is which file, and what is wrong."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop_logs.core.feed import Feed
from desktop_logs.core.safe_text import one_line
from desktop_logs.ui.actions import WindowActions
from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.remembered import Remembered

_KEY: Final = "file"
_FILTERS: Final = ("Logs (*.log *.jsonl *.ndjson *.json *.txt *.out *.err *.log.* *.gz)", "All files (*)")


class Files(QObject):
    """Opens log files on a person's request, and explains a file's state on its page."""

    opened = Signal(object)
    """The feed whose tab is to be in front, perhaps one that is there already."""

    def __init__(self, actions: WindowActions, remembered: Remembered, window: QWidget) -> None:
        super().__init__(window)
        self._actions = actions
        self._remembered = remembered
        self._window = window
        self._paths: dict[Feed, str] = {}
        self._dialog: QFileDialog | None = None
        self._chosen: deque[str] = deque()
        """What has been chosen or dropped and has no tab yet."""
        self._next = QTimer(self, singleShot=True, interval=0)
        self._next.timeout.connect(self._open_next)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def open(self, path: str) -> None:
        """A tab in front for the file at the absolute *path*: the one that it has, by whichever name, or a new one.

        What is wrong with the file is told there.
        """
        same = _real(path)
        feed = next((feed for feed, known in self._paths.items() if _real(known) == same), None)
        if feed is None:
            feed = self._actions.open_file(path)
            self._paths[feed] = path
        self.opened.emit(feed)

    def open_dialog(self) -> None:
        """Ask for files; several may be chosen."""
        dialog = QFileDialog(self._window, "Open log files", self._remembered.files_folder)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters(list(_FILTERS))
        dialog.filesSelected.connect(self._take)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._dialog = dialog  # kept, since nothing else of Python's holds it
        dialog.open()

    def path_of(self, feed: Feed) -> str:
        """The path of the file that *feed* reads; empty when it reads none."""
        return self._paths.get(feed, "")

    def forget(self, feed: Feed) -> None:
        """*feed* is closed."""
        self._paths.pop(feed, None)

    def close(self) -> None:
        """Open nothing any more."""
        self._chosen.clear()
        self._next.stop()

    def explain(self, page: FeedPage) -> None:
        """Tell on *page* what is wrong with its file, or what of it is not shown; or that all is well again."""
        state = page.feed.state
        problem = one_line(state.problem)  # names of files may have anything in them
        if not problem:
            page.notices.clear_notice(_KEY)
        elif state.phase == "failed":
            again = ("Try again", lambda: self._actions.retry(page.feed))
            page.notices.show_notice(_KEY, problem, "error", [again])
        else:
            page.notices.show_notice(_KEY, problem, "warning" if state.phase == "waiting" else "info")

    # Qt's side

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Where a widget in the window wants no drop, the window gets it.
        if isinstance(event, QDragEnterEvent):
            if not _files_in(event.mimeData()):
                return False
        elif not (isinstance(event, QDropEvent) and event.type() == QEvent.Type.Drop):
            return False
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if event.type() == QEvent.Type.Drop:
            self._open_all(_files_in(event.mimeData()))
        return True

    # Inside

    def _take(self, paths: Sequence[str]) -> None:
        if paths:
            self._remembered.set_files_folder(Path(paths[0]).parent)
        self._open_all(paths)

    def _open_all(self, paths: Sequence[str]) -> None:
        self._chosen.extend(map(os.path.abspath, paths))
        self._open_next()

    def _open_next(self) -> None:
        # A tab takes up to 50 ms, so each gets a turn of its own, and the window goes on between them.
        if self._chosen:
            self.open(self._chosen.popleft())
        if self._chosen:
            self._next.start()


def _real(path: str) -> str:
    """The path behind all links, now: a link as `current.log` leads elsewhere in time, and its tab goes with it."""
    return os.path.normcase(os.path.realpath(path))


def _files_in(data: QMimeData) -> list[str]:
    return [path for url in data.urls() if url.isLocalFile() and (path := url.toLocalFile())]
