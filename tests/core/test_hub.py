"""The hub: numbers grow, every entry is counted once, a batch sent again is stored once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.errors import Busy, StorageError
from desktop_logs.core.hub import Hub, Restored
from desktop_logs.core.producers import Numbers
from desktop_logs.core.records import Record
from tests.support.stores import SmallStore


@pytest.fixture
def store() -> SmallStore:
    return SmallStore()


@pytest.fixture
def hub(store: SmallStore) -> Hub:
    return Hub(store, ring_capacity=100)


def messages(hub: Hub) -> list[str]:
    return [record.message for record in hub.ring.latest(100)]


def test_records_are_numbered_shown_and_handed_to_the_store(hub: Hub, store: SmallStore) -> None:
    receipt = hub.take(["a", "b"], 5)
    assert [(record.seq, record.message, record.time_ns) for record in receipt.records] == [(1, "a", 5), (2, "b", 5)]
    assert not receipt.stored.done()
    assert messages(hub) == ["a", "b"]
    store.settle()
    assert receipt.stored.done()
    assert [record.seq for record in store.kept] == [1, 2]


def test_what_is_wrong_is_told_in_its_place_and_the_rest_goes_on(hub: Hub) -> None:
    receipt = hub.take(["a", 7, "b", {}], 0)
    assert receipt.accepted == 2
    assert [refused.index for refused in receipt.rejected] == [1, 3]
    assert messages(hub) == ["a", "b"]
    assert "needs a message" in hub.last_rejection


def test_followers_are_woken_once_a_batch_and_not_for_nothing(hub: Hub) -> None:
    woken: list[int] = []
    stop = hub.subscribe(lambda: woken.append(hub.head))
    hub.take(["a", "b"], 0)
    hub.take([7], 0)
    assert woken == [2]
    stop()
    hub.take(["c"], 0)
    assert woken == [2]


def test_a_batch_sent_again_is_stored_once(hub: Hub, store: SmallStore) -> None:
    hub.take(["a", "b"], 0, producer="p", first=1)
    store.settle()
    again = hub.take(["a", "b"], 0, producer="p", first=1)
    assert (again.accepted, again.duplicates) == (0, 2)
    overlapping = hub.take(["b", "c"], 0, producer="p", first=2)
    assert (overlapping.accepted, overlapping.duplicates) == (1, 1)
    assert messages(hub) == ["a", "b", "c"]


def test_producers_do_not_mix(hub: Hub, store: SmallStore) -> None:
    hub.take(["a"], 0, producer="p", first=1)
    store.settle()
    assert hub.take(["a"], 0, producer="q", first=1).accepted == 1


def test_a_batch_sent_again_before_the_disk_answered_waits_for_the_same_answer(hub: Hub, store: SmallStore) -> None:
    first = hub.take(["a"], 0, producer="p", first=1)
    again = hub.take(["a"], 0, producer="p", first=1)
    assert again.duplicates == 1
    assert not again.stored.done()
    store.settle()
    assert first.stored.done()
    assert again.stored.done()
    assert messages(hub) == ["a"]
    assert len(store.kept) == 1


def test_a_batch_that_the_disk_refused_is_stored_when_sent_again_and_shown_once(hub: Hub, store: SmallStore) -> None:
    hub.take(["a", "b"], 0, producer="p", first=1)
    store.settle(StorageError("disk full"))
    again = hub.take(["a", "b", "c"], 0, producer="p", first=1)
    assert (again.accepted, again.duplicates) == (3, 0)
    store.settle()
    assert [record.message for record in store.kept] == ["a", "b", "c"]
    assert messages(hub) == ["a", "b", "c"]


def test_a_failed_batch_is_stored_when_sent_again_though_a_later_one_was_kept(hub: Hub, store: SmallStore) -> None:
    hub.take(["a"], 0, producer="p", first=1)
    store.settle(StorageError("disk full"))
    hub.take(["b"], 0, producer="p", first=2)
    store.settle()
    again = hub.take(["a", "b"], 0, producer="p", first=1)
    assert (again.accepted, again.duplicates) == (1, 1)
    store.settle()
    assert [record.message for record in store.kept] == ["b", "a"]
    assert messages(hub) == ["a", "b"]


def test_a_longer_batch_over_one_under_way_stores_only_what_is_new(hub: Hub, store: SmallStore) -> None:
    hub.take(["a", "b"], 0, producer="p", first=1)
    longer = hub.take(["a", "b", "c"], 0, producer="p", first=1)
    assert (longer.accepted, longer.duplicates) == (1, 2)
    overlapping = hub.take(["b", "c", "d"], 0, producer="p", first=2)
    assert (overlapping.accepted, overlapping.duplicates) == (1, 2)
    store.settle()
    assert longer.stored.done()
    assert overlapping.stored.done()
    assert [record.message for record in store.kept] == ["a", "b", "c", "d"]


def test_an_answer_that_waits_for_two_writes_fails_with_either(hub: Hub, store: SmallStore) -> None:
    hub.take(["a"], 0, producer="p", first=1)
    (first,) = store.waiting
    store.waiting = []
    both = hub.take(["a", "b"], 0, producer="p", first=1)
    store.settle()
    assert not both.stored.done()
    first[1].set_exception(StorageError("disk full"))
    assert isinstance(both.stored.exception(), StorageError)


def test_when_the_store_is_full_nothing_has_happened(hub: Hub, store: SmallStore) -> None:
    store.is_full = True
    with pytest.raises(Busy):
        hub.take(["a"], 0, producer="p", first=1)
    assert (hub.head, hub.counters.received, messages(hub)) == (0, 0, [])
    store.is_full = False
    assert hub.take(["a"], 0, producer="p", first=1).accepted == 1


def test_what_never_came_as_far_is_counted(hub: Hub) -> None:
    hub.refuse(3, "too large")
    assert (hub.stats()["received"], hub.stats()["rejected"], hub.last_rejection) == (3, 3, "too large")


batches = st.lists(
    st.tuples(
        st.sampled_from(["", "p", "q"]),
        st.integers(1, 12),
        st.lists(st.sampled_from(["good", 7, {}]), max_size=5),
        st.sampled_from(["settle", "fail", "wait"]),
    ),
    max_size=15,
)


@given(batches)
def test_every_entry_received_is_counted_exactly_once(sent: list[tuple[str, int, list[object], str]]) -> None:
    store = SmallStore()
    hub = Hub(store, ring_capacity=1000)
    for producer, first, payloads, then in sent:
        hub.take(payloads, 0, producer=producer, first=first)
        if then != "wait":
            store.settle(StorageError("full") if then == "fail" else None)
    store.settle()
    stats = hub.stats()
    assert stats["received"] == stats["stored"] + stats["duplicate"] + stats["rejected"] + stats["dropped"]
    numbers = [record.seq for record in hub.ring.latest(1000)]
    assert numbers == sorted(set(numbers))
    stored = [record.seq for record in store.kept]
    assert stored == sorted(set(stored))


def test_a_hub_goes_on_where_earlier_runs_have_ended(hub: Hub, store: SmallStore) -> None:
    newest = [Record(number, 5, 9, "info", "api", f"message {number}") for number in (7, 9)]
    hub.restore(Restored(head=20, newest=newest, producers={"p": ((1, 3), (5, 6))}))
    assert messages(hub) == ["message 7", "message 9"]
    receipt = hub.take(["a", "b", "c", "d", "e", "f"], 0, producer="p", first=1)
    assert receipt.duplicates == 3
    assert [(record.seq, record.message) for record in receipt.records] == [(21, "c"), (22, "d"), (23, "f")]


def test_what_an_earlier_run_has_shown_but_not_stored_is_not_shown_before_the_numbers_say_so(hub: Hub) -> None:
    hub.restore(Restored(head=20, producers={"p": ((1, 3),)}))
    hub.take(["c"], 0, producer="p", first=3)
    assert messages(hub) == ["c"]


def test_the_store_keeps_the_numbers_of_refused_entries_as_well(hub: Hub, store: SmallStore) -> None:
    hub.take(["a", 7, "b"], 0, producer="p", first=10)
    hub.take(["a", 7, "b", "c"], 0, producer="p", first=10)
    hub.take(["not numbered"], 0)
    assert store.numbers == [Numbers("p", ((10, 13),)), Numbers("p", ((13, 14),))]


def test_no_number_is_given_that_a_later_run_could_give_again(hub: Hub, store: SmallStore) -> None:
    store.last_number = 2
    with pytest.raises(StorageError, match="cannot be numbered"):
        hub.take(["a", "b", "c"], 0)
    assert (hub.head, store.waiting, hub.stats()["received"]) == (0, [], 0)
    assert hub.take(["a", "b"], 0).accepted == 2


def test_the_oldest_is_that_of_the_ring_or_the_next_to_come(hub: Hub) -> None:
    assert hub.oldest == 1
    hub.restore(Restored(head=20))
    assert (hub.oldest, hub.restored_head) == (21, 20)
    hub.take(["a"] * 300, 0)
    assert hub.oldest == hub.ring.first_seq > 21
