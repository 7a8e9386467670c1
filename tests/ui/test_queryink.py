"""A query's parts have their colours whatever is typed, and a fault is underlined to the end of its word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.levels import BANDS
from desktop_logs.ui.queryink import fault_mark, ink
from desktop_logs.ui.theme import DARK, LIGHT, Palette, contrast


def inked(text: str, palette: Palette = DARK) -> dict[str, str]:
    return {
        text[start : start + length]: look.foreground().color().name() for start, length, look in ink(text, palette)
    }


def test_parts_of_a_query_have_their_colours() -> None:
    assert inked('level>=warn -"health check" source:api plain OR (x)') == {
        "level": DARK.accent,
        ">=": DARK.muted,
        "warn": DARK.warn,
        "source": DARK.accent,
        ":": DARK.muted,
        "OR": DARK.accent,
        "(": DARK.muted,
        ")": DARK.muted,
        "-": DARK.error,
    }


@pytest.mark.parametrize(
    "text", ["http://example.org", "a::b", '"level:warn"', "ORder android", "x-y", "f(x)", "C:/logs", "-", ""]
)
def test_words_are_left_as_they_are(text: str) -> None:
    assert inked(text) == {}


def test_colours_are_the_palettes() -> None:
    assert inked("level:error", LIGHT)["error"] == LIGHT.error


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("ground", ["panel", "selection"])
def test_every_colour_is_readable_in_the_field(palette: Palette, ground: str) -> None:
    """At least 4.5 : 1, selected text included (ux.md)."""
    mark = fault_mark("x", 0, palette)
    assert mark is not None
    used = {mark.format.foreground().color().name(), mark.format.underlineColor().name()}
    for level in BANDS:
        used |= set(inked(f"level>={level} NOT (-a)", palette).values())
    assert len(used) == 7
    assert [color for color in used if contrast(color, getattr(palette, ground)) < 4.5] == []


@given(text=st.text(st.sampled_from('levl:>=<~/"\\()- ANDORT😀x'), max_size=60))
def test_colours_lie_in_the_text_one_after_another(text: str) -> None:
    end = 0
    for start, length, _ in ink(text, DARK):
        assert length >= 0
        assert start >= end
        end = start + length
    assert end <= len(text)


@pytest.mark.parametrize(
    ("text", "position", "marked"),
    [
        ("a ) b", 2, ")"),
        ('x "open phrase', 2, '"open'),
        ("level:nonsense b", 6, "nonsense"),
        (r"path~/a \/ (b|c)/ d", 6, r"a \/ (b|c)"),
        ("~/open x", 2, "open"),
        ("a  b", 1, None),
        ("a", 1, None),
    ],
)
def test_a_fault_is_underlined_to_its_end(text: str, position: int, marked: str | None) -> None:
    mark = fault_mark(text, position, DARK)
    assert (mark and text[mark.start : mark.start + mark.length]) == marked
