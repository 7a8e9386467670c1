"""What Debian knows of a file: its package, the version, and the licence. Nothing where there is no dpkg."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

# Libraries whose copyright file begins with the licence of the tools out of the same source; their own paragraph.
_LIBRARIES_FILES = {"libkeyutils1": "keyutils.*", "libuuid1": "libuuid/*"}

_COMMON = re.compile(r"/usr/share/common-licenses/([\w.+-]*\w)")


@dataclass(frozen=True, slots=True)
class Package:
    """*copyright* is empty where the file was left out, as small containers do."""

    name: str
    version: str
    copyright: str
    common_licences: Mapping[str, str]
    """The texts that *copyright* only refers to, since every Debian has them."""


def packages_of(files: Iterable[str]) -> dict[str, Package]:
    """The package of each of *files* that came with one."""
    if shutil.which("dpkg-query") is None:
        return {}
    asked = {file: _names(file) for file in files}
    if not asked:
        return {}
    said = _dpkg("--search", *sorted({name for names in asked.values() for name in names}))
    owners = {path: package for package, path in _owners(said)}
    packages = {package: _package(package) for package in set(owners.values())}
    return {file: packages[owners[name]] for file, candidates in asked.items() for name in candidates if name in owners}


def _owners(said: str) -> list[tuple[str, str]]:
    """(package, path) of dpkg's lines `zlib1g:amd64: /lib/…`; the first package where several have the file."""
    found = []
    for line in said.splitlines():
        packages, _, path = line.partition(": /")
        if path and not line.startswith("diversion "):
            found.append((packages.partition(",")[0].strip(), "/" + path))
    return found


def _names(file: str) -> list[str]:
    """What dpkg may call *file*: it keeps the names of its time, and /lib has become a link to /usr/lib."""
    names = {file, os.path.normpath(file), str(Path(file).resolve())}
    return sorted(names | {name.removeprefix("/usr") if name.startswith("/usr/") else "/usr" + name for name in names})


def _package(name: str) -> Package:
    version = _dpkg("--show", "--showformat", "${Version}", name).strip()
    short = name.partition(":")[0]
    path = Path("/usr/share/doc", short, "copyright")
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    common = {
        licence: file.read_text(encoding="utf-8")
        for licence in sorted(set(_COMMON.findall(text)))
        if (file := Path("/usr/share/common-licenses", licence)).is_file()
    }
    return Package(short, version, text, common)


def licence_named(package: str, copyright_text: str) -> str:
    """The licence of a package's own files by its copyright file, where that is the machine-readable kind."""
    files = re.escape(_LIBRARIES_FILES.get(package, "*"))
    for paragraph in re.split(r"\n\s*\n", copyright_text):
        if re.search(rf"^Files:\s*{files}\s*$", paragraph, re.MULTILINE):
            licence = re.search(r"^License:[ \t]*(\S.*)$", paragraph, re.MULTILINE)
            if licence:
                return licence[1].strip()
    return "see its text"


def _dpkg(*arguments: str) -> str:
    """What dpkg-query says; that it knows one of several files not is no failure."""
    done = subprocess.run(
        ["dpkg-query", *arguments], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    return done.stdout
