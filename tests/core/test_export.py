"""Exports: what is written is read back the same, and no spreadsheet or terminal obeys it."""

import csv
import io
import json

import pytest

from desktop_logs.core.export import FORMATS, csv_rows, jsonl, text, text_line, traceback_of
from desktop_logs.core.records import Record
from desktop_logs.core.timestamps import format_iso
from desktop_logs.core.wire import decode_json, parse_entry

TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1\nValueError: bad'
RECORDS = [
    Record(1, 1_795_341_600_123_000_000, 9, "info", "api", "listening, on\n5647", '{"user":42}', "given"),
    Record(2, 1_795_341_600_124_000_000, 17, "error", "worker", "bad", '{"traceback":' + json.dumps(TRACE) + "}"),
    Record(3, 1_795_341_600_125_000_000, 5, "debug", "", "\x1b[31mred \u202e", ""),
]


def test_json_lines_are_read_back_as_the_same_records() -> None:
    lines = jsonl(RECORDS).splitlines()
    assert [parse_entry(decode_json(line), 0, 0).message for line in lines] == [record.message for record in RECORDS]
    again = [parse_entry(decode_json(line), record.seq, 0) for line, record in zip(lines, RECORDS, strict=True)]
    assert [(record.id, record.context, record.time_ns) for record in again] == [
        (record.id, record.context, record.time_ns) for record in RECORDS
    ]


def test_csv_is_read_back_cell_by_cell() -> None:
    rows = list(csv.reader(io.StringIO((FORMATS["csv"].head + csv_rows(RECORDS)).decode(), newline="")))
    assert rows[0] == ["time", "level", "source", "message", "context", "id"]
    assert rows[1] == [format_iso(RECORDS[0].time_ns), "info", "api", "listening, on\n5647", '{"user":42}', "given"]
    assert len(rows) == 4


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start: str) -> None:
    record = Record(1, 0, 9, "info", f"{start}cmd", f"{start}1+1", "")
    (row,) = csv.reader(io.StringIO(csv_rows([record]).decode(), newline=""))
    assert not any(cell.startswith(start) for cell in row)


def test_text_has_the_traceback_below_its_line_and_obeys_nothing() -> None:
    written = text(RECORDS).decode()
    assert "ERROR   worker  bad\n    Traceback (most recent call last):\n      File" in written
    assert "listening, on\n    5647" in written
    assert "\x1b" not in written
    assert "⟨ESC⟩[31mred ⟨RLO⟩" in written


def test_a_traceback_is_found_under_the_names_that_loggers_give_it() -> None:
    assert traceback_of(RECORDS[1]) == TRACE
    assert traceback_of(Record(1, 0, 17, "error", "", "x", '{"stack":"Error: x\\n at y"}')) == "Error: x\n at y"
    assert traceback_of(RECORDS[0]) == ""


def test_a_line_without_source_shows_that() -> None:
    assert "DEBUG   -  ⟨ESC⟩" in text_line(RECORDS[2])
