"""`desktop-logs tokens`: prints what viewers and producers on other machines must show, and makes it anew. No hub."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from desktop_logs.folders import tokens_file
from desktop_logs.storage.tokens_file import make_tokens
from desktop_logs.terminal import complain, write_out


@dataclass(frozen=True, slots=True)
class TokensOptions:
    """What the command line says."""

    data_dir: Path
    new: bool = False
    """Replace those that are there."""


def tokens(options: TokensOptions) -> int:
    """Print the tokens, made where there are none yet; the exit code. Raises StorageError."""
    path = tokens_file(options.data_dir)
    kept = make_tokens(path, replace=options.new)
    write_out(f"viewer    {kept.viewer}\nproducer  {kept.producer}\n")
    if options.new:
        # Of a window SIGHUP is the end.
        signal = "; `desktop-logs serve` also when it gets SIGHUP (kill -HUP and its process number)"
        complain(f"A hub that is running takes the new tokens when it is started again{signal * (os.name == 'posix')}.")
    return 0
