"""The hub is killed at any moment, and nothing that it acknowledged is lost or there twice.

`make soak` does it fifty times; a seed that failed is repeated with DESKTOP_LOGS_SEED.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.support.hubs import HubProgram, SteadyProducer, balance, doubled, filed, run_for, stored

PRODUCERS = 8
RECORDS_PER_S = 20_000
FIRST_SEED = int(os.environ.get("DESKTOP_LOGS_SEED", "1"))
ROUNDS = int(os.environ.get("DESKTOP_LOGS_ROUNDS", "5"))


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + ROUNDS))
def test_what_was_acknowledged_before_a_kill_is_stored_once(tmp_path: Path, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    with HubProgram(tmp_path) as hub:
        producers = [SteadyProducer(hub, f"p{number}", RECORDS_PER_S // PRODUCERS) for number in range(PRODUCERS)]
        for producer in producers:
            producer.start()
        try:
            run_for(chance.uniform(0.2, 2.5))
            hub.kill()
            hub.start()
            run_for(1.0)
        finally:
            for producer in producers:
                producer.end()
        counters = hub.settled()
        assert balance(counters) == 0
        assert hub.stop() == 0

    rows = stored(tmp_path, "message, seq")
    messages = [message for message, _ in rows]
    assert doubled(messages) == []
    lost = {producer.message(number) for producer in producers for number in range(producer.acknowledged)} - set(
        messages
    )
    assert lost == set()
    assert sum(producer.acknowledged for producer in producers) > 1_000, "nothing was tried"
    numbers = [seq for _, seq in rows]
    assert numbers == sorted(set(numbers))
    assert [entry["message"] for entry in filed(tmp_path)] == messages
