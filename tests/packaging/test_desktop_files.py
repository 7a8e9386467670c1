"""What resources/desktop/ says of the program is valid by the judges of each format, and agrees with the program."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from desktop_logs import APP_ID, __version__, cli
from desktop_logs.desktopentry import ICON_SIZES_PX, metainfo

ROOT = Path(__file__).parent.parent.parent
DESKTOP = ROOT / "resources" / "desktop"
ENTRY = DESKTOP / f"{APP_ID}.desktop"


def entry() -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read(ENTRY, encoding="utf-8")
    return parsed


def judged(*command: str | Path) -> tuple[int, str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout + done.stderr


def test_the_menu_entry_is_valid_without_a_hint():
    assert judged("desktop-file-validate", ENTRY) == (0, "")


def test_the_metainfo_is_valid_without_a_warning(tmp_path: Path):
    path = tmp_path / f"{APP_ID}.metainfo.xml"
    path.write_text(metainfo(), encoding="utf-8")
    code, said = judged("appstreamcli", "validate", "--no-net", "--pedantic", path)
    assert code == 0, said
    # Pedantic is one thing: the id has capitals, as the application's ids on all systems.
    assert re.findall(r"^([EWIP]): .*: (\S+)$", said, re.MULTILINE) == [("P", "cid-contains-uppercase-letter")]


def test_entry_metainfo_and_types_name_the_same_things():
    fields = entry()["Desktop Entry"]
    told = ElementTree.fromstring(metainfo())
    assert (told.findtext("id"), told.findtext("launchable")) == (APP_ID, f"{APP_ID}.desktop")
    assert (told.findtext("name"), told.findtext("summary")) == (fields["Name"], fields["Comment"])
    types = [node.text for node in told.iterfind("provides/mediatype")]
    assert ";".join(filter(None, types)) + ";" == fields["MimeType"]
    assert fields["Icon"] == APP_ID
    release = told.find("releases/release")
    assert release is not None
    assert release.get("version") == __version__
    described = ElementTree.parse(DESKTOP / f"{APP_ID}.mime.xml").getroot()
    space = "{http://www.freedesktop.org/standards/shared-mime-info}"
    assert {node.get("type") for node in described.iter(f"{space}mime-type")} <= set(types)


def test_the_options_of_the_entry_are_options_of_the_program():
    sections = entry()
    actions = [name for name in sections["Desktop Entry"]["Actions"].split(";") if name]
    assert [f"Desktop Action {name}" for name in actions] == sections.sections()[1:]
    said = subprocess.run(
        [sys.executable, "-m", "desktop_logs", "--help"], capture_output=True, text=True, timeout=30, check=True
    ).stdout
    for name in actions:
        program, *words = sections[f"Desktop Action {name}"]["Exec"].split()
        assert program == "desktop-logs"
        assert all(word in said for word in words)


def test_an_icon_is_there_in_each_size_that_is_installed():
    for size in ICON_SIZES_PX:
        assert (ROOT / f"resources/icons/app/desktop-logs-{size}.png").is_file()


def test_the_manual_page_has_every_command_and_no_fault(tmp_path: Path):
    page = tmp_path / "desktop-logs.1"
    code, text = judged(sys.executable, ROOT / "packaging/manpage.py", __version__, "2026-11-23")
    assert code == 0, text
    page.write_text(text, encoding="utf-8")
    sections = re.findall(r"^\.SS (.+)$", text, re.MULTILINE)
    assert [name.replace("\\-", "-") for name in sections] == [name for name in cli._COMMANDS if name]
    assert f"Desktop Logs {__version__}" in text
    code, complaints = judged("groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-z", page)
    assert (code, complaints) == (0, "")
