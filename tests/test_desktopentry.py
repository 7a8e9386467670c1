"""The menu entry: quoted as the specification asks, and its command found again by a desktop's own library."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from desktop_logs import APP_ID, __version__
from desktop_logs.core.errors import UserError
from desktop_logs.desktopentry import desktop_entry, exec_value, releases, share_files
from tests.support.program import eventually

ROOT = Path(__file__).parent.parent

# A folder of each kind that a person may have: blanks, what a shell would expand, what the entry itself would.
ODD_FOLDERS = [
    "plain",
    "with blanks",
    "%U 100%",
    'say "hi"',
    "it's",
    "back\\slash \\s \\\\n",
    "$HOME `id` $(id)",
    "a;b|c&d<e>f~g*h?i#j(k)",
    "日本 übung",
    "tab\there",
]


def test_a_plain_command_stays_plain():
    assert exec_value(["/usr/bin/desktop-logs"]) == "/usr/bin/desktop-logs"


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("/a b", '"/a b"'),
        ('/a"b', r'"/a\\"b"'),
        ("/a$b", r'"/a\\$b"'),
        ("/a`b", r'"/a\\`b"'),
        ("/a\\b", r'"/a\\\\b"'),  # "four successive backslash characters", says the specification
        ("/a%b", "env /a%%b"),
        ("/it's", '"/it\'s"'),
        ("/tab\tb", r'"/tab\tb"'),
    ],
)
def test_a_word_is_quoted_then_escaped(word: str, value: str):
    assert exec_value([word]) == value


def test_an_empty_argument_stays_one():
    assert exec_value(["/p", "", "-m"]) == '/p "" -m'


def test_a_path_that_no_entry_can_hold_is_told():
    with pytest.raises(UserError, match="'=' is in its path"):
        exec_value(["/a=b/desktop-logs"])
    with pytest.raises(UserError, match="not UTF-8"):
        exec_value(["/a\udcff/desktop-logs"])


@pytest.mark.parametrize("folder", ODD_FOLDERS)
def test_a_desktop_starts_the_program_wherever_it_lies(tmp_path: Path, folder: str):
    """By GLib, as GNOME, Xfce and Cinnamon do; with the arguments that are handed over, and nothing expanded."""
    program, told = tmp_path / folder / "desktop-logs", tmp_path / "told"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf \'%s\\n\' "$0" "$@" >"{told}.part"\nmv "{told}.part" "{told}"\n')
    program.chmod(0o755)
    entry = tmp_path / f"{APP_ID}.desktop"
    entry.write_text(desktop_entry([str(program)]), encoding="utf-8")
    validated = subprocess.run(["desktop-file-validate", entry], capture_output=True, text=True, check=False)
    assert (validated.returncode, validated.stdout + validated.stderr) == (0, "")

    subprocess.run(["gio", "launch", entry, "desktop-logs://connect?url=http://a/%20b"], check=True, timeout=20)
    eventually("the program has run", told.exists)
    assert told.read_text(encoding="utf-8").splitlines() == [str(program), "desktop-logs://connect?url=http://a/%20b"]


def test_every_way_to_start_is_made_to_start_the_same_program():
    lines = desktop_entry(["/a b/desktop-logs"]).splitlines()
    assert [line for line in lines if "Exec" in line] == [
        'Exec="/a b/desktop-logs" %U',
        "TryExec=/a b/desktop-logs",
        'Exec="/a b/desktop-logs" --new-window',
    ]


def test_the_releases_are_those_of_the_changelog():
    text = "# New\n\n## 0.2.0 (2027-01-31)\n\n- x\n\n## 0.1.0 (2026-11-23)\n"
    assert releases(text) == [("0.2.0", "2027-01-31"), ("0.1.0", "2026-11-23")]


def test_the_newest_release_in_the_changelog_is_this_version():
    version, _ = releases((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))[0]
    assert version == __version__
    metainfo = share_files()[f"metainfo/{APP_ID}.metainfo.xml"].decode()
    assert metainfo.index(f'version="{__version__}"') < metainfo.index("</releases>")


def test_every_file_is_named_by_the_applications_id():
    assert {Path(name).name.removeprefix(APP_ID) for name in share_files()} == {
        ".desktop", ".metainfo.xml", ".xml", ".svg", ".png"
    }  # fmt: skip
