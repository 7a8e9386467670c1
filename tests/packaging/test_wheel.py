"""The wheel and the source archive of `make dist`: whole, with nothing that is not theirs, and the wheel runs."""

from __future__ import annotations

import re
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_logs import __version__
from tests.support.display import Display
from tests.support.program import Program

ROOT = Path(__file__).parent.parent.parent

Run = Callable[..., Program]

pytestmark = pytest.mark.timeout(600)


def files_of(folder: str, without: str = "__pycache__") -> set[str]:
    """The files below *folder* of the project, by their path in it."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and without not in path.parts
    }


@pytest.fixture(scope="module")
def in_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as packed:
        return set(packed.namelist())


@pytest.fixture(scope="module")
def in_sdist(sdist: Path) -> set[str]:
    """Without the folder that all of it is in."""
    with tarfile.open(sdist) as packed:
        return {entry.name.partition("/")[2] for entry in packed if entry.isfile()}


def test_the_wheel_has_the_package_and_all_resources(in_wheel: set[str]) -> None:
    resources = {f"desktop_logs/{path}" for path in files_of("resources")}
    info = f"desktop_logs-{__version__}.dist-info"
    metadata = {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    assert resources
    assert in_wheel == files_of("desktop_logs") | resources | metadata | {"desktop_logs/CHANGELOG.md"}


def test_the_source_archive_has_all_that_the_wheel_and_the_bundle_are_built_from(in_sdist: set[str]) -> None:
    needed = {"README.md", "CHANGELOG.md", "LICENSE", "Makefile", "pyproject.toml", ".ci/run"}
    for folder in ("desktop_logs", "resources", "packaging"):
        needed |= files_of(folder)
    assert needed - in_sdist == set()
    assert files_of("tests", without="node_modules") - in_sdist <= {
        path for path in files_of("tests") if "__pycache__" in path
    }


def test_the_archives_have_no_cache_no_node_package_and_no_secret(in_wheel: set[str], in_sdist: set[str]) -> None:
    unwanted = re.compile(
        r"(^|/)(node_modules|__pycache__|\.venv[^/]*|\.git|\.\w+_cache|build|dist)/|\.(pyc|pem|key|env)$|tokens\.json$"
    )
    assert [path for path in in_wheel | in_sdist if unwanted.search(path)] == []


def test_the_wheel_runs_on_the_command_line(run_installed: Run, tmp_path: Path) -> None:
    version = run_installed("--version")
    assert version.wait() == 0
    assert version.stdout == [f"desktop-logs {__version__}"]
    hub = run_installed("serve", "--port", "0", "--data-dir", tmp_path / "data")
    url = hub.line_with("^listening on ", within_s=30).split()[-1]
    for command in (["send", url, "hello"], ["tail", url, "--no-follow"], ["stats", url]):
        program = run_installed(*command)
        assert program.wait() == 0, program
        assert program.stderr == []
    assert [line.split()[-1] for line in program.stdout if line.startswith("stored ")] == ["1"]


def test_the_wheel_opens_a_window_with_its_icons(
    run_installed: Run, installed: Path, display: Display, tmp_path: Path
) -> None:
    program = run_installed("--port", "0", "--data-dir", tmp_path / "data", DISPLAY=display.name)
    window = display.window("Desktop Logs", program, within_s=60)
    display.still_picture(window)
    display.close(window)
    assert program.wait() == 0
    assert program.stderr == [], "Qt warns of icons that it cannot read"
    ask = "from desktop_logs.assets import resource; print(resource('icons'))"
    said = subprocess.check_output([installed.parent / "python", "-c", ask], cwd=tmp_path, text=True, timeout=60)
    icons = Path(said.strip())
    assert icons.is_relative_to(installed.parent.parent)
    assert {path.name for path in icons.iterdir()} == {path.name for path in (ROOT / "resources/icons").iterdir()}
