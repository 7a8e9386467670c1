"""`setup_logging`: what one call gives, what a second one replaces, and what `close` gives back."""

from __future__ import annotations

import json
import logging
import logging.config
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import socketio

from desktop_logs import BroadcastHandler, LogSettings, setup_logging
from desktop_logs.core.errors import SettingsError
from desktop_logs.core.wire import encode_entry, parse_entry
from desktop_logs.handlers.files import RotatingFilesHandler
from desktop_logs.handlers.setup import LoggingSetup
from tests.handlers.fake_hub import FakeHub

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger outside of logging's tree, where pytest's own handlers do not listen."""
    own = logging.Logger("setup.test")
    yield own
    for handler in list(own.handlers):
        owner = getattr(handler, "desktop_logs_setup", None)
        if isinstance(owner, LoggingSetup):
            owner.close()
    assert own.handlers == []


def lines(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.glob(f"{kind}-*.log")) for line in path.read_text().splitlines()]


def test_one_call_gives_console_files_hub_and_broadcast(
    logger: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sio = socketio.AsyncServer(async_mode="aiohttp")
    with FakeHub() as hub:
        made = setup_logging(source="api", url=hub.url, broadcast=sio, log_dir=tmp_path, logger=logger)
        logger.debug("below the level")
        logger.info("hello", extra={"user": 42})
        logger.error("broken\x1b[31m")
        assert made.broadcast is not None
        assert [entry["message"] for entry in made.broadcast.cached_logs()] == ["broken\x1b[31m", "hello"]
        made.close()
        assert hub.messages() == ["hello", "broken\x1b[31m"]
    assert [entry["message"] for entry in lines(tmp_path, "application")] == ["hello", "broken\x1b[31m"]
    assert [entry["message"] for entry in lines(tmp_path, "errors")] == ["broken\x1b[31m"]
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith(" INFO     setup.test: hello")
    assert second.endswith(" ERROR    setup.test: broken⟨ESC⟩[31m")
    assert "requestLogs" not in sio.handlers.get("/", {})
    assert logger.handlers == []


def test_the_files_hold_what_a_hub_would_write(logger: logging.Logger, tmp_path: Path) -> None:
    made = setup_logging(console=False, log_dir=tmp_path, logger=logger)
    logger.warning("%d items", 3, extra={"order": {"sku": "a"}})
    made.close()
    (path,) = tmp_path.glob("application-*.log")
    line = path.read_bytes().rstrip(b"\n")
    entry = json.loads(line)
    assert encode_entry(parse_entry(entry, 7, 0)) == line
    assert list(entry) == ["timestamp", "level", "message", "context", "id"]
    assert (entry["level"], entry["message"]) == ("warning", "3 items")
    assert entry["context"]["source"] == "setup.test"
    assert entry["context"]["order"] == {"sku": "a"}


def test_calling_it_again_replaces_and_doubles_nothing(
    logger: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sio = socketio.AsyncServer(async_mode="aiohttp")
    setup_logging(log_dir=tmp_path, logger=logger, broadcast=sio)
    made = setup_logging(log_dir=tmp_path, logger=logger, broadcast=sio)
    logger.info("once")
    assert "requestLogs" in sio.handlers["/"]
    made.close()
    made.close()
    assert capsys.readouterr().err.count("once") == 1
    assert len(lines(tmp_path, "application")) == 1


def test_settings_change_while_running(
    logger: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = setup_logging(
        level="debug",
        log_dir=tmp_path,
        logger=logger,
        settings=LogSettings(console=True, console_level="error", file_level="error"),
    )
    logger.info("one")
    made.configure(console_level="debug", file_level="debug")
    logger.debug("two")
    made.settings = made.settings.changed(console=False, files=False)
    logger.error("three")
    made.configure(console=True, files=True)
    logger.info("four")
    with pytest.raises(SettingsError):
        made.configure(console_level="loud")
    assert made.settings.console_level == "debug"
    made.close()
    err = capsys.readouterr().err
    assert [line.split(": ")[1] for line in err.splitlines()] == ["two", "four"]
    assert [entry["message"] for entry in lines(tmp_path, "application")] == ["two", "four"]


def test_console_and_files_can_be_left_out(
    logger: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And then logging's handler of last resort is silent too."""
    made = setup_logging(console=False, files=False, log_dir=tmp_path / "logs", logger=logger)
    logger.error("x")
    made.close()
    assert capsys.readouterr().err == ""
    assert not (tmp_path / "logs").exists()


