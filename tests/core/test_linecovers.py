"""What others have put around a program's own line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.linecovers import Covered, bare, of_docker


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("\x1b[1;31mred\x1b[0m and \x1b[38;5;208mmore\x1b[K", "red and more"),
        ("\x1b[2K\x1b[1G[vite] hmr", "[vite] hmr"),
        ("\x1b]8;;http://localhost/\x1b\\here\x1b]8;;\x07", "here"),
        ("no end \x1b[31", "no end \x1b[31"),
        ("a lone \x1b stays to be seen", "a lone \x1b stays to be seen"),
    ],
)
def test_sequences_of_a_terminal_go_and_text_stays(line: str, text: str) -> None:
    assert bare(line) == text


@given(st.text())
def test_a_line_without_an_escape_stays_as_it_is(line: str) -> None:
    assert bare(line.replace("\x1b", "")) == line.replace("\x1b", "")


def test_the_line_in_dockers_file_comes_with_its_time_and_stream() -> None:
    line = r'{"log":"ready\r\n","stream":"stderr","attrs":{"tag":"web","n":1},"time":"1970-01-01T00:00:01.000000002Z"}'
    assert of_docker(line) == Covered("ready", 1_000_000_002, {"stream": "stderr", "attrs": {"tag": "web"}})


@pytest.mark.parametrize(
    "line",
    [
        "",
        "text",
        '{"log":"not whole',
        '{"log":"no time","stream":"stdout"}',
        '{"log":"no such time","stream":"stdout","time":"soon"}',
        '{"log":1,"stream":"stdout","time":"2026-11-20T10:15:30Z"}',
        '{"log":"another\'s","stream":"orders","time":"2026-11-20T10:15:30Z"}',
        '{"log":"another\'s","stream":"stdout","time":"2026-11-20T10:15:30Z","message":"has one"}',
        r'{"log":"two\nlines\n","stream":"stdout","time":"2026-11-20T10:15:30Z"}',
    ],
)
def test_what_is_not_dockers_is_left_alone(line: str) -> None:
    assert of_docker(line) is None
