"""Opens the window's own dialogs, each loaded when it is wanted. What stands in one is its own room's matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QWidget

from desktop_logs.core.errors import DesktopLogsError
from desktop_logs.core.records import Record
from desktop_logs.core.settings import LogSettings
from desktop_logs.ui.actions import WindowActions
from desktop_logs.ui.remembered import Remembered
from desktop_logs.ui.theme import Choice, Theme


def open_share(actions: WindowActions, window: QWidget) -> None:
    """Say how others reach the local hub."""
    from desktop_logs.ui.share_dialog import ShareDialog

    dialog = ShareDialog(actions.sharing(), window)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()


def open_export(
    shown: Sequence[Record], selected: Sequence[Record], theme: Theme, remembered: Remembered, window: QWidget
) -> None:
    """Offer to write *shown* or *selected* to a file; where it went is where the next one is offered."""
    from desktop_logs.ui.exporting import ExportDialog

    dialog = ExportDialog(theme, shown, selected, remembered.export_folder, window)
    dialog.exported.connect(lambda path: remembered.set_export_folder(path.parent))
    dialog.open()


def open_settings(
    actions: WindowActions,
    theme: Theme,
    window: QWidget,
    *,
    changed: Callable[[LogSettings], None],
    theme_chosen: Callable[[Choice], None],
) -> None:
    """Show what is written where, and the theme; *changed* hears of settings that are kept and in force."""
    from desktop_logs.ui.settings_dialog import SettingsDialog

    dialog = SettingsDialog(theme, actions.log_settings, actions.logs_folder, window)

    def change(settings: LogSettings) -> None:
        try:
            actions.change_log_settings(settings)
        except DesktopLogsError as wrong:
            dialog.show_problem(str(wrong))
        else:
            changed(settings)

    dialog.settings_changed.connect(change)
    dialog.theme_chosen.connect(theme_chosen)
    dialog.open()
