"""What the hub leans on in python-socketio and engineio: told here when a new version no longer has it."""

import inspect

import engineio
import socketio
from engineio.async_socket import AsyncSocket

from desktop_logs.net.engine import Engine
from desktop_logs.net.sio import HubSocketServer


def parameters(function: object) -> list[str]:
    return list(inspect.signature(function).parameters)  # type: ignore[arg-type]


def test_the_methods_that_are_overridden_are_there_with_the_same_parameters() -> None:
    for name in (
        "_engineio_server_class",
        "_handle_eio_connect",
        "_handle_connect",
        "_handle_eio_connect",
        "_handle_eio_disconnect",
        "_handle_disconnect",
        "_handle_eio_message",
        "_handle_event",
        "_handle_event_internal",
    ):
        ours, theirs = getattr(HubSocketServer, name), getattr(socketio.AsyncServer, name)
        assert parameters(ours) == parameters(theirs), name


def test_the_parts_that_are_used_are_there() -> None:
    assert "_binary_packet" in vars(socketio.AsyncServer(async_mode="aiohttp"))
    assert parameters(socketio.AsyncManager.is_connected) == ["self", "sid", "namespace"]
    assert parameters(socketio.AsyncManager.sid_from_eio_sid) == ["self", "eio_sid", "namespace"]
    assert parameters(AsyncSocket.send) == ["self", "pkt"]
    assert parameters(engineio.AsyncServer.start_background_task) == ["self", "target", "args", "kwargs"]


def test_the_methods_of_the_engine_that_are_overridden_are_there_with_the_same_parameters() -> None:
    for name in ("start_background_task", "create_queue"):
        assert parameters(getattr(Engine, name)) == parameters(getattr(engineio.AsyncServer, name)), name
    assert parameters(engineio.AsyncServer.handle_request) == ["self", "args", "kwargs"]
    assert parameters(AsyncSocket.close) == ["self", "wait", "abort", "reason"]
    assert {"_send_ping", "queue", "last_ping", "upgraded", "closing", "closed"} <= {
        *vars(AsyncSocket),
        *vars(AsyncSocket(engineio.AsyncServer(async_mode="aiohttp"), "sid")),
    }
