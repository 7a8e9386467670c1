"""What holds for the files of the project as they lie in the checkout, whatever is in them."""

from __future__ import annotations

import json
import os
import re
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAX_LINES = 450
NOT_OURS = r"\.git|\.venv.*|\..*_cache|\.hypothesis|node_modules|build|dist|__pycache__"
TEXT = {".py", ".sh", ".spec", ".js", ".json", ".md", ".toml", ".txt", ".yml", ".yaml", ".cfg", ".svg", ".qss", ""}


@cache
def files() -> tuple[Path, ...]:
    """The text files of the project; git is not asked, for the tests also run from an unpacked source archive."""
    found: list[Path] = []
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if not re.fullmatch(NOT_OURS, name)]
        found += [Path(folder, name) for name in names if Path(name).suffix in TEXT]
    return tuple(sorted(found))


def lines_with(pattern: str, suffixes: tuple[str, ...] | None = None) -> list[str]:
    """Where the regular expression *pattern* is found, as file:line."""
    return [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files()
        if suffixes is None or path.suffix in suffixes
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]


def test_the_licence_is_there_and_named():
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "MIT"


def test_the_version_stands_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" not in project
    assert project["dynamic"] == ["version"]
    places = lines_with(r"^__version__\s*=", (".py",))
    assert [place.partition(":")[0] for place in places] == ["desktop_logs/__init__.py"]


def test_no_file_of_code_is_too_long():
    long = {
        str(path.relative_to(ROOT)): count
        for path in files()
        if path.suffix in (".py", ".js", ".sh", ".spec")
        and (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert long == {}, f"over {MAX_LINES} lines: look for the second room inside"


def test_no_file_names_a_package_registrys_host():
    """Each machine installs from the registries that it is set up for."""
    assert (
        lines_with(r"\b(?:py" + r"pi|pythonho" + r"sted|npm" + r"js|registry\.yarn" + r"pkg|deb\.deb" + r"ian)\.\w")
        == []
    )


def test_the_npm_lock_file_names_no_address():
    lock = json.loads((ROOT / "tests" / "node" / "package-lock.json").read_text(encoding="utf-8"))
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


def test_node_packages_are_named_to_the_digit():
    dependencies = json.loads((ROOT / "tests" / "node" / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {name: wanted for name, wanted in dependencies.items() if not re.fullmatch(r"\d+\.\d+\.\d+", wanted)} == {}


def test_nothing_is_put_off():
    assert lines_with(r"\b(?:TO" + r"DO|FIX" + r"ME)\b", (".py", ".js", ".sh", ".spec")) == []
