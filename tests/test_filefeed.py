"""A log file as a feed: what a tab gets of it, its states and words, and how little it holds at a time."""

from __future__ import annotations

import asyncio
import gzip
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from desktop_logs import filefeed
from desktop_logs.core.errors import Evicted
from desktop_logs.core.records import Record
from desktop_logs.filefeed import MOST_WAITING, FileFeed
from desktop_logs.storage.filetail import FileTail, Piece
from tests.support.asynchronous import soon


class Tab:
    """Takes a feed's records as a page does."""

    def __init__(self, feed: FileFeed) -> None:
        self.feed = feed
        self.records: list[Record] = []
        self.is_paused = False
        self.states = [feed.state.phase]
        feed.subscribe(self.pull)

    def pull(self) -> None:
        if self.states[-1] != self.feed.state.phase:
            self.states.append(self.feed.state.phase)
        while not self.is_paused and (found := self.feed.since(self.records[-1].seq if self.records else 0)):
            self.records += found

    @property
    def messages(self) -> list[str]:
        return [record.message for record in self.records]

    async def shows(self, *messages: str) -> None:
        await soon(f"{messages} are shown", lambda: self.messages == list(messages))


@asynccontextmanager
async def tab_of(path: Path, most_records: int = 100_000) -> AsyncIterator[Tab]:
    feed = FileFeed(str(path), most_records=most_records, look_every_s=0.01)
    tab = Tab(feed)
    task = asyncio.ensure_future(feed.run())
    try:
        yield tab
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


def append(path: Path, text: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def write(path: Path, data: str | bytes) -> None:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def make_folder(path: Path) -> None:
    path.mkdir()


def remove(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()


async def test_a_file_is_read_and_followed(path: Path) -> None:
    write(path, "one\ntwo\n")
    async with tab_of(path) as tab:
        await tab.shows("one", "two")
        await soon("it follows", lambda: tab.feed.state.summary == "following app.log")
        assert (tab.feed.name, tab.feed.address, tab.feed.history) == ("app.log", str(path), None)
        append(path, "three\n")
        await tab.shows("one", "two", "three")
        assert [record.seq for record in tab.records] == [1, 2, 3]
        assert tab.feed.head == 3
        assert tab.states == ["starting", "live"]
        assert tab.feed.state.is_file


async def test_the_last_line_of_a_file_that_rests_needs_no_end(path: Path) -> None:
    write(path, "one\nwithout end")
    os.utime(path, (1_790_000_000, 1_790_000_000))
    async with tab_of(path) as tab:
        await tab.shows("one", "without end")


async def test_half_a_line_waits_for_the_rest_of_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filefeed, "_REST_S", 1e9)
    write(path, 'one\n{"message": "two')
    async with tab_of(path) as tab:
        await tab.shows("one")
        await asyncio.sleep(0.05)  # several looks
        append(path, ' and more"}\nth')
        await tab.shows("one", "two and more")


async def test_half_a_line_is_shown_when_its_file_has_not_changed_for_a_while(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filefeed, "_REST_S", 0.1)
    write(path, "one\nwithout end")
    os.utime(path, (4_000_000_000, 4_000_000_000))  # by the clock of another machine
    async with tab_of(path) as tab:
        await tab.shows("one", "without end")


async def test_half_a_line_is_not_lost_when_its_file_is_replaced_or_gone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filefeed, "_REST_S", 1e9)
    write(path, "one\nlast words")
    async with tab_of(path) as tab:
        await tab.shows("one")
        os.rename(path, path.with_suffix(".1"))
        write(path, "new\nagain half")
        replaced = "app.log is another file now: it is read from its beginning."
        await tab.shows("one", "last words", replaced, "new")
        remove(path)
        await tab.shows("one", "last words", replaced, "new", "again half")


async def test_a_file_that_was_empty_may_begin_in_utf_16(path: Path) -> None:
    write(path, "")
    async with tab_of(path) as tab:
        await soon("it follows", lambda: tab.feed.state.phase == "live")
        write(path, "größer\n".encode("utf-16"))
        await tab.shows("größer")


async def test_a_file_that_is_rotated_is_followed_and_the_tab_says_so(path: Path) -> None:
    write(path, "old\n")
    async with tab_of(path) as tab:
        await tab.shows("old")
        os.rename(path, path.with_suffix(".1"))
        write(path, "new\n")
        await tab.shows("old", "app.log is another file now: it is read from its beginning.", "new")
        write(path, "")
        await soon("it is told", lambda: len(tab.records) == 4)
        assert tab.messages[-1] == "app.log has begun anew: it is read from its beginning."
        assert [record.seq for record in tab.records] == [1, 2, 3, 4]


async def test_a_file_that_is_gone_is_waited_for(path: Path) -> None:
    write(path, "old\n")
    async with tab_of(path) as tab:
        await tab.shows("old")
        remove(path)
        await soon("it waits", lambda: tab.feed.state.phase == "waiting")
        assert tab.feed.state.summary == "gone"
        assert tab.feed.state.problem == f"{path} is gone. It is read again when it is back."
        write(path, "new\n")
        await soon("it follows", lambda: tab.feed.state.phase == "live")
        await soon("it is read", lambda: tab.messages[-1] == "new")
        assert tab.feed.state.problem == ""


