"""Where the files of `resources/` are: icons, themes and help texts. Only finding and reading; no Qt."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource(*parts: str) -> Path:
    """The path of a file below `resources/`, installed (wheel, bundle) or in a checkout; it may not exist.

    An installed package carries the folder inside itself (pyproject.toml, packaging/); a checkout has it beside.
    """
    installed = _PACKAGE / "resources"
    root = installed if installed.is_dir() else _PACKAGE.parent / "resources"
    return root.joinpath(*parts)


def resource_text(*parts: str) -> str:
    """The text of a file below `resources/`. Raises FileNotFoundError when this installation lacks it."""
    return resource(*parts).read_text(encoding="utf-8")
