"""A TCP proxy in front of a server of this machine, which cuts, stalls and delays when it is told to."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

CHUNK_BYTES = 65_536


class Proxy:
    """Listens on a port of its own and passes on what comes, both ways. An async context manager."""

    def __init__(self, port: int) -> None:
        """*port* is the server's, on 127.0.0.1; it may be another later."""
        self.to_port = port
        self.port = 0
        self.delay_s = 0.0
        """So long each chunk is held back."""
        self.refuses = False
        """True to close every new connection at once."""
        self.connections = 0
        """How many were made so far."""
        self.held_back_bytes = 0
        """What has come and is not passed on yet."""
        self._flows = asyncio.Event()
        self._flows.set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self._listener is not None
        self._listener.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._listener.wait_closed()

    def cut(self) -> None:
        """End every connection at once, on both sides; what is on its way is lost."""
        for end in tuple(self._ends):
            end.transport.abort()
        self._flows.set()

    def stall(self) -> None:
        """Pass nothing on, and end nothing, until `resume`."""
        self._flows.clear()

    def resume(self) -> None:
        """Pass on again, beginning with what has come meanwhile."""
        self._flows.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.refuses:
            writer.transport.abort()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.to_port)
        except OSError:
            writer.transport.abort()
            return
        self._ends |= {writer, up_writer}
        for source, target in ((reader, up_writer), (up_reader, writer)):
            task = asyncio.get_running_loop().create_task(self._pump(source, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while chunk := await source.read(CHUNK_BYTES):
                self.held_back_bytes += len(chunk)
                try:
                    await self._flows.wait()
                    if self.delay_s:
                        await asyncio.sleep(self.delay_s)
                finally:
                    self.held_back_bytes -= len(chunk)
                target.write(chunk)
                await target.drain()
        except OSError:
            pass  # cut, on one side or the other
        finally:
            self._ends.discard(target)
            target.close()
