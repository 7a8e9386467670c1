"""Figures side by side, and the table of them. Pure: measuring is done elsewhere."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

HEADER = ("what", "Desktop Logs", "to reach", "reached", "beside it", "measured", "times better")

_FORMATS = {
    "/s": "{:,.0f}/s",
    "ms": "{:,.0f} ms",
    "µs": "{:.1f} µs",
    "s": "{:.2f} s",
    "bytes": "{:,.0f} bytes",
    "MB": "{:,.0f} MB",
    "%": "{:.2f} %",
    "times": "{:.1f} times",
    "records": "{:,.0f}",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """What several runs measured, in *unit*; infinite where it never came."""

    samples: Sequence[float]
    unit: str

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    def __str__(self) -> str:
        """The median, and from where to where it went."""
        low, high = self._say(min(self.samples)), self._say(max(self.samples))
        return self._say(self.median) + (f" ({low} to {high})" if low != high else "")

    def _say(self, value: float) -> str:
        return say(value, self.unit)


@dataclass(frozen=True, slots=True)
class Goal:
    """What is to be reached, in the unit of the figure."""

    value: float
    at_most: bool
    every_run: bool = False
    """True for a promise, which one run is enough to break; otherwise the median counts."""

    def is_reached(self, figure: Figure) -> bool:
        measured = figure.samples if self.every_run else [figure.median]
        return all(value <= self.value if self.at_most else value >= self.value for value in measured)


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of ours, what it should be, and the same of others by name."""

    what: str
    ours: Figure
    goal: Goal | None = None
    peers: Sequence[tuple[str, Figure]] = field(default=())


def at_most(value: float) -> Goal:
    return Goal(value, at_most=True)


def never_more_than(value: float) -> Goal:
    return Goal(value, at_most=True, every_run=True)


def at_least(value: float) -> Goal:
    return Goal(value, at_most=False)


def say(value: float, unit: str) -> str:
    """*value* with its unit; a small one with a digit more, where a whole number would say too little."""
    if math.isinf(value):
        return "never"
    if unit in ("ms", "MB") and value < 10:
        return f"{value:.1f} {unit}"
    return _FORMATS[unit].format(value)


def times_better(ours: Figure, peer: Figure) -> float:
    """How many times better ours is: more of what is counted a second, less of everything else."""
    mine, other = ours.median, peer.median
    better, worse = (mine, other) if ours.unit == "/s" else (other, mine)
    return better / worse if worse else math.inf


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table; a second peer has a line of its own."""
    cells: list[Sequence[str]] = [HEADER, ["---"] * len(HEADER)]
    for row in rows:
        goal, reached = "", ""
        if row.goal is not None:
            goal = f"{'≤' if row.goal.at_most else '≥'} {say(row.goal.value, row.ours.unit)}"
            reached = "yes" if row.goal.is_reached(row.ours) else "**no**"
        head = [row.what, str(row.ours), goal, reached]
        for name, figure in row.peers or [("", None)]:
            peer = ["", ""] if figure is None else [str(figure), _ratio(row.ours, figure)]
            cells.append([*head, name, *peer])
            head = ["", "", "", ""]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def _ratio(ours: Figure, peer: Figure) -> str:
    ratio = times_better(ours, peer)
    if math.isinf(ratio) or math.isnan(ratio):
        return ""
    return f"{ratio:,.0f}" if ratio >= 20 else f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"
