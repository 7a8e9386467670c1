"""Makes resources/icons/app/ from the two drawings of the application's icon: `.venv/bin/python packaging/icons.py`.

Its results are committed, for whoever installs the program has neither Pillow nor a reason to wait for this.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

ICONS = Path(__file__).resolve().parent.parent / "resources" / "icons"
OUT = ICONS / "app"

LARGEST_SMALL_PX = 32
"""Up to here the simplified drawing: four rows and an arrow are a blur there."""

PNG_PX = (16, 22, 24, 32, 48, 64, 128, 256, 512)
"""The sizes of the hicolor theme that desktops ask for."""

ICO_PX = (16, 20, 24, 32, 40, 48, 64, 128, 256)
"""What Windows takes for lists, task bar and desktop at 100 to 250 %; 256 is the largest that the format has."""

ICNS_PX = (32, 64, 128, 256, 512, 1024)
"""What Pillow puts into an .icns file: 16 to 512 points at twice the density, and 128 to 512 at the single one."""


def render(size_px: int) -> Image.Image:
    """The icon as it is drawn for a square of *size_px*, on a transparent ground."""
    drawing = ICONS / ("desktop-logs-small.svg" if size_px <= LARGEST_SMALL_PX else "desktop-logs.svg")
    picture = QImage(size_px, size_px, QImage.Format.Format_ARGB32_Premultiplied)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(str(drawing)).render(painter, QRectF(0, 0, size_px, size_px))
    painter.end()
    plain = picture.convertToFormat(QImage.Format.Format_RGBA8888)
    return Image.frombytes("RGBA", (size_px, size_px), bytes(plain.constBits()))


def make(folder: Path) -> None:
    """Write every icon into *folder*, which is made where it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    for size_px in PNG_PX:
        render(size_px).save(folder / f"desktop-logs-{size_px}.png", optimize=True)
    # Pillow would scale the largest down; each size is drawn for itself instead.
    ico = [render(size_px) for size_px in ICO_PX]
    ico[-1].save(folder / "desktop-logs.ico", sizes=[(size, size) for size in ICO_PX], append_images=ico[:-1])
    icns = [render(size_px) for size_px in ICNS_PX]
    icns[-1].save(folder / "desktop-logs.icns", append_images=icns[:-1])


if __name__ == "__main__":
    make(OUT)
    for made in sorted(OUT.iterdir()):
        sys.stdout.write(f"{made.stat().st_size:>8,}  {made.relative_to(ICONS.parent.parent)}\n")
