"""A record's context as a Qt tree: one node a key, children made when they are asked for. No widgets, no colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from desktop_logs.core.safe_text import block, one_line

KEY, VALUE, COPY = range(3)
"""The columns."""

CHUNK: Final = 100
"""Children that a node has at first, and how many more each time."""
# More than a row shows of one value in any width; all of it is copied.
_SHOWN_CHARACTERS: Final = 2_000
_OPEN_ROWS: Final = 30

_Index = QModelIndex | QPersistentModelIndex


@dataclass(slots=True)
class Node:
    """One key and its value; or, with `rest`, the line that stands for children not shown yet."""

    key: str
    value: Any
    parent: int
    row: int
    path: str
    rest: int = 0
    children: list[int] | None = None


class ContextModel(QAbstractItemModel):
    """The tree. Indexes carry the number of their node, never a pointer, so that none can outlive what it points to."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._nodes: list[Node] = []
        self.set_context({})

    def set_context(self, context: dict[str, Any]) -> None:
        """Show another context. O(its keys at the top)."""
        self.beginResetModel()
        self._nodes = [Node("", context, -1, 0, "")]
        self.endResetModel()

    def node(self, index: _Index) -> Node:
        """The node behind *index*; the root for an invalid one."""
        return self._nodes[index.internalId()] if index.isValid() else self._nodes[0]

    def show_more(self, index: QModelIndex) -> None:
        """Replace the line for children not shown yet by the next CHUNK of them, and a new such line if any remain."""
        rest = self.node(index)
        if not rest.rest:
            return
        parent_index = self.parent(index)
        parent = self._nodes[rest.parent]
        known = self._children(parent_index)
        self.beginRemoveRows(parent_index, rest.row, rest.row)
        known.pop()
        self.endRemoveRows()
        added = self._make(rest.parent, len(known))
        self.beginInsertRows(parent_index, len(known), len(known) + len(added) - 1)
        parent.children = known + added
        self.endInsertRows()

    @property
    def is_small(self) -> bool:
        """True when all of the context is few enough rows to be shown open."""
        return _count_rows(self._nodes[0].value, _OPEN_ROWS) <= _OPEN_ROWS

    def index(self, row: int, column: int, parent: _Index = QModelIndex()) -> QModelIndex:  # noqa: B008 (Qt's)
        if not (0 <= column <= COPY) or parent.column() > 0:
            return QModelIndex()
        children = self._children(parent)
        return self.createIndex(row, column, children[row]) if 0 <= row < len(children) else QModelIndex()

    def parent(self, index: _Index | None = None) -> Any:
        if index is None:
            return super().parent()
        if not index.isValid():
            return QModelIndex()
        number = self._nodes[index.internalId()].parent
        return self.createIndex(self._nodes[number].row, KEY, number) if number > 0 else QModelIndex()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 (Qt's)
        return 0 if parent.column() > 0 else len(self._children(parent))

    def hasChildren(self, parent: _Index = QModelIndex()) -> bool:  # noqa: B008 (Qt's)
        node = self.node(parent)
        return parent.column() <= 0 and isinstance(node.value, dict | list) and bool(node.value)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 (Qt's)
        return 3

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        node = self.node(index)
        if role == Qt.ItemDataRole.DisplayRole:
            return _shown(node, index.column())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            if index.column() == COPY:
                return "" if node.rest else f"Copy value of {one_line(node.path)}"
            return _shown(node, index.column())
        return None

    def _children(self, index: _Index) -> list[int]:
        number = index.internalId() if index.isValid() else 0
        node = self._nodes[number]
        if node.children is None:
            node.children = self._make(number, 0)
        return node.children

    def _make(self, parent: int, first: int) -> list[int]:
        """The numbers of new nodes for the children of *parent* from *first*, and for the line after them."""
        node = self._nodes[parent]
        if not isinstance(node.value, dict | list):
            return []
        total = len(node.value)
        last = min(first + CHUNK, total)
        keys = list(node.value)[first:last] if isinstance(node.value, dict) else range(first, last)
        start = len(self._nodes)
        prefix = f"{node.path}." if node.path else ""
        for row, key in enumerate(keys, first):
            self._nodes.append(Node(str(key), node.value[key], parent, row, f"{prefix}{key}"))
        if last < total:
            self._nodes.append(Node("", None, parent, last, node.path, rest=total - last))
        return list(range(start, len(self._nodes)))


def _shown(node: Node, column: int) -> str:
    if column == COPY:
        return ""
    if node.rest:
        return f"… {node.rest:,} more" if column == KEY else ""
    if column == KEY:
        return one_line(node.key)
    value = node.value
    if isinstance(value, dict):
        return f"{len(value)} {'key' if len(value) == 1 else 'keys'}" if value else "{}"
    if isinstance(value, list):
        return f"{len(value):,} {'item' if len(value) == 1 else 'items'}" if value else "[]"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return block(text[:_SHOWN_CHARACTERS])


def _count_rows(value: object, most: int) -> int:
    """The rows of *value* with everything open; it stops counting beyond *most*."""
    if not isinstance(value, dict | list):
        return 0
    rows = len(value)
    for part in value.values() if isinstance(value, dict) else value:
        if rows > most:
            break
        rows += _count_rows(part, most - rows)
    return rows
