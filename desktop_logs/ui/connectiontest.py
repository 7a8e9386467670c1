"""A test of a connection in the dialog: under way, passed, or what failed. How it is tested others know."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from desktop_logs.core.connecting import Certificate, Target, Tested
from desktop_logs.core.safe_text import one_line
from desktop_logs.tasks import Tasks
from desktop_logs.ui.forms import grow_to_fit, muted_label, push_button
from desktop_logs.ui.icons import icon
from desktop_logs.ui.theme import Palette, Theme, fixed_font

_STOPPED = "The test stopped for a fault of this program, which is told in the terminal."
_PAIRS_A_LINE = 16


class ConnectionTest(QWidget):
    """Nothing is seen of it before the first test, nor after `clear`."""

    busy_changed = Signal(bool)
    certificate_accepted = Signal(object)
    """The Certificate that a person wants to be an exception."""

    def __init__(
        self, theme: Theme, test: Callable[[Target], Coroutine[Any, Any, Tested]], tasks: Tasks, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._test = test
        self._tasks = tasks
        self._task: asyncio.Task[Tested] | None = None
        self._tested: Tested | None = None
        self._mark = QLabel()
        self._mark.setFixedSize(16, 20)
        self._mark.setAlignment(Qt.AlignmentFlag.AlignVCenter)
        self._sentence = QLabel()
        self._sentence.setTextFormat(Qt.TextFormat.PlainText)
        self._sentence.setAccessibleName("Test")
        self._sentence.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self._sentence.setWordWrap(True)
        self._progress = QProgressBar()
        self._progress.setRange(0, 0)
        self._progress.setTextVisible(False)
        self._progress.setAccessibleName("Testing")
        self._certificate = _CertificateBox(self)
        self._certificate.accepted.connect(self._accept)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self._sentence, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(line)
        layout.addWidget(self._progress)
        layout.addWidget(self._certificate)
        self.hide()
        theme.changed.connect(self._dress)

    @property
    def stops(self) -> list[QWidget]:
        """What the Tab key reaches, in its order."""
        return [self._certificate.fingerprint, self._certificate.accept]

    @property
    def is_busy(self) -> bool:
        """True while a test is under way."""
        return self._task is not None

    @property
    def sentence(self) -> str:
        """What is said now; empty before a test."""
        return self._sentence.text()

    def start(self, target: Target) -> None:
        """Test *target*; a test under way is given up."""
        self.clear()
        self._progress.show()
        self._say(f"Connecting to {one_line(target.address.host)}…", "muted")
        self._task = self._tasks.start(self._test(target), f"test {target.address.host}")
        self._task.add_done_callback(self._done)
        self.busy_changed.emit(True)

    def clear(self) -> None:
        """Give up a test under way, and say nothing any more."""
        task, self._task = self._task, None
        self._tested = None
        self._sentence.setText("")
        self._certificate.hide()
        self.hide()
        if task is not None:
            task.cancel()
            self.busy_changed.emit(False)

    def _done(self, task: asyncio.Task[Tested]) -> None:
        if task is not self._task:
            return  # another was begun, or nobody wants to know any more
        self._task = None
        is_fault = task.cancelled() or task.exception() is not None  # Tasks reports it
        self._tested = Tested(_STOPPED, "other") if is_fault else task.result()
        self._progress.hide()
        self._certificate.setVisible(self._tested.certificate is not None)
        if self._tested.certificate is not None:
            self._certificate.show_certificate(self._tested.certificate, self._tested.sentence)
        self._say(self._tested.sentence, "good" if self._tested.fault is None else "problem")
        self.busy_changed.emit(False)

    def _say(self, sentence: str, kind: str) -> None:
        self._sentence.setProperty("kind", kind)
        self._sentence.style().unpolish(self._sentence)
        self._sentence.style().polish(self._sentence)
        # A path has no place to break; after its slashes an invisible one is let in.
        self._sentence.setText(sentence.replace("/", "/\u200b"))
        self._sentence.setAccessibleDescription(sentence)
        self._dress(self._theme.palette)
        self.show()
        window = self.window()
        if isinstance(window, QDialog):
            grow_to_fit(window)

    def _dress(self, palette: Palette) -> None:
        tested = self._tested
        name, color = ("check", palette.info) if tested is None or tested.fault is None else ("error", palette.error)
        self._mark.setPixmap(icon(name, palette, color).pixmap(QSize(16, 16)))
        self._mark.setVisible(tested is not None)

    def _accept(self) -> None:
        if self._tested is not None and self._tested.certificate is not None:
            self.certificate_accepted.emit(self._tested.certificate)


class _CertificateBox(QWidget):
    """What a server showed that is not trusted, to be compared with what its owner says, and a button to accept it."""

    accepted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._reason = muted_label()
        self.fingerprint = QLabel()
        self.fingerprint.setTextFormat(Qt.TextFormat.PlainText)
        self.fingerprint.setFont(fixed_font())
        self.fingerprint.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.fingerprint.setAccessibleName("Fingerprint of the server's certificate, SHA-256")
        advice = muted_label("Accept it only when whoever runs the server tells you the same fingerprint.")
        self.accept = push_button("&Accept this certificate")
        self.accept.clicked.connect(self.accepted)
        row = QHBoxLayout()
        row.addWidget(self.accept)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._reason)
        layout.addWidget(self.fingerprint)
        layout.addWidget(advice)
        layout.addLayout(row)
        self.hide()

    def show_certificate(self, certificate: Certificate, sentence: str) -> None:
        """Show *certificate*; why it is not trusted only where *sentence*, which stands above, does not say it."""
        said = certificate.problem.casefold() in sentence.casefold()
        reason = "" if said else f"Not trusted: {one_line(certificate.problem).rstrip('.')}. "
        self._reason.setText(f"{reason}The fingerprint of its certificate (SHA-256):")
        pairs = certificate.spaced.split(":")
        lines = [":".join(pairs[at : at + _PAIRS_A_LINE]) for at in range(0, len(pairs), _PAIRS_A_LINE)]
        self.fingerprint.setText(":\n".join(lines))
        self.fingerprint.setAccessibleDescription(certificate.spaced)
