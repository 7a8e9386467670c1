"""The dialog that says how others reach this hub, and shows the tokens that let them in. It changes nothing."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from desktop_logs.ui.actions import Sharing
from desktop_logs.ui.clipboard import CopyButton
from desktop_logs.ui.forms import ProblemLabel, field_label, heading, muted_label, push_button
from desktop_logs.ui.theme import fixed_font

_WIDTH_PX: Final = 560
_FOR_OTHERS: Final = "desktop-logs --host 0.0.0.0"


class ShareDialog(QDialog):
    """Shown with `open()`. The tokens are hidden until somebody wants to see them; they can be copied unseen."""

    def __init__(self, sharing: Sharing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Share this hub")
        self.setMinimumWidth(480)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(8)
        self._grid.setColumnStretch(1, 1)
        self._secrets: list[QLineEdit] = []
        self._where(sharing)
        self._tokens(sharing)
        self._meaning(sharing)
        close = push_button("Close", primary=True)
        close.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 16)
        layout.setSpacing(8)
        layout.addLayout(self._grid)
        layout.addSpacing(8)
        layout.addStretch(1)
        layout.addLayout(buttons)
        self.resize(_WIDTH_PX, max(self.sizeHint().height(), self.heightForWidth(_WIDTH_PX)))
        close.setFocus()

    # Inside: its three parts, from top to bottom

    def _where(self, sharing: Sharing) -> None:
        self._add(heading("Where it is"))
        if not sharing.url:
            self._add(muted_label("This hub does not listen at present; the notice above the table says why."))
        else:
            self._add_value("&Address", sharing.url, "the address")
        if sharing.is_local:
            self._add(muted_label("Only programs on this machine reach it. For others to reach it, start it with"))
            self._add_value("Co&mmand", _FOR_OTHERS, "the command")
        elif sharing.url:
            self._add(muted_label("Where this machine's name is not known, its IP address does as well."))

    def _tokens(self, sharing: Sharing) -> None:
        self._gap()
        self._add(heading("Tokens"))
        if sharing.problem:
            problem = ProblemLabel()
            self._add(problem)
            problem.say(sharing.problem)
        elif not sharing.viewer_token:
            self._add(muted_label("Programs on this machine need none. They are made when the hub is first shared."))
        else:
            self._add(muted_label("Whoever has the first can read and search all records; the second only sends them."))
            self._add_value("&Viewer token", sharing.viewer_token, "the viewer token", is_secret=True)
            self._add_value("&Producer token", sharing.producer_token, "the producer token", is_secret=True)
            self._reveal = push_button("&Show the tokens")
            self._reveal.setCheckable(True)
            self._reveal.toggled.connect(self._show_tokens)
            row = QHBoxLayout()
            row.addWidget(self._reveal)
            row.addStretch(1)
            self._grid.addLayout(row, self._grid.rowCount(), 1)

    def _meaning(self, sharing: Sharing) -> None:
        if sharing.is_local:
            return
        self._gap()
        self._add(heading("On the way"))
        if sharing.has_tls:
            self._add(muted_label("Records and tokens are encrypted on their way (TLS)."))
        else:
            self._add(
                muted_label(
                    "Without TLS whoever can listen on the network reads the records and the tokens. Share it so only "
                    "where you trust the network; elsewhere start the hub with a certificate: see desktop-logs --help."
                )
            )

    def _add(self, part: QWidget) -> None:
        self._grid.addWidget(part, self._grid.rowCount(), 0, 1, 3)

    def _gap(self) -> None:
        self._grid.setRowMinimumHeight(self._grid.rowCount(), 8)

    def _add_value(self, name: str, value: str, what: str, *, is_secret: bool = False) -> None:
        field = QLineEdit(value)
        field.setReadOnly(True)
        field.setFont(fixed_font())
        field.setCursorPosition(0)
        if is_secret:
            field.setEchoMode(QLineEdit.EchoMode.Password)
            self._secrets.append(field)
        copy = CopyButton(what)
        copy.set_text(value)
        row = self._grid.rowCount()
        label: QLabel = field_label(name, field)
        self._grid.addWidget(label, row, 0)
        self._grid.addWidget(field, row, 1)
        self._grid.addWidget(copy, row, 2, Qt.AlignmentFlag.AlignVCenter)

    def _show_tokens(self, is_shown: bool) -> None:
        for field in self._secrets:
            field.setEchoMode(QLineEdit.EchoMode.Normal if is_shown else QLineEdit.EchoMode.Password)
            field.setCursorPosition(0)
        self._reveal.setText("&Hide the tokens" if is_shown else "&Show the tokens")
