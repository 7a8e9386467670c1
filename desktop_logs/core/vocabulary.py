"""Which keys the contexts of records have, for whoever types a query. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

_MOST_DEEP: Final = 4
_MOST_CHARACTERS: Final = 300_000
_MOST_NAMES: Final = 1_000


def keys_in(contexts: Iterable[str]) -> list[str]:
    """The keys in *contexts* (compact JSON objects, or empty), the most frequent first; 2 µs a usual context.

    Of large ones no more are read than take 5 ms; of many names the 1,000 most frequent are told.

    What lies in an object within is named with its path, such as `http.status`.
    """
    names: Counter[str] = Counter()
    left = _MOST_CHARACTERS
    for context in filter(None, contexts):
        left -= len(context)
        if left < 0:
            break
        names.update(_names(msgspec.json.decode(context)))
    return [name for name, _ in names.most_common(_MOST_NAMES)]


def _names(values: Mapping[str, Any], path: str = "", depth: int = 1) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict) and value and depth < _MOST_DEEP:
            yield from _names(value, f"{path}{key}.", depth + 1)
        else:
            yield path + key
