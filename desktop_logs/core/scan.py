"""Which records of a slab a filter selects, a column at a time. Pure.

The answer is an int with a byte for each record, lowest first, 1 where it is selected: `and`, `or` and `not` are one
operation for a whole slab then. What it says of a record is what the query's predicate says (tests hold it to that).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache, cached_property
from itertools import compress
from typing import Final

from desktop_logs.core.gaps import SOURCE, is_gap
from desktop_logs.core.levels import ALL_BANDS, band_of
from desktop_logs.core.patience import Clock, Patience
from desktop_logs.core.query import Query
from desktop_logs.core.query_match import FieldLeaf, compile_node, cost, stored_test
from desktop_logs.core.query_regex import SafePattern
from desktop_logs.core.query_tree import After, And, Before, FieldIs, Node, Not, Or, Pattern, Severity, Text, leaves
from desktop_logs.core.query_words import context_hint
from desktop_logs.core.records import Record
from desktop_logs.core.slab import Slab, TextColumn

Marker = Callable[[Slab, int], int]
"""Of the records marked in its second argument, those that are selected. Raises TooSlow."""

_BAND: Final = tuple(band_of(severity) for severity in range(25))
# A text found in every sixth record or more is looked for record by record: 90 ns each, where a find and what
# belongs to it take 500.
_DENSE: Final = 6
_HITS_TO_TELL: Final = 16
# From so many parts on, or with an expression, records to be asked about are made a slab first, 1.5 µs each.
_MANY_PARTS: Final = 5
_WORTH_A_SLAB: Final = 32
# Where only every sixteenth record is asked about, those are asked one by one: 700 ns each.
_SPARSE: Final = 16


class Filter:
    """What a person wants to see: levels by their bands, and a query; and always where records are missing.

    Unchangeable.
    """

    def __init__(
        self,
        bands: frozenset[int] = ALL_BANDS,
        query: Query | None = None,
        *,
        clock: Clock = lambda: 0.0,
        work_clock: Clock | None = None,
    ) -> None:
        """By *clock*, in seconds, it is told when a query that is quick enough on one record is not on many.

        *work_clock*, if there is one, does not count what other programs take.
        """
        self.bands: Final = bands
        self.query: Final = query or Query()
        self._patience = Patience(clock, work_clock)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and (self.bands, self.query) == (other.bands, other.query)

    def __hash__(self) -> int:
        return hash((self.bands, self.query))

    @property
    def is_everything(self) -> bool:
        """True when no record is left out."""
        return self.bands == ALL_BANDS and self.query.is_empty

    def marks(self, slab: Slab) -> int:
        """The records of *slab* that are selected, and its gaps.

        Raises TooSlow when a regular expression takes too long on one, or the query on all of them.
        """
        within = ones(len(slab)) if self.bands == ALL_BANDS else _int(band_flags(slab, self.bands))
        marker = self._marker  # made first: that compiles the expressions, once
        self._patience.begin()
        found = marker(slab, within) if within else 0
        return found | _gaps(slab) if slab.has_gaps else found

    def rows_of(self, records: Sequence[Record]) -> list[int]:
        """The positions of the *records* that are selected, and of gaps. Raises TooSlow as `marks` does."""
        if self.is_everything:
            return list(range(len(records)))
        if self._is_costly and len(records) >= _WORTH_A_SLAB:
            return list(rows(self.marks(Slab(records)), len(records)))
        is_wanted, matches, watches = self._is_wanted, self._matches, self._is_costly
        found = []
        self._patience.begin()
        for row, record in enumerate(records):
            if (is_wanted[record.severity] and matches(record)) or (record.source == SOURCE and is_gap(record)):
                found.append(row)
            if watches:
                self._patience.check()
        return found

    @cached_property
    def _marker(self) -> Marker:
        return _everything if self.query.tree is None else _marker_of(self.query.tree, self._patience)

    @cached_property
    def _matches(self) -> Callable[[Record], bool]:
        return self.query.compile()

    @cached_property
    def _is_wanted(self) -> tuple[bool, ...]:
        return tuple(band in self.bands for band in _BAND)

    @cached_property
    def _is_costly(self) -> bool:
        parts = [] if self.query.tree is None else list(leaves(self.query.tree))
        return len(parts) >= _MANY_PARTS or any(isinstance(part, Pattern) for part in parts)


def band_flags(slab: Slab, bands: frozenset[int]) -> bytes:
    """A byte for each record of *slab*: 1 where its level is in *bands*."""
    return slab.label_flags([_BAND[severity] in bands for severity, _, _ in slab.labels])


@cache
def ones(count: int) -> int:
    """*count* records, all of them marked."""
    return _int(b"\1" * count)


def rows(marks: int, count: int) -> Iterable[int]:
    """The positions that are marked, of *count* records."""
    return compress(range(count), marks.to_bytes(count, "little"))


def _gaps(slab: Slab) -> int:
    """The gaps of *slab*, which has some."""
    flags = bytearray(slab.label_flags([source == SOURCE for _, _, source in slab.labels]))
    at = flags.find(1)
    while at >= 0:
        flags[at] = is_gap(slab[at])
        at = flags.find(1, at + 1)
    return _int(flags)


def _int(flags: bytes | bytearray) -> int:
    return int.from_bytes(flags, "little")


def _everything(slab: Slab, within: int) -> int:
    return within


def _marker_of(node: Node, patience: Patience) -> Marker:
    match node:
        case And(parts):
            texts = [_Text(part.text) for part in parts if isinstance(part, Text)]
            return _all_of(texts, [_marker_of(part, patience) for part in sorted(parts, key=_rank)], patience)
        case Or(parts):
            return _any_of([_marker_of(part, patience) for part in sorted(parts, key=_rank)], patience)
        case Not(part):
            marker = _marker_of(part, patience)
            return lambda slab, within: within ^ marker(slab, within)
        case Text(text):
            return _Text(text).marks
        case After(time_ns):
            return lambda slab, within: within ^ _earlier(slab, within, time_ns)
        case Before(time_ns):
            return lambda slab, within: _earlier(slab, within, time_ns)
        case Severity():
            return _label(compile_node(node))
        case Pattern(field="" | "message"):
            return _Expression(node, patience).marks
        case FieldIs(field="message", wildcards=False):
            word = _encoded(node.text)
            return lambda slab, within: _found(slab.messages, word, within)
    if node.field in ("level", "source"):
        return _label(compile_node(node))
    if node.field == "id":
        return _one_by_one(compile_node(node))
    if node.field == "message":
        return _text_by_text(node, lambda slab: slab.messages, patience)
    by_text = _text_by_text(node, lambda slab: slab.contexts, patience)
    return _with_hint(by_text, _encoded(hint)) if (hint := context_hint(node)) else by_text


def _with_hint(marker: Marker, hint: bytes) -> Marker:
    def marks(slab: Slab, within: int) -> int:
        # An escape may stand for any letter of the hint; `wire` writes them for nothing but control characters.
        if slab.contexts and b"\\u" not in slab.contexts.folded:
            within = _found(slab.contexts, hint, within)
        return marker(slab, within) if within else 0

    return marks


def _rank(node: Node) -> tuple[int, int]:
    """What is cheap comes first; of texts the longer, which is likely the rarer."""
    return cost(node), -len(node.text) if isinstance(node, Text) else 0


def _all_of(texts: Sequence[_Text], markers: Sequence[Marker], patience: Patience) -> Marker:
    def marks(slab: Slab, within: int) -> int:
        # A rare text is not in most slabs at all, and a common one is seen at once: ask before marking anything.
        if any(text.is_absent(slab) for text in texts):
            return 0
        for marker in markers:
            if not within:
                break
            patience.check()
            within = marker(slab, within)
        return within

    return marks


def _any_of(markers: Sequence[Marker], patience: Patience) -> Marker:
    def marks(slab: Slab, within: int) -> int:
        found = 0
        for marker in markers:
            if found == within:
                break
            patience.check()
            found |= marker(slab, within ^ found)
        return found

    return marks


class _Text:
    """A text that may stand anywhere in a record."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._word = _encoded(text)

    def is_absent(self, slab: Slab) -> bool:
        """True when no record of *slab* has it."""
        return not (
            self._word in slab.messages.folded
            or (slab.contexts is not None and self._word in slab.contexts.folded)
            or any(self._text in label for label in slab.folded_labels)
        )

    def marks(self, slab: Slab, within: int) -> int:
        """A Marker."""
        in_labels = [self._text in label for label in slab.folded_labels]
        found = _int(slab.label_flags(in_labels)) & within if any(in_labels) else 0
        found |= _found(slab.messages, self._word, within ^ found)
        if slab.contexts:
            found |= _found(slab.contexts, self._word, within ^ found)
        return found


