"""Who may speak to a hub on loopback, decided by headers before any socket exists. No tokens here yet, no state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

IS_PAGE = web.RequestKey("is_page", bool)
"""True on a request that comes from a page in a browser which is on the allow-list."""
_LOOPBACK_HOSTS = frozenset(("localhost", "127.0.0.1", "::1"))
_OPEN_TO_ANYONE = frozenset(("/healthz",))


def refusal(headers: Mapping[str, str]) -> str:
    """Why a request with these *headers* is refused, in one line; empty when it is not.

    A program sends no `Origin`; a page in a browser does, or `Sec-Fetch-Site`, and any page on the web could
    otherwise read the logs. A `Host` that is not this machine's is a name that was pointed here (DNS rebinding).
    """
    host = headers.get("Host")
    if host is not None and _host_name(host) not in _LOOPBACK_HOSTS:
        return f"The Host {host[:100]!r} is not this machine. Use 127.0.0.1 or localhost."
    origin = headers.get("Origin")
    # python-socketio's synchronous client sends the hub's own origin. No page has that: the hub serves none.
    if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
        return f"Pages in a browser may not use this hub (Origin {origin[:100]!r})."
    if headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        return "Pages in a browser may not use this hub (Sec-Fetch-Site)."
    return ""


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse with 403 whom `refusal` names, whatever the path."""
    if request.path not in _OPEN_TO_ANYONE:
        reason = refusal(request.headers)
        if reason:
            return web.Response(status=403, text=reason + "\n")
    return await handler(request)


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
