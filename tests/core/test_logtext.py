"""Bytes of a log file to records: cutting into lines, what continues a record, and the order of times."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.logtext import (
    KEPT_CHARACTERS,
    MAX_LINE_CHARACTERS,
    MAX_RECORD_LINES,
    Lines,
    LogText,
    encoding_of,
    is_text,
)
from desktop_logs.core.records import Record
from desktop_logs.core.wire import MAX_ENTRY_BYTES, encode_entry

FILE_NS = 1_795_000_000_000_000_000


def records(text: str, file_ns: int = FILE_NS) -> list[Record]:
    parser = LogText(UTC)
    return parser.parse(text.splitlines(), file_ns) + parser.finish()


def messages(text: str) -> list[str]:
    return [record.message for record in records(text)]


# --- bytes to lines ---------------------------------------------------------------------------------------------------


@given(st.text(st.characters(exclude_characters="\n\r\ufeff", exclude_categories=["Cs"])), st.integers(1, 7))
def test_lines_are_whole_however_the_bytes_come(text: str, step: int) -> None:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        data = f"{text}\r\n{text}\n\n{text}".encode(encoding)
        cutter = Lines(encoding)
        found = [line for at in range(0, len(data), step) for line in cutter.feed(data[at : at + step])]
        assert found == [text, text, ""]
        assert cutter.rest() == ([text] if text else [])
        assert cutter.rest() == []


@pytest.mark.parametrize(
    ("beginning", "claimed"),
    [
        (b"", True),
        ("größe ".encode() * 2_000, True),
        ("größe\n".encode("utf-16"), True),
        ("2026-11-20 10:15:30 INFO Grüße aus Bremen\n".encode("latin-1") * 9, True),
        ("ü".encode()[:1], True),
        ("журнал".encode("cp1251"), False),
        (b"\x7fELF\x02\x01\x01" + b"\0" * 100, False),
        (bytes(range(256)) * 100, False),
    ],
)
def test_what_is_mostly_to_be_read_is_text(beginning: bytes, claimed: bool) -> None:
    assert is_text(beginning) is claimed


def test_the_first_bytes_tell_the_encoding_and_half_a_character_at_the_end_is_a_mark() -> None:
    cutter = Lines()
    assert cutter.feed("größe\n".encode("utf-16")) == ["größe"]
    cutter = Lines()
    assert cutter.feed("größe\nü".encode()[:-1]) == ["größe"]
    assert cutter.rest() == ["\ufffd"]
    assert cutter.feed("ü\n".encode()) == ["ü"]


@given(st.binary(max_size=400), st.integers(1, 50))
def test_no_bytes_raise_and_no_line_break_is_lost(data: bytes, step: int) -> None:
    cutter, parser = Lines(), LogText(UTC)
    count = 0
    for at in range(0, len(data), step):
        lines = cutter.feed(data[at : at + step])
        count += len(lines)
        check(parser.parse(lines, FILE_NS))
    check(parser.parse(cutter.rest(), FILE_NS) + parser.finish())
    assert count == data.count(b"\n")


def check(found: Sequence[Record]) -> None:
    for record in found:
        json.loads(encode_entry(record))  # it can be exported


@pytest.mark.parametrize(
    ("first", "encoding"),
    [(b"\xff\xfea\x00", "utf-16-le"), (b"\xfe\xff\x00a", "utf-16-be"), (b"\xef\xbb\xbfa", "utf-8"), (b"", "utf-8")],
)
def test_a_byte_order_mark_tells_the_encoding_and_is_no_text(first: bytes, encoding: str) -> None:
    assert encoding_of(first) == encoding
    cutter = Lines(encoding)
    cutter.feed(first)
    assert "".join(cutter.rest()) in ("a", "")


def test_a_line_of_megabytes_is_cut_with_a_mark_and_the_next_one_is_whole() -> None:
    cutter = Lines()
    found = [line for _ in range(30) for line in cutter.feed(b"x" * 100_000)]
    assert found == []
    line, after = cutter.feed(b"end\nafter\n")
    assert line.startswith("x" * KEPT_CHARACTERS + " … [cut here")
    assert "3,000,003 characters" in line
    assert len(line) < KEPT_CHARACTERS + 100 < MAX_LINE_CHARACTERS
    assert after == "after"


def test_a_message_beyond_the_limit_of_an_entry_is_cut_with_a_mark() -> None:
    (found,) = records("2026-11-20 10:15:30 INFO é" + "x" * 400_000)
    assert len(found.message.encode()) <= MAX_ENTRY_BYTES
    assert "cut here by Desktop Logs" in found.message


# --- JSON lines -------------------------------------------------------------------------------------------------------


def test_what_the_hub_writes_is_read_as_it_was() -> None:
    written = Record(1, FILE_NS + 5_000_000, 13, "warn", "api", 'two\nlines "here"', '{"user":7}', "given")
    assert records(encode_entry(written).decode()) == [written]


def test_json_lines_of_other_loggers_are_read() -> None:
    pino = '{"level":40,"time":1795000000000,"pid":1,"hostname":"h","name":"web","msg":"slow"}'
    winston = '{"level":"error","message":"failed","timestamp":"2026-11-20T10:15:30.000Z","service":"shop"}'
    found = records(f"{pino}\n{winston}")
    assert [(one.level, one.source, one.message) for one in found] == [
        ("warn", "web", "slow"),
        ("error", "shop", "failed"),
    ]
    assert found[0].time_ns == FILE_NS


def docker(said: str, second: int, stream: str = "stdout") -> str:
    entry = {"log": f"{said}\n", "stream": stream, "time": f"2026-11-20T10:15:{second:02}.123456789Z"}
    return json.dumps(entry, separators=(",", ":"))


def test_what_a_program_says_in_a_container_is_read_as_if_docker_had_not_packed_it() -> None:
    lines = [
        docker("2026-11-20 03:15:30,100 ERROR db: no answer", 30, "stderr"),
        docker("Traceback (most recent call last):", 30, "stderr"),
        docker("TimeoutError", 30, "stderr"),
        docker('{"level":"warn","msg":"slow","user":7}', 31),
        docker("time=2026-11-20T10:15:32Z level=debug msg=done", 32),
    ]
    found = records("\n".join(lines))
    assert [(one.level, one.message) for one in found] == [
        ("ERROR", "no answer\nTraceback (most recent call last):\nTimeoutError"),
        ("warn", "slow"),
        ("debug", "done"),
    ]
    assert [json.loads(one.context).get("stream") for one in found] == ["stderr", "stdout", "stdout"]
    # Docker's own time, which has a zone.
    assert [one.time_ns // 10**9 for one in found] == [1_795_169_730, 1_795_169_731, 1_795_169_732]


def test_plain_lines_in_a_container_have_the_times_that_docker_gives_them() -> None:
    found = records(f"{docker('one', 1)}\n{docker('two', 2, 'stderr')}")
    assert [(one.message, one.context) for one in found] == [
        ("one", '{"stream":"stdout"}'),
        ("two", '{"stream":"stderr"}'),
    ]
    assert found[1].time_ns - found[0].time_ns == 1_000_000_000


def test_the_colours_of_a_terminal_are_no_part_of_a_line() -> None:
    coloured = "\x1b[2m2026-11-20T10:15:30Z\x1b[0m \x1b[1;31mERROR\x1b[0m web: \x1b[4mno\x1b[0m answer"
    (found,) = records(coloured)
    assert (found.level, found.source, found.message) == ("ERROR", "web", "no answer")


def test_what_looks_like_json_and_is_none_is_text() -> None:
    many = json.dumps({f"key{number}": number for number in range(100)} | {"message": "too many keys"})
    assert messages(f'{{"level": broken}}\n[1, 2]\n{many}') == ['{"level": broken}', "[1, 2]", many]


def test_an_object_printed_by_a_record_of_text_belongs_to_it() -> None:
    assert messages('2026-11-20 10:15:30 INFO sent\n{"a": 1}\n{\n  "b": 2\n}') == ['sent\n{"a": 1}\n{\n  "b": 2\n}']


# --- what continues a record ------------------------------------------------------------------------------------------

TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 1, in run\n\n    go()\nValueError: no'


def test_a_traceback_belongs_to_the_record_that_logged_it() -> None:
    text = f"2026-11-20 10:15:30,1 ERROR app: failed\n{TRACEBACK}\n\n2026-11-20 10:15:31,1 INFO app: on"
    assert messages(text) == [f"failed\n{TRACEBACK}", "on"]


def test_a_traceback_among_plain_lines_is_an_error_of_its_own() -> None:
    found = records(f"begun\n{TRACEBACK}\nover")
    assert [(one.level, one.message) for one in found] == [("info", "begun"), ("error", TRACEBACK), ("info", "over")]


def test_plain_lines_are_records_and_indented_ones_continue_them() -> None:
    assert messages("one\n  more of one\n\ttoo\ntwo\n\n   \nthree") == ["one\n  more of one\n\ttoo", "two", "three"]
    assert messages("  indented from the beginning\nx") == ["  indented from the beginning", "x"]


def test_plain_lines_among_json_are_records_of_their_own() -> None:
    line = '{"level":"warn","message":"json"}'
    assert messages(f"{line}\nplain\n{line}\n    at render (api.js:12)") == [
        "json",
        "plain",
        "json",
        "    at render (api.js:12)",
    ]


def test_a_record_has_so_many_lines_and_what_continues_it_beyond_is_another_with_its_head() -> None:
    found = records("2026-11-20 10:15:30 WARN app: dump\n" + "more\n" * MAX_RECORD_LINES)
    assert [one.message.count("\n") + 1 for one in found] == [MAX_RECORD_LINES, 1]
    assert found[1].level == "WARN"
    assert found[1].source == "app"
    assert found[1].time_ns == found[0].time_ns


def test_a_line_that_comes_after_its_record_was_given_out_has_the_heads_level() -> None:
    parser = LogText(UTC)
    parser.parse(["2026-11-20 10:15:30 ERROR app: failed"], FILE_NS)
    (first,) = parser.finish()
    parser.parse(["Traceback (most recent call last):", "  File"], FILE_NS)
    (second,) = parser.finish()
    assert (second.seq, second.level, second.time_ns) == (2, "ERROR", first.time_ns)
    assert second.message == "Traceback (most recent call last):\n  File"


# --- numbers and times ------------------------------------------------------------------------------------------------


def test_records_are_numbered_in_the_order_of_the_file() -> None:
    line = '{"message":"json"}'
    found = records(f"2026-11-20 10:15:30 INFO x: text\n{line}\nplain\nlevel=info msg=fmt\n{line}")
    assert [one.seq for one in found] == [1, 2, 3, 4, 5]
    assert [one.message for one in found] == ["text", "json", "plain", "fmt", "json"]


def test_a_record_without_a_time_has_that_of_the_one_before_and_the_first_ones_that_of_the_first_with_one() -> None:
    found = records('plain\n{"message":"json"}\n2026-11-20 10:15:30 INFO x: timed\nERROR:y:untimed')
    assert len({one.time_ns for one in found}) == 1
    assert found[0].time_ns != FILE_NS


def test_in_a_file_without_times_records_have_the_files() -> None:
    parser = LogText(UTC)
    parser.parse(["one"], FILE_NS)
    first = parser.parse(["two"], FILE_NS + 5)
    second = parser.parse(["three"], FILE_NS - 5)  # it was copied back
    assert [one.time_ns for one in [*first, *second, *parser.finish()]] == [FILE_NS, FILE_NS + 5, FILE_NS + 5]


def test_a_note_stands_between_the_records_of_a_file() -> None:
    parser = LogText(UTC)
    parser.parse(["one"], FILE_NS)
    parser.finish()
    assert parser.note("It was replaced.", 0).seq == 2
    parser.parse(["  indented"], FILE_NS)
    (after,) = parser.finish()
    assert (after.seq, after.message) == (3, "  indented")
