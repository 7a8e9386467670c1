"""A virtual X display with a window manager: real windows, real keys and real pictures of them, without a screen."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QRect
from PySide6.QtGui import QImage

from tests.support.program import TERMINATE_S, Program, eventually

PROGRAMS = ("Xvfb", "openbox", "xdotool", "xev", "xprop", "xwininfo")


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where a window's contents lie on the screen, in pixels."""

    x: int
    y: int
    width: int
    height: int


class Display:
    """One running X display. Windows are named by their X ids."""

    def __init__(self, folder: Path, width: int = 1600, height: int = 1000) -> None:
        """Start Xvfb on a free number, and openbox on it; *folder* takes the screen's pixels."""
        missing = [name for name in PROGRAMS if shutil.which(name) is None]
        if missing:
            raise AssertionError(f"{', '.join(missing)} not found; `make test` installs what the tests need")
        self._server = Program(
            [
                *("Xvfb", "-displayfd", "1", "-screen", "0", f"{width}x{height}x24", "-dpi", "96"),
                *("-fbdir", folder, "-nocursor", "-nolisten", "tcp", "-noreset"),
            ]
        )
        self._pixels = folder / "Xvfb_screen0"
        self.name = f":{int(self._server.line())}"
        self._manager = Program(["openbox", "--sm-disable"], env=self.env())
        eventually("a window manager is there", lambda: "window id" in self._run("xprop", "-root", self._MANAGER_ATOM))

    _MANAGER_ATOM = "_NET_SUPPORTING_WM_CHECK"

    def stop(self) -> None:
        """End the window manager and the display; windows that are still there go with it."""
        self._manager.end()
        self._server.end()

    def env(self, **more: str) -> dict[str, str]:
        """The test's environment for a program that shows its windows here."""
        left = {key: value for key, value in os.environ.items() if key != "WAYLAND_DISPLAY"}
        return {**left, "DISPLAY": self.name, "QT_QPA_PLATFORM": "xcb", **more}

    # --- windows ------------------------------------------------------------------------------------------------

    def windows(self, title: str = "", pid: int | None = None) -> list[int]:
        """Windows on the screen in whose title the regular expression *title* is found, of the process *pid* if given.

        Letters match in either case.
        """
        of_process = [] if pid is None else ["--pid", str(pid)]
        found = self._run("xdotool", "search", "--all", "--onlyvisible", *of_process, "--name", "").split()
        # xdotool itself searches the older WM_NAME, which ends at the first character that is not Latin-1.
        return [
            int(window)
            for window in found
            if re.search(title, self._run("xdotool", "getwindowname", window).rstrip("\n"), re.IGNORECASE)
        ]

    def window(self, title: str = "", program: Program | None = None, within_s: float = 20.0) -> int:
        """The one window that matches, waited for; an AssertionError when there is none or more, or *program* ended."""

        def look() -> list[int]:
            assert program is None or program.is_running, f"no window, for it has ended: {program}"
            return self.windows(title, None if program is None else program.pid)

        found = eventually(f"a window titled {title!r} of {program}", look, within_s)
        assert len(found) == 1, f"{title!r} is the title of {[self.title(window) for window in found]}"
        return found[0]

    def title(self, window: int) -> str:
        return self._do("getwindowname", str(window)).rstrip("\n")

    def geometry(self, window: int) -> Geometry:
        # Not xdotool's: it counts the frame's border twice.
        said = self._run("xwininfo", "-id", str(window))
        wanted = ("Absolute upper-left X", "Absolute upper-left Y", "Width", "Height")
        found = [re.search(rf"^ *{name}: +(-?\d+)$", said, re.MULTILINE) for name in wanted]
        assert all(found), f"window {window} has no place on the screen: {said}"
        return Geometry(*(int(match[1]) for match in found if match))

    def activate(self, window: int) -> None:
        """Raise *window* and give it the keyboard."""
        self._do("windowactivate", "--sync", str(window))

    def resize(self, window: int, width: int, height: int) -> None:
        """Give the contents of *window* a size, and wait until they have it."""
        self._do("windowsize", str(window), str(width), str(height))
        wanted = (width, height)
        eventually(f"a size of {wanted}", lambda: wanted == (self.geometry(window).width, self.geometry(window).height))

    def close(self, window: int) -> None:
        """Ask the window manager to close *window*, as a task bar does; it asks the program, which may refuse."""
        # Not Alt+F4: the first keys on a display change its keyboard map, and openbox gives up its keys meanwhile.
        _ask_to_close(self.name, window)

    # --- input --------------------------------------------------------------------------------------------------

    def keys(self, window: int, *names: str) -> None:
        """Press keys by xdotool's names ("ctrl+f", "Return", "Escape") with *window* in front."""
        self.activate(window)
        self._do("key", "--delay", "30", *names)

    def type(self, window: int, text: str) -> None:
        """Type *text* with *window* in front."""
        self.activate(window)
        self._do("type", "--delay", "15", text)

    def click(self, window: int, x: int, y: int, button: int = 1, times: int = 1) -> None:
        """Click at *x*, *y* of the contents of *window*."""
        self.activate(window)
        self._do("mousemove", "--sync", "--window", str(window), str(x), str(y))
        self._do("click", "--repeat", str(times), "--delay", "60", str(button))

    # --- pictures -----------------------------------------------------------------------------------------------

    def picture(self, window: int | None = None) -> QImage:
        """The screen now, without the pointer, or the part where *window* lies, whatever is in front of it."""
        screen = _read_xwd(self._pixels.read_bytes())
        if window is None:
            return screen
        at = self.geometry(window)
        return screen.copy(QRect(at.x, at.y, at.width, at.height))

    def still_picture(self, window: int | None = None, still_ms: int = 300, within_s: float = 10.0) -> QImage:
        """The picture once it has not changed for *still_ms*; an AssertionError when it never rests."""
        deadline = time.monotonic() + within_s
        last, since = self.picture(window), time.monotonic()
        while time.monotonic() - since < still_ms / 1000:
            assert time.monotonic() < deadline, f"the screen still changed after {within_s} s"
            time.sleep(0.03)
            now = self.picture(window)
            if now != last:
                last, since = now, time.monotonic()
        return last

    def save_picture(self, path: Path, window: int | None = None) -> Path:
        """Write the still picture as PNG to *path*, whose folder is made, for a person to look at."""
        path.parent.mkdir(parents=True, exist_ok=True)
        assert self.still_picture(window).save(str(path), "PNG"), f"cannot write {path}"
        return path

    # ------------------------------------------------------------------------------------------------------------

    def _do(self, *words: str) -> str:
        """xdotool, which must succeed."""
        done = subprocess.run(
            ["xdotool", *words], env=self.env(), capture_output=True, text=True, timeout=TERMINATE_S * 4, check=False
        )
        assert done.returncode == 0, f"xdotool {' '.join(words)}: {done.stderr.strip() or done.returncode}"
        return done.stdout

    def _run(self, *command: str) -> str:
        """What *command* prints, its success left aside: xdotool search fails when it finds nothing."""
        done = subprocess.run(
            command, env=self.env(), capture_output=True, text=True, timeout=TERMINATE_S * 4, check=False
        )
        return done.stdout


