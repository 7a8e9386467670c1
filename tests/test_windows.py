"""Several windows of one program: the same hub in each; what concerns them all, and what only one of them."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QToolButton

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.handover import Handover
from desktop_logs.core.opening import Opening
from desktop_logs.ui.connect_dialog import ConnectDialog, Wanted
from desktop_logs.ui.window import MainWindow
from desktop_logs.ui.windowplace import place_beside
from desktop_logs.windows import Windows
from tests.support.asynchronous import soon
from tests.support.desktops import Opened, Run

NOWHERE = Target(ServerAddress("http://127.0.0.1:9"))


def shown(windows: Windows) -> list[list[str]]:
    """The messages in the local tab of each window."""
    return [[record.message for record in window.pages[0].model.shown] for window in windows.all]


def told(windows: Windows) -> list[str]:
    """The notices in the local tab of each window."""
    return [" | ".join(window.pages[0].notices.texts.values()) for window in windows.all]


def test_a_second_window_shows_the_same_hub_and_closing_either_leaves_the_other(
    run: Run, qapp: QApplication, tmp_path: Path
) -> None:
    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            windows = opened.desktop._windows
            await opened.post("before")
            opened.desktop.new_window()
            await opened.post("after")
            await soon("both show both", lambda: shown(windows) == [["before", "after"]] * 2)
            stats = opened.desktop._window_stats()
            assert (stats["window_rows"], stats["window_shown"]) == (4, 4)
            second = windows.all[1]
            assert second.pages[0].feed is opened.window.pages[0].feed
            windows.first.close()
            assert list(windows.all) == [second]
            assert windows.front is second
            await opened.post("alone")
            await soon("the other goes on", lambda: shown(windows) == [["before", "after", "alone"]])
            assert opened.hub.state.phase == "live"
            second.close()
            await soon("the program ends", lambda: opened.hub.state.phase == "closed")
        assert opened.exit_code == 0

    run(body())


def test_notices_files_and_address_of_the_hub_are_told_in_every_window_also_a_later_one(
    run: Run, qapp: QApplication, tmp_path: Path
) -> None:
    async def body() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            async with Opened(qapp, tmp_path, other.getsockname()[1]) as opened:
                windows = opened.desktop._windows
                await soon("it is told", lambda: "is in use" in told(windows)[0])
                opened.desktop.new_window()
                assert told(windows)[1] == told(windows)[0]
                other.close()
                opened.press("Try again")
                await soon("it listens", lambda: opened.hub.state.phase == "live")
                await soon("no window complains", lambda: told(windows) == ["", ""])
                opened.desktop.new_window()
                assert told(windows)[2] == ""
                await soon("each knows", lambda: all(window._local_url == opened.url for window in windows.all))

    run(body())


def test_a_notice_that_is_sent_away_in_one_window_is_gone_in_all_and_told_in_no_later_one(
    run: Run, qapp: QApplication, tmp_path: Path
) -> None:
    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            windows = opened.desktop._windows
            windows.open()
            windows.show_notice("refused", "An entry was refused.")
            windows.show_notice("files", "The disk is full.")
            for window in windows.all:
                window.show_notice("keyring", "Of this window alone.")
            windows.all[1].notice_dismissed.emit("refused")
            windows.all[1].notice_dismissed.emit("keyring")
            assert told(windows)[0] == "The disk is full. | Of this window alone."
            windows.open()
            assert told(windows)[2] == "The disk is full."
            windows.show_notice("refused", "Another entry was refused.")
            assert all("Another entry" in one for one in told(windows))

    run(body())


def test_settings_and_theme_changed_in_one_window_hold_in_all(run: Run, qapp: QApplication, tmp_path: Path) -> None:
    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            opened.desktop.new_window()
            windows = opened.desktop._windows
            opened.desktop.change_log_settings(opened.desktop.log_settings.changed(held_records=1234))
            assert [window.pages[0].model.capacity for window in windows.all] == [1234, 1234]
            windows.all[1].choose_theme("light")
            assert [window._theme.palette.is_dark for window in windows.all] == [False, False]

    run(body())


def test_a_tab_of_a_further_window_is_its_own_left_with_it_and_not_remembered(
    run: Run, qapp: QApplication, tmp_path: Path
) -> None:
    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            first = opened.window
            first.remotes.open(NOWHERE)
            opened.desktop.new_window()
            second = opened.desktop._windows.all[1]
            feed = second.remotes.open(Target(ServerAddress("http://127.0.0.1:8")))
            assert (len(first.pages), len(second.pages)) == (2, 2)
            second.close()
            await soon("it has left", lambda: feed.state.phase == "closed")
            assert [one.target for one in first._remembered.open_remotes] == [NOWHERE]
            assert len(first.pages) == 2

    run(body())


def test_a_token_that_a_further_window_keeps_is_kept_when_all_are_closed_at_once(
    run: Run, qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []

    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            stop = opened.hub.stop

            async def keep(address: ServerAddress, token: str) -> str:
                for _ in range(50):  # as a keyring does that asks a person: it takes turns of the loop
                    await asyncio.sleep(0)
                done.append(token)
                return ""

            async def stop_later() -> bool:
                done.append("the hub stops")
                return await stop()

            monkeypatch.setattr(opened.desktop, "keep_token", keep)
            monkeypatch.setattr(opened.hub, "stop", stop_later)
            opened.desktop.new_window()
            second = opened.desktop._windows.all[1].remotes
            second.open_dialog()
            dialog = second._dialog
            assert dialog is not None
            dialog.connect_requested.emit(Wanted(replace(NOWHERE, token="s3cret"), keeps_token=True))
            opened.desktop._windows.close()
            await soon("the program ends", lambda: opened.hub.state.phase == "closed")
        assert done == ["s3cret", "the hub stops"]

    run(body())


def test_what_a_later_start_asks_opens_in_the_window_it_asks_for(run: Run, qapp: QApplication, tmp_path: Path) -> None:
    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            desktop = opened.desktop
            answer = desktop._openings.take(Handover(Opening(server=NOWHERE), asked={"--port": "1"}))
            assert answer.unfollowed == ("--port",)
            await soon("it is opened", lambda: len(opened.window.pages) == 2)
            link = Opening(links=("desktop-logs://connect?url=http://127.0.0.1:9",))
            desktop._openings.take(Handover(link, new_window=True))
            second = desktop._windows.all[1]
            await soon("a person is asked there", lambda: second.findChildren(ConnectDialog))
            assert not opened.window.findChildren(ConnectDialog)

    run(body())


def test_many_files_open_one_after_another_and_the_window_goes_on_meanwhile(
    run: Run, qapp: QApplication, tmp_path: Path
) -> None:
    paths = tuple(str(tmp_path / f"{number}.log") for number in range(8))

    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            opened.desktop._openings.show(Opening(files=paths))
            seen = [len(opened.window.pages)]
            while seen[-1] <= len(paths):
                await asyncio.sleep(0)
                seen.append(len(opened.window.pages))
            assert set(seen) == set(range(1, 2 + len(paths)))

    run(body())


def test_files_that_are_still_to_be_opened_go_with_the_window_or_to_the_one_that_is_left(
    run: Run, qapp: QApplication, tmp_path: Path
) -> None:
    paths = tuple(str(tmp_path / f"{number}.log") for number in range(8))

    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            first, second = opened.window, opened.desktop._windows.open()
            loop = asyncio.get_running_loop()
            for window in (first, second):

                def close_soon(_feed: object, window: MainWindow = window) -> None:
                    if len(window.pages) == 3:
                        loop.call_soon(window.close)

                window.files.opened.connect(close_soon)
            opened.desktop._openings.show(Opening(files=paths))
            await soon("both are closed", lambda: opened.hub.state.phase == "closed")
            assert (len(first.pages), len(second.pages)) == (3, 3)
        assert opened.exit_code == 0

    run(body())


def test_a_first_window_that_is_closed_while_the_program_opens_connects_to_nothing(
    run: Run, qapp: QApplication, tmp_path: Path
) -> None:
    async def body() -> None:
        async with Opened(qapp, tmp_path) as before:
            before.window.remotes.open(NOWHERE)
        again = Opened(qapp, tmp_path)
        again.desktop._windows.open()
        again.window.close()
        async with again:
            assert not again.desktop._remotes
            assert [one.target for one in again.window._remembered.open_remotes] == [NOWHERE]

    run(body())


def test_what_the_system_asks_to_open_is_shown_or_told(run: Run, qapp: QApplication, tmp_path: Path) -> None:
    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            opened.desktop._openings.show_item("desktop-logs://connect?url=ftp://x")
            await soon("what is wrong is told", lambda: "which is not http" in opened.notices())
            opened.desktop._openings.show_item(str(tmp_path / "app.log"))
            await soon("the file has a tab", lambda: len(opened.window.pages) == 2)
            opened.desktop._openings.show_item("desktop-logs://connect?url=gopher://x")
            await soon("it is told in the tab in front", lambda: "gopher://" in opened.notices(1))
            for button in opened.window.pages[1].notices.findChildren(QToolButton):
                button.click()
            assert "gopher://" not in opened.notices(1)
            opened.desktop._openings.show_item("desktop-logs://connect?url=gopher://x")
            await soon("it is told again", lambda: "gopher://" in opened.notices(1))
            opened.desktop._openings.show_item("desktop-logs://connect?url=http://127.0.0.1:9")
            await soon("a person is asked", lambda: opened.window.findChildren(ConnectDialog))

    run(body())


def test_a_window_beside_another_is_as_large_and_never_exactly_on_it(
    run: Run, qapp: QApplication, tmp_path: Path
) -> None:
    async def body() -> None:
        async with Opened(qapp, tmp_path) as opened:
            available = opened.window.screen().availableGeometry()
            size = available.size() * 0.6
            opened.window.resize(size)
            opened.desktop.new_window()
            second = opened.desktop._windows.all[1]
            for corner in (available.topLeft(), available.bottomRight() - QPoint(size.width(), size.height())):
                opened.window.move(corner)
                await asyncio.sleep(0)
                place_beside(second, opened.window)
                assert second.size() == opened.window.size()
                assert second.pos() != opened.window.pos()
                assert available.contains(second.geometry())

    run(body())
