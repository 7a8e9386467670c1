"""Whether a window can be opened is found out before Qt would end the process over it."""

import sys

import pytest

from desktop_logs.display import missing_display
from tests.support.display import Display


def test_no_display_is_told() -> None:
    assert missing_display({}) == "There is no display."


def test_a_display_that_does_not_answer_is_told() -> None:
    assert missing_display({"DISPLAY": ":4711"}) == "The display :4711 does not answer."


def test_a_display_that_answers_is_enough(display: Display) -> None:
    assert missing_display({"DISPLAY": display.name}) == ""


def test_a_platform_that_was_asked_for_is_left_to_qt() -> None:
    assert missing_display({"QT_QPA_PLATFORM": "offscreen"}) == ""


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_macos_and_windows_have_one(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert missing_display({}) == ""


def test_a_missing_library_is_told_with_the_line_to_type(monkeypatch: pytest.MonkeyPatch, display: Display) -> None:
    import ctypes

    load = ctypes.CDLL

    def without_cursor(name: str) -> ctypes.CDLL:
        if "cursor" in name:
            raise OSError
        return load(name)

    monkeypatch.setattr(ctypes, "CDLL", without_cursor)
    assert "libxcb-cursor.so.0, which is missing; on Debian: sudo apt-get install" in missing_display(
        {"DISPLAY": display.name}
    )
