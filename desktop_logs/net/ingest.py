"""Entries that come over HTTP: `POST /api/logs`. Reads bodies, answers when they are stored; knows no Socket.IO."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import msgspec
from aiohttp import web

from desktop_logs.core.errors import Busy, StorageError
from desktop_logs.core.hub import Hub, Receipt, Rejection
from desktop_logs.core.wire import MAX_PACKET_BYTES, Unreadable, decode_json
from desktop_logs.net.bodies import MAX_BODY_BYTES, BodyRefused, read_body

MAX_BODY_ENTRIES = 100_000
SLICE_ENTRIES = 200  # about 3 ms of parsing between two turns of the loop
SLICE_BYTES = 500_000
MAX_REJECTIONS_TOLD = 100
BUSY_WAIT_S = 10.0
STORAGE_RETRY_AFTER_S = 2

_decode_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


class HttpIngest:
    """Takes bodies of entries into the hub and says what became of them."""

    def __init__(self, hub: Hub, clock_ns: Callable[[], int], heard_from: Callable[[str], None]) -> None:
        """*heard_from* is told the name of each numbered producer that sends."""
        self._hub = hub
        self._clock_ns = clock_ns
        self._heard_from = heard_from

    async def post(self, request: web.Request) -> web.Response:
        """`POST /api/logs` of protocol.md."""
        try:
            producer, first = _numbering(request)
        except ValueError as wrong:
            return _answer(400, error=str(wrong))
        try:
            body = await read_body(request)
        except BodyRefused as refused:
            if refused.status == 413:
                self._hub.refuse(1, f"a body of over {MAX_BODY_BYTES:,} bytes was refused")
            # The rest of the body is not read, so nothing sensible can follow on this connection.
            return _answer(refused.status, error=str(refused), close=True)
        if producer:
            self._heard_from(producer)
        return await self._take(body, producer, first)

    async def _take(self, body: bytes, producer: str, first: int) -> web.Response:
        parts = _parts(body)
        if len(parts) > MAX_BODY_ENTRIES:
            error = f"The body holds {len(parts):,} entries, of which at most {MAX_BODY_ENTRIES:,} are taken at a time."
            self._hub.refuse(len(parts), error)
            return _answer(413, error=f"{error} Send it in smaller parts.")
        duplicates = index = 0
        rejected: list[Rejection] = []
        receipts: list[Receipt] = []
        error = ""
        status, retry_after_s = 200, 0
        try:
            for payloads in _slices(parts):
                receipt = await self._take_slice(payloads, producer, first + index)
                receipts.append(receipt)
                duplicates += receipt.duplicates
                rejected += [Rejection(index + refused.index, refused.error) for refused in receipt.rejected]
                index += len(payloads)
                await asyncio.sleep(0)
        except Busy as busy:
            status, error, retry_after_s = 429, str(busy), busy.retry_after_s
        except StorageError as closed:
            status, error, retry_after_s = 503, str(closed), STORAGE_RETRY_AFTER_S
        accepted = 0
        for receipt in receipts:
            try:
                await asyncio.wrap_future(receipt.stored)
            except StorageError as broken:
                status, error, retry_after_s = 503, str(broken), STORAGE_RETRY_AFTER_S
            else:
                accepted += receipt.accepted
        if status != 200:
            return _answer(status, accepted, duplicates, rejected, error=error, retry_after_s=retry_after_s)
        if index == 0:
            return _answer(400, error="The body holds no entry. Send JSON objects, one a line, or an array of them.")
        if rejected and not accepted and not duplicates:
            return _answer(400, 0, 0, rejected, error=f"No entry could be taken. The first: {rejected[0].error}.")
        return _answer(200, accepted, duplicates, rejected)

    async def _take_slice(self, payloads: list[object], producer: str, first: int) -> Receipt:
        """As Hub.take, waiting for a store that is full instead of leaving a body half taken."""
        deadline_s = asyncio.get_running_loop().time() + BUSY_WAIT_S
        while True:
            try:
                return self._hub.take(payloads, self._clock_ns(), producer=producer, first=first)
            except Busy:
                if asyncio.get_running_loop().time() > deadline_s:
                    raise
                await asyncio.sleep(0.05)


def _parts(body: bytes) -> list[object]:
    """The body's entries, not decoded yet where that can wait."""
    stripped = body.strip()
    if stripped.startswith(b"["):
        return _array_parts(stripped)
    return [stripped] if _is_one_object(stripped) else _lines(stripped)


