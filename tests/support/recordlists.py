"""Lists of random records as a window gets them, for Hypothesis: numbers grow, some messages have line breaks."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec.structs import replace

from desktop_logs.core.records import Record
from tests.support.queries import records, words

_messages = (
    words | st.lists(words, min_size=2, max_size=3).map("\n".join) | st.sampled_from(["日 🙂 a", "\n", "\r\n b"])
)


@st.composite
def record_lists(draw: st.DrawFn, min_size: int = 0, max_size: int = 20, copies: int = 1) -> list[Record]:
    """Records with gaps in their numbers at times, and times in no order; all of them *copies* times."""
    made: list[Record] = []
    seq = 0
    for record in draw(st.lists(records, min_size=min_size, max_size=max_size)) * copies:
        seq += draw(st.sampled_from([1, 7])) if copies == 1 else 1
        message = draw(_messages) if copies == 1 else record.message
        # As in a column of 64 bits; what parses is within it.
        time_ns = max(min(record.time_ns, 2**63 - 1), -(2**63))
        made.append(replace(record, seq=seq, message=message, time_ns=time_ns))
    return made
