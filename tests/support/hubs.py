"""A headless hub as a program of its own, producers that send to it without pause, and what it has kept on disk."""

from __future__ import annotations

import gzip
import http.client
import json
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType

from desktop_logs.folders import history_dir, logs_dir
from desktop_logs.storage.rotation import LogName
from desktop_logs.storage.segments import segments_in
from tests.support.program import DESKTOP_LOGS, Program, eventually

ANSWER_TIMEOUT_S = 15.0


class HubProgram:
    """`desktop-logs serve` on *data_dir*, which may be killed and started again on the same port."""

    def __init__(self, data_dir: Path, *options: str, prefix: Sequence[str] = ()) -> None:
        """*options* are those of `serve`; *prefix* is put in front of the command."""
        self.data_dir = data_dir
        self._options = options
        self._prefix = prefix
        self.port = 0
        self.program: Program | None = None

    def __enter__(self) -> HubProgram:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self.program is not None:
            self.program.end()

    def start(self) -> float:
        """Start it; the seconds until it listened."""
        began_s = time.monotonic()
        self.program = Program(
            [
                *self._prefix,
                DESKTOP_LOGS,
                "serve",
                "--port",
                str(self.port),
                "--data-dir",
                self.data_dir,
                *self._options,
            ]
        )
        line = self.program.line_with("listening on", 30)
        self.port = int(line.rpartition(":")[2])
        return time.monotonic() - began_s

    def kill(self) -> None:
        """SIGKILL."""
        assert self.program is not None
        self.program.signal(signal.SIGKILL)
        self.program.wait()
        self.program.end()

    def stop(self) -> int:
        """SIGTERM, and wait for its end; the exit code."""
        assert self.program is not None
        self.program.signal(signal.SIGTERM)
        code = self.program.wait(30)
        self.program.end()
        return code

    def stats(self) -> dict[str, int]:
        """Its counters."""
        _, told = self.ask("GET", "/api/stats")
        return told

    def settled(self) -> dict[str, int]:
        """The counters once nothing waits for the disk."""
        return eventually(
            "nothing waits for the disk", lambda: (told := self.stats())["queue_records"] == 0 and told, 60
        )

    def post(self, entries: Iterable[object], headers: dict[str, str] | None = None) -> tuple[int, dict[str, object]]:
        """POST *entries*; the status and the answer."""
        body = "\n".join(map(json.dumps, entries)).encode()
        return self.ask("POST", "/api/logs", body, headers or {})

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict]:
        """One request over a connection of its own."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_TIMEOUT_S)) as connection:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, json.loads(response.read())


class SteadyProducer(threading.Thread):
    """Posts numbered batches in a thread, *records_per_s* as far as the hub lets it, each until it is acknowledged."""

    def __init__(self, hub: HubProgram, name: str, records_per_s: int, batch_records: int = 250) -> None:
        super().__init__(name=f"producer {name}", daemon=True)
        self._hub = hub
        self._pause_s = batch_records / records_per_s
        self._batch_records = batch_records
        self._ending = threading.Event()
        self.acknowledged = 0
        """Records below this number are stored: so the hub has said."""

    def run(self) -> None:
        due_s = time.monotonic()
        connection: http.client.HTTPConnection | None = None
        while not self._ending.is_set():
            numbers = range(self.acknowledged, self.acknowledged + self._batch_records)
            body = "\n".join(
                json.dumps({"level": "info", "message": self.message(number), "context": {"source": self.name}})
                for number in numbers
            ).encode()
            headers = {"Desktop-Logs-Producer": self.name, "Desktop-Logs-First": str(numbers.start)}
            status = 0
            while status != 200 and not self._ending.is_set():
                try:
                    connection = connection or http.client.HTTPConnection("127.0.0.1", self._hub.port, timeout=5)
                    connection.request("POST", "/api/logs", body, headers)
                    response = connection.getresponse()
                    status = response.status
                    response.read()
                except (OSError, http.client.HTTPException):
                    # The hub is away. What it had taken of this batch nobody knows: it is sent again.
                    if connection is not None:
                        connection.close()
                    connection = None
                if status != 200:
                    self._ending.wait(0.05)
            if status == 200:
                self.acknowledged = numbers.stop
            due_s = max(due_s + self._pause_s, time.monotonic() - 1)
            self._ending.wait(max(0.0, due_s - time.monotonic()))
        if connection is not None:
            connection.close()

    def message(self, number: int) -> str:
        """What the entry of *number* says: about 75 characters, like no other."""
        return f"{self.name} number {number:08d}: GET /orders/{number * 7919 % 100_000} for user {number % 977} done"

    def end(self) -> None:
        """Send nothing more; returns when the thread has ended."""
        self._ending.set()
        self.join(ANSWER_TIMEOUT_S)
        assert not self.is_alive()


def stored(data_dir: Path, columns: str = "message") -> list[tuple]:
    """*columns* of all records in the history, by their place in it; the segments are sound."""
    rows: list[tuple] = []
    folder = history_dir(data_dir)
    for name in segments_in(folder):
        with closing(sqlite3.connect(f"{(folder / str(name)).as_uri()}?mode=ro", uri=True)) as segment:
            assert segment.execute("PRAGMA quick_check").fetchone() == ("ok",)
            rows += segment.execute(f"SELECT {columns} FROM records ORDER BY seq").fetchall()
    return rows


def filed(data_dir: Path, stem: str = "application") -> list[dict]:
    """The entries in the rotating files *stem*, in their order; every line is whole."""
    names = sorted(
        (name.day, name.number, str(name))
        for path in logs_dir(data_dir).iterdir()
        if (name := LogName.parse(path.name)) is not None and name.stem == stem
    )
    entries: list[dict] = []
    for _, _, name in names:
        path = logs_dir(data_dir) / name
        data = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
        entries += [json.loads(line) for line in data.splitlines() if line]
    return entries


def doubled(items: Iterable[object]) -> list[object]:
    """Those of *items* that are there more than once."""
    return [item for item, count in Counter(items).items() if count > 1]


def balance(counters: dict[str, int]) -> int:
    """received - (stored + duplicate + rejected + dropped): 0 once nothing waits."""
    return counters["received"] - sum(counters[name] for name in ("stored", "duplicate", "rejected", "dropped"))


def run_for(seconds: float, until: Callable[[], bool] = lambda: False) -> None:
    """Let the others work for *seconds*, or *until* something is so."""
    deadline_s = time.monotonic() + seconds
    with suppress(InterruptedError):
        while time.monotonic() < deadline_s and not until():
            time.sleep(0.01)
