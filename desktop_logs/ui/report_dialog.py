"""The dialog in which a crash report is read, copied, or found in its folder. It makes none and sends none."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from desktop_logs.core.safe_text import block
from desktop_logs.ui.clipboard import CopyButton
from desktop_logs.ui.forms import ProblemLabel, heading, muted_label, open_folder, push_button
from desktop_logs.ui.theme import fixed_font

_WIDTH_PX, _HEIGHT_PX = 760, 560
_ROOM_PX: Final = 48
"""So much of a small window stays in sight around it."""


class ReportDialog(QDialog):
    """Shown with `open()`. The text is plain, whatever stands in it."""

    def __init__(self, sentence: str, text: str, path: Path, parent: QWidget | None = None) -> None:
        """*sentence* says what happened; *text* is the report, which lies at *path*."""
        super().__init__(parent)
        self.setWindowTitle("Report of a fault")
        self._folder = path.parent
        view = QPlainTextEdit(block(text))
        view.setReadOnly(True)
        view.setFont(fixed_font())
        view.setTabChangesFocus(True)
        view.setAccessibleName("Report")
        self._problem = ProblemLabel()
        copy = CopyButton("the report")
        copy.setProperty("compact", False)
        copy.set_text(text)
        folder = push_button("Open &folder")
        folder.clicked.connect(self._open_folder)
        close = push_button("Close", primary=True)
        close.clicked.connect(self.accept)
        buttons = QHBoxLayout()
        buttons.addWidget(copy)
        buttons.addWidget(folder)
        buttons.addStretch(1)
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 20, 20, 16)
        layout.setSpacing(8)
        layout.addWidget(heading(sentence))
        layout.addWidget(
            muted_label(
                "The report says where the program stood, what it runs on and how much it had done. It holds no log "
                "contents and was sent to nobody; add it when you report the fault."
            )
        )
        layout.addWidget(view, 1)
        layout.addWidget(self._problem)
        layout.addLayout(buttons)
        self.setMinimumSize(420, 280)
        room = parent.size() if parent is not None else self.maximumSize()
        self.resize(min(_WIDTH_PX, room.width() - _ROOM_PX), min(_HEIGHT_PX, room.height() - _ROOM_PX))
        close.setFocus()

    def _open_folder(self) -> None:
        if not open_folder(self._folder):
            self._problem.say(f"No program opens folders here. The report is in {self._folder}")
