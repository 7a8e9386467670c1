"""`POST /api/logs`: every form of a body, every fault with a sentence, and no answer before it is stored."""

import asyncio
import gzip
import io
import json
from typing import Any

import aiohttp
import pytest

from desktop_logs.core.errors import StorageError
from desktop_logs.core.hub import Hub
from desktop_logs.net import bodies, ingest
from tests.support.asynchronous import soon
from tests.support.stores import SmallStore


async def post(http: aiohttp.ClientSession, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.post("/api/logs", data=io.BytesIO(body), headers=named) as response:
        return response.status, await response.json()


def messages(hub: Hub) -> list[str]:
    return [record.message for record in hub.ring.latest(5_000)]


@pytest.mark.parametrize(
    "body",
    [
        b'{"message":"a"}\n{"message":"b"}\n',
        b'{"message":"a"}\r\n\r\n{"message":"b"}',
        b'[{"message":"a"},{"message":"b"}]',
        b'  [ {"message":"a"},\n {"message":"b"} ]\n',
        b'"a"\n"b"',
        b'{"type":"log","data":{"message":"a"},"timestamp":1}\n{"message":"b"}',
    ],
)
async def test_the_forms_of_a_body(http: aiohttp.ClientSession, hub: Hub, body: bytes) -> None:
    assert await post(http, body) == (200, {"accepted": 2, "duplicates": 0, "rejected": []})
    assert messages(hub) == ["a", "b"]


async def test_one_object_over_several_lines(http: aiohttp.ClientSession, hub: Hub) -> None:
    status, told = await post(http, json.dumps({"message": "a", "context": {"b": [1, 2]}}, indent=2).encode())
    assert (status, told["accepted"], messages(hub)) == (200, 1, ["a"])


async def test_gzip_is_allowed(http: aiohttp.ClientSession, hub: Hub) -> None:
    status, _ = await post(http, gzip.compress(b'{"message":"a"}'), Content_Encoding="gzip")
    assert (status, messages(hub)) == (200, ["a"])


async def test_the_answer_comes_after_the_store(http: aiohttp.ClientSession, hub: Hub, store: SmallStore) -> None:
    store.is_prompt = False
    posting = asyncio.ensure_future(post(http, b'{"message":"a"}'))
    await soon("the record is shown", lambda: hub.head == 1)
    await asyncio.sleep(0.05)
    assert not posting.done()
    store.settle()
    assert (await posting)[0] == 200


async def test_one_bad_line_is_told_in_its_place_and_the_rest_goes_on(http: aiohttp.ClientSession, hub: Hub) -> None:
    status, told = await post(http, b'{"message":"a"}\nnot json\n7\n{"message":"b"}\n{}')
    assert (status, told["accepted"], messages(hub)) == (200, 2, ["a", "b"])
    assert [refused["index"] for refused in told["rejected"]] == [1, 2, 4]
    assert told["rejected"][0]["error"].startswith("it is not JSON: Expecting value at character 0. Send objects like")
    assert told["rejected"][1]["error"] == "an entry must be a JSON object or a string, not a number"
    assert "needs a message" in told["rejected"][2]["error"]


@pytest.mark.parametrize("body", [b"hello=world", b"[1,", b"7", b"\xff\xfe", b"[7]"])
async def test_a_body_without_one_good_entry_is_400(http: aiohttp.ClientSession, hub: Hub, body: bytes) -> None:
    status, told = await post(http, body)
    assert (status, told["accepted"], len(told["rejected"])) == (400, 0, 1)
    assert told["error"].startswith("No entry could be taken. The first: ")
    assert hub.stats()["rejected"] == 1


async def test_an_empty_body_is_told(http: aiohttp.ClientSession) -> None:
    status, told = await post(http, b" \n ")
    assert (status, told["error"][:24]) == (400, "The body holds no entry.")


async def test_a_wrong_encoding_is_told(http: aiohttp.ClientSession) -> None:
    async with http.post("/api/logs", data=b"plain", headers={"Content-Encoding": "gzip"}) as response:
        assert response.status == 400


async def test_a_body_over_the_limit_is_413_and_nothing_of_it_is_taken(
    http: aiohttp.ClientSession, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = b'{"message":"%s"}\n' % (b"x" * 1000) * 17_000
    assert len(body) > bodies.MAX_BODY_BYTES
    status, told = await post(http, body)
    assert status == 413
    assert "smaller parts" in told["error"]
    assert hub.head == 0
    assert (await post(http, b'{"message":"after"}'))[0] == 200


async def test_a_two_megabyte_message_is_cut_and_says_so(http: aiohttp.ClientSession, hub: Hub) -> None:
    status, _ = await post(http, json.dumps({"message": "x" * 2_000_000}).encode())
    assert status == 200
    assert "2,000,000 bytes came" in messages(hub)[0]


async def test_a_batch_sent_again_counts_as_duplicates(http: aiohttp.ClientSession, hub: Hub) -> None:
    numbered = {"Desktop_Logs_Producer": "p", "Desktop_Logs_First": "1"}
    body = b'{"message":"a"}\n{"message":"b"}'
    assert (await post(http, body, **numbered))[1]["accepted"] == 2
    assert (await post(http, body, **numbered))[1] == {"accepted": 0, "duplicates": 2, "rejected": []}
    assert messages(hub) == ["a", "b"]
    assert hub.stats()["duplicate"] == 2


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"Desktop_Logs_First": "1"}, "Desktop-Logs-Producer must name the producer"),
        ({"Desktop_Logs_Producer": "p", "Desktop_Logs_First": "one"}, "Desktop-Logs-First must be the number"),
        ({"Desktop_Logs_Producer": "p" * 101, "Desktop_Logs_First": "1"}, "at most 100 characters"),
    ],
)
async def test_numbering_that_is_none_is_told(
    http: aiohttp.ClientSession, hub: Hub, headers: dict[str, str], sentence: str
) -> None:
    status, told = await post(http, b'{"message":"a"}', **headers)
    assert status == 400
    assert sentence in told["error"]
    assert hub.head == 0


