"""An export writes all of its records or nothing, and gives the loop back while it does."""

from __future__ import annotations

import asyncio
import csv
import errno
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from desktop_logs import partfile
from desktop_logs.core.errors import StorageError
from desktop_logs.core.export import FORMATS, text_line
from desktop_logs.core.records import Record
from desktop_logs.core.wire import decode_json, parse_entry
from desktop_logs.ui.export_job import ExportJob, groups

T0_NS = 1_795_341_600_123_000_000


def record(seq: int, message: str = "listening", **fields: Any) -> Record:
    return Record(
        seq=seq,
        time_ns=T0_NS + seq * 1_000_000,
        severity=fields.pop("severity", 9),
        level=fields.pop("level", "info"),
        source=fields.pop("source", "api"),
        message=message,
        **fields,
    )


def varied(how_many: int) -> list[Record]:
    """Records with what is hard to write down: newlines, quotes, commas, other scripts, formulas, a traceback."""
    messages = ("plain", 'a "quoted", text', "two\nlines\r\nthree", "日本語 ✓ \u202eabc", "=1+1", "\x1b[31mred", "")
    contexts = ("", '{"user":42,"deep":{"list":[1,2.5,null,"x"]}}', '{"traceback":"Traceback\\n  File"}')
    return [
        record(
            seq,
            messages[seq % len(messages)],
            context=contexts[seq % len(contexts)],
            given_id=f"id-{seq}",
            level=("info", "warning", "silly")[seq % 3],
            severity=(9, 13, 1)[seq % 3],
        )
        for seq in range(1, how_many + 1)
    ]


def read_jsonl(path: Path) -> list[Record]:
    lines = path.read_bytes().splitlines()
    return [parse_entry(decode_json(line), seq, 0) for seq, line in enumerate(lines, 1)]


