"""Archives: one folder, the same bytes each time, links and programs as they were, and a checksum that is right."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from bundling.archive import pack

DATE_S = 1_600_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small bundle: a program, a library in a folder, and a link to it."""
    made = tmp_path / "desktop-logs"
    (made / "_internal").mkdir(parents=True)
    (made / "desktop-logs").write_text("#!/bin/sh\necho started\n")
    (made / "desktop-logs").chmod(0o755)
    (made / "_internal" / "libqt.so.6").write_bytes(os.urandom(2000))
    (made / "_internal" / "libqt.so").symlink_to("libqt.so.6")
    return made


@pytest.fixture(params=["bundle.tar.xz", "bundle.zip"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / request.param


def test_an_archive_is_the_same_whenever_and_by_whomever_it_was_made(folder: Path, archive: Path) -> None:
    pack(folder, archive, DATE_S)
    before = archive.read_bytes()
    for path in folder.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    (folder / "_internal" / "libqt.so.6").chmod(0o600)
    pack(folder, archive, DATE_S)
    assert archive.read_bytes() == before


def test_the_checksum_is_one_that_sha256sum_accepts(folder: Path, archive: Path) -> None:
    checksum = pack(folder, archive, DATE_S)
    check = ["sha256sum", "--check", "--strict", checksum.name]
    assert subprocess.run(check, cwd=checksum.parent, check=False, capture_output=True).returncode == 0
    archive.write_bytes(archive.read_bytes() + b"!")
    assert subprocess.run(check, cwd=checksum.parent, check=False, capture_output=True).returncode == 1


def test_tar_unpacks_to_the_one_folder(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "bundle.tar.xz"
    pack(folder, archive, DATE_S)
    with tarfile.open(archive) as tar:
        assert {(entry.uname, entry.uid, int(entry.mtime)) for entry in tar} == {("root", 0, DATE_S)}
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "xf", archive, "-C", out], check=True)
    assert_same(out, folder)


def test_a_zip_keeps_links_and_programs(folder: Path, tmp_path: Path) -> None:
    """Read as unzip and the Finder do, by the mode; Python's own unpacking knows no links."""
    archive, out = tmp_path / "bundle.zip", tmp_path / "out"
    pack(folder, archive, DATE_S)
    with zipfile.ZipFile(archive) as packed:
        assert packed.testzip() is None
        for info in packed.infolist():
            mode = info.external_attr >> 16
            target = out / info.filename
            if stat.S_ISDIR(mode):
                target.mkdir(parents=True)
            elif stat.S_ISLNK(mode):
                target.symlink_to(packed.read(info).decode())
            else:
                target.write_bytes(packed.read(info))
                target.chmod(stat.S_IMODE(mode))
    assert_same(out, folder)


def test_without_the_program_xz_python_packs_it(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    pack(folder, tmp_path / "bundle.tar.xz", DATE_S)
    with tarfile.open(tmp_path / "bundle.tar.xz") as tar:
        assert tar.getnames()[0] == "desktop-logs"


def assert_same(out: Path, folder: Path) -> None:
    """That *out* holds a copy of *folder* and nothing else."""
    assert [path.name for path in out.iterdir()] == [folder.name]
    copy = out / folder.name
    assert {path.relative_to(copy) for path in copy.rglob("*")} == {
        path.relative_to(folder) for path in folder.rglob("*")
    }
    assert (copy / "_internal" / "libqt.so").readlink() == Path("libqt.so.6")
    assert (copy / "_internal" / "libqt.so").read_bytes() == (folder / "_internal" / "libqt.so.6").read_bytes()
    assert subprocess.check_output([copy / "desktop-logs"], text=True) == "started\n"
