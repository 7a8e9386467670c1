"""Records become lines, those below the floor none, and the window gets a turn after every slice."""

from __future__ import annotations

import pytest

from desktop_logs.core.levels import DEBUG, ERROR, INFO
from desktop_logs.core.records import Record
from desktop_logs.storage import batchlines
from desktop_logs.storage.batchlines import SLICE_RECORDS, BatchLines
from tests.storage.support import record


def encode(one: Record) -> bytes:
    return one.message.encode()


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How often others got a turn."""
    given: list[float] = []
    monkeypatch.setattr(batchlines.time, "sleep", given.append)
    return given


def test_each_record_is_a_line_with_its_severity_and_those_below_the_floor_are_none() -> None:
    records = [record("one"), record("quiet", DEBUG), record("bad", ERROR)]
    assert BatchLines(encode).of(records, INFO) == [(INFO, b"one"), (ERROR, b"bad")]
    assert BatchLines(encode).of([], INFO) == []


def test_after_every_slice_others_get_a_turn_also_where_nothing_is_written(turns: list[float]) -> None:
    lines = BatchLines(encode)
    assert len(lines.of([record("x")] * (2 * SLICE_RECORDS + 1), INFO)) == 2 * SLICE_RECORDS + 1
    assert turns == [0, 0]
    lines.of([record("x")] * (SLICE_RECORDS - 1), ERROR)
    assert turns == [0, 0, 0]


def test_small_batches_make_a_slice_together(turns: list[float]) -> None:
    lines = BatchLines(encode)
    for _ in range(10):
        lines.of([record("x")] * (SLICE_RECORDS // 10), INFO)
    assert turns == [0]
