"""One program holds a data folder, tells who it is, and leaves nothing behind however it ends. Real processes."""

from __future__ import annotations

import errno
import os
import signal
import sys

import pytest

from desktop_logs.core.errors import FolderInUse, StorageError
from desktop_logs.storage import filelock
from desktop_logs.storage.datalock import LOCK_FILE, DataLock, Holder, holder_of
from tests.storage.support import until

URL = "http://127.0.0.1:5647"

HOLD = """
import pathlib, subprocess, sys
from desktop_logs.core.errors import FolderInUse
from desktop_logs.storage.datalock import DataLock
lock = DataLock(pathlib.Path(sys.argv[1]), "desktop-logs serve")
try:
    lock.acquire()
except FolderInUse as refused:
    print(refused, flush=True)
    sys.exit(1)
lock.announce(sys.argv[2])
child = None
if "child" in sys.argv:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
print("held", child and child.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hold(start, tmp_path):
    """Starts a program that takes the lock and keeps it until its stdin ends."""

    def run(*more):
        return start([sys.executable, "-c", HOLD, str(tmp_path), URL, *more])

    return run


@pytest.fixture
def lock(tmp_path):
    made = DataLock(tmp_path, "a test")
    yield made
    made.release()


def test_a_second_program_is_told_who_holds_the_folder(hold, lock, tmp_path):
    first = hold()
    first.line_with("held")
    with pytest.raises(FolderInUse) as refused:
        lock.acquire()
    assert str(refused.value) == (
        f"The data folder {tmp_path} is in use by desktop-logs serve (process {first.pid}, {URL}). "
        "Use that one, or choose another folder with --data-dir."
    )
    assert refused.value.holder == f"desktop-logs serve (process {first.pid}, {URL})"
    assert refused.value.url == URL


def test_a_killed_program_holds_nothing(hold, lock):
    first = hold()
    first.line_with("held")
    first.signal(signal.SIGKILL)
    first.wait()
    assert lock.acquire() == ""
    assert lock.acquire() == "", "twice is once"


def test_a_program_that_ends_holds_nothing(hold, lock):
    first = hold()
    first.line_with("held")
    first.close_stdin()
    assert first.wait() == 0
    assert lock.acquire() == ""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL, and hands no such file on")
def test_what_a_program_has_started_does_not_hold_the_folder_after_it(hold, lock):
    first = hold("child")
    child = int(first.line_with("held").split()[1])
    os.kill(child, signal.SIGSTOP)  # else it ends with the pipe that the kill closes
    try:
        first.signal(signal.SIGKILL)
        until(lambda: not first.is_running)
        assert lock.acquire() == ""
        os.kill(child, 0)
    finally:
        os.kill(child, signal.SIGCONT)


def test_of_many_at_once_one_gets_it(hold):
    programs = [hold() for _ in range(4)]
    said = [program.line() for program in programs]
    (winner,) = [program for program, line in zip(programs, said, strict=True) if line.startswith("held")]
    assert all(f"process {winner.pid}" in line for line in said if not line.startswith("held"))


def test_what_is_announced_is_what_others_read(lock, tmp_path):
    lock.acquire()
    assert holder_of(tmp_path) == Holder("a test", os.getpid(), "")
    lock.announce(URL)
    assert holder_of(tmp_path) == Holder("a test", os.getpid(), URL)
    lock.announce("")
    assert holder_of(tmp_path) == Holder("a test", os.getpid(), "")
    assert str(holder_of(tmp_path)) == f"a test (process {os.getpid()})"


def test_a_folder_that_cannot_be_made_is_told_with_the_reason_for_that(tmp_path, monkeypatch):
    def refuse(path, mode=0o777):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(os, "mkdir", refuse)
    with pytest.raises(StorageError, match=r"in .*/home/data: Permission denied\. Make it writable for you"):
        DataLock(tmp_path / "home" / "data", "a test").acquire()


def test_a_folder_that_is_not_there_is_made_for_its_owner_alone(tmp_path):
    lock = DataLock(tmp_path / "data", "a test")
    assert lock.acquire() == ""
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    lock.release()


def test_a_released_folder_is_free_and_announcing_does_nothing_then(lock, tmp_path):
    lock.acquire()
    lock.release()
    lock.announce(URL)
    other = DataLock(tmp_path, "another test")
    assert other.acquire() == ""
    with pytest.raises(FolderInUse, match="another test"):
        lock.acquire()
    other.release()
    assert lock.acquire() == ""


@pytest.mark.parametrize("text", [b"", b"nonsense", b"[]", b'{"what": "x", "pid": null, "url": ""}', b"\xff" * 10_000])
def test_a_text_that_tells_nothing_is_another_program(lock, tmp_path, text):
    other = DataLock(tmp_path, "another test")
    other.acquire()
    (tmp_path / LOCK_FILE).write_bytes(text)
    with pytest.raises(FolderInUse, match="is in use by another program. End it, or choose another folder"):
        lock.acquire()
    other.release()


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such modes")
def test_the_lock_file_is_its_owners_alone(lock, tmp_path):
    lock.acquire()
    assert (tmp_path / LOCK_FILE).stat().st_mode & 0o777 == 0o600


def test_a_lock_that_is_just_being_let_go_is_waited_for(lock, tmp_path, monkeypatch):
    other = DataLock(tmp_path, "another test")
    other.acquire()
    monkeypatch.setattr(filelock.time, "sleep", lambda _: other.release())
    assert lock.acquire() == ""


@pytest.mark.parametrize("fault", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_said_and_used(lock, tmp_path, monkeypatch, fault):
    def fails(_):
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(filelock, "_lock", fails)
    assert lock.acquire().startswith(f"The file system of {tmp_path} knows no locks, ")
    assert holder_of(tmp_path).pid == os.getpid()


def test_a_disk_that_fails_is_said(lock, monkeypatch):
    def fails(_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(filelock, "_lock", fails)
    with pytest.raises(StorageError, match="Input/output error"):
        lock.acquire()


def test_on_a_full_disk_the_folder_is_held_without_a_name(lock, tmp_path, monkeypatch):
    (tmp_path / LOCK_FILE).write_text('{"what": "long ago", "pid": 7, "url": ""}')

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        assert lock.acquire() == ""
    assert holder_of(tmp_path) == Holder()
    with pytest.raises(FolderInUse):
        DataLock(tmp_path, "another test").acquire()
