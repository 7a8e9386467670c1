"""The short way of `log` events: decoded as by the libraries, in order with what goes their way, in turns."""

import asyncio
import hashlib
import inspect
import json
import logging
import re
from collections import deque
from collections.abc import Callable
from typing import Any

import aiohttp
import engineio
import pytest
import socketio
from aiohttp import WSMessage, WSMsgType
from engineio.async_drivers.aiohttp import WebSocket
from engineio.async_socket import AsyncSocket
from engineio.packet import MESSAGE
from engineio.packet import Packet as EnginePacket
from hypothesis import example, given
from hypothesis import strategies as st
from socketio.packet import EVENT, Packet

from desktop_logs.net import fastpath
from desktop_logs.net.fastpath import FeedWebSocket, LogEvent, ShortWay, decode_event

# --- what is leaned on ----------------------------------------------------------------------------------------------

LEANED_ON: list[tuple[Callable[..., object], str, str]] = [
    (WebSocket.__init__, "4596f025e730", "the handler is the socket's own method, the server is engineio's"),
    (WebSocket.__call__, "e6244b1c0c48", "HubWebSocket.__call__ stands in for it"),
    (WebSocket.send, "08ce531204fb", "HubWebSocket.send stands in for it"),
    (WebSocket.wait, "c99b61000bd1", "HubWebSocket.wait stands in for it"),
    (
        AsyncSocket._websocket_handler,
        "14301f6eda82",
        "it takes a message at a time from `wait`, and ends when that raises OSError",
    ),
    (AsyncSocket.receive, "8b6010ae2dc0", "a MESSAGE is handled before the next is waited for (async_handlers=False)"),
    (AsyncSocket.check_ping_timeout, "8b96967be187", "a client is let go by `last_ping`, which the short way renews"),
    (EnginePacket.decode, "26af38222b66", "decode_event does the same for a MESSAGE that begins with 42"),
    (Packet.decode, "13d4ffcce93d", "decode_event does the same for an EVENT of the default namespace"),
    (Packet.add_attachment, "199e196f4f7d", "ShortWay counts the messages that it is given"),
    (
        socketio.AsyncServer._handle_eio_message,
        "704179e7f4c1",
        "the short way is closed to what it would not give to a handler",
    ),
    (socketio.AsyncServer._handle_event, "f408e81341c6", "an event needs a connection to the namespace"),
    (engineio.AsyncClient._read_loop_websocket, "a58cb7ab7220", "it takes a message at a time from `receive`"),
    (
        engineio.AsyncClient._receive_packet,
        "e8c8ef18a638",
        "a message is handled in a task of its own, begun before the next",
    ),
    (socketio.AsyncClient._handle_eio_message, "18bea64b75b2", "an event is handed over without waiting for anything"),
    (socketio.AsyncClient._handle_event, "8df5f1ed9974", "an event is handed over without waiting for anything"),
]


def mark_of(function: Callable[..., object]) -> str:
    """A hash of the function's code; comments and spaces make no difference."""
    code = re.sub(r"#.*|\s+", "", inspect.getsource(function))
    return hashlib.sha256(code.encode()).hexdigest()[:12]


@pytest.mark.parametrize(("function", "mark", "what"), LEANED_ON, ids=lambda part: getattr(part, "__qualname__", ""))
def test_the_libraries_still_do_what_the_short_way_stands_in_for(
    function: Callable[..., object], mark: str, what: str
) -> None:
    assert mark_of(function) == mark, (
        f"python-engineio or python-socketio has changed {function.__module__}.{function.__qualname__}. "
        f"desktop_logs/net/fastpath.py leans on it: {what}. Compare the two; where that still holds, renew the mark."
    )


def test_a_session_makes_the_websocket_it_is_given() -> None:
    assert "ws_response_class" in inspect.signature(aiohttp.ClientSession).parameters
    ours, theirs = FeedWebSocket.receive, aiohttp.ClientWebSocketResponse.receive
    assert list(inspect.signature(ours).parameters) == list(inspect.signature(theirs).parameters)


# --- decoding -------------------------------------------------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
spellings = st.fixed_dictionaries(
    {"ensure_ascii": st.booleans(), "separators": st.sampled_from([(",", ":"), (", ", ": ")])}
)


def as_the_libraries_decode(frame: str) -> tuple[int, object, object, object]:
    outer = EnginePacket(encoded_packet=frame)
    assert outer.packet_type == MESSAGE
    inner = Packet(encoded_packet=outer.data)
    return inner.packet_type, inner.namespace, inner.id, inner.data


def agrees_with_the_libraries(frame: str) -> LogEvent | None:
    event = decode_event(frame)
    if event is not None:
        kind, namespace, ack_id, data = as_the_libraries_decode(frame)
        assert (kind, namespace) == (EVENT, None)
        assert isinstance(data, list)
        theirs = LogEvent(data[0], data[1] if len(data) > 1 else None, ack_id)  # type: ignore[arg-type]
        # By its text, since NaN is not equal to itself and 1 is equal to True.
        assert repr(event) == repr(theirs)
    return event


