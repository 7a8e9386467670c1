"""Icons of our own: the SVG files of `resources/icons/` in a palette's colour, and the program's. No widgets here."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from desktop_logs.assets import resource, resource_text
from desktop_logs.ui.theme import Palette

_SIZES = (16, 20, 24, 32, 48)
# X11 is handed the pixels of every size that an icon has: the one of 512 would be a megabyte more.
_APP_SIZES = (16, 22, 24, 32, 48, 64, 128, 256)


def icon(name: str, palette: Palette, color: str | None = None) -> QIcon:
    """The icon *name* in *color* (`#rrggbb`; the palette's text otherwise), dimmed where it is disabled.

    Raises FileNotFoundError for a name that has no file. Drawn once for each name and colour.
    """
    return _drawn(name, color or palette.text, palette.muted)


def app_icon() -> QIcon:
    """The program's own icon, whose small sizes are drawn simpler (packaging/icons.py). Read when it is shown."""
    result = QIcon()
    for size in _APP_SIZES:
        result.addFile(str(resource("icons", "app", f"desktop-logs-{size}.png")), QSize(size, size))
    return result


@lru_cache(maxsize=256)
def _drawn(name: str, color: str, disabled: str) -> QIcon:
    source = resource_text("icons", f"{name}.svg")
    result = QIcon()
    _add_pixmaps(result, QIcon.Mode.Normal, source, color)
    _add_pixmaps(result, QIcon.Mode.Disabled, source, disabled, opacity=0.6)
    return result


def _add_pixmaps(result: QIcon, mode: QIcon.Mode, source: str, color: str, opacity: float = 1.0) -> None:
    renderer = QSvgRenderer(QByteArray(source.replace("currentColor", color).encode()))
    # Several sizes instead of one: an icon that is scaled loses its one-pixel lines, on any display factor. All by one
    # renderer, which is a fifth faster.
    for size in _SIZES:
        pixmap = QPixmap(size, size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setOpacity(opacity)
        renderer.render(painter, QRectF(0, 0, size, size))
        painter.end()
        result.addPixmap(pixmap, mode)
