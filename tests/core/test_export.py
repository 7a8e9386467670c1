"""Exports: what is written is read back the same, and no spreadsheet or terminal obeys it."""

import csv
import io
import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as some

from desktop_logs.core.export import FORMATS, csv_rows, html_rows, jsonl, text, text_line, traceback_of
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


class Page(HTMLParser):
    """An HTML page read as a browser reads it: its cells, row by row, and every tag and attribute in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag != "meta":
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data


def page_of(*records: Record) -> Page:
    form = FORMATS["html"]
    return Page((form.head + form.encode(records) + form.tail).decode())


ROW_TAGS = {"html", "head", "meta", "title", "style", "body", "header", "h1", "p", "table", "thead", "tbody", "tr"}
ROW_TAGS |= {"th", "td", "time", "i"}


def test_an_html_page_has_a_row_a_record_below_its_head() -> None:
    page = page_of(*RECORDS)
    assert page.rows[0] == ["Time", "Level", "Source", "Message"]
    assert [row[1:3] for row in page.rows[1:]] == [["INFO", "api"], ["ERROR", "worker"], ["DEBUG", ""]]
    assert page.rows[1][3] == 'listening, on\n5647{"user":42}'
    assert ("class", "error") in page.attributes
    assert ("datetime", format_iso(RECORDS[0].time_ns)) in page.attributes


def test_an_html_page_shows_a_traceback_once_and_the_rest_of_its_context() -> None:
    context = json.dumps({"traceback": TRACE, "user": 42})
    row = page_of(Record(1, 0, 17, "error", "api", "bad", context)).rows[1][3]
    assert row.startswith(f"bad\n{TRACE}")
    assert row.endswith('{"user":42}')
    assert row.count("ValueError: bad") == 1


def test_an_html_page_loads_and_runs_nothing() -> None:
    page = page_of(*RECORDS)
    policy = next(value for name, value in page.attributes if name == "content" and value and "src" in value)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert page.tags == ROW_TAGS
    assert b"url(" not in FORMATS["html"].head
    assert b"@import" not in FORMATS["html"].head


_HOSTILE = some.sampled_from(
    ["<script>alert(1)</script>", "</td></table>", '" onclick="x"', "<!--", "]]>", "&lt;", "\u202e", "\x1b[31m", "\0"]
)
_TEXT = some.lists(_HOSTILE | some.text(max_size=8), max_size=4).map("".join)


@given(level=_TEXT, source=_TEXT, message=_TEXT, key=_TEXT, value=_TEXT)
def test_nothing_of_a_record_becomes_markup(level: str, source: str, message: str, key: str, value: str) -> None:
    context = json.dumps({key: value, "traceback": value + message}, ensure_ascii=False)
    record = Record(1, 0, 17, level, source, message, context)
    page = page_of(record, record)
    assert page.tags <= ROW_TAGS
    assert {name for name, _ in page.attributes} <= {
        "lang", "charset", "http-equiv", "content", "name", "datetime", "title", "class"
    }  # fmt: skip
    assert len(page.rows) == 3
    assert not set("\0\x1b\u202e\u2066") & set(html_rows([record]).decode())
