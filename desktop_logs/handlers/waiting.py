"""Who waits in `flush` and `close` for the sender's thread, and how that is woken. Knows no records and no network."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue


class _Waiter:
    def __init__(self, number: int, with_old: bool) -> None:
        self.number = number
        self.with_old = with_old
        self.done = threading.Event()
        self.is_gone = False


class Waiters:
    """Any thread may `wake` and `wait`; the rest belongs to the sender's, or to whoever ends its work for it."""

    def __init__(self) -> None:
        self._wakes: SimpleQueue[_Waiter | None] = SimpleQueue()  # its put is re-entrant; an Event's set is not
        self._noted: list[_Waiter] = []

    def wake(self) -> None:
        """End a `listen` that is under way, or the next one."""
        self._wakes.put(None)

    def wait(self, number: int, with_old: bool, timeout_s: float) -> bool:
        """Wait until all up to *number* is settled, and *with_old* until what an earlier run has left is sent or cannot
        be sent now. False after *timeout_s*."""
        waiter = _Waiter(number, with_old)
        self._wakes.put(waiter)
        if waiter.done.wait(timeout_s):
            return True
        waiter.is_gone = True
        return False

    @property
    def count(self) -> int:
        """How many are noted, with those who may have gone since."""
        return len(self._noted)

    def are_there(self, settled: int) -> bool:
        """True while somebody waits for more than what is *settled*."""
        return any(not waiter.is_gone and waiter.number > settled for waiter in self._noted)

    def listen(self, timeout_s: float | None) -> None:
        """Sleep until somebody wakes or waits, and note who does; *timeout_s* at most, None for ever."""
        try:
            wake = self._wakes.get(timeout=timeout_s)
            while True:
                if wake is not None:
                    self._noted.append(wake)
                wake = self._wakes.get_nowait()
        except Empty:
            return

    def answer(self, settled: int, is_old_done: bool) -> None:
        """Let those go on whose numbers are *settled*, and who do not wait for what is old, or it *is_old_done*."""
        waiting, self._noted = self._noted, []
        for waiter in waiting:
            if waiter.number <= settled and (is_old_done or not waiter.with_old):
                waiter.done.set()
            elif not waiter.is_gone:
                self._noted.append(waiter)

    def answer_all(self) -> None:
        """Let everybody go on, also who has not been noted: nothing more will be settled."""
        self.listen(0)
        for waiter in self._noted:
            waiter.done.set()
