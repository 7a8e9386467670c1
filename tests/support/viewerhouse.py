"""A hub with version 2 viewers, over a store, a history and outlets in memory."""

from __future__ import annotations

import itertools
from typing import Any

from desktop_logs.core.hub import Hub, Restored
from desktop_logs.core.query import parse
from desktop_logs.core.viewing import MAX_UNANSWERED, Position, Subscribe
from desktop_logs.net.leaving import PATIENCE
from desktop_logs.net.viewers import Viewers
from desktop_logs.tasks import Tasks
from tests.support.asynchronous import soon
from tests.support.histories import KeptHistory
from tests.support.outlets import KeepingOutlet
from tests.support.stores import SmallStore

EPOCH = "e1"
RING = 800
"""Capacity: it holds up to 899."""
NOW_NS = 1_795_341_600_000_000_000


class House:
    """A hub with viewers, over a store and a history in memory."""

    def __init__(
        self,
        store: SmallStore,
        *,
        restored: Restored | None = None,
        has_history: bool = True,
        stall_s: float = PATIENCE.stall_s,
    ) -> None:
        """*stall_s* is how long a viewer may answer nothing."""
        self.failures: list[str] = []
        self.store = store
        self.hub = Hub(store, ring_capacity=RING)
        self.hub.restore(restored or Restored(epoch=EPOCH))
        self.history = KeptHistory(store)
        self.tasks = Tasks(lambda name, failure: self.failures.append(f"{name}: {failure!r}"))
        self.viewers = Viewers(
            self.hub,
            self.tasks,
            name="desktop-logs",
            version="1",
            history=self.history if has_history else None,
            stall_s=stall_s,
        )
        self.hub.subscribe(self.viewers.wake)
        self._names = itertools.count(1)

    def take(self, count: int, level: str = "info") -> None:
        """*count* records more, in batches of 100 at most."""
        for start in range(0, count, 100):
            entries = [{"message": f"m{start + n}", "level": level} for n in range(min(100, count - start))]
            self.hub.take(entries, NOW_NS)

    def connect(self, resume: Position | None = None, *, answers: bool = True) -> tuple[str, KeepingOutlet]:
        """A new viewer; it *answers* each batch at once, or never."""
        name, outlet = f"viewer {next(self._names)}", KeepingOutlet()
        if answers:
            outlet.acknowledge = lambda ack_id: self.viewers.acknowledged(name, ack_id)
        self.viewers.admit(name, outlet, resume)  # type: ignore[arg-type]
        return name, outlet

    def follow(self, query: str = "", start: Any = "tail", *, answers: bool = True) -> KeepingOutlet:
        """A new viewer with a subscription."""
        name, outlet = self.connect(answers=answers)
        self.viewers.subscribe(name, Subscribe(parse(query), start))
        return outlet

    async def use_up_credit(self, outlet: KeepingOutlet, count: int = 1) -> None:
        """*count* records more for each batch that may be unanswered. The next are taken once these are sent: how many
        of those that come together are one batch is the hub's affair."""
        for batches in range(1, MAX_UNANSWERED + 1):
            self.take(count)
            await soon(f"batch {batches} came", lambda batches=batches: len(outlet.named("logBatch")) == batches)

    def answer_all(self, name: str, outlet: KeepingOutlet) -> None:
        owed, outlet.owed = outlet.owed, []
        for ack_id in owed:
            self.viewers.acknowledged(name, ack_id)


async def all_told(outlet: KeepingOutlet, seq: int, last: int) -> None:
    """Everything from the number after *seq* to *last* is told, once."""
    await soon(f"{last} is told", lambda: outlet.check_order(seq) >= last)
    assert outlet.check_order(seq) == last
