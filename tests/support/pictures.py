"""Takes pictures of the real window on a virtual display, for people to look at and for the README.

    .venv/bin/python -m tests.support.pictures FOLDER [SCENE ...]

Those of remote servers are in remote_pictures, those of files, links and crashes in desktop_pictures.

Scenes here: local, dark, readme, narrow, narrow-dark, remote,
empty, error, unwritable, filtered, dialog, export, settings; query-fault, query-completion, query-history, query-star,
found, surroundings, older and older-filtered, each also with -narrow, -dark and -narrow-dark.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from desktop_logs.core.addresses import DEFAULT_PORT
from tests.support.display import Display
from tests.support.node import NodeProgram
from tests.support.program import Program, free_port

WIDE, NARROW = (1400, 900), (800, 500)
TRACEBACK = """Traceback (most recent call last):
  File "worker/render.py", line 214, in run
    frame = decode(chunk)
  File "worker/codec.py", line 88, in decode
    raise ValueError(f"bad frame {tag:x}")
ValueError: bad frame 81f3c2a09d77e1b4"""
RENDER = {
    "job": "render-1182", "attempt": 3, "trace_id": "9f3c51d0e4a84b6a", "host": "worker-2", "process": 7714,
    "thread": "MainThread", "http": {"status": 502, "route": "/v1/render"},
}  # fmt: skip
LINES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("info", "api", "GET /v1/models 200 12 ms  user=48213", {"http.status": 200}),
    ("debug", "db", "SELECT * FROM models WHERE owner = $1  -- 3 rows, 0.8 ms", {}),
    ("info", "gateway", "accepted connection from 10.3.7.21", {}),
    ("warn", "db", "slow query 1,204 ms  SELECT * FROM models WHERE owner = $1", {"ms": 1204}),
    ("info", "worker", "job render-1182 started on worker-2", {"job": "render-1182"}),
    ("warn", "worker", "retry 1 of 5 in 250 ms  job=render-1182", {"job": "render-1182", "attempt": 1}),
    ("error", "worker", "ValueError: bad frame 81f3c2a09d77e1b4", {**RENDER, "traceback": TRACEBACK}),
    ("warn", "gateway", "upstream worker-2 answered 503 after 2,011 ms  GET /v1/render", {"http.status": 503}),
    ("info", "auth", "login of alice from 10.3.7.21", {"user": "alice"}),
    ("warn", "auth", "token of user 48213 expires in 3 days", {"user": 48213}),
    ("error", "gateway", "connect ECONNREFUSED 10.0.4.17:5432  attempt=3", {"attempt": 3}),
    ("debug", "worker", "queue depth 1,204  oldest=8.2s", {}),
    ("fatal", "worker", "out of memory: killed child 7714 (rss 3.9 GB)", {"process": 7714}),
    ("info", "worker", "restarted child 7714 → 7790", {}),
    ("error", "api", "TypeError: Cannot read properties of undefined\n    at render (api.js:12)", {}),
    ("info", "api", "POST /v1/render 202 44 ms  user=48213 trace=9f3c51d0", {"http.status": 202}),
]  # fmt: skip


def new_folder() -> Path:
    """A data folder for a window."""
    return Path(tempfile.mkdtemp(prefix="desktop-logs-picture-"))


class Scene:
    """A running window to be pictured."""

    def __init__(
        self,
        display: Display,
        size: tuple[int, int],
        theme: str,
        *more: str,
        port: int | None = None,
        is_port_free: bool = True,
        settings: dict[str, Any] | None = None,
        recents: list[dict[str, str]] | None = None,
        data: Path | None = None,
    ) -> None:
        self.display = display
        self.after: list[Callable[[], object]] = []
        """What ends when the scene does."""
        self.is_storing = "/proc/nowhere" not in more
        token = more[more.index("--producer-token") + 1] if "--producer-token" in more else ""
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.data = data or new_folder()
        if settings is not None:
            (self.data / "settings.json").write_text(json.dumps(settings))
        self.data.joinpath("window.ini").write_text(
            f"[window]\ntheme={theme}\n[connect]\nrecents={json.dumps(json.dumps(recents or []))}\n"
        )
        self.port = port or free_port()
        data = [] if "--data-dir" in more else ["--data-dir", str(self.data)]
        command = [sys.executable, "-m", "desktop_logs", "--port", str(self.port), *data, *more]
        self.program = Program(command, env=display.env())
        if is_port_free:
            self.program.line_with("^listening")
        self.window = display.window("Desktop Logs", self.program)
        display.resize(self.window, *size)

    def post(self, entries: list[dict[str, Any]]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("POST", "/api/logs", json.dumps(entries).encode(), self.headers)
        response = connection.getresponse()
        told = response.read()
        assert response.status == 200 or not self.is_storing, told
        connection.close()

    def fill(self, count: int = 640) -> None:
        now_s = time.time()
        self.post([entry(number, now_s - (count - number) * 0.37) for number in range(count)])
        time.sleep(1.0)

    def keys(self, *names: str) -> None:
        self.display.keys(self.window, *names)

    def type(self, text: str) -> None:
        self.display.type(self.window, text)

    def enter(self, text: str) -> None:
        self.type(text)
        self.keys("Return")

    def end(self) -> None:
        self.program.end()
        for end in self.after:
            end()


def entry(number: int, at_s: float) -> dict[str, Any]:
    level, source, message, context = LINES[(number * 7 + number // 16) % len(LINES)]
    return {"level": level, "message": message, "timestamp": at_s, "context": {"source": source, **context}}


def filled(size: tuple[int, int], theme: str, port: int | None = None) -> Callable[[Display], Scene]:
    def take(display: Display) -> Scene:
        scene = Scene(display, size, theme, port=port)
        scene.fill()
        scene.display.click(scene.window, 500, 300)  # the table has the keyboard
        scene.keys("End", "E")  # the last error: it has the most to show
        time.sleep(0.5)
        return scene

    return take


def remote(display: Display) -> Scene:
    server = NodeProgram("winston-server.js")
    url = f"http://127.0.0.1:{server.listening_port()}"
    server.command("burst 40 request served")
    server.command("odd")
    scene = Scene(display, WIDE, "dark", "--connect", url, "--path", "/llamaproxws")
    time.sleep(1.5)
    server.end()
    time.sleep(2.5)
    return scene


def empty(display: Display) -> Scene:
    return Scene(display, WIDE, "light")


def error(display: Display) -> Scene:
    port = free_port()
    other = Program(
        [sys.executable, "-m", "desktop_logs", "serve", "--port", str(port), "--data-dir", tempfile.mkdtemp()]
    )
    other.line_with("^listening")
    scene = Scene(display, WIDE, "light", port=port, is_port_free=False)
    time.sleep(0.5)
    other.end()
    return scene


def unwritable(display: Display) -> Scene:
    scene = Scene(display, WIDE, "dark", "--data-dir", "/proc/nowhere")
    scene.fill(30)
    return scene


def filtered(display: Display) -> Scene:
    scene = filled(WIDE, "light")(display)
    scene.keys("slash")
    display.type(scene.window, 'worker -retry "open')
    time.sleep(0.5)
    return scene


def with_dialog(*keys: str) -> Callable[[Display], Scene]:
    def take(display: Display) -> Scene:
        scene = filled(WIDE, "light")(display)
        scene.keys(*keys)
        time.sleep(0.8)
        return scene

    return take


def typed(act: Callable[[Scene], None], size: tuple[int, int], theme: str) -> Callable[[Display], Scene]:
    def take(display: Display) -> Scene:
        scene = Scene(display, size, theme)
        scene.fill()
        scene.keys("slash")
        for query in ("level>=warn source:worker", '"slow query" ms>1000', "message~/time-?out/ after:10m -retry"):
            scene.enter(query)
            scene.keys("Escape")
        act(scene)
        time.sleep(1.0)
        return scene

    return take


def fault(scene: Scene) -> None:
    scene.enter("level>=warn")
    scene.type(' source:worker "open -retry')


def completion(scene: Scene) -> None:
    scene.type("level>=warn ")
    scene.keys("ctrl+space", "Down", "Down")


def history(scene: Scene) -> None:
    scene.keys("Down", "Down")


def star(scene: Scene) -> None:
    named = {"What the workers say": "level>=warn source:worker", "slow queries": '"slow query" ms>1000'}
    # The last takes a name that another has: that is told.
    for name, query in (*named.items(), ("slow queries", "user:48213 -login")):
        scene.keys("ctrl+f")
        scene.enter(query)
        scene.keys("Tab", "space")
        time.sleep(0.5)
        scene.enter(name)


def found(scene: Scene) -> None:
    """What the search of the history finds, and the record that has the most to show."""
    scene.keys("ctrl+shift+f")
    scene.enter("level>=warn")
    time.sleep(0.5)
    scene.keys("Tab", "Tab", "Tab", "Down", "e", "e")


def surroundings(size: tuple[int, int], theme: str) -> Callable[[Display], Scene]:
    """What stood around a record that a filter had found; meanwhile others come."""

    def take(display: Display) -> Scene:
        scene = Scene(display, size, theme)
        scene.fill()
        scene.keys("slash")
        scene.enter("level>=warn")
        scene.display.click(scene.window, 500, 300)  # the table has the keyboard
        scene.keys("End", "E", "E", "E", "s")
        time.sleep(0.8)
        scene.fill(12)
        return scene

    return take


def older(size: tuple[int, int], theme: str, query: str = "") -> Callable[[Display], Scene]:
    """A window that holds a thousand records, led to what the history has beyond them."""

    def take(display: Display) -> Scene:
        scene = Scene(display, size, theme, settings={"held_records": 1_000})
        scene.fill(1_500)
        if query:
            scene.keys("slash")
            scene.enter(query)
        scene.display.click(scene.window, 500, 300)
        for _ in range(4):
            scene.keys("Home")
            time.sleep(0.5)
        return scene

    return take


QUERY_SCENES: dict[str, Callable[[Scene], None]] = {
    "query-fault": fault,
    "query-completion": completion,
    "query-history": history,
    "query-star": star,
    "found": found,
}
PAST_SCENES: dict[str, Callable[[tuple[int, int], str], Callable[[Display], Scene]]] = {
    "surroundings": surroundings,
    "older": older,
    "older-filtered": lambda size, theme: older(size, theme, "level:fatal render OR ms>2000 OR rss"),
}
Take = Callable[[Display], Scene]


def sized(scenes: dict[str, Callable[[tuple[int, int], str], Take]]) -> dict[str, Take]:
    """Each of *scenes* wide and narrow, light and dark."""
    return {
        f"{name}{narrow}{dark}": make(size, theme)
        for name, make in scenes.items()
        for narrow, size in (("", WIDE), ("-narrow", NARROW))
        for dark, theme in (("", "light"), ("-dark", "dark"))
    }


SCENES: dict[str, Take] = {
    "local": filled(WIDE, "light"),
    "dark": filled(WIDE, "dark"),
    "readme": filled(WIDE, "dark", DEFAULT_PORT),
    "narrow": filled(NARROW, "light"),
    "narrow-dark": filled(NARROW, "dark"),
    "remote": remote,
    "empty": empty,
    "error": error,
    "unwritable": unwritable,
    "filtered": filtered,
    "dialog": with_dialog("ctrl+t"),
    "export": with_dialog("ctrl+e"),
    "settings": with_dialog("ctrl+comma"),
    **{
        f"{name}{narrow}{dark}": typed(act, size, theme)
        for name, act in QUERY_SCENES.items()
        for narrow, size in (("", WIDE), ("-narrow", NARROW))
        for dark, theme in (("", "light"), ("-dark", "dark"))
    },
    **sized(PAST_SCENES),
}


def main(folder: Path, names: list[str]) -> None:
    # Both need the Scene of this room.
    from tests.support.desktop_pictures import DESKTOP_SCENES
    from tests.support.remote_pictures import REMOTE_SCENES

    scenes = SCENES | sized(REMOTE_SCENES) | sized(DESKTOP_SCENES)
    with tempfile.TemporaryDirectory() as home:
        # A home of its own: neither the user's settings nor their files are in the picture.
        os.environ["HOME"] = home
        display = Display(Path(home))
        try:
            for name in names or scenes:
                scene = scenes[name](display)
                picture = folder / f"{name}.png"
                # A dialog or a panel is a window of its own, so there the screen is pictured.
                is_dialog = name in ("dialog", "export", "settings") or name.startswith(
                    ("query-star", "connect", "share", "menu", "link", "report")
                )
                display.save_picture(picture, None if is_dialog else scene.window)
                scene.end()
                sys.stdout.write(f"{picture}\n")
        finally:
            display.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
