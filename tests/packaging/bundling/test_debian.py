"""What Debian knows of files: a dpkg-query of the test's answers, whatever is installed here."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundling import debian

SAID = """\
zlib1g:amd64: /lib/x86_64-linux-gnu/libz.so.1
diversion by dash from: /usr/share/man/man1/sh.1.gz
libgl1:amd64, libglx0:amd64: /usr/lib/x86_64-linux-gnu/libGL.so.1
"""

MACHINE_READABLE = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Source: https://example.org

Files: *
Copyright: 1995 Somebody
License: Zlib

Files: debian/*
License: GPL-2+
 See /usr/share/common-licenses/GPL-2.
"""


@pytest.fixture
def dpkg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dpkg-query that knows two files."""
    (tmp_path / "said").write_text(SAID)
    program = tmp_path / "dpkg-query"
    program.write_text(f"#!/bin/sh\ncase $1 in\n--search) cat {tmp_path}/said; exit 1 ;;\n*) printf 1.2-3 ;;\nesac\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


@pytest.mark.usefixtures("dpkg")
def test_a_file_has_the_package_it_came_with_by_either_name_of_its_folder() -> None:
    found = debian.packages_of(["/usr/lib/x86_64-linux-gnu/libz.so.1", "/lib/x86_64-linux-gnu/libGL.so.1", "/opt/a.so"])
    assert {file: (package.name, package.version) for file, package in found.items()} == {
        "/usr/lib/x86_64-linux-gnu/libz.so.1": ("zlib1g", "1.2-3"),
        "/lib/x86_64-linux-gnu/libGL.so.1": ("libgl1", "1.2-3"),
    }


def test_without_dpkg_no_file_has_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert debian.packages_of(["/lib/x86_64-linux-gnu/libz.so.1"]) == {}


def test_the_licence_of_a_packages_own_files_is_named() -> None:
    assert debian.licence_named("zlib1g", MACHINE_READABLE) == "Zlib"


def test_a_library_out_of_a_source_of_tools_is_not_under_the_licence_of_the_tools() -> None:
    tools = "Files: *\nCopyright: Somebody\nLicense: GPL-2+\n\n"
    library = "Files: libuuid/*\n       libuuid/src/*\nCopyright: Somebody\nLicense: BSD-3-clause\n"
    assert debian.licence_named("libuuid1", tools + library) == "BSD-3-clause"
    assert debian.licence_named("mount", tools + library) == "GPL-2+"


def test_a_pattern_that_begins_with_a_star_is_not_all_files() -> None:
    assert debian.licence_named("mount", "Files: */colors.*\nLicense: LGPL-2+\n") == "see its text"


def test_where_the_copyright_file_is_prose_its_text_is_referred_to() -> None:
    assert debian.licence_named("libgcc-s1", "This is Debian's libgcc.\n\nLicense: see GPL-3\n") == "see its text"
