"""The box that says what this program is. Nothing else."""

from __future__ import annotations

import platform

from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QMessageBox, QWidget

from desktop_logs import __version__
from desktop_logs.ui.icons import app_icon


def open_about(parent: QWidget) -> None:
    """Show the program's version and what it runs on."""
    box = QMessageBox(parent)
    box.setWindowTitle("About Desktop Logs")
    box.setIconPixmap(app_icon().pixmap(64, 64))
    box.setText(f"Desktop Logs {__version__}")
    box.setInformativeText(
        "One window for the live logs of everything you run.\n\n"
        f"Python {platform.python_version()}, Qt {qVersion()}. MIT licence."
    )
    box.finished.connect(box.deleteLater)
    box.open()
