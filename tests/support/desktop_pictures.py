"""Scenes of the desktop application for `pictures`: log files as tabs, links, a report of a crash."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.support.display import Display
from tests.support.pictures import LINES, Scene, new_folder
from tests.support.program import Program, free_port

Take = Callable[[Display], Scene]
LINK = "desktop-logs://connect?url=https://logs.example:5647&query=level%3E%3Dwarn%20source%3Aapi"


def text_log(folder: Path) -> Path:
    """A log as Python's logging writes it, tracebacks included."""
    path = folder / "worker.log"
    with path.open("w") as file:
        for number in range(300):
            level, source, message, context = LINES[(number * 7 + number // 16) % len(LINES)]
            at = datetime.fromtimestamp(1_795_000_000 + number * 0.37, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
            file.write(f"{at} {level.upper():8} {source}: {message}\n")
            if "traceback" in context:
                file.write(context["traceback"] + "\n")
    return path


def file(size: tuple[int, int], theme: str) -> Take:
    """A file's tab beside the hub's, its last error in the detail."""

    def take(display: Display) -> Scene:
        folder = tempfile.TemporaryDirectory()
        scene = Scene(display, size, theme, str(text_log(Path(folder.name))))
        scene.after.append(folder.cleanup)
        time.sleep(2.0)
        scene.display.click(scene.window, 500, 300)
        scene.keys("End", "E", "E")
        time.sleep(1.0)
        return scene

    return take


def files(size: tuple[int, int], theme: str) -> Take:
    """Several tabs: one file is gone since, one never was."""

    def take(display: Display) -> Scene:
        with tempfile.TemporaryDirectory() as folder:
            path = text_log(Path(folder))
            long = path.rename(path.with_name("a-rather-long-name-of-a-service-in-production-2026-11-22.log"))
            scene = Scene(display, size, theme, str(long), str(text_log(Path(folder))), "/var/log/never-was.log")
            time.sleep(2.0)
        time.sleep(2.0)
        return scene

    return take


def link(text: str) -> Callable[[tuple[int, int], str], Take]:
    """What becomes of a link that a second start hands over: looked at before anything is connected, or refused."""

    def make(size: tuple[int, int], theme: str) -> Take:
        def take(display: Display) -> Scene:
            scene = Scene(display, size, theme)
            scene.fill(40)
            command = [sys.executable, "-m", "desktop_logs", "--data-dir", str(scene.data), text]
            Program(command, env=display.env()).wait()
            time.sleep(1.0)
            return scene

        return take

    return make


def crash(size: tuple[int, int], theme: str) -> Take:
    """The start after a crash."""

    def take(display: Display) -> Scene:
        data = new_folder()
        command = [sys.executable, "-m", "desktop_logs", "serve", "--port", str(free_port()), "--data-dir", str(data)]
        failing = Program(command, env=display.env())
        failing.line_with("^listening")
        os.kill(failing.pid, signal.SIGSEGV)
        failing.wait()
        scene = Scene(display, size, theme, data=data)
        scene.fill(40)
        return scene

    return take


def crash_report(size: tuple[int, int], theme: str) -> Take:
    """What the report says."""

    def take(display: Display) -> Scene:
        scene = crash(size, theme)(display)
        scene.keys("Tab", "space")
        time.sleep(1.0)
        return scene

    return take


DESKTOP_SCENES: dict[str, Callable[[tuple[int, int], str], Take]] = {
    "file": file,
    "files": files,
    "link": link(LINK),
    "wrong-link": link(f"{LINK}&token=s3cret"),
    "crash": crash,
    "report": crash_report,
}
