"""Where this program's own faults are heard and reported: Python's hooks, asyncio's, and signals. No Qt, no records."""

from __future__ import annotations

import asyncio
import faulthandler
import linecache
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import desktop_logs
from desktop_logs.core.crashreport import facts_text, fatal_of, offer_sentence, report_text, started_fact
from desktop_logs.core.errors import DesktopLogsError
from desktop_logs.crashfolder import CrashFolder, Report
from desktop_logs.runningfile import RunningFile, left_over
from desktop_logs.terminal import complain, native_faults_to_stderr

MOST_A_RUN: Final = 5
COUNTERS_EVERY_S: Final = 5.0
_PATIENCE_S: Final = 0.2
"""So long a fault waits for the report of another one, made in another thread."""
_PACKAGE: Final = os.path.dirname(desktop_logs.__file__) + os.sep
_NO_FAULT: Final = (DesktopLogsError, BrokenPipeError)
"""What leaves the program with a sentence of its own."""


class Crashes:
    """`with Crashes(folder, "serve") as crashes:` around a long-running program.

    Inside, a fault of the program leaves a report in *folder*, once for each and MOST_A_RUN at most; a signal that ends
    the process leaves what the next start makes a report of. What else hears of faults hears of them as before, and
    first. Where *folder* cannot be used, the program runs all the same; and a fault in here never hides the first.
    """

    def __init__(self, folder: Path, program: str) -> None:
        """*program* is its kind, and no command line: that may have tokens in it."""
        self._folder = CrashFolder(folder)
        self._program = program
        self._running: RunningFile | None = None
        self._facts: dict[str, str] = {}
        self._counters: dict[str, float] = {}
        self._next_look_s = 0.0
        self._lock = threading.Lock()
        self._known: set[object] = set()
        self.tell: Callable[[Report], object] | None = None
        """Called with each report of a fault that the program goes on after, in the thread that had it."""

    def __enter__(self) -> Crashes:
        self._facts = _facts(self._program)
        self._hooks_before = (sys.excepthook, threading.excepthook)
        sys.excepthook, threading.excepthook = self._uncaught, self._uncaught_in_thread
        self._was_enabled = faulthandler.is_enabled()
        with suppress(Exception):  # whatever it is, the program begins
            self._folder.make()
            self._take_left_over()
            self._running = RunningFile(self._folder.path)
            # The thread at fault alone: the others may go on while they are looked at, and where their frames change
            # under it faulthandler is hit itself, before it has come to the one that matters.
            faulthandler.enable(self._running.file, all_threads=False)
            self._write_facts()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(failure, Exception) and not isinstance(failure, _NO_FAULT):
            self.note(failure, ended=True)
        for module, ours, before in zip(
            (sys, threading), (self._uncaught, self._uncaught_in_thread), self._hooks_before, strict=True
        ):
            if module.excepthook == ours:
                module.excepthook = before
        if self._running is not None:
            faulthandler.disable()
            if self._was_enabled:
                native_faults_to_stderr()
            self._running.close()
            self._running = None

    # What the program tells

    def know(self, **facts: str) -> None:
        """Have *facts* in every report from now on, and in that of a signal."""
        self._facts = self._facts | facts  # another thread may be reading those before
        self._write_facts()

    def know_libraries(self) -> None:
        """The same for the versions of what is loaded after the start; may read files. Also makes ready what a report
        takes: at a fault there may be no more memory to load it."""
        import desktop_logs.core.faulttrace  # noqa: F401

        found = {}
        aiohttp = sys.modules.get("aiohttp")
        if aiohttp is not None:
            found["aiohttp"] = str(aiohttp.__version__)
        if "socketio" in sys.modules:
            # It says its version nowhere else. A bundle may lack it.
            from importlib.metadata import PackageNotFoundError, version

            with suppress(PackageNotFoundError):
                found["python-socketio"] = version("python-socketio")
        self.know(**found)

    def look(self, stats: Callable[[], Mapping[str, float]]) -> None:
        """Keep the counters that *stats* gives; called once a second, it asks for them every COUNTERS_EVERY_S."""
        now_s = time.monotonic()
        if now_s >= self._next_look_s:
            self._next_look_s = now_s + COUNTERS_EVERY_S
            self._counters = dict(stats())
            self._write_facts()

    def hear(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear of what tasks and callbacks of *loop* raise and nobody waits for."""
        loop.set_exception_handler(self._loop_failed)

    def note(self, failure: BaseException, *, ended: bool = False) -> None:
        """Make a report of *failure*, unless it had one. From any thread; never raises."""
        try:
            report = self._report(failure, ended)
        except OSError as full:
            complain(f"No report of this fault could be written in {self._folder.path}: {full.strerror}.")
        except Exception as second:  # noqa: BLE001 - it must not take the place of the first, which has been told
            complain(f"No report of this fault could be made: {type(second).__name__}.")
        else:
            if report is not None:
                complain(f"A report of this fault is in {report.path}; it holds no log contents.")
                if self.tell is not None and not ended:
                    with suppress(Exception):  # as above
                        self.tell(report)

    # What others ask

    def tell_unseen(self) -> None:
        """Say on stderr what befell earlier runs, where nobody can be asked; once."""
        unseen = self._folder.unseen()
        if unseen:
            newest = unseen[0]
            told = offer_sentence(newest.ended, newest.at.astimezone(), datetime.now().astimezone())
            more = f", and {len(unseen) - 1} more beside it" if len(unseen) > 1 else ""
            complain(f"{told} A report is in {newest.path}{more}; it holds no log contents.")
            self._folder.mark_seen(unseen)

    @property
    def folder(self) -> CrashFolder:
        """The reports that are there."""
        return self._folder

    # Inside

    def _report(self, failure: BaseException, ended: bool) -> Report | None:
        from desktop_logs.core.faulttrace import describe, headline, key_of

        if not self._lock.acquire(timeout=_PATIENCE_S):
            return None
        try:
            key = (ended, key_of(failure))
            if key in self._known or (len(self._known) >= MOST_A_RUN and not ended):
                return None
            self._known.add(key)
            at, facts = datetime.now(UTC), facts_text(self._facts, self._counters)
            text = report_text(headline(failure), at, not ended, facts, describe(failure, _source_line))
            return self._folder.write(_without_home(text), at, os.getpid(), ended=ended)
        finally:
            self._lock.release()

    def _take_left_over(self) -> None:
        for left in left_over(self._folder.path):
            fatal = fatal_of(left.last_words)
            if fatal:
                text = report_text(fatal, left.at, False, left.facts, left.last_words.split("\n"))
                try:
                    self._folder.write(_without_home(text), left.at, left.pid, ended=True)
                except OSError as full:
                    # It is lost then: it is not to be tried at every start.
                    told = offer_sentence(True, left.at.astimezone(), datetime.now().astimezone())
                    complain(f"{told} No report of it could be written in {self._folder.path}: {full.strerror}.")

    def _write_facts(self) -> None:
        if self._running is not None:
            with suppress(OSError):
                self._running.write(facts_text(self._facts, self._counters))

    def _uncaught(self, kind: type[BaseException], failure: BaseException, trace: TracebackType | None) -> None:
        try:
            self._hooks_before[0](kind, failure, trace)
        finally:
            if isinstance(failure, Exception):
                self.note(failure)

    def _uncaught_in_thread(self, args: threading.ExceptHookArgs) -> None:
        try:
            self._hooks_before[1](args)
        finally:
            if isinstance(args.exc_value, Exception):
                self.note(args.exc_value)

    def _loop_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        failure = context.get("exception")
        try:
            loop.default_exception_handler(context)
        finally:
            # What a peer or the system refuses is told; it is no fault of this program.
            if isinstance(failure, Exception) and not isinstance(failure, OSError):
                self.note(failure)


def _facts(program: str) -> dict[str, str]:
    facts = {
        "Program": program,
        **started_fact(datetime.now(UTC)),
        "Desktop Logs": desktop_logs.__version__ + (", bundled" if getattr(sys, "frozen", False) else ""),
        "Python": sys.version.split()[0],
        "SQLite": sqlite3.sqlite_version,
    }
    core = sys.modules.get("PySide6.QtCore")
    if core is not None:
        facts["PySide6"] = f"{sys.modules['PySide6'].__version__}, Qt {core.qVersion()}"
    if "msgspec" in sys.modules:
        facts["msgspec"] = sys.modules["msgspec"].__version__
    # Not the module platform: on Windows it asks a service for that, which may take its time.
    if sys.platform == "win32":
        build = sys.getwindowsversion()
        system, machine = f"Windows {build.major}.{build.minor}.{build.build}", os.environ.get("PROCESSOR_ARCHITECTURE")
    else:
        uname = os.uname()
        system, machine = f"{uname.sysname} {uname.release}", uname.machine
    return facts | {"System": f"{system}, {machine}"}


def _source_line(file: str, line: int) -> str:
    return linecache.getline(file, line) if file.startswith(_PACKAGE) else ""


def _without_home(text: str) -> str:
    home = os.path.expanduser("~")
    return text.replace(home, "~") if len(home) > 1 else text
