"""The window's dealings with remote servers: the dialog, which feed is which address, and what to do when one fails."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.errors import DesktopLogsError
from desktop_logs.core.feed import Feed
from desktop_logs.ui.actions import WindowActions
from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.notices import Action
from desktop_logs.ui.remembered import Remembered
from desktop_logs.ui.theme import Theme

_KEY = "feed"


class Remotes(QObject):
    """Connects on a person's request, and explains a feed's state on its page."""

    connected = Signal(object, object)
    """The feed (perhaps one that is there already), and the feed that it takes the place of, or None."""

    def __init__(self, actions: WindowActions, theme: Theme, remembered: Remembered, window: QWidget) -> None:
        super().__init__(window)
        self._actions = actions
        self._theme = theme
        self._remembered = remembered
        self._window = window
        self._addresses: dict[Feed, ServerAddress] = {}

    def open_dialog(self, replaced: Feed | None = None) -> None:
        """Ask for a server; with *replaced*, the new feed takes that one's place, and its address is filled in."""
        # Loaded when it is opened: the window is there sooner.
        from desktop_logs.ui.connect_dialog import ConnectDialog, Recent

        recents = [Recent(one.url, one.path) for one in self._remembered.recents]
        dialog = ConnectDialog(self._theme, recents, self._window)
        known = self._addresses.get(replaced) if replaced is not None else None
        if known is not None:
            dialog.fill(Recent(known.url, known.path))

        def connect(address: ServerAddress, token: str) -> None:
            try:
                self._connect(address, token, replaced)
            except DesktopLogsError as wrong:
                dialog.show_problem(str(wrong))

        dialog.connect_requested.connect(connect)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def note(self, feed: Feed, address: ServerAddress) -> None:
        """*feed*, which was not connected from here, is the server at *address*."""
        self._addresses[feed] = address

    def forget(self, feed: Feed) -> None:
        """*feed* is closed."""
        self._addresses.pop(feed, None)

    def explain(self, page: FeedPage) -> None:
        """Tell on *page* what is wrong with its feed and offer what can be done; or that all is well again.

        Of the local hub the program itself tells, which knows more: who holds its port, say.
        """
        if page.is_local:
            return
        feed, state = page.feed, page.feed.state
        if state.phase in ("live", "closed") and not state.problem:
            page.notices.clear_notice(_KEY)
        elif state.problem or state.phase == "failed":
            actions: list[Action] = []
            if state.phase in ("waiting", "failed"):
                actions = [("Try again", lambda: self._actions.retry(feed)), ("Edit…", lambda: self.open_dialog(feed))]
            level = "error" if state.phase == "failed" else "warning"
            page.notices.show_notice(_KEY, state.problem or f"{feed.name}: {state.summary}.", level, actions)

    def _connect(self, address: ServerAddress, token: str, replaced: Feed | None) -> None:
        same = next(
            (feed for feed, known in self._addresses.items() if known == address and feed is not replaced), None
        )
        if same is not None:
            self.connected.emit(same, replaced)
            return
        feed = self._actions.connect(address, token)
        self._addresses[feed] = address
        self._remembered.add_recent(address)
        self.connected.emit(feed, replaced)
