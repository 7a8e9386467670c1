"""From the tree of a query to a predicate over records. Pure."""

from __future__ import annotations

from collections.abc import Callable

from desktop_logs.core.query_tree import Node
from desktop_logs.core.records import Record

Predicate = Callable[[Record], bool]


def compile_node(node: Node) -> Predicate:
    raise NotImplementedError
