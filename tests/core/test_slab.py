"""A slab gives back the records it was made of, whatever is in them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.levels import BANDS, band_of
from desktop_logs.core.records import Record
from desktop_logs.core.slab import Slab, TextColumn
from tests.support.queries import words
from tests.support.recordlists import record_lists


def record(seq: int, message: str = "hello", **others: object) -> Record:
    values = {"time_ns": seq, "severity": 9, "level": "info", "source": "api", "context": "", "given_id": ""}
    return Record(seq=seq, message=message, **{**values, **others})


@given(record_lists(min_size=1))
def test_records_come_back_as_they_were(given_records: list[Record]) -> None:
    slab = Slab(given_records)
    assert len(slab) == len(given_records)
    assert [slab[row] for row in range(len(slab))] == given_records
    assert list(slab.records()) == given_records


@given(st.lists(words, min_size=1, max_size=20))
def test_a_column_keeps_texts_and_what_they_are_case_folded(given_texts: list[str]) -> None:
    column = TextColumn(given_texts)
    assert [column[row] for row in range(len(column))] == given_texts
    assert column.texts() == given_texts
    assert column.folded_texts() == [text.casefold() for text in given_texts]


@given(st.lists(words | st.just("two\nlines"), min_size=1, max_size=20))
def test_a_column_as_lines_has_those_with_line_breaks_apart(given_texts: list[str]) -> None:
    column = TextColumn(given_texts)
    joined, others = column.lines()
    lines = joined.split("\n")
    assert len(lines) == len(given_texts)
    for row, text in others:
        assert lines[row] == ""
        lines[row] = text if not column.is_ascii else text.casefold()
    assert lines == [text.casefold() if column.is_ascii else text for text in given_texts]


def test_case_folded_text_is_kept_once_when_it_is_the_same() -> None:
    assert TextColumn(["all small", "ß"]).bytes_held > TextColumn(["all small", "x"]).bytes_held * 1.5


def test_a_nul_is_escaped_and_shifts_nothing() -> None:
    """Whatever the way by which it came in: a frame that raises would leave the window half changed."""
    slab = Slab([record(1, "a"), record(2, "b\0C", context='{"k":"\0"}', given_id="\0"), record(3, "d")])
    assert [each.message for each in slab.records()] == ["a", "b\\x00C", "d"]
    assert slab[1] == record(2, "b\\x00C", context='{"k":"\\x00"}', given_id="\\x00")
    assert slab.messages.folded_texts() == ["a", "b\\x00c", "d"]


@given(st.sets(st.integers(1, 200), min_size=1, max_size=20), st.integers(0, 210))
def test_a_row_is_found_by_its_number_also_where_numbers_are_missing(numbers: set[int], seq: int) -> None:
    seqs = sorted(numbers)
    slab = Slab([record(number) for number in seqs])
    assert slab.row_from_seq(seq) == sum(number < seq for number in seqs)
    assert (slab.first_seq, slab.last_seq) == (seqs[0], seqs[-1])
    assert [slab.seq_at(row) for row in range(len(slab))] == seqs


@given(record_lists(min_size=1))
def test_bands_and_labels_are_counted(given_records: list[Record]) -> None:
    slab = Slab(given_records)
    bands = [band_of(each.severity) for each in given_records]
    assert slab.band_counts == tuple(bands.count(band) for band in range(len(BANDS)))
    labels = [(each.severity, each.level, each.source) for each in given_records]
    assert dict(zip(slab.labels, slab.label_counts, strict=True)) == {label: labels.count(label) for label in labels}


def test_more_labels_than_a_byte_holds() -> None:
    slab = Slab([record(seq, source=f"s{seq}") for seq in range(1, 301)])
    assert slab[299].source == "s300"
    flags = slab.label_flags([source in ("s2", "s300") for _, _, source in slab.labels])
    assert [row for row, flag in enumerate(flags) if flag] == [1, 299]


def test_sources_that_are_all_different_count_for_its_memory() -> None:
    same, others = ([record(seq, source=f"{'x' * 190}{seq * k}") for seq in range(100, 1_100)] for k in (0, 1))
    assert Slab(others).bytes_held - Slab(same).bytes_held > 1_000 * 2 * 190


def test_times_are_told_by_their_ends_in_any_order() -> None:
    slab = Slab([record(1, time_ns=50), record(2, time_ns=10), record(3, time_ns=30)])
    assert (slab.first_time_ns, slab.last_time_ns) == (10, 50)
