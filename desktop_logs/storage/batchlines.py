"""Records as lines of JSON, made a slice at a time, so that the window gets its turns. Writes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from desktop_logs.core.records import Record

Encode = Callable[[Record], bytes]
"""One line of JSON without its newline."""

# About 3 ms with the real encoder: what a frame of the window can spare while the disk thread holds the GIL.
SLICE_RECORDS = 1_000


class BatchLines:
    """For one thread: what it has encoded since it last gave way counts over batches."""

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        self._unyielded_records = 0

    def of(self, records: Sequence[Record], floor: int) -> list[tuple[int, bytes]]:
        """The lines of *records* of the severity *floor* and above, each with its severity. Raises what
        encoding raises."""
        encode = self._encode
        lines: list[tuple[int, bytes]] = []
        for start in range(0, len(records), SLICE_RECORDS):
            part = records[start : start + SLICE_RECORDS]
            lines += [(record.severity, encode(record)) for record in part if record.severity >= floor]
            self._unyielded_records += len(part)
            if self._unyielded_records >= SLICE_RECORDS:
                self._unyielded_records = 0
                time.sleep(0)  # gives the GIL to the window: a wait of 5 ms for it becomes 0.3 ms
        return lines
