"""The floor of free space: what is refused, for how long, and how seldom the disk is asked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from desktop_logs.core.errors import StorageError
from desktop_logs.storage.space import FreeSpace, free_bytes

FLOOR = 500_000_000
FOLDER = Path("/data/logs")


class Disk:
    """A disk with so many bytes *free* (None: it does not answer) and a clock that a test turns."""

    def __init__(self, free):
        self.free = free
        self.now_s = 0.0
        self.asked = 0
        self.space = FreeSpace(FOLDER, lambda: self.now_s, self._answer)

    def _answer(self, folder):
        assert folder == FOLDER
        self.asked += 1
        if self.free is None:
            raise OSError(5, "Input/output error")
        return self.free

    def refuses(self, size=0, after_s=1.0, floor=FLOOR):
        self.now_s += after_s
        try:
            self.space.check(size, floor)
        except StorageError:
            assert self.space.is_low
            return True
        assert not self.space.is_low
        return False


def test_below_the_floor_it_is_said_what_is_free_and_what_to_do():
    with pytest.raises(StorageError) as refused:
        Disk(480_900_000).space.check(0, FLOOR)
    assert str(refused.value) == (
        f"Only 480 MB are free on the disk of {FOLDER}; below 500 MB nothing more is stored. "
        "Free some space, or lower the limit in the settings."
    )


@pytest.mark.parametrize(
    ("free", "floor", "said"),
    [
        (0, 20_500_000_000, "Only 0 bytes are free on the disk of {}; below 20 GB"),
        (9_999_999_999, 10_000_000_000, "Only 9,999 MB are free on the disk of {}; below 10 GB"),
        (1_999, 2_000, "Only 1 kB are free on the disk of {}; below 2 kB"),
    ],
)
def test_sizes_are_told_in_the_unit_that_fits(free, floor, said):
    with pytest.raises(StorageError, match=said.format(FOLDER)):
        Disk(free).space.check(0, floor)


def test_at_the_floor_it_is_stored():
    assert not Disk(FLOOR).refuses()
    assert Disk(FLOOR - 1).refuses()


def test_what_is_about_to_be_written_may_not_pass_the_floor():
    assert Disk(FLOOR + 3_000_000).refuses(1_000_000)
    assert not Disk(FLOOR + 4_000_000).refuses(1_000_000)


def test_it_begins_again_one_per_cent_above_the_floor():
    disk = Disk(FLOOR - 1)
    assert disk.refuses()
    disk.free = FLOOR + 4_000_000
    assert disk.refuses()
    disk.free = FLOOR + 5_000_000
    assert not disk.refuses()
    disk.free = FLOOR
    assert not disk.refuses()


def test_the_disk_is_asked_twice_a_second_at_most_and_what_is_written_taken_off_meanwhile():
    disk = Disk(10 * FLOOR)
    for _ in range(100):
        assert not disk.refuses(1_000, after_s=0.01)
    assert disk.asked in (2, 3)


def test_an_estimate_alone_refuses_nothing():
    disk = Disk(FLOOR + 40_000_000)
    for _ in range(10):
        assert not disk.refuses(9_000_000, after_s=0.01)
    assert disk.asked == 10
    disk.free = FLOOR
    assert disk.refuses(9_000_000, after_s=0.01)
    assert disk.refuses(9_000_000, after_s=0.01)
    assert disk.asked == 11


def test_a_lower_floor_counts_at_once():
    disk = Disk(FLOOR - 1)
    assert disk.refuses()
    assert not disk.refuses(after_s=0, floor=FLOOR // 2)


def test_a_floor_of_nothing_never_refuses():
    assert not Disk(0).refuses(1_000_000, floor=0)


def test_a_disk_that_does_not_answer_refuses_nothing():
    disk = Disk(FLOOR - 1)
    assert disk.refuses()
    disk.free = None
    assert not disk.refuses()


def test_a_folder_that_is_not_there_yet_has_the_space_of_where_it_will_be(tmp_path, monkeypatch):
    asked = []

    def usage(place):
        asked.append(place)
        if place != tmp_path:
            raise FileNotFoundError
        return shutil._ntuple_diskusage(100, 58, 42)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    assert free_bytes(tmp_path / "data" / "logs") == 42
    assert asked == [tmp_path / "data" / "logs", tmp_path / "data", tmp_path]


def test_a_real_disk_answers(tmp_path):
    assert free_bytes(tmp_path / "none") > 0
