"""Which keys the contexts have is told by how often they come, and where they lie."""

from __future__ import annotations

from desktop_logs.core.vocabulary import keys_in


def test_keys_come_the_most_frequent_first_with_the_path_to_them() -> None:
    nested = '{"http":{"status":200,"url":{"path":"/"}},"user":2}'
    contexts = ['{"user":1}', "", nested, '{"none":{},"list":[{"in":1}]}']
    assert keys_in(contexts) == ["user", "http.status", "http.url.path", "none", "list"]


def test_of_large_contexts_and_of_many_names_not_all_are_read() -> None:
    """The frame in which somebody types waits for them."""
    large = '{"first":"' + "x" * 190_000 + '"}'
    assert keys_in(iter([large, large.replace("first", "second")])) == ["first"]
    assert len(keys_in(f'{{"{at}":1}}' for at in range(2_000))) == 1_000


def test_of_deeper_objects_the_key_that_holds_them_is_named() -> None:
    assert keys_in(['{"a":{"b":{"c":{"d":{"e":1}}}}}']) == ["a.b.c.d"]
