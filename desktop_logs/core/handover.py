"""What a second start of the program says to the first, and hears: lines of JSON. Pure: no sockets, no files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from desktop_logs.core.access import Access
from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target, Trust
from desktop_logs.core.errors import PeerError, UserError
from desktop_logs.core.opening import Opening, is_link
from desktop_logs.core.safe_text import one_line

VERSION: Final = 1
MAX_BYTES: Final = 1_000_000
"""A line is no longer, its end included: some thousand files."""
HUB_OPTIONS: Final = (
    "--port",
    "--path",
    "--host",
    "--allow-origin",
    "--viewer-token",
    "--producer-token",
    "--tls-cert",
    "--tls-key",
)
"""How a hub runs, which is settled by the first start."""
_MAX_ACTIVATION: Final = 500


@dataclass(frozen=True, slots=True)
class Handover:
    """All that a second start asks of the first."""

    opening: Opening = field(default_factory=Opening)
    new_window: bool = False
    activation: str = field(default="", repr=False)
    """What lets a window come to the front where not every program may (XDG_ACTIVATION_TOKEN); empty without one."""
    asked: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Those of HUB_OPTIONS that were typed, by name."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of it."""

    pid: int = 0
    """The process whose window is in front now."""
    unfollowed: tuple[str, ...] = ()
    """Names of options that the hub which runs already does not follow."""
    problem: str = ""
    """Why nothing was opened, in a sentence; empty when it was."""


def unfollowed(asked: Mapping[str, str], running: Mapping[str, str]) -> tuple[str, ...]:
    """The names in *asked* that say something else than *running*, in which an option left out is empty."""
    return tuple(name for name in HUB_OPTIONS if name in asked and asked[name] != running.get(name, ""))


def running_options(port: str, path: str, access: Access) -> dict[str, str]:
    """How a hub runs, by the names of HUB_OPTIONS; what *access* does not tell is left out."""
    return {
        "--port": port,
        "--path": path,
        "--host": access.host,
        "--allow-origin": " ".join(sorted(access.origins)),
        "--viewer-token": access.tokens.viewer,
        "--producer-token": access.tokens.producer,
    }


class _Server(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    path: str
    query: str = ""
    token: str = ""
    ca_file: str = ""
    fingerprint: str = ""


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    v: int
    server: _Server | None
    links: list[str]
    files: list[str]
    new_window: bool
    activation: str
    asked: dict[str, str]


class _Reply(msgspec.Struct, forbid_unknown_fields=True):
    v: int
    pid: int
    unfollowed: list[str]
    problem: str


Line = TypeVar("Line", _Message, _Reply)


def encode(handover: Handover) -> bytes:
    """One line. Raises UserError when that would be longer than MAX_BYTES."""
    opening = handover.opening
    message = _Message(
        v=VERSION,
        server=_wire(opening.server) if opening.server is not None else None,
        links=list(opening.links),
        files=list(opening.files),
        new_window=handover.new_window,
        activation=handover.activation,
        asked=dict(handover.asked),
    )
    line = _line(message)
    if len(line) > MAX_BYTES:
        raise UserError("That is too much to be opened at once. Open less, or a folder's files in several steps.")
    return line


def decode(line: bytes) -> Handover:
    """What *line* asks. Raises PeerError, with a sentence, for anything that `encode` does not make."""
    message = _read(line, _Message)
    try:
        server = _target(message.server) if message.server is not None else None
    except UserError as wrong:
        raise PeerError(f"Another start of Desktop Logs names a server that cannot be: {wrong}") from None
    if not all(map(is_link, message.links)):
        raise PeerError("Another start of Desktop Logs names a link that is none.")
    if not all(path and "\0" not in path for path in message.files):
        raise PeerError("Another start of Desktop Logs names a file that cannot be.")
    if message.asked.keys() - set(HUB_OPTIONS):
        raise PeerError("Another start of Desktop Logs names options that are not known here.")
    # It becomes a variable of the environment.
    activation = message.activation
    if len(activation) > _MAX_ACTIVATION or not (activation.isascii() and activation.isprintable()):
        activation = ""
    return Handover(
        Opening(server, tuple(message.links), tuple(message.files)), message.new_window, activation, message.asked
    )


def encode_answer(answer: Answer) -> bytes:
    """One line."""
    return _line(_Reply(VERSION, answer.pid, list(answer.unfollowed), answer.problem))


def decode_answer(line: bytes) -> Answer:
    """What *line* answers. Raises PeerError for anything that `encode_answer` does not make."""
    reply = _read(line, _Reply)
    return Answer(reply.pid, tuple(reply.unfollowed), reply.problem)


def _line(message: msgspec.Struct) -> bytes:
    # Not msgspec's own encoder: names of files may have bytes that are no text, which Python keeps as half surrogates.
    return json.dumps(msgspec.to_builtins(message), separators=(",", ":")).encode("ascii") + b"\n"


def _read(line: bytes, kind: type[Line]) -> Line:
    if len(line) > MAX_BYTES:
        raise PeerError("Another start of Desktop Logs says more than can be taken.")
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError):
        raise PeerError("What another start of Desktop Logs says is no JSON.") from None
    version = said.get("v") if isinstance(said, dict) else None
    if isinstance(version, int) and version != VERSION:
        raise PeerError(
            "Another version of Desktop Logs is running. End it, and start this one again: two versions cannot share "
            "one window."
        )
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as wrong:
        raise PeerError(
            f"What another start of Desktop Logs says cannot be understood: {one_line(str(wrong))}."
        ) from None


def _wire(target: Target) -> _Server:
    address, trust = target.address, target.trust
    return _Server(address.url, address.path, target.query, target.token, trust.ca_file, trust.fingerprint)


def _target(server: _Server) -> Target:
    address = ServerAddress.parse(server.url, server.path)
    return Target(address, server.token, Trust(server.ca_file, server.fingerprint), server.query)
