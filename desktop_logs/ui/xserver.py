"""What Qt does not ask of an X server: to bring a window to a person, to the front, and to end a start's busy pointer.

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
_CARDINAL: Final = 6
"""The server's number for the type of a property that is a number."""
_PIECE: Final = 20
"""Bytes in one message."""

_ON_ALL_DESKTOPS: Final = 0xFFFFFFFF


def bring_here(window: int) -> None:
    """Ask the window manager to have *window* on the desktop that a person looks at, when it is on another one: it
    would not come to the front from there."""

    def tell(server: _Server) -> None:
        there, here = server.number(window, "_NET_WM_DESKTOP"), server.number(server.root, "_NET_CURRENT_DESKTOP")
        if here is not None and there not in (None, here, _ON_ALL_DESKTOPS):
            server.send(32, window, "_NET_WM_DESKTOP", struct.pack("=5I", here, _FOR_A_PERSON, 0, 0, 0), _SUBSTRUCTURE)

    _with_server(tell)


def activate(window: int) -> None:
    """Ask the window manager to bring *window* to the front with the keyboard. What it does shows by itself."""
    said = struct.pack("=5I", _FOR_A_PERSON, 0, 0, 0, 0)
    _with_server(lambda server: server.send(32, window, "_NET_ACTIVE_WINDOW", said, _SUBSTRUCTURE))


def end_startup(startup_id: str, window: int) -> None:
    """Tell that the start which has *startup_id* (DESKTOP_STARTUP_ID) is over, in the name of a *window* of ours."""

    def tell(server: _Server) -> None:
        quoted = startup_id.replace("\\", "\\\\").replace('"', '\\"')
        text = f'remove: ID="{quoted}"'.encode() + b"\0"
        for at in range(0, len(text), _PIECE):
            kind = "_NET_STARTUP_INFO" if at else "_NET_STARTUP_INFO_BEGIN"
            server.send(8, window, kind, text[at : at + _PIECE], _PROPERTY_CHANGE)

    _with_server(tell)


class _Screens(ctypes.Structure):
    """xcb_screen_iterator_t; a screen begins with the number of its root window."""

    _fields_ = (("data", ctypes.POINTER(ctypes.c_uint32)), ("rem", ctypes.c_int), ("index", ctypes.c_int))


class _Cookie(ctypes.Structure):
    _fields_ = (("sequence", ctypes.c_uint),)


class _AtomReply(ctypes.Structure):
    _fields_ = (("head", ctypes.c_uint32 * 2), ("atom", ctypes.c_uint32))


class _PropertyReply(ctypes.Structure):
    """xcb_get_property_reply_t, and behind it the first number of what it says, if it says any."""

    _fields_ = (
        ("head", ctypes.c_uint32 * 4),
        ("count", ctypes.c_uint32),
        ("pad", ctypes.c_uint32 * 3),
        ("number", ctypes.c_uint32),
    )


def _with_server(tell: Callable[[_Server], None]) -> None:
    """Call *tell* with the server. Does nothing without a library or a server: nobody is to miss a window for it."""
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
        ("get_property", _Cookie, (pointer, ctypes.c_uint8, number, number, number, number, number)),
        ("get_property_reply", ctypes.POINTER(_PropertyReply), (pointer, _Cookie, pointer)),
        ("send_event", _Cookie, (pointer, ctypes.c_uint8, number, number, ctypes.c_char_p)),
    ):
        function = getattr(xcb, f"xcb_{name}")
        function.restype, function.argtypes = result, arguments
    return xcb


def _connected(xcb: Any, tell: Callable[[_Server], None]) -> None:
    screen_number = ctypes.c_int()
    connection = xcb.xcb_connect(None, ctypes.byref(screen_number))
    try:
        if xcb.xcb_connection_has_error(connection):
            return
        screens = xcb.xcb_setup_roots_iterator(xcb.xcb_get_setup(connection))
        for _ in range(screen_number.value):
            xcb.xcb_screen_next(ctypes.byref(screens))
        server = _Server(xcb, connection, screens.data[0])
        tell(server)
        # An answer to something asked later: whoever leaves before takes along what the server has not read yet.
        server.atom("_NET_ACTIVE_WINDOW")
    finally:
        xcb.xcb_disconnect(connection)


class _Server:
    """A connection to an X server."""

    def __init__(self, xcb: Any, connection: int, root: int) -> None:
        self._xcb = xcb
        self._connection = connection
        self.root = root
        """The window behind all others, by which one speaks with the window manager."""

    def atom(self, name: str) -> int:
        """The server's number for *name*; 0 when it does not answer."""
        asked = self._xcb.xcb_intern_atom(self._connection, 0, len(name), name.encode())
        reply = self._xcb.xcb_intern_atom_reply(self._connection, asked, None)
        if not reply:
            return 0
        number = int(reply.contents.atom)
        _free(reply)
        return number

    def number(self, window: int, name: str) -> int | None:
        """What the property *name* of *window* says; None when it says nothing, or no number."""
        asked = self._xcb.xcb_get_property(self._connection, 0, window, self.atom(name), _CARDINAL, 0, 1)
        reply = self._xcb.xcb_get_property_reply(self._connection, asked, None)
        if not reply:
            return None
        number = int(reply.contents.number) if reply.contents.count else None
        _free(reply)
        return number

    def send(self, bits: int, window: int, kind: str, said: bytes, heard_by: int) -> None:
        """Tell those who listen for *heard_by* on the root window something of this *kind* about *window*, in numbers
        of so many *bits*."""
        event = struct.pack("=BBHII20s", _CLIENT_MESSAGE, bits, 0, window, self.atom(kind), said)
        self._xcb.xcb_send_event(self._connection, 0, self.root, heard_by, event)


def _free(reply: Any) -> None:
    release = ctypes.CDLL(None).free
    release.argtypes = (ctypes.c_void_p,)
    release(ctypes.cast(reply, ctypes.c_void_p))
