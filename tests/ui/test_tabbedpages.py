"""Pages and their tabs stay in one order, whichever come and go, and the page of the chosen tab is in sight."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from desktop_logs.ui.feedpage import FeedPage
from desktop_logs.ui.tabbedpages import TabbedPages
from desktop_logs.ui.tabstrip import Tab
from desktop_logs.ui.theme import Theme
from tests.ui.fakes import FakeFeed


@pytest.fixture
def pages(theme: Theme, qtbot: QtBot) -> Iterator[TabbedPages]:
    """Of the feeds a, b and c, shown."""
    made = TabbedPages(theme)
    qtbot.addWidget(made)
    for name in ("a", "b", "c"):
        insert(made, theme, name)
    made.show()
    yield made
    for page in made.all:
        page.close_feed()


def insert(pages: TabbedPages, theme: Theme, name: str, at: int | None = None) -> FeedPage:
    page = FeedPage(FakeFeed(name, name), theme, is_local=False, parent=pages)
    pages.insert(page, tab_of(page), closable=True, at=at)
    return page


def tab_of(page: FeedPage) -> Tab:
    return Tab(page.feed.name, "", "#808080")


def names(pages: TabbedPages) -> str:
    """Those of the pages, which those of the tabs are to be."""
    tabs = pages.strip.tabs
    shown = "".join(page.feed.name for page in pages.all)
    assert "".join(tabs.tabText(index) for index in range(tabs.count())) == shown
    return shown


def in_sight(pages: TabbedPages) -> str:
    (visible,) = (page for page in pages.all if page.isVisible())
    assert visible is pages.current
    return visible.feed.name


def test_without_a_page_none_is_in_front(theme: Theme, qtbot: QtBot) -> None:
    pages = TabbedPages(theme)
    qtbot.addWidget(pages)
    assert (pages.current, pages.index, list(pages.all)) == (None, -1, [])
    pages.step(1)
    assert pages.of(None) is None


def test_a_page_gets_its_place_and_the_one_in_front_stays(pages: TabbedPages, theme: Theme) -> None:
    assert (names(pages), in_sight(pages)) == ("abc", "a")
    page = insert(pages, theme, "d", at=0)
    assert (names(pages), in_sight(pages), pages.index) == ("dabc", "a", 1)
    assert pages.of(page.feed) is page
    pages.show_page(page)
    assert in_sight(pages) == "d"


def test_a_page_that_is_taken_is_in_no_tab_and_a_neighbour_comes_to_the_front(pages: TabbedPages, qtbot: QtBot) -> None:
    first, second, _ = pages.all
    pages.show_page(second)
    with qtbot.waitSignal(pages.chosen):
        pages.take(second)
    second.close_feed()
    assert names(pages) == "ac"
    assert in_sight(pages) in "ac"
    assert pages.of(second.feed) is None
    assert pages.of(first.feed) is first


def test_steps_go_around_the_ends(pages: TabbedPages) -> None:
    assert [(pages.step(by), in_sight(pages))[1] for by in (-1, -1, 1, 1, 1)] == ["c", "b", "c", "a", "b"]


def test_a_tab_shows_what_has_become_of_its_page(pages: TabbedPages) -> None:
    pages.show_tabs(lambda page: Tab(page.feed.name.upper(), "", "#808080"))
    tabs = pages.strip.tabs
    assert [tabs.tabText(index) for index in range(tabs.count())] == ["A", "B", "C"]


def test_who_closes_a_tab_or_wants_another_is_heard(pages: TabbedPages, qtbot: QtBot) -> None:
    button = pages.strip.tabs.tabButton(2, pages.strip.tabs.ButtonPosition.RightSide)
    with qtbot.waitSignal(pages.close_requested) as asked:
        button.click()
    assert asked.args == [2]
    assert names(pages) == "abc", "that is the window's to do"
    with qtbot.waitSignal(pages.add_requested):
        pages.strip.add.click()
