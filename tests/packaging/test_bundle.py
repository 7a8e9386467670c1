"""The bundle of `make bundle`, built and used as a person would who has neither Python nor this project."""

from __future__ import annotations

import http.client
import json
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.display import Display
from tests.support.program import Program, eventually, free_port

ROOT = Path(__file__).parent.parent.parent

# Most of it is the build, which the first test to run waits for.
pytestmark = pytest.mark.timeout(600)


def request(port: int, method: str, path: str, body: bytes | None = None) -> dict[str, object]:
    """What the hub at *port* answers, which must be well and a JSON object."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {"Content-Type": "application/x-ndjson"} if body else {})
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    assert response.status == 200, text
    answer = json.loads(text)
    assert isinstance(answer, dict)
    return answer


def stats(port: int) -> dict[str, object]:
    """The counters; empty while nobody listens."""
    try:
        return request(port, "GET", "/api/stats")
    except ConnectionRefusedError:
        return {}


def written_messages(data: Path) -> list[str]:
    """The messages in the application log, each line of which must be a whole JSON object."""
    (file,) = (data / "logs").glob("application-*.log")
    return [json.loads(line)["message"] for line in file.read_text(encoding="utf-8").splitlines()]


def running_from(folder: Path) -> list[int]:
    """The processes whose program lies in *folder*."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "exe").readlink().is_relative_to(folder):
                found.append(int(process.name))
        except OSError:
            continue  # ended meanwhile, or another user's
    return found


def test_the_window_takes_records_writes_them_and_closes(
    bundle: Path, run: Callable[..., Program], display: Display, tmp_path: Path
):
    port, data = free_port(), tmp_path / "data"
    program = run("--port", str(port), "--data-dir", data, DISPLAY=display.name)
    window = display.window(program=program, within_s=60)
    eventually("the hub answers", lambda: stats(port), within_s=30)

    entries = [{"level": "info", "message": f"bundled {n}", "context": {"source": "test", "n": n}} for n in range(200)]
    body = "".join(json.dumps(entry) + "\n" for entry in entries).encode()
    assert request(port, "POST", "/api/logs", body)["accepted"] == 200

    counters = stats(port)
    assert (counters["received"], counters["stored"], counters["dropped"]) == (200, 200, 0)
    assert written_messages(data) == [f"bundled {n}" for n in range(200)]
    eventually("the rows are in the window", lambda: stats(port)["window_rows"] == 200)
    colours = display.still_picture(window).scaled(100, 60).convertToFormat(display.picture().format())
    assert len({colours.pixel(x, y) for x in range(100) for y in range(60)}) > 20, "the window shows next to nothing"

    display.close(window)
    assert program.wait() == 0
    assert running_from(bundle.parent) == []
    assert written_messages(data) == [f"bundled {n}" for n in range(200)]


def test_the_commands_work_without_a_screen(bundle: Path, run: Callable[..., Program], tmp_path: Path):
    hub = run("serve", "--port", "0", "--data-dir", tmp_path / "data")
    listening = re.search(r"http://127\.0\.0\.1:(\d+)", hub.line_with("^listening on ", within_s=30))
    assert listening
    url = listening[0]

    assert run("send", url, "--source", "shop", "--level", "error", "the till is open").wait() == 0
    piped = run("send", url)
    piped.send("line one")
    piped.send("line two")
    piped.close_stdin()
    assert piped.wait() == 0

    tail = run("tail", url, "--no-follow", "--json")
    assert tail.wait() == 0
    tailed = [json.loads(line) for line in tail.stdout]
    assert [entry["message"] for entry in tailed] == ["the till is open", "line one", "line two"]
    assert (tailed[0]["level"], tailed[0]["context"]["source"]) == ("error", "shop")

    counted = run("stats", url, "--json")
    assert counted.wait() == 0
    assert json.loads("".join(counted.stdout))["stored"] == 3

    hub.signal(signal.SIGTERM)
    assert hub.wait() == 0
    assert written_messages(tmp_path / "data") == ["the till is open", "line one", "line two"]
    assert running_from(bundle.parent) == []


def test_it_tells_its_version(run: Callable[..., Program]):
    program = run("--version")
    assert program.wait() == 0
    text = (ROOT / "desktop_logs" / "__init__.py").read_text(encoding="utf-8")
    version = re.search(r'^__version__ = "(.+)"', text, re.MULTILINE)
    assert version
    assert program.stdout == [f"desktop-logs {version[1]}"]


def test_no_link_of_the_bundle_leads_nowhere(bundle: Path):
    assert [path for path in bundle.parent.rglob("*") if path.is_symlink() and not path.exists()] == []
