"""What the window asks of the program around it, which `desktop_logs.app` fulfils, and in tests a fake: no more."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target, Tested
from desktop_logs.core.feed import Feed
from desktop_logs.core.settings import LogSettings


@dataclass(frozen=True, slots=True)
class Sharing:
    """How others reach the local hub."""

    url: str
    """Where it is reached, by others when it is not local; empty while it does not listen."""
    is_local: bool
    """True when it is reached from this machine alone."""
    has_tls: bool = False
    viewer_token: str = field(default="", repr=False)
    producer_token: str = field(default="", repr=False)
    """Empty, both, where there are none yet."""
    problem: str = ""
    """Why the tokens cannot be had, in a sentence."""


class WindowActions(Protocol):
    """All of it is called on the window's thread and returns at once; what goes on then is told by the feed's state."""

    def connect(self, target: Target) -> Feed:
        """A feed of *target*, which begins to connect. Raises DesktopLogsError when it cannot."""

    def open_file(self, path: str) -> Feed:
        """A feed of the log file at the absolute *path*, which begins to read it."""

    async def test(self, target: Target) -> Tested:
        """Try to connect to *target* and leave again: what works, or exactly what failed. Raises nothing of its own."""

    async def keeps_tokens(self) -> bool:
        """True when the system has a keyring that tokens can be kept in."""

    async def kept_token(self, address: ServerAddress) -> str:
        """The token that the keyring has for *address*; empty without one, or without a keyring."""

    async def keep_token(self, address: ServerAddress, token: str) -> str:
        """Keep *token* in the keyring, an empty one to forget it; why that failed, in a sentence, or empty."""

    def sharing(self) -> Sharing:
        """How others reach the local hub now, and by which tokens."""

    def retry(self, feed: Feed) -> None:
        """Attempt to connect or read *feed* now, after it failed or while it waits."""

    def disconnect(self, feed: Feed) -> None:
        """Close *feed* for good."""

    def new_window(self) -> None:
        """Open a further window on the same hub."""

    @property
    def log_settings(self) -> LogSettings:
        """What is written where at present."""

    def change_log_settings(self, settings: LogSettings) -> None:
        """Use *settings* from now on and keep them. Raises SettingsError."""

    @property
    def logs_folder(self) -> Path:
        """Where the rotating files are."""
