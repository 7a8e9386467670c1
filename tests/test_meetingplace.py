"""The starts of a program meet where nobody else can put a socket, and only those that belong together."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_logs.core.errors import EnvironmentFault
from desktop_logs.meetingplace import MeetingPlace, keep_from_cleaning, meeting_place

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows keeps pipes of a name, and knows no such modes")


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path leaves room for that of a socket, which pytest's own may not."""
    folder = tempfile.mkdtemp(prefix="dl-")
    yield Path(folder)
    shutil.rmtree(folder)


@pytest.fixture
def runtime(short: Path) -> Path:
    folder = short / "run"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture(autouse=True)
def temporary(short: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for /tmp. After *tmp_path*, which pytest makes in the real one."""
    folder = short / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(folder))
    return folder


def place(data: Path, runtime: Path | str = "", **env: str) -> MeetingPlace:
    return meeting_place(data, {"XDG_RUNTIME_DIR": str(runtime), "DISPLAY": ":1", **env})


def test_it_lies_in_the_runtime_folder_in_one_of_its_owner_alone(runtime: Path, tmp_path: Path) -> None:
    found = place(tmp_path / "data", runtime)
    assert found.lock.parent == Path(found.socket).parent == runtime / "desktop-logs"
    assert stat.S_IMODE(found.lock.parent.stat().st_mode) == 0o700
    assert not found.lock.exists()


def test_the_same_folder_and_display_meet_and_others_do_not(runtime: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "link").symlink_to(data)
    here = place(data, runtime)
    assert place(tmp_path / "link", runtime) == here
    others = [
        place(tmp_path / "other", runtime),
        place(data, runtime, DISPLAY=":2"),
        place(data, runtime, WAYLAND_DISPLAY="wayland-0"),
    ]
    assert len({here, *others}) == 4
    assert len({one.socket for one in (here, *others)}) == 4


def test_the_name_of_the_socket_is_short_enough_wherever_that_is() -> None:
    """103 bytes on macOS, whose folder for temporary files is this long; Qt adds 9 letters while it makes one."""
    theirs = "/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T"
    name = Path(meeting_place(Path("/x" * 200), {"DISPLAY": ":0"}).socket).name
    assert len(f"{theirs}/desktop-logs-4294967295/{name}") + 9 <= 103


@pytest.mark.parametrize("runtime", ["", "relative", "/nowhere"])
def test_without_a_runtime_folder_it_lies_among_the_temporary_files(
    runtime: str, temporary: Path, tmp_path: Path
) -> None:
    assert place(tmp_path, runtime).lock.parent == temporary / f"desktop-logs-{os.getuid()}"


def test_a_folder_whose_path_is_too_long_for_a_socket_is_not_used(
    short: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The socket could not be listened at, and later starts would wait for it in vain."""
    long = short / ("x" * 80)
    long.mkdir(mode=0o700)
    assert place(short, long).lock.parent.parent == temporary
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(long))
    with pytest.raises(EnvironmentFault, match="too long a path for a socket"):
        place(short, long)


def test_a_runtime_folder_that_others_may_write_in_is_not_used(runtime: Path, temporary: Path, tmp_path: Path) -> None:
    runtime.chmod(0o777)
    assert place(tmp_path, runtime).lock.parent.parent == temporary


@pytest.mark.parametrize(
    ("put_there", "why"),
    [
        (lambda path: path.mkdir(), "is open to other users"),
        (lambda path: path.write_text(""), "Cannot make"),
        (lambda path: path.symlink_to(path.parent), "is no folder"),
    ],
)
def test_a_folder_that_is_not_this_users_alone_is_refused(
    temporary: Path, tmp_path: Path, put_there: object, why: str
) -> None:
    assert callable(put_there)
    put_there(temporary / f"desktop-logs-{os.getuid()}")
    with pytest.raises(EnvironmentFault, match=why):
        place(tmp_path)


def test_a_folder_of_another_user_is_refused(temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = temporary / "desktop-logs-4242"
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "getuid", lambda: 4242)
    with pytest.raises(EnvironmentFault, match="belongs to another user"):
        place(tmp_path)


def test_who_tidies_up_leaves_what_is_kept_from_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch(mode=0o600)
    keep_from_cleaning(path)
    assert stat.S_IMODE(path.stat().st_mode) in (0o1600, 0o600)  # the second where it means nothing
    keep_from_cleaning(tmp_path / "none")
