"""Regular expressions that cannot freeze anything, whatever the pattern: checked, compiled, and stopped in time. Pure.

The library is `regex`: it stops a search after a time, where Python's own `re` runs on for years, and it is 2 to 10
times as fast. Measured over 256 KiB of hostile text it stops within twice the time it is given, with under 30 MB.
Compiling has no such bound, so what costs it time or memory out of proportion is refused before.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

import regex

from desktop_logs.core.errors import QueryError, TooSlow
from desktop_logs.core.query_lines import CompiledLines, compile_lines

MAX_CHARS: Final = 1_000
MAX_DEPTH: Final = 50
MAX_REPEATS: Final = 2_000
"""How many steps counted repeats may come to, those within others multiplied: `a{1000000000}` takes 9 s and 3 GB."""
TIMEOUT_S: Final = 0.005
"""How long one text may take."""

_ESCAPE = re.compile(r"\\(?:[pPN]\{[^{}]*\}|.)", re.DOTALL)
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\[]|\\.|\[:\^?[a-z]+:\]|\[(?!:))*\]", re.DOTALL)
_COUNT = re.compile(r"\{(\d*)(?:(,)(\d*))?\}", re.ASCII)
# What fuzzy matching starts with: {e<=3}, {i}, {1<=s<=2}; a count that is none looks like it too.
_ODD_BRACE = re.compile(r"\{[\s\deidscm,]", re.ASCII)
_GROUP = re.compile(
    r"\((?:"
    r"(?!\?|\*)"  # one that captures
    r"|\?(?::|>|=|!|<=|<!|P?<[A-Za-z_]\w*>)"
    r"|\?[aims]*(?:-[ims]+)?:"
    r")",
    re.ASCII,
)
_NOT_A_GROUP = re.compile(r"\(\?(?:[aims]+\)|P=\w+\)|#[^)]*\))", re.ASCII)


class SafePattern:
    """A regular expression, found anywhere in a text, in any letter case (`(?-i:…)` minds it)."""

    def __init__(self, pattern: str, position: int = 0) -> None:
        """Raises QueryError, *position* being where *pattern* starts in what was typed."""
        _check(pattern, position)
        self.pattern = pattern
        self.position = position
        try:
            self._search = regex.compile(pattern, regex.IGNORECASE).search
        except regex.error as wrong:
            # Its stubs do not know that it has them, as the error of `re` has.
            what, where = wrong.msg, wrong.pos  # type: ignore[attr-defined]
            at = position + min(where or 0, len(pattern))
            raise QueryError(f"The expression is wrong at {at + 1}: {what}.", at) from None
        except (RecursionError, OverflowError, MemoryError):
            raise QueryError(f"The expression at {position} is too involved. Make it simpler.", position) from None

    def matches(self, text: str) -> bool:
        """Whether it is found in *text*. Raises TooSlow after TIMEOUT_S, or up to twice that."""
        try:
            return self._search(text, timeout=TIMEOUT_S) is not None
        except TimeoutError:
            raise self.too_slow() from None

    @cached_property
    def lines(self) -> CompiledLines | None:
        """The same for many one-line texts at once; None where that could differ."""
        return compile_lines(self.pattern)

    def too_slow(self) -> TooSlow:
        """What to raise or show when it takes too long."""
        return TooSlow(
            f"The expression /{self.pattern}/ at {self.position} takes too long. "
            "Say more exactly what comes between, and do not repeat what repeats, as in (a+)+.",
            self.position,
        )


def _check(pattern: str, position: int) -> None:
    """Raise QueryError for what could take long to compile. Reads just as much of the syntax as that takes."""
    if len(pattern) > MAX_CHARS:
        raise QueryError(f"The expression at {position} has more than {MAX_CHARS:,} characters.", position)
    costs = [0]  # of each open group, the outermost first
    last = 0  # cost of the item that a count would repeat
    at = 0
    while at < len(pattern):
        char, step = pattern[at], 1
        if char == "\\":
            found = _ESCAPE.match(pattern, at)
            step = len(found[0]) if found else 1
            if pattern.startswith(r"\L", at):
                raise _not_supported(r"\L", position + at)
            last = 1
        elif char == "[":
            found = _CLASS.match(pattern, at)
            if not found:
                raise QueryError(f"The [ at {position + at + 1} is not closed: put a ] behind it.", position + at)
            step, last = len(found[0]), 1
        elif char == "(":
            aside = _NOT_A_GROUP.match(pattern, at)
            group = None if aside else _GROUP.match(pattern, at)
            if aside:
                step, last = len(aside[0]), 1
            elif group and len(costs) <= MAX_DEPTH:
                step, last = len(group[0]), 0
                costs.append(0)
            elif group:
                raise QueryError(f"At {position + at + 1} there are too many groups in one another.", position + at)
            else:
                raise _not_supported(pattern[at : at + 3], position + at)
        elif char == ")":
            last = costs.pop() if len(costs) > 1 else 1
        elif count := _COUNT.match(pattern, at):
            # A longer number is over the limit as its first digits are, and int() need not read a thousand.
            times = max(int((count[1] or "1")[:9]), int((count[3] or "1")[:9]))
            costs[-1] += last * (times - 1)
            last *= times
            at += len(count[0])
            if sum(costs) > MAX_REPEATS:
                raise QueryError(
                    f"The count before {position + at + 1} repeats too much. Together at most {MAX_REPEATS:,}.",
                    position + at - 1,
                )
            continue
        elif _ODD_BRACE.match(pattern, at):
            raise _not_supported("{", position + at, r"Write \{ to find the character.")
        else:
            last = 1
        costs[-1] += last
        at += step


def _not_supported(what: str, position: int, advice: str = "Say it in another way.") -> QueryError:
    return QueryError(f"{what} at {position + 1} is not supported in an expression. {advice}", position)
