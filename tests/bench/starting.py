"""From the command to the window's first picture on the screen, warm; an empty PySide6 window beside it."""

from __future__ import annotations

import mmap
import struct
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.bench import Bench
from tests.bench.report import Figure, Row, at_most
from tests.bench.windows import ROOT
from tests.support.program import DESKTOP_LOGS, Program, eventually

LEAST_RUNS = 5
EMPTY = "an empty PySide6 window"
BLOCK = 40
WITHIN_S = 20.0


def measure(bench: Bench) -> Sequence[Row]:
    module = "python -m desktop_logs"
    commands = {module: [sys.executable, "-m", "desktop_logs"], "desktop-logs": [DESKTOP_LOGS]}
    took_s: dict[str, list[float]] = {name: [] for name in (*commands, EMPTY)}
    for number in range(max(bench.runs, LEAST_RUNS) + 1):
        for name in took_s:
            if name == EMPTY:
                command: list[str | Path] = [sys.executable, "-m", "tests.bench.peers.empty_window"]
            else:
                command = [*commands[name], "--port", "0", "--data-dir", bench.new_folder()]
            seconds = start_s(bench, command)
            if number:  # the first of each warms the disk's cache
                took_s[name].append(seconds)
        if number:
            bench.tell("shown after", **{name: took_s[name][-1] * 1000 for name in took_s})
    empty = Figure(took_s[EMPTY], "s")
    ratios = [seconds / empty.median for seconds in took_s[module]]
    return [
        *(
            Row(f"`{name}` to shown window", Figure(took_s[name], "s"), at_most(0.9), [(EMPTY, empty)])
            for name in commands
        ),
        Row("… of an empty window's time", Figure(ratios, "times"), at_most(4)),
    ]


def start_s(bench: Bench, command: list[str | Path]) -> float:
    """Seconds from starting *command* until the middle of its window is painted; it has ended then."""
    screen = _Screen(bench.screen)
    env = bench.display.env(PYTHONPATH=str(ROOT))
    began_s = time.perf_counter()
    with Program(command, env=env, cwd=ROOT) as program:
        while not screen.is_painted():
            assert program.is_running, f"no window: {program}"
            assert time.perf_counter() - began_s < WITHIN_S, f"no window within {WITHIN_S} s: {program}"
            time.sleep(0.001)
        took_s = time.perf_counter() - began_s
    eventually("the screen is empty again", lambda: not screen.is_painted())
    return took_s


class _Screen:
    """The screen's pixels as Xvfb has them. Where no window was painted they are 0; no window here is that black."""

    def __init__(self, folder: Path) -> None:
        with (folder / "Xvfb_screen0").open("rb") as file:
            self._memory = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        header_size, _version, _format, _depth, width, height = struct.unpack_from(">6I", self._memory)
        (bytes_per_line,) = struct.unpack_from(">I", self._memory, 48)
        (colours,) = struct.unpack_from(">I", self._memory, 76)
        first = header_size + 12 * colours + (height - BLOCK) // 2 * bytes_per_line + (width - BLOCK) // 2 * 4
        self._lines = [
            slice(start, start + 4 * BLOCK) for start in range(first, first + BLOCK * bytes_per_line, bytes_per_line)
        ]

    def is_painted(self) -> bool:
        """True when every pixel of a block in the middle of the screen is some window's."""
        pixels = b"".join(self._memory[line] for line in self._lines)
        return all(struct.unpack(f"{len(pixels) // 4}I", pixels))
