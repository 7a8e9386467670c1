"""What a hub and a version 2 viewer say to each other (protocol.md), as values and back. Pure; entries are wire's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec

from desktop_logs.core.errors import EntryError, PeerError
from desktop_logs.core.levels import ALL_BANDS, BANDS
from desktop_logs.core.query import Query, parse
from desktop_logs.core.records import Record
from desktop_logs.core.wire import parse_entry

PROTO: Final = 2
MAX_UNANSWERED: Final = 4
"""So many batches may be on their way to a viewer before it has acknowledged the first of them."""
MAX_BATCH_RECORDS: Final = 1_024
MAX_BATCH_BYTES: Final = 500_000
"""A batch ends with the entry that passes this: with the largest entry it is still below MAX_PACKET_BYTES."""
MAX_SEARCH_LIMIT: Final = 1_000
MAX_SPAN_MS: Final = 86_400_000
MAX_QUERY_CHARACTERS: Final = 10_000
MAX_TOKEN_CHARACTERS: Final = 1_000
MAX_EPOCH_CHARACTERS: Final = 100
_MAX_SEQ: Final = 2**63 - 1

GapReason = Literal["slow", "evicted", "epoch"]
"""slow: the viewer did not keep up; evicted: neither ring nor history has them any more; epoch: they belong to a
history that was replaced."""

_encode_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Position:
    """How far a viewer has come: all up to *seq* of that *epoch*."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest *count* records of the ring, and what follows them. (Counted, since not all numbers have a record.)"""

    count: int


@dataclass(frozen=True, slots=True)
class Auth:
    """What a client says of itself when it connects."""

    proto: int = 1
    token: str = field(default="", repr=False)
    resume: Position | None = None
    """Version 2: send everything after this at once, as a `subscribe` without a query would ask."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """What a viewer wants to be sent."""

    query: Query
    start: Literal["tail", "ring"] | Newest | Position = "tail"
    """From now on, from the oldest in the ring on, from so many of its newest on, or after a number."""


@dataclass(frozen=True, slots=True)
class Search:
    """A question to the history: the newest below *before_seq*, newest first; or, where one is given, the oldest after
    *after_seq*, or what stands within *span_ms* of the record *around_seq*, both oldest first and without a query."""

    query: Query
    bands: frozenset[int] = ALL_BANDS
    before_seq: int | None = None
    after_seq: int | None = None
    around_seq: int | None = None
    span_ms: int = 0
    limit: int = 200
    id: int | None = None
    """By which it can be cancelled, and its progress told."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A hub's first word to a version 2 viewer."""

    name: str
    version: str
    epoch: str
    head: int
    oldest: int
    """The oldest number in the ring; one past the head when it is empty."""
    has_history: bool = False

    def encode(self) -> bytes:
        """The payload of `hello`."""
        limits = {
            "unanswered": MAX_UNANSWERED,
            "batch_records": MAX_BATCH_RECORDS,
            "batch_bytes": MAX_BATCH_BYTES,
            "search": MAX_SEARCH_LIMIT if self.has_history else 0,
        }
        told = {"proto": PROTO, "name": self.name, "version": self.version, "epoch": self.epoch}
        return _encode_json({**told, "head": self.head, "oldest": self.oldest, "limits": limits})


@dataclass(frozen=True, slots=True)
class Batch:
    """What a `logBatch` covers: of all numbers from *first* to *last* it brings those that were asked for."""

    epoch: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Gap:
    """The numbers from *first* to *last* will not come."""

    epoch: str
    first: int
    last: int
    reason: GapReason

    def encode(self) -> bytes:
        """The payload of `gap`."""
        return _encode_json({"epoch": self.epoch, "from": self.first, "to": self.last, "reason": self.reason})


# A hub reads what a viewer says. Each raises PeerError with a sentence for what cannot be understood.


def parse_auth(value: object) -> Auth:
    """What stands in `auth`; without any it is a version 1 client. Unknown names in it are somebody else's."""
    if value is None:
        return Auth()
    if not isinstance(value, dict):
        raise PeerError('auth must be an object, for example {"proto":2,"token":"…"}.')
    proto = value.get("proto", 1)
    if type(proto) is not int or proto < 1:
        raise PeerError("auth.proto must be 1 or 2.")
    token = value.get("token", "")
    if not isinstance(token, str) or len(token) > MAX_TOKEN_CHARACTERS:
        raise PeerError("auth.token must be a string, as the hub shows it.")
    resume = value.get("resume")
    if resume is not None and proto >= PROTO:
        return Auth(proto, token, _position(resume, "auth.resume"))
    return Auth(proto, token)


def parse_subscribe(payload: object, now_ns: int) -> Subscribe:
    """The payload of `subscribe`. Raises QueryError too, for its query."""
    asked = _object(payload, "subscribe")
    start = asked.get("from", "tail")
    if start in ("tail", "ring"):
        return Subscribe(_query(asked, now_ns), start)
    if isinstance(start, dict) and start.keys() == {"newest"}:
        return Subscribe(_query(asked, now_ns), Newest(_seq(start, "newest") or 0))
    return Subscribe(_query(asked, now_ns), _position(start, "from", '"tail", "ring", {"newest":500} or '))


