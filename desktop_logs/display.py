"""Whether a window can be opened here, found out before Qt is loaded: Qt ends the process when it cannot. No Qt."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping

_APT_LINE = (
    "sudo apt-get install libdbus-1-3 libegl1 libfontconfig1 libgl1 libxcb-cursor0 libxcb-icccm4 libxcb-image0 "
    "libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xkb1 libxkbcommon-x11-0"
)


def missing_display(environ: Mapping[str, str] | None = None) -> str:
    """Why no window can be opened, in one sentence; empty when one can, as far as can be told without Qt."""
    env = os.environ if environ is None else environ
    if not sys.platform.startswith("linux") or env.get("QT_QPA_PLATFORM"):
        return ""
    wayland, x11 = env.get("WAYLAND_DISPLAY"), env.get("DISPLAY")
    if not wayland and not x11:
        return "There is no display."
    if not wayland and x11 and not _x11_answers(x11):
        return f"The display {x11} does not answer."
    return _missing_library()


def _x11_answers(display: str) -> bool:
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # then it is the library that is missing, which is told below
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    for function in (xcb.xcb_connection_has_error, xcb.xcb_disconnect):
        function.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(os.fsencode(display), None)
    answers = xcb.xcb_connection_has_error(connection) == 0
    xcb.xcb_disconnect(connection)
    return bool(answers)


def _missing_library() -> str:
    """Qt's X11 plugin ends the process when libxcb-cursor is not there; PySide6 cannot be imported without libEGL."""
    for library in ("libEGL.so.1", "libxkbcommon.so.0", "libxcb-cursor.so.0"):
        try:
            ctypes.CDLL(library)
        except OSError:
            return f"Qt's window needs {library}, which is missing; on Debian: {_APT_LINE}."
    return ""
