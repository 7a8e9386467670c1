"""What is remembered comes back; what cannot be used is as if it were not there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QRect, QSettings
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target, Trust
from desktop_logs.ui.remembered import MAX_RECENTS, OpenRemote, Remembered
from desktop_logs.ui.savedqueries import NamedQuery


@pytest.fixture
def store(tmp_path: Path) -> QSettings:
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


def reread(store: QSettings) -> Remembered:
    store.sync()
    return Remembered(QSettings(store.fileName(), QSettings.Format.IniFormat))


def test_recent_servers_are_kept_latest_first_and_once(store: QSettings) -> None:
    """With all that was said of them but the token; the latest trust is the one that counts."""
    remembered = Remembered(store)
    targets = [Target(ServerAddress(f"https://host:{port}", "/x"), "s3cret") for port in range(3_000, 3_012)]
    for target in targets:
        remembered.add_recent(target)
    latest = replace(targets[5], token="", trust=Trust(fingerprint="ab" * 32), query="")
    remembered.add_recent(latest)
    remembered.add_recent(replace(latest, query="api"))
    recents = reread(store).recents
    assert len(recents) == MAX_RECENTS
    assert recents[:3] == [replace(latest, query="api"), latest, replace(targets[11], token="")]
    remembered.remove_recent(latest)
    assert latest not in reread(store).recents


def test_open_tabs_are_kept_in_order_and_without_tokens(store: QSettings) -> None:
    remembered = Remembered(store)
    targets = [
        Target(ServerAddress("https://b"), "s3cret", Trust(ca_file="/ca.pem"), "level>=warn"),
        Target(ServerAddress("http://a")),
    ]
    remembered.set_open_remotes(targets)
    assert reread(store).open_remotes == [
        OpenRemote(replace(targets[0], token=""), had_token=True),
        OpenRemote(targets[1], had_token=False),
    ]
    assert "s3cret" not in Path(store.fileName()).read_text()


@pytest.mark.parametrize(
    "rubbish",
    [
        "",
        "x",
        "{}",
        "[1]",
        "[{}]",
        '[{"url":1}]',
        '[{"url":"ftp://a"}]',
        '[["ftp://a","/"]]',
        "[[1,2,3]]",
        "[7]",
        7,
        QByteArray(b"\xff"),
    ],
)
def test_unusable_values_are_ignored(store: QSettings, rubbish: object) -> None:
    keys = ("connect/recents", "connect/open", "window/theme", "export/folder", "layout/shares", "layout/columns")
    for key in (*keys, "query/history", "query/named"):
        store.setValue(key, rubbish)
    remembered = reread(store)
    assert remembered.recents == []
    assert remembered.open_remotes == []
    assert remembered.theme_choice is None
    assert remembered.export_folder.is_absolute()
    assert remembered.shares((28, 40)) == (28, 40)
    assert isinstance(remembered.layout("columns"), QByteArray)
    assert remembered.query_history == []
    assert remembered.named_queries == []


def test_choices_come_back(store: QSettings, tmp_path: Path) -> None:
    remembered = Remembered(store)
    remembered.set_theme_choice("light")
    remembered.set_export_folder(tmp_path)
    remembered.set_shares((31, 0))
    remembered.set_layout("columns", QByteArray(b"\x00\xff"))
    again = reread(store)
    assert again.theme_choice == "light"
    assert again.export_folder == tmp_path
    assert again.shares((28, 40)) == (31, 0)
    assert again.layout("columns") == QByteArray(b"\x00\xff")


def test_what_can_be_used_of_a_list_of_queries_is_used(store: QSettings) -> None:
    store.setValue("query/history", '["a", 1, "", "b"]')
    rows = '[["n", "a", ["warn", "nonsense"]], ["", "a", []], ["n", "a"], 7, ["%s", "a", []]]' % ("x" * 61)
    store.setValue("query/named", rows)
    assert Remembered(store).query_history == ["a", "b"]
    assert Remembered(store).named_queries == [NamedQuery("n", "a", frozenset({3}))]


@pytest.mark.parametrize("shares", ["31", "31 200", "-1 5", "a b"])
def test_shares_that_cannot_be_are_ignored(store: QSettings, shares: str) -> None:
    store.setValue("layout/shares", shares)
    assert Remembered(store).shares((28, 40)) == (28, 40)


def test_geometry_comes_back_where_it_can_be_seen(store: QSettings, qtbot: QtBot) -> None:
    first, second = QWidget(), QWidget()
    for window in (first, second):
        qtbot.addWidget(window)
    first.setGeometry(QRect(40, 50, 500, 400))
    Remembered(store).set_layout("geometry", first.saveGeometry())
    reread(store).restore_geometry(second)
    assert second.geometry() == QRect(40, 50, 500, 400)


@pytest.mark.parametrize("at", [(9_000, 100), (100, 9_000), (-9_000, 0)])
def test_window_never_opens_where_nobody_sees_it(store: QSettings, qtbot: QtBot, at: tuple[int, int]) -> None:
    first, second = QWidget(), QWidget()
    for window in (first, second):
        qtbot.addWidget(window)
    first.setGeometry(QRect(*at, 500, 400))
    Remembered(store).set_layout("geometry", first.saveGeometry())
    Remembered(store).restore_geometry(second)
    screen = QGuiApplication.primaryScreen().availableGeometry()
    assert screen.intersects(second.geometry())
    assert screen.contains(second.geometry().topLeft())


def test_an_export_goes_to_a_folder_that_is_there(store: QSettings, home: Path, tmp_path: Path) -> None:
    remembered = Remembered(store)
    assert remembered.export_folder == home
    (home / "Documents").mkdir()
    assert remembered.export_folder == home / "Documents"
    remembered.set_export_folder(tmp_path / "gone")
    assert remembered.export_folder == home / "Documents"
