"""What others have put around a program's own line: a terminal's colours, Docker's JSON. Pure: no files, no formats."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from desktop_logs.core.escapes import clean
from desktop_logs.core.timestamps import parse_timestamp
from desktop_logs.core.wire import decode_json

ESCAPE: Final = "\x1b"
# ECMA-48: CSI with its parameters (colours, and what moves the cursor), and OSC (links, titles) up to BEL or ST.
_SEQUENCE: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,2000}(?:\x07|\x1b\\))")
_DOCKER_KEYS: Final = frozenset(("log", "stream", "time"))
_DOCKER_BEGINS: Final = '{"log":'
_STREAMS: Final = ("stdout", "stderr")


@dataclass(frozen=True, slots=True)
class Covered:
    """A line as its program wrote it."""

    line: str
    time_ns: int
    """When it was written."""
    beside: dict[str, Any]
    """What else was said of it, fit for a record's context: the stream, and labels if any."""


def bare(line: str) -> str:
    """*line* without the sequences that set colours or move the cursor of a terminal; all text stays."""
    return _SEQUENCE.sub("", line) if ESCAPE in line else line


def of_docker(line: str) -> Covered | None:
    """The line within *line*, as Docker's json-file driver keeps it (`{"log":"…\\n","stream":"stdout","time":"…"}`);
    None when it is another. Cheap for those.
    """
    if not line.startswith(_DOCKER_BEGINS):
        return None
    try:
        said = decode_json(line)
    except ValueError:
        return None
    if not isinstance(said, dict) or not said.keys() >= _DOCKER_KEYS or "message" in said or "msg" in said:
        return None
    text, time_ns, stream, attrs = said["log"], parse_timestamp(said["time"]), said["stream"], said.get("attrs")
    if not isinstance(text, str) or time_ns is None or "\n" in text[:-1] or stream not in _STREAMS:
        return None
    beside: dict[str, Any] = {"stream": stream}
    if isinstance(attrs, dict):
        beside["attrs"] = {clean(key): clean(value) for key, value in attrs.items() if isinstance(value, str)}
    return Covered(text.removesuffix("\n").removesuffix("\r"), time_ns, beside)
