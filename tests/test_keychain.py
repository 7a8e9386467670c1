"""Tokens go into the keyring that is there, and whatever that does, the window goes on and has a sentence for it."""

from __future__ import annotations

import threading

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.backends.fail import Keyring as FailKeyring
from keyring.backends.null import Keyring as NullKeyring

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.keychain import SERVICE, Keychain, _find_backend
from tests.support.keyrings import Kept

ADDRESS = ServerAddress("https://logs.example", "/socket.io")


class PlaintextKeyring(Kept):
    """As keyrings.alt has one, with a priority above zero."""


class Locked(Kept):
    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.KeyringLocked("the collection is locked\nfor good.")

    def set_password(self, service: str, username: str, password: str) -> None:
        self.get_password(service, username)


class Silent(Kept):
    """One that waits for a person."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.answered.wait(10)
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        self.answered.wait(10)


@pytest.fixture
def told() -> list[str]:
    return []


async def test_a_token_comes_back_for_its_address_alone_and_can_be_forgotten(told: list[str]) -> None:
    backend = Kept()
    keychain = Keychain(told.append, lambda: backend)
    assert await keychain.is_there()
    assert await keychain.token(ADDRESS) == ""
    assert await keychain.keep(ADDRESS, "s3cret") == ""
    assert backend.secrets == {(SERVICE, "https://logs.example/socket.io"): "s3cret"}
    assert await keychain.token(ADDRESS) == "s3cret"
    assert await keychain.token(ServerAddress("https://logs.example", "/other")) == ""
    assert await keychain.keep(ADDRESS, "") == ""
    assert await keychain.keep(ADDRESS, "") == ""  # there is none to forget: just as well
    assert backend.secrets == {}
    assert backend.threads == {"keyring"}
    assert told == []


async def test_without_a_keyring_nothing_is_kept_and_that_is_said(told: list[str]) -> None:
    keychain = Keychain(told.append, lambda: None)
    assert not await keychain.is_there()
    assert await keychain.token(ADDRESS) == ""
    assert await keychain.keep(ADDRESS, "") == ""
    said = await keychain.keep(ADDRESS, "s3cret")
    assert said == "This system has no keyring, so the token is kept only until this program ends."
    assert told == []


async def test_a_keyring_that_refuses_has_its_reason_told(told: list[str]) -> None:
    keychain = Keychain(told.append, Locked)
    assert await keychain.keep(ADDRESS, "s3cret") == (
        "The system's keyring did not keep the token for logs.example: the collection is locked↵for good."
    )
    assert await keychain.token(ADDRESS) == ""
    assert told == [
        "The token for logs.example could not be had from the system's keyring: the collection is locked↵for good."
    ]


async def test_a_keyring_that_does_not_answer_is_not_waited_for(told: list[str]) -> None:
    backend = Silent()
    keychain = Keychain(told.append, lambda: backend, timeout_s=0.05)
    assert await keychain.token(ADDRESS) == ""
    said = await keychain.keep(ADDRESS, "s3cret")
    assert said == "The system's keyring did not keep the token for logs.example: no answer within 0.05 s."
    assert told == ["The token for logs.example could not be had from the system's keyring: no answer within 0.05 s."]
    backend.answered.set()
    for thread in threading.enumerate():
        if thread.name == "keyring":
            thread.join(5)


async def test_a_keyring_that_cannot_be_looked_for_is_none(told: list[str]) -> None:
    def find() -> None:
        raise OSError("no such bus")

    assert not await Keychain(told.append, find).is_there()
    assert told == ["The system's keyring cannot be used: no such bus."]


@pytest.mark.parametrize("kind", [NullKeyring, FailKeyring, PlaintextKeyring])
def test_what_keeps_no_secret_is_no_keyring(kind: type[KeyringBackend], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "get_keyring", kind)
    assert _find_backend() is None


def test_of_a_chain_the_first_that_keeps_secrets_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    monkeypatch.setattr(ChainerBackend, "backends", [PlaintextKeyring(), kept])
    monkeypatch.setattr(keyring, "get_keyring", ChainerBackend)
    assert _find_backend() is kept
    monkeypatch.setattr(ChainerBackend, "backends", [])
    assert _find_backend() is None
