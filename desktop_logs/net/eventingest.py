"""`log` and `logs` events of producers into the hub, and the answers to those that asked. Knows no connection: who
sent an event is told by the way to answer it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from desktop_logs.core.errors import Busy, EntryError, StorageError
from desktop_logs.core.hub import Hub, Receipt
from desktop_logs.core.wire import unwrap_many
from desktop_logs.net.fastpath import LogEvent
from desktop_logs.tasks import Tasks

SLICE_ENTRIES = 200  # about 2 ms
# While the disk has too much to write, a producer's socket is not read: it waits, and loses nothing. engineio lets a
# client go that answers no ping for 15 s, so at some time it is told instead.
BUSY_WAIT_S = 10.0
BUSY_RETRY_S = 0.05
ANSWER_TIMEOUT_S = 3.0
STOPPING = "the hub is stopping. Send it again later"

Answer = dict[str, Any]
"""What an acknowledgement carries."""

AnswerTo = Callable[[int, Answer], Awaitable[None]]
"""Sends the answer to the event with that acknowledgement id."""

_Outcome = Receipt | str
"""What became of some payloads: what the hub says, or why it took none of them."""


class EventIngest:
    """Takes events; answers come when their records are stored."""

    def __init__(
        self,
        hub: Hub,
        clock_ns: Callable[[], int],
        report: Callable[[str], None],
        on_fault: Callable[[BaseException], object],
    ) -> None:
        self._hub = hub
        self._clock_ns = clock_ns
        self._is_stopping = False

        def failed(name: str, failure: BaseException) -> None:
            report(f"The hub could not {name}: {failure!r}")
            on_fault(failure)

        self._under_way = Tasks(failed)

    async def stop(self) -> None:
        """Take nothing more, and let what is under way be answered."""
        self._is_stopping = True
        await self._under_way.finish(ANSWER_TIMEOUT_S)

    def turn_away(self, events: Sequence[LogEvent], error: str, answer_to: AnswerTo) -> None:
        """Take none of *events*, and say why."""
        self._answer(events, [self._refuse(events, error)], answer_to)

    def take(self, events: Sequence[LogEvent], answer_to: AnswerTo) -> asyncio.Task[None] | None:
        """Take *events*, in order: some `log`, or one `logs`.

        They are in the ring when this returns None; else when the task returned has ended, before which nothing more
        of their sender should be read.
        """
        if events[0].name == "log":
            payloads = [event.payload for event in events]
        else:
            try:
                payloads = unwrap_many(events[0].payload)
            except EntryError as wrong:
                self._hub.refuse(1, str(wrong))
                self._answer(events, [str(wrong)], answer_to)
                return None
        if len(payloads) <= SLICE_ENTRIES:
            try:
                outcome = self._try(payloads)
            except Busy:
                pass  # the patient way
            else:
                self._answer(events, [outcome], answer_to)
                return None
        return self._under_way.start(self._take_patiently(events, payloads, answer_to), "take an event")

    async def _take_patiently(self, events: Sequence[LogEvent], payloads: list[object], answer_to: AnswerTo) -> None:
        """In slices, between which others have their turn of the loop; each waits while the disk is busy."""
        outcomes: list[_Outcome] = []
        # One for all slices: a client is let go by how long its socket is not read.
        deadline_s = asyncio.get_running_loop().time() + BUSY_WAIT_S
        for start in range(0, len(payloads), SLICE_ENTRIES):
            outcomes.append(await self._when_there_is_room(payloads[start : start + SLICE_ENTRIES], deadline_s))
            await asyncio.sleep(0)
        self._answer(events, outcomes, answer_to)

    async def _when_there_is_room(self, payloads: list[object], deadline_s: float) -> _Outcome:
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    return self._try(payloads)
                except Busy as full:
                    if loop.time() >= deadline_s:
                        return self._refuse(payloads, str(full))
                await asyncio.sleep(BUSY_RETRY_S)  # a store tells nobody when it has room
        except asyncio.CancelledError:
            self._hub.refuse(len(payloads), STOPPING)
            raise

    def _try(self, payloads: list[object]) -> _Outcome:
        """Raises Busy, with nothing taken."""
        if self._is_stopping:
            return self._refuse(payloads, STOPPING)
        received = self._hub.counters.received
        try:
            return self._hub.take(payloads, self._clock_ns())
        except Busy:
            raise
        except StorageError as failure:
            return self._refuse(payloads, str(failure))
        except Exception as fault:
            # Whoever called reports it; that nobody keeps these is counted as any other refusal is.
            if self._hub.counters.received == received:
                self._hub.refuse(len(payloads), f"it met a fault of the hub: {fault!r}")
            raise

    def _refuse(self, payloads: Sequence[object], error: str) -> str:
        self._hub.refuse(len(payloads), error)
        return error

    def _answer(self, events: Sequence[LogEvent], outcomes: list[_Outcome], answer_to: AnswerTo) -> None:
        # One task for a batch; waiting here would hold up the next event until the disk has these.
        if events[0].name == "log":
            if any(event.ack_id is not None for event in events):
                self._under_way.start(self._answer_log(events, outcomes[0], answer_to), "acknowledge")
        elif (ack_id := events[0].ack_id) is not None:
            self._under_way.start(self._answer_logs(ack_id, outcomes, answer_to), "acknowledge")

    async def _answer_log(self, events: Sequence[LogEvent], outcome: _Outcome, answer_to: AnswerTo) -> None:
        error, refused, ids = await _settled(outcome)
        stored = iter(ids)
        for index, event in enumerate(events):
            entry_id = None if index in refused else next(stored, None)
            if event.ack_id is None:
                continue
            if entry_id is not None:
                await answer_to(event.ack_id, {"ok": True, "id": entry_id})
            else:
                await answer_to(event.ack_id, {"ok": False, "error": refused.get(index, error)})

    async def _answer_logs(self, ack_id: int, outcomes: list[_Outcome], answer_to: AnswerTo) -> None:
        ids: list[str] = []
        first_error = ""
        for start, outcome in zip(range(0, len(outcomes) * SLICE_ENTRIES, SLICE_ENTRIES), outcomes, strict=True):
            error, refused, stored = await _settled(outcome)
            ids += stored
            for index, why in refused.items():
                error = error or f"entry {start + index}: {why}"
            first_error = first_error or error
        if first_error:
            await answer_to(ack_id, {"ok": False, "error": first_error, "accepted": len(ids)})
        elif len(ids) == 1:
            await answer_to(ack_id, {"ok": True, "id": ids[0]})
        else:
            await answer_to(ack_id, {"ok": True, "accepted": len(ids)})


async def _settled(outcome: _Outcome) -> tuple[str, dict[int, str], list[str]]:
    """Once the disk has answered: why nothing was stored; why single entries were refused, by index; the ids stored."""
    if isinstance(outcome, str):
        return outcome, {}, []
    refused = {rejection.index: rejection.error for rejection in outcome.rejected}
    try:
        await asyncio.wrap_future(outcome.stored)
    except StorageError as failure:
        return str(failure), refused, []
    return "", refused, [record.id for record in outcome.records]
