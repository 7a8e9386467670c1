"""The hub of this process: store, hub and server, started and stopped in order. The window and `serve` share it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from desktop_logs import __version__
from desktop_logs.core.access import ALL_ADDRESSES, LOCAL_ACCESS, Access
from desktop_logs.core.addresses import DEFAULT_PATH
from desktop_logs.core.encoding import Entries
from desktop_logs.core.errors import FolderInUse, ListenError, StorageError
from desktop_logs.core.feed import FeedState
from desktop_logs.core.history import History
from desktop_logs.core.hub import Hub
from desktop_logs.core.records import Record
from desktop_logs.core.settings import LogSettings
from desktop_logs.folders import history_dir, logs_dir
from desktop_logs.localhistory import LocalHistory
from desktop_logs.storage.datalock import DataLock
from desktop_logs.storage.disk import DiskThread
from desktop_logs.storage.printing import Console
from desktop_logs.storage.repair import Repairs, set_aside
from desktop_logs.storage.segments import SegmentName, was_left_open

if TYPE_CHECKING:
    import ssl

    from desktop_logs.net.server import HubServer

FLUSH_TIMEOUT_S = 5.0


class LocalHub:
    """Also the feed of the window's first tab."""

    def __init__(
        self,
        data_dir: Path,
        settings: LogSettings,
        *,
        what: str,
        report: Callable[[str], None],
        console: Console | None = None,
        more_stats: Callable[[], Mapping[str, int]] = dict,
        access: Access = LOCAL_ACCESS,
        tls: ssl.SSLContext | None = None,
        on_fault: Callable[[BaseException], object] = lambda failure: None,
    ) -> None:
        """Nothing is opened yet. *what* is this program's name for others that want its data folder, and *report* is
        told what goes wrong beside the records; *on_fault* gets, in whichever thread, what this program does wrong
        itself. See HubServer for the rest."""
        self.data_dir = data_dir
        history = history_dir(data_dir)
        self._lock = DataLock(data_dir, what)
        self._repairs: Repairs | None = None
        entries = Entries()
        self.disk = DiskThread(
            logs_dir(data_dir),
            settings,
            entries.entry,
            history=history,
            on_damage=self._set_aside,
            may_write=self._hold_folder,
            console=console,
            on_fault=on_fault,
        )
        self.hub = Hub(self.disk, entries=entries)
        self._history = LocalHistory(history)
        # Its own thread: a viewer that resumes must not wait for a search.
        self._catching_up = LocalHistory(history)
        self._is_open = False
        self._report = report
        self._more_stats = more_stats
        self._access = access
        self._tls = tls
        self._on_fault = on_fault
        self._server: HubServer | None = None
        self._state = FeedState("starting", "starting")
        self._listeners: list[Callable[[], None]] = []

    async def load(self) -> None:
        """Import what the server needs, as `start` does otherwise: a quarter of a second, in a thread.

        A window may be shown already and must answer meanwhile.
        """
        if self._server is None:
            make = await asyncio.to_thread(_server_class)
            self._server = make(
                self.hub,
                history=self._history,
                catching_up=self._catching_up,
                version=__version__,
                clock_ns=time.time_ns,
                report=self._report,
                access=self._access,
                tls=self._tls,
                on_fault=self._on_fault,
                more_stats=lambda: {**self._stored(), **self._more_stats()},
            )

    async def open(self) -> None:
        """Take the data folder for this program, and go on where the last one ended: the newest records are in the
        ring again, and what comes is stored.

        Raises FolderInUse; nothing is written then, and it may be tried again. A folder that cannot be written is no
        reason to stop: `problem` says so until it can.
        """
        if self._is_open:
            return
        try:
            notice = await asyncio.to_thread(self._lock.acquire)
        except FolderInUse as failure:
            self._become(FeedState("failed", "data folder in use", str(failure)))
            raise
        except StorageError:
            pass  # the disk thread meets it too, tells it, and tries again: what comes is shown meanwhile
        else:
            if notice:
                self._report(notice)
        self._is_open = True
        history = history_dir(self.data_dir)
        ended_well = not await asyncio.to_thread(was_left_open, history)
        self.hub.restore(await asyncio.to_thread(self.disk.open))
        self.disk.start()
        self._repairs = Repairs(
            history,
            logs_dir(self.data_dir),
            self._report,
            live=lambda: self.disk.live_segment,
            roll=self.disk.leave_segment,
            ended_well=ended_well,
            on_fault=self._on_fault,
        )
        self._repairs.start()
        self.hub.subscribe(self._wake)
        self._wake()

    async def listen(self, port: int, path: str = DEFAULT_PATH) -> None:
        """Listen on *port*, with Socket.IO on its usual path and on *path*, once it is open. Raises ListenError."""
        await self.load()
        assert self._server is not None
        try:
            await self._server.start(port, (DEFAULT_PATH, path))
        except ListenError as failure:
            self._become(
                FeedState("failed", f"not listening on {self._access.host}:{port}", _as_sentence(str(failure)))
            )
            raise
        self._lock.announce(self.url)
        self._become(FeedState("live", f"listening on {self.address}"))

    @property
    def access(self) -> Access:
        """Who may use it."""
        return self._access

    def change_access(self, access: Access) -> None:
        """Let in by *access* from now on; its host stays as it was."""
        self._access = access
        if self._server is not None:
            self._server.change_access(access)

    @property
    def is_open(self) -> bool:
        """True once the data folder is this program's."""
        return self._is_open

    @property
    def problem(self) -> str:
        """What is wrong with storing, in a sentence with what to do; empty when all is well."""
        return self.disk.problem

    @property
    def notice(self) -> str:
        """What a person should know of the history, or what cannot be mended there; empty when there is nothing."""
        repaired = (self._repairs.problem or self._repairs.notice) if self._repairs is not None else ""
        return repaired or self.disk.notice

    async def stop(self) -> bool:
        """Stop listening, write what waits, close the files. False when the disk did not finish in time."""
        try:
            if self._server is not None:
                await self._server.stop()
            await self._history.close()
            await self._catching_up.close()
            self._become(FeedState("closed", "closed"))
        finally:
            flushed = await asyncio.to_thread(self.close_files)
        return flushed

    def close_files(self) -> bool:
        """Write what waits and let the data folder go, also where no loop runs any more. False as `stop` has it."""
        if not self._is_open:
            return True  # nothing was taken, and another program may have the folder
        if self._repairs is not None:
            self._repairs.close(FLUSH_TIMEOUT_S)
        flushed = self.disk.close(FLUSH_TIMEOUT_S)
        self._lock.release()
        return flushed

    def _hold_folder(self) -> None:
        """Costs nothing once it is held. Raises StorageError."""
        try:
            self._lock.acquire()
        except FolderInUse as failure:
            raise StorageError(*failure.args) from failure

    def _set_aside(self, name: SegmentName) -> None:
        """The disk thread has met damage in the segment that it writes to."""
        set_aside(history_dir(self.data_dir), name)
        if self._repairs is not None:  # else its start finds what was set aside
            self._repairs.report(name)

    # As a feed

    @property
    def name(self) -> str:
        return "Local hub"

    @property
    def address(self) -> str:
        return self.url.partition("://")[2]

    @property
    def url(self) -> str:
        """Where programs reach the hub; empty while it does not listen."""
        return self._server.url if self._server is not None and self._server.port else ""

    @property
    def url_for_others(self) -> str:
        """Where other machines reach it, by this one's name when it listens on all addresses; empty as `url` is."""
        if self._access.host not in ALL_ADDRESSES or not self.url:
            return self.url
        return f"{self.url.partition('://')[0]}://{socket.gethostname()}:{self.url.rpartition(':')[2]}"

    @property
    def state(self) -> FeedState:
        return self._state

    @property
    def history(self) -> History | None:
        return self._history if self.disk.settings.history else None

    @property
    def head(self) -> int:
        return self.hub.head

    def since(self, seq: int, limit: int = 5000) -> list[Record]:
        """As Ring.since."""
        return self.hub.ring.since(seq, limit)

    def stats(self) -> Mapping[str, int]:
        """As `GET /api/stats`; without what the server counts while there is none."""
        return self._server.stats() if self._server is not None else {**self.hub.stats(), **self._stored()}

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call *listener* when records or the state are new."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _stored(self) -> Mapping[str, int]:
        return {"history_records": self.disk.history_records, "history_bytes": self.disk.history_bytes}

    def _become(self, state: FeedState) -> None:
        self._state = state
        self._wake()

    def _wake(self) -> None:
        for listener in tuple(self._listeners):
            listener()


def _server_class() -> type[HubServer]:
    from desktop_logs.net.server import HubServer

    return HubServer


def _as_sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
