"""Old files are compressed, by name and never by mistake, in a thread that ends when it is told to."""

from __future__ import annotations

import gzip
import os
import threading
from datetime import date, timedelta

import pytest

from desktop_logs.core.settings import LogSettings
from desktop_logs.storage import housekeeping
from desktop_logs.storage.housekeeping import Housekeeping, tidy
from desktop_logs.storage.rotation import LogName, RotatingFile

TODAY = date(2026, 11, 22)
YESTERDAY = TODAY - timedelta(days=1)
TEXT = b'{"message":"one"}\n' * 50_000  # several chunks


@pytest.fixture
def series(tmp_path):
    made = RotatingFile(tmp_path, "app", 1_000_000)
    yield made
    made.close()


def put(series, day, number=0, suffix="", content=TEXT):
    path = series.folder / str(LogName(series.stem, day, number, suffix))
    path.write_bytes(content)
    return path


def run(series, stop=None, today=TODAY):
    return tidy(series, today, stop or threading.Event())


def names(series):
    return sorted(path.name for path in series.folder.iterdir())


def test_an_older_file_is_replaced_by_its_compressed_self(series):
    put(series, YESTERDAY)
    assert run(series) == ""
    assert names(series) == ["app-2026-11-21.log.gz"]
    assert gzip.decompress((series.folder / "app-2026-11-21.log.gz").read_bytes()) == TEXT


def test_a_numbered_file_of_today_is_compressed_once_it_is_followed(series):
    put(series, TODAY)
    put(series, TODAY, 1)
    put(series, TODAY, 2)
    assert run(series) == ""
    assert names(series) == ["app-2026-11-22.log.1.gz", "app-2026-11-22.log.2", "app-2026-11-22.log.gz"]


def test_the_file_being_written_is_left_alone_whatever_its_day(series):
    series.append(b"1\n", YESTERDAY)
    assert run(series) == ""
    assert run(series, today=TODAY + timedelta(days=1_000)) == ""
    assert names(series) == ["app-2026-11-21.log"]


def test_a_compressed_file_is_for_no_more_eyes_than_its_original(series):
    os.chmod(put(series, YESTERDAY), 0o600)
    run(series)
    assert (series.folder / "app-2026-11-21.log.gz").stat().st_mode & 0o777 == 0o600


def test_what_is_not_exactly_of_the_series_is_never_touched(series):
    others = [
        "app-2020-01-01.log.bak",
        "app-2020-01-01.txt",
        "app-2020-13-01.log",
        "errors-2020-01-01.log",
        "my-app-2020-01-01.log",
        "notes",
    ]
    for name in others:
        (series.folder / name).write_bytes(b"theirs")
    (series.folder / "app-2020-01-01.log").mkdir()
    os.symlink(series.folder / "notes", series.folder / "app-2020-01-02.log")
    assert run(series) == ""
    assert names(series) == sorted([*others, "app-2020-01-01.log", "app-2020-01-02.log"])


def test_a_half_file_that_a_kill_left_is_made_again(series):
    put(series, YESTERDAY)
    put(series, YESTERDAY, suffix=".gz.part", content=b"half")
    put(series, TODAY, 4, suffix=".gz.part", content=b"half")
    assert run(series) == ""
    assert names(series) == ["app-2026-11-21.log.gz"]


def test_an_original_beside_its_whole_compressed_self_is_deleted(series):
    put(series, YESTERDAY)
    packed = put(series, YESTERDAY, suffix=".gz", content=gzip.compress(TEXT))
    before = packed.stat().st_ino
    assert run(series) == ""
    assert names(series) == [packed.name]
    assert packed.stat().st_ino == before


@pytest.mark.parametrize(
    "damaged",
    [b"", b"no gzip", gzip.compress(TEXT)[:-20], gzip.compress(TEXT[:-18]), gzip.compress(TEXT)[:-6] + b"xxxxxx"],
)
def test_an_original_beside_a_damaged_or_shorter_one_is_compressed_again(series, damaged):
    put(series, YESTERDAY)
    packed = put(series, YESTERDAY, suffix=".gz", content=damaged)
    assert run(series) == ""
    assert names(series) == [packed.name]
    assert gzip.decompress(packed.read_bytes()) == TEXT


def test_a_compressed_file_that_holds_more_than_its_original_is_not_overwritten(series):
    put(series, YESTERDAY, content=b"1\n")
    packed = put(series, YESTERDAY, suffix=".gz", content=gzip.compress(TEXT))
    assert run(series) == ""
    assert names(series) == ["app-2026-11-21.log", packed.name]
    assert gzip.decompress(packed.read_bytes()) == TEXT


def test_a_file_that_grew_meanwhile_is_kept_for_the_next_run(series, monkeypatch):
    original = put(series, YESTERDAY)
    real = housekeeping._pack

    def pack_and_grow(source, part, stop):
        size = real(source, part, stop)
        with open(source, "ab") as other:
            other.write(b"late\n")
        return size

    with monkeypatch.context() as patched:
        patched.setattr(housekeeping, "_pack", pack_and_grow)
        assert run(series) == ""
    assert names(series) == [original.name]
    assert run(series) == ""
    assert gzip.decompress((series.folder / (original.name + ".gz")).read_bytes()) == TEXT + b"late\n"


