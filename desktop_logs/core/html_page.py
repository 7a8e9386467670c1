"""Records as one HTML page that asks nothing of anyone: no script, nothing loaded, all text inert. Pure.

Who opens an exported file trusts it as much as the log it came from, so it is held to the same rule as the window:
what a record says is shown, never obeyed. Each text is escaped and its control characters and bidi marks are
symbols; and should anything ever slip through, the page's own Content-Security-Policy lets it run and load nothing.
"""

from __future__ import annotations

from html import escape
from typing import Final

import msgspec

from desktop_logs.core.levels import BANDS, band_of
from desktop_logs.core.records import Record
from desktop_logs.core.safe_text import block, one_line
from desktop_logs.core.timestamps import format_iso, format_local
from desktop_logs.core.wire import context_of

LIGHT: Final = {
    "window": "#ffffff",
    "row_alternate": "#fafbfc",
    "panel": "#f6f7f9",
    "border": "#d8dce3",
    "text": "#1d2330",
    "muted": "#566070",
    "trace": "#566070",
    "debug": "#1a659f",
    "info": "#1a7031",
    "warn": "#825400",
    "error": "#bd241b",
    "fatal": "#9b1f86",
}
"""The colours of ux.md that the page uses, by their names there; the window's own stand in ui.theme."""
DARK: Final = {
    "window": "#15171c",
    "row_alternate": "#181b21",
    "panel": "#1b1e25",
    "border": "#2c313b",
    "text": "#d9dde5",
    "muted": "#98a1b0",
    "trace": "#98a1b0",
    "debug": "#79b0e2",
    "info": "#7fc08a",
    "warn": "#e5b455",
    "error": "#ff7b72",
    "fatal": "#f07ad8",
}


def _variables(palette: dict[str, str]) -> str:
    return " ".join(f"--{name}: {color};" for name, color in palette.items())


_STYLE = f"""
:root {{ color-scheme: light dark; {_variables(LIGHT)} }}
@media (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}
body {{ margin: 0; background: var(--window); color: var(--text); font: 14px/1.4 system-ui, sans-serif; }}
header {{ padding: 16px 18px; }}
h1 {{ margin: 0; font-size: 16px; }}
header p {{ margin: 4px 0 0; color: var(--muted); }}
table {{ width: 100%; border-collapse: collapse; table-layout: fixed; font: 13px/1.5 ui-monospace, monospace; }}
th {{ position: sticky; top: 0; padding: 6px 8px; background: var(--panel); color: var(--muted); text-align: left;
  font: 13px system-ui, sans-serif; border-bottom: 1px solid var(--border); }}
th:nth-child(1) {{ width: 190px; }} th:nth-child(2) {{ width: 72px; }} th:nth-child(3) {{ width: 128px; }}
th:first-child, td:first-child {{ padding-left: 18px; }}
td {{ padding: 2px 8px; vertical-align: top; white-space: pre-wrap; overflow-wrap: anywhere; }}
tr:nth-child(even) td {{ background: var(--row_alternate); }}
td:first-child, i, td p {{ color: var(--muted); }}
td p {{ margin: 2px 0 4px; }}
i {{ font-style: normal; }}
{" ".join(f".{band} {{ color: var(--{band}); }}" for band in BANDS)}
@media (max-width: 720px) {{ thead {{ display: none; }} td {{ display: inline; }}
  td:first-child {{ padding-left: 8px; }} td:last-child {{ display: block; }}
  tr {{ display: block; padding: 4px 0; border-bottom: 1px solid var(--border); }} }}
"""
HEAD: Final = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Desktop Logs: exported records</title>
<style>{_STYLE}</style>
</head>
<body>
<header><h1>Exported records</h1>
<p>Written by Desktop Logs. Times are local to the machine that wrote this; held under the pointer, they tell UTC.</p>
</header>
<table>
<thead><tr><th>Time</th><th>Level</th><th>Source</th><th>Message</th></tr></thead>
<tbody>
""".encode()
"""All of the page that stands before its rows."""
TAIL: Final = b"</tbody>\n</table>\n</body>\n</html>\n"
"""All of the page that stands after its rows."""


def row(record: Record, trace: str) -> str:
    """One row: time, level, source and message, with its traceback *trace* and the rest of the context below."""
    utc = format_iso(record.time_ns)
    message = escape(block(record.message))
    if trace:
        message += f"\n<i>{escape(block(trace.rstrip()))}</i>"
    context = _context_without(record, trace)
    if context:
        message += f"<p>{escape(block(context))}</p>"
    return (
        f'<tr><td><time datetime="{utc}" title="{utc}">{format_local(record.time_ns)}</time></td>'
        f'<td class="{BANDS[band_of(record.severity)]}">{escape(one_line(record.level).upper())}</td>'
        f"<td>{escape(one_line(record.source))}</td><td>{message}</td></tr>\n"
    )


def _context_without(record: Record, trace: str) -> str:
    """The context as it is kept; as JSON without its traceback where *trace* says that already."""
    if not trace:
        return record.context
    rest = {key: value for key, value in context_of(record).items() if value != trace}
    return msgspec.json.encode(rest).decode() if rest else ""
