"""Who may speak to a hub: programs may, pages in a browser and foreign names may not, unless they are let in."""

import aiohttp
import pytest

from desktop_logs.core.access import Access, Rights, Tokens
from desktop_logs.core.hub import Hub
from desktop_logs.net.guard import NEEDS_TOKEN, TOO_MANY_GUESSES, Denied, Guard, judge
from desktop_logs.net.limits import MAX_GUESSES, Guesses, Refusals
from desktop_logs.net.server import HubServer
from tests.net.raw import RawSocket
from tests.support.asynchronous import soon

LOCAL = Access(origins=frozenset(("http://localhost:3000",)))
ABROAD = Access("0.0.0.0", origins=LOCAL.origins)
HERE = ("Host", "127.0.0.1:5647")


def refusal(*headers: tuple[str, str], access: Access = LOCAL) -> str:
    return judge(headers, access).refusal


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:5647", "localhost:5647", "LOCALHOST", "localhost.", "[::1]:5647", "[::1]", "127.0.0.1", "127.1.2.3"],
)
def test_a_program_on_this_machine_is_let_in(host: str) -> None:
    assert judge([("Host", host)], LOCAL).refusal == ""
    assert judge([("host", host)], LOCAL).is_page is False


def test_without_a_host_it_is_an_old_program_and_no_browser() -> None:
    assert refusal() == ""


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:5647",
        "127.0.0.1.evil.example",
        "192.168.1.5:5647",
        "[::2]",
        "",
        "localhost..",
        "a@localhost",
        "localhost:x",
        "localhost:123456",
        "[::1",
        "::1",
        "[::1]evil",
        "localhost evil",
    ],
)
def test_a_host_that_is_not_this_machine_is_refused_on_loopback_alone(host: str) -> None:
    assert "not this machine" in refusal(("Host", host))
    assert refusal(("Host", host), access=ABROAD) == ""


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3001", "http://localhost:5647", ""]
)
@pytest.mark.parametrize("access", [LOCAL, ABROAD])
def test_a_page_is_refused_that_is_not_on_the_list(origin: str, access: Access) -> None:
    assert "browser" in refusal(HERE, ("Origin", origin), access=access)


@pytest.mark.parametrize("access", [LOCAL, ABROAD])
@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_page_on_the_list_is_let_in_whatever_its_site(access: Access, site: str) -> None:
    judgement = judge([HERE, ("Origin", "http://localhost:3000"), ("Sec-Fetch-Site", site)], access)
    assert (judgement.refusal, judgement.is_page) == ("", True)


def test_the_hubs_own_origin_is_a_programs() -> None:
    judgement = judge([HERE, ("Origin", "http://127.0.0.1:5647")], LOCAL)
    assert (judgement.refusal, judgement.is_page) == ("", False)
    assert "browser" in refusal(("Origin", "http://None"))


@pytest.mark.parametrize(
    ("site", "refused"), [("cross-site", True), ("same-site", True), ("none", False), ("same-origin", False)]
)
def test_what_a_browser_says_of_the_site_counts(site: str, refused: bool) -> None:
    assert bool(refusal(("Host", "localhost"), ("Sec-Fetch-Site", site))) is refused
    assert bool(refusal(("Host", "loghost"), ("Sec-Fetch-Site", site), access=ABROAD)) is refused


@pytest.mark.parametrize("name", ["Host", "Origin", "Sec-Fetch-Site", "Authorization"])
def test_a_header_given_twice_is_refused(name: str) -> None:
    assert "more than one" in refusal((name, "localhost"), (name.lower(), "localhost"))
    assert refusal(HERE, ("Accept", "a"), ("Accept", "b")) == ""


# --- tokens ---------------------------------------------------------------------------------------------------------

TOKENS = Tokens("the-viewers-token-0001", "the-producers-token-01")


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def guard_with(access: Access, clock: Clock) -> Guard:
    return Guard(access, Guesses(clock), Refusals(lambda _: None))


def test_guessing_ends_after_ten_a_minute_for_right_tokens_too() -> None:
    """Else whoever guesses would go on until one is right."""
    clock = Clock()
    guard = guard_with(Access("0.0.0.0", TOKENS), clock)
    for number in range(MAX_GUESSES):
        with pytest.raises(Denied, match="needs a token"):
            guard.rights(f"guess {number}", "192.0.2.7", is_page=False)
    with pytest.raises(Denied, match="Too many wrong tokens") as denied:
        guard.rights(TOKENS.viewer, "192.0.2.7", is_page=False)
    assert denied.value.status == 429
    assert guard.rights(TOKENS.viewer, "192.0.2.8", is_page=False) is Rights.VIEW
    clock.now_s = 61
    assert guard.rights(TOKENS.viewer, "192.0.2.7", is_page=False) is Rights.VIEW
    assert guard.refusals.count == MAX_GUESSES + 1


def test_who_shows_no_token_guesses_nothing() -> None:
    guard = guard_with(Access("0.0.0.0", TOKENS), Clock())
    for _ in range(3 * MAX_GUESSES):
        with pytest.raises(Denied, match="needs a token"):
            guard.rights("", "192.0.2.7", is_page=False)


