"""From typed text to the tree of a query. Pure; every fault is a QueryError that says where it is and how to mend it.

The grammar, a space or an adjacent token meaning AND:

    either  = both { OR both }
    both    = negated { [AND] negated }
    negated = { NOT } ["-"] primary
    primary = "(" either ")" | phrase | field ":" value | field compare value | [field] "~/" regex "/" | word
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from desktop_logs.core import levels
from desktop_logs.core.errors import QueryError
from desktop_logs.core.query_regex import SafePattern
from desktop_logs.core.query_times import parse_time
from desktop_logs.core.query_tokens import KEYWORD, PHRASE, REGEX, SPACE, excludes_at, field_at, word_end
from desktop_logs.core.query_tree import (
    BUILT_IN,
    TIMES,
    After,
    Before,
    Compare,
    FieldIs,
    Has,
    Node,
    Op,
    Pattern,
    Severity,
    Text,
    all_of,
    any_of,
    none_of,
)
from desktop_logs.core.query_values import number_of

MAX_CHARS: Final = 4_000
MAX_DEPTH: Final = 50
MAX_LEAVES: Final = 200
MAX_PATTERNS: Final = 10
"""Expressions in a query: compiling the worst that is let through takes 1 to 3 ms."""
_OPS: Final[dict[str, Op]] = {">=": ">=", ">": ">", "<=": "<=", "<": "<"}

_ESCAPED = re.compile(r'\\(["\\])')
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_ENDS_REGEX = re.compile(r"[\s)]|$")


def parse_tree(text: str, now_ns: int) -> Node | None:
    """The tree of *text*, None when it is blank. Raises QueryError, and nothing else, for text that is no query."""
    if len(text) > MAX_CHARS:
        raise QueryError(
            f"The query has {len(text):,} characters. At most {MAX_CHARS:,} can be searched for.", MAX_CHARS
        )
    half = _HALF_CHARACTER.search(text)
    if half:
        _fail(f"The character at {half.start() + 1} is only half of one. Leave it out.", half.start())
    return _Parser(text, now_ns).parse()


class _Parser:
    """Reads *text* from left to right; `at` is how far it has come, always past the space behind a token.

    `open_keyword` is the last AND, OR or NOT with its place while nothing has come behind it.
    """

    def __init__(self, text: str, now_ns: int) -> None:
        self.text = text
        self.now_ns = now_ns
        self.at = 0
        self.leaf_count = 0
        self.pattern_count = 0
        self.open_keyword: tuple[str, int] | None = None

    def parse(self) -> Node | None:
        self.skip_space()
        if self.at == len(self.text):
            return None
        tree = self.either(0)
        if self.at < len(self.text):
            _fail(f"The ) at {self.at + 1} closes nothing. In quotation marks it is searched for.", self.at)
        return tree

    def either(self, depth: int) -> Node:
        parts = [self.both(depth)]
        while self.takes("OR"):
            parts.append(self.both(depth))
        return any_of(parts)

    def both(self, depth: int) -> Node:
        parts = [self.negated(depth)]
        while self.takes("AND") or not (self.is_at_end() or self.keyword() == "OR"):
            parts.append(self.negated(depth))
        return all_of(parts)

    def negated(self, depth: int) -> Node:
        negations = 0
        while self.takes("NOT"):
            negations += 1
        word = self.keyword()
        if word or self.is_at_end():
            self.fail_for_missing(word)
        if excludes_at(self.text, self.at):
            self.at += 1
            negations += 1
        node = self.primary(depth)
        return none_of(node) if negations % 2 else node

    def primary(self, depth: int) -> Node:
        self.open_keyword = None
        if self.text[self.at] == "(":
            return self.group(depth + 1)
        self.leaf_count += 1
        if self.leaf_count > MAX_LEAVES:
            _fail(f"The query has more than {MAX_LEAVES} parts at {self.at + 1}. Leave some out.", self.at)
        if self.text[self.at] == '"':
            return Text(self.phrase().casefold())
        if self.text.startswith("~/", self.at):
            self.at += 1
            return self.pattern("")
        found = field_at(self.text, self.at)
        leaf = self.of_field(found) if found else None
        return leaf or Text(self.word().casefold())

    def group(self, depth: int) -> Node:
        opened_at = self.at
        if depth > MAX_DEPTH:
            _fail(f"At {opened_at + 1} there are more than {MAX_DEPTH} groups in one another.", opened_at)
        self.at += 1
        self.skip_space()
        if self.text.startswith(")", self.at):
            _fail(f"The group at {opened_at + 1} is empty: put something to look for between ( and ).", opened_at)
        node = self.either(depth) if self.at < len(self.text) else None
        if node is None or self.at == len(self.text):
            _fail(
                f"The ( at {opened_at + 1} is not closed: put a ) at its end, or quotation marks around it.", opened_at
            )
        self.at += 1
        self.skip_space()
        return node

    def of_field(self, found: re.Match[str]) -> Node | None:
        """The leaf of a field; None where it turns out to be a word, such as the `Error:` of a pasted line."""
        name, colon, op = found[1], found[2], found[3]
        started_at, value_at = self.at, found.end()
        if not (colon or op):
            self.at = value_at
            return self.pattern(name)
        if value_at == len(self.text) or re.match(r"[\s)]", self.text[value_at]):
            if colon and name not in (*BUILT_IN, *TIMES):
                return None
            _fail(f"{found[0]} at {started_at + 1} needs a value behind it, without a space.", started_at)
        self.at = value_at
        is_quoted = self.text[value_at] == '"'
        value = self.phrase() if is_quoted else self.value(name)
        if op:
            return self.compared(name, _OPS[op], value, started_at)
        if name in TIMES:
            return self.timed(name, value, value_at)
        if not is_quoted and not value.strip("*"):
            return Has(name)
        return FieldIs(name, value.casefold(), wildcards=not is_quoted and "*" in value)

    def compared(self, name: str, op: Op, value: str, started_at: int) -> Node:
        if name == "level":
            severity = levels.severity_of_name(value)
            if severity is None:
                known = ", ".join(levels.BANDS)
                _fail(f"{value!r} at {started_at + 1} is not a level. Use one of {known}.", started_at)
            return Severity(op, severity, value.casefold())
        number = number_of(value)
        if number is None:
            _fail(
                f"{name}{op} at {started_at + 1} needs a number behind it. In quotation marks it is text.",
                started_at,
            )
        return Compare(name, op, number)

    def timed(self, name: str, value: str, value_at: int) -> Node:
        time_ns = parse_time(value, self.now_ns)
        if time_ns is None:
            _fail(
                f"{value!r} at {value_at + 1} is not a time. Use one such as 10m, 2h, 10:30, today, 2026-11-22 "
                "or 2026-11-22T10:00.",
                value_at,
            )
        return After(time_ns) if name == "after" else Before(time_ns)

    def pattern(self, name: str) -> Node:
        """The expression whose first slash is next."""
        slash_at = self.at
        found = REGEX.match(self.text, slash_at)
        if not found:
            _fail(f"The expression at {slash_at + 1} is not closed: put a / at its end.", slash_at)
        self.pattern_count += 1
        if self.pattern_count > MAX_PATTERNS:
            _fail(f"At {slash_at + 1} there are more than {MAX_PATTERNS} expressions. Join some with |.", slash_at)
        regex, self.at = found[1], found.end()
        if not regex:
            _fail(f"The expression at {slash_at + 1} is empty: put something between its two /.", slash_at)
        if not _ENDS_REGEX.match(self.text, self.at):
            _fail(
                f"The expression at {slash_at + 1} ends before {self.at + 1}. Put a space behind it, "
                "or a \\ before each / that belongs to it.",
                self.at,
            )
        SafePattern(regex, slash_at + 1)
        self.skip_space()
        return Pattern(name, regex, slash_at + 1)

    def phrase(self) -> str:
        found = PHRASE.match(self.text, self.at)
        if not found:
            _fail(f"The quotation mark at {self.at + 1} is never closed.", self.at)
        self.at = found.end()
        self.skip_space()
        return _ESCAPED.sub(r"\1", found[1])

    def value(self, name: str) -> str:
        started_at = self.at
        value = self.word()
        if value.startswith("(") and value.count("(") != value.count(")"):
            _fail(
                f"At {started_at + 1} {name}: takes one value. Write ({name}:one OR {name}:other).",
                started_at,
            )
        return value

    def word(self) -> str:
        started_at = self.at
        self.at = word_end(self.text, started_at)
        word = self.text[started_at : self.at]
        self.skip_space()
        return word

    def keyword(self) -> str:
        """The keyword that is next; empty when there is none."""
        found = KEYWORD.match(self.text, self.at)
        return found[1] if found else ""

    def takes(self, keyword: str) -> bool:
        """Whether *keyword* is next; it is passed then."""
        if self.keyword() != keyword:
            return False
        self.open_keyword = keyword, self.at
        self.at += len(keyword)
        self.skip_space()
        return True

    def skip_space(self) -> None:
        space = SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at

    def is_at_end(self) -> bool:
        """Of the text, or of a group."""
        return self.at == len(self.text) or self.text[self.at] == ")"

    def fail_for_missing(self, word: str) -> NoReturn:
        """Something to look for should be here, and is not; *word* is the keyword in its place, if it is one."""
        if word:
            _fail(f'{word} at {self.at + 1} needs something in front of it. To find the word, write "{word}".', self.at)
        if self.open_keyword:
            last, at = self.open_keyword
            _fail(f'{last} at {at + 1} needs something behind it. To find the word, write "{last}".', at)
        _fail(f"The ) at {self.at + 1} closes nothing. In quotation marks it is searched for.", self.at)


def _fail(sentence: str, position: int) -> NoReturn:
    raise QueryError(sentence, position)
