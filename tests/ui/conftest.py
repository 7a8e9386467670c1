"""What the tests of `ui/` have at hand: a theme, and what the program does for a window, as a fake."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target, Tested
from desktop_logs.core.errors import ConnectError, SettingsError
from desktop_logs.core.feed import Feed
from desktop_logs.core.settings import LogSettings
from desktop_logs.ui.actions import Sharing
from desktop_logs.ui.connect_dialog import ConnectDialog, Wanted
from desktop_logs.ui.model import RecordModel
from desktop_logs.ui.table import RecordTable
from desktop_logs.ui.theme import Theme
from desktop_logs.ui.window import MainWindow
from tests.ui.connects import RECENTS
from tests.ui.fakes import FakeFeed, make_records
from tests.ui.tables import MakeTable
from tests.ui.windows import MakeWindow


class FakeActions:
    """WindowActions that notes what it was asked for. Hosts called `nowhere` cannot be connected to."""

    def __init__(self, folder: Path) -> None:
        self.logs_folder = folder
        self.log_settings = LogSettings()
        self.feeds: list[FakeFeed] = []
        self.connected: list[Target] = []
        self.tested: list[Target] = []
        self.outcomes: list[Tested] = []
        """What the next tests find; one for which nothing is left takes for ever."""
        self.has_keyring = False
        self.keyring: dict[ServerAddress, str] = {}
        self.keyring_problem = ""
        self.shared = Sharing("http://127.0.0.1:5647", is_local=True)
        self.retried: list[Feed] = []
        self.disconnected: list[Feed] = []
        self.settings_problem = ""
        self.new_windows = 0

    def connect(self, target: Target) -> FakeFeed:
        host = target.address.host
        if "nowhere" in host:
            raise ConnectError("There is no such host.")
        feed = FakeFeed(host, f"{host}{target.address.path}")
        self.feeds.append(feed)
        self.connected.append(target)
        return feed

    async def test(self, target: Target) -> Tested:
        self.tested.append(target)
        if not self.outcomes:
            await asyncio.Event().wait()
        return self.outcomes.pop(0)

    async def keeps_tokens(self) -> bool:
        return self.has_keyring

    async def kept_token(self, address: ServerAddress) -> str:
        return self.keyring.get(address, "")

    async def keep_token(self, address: ServerAddress, token: str) -> str:
        if not self.keyring_problem:
            self.keyring[address] = token
        return self.keyring_problem

    def sharing(self) -> Sharing:
        return self.shared

    def retry(self, feed: Feed) -> None:
        self.retried.append(feed)

    def disconnect(self, feed: Feed) -> None:
        self.disconnected.append(feed)

    def new_window(self) -> None:
        self.new_windows += 1

    def change_log_settings(self, settings: LogSettings) -> None:
        if self.settings_problem:
            raise SettingsError(self.settings_problem)
        self.log_settings = settings


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    """The dark theme; the next test makes its own."""
    return Theme(qapp, "dark")


@pytest.fixture
def actions(tmp_path: Path) -> FakeActions:
    return FakeActions(tmp_path)


@pytest.fixture
def make_table(qapp: QApplication, qtbot: QtBot) -> MakeTable:
    """Makes tables of eleven rows in view, with so many records in them."""
    theme = Theme(qapp, "dark")

    def make(count: int = 0, capacity: int = 100_000) -> RecordTable:
        model = RecordModel(capacity)
        table = RecordTable(model, theme)
        model.setParent(table)
        qtbot.addWidget(table)
        table.resize(800, 272)
        table.show()
        model.append(make_records(count))
        return table

    return make


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "window.ini"


@pytest.fixture
def feed() -> FakeFeed:
    return FakeFeed()


@pytest.fixture
def make_window(theme: Theme, actions: FakeActions, feed: FakeFeed, store_path: Path, qtbot: QtBot) -> MakeWindow:
    def make(*, local: FakeFeed | None = feed) -> MainWindow:
        store = QSettings(str(store_path), QSettings.Format.IniFormat)
        window = MainWindow(local=local, actions=actions, theme=theme, store=store, local_url="http://127.0.0.1:5647")
        qtbot.addWidget(window)
        window.show()
        qtbot.waitUntil(window.isActiveWindow)
        return window

    return make


@pytest.fixture
def window(make_window: MakeWindow) -> MainWindow:
    return make_window()


@pytest.fixture
async def dialog(qtbot: QtBot, theme: Theme, actions: FakeActions) -> ConnectDialog:
    dialog = ConnectDialog(theme, actions, RECENTS)
    qtbot.addWidget(dialog)
    dialog.open()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    return dialog


@pytest.fixture
async def asked(dialog: ConnectDialog) -> list[Wanted]:
    asked: list[Wanted] = []
    dialog.connect_requested.connect(asked.append)
    return asked
