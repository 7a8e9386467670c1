"""What the tests of packages share: all that `make bundle` makes, built once a session by what `make bundle` calls."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop_logs import __version__
from tests.support.program import Program

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the archives, the wheel and the bundle, made in new environments beside it."""
    folder = tmp_path_factory.mktemp("bundle").resolve()
    folders = {"DIST": str(folder / "dist"), "WORK": str(folder / "build"), "VENVS": str(folder)}
    done = subprocess.run(
        ["sh", ROOT / "packaging/bundle.sh", "bundle"],
        # An archive of xz's level 1 is larger than the one that is given away, and made in a quarter of the time.
        env={**os.environ, **folders, "XZ_OPT": "-1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return folder / "dist"


@pytest.fixture(scope="session")
def bundle(dist: Path) -> Path:
    """The program in the bundle."""
    return dist / "desktop-logs" / "desktop-logs"


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    """The wheel that the bundle was made of."""
    return dist / f"desktop_logs-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="session")
def sdist(dist: Path) -> Path:
    """The source archive that the wheel was made of."""
    return dist / f"desktop_logs-{__version__}.tar.gz"


@pytest.fixture
def run(bundle: Path, start: Callable[..., Program], tmp_path: Path) -> Callable[..., Program]:
    """`run("serve", …)` starts the bundle far from the project, with an empty home, and nothing at all on the path."""
    home, elsewhere, nothing = tmp_path / "home", tmp_path / "elsewhere", tmp_path / "nothing"
    for folder in (home, elsewhere, nothing):
        folder.mkdir()
    bare = {"PATH": str(nothing), "HOME": str(home)}

    def run_bundle(*arguments: str | Path, **environment: str) -> Program:
        return start([bundle, *arguments], env={**bare, **environment}, cwd=elsewhere)

    return run_bundle
