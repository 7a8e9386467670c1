"""Which number each line of the log files has, and salvaged rows and lines put together. Opens no file.

Works in a database made for it: `rows` by number, `lines` in the order of the files, which is that of their numbers.
SQL brings them together, and meanwhile the other threads have the GIL. Where both have a record the line is taken:
SQLite does not see damage inside a text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from desktop_logs.core.records import Record
from desktop_logs.storage.daylines import DayLine

COLUMNS: Final = "time_ns, severity, level, source, message, context, given_id"
"""As `values_of` gives them."""

_TABLES: Final = (
    # is_own: the number stands in the line's id. Else the id is the producer's, and the number was found for it.
    f"CREATE TABLE lines (at INTEGER PRIMARY KEY, {COLUMNS}, number, is_own)",
    "CREATE INDEX numbers ON lines (number) WHERE number IS NOT NULL",
    "CREATE TABLE siblings (given_id, time_ns)",
    "CREATE INDEX of_siblings ON siblings (given_id, time_ns)",
)
_FIRST_OF_NUMBER: Final = """
is_own AND at > (SELECT min(at) FROM lines AS first WHERE first.number = lines.number AND first.number IS NOT NULL)
"""
_BEFORE_MATCHING: Final = (
    # A producer's own id may look like one of ours, as those of a hub that sends on to this one do.
    """UPDATE lines SET number = NULL, is_own = 0
    WHERE is_own AND given_id IN (SELECT given_id FROM rows WHERE given_id <> '') AND NOT EXISTS
        (SELECT 1 FROM rows WHERE seq = lines.number AND rows.given_id = '' AND rows.time_ns = lines.time_ns)""",
    f"UPDATE lines SET number = NULL, is_own = 0 WHERE {_FIRST_OF_NUMBER}",
)
# Ids are a producer's matter and may come again: equals are paired in their order.
_MATCH: Final = """
UPDATE lines SET number = pairs.seq FROM (
    SELECT line.at, row.seq FROM
        (SELECT at, {key}, row_number() OVER (PARTITION BY {key} ORDER BY at) AS nth
         FROM lines WHERE number IS NULL) AS line
    JOIN
        (SELECT seq, {key}, row_number() OVER (PARTITION BY {key} ORDER BY seq) AS nth
         FROM rows WHERE given_id <> '' AND seq NOT IN (SELECT number FROM lines WHERE number IS NOT NULL)) AS row
    USING ({key}, nth)) AS pairs
WHERE lines.at = pairs.at
"""
_DROP_SIBLINGS: Final = """
DELETE FROM lines WHERE number IS NULL AND (given_id, time_ns) IN (SELECT given_id, time_ns FROM siblings)
"""
_IN_USE: Final = """
SELECT seq FROM rows WHERE seq > ?1 AND seq < ?2 UNION
SELECT number FROM lines WHERE number IS NOT NULL AND number > ?1 AND number < ?2 ORDER BY 1
"""


class Lineup:
    """Lines brought to the `rows` of *connection*.

    *bounds* gives the lowest number of those rows, and the one that all are below; *siblings* are ids and times of
    records in other segments, whose lines are in the same files. Both are asked when the lines have been read: another
    segment of the day may be written meanwhile, and what is read of its lines must be known to be its own.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        bounds: Callable[[], tuple[int, int]],
        siblings: Callable[[], Iterable[Sequence[tuple[str, int]]]],
    ) -> None:
        self._connection = connection
        self._bounds = bounds
        self._siblings = siblings
        self._first = self._end = 0
        for statement in _TABLES:
            connection.execute(statement)

    def merge(self, chunks: Iterable[Sequence[DayLine]]) -> None:
        """Bring the lines of one series of files to the rows: each into the place of its row, or into a free one.

        A number that no line tells is the lowest that is free between the neighbours' numbers. That is never beyond
        the true one, and so never one that is given to a record later.
        """
        run = self._connection.execute
        run("BEGIN")
        run("DELETE FROM lines")
        insert = f"INSERT INTO lines ({COLUMNS}, number, is_own) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        for chunk in chunks:
            given = [(*values_of(line.record), line.number, line.number is not None) for line in chunk]
            self._connection.executemany(insert, given)
        self._first, self._end = self._bounds()
        run("DELETE FROM siblings")
        for known in self._siblings():
            self._connection.executemany("INSERT INTO siblings VALUES (?, ?)", known)
        for statement in _BEFORE_MATCHING:
            run(statement)
        run(_MATCH.format(key="given_id, time_ns"))
        run(_DROP_SIBLINGS)
        # Two of the three are enough: the third may be what was damaged. By their severity those rows are left alone
        # that never had a line.
        run(_MATCH.format(key="given_id, message, severity"))
        run(_MATCH.format(key="time_ns, message, severity"))
        self._connection.executemany("UPDATE lines SET number = ? WHERE at = ?", list(self._free_for_the_rest()))
        run(
            """INSERT OR REPLACE INTO rows SELECT number, time_ns, severity, level, source, message, context,
            CASE WHEN is_own THEN '' ELSE given_id END, NULL FROM lines WHERE number >= ? AND number < ?""",
            (self._first, self._end),
        )
        run("COMMIT")

    def _free_for_the_rest(self) -> Iterator[tuple[int, int]]:
        """Numbers for the lines that have none. What belongs to another segment gets none, as there is no room."""
        if self._connection.execute("SELECT 1 FROM lines WHERE number IS NULL").fetchone() is None:
            return
        waiting: list[int] = []
        low = self._first - 1
        for at, number in self._connection.execute("SELECT at, number FROM lines ORDER BY at"):
            if number is None:
                waiting.append(at)
            elif number > low or number < self._first:
                yield from zip(self._free(low, min(number, self._end)), waiting, strict=False)
                waiting.clear()
                low = max(low, number)
        yield from zip(self._free(low, self._end), waiting, strict=False)

    def _free(self, low: int, high: int) -> Iterator[int]:
        """The numbers between *low* and *high* that no record has, ascending."""
        number = low + 1
        for (used,) in self._connection.execute(_IN_USE, (low, high)):
            yield from range(number, used)
            number = used + 1
        yield from range(number, high)


def values_of(record: Record) -> tuple[int | str, ...]:
    """The values of COLUMNS."""
    return (
        record.time_ns, record.severity, record.level, record.source, record.message, record.context, record.given_id,
    )  # fmt: skip