def test_a_file_opened_for_writing_meanwhile_is_kept(series, monkeypatch):
    """A clock set back over midnight makes yesterday's file today's again while it is being compressed."""
    original = put(series, YESTERDAY)
    real = housekeeping._pack

    def pack_and_open(source, part, stop):
        size = real(source, part, stop)
        series.append(b"late\n", YESTERDAY)
        return size

    monkeypatch.setattr(housekeeping, "_pack", pack_and_open)
    assert run(series) == ""
    assert names(series) == [original.name]
    assert original.read_bytes() == TEXT + b"late\n"


@pytest.mark.parametrize("beside", [False, True])
def test_stopping_leaves_no_half_file(series, beside):
    original = put(series, YESTERDAY)
    expected = [original.name]
    if beside:
        expected.append(put(series, YESTERDAY, suffix=".gz", content=gzip.compress(TEXT)).name)

    class StopsAtTheSecondLook(threading.Event):
        looks = 0

        def is_set(self):
            self.looks += 1
            return self.looks > 2

    assert run(series, StopsAtTheSecondLook()) == ""
    assert names(series) == expected


def test_a_missing_folder_has_nothing_to_tidy(tmp_path):
    assert run(RotatingFile(tmp_path / "none", "app", 1_000)) == ""


def test_a_file_taken_away_meanwhile_is_no_problem(series, monkeypatch):
    put(series, YESTERDAY)
    last = put(series, YESTERDAY, 1)

    def take_away(source, part, stop):
        source.unlink()
        raise FileNotFoundError(2, "gone", str(source))

    monkeypatch.setattr(housekeeping, "_pack", take_away)
    assert run(series) == ""
    assert not last.exists()


def test_what_cannot_be_tidied_is_told_and_kept_and_the_others_are_done(series, monkeypatch):
    first, second = put(series, YESTERDAY), put(series, YESTERDAY, 1)
    real = housekeeping._pack

    def fail_once(source, part, stop):
        if source == first:
            part.write_bytes(b"half")
            raise OSError(28, "No space left on device")
        return real(source, part, stop)

    monkeypatch.setattr(housekeeping, "_pack", fail_once)
    problem = run(series)
    assert problem.startswith(f"Cannot tidy up {first}: No space left on device. ")
    assert names(series) == [first.name, second.name + ".gz"]


def test_the_thread_tidies_every_series_and_reports(tmp_path):
    both = [RotatingFile(tmp_path, stem, 1_000) for stem in ("app", "errors")]
    for series in both:
        put(series, YESTERDAY)
    reports, reported = [], threading.Event()
    keeper = Housekeeping(both, lambda problem: (reports.append(problem), reported.set()))
    keeper.request(TODAY, LogSettings())
    assert reported.wait(10)
    assert keeper.stop(10)
    assert reports == [""]
    assert names(both[0]) == ["app-2026-11-21.log.gz", "errors-2026-11-21.log.gz"]


def test_one_run_at_a_time_and_what_is_asked_meanwhile_comes_after(series, monkeypatch):
    started, go_on, done = threading.Event(), threading.Event(), threading.Event()
    runs = []

    def slow_tidy(of, today, stop):
        runs.append((today, threading.active_count()))
        started.set()
        assert go_on.wait(10)
        return f"problem {len(runs)}"

    reports = []

    def report(problem):
        reports.append(problem)
        if len(reports) == 2:
            done.set()

    monkeypatch.setattr(housekeeping, "tidy", slow_tidy)
    keeper = Housekeeping([series], report)
    keeper.request(YESTERDAY, LogSettings())
    assert started.wait(10)
    keeper.request(YESTERDAY, LogSettings())
    keeper.request(TODAY, LogSettings())
    go_on.set()
    assert done.wait(10)
    assert keeper.stop(10)
    assert [today for today, _ in runs] == [YESTERDAY, TODAY]
    assert len({threads for _, threads in runs}) == 1
    assert reports == ["problem 1", "problem 2"]


def test_a_stop_that_takes_too_long_says_so(series, monkeypatch):
    started, go_on = threading.Event(), threading.Event()

    def slow_tidy(*_):
        started.set()
        go_on.wait(10)
        return ""

    monkeypatch.setattr(housekeeping, "tidy", slow_tidy)
    keeper = Housekeeping([series], lambda _: None)
    keeper.request(TODAY, LogSettings())
    assert started.wait(10)
    assert not keeper.stop(0)
    go_on.set()
    assert keeper.stop(10)


def test_after_a_stop_nothing_is_tidied(series):
    original = put(series, YESTERDAY)
    keeper = Housekeeping([series], lambda _: None)
    assert keeper.stop(0)
    keeper.request(TODAY, LogSettings())
    assert keeper.stop(10)
    assert names(series) == [original.name]


def test_an_unexpected_fault_is_reported(series, monkeypatch):
    def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr(housekeeping, "tidy", broken)
    reports, reported = [], threading.Event()
    keeper = Housekeeping([series], lambda problem: (reports.append(problem), reported.set()))
    keeper.request(TODAY, LogSettings())
    assert reported.wait(10)
    assert keeper.stop(10)
    assert "RuntimeError('broken')" in reports[0]
