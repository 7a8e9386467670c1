"""What Qt does not ask of an X server: to bring a window to the front for a person, and to end a start's busy pointer.

By libxcb, which Qt's own plugin has loaded. Extended Window Manager Hints 1.5; Startup Notification 0.1.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

_CLIENT_MESSAGE: Final = 33
_PROPERTY_CHANGE: Final = 1 << 22
_SUBSTRUCTURE: Final = 1 << 20 | 1 << 19
_FOR_A_PERSON: Final = 2
"""The source of a request: not a program by itself, but what a person did. A second start of a program is that."""
_PIECE: Final = 20
"""Bytes in one message."""

Send = Callable[[int, int, str, bytes, int], None]
"""Bits of a number in it, the window it is about, its kind, what it says, and who on the root window is to hear it."""


def activate(window: int) -> None:
    """Ask the window manager to bring *window* to the front with the keyboard. What it does shows by itself."""
    said = struct.pack("=5I", _FOR_A_PERSON, 0, 0, 0, 0)
    _with_server(lambda send: send(32, window, "_NET_ACTIVE_WINDOW", said, _SUBSTRUCTURE))


def end_startup(startup_id: str, window: int) -> None:
    """Tell that the start which has *startup_id* (DESKTOP_STARTUP_ID) is over, in the name of a *window* of ours."""

    def tell(send: Send) -> None:
        quoted = startup_id.replace("\\", "\\\\").replace('"', '\\"')
        text = f'remove: ID="{quoted}"'.encode() + b"\0"
        for at in range(0, len(text), _PIECE):
            kind = "_NET_STARTUP_INFO" if at else "_NET_STARTUP_INFO_BEGIN"
            send(8, window, kind, text[at : at + _PIECE], _PROPERTY_CHANGE)

    _with_server(tell)


class _Screens(ctypes.Structure):
    """xcb_screen_iterator_t; a screen begins with the number of its root window."""

    _fields_ = (("data", ctypes.POINTER(ctypes.c_uint32)), ("rem", ctypes.c_int), ("index", ctypes.c_int))


class _Cookie(ctypes.Structure):
    _fields_ = (("sequence", ctypes.c_uint),)


class _AtomReply(ctypes.Structure):
    _fields_ = (("head", ctypes.c_uint32 * 2), ("atom", ctypes.c_uint32))


def _with_server(tell: Callable[[Send], None]) -> None:
    """Call *tell* with a way to send. Does nothing without a library or a server: nobody is to miss a window for it."""
    with suppress(OSError, AttributeError):
        _connected(_library(), tell)


def _library() -> Any:
    """Raises OSError and AttributeError."""
    xcb = ctypes.CDLL("libxcb.so.1")
    pointer, number = ctypes.c_void_p, ctypes.c_uint32
    for name, result, arguments in (
        ("connect", pointer, (ctypes.c_char_p, ctypes.POINTER(ctypes.c_int))),
        ("connection_has_error", ctypes.c_int, (pointer,)),
        ("disconnect", None, (pointer,)),
        ("get_setup", pointer, (pointer,)),
        ("setup_roots_iterator", _Screens, (pointer,)),
        ("screen_next", None, (ctypes.POINTER(_Screens),)),
        ("intern_atom", _Cookie, (pointer, ctypes.c_uint8, ctypes.c_uint16, ctypes.c_char_p)),
        ("intern_atom_reply", ctypes.POINTER(_AtomReply), (pointer, _Cookie, pointer)),
        ("send_event", _Cookie, (pointer, ctypes.c_uint8, number, number, ctypes.c_char_p)),
    ):
        function = getattr(xcb, f"xcb_{name}")
        function.restype, function.argtypes = result, arguments
    return xcb


def _connected(xcb: Any, tell: Callable[[Send], None]) -> None:
    screen_number = ctypes.c_int()
    server = xcb.xcb_connect(None, ctypes.byref(screen_number))
    try:
        if xcb.xcb_connection_has_error(server):
            return
        screens = xcb.xcb_setup_roots_iterator(xcb.xcb_get_setup(server))
        for _ in range(screen_number.value):
            xcb.xcb_screen_next(ctypes.byref(screens))
        root = screens.data[0]

        def number_of(kind: str) -> int:
            asked = xcb.xcb_intern_atom(server, 0, len(kind), kind.encode())
            reply = xcb.xcb_intern_atom_reply(server, asked, None)
            if not reply:
                return 0
            number = int(reply.contents.atom)
            _free(reply)
            return number

        def send(bits: int, window: int, kind: str, said: bytes, heard_by: int) -> None:
            event = struct.pack("=BBHII20s", _CLIENT_MESSAGE, bits, 0, window, number_of(kind), said)
            xcb.xcb_send_event(server, 0, root, heard_by, event)

        tell(send)
        # An answer to something asked later: whoever leaves before takes along what the server has not read yet.
        number_of("_NET_ACTIVE_WINDOW")
    finally:
        xcb.xcb_disconnect(server)


def _free(reply: Any) -> None:
    release = ctypes.CDLL(None).free
    release.argtypes = (ctypes.c_void_p,)
    release(ctypes.cast(reply, ctypes.c_void_p))
