"""The lines of a day's files, in their order."""

from __future__ import annotations

import gzip

from desktop_logs.core.records import Record
from desktop_logs.core.wire import encode_entry
from desktop_logs.storage.daylines import lines_of
from tests.storage.damage import DAY, START_NS, records_from, write_logs

FIRST = f"application-{DAY}.log"


def messages(folder):
    return [line.record.message for line in lines_of(folder, "application", DAY)]


def line(message, given_id="", seq=1):
    return encode_entry(Record(seq, START_NS, 9, "info", "", message, "", given_id)) + b"\n"


def test_every_line_comes_once_in_order_packed_or_not(tmp_path):
    records = [record for record in records_from(1, 3_000) if record.severity >= 9]
    write_logs(tmp_path, DAY, records, max_bytes=100_000)
    assert len(list(tmp_path.iterdir())) > 4
    assert messages(tmp_path) == [record.message for record in records]


def test_the_number_is_told_by_the_id_that_was_made_here(tmp_path):
    (tmp_path / FIRST).write_bytes(line("a", seq=123_456) + line("b", "given"))
    assert [found.number for found in lines_of(tmp_path, "application", DAY)] == [123_456, None]


def test_an_id_of_another_time_or_spelling_tells_no_number(tmp_path):
    ms = START_NS // 1_000_000
    ids = [f"{ms + 1}-2n", f"{ms}-2N", f"{ms}-02n", f"{ms}-", f"{ms}-²", f"{ms}-0", "-2n", f"{ms}-{'z' * 13}"]
    (tmp_path / FIRST).write_bytes(b"".join(line("a", given) for given in ids))
    assert [found.number for found in lines_of(tmp_path, "application", DAY)] == [None] * len(ids)


def test_what_is_no_entry_is_left_out(tmp_path):
    (tmp_path / FIRST).write_bytes(line("a") + b'\n{"message":"to\n\xff\xfe\n[1]\n{}\n' + line("b") + line("c")[:20])
    assert messages(tmp_path) == ["a", "b"]


def test_a_damaged_packed_file_gives_what_stands_before_the_damage(tmp_path):
    packed = gzip.compress(b"".join(line(f"{number:x}" * 50, seq=number) for number in range(1, 5_000)))
    (tmp_path / f"{FIRST}.gz").write_bytes(packed[: len(packed) // 2] + bytes(50) + packed[len(packed) // 2 + 50 :])
    (tmp_path / f"{FIRST}.1").write_bytes(line("next"))
    found = messages(tmp_path)
    assert found[0] == "1" * 50
    assert found[-1] == "next"


def test_of_a_file_that_is_packed_and_plain_the_plain_one_is_read(tmp_path):
    (tmp_path / FIRST).write_bytes(line("plain"))
    (tmp_path / f"{FIRST}.gz").write_bytes(gzip.compress(line("packed")))
    (tmp_path / f"{FIRST}.gz.part").write_bytes(b"half")
    assert messages(tmp_path) == ["plain"]


def test_other_days_and_series_are_not_read(tmp_path):
    (tmp_path / "application-2026-11-23.log").write_bytes(line("tomorrow"))
    (tmp_path / f"errors-{DAY}.log").write_bytes(line("error"))
    assert messages(tmp_path) == []
    assert messages(tmp_path / "missing") == []
