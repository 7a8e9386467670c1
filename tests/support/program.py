"""Programs that a test starts: lines read with a deadline, and an end that is certain. No test waits for ever."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TypeVar

DESKTOP_LOGS = str(Path(sys.executable).with_name("desktop-logs"))
"""The command as it is installed beside this Python."""

TERMINATE_S = 5.0

T = TypeVar("T")


class Program:
    """A started program in a session of its own, so that whatever it starts ends with it."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start *command*; *env* is the whole environment, the test's own when None."""
        self.argv = [str(part) for part in command]
        self._popen = subprocess.Popen(
            self.argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=None if env is None else dict(env),
            cwd=cwd,
            encoding="utf-8",
            errors="replace",
            bufsize=1,
            start_new_session=True,
        )
        self.pid = self._popen.pid
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._unread = 0
        self._arrived = threading.Condition()
        self._open_pipes = 2
        self._readers = [
            threading.Thread(target=self._collect, args=(pipe, lines), daemon=True)
            for pipe, lines in ((self._popen.stdout, self.stdout), (self._popen.stderr, self.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.end()

    def _collect(self, pipe: IO[str], lines: list[str]) -> None:
        with pipe:
            for line in pipe:
                with self._arrived:
                    lines.append(line.rstrip("\n"))
                    self._arrived.notify_all()
        with self._arrived:
            self._open_pipes -= 1
            self._arrived.notify_all()

    def __str__(self) -> str:
        """The command and all it has printed, for the message of a test that fails."""
        said = [f"  out: {line}" for line in self.stdout[-40:]] + [f"  err: {line}" for line in self.stderr[-40:]]
        state = "running" if self._popen.poll() is None else f"exit code {self._popen.returncode}"
        return "\n".join([f"{' '.join(self.argv)} ({state})", *said])

    def line(self, within_s: float = 15.0) -> str:
        """The next line of stdout that was not read yet; an AssertionError when none comes in time."""
        return self.line_with("", within_s)

    def line_with(self, pattern: str, within_s: float = 15.0) -> str:
        """The next unread line of stdout in which the regular expression *pattern* is found; those before are gone."""
        deadline = time.monotonic() + within_s
        searched = re.compile(pattern)
        with self._arrived:
            while True:
                while self._unread < len(self.stdout):
                    line = self.stdout[self._unread]
                    self._unread += 1
                    if searched.search(line):
                        return line
                left_s = deadline - time.monotonic()
                if left_s <= 0 or not self._open_pipes:
                    why = f"within {within_s} s" if self._open_pipes else "before the end of its output"
                    raise AssertionError(f"no line with {pattern!r} {why} from {self}")
                self._arrived.wait(left_s)

    def error_with(self, pattern: str, within_s: float = 15.0) -> str:
        """The first line of stderr in which *pattern* is found; an AssertionError when none comes in time."""
        deadline = time.monotonic() + within_s
        with self._arrived:
            while True:
                for line in self.stderr:
                    if re.search(pattern, line):
                        return line
                left_s = deadline - time.monotonic()
                if left_s <= 0 or not self._open_pipes:
                    raise AssertionError(f"no line with {pattern!r} on stderr of {self}")
                self._arrived.wait(left_s)

    def send(self, line: str) -> None:
        """Write *line* and a newline to stdin."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(line + "\n")
        self._popen.stdin.flush()

    def close_stdin(self) -> None:
        """End of input for the program."""
        assert self._popen.stdin is not None
        self._popen.stdin.close()

    def signal(self, number: signal.Signals) -> None:
        """Send *number* to the program alone, not to what it started."""
        self._popen.send_signal(number)

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    def wait(self, within_s: float = 15.0) -> int:
        """The exit code, once all output has been read too; an AssertionError when it does not end in time."""
        try:
            code = self._popen.wait(within_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within_s} s: {self}") from None
        for reader in self._readers:
            reader.join(TERMINATE_S)
        return code

    def end(self) -> int:
        """SIGTERM, then SIGKILL for what is left of its session; the exit code. Twice is once."""
        if self._popen.poll() is None:
            self._popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(TERMINATE_S)
        # Also when it has ended by itself: what it started may live on in the group, which keeps its number until then.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        code = self._popen.wait()
        for reader in self._readers:
            reader.join(TERMINATE_S)
        if self._popen.stdin is not None:
            # What was not flushed has no reader any more.
            with contextlib.suppress(BrokenPipeError):
                self._popen.stdin.close()
        return code


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago. Only where a number must be known before: else listen on 0."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def eventually(claim: str, check: Callable[[], T], within_s: float = 15.0, every_s: float = 0.05) -> T:
    """What *check* returns as soon as that is true; an AssertionError with *claim* when it never is."""
    deadline = time.monotonic() + within_s
    while not (result := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {claim}; the last answer was {result!r}")
        time.sleep(every_s)
    return result
