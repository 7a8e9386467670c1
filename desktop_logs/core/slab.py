"""A slab: some thousand records in a row, kept as columns. Pure; which of them a query selects stands in scan.

As columns a record of 75 characters takes about 190 bytes, case-folded text to search included, where the object takes
270 without; and a text is searched for in all messages of a slab by one `find` instead of a thousand.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from desktop_logs.core.escapes import clean
from desktop_logs.core.gaps import SOURCE as GAP_SOURCE
from desktop_logs.core.levels import BANDS, band_of
from desktop_logs.core.records import Record

Label = tuple[int, str, str]
"""What few values of are shared by many records: severity, level and source."""

_NUL: Final = "\0"
_ENCODING: Final = ("utf-8", "surrogatepass")
_MOST_IN_A_BYTE: Final = 256
_LABEL_BYTES: Final = 300
_BAND: Final = tuple(band_of(severity) for severity in range(25))


class TextColumn:
    """One text a record, all in one piece with NUL between: one within a text is escaped, as `wire` does already.

    UTF-8, since one emoji in a str would make all of it four times as large.
    """

    __slots__ = ("_ends", "_texts", "folded", "is_ascii")

    def __init__(self, texts: Sequence[str]) -> None:
        joined = _NUL.join(texts)
        if joined.count(_NUL) != len(texts) - 1:
            texts = [clean(text) for text in texts]
            joined = _NUL.join(texts)
        self._texts = joined.encode(*_ENCODING)
        self.is_ascii: Final = joined.isascii()
        folded = joined.casefold().encode(*_ENCODING)
        self.folded: Final = self._texts if folded == self._texts else folded
        """All texts case-folded, in their order, NUL between."""
        lengths = map(len, texts if self.is_ascii else self._texts.split(b"\0"))
        self._ends = array("I", accumulate(length + 1 for length in lengths))

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, row: int) -> str:
        start = self._ends[row - 1] if row else 0
        return self._texts[start : self._ends[row] - 1].decode(*_ENCODING)

    @property
    def bytes_held(self) -> int:
        """The memory of the texts, in bytes."""
        return len(self._texts) + 4 * len(self._ends) + (len(self.folded) if self.folded is not self._texts else 0)

    def texts(self) -> list[str]:
        """All of them. About 50 ns each."""
        return self._texts.decode(*_ENCODING).split(_NUL)

    def lines(self) -> tuple[str, list[tuple[int, str]]]:
        """All of them with a line break between, and apart, by their rows, those that have one themselves.

        Of these an empty line stands in the first. Case-folded where `is_ascii`. About 10 ns each when there are none.
        """
        joined = (self.folded if self.is_ascii else self._texts).decode(*_ENCODING)
        if "\n" not in joined:
            return joined.replace(_NUL, "\n"), []
        texts = joined.split(_NUL)
        others = [(row, text) for row, text in enumerate(texts) if "\n" in text]
        for row, _ in others:
            texts[row] = ""
        return "\n".join(texts), others

    def folded_texts(self, start: int = 0) -> list[str]:
        """All of them case-folded, from the one that begins at byte *start* of `folded` on."""
        return self.folded[start:].decode(*_ENCODING).split(_NUL)


class Slab:
    """Records in the order of their numbers. Unchangeable."""

    __slots__ = (
        "_codes",
        "_ids",
        "_seqs",
        "band_counts",
        "bytes_held",
        "contexts",
        "first_time_ns",
        "folded_labels",
        "has_gaps",
        "label_counts",
        "labels",
        "last_time_ns",
        "messages",
        "times_ns",
    )

    def __init__(self, records: Sequence[Record]) -> None:
        """At least one record. About 1.5 µs each."""
        first, last = records[0].seq, records[-1].seq
        self._seqs: range | array[int] = range(first, last + 1)
        if len(self._seqs) != len(records):  # numbers are missing, as they may be from a remote hub
            self._seqs = array("q", [record.seq for record in records])
        self.times_ns: Final = array("q", [record.time_ns for record in records])
        self.first_time_ns: Final = min(self.times_ns)
        self.last_time_ns: Final = max(self.times_ns)
        codes: dict[Label, int] = {}
        coded = [codes.setdefault((record.severity, record.level, record.source), len(codes)) for record in records]
        self.labels: Final = tuple(codes)
        """The different labels of its records."""
        self.folded_labels: Final = tuple(f"{level}\0{source}".casefold() for _, level, source in codes)
        """Level and source of each label, to search in."""
        self.has_gaps: Final = any(source == GAP_SOURCE for _, _, source in codes)
        """True when one of its records may be a gap; false alarms are rare."""
        self._codes: bytes | array[int] = bytes(coded) if len(codes) <= _MOST_IN_A_BYTE else array("H", coded)
        self.messages: Final = TextColumn([record.message for record in records])
        self.contexts: Final = _column([record.context for record in records])
        """None when no record has a context."""
        self._ids = _column([record.given_id for record in records])
        self.label_counts: Final = tuple(map(self._codes.count, range(len(codes))))
        """How many records have each of `labels`."""
        counts = [0] * len(BANDS)
        for (severity, _, _), count in zip(self.labels, self.label_counts, strict=True):
            counts[_BAND[severity]] += count
        self.band_counts: Final = tuple(counts)
        """How many records there are in each band of `levels.BANDS`."""
        columns = (self.messages, self.contexts, self._ids)
        in_labels = sum(_LABEL_BYTES + len(level) + 2 * len(source) for _, level, source in codes)
        self.bytes_held: Final = 20 * len(records) + in_labels + sum(column.bytes_held for column in columns if column)
        """Its memory in bytes, about."""

    def __len__(self) -> int:
        return len(self.times_ns)

    def __getitem__(self, row: int) -> Record:
        """The record of *row*, made anew; 2 µs."""
        return Record(
            self._seqs[row],
            self.times_ns[row],
            *self.labels[self._codes[row]],
            self.messages[row],
            self.contexts[row] if self.contexts else "",
            self._ids[row] if self._ids else "",
        )

    @property
    def first_seq(self) -> int:
        """The number of its first record."""
        return self._seqs[0]

    @property
    def last_seq(self) -> int:
        """The number of its last record."""
        return self._seqs[-1]

    def seq_at(self, row: int) -> int:
        """The number of the record of *row*."""
        return self._seqs[row]

    def row_from_seq(self, seq: int) -> int:
        """The first row whose number is *seq* or higher; its length when there is none. O(log n)."""
        return bisect_left(self._seqs, seq)

    def label_flags(self, is_wanted: Sequence[bool]) -> bytes:
        """A byte a record: 1 where *is_wanted* of the record's label (in the order of `labels`), else 0."""
        if isinstance(self._codes, bytes):
            return self._codes.translate(bytes(is_wanted).ljust(_MOST_IN_A_BYTE, b"\0"))
        return bytes([is_wanted[code] for code in self._codes])

    def records(self) -> Iterator[Record]:
        """All of its records, in order; 1 µs each."""
        count = len(self)
        labels = self.labels
        blank = [""] * count
        columns = zip(
            self._seqs,
            self.times_ns,
            self._codes,
            self.messages.texts(),
            self.contexts.texts() if self.contexts else blank,
            self._ids.texts() if self._ids else blank,
            strict=True,
        )
        for seq, time_ns, code, message, context, given_id in columns:
            severity, level, source = labels[code]
            yield Record(seq, time_ns, severity, level, source, message, context, given_id)


def _column(texts: Sequence[str]) -> TextColumn | None:
    return TextColumn(texts) if any(texts) else None
