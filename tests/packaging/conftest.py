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
def archive(dist: Path) -> Path:
    """The archive of the bundle."""
    (found,) = dist.glob("desktop-logs-*.tar.xz")
    return found


@pytest.fixture(scope="session")
def bundle(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in the bundle, unpacked elsewhere than it was built, as a person does."""
    folder = tmp_path_factory.mktemp("unpacked").resolve()
    subprocess.run(["tar", "xf", archive, "-C", folder], check=True, timeout=120)
    (unpacked,) = folder.iterdir()
    return unpacked / "desktop-logs"


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    """The wheel that the bundle was made of."""
    return dist / f"desktop_logs-{__version__}-py3-none-any.whl"


@pytest.fixture(scope="session")
def sdist(dist: Path) -> Path:
    """The source archive that the wheel was made of."""
    return dist / f"desktop_logs-{__version__}.tar.gz"


@pytest.fixture(scope="session")
def installed(dist: Path, wheel: Path) -> Path:
    """The program as `pip install` of the wheel puts it into an empty environment, with what it needs and no more.

    The environment that the bundle was made in, less the tools that had been put there for that.
    """
    scripts = dist.parent / ".venv-bundle" / "bin"
    pip = [scripts / "python", "-m", "pip", "--disable-pip-version-check"]
    tools = ("pyinstaller", "pyinstaller-hooks-contrib", "altgraph", "packaging", "setuptools")
    for command in (["uninstall", "--yes", "--quiet", *tools], ["check"]):
        done = subprocess.run([*pip, *command], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return scripts / "desktop-logs"


@pytest.fixture
def run(bundle: Path, start: Callable[..., Program], tmp_path: Path, home: Path) -> Callable[..., Program]:
    """`run("serve", …)` starts the bundle far from the project, with an empty home, and nothing at all on the path."""
    return _stranger(bundle, start, tmp_path, home)


@pytest.fixture
def run_installed(installed: Path, start: Callable[..., Program], tmp_path: Path, home: Path) -> Callable[..., Program]:
    """The same for the program that pip installed."""
    return _stranger(installed, start, tmp_path, home)


def _stranger(program: Path, start: Callable[..., Program], tmp_path: Path, home: Path) -> Callable[..., Program]:
    elsewhere, nothing, temporary = (tmp_path / name for name in ("elsewhere", "nothing", "temporary"))
    for folder in (elsewhere, nothing, temporary):
        folder.mkdir()
    bare = {"PATH": str(nothing), "HOME": str(home), "TMPDIR": str(temporary), "LC_ALL": "C.UTF-8"}
    bare["XDG_RUNTIME_DIR"] = os.environ["XDG_RUNTIME_DIR"]  # as every session of a desktop has one

    def run(*arguments: str | Path, **environment: str) -> Program:
        return start([program, *arguments], env={**bare, **environment}, cwd=elsewhere)

    return run
