"""What a bundle is called, and what it tells Windows and macOS about itself."""

from __future__ import annotations

import plistlib
from typing import Any

import pytest

from bundling.facts import archive_name, info_plist, numbers, version_resource
from desktop_logs import APP_ID


@pytest.mark.parametrize(
    ("platform", "machine", "expected"),
    [
        ("linux", "x86_64", "desktop-logs-1.2.0-linux-x86_64.tar.xz"),
        ("linux", "aarch64", "desktop-logs-1.2.0-linux-arm64.tar.xz"),
        ("darwin", "arm64", "desktop-logs-1.2.0-macos-arm64.zip"),
        ("win32", "AMD64", "desktop-logs-1.2.0-windows-x86_64.zip"),
    ],
)
def test_an_archive_is_named_for_its_version_system_and_machine(platform: str, machine: str, expected: str) -> None:
    assert archive_name("1.2.0", platform, machine) == expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [("1.2.3", (1, 2, 3, 0)), ("0.1", (0, 1, 0, 0)), ("1.2.0rc1", (1, 2, 0, 0)), ("1.2.3.4.5", (1, 2, 3, 4))],
)
def test_a_version_is_four_numbers(version: str, expected: tuple[int, ...]) -> None:
    assert numbers(version) == expected


def test_a_version_without_a_number_is_none() -> None:
    with pytest.raises(ValueError, match="'next' does not begin with a number"):
        numbers("next")


class Told:
    """A class of PyInstaller.utils.win32.versioninfo, which imports what there is on Windows alone."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self.given, self.named = given, named


def test_the_version_resource_is_what_pyinstaller_evaluates() -> None:
    """The same names and arguments as in the file that its pyi-grab_version writes."""
    classes = ("VSVersionInfo", "FixedFileInfo", "StringFileInfo", "StringTable", "VarFileInfo", "VarStruct")
    made = {name: type(name, (Told,), {}) for name in classes}
    text = version_resource("1.2.0rc1", "Desktop Logs.exe")
    resource = eval(text, {**made, "StringStruct": lambda key, value: (key, value), "__builtins__": {}})
    fixed = resource.named["ffi"]
    assert fixed.named["filevers"] == fixed.named["prodvers"] == (1, 2, 0, 0)
    strings, translation = resource.named["kids"]
    (table,) = strings.given[0]
    language, told = table.given
    assert dict(told)["ProductVersion"] == dict(told)["FileVersion"] == "1.2.0rc1"
    assert dict(told)["OriginalFilename"] == "Desktop Logs.exe"
    assert dict(told)["FileDescription"] == "Desktop Logs"
    # The language and the character set of the strings are told twice, and must agree.
    assert translation.given[0][0].given == ("Translation", [int(language[:4], 16), int(language[4:], 16)])


def test_macos_is_told_of_links_and_log_files() -> None:
    plist = info_plist("1.2.0rc1", APP_ID, "desktop-logs")
    assert plistlib.loads(plistlib.dumps(plist)) == plist
    assert (plist["CFBundleIdentifier"], plist["CFBundleShortVersionString"]) == (APP_ID, "1.2.0rc1")
    assert plist["CFBundleVersion"] == "1.2.0"
    assert [scheme for kind in plist["CFBundleURLTypes"] for scheme in kind["CFBundleURLSchemes"]] == ["desktop-logs"]
    kinds = plist["CFBundleDocumentTypes"]
    assert [ending for kind in kinds for ending in kind["CFBundleTypeExtensions"]] == ["log", "jsonl", "ndjson"]
    # Offered for log files, and never in the place of the program that has them.
    assert {(kind["CFBundleTypeRole"], kind["LSHandlerRank"]) for kind in kinds} == {("Viewer", "Alternate")}
    assert plist["NSHighResolutionCapable"] is True
    assert plist["LSMinimumSystemVersion"] == "13.0"
