"""What the tests of the written history share: records, disk threads of one folder, and what lies there. No tests."""

from __future__ import annotations

import gzip
import os
import sqlite3
from contextlib import closing, suppress

from desktop_logs.core.levels import INFO
from desktop_logs.core.records import Record
from desktop_logs.core.settings import LogSettings
from desktop_logs.storage.disk import DiskThread
from desktop_logs.storage.rotation import PART, LogName
from desktop_logs.storage.segments import COMPANIONS, DAMAGED, segments_in
from tests.storage.support import DAY, WAIT_S, text_of


def numbered(first, last, severity=INFO):
    """Records whose numbers and messages are *first* to *last*."""
    return [Record(seq, seq, severity, "info", "test", str(seq)) for seq in range(first, last + 1)]


class Folder:
    """A data folder, and the runs of a program over it, one after another."""

    def __init__(self, path):
        self.path = path
        self.logs, self.history = path / "logs", path / "history"
        self.day = DAY
        self.damaged = []
        self.made = []

    def disk(self, settings=None, **options):
        options = {
            "encode": text_of, "today": lambda: self.day, "history": self.history, "on_damage": self.set_aside,
            **options,
        }  # fmt: skip
        self.made.append(DiskThread(self.logs, settings or LogSettings(), **options))
        return self.made[-1]

    def run(self, settings=None, **options):
        """A disk thread that has been opened and started, and what it restored."""
        disk = self.disk(settings, **options)
        restored = disk.open()
        disk.start()
        return disk, restored

    def set_aside(self, name):
        self.damaged.append(name)
        for ending in ("", *COMPANIONS):
            if (self.history / f"{name}{ending}").exists():
                os.replace(self.history / f"{name}{ending}", self.history / f"{name}{DAMAGED}{ending}")

    def segments(self):
        return [str(name) for name in segments_in(self.history)]

    def rows(self, query="SELECT message FROM records ORDER BY seq"):
        """The first column of *query* over all segments, oldest first."""
        found = []
        for name in segments_in(self.history):
            with closing(sqlite3.connect(self.history / str(name))) as connection:
                found += [row[0] for row in connection.execute(query)]
        return found

    def lines(self, stem="application"):
        """The lines of all files of *stem*, in their order, also while the disk thread compresses some of them."""
        while True:
            names = self._names(stem)
            found = []
            with suppress(FileNotFoundError):
                for _, name in sorted(names.items()):
                    data = (self.logs / str(name)).read_bytes()
                    found += (gzip.decompress(data) if name.suffix else data).decode().splitlines()
                if self._names(stem) == names:
                    return found

    def _names(self, stem):
        """The files of *stem* by day and number; of one that is compressed and there still, either."""
        names = {LogName.parse(path.name) for path in self.logs.iterdir()} if self.logs.exists() else set()
        whole = sorted((name for name in names if name.stem == stem and name.suffix != PART), key=str)
        return {(name.day, name.number): name for name in whole}

    def close(self):
        for disk in self.made:
            assert disk.close(WAIT_S)
