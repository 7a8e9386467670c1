"""Log files in the window: chosen, dropped, each in one tab, explained there, and closed with it."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.queryfield import QueryField
from desktop_logs.ui.window import MainWindow
from tests.ui.conftest import FakeActions
from tests.ui.fakes import FakeFeed
from tests.ui.windows import MakeWindow, dialog_of, press, tab_texts


@pytest.fixture
def opened(window: MainWindow, actions: FakeActions) -> FakeFeed:
    """The feed of /srv/app.log, which has the tab in front."""
    window.files.open("/srv/app.log")
    return actions.files["/srv/app.log"]


def test_a_file_has_a_tab_with_its_name_its_folder_and_its_path(window: MainWindow, opened: FakeFeed) -> None:
    assert tab_texts(window)[1] == "app.log /srv"
    assert "/srv/app.log" in window._pages.strip.tabs.tabToolTip(1)
    assert window.windowTitle() == "app.log"
    assert window.current_page is window.pages[1]
    opened.push_many(3)
    assert window.pages[1].feed is opened


def test_a_file_below_the_home_is_named_from_there(window: MainWindow) -> None:
    window.files.open(str(Path.home() / "logs" / "app.log"))
    assert tab_texts(window)[1] == "app.log ~/logs"


def test_where_there_is_no_home_a_file_has_its_tab_and_others_are_asked_for(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    """As in a container, for a user whom nobody has entered."""

    def unknown(_: int) -> None:
        raise KeyError

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    window.files.open("/srv/app.log")
    assert tab_texts(window)[1] == "app.log /srv"
    press(window, qtbot, Qt.Key.Key_O)
    dialog_of(window, QFileDialog).close()


def test_the_same_file_twice_has_one_tab(window: MainWindow, actions: FakeActions, opened: FakeFeed) -> None:
    window.files.open("/srv/other.log")
    window.files.open("/srv/app.log")
    assert len(window.pages) == 3
    assert window.current_page is window.pages[1]
    assert list(actions.files) == ["/srv/app.log", "/srv/other.log"]


def test_a_file_has_one_tab_by_whichever_name(window: MainWindow, actions: FakeActions, tmp_path: Path) -> None:
    (tmp_path / "app.log").touch()
    (tmp_path / "link.log").symlink_to("app.log")
    window.files.open(str(tmp_path / "link.log"))
    window.files.open(str(tmp_path / "app.log"))
    assert list(actions.files) == [str(tmp_path / "link.log")]
    # The link leads elsewhere now, and its tab with it.
    (tmp_path / "link.log").unlink()
    (tmp_path / "link.log").symlink_to("newer.log")
    window.files.open(str(tmp_path / "app.log"))
    assert list(actions.files) == [str(tmp_path / "link.log"), str(tmp_path / "app.log")]


def test_a_name_that_turns_the_text_around_does_not(window: MainWindow, actions: FakeActions, qtbot: QtBot) -> None:
    window.files.open("/srv/\u202egol\n.log")
    feed, page = actions.files["/srv/\u202egol\n.log"], window.pages[1]
    feed.set_state("waiting", "gone", f"{feed.address} is gone.")
    qtbot.waitUntil(lambda: "file" in page.notices.texts)
    assert page.notices.texts["file"] == "/srv/⟨RLO⟩gol↵.log is gone."
    assert "/srv/⟨RLO⟩gol↵.log is not read." in shown_hint(page)


def test_the_empty_window_offers_to_open_files(window: MainWindow) -> None:
    """Who has logs in files, and sends none, finds the way without knowing the keys."""
    (button,) = (one for one in window.findChildren(QPushButton) if one.accessibleName() == "Open log files")
    button.click()
    assert dialog_of(window, QFileDialog)


def test_closing_the_tab_closes_the_file_and_it_may_be_opened_again(
    window: MainWindow, actions: FakeActions, opened: FakeFeed
) -> None:
    window.close_page(1)
    assert actions.disconnected == [opened]
    window.files.open("/srv/app.log")
    assert actions.files["/srv/app.log"] is not opened
    assert tab_texts(window)[1:] == ["app.log /srv"]


def test_what_is_wrong_is_told_on_its_page_and_tried_again(
    window: MainWindow, actions: FakeActions, opened: FakeFeed, qtbot: QtBot
) -> None:
    page = window.pages[1]
    opened.set_state("failed", "cannot be read", "/srv/app.log cannot be read: Permission denied.")
    qtbot.waitUntil(lambda: "file" in page.notices.texts)
    (button,) = page.notices.findChildren(QPushButton)
    assert button.text() == "Try again"
    button.click()
    assert actions.retried == [opened]
    assert tab_texts(window)[1] == "app.log ·  cannot be read"
    opened.set_state("live", "following app.log")
    qtbot.waitUntil(lambda: not page.notices.texts)


def test_that_it_is_gone_and_what_is_left_out_are_told_without_a_button(
    window: MainWindow, opened: FakeFeed, qtbot: QtBot
) -> None:
    page = window.pages[1]
    for phase, summary in (("waiting", "gone"), ("live", "following app.log")):
        opened.set_state(phase, summary, f"It is {phase}.")
        qtbot.waitUntil(lambda phase=phase: page.notices.texts.get("file") == f"It is {phase}.")
        assert page.notices.findChildren(QPushButton) == []


def test_a_table_without_rows_says_how_its_file_is(window: MainWindow, opened: FakeFeed, qtbot: QtBot) -> None:
    page = window.pages[1]
    qtbot.waitUntil(lambda: "The file is empty" in shown_hint(page))
    opened.set_state("waiting", "gone", "It is gone.")
    qtbot.waitUntil(lambda: "/srv/app.log is not read." in shown_hint(page))


def shown_hint(page: FeedPage) -> str:
    return " ".join(label.text() for label in page.area.findChildren(QLabel))


def test_a_file_has_no_history_and_says_why(window: MainWindow, opened: FakeFeed) -> None:
    assert window._why_no_search() == "a file has no history beside its lines"


def test_ctrl_o_asks_for_files_and_the_folder_is_remembered(
    make_window: MakeWindow, actions: FakeActions, tmp_path: Path, qtbot: QtBot
) -> None:
    window = make_window()
    press(window, qtbot, Qt.Key.Key_O)
    dialog = dialog_of(window, QFileDialog)
    assert isinstance(dialog, QFileDialog)
    assert dialog.fileMode() == QFileDialog.FileMode.ExistingFiles
    names = [str(tmp_path / name) for name in ("a.log", "b.jsonl")]
    dialog.filesSelected.emit(names)
    dialog.close()
    qtbot.waitUntil(lambda: list(actions.files) == names)
    assert window.current_page is window.pages[2]
    assert window._remembered.files_folder == str(tmp_path)


def test_a_folder_that_is_gone_is_not_offered(window: MainWindow, tmp_path: Path) -> None:
    window._remembered.set_files_folder(tmp_path / "gone")
    assert window._remembered.files_folder == str(Path.home())


def drop(window: MainWindow, data: QMimeData) -> bool:
    """Drag *data* into the window and drop it; whether it was taken."""
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enters = QDragEnterEvent(window.rect().center(), copy, data, left, none)
    enters.ignore()
    QApplication.sendEvent(window, enters)
    if enters.isAccepted():
        QApplication.sendEvent(window, QDropEvent(QPointF(window.rect().center()), copy, data, left, none))
    return enters.isAccepted()


def test_files_dropped_onto_the_window_are_opened(window: MainWindow, actions: FakeActions, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a b.log")), QUrl("https://example.com/x.log")])
    assert drop(window, data)
    assert list(actions.files) == [str(tmp_path / "a b.log")]


def test_many_files_open_in_their_order_and_the_window_goes_on_in_between(
    window: MainWindow, actions: FakeActions, tmp_path: Path, qtbot: QtBot
) -> None:
    paths = [str(tmp_path / f"{number}.log") for number in range(5)]
    turns: list[int] = []
    others = QTimer(window, interval=0)
    others.timeout.connect(lambda: turns.append(len(actions.files)))
    others.start()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(path) for path in paths])
    assert drop(window, data)
    assert list(actions.files) == paths[:1]
    qtbot.waitUntil(lambda: list(actions.files) == paths)
    assert {2, 3, 4} <= set(turns)
    assert window.current_page is window.pages[5]


def test_of_many_files_those_that_have_no_tab_yet_go_with_the_window(
    window: MainWindow, actions: FakeActions, tmp_path: Path, qapp: QApplication
) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / name)) for name in ("a.log", "b.log", "c.log")])
    assert drop(window, data)
    window.close()
    for _ in range(5):
        qapp.processEvents()
    assert list(actions.files) == [str(tmp_path / "a.log")]


def test_the_query_field_leaves_files_to_the_window(window: MainWindow, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.log"))])
    field = window.pages[0].bar.findChild(QueryField)
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enters = QDragEnterEvent(field.rect().center(), copy, data, left, none)
    field.dragEnterEvent(enters)
    assert not enters.isAccepted()
    words = QMimeData()
    words.setText("level:error")
    enters = QDragEnterEvent(field.rect().center(), copy, words, left, none)
    field.dragEnterEvent(enters)
    assert enters.isAccepted()


def test_what_is_no_file_is_not_taken(window: MainWindow, actions: FakeActions) -> None:
    data = QMimeData()
    data.setText("words")
    assert not drop(window, data)
    data.setUrls([QUrl("https://example.com/x.log")])
    assert not drop(window, data)
    assert actions.files == {}
