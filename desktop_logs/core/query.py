"""What a person types to select records: text to a tree, and the tree to a predicate. Pure.

The language is described in query_parser, what its parts claim in query_tree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from desktop_logs.core.query_match import Predicate, compile_node
from desktop_logs.core.query_parser import parse_tree
from desktop_logs.core.query_tree import Node


@dataclass(frozen=True, slots=True)
class Query:
    """Which records a person wants. Two queries are equal when their trees are, however they were typed."""

    tree: Node | None = None
    """None selects every record."""
    text: str = field(default="", compare=False)
    """As it was typed, without the space around it."""

    @property
    def is_empty(self) -> bool:
        """True when every record matches."""
        return self.tree is None

    def compile(self) -> Predicate:
        """A predicate over records; see query_match for what it costs and when it raises TooSlow."""
        return compile_node(self.tree) if self.tree else lambda record: True


def parse(text: str, now_ns: int = 0) -> Query:
    """The query in *text*; blank text selects everything. Raises QueryError with the position of the fault.

    Times such as `after:10m` are counted back from *now_ns* and stand in the tree as they were then.
    """
    return Query(parse_tree(text, now_ns), text.strip())
