"""Links to servers: what they may say, and what they may not."""

from __future__ import annotations

import pytest

from desktop_logs.core.addresses import ServerAddress
from desktop_logs.core.connecting import Target
from desktop_logs.core.errors import UserError
from desktop_logs.core.opening import Opening, file_named, is_link, parse_link


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("desktop-logs://connect?url=http://localhost:3000", Target(ServerAddress("http://localhost:3000"))),
        ("desktop-logs://connect/?url=http%3A%2F%2Flocalhost%3A3000", Target(ServerAddress("http://localhost:3000"))),
        ("DESKTOP-LOGS://Connect?url=ws://box/llamaproxws", Target(ServerAddress("http://box", "/llamaproxws"))),
        ("desktop-logs://connect?url=box&path=logs", Target(ServerAddress("http://box:5647", "/logs"))),
        (
            "desktop-logs://connect?url=https://logs.example&query=level%3Aerror%20a%2Bb",
            Target(ServerAddress("https://logs.example"), query="level:error a+b"),
        ),
    ],
)
def test_a_link_names_a_server_its_path_and_what_is_wanted(link: str, target: Target) -> None:
    assert is_link(link)
    assert parse_link(link) == target


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("desktop-logs:", "asks for nothing that is known"),
        ("desktop-logs://", "asks for nothing that is known"),
        ("desktop-logs://open?url=http://a", "asks for nothing that is known"),
        ("desktop-logs://connect/else?url=http://a", "asks for nothing that is known"),
        ("desktop-logs://connect", "names no server"),
        ("desktop-logs://connect?url=", "names no server"),
        ("desktop-logs://connect?path=/x", "names no server"),
        ("desktop-logs://connect?url=http://a&url=http://b", "says one thing twice"),
        ("desktop-logs://connect?url=http://a&token=secret", "type it in the dialog"),
        ("desktop-logs://connect?url=http://a&run=rm", "has run, which no link may have"),
        ("desktop-logs://connect?url", "cannot be read"),
        ("desktop-logs://connect?url=%ff", "cannot be read"),
        ("desktop-logs://[connect?url=http://a", "cannot be read"),
        ("desktop-logs://connect?url=ftp://a", "not http, https, ws or wss"),
        ("desktop-logs://connect?url=http://me:word@a", "user and password is not supported"),
        ("desktop-logs://connect?url=http://evil%E2%80%AEmoc.knab", "characters that cannot be seen"),
        ("desktop-logs://connect?url=http://evil\u202emoc.knab", "characters that cannot be seen"),
        ("desktop-logs://connect?url=http://a&path=/x%00y", "characters that cannot be seen"),
        ("desktop-logs://connect?url=http://a&query=error%0A%1B[31m", "characters that cannot be seen"),
        ("desktop-logs://con\nnect?url=http://a", "characters that cannot be seen"),
        ("desktop-logs://connect?url=http://%D0%B0pple.com", "letters that may look like others"),
        ("desktop-logs://connect?url=http://a&query=" + "x" * 2000, "longer than 2,000 characters"),
    ],
)
def test_a_link_that_asks_for_anything_else_is_refused_in_a_sentence(link: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse_link(link)


@pytest.mark.parametrize("end", ["&query=" + "x" * 1_000_000, "&%1b[31m%E2%80%AE=1", "&\x1b]0;=1", "&<b>=1"])
def test_what_is_said_of_a_bad_link_is_short_and_obeyed_by_no_terminal(end: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_link(f"desktop-logs://connect?url=http://a{end}")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 500


def test_a_token_in_a_bad_link_is_not_repeated() -> None:
    with pytest.raises(UserError, match="token=…&query=x' has token") as refused:
        parse_link("desktop-logs://connect?url=http://a&token=s3cret&query=x")
    assert "s3cret" not in str(refused.value)


def test_a_query_of_a_link_may_be_in_any_language() -> None:
    assert parse_link("desktop-logs://connect?url=http://a&query=خطأ").query == "خطأ"


def test_a_plain_start_asks_for_nothing() -> None:
    assert not Opening()
    assert Opening(links=("desktop-logs://connect?url=http://a",))
    assert Opening(files=("/var/log/app.log",))


def test_a_file_is_no_link() -> None:
    assert not is_link("/home/me/desktop-logs.log")
    assert not is_link("desktop-logs")


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ("app.log", "app.log"),
        ("/var/log/a file.log", "/var/log/a file.log"),
        ("file:///var/log/a%20file%25.log", "/var/log/a file%.log"),
        ("FILE://localhost/tmp/%C3%A9.log", "/tmp/é.log"),
        ("file:///C:/logs/app.log", "C:/logs/app.log"),
        ("file:/var/log/a%20file.log", "/var/log/a file.log"),
        ("file:app.log", "file:app.log"),
        ("file.log", "file.log"),
    ],
)
def test_a_file_is_named_by_a_path_or_by_an_address_as_file_managers_give_it(item: str, path: str) -> None:
    assert file_named(item) == path
    assert not is_link(item)


def test_a_file_on_another_machine_is_refused() -> None:
    with pytest.raises(UserError, match="is on another machine"):
        file_named("file://server/share/app.log")


@pytest.mark.parametrize("item", ["file:///tmp/a%00b.log", "file://[here/a.log", "file://"])
def test_an_address_that_names_no_file_is_refused(item: str) -> None:
    with pytest.raises(UserError, match=r"names a file that cannot be\. Check the name"):
        file_named(item)
