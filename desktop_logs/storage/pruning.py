"""Deletes log files, and segments of the history with what lies beside them. Which must go is said by retention.py."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path

from desktop_logs.storage.retention import Kept, Limits, plan, true_days
from desktop_logs.storage.rotation import PART, LogName, RotatingFile
from desktop_logs.storage.segments import COMPANIONS, DAMAGED, SegmentName

_ENDINGS = "|".join(map(re.escape, (*COMPANIONS, DAMAGED)))
_SEGMENT_FILE = re.compile(rf"(segment-[0-9]+-[0-9-]{{10}}\.db)((?:{_ENDINGS})*)")


def names_of(series: RotatingFile) -> list[LogName]:
    """The files of *series*, what makes room first: leftovers, then by day and number. Empty without a folder."""
    names = []
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(series.folder) as entries:
        for entry in entries:
            name = LogName.parse(entry.name)
            if name is not None and name.stem == series.stem and entry.is_file(follow_symlinks=False):
                names.append(name)
    return sorted(names, key=lambda name: (name.suffix != PART, name.day, name.number, name.suffix))


def newest_of(names: Iterable[LogName], day: date) -> int:
    """The number of the file of *day* that is written, or will be gone on with; 0 without one."""
    return max((name.number for name in names if name.day == day), default=0)


def prune_files(
    all_series: Sequence[RotatingFile],
    today: date,
    limits: Limits,
    stop: threading.Event,
    spared: Collection[str] = (),
) -> str:
    """Delete what of *all_series* together is over *limits*: the oldest day first, and of each day the first series.

    So the errors, which come last, outlive what is written of the same day in full. Never a file that is being written
    nor the newest of *today*, which the next start goes on with; those named in *spared* not by age. Returns empty, or
    one sentence about the first that could not be deleted.
    """
    kept: list[Kept] = []
    places: dict[str, tuple[RotatingFile, LogName]] = {}
    for place, series in enumerate(all_series):
        names = names_of(series)
        newest_today = newest_of(names, today)
        for name in names:
            text = str(name)
            is_live = text == series.live or (name.day, name.number) == (today, newest_today)
            order = (name.day.toordinal(), place, name.number)
            kept.append(Kept(text, name.day, order, _size_of(series.folder / text), is_live, text in spared))
            places[text] = series, name

    def delete(text: str) -> None:
        series, name = places[text]
        series.unless_live(name, (series.folder / text).unlink)

    return _delete_all(all_series[0].folder, plan(kept, today, limits), delete, stop)


def prune_history(folder: Path, today: date, limits: Limits, stop: threading.Event, kept_from: int | None) -> str:
    """Delete the segments in *folder* that are over *limits*, oldest number first, each with what lies beside it.

    Never one whose number is *kept_from* or higher. Those that were set aside as damaged count as well, and go first
    when it is about bytes. Returns as `prune_files`: on Windows a segment that is being searched cannot be deleted.
    """
    found: dict[tuple[SegmentName, bool], list[Path]] = {}
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            match = _SEGMENT_FILE.fullmatch(entry.name)
            name = SegmentName.parse(match[1]) if match else None
            if match and name is not None and entry.is_file(follow_symlinks=False):
                found.setdefault((name, DAMAGED in match[2]), []).append(Path(entry.path))
    segments = sorted(found)
    days = true_days([name.day for name, _ in segments], today)
    kept: list[Kept] = []
    files: dict[str, list[Path]] = {}
    for (name, is_damaged), day in zip(segments, days, strict=True):
        # The database comes first: without its log, but itself still there, it would have lost what only the log had.
        paths = sorted(found[name, is_damaged])
        is_live = not is_damaged and kept_from is not None and name.number >= kept_from
        order = (not is_damaged, name.number, name.day.toordinal())
        kept.append(Kept(paths[0].name, day, order, sum(map(_size_of, paths)), is_live))
        files[paths[0].name] = paths

    def delete(text: str) -> None:
        for path in files[text]:
            path.unlink(missing_ok=True)

    return _delete_all(folder, plan(kept, today, limits), delete, stop)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _delete_all(folder: Path, going: Iterable[Kept], delete: Callable[[str], None], stop: threading.Event) -> str:
    problem = ""
    for one in going:
        if stop.is_set():
            break
        try:
            delete(one.name)
        except FileNotFoundError:  # somebody else took it away, which is as good
            continue
        except OSError as fault:
            problem = problem or (
                f"Cannot delete {folder / one.name}: {fault.strerror or fault}. It should go by the limits in the "
                "settings; it is kept and tried again later. Close what has it open, or delete it yourself."
            )
    return problem
