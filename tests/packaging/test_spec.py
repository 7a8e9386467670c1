"""What packaging/desktop-logs.spec asks of PyInstaller on each system. The bundle of this system has its own tests."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import PyInstaller.depend.bindepend
import PyInstaller.utils.hooks  # noqa: F401 (before a test says that this is another system)
import pytest

from desktop_logs import APP_ID, __version__

ROOT = Path(__file__).parent.parent.parent
SPEC = ROOT / "packaging" / "desktop-logs.spec"


@dataclass
class Asked:
    """One call of a class of PyInstaller's."""

    given: tuple[Any, ...]
    named: dict[str, Any]
    pure: list[Any] = field(default_factory=list)
    scripts: list[Any] = field(default_factory=list)
    binaries: list[Any] = field(default_factory=list)
    datas: list[Any] = field(default_factory=list)


@pytest.fixture
def asked(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Asked]]:
    """The calls that the spec makes, by class, on the system that the test is parametrized with."""
    calls: dict[str, list[Asked]] = {name: [] for name in ("Analysis", "PYZ", "EXE", "COLLECT", "BUNDLE")}

    def records(name: str) -> Any:
        def call(*given: Any, **named: Any) -> Asked:
            calls[name].append(Asked(given, named))
            return calls[name][-1]

        return call

    (tmp_path / "dist" / "desktop-logs").mkdir(parents=True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "platform", request.param)
    names = {"SPECPATH": str(SPEC.parent), "workpath": str(tmp_path), "DISTPATH": str(tmp_path / "dist")}
    exec(compile(SPEC.read_text(encoding="utf-8"), SPEC, "exec"), {**names, **{name: records(name) for name in calls}})
    return calls


@pytest.mark.parametrize("asked", ["win32"], indirect=True)
def test_windows_gets_a_program_with_a_console_and_one_without(asked: dict[str, list[Asked]], tmp_path: Path) -> None:
    programs = [program.named for program in asked["EXE"]]
    assert [(program["name"], program["console"]) for program in programs] == [
        ("Desktop Logs", False),
        ("desktop-logs", True),
    ]
    assert {program["icon"] for program in programs} == {str(ROOT / "resources/icons/app/desktop-logs.ico")}
    for program in programs:
        resource = Path(program["version"]).read_text(encoding="utf-8")
        assert f"StringStruct('OriginalFilename', '{program['name']}.exe')" in resource
        assert f"StringStruct('ProductVersion', '{__version__}')" in resource
    (folder,) = asked["COLLECT"]
    assert list(folder.given[:2]) == asked["EXE"], "both programs share one folder"
    assert asked["BUNDLE"] == []
    assert (tmp_path / "dist" / "desktop-logs" / "LICENCES.txt").exists()


@pytest.mark.parametrize("asked", ["darwin"], indirect=True)
def test_macos_gets_an_application(asked: dict[str, list[Asked]]) -> None:
    (program,), (folder,), (application,) = asked["EXE"], asked["COLLECT"], asked["BUNDLE"]
    assert (program.named["console"], program.named["argv_emulation"]) == (False, False)
    assert application.given == (folder,)
    named = application.named
    assert (named["name"], named["bundle_identifier"], named["version"]) == ("Desktop Logs.app", APP_ID, __version__)
    assert named["icon"] == str(ROOT / "resources/icons/app/desktop-logs.icns")
    assert named["info_plist"]["CFBundleURLTypes"][0]["CFBundleURLSchemes"] == ["desktop-logs"]
    inside = {path for path, _, _ in folder.given[-1]}
    assert inside >= {"README.md", "CHANGELOG.md", "LICENSE", "LICENCES.txt", "licences/pyinstaller-COPYING.txt"}


@pytest.mark.parametrize("asked", ["linux"], indirect=True)
def test_linux_gets_one_program_for_the_window_and_the_commands(asked: dict[str, list[Asked]]) -> None:
    (program,) = asked["EXE"]
    assert (program.named["name"], program.named["console"]) == ("desktop-logs", True)
    assert asked["BUNDLE"] == []


@pytest.mark.parametrize("asked", ["linux", "win32", "darwin"], indirect=True)
def test_what_is_asked_for_by_name_alone_is_bundled_everywhere(asked: dict[str, list[Asked]]) -> None:
    (analysis,) = asked["Analysis"]
    assert "engineio.async_drivers.aiohttp" in analysis.named["hiddenimports"]
    assert "PySide6.QtNetwork" not in analysis.named["excludes"]
