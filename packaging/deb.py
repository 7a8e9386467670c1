"""Builds a Debian package of the bundle with Debian's own tools: `make deb`, or `python packaging/deb.py BUNDLE OUT`.

The bundle goes to /usr/lib/desktop-logs, where a package keeps programs that are not called by their own path, and
/usr/bin/desktop-logs is a link to it. Not /opt: that is for software beside the packages of a system, and may be
mounted elsewhere.
"""

from __future__ import annotations

import calendar
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from email.utils import formatdate
from pathlib import Path

import manpage
from bundling.archive import write_checksum

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # this checkout's, whatever is installed

from desktop_logs import __version__  # noqa: E402
from desktop_logs.desktopentry import releases, share_files  # noqa: E402

NAME = "desktop-logs"
VERSION = f"{__version__}-1"
HOME = f"usr/lib/{NAME}"
DOC = f"usr/share/doc/{NAME}"

# What no file of the bundle links to and its libraries read or open: the keyboard's maps, the list of font folders.
NEEDED_DATA = ("xkb-data", "fontconfig-config")
# Qt brings no font; the certificates that the system trusts; what opens a folder.
RECOMMENDED = ("fonts-dejavu-core | fonts-noto-core", "ca-certificates", "xdg-utils")
TOOLS = {"dpkg-deb": "dpkg", "dpkg-shlibdeps": "dpkg-dev"}

COPYRIGHT = f"""\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Desktop Logs
Comment:
 This package is the bundle of Desktop Logs: the program with its own Python, Qt and other libraries, none of which
 it shares with the system. What is in /{HOME} is the work of many others, each under its own licence:
 LICENCES.txt beside this file names them, and the folder licences has the texts.

Files: *
Copyright: 2026 The Desktop Logs maintainers
License: Expat
"""

OVERRIDES = f"""\
# A bundle: it brings the libraries that it was tested with, and finds them beside itself by their run path.
{NAME}: embedded-library
{NAME}: custom-library-search-path
{NAME}: hardening-no-pie
{NAME}: hardening-no-fortify-functions
{NAME}: library-not-linked-against-libc
{NAME}: shared-library-lacks-prerequisites
{NAME}: unstripped-binary-or-object
# It is given away by itself and not uploaded to Debian.
{NAME}: initial-upload-closes-no-bugs
"""


def build(bundle: Path, out: Path) -> Path:
    """The package in *out*, made of the folder *bundle*, with its checksum beside it. Exits with a sentence when
    something for it is missing."""
    for tool, package in TOOLS.items():
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is not there, which makes Debian packages. Install Debian's {package}.")
    if not (bundle / NAME).is_file():
        sys.exit(f"{bundle} is no bundle. `make bundle` builds dist/{NAME}.")
    version, day = releases((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))[0]
    if version != __version__:
        sys.exit(f"CHANGELOG.md begins with {version}, and this is {__version__}. Write what is new in it.")
    released_s = calendar.timegm(time.strptime(day, "%Y-%m-%d"))
    # dpkg-deb gives no file a later time: the same bundle makes the same package.
    os.environ.setdefault("SOURCE_DATE_EPOCH", str(released_s))
    maintainer = os.environ.get("DEBFULLNAME", "The Desktop Logs maintainers")
    maintainer += f" <{os.environ.get('DEBEMAIL', 'maintainers@desktop-logs.invalid')}>"

    with tempfile.TemporaryDirectory(prefix="desktop-logs-deb.") as scratch:
        tree = Path(scratch) / NAME
        (tree / "DEBIAN").mkdir(parents=True)
        lay_out(bundle, tree, day, f"{maintainer}  {formatdate(released_s)}")
        own_modes(tree)
        architecture = said_by("dpkg", "--print-architecture").strip()
        (tree / "DEBIAN/control").write_text(control(tree, maintainer, architecture), encoding="utf-8")
        (tree / "DEBIAN/md5sums").write_text(sums(tree), encoding="utf-8")
        package = out / f"{NAME}_{VERSION}_{architecture}.deb"
        out.mkdir(parents=True, exist_ok=True)
        # By xz, as Debian's own: zstd would take a fifth of the time, and lintian and older systems read none of it.
        # DPKG_DEB_COMPRESSOR_TYPE and _LEVEL say otherwise, as the test does.
        said_by("dpkg-deb", "--root-owner-group", "--build", tree, package)
    write_checksum(package)
    return package


