"""A regular expression over many one-line texts at once, where that is sure to give what each alone would. Pure.

One search over a million joined texts takes a twentieth of a million searches. A pattern is taken when it is made of
parts that cannot match a line feed, or can be rewritten so, and that are regular in the strict sense: then whether a
line has a match does not depend on its neighbours. Everything else is refused, so what is not known is never wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import regex

MAX_BRANCHES: Final = 8
MAX_LINEAR_STEPS: Final = 100
"""How many characters, repeats counted, a pattern may ask for before its search counts as linear."""

# A part that may match a line feed, and the same without it.
_WITHOUT_LINE_FEED: Final = {r"\s": r"[^\S\n]", r"\W": r"[^\w\n]", r"\D": r"[^\d\n]"}
# All of ASCII, and beyond it a letter, a digit, a space and a sign; those that fold to ASCII too.
_SAMPLE: Final = "".join(map(chr, range(128))) + "é٣\u2003€\u017f\u212a\u0130\u0131"
_ANCHORS: Final = ("^", "$", r"\b", r"\B")
_AS_THEY_ARE: Final = (r"\d", r"\w", r"\S", r"\t", r"\r", *_ANCHORS, ".")
_ESCAPED_SIGN = re.compile(r"\\[!-/:-@\[-`{-~]")
_QUANTIFIER = re.compile(r"([*+?]|\{(\d*)(,?)(\d*)\})\??", re.ASCII)
_GROUP_START = re.compile(r"\((?!\?)|\(\?:|\(\?P?<[A-Za-z_]\w*>", re.ASCII)
_SPECIAL: Final = frozenset("\\[](){}*+?|^$.")
_CLASS = re.compile(r"\[(\^?)((?:[^\[\]\\]|\\.)+)\]", re.DOTALL)
_CLASS_ITEM = re.compile(r"(\\?.)(?:-(\\?.))?", re.DOTALL)
_SETS_IN_CLASS: Final = (r"\d", r"\w")
_SETS_IN_NEGATED: Final = (*_SETS_IN_CLASS, r"\s", r"\S", r"\W", r"\D")

_NUL: Final = "\0"
_ONE_AND_ZERO: Final = bytes.maketrans(b"\0\n", b"\1\0")
_ALL_ELSE: Final = bytes(code for code in range(256) if code not in b"\0\n")
_FEW: Final = 64
"""So many matches in a slab are found one by one sooner than all of its characters are gone through."""


class _Refused(Exception):
    """The pattern has a part that is not known to stay within a line."""


class _Item(NamedTuple):
    """One part of a pattern, rewritten; of a group without a quantifier its alternatives, too."""

    text: str
    alternatives: list[list[_Item]] | None = None
    one: str = ""
    """The part without its quantifier, where it stands for one character."""
    fewest: int = 1
    most: int | None = 1
    """How often it comes; None for as often as can be."""


class Branch(NamedTuple):
    """A pattern to search joined lines for."""

    pattern: regex.Pattern[str]
    is_linear: bool
    """No text makes it slow, so no clock is asked; that costs 0.6 µs a match, three times the match itself."""


@dataclass(frozen=True, slots=True)
class CompiledLines:
    """The pattern for joined lines. `branches` are searched one after the other: a line matches when one of them does.

    An alternative at the start is what makes a search slow (950 ms for `timeout|refused` in 75 MB, and 90 ms for the
    two apart), since only a pattern with one beginning is looked for as a text.
    """

    branches: tuple[Branch, ...]
    folded: tuple[Branch, ...]
    """For casefolded ASCII, twice as fast as without regard to case; empty where that is not the same."""

    def marks(self, joined: str, left_s: Callable[[], float], folded: str | None = None) -> int:
        r"""Which lines of *joined* match: a byte each, the first one lowest, 1 where it does.

        They are texts without line feeds and NULs, joined by "\n"; *folded* is `joined.casefold()`, if it is at hand.
        *left_s* is asked before each branch how long it may take. Raises TimeoutError.
        """
        is_foldable = folded is not None and self.folded and joined.isascii()
        branches, text = (self.folded, folded) if is_foldable and folded is not None else (self.branches, joined)
        marks = 0
        for pattern, is_linear in branches:
            # A NUL for each match: one call, where a match object each takes three times as long.
            marked, count = pattern.subn(_NUL, text) if is_linear else pattern.subn(_NUL, text, timeout=_some(left_s()))
            if count:
                marks |= _few_marked(marked, text) if count <= _FEW else _many_marked(marked)
        return marks


def _some(left_s: float) -> float:
    """*left_s* as `regex` takes it. Raises TimeoutError when nothing is left."""
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _few_marked(marked: str, text: str) -> int:
    """The lines of *marked* that have a NUL, found one by one; *text* has as many lines. 0.2 µs each."""
    flags = bytearray(text.count("\n") + 1)
    row = start = 0
    at = marked.find(_NUL)
    while at >= 0:
        row += marked.count("\n", start, at)
        flags[row] = 1
        start = at
        at = marked.find(_NUL, at + 1)
    return int.from_bytes(flags, "little")


def _many_marked(marked: str) -> int:
    """The lines of *marked* that have a NUL. 0.6 ns a character."""
    # Nothing but NULs and line feeds is left, which become 1 and 0; of a 1 and the 0 that ends its line, the 1.
    flags = (marked.encode("utf-8", "surrogatepass") + b"\n").translate(_ONE_AND_ZERO, _ALL_ELSE)
    while b"\1\1" in flags:
        flags = flags.replace(b"\1\1", b"\1")
    return int.from_bytes(flags.replace(b"\1\0", b"\1"), "little")


def compile_lines(pattern: str) -> CompiledLines | None:
    """For a *pattern* that `regex` takes and that ignores case; None where it has a part not known to be safe."""
    try:
        branches = _branches(pattern, folds=False)
    except _Refused:
        return None
    try:
        folded = _branches(pattern, folds=True) if pattern.isascii() else []
    except _Refused:
        folded = []
    return CompiledLines(
        tuple(Branch(regex.compile(text, regex.MULTILINE | regex.IGNORECASE), linear) for text, linear in branches),
        tuple(Branch(regex.compile(text, regex.MULTILINE), linear) for text, linear in folded),
    )


def _branches(pattern: str, folds: bool) -> list[tuple[str, bool]]:
    """The pattern rewritten as alternatives, each with whether it is linear; with *folds* for casefolded ASCII text.

    Raises _Refused.
    """
    rewriter = _Rewriter(pattern, folds)
    alternatives = rewriter.read()
    spread = [branch for items in alternatives for branch in _spread(items)]
    if len(spread) > MAX_BRANCHES:
        spread = [[_Item(f"(?:{'|'.join(map(_joined, alternatives))})")]]
    return [(_once_a_line(items, rewriter.is_anchored), _is_linear(items)) for items in map(_shortened, spread)]


def _shortened(items: list[_Item]) -> list[_Item]:
    """*items* that match in the same lines: a run at either end need not go on for longer than it must.

    `\\d+ ms` tries from each digit of a long number, and `\\d ms` does not.
    """
    shortened = list(items)
    for end in (0, -1):
        while shortened and shortened[end].one and shortened[end].fewest != shortened[end].most:
            one, fewest = shortened[end].one, shortened[end].fewest
            if fewest:
                shortened[end] = _Item(one if fewest == 1 else f"{one}{{{fewest}}}", None, one, fewest, fewest)
            else:
                del shortened[end]
    return shortened


def _once_a_line(items: list[_Item], is_anchored: bool) -> str:
    """The text of *items*, changed so that it takes in the rest of the line: one could match a thousand times there."""
    text = _joined(items)
    if not is_anchored and regex.fullmatch(text, ""):
        return "^"  # what matches an empty text is found in every line
    return f"{text}.*"


def _spread(items: list[_Item]) -> Iterator[list[_Item]]:
    """*items* once for each alternative of the group that they start with, if they do."""
    first = 0
    while first < len(items) and items[first].text in _ANCHORS:
        first += 1
    inner = items[first].alternatives if first < len(items) else None
    if inner is None:
        yield items
        return
    for alternative in inner:
        yield from _spread([*items[:first], *alternative, *items[first + 1 :]])


def _is_linear(items: list[_Item]) -> bool:
    """Whether the search takes time in proportion to the text, whatever the text.

    It does where each run of any length ends at a character that cannot be in it, so that giving back is in vain at
    once, and where no run has a character with which a match starts, so that no two starts share a run.
    """
    consuming = [item for item in items if item.text not in _ANCHORS]
    if not all(item.one for item in consuming) or sum(item.most or 1 for item in consuming) > MAX_LINEAR_STEPS:
        return False
    runs = [at for at, item in enumerate(consuming) if item.fewest != item.most]
    if not runs or (runs == [len(consuming) - 1] and items[-1] is consuming[-1]):
        return True
    if any(item.fewest == 0 for item in consuming):
        return False
    return not any(
        _can_meet(consuming[at].one, other.one) for at in runs for other in (consuming[0], *consuming[at + 1 : at + 2])
    )


def _can_meet(one: str, other: str) -> bool:
    """Whether a character fits both. Beyond ASCII one of each kind is tried: no pattern tells more than kinds there."""
    return regex.search(f"(?={one}){other}", _SAMPLE, regex.IGNORECASE) is not None


def _joined(items: list[_Item]) -> str:
    return "".join(item.text for item in items)


def _range_of(quantifier: re.Match[str]) -> tuple[int, int | None]:
    """The fewest and the most times of a quantifier. Raises _Refused for braces that hold no number."""
    sign, fewest, comma, most = quantifier.groups()
    if sign in ("*", "+", "?"):
        return int(sign == "+"), 1 if sign == "?" else None
    if not fewest and not most:
        raise _Refused
    return int(fewest or 0), int(most) if most else None if comma else int(fewest)


class _Rewriter:
    """Reads a pattern from left to right; `at` is how far it has come, `is_anchored` whether `^` or the like came."""

    def __init__(self, pattern: str, folds: bool) -> None:
        self.pattern = pattern
        self.folds = folds
        self.at = 0
        self.is_anchored = False

    def read(self) -> list[list[_Item]]:
        alternatives = self.alternatives()
        if self.at < len(self.pattern):
            raise _Refused
        return alternatives

    def alternatives(self) -> list[list[_Item]]:
        found = [self.items()]
        while self.pattern.startswith("|", self.at):
            self.at += 1
            found.append(self.items())
        return found

    def items(self) -> list[_Item]:
        found: list[_Item] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            item = self.item()
            quantifier = _QUANTIFIER.match(self.pattern, self.at)
            if quantifier:
                self.at = quantifier.end()
                if item.text in _ANCHORS or self.pattern.startswith("+", self.at):
                    raise _Refused
                fewest, most = _range_of(quantifier)
                item = _Item(item.text + quantifier[0], None, item.one, fewest, most)
            found.append(item)
        return found

    def item(self) -> _Item:
        group = _GROUP_START.match(self.pattern, self.at)
        if group:
            self.at = group.end()
            alternatives = self.alternatives()
            self.take(")")
            return _Item(f"(?:{'|'.join(map(_joined, alternatives))})", alternatives)
        char = self.pattern[self.at]
        if char == "[":
            one = self.char_class()
            return _Item(one, one=one)
        part = self.pattern[self.at : self.at + 2] if char == "\\" else char
        self.at += len(part)
        if part in _WITHOUT_LINE_FEED:
            return _Item(_WITHOUT_LINE_FEED[part], one=_WITHOUT_LINE_FEED[part])
        self.is_anchored |= part in _ANCHORS
        if part in _AS_THEY_ARE or _ESCAPED_SIGN.fullmatch(part):
            return _Item(part, one="" if part in _ANCHORS else part)
        if part in _SPECIAL or len(part) > 1 or not part.isprintable():
            raise _Refused
        one = part.lower() if self.folds else part
        return _Item(one, one=one if one.isascii() else "")

    def char_class(self) -> str:
        found = _CLASS.match(self.pattern, self.at)
        if not found:
            raise _Refused
        self.at = found.end()
        sets = _SETS_IN_NEGATED if found[1] else _SETS_IN_CLASS
        inner = "".join(self.class_item(first, last, sets) for first, last in _CLASS_ITEM.findall(found[2]))
        return rf"[^\n{inner}]" if found[1] else f"[{inner}]"

    def class_item(self, first: str, last: str, sets: tuple[str, ...]) -> str:
        if first in sets and not last:
            return first
        for end in filter(None, (first, last)):
            if not (_ESCAPED_SIGN.fullmatch(end) or (len(end) == 1 and end.isprintable() and end != "\\")):
                raise _Refused
        if not last:
            return first.lower() if self.folds else first
        if not self.folds:
            return f"{first}-{last}"
        between = [chr(code) for code in range(ord(first[-1]), ord(last[-1]) + 1)]
        letters = [char for char in between if char.isalpha()]
        if letters and (letters != between or letters[0].islower() != letters[-1].islower()):
            raise _Refused  # [A-z]: what lies between the capitals and the small letters has no small form
        return f"{first.lower()}-{last.lower()}"

    def take(self, char: str) -> None:
        if not self.pattern.startswith(char, self.at):
            raise _Refused
        self.at += len(char)
