"""The hub away for a while under a root logger at DEBUG; `make soak` has it away for a minute."""

from __future__ import annotations

import os

from tests.support.away import hub_away

AWAY_S = float(os.environ.get("DESKTOP_LOGS_AWAY_S", "3"))


def test_all_is_delivered_afterwards_or_counted_and_nothing_feeds_back() -> None:
    found = hub_away(AWAY_S)
    assert found.unaccounted == 0
    assert found.logged == found.sent + found.dropped - found.others
    assert found.others < 20
    assert found.sent > 0
    assert found.told == found.dropped
