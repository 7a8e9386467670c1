"""Addresses as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_logs.core.addresses import ServerAddress, normal_path
from desktop_logs.core.errors import UserError


@pytest.mark.parametrize(
    ("typed", "path", "url", "meant_path"),
    [
        ("http://localhost:3000", "", "http://localhost:3000", "/socket.io"),
        ("localhost:3000", "", "http://localhost:3000", "/socket.io"),
        ("127.0.0.1", "", "http://127.0.0.1:5647", "/socket.io"),
        ("https://logs.example", "", "https://logs.example", "/socket.io"),
        ("ws://host:1/llamaproxws", "", "http://host:1", "/llamaproxws"),
        ("wss://host/a/b/", "", "https://host", "/a/b"),
        ("http://host:1/ignored", "llamaproxws/", "http://host:1", "/llamaproxws"),
        (" http://[::1]:5647/ ", "", "http://[::1]:5647", "/socket.io"),
    ],
)
def test_what_is_meant(typed: str, path: str, url: str, meant_path: str) -> None:
    assert ServerAddress.parse(typed, path) == ServerAddress(url, meant_path)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Type the server's URL"),
        ("ftp://host", "begins with ftp://"),
        ("http://", "names no host"),
        ("http://a b", "names no host"),
        ("http://host:99999", "port in"),
        ("http://host:x", "port in"),
        ("http://127.0.0.1:0", "port in .* is not a number from 1 to 65535"),
        ("host:0", "port in"),
        ("http://user:secret@host", "token by itself"),
    ],
)
def test_what_is_no_address_is_told(typed: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        ServerAddress.parse(typed)


def test_a_path_with_a_query_is_refused() -> None:
    with pytest.raises(UserError, match="without spaces"):
        normal_path("/a?b")


@given(st.text())
def test_random_text_is_an_address_or_a_sentence(typed: str) -> None:
    try:
        address = ServerAddress.parse(typed)
    except UserError as wrong:
        assert str(wrong)
    else:
        assert ServerAddress.parse(address.url, address.path) == address