def read_csv(path: Path) -> list[list[str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Give the loop turns until *condition* holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 (what is waited for happens on a disk thread and has no event)
            await asyncio.sleep(0)


async def test_an_html_page_is_closed_by_its_tail(tmp_path: Path) -> None:
    form = FORMATS["html"]
    await ExportJob(varied(300), form, tmp_path / "out.html").run()
    written = (tmp_path / "out.html").read_bytes()
    assert written == form.head + form.encode(varied(300)) + form.tail


async def test_jsonl_reads_back_as_the_same_records(tmp_path: Path) -> None:
    """Every line is the entry of its record."""
    records = varied(1_000)
    written = await ExportJob(records, FORMATS["jsonl"], tmp_path / "out.jsonl").run()
    assert written == 1_000
    assert read_jsonl(tmp_path / "out.jsonl") == records


async def test_csv_reads_back_and_holds_no_formula(tmp_path: Path) -> None:
    """The csv module gives every cell back, and none begins as a spreadsheet's formula does."""
    records = varied(500)
    await ExportJob(records, FORMATS["csv"], tmp_path / "out.csv").run()
    rows = read_csv(tmp_path / "out.csv")
    assert rows[0] == ["time", "level", "source", "message", "context", "id"]
    assert len(rows) == 501
    for row, one in zip(rows[1:], records, strict=True):
        assert row[3].removeprefix("'") == one.message
        assert row[4] == one.context
        assert row[5] == one.given_id
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    assert rows[4][3] == "'=1+1"


async def test_text_is_a_line_a_record_and_obeys_no_control_character(tmp_path: Path) -> None:
    """The text export is what a terminal may print."""
    records = varied(50)
    await ExportJob(records, FORMATS["text"], tmp_path / "out.txt").run()
    written = (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert written == "".join(text_line(one) + "\n" for one in records)
    assert "\x1b" not in written


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
async def test_no_records_make_a_file_with_nothing_but_its_head_and_tail(tmp_path: Path, form: Any) -> None:
    assert await ExportJob([], form, tmp_path / "out").run() == 0
    assert (tmp_path / "out").read_bytes() == form.head + form.tail


async def test_progress_grows_to_the_total(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    await ExportJob(
        varied(20_000), FORMATS["text"], tmp_path / "out.txt", lambda done, total: told.append((done, total))
    ).run()
    done = [one for one, _ in told]
    assert done == sorted(done)
    assert told[0] == (0, 20_000)
    assert told[-1] == (20_000, 20_000)
    assert len(told) > 4
    assert {total for _, total in told} == {20_000}


async def test_an_existing_file_is_replaced_when_the_new_one_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("old")
    seen: list[str] = []
    await ExportJob(
        varied(5_000), FORMATS["jsonl"], target, lambda done, total: seen.append(target.read_text()[:3])
    ).run()
    assert set(seen[:-1]) == {"old"}
    assert read_jsonl(target) == varied(5_000)
    assert names_in(tmp_path) == ["out.jsonl"]


async def test_cancelled_midway_leaves_no_half_file(tmp_path: Path) -> None:
    """Whenever it is cancelled: no part stays, and an older file of that name is as it was."""
    target = tmp_path / "out.jsonl"
    target.write_text("old")
    reached = asyncio.Event()

    def progress(done: int, total: int) -> None:
        if done >= 10_000:
            reached.set()

    work = asyncio.ensure_future(ExportJob(varied(100_000), FORMATS["jsonl"], target, progress).run())
    await reached.wait()
    assert (tmp_path / "out.jsonl.part").exists()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert names_in(tmp_path) == ["out.jsonl"]
    assert target.read_text() == "old"


async def test_cancelled_twice_still_cleans_up(tmp_path: Path) -> None:
    """A second cancellation, while the first is cleaned up, does not keep the part alive."""
    work = asyncio.ensure_future(ExportJob(varied(50_000), FORMATS["jsonl"], tmp_path / "out.jsonl").run())
    await until((tmp_path / "out.jsonl.part").exists)
    work.cancel()
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    await until(lambda: not names_in(tmp_path))


class _FullDisk(io.BytesIO):
    """A file on a disk that is full after so many bytes."""

    room_bytes = 200_000

    def __init__(self, path: Path) -> None:
        super().__init__()
        path.touch(exist_ok=False)

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > self.room_bytes:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)

    def close(self) -> None:
        super().close()
        raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_full_disk_is_told_in_a_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("old")
    monkeypatch.setattr(partfile, "open_new", _FullDisk)
    with pytest.raises(StorageError, match=r"^The disk that holds .* is full\. Free some space there"):
        await ExportJob(varied(20_000), FORMATS["jsonl"], target).run()
    assert names_in(tmp_path) == ["out.jsonl"]
    assert target.read_text() == "old"


async def test_a_limit_of_the_system_is_told_in_a_sentence(tmp_path: Path) -> None:
    """A real failing write: the process may not make a file larger than 100 kB."""
    resource = pytest.importorskip("resource", reason="limits of a process are a Unix thing")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageError, match=r"^out\.jsonl would be larger than files may be"):
            await ExportJob(varied(20_000), FORMATS["jsonl"], tmp_path / "out.jsonl").run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names_in(tmp_path) == []


async def test_a_folder_that_is_gone_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^There is no folder .*gone\. Choose another one\.$"):
        await ExportJob(varied(5), FORMATS["csv"], tmp_path / "gone" / "out.csv").run()


async def test_a_target_that_is_a_folder_stays_one(tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(StorageError, match=r"is a folder\. Choose another name\.$"):
        await ExportJob(varied(5), FORMATS["csv"], tmp_path / "out.csv").run()
    assert names_in(tmp_path) == ["out.csv"]


async def test_a_part_that_lies_there_is_left_alone(tmp_path: Path) -> None:
    """It may be another export at work, or another program's file."""
    (tmp_path / "out.csv.part").write_text("somebody's")
    await ExportJob(varied(5), FORMATS["csv"], tmp_path / "out.csv").run()
    assert (tmp_path / "out.csv.part").read_text() == "somebody's"
    assert names_in(tmp_path) == ["out.csv", "out.csv.part"]


async def test_a_fault_in_an_encoder_leaves_nothing_and_is_heard(tmp_path: Path) -> None:
    """A fault of this program is no StorageError; the file is cleaned up all the same."""

    def broken(records: Sequence[Record]) -> bytes:
        raise KeyError("fault")

    form = FORMATS["text"]
    job = ExportJob(varied(5), type(form)(form.name, form.suffix, form.head, broken), tmp_path / "out.txt")
    with pytest.raises(KeyError):
        await job.run()
    assert names_in(tmp_path) == []


def test_groups_keep_order_and_stay_small() -> None:
    """All records, in order; never many, and long ones nearly alone."""
    records = [record(seq, "x" * (100_000 if seq % 100 == 0 else 10)) for seq in range(1, 1_001)]
    made = list(groups(records))
    assert [one for group in made for one in group] == records
    assert max(map(len, made)) <= 64
    assert all(sum(len(one.message) for one in group[:-1]) < 65_536 for group in made)
    assert list(groups([])) == []
