"""What a query is made of: a tree of small frozen nodes, and how it is written down again. Pure data.

`str(node)` is text that parses to an equal tree. What each node claims about a record is said here once; the
predicate, the SQL and any faster evaluator keep to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Final, Literal

from desktop_logs.core import levels, timestamps

Op = Literal[">=", ">", "<=", "<"]

BUILT_IN: Final = ("message", "level", "source", "id")
"""Fields that every record has; any other name is a key of the context."""
TIMES: Final = ("after", "before")
"""Names in front of a time."""
CONTEXT: Final = "context."
"""In front of a name: the context's key, also where a field of every record has the same name."""
FIELD_NAME: Final = r"[A-Za-z_@$][\w@$./-]{0,199}(?<!-)"
KEYWORDS: Final = ("AND", "OR", "NOT")

_SAFE_WORD = re.compile(r'[^\s"()-][^\s()]*')
_FIELD_START = re.compile(rf"{FIELD_NAME}(?::|>|<|~/)|~/")
_RAW_SLASH = re.compile(r"(\\.)|/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more different parts, none of them an And."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(_in_group(part) if isinstance(part, Or) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of two or more different parts, none of them an Or."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """What *part* does not select."""

    part: Node

    def __str__(self) -> str:
        return f"-{_in_group(self.part) if isinstance(self.part, And | Or | Not) else self.part}"


@dataclass(frozen=True, slots=True)
class Text:
    """*text*, casefolded and never empty, is in the casefolded message, source, level or context (its stored JSON)."""

    text: str

    def __str__(self) -> str:
        return written(self.text)


@dataclass(frozen=True, slots=True)
class Pattern:
    """The regular expression matches somewhere in the field's value; with no field, in one of the four of Text.

    Letter case does not count. *position* is where *regex* starts in the text that was typed.
    """

    field: str
    regex: str
    position: int = attribute(default=0, compare=False)

    def __str__(self) -> str:
        inner = _RAW_SLASH.sub(lambda found: found[1] or r"\/", self.regex)
        return f"{self.field}~/{inner}/"


@dataclass(frozen=True, slots=True)
class Severity:
    """The record's severity compares so with *severity*, 1 to 24; *name* is the level that was typed for it."""

    op: Op
    severity: int
    name: str = attribute(default="", compare=False)

    def __str__(self) -> str:
        return f"level{self.op}{written_value(self.name or levels.name_of(self.severity))}"


@dataclass(frozen=True, slots=True)
class FieldIs:
    """The field's value is *text* (casefolded); with *wildcards* each `*` in it stands for any characters, or none.

    message: *text* is found in it. level: its name as it came, or the name of its band. Context: a text or a number
    equals, as does `true`, `false` or `null`; of an array any element counts; an object equals nothing.
    """

    field: str
    text: str
    wildcards: bool = False

    def __str__(self) -> str:
        return f"{self.field}:{self.text if self.wildcards else written_value(self.text)}"


@dataclass(frozen=True, slots=True)
class Has:
    """The context has the field, whatever its value; a field of every record is not empty."""

    field: str

    def __str__(self) -> str:
        return f"{self.field}:*"


@dataclass(frozen=True, slots=True)
class Compare:
    """The field's value, a number or a text that reads as one, compares so with *number* (finite)."""

    field: str
    op: Op
    number: float

    def __str__(self) -> str:
        return f"{self.field}{self.op}{self.number!r}"


@dataclass(frozen=True, slots=True)
class After:
    """The record's time is *time_ns* or later."""

    time_ns: int

    def __str__(self) -> str:
        return f"after:{timestamps.format_iso(self.time_ns)}"


@dataclass(frozen=True, slots=True)
class Before:
    """The record's time is earlier than *time_ns*."""

    time_ns: int

    def __str__(self) -> str:
        return f"before:{timestamps.format_iso(self.time_ns)}"


Leaf = Text | Pattern | Severity | FieldIs | Has | Compare | After | Before
Node = And | Or | Not | Leaf


def all_of(parts: list[Node]) -> Node:
    """The And of one or more *parts*, flat and without doubles; the part itself where one is left."""
    flat = dict.fromkeys(inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,)))
    return And(tuple(flat)) if len(flat) > 1 else next(iter(flat))


def any_of(parts: list[Node]) -> Node:
    """The Or of one or more *parts*, flat and without doubles; the part itself where one is left."""
    flat = dict.fromkeys(inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,)))
    return Or(tuple(flat)) if len(flat) > 1 else next(iter(flat))


def none_of(part: Node) -> Node:
    """What *part* does not select; of a Not the part in it."""
    return part.part if isinstance(part, Not) else Not(part)


def leaves(node: Node) -> Iterator[Leaf]:
    """The leaves of the tree, left to right."""
    if isinstance(node, And | Or):
        for part in node.parts:
            yield from leaves(part)
    elif isinstance(node, Not):
        yield from leaves(node.part)
    else:
        yield node


def written(text: str) -> str:
    """*text* as it is typed to find it: as it stands where it reads as one word, else in quotation marks."""
    is_word = _SAFE_WORD.fullmatch(text) and not _FIELD_START.match(text) and text not in KEYWORDS
    return text if is_word else _quoted(text)


def written_value(text: str) -> str:
    """*text* as it is typed behind `field:`, taken letter for letter."""
    return text if _SAFE_WORD.fullmatch(text) and "*" not in text and text[0] not in ":/\\" else _quoted(text)


def field_of_key(key: str) -> str | None:
    """The name by which a query reaches the context's *key*; None when the key is not one that can be typed."""
    name = CONTEXT + key if key in (*BUILT_IN, *TIMES) or key.startswith(CONTEXT) else key
    return name if re.fullmatch(FIELD_NAME, name) else None


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _in_group(node: Node) -> str:
    return f"({node})"
