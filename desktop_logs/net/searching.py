"""Questions to the history over HTTP: `GET /api/search`. What answers is given; knows no files and no Socket.IO."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec
from aiohttp import web

from desktop_logs.core.errors import QueryError, StorageError, UserError
from desktop_logs.core.export import numbered_jsonl
from desktop_logs.core.history import Found
from desktop_logs.core.query import Query, parse
from desktop_logs.core.records import Record
from desktop_logs.core.safe_text import one_line

DEFAULT_LIMIT: Final = 200
MAX_LIMIT: Final = 1_000
LOOK_AGAIN_S: Final = 0.5
PIECE_CHARACTERS: Final = 65_536  # about a millisecond of encoding between two turns of the loop
STORAGE_RETRY_AFTER_S: Final = 2


class Search(Protocol):
    """What is needed of core.history.History.search."""

    def __call__(self, query: Query, *, before_seq: int | None, limit: int) -> Coroutine[Any, Any, Found]: ...


class HttpSearch:
    """Answers `GET /api/search`: entries with their numbers as NDJSON, newest first."""

    def __init__(self, search: Search | None, clock_ns: Callable[[], int]) -> None:
        """*search* is None where the hub keeps no history."""
        self._search = search
        self._clock_ns = clock_ns

    async def get(self, request: web.Request) -> web.StreamResponse:
        """`GET /api/search?q=&before=&limit=` of protocol.md.

        `Desktop-Logs-More: true` says that there are older ones: ask again with `before` at the last number.
        `Desktop-Logs-Problem` says what could not be searched.
        """
        if self._search is None:
            return _refusal(404, "This hub keeps no history. Start it without --no-history.")
        try:
            query = parse(request.query.get("q", ""), self._clock_ns())
            before_seq = _number(request, "before", None)
            limit = _number(request, "limit", DEFAULT_LIMIT) or 0
            if not 1 <= limit <= MAX_LIMIT:
                raise UserError(f"limit must be from 1 to {MAX_LIMIT:,}. Ask for more with before.")
            found = await _unless_left(request, self._search(query, before_seq=before_seq, limit=limit))
        except QueryError as wrong:
            return _refusal(400, str(wrong), position=wrong.position)
        except UserError as wrong:
            return _refusal(400, str(wrong))
        except StorageError as failure:
            response = _refusal(503, str(failure))
            response.headers["Retry-After"] = str(STORAGE_RETRY_AFTER_S)
            return response
        return await _answer(request, found)


async def _answer(request: web.Request, found: Found) -> web.StreamResponse:
    response = web.StreamResponse()
    response.content_type = "application/x-ndjson"
    response.charset = "utf-8"
    if found.more:
        response.headers["Desktop-Logs-More"] = "true"
    if found.problem:
        response.headers["Desktop-Logs-Problem"] = one_line(found.problem).encode("ascii", "backslashreplace").decode()
    await response.prepare(request)
    try:
        for piece in _pieces(found.records):
            await response.write(numbered_jsonl(piece))
            await asyncio.sleep(0)  # a write that finds room does not give the loop back
        await response.write_eof()
    except ConnectionError:
        pass  # who asked has left
    return response


async def _unless_left(request: web.Request, search: Coroutine[Any, Any, Found]) -> Found:
    """What *search* finds; it is cancelled when who asked has left, so that others need not wait for it."""
    searching = asyncio.ensure_future(search)
    try:
        while not searching.done():
            await asyncio.wait((searching,), timeout=LOOK_AGAIN_S)
            if request.transport is None or request.transport.is_closing():
                raise web.HTTPRequestTimeout  # nobody reads it
        return await searching
    finally:
        searching.cancel()


def _pieces(records: Sequence[Record]) -> Iterator[list[Record]]:
    """*records* in order, in pieces of about PIECE_CHARACTERS."""
    piece: list[Record] = []
    characters = 0
    for record in records:
        piece.append(record)
        characters += 200 + len(record.message) + len(record.context)
        if characters >= PIECE_CHARACTERS:
            yield piece
            piece, characters = [], 0
    if piece:
        yield piece


def _number(request: web.Request, name: str, missing: int | None) -> int | None:
    """A number of the query string. Raises UserError."""
    text = request.query.get(name)
    if text is None:
        return missing
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise UserError(f"{name} must be a whole number, not {one_line(text[:40])!r}.")
    return int(text)


def _refusal(status: int, error: str, **more: int) -> web.Response:
    body = msgspec.json.encode({"error": error, **more}) + b"\n"
    return web.Response(status=status, body=body, content_type="application/json", charset="utf-8")
