"""A second start of the program: its window comes to the front, opens what was asked for, and there is no second."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_logs import oneinstance
from desktop_logs.ui import windowplace
from tests.support.display import Display
from tests.support.program import Program, eventually
from tests.test_window_program import Running

Start = Callable[..., Program]
IN_FRONT = "Desktop Logs runs already; its window is in front (process {}).".format


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def again(start: Start, display: Display, data: Path) -> Callable[..., Program]:
    """A further start with the same data folder."""

    def run(*more: str, **env: str) -> Program:
        return start([sys.executable, "-m", "desktop_logs", "--data-dir", data, *more], env=display.env(**env))

    return run


@pytest.fixture
def first(start: Start, display: Display, data: Path) -> Running:
    return Running(start, display, data)


def windows(display: Display, program: Program) -> list[int]:
    return display.windows("Desktop Logs$", program.pid)


def is_in_front(display: Display, window: int) -> bool:
    return display._run("xdotool", "getactivewindow").strip() == str(window)


def test_a_minimized_window_is_there_again_in_front_of_another(
    first: Running, again: Callable[..., Program], start: Start, display: Display, tmp_path: Path
) -> None:
    other = Running(start, display, tmp_path / "other")
    display._do("windowminimize", str(first.window))
    eventually("it is minimized", lambda: windows(display, first.program) == [])
    display.activate(other.window)
    second = again()
    assert second.wait() == 0
    assert (second.stdout, second.stderr) == ([IN_FRONT(first.program.pid)], [])
    eventually("it can be seen", lambda: windows(display, first.program) == [first.window])
    eventually("it has the keyboard", lambda: is_in_front(display, first.window))
    display.keys(other.window, "Escape")  # another is used now
    assert again().wait() == 0
    eventually("it has the keyboard again", lambda: is_in_front(display, first.window))
    first.post({"message": "still here"})
    first.shows(1)


def test_a_window_on_another_desktop_comes_to_the_one_in_use(
    first: Running, again: Callable[..., Program], display: Display
) -> None:
    def desktop(*window: str) -> str:
        return display._do("get_desktop_for_window" if window else "get_desktop", *window).strip()

    display._do("set_num_desktops", "2")
    try:
        display._do("set_desktop", "1")
        eventually("nothing is to be seen", lambda: windows(display, first.program) == [])
        assert again().wait() == 0
        eventually("it is here", lambda: windows(display, first.program) == [first.window])
        eventually("it has the keyboard", lambda: is_in_front(display, first.window))
        assert (desktop(), desktop(str(first.window))) == ("1", "1")
    finally:
        display._do("set_desktop", "0")


def test_a_new_window_comes_to_the_front_while_another_asks_something(
    first: Running, again: Callable[..., Program], display: Display
) -> None:
    display.keys(first.window, "ctrl+t")
    dialog = display.window("Connect to a server", first.program)
    assert again("--new-window").wait() == 0
    found = eventually("it is there", lambda: set(windows(display, first.program)) - {first.window, dialog})
    (other,) = found
    time.sleep((windowplace._INSIST_AFTER_MS + 200) / 1000)  # whatever still comes to the front has come
    assert is_in_front(display, other)


def test_of_starts_at_the_same_moment_one_opens_a_window(again: Callable[..., Program], display: Display) -> None:
    programs = [again("--port", "0") for _ in range(3)]
    eventually("two have ended", lambda: sum(program.is_running for program in programs) == 1, within_s=30)
    (winner,) = [program for program in programs if program.is_running]
    winner.line_with("^listening on ")
    display.window("Desktop Logs$", winner)
    for program in programs:
        if program is not winner:
            assert (program.wait(), program.stdout, program.stderr) == (0, [IN_FRONT(winner.pid)], [])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL, and leaves no pipe behind")
def test_after_a_kill_the_next_start_is_the_first(first: Running, again: Callable[..., Program]) -> None:
    """The socket lies there still, and nobody listens."""
    first.program.signal(signal.SIGKILL)
    first.program.wait()
    runtime = Path(os.environ["XDG_RUNTIME_DIR"]) / "desktop-logs"
    assert any(path.is_socket() for path in runtime.iterdir())
    following = again("--port", "0")
    following.line_with("^listening on ")
    assert following.stderr == []
    assert again().wait() == 0


def test_a_start_while_the_last_one_ends_is_the_first(first: Running, again: Callable[..., Program]) -> None:
    first.program.signal(signal.SIGTERM)
    following = again("--port", "0")
    following.line_with("^listening on ")
    assert first.program.wait() == 0


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGSTOP")
def test_a_first_that_hangs_is_told_with_its_process_and_nothing_opens(
    first: Running, start: Start, display: Display, data: Path
) -> None:
    first.program.signal(signal.SIGSTOP)
    code = "import sys; from desktop_logs import cli, oneinstance; oneinstance.PATIENCE_S = 2.0; sys.exit(cli.main())"
    try:
        second = start([sys.executable, "-c", code, "--data-dir", data, "--new-window"], env=display.env())
        assert second.wait(within_s=40) == oneinstance.NOT_ANSWERED
    finally:
        first.program.signal(signal.SIGCONT)
    (said,) = second.stderr
    assert f"Desktop Logs runs already (process {first.program.pid}), but has not answered for 2 s" in said
    assert "nothing was opened. End it and start again" in said
    assert second.stdout == []
    first.post({"message": "awake"})
    first.shows(1)
    assert windows(display, first.program) == [first.window]


def test_a_new_window_is_one_more_on_the_same_hub_and_lives_without_the_first(
    first: Running, again: Callable[..., Program], display: Display
) -> None:
    first.post({"message": "before"})
    first.shows(1)
    second = again("--new-window")
    assert second.wait() == 0
    assert second.stdout == [f"Desktop Logs has opened another window (process {first.program.pid})."]
    found = eventually("both are there", lambda: (both := windows(display, first.program))[1:] and both)
    (other,) = set(found) - {first.window}
    first.shows(2)  # the record, in both
    first.post({"message": "after"})
    first.shows(4)
    here, there = display.geometry(first.window), display.geometry(other)
    assert (here.width, here.height) == (there.width, there.height)
    assert (here.x, here.y) != (there.x, there.y)
    display.close(first.window)
    eventually("one is left", lambda: windows(display, first.program) == [other])
    first.post({"message": "alone"})
    first.shows(3)
    display.keys(other, "ctrl+shift+n")
    eventually("there are two again", lambda: len(windows(display, first.program)) == 2)
    first.shows(6)
    for window in windows(display, first.program):
        display.close(window)
    assert first.program.wait() == 0
    assert first.program.stderr == []


def test_a_new_window_without_a_first_is_a_plain_start(again: Callable[..., Program], display: Display) -> None:
    program = again("--new-window", "--port", "0")
    program.line_with("^listening on ")
    display.window("Desktop Logs$", program)


def test_a_signal_closes_every_window_in_order(first: Running, again: Callable[..., Program]) -> None:
    assert again("--new-window").wait() == 0
    first.post({"message": "kept"})
    first.shows(2)
    first.program.signal(signal.SIGTERM)
    assert first.program.wait() == 0
    assert first.program.stderr == []


def test_a_server_is_handed_over_with_the_token_of_the_second_start(
    first: Running, again: Callable[..., Program], start: Start, tmp_path: Path
) -> None:
    token = "a-viewer-token-of-tests"
    command = [sys.executable, "-m", "desktop_logs", "serve", "--port", "0", "--data-dir", tmp_path / "hub"]
    hub = start([*command, "--host", "0.0.0.0", "--viewer-token", token, "--producer-token", "p" * 20])
    port = hub.line_with("^listening on ").rpartition(":")[2]
    second = again("--connect", f"http://127.0.0.1:{port}", DESKTOP_LOGS_TOKEN=token)
    assert (second.wait(), second.stderr) == (0, [])
    send = [sys.executable, "-m", "desktop_logs", "send", f"http://127.0.0.1:{port}", "hello", "--token", "p" * 20]
    assert start(send).wait() == 0
    first.shows(1)


def test_a_file_is_opened_by_the_window_that_runs_from_the_folder_of_the_second_start(
    first: Running, start: Start, display: Display, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "one.log").write_text("first line\nsecond line\n")
    command = [sys.executable, "-m", "desktop_logs", "--data-dir", data, "one.log"]
    second = start(command, env=display.env(), cwd=tmp_path / "here")
    assert (second.wait(), second.stdout, second.stderr) == (0, [IN_FRONT(first.program.pid)], [])
    first.shows(2)


def test_a_link_is_asked_about_in_the_window_that_runs(
    first: Running, again: Callable[..., Program], display: Display
) -> None:
    url = f"http://127.0.0.1:{first.port}"
    second = again(f"desktop-logs://connect?url={url}")
    assert second.wait() == 0
    dialog = display.window("Connect to a server", first.program)
    first.post({"message": "hello"})
    first.shows(1)  # nothing is connected yet
    display.keys(dialog, "Return")
    first.shows(2)


def test_a_wrong_link_is_told_at_the_second_start(first: Running, again: Callable[..., Program]) -> None:
    second = again("desktop-logs://connect?url=ftp://x")
    assert second.wait() == 2
    assert "which is not http, https, ws or wss" in second.stderr[0]
    assert first.program.is_running


def test_options_of_the_hub_that_differ_are_told_and_the_window_comes_all_the_same(
    first: Running, again: Callable[..., Program]
) -> None:
    second = again("--port", "1", "--host", "0.0.0.0", "--viewer-token", "a-secret-of-some-length")
    assert second.wait() == 0
    assert second.stdout == [IN_FRONT(first.program.pid)]
    (said,) = second.stderr
    assert "--port, --host, --viewer-token cannot be followed" in said
    assert "--data-dir" in said
    assert "a-secret" not in said
    same = again("--port", str(first.port), "--host", "localhost")
    assert (same.wait(), same.stderr) == (0, [])


def test_another_data_folder_is_another_program(first: Running, start: Start, display: Display, tmp_path: Path) -> None:
    other = Running(start, display, tmp_path / "other")
    assert other.program.pid != first.program.pid
    assert first.program.is_running


def test_where_nobody_can_be_met_a_window_opens_all_the_same(start: Start, display: Display, data: Path) -> None:
    # Not in pytest's folder, whose path may be too long for a socket.
    with tempfile.TemporaryDirectory(prefix="dl-") as runtime:
        Path(runtime, "desktop-logs").write_text("in the way")
        running = Running(start, display, data, XDG_RUNTIME_DIR=runtime)
    running.post({"message": "hello"})
    running.shows(1)
    assert "Without it each start opens a program of its own" in running.program.error_with("Cannot make")
