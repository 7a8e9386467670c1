"""The Node programs of tests/node, started with their real npm packages."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from tests.support.program import Program

FOLDER = Path(__file__).parent.parent / "node"


class NodeProgram(Program):
    """A script of tests/node. It ends when its stdin does, so a killed test leaves none behind."""

    def __init__(self, script: str, *arguments: str | Path) -> None:
        """Start *script*; an AssertionError where Node or its packages are missing."""
        node = shutil.which("node")
        if node is None or not (FOLDER / "node_modules" / ".package-lock.json").exists():
            lacking = "node" if node is None else "tests/node/node_modules"
            raise AssertionError(f"{lacking} is missing: `make test` installs Node and the packages of tests/node")
        super().__init__([node, FOLDER / script, *arguments])

    def object(self, within_s: float = 15.0) -> dict[str, object]:
        """The next line of stdout as the JSON object that producer.js and viewer.js print."""
        parsed = json.loads(self.line_with(r"^\{", within_s))
        assert isinstance(parsed, dict)
        return parsed

    def event(self, name: str, within_s: float = 15.0) -> dict[str, object]:
        """The next line whose "event" is *name*."""
        parsed = json.loads(self.line_with(rf'^\{{"event":{re.escape(json.dumps(name))}[,}}]', within_s))
        assert isinstance(parsed, dict)
        return parsed

    def listening_port(self) -> int:
        """The port that winston-server.js says it listens on."""
        return int(self.line_with(r"^listening \d+$").split()[1])

    def command(self, line: str, within_s: float = 15.0) -> None:
        """Send a command to winston-server.js and wait until it says it is done."""
        self.send(line)
        self.line_with(rf"^done {line.split()[0]}$", within_s)
