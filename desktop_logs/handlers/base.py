"""How every handler here takes a record from logging: outside of any lock. Standard library only."""

from __future__ import annotations

import logging


class LockFreeHandler(logging.Handler):
    """A handler whose `emit` may be called by many threads at once, and never raises."""

    def handle(self, record: logging.LogRecord) -> bool:
        """As logging's own, without its lock: under that, an object of the program's that takes a lock of its own in
        `__str__` could stop two threads for ever, and every thread would wait for the slowest message."""
        if not self.filters:
            self.emit(record)
            return True
        kept = self.filter(record)
        if kept:
            # Since Python 3.12 a filter may give another record to go on with.
            self.emit(kept if isinstance(kept, logging.LogRecord) else record)
        return bool(kept)