def parse_search(payload: object, now_ns: int) -> Search:
    """The payload of `search`. Raises QueryError too, for its query."""
    asked = _object(payload, "search")
    before_seq, after_seq = _seq(asked, "before_seq"), _seq(asked, "after_seq")
    around, around_seq, span_ms = asked.get("around"), None, 0
    if around is not None:
        around_seq, span = _seq(_object(around, "around"), "seq"), around.get("span_ms")
        if around_seq is None or type(span) is not int or not 0 <= span <= MAX_SPAN_MS:
            raise PeerError(f'around must be like {{"seq":1,"span_ms":30000}}, the span at most {MAX_SPAN_MS:,}.')
        span_ms = span
    if sum(given is not None for given in (before_seq, after_seq, around_seq)) > 1:
        raise PeerError("search takes one of before_seq, after_seq and around.")
    query, bands = _query(asked, now_ns), _bands(asked)
    if before_seq is None and (after_seq, around_seq) != (None, None) and not (query.is_empty and bands == ALL_BANDS):
        raise PeerError(
            "search with after_seq or around takes no query and no levels: it brings all that stands there."
        )
    limit = asked.get("limit", 200)
    if type(limit) is not int or not 1 <= limit <= MAX_SEARCH_LIMIT:
        raise PeerError(f"limit must be a whole number from 1 to {MAX_SEARCH_LIMIT:,}.")
    return Search(query, bands, before_seq, after_seq, around_seq, span_ms, limit, _seq(asked, "id"))


# A viewer reads what a hub says: the same errors.


def parse_hello(payload: object) -> Hello:
    """The payload of `hello`."""
    told = _object(payload, "hello")
    name, version, epoch = (told.get(key) for key in ("name", "version", "epoch"))
    head, oldest, limits = _seq(told, "head"), _seq(told, "oldest"), _object(told.get("limits", {}), "hello.limits")
    if not isinstance(name, str) or not isinstance(version, str) or not isinstance(epoch, str):
        raise PeerError("hello lacks its name, version or epoch.")
    if head is None or oldest is None:
        raise PeerError("hello lacks its head or oldest.")
    return Hello(name[:100], version[:100], epoch[:MAX_EPOCH_CHARACTERS], head, oldest, bool(limits.get("search")))


def parse_batch_head(payload: object) -> tuple[Batch, list[Any]]:
    """The payload of `logBatch` without its records, and the entries that `parse_numbered` makes them of."""
    told = _object(payload, "logBatch")
    epoch, first, last, data = told.get("epoch"), _seq(told, "first"), _seq(told, "last"), told.get("data")
    if not isinstance(epoch, str) or first is None or last is None or not isinstance(data, list):
        raise PeerError("logBatch lacks its epoch, first, last or data.")
    return Batch(epoch, first, last), data


def parse_numbered(
    entries: Sequence[Any], after: int, last: int, now_ns: int, offset: int = 0
) -> tuple[list[Record], int]:
    """*entries* with their numbers, which grow from *after* to *last*, as records with *offset* added to each number;
    and how many could not be read."""
    records: list[Record] = []
    unreadable = 0
    for entry in entries:
        seq = entry.pop("seq", None) if isinstance(entry, dict) else None
        if type(seq) is not int or not after < seq <= last:
            raise PeerError("An entry's number is missing or out of order.")
        after = seq
        try:
            records.append(parse_entry(entry, seq + offset, now_ns))
        except EntryError:
            unreadable += 1
    return records, unreadable


def parse_gap(payload: object) -> Gap:
    """The payload of `gap`; a reason that is not known is taken for `slow`."""
    told = _object(payload, "gap")
    epoch, first, last, reason = told.get("epoch"), _seq(told, "from"), _seq(told, "to"), told.get("reason")
    if not isinstance(epoch, str) or first is None or last is None:
        raise PeerError("gap lacks its epoch, from or to.")
    return Gap(epoch, first, last, reason if reason in ("evicted", "epoch") else "slow")


def encode_batch(epoch: str, first: int, last: int, entries: Sequence[bytes]) -> bytes:
    """The payload of `logBatch` around *entries*, each as encoding.encode_numbered makes it."""
    head = b'{"epoch":%b,"first":%d,"last":%d,"data":[' % (_encode_json(epoch), first, last)
    return head + b",".join(entries) + b"]}"


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise PeerError(f"{name} must be an object.")
    return value


def _position(value: object, name: str, others: str = "") -> Position:
    seq = value.get("seq") if isinstance(value, dict) else None
    epoch = value.get("epoch") if isinstance(value, dict) else None
    if (
        not isinstance(epoch, str)
        or len(epoch) > MAX_EPOCH_CHARACTERS
        or type(seq) is not int
        or not 0 <= seq <= _MAX_SEQ
    ):
        raise PeerError(f'{name} must be {others}like {{"epoch":"…","seq":123}}.')
    return Position(epoch, seq)


def _seq(told: Mapping[str, Any], name: str) -> int | None:
    value = told.get(name)
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= _MAX_SEQ:
        raise PeerError(f"{name} must be a whole number from 0.")
    return value


def _query(asked: Mapping[str, Any], now_ns: int) -> Query:
    text = asked.get("query", "")
    if not isinstance(text, str) or len(text) > MAX_QUERY_CHARACTERS:
        raise PeerError(f"query must be a string of at most {MAX_QUERY_CHARACTERS:,} characters.")
    return parse(text, now_ns)


def _bands(asked: Mapping[str, Any]) -> frozenset[int]:
    names = asked.get("levels")
    if names is None:
        return ALL_BANDS
    if not isinstance(names, list) or not all(name in BANDS for name in names):
        raise PeerError(f"levels must be a list of {', '.join(BANDS)}.")
    return frozenset(BANDS.index(name) for name in names)
