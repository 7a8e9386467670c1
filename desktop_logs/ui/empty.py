"""The empty window, which teaches: where the hub listens, lines to copy for Python, Node and curl, and how to open a
log file."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from desktop_logs.ui.clipboard import CopyButton
from desktop_logs.ui.forms import push_button
from desktop_logs.ui.plaintext import PlainView
from desktop_logs.ui.theme import Theme

_CARD_WIDTH_PX: Final = 720
_CODE_LINES: Final = 16


@dataclass(frozen=True, slots=True)
class Snippet:
    """Lines that send a first record when they are pasted."""

    name: str
    needs: str
    """What must be installed for it, as one typed line; empty when nothing."""
    code: str


def snippets(url: str, *, needs_token: bool = False) -> list[Snippet]:
    """What to paste into Python, Node and a POSIX shell so that a record reaches the hub at *url*.

    Each runs as it stands and ends by itself. A token that the hub needs is read from DESKTOP_LOGS_TOKEN: what is
    pasted here and there holds no secret.
    """
    address = url.rstrip("/")
    entry = json.dumps({"level": "info", "message": "hello from curl", "context": {"source": "shell"}})
    by_python = ', token=os.environ["DESKTOP_LOGS_TOKEN"]' if needs_token else ""
    by_node = ", { auth: { token: process.env.DESKTOP_LOGS_TOKEN } }" if needs_token else ""
    by_curl = '  -H "Authorization: Bearer $DESKTOP_LOGS_TOKEN" \\\n' if needs_token else ""
    return [
        Snippet(
            "Python",
            "pip install desktop-logs",
            f"import logging{', os' if needs_token else ''}\n"
            "from desktop_logs import DesktopLogsHandler\n"
            "\n"
            "logging.getLogger().setLevel(logging.INFO)\n"
            f"logging.getLogger().addHandler(DesktopLogsHandler({json.dumps(address)}{by_python}))\n"
            'logging.info("hello from Python")',
        ),
        Snippet(
            "Node",
            "npm install socket.io-client",
            'const { io } = require("socket.io-client");\n'
            "\n"
            f"const socket = io({json.dumps(address)}{by_node});\n"
            'const entry = { level: "info", message: "hello from Node", context: { source: "node" } };\n'
            'socket.emit("log", entry, () => socket.close());',
        ),
        Snippet(
            "curl",
            "",
            f"curl {shlex.quote(address + '/api/logs')} \\\n"
            f"  -H 'Content-Type: application/json' \\\n{by_curl}"
            f"  -d {shlex.quote(entry)}",
        ),
    ]


class EmptyState(QWidget):
    """Shown while nothing has come: the address, a card for each way to send the first record, and a button for those
    whose records lie in files."""

    files_requested = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = QLabel("Nothing has come in yet")
        self._title.setProperty("kind", "title")
        self._title.setWordWrap(True)
        self._where = QLabel()
        self._where.setTextFormat(Qt.TextFormat.PlainText)
        self._where.setProperty("kind", "muted")
        self._where.setWordWrap(True)
        self._where.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._cards = [_Card(theme, snippet) for snippet in snippets("")]

        column = QWidget()
        column.setMaximumWidth(_CARD_WIDTH_PX)
        inner = QVBoxLayout(column)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(8)
        inner.addLayout(self._head())
        inner.addWidget(self._where)
        inner.addSpacing(8)
        for card in self._cards:
            inner.addWidget(card)
            inner.addSpacing(4)

        page = QWidget()
        page.setObjectName("empty-page")
        middle = QVBoxLayout(page)
        middle.setContentsMargins(24, 24, 24, 24)
        middle.addStretch(2)
        across = QHBoxLayout()
        across.addStretch(1)
        across.addWidget(column, 1_000)  # the column takes what there is, up to its limit
        across.addStretch(1)
        middle.addLayout(across)
        middle.addStretch(3)

        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setStyleSheet("QScrollArea, QWidget#empty-page { background: transparent; }")
        scroll.setWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scroll)
        self.set_address("")

    def _head(self) -> QHBoxLayout:
        """The title, and beside it, where a small window shows it too, the way to a file."""
        open_files = push_button("Open log files…")
        open_files.setToolTip("Each in a tab of its own (Ctrl+O). Dropping them onto the window does the same.")
        open_files.setAccessibleName("Open log files")
        open_files.clicked.connect(self.files_requested)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._title, 1)
        head.addWidget(open_files)
        return head

    def set_address(self, url: str, *, needs_token: bool = False) -> None:
        """Say that the hub listens at *url* (`http://127.0.0.1:5647`); empty while it does not listen yet."""
        told = f"The hub listens on {url}. Paste one of these to send it a first record:"
        if needs_token:
            told = (
                f"The hub listens on {url} and takes records from who shows its producer token, which “Share this "
                "hub…” in the menu copies. Put that into the environment as DESKTOP_LOGS_TOKEN, and paste one of these:"
            )
        self._where.setText(told if url else "The hub does not listen yet.")
        for card, snippet in zip(self._cards, snippets(url, needs_token=needs_token), strict=True):
            card.set_snippet(snippet)
            card.setVisible(bool(url))


class _Card(QFrame):
    """One snippet: its name, what it needs, its code, its copy button."""

    def __init__(self, theme: Theme, snippet: Snippet) -> None:
        super().__init__()
        self._theme = theme
        self.setObjectName("card")
        name = QLabel(snippet.name)
        name.setProperty("kind", "heading")
        self._needs = QLabel()
        self._needs.setTextFormat(Qt.TextFormat.PlainText)
        self._needs.setProperty("kind", "muted")
        self._needs.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._copy = CopyButton(f"the lines for {snippet.name}")
        self._code = PlainView(theme, _CODE_LINES)
        self._code.setAccessibleName(f"Lines for {snippet.name}")
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(name)
        head.addWidget(self._needs, 1)
        head.addWidget(self._copy)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 10, 10, 12)
        layout.setSpacing(6)
        layout.addLayout(head)
        layout.addWidget(self._code)
        theme.changed.connect(self._dress)
        self._dress()

    def set_snippet(self, snippet: Snippet) -> None:
        self._needs.setText(f"needs: {snippet.needs}" if snippet.needs else "")
        self._code.set_text(snippet.code)
        self._copy.set_text(snippet.code)

    def _dress(self) -> None:
        palette = self._theme.palette
        self.setStyleSheet(
            f"QFrame#card {{ background: {palette.panel}; border: 1px solid {palette.border}; border-radius: 6px; }}"
        )
