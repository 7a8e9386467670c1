"""The line at the lower edge: how the feed is doing, in figures. It reads them and changes nothing."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from desktop_logs.core.feed import Feed, FeedState, Phase
from desktop_logs.ui.plaintext import ElidedLabel
from desktop_logs.ui.theme import Palette, Theme

HEIGHT: Final = 28
_EVERY_MS: Final = 500
_AT_REST_MS: Final = 1_000
"""How often the figures are read while none of them changes: each time wakes the processor."""
_RATE_S: Final = 2.0
_FLASH_MS: Final = 3_000
_PHASE_COLORS: Final[dict[Phase, str]] = {
    "starting": "warn",
    "live": "info",
    "waiting": "warn",
    "failed": "error",
    "closed": "muted",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What a page knows about its view."""

    shown: int
    held: int
    skipped: int
    """Records that were not shown, as far as it is known how many."""
    has_gaps: bool = False
    """True when some were not shown of which nobody knows how many."""


def state_text(state: FeedState, now_s: float) -> str:
    """The state in a few words; while waiting, with the seconds until the next attempt (clock of time.monotonic)."""
    if state.phase != "waiting" or state.next_attempt_s is None:
        return state.summary
    return f"{state.summary} in {max(math.ceil(state.next_attempt_s - now_s), 0)} s"


def state_color(state: FeedState, palette: Palette) -> str:
    """The colour of a dot that shows the state; words always stand beside it."""
    return str(getattr(palette, _PHASE_COLORS[state.phase]))


