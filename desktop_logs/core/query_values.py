"""What a field of a record holds, as a query sees it: values out of the context, numbers, and texts. Pure."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_MAX_DIGITS = 18


def number_of(text: str) -> float | None:
    """The finite number that *text* is; a whole one of up to 18 digits exactly. None for anything else."""
    if not _NUMBER.fullmatch(text):
        return None
    if len(text) <= _MAX_DIGITS and text.lstrip("+-").isdigit():
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else None
