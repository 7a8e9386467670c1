"""What the sending handler costs a program at its start, in its forks and at its exit; each in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.handlers.fake_hub import FakeHub, Reply

CHECKOUT = Path(__file__).parents[2]
PRELUDE = """
import atexit, logging, os, sys, threading, time
from desktop_logs import DesktopLogsHandler
log = logging.getLogger("shop")
log.setLevel(logging.DEBUG)
def to(url, **options):
    handler = DesktopLogsHandler(url, **options)
    log.addHandler(handler)
    return handler
"""


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


def run(code: str, *, before: str = "", timeout_s: float = 30.0) -> subprocess.CompletedProcess[str]:
    """Run *before*, the prelude and *code* in a Python that turns warnings into errors; it must end well."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", before + PRELUDE + textwrap.dedent(code)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    assert done.returncode == 0, done.stderr
    return done


def test_importing_it_imports_nothing_big() -> None:
    done = run(
        """
        big = {"msgspec", "socketio", "engineio", "aiohttp", "PySide6", "asyncio", "qasync", "platformdirs"}
        print(sorted(big & {name.partition(".")[0] for name in sys.modules}))
        """
    )
    assert done.stdout == "[]\n"


def test_a_program_that_ends_at_once_has_sent_all(hub: FakeHub) -> None:
    run(f"to({hub.url!r}); [log.info('%d', n) for n in range(2000)]")
    assert hub.messages() == [str(number) for number in range(2000)]


def test_what_is_logged_while_leaving_is_sent_too(hub: FakeHub) -> None:
    run(
        f"""
        to({hub.url!r})
        atexit.register(lambda: log.info("in atexit"))
        class Thing:
            def __del__(self): log.info("in a finalizer, when the handler is closed")
        thing = Thing()
        """
    )
    assert hub.messages()[0] == "in atexit"


def test_a_program_that_dies_of_an_exception_has_sent_all(hub: FakeHub) -> None:
    code = PRELUDE + f"to({hub.url!r}); log.info('last words'); raise SystemExit(3)"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 3, done.stderr
    assert hub.messages() == ["last words"]


def leaving_took_s(setup: str) -> float:
    """How long a program's exit took as it measured itself, from its last line to the end of logging's own shutdown."""
    before = "import atexit, time; atexit.register(lambda: print(time.monotonic() - started))\n"
    done = run(f"{setup}; log.info('x'); time.sleep(0.3); started = time.monotonic()", before=before)
    return float(done.stdout)


def test_a_hub_that_never_answers_holds_nobody_up(hub: FakeHub) -> None:
    hub.replies = [Reply(hang=True)] * 10
    assert leaving_took_s(f"to({hub.url!r})") < 8


def test_a_hub_that_is_away_holds_nobody_up() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    assert leaving_took_s(f"to('http://127.0.0.1:{port}')") < 8


def test_many_handlers_share_the_time_to_leave(hub: FakeHub) -> None:
    """Eight times two seconds would be 16."""
    hub.replies = [Reply(hang=True)] * 100
    run(f"[to({hub.url!r}) for _ in range(8)]; log.info('x'); time.sleep(0.3)", timeout_s=12)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_sends_its_own_and_leaves_the_parents_alone(hub: FakeHub) -> None:
    run(
        f"""
        handler = to({hub.url!r}, batch_ms=1)
        log.info("before")
        handler.flush()
        for number in range(5):
            log.info("parent %d", number)
        child = os.fork()
        if child == 0:
            log.info("child")
            handler.flush()
            assert handler.stats() == dict(sent=1, dropped=0, rejected=0, queued=0, spooled=0), handler.stats()
            os._exit(0)
        log.info("after")
        assert os.waitpid(child, 0)[1] == 0
        log.info("at last")
        handler.flush()
        """
    )
    by_producer: dict[str, list[str]] = {}
    for request in hub.requests:
        messages = by_producer.setdefault(request.headers["Desktop-Logs-Producer"], [])
        messages += [entry["message"] for entry in request.entries]
    parents = ["before", *(f"parent {number}" for number in range(5)), "after", "at last"]
    assert sorted(by_producer.values()) == [parents, ["child"]]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_while_the_thread_waits_for_an_answer(hub: FakeHub) -> None:
    """The thread holds the connection's locks then; the child must not wait for them."""
    hub.replies = [Reply(hang=True)]
    run(
        f"""
        handler = to({hub.url!r}, batch_ms=1, timeout_s=1)
        log.info("parent")
        time.sleep(0.3)
        child = os.fork()
        if child == 0:
            log.info("child")
            handler.flush()
            import gc; gc.collect()
            os._exit(handler.stats()["sent"])
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
        handler.flush(10)
        assert handler.stats()["sent"] == 1, handler.stats()
        """
    )


def test_the_handlers_thread_imports_nothing(hub: FakeHub) -> None:
    """A child forked meanwhile would find the import locked for ever by a thread that it does not have."""
    done = run(
        f"""
        imported = []
        class Watch:
            def find_spec(self, name, path=None, target=None):
                if threading.current_thread() is not threading.main_thread():
                    imported.append(name)
        sys.meta_path.insert(0, Watch())
        handler = to({hub.url!r})
        log.info("x")
        handler.flush()
        assert handler.stats()["sent"] == 1
        print(imported)
        """
    )
    assert done.stdout == "[]\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_children_of_multiprocessing_send_what_they_logged(hub: FakeHub) -> None:
    """They end by os._exit, without any of atexit's hooks."""
    run(
        f"""
        import multiprocessing
        handler = to({hub.url!r})
        log.info("parent")
        handler.flush()
        context = multiprocessing.get_context("fork")
        child = context.Process(target=lambda: log.info("child"))
        child.start()
        child.join()
        assert child.exitcode == 0
        """
    )
    assert sorted(hub.messages()) == ["child", "parent"]


def test_a_signal_handler_that_logs_stops_nobody(hub: FakeHub) -> None:
    """It may interrupt any line of emit, on the same thread."""
    if not hasattr(os, "kill") or sys.platform == "win32":
        return
    done = run(
        f"""
        import signal
        handler = to({hub.url!r}, capacity=100)
        seen = 0
        def interrupt(*_):
            global seen
            seen += 1
            log.info("from the signal handler")
        signal.signal(signal.SIGALRM, interrupt)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        until = time.monotonic() + 1
        count = 0
        while time.monotonic() < until:
            log.info("x")
            count += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        handler.flush(10)
        s = handler.stats()
        print(count + seen == s["sent"] + s["dropped"], count + seen, s, file=sys.stderr)
        print(count + seen == s["sent"] + s["dropped"])
        """
    )
    assert done.stdout == "True\n", done.stderr


def test_daemon_threads_that_go_on_logging_do_not_disturb_the_exit(hub: FakeHub) -> None:
    run(
        f"""
        to({hub.url!r})
        def chatter():
            while True:
                log.info("x")
                time.sleep(0.001)
        for _ in range(4):
            threading.Thread(target=chatter, daemon=True).start()
        time.sleep(0.3)
        """
    )
    assert len(hub.messages()) > 10
    assert threading.active_count() < 50
