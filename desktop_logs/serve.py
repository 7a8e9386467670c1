"""Puts a headless hub together: `desktop-logs serve`, and the window's stand-in where there is no display. No Qt."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from desktop_logs.admission import AccessOptions, Admission, admit, admit_again
from desktop_logs.collector import Collector
from desktop_logs.core.errors import SettingsError, StorageError, UserError
from desktop_logs.core.settings import LogSettings
from desktop_logs.crashes import Crashes
from desktop_logs.folders import crashes_dir, history_dir, logs_dir, settings_file
from desktop_logs.localhub import LocalHub
from desktop_logs.openfiles import allow_many
from desktop_logs.storage.folder import check_folder
from desktop_logs.storage.settings_file import read_settings
from desktop_logs.storage.tokens_file import tokens_command
from desktop_logs.terminal import Printer, announce, complain

PROBLEM_POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What the command line says."""

    port: int
    path: str
    data_dir: Path
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """Settings named on the command line; they go before those in the settings file."""
    access: AccessOptions = field(default_factory=AccessOptions)


def serve(options: ServeOptions) -> int:
    """Run a hub until SIGINT or SIGTERM; the exit code. Raises DesktopLogsError when it cannot begin."""
    allow_many()
    check_folder(options.data_dir)
    settings = read_settings(settings_file(options.data_dir)).changed(**options.overrides)
    admission = admit(options.access, options.data_dir)
    for warning in admission.warnings:
        complain(warning)
    with Crashes(crashes_dir(options.data_dir), "serve") as crashes:
        return asyncio.run(_serve(options, settings, admission, crashes))


async def _serve(options: ServeOptions, settings: LogSettings, admission: Admission, crashes: Crashes) -> int:
    crashes.hear(asyncio.get_running_loop())
    crashes.tell_unseen()
    printer = Printer(sys.stdout)
    printer.start()
    hub = LocalHub(
        options.data_dir,
        settings,
        what="desktop-logs serve",
        report=complain,
        console=printer.show,
        access=admission.access,
        tls=admission.tls,
        on_fault=crashes.note,
    )
    stop = asyncio.Event()
    _on_signals(stop, lambda: _reload(hub, options, admission))
    try:
        try:
            # Before anything else: who has the folder already is told at once.
            await hub.open()
            await hub.load()
            await asyncio.to_thread(crashes.know_libraries)
            # No frame waits here, so collections come as Python has them; over what came since the start alone, a full
            # one takes 0.2 ms instead of 20 to 40.
            Collector().settle()
            await hub.listen(options.port, options.path)
            announce(f"listening on {hub.url}")
            if not admission.access.is_local:
                announce(_for_others(hub.url_for_others, options))
            announce(f"log files in {logs_dir(options.data_dir)}" if settings.files else "no log files")
            announce(f"history in {history_dir(options.data_dir)}" if settings.history else "no history")
            await _until(stop, hub, lambda: crashes.look(hub.stats))
        finally:
            flushed = await hub.stop()
    finally:
        printer.close()
    if not flushed:
        complain("The disk did not take the last records in time. Look into the log files for what is missing.")
        return 1
    return 0


async def _until(stop: asyncio.Event, hub: LocalHub, look: Callable[[], None]) -> None:
    """Wait for *stop*, with a *look* every second, telling of each problem with the files when it begins and when it
    ends, and of each new reason to refuse an entry: a producer that asks for no answer hears of none."""
    told = refused = noticed = ""
    while not stop.is_set():
        look()
        if hub.hub.last_rejection != refused:
            refused = hub.hub.last_rejection
            complain(f"An entry was refused: {refused.rstrip('.')}.")
        if hub.disk.notice != noticed:  # what is repaired is reported as it happens
            noticed = hub.disk.notice
            if noticed:
                complain(noticed)
        if hub.problem != told:
            told = hub.problem
            complain(told or "The log files can be written again.")
        try:
            async with asyncio.timeout(PROBLEM_POLL_S):
                await stop.wait()
        except TimeoutError:
            pass  # time to look at the files again


def _for_others(where: str, options: ServeOptions) -> str:
    if options.access.viewer_token and options.access.producer_token:
        return f"on other machines {where}, with the tokens given on the command line"
    return f"on other machines {where}, with what this prints: {tokens_command(options.data_dir)}"


def _reload(hub: LocalHub, options: ServeOptions, admission: Admission) -> None:
    try:
        hub.change_access(admit_again(admission, options.access, options.data_dir))
    except (UserError, StorageError) as wrong:
        complain(f"{wrong} Who may use the hub stays as it was.")
    try:
        settings = read_settings(settings_file(options.data_dir)).changed(**options.overrides)
    except SettingsError as wrong:
        complain(f"{wrong} The settings stay as they were.")
    else:
        hub.disk.configure(settings)


def _on_signals(stop: asyncio.Event, reload: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM"):
        number = getattr(signal, name)
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:
            # Windows' loop has no signal handlers; Python's own runs between two of its bytecodes.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    if hasattr(signal, "SIGHUP"):
        loop.add_signal_handler(signal.SIGHUP, reload)
