"""How the room is divided between the table and the detail: beside each other, or one below the other."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget


@dataclass(frozen=True, slots=True)
class DetailShares:
    """How many hundredths of the room the detail takes: beside the table, and below it. 0 is closed."""

    beside: int = 28
    below: int = 40


class DetailSplitter(QSplitter):
    """A table and a detail that keep their shares when the window changes its size."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._shares = DetailShares()
        self.setHandleWidth(1)
        self.splitterMoved.connect(self._note)

    def fill(self, table: QWidget, detail: QWidget) -> None:
        """Put in the table, which always keeps some room, and the detail, which can be closed."""
        self.addWidget(table)
        self.addWidget(detail)
        self.setCollapsible(0, False)

    @property
    def shares(self) -> DetailShares:
        """How the room is divided, in both arrangements."""
        return self._shares

    def set_shares(self, shares: DetailShares) -> None:
        """Divide the room by *shares*."""
        self._shares = shares
        self._divide()

    def set_below(self, below: bool) -> None:
        """Put the detail below the table, or beside it."""
        wanted = Qt.Orientation.Vertical if below else Qt.Orientation.Horizontal
        if self.orientation() != wanted:
            self.setOrientation(wanted)
            self._divide()

    def open_detail(self) -> None:
        """Give the detail its usual share when it is closed."""
        if self.sizes()[1] == 0:
            self.set_shares(DetailShares())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._divide()

    def _divide(self) -> None:
        is_beside = self.orientation() == Qt.Orientation.Horizontal
        room = self.width() if is_beside else self.height()
        detail = room * (self._shares.beside if is_beside else self._shares.below) // 100
        self.setSizes([room - detail, detail])

    def _note(self) -> None:
        sizes = self.sizes()
        share = round(100 * sizes[1] / max(sum(sizes), 1))
        is_beside = self.orientation() == Qt.Orientation.Horizontal
        self._shares = replace(self._shares, **{"beside" if is_beside else "below": share})
