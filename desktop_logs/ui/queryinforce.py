"""Which query is in force while another is typed: when the text is looked at, what is wrong with it, what is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from desktop_logs.core.errors import QueryError
from desktop_logs.core.query import Query, parse
from desktop_logs.ui.savedqueries import Ripening

_TYPING_MS: Final = 60
_PATIENCE_MS: Final = 500
"""How long typing must rest before it is told what is wrong: nearly every query is wrong while half typed."""
_RIPE_MS: Final = 1_500
"""How long a query must be in force to have been looked at."""
_MOST_PROVEN: Final = 8


class QueryInForce(QObject):
    """The last good query stays in force while a bad one is being typed.

    *text* is what stands in the field, *now_ns* the time that `after:10m` counts from, and *keep* is called with what
    is worth keeping in the history. Nobody is told that something is missing while *is_choosing* it from a list.
    """

    changed = Signal()
    """Another query is in force."""
    told = Signal()
    """The text was looked at: `problem`, or which text is in force, may be another."""

    def __init__(
        self,
        text: Callable[[], str],
        now_ns: Callable[[], int],
        keep: Callable[[str], object],
        is_choosing: Callable[[], bool],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._text = text
        self._now_ns = now_ns
        self._is_choosing = is_choosing
        self._proven: list[Query] = []
        self._ripening = Ripening(keep)
        self._typing = self._single_shot(_TYPING_MS, self._typed)
        self._patience = self._single_shot(_PATIENCE_MS, self._rested)
        self._ripe = self._single_shot(_RIPE_MS, self.ripen)
        self.query = Query()
        """The query in force."""
        self.problem: QueryError | None = None
        """What is wrong with the text; None when nothing is, or nothing has been said yet."""

    # The text

    def edited(self) -> None:
        """Somebody types: a good query comes into force after a moment, a bad one is given time to become one."""
        self._patience.stop()
        self._typing.start()

    def apply(self) -> None:
        """Put the text in force, or say what is wrong with it."""
        try:
            query = self._parse()
        except QueryError as wrong:
            self._tell(wrong)
        else:
            self._put_in_force(query)

    def settle(self) -> None:
        """Typing is over for now: apply what has not been, and keep what is in force in the history."""
        if self._typing.isActive() or self._patience.isActive():
            self.apply()
        if self.problem is None:
            self._ripening.commit()

    def ripen(self) -> None:
        """What is in force has stood long enough to have been looked at."""
        self._ripening.ripen()

    # The engine

    def confirm(self) -> None:
        """What is in force has been applied to every record: it can be fallen back to when another fails."""
        self._proven = [*(query for query in self._proven if query != self.query), self.query][-_MOST_PROVEN:]

    def fail(self, wrong: QueryError) -> None:
        """What is in force is too much: go back to the last that was not, or the one before it, at last to none."""
        refused = self.query
        self._proven = [query for query in self._proven if query != refused]
        self.query = self._proven[-1] if self._proven else Query()
        self._ripening.drop()
        self._ripening.come_into_force(self.query.text)
        # Where the text is another by now, the problem is none of that text's.
        self._tell(wrong if self._text().strip() == refused.text else self.problem)
        self.changed.emit()

    # Inside

    def _typed(self) -> None:
        try:
            query = self._parse()
        except QueryError as wrong:
            if self.problem is None:
                self._patience.start()
            else:
                self._tell(wrong)
        else:
            self._put_in_force(query)

    def _rested(self) -> None:
        """What is wrong is not being mended."""
        if self._is_choosing():
            self._patience.start()
        else:
            self.apply()

    def _parse(self) -> Query:
        self._typing.stop()
        self._patience.stop()
        return parse(self._text(), self._now_ns())

    def _put_in_force(self, query: Query) -> None:
        is_other = query != self.query
        if query.text != self.query.text:
            self._ripening.come_into_force(query.text)
            self._ripe.start()
        self.query = query
        self._tell(None)
        if is_other:
            self.changed.emit()

    def _tell(self, wrong: QueryError | None) -> None:
        self.problem = wrong
        self.told.emit()

    def _single_shot(self, interval_ms: int, act: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(act)
        return timer
