"""The tests' own tools: what conftest.py promises, the virtual display, programs that end, the Node peers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QColor

from tests.support.display import Display
from tests.support.node import NodeProgram
from tests.support.program import Program, eventually

ROOT = Path(__file__).parent.parent


def run_pytest(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    """What pytest says about a file with *text* under this project's conftest and settings."""
    file = folder / "test_inner.py"
    file.write_text(textwrap.dedent(text))
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", folder]
    return subprocess.run(
        [*command, "-p", "tests.conftest", "-p", "no:cacheprovider", *options, file],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


# --- conftest -------------------------------------------------------------------------------------------------------


def test_each_test_has_an_empty_home_of_its_own(home: Path):
    assert list(home.iterdir()) == []
    assert os.path.expanduser("~") == str(home)
    (home / "left").touch()


def test_and_nothing_of_the_test_before(home: Path):
    assert list(home.iterdir()) == []


def test_the_environment_that_the_tests_were_started_in_can_be_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its home has the settings of pip, without which a build finds no packages behind a proxy."""
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/home/ada/settings")
    done = run_pytest(
        tmp_path,
        """
        import os

        def test_home(users_environment):
            assert users_environment["HOME"] == "/home/ada" != os.environ["HOME"]
            assert users_environment["XDG_CONFIG_HOME"] == "/home/ada/settings"
            assert "XDG_CONFIG_HOME" not in os.environ
        """,
    )
    assert "1 passed" in done.stdout, done.stdout


def test_a_failure_in_the_background_fails_the_test(tmp_path: Path):
    done = run_pytest(
        tmp_path,
        """
        import asyncio

        async def boom():
            raise RuntimeError("nobody waited")

        async def test_task():
            task = asyncio.create_task(boom())
            await asyncio.sleep(0)

        async def test_callback():
            asyncio.get_running_loop().call_soon(lambda: 1 / 0)
            await asyncio.sleep(0.01)

        async def test_coroutine():
            boom()

        async def test_asserted(background_errors):
            asyncio.get_running_loop().call_soon(lambda: 1 / 0)
            await asyncio.sleep(0.01)
            assert "ZeroDivisionError" in background_errors.pop()

        def test_well():
            pass
        """,
    )
    blamed = [match[1] for match in re.finditer(r"^(?:ERROR|FAILED) .*::(\w+)", done.stdout, re.MULTILINE)]
    assert sorted(blamed) == ["test_callback", "test_coroutine", "test_task"], done.stdout
    assert done.returncode == 1


LEFT_OUT = """
    import pytest

    @pytest.mark.skip(reason="not today")
    def test_skipped():
        pass

    @pytest.mark.xfail(reason="a fault of Qt 6.11, see its issue")
    def test_excused():
        assert False

    @pytest.mark.xfail
    def test_not_excused():
        assert False

    def test_well():
        pass
    """


def test_no_skips_fails_on_a_test_that_was_left_out_and_names_it(tmp_path: Path):
    done = run_pytest(tmp_path, LEFT_OUT, "--no-skips")
    said = [line.split("::")[1] for line in done.stdout.splitlines() if line.startswith("--no-skips: ")]
    assert said == ["test_skipped was skipped", "test_not_excused is expected to fail, and does not say why"]
    assert done.returncode == 1


def test_without_no_skips_a_skip_is_no_failure(tmp_path: Path):
    assert run_pytest(tmp_path, LEFT_OUT).returncode == 0


# --- programs -------------------------------------------------------------------------------------------------------


def test_lines_of_a_program_are_read_in_order_and_waited_for(start: Callable[..., Program]):
    echo = start([sys.executable, "-u", "-c", "import sys\nfor line in sys.stdin: print('got', line, end='')"])
    echo.send("one")
    echo.send("two")
    echo.send("three")
    assert echo.line() == "got one"
    assert echo.line_with("three") == "got three"
    with pytest.raises(AssertionError, match=r"within 0.05 s(.|\n)*out: got two"):
        echo.line(within_s=0.05)
    echo.close_stdin()
    assert echo.wait() == 0


def test_a_program_that_ended_is_not_waited_for(start: Callable[..., Program]):
    quick = start([sys.executable, "-c", "import sys; sys.exit('no luck')"])
    with pytest.raises(AssertionError, match="before the end of its output"):
        quick.line(within_s=30)
    assert quick.error_with("luck") == "no luck"
    assert quick.wait() == 1


def test_the_end_takes_what_the_program_started_with_it():
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    parent = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {stubborn!r}]).pid, flush=True)"
    with Program([sys.executable, "-c", parent]) as program:
        child = int(program.line_with(r"^\d+$"))
        program.line_with("up")
        os.kill(child, 0)
    eventually("the child is gone", lambda: not Path(f"/proc/{child}/cmdline").exists() or not _command_line(child))


def _command_line(pid: int) -> bytes:
    """Empty for a process that has ended and only waits to be counted."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


# --- the display ----------------------------------------------------------------------------------------------------

WINDOW = """
import sys
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel

class Window(QLabel):
    def keyPressEvent(self, event):
        print("key", event.text(), flush=True)
    def mousePressEvent(self, event):
        print("click", int(event.position().x()), int(event.position().y()), flush=True)
    def closeEvent(self, event):
        print("closed", flush=True)

app = QApplication(sys.argv)
window = Window()
window.setWindowTitle("Here — a window of a test")
window.setStyleSheet("background: #224466")
window.resize(300, 200)
window.show()
sys.exit(app.exec())
"""


def test_a_window_on_the_display_is_found_driven_pictured_and_closed(
    display: Display, start: Callable[..., Program], tmp_path: Path
):
    program = start([sys.executable, "-c", WINDOW], env=display.env())
    window = display.window("window of a test", program)
    assert display.title(window) == "Here — a window of a test"

    display.type(window, "hi")
    assert [program.line(), program.line()] == ["key h", "key i"]
    display.click(window, 20, 30)
    assert program.line() == "click 20 30"

    display.resize(window, 420, 240)
    picture = display.still_picture(window)
    assert (picture.width(), picture.height()) == (420, 240)
    assert picture.pixelColor(5, 5) == picture.pixelColor(415, 235) == QColor("#224466")
    saved = display.save_picture(tmp_path / "pictures" / "window.png", window)
    assert saved.read_bytes().startswith(b"\x89PNG")

    display.close(window)
    assert program.line_with("closed") == "closed"
    assert program.wait() == 0
    assert display.windows("window of a test") == []


# --- the Node peers -------------------------------------------------------------------------------------------------


def test_the_winston_server_answers_as_such_servers_do(node: Callable[..., NodeProgram], tmp_path: Path):
    server = node("winston-server.js", "--keep", tmp_path / "kept.jsonl", "--logs", tmp_path / "logs")
    port = server.listening_port()
    server.command("burst 600 old")
    server.command("log error last")

    viewer = node("viewer.js", f"http://127.0.0.1:{port}", "--path", "/llamaproxws")
    assert viewer.event("connect")["transport"] == "websocket"
    logs = viewer.event("logs")["data"]
    assert [entry["message"] for entry in logs["data"]] == ["last", *(f"old {n}" for n in range(600, 101, -1))]
    assert set(logs["data"][0]) == {"id", "level", "message", "timestamp", "context"}

    server.command("log info live")
    live = viewer.event("log")["data"]
    assert (live["type"], live["data"]["message"], type(live["timestamp"])) == ("log", "live", int)

    server.send("quit")
    assert server.wait() == 0
    viewer.event("disconnect")
    assert "live" in next((tmp_path / "logs").glob("application-*.log")).read_text()

    again = node("winston-server.js", "--port", str(port), "--keep", tmp_path / "kept.jsonl", "--oldest-first")
    again.listening_port()
    viewer.event("connect")
    newest = viewer.event("logs")["data"]["data"][-1]
    assert newest == live["data"]


def test_the_winston_server_takes_no_polling(node: Callable[..., NodeProgram]):
    port = node("winston-server.js").listening_port()
    viewer = node("viewer.js", f"http://127.0.0.1:{port}", "--path", "/llamaproxws", "--transports", "polling")
    assert viewer.event("connect_error")


def test_a_node_program_ends_with_its_stdin(node: Callable[..., NodeProgram]):
    server = node("winston-server.js")
    server.listening_port()
    server.close_stdin()
    assert server.wait() == 0
    server = node("winston-server.js")
    server.listening_port()
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
