"""Which ports are free. Nothing listens here for longer than a question takes."""

from __future__ import annotations

import errno
import os
import socket
from typing import Final

_MOST_TRIES: Final = 200
_LAST_PORT: Final = 65_535
_TAKEN: Final = (errno.EADDRINUSE, errno.EACCES)


def next_free_port(host: str, after: int) -> int:
    """The first port above *after*, and above those of the system, at which nothing listens on *host*; 0 when none is
    near, or when *host* cannot be listened on at all. Blocks while a name is looked up.
    """
    first = max(after, 1023) + 1
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        addresses = list(dict.fromkeys((family, address) for family, _, _, _, address in found))
        for port in range(first, min(first + _MOST_TRIES, _LAST_PORT + 1)):
            if all(_is_free(family, (address[0], port, *address[2:])) for family, address in addresses):
                return port
    except OSError:
        pass
    return 0


def _is_free(family: int, address: tuple[str | int, ...]) -> bool:
    """Raises OSError when it is not the port that is at fault."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            # As asyncio's servers have it: a port whose last connections are just ending is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind(address)
            probe.listen()
        except OSError as fault:
            if fault.errno in _TAKEN:
                return False
            raise
    return True
