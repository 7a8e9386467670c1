"""The window's commands: their names, keys and places in the ⋯ menu. What they do is the window's matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from desktop_logs.ui.icons import icon
from desktop_logs.ui.theme import CHOICES, Choice, Theme


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a person can ask of the window. Without a *place* it has only keys."""

    name: str
    act: Callable[[], object]
    keys: tuple[str, ...] = ()
    icon: str = ""
    in_menu: bool = True
    why_not: Callable[[], str] | None = None
    """Why it cannot be done at present, empty when it can: the menu says so. Its keys stay, and *act* answers them."""
    page_key: str = ""
    """A letter that the page answers, where nobody types: told in the menu, and no shortcut."""

    def label(self, reason: str = "") -> str:
        """What the menu says, with the *reason* why it cannot be done."""
        name = f"{self.name}  ({reason})" if reason else self.name
        return f"{name}\t{self.page_key}" if self.page_key else name


class Commands:
    """The commands as actions of *window*, and the menu that lists them."""

    def __init__(self, window: QWidget, theme: Theme, groups: list[list[Command]]) -> None:
        self.menu = QMenu(window)
        self.menu.setAccessibleName("Menu")
        self._icons: list[tuple[QAction, str]] = []
        self._conditional: list[tuple[QAction, Command]] = []
        for group in groups:
            for command in group:
                action = QAction(command.label(), window)
                action.setShortcuts([QKeySequence(keys) for keys in command.keys])
                action.triggered.connect(lambda _checked=False, act=command.act: act())
                window.addAction(action)
                if command.in_menu:
                    self.menu.addAction(action)
                if command.icon:
                    self._icons.append((action, command.icon))
                if command.why_not is not None:
                    self._conditional.append((action, command))
            self.menu.addSeparator()
        self._theme = theme
        # When the menu opens, not before: half of all icons are in it, 12 ms of the start.
        self.menu.aboutToShow.connect(self._paint)
        self.menu.aboutToShow.connect(self._explain)
        self.menu.aboutToHide.connect(self._allow)

    def add_menu(self, name: str, before: str) -> QMenu:
        """A menu inside the menu, in front of the command called *before*."""
        menu = QMenu(name, self.menu)
        anchor = next(action for action in self.menu.actions() if action.text() == before)
        self.menu.insertMenu(anchor, menu)
        return menu

    def _paint(self) -> None:
        palette = self._theme.palette
        for action, name in self._icons:
            action.setIcon(icon(name, palette, palette.muted))

    def _explain(self) -> None:
        """Say in the menu what cannot be done at present."""
        for action, command in self._conditional:
            reason = command.why_not() if command.why_not is not None else ""
            action.setText(command.label(reason))
            action.setEnabled(not reason)

    def _allow(self) -> None:
        # A disabled action would take its keys along, and they would be met with silence.
        for action, _ in self._conditional:
            action.setEnabled(True)


def fill_theme_menu(menu: QMenu, current: Choice, choose: Callable[[Choice], None]) -> None:
    """Make *menu* the choice of a theme, with *current* checked."""
    menu.clear()
    group = QActionGroup(menu)
    names = {"system": "As the system", "dark": "Dark", "light": "Light"}
    for choice in CHOICES:
        action = menu.addAction(names[choice])
        action.setCheckable(True)
        action.setChecked(choice == current)
        action.triggered.connect(lambda _checked=False, choice=choice: choose(choice))
        group.addAction(action)
