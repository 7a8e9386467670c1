"""The empty window's lines really send a record when they are pasted."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from desktop_logs.ui.clipboard import CopyButton
from desktop_logs.ui.empty import EmptyState, snippets
from desktop_logs.ui.plaintext import PlainView
from desktop_logs.ui.theme import LIGHT, Theme
from tests.support.program import DESKTOP_LOGS, Program, eventually

# The offscreen platform has no window manager to tell sizes and stacking to.
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

URL = "http://127.0.0.1:5647"
NODE_MODULES = Path(__file__).parents[1] / "node" / "node_modules"


def interpreter(name: str) -> list[str]:
    return {
        "Python": [sys.executable, "-c"],
        "Node": [shutil.which("node") or "node", "-e"],
        "curl": ["sh", "-c"],
    }[name]


@pytest.mark.parametrize("is_shared", [False, True], ids=["local", "shared"])
@pytest.mark.parametrize("index", range(3), ids=["Python", "Node", "curl"])
def test_what_is_pasted_arrives(start: Callable[..., Program], tmp_path: Path, index: int, is_shared: bool) -> None:
    """Against a real hub: the lines run as they are, end by themselves, and their record is in the file.

    A hub that is shared wants a token, and finds that in the environment.
    """
    sharing = ["--host", "0.0.0.0", "--viewer-token", "v" * 20, "--producer-token", "p" * 20] if is_shared else []
    hub = start([DESKTOP_LOGS, "serve", "--port", "0", "--data-dir", tmp_path, *sharing])
    url = hub.line_with("^listening on ").removeprefix("listening on ")
    snippet = snippets(url, needs_token=is_shared)[index]
    env = {**os.environ, "NODE_PATH": str(NODE_MODULES), "DESKTOP_LOGS_TOKEN": "p" * 20}
    sender = start([*interpreter(snippet.name), snippet.code], env=env)
    assert sender.wait() == 0, sender

    def stored() -> list[dict[str, Any]]:
        files = (tmp_path / "logs").glob("application-*.log")
        return [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]

    eventually("the record is in the file", stored)
    (entry,) = stored()
    assert entry["message"] == f"hello from {snippet.name}"
    assert entry["level"].lower() == "info"


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    return Theme(qapp, "dark")


@pytest.fixture
def empty(qtbot: QtBot, theme: Theme) -> EmptyState:
    empty = EmptyState(theme)
    qtbot.addWidget(empty)
    empty.resize(800, 500)
    empty.show()
    return empty


def test_each_copy_button_copies_its_lines(empty: EmptyState) -> None:
    empty.set_address(URL)
    for snippet, button in zip(snippets(URL), empty.findChildren(CopyButton), strict=True):
        assert button.accessibleName() == f"Copy the lines for {snippet.name}"
        button.click()
        assert QApplication.clipboard().text() == snippet.code


def test_the_lines_follow_the_address(empty: EmptyState) -> None:
    """Before the hub listens there is nothing to copy."""
    assert not any(view.isVisible() for view in empty.findChildren(PlainView))
    empty.set_address("http://127.0.0.1:5701")
    shown = [view.toPlainText() for view in empty.findChildren(PlainView)]
    assert shown == [snippet.code for snippet in snippets("http://127.0.0.1:5701")]
    assert all("5701" in text for text in shown)


def test_an_address_with_quotes_stays_inside_its_quotes() -> None:
    """Whatever the address: it does not end the string that it stands in."""
    python, node, curl = snippets("http://host/'\"$(x)\\")
    compile(python.code, "snippet", "exec")
    assert '"http://host/\'\\"$(x)\\\\"' in node.code
    assert "'http://host/'\"'\"'\"$(x)\\/api/logs'" in curl.code


@pytest.mark.parametrize("size", [(800, 500), (1400, 900), (420, 300)])
def test_it_fits_any_window(empty: EmptyState, size: tuple[int, int]) -> None:
    empty.set_address(URL)
    empty.resize(*size)
    QApplication.processEvents()
    assert (empty.width(), empty.height()) == size
    for view in empty.findChildren(PlainView):
        assert view.mapTo(empty, view.rect().topRight()).x() < empty.width()
        assert view.width() > 250


def test_it_follows_the_theme(empty: EmptyState, theme: Theme) -> None:
    empty.set_address(URL)
    theme.set_choice("light")
    card = empty.findChild(QWidget, "card")
    assert card.grab().toImage().pixelColor(8, 8).name() == LIGHT.panel
