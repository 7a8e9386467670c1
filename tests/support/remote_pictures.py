"""Scenes of remote servers for `pictures`: the dialog that connects, its test, several tabs, what is missing."""

from __future__ import annotations

import socket
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trustme

from tests.support.display import Display
from tests.support.node import NodeProgram
from tests.support.pictures import Scene
from tests.support.program import Program, free_port

RECENTS = [
    {"url": "http://localhost:3000", "path": "/llamaproxws"},
    {"url": "https://logs.example:5647", "path": "/socket.io", "query": "level>=warn", "fingerprint": "ab" * 32},
    {"url": "http://10.3.7.21:5647", "path": "/socket.io"},
    {"url": "https://staging.example", "path": "/a/rather/long/path/of/a/server/behind/a/proxy", "ca_file": "/ca.pem"},
    {"url": "http://10.3.7.22:5647", "path": "/socket.io"},
]
Act = Callable[[Scene], None]


def dialog(act: Act) -> Callable[[tuple[int, int], str], Callable[[Display], Scene]]:
    """The connect dialog, and what is done in it."""

    def make(size: tuple[int, int], theme: str) -> Callable[[Display], Scene]:
        def take(display: Display) -> Scene:
            scene = Scene(display, size, theme, recents=RECENTS)
            scene.fill(40)
            scene.keys("ctrl+t")
            time.sleep(0.8)
            act(scene)
            time.sleep(1.0)
            return scene

        return take

    return make


def write(scene: Scene, *parts: str) -> None:
    """Type *parts*, one field after the other; a part that begins with a backslash is a key."""
    for part in parts:
        if part.startswith("\\"):
            scene.display._do("key", "--delay", "30", part[1:])
        else:
            scene.display._do("type", "--delay", "10", part)


def filled(scene: Scene) -> None:
    write(scene, "http://10.3.7.21:5647", "\\Tab", "\\Tab", "a-token-of-some-length", "\\Tab", "\\Tab", "level>=warn ")
    write(scene, "source:api")


def wrong(scene: Scene) -> None:
    write(scene, "http://10.3.7.21:5647", "\\Tab", "\\Tab", "\\Tab", "\\Tab", 'level>=warn (api "open', "\\Return")


def tls(scene: Scene) -> None:
    write(scene, "https://logs.example", "\\Tab", "\\Tab", "\\Down", "\\Down")


def failed(scene: Scene) -> None:
    write(scene, f"http://127.0.0.1:{free_port()}", "\\alt+t")


def passed(scene: Scene) -> None:
    write(scene, f"http://127.0.0.1:{scene.port}", "\\alt+t")


def certificate(scene: Scene) -> None:
    with tls_server() as port:
        write(scene, f"https://127.0.0.1:{port}", "\\alt+t")
        time.sleep(2.0)


@contextmanager
def tls_server() -> Iterator[int]:
    """The port of a server whose certificate nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            try:
                context.wrap_socket(client, server_side=True).close()
            except OSError:
                client.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.close()


def tabs(size: tuple[int, int], theme: str) -> Callable[[Display], Scene]:
    """A version 2 hub, a version 1 server that begins anew, so that records are missing, and one that is gone."""

    def take(display: Display) -> Scene:
        hub = Program([sys.executable, "-m", "desktop_logs", "serve", "--port", "0", "--data-dir", tempfile.mkdtemp()])
        url = hub.line_with("^listening on ").split()[-1]
        server = NodeProgram("winston-server.js")
        port = server.listening_port()
        server.command("burst 30 request served")
        scene = Scene(display, size, theme, "--connect", f"http://127.0.0.1:{port}", "--path", "/llamaproxws")
        scene.fill(60)
        time.sleep(1.0)
        connect(scene, url)
        server.end()
        server = NodeProgram("winston-server.js", "--port", str(port))
        server.listening_port()
        server.command("burst 12 after the restart")
        connect(scene, "http://127.0.0.1:9", "\\Tab", "level>=warn")
        time.sleep(12)
        scene.keys("ctrl+Tab", "ctrl+Tab")
        scene.after = [hub.end, server.end]
        return scene

    return take


def share(*more: str) -> Callable[[tuple[int, int], str], Callable[[Display], Scene]]:
    """The dialog that shows how others reach the hub, which was started with *more*."""

    def make(size: tuple[int, int], theme: str) -> Callable[[Display], Scene]:
        def take(display: Display) -> Scene:
            scene = Scene(display, size, theme, *more)
            scene.fill(40)
            menu(scene)
            write(scene, *["\\Down"] * 8, "\\Return")
            time.sleep(1.0)
            return scene

        return take

    return make


def menu(scene: Scene) -> None:
    """Open the menu by its key."""
    scene.keys("F10")
    time.sleep(0.5)


def version_1_menu(size: tuple[int, int], theme: str) -> Callable[[Display], Scene]:
    """The menu on a server that has no history."""

    def take(display: Display) -> Scene:
        server = NodeProgram("winston-server.js")
        url = f"http://127.0.0.1:{server.listening_port()}"
        server.command("burst 30 request served")
        scene = Scene(display, size, theme, "--connect", url, "--path", "/llamaproxws")
        scene.after = [server.end]
        time.sleep(1.5)
        menu(scene)
        return scene

    return take


def waiting(size: tuple[int, int], theme: str) -> Callable[[Display], Scene]:
    """A tab whose server has gone, in front, with its notice and the seconds until the next attempt."""

    def take(display: Display) -> Scene:
        server = NodeProgram("winston-server.js")
        url = f"http://127.0.0.1:{server.listening_port()}"
        server.command("burst 30 request served")
        scene = Scene(display, size, theme, "--connect", url, "--path", "/llamaproxws")
        time.sleep(1.5)
        server.end()
        time.sleep(6.0)
        return scene

    return take


def connect(scene: Scene, url: str, *more: str) -> None:
    scene.keys("ctrl+t")
    time.sleep(0.6)
    write(scene, url, *(["\\Tab", "\\Tab", "\\Tab", *more] if more else []), "\\Return")
    time.sleep(0.8)


REMOTE_SCENES: dict[str, Callable[[tuple[int, int], str], Callable[[Display], Scene]]] = {
    "connect": dialog(lambda scene: None),
    "connect-filled": dialog(filled),
    "connect-wrong": dialog(wrong),
    "connect-tls": dialog(tls),
    "connect-failed": dialog(failed),
    "connect-passed": dialog(passed),
    "connect-certificate": dialog(certificate),
    "tabs": tabs,
    "waiting": waiting,
    "menu": version_1_menu,
    "share": share(),
    "share-shown": share("--host", "0.0.0.0", "--viewer-token", "viewer-" + "v" * 36, "--producer-token", "p" * 43),
}
