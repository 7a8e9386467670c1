"""Which of the libraries and plugins that PyInstaller found go into a bundle. Entries are PyInstaller's own triples:

(path in the bundle, source, kind).
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

Entry = tuple[str, str, str]

# Plugins of Qt that come with the parts that the window needs but serve others. The libraries that only they link to go
# with them.
LEFT_OUT = re.compile(
    "|".join(
        (
            r"/(lib)?qtvirtualkeyboardplugin\.",  # a keyboard on the screen: 20 MB of QML
            r"/(lib)?qpdf\.",  # PDF as an image format
            r"/libqgtk3\.",  # would bring the GTK of the machine it was built on
            r"/platforms/libq(eglfs|linuxfb|minimal|minimalegl|vnc|vkkhrdisplay)\.|/egldeviceintegrations/",
            # QtNetwork is there for its local sockets alone: what goes over the network is asyncio's.
            r"/plugins/(tls|networkinformation|sqldrivers|qmltooling|generic)/",
            r"PySide6/(Qt/)?translations/",  # the program speaks English
        )
    )
)

_LIBRARY = re.compile(r"(.*/)?lib[^/]+\.so[.\d]*")


def wanted(entries: Iterable[Entry]) -> list[Entry]:
    """*entries* without what is left out."""
    return [entry for entry in entries if not LEFT_OUT.search("/" + entry[0].replace("\\", "/"))]


def linked(entries: Iterable[Entry], imports_of: Callable[[str], Iterable[str]]) -> list[Entry]:
    """*entries* without the libraries that nothing in the bundle links to any more: GTK's forty, Qt's QML, …

    *imports_of* a file are the libraries it names. For Linux, where these have names of their own.
    """
    entries = list(entries)
    by_name: dict[str, list[Entry]] = {}
    for entry in entries:
        if _LIBRARY.fullmatch(entry[0]):
            by_name.setdefault(_name(entry[0]), []).append(entry)
    # The bootloader opens libpython by its name; plugins and extension modules are opened by Qt and Python.
    waiting = [
        entry
        for entry in entries
        if not _LIBRARY.fullmatch(entry[0]) or "/plugins/" in entry[0] or "libpython" in entry[0]
    ]
    kept = set(waiting)
    while waiting:
        _, source, kind = waiting.pop()
        for name in () if kind == "SYMLINK" else imports_of(source):
            # A library and the link to it from the bundle's own library folder have the same name.
            new = [entry for entry in by_name.get(_name(name), ()) if entry not in kept]
            kept.update(new)
            waiting.extend(new)
    return [entry for entry in entries if entry in kept]


def without_dead_links(datas: Iterable[Entry], binaries: Iterable[Entry]) -> list[Entry]:
    """*datas* without the links to libraries that are none of *binaries*; PyInstaller lists links with the data."""
    kept = {_name(path) for path, _, _ in binaries}
    return [entry for entry in datas if entry[2] != "SYMLINK" or _name(entry[0]) in kept]


def stripped(entries: Iterable[Entry], of_python: Collection[str], folder: Path) -> list[Entry]:
    """*entries* with copies, in *folder*, of the binaries that are Python's own, which tell a debugger nothing.

    *of_python* are their paths in the bundle. A Python that was built on the machine has 24 MB to tell. Libraries out
    of wheels are left as they are: their tables were moved when the wheel was made, and `strip` breaks some of them.
    """
    found: list[Entry] = []
    for path, source, kind in entries:
        if kind in ("BINARY", "EXTENSION") and path in of_python:
            copy = folder / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
            subprocess.run(["strip", "--strip-unneeded", copy], check=True)
            found.append((path, str(copy), kind))
        else:
            found.append((path, source, kind))
    return found


def _name(path: str) -> str:
    return path.rpartition("/")[2]