def _slices(parts: list[object]) -> Iterator[list[object]]:
    """The payloads of *parts*, so many at a time as are taken in a few milliseconds; what is no JSON as Unreadable."""
    slice_: list[object] = []
    size = 0
    for part in parts:
        slice_.append(_decoded(part))
        size += len(part) if isinstance(part, bytes) else 0
        if len(slice_) >= SLICE_ENTRIES or size >= SLICE_BYTES:
            yield slice_
            slice_, size = [], 0
    if slice_:
        yield slice_


def _is_one_object(body: bytes) -> bool:
    """True for one object written over several lines; an object a line is the usual case, and the cheap one."""
    first_line, newline, _ = body.partition(b"\n")
    if not newline or not body.startswith(b"{") or len(body) > MAX_PACKET_BYTES or _is_json(first_line):
        return False
    return _is_json(body)


def _is_json(data: bytes) -> bool:
    try:
        decode_json(data)
    except ValueError:
        return False
    return True


def _lines(body: bytes) -> list[object]:
    return [line for line in body.split(b"\n") if line.strip()]


def _array_parts(body: bytes) -> list[object]:
    try:
        # Raw parts are found without building anything, so that a large array does not hold up the loop.
        return [bytes(part) for part in _decode_raw_list(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        if len(body) > MAX_PACKET_BYTES:
            why = "it is nested too deeply" if isinstance(wrong, RecursionError) else wrong
            return [Unreadable(f"the body is not JSON: {why}")]
        try:
            whole = decode_json(body)
        except ValueError as wrong:
            return [Unreadable(f"the body is not JSON: {wrong}")]
        return whole if isinstance(whole, list) else [whole]


def _decoded(part: object) -> object:
    if not isinstance(part, bytes):
        return part
    try:
        return decode_json(part)
    except ValueError as wrong:
        return Unreadable(f'it is not JSON: {wrong}. Send objects like {{"level":"info","message":"hello"}}')


def _numbering(request: web.Request) -> tuple[str, int]:
    """The producer and the number of the first entry. Raises ValueError with a sentence."""
    producer = request.headers.get("Desktop-Logs-Producer", "").strip()
    number = request.headers.get("Desktop-Logs-First", "").strip()
    if not producer and not number:
        return "", 0
    if not producer or len(producer) > 100:
        raise ValueError("Desktop-Logs-Producer must name the producer in at most 100 characters.")
    if not number.isdecimal() or len(number) > 18:
        raise ValueError("Desktop-Logs-First must be the number of the first entry, a whole number from 0.")
    return producer, int(number)


def _answer(
    status: int,
    accepted: int = 0,
    duplicates: int = 0,
    rejected: list[Rejection] | None = None,
    *,
    error: str = "",
    retry_after_s: int = 0,
    close: bool = False,
) -> web.Response:
    told = [{"index": refused.index, "error": refused.error} for refused in (rejected or [])[:MAX_REJECTIONS_TOLD]]
    body: dict[str, object] = {"accepted": accepted, "duplicates": duplicates, "rejected": told}
    if rejected and len(rejected) > MAX_REJECTIONS_TOLD:
        body["rejected_in_all"] = len(rejected)
    if error:
        body["error"] = error
    response = web.Response(
        status=status, body=msgspec.json.encode(body) + b"\n", content_type="application/json", charset="utf-8"
    )
    if retry_after_s:
        response.headers["Retry-After"] = str(retry_after_s)
    if close:
        response.force_close()
    return response
