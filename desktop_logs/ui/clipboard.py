"""What goes to the clipboard and how it reads there: a record as JSON or curl, a value, a pair. No logs, no files."""

from __future__ import annotations

import json
import re
import shlex
from typing import Final

import msgspec
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton, QWidget

from desktop_logs.core.records import Record
from desktop_logs.core.wire import encode_entry

# What a terminal or an editor would obey instead of show; JSON writes the rest of the control characters as escapes.
_OBEYED = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_PLAIN_VALUE = re.compile(r'[^\s"=\\]+')
# Linux takes at most 128 KiB as one argument of a program.
_ARGUMENT_BYTES: Final = 100_000
_COPIED_MS: Final = 1_500


def record_json(record: Record) -> str:
    """The record as a LogEntry over several lines; equal to its line in the files when it is read."""
    return _harmless(msgspec.json.format(encode_entry(record), indent=2).decode())


def record_curl(record: Record, hub_url: str, *, needs_token: bool = False) -> str:
    """The command that sends the record to the hub at *hub_url*, for a POSIX shell; safe to paste.

    A token that the hub needs is taken from DESKTOP_LOGS_TOKEN there: who is shown the command does not see it.
    """
    body = _harmless(encode_entry(record).decode())
    command = f"curl {shlex.quote(hub_url.rstrip('/') + '/api/logs')} -H 'Content-Type: application/json'"
    if needs_token:
        command = f'{command} -H "Authorization: Bearer $DESKTOP_LOGS_TOKEN"'
    if len(body.encode()) > _ARGUMENT_BYTES:
        # The body is one line of JSON in braces, so it cannot end the here-document.
        return f"{command} --data-binary @- <<'EOF'\n{body}\nEOF"
    return f"{command} --data-raw {shlex.quote(body)}"


def value_text(value: object) -> str:
    """A value of a context: a string as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    text = msgspec.json.encode(value)
    return (msgspec.json.format(text, indent=2) if isinstance(value, dict | list) and value else text).decode()


def pair_text(path: str, value: object) -> str:
    """`path=value` as logfmt writes it: quoted where it would not read as one word."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"{path}={text}" if _PLAIN_VALUE.fullmatch(text) else f"{path}={json.dumps(text, ensure_ascii=False)}"


def copy(text: str) -> None:
    """Put *text*, and nothing but text, on the clipboard."""
    QGuiApplication.clipboard().setText(text)


class CopyButton(QPushButton):
    """A button that copies one text and says for a moment that it did."""

    def __init__(self, what: str, parent: QWidget | None = None) -> None:
        """*what* completes `Copy …` for screen readers."""
        super().__init__("Copy", parent)
        self.setProperty("compact", True)
        self.setAccessibleName(f"Copy {what}")
        self.setAutoDefault(False)
        self._text = ""
        self._back = QTimer(self)
        self._back.setSingleShot(True)
        self._back.setInterval(_COPIED_MS)
        self._back.timeout.connect(self._say_copy)
        self.setMinimumWidth(self.fontMetrics().horizontalAdvance("Copied") + 32)  # does not jump when it changes
        self.clicked.connect(self._copy)

    def set_text(self, text: str) -> None:
        """What a click copies."""
        self._text = text

    def _copy(self) -> None:
        copy(self._text)
        self.setText("Copied")
        self._back.start()

    def _say_copy(self) -> None:
        self.setText("Copy")


def _harmless(json_text: str) -> str:
    # Outside of its strings JSON has none of these characters, so replacing them in the text is replacing them there.
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", json_text)
