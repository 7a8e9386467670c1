"""The socket by which the starts of the program meet: the first listens, a later one hands over. Opens no window."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from desktop_logs.core.errors import DesktopLogsError
from desktop_logs.core.handover import MAX_BYTES, Answer, Handover, decode, encode_answer

Take = Callable[[Handover], Answer]

SPEAK_WITHIN_MS: Final = 5_000
"""Whoever has not said all by then is cut off."""
_MOST_CALLERS: Final = 20
"""At a time; others wait for their turn."""


class Listener(QObject):
    """Hears later starts of this user. Who comes before `answer_with` waits."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._take: Take | None = None
        self._callers: list[_Caller] = []
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._let_in)

    def listen(self, name: str) -> str:
        """Listen at *name*, in the place of one that was killed there; why that cannot be, or empty.

        Only for who holds the lock beside it: one that still lives would not be heard any more.
        """
        QLocalServer.removeServer(name)
        return "" if self._server.listen(name) else self._server.errorString()

    def answer_with(self, take: Take) -> None:
        """Let *take* do what is asked, from now on; its DesktopLogsError is told the one who asked."""
        self._take = take
        self._let_in()

    def close(self) -> None:
        """Hear nobody any more; those who wait for an answer find out that there is none."""
        self._take = None
        self._server.close()
        for caller in list(self._callers):
            caller.cut()

    def _let_in(self) -> None:
        while self._take is not None and len(self._callers) < _MOST_CALLERS and self._server.hasPendingConnections():
            caller = _Caller(self._server.nextPendingConnection(), self._take, self)
            self._callers.append(caller)
            caller.left.connect(lambda caller=caller: self._gone(caller))
            caller.hear()

    def _gone(self, caller: _Caller) -> None:
        if caller in self._callers:
            self._callers.remove(caller)
            caller.deleteLater()
            # Not from in here: it would be called for as many as wait, one inside the other.
            QTimer.singleShot(0, self, self._let_in)


class _Caller(QObject):
    """One that has connected: says a line, hears a line."""

    left = Signal()

    def __init__(self, socket: QLocalSocket, take: Take, parent: QObject) -> None:
        super().__init__(parent)
        self._socket = socket
        self._take = take
        self._said = b""
        self._is_answered = False
        socket.setParent(self)
        # What it says beyond that stays in the pipe, and blocks nobody but itself.
        socket.setReadBufferSize(MAX_BYTES + 1)
        socket.readyRead.connect(self.hear)
        socket.disconnected.connect(self.left)
        self._patience = QTimer(self, singleShot=True, interval=SPEAK_WITHIN_MS)
        self._patience.timeout.connect(self.cut)
        self._patience.start()

    def hear(self) -> None:
        """Take what has come, and answer once it is a line."""
        if self._is_answered:
            return
        self._said += bytes(self._socket.read(MAX_BYTES + 1 - len(self._said)).data())
        line, end, _ = self._said.partition(b"\n")
        if end or len(self._said) > MAX_BYTES:
            self._is_answered = True
            self._said = b""
            if self._has_left():
                self.cut()
                return
            try:
                answer = self._take(decode(line + end))
            except DesktopLogsError as wrong:
                answer = Answer(problem=str(wrong))
            self._socket.write(encode_answer(answer))
            self._socket.disconnectFromServer()  # once the answer is written

    def _has_left(self) -> bool:
        """Whether it waits for no answer any more: it has told a person that nothing was opened, and nothing is to."""
        # What is still to be read, if only the end, is heard of by reading.
        self._socket.waitForReadyRead(0)
        return self._socket.state() != QLocalSocket.LocalSocketState.ConnectedState

    def cut(self) -> None:
        """End it at once."""
        self._patience.stop()
        self._socket.abort()
        self.left.emit()


def hand_over(name: str, line: bytes, until_s: float) -> bytes | None:
    """What the first start, at *name*, answers to *line*; None when nobody is there, or nobody answers until *until_s*
    of `time.monotonic()`. Blocks. Wants no QCoreApplication: a start that turns out to be the first makes its own.
    """

    def left_ms() -> int:
        return max(0, round((until_s - time.monotonic()) * 1000))

    socket = QLocalSocket()
    socket.connectToServer(name)
    if not socket.waitForConnected(left_ms()):
        return None
    socket.write(line)
    while not socket.canReadLine() and left_ms() and socket.waitForReadyRead(left_ms()):
        pass
    return bytes(socket.readLine().data()) if socket.canReadLine() else None
