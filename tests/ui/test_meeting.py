"""Starts of the program meet at a socket: what one asks the other does and answers, and rubbish does no harm."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop_logs.core.errors import UserError
from desktop_logs.core.handover import MAX_BYTES, Answer, Handover, decode_answer, encode
from desktop_logs.core.opening import Opening
from desktop_logs.ui import meeting
from desktop_logs.ui.meeting import Listener, hand_over
from tests.support.program import Program

pytestmark = pytest.mark.skipif(os.name == "nt", reason="speaks to the socket as Unix does")

ASKED = Handover(Opening(files=("/a.log",)), new_window=True)
Ask = Callable[..., "Asking"]


class Asking(threading.Thread):
    """A later start, in a thread. Not by `hand_over`, which holds all of Python's threads while it waits: that is
    tried from other processes."""

    def __init__(self, name: str, line: bytes) -> None:
        super().__init__()
        self._name, self._line = name, line
        self.said = b""
        self.start()

    def run(self) -> None:
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(20)
            caller.connect(self._name)
            caller.sendall(self._line)
            with contextlib.suppress(ConnectionResetError):
                self.said = caller.makefile("rb").read()

    def is_over(self) -> bool:
        return not self.is_alive()


@pytest.fixture
def name(tmp_path: Path) -> str:
    return str(Path(os.environ["XDG_RUNTIME_DIR"]) / f"meet-{tmp_path.name[-60:]}")


@pytest.fixture
def listener(name: str, qapp: object) -> Iterator[Listener]:
    made = Listener()
    assert made.listen(name) == ""
    yield made
    made.close()


@pytest.fixture
def ask(name: str) -> Iterator[Ask]:
    asked: list[Asking] = []

    def begin() -> Asking:
        asked.append(Asking(name, encode(ASKED)))
        return asked[-1]

    yield begin
    for one in asked:
        one.join()


@pytest.fixture
def raw(name: str) -> Iterator[Callable[..., socket.socket]]:
    """Connects and says something that no start of the program would."""
    opened: list[socket.socket] = []

    def say(text: bytes = b"") -> socket.socket:
        caller = socket.socket(socket.AF_UNIX)
        opened.append(caller)
        caller.settimeout(20)
        caller.connect(name)
        caller.sendall(text)
        return caller

    yield say
    for caller in opened:
        caller.close()


def took(heard: list[Handover]) -> Callable[[Handover], Answer]:
    def take(handover: Handover) -> Answer:
        heard.append(handover)
        return Answer(7, ("--port",))

    return take


def test_what_is_asked_is_taken_once_and_answered(listener: Listener, ask: Ask, qtbot: QtBot) -> None:
    heard: list[Handover] = []
    listener.answer_with(took(heard))
    asking = ask()
    qtbot.waitUntil(asking.is_over)
    assert heard == [ASKED]
    assert decode_answer(asking.said) == Answer(7, ("--port",))


def test_who_comes_early_waits(listener: Listener, ask: Ask, qtbot: QtBot) -> None:
    early = [ask(), ask()]
    qtbot.wait(100)
    heard: list[Handover] = []
    listener.answer_with(took(heard))
    qtbot.waitUntil(lambda: all(one.is_over() for one in early))
    assert heard == [ASKED, ASKED]


def test_more_than_are_heard_at_a_time_are_heard_in_their_turn(listener: Listener, ask: Ask, qtbot: QtBot) -> None:
    heard: list[Handover] = []
    listener.answer_with(took(heard))
    many = [ask() for _ in range(30)]
    qtbot.waitUntil(lambda: all(one.is_over() for one in many), timeout=20_000)
    assert len(heard) == 30
    assert all(one.said for one in many)


def test_why_it_cannot_be_done_is_answered(listener: Listener, ask: Ask, qtbot: QtBot) -> None:
    def refuse(_: Handover) -> Answer:
        raise UserError("Not today.")

    listener.answer_with(refuse)
    asking = ask()
    qtbot.waitUntil(asking.is_over)
    assert decode_answer(asking.said).problem == "Not today."


@pytest.mark.parametrize(
    ("text", "why"),
    [(b"nonsense\n", "no JSON"), (b"[7]\n", "cannot be understood"), (b"x" * (MAX_BYTES + 10), "more than can")],
)
def test_rubbish_is_answered_with_a_sentence_and_the_next_is_heard(
    listener: Listener, raw: Callable[..., socket.socket], ask: Ask, qtbot: QtBot, text: bytes, why: str
) -> None:
    heard: list[Handover] = []
    listener.answer_with(took(heard))
    said: list[bytes] = []

    def speak() -> None:
        caller = raw()
        try:
            caller.sendall(text)
            said.append(caller.recv(10_000))
        except (BrokenPipeError, ConnectionResetError):
            said.append(b"cut")

    speaker = threading.Thread(target=speak)
    speaker.start()
    qtbot.waitUntil(lambda: not speaker.is_alive(), timeout=10_000)
    assert said == [b"cut"] or why in decode_answer(said[0]).problem
    asking = ask()
    qtbot.waitUntil(asking.is_over)
    assert heard == [ASKED]


def test_ten_megabytes_are_not_taken_in(
    listener: Listener, raw: Callable[..., socket.socket], ask: Ask, qtbot: QtBot
) -> None:
    heard: list[Handover] = []
    listener.answer_with(took(heard))
    caller = raw()
    caller.setblocking(False)
    sent = 0

    def is_cut() -> bool:
        nonlocal sent
        try:
            sent += caller.send(b"y" * 100_000)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return sent >= 10 * MAX_BYTES

    qtbot.waitUntil(is_cut, timeout=15_000)
    assert sent < 4 * MAX_BYTES
    asking = ask()
    qtbot.waitUntil(asking.is_over)
    assert heard == [ASKED]


@pytest.mark.parametrize("text", [b"", encode(ASKED)[:-5]])
def test_who_says_nothing_or_half_a_line_is_cut_off(
    listener: Listener,
    raw: Callable[..., socket.socket],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    text: bytes,
) -> None:
    monkeypatch.setattr(meeting, "SPEAK_WITHIN_MS", 200)
    heard: list[Handover] = []
    listener.answer_with(took(heard))
    raw().close()
    caller = raw(text)
    caller.setblocking(False)

    def is_cut() -> bool:
        try:
            return caller.recv(10_000) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    qtbot.waitUntil(is_cut)
    qtbot.waitUntil(lambda: not listener._callers)
    assert heard == []


def test_what_was_asked_by_one_who_has_given_up_is_not_done(
    listener: Listener, raw: Callable[..., socket.socket], ask: Ask, qtbot: QtBot
) -> None:
    """It has told a person that nothing was opened."""
    raw(encode(Handover())).close()
    qtbot.wait(50)
    heard: list[Handover] = []
    listener.answer_with(took(heard))
    asking = ask()
    qtbot.waitUntil(asking.is_over)
    assert heard == [ASKED]


def test_nobody_there_is_no_answer(name: str) -> None:
    assert hand_over(name, encode(ASKED), time.monotonic() + 5) is None


def test_one_that_does_not_answer_is_given_up(listener: Listener, name: str) -> None:
    assert hand_over(name, encode(ASKED), time.monotonic() + 0.3) is None


def test_a_process_without_an_application_hands_over_and_hears_the_answer(
    listener: Listener, name: str, start: Callable[..., Program], qtbot: QtBot
) -> None:
    heard: list[Handover] = []
    listener.answer_with(took(heard))
    code = (
        "import sys, time; from desktop_logs.core.handover import *; from desktop_logs.ui.meeting import hand_over\n"
        "print(decode_answer(hand_over(sys.argv[1], encode(Handover(new_window=True)), time.monotonic() + 15)).pid)"
    )
    program = start([sys.executable, "-c", code, name])
    qtbot.waitUntil(lambda: not program.is_running, timeout=20_000)
    assert (program.wait(), program.stdout, program.stderr) == (0, ["7"], [])
    assert heard == [Handover(new_window=True)]


def test_closing_tells_those_who_wait_that_nobody_is_there(listener: Listener, ask: Ask, qtbot: QtBot) -> None:
    asking = ask()
    qtbot.wait(100)
    listener.close()
    qtbot.waitUntil(asking.is_over)
    assert asking.said == b""


def test_a_socket_that_a_killed_program_left_is_replaced(name: str, ask: Ask, qtbot: QtBot) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(name)
    left.close()
    listener = Listener()
    assert listener.listen(name) == ""
    heard: list[Handover] = []
    listener.answer_with(took(heard))
    asking = ask()
    qtbot.waitUntil(asking.is_over)
    assert heard == [ASKED]
    listener.close()
    assert not Path(name).exists()


def test_the_socket_is_its_owners_alone(listener: Listener, name: str) -> None:
    assert stat.S_IMODE(Path(name).stat().st_mode) & 0o077 == 0


def test_a_place_that_cannot_be_listened_at_is_said(qapp: object, tmp_path: Path) -> None:
    assert Listener().listen(str(tmp_path / "none" / "socket"))
