"""`desktop-logs export`: records of the history into a file or a pipe, whether a hub runs or not. No Qt."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from desktop_logs.archive import Archive, Wanted
from desktop_logs.core.errors import QueryError, StorageError, UserError
from desktop_logs.core.export import FORMATS, Format
from desktop_logs.partfile import PartFile, export_problem
from desktop_logs.terminal import announce, complain, complain_of_query, write_out

STDOUT: Final = "-"
FAILED: Final = 2


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What the command line says."""

    data_dir: Path
    wanted: Wanted
    target: Path | None
    """None for stdout."""
    form: Format
    may_overwrite: bool


def format_of(name: str, out: str) -> Format:
    """The format called *name*, else that of the ending of *out*; JSON lines to stdout. Raises UserError."""
    if name:
        return FORMATS[name]
    if out == STDOUT:
        return FORMATS["jsonl"]
    ending = Path(out).suffix.lower()
    for form in FORMATS.values():
        if form.suffix == ending:
            return form
    endings = ", ".join(form.suffix for form in FORMATS.values())
    raise UserError(f"{out} says no format. End it with one of {endings}, or name one with --format.")


def export(options: ExportOptions) -> int:
    """Write what is wanted, oldest first, all of it or nothing, and say how many records that were; the exit code, 2
    where the history has some that could not be read.

    Raises StorageError when there is no history or the file cannot be written, UserError when it is there already.
    """
    try:
        tree = options.wanted.tree(time.time_ns())
        with Archive(options.data_dir) as archive, _output(options) as write:
            write(options.form.head)
            count = 0
            for page in archive.oldest_first(tree):
                write(options.form.encode(page))
                count += len(page)
            write(options.form.tail)
    except QueryError as wrong:
        complain_of_query(options.wanted.query, wrong)
        return FAILED
    tell = complain if options.target is None else announce
    records = "1 record" if count == 1 else f"{count:,} records"
    tell(f"{records} written to {options.target or 'stdout'}")
    if archive.problem:
        complain(archive.problem)
    return 0 if archive.is_whole else FAILED


@contextmanager
def _output(options: ExportOptions) -> Iterator[Callable[[bytes], None]]:
    """What takes the bytes; a file is there only when the block has ended well."""
    if options.target is None:
        yield write_out
        return
    _refuse_to_overwrite(options)
    part = PartFile(options.target)
    try:
        part.open()
        yield part.write
        _refuse_to_overwrite(options)  # another program may have made it meanwhile
        part.finish()
    except OSError as failure:
        raise StorageError(export_problem(failure, options.target)) from failure
    finally:
        part.discard()


def _refuse_to_overwrite(options: ExportOptions) -> None:
    if options.target is None or options.may_overwrite or options.target.is_dir():  # PartFile says that it is a folder
        return
    if options.target.exists():
        raise UserError(f"{options.target} is there already. Choose another name, or replace it with --force.")