async def test_a_file_that_never_was_is_named_and_waited_for(path: Path) -> None:
    async with tab_of(path) as tab:
        await soon("it waits", lambda: tab.feed.state.phase == "waiting")
        assert tab.feed.state.problem.startswith(f"There is no file {path}. Check the name")
        write(path, "at last\n")
        await tab.shows("at last")


async def test_what_cannot_be_read_is_told_and_tried_again_when_asked(path: Path) -> None:
    make_folder(path)
    async with tab_of(path) as tab:
        await soon("it has failed", lambda: tab.feed.state.phase == "failed")
        assert tab.feed.state.problem == f"{path} is a folder. Open the log files in it instead."
        remove(path)
        write(path, "a file now\n")
        tab.feed.retry()
        await tab.shows("a file now")


async def test_of_a_long_file_the_newest_records_are_there_and_the_rest_is_told(path: Path) -> None:
    write(path, "".join(f"line {number:05}\n" for number in range(2_000)))
    async with tab_of(path, most_records=500) as tab:
        await soon("it follows", lambda: tab.feed.state.phase == "live" and len(tab.records) == 500)
        assert tab.messages[0] == "line 01500"
        assert tab.feed.state.problem == "The file has 22.0 kB; its newest 500 lines are here."
        write(path, "anew\n")
        await soon("it is read anew", lambda: tab.messages[-1] == "anew")
        await soon("nothing is left out", lambda: tab.feed.state.problem == "")


async def test_a_packed_file_is_read_and_not_followed(path: Path) -> None:
    write(path, gzip.compress(b"one\ntwo\n"))
    async with tab_of(path) as tab:
        await tab.shows("one", "two")
        await soon("it is read", lambda: tab.feed.state.summary == "read to its end")


async def test_of_a_long_packed_file_it_is_told_what_the_tab_holds(path: Path) -> None:
    write(path, gzip.compress(b"line\n" * 1_500))
    async with tab_of(path, most_records=1_000) as tab:
        await soon("it is read", lambda: tab.feed.state.summary == "read to its end")
        assert tab.feed.state.problem == "The file has 1,500 records; its newest 1,000 are here."


async def test_utf_16_is_read_where_a_mark_says_so(path: Path) -> None:
    write(path, "größer\r\nzwei\r\n".encode("utf-16"))
    async with tab_of(path) as tab:
        await tab.shows("größer", "zwei")


async def test_what_is_no_text_is_shown_as_far_as_can_be_and_told(path: Path) -> None:
    write(path, "журнал\n".encode("cp1251"))
    async with tab_of(path) as tab:
        told = "app.log is no text in UTF-8: what cannot be read of it is shown as \ufffd."
        await soon("it is told", lambda: tab.feed.state.problem == told)
        await tab.shows("\ufffd" * 6)
        write(path, "журнал, and longer\n")
        await soon("it is text now", lambda: tab.feed.state.problem == "")


async def test_while_a_tab_takes_nothing_little_is_read(path: Path) -> None:
    write(path, "line\n" * 60_000)
    async with tab_of(path) as tab:
        tab.is_paused = True
        await soon("enough waits", lambda: tab.feed.head >= MOST_WAITING)
        await asyncio.sleep(0.05)
        assert tab.feed.head < MOST_WAITING + 1_000
        tab.is_paused = False
        tab.pull()
        await soon("all came", lambda: len(tab.records) == 60_000)
        assert [record.seq for record in tab.records] == list(range(1, 60_001))


async def test_a_disk_that_hangs_does_not_keep_a_tab_from_closing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filefeed, "CLOSE_WAIT_S", 0.05)
    write(path, "one\n")
    answers = threading.Event()
    is_read = threading.Event()
    read = FileTail.read

    def hangs(tail: FileTail) -> Piece:
        is_read.set()
        answers.wait(60)
        return read(tail)

    monkeypatch.setattr(FileTail, "read", hangs)
    feed = FileFeed(str(path), most_records=10)
    task = asyncio.ensure_future(feed.run())
    try:
        await soon("it is being read", is_read.is_set)
        (reader,) = (thread for thread in threading.enumerate() if thread.name == f"read {path.name}")
        task.cancel()
        await soon("it has ended", task.done)
    finally:
        answers.set()
    # The thread that nobody waits for has opened it after all; behind it, it is closed.
    await soon("it has ended too", lambda: not reader.is_alive())
    assert feed._tail._file is None


async def test_what_was_taken_is_let_go(path: Path) -> None:
    write(path, "one\ntwo\nthree\n")
    async with tab_of(path) as tab:
        await tab.shows("one", "two", "three")
        assert tab.feed.since(3) == []
        with pytest.raises(Evicted) as gone:
            tab.feed.since(1)
        assert gone.value.first_seq == 4


async def test_a_slice_of_parsing_is_short_and_others_have_their_turn(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, "line\n" * 5_000)
    monkeypatch.setattr(filefeed, "_SLICE_S", 0.0)
    turns = 0
    async with tab_of(path) as tab:
        while len(tab.records) < 5_000:
            await asyncio.sleep(0)
            turns += 1
    assert turns >= 50