def test_a_broadcast_handler_of_the_programs_own_stays_its_own(logger: logging.Logger, tmp_path: Path) -> None:
    own = BroadcastHandler()
    made = setup_logging(console=False, files=False, broadcast=own, logger=logger)
    logger.info("x")
    made.close()
    own.handle(logging.makeLogRecord({"msg": "still open", "levelno": 20, "levelname": "INFO"}))
    assert [entry["message"] for entry in own.cached_logs()] == ["still open", "x"]
    own.close()


@pytest.mark.parametrize("options", [{"settings": {"nope": 1}}, {"log_dir": 3}, {"level": "loud"}])
def test_files_that_cannot_be_leave_no_handler_behind(options: dict[str, Any]) -> None:
    """logging.shutdown would meet a half-built one, and close no other after it."""
    with pytest.raises((SettingsError, TypeError, ValueError)) as kept:
        RotatingFilesHandler(**options)
    assert not [one for one in logging._handlerList if isinstance(one(), RotatingFilesHandler)]  # type: ignore[attr-defined]
    assert kept.value


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"level": "loud"}, ValueError, "'loud' is not a level of Python's logging"),
        ({"url": "localhost"}, ValueError, "looks like http"),
        ({"broadcast": 3}, TypeError, "not int"),
    ],
)
def test_a_wrong_argument_changes_nothing(
    logger: logging.Logger, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    before = sys.excepthook
    with pytest.raises(error, match=words):
        setup_logging(logger=logger, **options)
    assert logger.handlers == []
    assert sys.excepthook is before


def test_a_folder_that_cannot_be_written_is_said_once_and_counted(
    logger: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").write_text("a file stands here")
    made = setup_logging(console=False, log_dir=tmp_path / "logs", logger=logger)
    for number in range(5):
        logger.info("%d", number)
    made.close()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"desktop-logs: log records were not written to {tmp_path / 'logs'}: Cannot write")
    assert made.stats()["files"] == {"written": 0, "lost": 5, "queued": 0}


def test_dict_config_names_the_files_by_their_class(tmp_path: Path) -> None:
    config = {
        "class": "desktop_logs.handlers.files.RotatingFilesHandler",
        "log_dir": str(tmp_path),
        "settings": {"file_level": "warn"},
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"files": config},
            "loggers": {"setup.dict": {"handlers": ["files"], "level": "DEBUG", "propagate": False}},
        }
    )
    named = logging.getLogger("setup.dict")
    handler = next(one for one in named.handlers if isinstance(one, RotatingFilesHandler))
    named.info("low")
    named.warning("high")
    handler.flush()
    assert [entry["message"] for entry in lines(tmp_path, "application")] == ["high"]
    named.removeHandler(handler)
    handler.close()
    named.error("closed")
    handler.emit(logging.makeLogRecord({"msg": "closed"}))
    assert handler.stats() == {"written": 2, "lost": 0, "queued": 0}


def test_eight_threads_write_in_order(logger: logging.Logger, tmp_path: Path) -> None:
    made = setup_logging(console=False, log_dir=tmp_path, logger=logger)

    def work(thread: int) -> None:
        for number in range(100):
            logger.info("%d", number, extra={"worker": thread})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made.close()
    written = lines(tmp_path, "application")
    assert len({entry["id"] for entry in written}) == 800
    for thread in range(8):
        own = [entry["message"] for entry in written if entry["context"]["worker"] == thread]
        assert own == [str(number) for number in range(100)]


# --- uncaught exceptions, each in a program of its own


