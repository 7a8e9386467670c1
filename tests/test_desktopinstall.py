"""install-desktop: what a desktop finds afterwards, and a home that is as it was when it is taken out again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_logs import APP_ID
from desktop_logs.core.errors import EnvironmentFault, UserError
from desktop_logs.desktopinstall import RECORD, install_desktop, this_program
from tests.support.program import Program

ENTRY = f"applications/{APP_ID}.desktop"
TYPES = f"mime/packages/{APP_ID}.xml"

OTHER_ENTRY = "[Desktop Entry]\nType=Application\nName=Other\nExec=true\nMimeType=text/x-other;\n"
OTHER_TYPES = """<?xml version="1.0"?><mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info">
<mime-type type="application/x-other"><glob pattern="*.other"/></mime-type></mime-info>"""


@pytest.fixture
def share(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The share folder of this test's home, which does not exist yet."""
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(sys, "argv", [str(program_in(home.parent / f"{home.name}-programs"))])
    return home / ".local" / "share"


def program_in(folder: Path) -> Path:
    path = folder / "desktop-logs"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below *folder* with its contents; None for a folder."""
    return {str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes() for path in folder.rglob("*")}


def asked(*command: str | Path, share: Path) -> str:
    """What *command* prints, which must succeed."""
    environment = {**os.environ, "XDG_DATA_HOME": str(share)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_there_valid_and_gone_again(home: Path, share: Path, capsys: pytest.CaptureFixture[str]):
    assert install_desktop() == 0
    said = capsys.readouterr()
    assert f"starts {sys.argv[0]}\n" in said.out
    assert said.err == ""
    assert f"Exec={sys.argv[0]} %U" in (share / ENTRY).read_text().splitlines()
    assert asked("desktop-file-validate", share / ENTRY, share=share) == ""
    metainfo = share / "metainfo" / f"{APP_ID}.metainfo.xml"
    assert "success" in asked("appstreamcli", "validate", "--no-net", "--strict", metainfo, share=share)
    for size in (16, 22, 24, 32, 48, 64, 128, 256, 512):
        assert (share / f"icons/hicolor/{size}x{size}/apps/{APP_ID}.png").is_file()
    assert (share / f"icons/hicolor/scalable/apps/{APP_ID}.svg").is_file()

    assert install_desktop(remove=True) == 0
    assert tree(home) == {}


def test_a_desktop_finds_the_program_for_files_and_links(share: Path, tmp_path: Path):
    install_desktop()
    for scheme in ("x-scheme-handler/desktop-logs", "text/x-log", "application/x-ndjson"):
        assert f"{APP_ID}.desktop" in asked("gio", "mime", scheme, share=share)
    for name, kind in (
        ("a.log", "text/x-log"),
        ("a.jsonl", "application/x-ndjson"),
        ("a.ndjson", "application/x-ndjson"),
    ):
        (tmp_path / name).write_text("{}\n")
        told = asked("gio", "info", "--attributes=standard::content-type", tmp_path / name, share=share)
        assert f"standard::content-type: {kind}" in told


def test_what_others_put_there_stays_as_it_was(home: Path, share: Path):
    for name, text in (("applications/other.desktop", OTHER_ENTRY), ("mime/packages/other.xml", OTHER_TYPES)):
        (share / name).parent.mkdir(parents=True)
        (share / name).write_text(text)
    (share / "icons/hicolor/16x16/apps").mkdir(parents=True)
    (share / "desktop-logs").mkdir()
    asked("update-desktop-database", share / "applications", share=share)
    asked("update-mime-database", share / "mime", share=share)
    before = tree(home)
    install_desktop()
    assert b"x-other" in (share / "applications/mimeinfo.cache").read_bytes()
    install_desktop(remove=True)
    assert tree(home) == before


def test_what_others_put_there_since_stays_too(home: Path, share: Path):
    install_desktop()
    (share / "applications/other.desktop").write_text(OTHER_ENTRY)
    (share / "mime/packages/other.xml").write_text(OTHER_TYPES)
    (share / "desktop-logs/history").mkdir()
    install_desktop(remove=True)
    assert b"x-other" in (share / "applications/mimeinfo.cache").read_bytes()
    assert b"x-other" in (share / "mime/globs2").read_bytes()
    assert (share / "desktop-logs/history").is_dir()
    assert [name for name in tree(home) if APP_ID in name] == []


def test_an_icon_cache_that_is_there_knows_the_icon(share: Path):
    (share / "icons/hicolor/16x16/apps").mkdir(parents=True)
    (share / "icons/hicolor/16x16/apps/other.png").write_bytes(b"other")
    asked("gtk-update-icon-cache", "--quiet", "--ignore-theme-index", share / "icons/hicolor", share=share)
    cache = share / "icons/hicolor/icon-theme.cache"
    install_desktop()
    assert APP_ID.encode() in cache.read_bytes()
    install_desktop(remove=True)
    assert APP_ID.encode() not in cache.read_bytes()


def test_given_again_it_changes_nothing_but_the_program(share: Path, home: Path, monkeypatch: pytest.MonkeyPatch):
    install_desktop()
    before = tree(home)
    install_desktop()
    assert tree(home) == before
    moved = program_in(home.parent / f"{home.name}-moved to")
    monkeypatch.setattr(sys, "argv", [str(moved)])
    install_desktop()
    assert f'Exec="{moved}" %U' in (share / ENTRY).read_text()
    install_desktop(remove=True)
    assert tree(home) == {}


def test_what_an_older_version_put_there_and_this_one_does_not_goes(share: Path, monkeypatch: pytest.MonkeyPatch):
    from desktop_logs import desktopentry, desktopinstall

    monkeypatch.setattr(
        desktopinstall, "share_files", lambda command: {**desktopentry.share_files(command), "icons/old.png": b"old"}
    )
    install_desktop()
    assert (share / "icons/old.png").exists()
    monkeypatch.undo()
    monkeypatch.setenv("XDG_DATA_HOME", str(share))
    install_desktop()
    assert not (share / "icons/old.png").exists()


@pytest.mark.parametrize("name", [ENTRY, TYPES])
def test_a_file_that_is_not_ours_is_left_alone_and_named(share: Path, name: str):
    (share / name).parent.mkdir(parents=True)
    (share / name).write_text("somebody's\n")
    before = tree(share)
    with pytest.raises(UserError, match=f"{share / name} is there already"):
        install_desktop()
    assert tree(share) == before


def test_a_link_in_the_place_of_a_file_is_not_ours(share: Path, tmp_path: Path):
    (share / "applications").mkdir(parents=True)
    (share / ENTRY).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="is there already"):
        install_desktop()


def test_a_file_that_was_changed_since_stays_and_is_named(share: Path, capsys: pytest.CaptureFixture[str]):
    install_desktop()
    (share / ENTRY).write_text("changed\n")
    install_desktop(remove=True)
    assert f"{share / ENTRY} was changed since, and stays." in capsys.readouterr().err
    assert [name for name, data in tree(share).items() if data is not None] == [ENTRY, "applications/mimeinfo.cache"]


def test_nothing_to_take_out_is_said(share: Path, capsys: pytest.CaptureFixture[str]):
    assert install_desktop(remove=True) == 0
    assert capsys.readouterr().out.startswith("There is nothing to take out")
    (share / "applications").mkdir(parents=True)
    (share / ENTRY).write_text("somebody's\n")
    install_desktop(remove=True)
    assert "something else, and stays" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named_and_what_was_done_can_be_undone(home: Path, share: Path):
    share.mkdir(parents=True)
    (share / "icons").write_text("a file, where a folder must be\n")
    before = tree(home)
    with pytest.raises(EnvironmentFault, match=f"{share}/icons.* cannot be changed: .*directory"):
        install_desktop()
    install_desktop(remove=True)
    assert tree(home) == before


def test_a_record_that_is_no_record_is_named(share: Path):
    install_desktop()
    (share / RECORD).write_text("[]")
    with pytest.raises(UserError, match="cannot be understood"):
        install_desktop(remove=True)


@pytest.mark.parametrize(
    ("tool", "said"), [(None, "is not installed here"), ("echo no room >&2; exit 3", "ended with 3: no room")]
)
def test_a_tool_of_the_system_that_is_missing_or_fails_is_no_failure(
    share: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tool: str | None,
    said: str,
):
    for name in ("update-desktop-database", "update-mime-database"):
        if tool:
            (tmp_path / name).write_text(f"#!/bin/sh\n{tool}\n")
            (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert install_desktop() == 0
    assert (share / ENTRY).exists()
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert all(said in line and "before the next login" in line for line in told)


@pytest.mark.parametrize(("platform", "system"), [("win32", "Windows"), ("darwin", "macOS")])
def test_other_systems_have_another_way(monkeypatch: pytest.MonkeyPatch, platform: str, system: str):
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(UserError, match=f"On {system}, "):
        install_desktop()


def test_a_relative_data_home_is_no_data_home(share: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    install_desktop()
    assert (share / ENTRY).exists()


def test_the_program_is_the_bundles_the_script_or_what_python_finds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    script = program_in(tmp_path / "bin")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bin/desktop-logs", "install-desktop"])
    assert this_program() == (str(script),)

    beside = program_in(tmp_path / "venv/bin")
    monkeypatch.setattr(sys, "argv", ["/checkout/desktop_logs/__main__.py"])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv/bin/python3"))
    assert this_program() == (str(beside),)

    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/unpacked/desktop-logs/desktop-logs")
    assert this_program() == ("/unpacked/desktop-logs/desktop-logs",)


@pytest.mark.parametrize("found", [True, False])
def test_python_itself_starts_it_where_it_finds_it_everywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: bool
):
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\n[ "$PWD" = / ] || exit 9\nexit {0 if found else 1}\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "argv", ["/checkout/desktop_logs/__main__.py"])
    monkeypatch.setattr(sys, "executable", str(python))
    if found:
        assert this_program() == (str(python), "-m", "desktop_logs")
    else:
        with pytest.raises(UserError, match="starts from any folder"):
            this_program()


def test_the_command_does_it(start: Callable[..., Program], home: Path, share: Path):
    command = [sys.executable, "-m", "desktop_logs", "install-desktop"]
    assert start(command).wait() == 0
    assert (share / ENTRY).exists()
    assert start([*command, "--remove"]).wait() == 0
    assert tree(home) == {}
