"""Where a window stands on the screen: beside another, or in front of all. Knows nothing of what is in it."""

from __future__ import annotations

import os
from typing import Final

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QWidget

_STEP_PX: Final = 32
"""About the height of a title bar, so that both can be seen and taken hold of."""
_INSIST_AFTER_MS: Final = 50
"""Then the window manager knows of a window that was shown just now."""
_ALERT_AFTER_MS: Final = 500
"""Then the task bar at least says that the window wants to come; nothing when it has."""


def place_beside(window: QWidget, other: QWidget) -> None:
    """Give *window*, before it is shown, the size of *other* and a place a step further, on the same screen."""
    window.setWindowState(Qt.WindowState.WindowNoState)
    normal = other.normalGeometry()
    window.resize(normal.size())
    # pos() is the frame's, and a maximized window's is the corner of the screen.
    is_normal = not other.windowState() & (Qt.WindowState.WindowMaximized | Qt.WindowState.WindowFullScreen)
    corner = (other.pos() if is_normal else normal.topLeft()) + QPoint(_STEP_PX, _STEP_PX)
    taken = other.frameGeometry().size() if is_normal else normal.size()
    available = other.screen().availableGeometry()
    # Where there is no room further on: begin again at the edge, but not exactly where the last one did.
    if corner.x() + taken.width() > available.right():
        corner.setX(available.left() + corner.x() % _STEP_PX)
    if corner.y() + taken.height() > available.bottom():
        corner.setY(available.top() + corner.y() % _STEP_PX)
    window.move(corner)


def topmost(window: QWidget) -> QWidget:
    """Who can have the keyboard of *window*: the last of the dialogs that stand before it, or itself."""
    top = window
    # Not the active modal widget: that may be a dialog of another window, which waits for nobody here.
    while above := [one for one in top.findChildren(QDialog) if one.isVisible() and one.isModal()]:
        top = above[-1]
    return top


def bring_to_front(window: QWidget, activation: str = "") -> None:
    """Show *window* in front of all others, with the keyboard, also when it is minimized.

    *activation* is the token with which the desktop lets another program's start do that.
    """
    window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
    window.show()
    window.raise_()
    if activation:
        # Qt's Wayland plugin takes the token from there when it asks to be activated, and from nowhere else.
        os.environ["XDG_ACTIVATION_TOKEN"] = activation
    window.activateWindow()
    os.environ.pop("XDG_ACTIVATION_TOKEN", None)
    is_x11 = QApplication.platformName() == "xcb"
    if is_x11 and activation:
        # Loaded when it is wanted: it brings ctypes, which the first sight of the window does not wait for.
        from desktop_logs.ui import xserver

        xserver.end_startup(activation, int(window.winId()))

    def insist() -> None:
        # A window manager that lets no program take the keyboard from another has left it behind, which Qt does not
        # hear of. This is not the program's wish, but a person's, who has just started it.
        if is_x11:
            from desktop_logs.ui import xserver

            xserver.bring_here(int(window.winId()))
            xserver.activate(int(topmost(window).winId()))
        QTimer.singleShot(_ALERT_AFTER_MS, window, lambda: QApplication.alert(window))

    QTimer.singleShot(_INSIST_AFTER_MS, window, insist)