async def test_a_store_that_is_full_is_429_with_a_time(
    http: aiohttp.ClientSession, store: SmallStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest, "BUSY_WAIT_S", 0.1)
    store.is_full = True
    async with http.post("/api/logs", data=b'{"message":"a"}') as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "1")
        assert (await response.json())["error"] == "too much waits for the disk"


async def test_a_store_that_has_room_again_takes_the_waiting_batch(
    http: aiohttp.ClientSession, store: SmallStore
) -> None:
    store.is_full = True
    posting = asyncio.ensure_future(post(http, b'{"message":"a"}'))
    await asyncio.sleep(0.1)
    assert not posting.done()
    store.is_full = False
    assert (await posting)[0] == 200


async def test_a_disk_that_fails_is_503_and_the_record_is_shown(
    http: aiohttp.ClientSession, hub: Hub, store: SmallStore
) -> None:
    store.broken = StorageError("Cannot write log files in /x: No space left.")
    async with http.post("/api/logs", data=b'{"message":"a"}') as response:
        assert (response.status, response.headers["Retry-After"]) == (503, "2")
        assert (await response.json())["error"].startswith("Cannot write log files")
        assert (await response.json())["accepted"] == 0
    assert messages(hub) == ["a"]
    assert hub.stats()["dropped"] == 1


async def test_a_large_batch_is_taken_in_slices_and_in_order(http: aiohttp.ClientSession, hub: Hub) -> None:
    entries = [{"message": f"m{number}"} for number in range(2_000)]
    status, told = await post(http, json.dumps(entries).encode())
    assert (status, told["accepted"]) == (200, 2_000)
    assert messages(hub) == [entry["message"] for entry in entries]


async def test_many_refusals_are_told_up_to_a_hundred(http: aiohttp.ClientSession) -> None:
    status, told = await post(http, b"7\n" * 300 + b'{"message":"a"}')
    assert (status, len(told["rejected"]), told["rejected_in_all"]) == (200, 100, 300)


async def test_a_body_of_too_many_entries_is_413(http: aiohttp.ClientSession, hub: Hub) -> None:
    status, told = await post(http, b'"x"\n' * (ingest.MAX_BODY_ENTRIES + 1))
    assert status == 413
    assert "100,001 entries" in told["error"]
    assert hub.head == 0


async def test_a_large_array_that_is_no_json_is_told(http: aiohttp.ClientSession) -> None:
    status, told = await post(http, b"[" + b'{"message":"x"},' * 100_000 + b"oops]")
    assert (status, len(told["rejected"])) == (400, 1)
    assert "the body is not JSON" in told["error"]


@pytest.mark.parametrize("lines", [5_000, 300_000])
async def test_an_array_nested_too_deeply_is_told(http: aiohttp.ClientSession, hub: Hub, lines: int) -> None:
    status, told = await post(http, b"[[[[\n" * lines)
    assert (status, told["accepted"], hub.head) == (400, 0, 0)
    assert "nested too deeply" in told["error"]


async def test_an_entry_with_an_odd_number_is_refused_or_taken_alone(http: aiohttp.ClientSession, hub: Hub) -> None:
    status, _ = await post(http, b'{"message":"a"}\n{"level":1e999,"message":"b"}\n{"message":"c"}')
    assert status == 200
    assert messages(hub) == ["a", "b", "c"]
