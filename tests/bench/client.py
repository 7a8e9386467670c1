"""20,000 single `log` events from a Node winston server to the window as its client; every one is looked for."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.bench.bench import Bench
from tests.bench.events import EVENTS, TEXT, event_rows
from tests.bench.report import Row
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
    what = f"{count:,} single `log` events from a Node winston server to the window as client"
    return event_rows(what, "Node's socket.io-client, which only counts", ours, straightforward, node, lost)


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
