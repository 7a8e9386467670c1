"""Whose work is in a bundle: found by where each file came from, and nothing goes in without a licence."""

from __future__ import annotations

import sysconfig
from email.message import Message
from importlib import metadata
from pathlib import Path

import msgspec
import pytest

from bundling import debian, licences
from bundling.licences import Component, Inventory, NoLicenceError, of_distribution, of_package, take_stock


def installed(folder: Path, told: str, **files: str) -> metadata.Distribution:
    """A distribution `thing` 1.0 with the lines *told* in its metadata and *files* in its .dist-info."""
    info = folder / "thing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n{told}")
    for name, text in files.items():
        (info / name).write_text(text)
    (info / "RECORD").write_text("".join(f"thing-1.0.dist-info/{name},,\n" for name in ("METADATA", *files)))
    return metadata.Distribution.at(info)


def test_a_distribution_has_the_texts_it_brings(tmp_path: Path) -> None:
    found = of_distribution(
        installed(tmp_path, "License-Expression: MIT\n", LICENSE="Permission …", NOTICE="Made by …", AUTHORS="Ada")
    )
    assert found == Component("thing", "1.0", "MIT", {"thing-LICENSE": "Permission …", "thing-NOTICE": "Made by …"})


def test_a_licence_in_a_folder_of_the_metadata_is_found() -> None:
    """As newer wheels have it; aiohttp has one of what it vendors beside its own."""
    assert set(of_distribution(metadata.distribution("aiohttp")).texts) >= {
        "aiohttp-LICENSE.txt",
        "aiohttp-vendor-llhttp-LICENSE",
    }


def test_a_distribution_that_only_names_known_licences_gets_their_texts(tmp_path: Path) -> None:
    found = of_distribution(installed(tmp_path, "License: LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only\n"))
    assert list(found.texts) == ["LGPL-3.0-only.txt", "GPL-3.0-only.txt"]
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in found.texts["LGPL-3.0-only.txt"]


def test_the_licence_of_icu_goes_with_qts_libraries() -> None:
    """On Linux its wheel has ICU's libraries inside, and says nothing of them."""
    has_icu = any("libicu" in file.name for file in metadata.files("PySide6_Essentials") or ())
    texts = of_distribution(metadata.distribution("PySide6_Essentials")).texts
    assert ("Unicode, Inc." in texts.get("ICU.txt", "")) is has_icu


def test_a_distribution_that_only_names_another_licence_is_said_to(tmp_path: Path) -> None:
    found = of_distribution(installed(tmp_path, "Classifier: License :: OSI Approved :: MIT License\n"))
    assert found.licence == "MIT License"
    assert found.texts == {"thing.txt": "thing 1.0 brings no text of its licence. Its metadata name it: MIT License.\n"}


def test_a_distribution_without_any_licence_is_not_bundled(tmp_path: Path) -> None:
    with pytest.raises(NoLicenceError, match="thing 1.0 would be bundled, and it neither brings nor names a licence"):
        of_distribution(installed(tmp_path, "License: UNKNOWN\n"))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"License-Expression": "MIT", "License": "other"}, "MIT"),
        ({"License": "Apache 2"}, "Apache 2"),
        ({"License": "x" * 200, "Classifier": "License :: OSI Approved :: BSD License"}, "BSD License"),
        ({"Classifier": "Topic :: Licensing"}, ""),
    ],
)
def test_the_licence_named_in_metadata(told: dict[str, str], expected: str) -> None:
    message = Message()
    for name, value in told.items():
        message[name] = value
    assert licences.licence_named(message) == expected


def test_a_package_without_its_copyright_file_is_not_bundled() -> None:
    with pytest.raises(NoLicenceError, match="apt-get install --reinstall zlib1g"):
        of_package(debian.Package("zlib1g", "1.2", "", {}))


@pytest.fixture(scope="module")
def stock() -> Inventory:
    """Of a distribution's extension and module, and of a module of the standard library."""
    library = sysconfig.get_path("stdlib")
    return take_stock(
        [("msgspec/_core.so", msgspec._core.__file__)],
        [("msgspec.json", msgspec.json.__file__), ("json.decoder", f"{library}/json/decoder.py")],
    )


