"""What is remembered of producers: as much as is needed, and no more than so many."""

from concurrent.futures import Future

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
    kept: Future[None] = Future()
    lost: Future[None] = Future()
    producer.track(1, 2, kept)
    producer.track(3, 2, lost)
    assert (producer.shown_next, producer.stored_next, set(producer.in_flight)) == (5, 0, {1, 3})
    kept.set_result(None)
    lost.set_exception(OSError())
    assert (producer.stored_next, producer.in_flight) == (3, {})
