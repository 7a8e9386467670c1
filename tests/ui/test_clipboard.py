"""What is copied can be pasted: JSON that reads back, a curl that a shell takes, pairs that are one word."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytestqt.qtbot import QtBot

from desktop_logs.core.records import Record
from desktop_logs.core.wire import decode_json, parse_entry
from desktop_logs.ui.clipboard import CopyButton, pair_text, record_curl, record_json, value_text

URL = "http://127.0.0.1:5647"


def record(message: str, **context: Any) -> Record:
    entry = {"message": message, "timestamp": "2026-11-22T10:42:35.207Z", "id": "a", "context": context}
    return parse_entry({**entry, "level": "error"}, 7, 0)


HARD = record(
    'it\'s `$(rm -rf /)` "quoted" \\ !x\nnext \u202e\x1b\x9b\x7f ✓ 日本', source="api", deep={"n": [1, 2.5, None]}
)


@pytest.mark.parametrize("one", [record("hello", source="api"), HARD])
def test_json_reads_back_as_the_record_and_obeys_nothing(one: Record) -> None:
    """Pretty, equal, and free of what a terminal would obey."""
    text = record_json(one)
    assert parse_entry(decode_json(text), 7, 0) == one
    assert text.startswith('{\n  "timestamp"')
    assert not set(text) & set("\u202e\x1b\x9b\x7f")


def run_with_fake_curl(command: str, tmp_path: Any) -> dict[str, Any]:
    """What curl is given when a shell runs *command*: its arguments and its stdin."""
    fake = tmp_path / "curl"
    fake.write_text(
        "#!/usr/bin/env python3\nimport json, sys\n"
        "json.dump({'args': sys.argv[1:], 'stdin': sys.stdin.read()}, sys.stdout)\n"
    )
    fake.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    # From a file, since a shell given `-c` would itself meet the limit for one argument.
    script = tmp_path / "script.sh"
    script.write_text(command + "\n", encoding="utf-8")
    ran = subprocess.run(
        ["sh", str(script)], env=env, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=30
    )
    return json.loads(ran.stdout)


def test_curl_survives_the_shell(tmp_path: Any) -> None:
    """Quotes, backquotes and newlines reach curl as they are; the body is the entry."""
    given_to_curl = run_with_fake_curl(record_curl(HARD, URL + "/"), tmp_path)
    assert given_to_curl["args"][0] == "http://127.0.0.1:5647/api/logs"
    assert given_to_curl["args"][1:4] == ["-H", "Content-Type: application/json", "--data-raw"]
    assert parse_entry(decode_json(given_to_curl["args"][4]), 7, 0) == HARD


def test_curl_of_a_long_record_does_not_meet_the_limit_for_arguments(tmp_path: Any) -> None:
    """Linux takes 128 KiB an argument, an entry may have 256: then the body comes by stdin."""
    long = record("EOF\n" + "é'" * 60_000)
    given_to_curl = run_with_fake_curl(record_curl(long, URL), tmp_path)
    assert given_to_curl["args"][-2:] == ["--data-binary", "@-"]
    assert parse_entry(decode_json(given_to_curl["stdin"]), 7, 0) == long


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80))
def test_curl_is_one_command_whatever_the_message(message: str) -> None:
    """A POSIX shell sees six words, the last of them the entry."""
    one = record(message, source="s")
    words = shlex.split(record_curl(one, URL))
    assert len(words) == 6
    assert parse_entry(decode_json(words[5]), 7, 0) == one


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is\n", "as it is\n"),
        (502, "502"),
        (True, "true"),
        (None, "null"),
        ([], "[]"),
        ({}, "{}"),
        ({"a": [1]}, '{\n  "a": [\n    1\n  ]\n}'),
    ],
)
def test_a_value_is_copied_as_it_is_or_as_json(value: object, text: str) -> None:
    assert value_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (502, "http.status=502"),
        ("render-1182", "http.status=render-1182"),
        ("two words", 'http.status="two words"'),
        ('say "x"', r'http.status="say \"x\""'),
        ("", 'http.status=""'),
        ({"a": 1}, r'http.status="{\"a\":1}"'),
    ],
)
def test_a_pair_is_one_word(value: object, text: str) -> None:
    assert pair_text("http.status", value) == text


def test_the_button_copies_and_says_so_for_a_moment(qtbot: QtBot, qapp: Any) -> None:
    button = CopyButton("the command")
    qtbot.addWidget(button)
    button.set_text("<b>curl</b> …")
    assert button.accessibleName() == "Copy the command"
    button.click()
    assert qapp.clipboard().text() == "<b>curl</b> …"
    assert not qapp.clipboard().mimeData().hasHtml()
    assert button.text() == "Copied"
    qtbot.waitUntil(lambda: button.text() == "Copy", timeout=5_000)
