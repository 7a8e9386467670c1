"""An export at work: records into a file, in slices that never hold up the window. Files and asyncio; no widgets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from desktop_logs.core.errors import StorageError
from desktop_logs.core.export import Format
from desktop_logs.core.records import Record
from desktop_logs.partfile import PartFile, export_problem

SLICE_S: Final = 0.004
"""How long encoding may hold the loop before it is given back."""
# The clock is read between groups, so a group must stay well below a slice: 64 usual records take about 0.2 ms to
# encode, and 64 K characters (more only where one record alone is longer) at most about 1 ms.
_GROUP_RECORDS: Final = 64
_GROUP_CHARACTERS: Final = 65_536


class ExportJob:
    """One export over records that do not change any more, all or nothing.

    The file grows as `<name>.part` beside its target and takes the target's name when it is complete. Cancelled or
    failed, the part is deleted and a file that had the target's name before is as it was.
    """

    def __init__(
        self,
        records: Sequence[Record],
        form: Format,
        target: Path,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        """*progress* is called on the loop with the records done and their total, about 200 times a second."""
        self.total = len(records)
        self._records = records
        self._form = form
        self._progress = progress
        self._part = PartFile(target)
        # One thread of its own, so that what is asked of the file happens in that order: a cancelled export deletes
        # its file only after the write that was under way.
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="export")

    async def run(self) -> int:
        """Write the file and return the number of records in it; once only.

        Raises StorageError with a sentence when the file cannot be written.
        """
        try:
            try:
                await self._write_all()
            except BaseException:
                await self._on_disk(self._part.discard)
                raise
        except OSError as problem:
            raise StorageError(export_problem(problem, self._part.target)) from problem
        finally:
            self._disk.shutdown(wait=False)
        return self.total

    async def _write_all(self) -> None:
        await self._on_disk(self._part.open)
        self._progress(0, self.total)
        done = 0
        pieces = [self._form.head]
        slice_end_s = time.perf_counter() + SLICE_S
        for group in groups(self._records):
            pieces.append(self._form.encode(group))
            done += len(group)
            if time.perf_counter() >= slice_end_s:
                await self._on_disk(self._part.write, b"".join(pieces))
                pieces.clear()
                self._progress(done, self.total)
                slice_end_s = time.perf_counter() + SLICE_S
        pieces.append(self._form.tail)
        await self._on_disk(self._part.write, b"".join(pieces))
        await self._on_disk(self._part.finish)
        self._progress(self.total, self.total)

    async def _on_disk(self, work: Callable[..., None], *args: Any) -> None:
        # Shielded: a thread cannot be stopped, and what it is asked for after a cancellation must still happen.
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._disk, work, *args))


def groups(records: Iterable[Record]) -> Iterator[list[Record]]:
    """*records* in order, in groups that take at most about a millisecond to encode."""
    group: list[Record] = []
    characters = 0
    for record in records:
        group.append(record)
        characters += len(record.message) + len(record.context)
        if len(group) >= _GROUP_RECORDS or characters >= _GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group
