"""The header of the table: order, width and visibility of its columns, as a person puts them. It draws no cells."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QByteArray, QPoint, Qt, Signal
from PySide6.QtWidgets import QHeaderView, QMenu, QWidget

from desktop_logs.ui.cells import COLUMNS, LEVEL, MESSAGE, SOURCE, TIME
from desktop_logs.ui.delegate import FIRST_PADDING, PADDING

_HEIGHT: Final = 28
_LEAST_WIDTH: Final = 40
_WIDTH_CHARACTERS: Final = {LEVEL: 8, SOURCE: 13, MESSAGE: 40}
CLOCK_CHARACTERS: Final = 13
"""How wide the column of times is, in characters, where they say the time of day."""
DATED_CHARACTERS: Final = 24
"""The same where they say the date too."""


class Columns(QHeaderView):
    """Columns that can be moved, resized and hidden; the rightmost takes what room is left."""

    changed = Signal()
    """Another column is the first, or one was shown or hidden."""

    def __init__(self, parent: QWidget, *, time_characters: int = CLOCK_CHARACTERS) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._widths = {TIME: time_characters, **_WIDTH_CHARACTERS}
        self.setAccessibleName("Columns")
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)
        self.sectionMoved.connect(self.changed)
        self._set_manners()

    @property
    def first(self) -> int:
        """The column that stands leftmost."""
        order = (self.logicalIndex(visual) for visual in range(self.count()))
        return next((column for column in order if not self.isSectionHidden(column)), TIME)

    def set_shown(self, column: int, shown: bool) -> None:
        """Show or hide *column*."""
        self.setSectionHidden(column, not shown)
        self.changed.emit()

    def reset_columns(self) -> None:
        """All columns, in their first order; their widths in characters of the table's font."""
        for column in range(len(COLUMNS)):
            self.setSectionHidden(column, False)
            self.moveSection(self.visualIndex(column), column)
            self.resizeSection(column, self._width(column, self._widths[column]))
        self.changed.emit()

    def set_time_characters(self, characters: int) -> None:
        """Make the times *characters* wide, unless a person gave them a width of their own."""
        self._widths[TIME] = characters
        self._fit_times()

    def restore(self, state: QByteArray) -> bool:
        """Take back what saveState gave; False, with the first order, when *state* is not of that kind."""
        restored = self.restoreState(state) and self.count() == len(COLUMNS)
        if not restored or self.hiddenSectionCount() >= len(COLUMNS):
            self.reset_columns()
            restored = False
        self._fit_times()  # they were perhaps dated then
        self._set_manners()  # a saved state carries these too, and they are not a person's choice
        self.changed.emit()
        return restored

    def fill_menu(self, menu: QMenu) -> None:
        """Make *menu* one that shows and hides columns; the last one that is visible cannot be hidden."""
        menu.clear()
        visible = [column for column in range(len(COLUMNS)) if not self.isSectionHidden(column)]
        for column, name in enumerate(COLUMNS):
            action = menu.addAction(name)
            action.setCheckable(True)
            action.setChecked(column in visible)
            action.setEnabled(visible != [column])
            action.toggled.connect(lambda shown, column=column: self.set_shown(column, shown))
        menu.addSeparator()
        menu.addAction("Reset columns", self.reset_columns)

    def _width(self, column: int, characters: int) -> int:
        advance = self.parentWidget().fontMetrics().horizontalAdvance("M")
        return characters * advance + (FIRST_PADDING if column == TIME else PADDING) + PADDING

    def _fit_times(self) -> None:
        usual = [self._width(TIME, characters) for characters in (CLOCK_CHARACTERS, DATED_CHARACTERS)]
        if self.sectionSize(TIME) in usual:
            self.resizeSection(TIME, self._width(TIME, self._widths[TIME]))

    def _open_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        self.fill_menu(menu)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.mapToGlobal(at))

    def _set_manners(self) -> None:
        self.setSectionsMovable(True)
        self.setFirstSectionMovable(True)
        self.setStretchLastSection(True)
        self.setHighlightSections(False)
        self.setSectionsClickable(False)
        self.setMinimumSectionSize(_LEAST_WIDTH)
        self.setFixedHeight(_HEIGHT)
        self.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
