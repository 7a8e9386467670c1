"""Whether SQLite will find all that was committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop_logs.storage.wal import fault_of_wal
from tests.storage.damage import NAME, records_from, write_segment


@pytest.fixture
def killed(tmp_path):
    """A segment whose program was killed."""
    return write_segment(tmp_path, NAME, records_from(1, 1_000), leave_wal=True)


def test_one_that_is_whole_has_no_fault(killed):
    assert fault_of_wal(killed) == ""


def test_none_has_no_fault(tmp_path):
    assert fault_of_wal(tmp_path / "x.db") == ""


def test_an_emptied_one_has_no_fault(killed):
    Path(f"{killed}-wal").write_bytes(b"")
    assert fault_of_wal(killed) == ""


@pytest.mark.parametrize(("at", "fault"), [(3, "the header"), (32 + 17, "frame 1 "), (32 + 4120 * 2 + 500, "frame 3 ")])
def test_a_changed_byte_is_found(killed, at, fault):
    wal = Path(f"{killed}-wal")
    data = bytearray(wal.read_bytes())
    data[at] ^= 1
    wal.write_bytes(data)
    assert fault_of_wal(killed).startswith(fault)


def test_what_a_kill_has_left_unfinished_is_no_fault(killed):
    wal = Path(f"{killed}-wal")
    data = wal.read_bytes()
    frames = [data[at : at + 4120] for at in range(32, len(data), 4120)]
    last = max(at for at, frame in enumerate(frames) if frame[4:8] != bytes(4))
    # The last transaction stops before its commit, within a frame.
    wal.write_bytes(data[: 32 + 4120 * last + 3_000])
    assert fault_of_wal(killed) == ""
