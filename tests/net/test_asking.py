"""What version 2 viewers ask for: each question answered once, with a sentence where it cannot be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from desktop_logs.core.errors import StorageError, TooSlow
from desktop_logs.core.hub import Hub, Restored
from desktop_logs.net import asking as room
from desktop_logs.net.asking import Asking
from desktop_logs.net.viewers import Viewers
from desktop_logs.tasks import Tasks
from tests.support.asynchronous import soon
from tests.support.histories import KeptHistory
from tests.support.outlets import KeepingOutlet
from tests.support.stores import SmallStore

NOW_NS = 1_795_341_600_000_000_000
VIEWER = "the viewer"


class Desk:
    """One viewer that asks."""

    def __init__(self, *, has_history: bool = True) -> None:
        self.failures: list[str] = []
        self.hub = Hub(SmallStore(is_prompt=True), ring_capacity=100)
        self.hub.restore(Restored(epoch="e"))
        self.history = KeptHistory(self.hub.store)  # type: ignore[arg-type]
        self.tasks = Tasks(lambda name, failure: self.failures.append(f"{name}: {failure!r}"))
        self.viewers = Viewers(self.hub, self.tasks, name="n", version="1", history=self.history, has_search=True)
        self.asking = Asking(
            self.hub,
            self.viewers,
            self.tasks,
            clock_ns=lambda: NOW_NS,
            stats=lambda: {"head": self.hub.head},
            history=self.history if has_history else None,
        )
        self.outlet = KeepingOutlet()
        self._ack_id = 0
        self.asking.admit(VIEWER, self.outlet)  # type: ignore[arg-type]
        self.viewers.admit(VIEWER, self.outlet)  # type: ignore[arg-type]

    def send(self, name: str, payload: object = None) -> int:
        """Ask; the id of the acknowledgement that should come."""
        self._ack_id += 1
        self.asking.call(VIEWER, name, payload, self._ack_id)
        return self._ack_id

    async def ask(self, name: str, payload: object = None) -> Any:
        ack_id = self.send(name, payload)
        return await soon("an answer", lambda: self.outlet.answers.get(ack_id))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    yield made
    made.asking.dismiss(VIEWER)
    made.viewers.stop()
    await made.tasks.cancel_all()
    assert made.failures == []


def seqs(answer: dict[str, Any]) -> list[int]:
    return [entry["seq"] for entry in answer["data"]]


async def test_subscribe_is_answered_before_its_first_batch(desk: Desk) -> None:
    desk.hub.take(["a", "b"], NOW_NS)
    order: list[str] = []
    send = desk.outlet.send
    desk.outlet.send = lambda frames: (order.append(frames.messages[0][:8]), send(frames))[1]  # type: ignore[method-assign]
    assert await desk.ask("subscribe", {"from": "ring"}) == {"ok": True, "head": 2}
    await soon("a batch", lambda: desk.outlet.numbers() == [1, 2])
    assert order[0].startswith("31[")
    assert order[1].startswith("2")


async def test_a_subscription_that_is_wrong_leaves_the_one_before(desk: Desk) -> None:
    await desk.ask("subscribe", {})
    refused = await desk.ask("subscribe", {"query": "a (b"})
    assert refused["ok"] is False
    assert isinstance(refused["position"], int)
    assert (await desk.ask("subscribe", {"from": 5}))["ok"] is False
    desk.hub.subscribe(desk.viewers.wake)
    desk.hub.take(["a"], NOW_NS)
    await soon("it goes on", lambda: desk.outlet.numbers() == [1])


async def test_a_search_finds_the_newest_first_and_says_whether_there_are_more(desk: Desk) -> None:
    desk.hub.take([{"message": f"m{n}", "level": "error" if n % 2 else "info"} for n in range(10)], NOW_NS)
    answer = await desk.ask("search", {"query": "m", "limit": 3})
    assert (answer["ok"], seqs(answer), answer["more"]) == (True, [10, 9, 8], True)
    answer = await desk.ask("search", {"before_seq": 8, "levels": ["error"]})
    assert (seqs(answer), answer["more"]) == ([6, 4, 2], False)
    assert answer["data"][0]["message"] == "m5"


async def test_a_search_for_what_is_newer_answers_oldest_first(desk: Desk) -> None:
    desk.hub.take([f"m{n}" for n in range(10)], NOW_NS)
    answer = await desk.ask("search", {"after_seq": 4, "limit": 3})
    assert (seqs(answer), answer["more"]) == ([5, 6, 7], True)
    answer = await desk.ask("search", {"after_seq": 8, "limit": 3})
    assert (seqs(answer), answer["more"]) == ([9, 10], False)


@pytest.mark.parametrize("records", [10, 300])
async def test_a_search_finds_what_is_around_a_record_whether_the_ring_has_it_or_not(desk: Desk, records: int) -> None:
    for n in range(records):
        desk.hub.take([f"m{n}"], NOW_NS + n * 1_000_000)
    answer = await desk.ask("search", {"around": {"seq": 5, "span_ms": 2}})
    assert seqs(answer) == [3, 4, 5, 6, 7]
    refused = await desk.ask("search", {"around": {"seq": 5_000, "span_ms": 2}})
    assert "5,000 is not kept" in refused["error"]


async def test_answers_are_cut_at_their_limit_where_the_viewer_asks_on_from(desk: Desk) -> None:
    desk.hub.take(["x" * 200_000] * 20, NOW_NS)
    newest = await desk.ask("search", {})
    assert (seqs(newest), newest["more"]) == (list(range(20, 6, -1)), True)
    newer = await desk.ask("search", {"after_seq": 0})
    assert (seqs(newer), newer["more"]) == (list(range(1, 15)), True)
    around = await desk.ask("search", {"around": {"seq": 10, "span_ms": 1}})
    assert (seqs(around), around["more"]) == (list(range(3, 17)), True)
    assert all(frames.size < 4 * 1024 * 1024 for frames in desk.outlet.frames)


@pytest.mark.parametrize(
    ("fault", "position"), [(StorageError("Cannot read the history."), None), (TooSlow("It takes too long.", 3), 3)]
)
async def test_a_search_that_fails_is_answered_with_why(desk: Desk, fault: Exception, position: int | None) -> None:
    desk.history.fault = fault
    answer = await desk.ask("search", {})
    assert (answer["ok"], answer["error"], answer.get("position")) == (False, str(fault), position)


async def test_progress_is_told_for_searches_with_an_id_only(desk: Desk) -> None:
    await desk.ask("search", {})
    assert desk.outlet.named("progress") == []
    await desk.ask("search", {"id": 7})
    assert desk.outlet.named("progress") == [{"id": 7, "day": "2026-11-22", "done": 0.5}]


async def test_a_search_can_be_cancelled(desk: Desk) -> None:
    desk.history.go_on.clear()
    first, second = desk.send("search", {"id": 1}), desk.send("search", {"id": 2})
    await soon("both run", lambda: len(desk.history.calls) == 2)
    for payload in (None, {}, {"id": None}, {"id": 9}, {"id": 1}, {"id": 1}):
        desk.asking.call(VIEWER, "cancel", payload, None)
    await soon("it has ended", lambda: desk.history.cancelled == 1)
    assert desk.outlet.answers[first] == {"ok": False, "error": room.CANCELLED}
    desk.history.go_on.set()
    assert (await soon("the other is answered", lambda: desk.outlet.answers.get(second)))["ok"]


async def test_a_search_cancelled_at_once_is_answered_once(desk: Desk) -> None:
    ack_id = desk.send("search", {"id": 1})
    desk.asking.call(VIEWER, "cancel", {"id": 1}, None)
    assert desk.outlet.answers == {ack_id: {"ok": False, "error": room.CANCELLED}}
    await asyncio.sleep(0.01)
    assert desk.history.calls == []


async def test_only_four_searches_run_at_a_time(desk: Desk) -> None:
    desk.history.go_on.clear()
    ids = [desk.send("search", {}) for _ in range(6)]
    refused = [desk.outlet.answers[ack_id]["error"] for ack_id in ids[4:]]
    assert all("4 searches run for you already" in error for error in refused)
    desk.history.go_on.set()
    await soon("the others are answered", lambda: all(ack_id in desk.outlet.answers for ack_id in ids))
    assert (await desk.ask("search", {}))["ok"]


async def test_who_leaves_leaves_no_search_behind(desk: Desk) -> None:
    desk.history.go_on.clear()
    for _ in range(4):
        desk.send("search", {})
    await soon("they run", lambda: len(desk.history.calls) == 4)
    desk.asking.dismiss(VIEWER)
    await soon("they have ended", lambda: desk.history.cancelled == 4 and len(desk.tasks) == 0)
    desk.asking.call(VIEWER, "search", {}, 99)
    assert desk.outlet.answers == {}


async def test_a_large_answer_waits_for_room(desk: Desk) -> None:
    desk.hub.take(["a"], NOW_NS)
    desk.outlet.has_room = False
    ack_id = desk.send("search", {})
    await soon("it was searched", lambda: desk.history.calls)
    await asyncio.sleep(room.RETRY_S * 2)
    assert ack_id not in desk.outlet.answers
    desk.outlet.has_room = True
    await soon("it is answered", lambda: ack_id in desk.outlet.answers)


async def test_stats_are_the_counters(desk: Desk) -> None:
    desk.hub.take(["a"], NOW_NS)
    assert await desk.ask("stats") == {"head": 1}


async def test_request_logs_is_answered_with_a_snapshot_and_nothing_follows(desk: Desk) -> None:
    desk.hub.take(["a", "b"], NOW_NS)
    for _ in range(3):
        desk.asking.send_snapshot(VIEWER)
    (logs,) = await soon("an answer", lambda: desk.outlet.named("logs"))
    assert [entry["message"] for entry in logs["data"]] == ["b", "a"]
    desk.hub.take(["c"], NOW_NS)
    await asyncio.sleep(0.02)
    assert [name for name, _ in desk.outlet.events] == ["hello", "logs"]


async def test_who_asks_too_often_is_told_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1.0)
    desk.asking.admit(VIEWER, desk.outlet)  # type: ignore[arg-type]
    ids = [desk.send("stats") for _ in range(45)]
    refused = [ack_id for ack_id in ids if desk.outlet.answers[ack_id] == {"ok": False, "error": room.TOO_OFTEN}]
    assert len(refused) == 5


async def test_a_hub_without_history_says_so() -> None:
    desk = Desk(has_history=False)
    assert (await desk.ask("search", {}))["error"] == room.NO_HISTORY


async def test_what_is_asked_without_an_acknowledgement_is_done_without(desk: Desk) -> None:
    for name, payload in (("subscribe", {}), ("search", {}), ("stats", None), ("search", 5), ("metrics", {})):
        desk.asking.call(VIEWER, name, payload, None)
    await soon("it was done", lambda: desk.history.calls == ["search"])
    assert desk.outlet.answers == {}
    assert desk.send("message", "somebody else's") not in desk.outlet.answers
