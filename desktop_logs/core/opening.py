"""What a start of the program asks a window to show: a server, links, files. Pure: nothing is opened here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.errors import UserError
from desktop_logs.core.safe_text import one_line

LINK_SCHEME = "desktop-logs"
MAX_LINK = 2_000
"""Characters. A person is to look through what a link asks for."""
_SHOWN = 200
"""How much of a link a sentence repeats."""
_TOKEN = re.compile(r"(?i)(?<=token=)[^&#]*")
_DRIVE = re.compile(r"/[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Opening:
    """All that one start asks for; a plain start asks for nothing."""

    server: Target | None = None
    """A server that the person has named: it is connected to."""
    links: tuple[str, ...] = ()
    """As they came, for parse_link. Anybody may have written them: the person is asked first, or told what is wrong."""
    files: tuple[str, ...] = ()
    """Log files, by their absolute paths."""

    def __bool__(self) -> bool:
        return bool(self.server or self.links or self.files)


def is_link(item: str) -> bool:
    """True when *item* is a link for this program, well made or not."""
    return item[: len(LINK_SCHEME) + 1].lower() == f"{LINK_SCHEME}:"


def file_named(item: str) -> str:
    """The path that *item* names, which may be a `file:` address, as file managers give it. Raises UserError."""
    # With one slash as Java and KDE write it, with three as others do (RFC 8089).
    if item[:6].lower() != "file:/":
        return item
    nothing = UserError(f"{item} names a file that cannot be. Check the name.")
    try:
        parts = urlsplit(item)
    except ValueError:  # a host in brackets that is none
        raise nothing from None
    if parts.netloc.lower() not in ("", "localhost"):
        raise UserError(f"{item} is on another machine. Copy the file here, and open that.")
    path = unquote(parts.path, errors="surrogateescape")
    if not path or "\0" in path:
        raise nothing
    return path[1:] if _DRIVE.match(path) else path


def parse_link(link: str) -> Target:
    """The server in `desktop-logs://connect?url=http://localhost:3000&path=/ws&query=level:error`.

    *path* and *query* may be missing. What a person could not see as it is, is refused: marks that turn the direction
    of writing, or letters of a host that look like others. So is a token, for links are kept and sent around. Raises
    UserError.
    """
    example = f"It should look like {LINK_SCHEME}://connect?url=http://localhost:3000"
    # A sentence is read by who looks on, and stays in a terminal: it does not repeat a token.
    shown = _TOKEN.sub("…", link)
    shown = repr(shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…")
    if len(link) > MAX_LINK:
        raise UserError(f"The link {shown} is longer than {MAX_LINK:,} characters, which no link may be.")
    try:
        parts = urlsplit(link)
        named = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query), errors="strict")
    except ValueError:  # of which UnicodeDecodeError is one
        raise UserError(f"The link {shown} cannot be read. {example}") from None
    if any(one_line(text) != text for text in (link, *(value for _, value in named))):
        raise UserError(f"The link {shown} has characters that cannot be seen, which no link may have.")
    # Some systems put a slash behind a host without a path.
    if parts.netloc.lower() != "connect" or parts.path not in ("", "/"):
        raise UserError(f"The link {shown} asks for nothing that is known here. {example}")
    given = dict(named)
    if len(given) != len(named):
        raise UserError(f"The link {shown} says one thing twice. {example}")
    if unknown := sorted(given.keys() - {"url", "path", "query"}):
        why = " A token does not belong into a link: type it in the dialog." if "token" in unknown else ""
        names = ", ".join(name if name.isidentifier() else repr(name) for name in unknown)
        raise UserError(f"The link {shown} has {names}, which no link may have.{why}")
    if not given.get("url"):
        raise UserError(f"The link {shown} names no server. {example}")
    address = ServerAddress.parse(given["url"], given.get("path", ""))
    if not address.host.isascii():
        raise UserError(f"The link {shown} names a host in letters that may look like others. Write it as xn--….")
    return Target(address, query=given.get("query", ""))
