"""Which libraries go into a bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundling.libraries import Entry, linked, stripped, wanted, without_dead_links

PLUGINS = "PySide6/Qt/plugins"


def entry(path: str, kind: str = "BINARY") -> Entry:
    """From a source of the same name."""
    return (path, f"/source/{path}", kind)


@pytest.mark.parametrize(
    "path",
    [
        f"{PLUGINS}/platforminputcontexts/libqtvirtualkeyboardplugin.so",
        f"{PLUGINS}/platformthemes/libqgtk3.so",
        f"{PLUGINS}/platforms/libqvnc.so",
        f"{PLUGINS}/tls/libqopensslbackend.so",
        f"{PLUGINS}/networkinformation/libqnetworkmanager.so",
        "PySide6\\plugins\\tls\\qschannelbackend.dll",
        "PySide6\\plugins\\imageformats\\qpdf.dll",
        "PySide6\\translations\\qtbase_de.qm",
        "PySide6/Qt/translations/qtbase_de.qm",
    ],
)
def test_plugins_that_serve_no_part_of_the_window_are_left_out(path: str) -> None:
    assert wanted([entry(path)]) == []


@pytest.mark.parametrize(
    "path",
    [
        "PySide6/QtNetwork.abi3.so",
        f"{PLUGINS}/platforms/libqxcb.so",
        f"{PLUGINS}/platforms/libqwayland.so",
        f"{PLUGINS}/platforms/libqoffscreen.so",
        f"{PLUGINS}/iconengines/libqsvgicon.so",
        "PySide6\\plugins\\platforms\\qwindows.dll",
        "desktop_logs/resources/icons/app.svg",
    ],
)
def test_what_the_window_needs_stays(path: str) -> None:
    assert wanted([entry(path)]) == [entry(path)]


def test_a_library_stays_while_something_that_stays_links_to_it() -> None:
    program, core, gone = (
        entry("PySide6/QtCore.abi3.so"),
        entry("PySide6/Qt/lib/libQt6Core.so.6"),
        entry("libgtk-3.so.0"),
    )
    links = {program[1]: ["libQt6Core.so.6"], core[1]: ["libz.so.1", "libc.so.6"], gone[1]: ["libz.so.1", "libgdk.so"]}
    below, only_its = entry("libz.so.1"), entry("libgdk.so")
    entries = [gone, only_its, below, core, program]
    assert linked(entries, lambda source: links.get(source, [])) == [below, core, program]


def test_plugins_and_libpython_stay_though_nothing_links_to_them() -> None:
    entries = [entry(f"{PLUGINS}/platforms/libqxcb.so"), entry("libpython3.11.so.1.0")]
    assert linked(entries, lambda source: []) == entries


def test_links_to_what_is_left_out_go_with_it() -> None:
    alive, dead, data = entry("libQt6Core.so.6", "SYMLINK"), entry("libgtk-3.so.0", "SYMLINK"), entry("a.svg", "DATA")
    assert without_dead_links([alive, dead, data], [entry("PySide6/Qt/lib/libQt6Core.so.6")]) == [alive, data]


def test_binaries_of_python_alone_are_stripped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a `strip` of the test's: what there is to strip differs from Python to Python."""
    tools, python, wheel = (tmp_path / name for name in ("tools", "python", "wheel"))
    for folder in (tools, python, wheel):
        folder.mkdir()
        for name in ("library.so", "data.txt"):
            (folder / name).write_text("as it was")
    (tools / "strip").write_text('#!/bin/sh\necho "$1" >"$2"\n')
    (tools / "strip").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    entries = [
        ("libpython.so", str(python / "library.so"), "BINARY"),
        ("lib-dynload/_ssl.so", str(python / "library.so"), "EXTENSION"),
        ("data.txt", str(python / "data.txt"), "DATA"),
        ("libpython.so.1", "libpython.so", "SYMLINK"),
        ("PySide6/QtCore.so", str(wheel / "library.so"), "EXTENSION"),
    ]
    copies = tmp_path / "copies"
    assert stripped(entries, {"libpython.so", "lib-dynload/_ssl.so", "data.txt", "libpython.so.1"}, copies) == [
        ("libpython.so", str(copies / "libpython.so"), "BINARY"),
        ("lib-dynload/_ssl.so", str(copies / "lib-dynload" / "_ssl.so"), "EXTENSION"),
        *entries[2:],
    ]
    assert (copies / "lib-dynload" / "_ssl.so").read_text() == "--strip-unneeded\n"
    assert (python / "library.so").read_text() == "as it was"
