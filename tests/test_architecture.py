"""The rules of design.md, "The house", held by reading every module's imports: lazy ones and those for types too."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.program import Program

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "desktop_logs"
PROJECT = PACKAGE.name


@dataclass(frozen=True, slots=True)
class Room:
    """What the modules of a room may import beside the room itself. Names stand for what is below them too."""

    of_project: frozenset[str]
    of_others: frozenset[str]
    not_of_python: frozenset[str] = frozenset()


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SOCKETS = "socket socketserver ssl select selectors asyncio http ftplib smtplib urllib.request wsgiref xmlrpc"
_PROCESSES = "subprocess multiprocessing threading _thread queue signal"
_FILES = "os pathlib tempfile shutil glob fileinput gzip zipfile tarfile sqlite3 dbm shelve"
_CLOCKS_AND_CHANCE = "time sched random secrets uuid"

ROOMS = {
    "core": Room(
        _names(""), _names("msgspec regex"), _names(f"{_SOCKETS} {_PROCESSES} {_FILES} {_CLOCKS_AND_CHANCE} logging")
    ),
    "storage": Room(_names("core"), _names(""), _names(_SOCKETS)),
    "net": Room(_names("core tasks"), _names("socketio engineio aiohttp msgspec truststore"), _names("sqlite3")),
    "ui": Room(_names("core tasks assets partfile"), _names("PySide6 qasync msgspec"), _names("sqlite3 socket http")),
    # What other programs import: a handler must not bring a server or Qt into them.
    "handlers": Room(_names("core storage"), _names("")),
}
"""The folders. Python's own modules are allowed except those named last: I/O, threads and clocks in core, say."""

PUTS_A_WINDOW_TOGETHER = _names("app crashoffer laterstarts localtab oneinstance openings signalwaker windows")
"""The modules beside the folders that may import `ui` and Qt; the others are for the command line, and may not."""

SENDING_MAY_LOAD = re.compile(r"desktop_logs(\.handlers(\.\w+)?|\.core(\.(levels|escapes))?)?")
"""What of the project the handler that sends may load: it costs a program the standard library and no more."""

NO_PRINT = ("core", "storage", "net", "ui", "handlers")
NO_CLOCK = ("core",)


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module, by its whole name."""

    module: str
    line: int
    top_level: bool


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    """The folder's name, or the module's own for those that lie beside the folders."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


def tree_of(path: Path) -> ast.Module:
    # Read anew each time, in 5 ms: to keep the trees of all modules costs each test 200 ms, which looks for garbage.
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports_of(path: Path) -> list[Import]:
    tree = tree_of(path)
    at_top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            names = [_module_named(node.module or "", alias.name) for alias in node.names]
        else:
            continue
        found += [Import(name, node.lineno, id(node) in at_top) for name in dict.fromkeys(names)]
    return found


def _module_named(package: str, name: str) -> str:
    """What `from package import name` imports: the module of that name, or the package when it is a name in there."""
    place = ROOT.joinpath(*package.split("."), name)
    is_module = place.with_suffix(".py").exists() or place.is_dir()
    return f"{package}.{name}" if package.split(".")[0] == PROJECT and is_module else package


def _is_below(module: str, names: frozenset[str]) -> bool:
    parts = module.split(".")
    return any(".".join(parts[:length]) in names for length in range(1, len(parts) + 1))


def faults(path: Path) -> Iterator[str]:
    """Each import of *path* that its room forbids, as a sentence."""
    room = room_of(path)
    rule = ROOMS.get(room)
    for found in imports_of(path):
        first, _, below = found.module.partition(".")
        where = f"{path.relative_to(ROOT)}:{found.line}: {room} must not import {found.module}"
        if rule is None:
            # The programs: everything is theirs, but Qt only where a window is put together.
            is_window = first in ("PySide6", "qasync") or below.split(".")[0] in ("ui", *PUTS_A_WINDOW_TOGETHER)
            if is_window and room not in PUTS_A_WINDOW_TOGETHER and not (room == "cli" and not found.top_level):
                yield where
        elif first == PROJECT:
            # The package itself holds the version and nothing else that could be used.
            if below and not _is_below(below, rule.of_project | {room}):
                yield where
        elif first in sys.stdlib_module_names:
            if _is_below(found.module, rule.not_of_python):
                yield where
        elif not _is_below(found.module, rule.of_others):
            yield where


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_what_its_room_may(path: Path):
    assert list(faults(path)) == []