@given(st.sampled_from(["log", "logs"]), st.lists(values, max_size=3), st.none() | st.integers(0, 10**20), spellings)
@example("log", [float("nan")], None, {})
@example("log", [{"a": "\ud800"}], 7, {})
@example("log", [10**90], None, {})
def test_an_event_is_decoded_as_the_libraries_do(
    name: str, arguments: list[object], ack_id: int | None, spelling: dict[str, Any]
) -> None:
    agrees_with_the_libraries(f"42{'' if ack_id is None else ack_id}{json.dumps([name, *arguments], **spelling)}")


@given(st.data())
def test_whatever_a_frame_was_made_of_it_is_decoded_as_the_libraries_do(data: st.DataObject) -> None:
    frame = f"42{data.draw(st.sampled_from(['', '0', '12']))}" + json.dumps(["log", data.draw(values)])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(frame)))
        cut = data.draw(st.integers(0, 3))
        frame = (
            frame[:at]
            + data.draw(st.sampled_from(["", "4", "2", "-", "[", "]", '"', ",", "/", "{", " "]))
            + frame[at + cut :]
        )
    agrees_with_the_libraries(frame)


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        ('42["log",{"message":"m"}]', LogEvent("log", {"message": "m"})),
        ('4217["log","bare","more"]', LogEvent("log", "bare", 17)),
        ('42["log"]', LogEvent("log", None)),
        ('42["logs",[1]]', LogEvent("logs", [1])),
    ],
)
def test_what_clients_send_takes_the_short_way(frame: str, event: LogEvent) -> None:
    assert decode_event(frame) == event


def test_an_integer_for_which_engineio_would_drop_the_packet_reaches_who_can_refuse_it() -> None:
    assert decode_event(f'42["log",{10**400}]') == LogEvent("log", 10**400)


OTHER_FRAMES = [
    *["", "2", "3", "40", '42["logger",1]', '42["message"]', '42/admin,["log",1]', '42 ["log",1]', '451-["log",1]'],
    *['42["log",NaN]', '42["log",{]', '42["log"]]', '42["log","\\ud800"]', '420000000000000000000["log",1]'],
]


@pytest.mark.parametrize("frame", OTHER_FRAMES)
def test_everything_else_goes_the_libraries_way(frame: str) -> None:
    assert decode_event(frame) is None


# --- one connection -------------------------------------------------------------------------------------------------


class Frames:
    """Stands for aiohttp's WebSocket: frames that are there are received at once; for others it waits."""

    def __init__(self, *frames: str | bytes) -> None:
        self.there = deque(frames)
        self.arrived = asyncio.Event()
        self.was_cancelled = False

    def arrive(self, *frames: str | bytes) -> None:
        self.there.extend(frames)
        self.arrived.set()

    async def receive(self) -> WSMessage:
        while not self.there:
            self.arrived.clear()
            try:
                await self.arrived.wait()
            except asyncio.CancelledError:
                self.was_cancelled = True
                raise
        data = self.there.popleft()
        return WSMessage(WSMsgType.TEXT if isinstance(data, str) else WSMsgType.BINARY, data, "")


class Takes:
    """A taker that keeps what it is given, a list for each batch."""

    def __init__(self) -> None:
        self.batches: list[list[object]] = []
        self.is_open = True
        self.hold: asyncio.Future[Any] | None = None
        self.fault: Exception | None = None

    def take(self, events: list[LogEvent]) -> asyncio.Future[Any] | None:
        self.batches.append([event.payload for event in events])
        if self.fault is not None:
            raise self.fault
        return self.hold

    @property
    def taken(self) -> list[object]:
        return [payload for batch in self.batches for payload in batch]


class Clock:
    """Goes on by *step_s* each time it is looked at."""

    def __init__(self, step_s: float = 0.0) -> None:
        self.now_s = 100.0
        self.step_s = step_s

    def __call__(self) -> float:
        self.now_s += self.step_s
        return self.now_s


def log(number: int) -> str:
    return f'42["log",{number}]'


@pytest.fixture
def takes() -> Takes:
    return Takes()


def way_to(takes: Takes, clock: Clock | None = None) -> ShortWay:
    logger = logging.getLogger("desktop_logs.test.fastpath")
    return ShortWay(takes.take, 1_000, logger, is_open=lambda: takes.is_open, clock_s=clock or Clock())


async def test_all_that_is_there_is_taken_in_one_batch_before_it_waits(takes: Takes) -> None:
    frames = Frames(*map(log, range(5)))
    reading = asyncio.ensure_future(way_to(takes).next_message(frames.receive))
    await asyncio.sleep(0.01)
    assert takes.batches == [[0, 1, 2, 3, 4]]
    frames.arrive(log(5))
    await asyncio.sleep(0.01)
    assert takes.batches[1:] == [[5]]
    frames.arrive("3")
    assert (await reading).data == "3"


