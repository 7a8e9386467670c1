"""20,000 single `log` events from a Node winston server to the window as its client; every one is looked for."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.bench.bench import Bench
from tests.bench.events import EVENTS, TEXT
from tests.bench.report import Figure, Row, at_least, at_most, never_more_than
from tests.bench.windows import SETTLE_S, OurWindow, Straightforward, Window
from tests.support.node import NodeProgram

PATH = "/llamaproxws"


def measure(bench: Bench) -> Sequence[Row]:
    count = bench.count(EVENTS)
    ours: list[tuple[float, float]] = []
    straightforward: list[tuple[float, float]] = []
    node: list[float] = []
    lost: list[float] = []
    for _ in range(bench.runs):
        with NodeProgram("winston-server.js", "--path", PATH) as server:
            url = f"http://127.0.0.1:{server.listening_port()}"
            with OurWindow(bench.display, bench.new_folder(), "--connect", url, "--path", PATH) as window:
                window.do("live", page=1)
                ours.append(_from_server(server, window, count, page=1))
                told = window.do("numbers", page=1, count=count)
            lost.append(told["missing"] + told["twice"])
        with NodeProgram("winston-server.js", "--path", PATH) as server:
            url = f"http://127.0.0.1:{server.listening_port()}"
            with Straightforward(bench.display, url, PATH) as peer:
                straightforward.append(_from_server(server, peer, count))
        node.append(_into_node(count))
        bench.tell("client", ours=ours[-1][0], stall_ms=ours[-1][1], lost=lost[-1])
        bench.tell("client, peers", straightforward=straightforward[-1][0], node=node[-1])
    return [
        Row(
            f"{count:,} single `log` events from a Node winston server to the window as client",
            Figure([rate for rate, _ in ours], "/s"),
            at_least(8_000),
            [
                ("stock qasync and python-socketio", Figure([rate for rate, _ in straightforward], "/s")),
                ("Node's socket.io-client, which only counts", Figure(node, "/s")),
            ],
        ),
        Row(
            "… longest stall",
            Figure([stall_ms for _, stall_ms in ours], "ms"),
            at_most(50),
            [("stock qasync and python-socketio", Figure([stall_ms for _, stall_ms in straightforward], "ms"))],
        ),
        Row("… missing or twice", Figure(lost, "records"), never_more_than(0)),
    ]


def _from_server(server: NodeProgram, window: Window, count: int, **where: int) -> tuple[float, float]:
    """Events a second until all are rows, and the longest stall in ms."""
    window.settle()
    began_s = time.perf_counter()
    server.send(f"burst {count} {TEXT}")
    rate = window.rate_of_rows(count, began_s, **where)
    time.sleep(SETTLE_S)
    return rate, window.stall_ms()


def _into_node(count: int) -> float:
    with NodeProgram("winston-server.js", "--path", PATH) as server:
        url = f"http://127.0.0.1:{server.listening_port()}"
        with NodeProgram("receiver.js", str(count), url, "--path", PATH) as receiver:
            assert receiver.object() == {"connected": True}
            began_s = time.perf_counter()
            server.send(f"burst {count} {TEXT}")
            return count / (float(str(receiver.object(60)["at_s"])) - began_s)
