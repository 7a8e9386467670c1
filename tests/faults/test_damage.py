"""A segment is damaged in a hundred places: the hub starts, sets it aside, and has it again from what is left of it and
from the log files."""

from __future__ import annotations

import json
import random
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest

from desktop_logs.core.records import Record
from desktop_logs.core.settings import LogSettings
from desktop_logs.folders import history_dir, logs_dir
from desktop_logs.storage.disk import DiskThread
from desktop_logs.storage.segments import segments_in
from tests.support.hubs import HubProgram, doubled, stored
from tests.support.program import DESKTOP_LOGS, eventually

RECORDS_A_DAY = 3_000
PLACES = 100
START_NS = 1_795_341_600_000_000_000


def write_days(data_dir: Path, today: date) -> None:
    """Yesterday and the day before, as a hub of those days would have."""
    days = [today - timedelta(days=2), today - timedelta(days=1)]
    current = days[0]
    disk = DiskThread(logs_dir(data_dir), LogSettings(), today=lambda: current, history=history_dir(data_dir))
    disk.open()
    disk.start()
    for number, current in enumerate(days):  # noqa: B007 - the lambda above reads it
        first = number * RECORDS_A_DAY + 1
        for start in range(first, first + RECORDS_A_DAY, 500):
            disk.write([record(seq) for seq in range(start, start + 500)]).result(20)
    assert disk.close(20)


def record(seq: int) -> Record:
    return Record(seq, START_NS + seq * 1_000_000, 9, "info", "api", message(seq), f'{{"user":{seq % 100}}}')


def message(seq: int) -> str:
    return f"number {seq}: GET /orders/{seq * 7_919 % 100_000} for somebody who waits for it"


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("which", [0, 1])
def test_a_damaged_segment_is_set_aside_and_made_again(tmp_path: Path, which: int, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    write_days(tmp_path, date.today())
    folder = history_dir(tmp_path)
    path = folder / str(segments_in(folder)[which])
    content = bytearray(path.read_bytes())
    for _ in range(PLACES):
        at = chance.randrange(len(content))
        content[at : at + 1] = chance.randbytes(1)
    path.write_bytes(content)

    everything = {message(seq) for seq in range(1, 2 * RECORDS_A_DAY + 1)}
    sound = range(1, RECORDS_A_DAY + 1) if which else range(RECORDS_A_DAY + 1, 2 * RECORDS_A_DAY + 1)
    with HubProgram(tmp_path) as hub:
        assert message(sound[0]) in found(tmp_path, f'"number {sound[0]}:"'), "the other day is searched at once"
        eventually("it is set aside", lambda: path.with_name(f"{path.name}.damaged").exists())
        eventually("it is there again", path.exists, 30)
        assert hub.post(["after the damage"])[0] == 200
        hub.stop()
    rows = stored(tmp_path, "seq, message")
    assert {text for _, text in rows} == {*everything, "after the damage"}
    assert doubled(seq for seq, _ in rows) == []
    assert all(text == message(seq) for seq, text in rows[:-1])


def found(data_dir: Path, query: str) -> list[str]:
    """The messages that `desktop-logs search` finds."""
    command = [DESKTOP_LOGS, "search", query, "--json", "--data-dir", str(data_dir)]
    ran = subprocess.run(command, capture_output=True, timeout=60, check=False)
    return [json.loads(line)["message"] for line in ran.stdout.splitlines()]
