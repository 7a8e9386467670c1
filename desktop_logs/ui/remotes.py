"""The window's dealings with remote servers: the dialog, which feed is which target, and what to do when one fails."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop_logs.core.connecting import Target
from desktop_logs.core.errors import DesktopLogsError
from desktop_logs.core.feed import Feed
from desktop_logs.tasks import Tasks
from desktop_logs.ui.actions import WindowActions
from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.notices import Action, Level
from desktop_logs.ui.remembered import Remembered
from desktop_logs.ui.theme import Theme

if TYPE_CHECKING:
    from desktop_logs.ui.connect_dialog import ConnectDialog, Wanted

_FINISH_S: Final = 2.0
_KEY: Final = "feed"
_log = logging.getLogger(__name__)


class Remotes(QObject):
    """Connects on a person's request, and explains a feed's state on its page."""

    connected = Signal(object, object, bool)
    """The feed (perhaps one that is there already), the feed that it takes the place of, or None, and whether a person
    wants to see it now."""
    token_not_kept = Signal(object, str)
    """The feed, and why its token is not in the keyring, in a sentence."""

    def __init__(self, actions: WindowActions, theme: Theme, remembered: Remembered, window: QWidget) -> None:
        super().__init__(window)
        self._actions = actions
        self._theme = theme
        self._remembered = remembered
        self._window = window
        self._targets: dict[Feed, Target] = {}
        self._passing: set[Feed] = set()
        """Those that are not opened again at the next start."""
        self._without_token: set[Feed] = set()
        """Those whose token was forgotten when the program ended."""
        self._reopening: asyncio.Task[None] | None = None
        self._order: Sequence[Feed] = ()
        self._may_remember = False
        """Before the tabs of last time are back, those that are there are not all."""
        self._is_closed = False
        self._dialog: ConnectDialog | None = None
        self._offered: deque[Target] = deque()
        """What links have asked for, and a person was not shown yet."""
        self._tasks = Tasks()

    def target_of(self, feed: Feed) -> Target | None:
        """What *feed* is connected to; None for the local hub."""
        return self._targets.get(feed)

    def open_dialog(self, replaced: Feed | None = None) -> None:
        """Ask for a server, unless one is being asked for; with *replaced*, the new feed takes that one's place, and
        its target is filled in."""
        if self._dialog is not None:
            self._dialog.activateWindow()
            return
        dialog = self._make_dialog(replaced)
        if replaced is not None and replaced in self._targets:
            dialog.fill(self._targets[replaced])
        dialog.open()

    def offer(self, target: Target) -> None:
        """Ask whether *target*, which a link names, is to be connected; one after another when there are several."""
        if self._is_closed:
            return
        if target not in self._offered:
            self._offered.append(target)
        if self._dialog is None:
            self._offer_next()
        else:
            self._dialog.tell_waiting(len(self._offered))

    def _offer_next(self) -> None:
        if self._dialog is None and self._offered:
            dialog = self._make_dialog(None)
            dialog.offer(self._offered.popleft(), len(self._offered))
            dialog.open()

    def _make_dialog(self, replaced: Feed | None) -> ConnectDialog:
        # Loaded when it is opened: the window is there sooner.
        from desktop_logs.ui.connect_dialog import ConnectDialog

        dialog = ConnectDialog(self._theme, self._actions, self._remembered.recents, self._window)

        def connect(wanted: Wanted) -> None:
            try:
                feed = self.open(wanted.target, replaced)
            except DesktopLogsError as wrong:
                dialog.show_problem(str(wrong))
                return
            self._remembered.add_recent(wanted.target)
            if wanted.keeps_token is not None:
                token = wanted.target.token if wanted.keeps_token else ""
                self._tasks.start(self._keep_token(feed, wanted.target, token), "keep a token")

        dialog.connect_requested.connect(connect)
        dialog.recent_removed.connect(self._remembered.remove_recent)
        dialog.finished.connect(self._dialog_finished)
        self._dialog = dialog
        return dialog

    def open(self, target: Target, replaced: Feed | None = None, *, is_passing: bool = False) -> Feed:
        """A tab in front for *target*: the one that it has, or a new one, in the place of *replaced* if given.

        One that is *is_passing* is not opened again at the next start. Raises DesktopLogsError.
        """
        return self._open(target, replaced, is_passing=is_passing, activate=True)

    async def open_with_kept_token(self, target: Target) -> None:
        """The same, with the token that the keyring has when *target* has none."""
        if not target.token:
            target = replace(target, token=await self._actions.kept_token(target.address))
        if not self._is_closed:  # while a person was asked to open the keyring
            self.open(target)

    @property
    def has_any(self) -> bool:
        """True when a server had a tab when the window was last used."""
        return bool(self._remembered.open_remotes)

    def reopen(self) -> None:
        """Connect to the servers that had a tab when the window was last used, with the tokens that the keyring has.

        From then on it is remembered which have one.
        """
        self._reopening = self._tasks.start(self._reopen(), "reopen remote tabs")

    def remember(self, feeds: Sequence[Feed]) -> None:
        """These have tabs now, in this order."""
        self._order = list(feeds)
        if self._may_remember:
            kept = [self._targets[feed] for feed in feeds if feed in self._targets and feed not in self._passing]
            self._remembered.set_open_remotes(kept)

    def forget(self, feed: Feed) -> None:
        """*feed* is closed."""
        self._targets.pop(feed, None)
        self._passing.discard(feed)
        self._without_token.discard(feed)

    def close(self) -> None:
        """Open nothing any more, and ask nobody."""
        self._is_closed = True
        if self._reopening is not None:
            self._reopening.cancel()
        self._offered.clear()
        if self._dialog is not None:
            self._dialog.reject()

    async def finish(self) -> None:
        """Wait until the tokens given are kept, for a moment at most."""
        await self._tasks.finish(_FINISH_S)

    def explain(self, page: FeedPage) -> None:
        """Tell on *page* what is wrong with its feed and offer what can be done; or that all is well again.

        Of the local hub the program itself tells, which knows more: who holds its port, say.
        """
        if page.is_local:
            return
        feed, state = page.feed, page.feed.state
        if state.phase in ("live", "closed") and not state.problem:
            page.notices.clear_notice(_KEY)
            self._without_token.discard(feed)
        elif state.problem or state.phase == "failed":
            actions: list[Action] = []
            text = state.problem or f"{feed.name}: {state.summary}."
            edit = "Edit…"
            # Whatever the fault: a hub that refuses is tried again, as one that is not there yet.
            if state.phase in ("waiting", "failed") and feed in self._without_token:
                text, edit = f"{text} The token was kept only until the program ended.", "Enter the token…"
            if state.phase in ("waiting", "failed"):
                actions = [("Try again", lambda: self._actions.retry(feed)), (edit, lambda: self.open_dialog(feed))]
            level: Level = "error" if state.phase == "failed" else "warning"
            page.notices.show_notice(_KEY, text, level, actions)

    # Inside

    def _dialog_finished(self) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None
            self._offer_next()

    def _open(self, target: Target, replaced: Feed | None, *, is_passing: bool, activate: bool) -> Feed:
        same = self._same(target)
        if same is not None and same is not replaced:
            if replaced is not None or self._targets[same] == target:
                self.connected.emit(same, replaced, activate)
                return same
            replaced = same  # with another token, or another trust
        feed = self._actions.connect(target)
        self._targets[feed] = target
        if is_passing:
            self._passing.add(feed)
        self.connected.emit(feed, replaced, activate)
        return feed

    def _same(self, target: Target) -> Feed | None:
        """The feed of the same server with the same query."""
        wanted = (target.address, target.query)
        return next((feed for feed, known in self._targets.items() if (known.address, known.query) == wanted), None)

    async def _reopen(self) -> None:
        remotes = self._remembered.open_remotes
        # A keyring that is not needed is not asked: it may ask a person in its turn.
        tokens = await asyncio.gather(*(self._token(one.target) for one in remotes if one.had_token))
        for one in remotes:
            token = tokens.pop(0) if one.had_token else ""
            try:
                feed = self._open(replace(one.target, token=token), None, is_passing=False, activate=False)
            except DesktopLogsError as wrong:
                _log.warning("%s", wrong)
                continue
            if one.had_token and not token:
                self._without_token.add(feed)
        self._may_remember = True
        self.remember(self._order)

    async def _token(self, target: Target) -> str:
        return await self._actions.kept_token(target.address)

    async def _keep_token(self, feed: Feed, target: Target, token: str) -> None:
        problem = await self._actions.keep_token(target.address, token)
        if problem:
            self.token_not_kept.emit(feed, problem)
