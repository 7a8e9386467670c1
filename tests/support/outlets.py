"""The hub's way out to a client that is none: it keeps what it is sent, and answers batches when told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from desktop_logs.net.outlet import Frames


class KeepingOutlet:
    """Stands for an Outlet. What it is sent stands in `events` and `answers`."""

    def __init__(self) -> None:
        self.is_open = True
        self.has_room = True
        self.on_room: Callable[[], None] = lambda: None
        self.was_cut = False
        self.frames: list[Frames] = []
        self.events: list[tuple[str, Any]] = []
        self.answers: dict[int, Any] = {}
        self.owed: list[int] = []
        """Acknowledgement ids that were not answered yet."""
        self.acknowledge: Callable[[int], None] | None = None
        """Called with each such id at once, when there is one."""

    def send(self, frames: Frames) -> None:
        self.frames.append(frames)
        for message in frames.messages:
            kind, rest = message[0], message[1:]
            digits = len(rest) - len(rest.lstrip("0123456789"))
            ack_id, data = rest[:digits], json.loads(rest[digits:])
            if kind == "3":
                self.answers[int(ack_id)] = data[0]
                continue
            self.events.append((data[0], data[1]))
            if ack_id and self.acknowledge is not None:
                self.acknowledge(int(ack_id))
            elif ack_id:
                self.owed.append(int(ack_id))

    def cut(self) -> None:
        self.was_cut = True
        self.is_open = False

    def named(self, name: str) -> list[Any]:
        """The payloads of the events called *name*."""
        return [payload for event, payload in self.events if event == name]

    def numbers(self) -> list[int]:
        """Of all records that came, in their order."""
        return [entry["seq"] for batch in self.named("logBatch") for entry in batch["data"]]

    def gaps(self) -> list[tuple[int, int, str]]:
        """From, to and reason of each gap."""
        return [(gap["from"], gap["to"], gap["reason"]) for gap in self.named("gap")]

    def check_order(self, seq: int) -> int:
        """Batches and gaps follow on each other from the number after *seq*, without a hole and without an overlap, and
        each entry is within its batch; the last number told."""
        for name, told in self.events:
            if name == "logBatch":
                assert told["first"] == seq + 1, (name, told["first"], seq)
                numbers = [entry["seq"] for entry in told["data"]]
                assert numbers == sorted(set(numbers))
                assert all(told["first"] <= number <= told["last"] for number in numbers)
                seq = told["last"]
            elif name == "gap" and told["reason"] != "epoch":
                assert told["from"] == seq + 1, (name, told["from"], seq)
                seq = told["to"]
        return seq
