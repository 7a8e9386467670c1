"""The local hub as the window tells of it: opened, listening, or what to do when it cannot. Nothing is drawn here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.errors import FolderInUse, ListenError, StorageError
from desktop_logs.core.safe_text import one_line
from desktop_logs.localhub import LocalHub
from desktop_logs.net.ports import next_free_port
from desktop_logs.storage.folder import check_folder
from desktop_logs.tasks import Tasks
from desktop_logs.terminal import announce
from desktop_logs.windows import Windows


class LocalTab:
    """Starts the hub, and keeps the notices and the status of its tab, which every window has, as things are."""

    def __init__(
        self, hub: LocalHub, windows: Windows, tasks: Tasks, *, port: int, path: str, warnings: Sequence[str]
    ) -> None:
        """*warnings* are told when others can reach the hub."""
        self._hub = hub
        self._windows = windows
        self._tasks = tasks
        self._port = port
        self._path = path
        self._warnings = warnings
        self._told = self._refused = self._noticed = ""
        """What the notices say now: a problem of the files, a refused entry, what befell the history."""

    def check_folder(self) -> None:
        """Tell when the data folder cannot be written to."""
        try:
            check_folder(self._hub.data_dir)
        except StorageError as failure:
            self._tell_files(str(failure))

    async def start(self) -> None:
        """Take the data folder, go on where the last program ended, and listen; or tell why that cannot be."""
        self._windows.clear_notice("folder")
        try:
            await self._hub.open()
        except FolderInUse as failure:
            self._tell_folder(failure)
        else:
            await self._listen(self._port)

    def _tell_folder(self, failure: FolderInUse) -> None:
        """Another program writes there: this one does not, and its hub takes nothing that it could not keep."""

        def open_again() -> None:
            self._tasks.start(self.start(), "open the data folder")

        offers = [("Try again", open_again)]
        if failure.url:
            # It shares this folder, and so its tokens.
            holder = Target(ServerAddress(failure.url), self._hub.access.tokens.viewer)
            offers.insert(0, ("Join it", lambda: self._join("folder", holder)))
        self._windows.show_notice("folder", str(failure), level="error", actions=offers)

    def _join(self, notice: str, holder: Target) -> None:
        self._windows.clear_notice(notice)
        self._windows.front.remotes.open(holder, is_passing=True)

    async def _listen(self, port: int) -> None:
        self._windows.clear_notice("port")
        try:
            await self._hub.listen(port, self._path)
        except ListenError as failure:
            free = await asyncio.to_thread(next_free_port, self._hub.access.host, failure.port)
            self._tell_port(failure, free)
        else:
            self._tell_address()

    def _tell_address(self) -> None:
        self._windows.set_local_address(self._hub.url, needs_token=not self._hub.access.is_local)
        if not self._hub.access.is_local:
            text = " ".join(["Others on the network can reach this hub, with its tokens.", *self._warnings])
            self._windows.show_notice(
                "shared", text, "info", [("Show the tokens…", lambda: self._windows.front.open_share_dialog())]
            )
        announce(f"listening on {self._hub.url}")

    def _tell_port(self, failure: ListenError, free_port: int) -> None:
        """*free_port* is offered in its place, unless it is 0."""

        def listen(port: int) -> None:
            self._tasks.start(self._listen(port), "listen")

        offers = [("Try again", lambda: listen(failure.port))]
        if free_port:
            offers.insert(0, (f"Use port {free_port}", lambda: listen(free_port)))
        if failure.holder == "desktop-logs":
            holder = Target(ServerAddress(failure.url))
            offers.insert(0, ("Join it", lambda: self._join("port", holder)))
        text = str(failure)
        self._windows.show_notice("port", text[:1].upper() + text[1:], level="error", actions=offers)

    def look(self) -> None:
        """Tell what has changed by itself since the last look; called once a second."""
        refused, notice, problem = self._hub.hub.last_rejection, self._hub.notice, self._hub.problem
        if refused != self._refused:
            self._refused = refused
            # A producer that asks for no answer would hear of none.
            self._windows.show_notice("refused", one_line(f"An entry was refused: {refused.rstrip('.')}."))
        if notice != self._noticed:
            self._noticed = notice
            self._windows.clear_notice("history")
            if notice:
                self._windows.show_notice("history", notice, level="info")
        if not self._hub.is_open:
            self._windows.set_files_state("not storing", False)
        elif not self._hub.disk.settings.files:
            self._windows.set_files_state("files off", True)
        else:
            self._windows.set_files_state("files failing" if problem else "files OK", not problem)
        if problem and problem != self._told:
            self._tell_files(problem)
        elif self._told and not problem:
            self._windows.clear_notice("files")
        self._told = problem

    def _tell_files(self, problem: str) -> None:
        text = f"{problem} Until then records are shown, but not kept."
        self._windows.show_notice(
            "files", text, level="error", actions=[("Go on without keeping them", self._keep_none)]
        )

    def _keep_none(self) -> None:
        self._hub.disk.configure(self._hub.disk.settings.changed(files=False, history=False))
        self._windows.clear_notice("files")
