"""The SQL of a query selects what its predicate selects, in a real database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop_logs.core.errors import TooSlow
from desktop_logs.core.levels import ALL_BANDS
from desktop_logs.core.query import parse
from desktop_logs.core.query_match import compile_node
from desktop_logs.core.query_sql import QueryFunctions, in_bands, register_functions, where
from desktop_logs.core.query_tree import Node
from desktop_logs.core.records import Record
from tests.support.queries import records, trees

COLUMNS = ("seq", "time_ns", "severity", "level", "source", "message", "context", "given_id")


def _is_ascii(record: Record) -> bool:
    return all(text.isascii() for text in (record.level, record.source, record.message, record.context))


class Database:
    """Records in memory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.functions: QueryFunctions = register_functions(connection)
        connection.execute(f"CREATE TABLE records ({', '.join(COLUMNS)}, is_ascii)")

    def hold(self, held: list[Record]) -> None:
        rows = [[*(getattr(record, column) for column in COLUMNS), _is_ascii(record)] for record in held]
        self.connection.execute("DELETE FROM records")
        self.connection.executemany(f"INSERT INTO records VALUES (?{', ?' * len(COLUMNS)})", rows)

    def find(self, tree: Node | None) -> list[int]:
        condition = where(tree)
        found = self.connection.execute(
            f"SELECT rowid - 1 FROM records WHERE {condition.sql} AND seq > 0 ORDER BY rowid", condition.parameters
        )
        return [row for (row,) in found]


@pytest.fixture
def database() -> Iterator[Database]:
    with closing(sqlite3.connect(":memory:")) as connection:
        yield Database(connection)


# The database is emptied before each example, so it may outlive one.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=st.none() | trees, held=st.lists(records, min_size=1, max_size=4))
def test_it_selects_what_the_predicate_selects(database: Database, tree: Node | None, held: list[Record]) -> None:
    database.hold(held)
    selects = compile_node(tree) if tree else lambda record: True
    assert database.find(tree) == [row for row, record in enumerate(held) if selects(record)]


def test_a_large_query_is_within_the_limits_of_the_database(database: Database) -> None:
    database.hold([Record(1, 0, 9, "info", "", "a b")])
    assert database.find(
        parse("(" * 50 + " OR ".join(f"x{number}>1" for number in range(198)) + " OR a" + ")" * 50).tree
    )
    assert database.find(parse("a " + " ".join(f"-x{number}" for number in range(199))).tree)


def test_an_expression_that_takes_too_long_ends_the_search_and_is_told(database: Database) -> None:
    database.hold([Record(1, 0, 9, "info", "", "a" * 60 + "!")])
    with pytest.raises(sqlite3.OperationalError):
        database.find(parse("~/(a|aa)+$/").tree)
    with pytest.raises(TooSlow) as slow:
        database.functions.raise_if_too_slow()
    assert slow.value.position == 2
    database.functions.raise_if_too_slow()


@pytest.mark.parametrize("text", ["a\0", "message:a\0", "b:a\0", "~/a\0/"])
def test_what_cannot_be_stored_is_not_found(database: Database, text: str) -> None:
    database.hold([Record(1, 0, 9, "info", "", "a b", '{"b":"a"}')])
    assert database.find(parse(text).tree) == []


def test_an_id_that_was_made_is_found_by_its_number(database: Database) -> None:
    held = [Record(seq, 5 * 10**9, 9, "info", "", "") for seq in (35, 36, 37)]
    database.hold([*held, Record(38, 0, 9, "info", "", "", given_id=held[1].id.upper())])
    assert database.find(parse(f"id:{held[1].id}").tree) == [1, 3]
    assert database.find(parse("id:5000-1*").tree) == [1, 2, 3]


def test_bands_are_one_more_condition(database: Database) -> None:
    database.hold([Record(1, 0, severity, "", "", "a") for severity in (1, 5, 9, 12, 13, 17, 24)])
    condition = in_bands(where(parse("a").tree), frozenset({2, 5}))
    found = database.connection.execute(f"SELECT severity FROM records WHERE {condition.sql}", condition.parameters)
    assert found.fetchall() == [(9,), (12,), (24,)]
    assert in_bands(where(None), ALL_BANDS) == where(None)
