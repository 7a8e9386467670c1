"""Regular expressions that cannot freeze anything, whatever the pattern. Pure."""

from __future__ import annotations

import regex

from desktop_logs.core.errors import QueryError


class SafePattern:
    def __init__(self, pattern: str, position: int = 0) -> None:
        try:
            self._compiled = regex.compile(pattern, regex.IGNORECASE)
        except regex.error as wrong:
            raise QueryError(str(wrong), position) from None
