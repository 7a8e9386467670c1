"""Random trees of queries and random records that they have a fair chance to select, for Hypothesis."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from desktop_logs.core.query_tree import (
    After,
    And,
    Before,
    Compare,
    FieldIs,
    Has,
    Node,
    Not,
    Or,
    Pattern,
    Severity,
    Text,
)
from desktop_logs.core.records import Record

# Few letters, so that something is found; some do not fold one to one, and the signs all mean something.
words = st.text(st.sampled_from('abAßİΣς\u017f\u212a\ufb010 "\\()-*/:%_'), max_size=5)
numbers = st.sampled_from([0, 1, -1, 42, 42.0, 4.5, 1e3, 2**53 + 1, 10**17])
number_texts = st.sampled_from(["0", "1", "42", "42.0", "4.5", "1e3", "1000", "-1", "true", "null", "9007199254740993"])
keys = st.sampled_from(["a", "b", "a.b", "level", "größe", "x-y"])
names = st.sampled_from(
    [
        "message",
        "level",
        "source",
        "id",
        "a",
        "b",
        "a.b",
        "a.b.a",
        "b.a.b",
        "größe",
        "x-y",
        "context.level",
        "context.a",
        "AND",
    ]
)
ops = st.sampled_from([">=", ">", "<=", "<"])
times_ns = st.integers(-3, 3) | st.integers(-(10**18), 4 * 10**18)
# Means the same to re and to regex, and the slashes stand for how they are typed.
expressions = st.sampled_from(
    ["a", "^a", "b$", "[ab]+0", "a.*b", r"\/", "/", "[/(]", r"\\/", "(a|b)b", "A{2}", r"4\d?", "true|null"]
)
wildcards = st.lists(st.sampled_from(["a", "b", "0", "*", "ss"]), min_size=1, max_size=4).map(
    lambda parts: "".join(parts) + "*"
)

leaf_nodes = st.one_of(
    st.builds(Text, words.filter(bool).map(str.casefold)),
    st.builds(FieldIs, names, (words | number_texts | st.sampled_from(["warn", "error"])).map(str.casefold)),
    st.builds(FieldIs, names, wildcards.filter(lambda text: text.strip("*") != ""), st.just(True)),
    st.builds(Has, names),
    st.builds(Compare, names.filter(lambda name: name != "level"), ops, numbers),
    st.builds(Pattern, names | st.just(""), expressions),
    st.builds(After, times_ns),
    st.builds(Before, times_ns),
    st.sampled_from([Severity(">=", 13, "warn"), Severity("<", 11, "level 25"), Severity(">", 9), Severity("<=", 21)]),
)
trees: st.SearchStrategy[Node] = st.recursive(
    leaf_nodes,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)

scalars = st.one_of(words, number_texts, numbers, st.booleans(), st.none())
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)


def _as_json(context: dict[str, object], escaped: bool) -> str:
    return json.dumps(context, ensure_ascii=escaped, separators=(",", ":")) if context else ""


records = st.builds(
    Record,
    seq=st.integers(1, 10**6),
    time_ns=times_ns,
    severity=st.integers(1, 24),
    level=st.sampled_from(["warn", "Warning", "ERROR", "a", "\u017f"]),
    source=words,
    message=words | number_texts,
    context=st.builds(_as_json, st.dictionaries(keys, values, max_size=4), st.booleans()) | st.just("{not JSON"),
    given_id=words,
)