def lay_out(bundle: Path, tree: Path, day: str, signature: str) -> None:
    """Every file of the package in its place below *tree*."""
    shutil.copytree(bundle, tree / HOME, symlinks=True)
    (tree / DOC).mkdir(parents=True)
    # README, licences and the like lie beside the program where a person unpacks it, and here where Debian has them.
    for path in sorted((tree / HOME).iterdir()):
        if path.name not in (NAME, "_internal"):
            path.rename(tree / DOC / path.name)
    (tree / "usr/bin").mkdir()
    (tree / "usr/bin" / NAME).symlink_to(f"../lib/{NAME}/{NAME}")
    for name, data in share_files().items():
        put(tree / "usr/share" / name, data)

    licence = (ROOT / "LICENSE").read_text(encoding="utf-8").split("\n\n", 2)[2]
    indented = "".join(f" {line or '.'}\n" for line in licence.splitlines())
    put(tree / DOC / "copyright", (COPYRIGHT + indented).encode())
    (tree / DOC / "LICENSE").unlink(missing_ok=True)  # it stands in there
    change = f"{NAME} ({VERSION}) unstable; urgency=medium\n\n  * The bundle of Desktop Logs {__version__}.\n\n"
    put(tree / DOC / "changelog.Debian.gz", zipped(f"{change} -- {signature}\n".encode()))
    (tree / DOC / "CHANGELOG.md").unlink(missing_ok=True)
    put(tree / DOC / "changelog.gz", zipped((ROOT / "CHANGELOG.md").read_bytes()))
    put(tree / f"usr/share/man/man1/{NAME}.1.gz", zipped(manpage.page(__version__, day).encode()))
    put(tree / f"usr/share/lintian/overrides/{NAME}", OVERRIDES.encode())


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


def own_modes(tree: Path) -> None:
    """The modes that Debian's policy asks for, whatever the builder's umask was: only programs can be executed."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path == tree / HOME / NAME else 0o644)


def control(tree: Path, maintainer: str, architecture: str) -> str:
    """The package's description; what it depends on is found by what its files link to."""
    size_kb = sum(-(-path.lstat().st_size // 1024) if path.is_file() else 1 for path in (tree / "usr").rglob("*"))
    return f"""\
Package: {NAME}
Version: {VERSION}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size_kb}
Depends: {", ".join([linked_packages(tree), *NEEDED_DATA])}
Recommends: {", ".join(RECOMMENDED)}
Section: utils
Priority: optional
Description: one window for the live logs of everything you run
 A window with a log hub inside: the programs that you run send their logs
 there, over HTTP, over Socket.IO, from Python's logging or through a pipe.
 They appear at once, are written to rotating files, and stay searchable.
 .
 Tabs show the logs of other machines, and of any Socket.IO server that speaks
 the same events. The hub and its viewer also run in a terminal.
 .
 The package brings its own Python and Qt.
"""


def linked_packages(tree: Path) -> str:
    """The packages, with their versions, of the libraries that the bundle links to and does not bring."""
    files = [path for path in sorted((tree / HOME).rglob("*")) if path.is_file() and not path.is_symlink()]
    binaries = [path for path in files if is_elf(path)]
    # It reads the name of the source package from there, and needs no more of it.
    (tree.parent / "debian").mkdir()
    (tree.parent / "debian/control").write_text(f"Source: {NAME}\n", encoding="utf-8")
    # -l: by its place in the package, else it takes the system's library of the same name. Most of the bundle's come
    # from no package of Debian, and it is to say nothing of those.
    options = ["-O", "--ignore-missing-info", "--warnings=0", f"-l/{HOME}/_internal"]
    said = said_by("dpkg-shlibdeps", *options, *binaries, folder=tree.parent)
    return said.strip().removeprefix("shlibs:Depends=")


def is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def sums(tree: Path) -> str:
    """The MD5 sum of each file, by which `dpkg --verify` finds one that was changed."""
    files = [path for path in sorted((tree / "usr").rglob("*")) if path.is_file() and not path.is_symlink()]
    return "".join(f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(tree)}\n" for path in files)


def said_by(*command: str | Path, folder: Path | None = None) -> str:
    """What *command* prints; exits with what it complains of when it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed: {done.stderr.strip() or done.returncode}")
    return done.stdout


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python packaging/deb.py BUNDLE OUT, as in: python packaging/deb.py dist/desktop-logs dist")
    built = build(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.write(f"built {built} ({built.stat().st_size / 1e6:.1f} MB), and its checksum\n")
