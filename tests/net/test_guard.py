"""Who may speak to a hub on loopback: programs may, pages in a browser and foreign names may not."""

import aiohttp
import pytest

from desktop_logs.core.hub import Hub
from desktop_logs.net.guard import refusal
from desktop_logs.net.server import HubServer


@pytest.mark.parametrize("host", ["127.0.0.1:5647", "localhost:5647", "LOCALHOST", "[::1]:5647", "127.0.0.1"])
def test_a_program_on_this_machine_is_let_in(host: str) -> None:
    assert refusal({"Host": host}) == ""


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:5647", "127.0.0.1.evil.example", "192.168.1.5:5647", "[::2]", ""]
)
def test_a_host_that_is_not_this_machine_is_refused(host: str) -> None:
    assert "not this machine" in refusal({"Host": host})


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3000", "http://localhost:5647", ""]
)
def test_a_page_is_refused_whatever_its_origin(origin: str) -> None:
    assert "browser" in refusal({"Host": "127.0.0.1:5647", "Origin": origin})


def test_the_hubs_own_origin_is_a_programs() -> None:
    assert refusal({"Host": "127.0.0.1:5647", "Origin": "http://127.0.0.1:5647"}) == ""


@pytest.mark.parametrize(
    ("site", "refused"), [("cross-site", True), ("same-site", True), ("none", False), ("same-origin", False)]
)
def test_what_a_browser_says_of_the_site_counts(site: str, refused: bool) -> None:
    assert bool(refusal({"Host": "localhost", "Sec-Fetch-Site": site})) is refused


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
    http: aiohttp.ClientSession, server: HubServer, headers: dict[str, str]
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect("/socket.io/?EIO=4&transport=websocket", headers=headers)
    assert refused.value.status == 403
    assert server.stats()["viewers"] == 0


async def test_healthz_is_open_to_anyone(http: aiohttp.ClientSession) -> None:
    async with http.get("/healthz", headers={"Origin": "https://evil.example"}) as response:
        assert await response.json() == {"status": "ok", "name": "desktop-logs", "version": "1.2.3"}
