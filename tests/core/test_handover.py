"""What one start hands to another arrives as it was; anything else is refused with a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target, Trust
from desktop_logs.core.errors import PeerError, UserError
from desktop_logs.core.handover import (
    HUB_OPTIONS,
    MAX_BYTES,
    Answer,
    Handover,
    decode,
    decode_answer,
    encode,
    encode_answer,
    unfollowed,
)
from desktop_logs.core.opening import Opening

TEXT = st.text(max_size=30)
URLS = st.sampled_from(["http://127.0.0.1:5647", "https://logs.example", "http://[::1]:3000"])
ADDRESSES = st.builds(ServerAddress, URLS, st.sampled_from(["/socket.io", "/llamaproxws"]))
SERVERS = st.builds(Target, ADDRESSES, TEXT, st.builds(Trust, TEXT, TEXT), TEXT)
LINKS = TEXT.map("desktop-logs:{}".format)
# With half surrogates, as Python has them for bytes that are no text.
PATHS = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=30) | st.just("/tmp/\udcff.log")
OPENINGS = st.builds(
    Opening,
    st.none() | SERVERS,
    st.lists(LINKS, max_size=3).map(tuple),
    st.lists(PATHS, max_size=3).map(tuple),
)
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80)
HANDOVERS = st.builds(Handover, OPENINGS, st.booleans(), PRINTABLE, st.dictionaries(st.sampled_from(HUB_OPTIONS), TEXT))
ANSWERS = st.builds(Answer, st.integers(0, 2**31), st.lists(TEXT, max_size=3).map(tuple), TEXT)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)


def message(**other: Any) -> bytes:
    """A plain one, with *other* fields in the place of its own."""
    return json.dumps({**json.loads(encode(Handover())), **other}).encode()


@given(HANDOVERS)
def test_what_is_handed_over_arrives_as_it_was_in_one_line(handover: Handover) -> None:
    line = encode(handover)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line) == handover


@given(ANSWERS)
def test_an_answer_arrives_as_it_was(answer: Answer) -> None:
    assert decode_answer(encode_answer(answer)) == answer


@given(st.binary(max_size=200) | JSON.map(lambda said: json.dumps(said).encode()))
def test_rubbish_is_refused_with_a_sentence(line: bytes) -> None:
    for read in (decode, decode_answer):
        with pytest.raises(PeerError, match=r"Desktop Logs .*\.$"):
            read(line)


@given(HANDOVERS, st.integers(0, 400))
def test_half_a_line_is_refused(handover: Handover, length: int) -> None:
    line = encode(handover)[:-1]
    with pytest.raises(PeerError):
        decode(line[: min(length, len(line) - 1)])


@given(st.sampled_from(sorted(json.loads(encode(Handover())))), JSON)
def test_a_field_that_is_something_else_is_refused_or_used_and_never_a_fault(name: str, value: Any) -> None:
    try:
        decode(message(**{name: value}))
    except PeerError as refused:
        assert str(refused)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"more": 1}, "unknown field `more`"),
        ({"v": 2}, "Another version of Desktop Logs is running. End it"),
        ({"files": [""]}, "a file that cannot be"),
        ({"files": ["a\0b"]}, "a file that cannot be"),
        ({"asked": {"--data-dir": "/"}}, "options that are not known here"),
        ({"server": {"url": "ftp://x", "path": "/"}}, "which is not http"),
        ({"links": ["http://x"]}, "a link that is none"),
    ],
)
def test_what_cannot_be_is_said(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(PeerError, match=why):
        decode(message(**changed))


def test_a_line_has_an_end_to_its_length() -> None:
    many = Opening(files=tuple("/a/long/name/of/a/log/file" for _ in range(MAX_BYTES // 20)))
    with pytest.raises(UserError, match="too much to be opened at once"):
        encode(Handover(many))
    with pytest.raises(PeerError, match="more than can be taken"):
        decode(b" " * (MAX_BYTES + 1))


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(PeerError, match="no JSON"):
        decode(b"[" * 500_000)


@pytest.mark.parametrize("token", ["with\0nul", "ünlike", "x" * 501, "two\nlines"])
def test_a_token_that_no_environment_takes_is_left_out(token: str) -> None:
    assert decode(message(activation=token)) == Handover()


def test_secrets_are_in_no_repr() -> None:
    target = Target(ServerAddress("http://x"), "hunter2")
    assert "hunter2" not in repr(Handover(Opening(target), asked={"--viewer-token": "hunter2"}))


def test_options_that_differ_from_how_the_hub_runs_are_named_and_the_others_not() -> None:
    running = {"--port": "5647", "--host": "127.0.0.1", "--viewer-token": "one"}
    assert unfollowed({}, running) == ()
    assert unfollowed({"--port": "5647", "--tls-cert": ""}, running) == ()
    asked = {"--tls-cert": "/a.pem", "--port": "5700", "--viewer-token": "two", "--host": "127.0.0.1"}
    assert unfollowed(asked, running) == ("--port", "--viewer-token", "--tls-cert")
