"""Puts a window together: loop, hub, feeds and the window, started and stopped in order. Nothing is drawn here."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from desktop_logs import APP_ID, __version__
from desktop_logs.admission import Admission
from desktop_logs.clientloading import load_client, remote_feed_class
from desktop_logs.collector import Collector
from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target, Tested
from desktop_logs.core.errors import SettingsError
from desktop_logs.core.feed import Feed
from desktop_logs.core.handover import running_options
from desktop_logs.core.opening import Opening
from desktop_logs.core.settings import LogSettings
from desktop_logs.crashes import Crashes
from desktop_logs.crashoffer import offer_reports
from desktop_logs.fileloading import OpenFiles
from desktop_logs.folders import crashes_dir, logs_dir, settings_file, window_file
from desktop_logs.keychain import Keychain
from desktop_logs.laterstarts import Application, LaterStarts
from desktop_logs.localhub import LocalHub
from desktop_logs.localtab import LocalTab
from desktop_logs.openings import Openings
from desktop_logs.signalwaker import SignalWaker
from desktop_logs.storage.settings_file import read_settings, write_settings
from desktop_logs.tasks import Tasks
from desktop_logs.terminal import Printer, complain
from desktop_logs.ui.actions import Sharing
from desktop_logs.ui.loop import make_loop
from desktop_logs.ui.theme import Theme
from desktop_logs.ui.window import TITLE, MainWindow
from desktop_logs.ui.windowplace import bring_to_front
from desktop_logs.windows import Windows

if TYPE_CHECKING:
    from desktop_logs.net.client import RemoteFeed

WATCH_EVERY_S = 1.0
FIRST_PAINT_WAIT_S = 1.0
"""A window that starts hidden or minimized is not painted; then nobody waits for it either."""

LEAVING_WAIT_S = 3.0
"""Longer than a window itself waits for the tokens that it keeps."""


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """What the command line says."""

    port: int
    path: str
    data_dir: Path
    opening: Opening = field(default_factory=Opening)
    admission: Admission = field(default_factory=Admission)
    asked: Mapping[str, str] = field(default_factory=dict, repr=False)
    """How the hub was to run, as far as it was typed: what a later start asks for is compared with it."""
    meeting: str = ""
    """The socket at which later starts are heard; none are when it is empty."""


def run_window(options: WindowOptions) -> int:
    """Open the window and run until it is closed; the exit code. A fault leaves a report in the data folder."""
    with Crashes(crashes_dir(options.data_dir), "window") as crashes:
        return _run_window(options, crashes)


def _run_window(options: WindowOptions, crashes: Crashes) -> int:
    application = Application([TITLE])
    application.setApplicationName("desktop-logs")
    application.setApplicationDisplayName(TITLE)
    application.setApplicationVersion(__version__)
    application.setDesktopFileName(APP_ID)
    starts = LaterStarts(application)
    loop = make_loop(application)
    asyncio.set_event_loop(loop)
    crashes.know(Screen=application.platformName())
    crashes.hear(loop)
    collector = Collector()
    collector.start()
    desktop = Desktop(options, application, collector, starts, crashes)
    running = loop.create_task(desktop.run())
    try:
        return int(loop.run_until_complete(running))
    except RuntimeError:
        if running.done():
            raise
        # Qt has left its loop by itself, which it does when the display goes: at the end of a session, say.
        complain("The display has gone away, so the window ends. What was acknowledged is in the log files.")
        desktop.abandon()
        os._exit(1)  # Qt cannot be taken down in order any more
    finally:
        collector.stop()
        asyncio.set_event_loop(None)
        loop.close()


class Desktop:
    """The window with its hub and its feeds; the window asks it for what it may not do itself (WindowActions)."""

    def __init__(
        self,
        options: WindowOptions,
        application: QApplication,
        collector: Collector | None = None,
        starts: LaterStarts | None = None,
        crashes: Crashes | None = None,
    ) -> None:
        """*collector* is told when to take a look; without one Python's garbage collector is left alone. *starts* is
        heard once there is a window to show things in, and what *crashes* has heard of is offered to be read."""
        self._options = options
        self._collector = collector
        self._starts = starts
        self._crashes = crashes
        self._closed = asyncio.Event()
        self._painted = asyncio.Event()
        self._tasks = Tasks(self._task_failed)
        self._leaving = Tasks(self._task_failed)
        """Windows that are closed, while others were open: what they keep is kept before the program ends."""
        self._remotes: dict[Feed, RemoteFeed] = {}
        self._files = OpenFiles(self._tasks)
        self._keychain = Keychain(complain)
        settings, self._settings_problem = _settings(options.data_dir)
        self._printer = Printer(sys.stdout)
        self._hub = LocalHub(
            options.data_dir,
            settings,
            what="the Desktop Logs window",
            report=self._report,
            console=self._printer.show,
            more_stats=self._window_stats,
            access=options.admission.access,
            tls=options.admission.tls,
            on_fault=self._note,
        )
        store = QSettings(str(window_file(options.data_dir)), QSettings.Format.IniFormat)
        theme = Theme(application)
        self._windows = Windows(
            lambda: MainWindow(local=self._hub, actions=self, theme=theme, store=store, local_url=""), application
        )
        self._windows.one_closed.connect(self._take_down)
        self._openings = Openings(self._windows, self._tasks, self._running_options)
        self._tab = LocalTab(
            self._hub,
            self._windows,
            self._tasks,
            port=options.port,
            path=options.path,
            warnings=options.admission.warnings,
        )

    async def run(self) -> int:
        """Show the window, serve, and when it is closed end everything in order: no more in, flush, sockets, quit."""
        waker = SignalWaker()
        try:
            await self._until_closed()
        finally:
            waker.close()
            # Whatever went wrong above: what was acknowledged is written, and the port is free again.
            flushed = await self._stop()
        if not flushed:
            complain("The disk did not take the last records in time. Look into the log files for what is missing.")
        return 0 if flushed else 1

    async def _until_closed(self) -> None:
        first = self._windows.first
        self._windows.closed.connect(self._closed.set)
        self._windows.closed.connect(self._painted.set)  # nobody waits for its paint then
        if self._starts is not None:
            # Who comes now waits until this program has ended, and is the first then.
            self._windows.closed.connect(self._starts.close)
        first.painted.connect(self._painted.set)
        loop = asyncio.get_running_loop()

        def close_soon(*_: object) -> None:
            # Python calls it between any two of its steps: what it interrupts must not find the window half closed.
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._windows.close)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, close_soon)
        first.show()
        self._printer.start()
        if self._settings_problem:
            self._windows.show_notice("settings", self._settings_problem)
        self._tab.check_folder()
        if self._crashes is not None:
            offer_reports(self._crashes, self._windows, loop)
        # First what a person waits for; the network is loaded, in a thread, once the window is there to look at.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._painted.wait(), FIRST_PAINT_WAIT_S)
        self._hear_later_starts()
        self._windows.reset_stalls()  # what opening the window took is start-up, which has figures of its own
        await self._hub.load()
        if self._crashes is not None:
            await asyncio.to_thread(self._crashes.know_libraries)
        if self._collector is not None:
            self._collector.settle()
        if first.remotes.has_any:
            await asyncio.to_thread(load_client)
        if self._closed.is_set():
            return  # closed while it opened: nobody is to find a port that is about to go
        if first in self._windows.all:
            first.remotes.reopen()
        self._openings.show(self._options.opening)
        if self._starts is not None:
            self._starts.serve(self._openings.take, self._openings.show_item)
        await self._tab.start()
        self._tasks.start(self._watch(), "watch")
        await self._closed.wait()

    def _hear_later_starts(self) -> None:
        """One that has come while the window opened is still waiting."""
        if self._starts is not None and not self._closed.is_set():
            problem = self._starts.listen(self._options.meeting)
            if problem:
                complain(problem)

    async def _watch(self) -> None:
        """See to what changes by itself, and clean up in quiet moments."""
        while True:
            self._tab.look()
            if self._crashes is not None:
                self._crashes.look(self._hub.stats)
            if self._collector is not None:
                self._collector.look(is_quiet=not self._windows.is_busy)
            await asyncio.sleep(WATCH_EVERY_S)

    def _running_options(self) -> Mapping[str, str]:
        """How the hub runs, by the names of HUB_OPTIONS."""
        port = self._hub.url.rpartition(":")[2] or str(self._options.port)
        return {**self._options.asked, **running_options(port, self._options.path, self._hub.access)}

    def _take_down(self, window: MainWindow) -> None:
        """*window* is closed, and others go on."""

        async def take_down() -> None:
            await window.remotes.finish()
            window.deleteLater()

        for page in window.pages:
            self.disconnect(page.feed)
        self._leaving.start(take_down(), "take a window down")

    def abandon(self) -> None:
        """Write what waits, where no loop runs any more to stop in order."""
        self._hub.close_files()

    async def _stop(self) -> bool:
        if self._starts is not None:
            self._starts.close()
        try:
            kept = (window.remotes.finish() for window in self._windows.all)
            await asyncio.gather(*kept, self._leaving.finish(LEAVING_WAIT_S))
            await self._tasks.cancel_all()
            for feed in list(self._remotes.values()):
                await feed.close()
        finally:
            try:
                flushed = await self._hub.stop()
            finally:
                self._printer.close()
        return flushed

    # What the window asks for (WindowActions)

    @property
    def log_settings(self) -> LogSettings:
        """What is written where, now."""
        return self._hub.disk.settings

    @property
    def logs_folder(self) -> Path:
        """Where the rotating files lie."""
        return logs_dir(self._options.data_dir)

    def connect(self, target: Target) -> Feed:
        """A feed of *target*, connecting already."""
        feed = remote_feed_class()(target)
        self._remotes[feed] = feed
        feed.start()
        return feed

    def open_file(self, path: str) -> Feed:
        """A feed of the log file at *path*, reading already."""
        return self._files.open(path, self.log_settings.held_records)

    async def test(self, target: Target) -> Tested:
        """What an attempt to connect to *target* finds."""
        await asyncio.to_thread(load_client)
        from desktop_logs.net.trial import test_connection

        return await test_connection(target)

    async def keeps_tokens(self) -> bool:
        """True when the system has a keyring."""
        return await self._keychain.is_there()

    async def kept_token(self, address: ServerAddress) -> str:
        """What the keyring has for *address*."""
        return await self._keychain.token(address)

    async def keep_token(self, address: ServerAddress, token: str) -> str:
        """Keep or forget a token; why that failed."""
        return await self._keychain.keep(address, token)

    def sharing(self) -> Sharing:
        """How others reach the hub."""
        access, has_tls = self._hub.access, self._options.admission.tls is not None
        return Sharing(self._hub.url_for_others, access.is_local, has_tls, access.tokens.viewer, access.tokens.producer)

    def disconnect(self, feed: Feed) -> None:
        """Leave the server of *feed*, or let its file go."""
        self._files.close(feed)
        remote = self._remotes.pop(feed, None)
        if remote is not None:
            self._tasks.start(remote.close(), f"leave {remote.address}")

    def retry(self, feed: Feed) -> None:
        """Make the feed's next attempt now."""
        self._files.retry(feed)
        if feed in self._remotes:
            self._remotes[feed].retry()

    def change_log_settings(self, settings: LogSettings) -> None:
        """Follow *settings* from now on, and keep them. Raises SettingsError when they cannot be kept."""
        self._hub.disk.configure(settings)
        write_settings(settings_file(self._options.data_dir), settings)
        self._windows.follow(settings)

    def new_window(self) -> None:
        """A further window on the same hub, in front."""
        bring_to_front(self._windows.open())

    def _window_stats(self) -> Mapping[str, int]:
        return self._windows.stats()

    def _report(self, problem: str) -> None:
        complain(problem)

    def _task_failed(self, name: str, failure: BaseException) -> None:
        complain(f"{name} failed: {failure!r}. This is a fault of Desktop Logs: report it.")
        self._note(failure)

    def _note(self, failure: BaseException) -> None:
        if self._crashes is not None:
            self._crashes.note(failure)


def _settings(data_dir: Path) -> tuple[LogSettings, str]:
    try:
        return read_settings(settings_file(data_dir)), ""
    except SettingsError as wrong:
        return LogSettings(), f"{wrong} The defaults are used."
