"""The dialog that asks for a server: URL, path, token, or one of the recent ones. It connects nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QItemSelectionModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from desktop_logs.core.addresses import DEFAULT_PATH, ServerAddress
from desktop_logs.core.errors import UserError
from desktop_logs.core.safe_text import one_line
from desktop_logs.ui.forms import ProblemLabel, field_label, mark_invalid, muted_label, push_button
from desktop_logs.ui.theme import Theme

_WIDTH_PX: Final = 480
_ROWS_SHOWN: Final = 5
_ROW_PX: Final = 30


@dataclass(frozen=True, slots=True)
class Recent:
    """A server that was connected before."""

    url: str
    path: str = DEFAULT_PATH

    @property
    def name(self) -> str:
        """As the list shows it: the path only where it is not the usual one."""
        return one_line(self.url if self.path == DEFAULT_PATH else f"{self.url}{self.path}")


class ConnectDialog(QDialog):
    """Shown with `open()`. It closes when whoever heard `connect_requested` did not call `show_problem` in answer."""

    connect_requested = Signal(object, str)
    """The ServerAddress and the token (empty without one)."""

    def __init__(self, theme: Theme, recents: Sequence[Recent], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Connect to a server")
        self.setMinimumWidth(_WIDTH_PX)
        self._theme = theme
        self._url = QLineEdit()
        self._url.setPlaceholderText("http://localhost:3000")
        self._path = QLineEdit()
        self._path.setPlaceholderText(DEFAULT_PATH)
        self._token = QLineEdit()
        self._token.setEchoMode(QLineEdit.EchoMode.Password)
        self._token.setPlaceholderText("none")
        for field in (self._url, self._path, self._token):
            field.textEdited.connect(self._forget_problem)
        self._problem = ProblemLabel()
        self._recents = _RecentList(recents)
        self._recents.picked.connect(self.fill)
        self._recents.wanted.connect(self._connect)
        self._connect_button = push_button("Connect", primary=True)
        self._connect_button.clicked.connect(self._connect)
        cancel = push_button("Cancel")
        cancel.clicked.connect(self.reject)

        fields = QGridLayout()
        fields.setHorizontalSpacing(12)
        fields.setVerticalSpacing(8)
        rows = (("&URL", self._url), ("&Path", self._path), ("&Token", self._token))
        for row, (name, field) in enumerate(rows):
            fields.addWidget(field_label(name, field), row, 0)
            fields.addWidget(field, row, 1)
        fields.addWidget(muted_label("The token is kept only until this program ends."), len(rows), 1)
        fields.addWidget(self._problem, len(rows) + 1, 0, 1, 2)
        fields.setColumnStretch(1, 1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self._connect_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 16)
        layout.setSpacing(8)
        layout.addLayout(fields)
        if recents:
            layout.addSpacing(8)
            layout.addWidget(field_label("&Recent servers", self._recents))
            layout.addWidget(self._recents)
        layout.addSpacing(8)
        layout.addStretch(1)
        layout.addLayout(buttons)
        self._url.setFocus()

    def show_problem(self, text: str) -> None:
        """Say below the fields why it did not work; when the dialog has closed already, it opens again as it was."""
        self._problem.say(text)
        if not self.isVisible():
            self.open()
        self._url.setFocus()

    def _connect(self) -> None:
        self._forget_problem()
        url, path = self._url.text(), self._path.text()
        try:
            address = ServerAddress.parse(url, path)
        except UserError as fault:
            self._tell_fault(url, str(fault))
            return
        self.connect_requested.emit(address, self._token.text().strip())
        if self.isVisible() and not self._problem.sentence:
            self.accept()

    def _tell_fault(self, url: str, sentence: str) -> None:
        """Mark the field that is at fault: the path when the URL alone could be used."""
        try:
            ServerAddress.parse(url)
            field = self._path
        except UserError:
            field = self._url
        mark_invalid(field, True)
        self._problem.say(sentence)
        field.setFocus()
        field.selectAll()

    def _forget_problem(self) -> None:
        self._problem.say("")
        mark_invalid(self._url, False)
        mark_invalid(self._path, False)

    def fill(self, recent: Recent) -> None:
        """Put *recent* into the fields, to be changed or connected again."""
        self._forget_problem()
        self._url.setText(recent.url)
        self._path.setText("" if recent.path == DEFAULT_PATH else recent.path)


class _RecentList(QListWidget):
    """The recent servers. An arrow key, a click and Space pick one; Enter and a double click want it."""

    picked = Signal(object)
    wanted = Signal()

    def __init__(self, recents: Sequence[Recent]) -> None:
        super().__init__()
        self._shown = list(recents)
        for recent in self._shown:
            self.addItem(QListWidgetItem(recent.name))
        self.setFixedHeight(min(len(self._shown), _ROWS_SHOWN) * _ROW_PX + 10)
        self.setStyleSheet(
            "QListWidget { background: palette(base); border: 1px solid palette(mid); border-radius: 6px; padding: 4px}"
            "QListWidget:focus { border-color: palette(accent); }"
            f"QListWidget::item {{ height: {_ROW_PX}px; padding: 0 8px; border-radius: 4px; }}"
        )
        # Current but not selected: else Qt makes the first row current when Tab comes by, and that would pick it.
        self.setCurrentRow(0, QItemSelectionModel.SelectionFlag.NoUpdate)
        self.currentRowChanged.connect(self._pick)
        self.itemClicked.connect(lambda item: self._pick(self.row(item)))
        self.itemDoubleClicked.connect(lambda item: self.wanted.emit())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self._pick(self.currentRow())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._pick(self.currentRow())
            self.wanted.emit()
        else:
            super().keyPressEvent(event)

    def _pick(self, row: int) -> None:
        if 0 <= row < len(self._shown):
            self.item(row).setSelected(True)
            self.picked.emit(self._shown[row])