def test_a_program_of_this_machine_is_never_kept_out_by_what_a_page_guesses() -> None:
    guard = guard_with(Access(tokens=TOKENS), Clock())
    for _ in range(3 * MAX_GUESSES):
        with pytest.raises(Denied):
            guard.rights("guess", "127.0.0.1", is_page=True)
    assert guard.rights("", "127.0.0.1", is_page=False) == Rights.VIEW | Rights.SEND
    assert guard.rights("anything", "127.0.0.1", is_page=False) == Rights.VIEW | Rights.SEND


# --- over HTTP ------------------------------------------------------------------------------------------------------

FORGED = [{"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}]


@pytest.mark.parametrize("headers", FORGED)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/stats"),
        ("POST", "/api/logs"),
        ("GET", "/socket.io/?EIO=4&transport=polling"),
        ("GET", "/llamaproxws/?EIO=4&transport=polling"),
        ("GET", "/nothing"),
    ],
)
async def test_a_forged_request_gets_403_and_one_line(
    http: aiohttp.ClientSession, hub: Hub, headers: dict[str, str], method: str, path: str
) -> None:
    async with http.request(
        method, path, headers=headers, data=b'{"message":"x"}' if method == "POST" else None
    ) as response:
        assert response.status == 403
        assert (await response.text()).count("\n") == 1
    assert hub.head == 0


@pytest.mark.parametrize("headers", FORGED)
async def test_a_forged_websocket_is_refused_before_it_is_one(
    http: aiohttp.ClientSession, server: HubServer, reported: list[str], headers: dict[str, str]
) -> None:
    for _ in range(3):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect("/socket.io/?EIO=4&transport=websocket", headers=headers)
        assert refused.value.status == 403
    assert server.stats()["viewers"] == 0
    assert server.stats()["refused_clients"] == 3
    assert len(reported) == 1, "told once a kind"
    assert reported[0].startswith("A client was refused: ")


async def test_every_answer_is_neither_sniffed_nor_kept_nor_tells_what_it_is_made_with(server: HubServer) -> None:
    """Also a refusal, a Socket.IO handshake, and a path that nobody has."""
    async with aiohttp.ClientSession(server.url) as http:
        for path in ("/healthz", "/api/stats", "/nowhere", "/socket.io/?EIO=4&transport=polling"):
            for headers in ({}, {"Origin": "https://evil.example"}):
                async with http.get(path, headers=headers) as response:
                    assert response.headers["X-Content-Type-Options"] == "nosniff", path
                    assert response.headers["Cache-Control"] == "no-store", path
                    assert response.headers["Server"] == "desktop-logs", path


async def test_no_script_is_answered_that_a_page_could_load(server: HubServer) -> None:
    """JSONP: a browser that tells neither Origin nor Sec-Fetch-Site loads scripts from anywhere."""
    async with aiohttp.ClientSession(server.url) as http:
        for way in ("j=0", "j=", "j"):
            async with http.get(f"/socket.io/?EIO=4&transport=polling&{way}") as response:
                assert response.status == 400
                assert await response.text() == "A client asked for JSONP, which is not served.\n"


async def test_healthz_is_open_to_anyone(http: aiohttp.ClientSession) -> None:
    async with http.get("/healthz", headers={"Origin": "https://evil.example"}) as response:
        assert await response.json() == {"status": "ok", "name": "desktop-logs", "version": "1.2.3"}


async def test_wrong_tokens_over_http_are_slowed(hub: Hub) -> None:
    server = HubServer(hub, version="1", clock_ns=lambda: 0, report=lambda _: None, access=Access("0.0.0.0", TOKENS))
    await server.start(0)
    try:
        async with aiohttp.ClientSession(server.url) as session:
            for number in range(MAX_GUESSES + 1):
                named = {"Authorization": f"Bearer guess-{number}"}
                async with session.get("/api/stats", headers=named) as response:
                    status, text, headers = response.status, await response.text(), response.headers
                expected = (401, NEEDS_TOKEN) if number < MAX_GUESSES else (429, TOO_MANY_GUESSES)
                assert (status, text) == (expected[0], expected[1] + "\n")
                assert ("WWW-Authenticate" in headers) is (status == 401)
            assert headers["Retry-After"] == "60"
    finally:
        await server.stop()


async def test_new_tokens_cut_who_came_with_the_old_ones(hub: Hub) -> None:
    server = HubServer(hub, version="1", clock_ns=lambda: 0, report=lambda _: None, access=Access("0.0.0.0", TOKENS))
    await server.start(0)
    try:
        first, second = [await RawSocket.open(server.port) for _ in range(2)]
        for socket in (first, second):
            socket.send(f'40{{"token":"{TOKENS.viewer}"}}')
            await socket.until(b'40{"sid"')
        server.change_access(Access("0.0.0.0", TOKENS))
        assert server.stats()["viewers"] == 2
        server.change_access(Access("0.0.0.0", Tokens("another-viewers-token", TOKENS.producer)))
        await soon("both viewers have gone", lambda: server.stats()["viewers"] == 0)
        for socket in (first, second):
            socket.close()
    finally:
        await server.stop()
