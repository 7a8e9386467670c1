"""The windows of this program: which there are, and what concerns all of them. What one shows is its own matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QWindow

from desktop_logs.core.settings import LogSettings
from desktop_logs.ui.notices import Action, Level
from desktop_logs.ui.window import MainWindow
from desktop_logs.ui.windowplace import place_beside


class Windows(QObject):
    """At least one. Whatever one is told of the hub they share, all are, also those that are opened later."""

    closed = Signal()
    """The last one is closed. It stays known, hidden, for it is asked until the program has ended."""
    one_closed = Signal(object)
    """A MainWindow is closed, and others are still open. It is this program's to take it down."""
    notice_dismissed = Signal(str)
    """A person has sent the notice of this key away, in one of them."""

    def __init__(self, make: Callable[[], MainWindow], application: QGuiApplication) -> None:
        super().__init__()
        self._make = make
        self._all: list[MainWindow] = []
        self._notices: dict[str, tuple[str, Level, Sequence[Action]]] = {}
        self._files_state = ("", True)
        self._address = ("", False)
        self.first = self._add()
        """The one that remembers its tabs."""
        self._front = self.first
        self._application = application
        application.focusWindowChanged.connect(self._focus_moved)

    @property
    def all(self) -> Sequence[MainWindow]:
        """The open ones, the oldest first; when all are closed, the last one."""
        return self._all

    @property
    def front(self) -> MainWindow:
        """The one that a person has used last."""
        return self._front

    def open(self) -> MainWindow:
        """A further window, shown beside the one in front."""
        window = self._add()
        for key, (text, level, actions) in self._notices.items():
            window.show_notice(key, text, level, actions)
        if self._files_state[0]:
            window.set_files_state(*self._files_state)
        url, needs_token = self._address
        window.set_local_address(url, needs_token=needs_token)
        place_beside(window, self._front)
        self._front = window
        window.show()
        return window

    def close(self) -> None:
        """Close all; the first as the last, for it is the one that is remembered."""
        for window in reversed(self._all[:]):
            window.close()

    # What all of them are told

    def show_notice(self, key: str, text: str, level: Level = "warning", actions: Sequence[Action] = ()) -> None:
        """Tell a problem in each, until it is sent away in one. What is done about it is done in the one in front."""
        self._notices[key] = (text, level, actions)
        for window in self._all:
            window.show_notice(key, text, level, actions)

    def clear_notice(self, key: str) -> None:
        """The problem *key* is over."""
        self._notices.pop(key, None)
        for window in self._all:
            window.clear_notice(key)

    def set_files_state(self, text: str, ok: bool) -> None:
        """Say how writing files goes."""
        self._files_state = (text, ok)
        for window in self._all:
            window.set_files_state(text, ok)

    def set_local_address(self, url: str, *, needs_token: bool = False) -> None:
        """The local hub listens at *url* now, and *needs_token* to take records."""
        self._address = (url, needs_token)
        for window in self._all:
            window.set_local_address(url, needs_token=needs_token)

    def follow(self, settings: LogSettings) -> None:
        """*settings* are in force, whichever window they were changed in."""
        self._notices.pop("settings", None)
        for window in self._all:
            window.follow(settings)

    # What all of them tell

    def stats(self) -> dict[str, int]:
        """The counters of protocol.md that windows know: over all of them, the longest stall of any."""
        told = [window.stats() for window in self._all]
        summed = {name: sum(one[name] for one in told) for name in told[0]}
        stall = "window_longest_stall_ms"
        return {**summed, stall: max(one[stall] for one in told)}

    def reset_stalls(self) -> None:
        """Measure the longest stall anew."""
        for window in self._all:
            window.reset_stalls()

    @property
    def is_busy(self) -> bool:
        """True while records, input or a filter give any of them work, and shortly after."""
        return any(window.is_busy for window in self._all)

    # Inside

    def _add(self) -> MainWindow:
        window = self._make()
        self._all.append(window)
        window.closed.connect(lambda: self._gone(window))
        window.notice_dismissed.connect(lambda key: self._dismissed(key, window))
        return window

    def _dismissed(self, key: str, window: MainWindow) -> None:
        # What concerns a tab of one window alone is not among them.
        if self._notices.pop(key, None) is not None:
            for other in self._all:
                if other is not window:
                    other.clear_notice(key)
        self.notice_dismissed.emit(key)

    def _gone(self, window: MainWindow) -> None:
        if len(self._all) == 1:
            self._application.focusWindowChanged.disconnect(self._focus_moved)
            self.closed.emit()
            return
        self._all.remove(window)
        if window is self._front:
            self._front = self._all[-1]
        self.one_closed.emit(window)

    def _focus_moved(self, focused: QWindow | None) -> None:
        # A dialog stands for the window that it belongs to.
        belongs = (focused, focused.transientParent()) if focused is not None else ()
        for window in self._all:
            handle = window.windowHandle()
            if handle is not None and handle in belongs:
                self._front = window
