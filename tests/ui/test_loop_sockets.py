"""Readers, writers, streams, subprocesses and signals on the window's loop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from tests.support.asynchronous import soon
from tests.support.loops import window_loop

Loop = asyncio.AbstractEventLoop
Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def loop(qapp: QApplication) -> Iterator[Loop]:
    with window_loop(qapp) as made:
        yield made


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    one.setblocking(False)
    other.setblocking(False)
    yield one, other
    one.close()
    other.close()


def test_a_reader_hears_until_it_is_removed(loop: Loop, pair: Pair) -> None:
    here, there = pair
    heard: list[bytes] = []

    def read() -> None:
        heard.append(here.recv(1))
        if len(heard) == 3:
            assert loop.remove_reader(here)
            loop.call_later(0.005, loop.stop)

    loop.add_reader(here, read)
    there.send(b"abcde")
    loop.run_forever()
    assert heard == [b"a", b"b", b"c"]
    assert not loop.remove_reader(here.fileno())


def test_a_reader_that_replaces_another_is_the_only_one(loop: Loop, pair: Pair) -> None:
    here, there = pair
    heard: list[str] = []

    def second() -> None:
        heard.append("second")
        here.recv(10)
        loop.stop()

    loop.add_reader(here, heard.append, "first")
    loop.add_reader(here.fileno(), second)
    there.send(b"a")
    loop.run_forever()
    assert heard == ["second"]


def test_one_socket_has_a_reader_and_a_writer(loop: Loop, pair: Pair) -> None:
    here, there = pair
    heard: list[str] = []

    def write() -> None:
        heard.append("writes")
        loop.remove_writer(here)
        there.send(b"a")

    def read() -> None:
        heard.append(f"reads {here.recv(10)!r}")
        loop.stop()

    loop.add_reader(here, read)
    loop.add_writer(here, write)
    loop.run_forever()
    assert heard == ["writes", "reads b'a'"]


def test_a_callback_may_swap_its_reader_for_a_writer_and_back(loop: Loop, pair: Pair) -> None:
    here, there = pair
    heard: list[bytes] = []

    def read() -> None:
        heard.append(here.recv(1))
        loop.remove_reader(here)
        if len(heard) == 5:
            loop.stop()
        else:
            loop.add_writer(here, write)

    def write() -> None:
        loop.remove_writer(here)
        loop.add_reader(here, read)

    there.send(b"abcde")
    loop.add_reader(here, read)
    loop.run_forever()
    assert b"".join(heard) == b"abcde"


def test_a_socket_closed_before_its_reader_is_removed_leaves_nothing_behind(loop: Loop) -> None:
    one, other = socket.socketpair()
    number = one.fileno()
    loop.add_reader(one, lambda: pytest.fail("a closed socket was read"))
    one.close()
    assert loop.remove_reader(one)
    again = socket.socket(fileno=os.dup2(other.fileno(), number))
    loop.add_reader(again, lambda: None)
    assert loop.remove_reader(again)
    again.close()
    other.close()


def test_what_is_no_file_is_refused(loop: Loop) -> None:
    with pytest.raises(ValueError, match="Invalid file object"):
        loop.add_reader("a name", lambda: None)
    with pytest.raises(ValueError, match="Invalid file descriptor"):
        loop.add_reader(-1, lambda: None)


def test_a_reader_whose_nested_loop_is_open_is_not_called_again_and_goes_on_later(loop: Loop, pair: Pair) -> None:
    here, there = pair
    inner = QEventLoop()
    depth, deepest, heard = 0, 0, []

    def read() -> None:
        nonlocal depth, deepest
        depth += 1
        deepest = max(deepest, depth)
        if not heard:
            loop.call_later(0.01, inner.quit)
            inner.exec()  # with what is to be read still unread
        heard.append(here.recv(1))
        depth -= 1
        if len(heard) == 2:
            loop.stop()

    loop.add_reader(here, read)
    there.send(b"ab")
    loop.run_forever()
    assert heard == [b"a", b"b"]
    assert deepest == 1


def test_an_exception_in_a_reader_is_told_and_it_stays(loop: Loop, pair: Pair) -> None:
    here, there = pair
    told = []
    loop.set_exception_handler(lambda _loop, context: told.append(context))

    def read() -> None:
        if here.recv(1) == b"a":
            raise ZeroDivisionError
        loop.stop()

    loop.add_reader(here, read)
    there.send(b"ab")
    loop.run_forever()
    assert [type(context["exception"]) for context in told] == [ZeroDivisionError]


def test_streams_carry_a_megabyte_each_way_through_small_buffers(loop: Loop) -> None:
    data = os.urandom(1 << 20)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while part := await reader.read(10_000):
            writer.write(part)
            await writer.drain()
        writer.close()

    async def work() -> bytes:
        server = await asyncio.start_server(echo, "127.0.0.1", 0, limit=20_000)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.transport.set_write_buffer_limits(high=10_000)

            async def send() -> None:
                writer.write(data)
                await writer.drain()
                writer.write_eof()

            sending = asyncio.ensure_future(send())
            back = await reader.read()
            await sending
            writer.close()
            await writer.wait_closed()
            return back

    assert loop.run_until_complete(work()) == data


def test_a_transport_that_pauses_reading_hears_nothing_until_it_resumes(loop: Loop, pair: Pair) -> None:
    here, there = pair
    heard: list[bytes] = []

    class Hears(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            heard.append(data)

    async def work() -> None:
        transport, _ = await loop.create_connection(Hears, sock=here)
        await asyncio.sleep(0)
        transport.pause_reading()
        there.send(b"late")
        await asyncio.sleep(0.01)
        assert heard == []
        transport.resume_reading()
        await soon("what was sent is heard", lambda: heard)
        transport.close()
        await asyncio.sleep(0)

    loop.run_until_complete(asyncio.wait_for(work(), 30))
    assert heard == [b"late"]


def test_sock_methods_wait_for_the_socket(loop: Loop, pair: Pair) -> None:
    here, there = pair

    async def work() -> bytes:
        receiving = asyncio.ensure_future(loop.sock_recv(here, 10))
        await asyncio.sleep(0.001)
        await loop.sock_sendall(there, b"x" * 10)
        return await receiving

    assert loop.run_until_complete(work()) == b"x" * 10


def test_a_subprocess_is_spoken_to_and_waited_for(loop: Loop) -> None:
    async def work() -> tuple[bytes, int | None]:
        code = "import sys; print(sys.stdin.read()[::-1], end=''); sys.exit(5)"
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdin=pipe, stdout=pipe)
        said, _ = await process.communicate(b"abc")
        return said, process.returncode

    assert loop.run_until_complete(asyncio.wait_for(work(), 30)) == (b"cba", 5)


def test_a_subprocess_is_ended(loop: Loop) -> None:
    async def work() -> int:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(60)")
        process.terminate()
        return await process.wait()

    assert loop.run_until_complete(asyncio.wait_for(work(), 30)) != 0


if sys.platform != "win32":

    def test_a_signal_handler_of_the_loop_is_called(loop: Loop) -> None:
        heard: list[str] = []

        def hear() -> None:
            heard.append("usr1")
            loop.stop()

        loop.add_signal_handler(signal.SIGUSR1, hear)
        loop.call_soon(os.kill, os.getpid(), signal.SIGUSR1)
        loop.run_forever()
        assert heard == ["usr1"]
        assert loop.remove_signal_handler(signal.SIGUSR1)
