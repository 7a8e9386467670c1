"""A context becomes JSON that any reader takes, or is refused with the limit that it is over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from desktop_logs.core.contexts import byte_count, context_text, json_text
from desktop_logs.core.errors import EntryError


@pytest.mark.parametrize(
    ("context", "why"),
    [
        ({str(key): 1 for key in range(65)}, "65 keys; at most 64"),
        ({"deep": {str(key): 1 for key in range(65)}}, "context.deep has 65 keys"),
        ({"list": [{"big": 2**64}]}, "context.list.big is an integer beyond 64 bits"),
        ({"long": "x" * 200_000}, "200,011 bytes long; at most 196,608"),
        ({"emoji": "🦙" * 190_000}, "760,012 bytes long"),
    ],
)
def test_what_is_over_a_limit_is_refused_with_the_reason(context: dict[str, Any], why: str) -> None:
    with pytest.raises(EntryError, match=why):
        context_text(context)


def test_sixteen_levels_are_taken_and_one_more_is_not() -> None:
    def nested(levels: int) -> dict[str, Any]:
        context: dict[str, Any] = {"end": 1}
        for _ in range(levels - 1):
            context = {"in": context}
        return context

    assert json.loads(context_text(nested(16))) == nested(16)
    with pytest.raises(EntryError, match="deeper than 16"):
        context_text(nested(17))


def test_what_json_cannot_carry_is_made_text() -> None:
    assert json.loads(context_text({"k\udfff": "\ud83d", "n": [("\ud800",)]})) == {
        "k\\udfff": "\\ud83d",
        "n": [["\\ud800"]],
    }
    assert json.loads(json_text(["\ud800"])) == ["\\ud800"]


def test_nan_is_never_sent() -> None:
    assert context_text({"a": float("nan"), "b": float("inf")}) == '{"a":null,"b":null}'


@pytest.mark.parametrize("text", ["", "plain", "ä", "🦙 \x00"])
def test_bytes_are_counted_as_utf_8_has_them(text: str) -> None:
    assert byte_count(text) == len(text.encode())
