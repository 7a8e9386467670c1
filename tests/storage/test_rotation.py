"""One series of files: where each line goes, and what is left after kills, full disks and other people's hands."""

from __future__ import annotations

import os
import tempfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.storage.rotation import LogName, RotatingFile
from tests.storage.failing_disk import FailingDisk

DAY = date(2026, 11, 22)
NEXT = DAY + timedelta(days=1)
FIRST = "app-2026-11-22.log"


@pytest.fixture
def make(tmp_path):
    """Makes series in one folder, as a restarted program would, and closes them."""
    made = []

    def make_series(max_bytes=1_000, opener=None):
        series = RotatingFile(tmp_path, "app", max_bytes, *([opener] if opener else []))
        made.append(series)
        return series

    yield make_series
    for series in made:
        series.close()


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize(
    "text",
    [FIRST, "app-2026-11-22.log.1", "app-2026-11-22.log.12.gz", "a-b-2026-11-22.log.gz.part"],
)
def test_a_name_of_the_series_is_read_and_spelled_the_same(text):
    assert str(LogName.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "app.log",
        "app-2026-11-22.txt",
        "app-2026-13-22.log",
        "app-2026-02-30.log",
        "app-2026-11-22.log.0",
        "app-2026-11-22.log.01",
        "app-2026-11-22.log.1.bak",
        "app-2026-11-22.log.gz.1",
        "app-٢٠٢٦-11-22.log",
        "app-2026-11-22.log\n",
        "-2026-11-22.log",
    ],
)
def test_any_other_name_is_not_ours(text):
    assert LogName.parse(text) is None


def test_lines_go_to_the_file_of_their_day(make, tmp_path):
    series = make()
    series.append(b"before\n", DAY)
    series.append(b"after\n", NEXT)
    assert files(tmp_path) == {FIRST: b"before\n", "app-2026-11-23.log": b"after\n"}


def test_lines_are_in_the_file_as_soon_as_append_returns(make, tmp_path):
    make().append(b"one\n", DAY)
    assert (tmp_path / FIRST).read_bytes() == b"one\n"


def test_a_file_that_would_pass_the_limit_is_followed_by_a_numbered_one(make, tmp_path):
    series = make(max_bytes=10)
    for line in (b"12345678\n", b"2\n", b"3\n"):
        series.append(line, DAY)
    assert files(tmp_path) == {FIRST: b"12345678\n", FIRST + ".1": b"2\n3\n"}
    assert series.live == FIRST + ".1"


def test_a_file_may_be_as_long_as_the_limit(make, tmp_path):
    series = make(max_bytes=10)
    series.append(b"1234\n", DAY)
    series.append(b"6789\n", DAY)
    assert files(tmp_path) == {FIRST: b"1234\n6789\n"}


def test_a_line_longer_than_the_limit_has_a_file_of_its_own(make, tmp_path):
    make(max_bytes=4).append(b"1\n" + b"x" * 9 + b"\n2\n", DAY)
    assert files(tmp_path) == {FIRST: b"1\n", FIRST + ".1": b"x" * 9 + b"\n", FIRST + ".2": b"2\n"}


def test_a_raised_limit_takes_effect_with_the_next_write(make, tmp_path):
    series = make(max_bytes=4)
    series.append(b"1\n", DAY)
    series.max_bytes = 100
    series.append(b"23456789\n", DAY)
    assert files(tmp_path) == {FIRST: b"1\n23456789\n"}


def test_a_restart_continues_the_newest_file_of_the_day(make, tmp_path):
    first = make(max_bytes=4)
    first.append(b"1\n22\n", DAY)
    first.close()
    make(max_bytes=9).append(b"3\n", DAY)
    assert files(tmp_path) == {FIRST: b"1\n", FIRST + ".1": b"22\n3\n"}


def test_a_restart_counts_on_past_nine(make, tmp_path):
    for number in range(11):
        (tmp_path / str(LogName("app", DAY, number))).write_bytes(b"x\n")
    make().append(b"y\n", DAY)
    assert (tmp_path / (FIRST + ".10")).read_bytes() == b"x\ny\n"


def test_after_a_compressed_file_comes_the_next_number(make, tmp_path):
    (tmp_path / (FIRST + ".gz")).write_bytes(b"packed")
    make().append(b"1\n", DAY)
    assert files(tmp_path) == {FIRST + ".1": b"1\n", FIRST + ".gz": b"packed"}


def test_a_file_that_is_also_there_compressed_takes_no_more_lines(make, tmp_path):
    (tmp_path / (FIRST + ".gz")).write_bytes(b"packed")
    (tmp_path / FIRST).write_bytes(b"0\n")
    make().append(b"1\n", DAY)
    assert (tmp_path / FIRST).read_bytes() == b"0\n"
    assert (tmp_path / (FIRST + ".1")).read_bytes() == b"1\n"


