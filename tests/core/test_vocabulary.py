"""Which keys the contexts have is told by how often they come, and where they lie."""

from __future__ import annotations

from desktop_logs.core.vocabulary import keys_in


def test_keys_come_the_most_frequent_first_with_the_path_to_them() -> None:
    nested = '{"http":{"status":200,"url":{"path":"/"}},"user":2}'
    contexts = ['{"user":1}', "", nested, '{"none":{},"list":[{"in":1}]}']
    assert keys_in(contexts) == ["user", "http.status", "http.url.path", "none", "list"]


def test_of_deeper_objects_the_key_that_holds_them_is_named() -> None:
    assert keys_in(['{"a":{"b":{"c":{"d":{"e":1}}}}}']) == ["a.b.c.d"]
