"""One program to a user, a data folder and a display: the first start runs, a later one hands over and ends. The window
itself is the caller's."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from desktop_logs.core.errors import EnvironmentFault, PeerError
from desktop_logs.core.handover import Answer, Handover, decode_answer, encode
from desktop_logs.meetingplace import MeetingPlace, keep_from_cleaning, meeting_place
from desktop_logs.storage.filelock import FileLock
from desktop_logs.terminal import announce, complain

PATIENCE_S: Final = 8.0
"""For a first start that is still opening its window, or a last one that is writing what waits."""
_TRY_AGAIN_S: Final = 0.05
NOT_ANSWERED: Final = 1
"""The exit code when a first start is there and does not answer."""
REFUSED: Final = 2
"""The exit code when it answers that it cannot do what was asked."""


def activation_token() -> str:
    """What the desktop has given this start, for its window to come to the front; empty when nothing."""
    return os.environ.get("XDG_ACTIVATION_TOKEN") or os.environ.get("DESKTOP_STARTUP_ID") or ""


def run_or_hand_over(data_dir: Path, handover: Handover, run: Callable[[str], int]) -> int:
    """Either *run* the program, with the name of the socket to listen at, while no other is the first; or give
    *handover* to the one that is. The exit code. Raises UserError when too much is asked at once.
    """
    try:
        place = meeting_place(data_dir)
        lock = FileLock(place.lock)
        ended = _hand_over(place, lock, handover)
    except EnvironmentFault as why:
        complain(f"{why} Without it each start opens a program of its own.")
        return run("")
    if ended is not None:
        return ended
    try:
        lock.write(json.dumps({"pid": os.getpid()}).encode())
        keep_from_cleaning(place.lock)
        return run(place.socket)
    finally:
        lock.release()


def _hand_over(place: MeetingPlace, lock: FileLock, handover: Handover) -> int | None:
    """The exit code of a later start; None when this one is the first, and has the lock."""
    line, until_s = encode(handover), time.monotonic() + PATIENCE_S
    while not _acquire(lock):
        # Only now: a first start has no use for it yet.
        from desktop_logs.ui.meeting import hand_over

        _let_come_to_front(_pid_of(place.lock))
        said = hand_over(place.socket, line, until_s)
        if said is not None:
            return _tell(said, handover)
        if time.monotonic() >= until_s:
            return _tell_silence(_pid_of(place.lock))
        time.sleep(_TRY_AGAIN_S)
    return None


def _acquire(lock: FileLock) -> bool:
    """Whether this start is the first. Raises EnvironmentFault when that cannot be found out."""
    try:
        got = lock.acquire()
    except OSError as fault:
        raise EnvironmentFault(f"Cannot lock {fault.filename or 'a file'}: {fault.strerror or fault}.") from None
    if got == "no locks":
        raise EnvironmentFault("The file system of the runtime folder (XDG_RUNTIME_DIR) knows no locks.")
    return got == "ours"


def _tell(said: bytes, handover: Handover) -> int:
    try:
        answer = decode_answer(said)
    except PeerError as wrong:
        answer = Answer(problem=str(wrong))
    if answer.problem:
        complain(answer.problem)
        return REFUSED
    front = "has opened another window" if handover.new_window else "runs already; its window is in front"
    announce(f"Desktop Logs {front} (process {answer.pid}).")
    if answer.unfollowed:
        complain(
            f"{', '.join(answer.unfollowed)} cannot be followed: the hub runs already, with other options. End it "
            f"first (process {answer.pid}), or start one of its own with --data-dir."
        )
    return 0


def _tell_silence(pid: int) -> int:
    who = f"process {pid}" if pid else "another process"
    complain(
        f"Desktop Logs runs already ({who}), but has not answered for {PATIENCE_S:.0f} s, so nothing was opened. End "
        "it and start again, or start one of its own with --data-dir."
    )
    return NOT_ANSWERED


def _pid_of(lock: Path) -> int:
    """Who has the lock; 0 when it has not said so yet."""
    try:
        return int(json.loads(lock.read_bytes())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _let_come_to_front(pid: int) -> None:
    """Windows lets only the program that a person has just used bring a window to the front: that is this one, which
    passes it on (AllowSetForegroundWindow)."""
    if sys.platform == "win32" and pid:
        import ctypes

        ctypes.windll.user32.AllowSetForegroundWindow(pid)
