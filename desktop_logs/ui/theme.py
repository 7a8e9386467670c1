"""The colours, fonts and style sheet of the window, and which of the two palettes is in force. No widgets here."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from desktop_logs.assets import resource
from desktop_logs.core.levels import BANDS

Choice = Literal["system", "dark", "light"]
CHOICES: Final[tuple[Choice, ...]] = ("system", "dark", "light")

ROW_HEIGHT: Final = 24
FIELD_HEIGHT: Final = 32

# Of 200,000 tried, the start value that gives the names seen most (api, worker, db, gateway, auth, web, …) hues far
# from one another, near those of ux-dark.png.
_HUE_SALT: Final = 60597


@dataclass(frozen=True, slots=True)
class Palette:
    """The named colours of ux.md, each as `#rrggbb`."""

    is_dark: bool
    window: str
    panel: str
    row_alternate: str
    selection: str
    border: str
    text: str
    accent: str
    on_accent: str
    """Text on the accent, as on the primary button."""
    muted: str
    trace: str
    debug: str
    info: str
    warn: str
    error: str
    fatal: str
    chip: str


DARK: Final = Palette(
    is_dark=True,
    window="#15171c",
    panel="#1b1e25",
    row_alternate="#181b21",
    selection="#22364f",
    border="#2c313b",
    text="#d9dde5",
    accent="#6cb0ff",
    on_accent="#0b1626",
    muted="#98a1b0",
    trace="#98a1b0",
    debug="#79b0e2",
    info="#7fc08a",
    warn="#e5b455",
    error="#ff7b72",
    fatal="#f07ad8",
    chip="#232730",
)
LIGHT: Final = Palette(
    is_dark=False,
    window="#ffffff",
    panel="#f6f7f9",
    row_alternate="#fafbfc",
    selection="#e1eefc",
    border="#d8dce3",
    text="#1d2330",
    accent="#0b5cb8",
    on_accent="#ffffff",
    muted="#566070",
    trace="#566070",
    debug="#1a659f",
    info="#1a7031",
    warn="#825400",
    error="#bd241b",
    fatal="#9b1f86",
    chip="#eceff3",
)


def band_color(palette: Palette, band_index: int) -> str:
    """The colour of a level band, by its index into `core.levels.BANDS`."""
    return str(getattr(palette, BANDS[band_index]))


def luminance(color: str) -> float:
    """The relative luminance of *color*, 0 to 1, as WCAG 2 defines it."""
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21, as WCAG 2 defines it."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@lru_cache(maxsize=2048)
def source_color(palette: Palette, source: str) -> QColor:
    """A colour for *source*, always the same for the same name, at least 3 : 1 against the rows of *palette*.

    An unnamed source has the border's colour.
    """
    if not source:
        return QColor(palette.border)
    # The golden ratio spreads neighbouring checksums over the circle; 24 hues are what an eye tells apart.
    turn = (zlib.crc32(source.encode("utf-8", "replace"), _HUE_SALT) * 0.6180339887) % 1.0
    hue = int(turn * 24) / 24
    steps = range(62, 96, 2) if palette.is_dark else range(52, 14, -2)
    for lightness in steps:
        color = QColor.fromHslF(hue, 0.48, lightness / 100)
        if contrast(color.name(), palette.window) >= 3 and contrast(color.name(), palette.selection) >= 3:
            return color
    return QColor(palette.muted)


def fixed_font() -> QFont:
    """The system's fixed-width font, which rows and fields of code are set in."""
    return QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)


def interface_font() -> QFont:
    """The system's interface font."""
    return QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)


def stylesheet(palette: Palette) -> str:
    """The style sheet for the whole application.

    Widgets choose a look by dynamic properties: `kind="primary"` (the accent button), `kind="quiet"` (no border until
    the pointer is there), `kind="muted"`, `kind="good"` and `kind="title"` on labels, `kind="panel"` on frames and
    plain widgets, `kind="code"` on text that must look like a log, `kind="popup"` and `kind="suggestions"` on what
    opens below a field, `kind="row"` on buttons that are rows in it, `invalid=true` on a field with a fault.
    """
    folder = resource("themes", "dark" if palette.is_dark else "light").as_posix()
    values = {name: getattr(palette, name) for name in Palette.__slots__}
    hover = "#82bcff" if palette.is_dark else "#094d9b"
    handle = "#3b4250" if palette.is_dark else "#c3c9d3"
    return _SHEET.format(**values, folder=folder, hover=hover, handle=handle)