@pytest.mark.parametrize(
    ("file", "text", "forbidden"),
    [
        ("core/a.py", "import asyncio", "asyncio"),
        ("core/a.py", "def f():\n    from os import path", "os"),
        ("core/a.py", "if TYPE_CHECKING:\n    import desktop_logs.net.server", "desktop_logs.net.server"),
        ("core/a.py", "from desktop_logs import tasks", "desktop_logs.tasks"),
        ("core/a.py", "import aiohttp.web", "aiohttp.web"),
        ("storage/a.py", "from PySide6.QtCore import Qt", "PySide6.QtCore"),
        ("net/a.py", "from desktop_logs import storage", "desktop_logs.storage"),
        ("handlers/a.py", "import socketio", "socketio"),
        ("serve.py", "def f():\n    import desktop_logs.ui.window", "desktop_logs.ui.window"),
        ("cli.py", "import desktop_logs.app", "desktop_logs.app"),
        ("cli.py", "def f():\n    import desktop_logs.app", None),
        ("app.py", "import desktop_logs.ui.window, PySide6.QtCore, qasync", None),
        ("ui/a.py", "import desktop_logs.core.wire, desktop_logs.ui.b, desktop_logs.tasks, PySide6, asyncio, os", None),
        ("core/a.py", "import re, collections.abc, msgspec, concurrent.futures, urllib.parse", None),
    ],
)
def test_the_rules_bite(monkeypatch, tmp_path: Path, file: str, text: str, forbidden: str | None):
    for name in ("net", "core", "storage"):
        (tmp_path / PROJECT / name).mkdir(parents=True)
    (tmp_path / PROJECT / "tasks.py").touch()
    path = tmp_path / PROJECT / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / PROJECT)
    assert [fault.rpartition(" ")[2] for fault in faults(path)] == ([forbidden] if forbidden else [])


def test_every_folder_of_the_package_has_its_rule():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert folders == set(ROOMS)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_says_in_its_first_line_what_lives_there(path: Path):
    tree = tree_of(path)
    assert ast.get_docstring(tree), f"{path} has no docstring"
    assert tree.body[0].lineno == 1


def _calls(path: Path) -> Iterator[tuple[str, int]]:
    """What is called in *path*, as `name` or `thing.name`, with the line."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node.lineno


@pytest.mark.parametrize("path", [path for path in modules() if room_of(path) in NO_PRINT], ids=str)
def test_only_the_command_line_prints(path: Path):
    assert [line for called, line in _calls(path) if called == "print"] == []


@pytest.mark.parametrize("path", [path for path in modules() if room_of(path) in NO_CLOCK], ids=str)
def test_core_asks_no_clock(path: Path):
    asked = re.compile(r"(^|\.)(now|utcnow|today|localtime)$")
    assert [f"{called} in line {line}" for called, line in _calls(path) if asked.search(called)] == []


# --- what is loaded when it runs ------------------------------------------------------------------------------------


def loaded_by(code: str) -> set[str]:
    """The modules that are loaded once *code* has run in a Python of its own."""
    command = [sys.executable, "-c", f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    ["import desktop_logs.handlers.sending", "from desktop_logs import DesktopLogsHandler"],
)
def test_the_handler_that_sends_loads_the_standard_library_only(code: str):
    loaded = loaded_by(code) - loaded_by("pass")
    others = {name for name in loaded if name.split(".")[0] not in (*sys.stdlib_module_names, PROJECT)}
    assert others == set()
    assert {name for name in loaded if name.split(".")[0] == PROJECT and not SENDING_MAY_LOAD.fullmatch(name)} == set()


def _loads_qt(program: Program) -> bool:
    """Whether `-X importtime`, which names every module as it is loaded, has named Qt's."""
    return any(re.search(r"\|\s*(PySide6|shiboken6|qasync|desktop_logs\.(ui|app))\b", line) for line in program.stderr)


def test_headless_commands_never_load_qt(start: Callable[..., Program], tmp_path: Path):
    def command(*arguments: str) -> Program:
        return start([sys.executable, "-X", "importtime", "-m", PROJECT, *arguments])

    hub = command("serve", "--port", "0", "--data-dir", str(tmp_path / "data"))
    url = re.sub(r".*(http://\S+).*", r"\1", hub.line_with("listening on http://"))
    said = {"send": ("send", url, "hello"), "stats": ("stats", url), "tail": ("tail", url, "--no-follow")}
    for name, arguments in said.items():
        program = command(*arguments)
        assert program.wait() == 0, program.stdout
        assert any("desktop_logs" in line for line in program.stderr), f"{name}: no import was named"
        assert not _loads_qt(program), name
    hub.end()
    assert not _loads_qt(hub)


def test_help_of_every_command_loads_neither_qt_nor_a_server():
    for name in ("", "serve", "tail", "send", "search", "export", "stats", "tokens", "install-desktop"):
        arguments = [name, "--help"] if name else ["--help"]
        code = f"import desktop_logs.cli\ntry: desktop_logs.cli.main({arguments})\nexcept SystemExit: pass"
        assert {"PySide6", "aiohttp", "socketio"} & loaded_by(code) == set(), name


def test_a_window_is_put_together_before_the_network_and_the_reader_of_files_are_loaded():
    later = {"aiohttp", "socketio", "engineio", "requests", "desktop_logs.filefeed", "desktop_logs.core.logtext"}
    assert later & loaded_by("import desktop_logs.app") == set()
