"""Addresses of servers as a person types them. Pure: nothing is looked up."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from desktop_logs.core.errors import UserError

HUB_HOST = "127.0.0.1"
"""Where a hub listens, unless it is told otherwise."""
DEFAULT_PORT = 5647
LOCAL_URL = f"http://{HUB_HOST}:{DEFAULT_PORT}"
"""Where programs find the hub of this machine, unless they are told of another."""
DEFAULT_PATH = "/socket.io"
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a Socket.IO server or a hub is."""

    url: str
    """Scheme, host and port, without a slash at the end: `http://127.0.0.1:5647`."""
    path: str = DEFAULT_PATH
    """The Socket.IO path, with one slash in front and none at the end."""

    @property
    def host(self) -> str:
        """Host and port as a tab shows them."""
        return self.url.partition("://")[2]

    @classmethod
    def parse(cls, url: str, path: str = "") -> ServerAddress:
        """The address in what was typed: `localhost:3000`, `ws://host/llamaproxws`, `https://logs.example`.

        A path inside the URL is the Socket.IO path unless *path* names one. Without a scheme it is http; without a
        port the hub's own for http, and the scheme's usual one where a scheme was typed. Raises UserError.
        """
        typed = url.strip()
        if not typed:
            raise UserError("Type the server's URL, for example http://localhost:3000.")
        has_scheme = "://" in typed
        try:
            parts = urlsplit(typed if has_scheme else f"http://{typed}")
        except ValueError:
            raise UserError(f"{typed!r} is not a URL. Type it like http://localhost:3000.") from None
        scheme = _SCHEMES.get(parts.scheme.lower())
        if scheme is None:
            raise UserError(f"{typed!r} begins with {parts.scheme}://, which is not http, https, ws or wss.")
        try:
            host, port = parts.hostname, parts.port
            if port == 0:
                raise ValueError("no server can be reached at port 0")
        except ValueError:
            raise UserError(f"The port in {typed!r} is not a number from 1 to 65535.") from None
        if not host or any(character.isspace() for character in parts.netloc):
            raise UserError(f"{typed!r} names no host. Type it like http://localhost:3000.")
        if parts.username is not None:
            raise UserError("A URL with a user and password is not supported. Give a token by itself, outside the URL.")
        if port is None and not has_scheme:
            port = DEFAULT_PORT
        shown_host = f"[{host}]" if ":" in host else host
        return cls(f"{scheme}://{shown_host}" + (f":{port}" if port else ""), normal_path(path or parts.path))


def normal_path(path: str) -> str:
    """*path* with one slash in front and none at the end; the default for an empty one. Raises UserError."""
    bare = path.strip().strip("/")
    if any(character.isspace() or character in "?#{}" for character in bare):
        raise UserError(f"The path {path!r} cannot be used. Give it like /socket.io, without spaces, ? or #.")
    return f"/{bare}" if bare else DEFAULT_PATH
