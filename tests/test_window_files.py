"""Log files in a real window on a virtual display: named on the command line, chosen with keys, changed by a shell."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.display import Display
from tests.support.program import eventually
from tests.test_window_program import Running, Start


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with app.log, which has two records, and other.jsonl, which has three."""
    text = "2026-11-20 10:15:30,123 ERROR app: failed\nTraceback (most recent call last):\n  File\nValueError: no\n"
    (tmp_path / "app.log").write_text(f"{text}2026-11-20 10:15:31,000 INFO app: on\n")
    lines = [json.dumps({"level": level, "message": f"{level} said"}) for level in ("info", "warn", "error")]
    (tmp_path / "other.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def shell(folder: Path, line: str) -> None:
    subprocess.run(["sh", "-c", line], cwd=folder, check=True, timeout=10)


def test_two_files_are_opened_and_followed_through_all_that_becomes_of_them(
    start: Start, display: Display, folder: Path
) -> None:
    running = Running(start, display, folder / "data", str(folder / "app.log"), f"file://{folder}/other.jsonl")
    running.shows(5)
    eventually("the last one is in front", lambda: "other.jsonl" in display.title(running.window))
    display.keys(running.window, "slash")
    display.type(running.window, "level:warn")
    running.shows(3)  # of other.jsonl one, and two of the other
    display.keys(running.window, "ctrl+a", "BackSpace", "Escape", "ctrl+shift+Tab")
    running.shows(5)
    shell(folder, "echo '2026-11-20 10:15:32,000 WARN app: appended' >> app.log")
    running.shows(6)
    shell(folder, "mv app.log app.log.1; echo '2026-11-20 10:15:33,000 INFO app: rotated' > app.log")
    running.shows(8)  # and a line that says so
    shell(folder, ": > app.log")
    running.shows(9)
    shell(folder, "rm app.log")
    shell(folder, "printf 'back\\nagain\\n' > app.log.new; sleep 1; mv app.log.new app.log")
    running.shows(12)
    display.keys(running.window, "ctrl+w")
    eventually("the tab is closed", lambda: running.stat("window_rows") == 3)
    display.close(running.window)
    assert running.program.wait() == 0
    assert running.program.stderr == []


def test_a_file_is_chosen_with_the_keyboard(start: Start, display: Display, folder: Path) -> None:
    running = Running(start, display, folder / "data")
    display.keys(running.window, "ctrl+o")
    dialog = eventually("it asks", lambda: display.windows("Open log files", running.program.pid))[0]
    display.type(dialog, str(folder / "app.log"))
    display.keys(dialog, "Return")
    running.shows(2)
    eventually("it is in front", lambda: "app.log" in display.title(running.window))


def test_a_file_that_is_not_there_is_told_in_the_window(start: Start, display: Display, folder: Path) -> None:
    running = Running(start, display, folder / "data", str(folder / "nope.log"))
    eventually("it has a tab", lambda: "nope.log" in display.title(running.window))
    shell(folder, "echo there now > nope.log")
    running.shows(1)
    display.close(running.window)
    assert running.program.wait() == 0
