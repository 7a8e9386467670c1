"""Resources are found in a checkout and, when the package carries them, inside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from desktop_logs import assets


def test_checkout_has_its_resources_beside_the_package() -> None:
    assert assets.resource("icons", "desktop-logs.svg").is_file()
    assert assets.resource_text("icons", "search.svg").startswith("<svg")


def test_installed_package_prefers_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources" / "a.txt").write_text("ä", encoding="utf-8")
    monkeypatch.setattr(assets, "_PACKAGE", tmp_path)
    assert assets.resource_text("a.txt") == "ä"
    with pytest.raises(FileNotFoundError):
        assets.resource_text("b.txt")
