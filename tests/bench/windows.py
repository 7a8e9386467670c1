"""Starts what is measured, each in its own process on the bench's display, and talks to it."""

from __future__ import annotations

import json
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

from tests.bench import texts
from tests.support.display import Display
from tests.support.program import Program, free_port

ROOT = Path(__file__).parent.parent.parent
CUTELOG_PYTHON = ROOT / ".venv-cutelog" / "bin" / "python"
SETTLE_S = 1.0
"""What opening a window takes is a figure of its own; so long after it nothing of that is left."""


class Window(Program):
    """A program with an ear (peers/ear.py)."""

    def __init__(self, display: Display, command: list[str | Path], **env: str) -> None:
        super().__init__(command, env=display.env(**env), cwd=ROOT)

    def do(self, name: str, within_s: float = 120.0, **arguments: Any) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        self.send(json.dumps({"do": name, **arguments}))
        return self.answer(name, within_s)

    def answer(self, name: str, within_s: float = 120.0) -> dict[str, Any]:
        """The answer to a command that was given before."""
        parsed = json.loads(self.line_with(rf'^\{{"done": "{name}"', within_s))
        assert isinstance(parsed, dict)
        return parsed

    def settle(self) -> None:
        """Let it come to rest, and measure stalls from now on."""
        time.sleep(SETTLE_S)
        self.do("reset")

    def rate_of_rows(self, count: int, began_s: float, within_s: float = 180.0, **where: int) -> float:
        """Rows a second since *began_s* until the table had *count*, or fewer, if no more came."""
        told = self.do("rows", within_s, count=count, **where)
        return float(told["rows"] / (told["at_s"] - began_s))

    def stall_ms(self) -> float:
        """The longest stall since `reset`."""
        return float(self.do("stall")["stall_ms"])


class OurWindow(Window):
    """The program under the driver; it listens on `url`."""

    def __init__(self, display: Display, data_dir: Path, *arguments: str, **settings: object) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        (data_dir / "settings.json").write_text(json.dumps(settings))
        command = [sys.executable, "-m", "tests.bench.driver", "--port", "0", "--data-dir", data_dir, *arguments]
        super().__init__(display, command)
        self.url = self.line_with("^listening on", 30).split()[-1]


class Straightforward(Window):
    """peers/straightforward.py: a hub, or with the arguments of its command line a viewer."""

    def __init__(self, display: Display, *arguments: str) -> None:
        super().__init__(display, [sys.executable, "-m", "tests.bench.peers.straightforward", *arguments])
        said = self.line_with("^(listening|connected)", 30)
        self.url = f"http://127.0.0.1:{said.split()[1]}" if said.startswith("listening") else ""


class Cutelog(Window):
    """cutelog with settings of its own, in *folder*; it listens on `port`."""

    def __init__(self, display: Display, folder: Path) -> None:
        assert CUTELOG_PYTHON.exists(), "cutelog is missing: `make bench` installs it into .venv-cutelog"
        self.port = free_port()
        script = ROOT / "tests" / "bench" / "peers" / "cutelog_window.py"
        super().__init__(display, [CUTELOG_PYTHON, script, str(self.port)], XDG_CONFIG_HOME=str(folder), QT_API="pyqt5")
        self._connection: socket.socket | None = None
        self.answer("ready", 30)

    def pour(self, packets: bytes) -> None:
        """Send *packets* over one TCP connection, as fast as cutelog reads; it stays open until the end."""
        self._connection = socket.create_connection(("127.0.0.1", self.port))
        self._connection.sendall(packets)

    def end(self) -> int:
        if self._connection is not None:
            self._connection.close()
        return super().end()


def cutelog_packets(count: int) -> bytes:
    """Records as small as cutelog takes them, each later than the last; as JSON, which it takes faster than pickles."""
    packets = []
    for number in range(count):
        record = {
            "msg": texts.message(number),
            "levelname": texts.level(number).upper(),
            "name": "api",
            "created": 1_795_341_600 + number / 1000,
        }
        data = json.dumps(record).encode()
        packets.append(struct.pack(">L", len(data)) + data)
    return b"".join(packets)
