"""Who may speak to a hub: by the headers of a request, before any socket exists, and then by its token. What a client
may send or read after that is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from desktop_logs.core.access import Access, Rights, is_loopback
from desktop_logs.net.limits import Guesses, Refusals

IS_PAGE = web.RequestKey("is_page", bool)
"""True on a request that comes from a page in a browser which is on the allow-list."""
NEEDS_TOKEN: Final = "This hub needs a token, and the right one was not given. Ask for it where the hub runs."
TOO_MANY_GUESSES: Final = "Too many wrong tokens. Try again in a minute."
GUESS_PAUSE_S: Final = 60
_LACKS = {
    Rights.VIEW: "This token may only send. Use the viewer token to read.",
    Rights.SEND: "This token may only read. Use the producer token to send.",
}
_OPEN_TO_ANYONE = frozenset(("/healthz",))
# Twice in one request, each of two programs on its way could believe another one.
_ONCE = ("host", "origin", "sec-fetch-site", "authorization")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]@/\\]+)(?::[0-9]{0,5})?")
_CORS_OF_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding, Desktop-Logs-Producer, "
    "Desktop-Logs-First",
    # Chrome asks so before a page may reach a machine in its own network.
    "Access-Control-Allow-Private-Network": "true",
    "Access-Control-Max-Age": "600",
}
_OF_EVERY_ANSWER = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Server": "desktop-logs"}
_EXPOSED = "Retry-After, Desktop-Logs-More, Desktop-Logs-Problem"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the headers of a request say of who sent it."""

    refusal: str = ""
    """Why it is refused, in one line; empty when it is not."""
    is_page: bool = False
    """A page on the allow-list."""
    kind: str = ""
    """Of the refusal: `host`, `origin`, `site`, `headers` or `target`."""


_PROGRAM: Final = Judgement()
_TO_A_PROXY: Final = Judgement("This hub is no proxy. Ask for a path alone, like /api/stats.", kind="target")


def judge(headers: Iterable[tuple[str, str]], access: Access) -> Judgement:
    """Who sends a request with these *headers* to a hub with that *access*.

    A program sends no `Origin`; a page in a browser does, or `Sec-Fetch-Site`, and any page on the web could
    otherwise read the logs. On loopback a `Host` that is not this machine's is a name that was pointed here (DNS
    rebinding); elsewhere nobody knows the names of this machine, and the token protects. A request without a Host
    (HTTP/1.0) is no browser's.
    """
    told: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in told and lower in _ONCE:
            return Judgement(f"The request has more than one {name} header.", kind="headers")
        told[lower] = value
    host, origin = told.get("host"), told.get("origin")
    if host is not None and access.is_local and not _is_this_machine(host):
        return Judgement(f"The Host {host[:100]!r} is not this machine. Use 127.0.0.1 or localhost.", kind="host")
    if origin is not None:
        if origin in access.origins:
            return Judgement(is_page=True)
        # python-socketio's synchronous client sends the hub's own origin. No page has that: the hub serves none.
        if host is None or origin not in (f"http://{host}", f"https://{host}"):
            return Judgement(
                f"Pages in a browser may not use this hub (Origin {origin[:100]!r}). Its --allow-origin lets one in.",
                kind="origin",
            )
    if told.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return Judgement("Pages in a browser may not use this hub (Sec-Fetch-Site).", kind="site")
    return _PROGRAM


class Denied(Exception):
    """A client that is not let in; the text says why, in one line."""

    def __init__(self, why: str, status: int) -> None:
        super().__init__(why)
        self.status = status


class Guard:
    """Stands before everything that a hub serves."""

    def __init__(self, access: Access, guesses: Guesses, refusals: Refusals) -> None:
        self.access = access
        """May be replaced while the hub runs."""
        self._guesses = guesses
        self.refusals = refusals

    def attach(self, app: web.Application) -> None:
        """Look at every request to *app*, whatever its path, before anything else does."""
        app.middlewares.append(self._middleware)
        app.on_response_prepare.append(_protect)
        app.on_response_prepare.append(_let_page_read)

    def rights(self, token: str, address: str, *, is_page: bool) -> Rights:
        """What the client at *address* may do that shows *token*; at least something. Raises Denied."""
        rights = self.access.rights("", is_page=is_page)
        if rights:
            return rights  # needs none, and so can show no wrong one
        if self._guesses.has_too_many(address):
            self.refusals.add("guesses", TOO_MANY_GUESSES)
            raise Denied(TOO_MANY_GUESSES, 429)
        rights = self.access.rights(token, is_page=is_page)
        if not rights:
            if token:  # a program that shows none guesses nothing
                self._guesses.add(address)
            self.refusals.add("token", NEEDS_TOKEN)
            raise Denied(NEEDS_TOKEN, 401)
        return rights

    def needs(self, right: Rights, handler: Handler) -> Handler:
        """*handler*, for those alone that have *right*: 401 and 403 for others, before any of the body is read."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                rights = self.rights(_bearer(request), request.remote or "", is_page=request.get(IS_PAGE, False))
                if right not in rights:
                    self.refusals.add(f"right {right.name}", _LACKS[right])
                    raise Denied(_LACKS[right], 403)
            except Denied as denied:
                return _denial(str(denied), denied.status)
            return await handler(request)

        return guarded

    @property
    def _middleware(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            # As to a proxy, with a host before the path: of two hosts nobody knows which is believed.
            is_bare = request.raw_path.startswith("/")
            judgement = judge(request.headers.items(), self.access) if is_bare else _TO_A_PROXY
            if judgement.is_page:
                request[IS_PAGE] = True
                if request.method == "OPTIONS":
                    return web.Response(status=204, headers=_CORS_OF_PREFLIGHT)
            elif judgement.refusal and request.path not in _OPEN_TO_ANYONE:
                self.refusals.add(judgement.kind, judgement.refusal)
                return _denial(judgement.refusal, 403)
            return await handler(request)

        return guard


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    """Nothing that a hub answers is run, kept on a disk in between, or tells strangers more than `/healthz` does."""
    response.headers.update(_OF_EVERY_ANSWER)


async def _let_page_read(request: web.Request, response: web.StreamResponse) -> None:
    """A browser hands an answer, a refusal too, to a page of another origin only when the answer names that."""
    if request.get(IS_PAGE, False):
        response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED
        response.headers["Vary"] = "Origin"


def _denial(why: str, status: int) -> web.Response:
    response = web.Response(status=status, text=why + "\n")
    response.force_close()  # who is refused holds no connection
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    elif status == 429:
        response.headers["Retry-After"] = str(GUESS_PAUSE_S)
    return response


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _is_this_machine(host: str) -> bool:
    parts = _HOST.fullmatch(host)
    return parts is not None and is_loopback(parts[1].removesuffix("."))
