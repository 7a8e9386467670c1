"""Desktop Logs: one window for the live logs of everything you run. Here stand the version and the names in public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

APP_ID = "io.github.desktop_logs.DesktopLogs"
"""By this the systems know the application: its desktop file, its icon, its links, its bundle on macOS."""

__all__ = ["BroadcastHandler", "DesktopLogsHandler", "LogSettings", "__version__", "setup_logging"]

if TYPE_CHECKING:
    from desktop_logs.core.settings import LogSettings
    from desktop_logs.handlers.broadcasting import BroadcastHandler
    from desktop_logs.handlers.sending import DesktopLogsHandler
    from desktop_logs.handlers.setup import setup_logging

_HOMES = {
    "BroadcastHandler": "desktop_logs.handlers.broadcasting",
    "DesktopLogsHandler": "desktop_logs.handlers.sending",
    "LogSettings": "desktop_logs.core.settings",
    "setup_logging": "desktop_logs.handlers.setup",
}


def __getattr__(name: str) -> Any:
    # Loaded when asked for: the sending handler must not cost a program more than the standard library.
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(home), name)
