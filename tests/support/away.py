"""The fault "the hub is away": a program that logs all it can at DEBUG while its hub is killed, and comes back later.

For the suite with a few seconds, and for `make soak` with a minute: `python -m tests.support.away 60`.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.support.program import Program, free_port

CHECKOUT = Path(__file__).parents[2]


# Everything that the handler could hear of itself is on at DEBUG: what http.client prints and what urllib3 would log as
# the handler connects, and asyncio in a loop of the program's.
_PROGRAM = """
import asyncio, http.client, json, logging, sys, threading, time
from desktop_logs import DesktopLogsHandler
url, stop_after_s = sys.argv[1], float(sys.argv[2])
root = logging.getLogger()
root.setLevel(logging.DEBUG)
handler = DesktopLogsHandler(url, source="away", capacity=5_000, timeout_s=2)
root.addHandler(handler)
http.client.HTTPConnection.debuglevel = 1
http.client.print = lambda *words: logging.getLogger("http.client").debug("%s", words)
real_connect = http.client.HTTPConnection.connect
def connect(self):
    logging.getLogger("urllib3.connectionpool").debug("Starting new HTTP connection: %s:%s", self.host, self.port)
    real_connect(self)
http.client.HTTPConnection.connect = connect
numbers = [0] * 4
until_s = time.monotonic() + stop_after_s
def chatter(thread):
    while time.monotonic() < until_s:
        (logging.error if numbers[thread] % 50 == 0 else logging.debug)("%d %d", thread, numbers[thread])
        numbers[thread] += 1
        time.sleep(0.002)
async def loop():
    while time.monotonic() < until_s:
        await asyncio.sleep(0.05)
threads = [threading.Thread(target=chatter, args=(number,)) for number in range(4)]
[thread.start() for thread in threads]
asyncio.run(loop(), debug=True)
[thread.join() for thread in threads]
handler.flush(30)
counted = handler._queue.arrived()
print(json.dumps({"logged": sum(numbers), "others": counted - sum(numbers), **handler.stats()}), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Away:
    """What came of it; records."""

    logged: int
    """By the program's threads."""
    others: int
    """By asyncio and the like; a handler that heard itself would have thousands."""
    sent: int
    dropped: int
    stored: int
    """By both runs of the hub together, the handler's own reports among them."""
    told: int
    """Dropped, by the reports that the hub has stored."""
    unaccounted: int


def hub_away(away_s: float, around_s: float = 1.0) -> Away:
    """A hub for *around_s*, none for *away_s*, and one again, while a program logs at DEBUG from several threads.
    AssertionError when something does not end in time."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="desktop-logs-away-") as folder:
        first = _hub(port, folder)
        command = [sys.executable, "-c", _PROGRAM, f"http://127.0.0.1:{port}", str(away_s + 2 * around_s)]
        with Program(command, cwd=CHECKOUT) as program:
            time.sleep(around_s)
            first.end()
            time.sleep(away_s)
            second = _hub(port, folder)
            try:
                found = json.loads(program.line(away_s + 60))
                assert program.wait(15) == 0, program
            finally:
                second.end()
        entries = [
            json.loads(line)
            for path in Path(folder).glob("logs/application*.log")
            for line in path.read_text(encoding="utf-8").splitlines()
        ]
    reports = [entry["message"] for entry in entries if "records were dropped by this program's" in entry["message"]]
    dealt_with = found["sent"] + found["dropped"] + found["rejected"] + found["queued"] + found["spooled"]
    return Away(
        logged=found["logged"],
        others=found["others"],
        sent=found["sent"],
        dropped=found["dropped"],
        stored=len(entries),
        told=sum(int(text.split()[0].replace(",", "")) for text in reports),
        unaccounted=abs(found["logged"] + found["others"] - dealt_with)
        + abs(len(entries) - len(reports) - found["sent"]),
    )


def _hub(port: int, folder: str) -> Program:
    serve = ["serve", "--port", str(port), "--data-dir", folder, "--file-level", "trace"]
    hub = Program([sys.executable, "-m", "desktop_logs", *serve], cwd=CHECKOUT)
    hub.line_with("listening on", 30)
    return hub


if __name__ == "__main__":
    sys.stdout.write(f"{hub_away(float(sys.argv[1]))}\n")
