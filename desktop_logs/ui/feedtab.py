"""What the tab of a feed shows: its name, where it is or what is wrong, and its colour. It only looks."""

from __future__ import annotations

import os
import time
from pathlib import PurePath

from desktop_logs.core.addresses import DEFAULT_PATH
from desktop_logs.core.connecting import Target
from desktop_logs.core.feed import Feed
from desktop_logs.core.safe_text import one_line
from desktop_logs.ui.statusbar import state_color, state_text
from desktop_logs.ui.tabstrip import Tab
from desktop_logs.ui.theme import Palette


def tab_of(feed: Feed, palette: Palette, *, target: Target | None = None, path: str = "") -> Tab:
    """The tab of *feed*, which is connected to *target*, or reads the file at *path*, or is the local hub."""
    state = feed.state
    if path:
        note = _short(str(PurePath(path).parent))
    else:
        # A remote feed is named for its host: what its address says beyond that is enough.
        note = feed.address.removeprefix(feed.name)
        note = "" if note == DEFAULT_PATH else note
        note = "  ".join(part for part in (note, target.query if target is not None else "") if part)
    if state.phase != "live":
        note = f"·  {state_text(state, time.monotonic())}"
    return Tab(one_line(feed.name), one_line(note), state_color(state, palette), one_line(path))


def _short(folder: str) -> str:
    home = os.path.expanduser("~")  # Path.home() raises where there is none, in some containers
    return f"~{folder[len(home) :]}" if folder == home or folder.startswith(f"{home}/") else folder