def _read_xwd(data: bytes) -> QImage:
    """A picture from X's window dump format (X11/XWDFile.h): 25 big-endian numbers, a name, a colour map, pixels."""
    header_size, version, pixmap_format, depth, width, height = struct.unpack_from(">6I", data)
    byte_order, _unit, _bits, _pad, bits_per_pixel, bytes_per_line = struct.unpack_from(">6I", data, 28)
    (colours,) = struct.unpack_from(">I", data, 76)
    # Xvfb with 24 bits a pixel on a little-endian machine; anything else is not the display that was started here.
    assert (version, pixmap_format, depth, byte_order, bits_per_pixel) == (7, 2, 24, 0, 32), "not the expected dump"
    pixels = data[header_size + 12 * colours :]
    # copy(): QImage does not keep the bytes it was made from.
    return QImage(pixels, width, height, bytes_per_line, QImage.Format.Format_RGB32).copy()


class _ClientMessage(ctypes.Structure):
    """XClientMessageEvent of Xlib.h, as long as the union XEvent that the library reads."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("_rest", ctypes.c_long * 12),
    )


def _ask_to_close(display_name: str, window: int) -> None:
    """Send _NET_CLOSE_WINDOW of the window manager specification; none of the programs at hand can."""
    x = ctypes.CDLL("libX11.so.6")
    x.XOpenDisplay.restype = ctypes.c_void_p
    x.XDefaultRootWindow.restype = x.XInternAtom.restype = ctypes.c_ulong
    display = ctypes.c_void_p(x.XOpenDisplay(display_name.encode()))
    assert display.value, f"the display {display_name} does not answer"
    client_message, for_window_managers, from_a_task_bar = 33, 1 << 20 | 1 << 19, 2
    event = _ClientMessage(
        type=client_message,
        window=window,
        message_type=x.XInternAtom(display, b"_NET_CLOSE_WINDOW", False),
        format=32,
        data=(ctypes.c_long * 5)(0, from_a_task_bar),
    )
    root = ctypes.c_ulong(x.XDefaultRootWindow(display))
    assert x.XSendEvent(display, root, False, ctypes.c_long(for_window_managers), ctypes.byref(event))
    x.XCloseDisplay(display)