def test_each_file_and_module_has_its_component(stock: Inventory) -> None:
    assert stock.owners == {
        "the program itself": {"pyinstaller"},
        "import msgspec": {"msgspec"},
        "import json": {"Python"},
        "msgspec/_core.so": {"msgspec"},
    }
    assert set(stock.components) == {"Python", "msgspec", "pyinstaller"}


def test_pythons_and_the_bootloaders_licences_are_there(stock: Inventory) -> None:
    assert "PYTHON SOFTWARE FOUNDATION LICENSE" in "".join(stock.components["Python"].texts.values())
    assert "Bootloader Exception" in "".join(stock.components["pyinstaller"].texts.values())
    assert "special exception" in stock.components["pyinstaller"].licence, "the GPL without it would forbid the bundle"


def test_a_file_of_nobody_is_not_bundled(tmp_path: Path) -> None:
    stray = tmp_path / "libstray.so"
    stray.write_bytes(b"")
    with pytest.raises(NoLicenceError, match="libstray.so would be bundled, and whose it is cannot be told"):
        take_stock([("libstray.so", str(stray))], [])


def test_what_lies_beside_pythons_own_files_came_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows and macOS, where Python brings the libraries that it links to."""
    brought = tmp_path / "lib" / "libcrypto.dylib"
    monkeypatch.setattr("sys.base_prefix", str(tmp_path))
    assert take_stock([("libcrypto.dylib", str(brought))], []).items_of("Python") == {"libcrypto.dylib"}


def test_where_python_lies_among_all_programs_its_neighbours_are_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.base_prefix", "/usr")
    assert take_stock([("libpython3.so", "/usr/local/lib/libpython3.so")], []).items_of("Python") == {"libpython3.so"}
    with pytest.raises(NoLicenceError, match="/usr/local/lib/libstray.so would be bundled"):
        take_stock([("libstray.so", "/usr/local/lib/libstray.so")], [])


def test_what_is_written_names_each_component_and_its_texts(stock: Inventory, tmp_path: Path) -> None:
    index, folder = licences.write(stock, tmp_path)
    rows = index.read_text().split("\n\n", 1)[1].splitlines()[1:]
    assert [row.split()[0] for row in rows] == ["msgspec", "pyinstaller", "Python"]
    named = {name for row in rows for name in row.split("  ")[-1].strip().split(", ")}
    assert {path.name for path in folder.iterdir()} == named | {"FILES.txt", "LGPL-PARTS.txt"}
    assert "msgspec/_core.so\tmsgspec\n" in (folder / "FILES.txt").read_text()


def test_the_texts_of_an_earlier_build_are_not_given_away(tmp_path: Path) -> None:
    stock = Inventory()
    stock.add(Component("gone", "1.0", "MIT", {"gone-LICENSE": "…"}), "gone.so")
    licences.write(stock, tmp_path)
    stock = Inventory()
    stock.add(Component("msgspec", "1.0", "MIT", {"msgspec-LICENSE": "…"}), "msgspec/_core.so")
    _, folder = licences.write(stock, tmp_path)
    assert {path.name for path in folder.iterdir()} == {"msgspec-LICENSE", "FILES.txt", "LGPL-PARTS.txt"}


def test_the_lgpl_parts_are_listed_with_their_files() -> None:
    stock = Inventory()
    stock.add(Component("PySide6_Essentials", "6.11", "LGPL-3.0-only OR GPL-3.0-only", {"a": "…"}), "PySide6/QtCore.so")
    stock.add(stock.components["PySide6_Essentials"], "import PySide6")
    stock.add(
        Component("libglib2.0-0", "2.74", "see its text", {"copyright": "…", "LGPL-2.1": "…"}), "libglib-2.0.so.0"
    )
    stock.add(Component("msgspec", "1.0", "MIT", {"b": "…"}), "msgspec/_core.so")
    parts = licences.exchanging(stock).split("\n\n", 2)[2]
    assert parts.split("\n") == [
        "PySide6_Essentials 6.11", "  PySide6/QtCore.so", "libglib2.0-0 2.74", "  libglib-2.0.so.0", ""
    ]  # fmt: skip