def _label(matches: Callable[[Record], bool]) -> Marker:
    """For a claim about level or source only: asked once for each label of a slab."""

    def marks(slab: Slab, within: int) -> int:
        wanted = [matches(Record(0, 0, severity, level, source, "")) for severity, level, source in slab.labels]
        return _int(slab.label_flags(wanted)) & within if any(wanted) else 0

    return marks


def _earlier(slab: Slab, within: int, time_ns: int) -> int:
    if slab.last_time_ns < time_ns:
        return within
    if slab.first_time_ns >= time_ns:
        return 0
    return _int(bytes([at_ns < time_ns for at_ns in slab.times_ns])) & within


def _one_by_one(matches: Callable[[Record], bool]) -> Marker:
    """For a claim that takes a whole record."""

    def marks(slab: Slab, within: int) -> int:
        flags = bytearray(len(slab))
        for row in rows(within, len(slab)):
            flags[row] = matches(slab[row])
        return _int(flags)

    return marks


def _text_by_text(leaf: FieldLeaf, column_of: Callable[[Slab], TextColumn | None], patience: Patience) -> Marker:
    """For a claim about one text of a record that takes more than a search."""
    holds = stored_test(leaf)
    expression = SafePattern(leaf.regex, leaf.position) if isinstance(leaf, Pattern) else None

    def marks(slab: Slab, within: int) -> int:
        column = column_of(slab)
        if column is None:
            empty = holds("")
            return within if empty else 0
        return _holding(column, holds, expression, within, patience)

    return marks


