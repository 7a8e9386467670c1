"""Records and sentences in a terminal. No Qt, no sockets; nothing a record says is obeyed by the terminal."""

from __future__ import annotations

import errno
import faulthandler
import io
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TextIO
from unicodedata import combining, east_asian_width

from desktop_logs.core.errors import EnvironmentFault, QueryError
from desktop_logs.core.export import text_line
from desktop_logs.core.levels import band_of
from desktop_logs.core.records import Record
from desktop_logs.core.safe_text import one_line

# Per band: grey, blue, green, yellow, red, magenta.
_COLORS = ("\x1b[90m", "\x1b[34m", "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[35m")
_RESET = "\x1b[0m"
_LINE_START = "\r\x1b[K"
_WAITING_BATCHES = 200
PROGRESS_AFTER_S = 1.0
PROGRESS_EVERY_S = 0.1


def wants_color(stream: TextIO | None) -> bool:
    """True for a terminal, unless NO_COLOR is set (no-color.org) or it cannot."""
    return (
        stream is not None and stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def line_of(record: Record, color: bool) -> str:
    """The record as a person reads it, the level in its colour where *color* says so."""
    line = text_line(record)
    if not color:
        return line
    # The date and time before the level are always 24 characters wide.
    head, level, rest = line[:24], line[24:].split(" ", 1)[0], line[24:].partition(" ")[2]
    return f"{head}{_COLORS[band_of(record.severity)]}{level}{_RESET} {rest}"


def announce(text: str) -> None:
    """One line on stdout, at once, for a person or a program that waits for it. Never raises."""
    _tell(sys.stdout, text)


def complain(error: object) -> None:
    """One sentence on stderr. Never raises."""
    _tell(sys.stderr, f"desktop-logs: {one_line(str(error))}")


def _tell(stream: TextIO | None, line: str) -> None:
    if stream is None:
        return  # a window on Windows that was not started from a terminal, or a stream closed with >&-
    try:
        stream.write(f"{line}\n")
        stream.flush()
    except (OSError, ValueError):
        # A full disk, or a reader that has left: there is nobody to tell it to, and a window or a hub must not end
        # because a sentence about it cannot be written.
        return


def complain_of_query(query: str, wrong: QueryError) -> None:
    """What is *wrong* on stderr, and a mark under its place in *query*. Never raises."""
    complain(f"{type(wrong).__name__}: {wrong}")
    before = one_line(query[: wrong.position])
    width = sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in before)
    _tell(sys.stderr, f"  {one_line(query)}\n  {' ' * width}^")


def write_out(text: str | bytes) -> None:
    """Write *text* to stdout, at once, where it is what the command is for; bytes as they are.

    Raises EnvironmentFault when it cannot be written, and BrokenPipeError when who read it has left.
    """
    if sys.stdout is None:
        raise EnvironmentFault("stdout is closed, so nothing can be printed. Send it to a terminal, a file or a pipe.")
    try:
        if isinstance(text, bytes):
            sys.stdout.buffer.write(text)
        else:
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as failure:
        if os.name == "nt" and failure.errno == errno.EINVAL:
            raise BrokenPipeError from None  # what Windows says of a pipe that nobody reads any more
        raise EnvironmentFault(
            f"stdout cannot be written: {failure.strerror or failure}. Make room, or send it elsewhere."
        ) from None


def escape_what_cannot_be_written() -> None:
    """Let stdout and stderr write what their encoding lacks as `\\u2192`: a pipe on Windows has 256 characters."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def native_faults_to_stderr() -> None:
    """Let a process that dies of a signal say on stderr where it stood: files, lines and functions, nothing else."""
    try:
        faulthandler.enable(sys.stderr, all_threads=False)  # the others run on meanwhile: see crashes
    except (OSError, ValueError, RuntimeError, AttributeError):
        faulthandler.disable()  # there is no stderr, or it is no file


def let_go_of_output() -> None:
    """Let the interpreter's last flush go nowhere where it would fail: it would end a program that did its work with
    a traceback and exit code 120."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except (OSError, ValueError):
            try:
                number = stream.fileno()
            except (OSError, ValueError):
                continue  # it is no file, or closed: nothing will be flushed
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)
            os.close(nowhere)


class ProgressLine:
    """One line on stderr that is written over again and again: on a terminal, once work has taken PROGRESS_AFTER_S."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._stream = sys.stderr if sys.stderr is not None and sys.stderr.isatty() else None
        self._clock_s = clock_s
        self._next_s = clock_s() + PROGRESS_AFTER_S
        self._is_shown = False

    def show(self, text: str) -> None:
        """Let the line say *text* now, unless it changed a moment ago."""
        now_s = self._clock_s()
        if self._stream is not None and now_s >= self._next_s:
            self._next_s = now_s + PROGRESS_EVERY_S
            self._is_shown = True
            self._write(f"{_LINE_START}{text}")

    def clear(self) -> None:
        """Take the line away, so that something else can be printed."""
        if self._is_shown:
            self._is_shown = False
            self._write(_LINE_START)

    def _write(self, text: str) -> None:
        assert self._stream is not None
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            self._stream, self._is_shown = None, False  # the terminal has gone; the work goes on


class Printer:
    """Prints records on a thread of its own: a terminal that is held (Ctrl+S) must not hold up the disk."""

    def __init__(self, stream: TextIO | None) -> None:
        """*stream* is None where a window was not started from a terminal; then nothing is printed."""
        self._stream = stream
        self._color = wants_color(stream)
        self._waiting: queue.Queue[Sequence[Record] | None] = queue.Queue(_WAITING_BATCHES)
        self._missed = 0
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)

    def start(self) -> None:
        """Begin to print."""
        self._thread.start()

    def show(self, records: Sequence[Record]) -> None:
        """Print *records* soon; never waits. What a held terminal cannot take is counted and told when it goes on."""
        if self._stream is None:
            return
        try:
            self._waiting.put_nowait(records)
        except queue.Full:
            self._missed += len(records)

    def close(self, timeout_s: float = 1.0) -> None:
        """Print what waits, for at most *timeout_s*."""
        if self._thread.ident is None:
            return  # what would have begun to print has failed before
        try:
            self._waiting.put(None, timeout=timeout_s)
        except queue.Full:
            return  # the terminal is held; the thread is a daemon and dies with the program
        self._thread.join(timeout_s)

    def _run(self) -> None:
        if self._stream is None:
            return
        while (records := self._waiting.get()) is not None:
            missed, self._missed = self._missed, 0
            lines = [line_of(record, self._color) for record in records]
            if missed:
                lines.append(f"({missed:,} records were not printed, since the terminal was too slow)")
            text = "\n".join(lines) + "\n"
            try:
                try:
                    self._stream.write(text)
                except UnicodeEncodeError as lacking:
                    self._stream.write(text.encode(lacking.encoding, "backslashreplace").decode(lacking.encoding))
                self._stream.flush()
            except (OSError, ValueError):
                return  # who read our output has left; the hub goes on without
