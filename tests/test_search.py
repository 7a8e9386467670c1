"""`desktop-logs search`: what it prints, and its exit codes, with and without a hub."""

from __future__ import annotations

import _thread
import json
import sys
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from desktop_logs.cli import main
from desktop_logs.core.errors import Cancelled
from desktop_logs.core.history import Found
from desktop_logs.core.records import Record
from desktop_logs.core.timestamps import NS_PER_S
from desktop_logs.folders import history_dir
from desktop_logs.storage.search import HistorySearch
from desktop_logs.terminal import line_of
from tests.support.program import Program
from tests.support.segments import write_segments

HOUR_NS = 3_600 * NS_PER_S


@pytest.fixture
def records() -> list[Record]:
    """Three hundred, one a minute, the newest a minute ago; every tenth is an error with a traceback."""
    now_ns = time.time_ns() // 1_000_000 * 1_000_000
    return [
        Record(
            seq,
            now_ns - (301 - seq) * 60 * NS_PER_S,
            *((17, "error") if seq % 10 == 0 else (9, "info")),
            "api",
            f"message {seq}",
            '{"traceback":"Traceback\\n  File"}' if seq % 10 == 0 else '{"user":7}',
        )
        for seq in range(1, 301)
    ]


@pytest.fixture
def data(tmp_path: Path, records: list[Record]) -> Path:
    days = [(date(2026, 11, 21), records[:150]), (date(2026, 11, 22), records[150:])]
    write_segments(history_dir(tmp_path), days)
    return tmp_path


@pytest.fixture
def search(data: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run the command here; its exit code, stdout and stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["search", "--data-dir", str(data), *arguments])
        return code, *capsys.readouterr()

    return run


def test_the_newest_come_last_and_look_as_in_tail(search: Any, records: list[Record]) -> None:
    code, out, err = search()
    assert (code, err) == (0, "")
    assert out == "".join(line_of(record, False) + "\n" for record in records[-200:])


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (["message", "29", "-n", "3"], [297, 298, 299]),
        (["message 29", "--level", "error", "--limit", "0"], [290]),
        (["level:error", "--since", "65m"], [240, 250, 260, 270, 280, 290, 300]),
        (["level:error", "--since", "65m", "--until", "40m"], [240, 250, 260]),
        (["--limit", "0"], list(range(1, 301))),
        (["user:7", "--since", "3m30s"], [298, 299]),
        (["--limit=0", "--", "message", "-level:info"], list(range(10, 301, 10))),
    ],
)
def test_what_is_selected(search: Any, arguments: list[str], numbers: list[int]) -> None:
    code, out, _ = search("--json", *arguments)
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["seq"] for line in lines][-5:] == numbers[-5:]
    assert len(lines) == len(numbers)


def test_json_lines_are_entries_with_their_numbers(search: Any) -> None:
    _, out, _ = search("message", "300", "--json")
    (line,) = out.splitlines()
    entry = json.loads(line)
    assert list(entry) == ["seq", "timestamp", "level", "message", "context", "id"]
    assert (entry["seq"], entry["context"]["source"]) == (300, "api")


def test_nothing_found_is_1_as_with_grep(search: Any) -> None:
    assert search("no record says this") == (1, "", "")
    assert search("no record says this", "--limit", "0") == (1, "", "")


def test_a_wrong_query_is_shown_with_its_place(search: Any) -> None:
    code, out, err = search("日", "(b")
    first, text, mark = err.splitlines()
    assert (code, out) == (2, "")
    assert first.startswith("desktop-logs: QueryError: ")
    assert (text, mark) == ("  日 (b", "     ^")


def test_a_wrong_time_is_a_sentence(search: Any) -> None:
    code, _, err = search("--since", "soon")
    assert code == 2
    assert err.startswith("desktop-logs: UserError: --since 'soon' is not a time. Give a duration back from now (2h")


def test_no_history_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "a", "--data-dir", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("desktop-logs: StorageError: There is no history in ")
    assert not (tmp_path / "none").exists()


def test_what_could_not_be_searched_is_told_and_2(
    search: Any, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Found(records[-1:], False, "A day is damaged. Keep a copy.", is_whole=False)
    monkeypatch.setattr(HistorySearch, "search", lambda self, tree, **how: found)
    code, out, err = search("a")
    assert (code, len(out.splitlines())) == (2, 3)
    assert err == "desktop-logs: A day is damaged. Keep a copy.\n"


def test_what_only_took_longer_is_told_and_found(
    search: Any, records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Found(records[-1:], problem="One day has no index of words.")
    monkeypatch.setattr(HistorySearch, "search", lambda self, tree, **how: found)
    code, _, err = search("a")
    assert (code, err) == (0, "desktop-logs: One day has no index of words.\n")


def test_ctrl_c_ends_the_search_at_once(search: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled = threading.Event()

    def hold(self: HistorySearch, tree: object, **how: object) -> Found:
        _thread.interrupt_main()
        assert cancelled.wait(10)
        raise Cancelled

    monkeypatch.setattr(HistorySearch, "search", hold)
    monkeypatch.setattr(HistorySearch, "cancel", lambda self: cancelled.set())
    assert search("a") == (130, "", "")


def test_who_reads_no_further_is_no_fault(start: Callable[..., Program], data: Path) -> None:
    command = f"'{sys.executable}' -m desktop_logs search --limit 0 --data-dir '{data}' | head -n 1"
    program = start(["/bin/sh", "-c", command])
    assert program.wait() == 0
    assert len(program.stdout) == 1
    assert program.stderr == []
