"""A row is drawn in its colours, cut where there is no room, and never takes a record's text for markup."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QFont, QImage, QPainter
from PySide6.QtWidgets import QApplication, QStyle, QStyleOptionViewItem

from desktop_logs.core.gaps import gap_record
from desktop_logs.core.records import Record
from desktop_logs.ui.cells import LEVEL, MESSAGE, SOURCE, TIME
from desktop_logs.ui.delegate import FIRST_PADDING, PADDING, RecordDelegate
from desktop_logs.ui.model import RecordModel
from desktop_logs.ui.theme import DARK, LIGHT, ROW_HEIGHT, Palette, contrast, fixed_font, source_color
from tests.ui.fakes import make_record

WIDTH = 400


def draw(
    record: Record, column: int, palette: Palette = DARK, *, selected: bool = False, font: QFont | None = None
) -> QImage:
    """The cell of *record* on the palette's window colour."""
    font = font or fixed_font()
    model = RecordModel()
    model.append([record])
    delegate = RecordDelegate(palette, font)
    image = QImage(WIDTH, ROW_HEIGHT, QImage.Format.Format_RGB32)
    image.fill(QColor(palette.window))
    option = QStyleOptionViewItem()
    option.rect = QRect(0, 0, WIDTH, ROW_HEIGHT)
    if selected:
        option.state |= QStyle.StateFlag.State_Selected
    painter = QPainter(image)
    painter.setFont(font)
    delegate.paint(painter, option, model.index(0, column))
    painter.end()
    return image


def colors(image: QImage) -> set[str]:
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}


def inked_until(image: QImage, ground: str) -> int:
    """The rightmost column with anything but *ground*."""
    columns = range(image.width() - 1, -1, -1)
    return next(x for x in columns if any(image.pixelColor(x, y).name() != ground for y in range(image.height())))


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("selected", [False, True])
def test_cell_has_the_colours_of_its_palette(qapp: QApplication, palette: Palette, selected: bool) -> None:
    record = make_record(1, "█ message", level="█", source="█")
    ground = palette.selection if selected else palette.window
    for column, ink in ((LEVEL, palette.info), (SOURCE, palette.text), (MESSAGE, palette.text)):
        image = draw(record, column, palette, selected=selected)
        assert image.pixelColor(WIDTH - 1, 2).name() == ground
        assert ink in colors(image)


def test_source_coloured_bar_stands_at_the_left_edge_of_the_first_column(qapp: QApplication) -> None:
    image = draw(make_record(1, source="worker"), TIME)
    assert image.pixelColor(0, 5).name() == source_color(DARK, "worker").name()
    assert image.pixelColor(3, 5).name() == source_color(DARK, "worker").name()
    assert image.pixelColor(4, 5).name() == DARK.window


@pytest.mark.parametrize("text", ["x" * 500, "é" * 500, "日" * 500, "\u202e" * 500, "\x1b" * 500])
@pytest.mark.parametrize("column", [LEVEL, SOURCE, MESSAGE])
def test_long_text_ends_inside_its_cell(qapp: QApplication, column: int, text: str) -> None:
    image = draw(make_record(1, text, level=text, source=text), column)
    assert WIDTH - 40 < inked_until(image, DARK.window) <= WIDTH - 8


def test_further_lines_are_counted_beside_the_first(qapp: QApplication) -> None:
    alone = inked_until(draw(make_record(1, "first"), MESSAGE), DARK.window)
    counted = inked_until(draw(make_record(1, "first\nb\nc"), MESSAGE), DARK.window)
    traced = inked_until(draw(make_record(1, "first", context='{"traceback":"a\\nb\\nc"}'), MESSAGE), DARK.window)
    assert counted > alone + 40
    assert traced == pytest.approx(counted, abs=3)
    long = inked_until(draw(make_record(1, "x" * 500 + "\nb"), MESSAGE), DARK.window)
    assert WIDTH - 24 < long <= WIDTH - 8


def test_only_what_is_cut_has_more_to_tell(qapp: QApplication) -> None:
    delegate = RecordDelegate(DARK, fixed_font())
    rect = QRect(0, 0, WIDTH, ROW_HEIGHT)
    assert not delegate.is_cut(make_record(1, "short"), MESSAGE, rect)
    assert delegate.is_cut(make_record(2, "x" * 500), MESSAGE, rect)
    assert delegate.is_cut(make_record(3, "one\ntwo"), MESSAGE, rect)


def test_markup_in_a_record_is_drawn_as_it_came(qapp: QApplication) -> None:
    """Were it taken for markup, `<b></b>` would leave nothing behind."""
    plain = inked_until(draw(make_record(1, "aaaaaaa"), MESSAGE), DARK.window)
    markup = inked_until(draw(make_record(1, "<b></b>"), MESSAGE), DARK.window)
    assert markup == pytest.approx(plain, abs=3)


def test_huge_message_costs_a_row_little(qapp: QApplication) -> None:
    """256 KiB in one line: only its first part is made safe and measured, and once."""
    delegate = RecordDelegate(DARK, fixed_font())
    record = make_record(1, "é\x1b" * 130_000)
    assert len(delegate._line(record)[0]) < 20_000
    assert len(delegate._elided(delegate._line(record)[0], 800)) < 200
    assert delegate._line(record) is delegate._line(record)


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_missing_records_are_a_dashed_line_with_a_sentence_that_can_be_read(
    qapp: QApplication, palette: Palette
) -> None:
    """Over the whole row, on each ground that a row has."""
    for ground in (palette.window, palette.row_alternate, palette.selection):
        assert contrast(palette.warn, ground) >= 4.5
    gap = gap_record(1, 0, "evicted", 1, 9)
    for selected in (False, True):
        image = draw(gap, TIME, palette, selected=selected)
        ground = palette.selection if selected else palette.window
        middle = [image.pixelColor(x, ROW_HEIGHT // 2).name() for x in range(FIRST_PADDING, FIRST_PADDING + 36)]
        assert {palette.warn, ground} <= set(middle)  # dashes
        # To the end of the row, up to the last of the dashes.
        assert WIDTH - PADDING - 4 <= inked_until(image, ground) < WIDTH - PADDING
        assert palette.text not in colors(image)
