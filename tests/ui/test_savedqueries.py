"""The history has each query once; the way back leads to the draft again; what was half typed is not kept."""

from __future__ import annotations

import pytest

from desktop_logs.core.levels import BANDS
from desktop_logs.ui.savedqueries import MAX_HISTORY, HistoryWalk, NamedQuery, Ripening, name_key, with_latest

ALL = frozenset(range(len(BANDS)))


def test_a_query_used_again_moves_to_the_front() -> None:
    assert with_latest(["a", "b", "c"], " c ") == ["c", "a", "b"]
    assert with_latest(["a", "b"], "  ") == ["a", "b"]


def test_the_oldest_are_forgotten() -> None:
    full = [str(number) for number in range(MAX_HISTORY)]
    assert with_latest(full, "new") == ["new", *full[:-1]]


def test_the_way_back_ends_at_the_oldest_and_the_way_forth_at_the_draft() -> None:
    walk = HistoryWalk()
    history = ["b", "a"]
    assert [walk.older(history, "dra"), walk.older(history, "b"), walk.older(history, "a")] == ["b", "a", None]
    assert walk.is_under_way
    assert [walk.newer(), walk.newer(), walk.newer()] == ["b", "dra", None]
    assert not walk.is_under_way


def test_what_is_typed_already_is_no_step() -> None:
    assert HistoryWalk().older(["a", "b"], "a ") == "b"
    assert HistoryWalk().older(["a"], "a") is None
    assert HistoryWalk().older([], "a") is None


def test_an_edited_step_is_the_new_draft() -> None:
    walk = HistoryWalk()
    walk.older(["b", "a"], "draft")
    walk.stop()
    assert walk.newer() is None
    assert walk.older(["b", "a"], "b!") == "b"
    assert walk.newer() == "b!"


@pytest.mark.parametrize(
    ("texts", "kept"),
    [
        # A star stands where the text before it was in force for a while.
        (["t", "ti", "time", "*", ""], ["time"]),
        (["t", "ti", "time", ""], []),
        (["lev", "*", "level:error", "*", "api", "*", ""], ["level:error", "api"]),
        (["error a", "*", "error ", "error b", "*", ""], ["error a", "error b"]),
        (["a", "*", "b", "c"], ["a"]),
    ],
)
def test_only_what_was_looked_at_and_then_left_is_kept(texts: list[str], kept: list[str]) -> None:
    found: list[str] = []
    ripening = Ripening(found.append)
    for text in texts:
        if text == "*":
            ripening.ripen()
        else:
            ripening.come_into_force(text)
    assert found == kept


def test_what_is_committed_is_kept_and_what_was_refused_is_not() -> None:
    found: list[str] = []
    ripening = Ripening(found.append)
    ripening.come_into_force("a")
    ripening.commit()
    ripening.come_into_force("b~/(x+)+/")
    ripening.ripen()
    ripening.drop()
    ripening.commit()
    ripening.come_into_force("")
    assert found == ["a"]


def test_a_named_query_says_what_it_selects() -> None:
    assert NamedQuery("n", "a b", ALL).summary() == "a b"
    assert NamedQuery("n", "a", frozenset({4, 3})).summary() == "a  ·  warn error"
    assert NamedQuery("n", "", frozenset({4})).summary() == "error"
    assert NamedQuery("n", "", ALL).summary() == ""
    assert name_key(" Errors ") == name_key("errors")
