"""The disk fails in every way while producers go on, and comes back: nothing acknowledged is lost, the view goes on."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from desktop_logs.folders import history_dir, logs_dir
from desktop_logs.storage.segments import segments_in
from tests.support.hubs import HubProgram, SteadyProducer, balance, doubled, filed, run_for, stored
from tests.support.program import DESKTOP_LOGS, Program, eventually

LOCKED_S = float(os.environ.get("DESKTOP_LOGS_LOCKED_S", "1"))
UNPRIVILEGED = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
"""Root may write what is read-only; without this capability it may not."""

Fault = Callable[[HubProgram], "Iterator[None]"]


@contextmanager
def full(hub: HubProgram) -> Iterator[None]:
    """No file may grow: the system refuses it as it does on a full disk."""
    assert hub.program is not None
    _, hard = resource.prlimit(hub.program.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(hub.program.pid, resource.RLIMIT_FSIZE, (4_096, hard))
    yield
    resource.prlimit(hub.program.pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextmanager
def locked(hub: HubProgram) -> Iterator[None]:
    """Another program holds the newest segment."""
    folder = history_dir(hub.data_dir)
    other = sqlite3.connect(folder / str(segments_in(folder)[-1]), timeout=10, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def folders_in_the_way(hub: HubProgram) -> Iterator[None]:
    """The folder of the log files is taken away, and a file stands in its place."""
    logs = logs_dir(hub.data_dir)
    logs.rename(hub.data_dir / "kept")
    logs.write_text("in the way")
    yield
    logs.unlink()
    (hub.data_dir / "kept").rename(logs)


@pytest.mark.parametrize("fault", [full, locked, folders_in_the_way])
def test_the_disk_fails_for_a_while_and_nothing_acknowledged_is_lost(tmp_path: Path, fault: Fault) -> None:
    with HubProgram(tmp_path) as hub:
        assert hub.post(["the first"])[0] == 200
        producers = [SteadyProducer(hub, f"p{number}", 1_000, 50) for number in range(2)]
        for producer in producers:
            producer.start()
        try:
            run_for(0.5)
            with fault(hub):
                eventually("a record is refused with the reason", lambda: hub.post(["refused"])[0] == 503, 30)
                run_for(LOCKED_S)
                hub.post(["seen, not kept"])
                assert "seen, not kept" in shown_live(hub)
                assert told_on_stderr(hub, "Cannot|locked|free|full")
            eventually("a record is stored again", lambda: hub.post(["the last"])[0] == 200, 30)
            assert told_on_stderr(hub, "can be written again")
            run_for(0.5)
        finally:
            for producer in producers:
                producer.end()
        assert balance(hub.settled()) == 0
        assert hub.stop() == 0

    messages = [message for (message,) in stored(tmp_path)]
    lost = {producer.message(at) for producer in producers for at in range(producer.acknowledged)} - set(messages)
    assert lost == set()
    assert [message for message in doubled(messages) if str(message).startswith("producer")] == []
    assert [entry["message"] for entry in filed(tmp_path)] == messages


def test_a_folder_that_is_read_only_at_the_start_is_told_and_used_once_it_is_not(tmp_path: Path) -> None:
    with HubProgram(tmp_path) as hub:
        assert hub.post(["before"])[0] == 200
        hub.stop()
    for folder in (history_dir(tmp_path), logs_dir(tmp_path)):
        for path in (*folder.iterdir(), folder):
            path.chmod(0o500 if path.is_dir() else 0o400)
    hub = HubProgram(tmp_path, prefix=UNPRIVILEGED)
    with hub:
        assert hub.post(["refused"])[0] == 503
        assert "refused" in shown_live(hub)
        for folder in (history_dir(tmp_path), logs_dir(tmp_path)):
            folder.chmod(0o700)
            for path in folder.iterdir():
                path.chmod(0o600)
        eventually("a record is stored again", lambda: hub.post(["after"])[0] == 200, 30)
        assert balance(hub.settled()) == 0
        assert hub.stop() == 0
    messages = [message for (message,) in stored(tmp_path)]
    assert (messages[0], messages[-1], "refused" in messages) == ("before", "after", False)
    assert [entry["message"] for entry in filed(tmp_path)] == messages


def test_below_the_floor_of_free_space_nothing_is_stored(tmp_path: Path) -> None:
    with HubProgram(tmp_path, "--min-free-bytes", str(10**14)) as hub:
        status, told = hub.post(["refused"])
        assert status == 503
        assert "free" in str(told["error"])
        (tmp_path / "settings.json").write_text(json.dumps({"min_free_bytes": 0}))
        assert balance(hub.settled()) == 0
        hub.stop()
    assert stored(tmp_path) == []
    with HubProgram(tmp_path) as hub:
        assert hub.post(["stored"])[0] == 200
        (tmp_path / "settings.json").write_text(json.dumps({"min_free_bytes": 10**14}))
        assert hub.program is not None
        hub.program.signal(signal.SIGHUP)
        eventually("the new floor holds", lambda: hub.post(["refused"])[0] == 503)
        (tmp_path / "settings.json").write_text(json.dumps({"min_free_bytes": 0}))
        hub.program.signal(signal.SIGHUP)
        eventually("it is lifted again", lambda: hub.post(["stored too"])[0] == 200)


def test_a_second_program_on_the_folder_says_who_holds_it_and_writes_nothing(tmp_path: Path) -> None:
    with HubProgram(tmp_path) as hub:
        assert hub.program is not None
        hub.post(["one"])

        def stored() -> dict[Path, int]:
            # Each program has a file of its own in there while it runs, for a report of its own faults.
            own = tmp_path / "crashes"
            found = (path for path in tmp_path.rglob("*") if own not in (path, *path.parents))
            return {path: path.stat().st_mtime_ns for path in found}

        before = stored()
        with Program([DESKTOP_LOGS, "serve", "--port", "0", "--data-dir", tmp_path]) as second:
            assert second.wait() == 2
            said = "\n".join(second.stderr)
        assert str(hub.program.pid) in said
        assert f"127.0.0.1:{hub.port}" in said
        assert "--data-dir" in said
        assert stored() == before
        assert hub.post(["two"])[0] == 200


def shown_live(hub: HubProgram) -> list[str]:
    """The newest messages that a viewer is given."""
    command = [DESKTOP_LOGS, "tail", f"http://127.0.0.1:{hub.port}", "--no-follow", "--json", "-n", "500"]
    with Program(command) as viewer:
        viewer.wait(30)
        return [json.loads(line)["message"] for line in viewer.stdout]


def told_on_stderr(hub: HubProgram, pattern: str) -> str:
    """The line in which the hub says it."""
    assert hub.program is not None
    return hub.program.error_with(pattern, 15)
