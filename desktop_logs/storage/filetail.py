"""Reads one log file that other programs write, its newest part first, and follows what becomes of it. Writes nothing.

All of it waits for the disk: it is called in a thread, never in the window's own.
"""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from dataclasses import dataclass
from io import FileIO
from typing import Final, Literal

from desktop_logs.core.errors import StorageError
from desktop_logs.core.logtext import UTF_8, encoding_of

PIECE_BYTES: Final = 256 * 1024
_BLOCK_BYTES: Final = 1024 * 1024
_MARK_BYTES: Final = 256
_GZIP: Final = b"\x1f\x8b"
_UNPACKED_BYTES: Final = 16 * 1024
"""How much is unpacked at once: so much in front of a damage may be lost with it."""
_HOLDS_OPEN: Final = os.name != "nt"
"""On Windows an open file can be neither renamed nor deleted: there it is open only while it is read."""

Event = Literal["", "begun", "anew", "replaced", "gone"]
"""begun: read from the start of what is wanted; anew: it was cut or written over, and is read from its start again;
replaced: another file has its name and is read from its start; gone: there is none of that name, and each further look
says so again."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one look at the file has found. Without data it is read to its end."""

    event: Event = ""
    """What has happened before *data*."""
    data: bytes = b""
    changed_ns: int = 0
    """When the file was changed last, nanoseconds since 1970."""
    position: int = 0
    """How far it is read, in bytes."""
    size: int = 0


