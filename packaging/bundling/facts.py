"""What a bundle is called and what it tells the systems about itself. Pure: text and dictionaries, no files."""

from __future__ import annotations

import re
from typing import Any

NAME = "Desktop Logs"
PROGRAM = "desktop-logs"
PUBLISHER = "Desktop Logs contributors"
DESCRIPTION = "One window for the live logs of everything you run"
OLDEST_MACOS = "13.0"
"""What Qt 6.10 and newer run on (doc.qt.io, "Qt for macOS")."""

_MACHINES = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}
_SYSTEMS = {"darwin": "macos", "win32": "windows"}


def archive_name(version: str, platform: str, machine: str) -> str:
    """The file that is given away, desktop-logs-1.2.0-linux-x86_64.tar.xz; system and machine as Python names them.

    A zip where people double-click archives, and have nothing else for them.
    """
    machine = _MACHINES.get(machine.lower(), machine.lower())
    ending = "tar.xz" if platform not in _SYSTEMS else "zip"
    return f"{PROGRAM}-{version}-{_SYSTEMS.get(platform, platform)}-{machine}.{ending}"


def numbers(version: str) -> tuple[int, int, int, int]:
    """*version* as the four numbers that Windows compares; what is not a number, as in 1.2.0rc1, ends them."""
    release = re.match(r"\d+(\.\d+){0,3}", version)
    if release is None:
        raise ValueError(f"{version!r} does not begin with a number")
    found = [int(part) for part in release[0].split(".")]
    return tuple((found + [0] * 4)[:4])  # type: ignore[return-value]


def version_resource(version: str, file_name: str) -> str:
    """The version resource of a Windows program, in the text that PyInstaller reads (EXE's `version`).

    It is a Python expression; the names in it are those of PyInstaller.utils.win32.versioninfo.
    """
    told = {
        "CompanyName": PUBLISHER,
        "FileDescription": NAME,  # what the task manager shows
        "FileVersion": version,
        "InternalName": PROGRAM,
        "LegalCopyright": f"{PUBLISHER}; MIT licence",
        "OriginalFilename": file_name,
        "ProductName": NAME,
        "ProductVersion": version,
    }
    strings = ",\n      ".join(f"StringStruct({key!r}, {value!r})" for key, value in told.items())
    four = numbers(version)
    # 040904B0: English, in Unicode. OS 0x40004: Windows NT; type 1: a program.
    return f"""VSVersionInfo(
  ffi=FixedFileInfo(filevers={four}, prodvers={four}, mask=0x3f, flags=0x0, OS=0x40004, fileType=0x1, subtype=0x0),
  kids=[
    StringFileInfo([StringTable('040904B0', [
      {strings},
    ])]),
    VarFileInfo([VarStruct('Translation', [0x0409, 0x04B0])]),
  ],
)
"""


def info_plist(version: str, app_id: str, scheme: str) -> dict[str, Any]:
    """What macOS reads of Desktop Logs.app, beside what PyInstaller writes there itself.

    Keys: Apple's "Information Property List". Links of *scheme* are opened with it; log files may be, and stay with
    the program that a person has for them (Alternate).
    """
    return {
        "CFBundleIdentifier": app_id,
        "CFBundleName": NAME,
        "CFBundleDisplayName": NAME,
        "CFBundleShortVersionString": version,
        "CFBundleVersion": ".".join(map(str, numbers(version)[:3])),
        "CFBundleURLTypes": [{"CFBundleURLName": app_id, "CFBundleURLSchemes": [scheme], "CFBundleTypeRole": "Viewer"}],
        "CFBundleDocumentTypes": [
            _document("Log", ["log"]),
            _document("JSON lines", ["jsonl", "ndjson"]),
        ],
        "LSApplicationCategoryType": "public.app-category.developer-tools",
        "LSMinimumSystemVersion": OLDEST_MACOS,
        "NSHighResolutionCapable": True,
    }


def _document(name: str, extensions: list[str]) -> dict[str, Any]:
    return {
        "CFBundleTypeName": name,
        "CFBundleTypeExtensions": extensions,
        "CFBundleTypeRole": "Viewer",
        "LSHandlerRank": "Alternate",
    }