def test_a_half_compressed_file_may_still_grow(make, tmp_path):
    (tmp_path / (FIRST + ".gz.part")).write_bytes(b"pack")
    (tmp_path / FIRST).write_bytes(b"0\n")
    make().append(b"1\n", DAY)
    assert (tmp_path / FIRST).read_bytes() == b"0\n1\n"


def test_a_folder_with_the_name_of_a_log_file_is_passed_over(make, tmp_path):
    (tmp_path / FIRST).mkdir()
    make().append(b"1\n", DAY)
    assert (tmp_path / (FIRST + ".1")).read_bytes() == b"1\n"


def test_files_of_others_have_no_part_in_the_numbers(make, tmp_path):
    others = ("errors-2026-11-22.log.7", "app-2026-11-22.log.7.bak", "my-app-2026-11-22.log.7")
    for name in others:
        (tmp_path / name).write_bytes(b"theirs")
    make().append(b"1\n", DAY)
    assert files(tmp_path) == {FIRST: b"1\n", **dict.fromkeys(others, b"theirs")}


def test_no_line_is_glued_to_one_that_a_kill_has_torn(make, tmp_path):
    (tmp_path / FIRST).write_bytes(b'1\n{"mess')
    series = make()
    series.append(b"2\n", DAY)
    series.append(b"3\n", DAY)
    assert (tmp_path / FIRST).read_bytes() == b'1\n{"mess\n2\n3\n'


def test_the_newline_after_a_torn_line_counts_towards_the_limit(make, tmp_path):
    (tmp_path / FIRST).write_bytes(b"12345678")
    make(max_bytes=10).append(b"9\n", DAY)
    assert files(tmp_path) == {FIRST: b"12345678", FIRST + ".1": b"9\n"}


def test_a_clock_set_back_over_midnight_goes_on_in_the_old_file(make, tmp_path):
    series = make()
    for line, day in ((b"1\n", DAY), (b"2\n", NEXT), (b"3\n", DAY), (b"4\n", NEXT)):
        series.append(line, day)
    assert files(tmp_path) == {FIRST: b"1\n3\n", "app-2026-11-23.log": b"2\n4\n"}


@pytest.mark.skipif(os.name == "nt", reason="Windows deletes no open file")
def test_a_file_deleted_under_the_pen_is_made_anew(make, tmp_path):
    series = make()
    series.append(b"1\n", DAY)
    (tmp_path / FIRST).unlink()
    series.append(b"2\n", DAY)
    assert files(tmp_path) == {FIRST: b"2\n"}


@pytest.mark.skipif(os.name == "nt", reason="Windows moves no open file")
def test_a_file_moved_away_never_sends_later_lines_to_an_earlier_number(make, tmp_path):
    series = make(max_bytes=4)
    series.append(b"1\n222\n", DAY)
    (tmp_path / (FIRST + ".1")).rename(tmp_path / "saved")
    series.append(b"3\n", DAY)
    assert files(tmp_path) == {FIRST: b"1\n", FIRST + ".1": b"3\n", "saved": b"222\n"}


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no folder with an open file")
def test_a_folder_removed_under_the_pen_is_made_anew(tmp_path):
    folder = tmp_path / "logs"
    series = RotatingFile(folder, "app", 1_000)
    series.append(b"1\n", DAY)
    (folder / FIRST).unlink()
    folder.rmdir()
    series.append(b"2\n", DAY)
    series.close()
    assert files(folder) == {FIRST: b"2\n"}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_file_emptied_by_somebody_is_filled_from_its_start(make, tmp_path):
    series = make(max_bytes=6)
    series.append(b"1234\n", DAY)
    os.truncate(tmp_path / FIRST, 0)
    series.append(b"5678\n", DAY)
    assert files(tmp_path) == {FIRST: b"5678\n"}


def test_two_writers_of_one_series_share_the_limit(make, tmp_path):
    one, other = make(max_bytes=6), make(max_bytes=6)
    one.append(b"11\n", DAY)
    other.append(b"22\n", DAY)
    one.append(b"33\n", DAY)
    other.append(b"44\n", DAY)
    assert files(tmp_path) == {FIRST: b"11\n22\n", FIRST + ".1": b"33\n44\n"}


def test_a_write_that_takes_a_few_bytes_at_a_time_is_finished(make, tmp_path):
    make(opener=FailingDisk(step=3).open).append(b"0123456789\nabc\n", DAY)
    assert files(tmp_path) == {FIRST: b"0123456789\nabc\n"}


@pytest.mark.parametrize("room", range(12))
def test_what_fails_leaves_no_line_behind_and_can_be_tried_again(make, tmp_path, room):
    """At any byte, over any number of files: afterwards the folder is as before, and a retry doubles nothing."""
    disk = FailingDisk()
    series = make(max_bytes=5, opener=disk.open)
    series.append(b"0\n", DAY)
    disk.room = room
    with pytest.raises(OSError, match="No space left"):
        series.append(b"1\n222\n33\n4444\n", DAY)
    assert files(tmp_path) == {FIRST: b"0\n"}
    disk.room = None
    series.append(b"1\n222\n33\n4444\n", DAY)
    assert list(files(tmp_path).values()) == [b"0\n1\n", b"222\n", b"33\n", b"4444\n"]


