"""Regular expressions: what is refused, what is stopped, and that many lines at once give what each alone gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.errors import QueryError, TooSlow
from desktop_logs.core.query_regex import MAX_CHARS, SafePattern

LONG_S = 30.0


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("ERROR", "an error"),
        (r"user \d+", "User 42"),
        ("(?-i:User)", "User 42"),
        ("(?<year>20..)-(?P=year)", "2026-2026"),
        ("a(?=b)(?<!c)", "ab"),
        ("^b$", "b"),
        ('{"user"', 'x {"User"'),
        (r"\p{L}+\N{SPACE}[[:alpha:]]", "é x"),
        ("(?#why)a{2}b{,3}c++(?>d)", "aacd"),
        ("[]a][^]]", "]b"),
    ],
)
def test_it_matches(pattern: str, text: str) -> None:
    assert SafePattern(pattern).matches(text)
    assert not SafePattern(pattern).matches("#")


@pytest.mark.parametrize(
    ("pattern", "position", "sentence"),
    [
        ("(?R)", 0, "(?R at 8 is not supported"),
        ("a(?1)", 1, "(?1 at 9 is not supported"),
        ("(?&n)", 0, "not supported"),
        ("(?e)a", 0, "not supported"),
        ("(?:foo){e<=3}", 7, r"{ at 15 is not supported in an expression. Write \{ to find the character."),
        ("(?:foo){ 1 <= s <= 2 }", 7, "not supported"),
        (r"\L<words>", 0, "not supported"),
        ("(?|a|b)", 0, "not supported"),
        ("(a)(?(1)b|c)", 3, "not supported"),
        ("(*PRUNE)", 0, "not supported"),
        ("(?x)a", 0, "not supported"),
        ("(?V1)a", 0, "not supported"),
        ("a{1000000000}", 12, "repeats too much"),
        ("a{0,1000000000}", 14, "repeats too much"),
        ("((a{1,1000}){1,1000}){1,1000}", 19, "repeats too much"),
        ("(a{99}b{99}){99}", 15, "repeats too much"),
        ("a{" + "9" * 900 + "}", 902, "repeats too much"),
        ("(" * 60 + "a" + ")" * 60, 50, "too many groups"),
        ("a" * (MAX_CHARS + 1), 0, "more than 1,000 characters"),
        ("[a", 0, "The [ at 8 is not closed"),
        ("a)", 1, "wrong at 9: unbalanced parenthesis"),
        ("a(", 2, "wrong at 10: missing )"),
        ("*", 0, "wrong at 8: nothing to repeat"),
        ("\\", 1, "wrong at 9: bad escape"),
        (r"\p{Nonsense}", 12, "wrong at 20: unknown property"),
    ],
)
def test_it_is_refused_with_its_place(pattern: str, position: int, sentence: str) -> None:
    with pytest.raises(QueryError) as wrong:
        SafePattern(pattern, 7)
    assert sentence in str(wrong.value)
    assert wrong.value.position == 7 + position


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a|aa)+$", "a" * 60 + "!"),
        (r"(.*)(.*)(.*)\3z$", "z" + "a" * 262_144),
        ("(?>(a+)+)b", "b" + "a" * 262_144),
        ("(x|y|xy)*z$", "zxy" * 40_000),
    ],
)
def test_it_is_stopped(pattern: str, text: str) -> None:
    with pytest.raises(TooSlow, match="takes too long") as slow:
        SafePattern(pattern, 3).matches(text)
    assert slow.value.position == 3


def test_a_long_message_is_searched_to_its_end() -> None:
    assert SafePattern(r"user \d+$").matches("a b " * 65_536 + "user 4")


ANCHORS = ["^", "$", r"\b", r"\B"]
ATOMS = r"a B 1 ß k . \d \D \w \W \s \S \. \t [ab] [^a] [a-c] [A-C1] [^A-B] [\d-] [^\s1] [^\W] [!-~] [\]a] K İ"
quantifiers = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "*?", "+?", "??"])
quantified = st.sampled_from(ANCHORS) | st.builds(str.__add__, st.sampled_from([*ATOMS.split(), " "]), quantifiers)
patterns = st.recursive(
    quantified,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=1, max_size=3).map("|".join),
        st.builds("({}){}".format, inner, quantifiers),
        st.builds("(?:{})".format, inner),
    ),
    max_leaves=6,
)
line_texts = st.text(st.sampled_from("aAbB1kKß .-]\r\t\v\x1c\x85\u2028\u212aİ"), max_size=6)


def rows_of(pattern: SafePattern, texts: list[str], folded: bool) -> set[int]:
    lines = pattern.lines
    assert lines is not None
    joined = "\n".join(texts)
    marks = lines.marks(joined, lambda: LONG_S, joined.casefold() if folded else None)
    flags = marks.to_bytes(len(texts), "little")
    assert set(flags) <= {0, 1}
    return {row for row, flag in enumerate(flags) if flag}


@given(patterns, st.lists(line_texts, min_size=1, max_size=6), st.booleans())
def test_many_lines_at_once_give_what_each_alone_gives(pattern: str, texts: list[str], folded: bool) -> None:
    safe = SafePattern(pattern)
    assert rows_of(safe, texts, folded) == {row for row, text in enumerate(texts) if safe.matches(text)}


OVER_LINES = (
    r"(?=a)b (?<!a)b (a)\1 (?i)a (?-i:a) \Aa a\Z \p{L} \N{SPACE} \x0a \u000a \n \R \X [\s] [\Wa] [\n] [^\n-a] a++ (?>a)"
    r" [[:space:]] a{b (?P<n>a)(?P=n) \K \G \h \v (?s:.) (?m)^a"
)


@pytest.mark.parametrize("pattern", [*OVER_LINES.split(), "[a\n]", "[^a\n]", "a\nb", "[\x0b]"])
def test_what_could_reach_over_a_line_is_not_searched_in_many_at_once(pattern: str) -> None:
    assert SafePattern(pattern).lines is None


def test_alternatives_at_the_start_are_searched_apart() -> None:
    lines = SafePattern(r"\b(GET|(?:PO|PU)ST) /x").lines
    assert lines is not None
    beginnings = [branch.pattern.pattern.removesuffix(".*") for branch in lines.branches]
    assert beginnings == [r"\bGET /x", r"\bPOST /x", r"\bPUST /x"]


@given(patterns, st.lists(line_texts, min_size=1, max_size=6), st.integers(30, 100))
def test_many_matches_are_told_as_few_are(pattern: str, texts: list[str], times: int) -> None:
    safe = SafePattern(pattern)
    assert rows_of(safe, texts * times, False) == {row for row, text in enumerate(texts * times) if safe.matches(text)}


@pytest.mark.parametrize("pattern", ["x*", r"\w", ".", "a1", "a1.b"])
def test_what_would_match_all_over_a_line_matches_it_once(pattern: str) -> None:
    """A line of 256 KiB would hold up the window else."""
    lines = SafePattern(pattern).lines
    assert lines is not None
    (branch,) = lines.branches
    assert len(branch.pattern.findall("\n".join(["a1 b2" * 9] * 5))) == 5


@pytest.mark.parametrize(
    ("pattern", "is_linear"),
    [
        (r"served in \d{4} ms", True),
        (r"took\s+\d{3,} ms", True),
        ("timeout", True),
        (r"[45]\d\d\b", True),
        (r"user \d+", True),
        (r"user \d+\b", True),
        (r"\w+", True),
        (r"\w+\b", True),
        (r"\w+ \w+ \d+\b", False),
        (r"\d+ ms", True),
        (r".*user \d+.*", True),
        (r"\s*took\s+\d{3,} ms", True),
        (r"user 4\d+3", False),
        (r"a\w+-", False),
        (r"k[^\W\d]+-", False),
        (r"a\d*[^0-9]", False),
        (r"x\d+ ?\d+y", False),
        ("a.*b", False),
        ("x(a|b)y", False),
        ("a{90}b{90}", False),
    ],
)
def test_no_clock_is_asked_where_no_text_makes_it_slow(pattern: str, is_linear: bool) -> None:
    lines = SafePattern(pattern).lines
    assert lines is not None
    assert [branch.is_linear for branch in lines.branches] == [is_linear]


def test_many_lines_are_stopped_too() -> None:
    lines = SafePattern("(a|aa)+$").lines
    assert lines is not None
    with pytest.raises(TimeoutError):
        lines.marks("\n".join(["a" * 60 + "!"] * 9), lambda: 0.01)
    with pytest.raises(TimeoutError):
        lines.marks("", lambda: 0.0)