_SHEET: Final = """
QToolTip {{ background: {panel}; color: {text}; border: 1px solid {border}; padding: 4px 6px; }}
QMainWindow, QDialog {{ background: {window}; }}
QLabel {{ background: transparent; }}
QLabel[kind="muted"] {{ color: {muted}; }}
QLabel[kind="title"] {{ color: {text}; font-weight: 600; font-size: 17px; }}
QLabel[kind="heading"] {{ color: {text}; font-weight: 600; }}
QLabel[kind="problem"] {{ color: {error}; }}
QLabel[kind="good"] {{ color: {info}; }}
QWidget[kind="panel"] {{ background: {panel}; }}

QPushButton, QToolButton, QCheckBox, QRadioButton {{ outline: none; }}
QPushButton, QToolButton[kind="button"] {{
    background: {panel}; color: {text}; border: 1px solid {border}; border-radius: 6px;
    padding: 0 14px; min-height: 30px; font-weight: 500;
}}
QPushButton:hover, QToolButton[kind="button"]:hover {{ background: {chip}; }}
QPushButton:pressed, QToolButton[kind="button"]:pressed, QPushButton:checked {{ background: {selection}; }}
QPushButton:focus, QToolButton[kind="button"]:focus {{ border-color: {accent}; }}
QPushButton:disabled, QToolButton[kind="button"]:disabled {{ color: {muted}; background: {window}; }}
QPushButton[kind="primary"] {{
    background: {accent}; color: {on_accent}; border-color: {accent}; font-weight: 600;
}}
QPushButton[kind="primary"]:hover {{ background: {hover}; border-color: {hover}; }}
QPushButton[kind="primary"]:focus {{ border-color: {text}; }}
QPushButton[kind="primary"]:disabled {{ background: {chip}; color: {muted}; border-color: {border}; }}
QPushButton[kind="quiet"] {{ background: transparent; border-color: transparent; padding: 0 8px; }}
QPushButton[kind="quiet"]:hover {{ background: {chip}; }}
QPushButton[kind="quiet"]:focus {{ border-color: {accent}; }}
QPushButton[compact="true"] {{ min-height: 22px; padding: 0 8px; }}
QPushButton::menu-indicator, QToolButton::menu-indicator {{ image: none; width: 0; }}

QToolButton {{
    background: transparent; color: {text}; border: 1px solid transparent; border-radius: 6px; padding: 3px;
}}
QToolButton:hover {{ background: {chip}; }}
QToolButton:pressed, QToolButton:checked {{ background: {selection}; }}
QToolButton:focus {{ border-color: {accent}; }}
QToolButton:disabled {{ color: {muted}; }}

QLineEdit, QSpinBox, QComboBox, QPlainTextEdit, QTextEdit {{
    background: {panel}; color: {text}; border: 1px solid {border}; border-radius: 6px;
    selection-background-color: {selection}; selection-color: {text};
}}
QLineEdit {{ placeholder-text-color: {muted}; }}
QLineEdit, QSpinBox, QComboBox {{ min-height: 30px; padding: 0 8px; }}
QComboBox[compact="true"] {{ min-height: 22px; }}
QPlainTextEdit, QTextEdit {{ padding: 4px; }}
QLineEdit:focus, QSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus, QTextEdit:focus {{ border-color: {accent}; }}
QLineEdit[invalid="true"], QSpinBox[invalid="true"], QComboBox[invalid="true"] {{ border-color: {error}; }}
QLineEdit:disabled, QSpinBox:disabled, QComboBox:disabled {{ color: {muted}; background: {window}; }}
QComboBox::drop-down {{ border: none; width: 24px; }}
QComboBox::down-arrow {{ image: url("{folder}/chevron-down.svg"); width: 12px; height: 12px; }}
QComboBox QAbstractItemView {{
    background: {panel}; color: {text}; border: 1px solid {border}; padding: 4px; outline: none;
    selection-background-color: {selection}; selection-color: {text};
}}
QSpinBox::up-button, QSpinBox::down-button {{ border: none; background: transparent; width: 20px; }}
QSpinBox::up-arrow {{ image: url("{folder}/chevron-up.svg"); width: 10px; height: 10px; }}
QSpinBox::down-arrow {{ image: url("{folder}/chevron-down.svg"); width: 10px; height: 10px; }}

QCheckBox, QRadioButton {{ spacing: 8px; min-height: 24px; }}
QCheckBox:disabled, QRadioButton:disabled {{ color: {muted}; }}
QCheckBox::indicator, QRadioButton::indicator {{
    width: 14px; height: 14px; border: 1px solid {muted}; border-radius: 4px; background: {panel};
}}
QRadioButton::indicator {{ border-radius: 8px; }}
QCheckBox::indicator:focus, QRadioButton::indicator:focus,
QCheckBox::indicator:hover, QRadioButton::indicator:hover {{ border-color: {accent}; }}
QCheckBox::indicator:checked {{ background: {accent}; border-color: {accent}; image: url("{folder}/check.svg"); }}
QCheckBox::indicator:checked:focus {{ border-color: {text}; }}
QRadioButton::indicator:checked {{ background: {accent}; border-color: {accent}; image: url("{folder}/dot.svg"); }}
QRadioButton::indicator:checked:focus {{ border-color: {text}; }}

QGroupBox {{ border: 1px solid {border}; border-radius: 6px; margin-top: 20px; padding: 12px; }}
QGroupBox::title {{ subcontrol-origin: margin; left: 0; padding: 0; color: {text}; font-weight: 600; }}

QTableView, QTreeView, QListView, QTreeWidget, QListWidget {{
    background: {window}; color: {text}; border: none; outline: none;
    selection-background-color: {selection}; selection-color: {text};
}}
QListView[kind="suggestions"] {{
    background: {panel}; border: 1px solid {border}; border-radius: 6px; padding: 4px;
}}
QFrame[kind="popup"] {{ background: {panel}; border: 1px solid {border}; }}
QFrame[kind="popup"] QScrollArea, QFrame[kind="popup"] QScrollArea > QWidget > QWidget {{ background: transparent; }}
QFrame[kind="popup"] QLineEdit {{ background: {window}; }}
QPushButton[kind="row"] {{ background: transparent; border-color: transparent; padding: 0; text-align: left; }}
QPushButton[kind="row"]:hover {{ background: {chip}; }}
QPushButton[kind="row"]:focus {{ background: {selection}; border-color: {accent}; }}
QHeaderView {{ background: {window}; border: none; }}
QHeaderView::section {{
    background: {window}; color: {muted}; border: none; border-bottom: 1px solid {border}; padding: 0 8px;
    font-weight: 500;
}}
QHeaderView::section:first, QHeaderView::section:only-one {{ padding-left: 18px; }}
QHeaderView::section:hover {{ color: {text}; }}

QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{ background: {handle}; border-radius: 3px; margin: 2px; }}
QScrollBar::handle:vertical {{ min-height: 32px; }}
QScrollBar::handle:horizontal {{ min-width: 32px; }}
QScrollBar::handle:hover {{ background: {muted}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QAbstractScrollArea::corner {{ background: {window}; border: none; }}

QMenu {{ background: {panel}; color: {text}; border: 1px solid {border}; padding: 4px; }}
QMenu::item {{ padding: 5px 28px 5px 12px; border-radius: 4px; }}
QMenu::item:selected {{ background: {selection}; }}
QMenu::item:disabled {{ color: {muted}; }}
QMenu::icon {{ padding-left: 8px; }}
QMenu::separator {{ height: 1px; background: {border}; margin: 4px 8px; }}
QMenu::indicator {{ width: 12px; height: 12px; padding-left: 8px; }}
QMenu::indicator:checked {{ image: url("{folder}/tick.svg"); }}

QTabWidget::pane {{ border: 1px solid {border}; border-radius: 6px; }}
QTabBar {{ background: transparent; }}
QTabBar::tab {{ background: transparent; color: {muted}; padding: 6px 12px; border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {text}; border-bottom-color: {accent}; }}
QTabBar::tab:focus {{ color: {accent}; }}
QTabBar::scroller {{ width: 48px; }}
QTabBar QToolButton#ScrollLeftButton, QTabBar QToolButton#ScrollRightButton {{ background: {panel}; border: none; }}

QSplitter::handle {{ background: {border}; }}
QSplitter::handle:hover {{ background: {accent}; }}
QSplitter::handle:horizontal {{ width: 1px; }}
QSplitter::handle:vertical {{ height: 1px; }}

QProgressBar {{
    background: {chip}; border: none; border-radius: 3px; min-height: 6px; max-height: 6px; text-align: center;
}}
QProgressBar::chunk {{ background: {accent}; border-radius: 3px; }}
"""


