"""Encoded once for files and viewers: what is shared is what each would have made, and of the very same record."""

import json

import pytest

from desktop_logs.core import encoding, wire
from desktop_logs.core.encoding import Entries
from desktop_logs.core.records import Record


@pytest.fixture
def entries() -> Entries:
    return Entries()


def record(seq: int, message: str, level: str = "info", severity: int = 9) -> Record:
    return Record(seq, 1_795_341_600_123_000_000, severity, level, "api", message)


def test_a_record_is_encoded_once_for_files_and_viewers(entries: Entries) -> None:
    one = record(1, "once")
    assert entries.entry(one) is entries.entry(one)
    assert entries.entry(one) == wire.encode_entry(one)


def test_another_record_of_that_number_is_not_taken_for_it(entries: Entries) -> None:
    """As when records that were refused by the disk are sent again."""
    for message in ("one hub's", "another's", "one hub's"):
        assert json.loads(entries.entry(record(2, message)))["message"] == message


def test_a_long_entry_is_not_kept(entries: Entries) -> None:
    long = record(3, "m" * 2_000)
    assert entries.entry(long) == wire.encode_entry(long)
    assert entries.entry(long) is not entries.entry(long)


def test_a_version_1_viewer_has_its_own_levels(entries: Entries) -> None:
    for level, severity in (("info", 9), ("warn", 13), ("notice", 10), ("Error", 17)):
        one = record(4, "m", level, severity)
        entries.entry(one)
        assert json.loads(entries.v1_log(one, 5_000_000)) == {
            "type": "log",
            "data": json.loads(wire.encode_v1_entry(one)),
            "timestamp": 5,
        }


def test_a_version_2_viewer_has_the_number_first(entries: Entries) -> None:
    one = record(5, "m")
    assert entries.numbered(one) == encoding.encode_numbered(one) == b'{"seq":5,' + wire.encode_entry(one)[1:]
