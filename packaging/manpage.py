"""Writes the manual page desktop-logs(1) out of what the commands say under --help, so that it cannot say otherwise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 80
"""Columns of the lists of options; the rest is filled by who shows the page."""


def page(version: str, day: str) -> str:
    """The page in roff's man macros, for *version* as released on *day* (2026-11-23)."""
    helps = {"": help_of("")}
    commands = re.search(r"^commands:\n((?: .*\n)+)", helps[""], re.MULTILINE)
    assert commands, "the help of desktop-logs lists no commands"
    for name in re.findall(r"^  ([a-z][a-z-]*) ", commands[1], re.MULTILINE):
        helps[name] = help_of(name)
    parts = [
        f'.TH DESKTOP\\-LOGS 1 {day} "Desktop Logs {version}" "User Commands"',
        ".SH NAME",
        "desktop\\-logs \\- one window for the live logs of everything you run",
        ".SH SYNOPSIS",
        *[line for text in helps.values() for line in _usage(text)],
        ".SH DESCRIPTION",
        *_body(helps.pop("")),
        ".SH COMMANDS",
    ]
    for name, text in helps.items():
        parts += [f".SS {_escaped(name)}", *_body(text)]
    parts += [
        ".SH ENVIRONMENT",
        ".TP",
        ".B DESKTOP_LOGS_TOKEN",
        "The token for the server that is named on the command line.",
        ".SH FILES",
        ".TP",
        ".I ~/.local/share/desktop\\-logs/",
        "Logs, history, settings, tokens and reports of faults, unless \\-\\-data\\-dir names another folder.",
    ]
    return "\n".join(parts) + "\n"


def help_of(command: str) -> str:
    """What `desktop-logs COMMAND --help` prints; of the window for an empty one."""
    words = [sys.executable, "-m", "desktop_logs", *([command] if command else []), "--help"]
    environment = {**os.environ, "COLUMNS": str(WIDTH), "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
    return subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=True).stdout


def _usage(text: str) -> list[str]:
    """The lines above the first blank one, as they are."""
    lines = text.split("\n\n", 1)[0].removeprefix("usage: ").splitlines()
    return [".nf", *(_escaped(line.removeprefix(" " * len("usage: "))) for line in lines), ".fi"]


def _body(text: str) -> list[str]:
    """What comes after the usage: sentences are filled, what is indented stands as it is, under its heading in bold."""
    lines = text.split("\n\n", 1)[1].splitlines()
    out, is_verbatim = [".PP"], False
    for number, line in enumerate(lines):
        indented = line.startswith(" ")
        if indented != is_verbatim and line:
            out.append(".nf" if indented else ".fi")
            is_verbatim = indented
        is_heading = line.endswith(":") and not indented and lines[number + 1 : number + 2] != [""]
        if is_heading:
            out += [".PP", f".B {_escaped(line)}"]
        elif line:
            out.append(_escaped(line))
        elif lines[number + 1 : number + 2] != [""]:
            out.append(".PP")
    return out + [".fi"] * is_verbatim


def _escaped(line: str) -> str:
    """*line* as text: no macro, no escape, and each hyphen one that can be copied."""
    line = line.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + line if line.startswith((".", "'")) else line


if __name__ == "__main__":
    sys.stdout.write(page(sys.argv[1], sys.argv[2]))
