"""20,000 records to 1, 10 and 50 plain socket.io-client viewers: a headless hub beside a Node winston server.

Both write rotated files; the hub keeps a history too, and it is sent its records (`logs` events of 200, from one Node
program), where the Node server logs them itself. The viewers are the same: as many Node programs as there are cores,
each with its share of them, and all that they do is count.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from tests.bench.bench import Bench
from tests.bench.processes import cpu_s
from tests.bench.report import Figure, Row, at_least, at_most
from tests.support.hubs import HubProgram
from tests.support.node import NodeProgram

RECORDS = 20_000
VIEWERS = (1, 10, 50)
BATCH = 200
TEXT = "request served in 12 ms with status 200 for user 48213"
PATH = "/llamaproxws"
WITHIN_S = 120.0
# To one viewer a hub is to deliver three times as much as Node; to more the viewers take most of two cores.
FASTER = {1: 3.0, 10: 1.3, 50: 1.3}
CHEAPER = 0.3


class Run(NamedTuple):
    """What one server did."""

    rate: float
    """Deliveries a second, from the first record sent to the last received."""
    server_us: float
    """Processor time of the server for each delivery."""
    viewers_us: float
    """The viewers' own."""


def measure(bench: Bench) -> Sequence[Row]:
    count = bench.count(RECORDS)
    rows: list[Row] = []
    for viewers in VIEWERS:
        ours: list[Run] = []
        node: list[Run] = []
        for _ in range(bench.runs):
            ours.append(_from_hub(bench, viewers, count))
            node.append(_from_node(bench, viewers, count))
            for name, run in (("ours", ours[-1]), ("node", node[-1])):
                bench.tell(f"fanout, {name}, {viewers} viewers", **run._asdict())
        rows += _rows(viewers, count, ours, node)
    return rows


def _rows(viewers: int, count: int, ours: Sequence[Run], node: Sequence[Run]) -> Sequence[Row]:
    peer = "Node winston + rotate-file + socket.io"
    rate, node_rate = (Figure([run.rate for run in runs], "/s") for runs in (ours, node))
    cpu, node_cpu = (Figure([run.server_us for run in runs], "µs") for runs in (ours, node))
    goal = at_most(CHEAPER * node_cpu.median) if viewers > 1 else None
    named = f"{viewers} viewer{'s' if viewers > 1 else ''}"
    return [
        Row(
            f"{count:,} records to {named}: deliveries",
            rate,
            at_least(FASTER[viewers] * node_rate.median),
            [(peer, node_rate)],
        ),
        Row("… processor time of the server for each", cpu, goal, [(peer, node_cpu)]),
    ]


def _from_hub(bench: Bench, viewers: int, count: int) -> Run:
    with HubProgram(bench.new_folder()) as hub:
        assert hub.program is not None
        url = f"http://127.0.0.1:{hub.port}"
        with NodeProgram("logs-producer.js", url, str(BATCH)) as producer:
            assert producer.object() == {"connected": True}

            def begin() -> float:
                producer.send(f"burst {count} {TEXT}")
                return float(str(producer.object()["began_s"]))

            return _measured(hub.program.pid, url, "/socket.io", viewers, count, begin)


def _from_node(bench: Bench, viewers: int, count: int) -> Run:
    with NodeProgram("winston-server.js", "--path", PATH, "--logs", bench.new_folder()) as server:
        url = f"http://127.0.0.1:{server.listening_port()}"

        def begin() -> float:
            began_s = time.monotonic()
            server.send(f"burst {count} {TEXT}")
            return began_s

        return _measured(server.pid, url, PATH, viewers, count, begin)


def _measured(pid: int, url: str, path: str, viewers: int, count: int, begin: Callable[[], float]) -> Run:
    """Let *begin* start the records, which says when; wait until every viewer has had all, and none more."""
    programs = min(viewers, len(os.sched_getaffinity(0)))
    shares = [viewers // programs + (number < viewers % programs) for number in range(programs)]
    with ExitStack() as stack:
        started = [
            stack.enter_context(NodeProgram("viewers.js", url, str(share), str(count), "--path", path))
            for share in shares
        ]
        for share, program in zip(shares, started, strict=True):
            assert program.object() == {"connected": share}
        time.sleep(0.5)  # the last of them has been admitted, and what connecting took is over
        server_before_s, viewers_before_s = cpu_s(pid), sum(cpu_s(program.pid) for program in started)
        began_s = begin()
        told = [program.object(WITHIN_S) for program in started]
        took_s = max(float(str(one["at_s"])) for one in told) - began_s
        server_s = cpu_s(pid) - server_before_s
        viewers_s = sum(cpu_s(program.pid) for program in started) - viewers_before_s
        assert all(one["fewest"] == one["most"] == count for one in told), told
    deliveries = viewers * count
    return Run(deliveries / took_s, server_s / deliveries * 1e6, viewers_s / deliveries * 1e6)
