"""A million records from one producer at once: each is accounted for, and neither side's memory grows with them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.hubs import HubProgram, balance, stored
from tests.support.program import Program

RECORDS = 1_000_000
MOST_GROWTH_BYTES = 64_000_000
"""Of the producer, which grows by 13 MB."""
MOST_HUB_GROWTH_BYTES = 128_000_000
"""Of the hub, which grows by 56 MB: by the 100,000 records of its ring and little more. A million would be 500."""

PRODUCER = """
import json, logging, sys, time
from desktop_logs import DesktopLogsHandler

def resident():
    with open("/proc/self/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["VmRSS"].split()[0]) * 1024, int(fields["VmHWM"].split()[0]) * 1024

handler = DesktopLogsHandler(sys.argv[1], source="burst", spool_dir=None)
logger = logging.getLogger("burst")
logger.addHandler(handler)
logger.setLevel("DEBUG")
logger.info("the first")
handler.flush(30)
before, _ = resident()
for number in range(int(sys.argv[2])):
    logger.debug("record %07d of a burst: what a program says that has gone round in circles for ever", number)
handler.flush(120)
_, most = resident()
print(json.dumps({**handler.stats(), "grown": most - before}))
"""


@pytest.mark.timeout(240)  # 12 s where nothing else runs
def test_a_burst_is_accounted_for_to_the_record(tmp_path: Path) -> None:
    with HubProgram(tmp_path, "--min-free-bytes", "0") as hub:
        assert hub.program is not None
        hub.post(["warm"])
        before = resident_bytes(hub.program.pid)
        with Program([sys.executable, "-c", PRODUCER, f"http://127.0.0.1:{hub.port}", str(RECORDS)]) as producer:
            told = json.loads(producer.line(150))
            assert producer.wait() == 0
        counters = hub.settled()
        grown = resident_bytes(hub.program.pid, "VmHWM") - before
        assert balance(counters) == 0
        hub.stop()

    assert told["queued"] == 0
    assert told["sent"] + told["dropped"] + told["rejected"] == RECORDS + 1
    messages = [message for (message,) in stored(tmp_path)]
    from_burst = [message for message in messages if message.startswith("record ")]
    reported = sum(
        int(message.split()[0].replace(",", "")) for message in messages if "dropped by this program" in message
    )
    assert len(from_burst) == len(set(from_burst)) == told["sent"] - 1
    assert reported == told["dropped"]
    assert counters["stored"] == len(messages)
    print(f"the producer has grown by {told['grown']} bytes, the hub by {grown}")
    assert told["grown"] <= MOST_GROWTH_BYTES
    assert grown <= MOST_HUB_GROWTH_BYTES


def resident_bytes(pid: int, name: str = "VmRSS") -> int:
    """The memory of a program that is in use now, or (VmHWM) was at the most."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {name} of {pid}")