def _holding(
    column: TextColumn, holds: Callable[[str], bool], expression: SafePattern | None, within: int, patience: Patience
) -> int:
    """Those of the records marked in *within* for whose text *holds* says yes. Raises TooSlow for *expression*."""
    flags = bytearray(len(column))
    texts = column if within.bit_count() * _SPARSE < len(column) else column.texts()
    for row in rows(within, len(column)):
        flags[row] = holds(texts[row])
        if expression is not None:
            patience.check(expression)
    return _int(flags)


class _Expression:
    """A regular expression over the message, or over each text of a record."""

    def __init__(self, leaf: Pattern, patience: Patience) -> None:
        self._expression = SafePattern(leaf.regex, leaf.position)
        self._lines = self._expression.lines
        self._is_anywhere = not leaf.field
        self._patience = patience

    def marks(self, slab: Slab, within: int) -> int:
        """A Marker."""
        found = 0
        if self._is_anywhere:
            matches = self._expression.matches
            in_labels = [matches(level) or matches(source) for _, level, source in slab.labels]
            found = _int(slab.label_flags(in_labels)) & within
        found |= self._in(slab.messages, within ^ found)
        if self._is_anywhere and slab.contexts:
            found |= self._in(slab.contexts, within ^ found)
        return found

    def _in(self, column: TextColumn, within: int) -> int:
        lines = self._lines
        if lines is None or within.bit_count() * _SPARSE < len(column):
            return _holding(column, self._expression.matches, self._expression, within, self._patience)
        joined, others = column.lines()
        try:
            # To an expression that minds no case folded ASCII is the same, and it is quicker there.
            found = lines.marks(joined, self._patience.left_s, joined if column.is_ascii else None)
        except TimeoutError:
            raise self._expression.too_slow() from None
        if others:
            flags = bytearray(found.to_bytes(len(column), "little"))
            for row, text in others:
                flags[row] = self._expression.matches(text)
                self._patience.check(self._expression)
            found = _int(flags)
        return found & within


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _found(column: TextColumn, word: bytes, within: int) -> int:
    """Those of the records marked in *within* in whose folded text *word* is."""
    folded = column.folded
    at = folded.find(word)
    if at < 0 or 0 in word:
        return 0
    flags = bytearray(len(column))
    text = word.decode("utf-8", "surrogatepass")
    if within.bit_count() * _SPARSE < len(column):
        for row in rows(within, len(column)):
            flags[row] = text in column[row].casefold()
        return _int(flags)
    row = start = hits = 0
    while at >= 0:
        row += folded.count(0, start, at)
        flags[row] = 1
        hits += 1
        start = folded.find(0, at)
        if start < 0:
            break
        if not hits % _HITS_TO_TELL and row < hits * _DENSE:
            flags[row + 1 :] = bytes([text in other for other in column.folded_texts(start + 1)])
            break
        at = folded.find(word, start)
    return _int(flags) & within
