"""Whose work is in a bundle and under what licence: each file's component, and the text that must go with it.

A component is a distribution that pip installed, Python, PyInstaller's bootloader, or a Debian package whose library
was copied. PyInstaller's entries come in; the folder `licences` and LICENCES.txt go out.
"""

from __future__ import annotations

import re
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from bundling import debian

TEXTS = Path(__file__).parent / "texts"
"""Licences by their SPDX names, for a distribution that names one and brings no text: PySide6 does so. And ICU's."""

FOLDER = "licences"
INDEX = "LICENCES.txt"
FILES = "FILES.txt"
EXCHANGING = "LGPL-PARTS.txt"

_INDEX = f"""\
Desktop Logs stands under the MIT licence (LICENSE). This folder has the work of others in it, each under a licence of
its own. Which file is whose: {FOLDER}/{FILES}. How the parts under the LGPL can be exchanged: {FOLDER}/{EXCHANGING}.
Of a Debian package, whose text is named -copyright, the licence is that of most of its source; the text tells of each.
Some hold parts of others in their turn. Qt, in PySide6_Essentials: https://doc.qt.io/qt-6/licenses-used-in-qt.html
Python: https://docs.python.org/3/license.html#licenses-and-acknowledgements-for-incorporated-software
cryptography, where it is named below: OpenSSL, under the Apache License 2.0.

"""
_EXCHANGING = """\
The parts below stand under the LGPL, wholly or for some of their files. Nothing of them is inside the program itself:
each is a file of its own, loaded when the program starts. To run the program with your own build of one, put your file
in the place of the one here, under the same name. It must offer the same binary interface: the same first number of
the version; for Qt, PySide6 and shiboken6 the same first two. All paths begin at the folder _internal.

The sources: Qt, PySide6 and shiboken6 at https://code.qt.io, in the version that LICENCES.txt names; Debian's packages
with `apt-get source PACKAGE=VERSION`.
"""

_LICENCE_FILE = re.compile(r"(?i)(licen[cs]es?/.+|.*(licen[cs]e|copying|notice)[^/]*)")


class NoLicenceError(Exception):
    """Something would be bundled that nobody has allowed to be given away."""


@dataclass(frozen=True, slots=True)
class Component:
    """*texts* are the licence's own words, by the name of the file they go into; never empty."""

    name: str
    version: str
    licence: str
    texts: Mapping[str, str]


@dataclass(slots=True)
class Inventory:
    """The components, and what of the bundle is whose: paths in it, and `import x` for modules inside the program."""

    components: dict[str, Component] = field(default_factory=dict)
    owners: dict[str, set[str]] = field(default_factory=dict)

    def add(self, component: Component, item: str) -> None:
        self.components[component.name] = component
        self.owners.setdefault(item, set()).add(component.name)

    def items_of(self, name: str) -> set[str]:
        """What is the component *name*'s, wholly or in part."""
        return {item for item, owners in self.owners.items() if name in owners}


def take_stock(files: Iterable[tuple[str, str]], modules: Iterable[tuple[str, str]]) -> Inventory:
    """Whose *files* (path in the bundle, source) and *modules* (name, source) are.

    Raises NoLicenceError when that cannot be told of one, or no licence is known.
    """
    files, modules = list(files), list(modules)
    python = _python()
    by_file = dict(_files_of_distributions())
    found = Inventory()
    found.add(_bootloader(), "the program itself")
    left: list[tuple[str, str]] = []
    for item, source in [*((f"import {name.partition('.')[0]}", source) for name, source in modules), *files]:
        path = Path(source)
        distribution = by_file.get(path) or by_file.get(path.resolve())
        if distribution is not None:
            found.add(of_distribution(distribution), item)
        elif path.name == "base_library.zip" or _is_pythons(path):
            found.add(python, item)
        else:
            left.append((item, source))
    packages = debian.packages_of([source for _, source in left])
    for item, source in left:
        if source in packages:
            found.add(of_package(packages[source]), item)
        elif _came_with_python(Path(source)):
            found.add(python, item)
        else:
            raise NoLicenceError(
                f"{source} would be bundled, and whose it is cannot be told: it belongs to no installed distribution "
                "and to no Debian package. Leave it out (packaging/bundling/libraries.py), or build on Debian, or "
                "with a Python that brings its libraries along, as those of python.org do."
            )
    return found


def _is_pythons(path: Path) -> bool:
    """True of the standard library, and not of what is installed below it."""
    library = Path(sysconfig.get_path("stdlib"))
    return path.is_relative_to(library) and "site-packages" not in path.parts


def _came_with_python(path: Path) -> bool:
    """True of a library that Python's own installer put there; in a folder of all programs only the name tells."""
    if sys.base_prefix in ("/usr", "/usr/local"):
        return path.name.startswith("libpython")
    return path.resolve().is_relative_to(Path(sys.base_prefix).resolve())


def _files_of_distributions() -> Iterator[tuple[Path, metadata.Distribution]]:
    for distribution in metadata.distributions():
        for file in distribution.files or ():
            yield Path(str(file.locate())), distribution


# --- components -------------------------------------------------------------------------------------------------------


