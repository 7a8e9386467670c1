"""From a producer's call to a viewer's event, at 500 records a second: through the hub, and out of Node itself.

The producer is a Node program that emits single `log` events with socket.io-client, and writes into each when that was;
the viewer is another. Node's own is a winston server that logs as often: its records have one way less to go.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.bench import Bench
from tests.bench.report import Figure, Row, at_most
from tests.support.hubs import HubProgram
from tests.support.node import NodeProgram

RECORDS_PER_S = 500
SECONDS = 10
WARM_RECORDS = 250
TEXT = "request served in 12 ms with status 200 for user 48213"
PATH = "/llamaproxws"


def measure(bench: Bench) -> Sequence[Row]:
    count = bench.count(RECORDS_PER_S * SECONDS)
    one: list[tuple[float, float]] = []
    two: list[tuple[float, float]] = []
    node: list[tuple[float, float]] = []
    for _ in range(bench.runs):
        with HubProgram(bench.new_folder()) as hub:
            url = f"http://127.0.0.1:{hub.port}"
            one.append(_through_hub(url, count, "--proto", "1"))
            two.append(_through_hub(url, count, "--proto", "2"))
        with NodeProgram("winston-server.js", "--path", PATH, "--logs", bench.new_folder()) as server:
            url = f"http://127.0.0.1:{server.listening_port()}"
            node.append(_timed(server, url, count, "--path", PATH))
        for name, figures in (("version 1", one), ("version 2", two), ("node", node)):
            bench.tell(f"latency, {name}", median_ms=figures[-1][0], p99_ms=figures[-1][1])
    return [*_rows("version 1", one, node), *_rows("version 2", two, node)]


def _rows(name: str, ours: Sequence[tuple[float, float]], node: Sequence[tuple[float, float]]) -> Sequence[Row]:
    peer = "Node winston + socket.io, itself the producer"
    medians, p99s = zip(*ours, strict=True)
    node_medians, node_p99s = zip(*node, strict=True)
    what = f"{RECORDS_PER_S} records/s, from the call to a {name} viewer"
    return [
        Row(f"{what}: median", Figure(medians, "ms"), at_most(15), [(peer, Figure(node_medians, "ms"))]),
        Row("… 99 of 100", Figure(p99s, "ms"), at_most(40), [(peer, Figure(node_p99s, "ms"))]),
    ]


def _through_hub(url: str, count: int, *options: str) -> tuple[float, float]:
    with NodeProgram("logs-producer.js", url, "1") as producer:
        assert producer.object() == {"connected": True}
        return _timed(producer, url, count, *options)


def _timed(sender: NodeProgram, url: str, count: int, *options: str) -> tuple[float, float]:
    """Median and 99th percentile in ms, after some records that are not counted."""
    with NodeProgram("stopwatch.js", url, str(WARM_RECORDS), *options) as viewer:
        assert viewer.object() == {"connected": True}
        sender.send(f"pace {RECORDS_PER_S} {WARM_RECORDS} {TEXT}")
        viewer.object()
        viewer.send(f"lap {count}")
        assert viewer.object() == {"lap": count}
        sender.send(f"pace {RECORDS_PER_S} {count} {TEXT}")
        told = viewer.object(60 + count / RECORDS_PER_S)
    return float(str(told["median_ms"])), float(str(told["p99_ms"]))
