"""Reading a damaged segment page by page."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from desktop_logs.core.records import Record
from desktop_logs.storage.salvage import DamagedSegment
from tests.storage.damage import NAME, damage, records_from, write_segment


def salvaged(path: Path) -> dict[int, Record]:
    found: dict[int, Record] = {}
    with DamagedSegment(path) as segment:
        for leaf in segment.leaves():
            for record in leaf.records:
                found.setdefault(record.seq, record)
    return found


def by_seq(records: list[Record]) -> dict[int, Record]:
    return {record.seq: record for record in records}


def test_a_sound_segment_gives_every_record_and_what_stands_beside(tmp_path):
    records = records_from(1, 3_000)
    path = write_segment(tmp_path, NAME, records)
    assert salvaged(path) == by_seq(records)
    with DamagedSegment(path) as segment:
        list(segment.leaves())
    assert segment.beside.producers == {"p1": ("[[0,500]]", 77)}
    assert segment.beside.facts == {"format": 1, "indexed_below": 0, "epoch": "abc"}
    assert segment.beside.blocks == {0: 1_023, 1: 1_024, 2: 953}


def test_what_is_in_the_wal_alone_is_read_too(tmp_path):
    records = records_from(1, 1_000)
    path = write_segment(tmp_path, NAME, records, leave_wal=True)
    assert Path(f"{path}-wal").stat().st_size > 100_000
    assert salvaged(path) == by_seq(records)


def test_a_damaged_frame_costs_its_own_page_alone(tmp_path):
    records = records_from(1, 1_000)
    path = write_segment(tmp_path, NAME, records, leave_wal=True)
    wal = Path(f"{path}-wal")
    data = wal.read_bytes()
    wal.write_bytes(data[:60_000] + bytes(20) + data[60_020:])
    assert len(salvaged(path)) > 900


def test_what_was_not_committed_is_left_out(tmp_path):
    path = write_segment(tmp_path, NAME, records_from(1, 160), leave_wal=True)
    wal = Path(f"{path}-wal")
    data = wal.read_bytes()
    frame = 24 + 4096
    ends = [at for at in range(32, len(data), frame) if data[at + 4 : at + 8] != bytes(4)]
    # The last frame without its mark: a kill came before the commit was whole.
    wal.write_bytes(data[: ends[-1] + 4] + bytes(4) + data[ends[-1] + 8 :])
    assert salvaged(path) == {}


def test_of_a_file_that_was_cut_the_rest_is_read(tmp_path):
    records = records_from(1, 2_000)
    path = write_segment(tmp_path, NAME, records)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 1_234])
    found = salvaged(path)
    assert len(found) > 300
    assert found.items() <= by_seq(records).items()


def test_long_messages_are_followed_through_their_pages(tmp_path):
    records = [Record(1, 2, 9, "info", "a", "x" * 250_000, "", ""), Record(2, 3, 9, "info", "a", "é" * 4_500)]
    assert salvaged(write_segment(tmp_path, NAME, records)) == by_seq(records)


@pytest.mark.parametrize("seed", range(5))
def test_no_damage_raises_or_makes_up_records(tmp_path, seed):
    print(f"seed {seed}")
    chance = Random(seed)
    records = by_seq(records_from(1, 3_000, seed))
    path = write_segment(tmp_path, NAME, list(records.values()))
    damage(path, chance)
    found = salvaged(path)
    assert len(found) > 2_200
    # Damage that falls into a text alone and looks like one cannot be told.
    assert sum(records.get(seq) != record for seq, record in found.items()) < 10


@pytest.mark.parametrize("data", [b"", b"x", b"\x0d" * 50_000, bytes(10_000), b"\xff" * 10_000])
def test_what_was_never_a_segment_gives_nothing(tmp_path, data):
    path = tmp_path / "x.db"
    path.write_bytes(data)
    Path(f"{path}-wal").write_bytes(data)
    assert salvaged(path) == {}


def test_a_number_that_does_not_grow_is_not_believed(tmp_path):
    records = [Record(seq, seq, 9, "info", "", f"message {seq}", "", "") for seq in range(1_000, 1_010)]
    path = write_segment(tmp_path, NAME, records)
    data = bytearray(path.read_bytes())
    # Its number stands before its row, which begins with the length of the header and NULL for the number.
    at = data.index(b"message 1004")
    row = data.rindex(bytes([0x87, 0x6C]), 0, at)  # 1004
    data[row : row + 2] = bytes([0x8F, 0x6C])
    path.write_bytes(data)
    assert sorted(salvaged(path)) == [1_000, 1_001, 1_002, 1_003, 1_005, 1_006, 1_007, 1_008, 1_009]