def test_a_torn_line_is_still_torn_after_a_failure(make, tmp_path):
    (tmp_path / FIRST).write_bytes(b"torn")
    disk = FailingDisk(room=2)
    series = make(opener=disk.open)
    with pytest.raises(OSError, match="No space left"):
        series.append(b"1\n", DAY)
    disk.room = None
    series.append(b"1\n", DAY)
    assert (tmp_path / FIRST).read_bytes() == b"torn\n1\n"


def test_an_append_can_be_taken_back(make, tmp_path):
    series = make(max_bytes=5)
    series.append(b"0\n", DAY)
    series.append(b"1\n222\n", DAY)
    series.undo()
    series.undo()
    assert files(tmp_path) == {FIRST: b"0\n"}
    series.append(b"1\n", DAY)
    assert files(tmp_path) == {FIRST: b"0\n1\n"}


def test_taking_back_spares_the_lines_that_another_process_wrote_since(make, tmp_path):
    series = make()
    series.append(b"ours\n", DAY)
    make().append(b"theirs\n", DAY)
    series.undo()
    assert files(tmp_path) == {FIRST: b"ours\ntheirs\n"}


def test_what_could_not_be_taken_back_is_before_the_next_append(make, tmp_path, monkeypatch):
    disk = FailingDisk()
    series = make(opener=disk.open)
    series.append(b"0\n", DAY)

    def refuse(path, size):
        raise PermissionError(1, "not now")

    disk.room = 1
    with monkeypatch.context() as patched:
        patched.setattr(os, "truncate", refuse)
        with pytest.raises(OSError, match="No space left"):
            series.append(b"1\n", DAY)
        disk.room = None
        with pytest.raises(OSError, match="not now"):
            series.append(b"1\n", DAY)
        series.close()
        assert not series.unless_live(LogName("app", DAY), lambda: None)
    series.append(b"1\n", DAY)
    assert files(tmp_path) == {FIRST: b"0\n1\n"}


def test_a_folder_that_is_a_file_is_an_error_for_as_long_as_it_is(tmp_path):
    folder = tmp_path / "logs"
    folder.write_bytes(b"")
    series = RotatingFile(folder, "app", 1_000)
    with pytest.raises(FileExistsError):
        series.append(b"1\n", DAY)
    folder.unlink()
    series.append(b"1\n", DAY)
    series.close()
    assert files(folder) == {FIRST: b"1\n"}


def test_no_lines_make_no_file(make, tmp_path):
    series = make()
    series.append(b"", DAY)
    assert files(tmp_path) == {}
    assert series.live == ""


def test_half_a_line_is_refused(make, tmp_path):
    with pytest.raises(ValueError, match="newline"):
        make().append(b"1\n2", DAY)
    assert files(tmp_path) == {}


def test_the_open_file_is_live_and_what_the_last_append_has_touched(make):
    series = make(max_bytes=4)
    ran = []
    first, second = LogName("app", DAY), LogName("app", DAY, 1)
    series.append(b"1\n222\n", DAY)
    assert not series.unless_live(first, lambda: ran.append(0))
    series.undo()
    series.append(b"1\n222\n", DAY)
    series.append(b"\n", DAY)
    assert series.unless_live(first, lambda: ran.append(1))
    assert not series.unless_live(second, lambda: ran.append(2))
    series.close()
    assert series.unless_live(second, lambda: ran.append(3))
    assert ran == [1, 3]


lines_of_text = st.lists(st.binary(max_size=30).map(lambda text: text.replace(b"\n", b" ") + b"\n"), max_size=12)


@given(batches=st.lists(st.tuples(lines_of_text, st.booleans()), max_size=8), max_bytes=st.integers(1, 60))
def test_files_in_number_order_hold_exactly_what_was_appended(batches, max_bytes):
    """Whatever the batches, the limit and the restarts between them; and only a line alone passes the limit."""
    with tempfile.TemporaryDirectory() as folder:
        series = RotatingFile(Path(folder), "app", max_bytes)
        for lines, restart in batches:
            series.append(b"".join(lines), DAY)
            if restart:
                series.close()
                series = RotatingFile(Path(folder), "app", max_bytes)
        series.close()
        names = sorted((LogName.parse(name) for name in os.listdir(folder)), key=lambda name: name.number)
        contents = [(Path(folder) / str(name)).read_bytes() for name in names]
    assert [name.number for name in names] == list(range(len(names)))
    assert b"".join(contents) == b"".join(line for lines, _ in batches for line in lines)
    assert all(len(content) <= max_bytes or content.count(b"\n") == 1 for content in contents)
