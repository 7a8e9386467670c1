"""Why a table has no rows, in words. It looks and changes nothing."""

from __future__ import annotations

from desktop_logs.core.feed import Feed
from desktop_logs.core.safe_text import one_line
from desktop_logs.ui.backfill import Backfill
from desktop_logs.ui.model import RecordModel


def why_empty(feed: Feed, model: RecordModel, backfill: Backfill, *, has_shown: bool) -> tuple[str, str, str]:
    """A title, a sentence, and the label of a button that clears the filter, or nothing where that is no help.

    *has_shown* tells that there were rows once.
    """
    held = model.held_count
    if backfill.state == "loading" and backfill.text:
        return backfill.text, "", ""
    if held:
        hidden = f"{held:,} {'record is' if held == 1 else 'records are'} hidden"
        searched = f" {backfill.text.rstrip('.')}." if backfill.text else ""
        return "Nothing matches the filter", f"{hidden}.{searched}", "Clear filter"
    if has_shown:
        older = " Scroll up for older ones." if feed.history is not None else ""
        return "Cleared", f"New records appear here.{older}", ""
    if feed.state.is_file:
        words = {"live": "The file is empty. New lines appear here.", "starting": "The file is being read."}
        return "No records", words.get(feed.state.phase, f"{one_line(feed.address)} is not read."), ""
    if feed.state.phase == "live":
        return "No records yet", f"Connected to {feed.address}. New records appear here.", ""
    return "No records", f"Not connected to {feed.address}.", ""
