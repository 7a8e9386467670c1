"""The Debian package: built of the bundle, installed by dpkg, used in a real window, and taken away without a trace."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_logs import APP_ID, __version__
from tests.support.display import Display
from tests.support.program import Program, eventually

ROOT = Path(__file__).parent.parent.parent

# Most of it is the build of the bundle, which the first test to run waits for, and of the package.
pytestmark = pytest.mark.timeout(1000)


def said_by(*command: str | Path, **environment: str) -> str:
    """What *command* prints; it must succeed."""
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def deb(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built as `make deb` builds it, but compressed in a moment."""
    out = tmp_path_factory.mktemp("deb")
    quick = {"DPKG_DEB_COMPRESSOR_TYPE": "gzip", "DPKG_DEB_COMPRESSOR_LEVEL": "1"}
    said_by(sys.executable, ROOT / "packaging/deb.py", bundle.parent, out, **quick)
    (package,) = out.glob("*.deb")
    return package


@pytest.fixture
def dpkg(tmp_path: Path) -> Callable[..., str]:
    """`dpkg("--install", …)` in a root of its own, in which there is no other package."""
    root = tmp_path / "root"
    for folder in ("info", "updates", "triggers"):
        (root / "var/lib/dpkg" / folder).mkdir(parents=True)
    for file in ("status", "available"):
        (root / "var/lib/dpkg" / file).touch()
    as_root = [] if os.geteuid() == 0 else ["fakeroot"]
    # Of what it depends on nothing is in that root; another test looks whether it is on this machine.
    options = [f"--root={root}", "--force-not-root", "--force-depends", "--force-bad-path", "--log=/dev/null"]

    def run_dpkg(*words: str | Path) -> str:
        return said_by(*as_root, "dpkg", *options, *words)

    return run_dpkg


def field(deb: Path, name: str) -> str:
    return said_by("dpkg-deb", "--field", deb, name).strip()


def listed(root: Path) -> set[str]:
    """Files, links and folders in *root* but dpkg's own."""
    own = root / "var"
    return {str(path.relative_to(root)) for path in root.rglob("*") if path != own and own not in path.parents}


def test_it_is_installed_used_and_removed_without_a_trace(
    deb: Path, dpkg: Callable[..., str], start: Callable[..., Program], display: Display, tmp_path: Path, home: Path
):
    root = tmp_path / "root"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    bare = {"PATH": "/nowhere", "HOME": str(home), "TMPDIR": str(temporary), "LC_ALL": "C.UTF-8"}
    dpkg("--install", deb)
    assert "Status: install ok installed" in dpkg("--status", "desktop-logs")

    program = start(
        [root / "usr/bin/desktop-logs", "--port", "0", "--data-dir", home / "data"],
        env={**bare, "DISPLAY": display.name},
        cwd=home,
    )
    window = display.window(program=program, within_s=60)
    # By this a desktop knows whose window it is: the entry says the same.
    shown_class = said_by("xprop", "-id", str(window), "WM_CLASS", DISPLAY=display.name)
    entry = (root / f"usr/share/applications/{APP_ID}.desktop").read_text(encoding="utf-8")
    wanted_class = re.search(r"^StartupWMClass=(.+)$", entry, re.MULTILINE)
    assert wanted_class
    assert f'"{wanted_class[1]}"' in shown_class

    def run_to_end(*words: str) -> Program:
        other = start([root / "usr/bin/desktop-logs", *words], env=bare, cwd=home)
        assert other.wait() == 0, other.stderr
        return other

    # The network is loaded once the window is there to look at.
    url = program.line_with("^listening on ", within_s=30).split()[-1]
    run_to_end("send", url, "out of the package")
    stats = json.loads("".join(run_to_end("stats", url, "--json").stdout))
    assert (stats["received"], stats["stored"]) == (1, 1)
    eventually(
        "the record is in the window",
        lambda: json.loads("".join(run_to_end("stats", url, "--json").stdout))["window_rows"] == 1,
    )
    display.close(window)
    assert program.wait() == 0

    dpkg("--remove", "desktop-logs")
    assert listed(root) == set()
    assert (home / "data/logs").is_dir()


def test_what_it_depends_on_is_here_in_the_versions_it_asks_for(deb: Path, tmp_path: Path):
    """As the bundle of this machine starts here, so must its package be allowed to."""
    depends = field(deb, "Depends")
    assert re.search(r"\blibc6 \(>= [\d.]+\)", depends)
    assert "libegl1" in depends
    own = [name for name in ("python3", "libqt6core6", "libssl3", "libx11-6", "libdbus-1-3") if name in depends]
    assert own == [], "the bundle brings these itself"
    control = tmp_path / "control"
    control.write_text("Source: desktop-logs\n\nPackage: desktop-logs\nArchitecture: any\n")
    said_by("dpkg-checkbuilddeps", "-d", depends, control)


def test_it_says_what_it_is(deb: Path):
    assert field(deb, "Package") == "desktop-logs"
    assert field(deb, "Version") == f"{__version__}-1"
    assert deb.name == f"desktop-logs_{__version__}-1_{field(deb, 'Architecture')}.deb"
    assert int(field(deb, "Installed-Size")) > 50_000  # kB: the bundle is in it


def test_the_checksum_beside_it_is_its_own(deb: Path):
    checksum = deb.with_name(f"{deb.name}.sha256")
    assert {path.name for path in deb.parent.iterdir()} == {deb.name, checksum.name}
    assert said_by("env", f"--chdir={deb.parent}", "sha256sum", "--check", "--strict", checksum) == f"{deb.name}: OK\n"


def test_every_file_is_roots_where_debian_looks_for_it_and_none_can_be_written_by_others(deb: Path):
    lines = said_by("dpkg-deb", "--contents", deb).splitlines()
    parts = [line.split(None, 5) for line in lines]
    assert {owner for _, owner, *_ in parts} == {"root/root"}
    assert [path for mode, *_, path in parts if mode[0] != "l" and "w" in mode[4:]] == []
    paths = {path for *_, path in parts}
    assert paths >= {
        "./usr/bin/desktop-logs -> ../lib/desktop-logs/desktop-logs",
        f"./usr/share/applications/{APP_ID}.desktop",
        f"./usr/share/metainfo/{APP_ID}.metainfo.xml",
        f"./usr/share/mime/packages/{APP_ID}.xml",
        f"./usr/share/icons/hicolor/48x48/apps/{APP_ID}.png",
        f"./usr/share/icons/hicolor/scalable/apps/{APP_ID}.svg",
        "./usr/share/doc/desktop-logs/LICENCES.txt",
        "./usr/share/doc/desktop-logs/changelog.Debian.gz",
        "./usr/share/man/man1/desktop-logs.1.gz",
    }


def test_its_copyright_has_the_licence_and_the_menu_entry_is_valid(deb: Path, tmp_path: Path):
    said_by("dpkg-deb", "--extract", deb, tmp_path)
    copyright_file = (tmp_path / "usr/share/doc/desktop-logs/copyright").read_text(encoding="utf-8")
    assert "License: Expat" in copyright_file
    assert "Permission is hereby granted, free of charge" in copyright_file
    changelog = gzip.decompress((tmp_path / "usr/share/doc/desktop-logs/changelog.Debian.gz").read_bytes()).decode()
    assert changelog.startswith(f"desktop-logs ({__version__}-1) ")
    assert said_by("desktop-file-validate", tmp_path / f"usr/share/applications/{APP_ID}.desktop") == ""
    said_by("appstreamcli", "validate", "--no-net", tmp_path / f"usr/share/metainfo/{APP_ID}.metainfo.xml")
