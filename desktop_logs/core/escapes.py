"""What text cannot be stored or sent as it is, written as escapes. Pure; needs nothing, since the handlers load it into
other programs."""

from __future__ import annotations


def clean(text: str) -> str:
    """*text* with lone surrogates and NUL written as escapes, so that UTF-8, SQLite and every viewer can hold it."""
    if "\x00" in text:
        text = text.replace("\x00", "\\x00")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text
