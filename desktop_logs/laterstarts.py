"""What reaches a program that runs: later starts, and macOS' wish to open something. What is done then others say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from desktop_logs.core.opening import is_link
from desktop_logs.meetingplace import keep_from_cleaning

if TYPE_CHECKING:
    from desktop_logs.ui.meeting import Listener, Take


class Application(QApplication):
    """Qt's application, which tells what it is asked to open: macOS sends events where others start a program again."""

    open_asked = Signal(str)
    """A link or the path of a file."""

    def event(self, event: QEvent) -> bool:
        # Not an event filter: one of an application would be called, in Python, for every event of every widget.
        if event.type() == QEvent.Type.FileOpen and isinstance(event, QFileOpenEvent):
            url = event.url().toString()
            self.open_asked.emit(url if is_link(url) else event.file())
            return True
        return super().event(event)


class LaterStarts(QObject):
    """Whatever is asked for before `serve` waits until then."""

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._listener: Listener | None = None
        self._open: Callable[[str], None] | None = None
        self._waiting: list[str] = []
        if isinstance(application, Application):
            application.open_asked.connect(self._open_asked)

    def listen(self, name: str) -> str:
        """Hear later starts at *name*, unless it is empty; a sentence when that cannot be."""
        if not name:
            return ""
        # Qt's network is loaded when somebody may come: the first sight of the window does not wait for it.
        from desktop_logs.ui.meeting import Listener

        self._listener = Listener(self)
        problem = self._listener.listen(name)
        if problem:
            return f"Later starts cannot be heard at {name} ({problem}), and will wait for this one in vain."
        keep_from_cleaning(Path(name))
        return ""

    def serve(self, take: Take, open_item: Callable[[str], None]) -> None:
        """From now on *take* answers later starts, and *open_item* shows the link or file that the system names."""
        if self._listener is not None:
            self._listener.answer_with(take)
        self._open = open_item
        waiting, self._waiting = self._waiting, []
        for item in waiting:
            open_item(item)

    def close(self) -> None:
        """Hear nobody any more."""
        if self._listener is not None:
            self._listener.close()
        self._open = None

    def _open_asked(self, item: str) -> None:
        if self._open is not None:
            self._open(item)
        else:
            self._waiting.append(item)
