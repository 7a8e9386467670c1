"""Text from a log made safe to show: control characters and bidi marks as symbols, never obeyed. Pure."""

from __future__ import annotations

import re

# Names in brackets. Unicode has pictures of control characters (U+2400), but hardly a font has them.
_NAMES = (
    *("NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI"),
    *("DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US"),
)
_CONTROLS = {code: f"⟨{name}⟩" for code, name in enumerate(_NAMES)} | {0x7F: "⟨DEL⟩"}
_CONTROLS |= {code: f"⟨{code:02X}⟩" for code in range(0x80, 0xA0)}
_MARKS = {
    0x061C: "⟨ALM⟩",
    0x200B: "⟨ZWSP⟩",
    0x200E: "⟨LRM⟩",
    0x200F: "⟨RLM⟩",
    0x2028: "⟨LS⟩",
    0x2029: "⟨PS⟩",
    0x202A: "⟨LRE⟩",
    0x202B: "⟨RLE⟩",
    0x202C: "⟨PDF⟩",
    0x202D: "⟨LRO⟩",
    0x202E: "⟨RLO⟩",
    0x2066: "⟨LRI⟩",
    0x2067: "⟨RLI⟩",
    0x2068: "⟨FSI⟩",
    0x2069: "⟨PDI⟩",
    0xFEFF: "⟨BOM⟩",
}
_IN_A_LINE = _CONTROLS | _MARKS | {0x09: "    ", 0x0A: "↵"}
_IN_A_BLOCK = {code: symbol for code, symbol in (_CONTROLS | _MARKS).items() if code not in (0x09, 0x0A)}
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f" + "".join(map(chr, _MARKS)) + "]")


def one_line(text: str) -> str:
    """*text* as one line: every control character and bidi mark as a symbol, a tab as spaces."""
    return text.translate(_IN_A_LINE) if _UNSAFE.search(text) else text


def block(text: str) -> str:
    """*text* as lines: newlines and tabs stay, `\\r\\n` counts as a newline, the rest is shown as symbols."""
    return text.replace("\r\n", "\n").translate(_IN_A_BLOCK) if _UNSAFE.search(text) else text


def summary(message: str) -> tuple[str, int]:
    """The first line of *message* that says something, and how many more lines there are."""
    stripped = message.strip("\r\n")
    first, newline, rest = stripped.partition("\n")
    if not newline:
        return one_line(stripped), 0
    return one_line(first.rstrip("\r")), rest.count("\n") + 1