def run(code: str, folder: Path, returncode: int = 0) -> tuple[str, list[dict[str, Any]]]:
    """What the program said on stderr, and the entries of its application log."""
    done = subprocess.run(
        [sys.executable, "-c", "import desktop_logs, threading, sys, os\n" + textwrap.dedent(code)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=30,
        env={"LOGS": str(folder), "PATH": "", "PYTHONPATH": str(CHECKOUT)},
    )
    assert done.returncode == returncode, done.stderr
    return done.stderr, lines(folder, "application")


@pytest.mark.parametrize("console", [True, False])
def test_an_uncaught_exception_is_logged_and_printed_once(tmp_path: Path, console: bool) -> None:
    code = f"desktop_logs.setup_logging(log_dir=os.environ['LOGS'], console={console}); raise ValueError('boom')"
    stderr, (entry,) = run(code, tmp_path, returncode=1)
    assert entry["message"] == "Uncaught exception: ValueError: boom"
    assert entry["level"] == "critical"
    assert entry["context"]["traceback"].endswith("ValueError: boom")
    assert stderr.count("Traceback (most recent call last)") == 1
    assert ("CRITICAL root: Uncaught exception" in stderr) is console


@pytest.mark.parametrize("console_level", ["fatal", "error", "info"])
def test_an_uncaught_exception_is_printed_once_whatever_the_consoles_level(tmp_path: Path, console_level: str) -> None:
    """An ignored one is an error only, which a console at `fatal` does not show: then Python's own hook does."""
    stderr, entries = run(
        f"""
        settings = desktop_logs.LogSettings(console=True, files=True, console_level={console_level!r})
        desktop_logs.setup_logging(log_dir=os.environ["LOGS"], settings=settings)
        class Thing:
            def __del__(self): raise RuntimeError("in del")
        Thing()
        raise ValueError("boom")
        """,
        tmp_path,
        returncode=1,
    )
    assert len(entries) == 2
    assert stderr.count("Traceback (most recent call last)") == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_writes_with_a_thread_of_its_own(tmp_path: Path) -> None:
    _, entries = run(
        """
        import logging, socketio
        made = desktop_logs.setup_logging(log_dir=os.environ["LOGS"], console=False,
                                          broadcast=socketio.Server(async_mode="threading"))
        logging.info("parent")
        child = os.fork()
        if child == 0:
            logging.info("child")
            for handler in logging.getLogger().handlers:
                handler.flush()
            assert made.stats()["files"] == dict(written=1, lost=0, queued=0), made.stats()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        logging.info("after")
        """,
        tmp_path,
    )
    assert sorted(entry["message"] for entry in entries) == ["after", "child", "parent"]


def test_threads_finalizers_and_tasks_are_heard_too(tmp_path: Path) -> None:
    stderr, entries = run(
        """
        import asyncio
        desktop_logs.setup_logging(log_dir=os.environ["LOGS"])
        thread = threading.Thread(target=lambda: 1 / 0, name="worker")
        thread.start()
        thread.join()
        class Thing:
            def __del__(self): raise RuntimeError("in del")
        Thing()
        async def main():
            asyncio.get_running_loop().call_soon(lambda: {}["key"])
            await asyncio.sleep(0.01)
        asyncio.run(main())
        """,
        tmp_path,
    )
    told = [(entry["level"], entry["message"].splitlines()[0]) for entry in entries]
    assert told[0] == ("critical", "Uncaught exception in thread worker: ZeroDivisionError: division by zero")
    assert told[1] == ("error", "Exception ignored in: function: RuntimeError: in del")
    assert told[2][0] == "error"
    assert "Exception in callback" in told[2][1]
    assert all("traceback" in entry["context"] for entry in entries)
    assert stderr.count("Traceback (most recent call last)") == 3


def test_anothers_hook_is_called_too_and_keyboard_interrupt_passes(tmp_path: Path) -> None:
    code = """
        sys.excepthook = lambda kind, error, trace: print("tracker:", kind.__name__, file=sys.stderr)
        desktop_logs.setup_logging(log_dir=os.environ["LOGS"], console=False)
        raise {}
        """
    stderr, entries = run(code.format("ValueError"), tmp_path / "one", returncode=1)
    assert stderr == "tracker: ValueError\n"
    assert len(entries) == 1
    done = subprocess.run(
        [sys.executable, "-c", "import desktop_logs, sys, os\n" + textwrap.dedent(code.format("KeyboardInterrupt"))],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=30,
        env={"LOGS": str(tmp_path / "two"), "PATH": "", "PYTHONPATH": str(CHECKOUT)},
    )
    assert done.stderr == "tracker: KeyboardInterrupt\n"
    assert lines(tmp_path / "two", "application") == []


def test_closing_gives_the_hooks_back(logger: logging.Logger, tmp_path: Path) -> None:
    before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    made = setup_logging(console=False, files=False, logger=logger)
    setup_logging(console=False, files=False, logger=logger, capture_exceptions=False)
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before
    made.close()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before


def test_a_hook_that_was_wrapped_since_stays_and_passes_on(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: passed.append(kind))
    made = setup_logging(console=False, files=False, logger=logger)
    ours = sys.excepthook
    sys.excepthook = lambda *what: ours(*what)
    made.close()
    sys.excepthook(ValueError, ValueError("x"), None)
    assert passed == [ValueError]


def test_an_object_that_logs_itself_comes_to_an_end_on_the_console_too(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    class Endless:
        def __str__(self) -> str:
            logger.info("%s", self)
            return "endless"

    made = setup_logging(files=False, logger=logger)
    logger.info("%s", Endless())
    made.close()
    assert 1 <= capsys.readouterr().err.count("endless") <= 3
