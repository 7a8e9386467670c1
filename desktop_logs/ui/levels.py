"""The chips and the menu with which levels are chosen. They show and report; what is in force is kept by filterbar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QHBoxLayout, QMenu, QWidget

from desktop_logs.core.levels import BANDS
from desktop_logs.ui.theme import Palette, Theme, band_color

_HEIGHT: Final = 24
_DOT: Final = 8


def short_count(count: int) -> str:
    """*count* in at most four characters as far as millions go: `912`, `3.1k`, `80k`, `1.2M`."""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if count >= size:
            return f"{count // (size // 10) / 10:.1f}{unit}" if count < 10 * size else f"{count // size:,}{unit}"
    return str(count)


class LevelChip(QAbstractButton):
    """One level: a dot in its colour, its name, and how many records of it are held. Checked when it is shown."""

    only_requested = Signal()
    """Alt-click or Ctrl+Space: this level and no other."""
    menu_requested = Signal(QPoint)

    def __init__(self, band: int, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = 0
        self._name = BANDS[band]
        self._band = band
        self.setCheckable(True)
        self.setChecked(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(f"Level {self._name}")
        self.setToolTip(f"Show or hide {self._name}.  Alt-click or Ctrl+Space: only {self._name}")
        self.set_palette(palette)

    def set_palette(self, palette: Palette) -> None:
        """Draw in the colours of *palette*."""
        self._palette = palette
        self._color = QColor(band_color(palette, self._band))
        self.update()

    def set_count(self, count: int) -> None:
        """Show that *count* records of this level are held."""
        if count == self._count:
            return
        is_same_text = short_count(count) == short_count(self._count)
        self._count = count
        if not is_same_text:
            self.setAccessibleDescription(f"{count:,} records")
            self.update()

    def sizeHint(self) -> QSize:
        # Room for four characters of the count from the start, so that chips do not move while records arrive.
        metrics = self.fontMetrics()
        text = metrics.horizontalAdvance(self._name) + 8 + metrics.horizontalAdvance("99.9k")
        return QSize(10 + _DOT + 6 + text + 10, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        palette = self._palette
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_on = self.isChecked()
        edge = palette.accent if self.hasFocus() else palette.muted if self.underMouse() else palette.border
        painter.setPen(QPen(QColor(edge), 1))
        painter.setBrush(QColor(palette.chip) if is_on else Qt.BrushStyle.NoBrush)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(box, _HEIGHT / 2, _HEIGHT / 2)
        dot = QRectF(11, (self.height() - _DOT) / 2, _DOT, _DOT)
        if is_on:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._color)
            painter.drawEllipse(dot)
        else:
            # Hollow: that a level is hidden must not be told by colour alone.
            painter.setPen(QPen(QColor(palette.muted), 1.2))
            painter.drawEllipse(dot.adjusted(0.6, 0.6, -0.6, -0.6))
        painter.setPen(QColor(palette.text if is_on else palette.muted))
        text = self.rect().adjusted(11 + _DOT + 6, 0, -12, 0)
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._name)
        painter.setPen(QColor(palette.text if is_on and self._count else palette.muted))
        painter.drawText(text, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, short_count(self._count))
        painter.end()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        is_inside = self.rect().contains(event.position().toPoint())
        if event.modifiers() & Qt.KeyboardModifier.AltModifier and is_inside:
            self.setDown(False)
            self.only_requested.emit()
            return
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.only_requested.emit()
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_requested.emit(event.globalPos())


class LevelChips(QWidget):
    """A chip for each band, lowest first. *change* is called with the bands that a person wants to see."""

    def __init__(self, theme: Theme, change: Callable[[frozenset[int]], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._change = change
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        self.chips = [LevelChip(band, theme.palette, self) for band in range(len(BANDS))]
        for band, chip in enumerate(self.chips):
            layout.addWidget(chip)
            chip.clicked.connect(self._toggled)
            chip.only_requested.connect(lambda band=band: self._change(only(band, self._checked())))
            chip.menu_requested.connect(lambda at, band=band: self._open_menu(band, at))
        theme.changed.connect(self._theme_changed)

    def show_bands(self, bands: frozenset[int]) -> None:
        """Check the chips of *bands*, without reporting it."""
        for band, chip in enumerate(self.chips):
            chip.setChecked(band in bands)

    def set_counts(self, counts: Sequence[int]) -> None:
        """Show how many records of each band are held."""
        for chip, count in zip(self.chips, counts, strict=True):
            chip.set_count(count)

    def _checked(self) -> frozenset[int]:
        return frozenset(band for band, chip in enumerate(self.chips) if chip.isChecked())

    def _toggled(self) -> None:
        self._change(self._checked())

    def _open_menu(self, band: int, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(f"Only {BANDS[band]}", lambda: self._change(frozenset({band})))
        add_common_choices(menu, self._change, band)
        menu.popup(at)

    def _theme_changed(self, palette: Palette) -> None:
        for chip in self.chips:
            chip.set_palette(palette)


class LevelsMenu(QMenu):
    """The same choice as a menu, where chips have no room. It stays open while levels are toggled."""

    def __init__(self, change: Callable[[frozenset[int]], None], parent: QWidget | None = None) -> None:
        super().__init__("Levels", parent)
        self._change = change
        self._counts: Sequence[int] | None = None
        for name in BANDS:
            action = self.addAction(name)
            action.setCheckable(True)
            action.setChecked(True)
            action.triggered.connect(self._toggled)
        self._levels = self.actions()
        self.addSeparator()
        add_common_choices(self, change, None)
        self.aboutToShow.connect(self._show_counts)

    def show_bands(self, bands: frozenset[int]) -> None:
        """Check the levels of *bands*, without reporting it."""
        for band, action in enumerate(self._levels):
            action.setChecked(band in bands)

    def set_counts(self, counts: Sequence[int]) -> None:
        """Show how many records of each band are held, when the menu opens next."""
        self._counts = counts

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        action = self.actionAt(event.position().toPoint())
        if action is not None and action.isCheckable():
            action.trigger()
            return
        super().mouseReleaseEvent(event)

    def _show_counts(self) -> None:
        if self._counts is None:
            return
        for action, name, count in zip(self._levels, BANDS, self._counts, strict=True):
            action.setText(f"{name}\t{short_count(count)}")

    def _toggled(self) -> None:
        self._change(frozenset(band for band, action in enumerate(self._levels) if action.isChecked()))


def only(band: int, shown: frozenset[int]) -> frozenset[int]:
    """*band* alone; all of them when it is alone already."""
    return frozenset(range(len(BANDS))) if shown == {band} else frozenset({band})


def add_common_choices(menu: QMenu, change: Callable[[frozenset[int]], None], band: int | None) -> None:
    """Add to *menu* the sets of levels that people want most; *band* is the one that the menu is about."""
    lowest = {BANDS.index("warn"), BANDS.index("error")} | ({band} if band is not None else set())
    for first in sorted(lowest - {0, len(BANDS) - 1}):
        bands = frozenset(range(first, len(BANDS)))
        menu.addAction(f"{BANDS[first].capitalize()} and above", lambda bands=bands: change(bands))
    menu.addAction("All levels", lambda: change(frozenset(range(len(BANDS)))))
