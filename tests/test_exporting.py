"""`desktop-logs export`: all of it or no file, and what is read back is what was stored."""

from __future__ import annotations

import _thread
import csv
import json
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from desktop_logs.cli import main
from desktop_logs.core.errors import Cancelled
from desktop_logs.core.history import Found
from desktop_logs.core.records import Record
from desktop_logs.core.wire import MAX_ENTRY_BYTES, decode_json, parse_entry
from desktop_logs.folders import history_dir
from desktop_logs.storage.search import HistorySearch
from tests.support.segments import write_segments

T0_NS = 1_795_341_600_000_000_000
DAY = date(2026, 11, 22)
ODD_MESSAGES = (
    "plain",
    "a lone \ud800 surrogate and \udfff",
    "NUL \x00, ESC \x1b[31m, DEL \x7f, C1 \x9b",
    "bidi \u202eabc\u202c \u2066x\u2069 \ufeff",
    "lines\nof\r\nall\rkinds\u2028\u2029\x85",
    '"quoted", =1+1 <script>alert(1)</script> & </body>',
    "日本語 🙂 \U0010ffff",
    "x" * MAX_ENTRY_BYTES * 2,
    "",
)


def with_id(record: Record) -> Record:
    """The record as it is read back: with the id that it had been given with its number."""
    return replace(record, given_id=record.id)


@pytest.fixture
def records() -> list[Record]:
    levels = ("info", "warning", "silly")
    entries = [
        {"message": message, "level": levels[at % 3], "context": {"source": "s\ud800", "begins": message[:9]}}
        for at, message in enumerate(ODD_MESSAGES * 40)
    ]
    return [parse_entry(entry, seq, T0_NS + seq) for seq, entry in enumerate(entries, 1)]


@pytest.fixture
def data(tmp_path: Path, records: list[Record]) -> Path:
    write_segments(history_dir(tmp_path / "data"), [(DAY, records[:100]), (date(2026, 11, 23), records[100:])])
    return tmp_path / "data"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder for what is exported."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def export(data: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Callable[..., tuple[int, bytes, str]]:
    """Run the command here; its exit code, stdout and stderr."""

    def run(*arguments: str | Path) -> tuple[int, bytes, str]:
        code = main(["export", "--data-dir", str(data), *map(str, arguments)])
        captured = capsysbinary.readouterr()
        return code, captured.out, captured.err.decode()

    return run


def read_back(text: bytes) -> list[Record]:
    return [parse_entry(decode_json(line), seq, 0) for seq, line in enumerate(text.splitlines(), 1)]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_read_back_is_what_was_stored(export: Any, out: Path, records: list[Record]) -> None:
    """Also lone surrogates, NUL, ESC, bidi marks and messages of the largest size."""
    code, said, err = export(out / "all.jsonl")
    assert (code, err) == (0, "")
    assert said.decode() == f"360 records written to {out / 'all.jsonl'}\n"
    assert read_back((out / "all.jsonl").read_bytes()) == [with_id(record) for record in records]
    assert names_in(out) == ["all.jsonl"]


def test_a_query_chooses(export: Any, out: Path, records: list[Record]) -> None:
    assert export(out / "some.jsonl", "--query", "日本語 level>=info", "--since", "2026-11-20")[0] == 0
    chosen = [record for record in records if "日本語" in record.message and record.severity >= 9]
    read = read_back((out / "some.jsonl").read_bytes())
    assert [record.id for record in read] == [record.id for record in chosen]
    assert chosen


@pytest.mark.parametrize(("name", "begins"), [("a.csv", b"time,"), ("a.HTML", b"<!DOCTYPE html>"), ("a.txt", b"2026-")])
def test_the_ending_names_the_format(export: Any, out: Path, name: str, begins: bytes) -> None:
    assert export(out / name, "--query", "plain")[0] == 0
    assert (out / name).read_bytes().lower().startswith(begins.lower())


def test_an_html_page_is_closed(export: Any, out: Path) -> None:
    export(out / "a.html")
    page = (out / "a.html").read_text()
    assert page.rstrip().endswith("</html>")
    assert "<script>alert" not in page


def test_csv_has_a_row_for_each(export: Any, out: Path, records: list[Record]) -> None:
    export(out / "a.data", "--format", "csv")
    csv.field_size_limit(10_000_000)
    with open(out / "a.data", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == len(records) + 1


def test_stdout_gets_bytes_alone(export: Any, records: list[Record]) -> None:
    code, said, err = export("-", "--query", "plain")
    assert (code, err) == (0, "desktop-logs: 40 records written to stdout\n")
    assert [json.loads(line)["message"] for line in said.splitlines()] == ["plain"] * 40


def test_nothing_to_export_is_an_empty_export(export: Any, out: Path) -> None:
    code, said, _ = export(out / "a.csv", "--query", "nobody said this")
    assert (code, said.decode()) == (0, f"0 records written to {out / 'a.csv'}\n")
    assert (out / "a.csv").read_bytes().count(b"\n") == 1


def test_a_file_that_is_there_is_replaced_only_by_force(export: Any, out: Path) -> None:
    (out / "a.jsonl").write_text("old")
    code, _, err = export(out / "a.jsonl", "--query", "plain")
    assert code == 2
    assert err == (
        f"desktop-logs: UserError: {out / 'a.jsonl'} is there already. "
        "Choose another name, or replace it with --force.\n"
    )
    assert (out / "a.jsonl").read_text() == "old"
    assert export(out / "a.jsonl", "--query", "plain", "--force")[0] == 0
    assert len(read_back((out / "a.jsonl").read_bytes())) == 40


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("a.xlsx",),
            "a.xlsx says no format. End it with one of .jsonl, .csv, .txt, .html, or name ",
        ),
        (("gone/a.csv",), "There is no folder "),
        ((".", "--format", "csv"), " is a folder. Choose another name."),
        (("a.csv", "--query", "a (b"), "QueryError: "),
        (("a.csv", "--since", "soon"), "UserError: --since 'soon' is not a time."),
    ],
)
def test_what_cannot_be_is_a_sentence_and_2(
    export: Any, out: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.chdir(out)
    code, _, err = export(*arguments)
    assert code == 2
    assert sentence in err
    assert names_in(out) == []


def test_interrupted_it_leaves_no_file(export: Any, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled = threading.Event()
    parts: list[str] = []

    def hold(self: HistorySearch, tree: object, **how: object) -> Found:
        parts.extend(names_in(out))
        _thread.interrupt_main()
        assert cancelled.wait(10)
        raise Cancelled

    monkeypatch.setattr(HistorySearch, "search", hold)
    monkeypatch.setattr(HistorySearch, "cancel", lambda self: cancelled.set())
    assert export(out / "a.jsonl", "--query", "a")[0] == 130
    assert parts == ["a.jsonl.part"]
    assert names_in(out) == []


@pytest.mark.parametrize("query", ["", "plain"])
def test_what_could_not_be_read_is_told_and_2(export: Any, out: Path, data: Path, query: str) -> None:
    """The rest is there."""
    oldest, _ = sorted(history_dir(data).glob("*.db"))
    oldest.write_bytes(b"no database" * 1_000)
    code, said, err = export(out / "a.jsonl", "--query", query)
    assert (code, said.decode()) == (2, f"{28 if query else 260} records written to {out / 'a.jsonl'}\n")
    assert err.startswith("desktop-logs: The records of 2026-11-22 could not be searched: the file is damaged; keep")
    assert len(read_back((out / "a.jsonl").read_bytes())) == (28 if query else 260)
