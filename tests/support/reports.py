"""Crash reports as tests find them: whole, their owner's alone, and without the log that was planted."""

from __future__ import annotations

import os
import re

from desktop_logs import __version__
from desktop_logs.crashfolder import CrashFolder, Report
from tests.support.program import eventually

SECRET = "hunter2-Zebra"
"""What stands in logs and exceptions, and in no report."""


def names(folder: CrashFolder) -> list[str]:
    return sorted(os.listdir(folder.path)) if folder.path.exists() else []


def the_one(folder: CrashFolder) -> tuple[Report, str]:
    """The one report of *folder*, waited for, and its text."""
    (report,) = eventually("a report is there", folder.reports)
    text = report.text()
    assert SECRET not in text
    assert report.path.stat().st_mode & 0o077 == 0
    for wanted in ("holds no log contents", f"Desktop Logs +{__version__}\n", "Python +3", "Last counters"):
        assert re.search(wanted, text), text
    return report, text
