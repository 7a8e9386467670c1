"""What the dialogs' forms share: labels, inline problems, buttons, and opening a folder. No dialog of its own."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QLabel, QPushButton, QSizePolicy, QWidget


class ProblemLabel(QLabel):
    """A sentence below the fields that says what is wrong; not there while nothing is. Always plain text."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "problem")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        self.setAccessibleName("Problem")
        self.sentence = ""
        """What it says now."""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.hide()

    def say(self, sentence: str) -> None:
        """Show *sentence*, the dialog growing for it where it must; empty hides it."""
        self.sentence = sentence
        # A path has no place to break; after its slashes an invisible one is let in.
        self.setText(sentence.replace("/", "/\u200b"))
        self.setAccessibleDescription(sentence)
        self.setVisible(bool(sentence))
        window = self.window()
        if sentence and isinstance(window, QDialog):
            grow_to_fit(window)


def grow_to_fit(dialog: QDialog) -> None:
    """Make *dialog* as high as its contents need at its width; Qt itself ignores wrapped text there."""
    layout = dialog.layout()
    if layout is None:
        return
    layout.activate()
    needed = layout.totalHeightForWidth(dialog.width()) if layout.hasHeightForWidth() else layout.sizeHint().height()
    if needed > dialog.height():
        dialog.resize(dialog.width(), needed)


def field_label(text: str, field: QWidget) -> QLabel:
    """The label of *field*: its buddy, so that Alt and the letter after & lead to it, and its accessible name."""
    label = QLabel(text)
    label.setBuddy(field)
    if not field.accessibleName():
        field.setAccessibleName(text.replace("&", ""))
    return label


def muted_label(text: str = "") -> QLabel:
    """A wrapped line of secondary, plain text."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("kind", "muted")
    label.setWordWrap(True)
    return label


def heading(text: str) -> QLabel:
    """The heading of a group of fields."""
    label = QLabel(text)
    label.setProperty("kind", "heading")
    return label


def mark_invalid(field: QWidget, is_invalid: bool) -> None:
    """Give *field* the look of a fault, or take it away."""
    if bool(field.property("invalid")) != is_invalid:
        field.setProperty("invalid", is_invalid)
        # A style sheet looks at properties only when a widget is polished.
        field.style().unpolish(field)
        field.style().polish(field)


def push_button(text: str, *, primary: bool = False) -> QPushButton:
    """A button; Enter anywhere in the dialog presses the *primary* one and no other."""
    button = QPushButton(text)
    button.setAutoDefault(False)
    if primary:
        button.setProperty("kind", "primary")
        button.setDefault(True)
    return button


def open_folder(folder: Path) -> bool:
    """Show *folder* in the desktop's file manager; False when there is none."""
    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
