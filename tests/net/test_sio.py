"""What the hub leans on in python-socketio: told here when a new version no longer has it."""

import inspect

import socketio

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
