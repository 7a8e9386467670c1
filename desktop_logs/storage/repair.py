"""What is done about damaged segments: set aside at once, rebuilt in the background. Touches no rows."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from desktop_logs.core.errors import StorageError
from desktop_logs.storage.check import Checked, Stopped, check
from desktop_logs.storage.rebuild import Rebuilt, clear, rebuild
from desktop_logs.storage.segments import COMPANIONS, DAMAGED, SegmentName, segments_in

_SET_ASIDE = re.compile(r"(segment-.+\.db)\.damaged(?:\.([0-9]{1,6}))?")
_ALL: Final = ("", *COMPANIONS)
_SETTLED: Final = ".settled"
"""The end of the name of an empty file beside one that was set aside: what could be had of it, was."""
_TRIES: Final = 20
_TRY_AGAIN_S: Final = 0.1
_AGAIN_S: Final = 60.0


def set_aside(folder: Path, name: SegmentName) -> Path:
    """Rename the segment to `<name>.damaged`, or `.damaged.2` and so on, with what SQLite keeps beside it.

    So nobody opens it as a segment any more, and nothing of it is applied to another file of its name. Returns where
    the database is now, or would be if it is missing. Raises StorageError when that fails for 2 s: Windows renames no
    file that somebody has open.
    """
    number = 1
    target = folder / f"{name}{DAMAGED}"
    while any((folder / f"{target.name}{ending}").exists() for ending in _ALL):
        number += 1
        target = folder / f"{name}{DAMAGED}.{number}"
    # The database first, so that it is all out of the way at once. Should a kill come now, `follow` does the rest.
    _rename(folder / str(name), target)
    follow(folder, name, target)
    return target


def follow(folder: Path, name: SegmentName, target: Path) -> None:
    """Move what SQLite kept beside *name* to *target*, where its database has gone. Raises StorageError."""
    for ending in COMPANIONS:
        place = folder / f"{target.name}{ending}"
        while place.exists():  # the one that went with the database, which is worth more than any later one
            place = folder / f"{place.name}.2"
        _rename(folder / f"{name}{ending}", place)


def _rename(source: Path, target: Path) -> None:
    for tried in range(_TRIES):
        try:
            os.rename(source, target)
        except FileNotFoundError:
            return
        except PermissionError as fault:
            if os.name == "nt" and tried + 1 < _TRIES:  # elsewhere it is the folder's, and stays so
                time.sleep(_TRY_AGAIN_S)
                continue
            raise _cannot_set_aside(source, fault) from fault
        except OSError as fault:
            raise _cannot_set_aside(source, fault) from fault
        return


def _cannot_set_aside(path: Path, fault: OSError) -> StorageError:
    return StorageError(
        f"{path} is damaged and cannot be renamed: {fault.strerror or fault}. "
        "Close other programs that have it open and see that its folder is writable."
    )


def set_aside_in(folder: Path) -> dict[SegmentName, Path]:
    """The segments that were set aside, each with the database that was so last. Raises OSError.

    Their numbers are taken: no new segment may have one, since the rebuilt one comes back under its name.
    """
    found: dict[SegmentName, tuple[int, Path]] = {}
    try:
        entries = list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    for entry in entries:
        match = _SET_ASIDE.fullmatch(entry.name)
        name = SegmentName.parse(match[1]) if match else None
        if match and name:
            found[name] = max(found.get(name, (0, entry)), (int(match[2] or 1), entry))
    return {name: path for name, (_, path) in sorted(found.items())}


class Repairs:
    """Checks the segments in *folder* in a thread of its own, sets damaged ones aside and rebuilds them.

    *report* is called from that thread with each sentence for a person. *roll* is called, from that thread too, before
    the segment that is written is set aside: it returns when the writer has gone on to another one and closed it.
    *live* tells which that is, None when none is. *on_fault* gets what this program does wrong there. Nothing that
    goes wrong here ends the program or the thread.
    """

    def __init__(
        self,
        folder: Path,
        logs_folder: Path,
        report: Callable[[str], None],
        *,
        live: Callable[[], SegmentName | None] = lambda: None,
        roll: Callable[[SegmentName], None] = lambda name: None,
        ended_well: bool = True,
        on_fault: Callable[[BaseException], object] = lambda fault: None,
    ) -> None:
        self._folder = folder
        self._logs_folder = logs_folder
        self._report = report
        self._on_fault = on_fault
        self._live = live
        self._roll = roll
        self._ended_well = ended_well
        self._stop = threading.Event()
        self._wake = threading.Condition()  # guards what was reported and what is to be rebuilt
        self._reported: deque[SegmentName] = deque()
        self._to_rebuild: deque[tuple[SegmentName, Path]] = deque()
        self._problem = ""
        self._notice = ""
        self._wait_s: float | None = None  # until what has failed is tried again
        self._checked = Checked(folder)
        self._thread = threading.Thread(target=self._run, name="repairs", daemon=True)

    @property
    def problem(self) -> str:
        """What could not be repaired and what to do, in a sentence or two; empty when all is well."""
        return self._problem

    @property
    def notice(self) -> str:
        """What was done last about a damaged segment; empty when there was none."""
        return self._notice

    def start(self) -> None:
        """Begin: first with what an earlier run has set aside and not rebuilt, then with checking, the newest first."""
        self._thread.start()

    def report(self, name: SegmentName) -> None:
        """Somebody has met damage in *name*: look into it before anything else. From any thread; costs nothing."""
        with self._wake:
            if name not in self._reported:
                self._reported.append(name)
                self._wake.notify()

    def close(self, timeout_s: float) -> bool:
        """End what is under way, which the next start begins anew; False when that took longer than *timeout_s*."""
        with self._wake:
            self._stop.set()
            self._wake.notify()
        if self._thread.ident is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        to_check: deque[SegmentName] = deque()
        failed: list[SegmentName] = []
        self._guarded(self._find_unfinished)
        self._guarded(lambda: to_check.extend(self._unchecked()))
        while not self._stop.is_set():
            with self._wake:
                if not self._reported and not to_check and (self._wait_s is not None or not self._to_rebuild):
                    if self._wait_s is None:  # nothing has failed since it was last tried
                        self._problem = ""
                    self._wake.wait(self._wait_s)
                    self._wait_s = None
                    to_check.extend(failed)
                    failed.clear()
                to_check.extendleft(self._reported)
                self._reported.clear()
            if self._stop.is_set():
                break
            # Setting aside comes before rebuilding: what is damaged must be out of every search's way soon.
            if to_check:
                name = to_check.popleft()
                if not self._guarded(partial(self._examine, name)):
                    failed.append(name)
                    self._wait_s = _AGAIN_S
            elif self._to_rebuild and not self._guarded(partial(self._rebuild, *self._to_rebuild[0])):
                self._to_rebuild.rotate(-1)
                self._wait_s = _AGAIN_S

    def _guarded(self, act: Callable[[], None]) -> bool:
        """Run *act*; False when it failed, which is then the problem."""
        try:
            act()
        except Stopped:
            return False
        except StorageError as fault:
            self._tell_problem(str(fault))
        except (OSError, sqlite3.Error) as fault:
            advice = "Free some space" if _is_full(fault) else "Check the disk"
            self._tell_problem(
                f"The history in {self._folder} cannot be repaired now: {getattr(fault, 'strerror', None) or fault}. "
                f"{advice}; it is tried again in a minute and at the next start."
            )
        except Exception as fault:  # noqa: BLE001 - the thread must outlive any fault, and say so
            self._tell_problem(
                f"The history in {self._folder} cannot be repaired: {fault!r}. "
                "This is a fault of Desktop Logs: report it. What is damaged is kept as it is."
            )
            self._on_fault(fault)
        else:
            return True
        return False

    def _find_unfinished(self) -> None:
        """Begin anew what a kill has ended: a segment that is set aside and not there again."""
        for name, path in set_aside_in(self._folder).items():
            clear(self._folder, name)
            self._take_on(name, path)

    def _take_on(self, name: SegmentName, path: Path) -> None:
        """Have the segment rebuilt that is set aside as *path*, unless it was already."""
        known = any(waiting == name for waiting, _ in self._to_rebuild)
        # Without the mark one that retention has taken away would come back at each start.
        if not known and not (self._folder / str(name)).exists() and not _settled_mark(path).exists():
            follow(self._folder, name, path)
            self._to_rebuild.append((name, path))
            self._tell(_told_aside(name, path))

    def _unchecked(self) -> list[SegmentName]:
        """The segments that may have been touched since they were found sound, the newest first."""
        live = self._live()
        names = [name for name in segments_in(self._folder) if not self._checked.knows(str(name))]
        return [name for name in reversed(names) if name != live or not self._ended_well]

    def _examine(self, name: SegmentName) -> None:
        path = self._folder / str(name)
        is_live = name == self._live()
        mark = self._checked.mark_of(str(name))
        try:
            fault = check(path, self._stop.is_set, is_live=is_live)
        except OSError:
            if path.exists():
                raise
            # Retention took it, or the writer has set it aside as it began.
            aside_already = set_aside_in(self._folder).get(name)
            if aside_already is not None:
                self._take_on(name, aside_already)
            return
        if not fault:
            if not is_live:
                self._checked.note(str(name), mark)
            return
        if is_live:
            self._roll(name)
        aside = set_aside(self._folder, name)
        self._to_rebuild.append((name, aside))
        self._tell(_told_aside(name, aside))

    def _rebuild(self, name: SegmentName, damaged: Path) -> None:
        if damaged.exists():  # else a person has taken it away, and wants no more of it
            # Whatever lies there would be applied to the new one as soon as that has the name.
            follow(self._folder, name, damaged)
            try:
                result = rebuild(self._folder, name, damaged, self._logs_folder, self._is_called)
            except Stopped:  # it begins anew when there is nothing else, or at the next start
                return
            if result.records:
                self._checked.note(str(name), self._checked.mark_of(str(name)))
            _settled_mark(damaged).touch()
            self._tell(_told(name, damaged, result))
        self._to_rebuild.popleft()

    def _is_called(self) -> bool:
        """True when a rebuild is to end: it may take a minute, and damage met meanwhile must be out of the way soon."""
        return bool(self._reported) or self._stop.is_set()

    def _tell(self, sentence: str) -> None:
        self._notice = sentence
        self._report(sentence)

    def _tell_problem(self, sentence: str) -> None:
        if sentence != self._problem:
            self._problem = sentence
            self._report(sentence)


def _told_aside(name: SegmentName, aside: Path) -> str:
    return (
        f"The history of {name.day.isoformat()} was damaged. It was set aside as {aside} and is being rebuilt "
        "from the log files."
    )


def _told(name: SegmentName, damaged: Path, result: Rebuilt) -> str:
    if not result.records:
        return (
            f"Nothing could be had of the history of {name.day.isoformat()}, nor from the log files. "
            f"What is left of it is kept as {damaged}."
        )
    return (
        f"The history of {name.day.isoformat()} was rebuilt: {result.records:,} of about {result.expected:,} records. "
        f"The damaged one is kept as {damaged}; delete it when you miss nothing."
    )


def _is_full(fault: Exception) -> bool:
    code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
    return code == sqlite3.SQLITE_FULL or getattr(fault, "errno", 0) in (errno.ENOSPC, errno.EDQUOT)


def _settled_mark(damaged: Path) -> Path:
    return damaged.with_name(f"{damaged.name}{_SETTLED}")
