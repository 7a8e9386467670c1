"""What the tab of a feed says. Draws nothing."""

from __future__ import annotations

from desktop_logs.core.addresses import DEFAULT_PATH
from desktop_logs.core.connecting import Target
from desktop_logs.core.feed import Feed
from desktop_logs.core.safe_text import one_line
from desktop_logs.ui.statusbar import state_color, state_text
from desktop_logs.ui.tabstrip import Tab
from desktop_logs.ui.theme import Palette


def tab_of(feed: Feed, target: Target | None, palette: Palette, now_s: float) -> Tab:
    """Of *feed*, connected to *target* unless it is the local hub, at *now_s* of time.monotonic()."""
    state = feed.state
    is_well = state.phase == "live"
    # A remote feed is named for its host: what its address says beyond that is enough.
    note = feed.address.removeprefix(feed.name)
    note = "" if note == DEFAULT_PATH else note
    note = "  ".join(part for part in (note, target.query if target is not None else "") if part)
    if not is_well:
        note = f"·  {state_text(state, now_s)}"
    return Tab(one_line(feed.name), one_line(note), state_color(state, palette))
