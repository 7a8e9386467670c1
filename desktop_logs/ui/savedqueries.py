"""What is kept of queries: the history, the way back through it, and queries with a name. Pure: no Qt, no clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from desktop_logs.core.levels import BANDS

MAX_HISTORY: Final = 100
MAX_NAME: Final = 60
"""The longest name of a query, in characters."""


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query under a name, with the level bands that were shown (indices into BANDS)."""

    name: str
    text: str
    bands: frozenset[int]

    def summary(self) -> str:
        """What it selects, in one line: the query, and the levels when they are not all."""
        if len(self.bands) == len(BANDS):
            return self.text
        levels = " ".join(BANDS[band] for band in sorted(self.bands)) or "no level"
        return f"{self.text}  ·  {levels}" if self.text else levels


def name_key(name: str) -> str:
    """What makes two names the same: letter case and outer blanks do not count."""
    return name.strip().casefold()


def with_latest(history: Sequence[str], text: str) -> list[str]:
    """*history*, the latest first, with *text* in front: each once, at most 100. An empty text changes nothing."""
    text = text.strip()
    return list(dict.fromkeys([text, *history] if text else history))[:MAX_HISTORY]


class HistoryWalk:
    """Steps back and forth through the history. What was being typed is the draft, to which the way forth leads."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._at = 0

    @property
    def is_under_way(self) -> bool:
        """True while something older than the draft is shown."""
        return self._at > 0

    def older(self, history: Sequence[str], typed: str) -> str | None:
        """The query before the one shown; None at the oldest. The first step keeps *typed* as the draft."""
        if not self.is_under_way:
            self._path = [typed, *(text for text in history if text != typed.strip())]
        return self._go(1)

    def newer(self) -> str | None:
        """The query after the one shown, at last the draft; None there."""
        return self._go(-1)

    def stop(self) -> None:
        """What is shown is being edited: it is the draft now."""
        self._at = 0

    def _go(self, step: int) -> str | None:
        if not 0 <= self._at + step < len(self._path):
            return None
        self._at += step
        return self._path[self._at]


class Ripening:
    """Decides which queries that came into force by mere typing are worth keeping.

    One that stood for a while, and then was cleared or gave way to another, was looked at and is kept. One that is
    continued or shortened was only half typed. *keep* is called with what is to be kept.
    """

    def __init__(self, keep: Callable[[str], object]) -> None:
        self._keep = keep
        self._text = ""
        self._ripe = ""

    def come_into_force(self, text: str) -> None:
        """*text* is in force from now on."""
        is_same_thought = bool(text) and (text.startswith(self._ripe) or self._ripe.startswith(text))
        if self._ripe and not is_same_thought:
            self._keep(self._ripe)
            self._ripe = ""
        self._text = text

    def ripen(self) -> None:
        """What is in force has stood for a while."""
        self._ripe = self._text

    def commit(self) -> None:
        """Keep what is in force: somebody pressed Enter or left the field."""
        if self._text:
            self._keep(self._text)
        self._ripe = ""

    def drop(self) -> None:
        """What is in force was no good after all."""
        self._text = self._ripe = ""
