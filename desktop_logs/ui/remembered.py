"""What the window remembers from one start to the next, in an INI file. A value that cannot be used is as if not there.

Never tokens: the file is readable like any other of the user's files.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QByteArray, QDir, QRect, QSettings, QSize, QStandardPaths
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QWidget

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target, Trust
from desktop_logs.core.errors import UserError
from desktop_logs.core.levels import BANDS
from desktop_logs.ui.savedqueries import MAX_HISTORY, MAX_NAME, NamedQuery
from desktop_logs.ui.theme import CHOICES, Choice

MAX_RECENTS: Final = 10
MAX_OPEN: Final = 50
"""More tabs than that are rubbish in the file."""
FIRST_SIZE: Final = QSize(1400, 900)
_FRAME: Final = QSize(8, 40)
"""About what a title bar and borders take; how much exactly is known only once the window has them."""
_LEAST_SEEN: Final = 100
"""How much of the title bar must be on a screen, in pixels, for a person to get hold of the window."""


@dataclass(frozen=True, slots=True)
class OpenRemote:
    """A server that had a tab when the window was last used."""

    target: Target
    had_token: bool
    """It was connected with a token, which is not in here."""


class Remembered:
    """Typed access to the store."""

    def __init__(self, store: QSettings) -> None:
        self._store = store

    def save(self) -> None:
        """Write to the file now what was set, and read what another window of the program wrote there meanwhile."""
        self._store.sync()

    @property
    def theme_choice(self) -> Choice | None:
        """The theme somebody chose; None while nobody did."""
        stored = self._store.value("window/theme")
        return next((choice for choice in CHOICES if choice == stored), None)

    def set_theme_choice(self, choice: Choice) -> None:
        self._store.setValue("window/theme", choice)

    @property
    def recents(self) -> list[Target]:
        """The servers connected to, the latest first and without tokens; at most ten."""
        found = [_target(row) for row in self._list("connect/recents")]
        return list(dict.fromkeys(one for one in found if one is not None))[:MAX_RECENTS]

    def add_recent(self, target: Target) -> None:
        """Put *target* first among the recent ones, in the place of one with the same address and query."""
        bare = replace(target, token="")
        others = [one for one in self.recents if (one.address, one.query) != (bare.address, bare.query)]
        self._set_rows("connect/recents", [bare, *others][:MAX_RECENTS])

    def remove_recent(self, target: Target) -> None:
        """Forget *target* among the recent ones."""
        self._set_rows("connect/recents", [one for one in self.recents if one != replace(target, token="")])

    @property
    def open_remotes(self) -> list[OpenRemote]:
        """The servers that had a tab last, in the order of the tabs."""
        found = [(_target(row), row) for row in self._list("connect/open")]
        return [OpenRemote(target, bool(row.get("token"))) for target, row in found if target is not None][:MAX_OPEN]

    def set_open_remotes(self, targets: Sequence[Target]) -> None:
        rows = [{**_row(target), "token": bool(target.token)} for target in targets]
        self._store.setValue("connect/open", json.dumps(rows))

    @property
    def export_folder(self) -> Path:
        """Where the last export went, else the user's documents, else their home: the first of these that is there."""
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        for folder in (self._store.value("export/folder"), documents):
            if isinstance(folder, str) and folder and Path(folder).is_dir():
                return Path(folder)
        return Path(QDir.homePath())

    def set_export_folder(self, folder: Path) -> None:
        self._store.setValue("export/folder", str(folder))

    @property
    def files_folder(self) -> str:
        """Where the last log file was opened, else the user's home."""
        stored = self._store.value("files/folder")
        return stored if isinstance(stored, str) and stored and Path(stored).is_dir() else QDir.homePath()

    def set_files_folder(self, folder: Path) -> None:
        self._store.setValue("files/folder", str(folder))

    @property
    def query_history(self) -> list[str]:
        """Texts of queries that were in force, the latest first."""
        found = self._list("query/history")
        return [text for text in found if isinstance(text, str) and text][:MAX_HISTORY]

    def set_query_history(self, history: Sequence[str]) -> None:
        self._store.setValue("query/history", json.dumps(list(history)))

    @property
    def named_queries(self) -> list[NamedQuery]:
        """The queries that were given a name, in the order in which they were set."""
        found = [_named_query(one) for one in self._list("query/named")]
        return [one for one in found if one is not None]

    def set_named_queries(self, named: Sequence[NamedQuery]) -> None:
        rows = [[one.name, one.text, [BANDS[band] for band in sorted(one.bands)]] for one in named]
        self._store.setValue("query/named", json.dumps(rows))

    @property
    def span_s(self) -> int | None:
        """How many seconds around a record were shown last; None when nobody chose."""
        stored = self._store.value("history/span_s")
        return int(stored) if str(stored).isdecimal() else None

    def set_span_s(self, span_s: int) -> None:
        self._store.setValue("history/span_s", span_s)

    def layout(self, name: str) -> QByteArray:
        """The state saved as *name*; empty when there is none."""
        stored = self._store.value(f"layout/{name}")
        return stored if isinstance(stored, QByteArray) else QByteArray()

    def set_layout(self, name: str, state: QByteArray) -> None:
        self._store.setValue(f"layout/{name}", state)

    def shares(self, default: tuple[int, ...]) -> tuple[int, ...]:
        """The hundredths saved by set_shares; *default* when they are none."""
        stored = self._store.value("layout/shares")
        try:
            found = tuple(int(part) for part in stored.split()) if isinstance(stored, str) else ()
        except ValueError:
            return default
        return found if len(found) == len(default) and all(0 <= part <= 90 for part in found) else default

    def set_shares(self, shares: tuple[int, ...]) -> None:
        self._store.setValue("layout/shares", " ".join(map(str, shares)))

    def restore_geometry(self, window: QWidget) -> None:
        """Give *window* its size and place back, or its first ones; never where nobody sees it."""
        if window.restoreGeometry(self.layout("geometry")) and _is_seen(window.geometry()):
            return
        screen = QGuiApplication.primaryScreen()
        available = screen.availableGeometry() if screen is not None else QRect(0, 0, 1024, 768)
        window.resize(FIRST_SIZE.boundedTo(available.size() - _FRAME))
        window.move(available.center() - window.rect().center())

    def _set_rows(self, key: str, targets: Sequence[Target]) -> None:
        self._store.setValue(key, json.dumps([_row(target) for target in targets]))

    def _list(self, key: str) -> list[Any]:
        """The JSON array stored as *key*; empty when it is none."""
        stored = self._store.value(key)
        try:
            found = json.loads(stored) if isinstance(stored, str) else None
        except ValueError:
            return []
        return found if isinstance(found, list) else []


