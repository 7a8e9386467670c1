"""The list of servers that were connected before, to pick from and to remove from. It connects and stores nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from desktop_logs.core.addresses import DEFAULT_PATH
from desktop_logs.core.connecting import Target
from desktop_logs.core.safe_text import one_line
from desktop_logs.ui.forms import field_label, push_button
from desktop_logs.ui.plaintext import inert_tip

_ROWS_SHOWN: Final = 4
_ROW_PX: Final = 30


def target_text(target: Target) -> str:
    """A server in one line: the path only where it is not the usual one, and what else was said of it."""
    address, trust = target.address, target.trust
    text = address.url if address.path == DEFAULT_PATH else f"{address.url}{address.path}"
    parts = [text, f"only {target.query}" if target.query else ""]
    parts += ["certificate file" if trust.ca_file else "", "own certificate" if trust.fingerprint else ""]
    return one_line("  ·  ".join(part for part in parts if part))


class RecentServers(QWidget):
    """The list under its name, with a button to remove one; not there when there are none."""

    picked = Signal(object)
    """A Target, to be filled in."""
    wanted = Signal()
    """The one that was picked is to be connected."""
    removed = Signal(object)
    """A Target, to be forgotten."""

    def __init__(self, recents: Sequence[Target], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._list = _List(recents)
        self._list.picked.connect(self.picked)
        self._list.wanted.connect(self.wanted)
        self._list.removed.connect(self._removed)
        self._remove = push_button("Remove")
        self._remove.setProperty("kind", "quiet")
        self._remove.setProperty("compact", True)
        self._remove.setAccessibleName("Remove from the recent servers")
        self._remove.setToolTip("Remove the marked server from this list  (Delete)")
        self._remove.clicked.connect(self._list.remove_current)
        head = QHBoxLayout()
        head.addWidget(field_label("&Recent servers", self._list))
        head.addStretch(1)
        head.addWidget(self._remove)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self._list)
        self.setVisible(bool(recents))

    @property
    def stops(self) -> list[QWidget]:
        """What the Tab key reaches, in its order."""
        return [self._list, self._remove]

    def _removed(self, target: Target) -> None:
        if not self._list.count():
            self.hide()
        self.removed.emit(target)


class _List(QListWidget):
    """An arrow key, a click and Space pick a row; Enter and a double click want it; Delete removes it."""

    picked = Signal(object)
    wanted = Signal()
    removed = Signal(object)

    def __init__(self, recents: Sequence[Target]) -> None:
        super().__init__()
        self._shown = list(recents)
        for recent in self._shown:
            item = QListWidgetItem(target_text(recent))
            item.setToolTip(inert_tip(target_text(recent)))
            self.addItem(item)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setStyleSheet(
            "QListWidget { background: palette(base); border: 1px solid palette(mid); border-radius: 6px; padding: 4px}"
            "QListWidget:focus { border-color: palette(accent); }"
            f"QListWidget::item {{ height: {_ROW_PX}px; padding: 0 8px; border-radius: 4px; }}"
        )
        self._fit()
        # Current but not selected: else Qt makes the first row current when Tab comes by, and that would pick it.
        self.setCurrentRow(0, QItemSelectionModel.SelectionFlag.NoUpdate)
        self.currentRowChanged.connect(self._pick)
        self.itemClicked.connect(lambda item: self._pick(self.row(item)))
        self.itemDoubleClicked.connect(lambda item: self.wanted.emit())

    def remove_current(self) -> None:
        """Take the current row away; the next one is current then, and not picked."""
        row = self.currentRow()
        if not 0 <= row < len(self._shown):
            return
        gone = self._shown.pop(row)
        self.blockSignals(True)
        self.takeItem(row)
        self.clearSelection()
        self.blockSignals(False)
        self._fit()
        self.removed.emit(gone)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self._pick(self.currentRow())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._pick(self.currentRow())
            self.wanted.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.remove_current()
        else:
            super().keyPressEvent(event)

    def _fit(self) -> None:
        self.setFixedHeight(max(min(len(self._shown), _ROWS_SHOWN), 1) * _ROW_PX + 10)

    def _pick(self, row: int) -> None:
        if 0 <= row < len(self._shown):
            self.item(row).setSelected(True)
            self.picked.emit(self._shown[row])
