"""What the handlers share with the process and the thread they run in: forks, the exit, re-entrance, stderr. Nothing
about records or networks; standard library only."""

from __future__ import annotations

import atexit
import functools
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Final, Protocol

MAX_DEPTH: Final = 3
"""How deep a record made while another one is being formatted (an object's `__str__` that logs) may be nested."""

EXIT_PATIENCE_S: Final = 2.0
"""How long all handlers of a program together may hold up its exit."""


class Here(threading.local):
    """What this thread is doing in a handler right now."""

    depth = 0
    """Records being captured on this thread. At MAX_DEPTH nothing more is taken, which is also how the handlers'
    own threads keep out of their own logs."""


here: Final = Here()


class Forked(Protocol):
    """What wants to know that it woke up in a forked child."""

    def after_fork_in_child(self) -> None:
        """Begin anew: other threads are gone, and locks may be held by them for ever."""


# Forks and exits belong to the process, and their hooks cannot be taken back: hence one registration for all.
_forked: Final[weakref.WeakSet[Forked]] = weakref.WeakSet()


@functools.cache
def _register_forks() -> None:
    if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
        os.register_at_fork(after_in_child=_tell_forked)


def _tell_forked() -> None:
    here.depth = 0
    for one in list(_forked):
        one.after_fork_in_child()


def watch_forks(one: Forked) -> None:
    """Call `one.after_fork_in_child()` in every child that is forked from now on, as long as *one* lives."""
    _register_forks()
    _forked.add(one)


def ignore_forks(one: Forked) -> None:
    """The opposite of `watch_forks`; nothing happens when *one* was not watching."""
    _forked.discard(one)


class ExitBudget:
    """The time that handlers may still spend on waiting once the program is leaving; shared by all of them."""

    def __init__(self, patience_s: float) -> None:
        self.is_leaving = False
        self.left_s = patience_s

    def begin(self) -> None:
        """The program is leaving: from now on waiting is paid from the budget."""
        self.is_leaving = True

    def allow(self, timeout_s: float) -> float:
        """How much of *timeout_s* may be waited now."""
        return min(timeout_s, max(self.left_s, 0.0)) if self.is_leaving else timeout_s

    def spend(self, since_s: float) -> None:
        """Take off what was waited since the monotonic time *since_s*."""
        if self.is_leaving:
            self.left_s -= time.monotonic() - since_s


exit_budget: Final = ExitBudget(EXIT_PATIENCE_S)


@functools.cache
def watch_exit() -> None:
    """Have `exit_budget` begin with the exit. `logging.shutdown`, which flushes and closes all handlers, was registered
    with atexit before this and so runs after it."""
    atexit.register(exit_budget.begin)


def flush_when_child_ends(flush: Callable[[], None]) -> None:
    """In a child of multiprocessing, have *flush* called at its end: a forked one leaves by `os._exit`, and neither
    atexit nor logging hears of it. Nothing is done anywhere else, and nothing imported."""
    util = sys.modules.get("multiprocessing.util")
    process = sys.modules.get("multiprocessing.process")
    if util is None or process is None or process.parent_process() is None:
        return

    def leave() -> None:
        exit_budget.begin()
        flush()

    # After the finalizers of others, which may log. Its registry is the only hook that multiprocessing calls.
    util.Finalize(None, leave, exitpriority=-100)


def say(text: str) -> None:
    """One line on stderr, for what a person should know and a log handler must not log."""
    stream = sys.stderr
    if stream is None:  # a Windows program without a console
        return
    here.depth += MAX_DEPTH  # stderr may lead back into logging
    try:
        stream.write(f"desktop-logs: {text}\n")
        stream.flush()
    except Exception:  # noqa: BLE001, S110 - stderr is closed or somebody's own object: there is nowhere left to say it
        pass
    finally:
        here.depth -= MAX_DEPTH