def _row(target: Target) -> dict[str, str]:
    """What of *target* is stored: everything but its token."""
    address, trust = target.address, target.trust
    row = {"url": address.url, "path": address.path, "query": target.query}
    return {**row, "ca_file": trust.ca_file, "fingerprint": trust.fingerprint}


def _target(row: object) -> Target | None:
    """A row as `_row` makes it; None for anything else."""
    if not isinstance(row, dict):
        return None
    texts = [row.get(key, "") for key in ("url", "path", "query", "ca_file", "fingerprint")]
    if not all(isinstance(text, str) for text in texts):
        return None
    url, path, query, ca_file, fingerprint = texts
    try:
        return Target(ServerAddress.parse(url, path), trust=Trust(ca_file, fingerprint), query=query)
    except UserError:
        return None


def _named_query(row: object) -> NamedQuery | None:
    """A row as set_named_queries writes it; None for anything else. Bands go by name, for their order may change."""
    match row:
        case [str(name), str(text), list(bands)] if 0 < len(name.strip()) <= MAX_NAME:
            return NamedQuery(name, text, frozenset(at for at, band in enumerate(BANDS) if band in bands))
        case _:
            return None


def _is_seen(geometry: QRect) -> bool:
    """True when enough of the upper edge is on some screen."""
    edge = QRect(geometry.left(), geometry.top(), geometry.width(), 20)
    screens: list[QScreen] = QGuiApplication.screens()
    seen = (screen.availableGeometry().intersected(edge) for screen in screens)
    return any(part.width() >= _LEAST_SEEN and part.height() > 0 for part in seen)
