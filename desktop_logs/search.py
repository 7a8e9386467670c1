"""`desktop-logs search`: records of the history in the terminal, whether a hub runs or not. No Qt."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from desktop_logs.archive import Archive, Wanted
from desktop_logs.core.errors import QueryError
from desktop_logs.core.export import numbered_jsonl
from desktop_logs.core.records import Record
from desktop_logs.terminal import complain, complain_of_query, line_of, wants_color, write_out

FOUND = 0
FOUND_NOTHING = 1
FAILED = 2
PIECE_RECORDS = 500


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What the command line says."""

    data_dir: Path
    wanted: Wanted
    limit: int
    """How many of the newest are printed; 0 for all."""
    as_json: bool


def search(options: SearchOptions) -> int:
    """Print what is wanted, oldest first; the exit code, which is grep's: 0 found, 1 nothing found, 2 not all could be
    searched. Raises StorageError when there is no history."""
    try:
        tree = options.wanted.tree(time.time_ns())
        with Archive(options.data_dir) as archive:
            if options.limit:
                count = _print([archive.newest(tree, options.limit)], options.as_json)
            else:
                count = _print(archive.oldest_first(tree), options.as_json)
    except QueryError as wrong:
        complain_of_query(options.wanted.query, wrong)
        return FAILED
    if archive.problem:
        complain(archive.problem)
    if not archive.is_whole:
        return FAILED
    return FOUND if count else FOUND_NOTHING


def _print(pages: Iterable[Sequence[Record]], as_json: bool) -> int:
    color = wants_color(sys.stdout)
    count = 0
    for page in pages:
        count += len(page)
        for start in range(0, len(page), PIECE_RECORDS):
            piece = page[start : start + PIECE_RECORDS]
            if as_json:
                write_out(numbered_jsonl(piece))
            else:
                write_out("".join(line_of(record, color) + "\n" for record in piece))
    return count
