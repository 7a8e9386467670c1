"""Tokens of servers in the system's keyring, where there is one. Every call has a thread of its own and a limit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol, TypeVar

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.errors import EnvironmentFault
from desktop_logs.core.safe_text import one_line

SERVICE: Final = "desktop-logs"
TIMEOUT_S: Final = 5.0
_NO_KEYRING: Final = "This system has no keyring, so the token is kept only until this program ends."
# keyrings.alt writes files that any program of the user reads: no keyring, whatever priority they claim.
_NO_SECRET: Final = ("keyrings.alt", "keyring.backends.null", "keyring.backends.fail")

T = TypeVar("T")


class Backend(Protocol):
    """What is used of a backend of the `keyring` package."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


class Keychain:
    """Tokens by the address they are for. Nothing here raises; what went wrong is a sentence."""

    def __init__(
        self,
        report: Callable[[str], None],
        find: Callable[[], Backend | None] | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """*report* is told of what cannot be answered otherwise; *find* looks for the backend, in a thread."""
        self._report = report
        self._find = find or _find_backend
        self._timeout_s = timeout_s
        self._backend: Backend | None = None

    async def is_there(self) -> bool:
        """True when tokens can be kept."""
        try:
            return await self._in_thread(self._known) is not None
        except EnvironmentFault as failure:
            self._report(f"The system's keyring cannot be used: {failure}.")
            return False

    async def token(self, address: ServerAddress) -> str:
        """The token kept for *address*; empty without one."""
        try:
            return await self._in_thread(lambda: self._get(_name(address)))
        except EnvironmentFault as failure:
            self._report(f"The token for {address.host} could not be had from the system's keyring: {failure}.")
            return ""

    async def keep(self, address: ServerAddress, token: str) -> str:
        """Keep *token* for *address*, an empty one to forget it; why that failed, or empty."""
        try:
            return await self._in_thread(lambda: self._set(_name(address), token))
        except EnvironmentFault as failure:
            what = "keep the token" if token else "forget the token"
            return f"The system's keyring did not {what} for {address.host}: {failure}."

    # In a thread

    def _known(self) -> Backend | None:
        self._backend = self._backend or self._find()
        return self._backend

    def _get(self, name: str) -> str:
        backend = self._known()
        return (backend.get_password(SERVICE, name) or "") if backend is not None else ""

    def _set(self, name: str, token: str) -> str:
        backend = self._known()
        if backend is None:
            return _NO_KEYRING if token else ""
        if token:
            backend.set_password(SERVICE, name, token)
        elif backend.get_password(SERVICE, name) is not None:
            backend.delete_password(SERVICE, name)
        return ""

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """What *work* returns. Raises EnvironmentFault with what it raised, or that it did not return in time.

        Not asyncio's own threads: Python waits for those when it ends, and a keyring may wait for a person for ever.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Callable[[], T]] = loop.create_future()

        def settle(outcome: Callable[[], T]) -> None:
            if not answer.done():
                answer.set_result(outcome)

        def run() -> None:
            outcome = _outcome(work)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle, outcome)

        threading.Thread(target=run, name="keyring", daemon=True).start()
        try:
            outcome = await asyncio.wait_for(answer, self._timeout_s)
        except TimeoutError:
            raise EnvironmentFault(f"no answer within {self._timeout_s:g} s") from None
        return outcome()


def _outcome(work: Callable[[], T]) -> Callable[[], T]:
    """What returns, or raises, what *work* did."""
    try:
        value = work()
    except Exception as wrong:  # noqa: BLE001 - a backend raises what its system's library does
        said = one_line(str(wrong)).rstrip(".") or type(wrong).__name__

        def fail() -> T:
            raise EnvironmentFault(said)

        return fail
    return lambda: value


def _name(address: ServerAddress) -> str:
    return f"{address.url}{address.path}"


def _find_backend() -> Backend | None:
    """The backend that keeps secrets, out of those that `keyring` finds; None without one."""
    import keyring  # a tenth of a second, and some backends ask D-Bus: only when it is wanted, in a thread
    from keyring.backends.chainer import ChainerBackend

    found = keyring.get_keyring()
    # The chain would go on to a file when its first link refuses.
    candidates = ChainerBackend.backends if isinstance(found, ChainerBackend) else [found]
    return next((one for one in candidates if _keeps_secrets(one)), None)


def _keeps_secrets(backend: object) -> bool:
    """True for a backend that is worth its name: one with a positive priority that does not lay secrets open."""
    kind = type(backend)
    is_open = kind.__module__.startswith(_NO_SECRET) or "plaintext" in kind.__name__.lower()
    return not is_open and float(getattr(backend, "priority", 0)) > 0
