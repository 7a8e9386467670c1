"""Memory for each record held, the hub's ring included: what the process has to itself with 1,000,000 less with none.

Both are read when the allocator has been made to give back what nobody holds, here as in the peer.
"""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.bench import Bench
from tests.bench.cutelog import cutelog_runs
from tests.bench.million import million_runs
from tests.bench.report import Figure, Row, at_most


def measure(bench: Bench) -> Sequence[Row]:
    ours = Figure([run.record_bytes for run in bench.once(million_runs)], "bytes")
    peer = Figure([run.record_bytes for run in bench.once(cutelog_runs)], "bytes")
    return [Row("memory of a record held, of 75 characters", ours, at_most(320), [("cutelog", peer)])]
