"""x"""

from __future__ import annotations


class CompiledLines:
    pass


def compile_lines(pattern: str) -> CompiledLines | None:
    return None
