"""How many files and sockets this process may have open. Asks the system; opens nothing."""

from __future__ import annotations

import sys
from typing import Final

WANTED: Final = 4_096
"""A thousand connections, each with what an upgrade needs meanwhile, and the files of the history."""


def allow_many() -> None:
    """Raise the limit to what a hub needs, as far as the system lets it: macOS begins with 256, Linux with 1,024.
    Where it does not let it, fewer clients can connect."""
    if sys.platform == "win32":
        return  # no such limit
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        return  # macOS has another limit behind this one
