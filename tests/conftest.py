"""What holds for every test: no screen, a home of its own, no failure in the background that goes unheard."""

from __future__ import annotations

import gc
import itertools
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

_USERS_ENVIRONMENT = dict(os.environ)

# Before anything imports Qt: pytest-qt asks for it when the first test is set up.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_API"] = "pyside6"
# Qt warns about any locale that is not UTF-8, and a warning of Qt fails a test.
os.environ["LC_ALL"] = "C.UTF-8"
for _name in ("DISPLAY", "WAYLAND_DISPLAY", "PYTHONPATH", *(name for name in os.environ if name.startswith("XDG_"))):
    os.environ.pop(_name, None)

from PySide6.QtCore import QCoreApplication, QEvent  # noqa: E402
from pytestqt.qtbot import QtBot  # noqa: E402 (imports Qt)

from tests.support.display import Display  # noqa: E402 (imports Qt)
from tests.support.node import NodeProgram  # noqa: E402
from tests.support.program import Program  # noqa: E402

# The same examples each time, however slow the machine: what is wrong fails for whoever made it so, and nobody else.
# `make soak` looks further, by chance: `-m hypothesis --hypothesis-profile chance`.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("suite", _UNTIMED, derandomize=True)
settings.register_profile("chance", _UNTIMED, max_examples=1_000)
settings.load_profile("suite")

_HOMES = pytest.StashKey[Path]()
_FILE = pytest.StashKey[Path]()
_HEARD = pytest.StashKey["_Heard"]()
QT_WAIT_MS = 20_000
_NUMBERS = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips",
        action="store_true",
        help="fail when a test was skipped, or is expected to fail and does not say why",
    )


# --- a home for each test ---------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    # A warning of Qt fails a test; these tell only that there is no screen.
    config.addinivalue_line("qt_log_ignore", r"^This plugin does not support (propagateSizeHints|raise|grab)")
    homes = Path(tempfile.mkdtemp(prefix="desktop-logs-homes-"))
    config.stash[_HOMES] = homes
    _move_in(homes, "session")
    # Qt wants one, for this user alone. Short, for it is the path of sockets, which end at 107 bytes.
    runtime = homes / "run"
    runtime.mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(config.stash[_HOMES], ignore_errors=True)


def _move_in(homes: Path, name: str) -> None:
    """Make a new, empty home the user's."""
    home = homes / name
    home.mkdir()
    os.environ["HOME"] = str(home)


@pytest.fixture
def home() -> Path:
    """The home folder of this test, empty at its start. Every test has one; this only says where."""
    return Path(os.environ["HOME"])


@pytest.fixture(scope="session")
def users_environment() -> dict[str, str]:
    """The environment of whoever runs the tests, for what is no test of the program: in their home pip has its settings
    (a proxy, an index of packages) and its cache."""
    return dict(_USERS_ENVIRONMENT)


# --- no failure unheard -----------------------------------------------------------------------------------------


class _Heard(logging.Handler):
    """Errors that asyncio and qasync could only log: an exception in a task or callback that nobody waited for."""

    _LOGGERS = ("asyncio", "qasync")

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))

    def attach(self) -> None:
        for name in self._LOGGERS:
            logging.getLogger(name).addHandler(self)

    def detach(self) -> None:
        for name in self._LOGGERS:
            logging.getLogger(name).removeHandler(self)


def _settle() -> None:
    """What is there now stays; without this a collection takes not 1 ms but 60, and each test has one."""
    gc.collect()
    gc.freeze()


def pytest_collection_finish() -> None:
    _settle()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    # Hooks and not fixtures: nothing to ask for, and in force before the first and after the last fixture.
    if item.path != item.config.stash.get(_FILE, None):
        # Not after each test: what was its own is held until the next one begins.
        item.config.stash[_FILE] = item.path
        _settle()
    _move_in(item.config.stash[_HOMES], str(next(_NUMBERS)))
    item.stash[_HEARD] = _Heard()
    item.stash[_HEARD].attach()
    yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    heard = item.stash[_HEARD]
    try:
        yield
        # A task tells of its exception when it is freed, and tasks are freed late: they stand in cycles.
        gc.collect()
    finally:
        heard.detach()
    if heard.texts:
        pytest.fail("in the background: " + "\n".join(heard.texts), pytrace=False)


@pytest.fixture
def background_errors(request: pytest.FixtureRequest) -> list[str]:
    """What asyncio and qasync have logged as errors; a test that provokes one asserts on it and clears the list."""
    return request.node.stash[_HEARD].texts


# --- no test left out -------------------------------------------------------------------------------------------


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for what in _left_out(config):
        terminalreporter.write_line(f"--no-skips: {what}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.OK and _left_out(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _left_out(config: pytest.Config) -> list[str]:
    """With --no-skips, the tests that did not count; the terminal's own record of them, modules included."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not config.getoption("--no-skips"):
        return []
    skipped = [f"{report.nodeid} was skipped" for report in reporter.stats.get("skipped", [])]
    excused = [
        f"{report.nodeid} is expected to fail, and does not say why"
        for report in reporter.stats.get("xfailed", [])
        if not report.wasxfail.removeprefix("reason: ").strip()
    ]
    return skipped + excused


# --- a window -----------------------------------------------------------------------------------------------------


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Run a coroutine on the loop that the window has (desktops.Run)."""
    from tests.support.desktops import window_loop  # loads all of the window, which few tests want

    with window_loop(request.getfixturevalue("qapp")) as to_end:
        yield to_end


@pytest.fixture
def qtbot(qapp: Any, request: pytest.FixtureRequest) -> Iterator[QtBot]:
    """pytest-qt's, which waits longer before it gives up: 5 s of a busy machine are little."""
    yield _PatientQtBot(request)
    # It asks for its widgets to be deleted later, which is when a loop turns that none does. Until then each new theme
    # is put on those of all tests before, 2,000 at last, in a second.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


class _PatientQtBot(QtBot):
    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = QT_WAIT_MS) -> None:
        super().waitUntil(callback, timeout=timeout)

    def waitSignal(self, signal: Any, *, timeout: int = QT_WAIT_MS, **how: Any) -> Any:
        return super().waitSignal(signal, timeout=timeout, **how)

    def waitSignals(self, signals: Any, *, timeout: int = QT_WAIT_MS, **how: Any) -> Any:
        return super().waitSignals(signals, timeout=timeout, **how)


# --- programs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """`start(command, env=…, cwd=…)` starts a program; all of them have ended when the test has."""
    started: list[Program] = []

    def run(command: list[str | Path], **how: Any) -> Program:
        started.append(Program(command, **how))
        return started[-1]

    yield run
    for program in reversed(started):
        program.end()


@pytest.fixture
def node() -> Iterator[Callable[..., NodeProgram]]:
    """`node("viewer.js", url)` starts a script of tests/node; all of them have ended when the test has."""
    started: list[NodeProgram] = []

    def run(script: str, *arguments: str | Path) -> NodeProgram:
        started.append(NodeProgram(script, *arguments))
        return started[-1]

    yield run
    for program in reversed(started):
        program.end()


@pytest.fixture(scope="session")
def display(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Display]:
    """A virtual X display with a window manager, one for the whole run."""
    running = Display(tmp_path_factory.mktemp("display"))
    yield running
    running.stop()
