"""What is remembered of producers: as much as is needed, and no more than so many."""

from concurrent.futures import Future

from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.producers import Producers


def test_a_producer_is_the_same_one_again() -> None:
    producers = Producers()
    producers.get("p").shown_next = 5
    assert producers.get("p").shown_next == 5


def test_the_one_silent_longest_is_forgotten() -> None:
    producers = Producers(capacity=2)
    for name in ("p", "q"):
        producers.get(name).shown_next = 5
    producers.get("p")
    producers.get("r")
    assert producers.get("p").shown_next == 5
    assert producers.get("q").shown_next == 0


def test_only_what_the_store_kept_counts_as_stored() -> None:
    producer = Producers().get("p")
    lost: Future[None] = Future()
    kept: Future[None] = Future()
    producer.track(1, 2, lost)
    producer.track(3, 2, kept)
    assert producer.shown_next == 5
    assert [span for span, _ in producer.in_flight(2, 2)] == [(1, 3), (3, 5)]
    assert producer.in_flight(5, 10) == []
    lost.set_exception(OSError())
    kept.set_result(None)
    assert [producer.is_stored(number) for number in range(6)] == [False, False, False, True, True, False]
    assert producer.in_flight(1, 10) == []


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 8), st.booleans()), max_size=12))
def test_stored_numbers_are_those_of_the_batches_that_were_kept(batches: list[tuple[int, int, bool]]) -> None:
    producer = Producers().get("p")
    stored: set[int] = set()
    for first, count, is_kept in batches:
        done: Future[None] = Future()
        producer.track(first, count, done)
        if is_kept:
            done.set_result(None)
            stored.update(range(first, first + count))
        else:
            done.set_exception(OSError())
    assert {number for number in range(50) if producer.is_stored(number)} == stored
