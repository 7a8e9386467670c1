"""A field for an amount of bytes, told in MB or GB. It knows nothing of what the amount is for."""

from __future__ import annotations

from typing import Final, Literal

from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QSpinBox, QWidget

Unit = Literal["MB", "GB"]
_THOUSANDTH_BYTES: Final = {"MB": 1_000, "GB": 1_000_000}
_MOST: Final = 100_000_000
"""In thousandths of the unit: 100 GB, or 100 TB."""


class SizeBox(QSpinBox):
    """A size shown in *unit* with up to three decimals. A size that nobody changes stays exact.

    At least one thousandth of the unit, or nothing where *may_be_none*.
    """

    def __init__(
        self, size_bytes: int, unit: Unit, parent: QWidget | None = None, *, may_be_none: bool = False
    ) -> None:
        super().__init__(parent)
        self._given_bytes = size_bytes
        self._thousandth_bytes = _THOUSANDTH_BYTES[unit]
        self.setRange(0 if may_be_none else 1, _MOST)
        self.setSingleStep(1_000)
        self.setSuffix(f" {unit}")
        self.setValue(round(size_bytes / self._thousandth_bytes))
        self._given_value = self.value()

    @property
    def size_bytes(self) -> int:
        """The size, in bytes."""
        return self._given_bytes if self.value() == self._given_value else self.value() * self._thousandth_bytes

    def textFromValue(self, value: int) -> str:
        return f"{value / 1_000:.3f}".rstrip("0").rstrip(".")

    def valueFromText(self, text: str) -> int:
        number = _number(text, self.suffix())
        return self.value() if number is None else round(number * 1_000)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        number = _number(text, self.suffix())
        if number is not None and self.minimum() <= round(number * 1_000) <= self.maximum():
            return QValidator.State.Acceptable, text, position
        typed = text.removesuffix(self.suffix()).strip()
        is_begun = all(character.isdigit() or character in ".," for character in typed)
        return (QValidator.State.Intermediate if is_begun else QValidator.State.Invalid), text, position


def _number(text: str, suffix: str) -> float | None:
    try:
        number = float(text.removesuffix(suffix).strip().replace(",", "."))
    except ValueError:
        return None
    return number if 0 <= number < 1e9 else None
