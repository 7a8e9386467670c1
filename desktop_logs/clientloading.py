"""When the parts that connect to servers are loaded: once they are wanted. What they do stands in `net`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop_logs.net.client import RemoteFeed


def remote_feed_class() -> type[RemoteFeed]:
    """RemoteFeed; its imports take a quarter of a second, which a window that opens does not wait for."""
    from desktop_logs.net.client import RemoteFeed

    return RemoteFeed


def load_client() -> None:
    """Import what connecting and testing need; to be called in a thread."""
    import desktop_logs.net.client
    import desktop_logs.net.trial  # noqa: F401 - for whoever imports it next
