"""Who may do what: tokens, loopback, and the origins of pages as a person types them."""

import pytest

from desktop_logs.core.access import BOTH, Access, Rights, Tokens, check_token, is_loopback, parse_origin
from desktop_logs.core.errors import UserError
from desktop_logs.core.viewing import Auth

TOKENS = Tokens("the-viewers-token-0001", "the-producers-token-01")


def test_each_token_has_its_right_and_no_other() -> None:
    assert TOKENS.rights(TOKENS.viewer) is Rights.VIEW
    assert TOKENS.rights(TOKENS.producer) is Rights.SEND


@pytest.mark.parametrize(
    "shown",
    ["", " ", "the-viewers-token-000", "the-viewers-token-00011", "THE-VIEWERS-TOKEN-0001", "é", "\ud800", "\0"],
)
def test_a_wrong_token_has_none(shown: str) -> None:
    assert TOKENS.rights(shown) is Rights.NONE


def test_a_token_that_is_not_set_is_shown_by_nobody() -> None:
    assert Tokens().rights("") is Rights.NONE
    assert Tokens("the-viewers-token-0001").rights("") is Rights.NONE


def test_programs_of_this_machine_need_no_token_and_pages_do() -> None:
    assert Access().rights("") == BOTH
    assert Access(tokens=TOKENS).rights("wrong") == BOTH
    assert Access(tokens=TOKENS).rights("", is_page=True) is Rights.NONE
    assert Access(tokens=TOKENS).rights(TOKENS.viewer, is_page=True) is Rights.VIEW


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "loghost", "localhost.evil.example", "", "127.1"])
def test_any_other_host_needs_a_token(host: str) -> None:
    assert not is_loopback(host)
    assert Access(host, TOKENS).rights("") is Rights.NONE
    assert Access(host, TOKENS).rights(TOKENS.producer) is Rights.SEND


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("http://localhost:3000", "http://localhost:3000"),
        (" http://localhost:3000/ ", "http://localhost:3000"),
        ("HTTP://LocalHost:3000", "http://localhost:3000"),
        ("http://localhost:80", "http://localhost"),
        ("https://logs.example:443", "https://logs.example"),
        ("https://logs.example", "https://logs.example"),
        ("http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_an_origin_is_kept_as_a_browser_spells_it(typed: str, origin: str) -> None:
    assert parse_origin(typed) == origin


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "null",
        "*",
        "localhost:3000",
        "http://",
        "http://*",
        "http://*.example",
        "http://a/b",
        "http://a?b",
        "http://a#b",
        "http://user@a",
        "http://a:port",
        "http://a:99999",
        "ftp://a",
        "file:///",
        "http://a b",
        "http://bücher.example",
        "http://a,http://b",
        "http://[::1",
    ],
)
def test_what_is_no_origin_is_told(typed: str) -> None:
    with pytest.raises(UserError, match="is not the origin of a page"):
        parse_origin(typed)


@pytest.mark.parametrize("token", ["", "short", "with a blank in it", "é" * 20, "line\nbreak-line-break", "\x7f" * 20])
def test_what_is_no_token_is_told(token: str) -> None:
    with pytest.raises(UserError, match="A token"):
        check_token(token)
    assert check_token(TOKENS.viewer) == TOKENS.viewer


def test_no_secret_stands_in_what_is_printed_of_it() -> None:
    tokens = Tokens("the-viewers-token", "the-producers-token")
    for value in (tokens, Access(tokens=tokens), Auth(token=tokens.viewer)):
        assert "viewers-token" not in repr(value)
        assert "producers-token" not in repr(value)
