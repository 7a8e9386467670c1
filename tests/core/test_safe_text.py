"""Text from a log is shown, never obeyed."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.safe_text import block, one_line, summary

BIDI_AND_CONTROL = ("Cc", "Cf", "Zl", "Zp")


@given(st.text(st.characters(codec="utf-8")))
def test_no_control_character_is_left_in_a_line(text: str) -> None:
    left = {character for character in one_line(text) if unicodedata.category(character) == "Cc"}
    assert not left


def test_escape_bidi_and_nul_become_symbols() -> None:
    assert one_line("a\x1b[31mb\u202ec\x00\x7f") == "a⟨ESC⟩[31mb⟨RLO⟩c⟨NUL⟩⟨DEL⟩"


def test_plain_text_is_itself() -> None:
    text = "größe 12 µs → ✓ 🦙"
    assert one_line(text) is text
    assert block(text) is text


def test_a_block_keeps_its_lines_and_tabs() -> None:
    assert block("a\r\n\tb\rc\x07") == "a\n\tb⟨CR⟩c⟨BEL⟩"


def test_the_summary_is_the_first_line_and_the_count_of_the_rest() -> None:
    assert summary("ValueError: bad\r\n  one\n  two\n") == ("ValueError: bad", 2)
    assert summary("one line") == ("one line", 0)
    assert summary("\n\nlate") == ("late", 0)
    assert summary("") == ("", 0)
