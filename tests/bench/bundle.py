"""The bundle of `make bundle`, built for this: its size, from the command to its window, and what it takes when idle.

Beside it the same program from source, and an empty PySide6 window.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.bench import Bench
from tests.bench.processes import proportional_bytes, resident_bytes
from tests.bench.report import Figure, Row, at_most
from tests.bench.starting import EMPTY, LEAST_RUNS, start_s
from tests.bench.windows import ROOT
from tests.support.program import Program

SOURCE = "the program from source"
BUILD_WITHIN_S = 900
REST_S = 10.0
"""After it, what the start took is given back, and nothing more comes."""


def measure(bench: Bench) -> Sequence[Row]:
    folder, archive = _built(bench)
    ours = "the bundle"
    commands: dict[str, list[str | Path]] = {
        ours: [folder / "desktop-logs"],
        SOURCE: [sys.executable, "-m", "desktop_logs"],
        EMPTY: [sys.executable, "-m", "tests.bench.peers.empty_window"],
    }
    took_s: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(max(bench.runs, LEAST_RUNS) + 1):
        for name, command in commands.items():
            seconds = start_s(bench, _with_folder(bench, name, command))
            if number:  # the first of each warms the disk's cache
                took_s[name].append(seconds)
        if number:
            bench.tell("shown after", **{name: took_s[name][-1] * 1000 for name in took_s})
    idle: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(bench.runs):
        for name, command in commands.items():
            idle[name].append(_idle(bench, _with_folder(bench, name, command)))
        bench.tell("idle, proportional", **{name: idle[name][-1][0] for name in idle})
    peers = (SOURCE, EMPTY)
    proportional = {name: Figure([share for share, _ in idle[name]], "MB") for name in idle}
    resident = {name: Figure([whole for _, whole in idle[name]], "MB") for name in idle}
    shown = {name: Figure(took_s[name], "s") for name in took_s}
    return [
        Row("the bundle to shown window", shown[ours], at_most(1.2), [(name, shown[name]) for name in peers]),
        Row("… unpacked", Figure([_bytes_below(folder) / 1e6], "MB"), at_most(190)),
        Row("… as an archive", Figure([archive.stat().st_size / 1e6], "MB"), at_most(60)),
        Row(
            "… memory when idle, its share (PSS)",
            proportional[ours],
            at_most(150),
            [(name, proportional[name]) for name in peers],
        ),
        Row("… resident memory when idle", resident[ours], at_most(150), [(name, resident[name]) for name in peers]),
    ]


def _built(bench: Bench) -> tuple[Path, Path]:
    """The folder and the archive, of the source as it is now."""
    out = bench.new_folder()
    done = subprocess.run(
        ["sh", ROOT / "packaging" / "bundle.sh", "bundle"],
        env={**os.environ, "DIST": str(out), "WORK": str(bench.new_folder())},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (archive,) = out.glob("desktop-logs-*.tar.xz")
    return out / "desktop-logs", archive


def _with_folder(bench: Bench, name: str, command: list[str | Path]) -> list[str | Path]:
    """*command* with a port and a data folder of its own; an empty window takes neither."""
    return command if name == EMPTY else [*command, "--port", "0", "--data-dir", bench.new_folder()]


def _idle(bench: Bench, command: list[str | Path]) -> tuple[float, float]:
    """Megabytes when nothing has happened for a while: its share where libraries are in use by others too, and all."""
    with Program(command, env=bench.display.env(PYTHONPATH=str(ROOT)), cwd=ROOT) as window:
        bench.display.window(program=window)
        time.sleep(REST_S)
        return proportional_bytes(window.pid) / 1e6, resident_bytes(window.pid) / 1e6


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
