"""What could be typed next in a query: fields, levels, sources, times, keywords. Pure; the text need not parse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from desktop_logs.core import levels
from desktop_logs.core.query_times import DAYS_AGO, UNITS_S
from desktop_logs.core.query_tokens import PHRASE, REGEX, SPACE, excludes_at, field_at, word_end
from desktop_logs.core.query_tree import BUILT_IN, KEYWORDS, TIMES, field_of_key, written_value

USUAL_TIMES: Final = ("5m", "15m", "1h", "6h", "1d", "1w", *DAYS_AGO)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What has been seen in the records, the most frequent first: keys of contexts, names of levels, sources."""

    fields: Sequence[str] = ()
    levels: Sequence[str] = ()
    sources: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that could be typed."""

    text: str
    """What is put into the query, in quotation marks where it needs them."""
    label: str
    note: str
    """What kind of thing it is: field, level, source, time or operator."""


@dataclass(frozen=True, slots=True)
class Completion:
    """Options for what stands from *start* to *end* of the text; without options the two are the cursor."""

    start: int
    end: int
    options: tuple[Option, ...] = ()


class _Token(NamedTuple):
    """The word that the cursor is in or behind; empty where none is begun."""

    start: int
    end: int
    is_excluded: bool


def complete(text: str, cursor: int, known: Vocabulary, limit: int = 12) -> Completion:
    """At most *limit* options for what is being typed at *cursor*, the best first.

    Those that begin as it does go before those that have it inside. None within a phrase or an expression, nor when
    the only option is what stands there already.
    """
    cursor = min(max(cursor, 0), len(text))
    nothing = Completion(cursor, cursor)
    token = _token_at(text, cursor)
    if token is None or (text[token.start : token.end] in KEYWORDS and not token.is_excluded):
        return nothing
    start, end = token.start, token.end
    field = field_at(text, start) if start < end else None
    if field and cursor >= field.end():
        start = field.end()
        candidates: Iterable[Option] = _values(field[1], field[3] or "", text[start:cursor], known)
    elif field:
        end = field.end(1)
        candidates = (Option(option.label, option.label, option.note) for option in _fields(known))
    else:
        typed = text[start:cursor]
        keywords = [] if token.is_excluded or not typed else [word for word in KEYWORDS if word.startswith(typed)]
        candidates = (*(Option(word, word, "operator") for word in keywords), *_fields(known))
    options = _matching(candidates, text[start:cursor])[:limit]
    if not options or [option.text for option in options] == [text[start:end]]:
        return nothing
    return Completion(start, end, tuple(options))


def _token_at(text: str, cursor: int) -> _Token | None:
    """The token at *cursor*; None within what is not completed: a phrase, an expression."""
    at = 0
    while True:
        space = SPACE.match(text, at)
        at = space.end() if space else at
        if at > cursor:
            # An empty phrase reads as space, yet whoever stands in it is about to fill it.
            return None if text[cursor - 1 : cursor] == '"' else _Token(cursor, cursor, False)
        if at == len(text):
            return _Token(cursor, cursor, False)
        if text[at] in "()":
            at += 1
            continue
        is_excluded = excludes_at(text, at)
        start = at + is_excluded
        if start > cursor or text[start] == "(":
            at = start
            if at > cursor:
                return None
            continue
        field = field_at(text, start)
        inner = field.end() if field else start + text.startswith("~/", start)
        is_pattern = text.startswith("/", inner) and (inner > start and text[inner - 1] == "~")
        if is_pattern or text.startswith('"', inner):
            closed = (REGEX if is_pattern else PHRASE).match(text, inner)
            if not closed or cursor <= closed.end():
                return None if cursor > inner or not field else _Token(start, inner, is_excluded)
            at = closed.end()
            continue
        end = word_end(text, start)
        if cursor <= end:
            return _Token(start, end, is_excluded)
        at = end


def _fields(known: Vocabulary) -> Iterator[Option]:
    names = (field_of_key(key) for key in known.fields)
    for name in dict.fromkeys((*BUILT_IN, *TIMES, *filter(None, names))):
        yield Option(f"{name}:", name, "time" if name in TIMES else "field")


def _values(field: str, op: str, typed: str, known: Vocabulary) -> Iterator[Option]:
    if field == "level" and op:
        ranked = (name for name in known.levels if levels.severity_of_name(name) is not None)
        yield from _options((*levels.BANDS, *ranked), "level")
    elif field == "level":
        yield from _options((*known.levels, *levels.BANDS), "level")
    elif field == "source" and not op:
        yield from _options(known.sources, "source")
    elif field in TIMES and not op:
        counted = [f"{typed}{unit}" for unit in UNITS_S] if typed.isdecimal() else []
        yield from _options((*counted, *USUAL_TIMES), "time")


def _options(values: Iterable[str], note: str) -> Iterator[Option]:
    of_any_case: dict[str, str] = {}
    for value in filter(None, values):
        of_any_case.setdefault(value.casefold(), value)
    return (Option(written_value(value), value, note) for value in of_any_case.values())


def _matching(options: Iterable[Option], typed: str) -> list[Option]:
    """Those that begin with *typed*, then those that have it inside, in any letter case."""
    wanted = typed.casefold()
    found = [option for option in options if wanted in option.label.casefold()]
    return sorted(found, key=lambda option: not option.label.casefold().startswith(wanted))
