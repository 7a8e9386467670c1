"""Packs a folder for others: `python -m bundling.archive FOLDER VERSION OUT_FOLDER`, tar.xz or zip, and its checksum.

The same folder gives the same archive: sorted names, nobody's owner, the time of SOURCE_DATE_EPOCH.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import platform
import shutil
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from bundling.facts import archive_name

EARLIEST_S = 1_580_601_600
"""2020-02-02, the time of files when SOURCE_DATE_EPOCH names none; also hatchling's."""


def pack(folder: Path, archive: Path, date_s: int) -> Path:
    """Write *folder*, under its own name, to *archive*, whose name says how; the file with the checksum, beside it."""
    entries = [folder, *sorted(folder.rglob("*"))]
    if archive.suffix == ".zip":
        _zip(folder.parent, entries, archive, date_s)
    else:
        _tar(folder.parent, entries, archive, date_s)
    return write_checksum(archive)


def write_checksum(file: Path) -> Path:
    """Beside *file*, one of its name and .sha256: by it who downloads both can tell that *file* is whole."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    checksum = file.with_name(file.name + ".sha256")
    # Two spaces, and \n on every system: the form that `sha256sum -c` and `shasum -c` read.
    checksum.write_bytes(f"{digest}  {file.name}\n".encode())
    return checksum


def _tar(parent: Path, entries: list[Path], archive: Path, date_s: int) -> None:
    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
        entry.mtime = date_s
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with _xz(archive) as packed, tarfile.open(fileobj=packed, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        for path in entries:
            tar.add(path, str(path.relative_to(parent)), recursive=False, filter=plain)


@contextmanager
def _xz(archive: Path) -> Iterator[IO[bytes]]:
    """What is written here is compressed into *archive*; with all processors where there is the program xz."""
    xz = shutil.which("xz")
    if xz is None:
        with lzma.open(archive, "wb") as file:
            yield file
        return
    with archive.open("wb") as out:
        # The number of threads does not change what is written, as long as there may be several.
        # XZ_OPT in the environment may ask it for another level than 6.
        process = subprocess.Popen([xz, "--threads=0", "--stdout"], stdin=subprocess.PIPE, stdout=out)
        assert process.stdin is not None
        with process.stdin as file:
            yield file
        if process.wait():
            raise OSError(f"xz failed with {process.returncode}, and {archive} is not whole")


def _zip(parent: Path, entries: list[Path], archive: Path, date_s: int) -> None:
    when = time.gmtime(date_s)[:6]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in entries:
            info = zipfile.ZipInfo(path.relative_to(parent).as_posix(), when)
            info.create_system = 3  # Unix, so that the mode below is read
            if path.is_symlink():
                # zipfile knows no links, and an application of macOS is full of them.
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                packed.writestr(info, path.readlink().as_posix())
            elif path.is_dir():
                info.filename += "/"
                info.external_attr = (stat.S_IFDIR | 0o755) << 16 | 0x10
                packed.writestr(info, b"")
            else:
                is_program = os.access(path, os.X_OK)
                info.external_attr = (stat.S_IFREG | (0o755 if is_program else 0o644)) << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                with path.open("rb") as source, packed.open(info, "w") as target:
                    shutil.copyfileobj(source, target)


def main(folder: str, version: str, out_folder: str) -> None:
    archive = Path(out_folder, archive_name(version, sys.platform, platform.machine()))
    pack(Path(folder), archive, int(os.environ.get("SOURCE_DATE_EPOCH") or EARLIEST_S))
    sys.stdout.write(f"{archive} ({archive.stat().st_size / 1e6:.0f} MB), and its checksum\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