class Rate:
    """Records a second over the last two seconds, out of how high the numbers are."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def sample(self, now_s: float, head: int) -> int:
        """Take in that the newest record is *head*; the rate up to *now_s*."""
        samples = self._samples
        if samples and head < samples[-1][1]:
            samples.clear()
        samples.append((now_s, head))
        while len(samples) > 2 and samples[1][0] <= now_s - _RATE_S:
            samples.popleft()
        then_s, before = samples[0]
        return round((head - before) / (now_s - then_s)) if now_s > then_s else 0

    def rest(self) -> int:
        """Nothing comes at present: no records a second. The next sample begins anew."""
        self._samples.clear()
        return 0


class StatusBar(QWidget):
    """One line of figures about *feed*; *figures* tells those of the view.

    Reads them twice a second, once while nothing changes, and not while it is hidden.
    """

    def __init__(
        self,
        feed: Feed,
        figures: Callable[[], Figures],
        theme: Theme,
        parent: QWidget | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._feed = feed
        self._figures = figures
        self._clock = clock
        self._rate = Rate()
        self._palette = theme.palette
        self._files = ""
        self._files_ok = True
        self.setFixedHeight(HEIGHT)
        self._dot = Dot(self)
        self._state = ElidedLabel(self)
        self._state.setAccessibleName("State")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 0, 14, 0)
        layout.setSpacing(0)
        layout.addWidget(self._dot)
        layout.addSpacing(8)
        layout.addWidget(self._state)
        self._labels: dict[str, QLabel] = {}
        for name in ("rate", "shown", "skipped", "dropped", "refused", "missed", "files", "flash"):
            layout.addWidget(self._label(name))
        layout.addStretch(1)
        layout.addWidget(self._label("peers"))
        self._tips()
        self._timer = QTimer(self)
        self._interval_ms = _EVERY_MS
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.refresh)
        self._flash = QTimer(self)
        self._flash.setSingleShot(True)
        self._flash.setInterval(_FLASH_MS)
        self._flash.timeout.connect(lambda: self._set("flash", ""))
        theme.changed.connect(self._theme_changed)

    def text(self, name: str) -> str:
        """What one of the parts says: state, or one of those below the dot by their names."""
        return self._state.text() if name == "state" else self._labels[name].text()

    def set_files_state(self, text: str, ok: bool) -> None:
        """Say how writing files goes: `files OK`, or what is wrong."""
        if (text, ok) == (self._files, self._files_ok):
            return
        self._files, self._files_ok = text, ok
        self._labels["files"].setProperty("kind", "muted" if ok else "problem")
        self._labels["files"].style().polish(self._labels["files"])
        self.refresh()

    def flash(self, text: str) -> None:
        """Say *text* for three seconds, as an answer to a key that found nothing to do."""
        self._set("flash", text)
        self._make_room()
        self._flash.start()

    def show_view(self) -> None:
        """Say how much the view shows, when another place says it too: for half a second the two would differ."""
        if self._set("shown", _shown_text(self._figures())):
            self._make_room()

    def refresh(self) -> None:
        """Read the figures and show what changed."""
        now_s = self._clock()
        state, figures = self._feed.state, self._figures()
        # What a server said of itself is old once it is away.
        stats = self._feed.stats() if state.phase != "waiting" else {}
        # What a start finds in the history did not come now, and numbers jump there after a crash.
        rate = self._rate.sample(now_s, self._feed.head) if state.phase == "live" else self._rate.rest()
        self._dot.set_color(state_color(state, self._palette))
        is_new = rate > 0 or state.phase == "waiting"  # whose seconds count down
        if self._state.text() != (text := state_text(state, now_s)):
            is_new = True
            self._state.set_line(text)
            self._state.setToolTip(state.problem)
        rejected = stats.get("rejected", 0)
        parts = {
            "rate": f"{rate:,} record{'s' * (rate != 1)}/s",
            "shown": _shown_text(figures),
            "skipped": _skipped_text(figures),
            "dropped": f"{stats['dropped']:,} dropped" if "dropped" in stats else "",
            "refused": f"{rejected:,} refused" if rejected else "",
            "missed": f"viewers missed {missed:,}" if (missed := _missed(stats)) else "",
            "files": self._files,
            "peers": " · ".join(
                f"{stats[key]:,} {key if stats[key] != 1 else key[:-1]}"
                for key in ("producers", "viewers")
                if key in stats
            ),
        }
        self._labels["peers"].setToolTip(_peers_tip(stats))
        if sum(self._set(name, text) for name, text in parts.items()):
            is_new = True
            self._make_room()
        self._read_every(_EVERY_MS if is_new else _AT_REST_MS)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
        self._rate.rest()  # what came while nobody looked did not come in the moment of looking

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._palette.panel))
        painter.fillRect(0, 0, self.width(), 1, QColor(self._palette.border))
        painter.end()

    def _read_every(self, interval_ms: int) -> None:
        if interval_ms != self._interval_ms:
            self._interval_ms = interval_ms
            self._timer.setInterval(interval_ms)

    def _label(self, name: str) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setProperty("kind", "muted")
        label.setAccessibleName(name.capitalize())
        # The space between figures belongs to them, so that one that is hidden leaves no hole.
        label.setContentsMargins(28, 0, 0, 0)
        label.setVisible(False)
        self._labels[name] = label
        return label

    def _tips(self) -> None:
        for name, tip in (
            ("rate", "Records that came, over the last two seconds"),
            ("shown", "Records that pass the filter, of those held in memory"),
            (
                "skipped",
                "Records that this window did not show: they left memory before it came to them,\n"
                "or the server could not send them; a line in the table says where they are missing.\n"
                "Those of the local hub are in the files all the same.",
            ),
            ("dropped", "Records that could not be written to disk since the start"),
            (
                "missed",
                "Records that slow viewers of this hub were not sent, over all of them: nobody waits for them.\n"
                "A line says so where they are missing. They are stored all the same.",
            ),
            ("refused", "Entries that were not accepted since the start: no message, too large, or no JSON"),
        ):
            self._labels[name].setToolTip(tip)

    def _set(self, name: str, text: str) -> bool:
        label = self._labels[name]
        if label.text() == text:
            return False
        label.setText(text)
        return True

    def _make_room(self) -> None:
        """Hide what matters least until the rest fits; what is wrong is never hidden."""
        has_losses = self._labels["dropped"].text()[:2] not in ("", "0 ")
        wanted = ["skipped", "refused", "missed", "flash"]
        wanted += ["dropped"] if has_losses else []
        wanted += ["files"] if not self._files_ok else []
        optional = ["shown", "rate", "dropped", "files", "peers"]
        space = self.width() - 28 - self._dot.width() - 8 - self._state.sizeHint().width()
        space -= sum(self._labels[name].sizeHint().width() for name in wanted if self._labels[name].text())
        visible = set(wanted)
        for name in optional:
            space -= self._labels[name].sizeHint().width() if name not in visible else 0
            if space < 0:
                break
            visible.add(name)
        for name, label in self._labels.items():
            label.setVisible(bool(label.text()) and name in visible)

    def _theme_changed(self, palette: Palette) -> None:
        self._palette = palette
        self._dot.set_color(state_color(self._feed.state, palette))
        self.update()


def _skipped_text(figures: Figures) -> str:
    if not figures.skipped:
        return "some skipped" if figures.has_gaps else ""
    return f"{figures.skipped:,}{' or more' if figures.has_gaps else ''} skipped"


def _shown_text(figures: Figures) -> str:
    return f"{figures.shown:,} shown of {figures.held:,}"


def _missed(stats: Mapping[str, int]) -> int:
    return stats.get("dropped_slow", 0) + stats.get("dropped_evicted", 0)


def _peers_tip(stats: Mapping[str, int]) -> str:
    """What became of the hub's clients; empty where that is not known."""
    parts = [
        f"{text}: {stats[key]:,}"
        for key, text in (
            ("viewers_cut", "Viewers cut off, for they took nothing any more"),
            ("dropped_slow", "Records that viewers missed because they were too slow"),
            ("dropped_evicted", "Records that viewers asked for too late"),
            ("refused_clients", "Clients that were not let in"),
        )
        if key in stats
    ]
    return "\n".join(parts)


class Dot(QWidget):
    """A small filled circle."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._color = ""
        self.setFixedSize(8, 8)

    def set_color(self, color: str) -> None:
        """Fill it with *color* (`#rrggbb`)."""
        if color != self._color:
            self._color = color
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._color))
        painter.drawEllipse(self.rect())
        painter.end()
