"""The file that reserves records' numbers ahead, so that none is given twice. Knows no segments and no thread.

A number that was only shown must not come again either, and what was shown last no kill leaves time to write down. So
numbers are given only up to a bound that is on disk already: after a kill the next run begins above it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE_NAME: Final = "numbers.json"
BLOCK: Final = 2**27
"""Numbers reserved at once: an hour of them at 30,000 a second; JavaScript can tell 67 million blocks apart."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """What the file says."""

    epoch: str
    bound: int
    """No number up to this one is given again; after a clean end that is the newest one given."""


def read_reserved(folder: Path) -> Reserved | None:
    """What is reserved in *folder*; None when nothing is, or nothing that can be understood. Raises OSError."""
    try:
        text = (folder / FILE_NAME).read_bytes()
    except FileNotFoundError:
        return None
    try:
        match json.loads(text):
            case {"epoch": str(epoch), "reserved": int(bound)} if epoch and bound is not True and 0 <= bound < 2**62:
                return Reserved(epoch, bound)
    except ValueError:  # a torn or foreign file: the segments know the same, less exactly
        return None
    return None


def write_reserved(folder: Path, reserved: Reserved) -> None:
    """Keep *reserved* in *folder*, whole or not at all, so that a loss of power does not undo it. Raises OSError."""
    part = folder / f"{FILE_NAME}.part"
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(json.dumps({"epoch": reserved.epoch, "reserved": reserved.bound}).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, folder / FILE_NAME)
    if os.name != "nt":  # which can open no folder
        at = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(at)
        finally:
            os.close(at)
