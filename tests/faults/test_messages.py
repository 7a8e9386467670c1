"""What nobody should log is stored and exported safely, and reads back equal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from desktop_logs.core.safe_text import one_line
from desktop_logs.core.wire import MAX_ENTRY_BYTES, decode_json, parse_entry
from tests.support.hubs import HubProgram, balance, filed, stored
from tests.support.program import DESKTOP_LOGS

ODD = {
    "lone surrogate": "half \ud83d of a pair, and \udc00 the other",
    "nul": "before\x00after",
    "escape": "\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "bidi": "user \u202egnp.exe\u2066 and \u2069",
    "markup": "<script>alert(1)</script> &amp; =1+1",
    "lines": "one\ntwo\r\nthree\u2028four\u0085five",
    "emoji": "👩‍👩‍👧 ÅÅ ﬁ",
    "blank": " ",
    "10 MB": "x" * 10_000_000,
}


def test_odd_messages_are_stored_exported_and_read_back_equal(tmp_path: Path) -> None:
    with HubProgram(tmp_path) as hub:
        for name, message in ODD.items():
            status, told = hub.post([{"message": message, "context": {"source": name, "value": message[:1_000]}}])
            assert (status, told["accepted"]) == (200, 1), name
        assert balance(hub.settled()) == 0
        exported = tmp_path / "all.jsonl"
        for style in ("csv", "text", "html"):
            export(tmp_path, tmp_path / f"all.{style}", style)
        export(tmp_path, exported, "jsonl")
        hub.stop()

    kept = {source: (message, context) for source, message, context in stored(tmp_path, "source, message, context")}
    assert kept.keys() == ODD.keys()
    assert len(kept["10 MB"][0].encode()) <= MAX_ENTRY_BYTES
    assert "10,000,000 bytes came" in kept["10 MB"][0]
    for name in ("markup", "lines", "emoji", "bidi", "escape", "blank"):
        assert kept[name][0] == ODD[name]
    assert "\x00" not in "".join(kept["nul"])
    lines = exported.read_bytes().splitlines()
    assert [json.loads(line) for line in lines] == filed(tmp_path)
    for line in lines:
        record = parse_entry(decode_json(line), 1, 0)
        assert (record.message, record.context) == kept[record.source]

    page = (tmp_path / "all.html").read_text("utf-8")
    assert "<script" not in page
    for text in (page, (tmp_path / "all.text").read_text("utf-8")):
        assert not {"\x1b", "\x00", "\u202e", "\u2066"} & set(text)


def test_odd_messages_are_found_and_printed_without_being_obeyed(tmp_path: Path) -> None:
    with HubProgram(tmp_path) as hub:
        hub.post(
            [{"message": message, "context": {"source": name}} for name, message in ODD.items() if name != "10 MB"]
        )
        hub.stop()
    ran = subprocess.run(
        [DESKTOP_LOGS, "search", "source:escape", "--data-dir", tmp_path], capture_output=True, timeout=60, check=True
    )
    assert b"\x1b" not in ran.stdout
    assert one_line("\x1b[31mred").encode() in ran.stdout


def export(data_dir: Path, out: Path, style: str) -> None:
    """`desktop-logs export`, with the hub running."""
    command = [sys.executable, "-m", "desktop_logs", "export", out, "--format", style, "--data-dir", data_dir]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
