"""Why a server cannot be connected to, as a sentence with what to do. One request; no Socket.IO session is made."""

from __future__ import annotations

import asyncio
import socket
import ssl

import aiohttp

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.safe_text import one_line

TIMEOUT_S = 5.0


async def diagnose(address: ServerAddress, session: aiohttp.ClientSession) -> tuple[bool, str]:
    """Ask for a polling handshake. (True, "") when the server would take one; else False and what is wrong.

    An empty sentence with False: it is a Socket.IO server, only without polling.
    """
    url = f"{address.url}{address.path}/?EIO=4&transport=polling"
    try:
        async with asyncio.timeout(TIMEOUT_S), session.get(url, allow_redirects=False) as response:
            body = (await response.content.read(2_000)).decode("utf-8", "replace")
            return _read(address, response.status, body)
    except TimeoutError:
        return False, f"{address.host} does not answer within {TIMEOUT_S:.0f} seconds. Is the port right?"
    except (aiohttp.ClientError, OSError, ValueError) as failure:
        return False, connection_problem(address, failure)


def connection_problem(address: ServerAddress, failure: BaseException) -> str:
    """The sentence for a connection that could not be made."""
    if isinstance(failure, aiohttp.ClientConnectorCertificateError):
        return f"The certificate of {address.host} is not trusted: {_reason(failure.certificate_error)}."
    if isinstance(failure, aiohttp.ClientConnectorDNSError | socket.gaierror):
        return f"The name {_bare_host(address)} cannot be found. Check the spelling, or whether the network is there."
    if isinstance(failure, aiohttp.ClientSSLError | ssl.SSLError):
        return f"{address.host} does not speak TLS. Try {address.url.replace('https://', 'http://')}."
    cause = failure.os_error if isinstance(failure, aiohttp.ClientConnectorError) else failure
    if isinstance(cause, ConnectionRefusedError):
        return f"Nothing listens on {address.host}. Is the server running, and is the port right?"
    if isinstance(failure, aiohttp.ServerDisconnectedError | ConnectionResetError):
        return f"{address.host} closed the connection without an answer. Is it a web server, and is it https?"
    if isinstance(failure, aiohttp.ClientResponseError):
        return f"{address.host} answers, but not in HTTP. Is the port right?"
    return f"{address.host} cannot be reached: {_reason(cause)}."


def _read(address: ServerAddress, status: int, body: str) -> tuple[bool, str]:
    if status == 200 and body.startswith("0{"):
        return True, ""
    if status in (401, 403):
        said = one_line(body.strip().partition("\n")[0][:200])
        return False, f"{address.host} refuses the connection (HTTP {status}){f': {said}' if said else '.'}"
    # engine.io's own refusals: 0 unknown transport, 5 unsupported protocol version.
    if status == 400 and '"code":0' in body:
        return False, ""
    if status == 400 and ('"code":5' in body or "unsupported version" in body):
        return False, f"{address.host} speaks another version of Socket.IO; version 3 or later of its server is needed."
    if status == 400 and ("Invalid transport" in body or "Transport unknown" in body):
        return False, ""
    return False, (
        f"{address.host} answers, but there is no Socket.IO server at the path {address.path} (HTTP {status}). "
        "Check the URL, or name its path, for example /llamaproxws."
    )


def _bare_host(address: ServerAddress) -> str:
    return address.host.rpartition(":")[0] or address.host


def _reason(failure: BaseException) -> str:
    text = getattr(failure, "strerror", None) or getattr(failure, "verify_message", None) or str(failure)
    return one_line(text or type(failure).__name__).rstrip(".")
