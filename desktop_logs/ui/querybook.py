"""The queries that a person has used and named, shared by all tabs of a window and remembered between starts."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from desktop_logs.ui.remembered import Remembered
from desktop_logs.ui.savedqueries import NamedQuery, name_key, with_latest


class QueryBook(QObject):
    """History and named queries. Without *remembered* it lasts as long as the program.

    Every change starts from what the file says, so two windows of the program add to one another's queries.
    """

    changed = Signal()
    """The named queries are others now."""

    def __init__(self, remembered: Remembered | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._remembered = remembered
        self._history: list[str] = []
        self._named: list[NamedQuery] = []
        self._reread()

    @property
    def history(self) -> Sequence[str]:
        """Texts of queries that were in force, the latest first."""
        return self._history

    @property
    def named(self) -> Sequence[NamedQuery]:
        """The named queries by name."""
        return self._named

    def keep(self, text: str) -> None:
        """Put *text* first in the history."""
        if self._history[:1] == [text]:
            return
        self._reread()
        self._history = with_latest(self._history, text)
        if self._remembered is not None:
            self._remembered.set_query_history(self._history)
            self._remembered.save()

    def find(self, name: str) -> NamedQuery | None:
        """The query of that name, in any letter case."""
        return next((one for one in self._named if name_key(one.name) == name_key(name)), None)

    def name_of(self, text: str, bands: frozenset[int]) -> str:
        """The name that *text* and *bands* are kept under; empty when they are not."""
        return next((one.name for one in self._named if (one.text, one.bands) == (text, bands)), "")

    def put(self, named: NamedQuery, instead_of: str = "") -> None:
        """Keep *named*, in the place of those that have its name or are called *instead_of*."""
        self._reread()
        gone = {name_key(named.name), name_key(instead_of)}
        self._set_named([*(one for one in self._named if name_key(one.name) not in gone), named])

    def remove(self, name: str) -> None:
        """Forget the query of that name."""
        self._reread()
        self._set_named([one for one in self._named if name_key(one.name) != name_key(name)])

    def _set_named(self, named: list[NamedQuery]) -> None:
        self._named = sorted(named, key=lambda one: name_key(one.name))
        if self._remembered is not None:
            self._remembered.set_named_queries(self._named)
            self._remembered.save()
        self.changed.emit()

    def _reread(self) -> None:
        if self._remembered is not None:
            self._remembered.save()
            self._history = self._remembered.query_history
            self._named = self._remembered.named_queries
