"""The status bar tells state, rate and losses in figures, and gives way without hiding what is wrong."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from desktop_logs.core.feed import FeedState
from desktop_logs.ui.statusbar import Figures, Rate, StatusBar, state_text
from desktop_logs.ui.theme import Theme
from tests.ui.fakes import FakeFeed, make_records


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Case:
    """A status bar with everything that it reads."""

    def __init__(self, theme: Theme, qtbot: QtBot) -> None:
        self.feed = FakeFeed()
        self.clock = Clock()
        self.figures = Figures(0, 0, 0)
        self.bar = StatusBar(self.feed, lambda: self.figures, theme, clock=self.clock)
        qtbot.addWidget(self.bar)
        self.bar.resize(1_400, 28)
        self.bar.show()

    def seen(self) -> set[str]:
        return {name for name, label in self.bar._labels.items() if not label.isHidden()}


@pytest.fixture
def case(theme: Theme, qtbot: QtBot) -> Case:
    return Case(theme, qtbot)


def test_figures_are_those_of_feed_and_view(case: Case) -> None:
    case.figures = Figures(953, 84_211, 1_310)
    case.feed.counters = {"producers": 1, "viewers": 2, "dropped": 0, "rejected": 17}
    case.bar.refresh()
    assert case.bar.text("state") == "listening on 127.0.0.1:5647"
    assert case.bar.text("shown") == "953 shown of 84,211"
    assert case.bar.text("skipped") == "1,310 skipped"
    assert case.bar.text("dropped") == "0 dropped"
    assert case.bar.text("refused") == "17 refused"
    assert case.bar.text("peers") == "1 producer · 2 viewers"
    assert case.seen() == {"rate", "shown", "skipped", "dropped", "refused", "peers"}


def test_a_server_that_is_away_has_no_figures_of_its_own(case: Case) -> None:
    case.feed.set_state("waiting", "reconnecting", next_attempt_s=101.0)
    case.bar.refresh()
    assert case.seen() == {"rate", "shown"}


def test_what_a_feed_does_not_know_is_not_shown(case: Case) -> None:
    case.feed.counters = {}
    case.bar.refresh()
    assert case.seen() == {"rate", "shown"}


def test_rate_is_that_of_the_last_two_seconds(case: Case) -> None:
    for _ in range(8):
        case.clock.now_s += 0.5
        case.feed.ring.extend(make_records(600, case.feed.head + 1))
        case.bar.refresh()
    assert case.bar.text("rate") == "1,200 records/s"
    for _ in range(5):
        case.clock.now_s += 0.5
        case.bar.refresh()
    assert case.bar.text("rate") == "0 records/s"


def test_one_record_a_second_is_one_record(case: Case) -> None:
    case.bar.refresh()
    case.clock.now_s += 1
    case.feed.push_many(1)
    case.bar.refresh()
    assert case.bar.text("rate") == "1 record/s"


def test_what_came_while_nobody_looked_is_no_rate(case: Case) -> None:
    case.bar.refresh()
    case.bar.hide()
    case.clock.now_s += 10
    case.feed.push_many(5_000)
    case.bar.show()
    assert case.bar.text("rate") == "0 records/s"


def test_what_a_start_finds_in_the_history_is_no_rate(case: Case) -> None:
    case.feed.set_state("starting", "starting")
    case.bar.refresh()
    case.feed.push_many(2_400)
    for phase in ("starting", "live", "live"):
        case.clock.now_s += 0.5
        case.feed.set_state(phase, phase)
        case.bar.refresh()
        assert case.bar.text("rate") == "0 records/s"


def test_rate_of_numbers_that_begin_again_is_not_negative() -> None:
    rate = Rate()
    assert rate.sample(1.0, 500) == 0
    assert rate.sample(2.0, 10) == 0
    assert rate.sample(3.0, 20) == 10


def test_waiting_counts_down() -> None:
    state = FeedState("waiting", "reconnecting", "refused", 104.0)
    assert state_text(state, 100.2) == "reconnecting in 4 s"
    assert state_text(state, 110.0) == "reconnecting in 0 s"
    assert state_text(FeedState("waiting", "reconnecting"), 0) == "reconnecting"


def test_trouble_with_files_is_seen_however_narrow(case: Case) -> None:
    case.bar.set_files_state("disk full", False)
    case.feed.counters = {"producers": 3, "viewers": 2, "dropped": 12, "rejected": 4}
    case.figures = Figures(1, 2, 3)
    case.bar.refresh()
    case.bar.resize(420, 28)
    assert {"files", "dropped", "refused", "skipped"} <= case.seen()
    assert "peers" not in case.seen()
    case.bar.resize(1_400, 28)
    assert "peers" in case.seen()


def test_an_answer_goes_away_again(case: Case, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    case.bar._flash.setInterval(10)
    case.bar.flash("No later error")
    assert case.bar.text("flash") == "No later error"
    qtbot.waitUntil(lambda: case.bar.text("flash") == "")


def test_hidden_bar_reads_nothing(case: Case) -> None:
    assert case.bar._timer.isActive()
    case.bar.hide()
    assert not case.bar._timer.isActive()


def test_bar_at_rest_reads_less_often_until_something_changes(case: Case) -> None:
    often = case.bar._timer.interval()
    case.bar.refresh()
    assert case.bar._timer.interval() > often
    case.feed.push_many(1)
    case.clock.now_s += 0.5
    case.bar.refresh()
    assert case.bar._timer.interval() == often
    case.feed.set_state("waiting", "reconnecting", next_attempt_s=104.0)
    case.clock.now_s += 3
    for _ in range(3):
        case.bar.refresh()
    assert case.bar._timer.interval() == often, "seconds are counted down"


def test_what_viewers_missed_is_told_when_there_is_any(case: Case) -> None:
    case.bar.refresh()
    assert "missed" not in case.seen()
    case.feed.counters |= {"dropped_slow": 1_200, "dropped_evicted": 34, "viewers_cut": 2}
    case.bar.refresh()
    assert case.bar.text("missed") == "viewers missed 1,234"
    assert "missed" in case.seen()
    tip = case.bar._labels["peers"].toolTip()
    assert "Viewers cut off, for they took nothing any more: 2" in tip
    assert "too slow: 1,200" in tip


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        (Figures(1, 1, 0), ""),
        (Figures(1, 1, 1_200), "1,200 skipped"),
        (Figures(1, 1, 0, has_gaps=True), "some skipped"),
        (Figures(1, 1, 1_200, has_gaps=True), "1,200 or more skipped"),
    ],
)
def test_what_was_skipped_is_told_as_far_as_it_is_known(case: Case, figures: Figures, text: str) -> None:
    case.figures = figures
    case.bar.refresh()
    assert case.bar.text("skipped") == text


def test_of_a_server_that_tells_no_figures_none_are_shown(case: Case) -> None:
    case.feed.counters = {"received": 7, "rejected": 0}
    case.bar.refresh()
    assert case.bar.text("peers") == case.bar.text("dropped") == case.bar.text("missed") == ""
    assert case.bar._labels["peers"].toolTip() == ""
