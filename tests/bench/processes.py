"""What a process takes, read from /proc: processor time and memory."""

from __future__ import annotations

import re
from pathlib import Path


def cpu_s(pid: int) -> float:
    """Seconds of processor time that all its threads have had, to the nanosecond; /proc/PID/stat knows only 10 ms."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def own_bytes(pid: int) -> int:
    """Memory that is this process's alone: what would be free if it ended."""
    return _rollup(pid, "Private_Clean") + _rollup(pid, "Private_Dirty")


def resident_bytes(pid: int) -> int:
    """All its memory, what it shares with others (Qt's libraries, say) included."""
    return _rollup(pid, "Rss")


def proportional_bytes(pid: int) -> int:
    """Its memory, where what it shares is divided among those who do (PSS)."""
    return _rollup(pid, "Pss")


def _rollup(pid: int, name: str) -> int:
    found = re.search(rf"^{name}: +(\d+) kB$", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024
