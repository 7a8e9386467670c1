"""A log file that others write: its newest part, what is appended, rotated, cut or deleted, and what cannot be read."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop_logs.core.errors import StorageError
from desktop_logs.storage import filetail
from desktop_logs.storage.filetail import PIECE_BYTES, FileTail, Piece

Opens = Callable[..., FileTail]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.log"


@pytest.fixture(params=["held open", "closed between reads"])
def opens(request: pytest.FixtureRequest, path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opens]:
    """Tails of the file; once as on Windows, where it is not held open."""
    monkeypatch.setattr(filetail, "_HOLDS_OPEN", request.param == "held open")
    tails = []

    def opened(most_lines: int = 1_000, most_bytes: int = 10_000_000) -> FileTail:
        tails.append(FileTail(str(path), most_lines=most_lines, most_bytes=most_bytes))
        return tails[-1]

    yield opened
    for tail in tails:
        tail.close()


def rest(tail: FileTail) -> tuple[list[str], bytes]:
    """What happened, and all data until the file says no more."""
    events, data = [], b""
    while True:
        piece = tail.read()
        events += [piece.event] if piece.event else []
        data += piece.data
        if not piece.data:
            return events, data


def append(path: Path, data: bytes) -> None:
    with open(path, "ab") as file:
        file.write(data)


def test_a_file_is_read_from_its_beginning_in_pieces(path: Path, opens: Opens) -> None:
    data = b"".join(b"line %d\n" % number for number in range(100_000))
    path.write_bytes(data)
    tail = opens(most_lines=200_000)
    first = tail.read()
    assert (first.event, len(first.data), first.position, first.size) == ("begun", PIECE_BYTES, PIECE_BYTES, len(data))
    assert first.changed_ns == path.stat().st_mtime_ns
    assert rest(tail) == ([], data[PIECE_BYTES:])
    assert tail.skipped_bytes == 0


def test_what_is_appended_is_read(path: Path, opens: Opens) -> None:
    path.write_bytes(b"one\n")
    tail = opens()
    assert rest(tail) == (["begun"], b"one\n")
    assert tail.read().data == b""
    append(path, b"two\nhalf")
    assert rest(tail) == ([], b"two\nhalf")


@pytest.mark.parametrize("lines", [1, 7, 99_999, 100_000, 100_001])
def test_of_a_long_file_the_newest_lines_are_read(path: Path, opens: Opens, lines: int) -> None:
    every = [b"a line of the file, %d\n" % number for number in range(100_000)]  # more than two blocks
    path.write_bytes(b"".join(every) + b"begun")
    tail = opens(most_lines=lines)
    assert rest(tail)[1] == b"".join(every[-lines:]) + b"begun"
    assert tail.skipped_bytes == sum(map(len, every[:-lines]))


def test_of_a_large_file_the_newest_bytes_are_read_from_the_beginning_of_a_line(path: Path, opens: Opens) -> None:
    path.write_bytes(b"0123456789\n" * 1_000)
    tail = opens(most_bytes=105)
    assert rest(tail) == (["begun"], b"0123456789\n" * 9)
    assert tail.skipped_bytes == 991 * 11


def test_a_file_in_utf_16_is_read_whole_since_a_byte_is_no_line_end_there(path: Path, opens: Opens) -> None:
    data = "Ċ one\ntwo\nthree\n".encode("utf-16")
    path.write_bytes(data)
    assert rest(opens(most_lines=1)) == (["begun"], data)


def test_an_empty_file_is_followed(path: Path, opens: Opens) -> None:
    path.touch()
    tail = opens()
    assert rest(tail) == (["begun"], b"")
    append(path, b"x\n")
    assert rest(tail) == ([], b"x\n")


def test_a_file_that_is_cut_is_read_from_its_beginning(path: Path, opens: Opens) -> None:
    path.write_bytes(b"old old old\n")
    tail = opens()
    rest(tail)
    with open(path, "r+b") as file:
        file.truncate()
        file.write(b"new\n")
    assert rest(tail) == (["anew"], b"new\n")


@pytest.mark.parametrize("written", [b"new new new\n", b"new and longer\nthan before\n"])
def test_a_file_that_is_written_over_between_two_looks_is_read_from_its_beginning(
    path: Path, opens: Opens, written: bytes
) -> None:
    path.write_bytes(b"old old old\n")
    tail = opens()
    rest(tail)
    with open(path, "r+b") as file:
        file.truncate()
        file.write(written)
    os.utime(path, ns=(1, 1))  # the clock of some file systems stands still for milliseconds
    assert rest(tail) == (["anew"], written)
    append(path, b"on\n")
    assert rest(tail) == ([], b"on\n")


def test_a_file_that_is_only_touched_is_not_read_again(path: Path, opens: Opens) -> None:
    path.write_bytes(b"one\n")
    tail = opens()
    rest(tail)
    os.utime(path, ns=(1, 1))
    assert rest(tail) == ([], b"")


def test_nothing_stands_where_a_file_was_cut_that_its_program_writes_on_in_the_middle_of(
    path: Path, opens: Opens
) -> None:
    path.write_bytes(b"old\n" * 500_000)
    tail = opens(most_lines=1_000_000)
    rest(tail)
    with open(path, "r+b") as file:
        file.truncate()
        file.seek(2_000_000)
        file.write(b"new\n")
    assert rest(tail) == (["anew"], b"new\n")
    assert rest(opens()) == (["begun"], b"new\n")


def test_a_file_that_was_rotated_away_is_read_to_its_end_first(path: Path, opens: Opens) -> None:
    path.write_bytes(b"old\n")
    tail = opens()
    rest(tail)
    append(path, b"last words\n")
    os.rename(path, path.with_suffix(".log.1"))
    path.write_bytes(b"new\n")
    events, data = rest(tail)
    assert data in (b"last words\nnew\n", b"new\n")
    if filetail._HOLDS_OPEN:
        # The rest of the old one comes in a piece of its own, before it is told that another has its place.
        assert (events, data) == (["replaced"], b"last words\nnew\n")


def test_a_file_that_is_deleted_is_gone_until_it_is_back(path: Path, opens: Opens) -> None:
    path.write_bytes(b"old\n")
    tail = opens()
    rest(tail)
    path.unlink()
    assert tail.read() == Piece("gone")
    assert tail.read() == Piece("gone")
    path.write_bytes(b"newer\n")
    assert rest(tail) == (["replaced"], b"newer\n")


def test_a_file_that_is_not_there_yet_is_read_when_it_is(path: Path, opens: Opens) -> None:
    tail = opens()
    assert tail.read() == Piece("gone")
    path.write_bytes(b"first\n")
    assert rest(tail) == (["begun"], b"first\n")


def test_a_packed_file_is_read_to_its_end(path: Path, opens: Opens) -> None:
    data = b"".join(b"line %d\n" % number for number in range(100_000))
    path.write_bytes(gzip.compress(data))
    tail = opens(most_lines=5)
    assert rest(tail) == (["begun"], data)
    assert tail.is_packed
    assert tail.read().data == b""


def test_of_a_short_packed_file_that_was_cut_what_stands_before_the_cut_is_read(path: Path, opens: Opens) -> None:
    lines = b"".join(b"line %d of a file that was copied in part\n" % number for number in range(2_000))
    packed = gzip.compress(lines)
    path.write_bytes(packed[: len(packed) // 2])
    tail = opens()
    found = tail.read().data
    assert lines.startswith(found)
    assert len(found) > len(lines) // 3
    with pytest.raises(StorageError, match="is damaged"):
        tail.read()


@pytest.mark.parametrize("harm", ["cut short", "changed"])
def test_a_damaged_packed_file_gives_what_stands_before_the_damage(path: Path, opens: Opens, harm: str) -> None:
    packed = bytearray(gzip.compress(os.urandom(500_000)))
    if harm == "changed":
        packed[-6] ^= 255
    path.write_bytes(packed if harm == "changed" else packed[:-100_000])
    tail = opens()
    assert len(tail.read().data) == PIECE_BYTES
    with pytest.raises(StorageError, match=r"app\.log is damaged: what stands before the damage is shown"):
        rest(tail)


def test_what_is_no_file_is_told(path: Path, opens: Opens) -> None:
    path.mkdir()
    with pytest.raises(StorageError, match=r"app\.log is a folder\. Open the log files in it instead"):
        opens().read()
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(StorageError, match="is no file but a device or a pipe"):
        opens().read()


def test_a_file_that_may_not_be_read_is_told_and_read_when_it_may(
    path: Path, opens: Opens, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"one\n")
    tail = opens()
    real = filetail.FileIO

    def refused(name: str) -> None:
        raise PermissionError(13, "Permission denied", name)

    monkeypatch.setattr(filetail, "FileIO", refused)
    with pytest.raises(StorageError, match=r"app\.log cannot be read: Permission denied\. Ask for the right"):
        tail.read()
    monkeypatch.setattr(filetail, "FileIO", real)
    assert rest(tail) == (["begun"], b"one\n")


def test_after_a_close_the_same_file_is_read_on(path: Path, opens: Opens) -> None:
    path.write_bytes(b"one\n")
    tail = opens()
    rest(tail)
    tail.close()
    append(path, b"two\n")
    assert rest(tail) == ([], b"two\n")