class Theme(QObject):
    """Which palette is in force: the system's light or dark, or one of the two by choice."""

    changed = Signal(object)
    """The new Palette, after the application has it."""

    def __init__(self, app: QApplication, choice: Choice = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._app = app
        self._choice: Choice = "system"
        self.palette = DARK
        app.setStyle("Fusion")
        # Before our own palette hides it: what the desktop says where Qt cannot tell its scheme.
        self._desktop_is_dark = app.palette().color(QPalette.ColorRole.Window).lightness() < 128
        app.styleHints().colorSchemeChanged.connect(self._follow_system)
        self.set_choice(choice)

    @property
    def choice(self) -> Choice:
        """What the person chose: `system`, `dark` or `light`."""
        return self._choice

    def set_choice(self, choice: Choice) -> None:
        """Use the system's scheme or one of the two; the application changes at once."""
        self._choice = choice
        hints = self._app.styleHints()
        # Tells the platform too, so that title bars and native dialogs go along where it can do that.
        if choice == "system":
            hints.unsetColorScheme()
        else:
            hints.setColorScheme(Qt.ColorScheme.Dark if choice == "dark" else Qt.ColorScheme.Light)
        self._apply()

    def _follow_system(self) -> None:
        if self._choice == "system":
            self._apply()

    def _apply(self) -> None:
        wanted = DARK if self._wants_dark() else LIGHT
        if wanted is self.palette and self._app.styleSheet():
            return
        self.palette = wanted
        self._app.setPalette(_qt_palette(wanted))
        self._app.setStyleSheet(stylesheet(wanted))
        self.changed.emit(wanted)

    def _wants_dark(self) -> bool:
        if self._choice != "system":
            return self._choice == "dark"
        scheme = self._app.styleHints().colorScheme()
        if scheme == Qt.ColorScheme.Unknown:
            return self._desktop_is_dark
        return scheme == Qt.ColorScheme.Dark


def _qt_palette(palette: Palette) -> QPalette:
    """The same colours for what a style sheet does not reach."""
    role = QPalette.ColorRole
    colors = {
        role.Window: palette.window,
        role.WindowText: palette.text,
        role.Base: palette.panel,
        role.AlternateBase: palette.row_alternate,
        role.Text: palette.text,
        role.PlaceholderText: palette.muted,
        role.Button: palette.panel,
        role.ButtonText: palette.text,
        role.BrightText: palette.error,
        role.ToolTipBase: palette.panel,
        role.ToolTipText: palette.text,
        role.Highlight: palette.selection,
        role.HighlightedText: palette.text,
        role.Accent: palette.accent,
        role.Link: palette.accent,
        role.LinkVisited: palette.accent,
        role.Light: palette.chip,
        role.Midlight: palette.chip,
        role.Mid: palette.border,
        role.Dark: palette.border,
        role.Shadow: palette.border,
    }
    result = QPalette()
    for name, color in colors.items():
        result.setColor(name, QColor(color))
    for name in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, name, QColor(palette.muted))
    return result