async def test_what_goes_the_librarys_way_keeps_its_place(takes: Takes) -> None:
    frames = Frames(log(1), log(2), '42 ["log",3]', log(4), "2", log(5), '42["logs",[6]]', log(7), "3")
    way = way_to(takes)
    seen: list[object] = []
    for _ in range(3):
        message = await way.next_message(frames.receive)
        seen += [*takes.batches, message.data]
        takes.batches.clear()
    assert seen == [[1, 2], '42 ["log",3]', [4], "2", [5], [[6]], [7], "3"]


async def test_the_messages_of_an_attachment_go_the_librarys_way(takes: Takes) -> None:
    frames = Frames(log(1), '452-["log",{"_placeholder":true,"num":0}]', b"a", "3", log(2), log(3), "2")
    way = way_to(takes)
    seen = [(await way.next_message(frames.receive)).data for _ in range(5)]
    # The second attachment is a text, as only a confused peer would send it: the library takes it for one too.
    assert seen == ['452-["log",{"_placeholder":true,"num":0}]', b"a", "3", log(2), "2"]
    assert takes.taken == [1, 3]


async def test_a_frame_over_the_limit_goes_the_librarys_way(takes: Takes) -> None:
    frame = f'42["log","{"x" * 1_000}"]'
    assert (await way_to(takes).next_message(Frames(frame).receive)).data == frame


async def test_who_is_not_connected_is_left_to_the_library(takes: Takes) -> None:
    takes.is_open = False
    assert (await way_to(takes).next_message(Frames(log(1)).receive)).data == log(1)
    assert takes.taken == []


async def test_others_have_their_turn_of_the_loop_however_much_is_there(takes: Takes) -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    frames = Frames(*map(log, range(1_000)), "3")
    beside = asyncio.ensure_future(other())
    await way_to(takes, Clock(fastpath.TURN_S / 10)).next_message(frames.receive)
    beside.cancel()
    assert takes.taken == list(range(1_000))
    assert turns > 50


@pytest.mark.parametrize("ends", ["taken", "cancelled"])
async def test_a_large_event_is_taken_in_another_turn_than_it_is_decoded(
    takes: Takes, ends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastpath, "BATCH_CHARACTERS", 100)
    large = "x" * 200
    reading = asyncio.ensure_future(way_to(takes).next_message(Frames(f'42["logs","{large}"]', "3").receive))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert takes.taken == []
    if ends == "cancelled":
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    else:
        assert (await reading).data == "3"
    assert takes.taken == [large]


async def test_in_a_long_burst_a_message_goes_the_librarys_way_now_and_then(takes: Takes) -> None:
    frames = Frames(*map(log, range(1_000)))
    way = way_to(takes, Clock(fastpath.LIBRARY_EVERY_S / 100))
    seen = [(await way.next_message(frames.receive)).data for _ in range(5)]
    assert all(decode_event(data) for data in seen)


async def test_nothing_more_is_taken_while_the_taker_wants_it_held(takes: Takes) -> None:
    takes.hold = asyncio.get_running_loop().create_future()
    frames = Frames(log(1))
    reading = asyncio.ensure_future(way_to(takes).next_message(frames.receive))
    await asyncio.sleep(0.01)
    frames.arrive(log(2), log(3), "3")
    await asyncio.sleep(0.01)
    assert takes.taken == [1]
    assert len(frames.there) == 2
    takes.hold.set_result(None)
    assert (await reading).data == "3"
    assert takes.taken == [1, 2, 3]


async def test_what_goes_the_librarys_way_waits_for_what_is_held_before_it(takes: Takes) -> None:
    takes.hold = asyncio.get_running_loop().create_future()
    reading = asyncio.ensure_future(way_to(takes).next_message(Frames(log(1), "3").receive))
    await asyncio.sleep(0.01)
    assert takes.taken == [1]
    assert not reading.done()
    takes.hold.set_result(None)
    assert (await reading).data == "3"


async def test_what_was_received_before_a_cancellation_is_taken(takes: Takes) -> None:
    frames = Frames(*map(log, range(3)))
    reading = asyncio.ensure_future(way_to(takes).next_message(frames.receive))
    await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert reading.cancelled()
    assert frames.was_cancelled, "aiohttp would believe that somebody still reads"
    assert takes.taken == [0, 1, 2]


async def test_what_was_received_before_a_failure_is_taken(takes: Takes) -> None:
    frames = Frames(log(1))

    async def receive() -> WSMessage:
        if not frames.there:
            raise OSError("gone")
        return await frames.receive()

    with pytest.raises(OSError, match="gone"):
        await way_to(takes).next_message(receive)
    assert takes.taken == [1]


async def test_a_fault_of_the_taker_is_logged_and_ends_nothing(takes: Takes, caplog: pytest.LogCaptureFixture) -> None:
    takes.fault = KeyError("a fault of ours")
    assert (await way_to(takes).next_message(Frames(log(1), "3").receive)).data == "3"
    assert [record.getMessage() for record in caplog.records] == ["message handler error"]
