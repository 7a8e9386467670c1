"""Entries to records and back: what protocol.md allows is taken, its limits refuse with a sentence, nothing is lost."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core import encoding, wire
from desktop_logs.core.errors import EntryError
from desktop_logs.core.records import Record

ARRIVED_NS = 1_795_341_600_123_000_000
ARRIVED = "2026-11-22T10:00:00.123Z"


def parse(payload: object) -> Record:
    return wire.parse_entry(payload, 7, ARRIVED_NS)


def as_entry(record: Record) -> dict[str, Any]:
    entry = json.loads(wire.encode_entry(record))
    assert isinstance(entry, dict)
    return entry


FULL: dict[str, Any] = {
    "id": "1795341600000-k3j9x2m4q",
    "level": "info",
    "message": "listening",
    "timestamp": "2026-11-22T10:00:00.123Z",
    "context": {"source": "api", "user": 42},
}


def test_a_full_entry_comes_back_as_it_was() -> None:
    assert as_entry(parse(FULL)) == FULL


def test_the_payload_is_left_as_it_was() -> None:
    payload = json.loads(json.dumps(FULL))
    parse(payload)
    assert payload == FULL


def test_the_envelope_is_opened() -> None:
    assert parse({"type": "log", "data": FULL, "timestamp": 1}) == parse(FULL)


def test_the_envelopes_time_stands_in_for_a_missing_one() -> None:
    entry = {"message": "hello"}
    assert parse({"type": "log", "data": entry, "timestamp": 1_795_000_000_000}).time_ns == 1_795_000_000 * 10**9


def test_a_bare_string_is_a_message() -> None:
    record = parse("hello")
    assert (record.message, record.level, record.severity, record.time_ns) == ("hello", "info", 9, ARRIVED_NS)


def test_an_id_is_made_when_none_came_and_is_always_the_same() -> None:
    assert parse("hello").id == parse("hello").id == "1795341600123-7"
    assert as_entry(parse("hello"))["id"] == "1795341600123-7"


def test_a_time_that_cannot_be_read_is_the_arrival_and_is_kept() -> None:
    record = parse({"message": "x", "timestamp": "yesterday", "context": {"a": 1}})
    assert record.time_ns == ARRIVED_NS
    assert wire.context_of(record) == {"a": 1, "timestamp": "yesterday"}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"message": "boom"}, "boom"),
        ({"error": "boom"}, "boom"),
        ({"text": "boom"}, "boom"),
        ({"a": 1}, '{"a":1}'),
        ([1, 2], "[1,2]"),
        (42, "42"),
        (b"bytes \xff", "bytes \\xff"),
    ],
)
def test_a_message_that_is_no_text(message: object, text: str) -> None:
    assert parse({"message": message}).message == text


def test_what_stands_beside_a_message_inside_an_object_is_kept() -> None:
    assert wire.context_of(parse({"message": {"message": "boom", "code": 7}})) == {"code": 7}


def test_winstons_metadata_beside_the_message_becomes_context() -> None:
    record = parse({"level": "warn", "message": "slow", "service": "api", "ms": 1204})
    assert record.source == "api"
    assert wire.context_of(record) == {"service": "api", "ms": 1204}


def test_a_line_of_pino() -> None:
    record = parse({"level": 40, "time": 1_795_341_600_123, "pid": 7, "hostname": "box", "name": "api", "msg": "slow"})
    assert (record.level, record.message, record.source, record.time_ns) == ("warn", "slow", "api", ARRIVED_NS)


def test_a_python_record_is_read_on_pythons_scale() -> None:
    assert parse({"levelno": 40, "message": "x"}).level == "error"


def test_an_unknown_level_is_kept_with_severity_info() -> None:
    record = parse({"level": "llama", "message": "x"})
    assert (record.level, record.severity) == ("llama", 9)


def test_a_python_programs_own_level_has_the_severity_of_its_number() -> None:
    record = parse({"level": "audit", "message": "x", "context": {"levelno": 45}})
    assert (record.level, record.severity) == ("audit", 19)


def test_a_version_1_viewer_gets_one_of_four_and_the_original_beside_it() -> None:
    record = parse({"level": "fatal", "message": "x", "context": {"source": "api"}})
    entry = json.loads(wire.encode_v1_entry(record))
    assert entry["level"] == "error"
    assert entry["context"] == {"source": "api", "level": "fatal"}


def test_a_level_in_the_context_does_not_become_two() -> None:
    record = parse({"level": "fatal", "message": "x", "context": {"level": "own"}})
    text = wire.encode_v1_entry(record).decode()
    assert text.count('"level":') == 2  # the entry's and its context's
    assert json.loads(text)["context"] == {"level": "fatal"}
    assert as_entry(record)["context"] == {"level": "own"}


@pytest.mark.parametrize("level", ["silly", "http", "verbose", "notice", "warning", "critical", "emerg"])
def test_a_level_survives_the_way_over_a_version_1_hub(level: str) -> None:
    record = parse({"level": level, "message": "x", "context": {"source": "api"}})
    again = parse(json.loads(wire.encode_v1_entry(record)))
    assert (again.level, again.severity, again.context) == (record.level, record.severity, record.context)


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (None, "not null"),
        (7, "not a number"),
        (True, "not true or false"),
        ([], "not a list"),
        ({}, "needs a message"),
        ({"level": "info"}, "needs a message"),
        ({"message": "x", "context": {"long": "x" * 200_000}}, "at most 196,608"),
        (wire.Unreadable("it is not JSON"), "not JSON"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_reason(payload: object, why: str) -> None:
    with pytest.raises(EntryError, match=why):
        parse(payload)


def test_a_long_message_is_cut_and_says_so() -> None:
    message = parse("ä" * 2_000_000).message
    assert len(message.encode()) <= wire.MAX_ENTRY_BYTES
    assert message.startswith("äää")
    assert "4,000,000 bytes came" in message


def test_lone_surrogates_and_nul_are_escaped() -> None:
    record = parse({"message": "a\ud800b\x00c", "context": {"k\udfff": "\ud83d", "n": "\x00"}})
    assert record.message == "a\\ud800b\\x00c"
    assert as_entry(record)["context"] == {"k\\udfff": "\\ud83d", "n": "\x00"} or "\x00" not in record.context


@pytest.mark.parametrize("level", [float("inf"), float("-inf"), float("nan")])
@pytest.mark.parametrize("key", ["level", "levelno"])
def test_a_level_that_is_no_number_is_info(level: float, key: str) -> None:
    assert parse({key: level, "message": "x"}).level == "info"


def test_a_message_that_is_nested_beyond_reason_is_taken_or_refused() -> None:
    message: Any = "\ud800"
    for _ in range(100_000):
        message = [message]
    with pytest.raises(EntryError, match="nested too deeply"):
        parse({"message": message})


def test_a_source_that_is_no_text_does_not_stand_beside_the_real_one() -> None:
    record = parse({"message": "x", "source": "api", "context": {"source": 5}})
    assert wire.encode_entry(record).count(b'"source"') == 1
    assert (record.source, wire.context_of(record)) == ("api", {"source_value": 5})


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
entries = st.fixed_dictionaries(
    {"message": st.text(min_size=1)},
    optional={
        "id": st.text(max_size=30),
        "level": st.text(max_size=10) | st.sampled_from(["info", "FATAL", "verbose"]) | st.integers(0, 70),
        "timestamp": st.integers(0, 2 * 10**18) | st.text() | st.just("2026-11-22T10:00:00.123456Z"),
        "context": st.dictionaries(st.text(), json_values, max_size=5),
    },
)


@given(entries)
def test_what_was_written_is_read_again_as_the_same_record(entry: dict[str, Any]) -> None:
    """Holds from the first writing on: a record is what the program holds, whatever was sent."""
    record = parse(entry)
    line = wire.encode_entry(record)
    assert b"\n" not in line
    again = wire.parse_entry(wire.decode_json(line), 7, 0)
    assert again.message == record.message
    assert (again.time_ns, again.source, again.severity, again.level) == (
        record.time_ns,
        record.source,
        record.severity,
        record.level,
    )
    assert again.id == record.id
    assert wire.context_of(again) == wire.context_of(record)


@given(json_values)
def test_any_json_is_taken_or_refused_with_a_sentence(payload: Any) -> None:
    try:
        encoding.Entries().v1_log(parse(payload), ARRIVED_NS)
    except EntryError as wrong:
        assert str(wrong)


CONTEXTS = st.dictionaries(st.sampled_from(["source", "level", "service", "user"]), st.text() | st.integers())
USUAL = st.fixed_dictionaries(
    {"level": st.sampled_from(["info", "WARN", "Info", "mine"]), "message": st.one_of(st.text(), st.integers())},
    optional={
        "timestamp": st.sampled_from([ARRIVED, "2026-02-30T10:00:00.000Z", "2026-11-22T10:00:00.12²Z", 1.5e9, ""]),
        "context": st.none() | CONTEXTS,
        "id": st.one_of(st.text(max_size=300), st.integers(), st.none()),
    },
)


@given(USUAL)
def test_an_entry_alone_is_read_as_in_its_envelope(entry: dict[str, Any]) -> None:
    # The usual entry is read a shorter way when it stands alone.
    assert read_or_refused(entry) == read_or_refused({"type": "log", "data": entry})


@pytest.mark.parametrize("number", [2**64 - 1, 2**64, -(2**63), -(2**63) - 1])
def test_an_integer_is_refused_alone_where_it_is_refused_in_an_envelope(number: int) -> None:
    entry = {"message": "m", "context": {"source": number}}
    assert read_or_refused(entry) == read_or_refused({"type": "log", "data": entry})


def read_or_refused(payload: object) -> object:
    """The record, or why it is none."""
    try:
        return parse(payload)
    except EntryError as why:
        return str(why)


@pytest.mark.parametrize(
    "time", [ARRIVED, "1677-09-21T00:12:44.145Z", "2262-04-11T23:47:16.855Z", "2026-11-22T24:61:00.000Z"]
)
def test_a_time_with_milliseconds_is_read_as_the_same_with_microseconds(time: str) -> None:
    assert (
        parse({"message": "m", "timestamp": time}).time_ns
        == parse({"message": "m", "timestamp": f"{time[:-1]}000Z"}).time_ns
    )


def test_json_that_strict_readers_refuse_is_read() -> None:
    assert wire.decode_json(b'{"a":"\\ud800","b":NaN}') == {"a": "\ud800", "b": "NaN"}


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"hello", "Expecting value"), (b"\xff", "not UTF-8"), (b"[" * 100_000, "nested"), (b"", "Expecting")],
)
def test_what_is_no_json_is_told_in_short(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        wire.decode_json(data)


def stamped(*hours: int) -> list[object]:
    return [{"message": str(hour), "timestamp": f"2026-11-22T{hour:02}:00:00Z"} for hour in hours]


def test_a_snapshot_in_either_order_becomes_oldest_first() -> None:
    assert wire.oldest_first(stamped(1, 2, 3)) == stamped(1, 2, 3)
    assert wire.oldest_first(stamped(3, 2, 1)) == stamped(1, 2, 3)
    assert wire.oldest_first(stamped(1, 3, 2, 4)) == stamped(1, 3, 2, 4)


def test_a_snapshot_without_times_is_newest_first() -> None:
    assert wire.oldest_first(["b", "a"]) == ["a", "b"]


def test_the_snapshot_event_keeps_the_order_of_its_entries() -> None:
    entries = [wire.encode_v1_entry(wire.parse_entry(f"m{seq}", seq, ARRIVED_NS)) for seq in (3, 2, 1)]
    payload = json.loads(wire.join_v1_logs(entries, ARRIVED_NS))
    assert payload["type"] == "logs"
    assert payload["timestamp"] == ARRIVED_NS // 10**6
    assert [entry["message"] for entry in payload["data"]] == ["m3", "m2", "m1"]


def test_logs_that_are_no_list_are_refused() -> None:
    with pytest.raises(EntryError, match="must be a list of entries, not a string"):
        wire.unwrap_many("hello")
