"""The fields that say whose certificates are believed. They look into no certificate."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Final

from PySide6.QtCore import QDir, Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop_logs.core.connecting import Certificate, Trust
from desktop_logs.ui.forms import mark_invalid, push_button
from desktop_logs.ui.theme import fixed_font

_SYSTEM, _FILE, _ONE = range(3)
_CHOICES: Final = ("Those that the system trusts", "Those of a certificate file", "One certificate, by its fingerprint")
_DIGITS: Final = 64
_NO_FINGERPRINT: Final = (
    "A fingerprint (SHA-256) is 64 hexadecimal digits. To see the server's, trust the system's and press Test."
)


class TrustFields(QWidget):
    """A choice of three, and the field that the choice needs."""

    edited = Signal()
    """A person changed something."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice = QComboBox()
        self.choice.addItems(_CHOICES)
        self.choice.activated.connect(self._chosen)
        self._file = QLineEdit()
        self._file.setPlaceholderText("PEM, for example /etc/ssl/our-ca.pem")
        self._file.setAccessibleName("Certificate file")
        self._choose = push_button("Choose…")
        self._choose.setAccessibleName("Choose a certificate file")
        self._choose.clicked.connect(self._browse)
        self._file_row = QWidget()
        row = QHBoxLayout(self._file_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._file, 1)
        row.addWidget(self._choose)
        self._fingerprint = QLineEdit()
        self._fingerprint.setPlaceholderText("SHA-256, 64 hexadecimal digits")
        self._fingerprint.setAccessibleName("Fingerprint of the certificate")
        self._fingerprint.setFont(fixed_font())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for part in (self.choice, self._file_row, self._fingerprint):
            layout.addWidget(part)
        for field in (self._file, self._fingerprint):
            field.textEdited.connect(self.edited)
        self._show_field()

    @property
    def stops(self) -> list[QWidget]:
        """What the Tab key reaches, in its order."""
        return [self.choice, self._file, self._choose, self._fingerprint]

    @property
    def trust(self) -> Trust:
        """What the fields say; worth something only while there is no `fault`."""
        chosen = self.choice.currentIndex()
        if chosen == _FILE:
            return Trust(ca_file=self._file.text().strip())
        return Trust(fingerprint=_digits(self._fingerprint.text())) if chosen == _ONE else Trust()

    @property
    def fault(self) -> tuple[QLineEdit, str] | None:
        """The field that cannot be used as it stands, and why, in a sentence."""
        trust, chosen = self.trust, self.choice.currentIndex()
        if chosen == _FILE and not trust.ca_file:
            return self._file, "Choose the certificate file, or trust those that the system trusts."
        if chosen == _FILE and not Path(trust.ca_file).expanduser().is_file():
            return self._file, f"There is no file {trust.ca_file}"
        is_whole = len(trust.fingerprint) == _DIGITS and set(trust.fingerprint) <= set(string.hexdigits)
        if chosen == _ONE and not is_whole:
            return self._fingerprint, _NO_FINGERPRINT
        return None

    def fill(self, trust: Trust) -> None:
        """Show *trust*."""
        self.forget_fault()
        self.choice.setCurrentIndex(_ONE if trust.fingerprint else _FILE if trust.ca_file else _SYSTEM)
        self._file.setText(trust.ca_file)
        self._fingerprint.setText(Certificate(trust.fingerprint, "").spaced)
        self._fingerprint.setCursorPosition(0)
        self._show_field()

    def forget_fault(self) -> None:
        """No field is marked any more."""
        mark_invalid(self._file, False)
        mark_invalid(self._fingerprint, False)

    def _chosen(self) -> None:
        self._show_field()
        self.edited.emit()
        for field in (self._file, self._fingerprint):
            if field.isVisible():
                field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_field(self) -> None:
        self._file_row.setVisible(self.choice.currentIndex() == _FILE)
        self._fingerprint.setVisible(self.choice.currentIndex() == _ONE)

    def _browse(self) -> None:
        browser = QFileDialog(self, "Certificate file", self._file.text() or QDir.homePath())
        browser.setFileMode(QFileDialog.FileMode.ExistingFile)
        browser.setNameFilters(["Certificates (*.pem *.crt *.cer)", "All files (*)"])
        browser.fileSelected.connect(self._take_file)
        browser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._browser = browser  # kept, since nothing else of Python's holds it
        browser.open()

    def _take_file(self, file: str) -> None:
        self._file.setText(file)
        self.edited.emit()


def _digits(text: str) -> str:
    """A fingerprint as it is compared: without the colons and spaces that it is read by."""
    return "".join(text.replace(":", "").split()).lower()
