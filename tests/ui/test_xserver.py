"""What an X server is asked beside Qt is heard there, and nobody misses a window for it where there is none."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from desktop_logs.ui import xserver
from tests.support.display import Display
from tests.support.program import Program, eventually


def test_the_end_of_a_start_is_told_in_pieces_and_a_window_is_asked_for_as_by_a_person(
    display: Display, start: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = start(["xev", "-root"], env=display.env())
    display._do("getmouselocation")

    def kinds() -> list[str]:
        said = re.findall(r"window 0x4242,\n\s+message_type \S+ \((\w+)\), format (\d+)", "\n".join(ear.stdout))
        return [f"{kind} {bits}" for kind, bits in said]

    monkeypatch.setenv("DISPLAY", display.name)

    def is_heard() -> bool:
        xserver.activate(0x4242)
        return bool(kinds())

    eventually("it is heard", is_heard)  # xev tells nothing until it listens
    assert set(kinds()) == {"_NET_ACTIVE_WINDOW 32"}
    xserver.end_startup('a-start-with-a-long-name "and quotes"_TIME42', 0x4242)
    pieces = ["_NET_STARTUP_INFO_BEGIN 8", "_NET_STARTUP_INFO 8", "_NET_STARTUP_INFO 8"]
    eventually("all of it is heard", lambda: kinds()[-3:] == pieces)


def test_without_a_server_or_its_library_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":4242")
    xserver.activate(1)
    monkeypatch.setattr(xserver.ctypes, "CDLL", lambda _: object())
    xserver.end_startup("a-start", 1)
