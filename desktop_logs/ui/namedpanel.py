"""The panel below the star: give the filter in force a name, and use, rename or remove the named ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop_logs.core.safe_text import one_line
from desktop_logs.ui.forms import ProblemLabel, field_label, heading, muted_label, push_button
from desktop_logs.ui.icons import icon
from desktop_logs.ui.plaintext import ElidedLabel, inert_tip
from desktop_logs.ui.querybook import QueryBook
from desktop_logs.ui.savedqueries import MAX_NAME, NamedQuery
from desktop_logs.ui.theme import Theme, fixed_font

_WIDTH: Final = 420

_ROW_HEIGHT: Final = 50
_MAX_LIST_HEIGHT: Final = 5 * _ROW_HEIGHT


class NamedPanel(QFrame):
    """Opens below a button and is gone when it closes: with Esc, with a click elsewhere, or once a query is chosen."""

    chosen = Signal(object)
    """The NamedQuery to be put in force."""

    def __init__(self, book: QueryBook, theme: Theme, in_force: NamedQuery, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._book = book
        self._theme = theme
        self._in_force = in_force
        self._removed: NamedQuery | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setProperty("kind", "popup")
        self.setAccessibleName("Named queries")
        self.name = QLineEdit(self)
        self.name.setMaxLength(MAX_NAME)
        self.name.setPlaceholderText("A name for this query")
        self.keep = push_button("Keep", primary=True)
        self.problem = ProblemLabel(self)
        self._list = QWidget(self)
        self._rows: list[NamedRow] = []
        self._removal = QWidget(self)
        self._removal_text = ElidedLabel(self._removal)
        self._build()
        book.changed.connect(self._fill)
        self._fill()

    @property
    def rows(self) -> Sequence[NamedRow]:
        """The named queries as they are listed."""
        return self._rows

    def open_below(self, button: QWidget) -> None:
        """Show the panel with its right edge below that of *button*, and inside the button's window."""
        window = button.window()
        self.setFixedWidth(min(_WIDTH, window.width() - 16))
        self._fit()
        corner = button.mapToGlobal(QPoint(button.width(), button.height() + 6))
        left = max(corner.x() - self.width(), window.mapToGlobal(QPoint(8, 0)).x())
        lowest = button.screen().availableGeometry().bottom() - self.height()
        self.move(left, min(corner.y(), lowest))
        self.show()
        first = self.name if self.name.isVisible() else next((row.use for row in self.rows), self)
        first.setFocus(Qt.FocusReason.PopupFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Down)
        elif event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    # Inside: what is done

    def _keep(self) -> None:
        """Keep the filter in force under the name typed; where the name is taken, only when asked a second time."""
        name = self.name.text().strip()
        taken = self._book.find(name)
        if not name:
            self._say("Type a name first.")
        elif taken is not None and not self._is_replacing:
            self._say(f"“{taken.name}” is the name of another query: {taken.summary()}", is_replacing=True)
        else:
            self._book.put(NamedQuery(name, self._in_force.text, self._in_force.bands))
            self.close()

    def _choose(self, named: NamedQuery) -> None:
        self.close()
        self.chosen.emit(named)

    def _remove(self, named: NamedQuery) -> None:
        self._removed = named
        self._book.remove(named.name)
        self.undo.setFocus(Qt.FocusReason.OtherFocusReason)

    def _restore(self) -> None:
        restored, self._removed = self._removed, None
        if restored is not None:
            self._book.put(restored)
            self._focus_row(restored.name)

    def _rename(self, named: NamedQuery, name: str) -> None:
        """Give *named* another name, or say why that cannot be."""
        name = name.strip()
        taken = self._book.find(name)
        if not name:
            self._say("A query needs a name.")
        elif taken is not None and taken != named:
            self._say(f"“{taken.name}” is the name of another query. Choose another name.")
        else:
            self._book.put(NamedQuery(name, named.text, named.bands), instead_of=named.name)
            self._focus_row(name)

    def _focus_row(self, name: str) -> None:
        for row in self._rows:
            if row.named.name == name:
                row.use.setFocus(Qt.FocusReason.OtherFocusReason)
                self._area.ensureWidgetVisible(row)

    # Inside: what is seen

    def _build(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.name, 1)
        top.addWidget(self.keep)
        self._asked = QWidget(self)
        asked = QVBoxLayout(self._asked)
        asked.setContentsMargins(0, 0, 0, 0)
        asked.setSpacing(6)
        label = field_label("Name the query in force", self.name)
        label.setProperty("kind", "heading")
        asked.addWidget(label)
        summary = ElidedLabel(self._asked)
        summary.setProperty("kind", "muted")
        summary.setFont(fixed_font())
        summary.set_line(self._in_force.summary())
        asked.addWidget(summary)
        asked.addLayout(top)
        self._hint = muted_label("Type a query or choose levels; here they can be kept under a name.")
        self._listed = heading("Named queries")
        self._area = QScrollArea(self)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(self._list)
        rows = QVBoxLayout(self._list)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        undo = QHBoxLayout(self._removal)
        undo.setContentsMargins(0, 0, 0, 0)
        self._removal_text.setProperty("kind", "muted")
        undo.addWidget(self._removal_text, 1)
        self.undo = push_button("Undo")
        self.undo.setAutoDefault(True)
        self.undo.setProperty("compact", True)
        self.undo.clicked.connect(self._restore)
        undo.addWidget(self.undo)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        for widget in (self._asked, self._hint, self.problem, self._listed, self._area, self._removal):
            layout.addWidget(widget)
        self.name.returnPressed.connect(self._keep)
        self.keep.clicked.connect(self._keep)
        self.name.textEdited.connect(lambda _text: self._say(""))
        self._say("")

    def _say(self, problem: str, *, is_replacing: bool = False) -> None:
        self._is_replacing = is_replacing
        self.keep.setText("Replace" if is_replacing else "Keep")
        self.problem.say(one_line(problem))
        self._fit()

    def _fit(self) -> None:
        """As high as the contents need at this width; Qt itself ignores wrapped text there."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            self.resize(self.width(), layout.totalHeightForWidth(self.width()))

    def _fill(self) -> None:
        """List the named queries, and offer to name the one in force unless it has a name or selects everything."""
        layout = self._list.layout()
        assert layout is not None
        for row in self._rows:
            layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = []
        name = self._book.name_of(self._in_force.text, self._in_force.bands)
        for named in self._book.named:
            row = NamedRow(named, self._theme, self._list, is_in_force=named.name == name)
            row.use.clicked.connect(lambda _checked=False, named=named: self._choose(named))
            row.remove.clicked.connect(lambda _checked=False, named=named: self._remove(named))
            row.renamed.connect(lambda text, named=named: self._rename(named, text))
            layout.addWidget(row)
            row.show()
            self._rows.append(row)
        is_everything = not self._in_force.summary()
        self._asked.setVisible(not is_everything and not name)
        self._hint.setVisible(is_everything and not self._book.named)
        has_named = bool(self._book.named)
        self._listed.setVisible(has_named)
        self._area.setVisible(has_named)
        self._area.setFixedHeight(min(len(self._book.named) * _ROW_HEIGHT, _MAX_LIST_HEIGHT))
        self._removal.setVisible(self._removed is not None)
        if self._removed is not None:
            self._removal_text.set_line(f"Removed “{self._removed.name}”")
        self._say("")


class NamedRow(QFrame):
    """One named query: a button with its name and what it selects, and the buttons that rename and remove it."""

    renamed = Signal(str)

    def __init__(self, named: NamedQuery, theme: Theme, parent: QWidget, *, is_in_force: bool) -> None:
        super().__init__(parent)
        self.named = named
        self.setFixedHeight(_ROW_HEIGHT)
        self.use = QPushButton(self)
        self.use.setProperty("kind", "row")
        self.use.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.use.setAutoDefault(True)  # outside a dialog: Enter presses it where it has the keyboard
        self.use.setAccessibleName(f"{named.name}, in force" if is_in_force else named.name)
        self.use.setAccessibleDescription(named.summary())
        self.use.setToolTip(inert_tip(named.summary()))
        title = ElidedLabel(self.use)
        title.setProperty("kind", "heading")
        title.set_line(f"{named.name}  ·  in force" if is_in_force else named.name)
        summary = ElidedLabel(self.use)
        summary.setProperty("kind", "muted")
        summary.setFont(fixed_font())
        summary.set_line(named.summary())
        lines = QVBoxLayout(self.use)
        lines.setContentsMargins(8, 4, 8, 4)
        lines.setSpacing(0)
        for label in (title, summary):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            lines.addWidget(label)
        self._field = QLineEdit(named.name, self)
        self._field.setMaxLength(MAX_NAME)
        self._field.setAccessibleName(f"New name of {named.name}")
        self._field.hide()
        self._field.returnPressed.connect(lambda: self.renamed.emit(self._field.text()))
        self.rename = _icon_button("rename", f"Rename {named.name}", theme, self)
        self.rename.clicked.connect(self.edit)
        self.remove = _icon_button("remove", f"Remove {named.name}", theme, self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.use, 1)
        layout.addWidget(self._field, 1)
        layout.addWidget(self.rename)
        layout.addWidget(self.remove)

    def edit(self) -> None:
        """Put a field with the name in the place of the button; Enter there renames."""
        self.use.hide()
        self._field.show()
        self._field.setFocus(Qt.FocusReason.OtherFocusReason)
        self._field.selectAll()


def _icon_button(name: str, tip: str, theme: Theme, parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setIcon(icon(name, theme.palette, theme.palette.muted))
    button.setIconSize(QSize(14, 14))
    button.setFixedSize(26, 26)
    button.setToolTip(inert_tip(tip))
    button.setAccessibleName(tip)
    return button