def of_distribution(distribution: metadata.Distribution) -> Component:
    """What pip installed. Without a text of its own it has that of the licences it names; without a name neither."""
    told = distribution.metadata
    name, version = told["Name"], distribution.version
    licence = licence_named(told)
    texts = {
        f"{name}-{shown.replace('/', '-')}": text
        for file in distribution.files or ()
        if (shown := _licence_file(file.as_posix())) and (text := file.read_text(encoding="utf-8"))
    }
    if not texts and licence:
        texts = {f"{spdx}.txt": text for spdx, text in _texts_of(licence).items()} or {
            f"{name}.txt": f"{name} {version} brings no text of its licence. Its metadata name it: {licence}.\n"
        }
    if any(file.name.startswith("libicu") for file in distribution.files or ()):
        texts["ICU.txt"] = (TEXTS / "ICU.txt").read_text(encoding="utf-8")  # as in Qt's wheels for Linux, without it
    if not texts:
        raise NoLicenceError(
            f"{name} {version} would be bundled, and it neither brings nor names a licence. Leave it out, or ask its "
            "authors."
        )
    return Component(name, version, licence or "see its text", texts)


def licence_named(told: Mapping[str, str]) -> str:
    """The licence in a distribution's metadata, on one line; empty when there is none.

    License-Expression and License are in use, and before them classifiers.
    """
    get_all = getattr(told, "get_all", lambda name: [told[name]] if name in told else None)
    for name in ("License-Expression", "License"):
        for said in get_all(name) or ():
            first = said.strip().partition("\n")[0]
            if first and first != "UNKNOWN" and len(first) <= 150:  # some have the whole text there
                return str(first)
    classifiers = [said.rpartition(" :: ")[2] for said in get_all("Classifier") or () if said.startswith("License ::")]
    return ", ".join(classifiers)


def _licence_file(path: str) -> str:
    """The name of *path* below its .dist-info when that is a licence; otherwise empty."""
    folder, _, name = path.partition(".dist-info/")
    if "/" in folder or not _LICENCE_FILE.fullmatch(name):
        return ""
    return name.removeprefix("licenses/")


def _texts_of(licence: str) -> dict[str, str]:
    """The texts that are kept here of the licences that an SPDX expression names."""
    names = re.findall(r"[\w.+-]+", licence)
    return {name: path.read_text(encoding="utf-8") for name in names if (path := TEXTS / f"{name}.txt").is_file()}


def of_package(package: debian.Package) -> Component:
    """A Debian package, with the common licences that its copyright file refers to."""
    if not package.copyright:
        raise NoLicenceError(
            f"A library of Debian's {package.name} would be bundled, and its copyright file is missing here. "
            f"Install it whole: apt-get install --reinstall {package.name}"
        )
    texts = {f"{package.name}-copyright": package.copyright, **package.common_licences}
    return Component(package.name, package.version, debian.licence_named(package.name, package.copyright), texts)


def _python() -> Component:
    """Python, whose installer puts its licence into the standard library; Debian does not."""
    library = Path(sysconfig.get_path("stdlib"))
    version = sys.version.split()[0]
    for path in (library / "LICENSE.txt", Path(sys.base_prefix) / "LICENSE.txt"):
        if path.is_file():
            return Component("Python", version, "PSF-2.0", {"Python-LICENSE.txt": path.read_text(encoding="utf-8")})
    for package in debian.packages_of([str(library / "os.py")]).values():
        return Component("Python", version, "PSF-2.0", of_package(package).texts)
    raise NoLicenceError(f"The licence of Python {version} is not where its installer puts it, {library}/LICENSE.txt.")


def _bootloader() -> Component:
    """PyInstaller: its bootloader is the program that is started, and an exception to the GPL allows that."""
    return of_distribution(metadata.distribution("pyinstaller"))


# --- what is written --------------------------------------------------------------------------------------------------


def write(inventory: Inventory, folder: Path) -> list[Path]:
    """Write LICENCES.txt and the folder with the texts into *folder*, in the place of those of an earlier build; what
    now lies there."""
    texts = folder / FOLDER
    if texts.exists():  # it may have the texts of what is bundled no more
        shutil.rmtree(texts)
    texts.mkdir(parents=True)
    written = {INDEX: index(list(inventory.components.values()))}
    written[f"{FOLDER}/{FILES}"] = "".join(
        f"{item}\t{', '.join(sorted(owners))}\n" for item, owners in sorted(inventory.owners.items())
    )
    written[f"{FOLDER}/{EXCHANGING}"] = exchanging(inventory)
    for component in inventory.components.values():
        written.update({f"{FOLDER}/{name}": text for name, text in component.texts.items()})
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return [folder / INDEX, texts]


def index(components: Sequence[Component]) -> str:
    """One line a component: name, version, licence, files."""
    ordered = sorted(components, key=lambda component: component.name.lower())
    rows = [("component", "version", "licence", f"texts in {FOLDER}/")]
    rows += [(part.name, part.version, part.licence, ", ".join(sorted(part.texts))) for part in ordered]
    wide, less = (max(len(row[column]) for row in rows) for column in range(2))
    table = [f"{name:<{wide}}  {version:<{less}}  {licence:<44}  {texts}\n" for name, version, licence, texts in rows]
    return _INDEX + "".join(table)


def exchanging(inventory: Inventory) -> str:
    """How a person puts their own build of an LGPL part in the place of the one bundled, and which files these are."""
    free = sorted(
        name for name, part in inventory.components.items() if "LGPL" in " ".join([part.licence, *part.texts])
    )
    lines = [_EXCHANGING]
    for name in free:
        lines.append(f"{name} {inventory.components[name].version}")
        lines += [f"  {item}" for item in sorted(inventory.items_of(name)) if not item.startswith("import ")]
    return "\n".join(lines) + "\n"
