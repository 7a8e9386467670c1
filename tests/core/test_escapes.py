"""Text that cannot be stored or sent as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.escapes import clean


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\x00b", r"a\x00b"),
        ("\ud800 é", r"\ud800 é"),
        ("\x00\udfff", r"\x00\udfff"),
        ("🚀 é \x1b", "🚀 é \x1b"),
        ("", ""),
    ],
)
def test_lone_surrogates_and_nul_are_written_as_escapes(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


@given(st.text(st.characters()))
def test_what_is_cleaned_can_be_encoded_and_stays(text: str) -> None:
    once = clean(text)
    once.encode()
    assert "\x00" not in once
    assert clean(once) == once
