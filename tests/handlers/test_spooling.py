"""What a program could not send before it ended: kept in a file, and sent once by the next start."""

from __future__ import annotations

import logging
import os
import re
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop_logs.handlers.posting import Answer, Verdict
from desktop_logs.handlers.sending import DesktopLogsHandler
from desktop_logs.handlers.spool import Spool
from tests.handlers.fake_hub import FakeHub, Reply
from tests.handlers.test_leaving import PRELUDE, run
from tests.handlers.test_sending import free_port, logging_to
from tests.support.program import Program

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def folder(home: Path) -> Path:
    """Where the spool lies by default."""
    if sys.platform == "darwin":
        return home / "Library/Application Support/desktop-logs/spool"
    return home / ".local/state/desktop-logs/spool"


def leave(url: str, texts: list[str], level: int = logging.INFO, **options: Any) -> dict[str, int]:
    """A run that logs *texts* while no hub listens at *url*, and its counters at the end."""
    with logging_to(url, **options) as (logger, handler):
        for text in texts:
            logger.log(level, text)
        handler.close(0.0)
        return handler.stats()


def sent_by_the_next_start(url: str, **options: Any) -> None:
    """A run that logs nothing."""
    DesktopLogsHandler(url, **options).close(10)


def test_what_remains_is_sent_by_the_next_start(folder: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    assert leave(url, [str(number) for number in range(1200)], source="api")["spooled"] == 1200
    (file,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with FakeHub(port) as hub:
        with logging_to(url, source="other") as (logger, handler):
            logger.info("new")
            handler.close(10)
            assert handler.stats() == {"sent": 1, "dropped": 0, "rejected": 0, "queued": 0, "spooled": 0}
        old = [entry for entry in hub.entries() if entry["context"]["source"] == "api"]
        assert [entry["message"] for entry in old] == [str(number) for number in range(1200)]
        assert sorted(hub.messages(), key=str.isdigit)[0] == "new"
        assert len({request.headers["Desktop-Logs-Producer"] for request in hub.requests}) == 2
    assert list(folder.iterdir()) == []


def test_the_batch_on_its_way_keeps_its_producer_number_and_bytes() -> None:
    """The hub may have stored it, and would store it twice."""
    with FakeHub() as hub:
        port = hub.port
        hub.replies = [Reply(), Reply(hang=True)]
        with logging_to(hub.url) as (logger, handler):
            logger.info("stored")
            handler.flush(10)
            logger.info("on its way")
            hub.wait_for(lambda hub: len(hub.requests) == 2)
            logger.info("waits")
            handler.close(0.0)
            assert handler.stats() == {"sent": 1, "dropped": 0, "rejected": 0, "queued": 0, "spooled": 2}
        before = hub.requests
    with FakeHub(port) as hub:
        sent_by_the_next_start(hub.url)
        again, rest = hub.requests
    same = ("Desktop-Logs-Producer", "Desktop-Logs-First")
    assert again.body == before[1].body
    assert [again.headers[name] for name in same] == [before[1].headers[name] for name in same]
    assert (rest.headers[same[0]], rest.first) == (again.headers[same[0]], again.first + 1)
    assert hub.messages() == ["on its way", "waits"]


def test_new_records_do_not_wait_for_old_ones(hub: FakeHub) -> None:
    hub.stop()
    leave(hub.url, [f"old {number}" for number in range(200)], batch_records=10)
    with FakeHub(hub.port) as again, logging_to(hub.url) as (logger, handler):
        logger.info("new")
        handler.flush(10)
        assert again.messages().index("new") < 60
        handler.close(10)
        assert len(again.messages()) == 201


def test_each_file_is_sent_by_one_of_many_handlers(hub: FakeHub) -> None:
    hub.stop()
    for run_number in range(5):
        leave(hub.url, [f"{run_number} {number}" for number in range(50)])
    with FakeHub(hub.port) as again:
        handlers = [DesktopLogsHandler(hub.url) for _ in range(6)]
        for handler in handlers:
            handler.close(10)
        bodies = [request.body for request in again.requests]
        assert len(bodies) == len(set(bodies))
        assert sorted(again.messages()) == sorted(f"{run} {number}" for run in range(5) for number in range(50))


def test_the_oldest_files_are_sent_first(hub: FakeHub) -> None:
    hub.stop()
    for text in ("one", "two", "three"):
        leave(hub.url, [text])
    with FakeHub(hub.port) as again:
        sent_by_the_next_start(hub.url)
        assert again.messages() == ["one", "two", "three"]


def test_a_file_for_another_hub_is_left_alone(hub: FakeHub, folder: Path) -> None:
    leave(f"http://127.0.0.1:{free_port()}", ["for another"])
    sent_by_the_next_start(hub.url)
    assert (hub.messages(), len(list(folder.iterdir()))) == ([], 1)


def test_what_a_killed_program_had_taken_over_is_sent_by_the_next(
    hub: FakeHub, start: Callable[..., Program], folder: Path
) -> None:
    port = hub.port
    hub.stop()
    leave(hub.url, [str(number) for number in range(30)], batch_records=10)
    with FakeHub(port) as again:
        again.replies = [Reply(), Reply(hang=True)]
        program = start(
            [sys.executable, "-c", PRELUDE + f"to({hub.url!r}, timeout_s=60); time.sleep(60)"], cwd=CHECKOUT
        )
        again.wait_for(lambda hub: len(hub.requests) == 2)
        sent_by_the_next_start(hub.url)
        assert len(again.requests) == 2, "it is locked by the program that sends it"
        program.signal(signal.SIGKILL)
        program.wait()
        sent_by_the_next_start(hub.url)
        # What the hub has stored is not sent again; what it has not answered is, under the same number.
        firsts = [request.first for request in again.requests]
        assert firsts[1] == firsts[2]
        assert firsts == sorted(firsts)
        assert len(set(firsts)) == len(firsts) - 1
        assert again.messages() == [str(number) for number in range(30)]
    assert list(folder.iterdir()) == []


def test_errors_are_kept_first_and_what_has_no_place_is_told(hub: FakeHub) -> None:
    hub.stop()
    with logging_to(hub.url, max_spool_bytes=30_000) as (logger, handler):
        for number in range(200):
            logger.info("info %d", number)
            if number < 10:
                logger.error("error %d", number)
        handler.close(0.0)
        stats = handler.stats()
    assert (stats["spooled"] + stats["dropped"], stats["queued"], stats["sent"]) == (210, 0, 0)
    assert stats["dropped"] > 0
    with FakeHub(hub.port) as again:
        sent_by_the_next_start(hub.url)
        *kept, told = again.messages()
        assert len(kept) == stats["spooled"]
        assert [text for text in kept if "error" in text] == [f"error {number}" for number in range(10)]
        infos = [text for text in kept if "info" in text]
        assert infos[-1] == "info 199"
        assert told.startswith(f"{stats['dropped']:,} records were dropped by this program's log handler")


def test_drops_that_no_batch_has_told_are_told_by_the_next_start_once(hub: FakeHub) -> None:
    hub.stop()
    assert leave(hub.url, [str(number) for number in range(50)], capacity=10)["dropped"] >= 30
    with FakeHub(hub.port) as again:
        sent_by_the_next_start(hub.url)
        told = [text for text in again.messages() if "dropped" in text]
        assert len(told) == 1


def test_the_files_of_many_runs_are_bounded_together_and_the_oldest_goes(hub: FakeHub, folder: Path) -> None:
    hub.stop()
    for number in range(6):
        leave(hub.url, [f"{number} {'x' * 200}"] * 20, max_spool_bytes=30_000)
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 30_000 + 1_000
    with FakeHub(hub.port) as again:
        sent_by_the_next_start(hub.url)
        texts = again.messages()
    kept = [text for text in texts if text.endswith("x")]
    assert kept[-1][0] == "5"
    dropped = sum(int(text.split()[0]) for text in texts if "dropped" in text)
    assert len(kept) + dropped == 120


def test_nothing_is_kept_when_nothing_may_be(hub: FakeHub, home: Path) -> None:
    hub.stop()
    assert leave(hub.url, ["x"], max_spool_bytes=0)["dropped"] == 1
    assert list(home.iterdir()) == []


def test_a_folder_that_cannot_be_made_costs_the_records_and_says_so(
    hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.stop()
    (tmp_path / "file").write_text("")
    assert leave(hub.url, ["x", "y"], spool_dir=tmp_path / "file" / "spool")["dropped"] == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "2 records are lost" in line


def test_without_a_home_they_count_as_dropped(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.stop()
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert leave(hub.url, ["x"])["dropped"] == 1


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="only the XDG specification knows this variable")
def test_a_state_folder_that_was_named_is_used(
    hub: FakeHub, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.stop()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    leave(hub.url, ["x"])
    assert len(list((tmp_path / "desktop-logs" / "spool").iterdir())) == 1
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("cut", [1, 50, 300, 900])
def test_a_file_that_ends_too_early_loses_its_last_line_only(hub: FakeHub, folder: Path, cut: int) -> None:
    hub.stop()
    leave(hub.url, [str(number) for number in range(20)])
    (file,) = folder.iterdir()
    content = file.read_bytes()[:-cut]
    file.write_bytes(content)
    with FakeHub(hub.port) as again:
        sent_by_the_next_start(hub.url)
        whole = len(re.findall(rb'^{"level".*\n', content, re.MULTILINE))
        assert again.messages() == [str(number) for number in range(whole)]
    assert list(folder.iterdir()) == []


def test_a_damaged_file_is_set_aside_and_said_once(
    hub: FakeHub, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.stop()
    leave(hub.url, ["first"] * 10, batch_records=10)
    leave(hub.url, ["second"])
    file = min(folder.iterdir())
    content = bytearray(file.read_bytes())
    content[-30] ^= 1
    file.write_bytes(content)
    with FakeHub(hub.port) as again:
        sent_by_the_next_start(hub.url)
        sent_by_the_next_start(hub.url)
        assert again.messages()[-1] == "second"
        assert len(again.messages()) < 10
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot all be read" in line
    assert [path.name for path in folder.iterdir()] == [f"{file.name}.damaged"]


@pytest.mark.parametrize("content", [b"", b"\n", b"{}\n", b"[" * 5_000, b"\xff\x00" * 100, b'{"url":1,"sent":"x"}\n'])
def test_no_content_of_a_file_raises(hub: FakeHub, folder: Path, content: bytes) -> None:
    hub.stop()
    leave(hub.url, ["x"])
    (file,) = folder.iterdir()
    file.write_bytes(content)
    with FakeHub(hub.port) as again:
        sent_by_the_next_start(hub.url)
        assert again.messages() == []
    assert file not in folder.iterdir()


def test_what_a_program_was_killed_over_while_writing_is_found(hub: FakeHub, folder: Path) -> None:
    hub.stop()
    leave(hub.url, ["one", "two"])
    (file,) = folder.iterdir()
    unfinished = file.rename(file.with_suffix(".part"))
    assert Spool(str(folder), hub.url, None, 1_000_000).next() is None, "it may still be written"
    long_ago_s = time.time() - 3_600
    os.utime(unfinished, (long_ago_s, long_ago_s))
    with FakeHub(hub.port) as again:
        sent_by_the_next_start(hub.url)
        assert again.messages() == ["one", "two"]


@pytest.mark.parametrize(("status", "remains"), [(401, 1), (404, 1), (413, 0)])
def test_a_refused_file_stays_unless_it_is_the_batch_that_is_refused(
    hub: FakeHub, folder: Path, status: int, remains: int
) -> None:
    hub.stop()
    leave(hub.url, ["x"])
    with FakeHub(hub.port) as again:
        again.replies = [Reply(status)]
        sent_by_the_next_start(hub.url)
        assert len(again.requests) == 1
    assert len(list(folder.iterdir())) == remains


def test_a_start_while_the_hub_is_away_keeps_the_file(hub: FakeHub, folder: Path) -> None:
    hub.stop()
    leave(hub.url, ["x"])
    started_s = time.monotonic()
    sent_by_the_next_start(hub.url)
    assert time.monotonic() - started_s < 8, "nobody waits for a hub that is away"
    assert len(list(folder.iterdir())) == 1


def test_reconfigured_logging_loses_nothing(hub: FakeHub) -> None:
    """dictConfig closes what it replaces, and the next handler sends what that left."""
    hub.stop()
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"hub": {"class": "desktop_logs.DesktopLogsHandler", "url": hub.url}},
        "loggers": {"spooled": {"level": "DEBUG", "handlers": ["hub"], "propagate": False}},
    }
    logger = logging.getLogger("spooled")
    logging.config.dictConfig(config)
    logger.info("before")
    logger.handlers[0].close()
    with FakeHub(hub.port) as again:
        logging.config.dictConfig(config)
        logger.info("after")
        handler = logger.handlers[0]
        handler.close()
        logger.removeHandler(handler)
        assert sorted(again.messages()) == ["after", "before"]


def test_at_exit_the_rest_is_kept_and_the_exit_says_nothing(hub: FakeHub) -> None:
    hub.stop()
    done = run(f"to({hub.url!r}); [log.info('%d', n) for n in range(3000)]")
    assert done.stderr == ""
    with FakeHub(hub.port) as again:
        run(f"to({hub.url!r})")
        assert again.messages() == [str(number) for number in range(3000)]


def test_at_exit_where_no_thread_can_start_the_rest_is_kept_too(hub: FakeHub) -> None:
    hub.stop()
    run(
        f"""
        def refuse(self): raise RuntimeError("can't create new thread at interpreter shutdown")
        threading.Thread.start = refuse
        to({hub.url!r})
        log.info("x")
        """
    )
    with FakeHub(hub.port) as again:
        sent_by_the_next_start(hub.url)
        assert again.messages() == ["x"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_of_multiprocessing_keeps_its_own_and_sends_not_the_parents(hub: FakeHub, method: str) -> None:
    hub.stop()
    leave(hub.url, ["from the run before"])
    run(
        f"""
        import multiprocessing
        from tests.handlers.children import log_one
        handler = to({hub.url!r})
        log.info("parent")
        child = multiprocessing.get_context({method!r}).Process(target=log_one, args=({hub.url!r},))
        child.start()
        child.join()
        assert child.exitcode == 0, child.exitcode
        """
    )
    with FakeHub(hub.port) as again:
        sent_by_the_next_start(hub.url)
        assert sorted(again.messages()) == ["child", "from the run before", "parent"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_while_the_parent_sends_its_spool(hub: FakeHub, folder: Path) -> None:
    port = hub.port
    hub.stop()
    leave(hub.url, ["old"])
    with FakeHub(port) as again:
        again.replies = [Reply(hang=True)]
        run(
            f"""
            handler = to({hub.url!r}, timeout_s=1)
            time.sleep(0.3)
            child = os.fork()
            if child == 0:
                log.info("child")
                handler.flush()
                handler.close()
                os._exit(handler.stats()["sent"])
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
            handler.close(10)
            """
        )
        assert sorted(request.entries[0]["message"] for request in again.requests) == ["child", "old", "old"]
    assert list(folder.iterdir()) == []


def test_close_keeps_what_a_thread_that_is_stuck_in_the_network_had(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the look-up of a host's name, which nothing can break off."""
    inside, go_on = threading.Event(), threading.Event()
    with logging_to(hub.url) as (logger, handler):
        with monkeypatch.context() as patch:

            def stuck(batch: Any, longest_s: float | None = None) -> Any:
                inside.set()
                go_on.wait(20)
                return Answer(Verdict.STORED)

            patch.setattr(handler._hub, "post", stuck)
            logger.info("on its way")
            assert inside.wait(10)
            logger.info("waits")
            handler.close(0.0)
        assert handler.stats() == {"sent": 0, "dropped": 0, "rejected": 0, "queued": 0, "spooled": 2}
        go_on.set()
        assert handler._thread is not None
        handler._thread.join(10)
        assert handler.stats() == {"sent": 0, "dropped": 0, "rejected": 0, "queued": 0, "spooled": 2}
    sent_by_the_next_start(hub.url)
    assert hub.messages() == ["on its way", "waits"]