class FileTail:
    """The file at *path*. Of one that is longer, the newest *most_lines* lines and *most_bytes* are read.

    A file packed with gzip, or in UTF-16, is read from its beginning; a packed one does not grow.
    """

    def __init__(self, path: str, *, most_lines: int, most_bytes: int) -> None:
        self.path = path
        self._most_lines = most_lines
        self._most_bytes = most_bytes
        self._file: FileIO | None = None
        self._packed: gzip.GzipFile | None = None
        self._damage: Exception | None = None
        """What the packed file ends with, once that is known: raised by the read after what stands before it."""
        self._identity = (0, 0)
        self._position = 0
        self._mark = b""
        """The last bytes read before the position: where others stand there now, the file was written anew. A program
        that is started again empties its log, and may have written more than there was before the next look."""
        self._changed_ns = 0
        self._has_begun = False
        self._is_gone = False
        self.is_packed = False
        """True for a file in gzip's format."""
        self.skipped_bytes = 0
        """How much in front of what is read was left out."""

    def read(self) -> Piece:
        """The next piece of the file. Raises StorageError when it cannot be read: what is wrong, and what to do."""
        try:
            return self._open() if self._file is None else self._read()
        except (FileNotFoundError, NotADirectoryError):
            return self._gone()
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self.close()
            raise StorageError(
                f"{self.path} is damaged: what stands before the damage is shown. Copy it here again."
            ) from None
        except OSError as failure:
            self.close()
            raise StorageError(
                f"{self.path} cannot be read: {failure.strerror or failure}. {_what_to_do(failure)}"
            ) from None

    def close(self) -> None:
        """Let the file go. A read after that goes on where the last one ended, if it is the same file."""
        if self._packed is not None:
            self._packed.close()
            self._packed = self._damage = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _gone(self) -> Piece:
        self.close()
        self._is_gone = True
        return Piece("gone")

    def _open(self) -> Piece:
        """Open what has the name now, and go on where the last reading ended, or at the start of what is wanted."""
        found = os.stat(self.path)
        if stat.S_ISDIR(found.st_mode):
            raise StorageError(f"{self.path} is a folder. Open the log files in it instead.")
        if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for a writer
            raise StorageError(f"{self.path} is no file but a device or a pipe. Open a file instead.")
        self._file = FileIO(self.path)
        found = os.fstat(self._file.fileno())
        identity = (found.st_dev, found.st_ino)
        event: Event = ""
        if not self._has_begun:
            event = "begun"
            self._begin(self._file, found.st_size)
        elif identity != self._identity or self._is_gone or self.is_packed:
            event = "replaced"
            self._begin(self._file)
        elif not self._is_as_read(self._file, found):
            event = "anew"
            self._begin(self._file)
        self._has_begun, self._is_gone, self._identity = True, False, identity
        self._file.seek(self._position)
        if self.is_packed:
            self._packed = gzip.GzipFile(fileobj=self._file)
        return self._next(event, found)

    def _read(self) -> Piece:
        assert self._file is not None
        found = os.fstat(self._file.fileno())
        if self.is_packed:
            return self._next("", found)
        if not self._is_as_read(self._file, found):
            self._begin(self._file)
            self._file.seek(self._position)
            return self._next("anew", found)
        if found.st_size > self._position:
            return self._next("", found)
        # Nothing more is in this one: has another file its name by now?
        named = os.stat(self.path)
        if (named.st_dev, named.st_ino) != self._identity:
            self.close()
            return self._open()
        return self._next("", found)

    def _next(self, event: Event, found: os.stat_result) -> Piece:
        assert self._file is not None
        data = self._unpack(self._packed) if self._packed is not None else self._file.read(PIECE_BYTES) or b""
        self._position = self._file.tell() if self.is_packed else self._position + len(data)
        self._mark = (self._mark + data[-_MARK_BYTES:])[-_MARK_BYTES:]
        self._changed_ns = found.st_mtime_ns
        if not data and not _HOLDS_OPEN and not self.is_packed:
            self.close()
        return Piece(event, data, found.st_mtime_ns, self._position, found.st_size)

    def _unpack(self, packed: gzip.GzipFile) -> bytes:
        """The next piece, shorter than others in front of a damage; the damage itself by the call after that."""
        if self._damage is not None:
            raise self._damage
        found, count = [], 0
        try:
            # read() would drop what it has when it comes to a damage: of a small file all.
            while count < PIECE_BYTES and (data := packed.read1(min(_UNPACKED_BYTES, PIECE_BYTES - count))):
                found.append(data)
                count += len(data)
        except (EOFError, zlib.error, gzip.BadGzipFile) as damage:
            if not found:
                raise
            self._damage = damage
        return b"".join(found)

    def _is_as_read(self, file: FileIO, found: os.stat_result) -> bool:
        """False when *file* ends before the position, or other bytes stand there than were read. Leaves it there."""
        if found.st_size == self._position and found.st_mtime_ns == self._changed_ns:
            return True
        file.seek(self._position - len(self._mark))
        return found.st_size >= self._position and file.read(len(self._mark)) == self._mark

    def _begin(self, file: FileIO, size: int = 0) -> None:
        """Have *file* read from its start; where its *size* is given, from the start of what is wanted of it."""
        file.seek(0)
        first = file.read(4)
        self._mark = b""
        self._position = self.skipped_bytes = 0
        self.is_packed = first.startswith(_GZIP)
        if not self.is_packed and encoding_of(first) == UTF_8:
            self.skipped_bytes = self._start(file, size)
            self._position = max(self.skipped_bytes, _behind_nul(file, first))

    def _start(self, file: FileIO, size: int) -> int:
        """Where the newest lines begin that are wanted: 0, or behind the end of a line."""
        lines, end = 0, size
        least = max(size - self._most_bytes, 0)
        while end > least:
            begin = max(end - _BLOCK_BYTES, least)
            file.seek(begin)
            block = file.read(end - begin)
            count = block.count(b"\n")
            if lines + count > self._most_lines:
                # Of the lines that end here, the newest of those that are not wanted is the last to skip.
                at = len(block)
                for _ in range(self._most_lines + 1 - lines):
                    at = block.rfind(b"\n", 0, at)
                return begin + at + 1
            lines += count
            end = begin
        if not least:
            return 0
        file.seek(least)
        at = file.read(_BLOCK_BYTES).find(b"\n")
        return least + at + 1 if at >= 0 else least


def _behind_nul(file: FileIO, first: bytes) -> int:
    """Where the text begins in *file*: behind the NULs that stand where it was cut, if its program goes on writing at
    the place where it was (`program > app.log`, and `: > app.log` meanwhile)."""
    if not first.startswith(b"\0"):
        return 0
    file.seek(0)
    count = 0
    while block := file.read(_BLOCK_BYTES):
        text = block.lstrip(b"\0")
        count += len(block) - len(text)
        if text:
            break
    return count


def _what_to_do(failure: OSError) -> str:
    if isinstance(failure, PermissionError):
        return "Ask for the right to read it, and try again."
    return "Mend that and try again."
