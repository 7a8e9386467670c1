"""Why a server cannot be connected to: which step failed, and a sentence with what to do. No session stays."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import msgspec

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Certificate, Fault
from desktop_logs.core.errors import ConnectError
from desktop_logs.core.safe_text import one_line
from desktop_logs.net.trust import fingerprint_of, trusting_anything

TIMEOUT_S = 5.0
TLS_TIMEOUT_S = 2.0

_POLLING = "?EIO=4&transport=polling"
_ABOUT_TOKENS = re.compile(r"token|auth|credential|password|api.?key", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """What stands in the way of a connection: nothing, when *fault* is None."""

    sentence: str = ""
    fault: Fault | None = None
    certificate: Certificate | None = None
    """With the fault `certificate`."""
    polls: bool = True
    """False where the server takes no polling."""
    answers_http: bool = False
    """With the fault `no-socketio`: something else may be had there, at another path."""


class Unreachable(ConnectError):
    """A server that cannot be connected to, and what a diagnosis of that found."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.sentence)
        self.finding = finding

    @property
    def is_refusal(self) -> bool:
        """True when trying again soon cannot help: the server has answered, and said no."""
        return self.finding.fault in ("token", "forbidden", "certificate")


async def diagnose(address: ServerAddress, session: aiohttp.ClientSession) -> Finding:
    """Ask for a polling handshake with *session*, whose connector says what is trusted."""
    url = f"{address.url}{address.path}/{_POLLING}"
    try:
        async with asyncio.timeout(TIMEOUT_S):
            async with session.get(url, allow_redirects=False) as response:
                body = (await response.content.read(2_000)).decode("utf-8", "replace")
                status = response.status
            if status == 200 and body.startswith("0{"):
                await _take_leave(url, body, session)
                return Finding()
    except TimeoutError:
        return Finding(f"{address.host} does not answer within {TIMEOUT_S:.0f} seconds. Is the port right?", "silent")
    except (aiohttp.ClientError, OSError, ValueError) as failure:
        return await _looked_into(address, connection_problem(address, failure))
    if status == 400 and "http request was sent to https port" in body.lower():
        return _tls_only(address)
    return _read(address, status, body)


def connection_problem(address: ServerAddress, failure: BaseException) -> Finding:
    """What a connection that could not be made means."""
    if isinstance(failure, aiohttp.ServerFingerprintMismatch):
        sentence = (
            f"{address.host} shows another certificate than the one that was accepted. "
            "If it was renewed there, accept the new one; if not, somebody stands between."
        )
        return Finding(sentence, "certificate", Certificate(failure.got.hex(), "it is not the one that was accepted"))
    if isinstance(failure, aiohttp.ClientConnectorCertificateError):
        reason = _reason(failure.certificate_error)
        return Finding(
            f"The certificate of {address.host} is not trusted: {reason}.", "certificate", Certificate("", reason)
        )
    if isinstance(failure, aiohttp.ClientConnectorDNSError | socket.gaierror):
        return Finding(
            f"The name {_bare_host(address)} cannot be found. Check the spelling, or whether the network is there.",
            "name",
        )
    if isinstance(failure, aiohttp.ClientSSLError | ssl.SSLError):
        plain = address.url.replace("https://", "http://")
        return Finding(f"{address.host} does not speak TLS. Try {plain}.", "tls")
    cause = failure.os_error if isinstance(failure, aiohttp.ClientConnectorError) else failure
    if isinstance(cause, ConnectionRefusedError):
        return Finding(f"Nothing listens on {address.host}. Is the server running, and is the port right?", "refused")
    if isinstance(failure, aiohttp.ServerDisconnectedError | ConnectionResetError):
        return Finding(
            f"{address.host} closed the connection without an answer. Is it a web server, and is it https?",
            "no-socketio",
        )
    if isinstance(failure, aiohttp.ClientResponseError):
        return Finding(f"{address.host} answers, but not in HTTP. Is the port right?", "no-socketio")
    return Finding(f"{address.host} cannot be reached: {_reason(cause)}.", "other")


def refusal(address: ServerAddress, said: str) -> Finding:
    """The server took the transport and refused the rest, saying *said*."""
    fault: Fault = "token" if _ABOUT_TOKENS.search(said) else "forbidden"
    return Finding(f"{address.host} refuses the connection: {said or 'it gives no reason'}.", fault)


async def _take_leave(url: str, body: str, session: aiohttp.ClientSession) -> None:
    """End the session that the answer *body* has opened: the server would keep it until its ping times out."""
    try:
        sid = msgspec.json.decode(body[1:], type=dict[str, object]).get("sid")
        async with session.post(f"{url}&sid={sid}", data="1") as response:
            await response.read()
    except (aiohttp.ClientError, OSError, ValueError, TimeoutError):
        return  # then it times out


async def _looked_into(address: ServerAddress, finding: Finding) -> Finding:
    """*finding* with what only a TLS handshake that trusts anything can tell."""
    if finding.certificate is not None and not finding.certificate.fingerprint:
        shown = await _certificate_of(address)
        certificate = Certificate(fingerprint_of(shown), finding.certificate.problem) if shown else None
        return Finding(finding.sentence, finding.fault, certificate)
    if finding.fault == "no-socketio" and address.url.startswith("http://") and await _certificate_of(address):
        return _tls_only(address)
    return finding


def _tls_only(address: ServerAddress) -> Finding:
    secure = address.url.replace("http://", "https://")
    return Finding(f"{address.host} speaks TLS only. Try {secure}.", "tls")


async def _certificate_of(address: ServerAddress) -> bytes:
    """The certificate that the server shows (DER), whoever has signed it; empty without one."""
    parts = urlsplit(address.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(TLS_TIMEOUT_S):
            _, writer = await asyncio.open_connection(parts.hostname, port, ssl=trusting_anything())
    except (OSError, TimeoutError):
        return b""
    try:
        return writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
    finally:
        writer.transport.abort()


def _read(address: ServerAddress, status: int, body: str) -> Finding:
    if status in (401, 403):
        said = one_line(body.strip().partition("\n")[0][:200])
        sentence = f"{address.host} refuses the connection (HTTP {status}){f': {said}' if said else '.'}"
        return Finding(sentence, "token" if status == 401 else "forbidden")
    # engine.io's own refusals: 0 unknown transport, 5 unsupported protocol version.
    if status == 400 and '"code":0' in body:
        return Finding(polls=False)
    if status == 400 and ('"code":5' in body or "unsupported version" in body):
        return Finding(
            f"{address.host} speaks another version of Socket.IO; version 3 or later of its server is needed.",
            "no-socketio",
        )
    if status == 400 and ("Invalid transport" in body or "Transport unknown" in body):
        return Finding(polls=False)
    return Finding(
        f"{address.host} answers, but there is no Socket.IO server at the path {address.path} (HTTP {status}). "
        "Check the URL, or name its path, for example /llamaproxws.",
        "no-socketio",
        answers_http=True,
    )


def _bare_host(address: ServerAddress) -> str:
    return address.host.rpartition(":")[0] or address.host


def _reason(failure: BaseException) -> str:
    # Of a certificate the message is a sentence, and `strerror` names OpenSSL's source files.
    text = getattr(failure, "verify_message", None) or getattr(failure, "strerror", None) or str(failure)
    return one_line(text or type(failure).__name__).rstrip(".")
