"""Nobody who should not see a log sees one: every Host, Origin and transport, and every odd `auth`, byte by byte."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

import aiohttp
import pytest
import socketio

from desktop_logs.core.access import Access, Tokens
from desktop_logs.core.history import Found
from desktop_logs.core.hub import Hub
from desktop_logs.net import limits
from desktop_logs.net.guard import NEEDS_TOKEN
from desktop_logs.net.server import HubServer
from tests.net import raw
from tests.net.raw import RawSocket
from tests.support.asynchronous import soon

SECRET = "what only the owner may read"
PAGE = "http://localhost:3000"
TOKENS = Tokens("the-viewers-token-0001", "the-producers-token-01")


@pytest.fixture
async def ticking(hub: Hub) -> AsyncIterator[None]:
    """A record is logged again and again, so that whoever listens hears it."""

    async def tick() -> None:
        while True:
            hub.take([{"message": SECRET}], time.time_ns())
            await asyncio.sleep(0.002)

    task = asyncio.create_task(tick())
    yield
    task.cancel()


def serving(hub: Hub, access: Access) -> HubServer:
    class Newest:
        async def search(self, query: object, **_: object) -> Found:
            return Found(hub.ring.latest(10), more=False)

    return HubServer(
        hub,
        version="1",
        clock_ns=time.time_ns,
        report=lambda _: None,
        access=access,
        history=Newest(),  # type: ignore[arg-type]
    )


@pytest.fixture
async def local(hub: Hub, ticking: None) -> AsyncIterator[HubServer]:
    server = serving(hub, Access(tokens=TOKENS, origins=frozenset((PAGE,))))
    await server.start(0)
    yield server
    await server.stop()


@pytest.fixture
async def guarded(hub: Hub, ticking: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HubServer]:
    """Bound to all addresses: a token is needed. The brake on guesses is off, which would refuse for another reason."""
    monkeypatch.setattr(limits, "MAX_GUESSES", 1_000_000)
    server = serving(hub, Access("0.0.0.0", TOKENS, frozenset((PAGE,))))
    await server.start(0)
    yield server
    await server.stop()


async def stolen_sid(server: HubServer, auth: str = "") -> str:
    """The Engine.IO id of a polling viewer that was let in."""
    async with aiohttp.ClientSession(server.url) as session:
        async with session.get("/socket.io/?EIO=4&transport=polling") as response:
            sid: str = json.loads((await response.text())[1:])["sid"]
        async with session.post(f"/socket.io/?EIO=4&transport=polling&sid={sid}", data=f"40{auth}") as response:
            assert await response.text() == "OK"
        async with session.get(f"/socket.io/?EIO=4&transport=polling&sid={sid}") as response:
            assert '40{"sid"' in await response.text()
    return sid


def all_requests(sid: str, headers: list[raw.Header], version: str = "1.1") -> dict[str, bytes]:
    forged = b'{"message":"forged"}'
    polling = "/socket.io/?EIO=4&transport=polling"
    return {
        "polling GET": raw.request("GET", polling, headers, version=version),
        "polling POST with a stolen sid": raw.request(
            "POST", f"{polling}&sid={sid}", headers, b'42["log",{"message":"forged"}]', version=version
        ),
        "polling GET with a stolen sid": raw.request("GET", f"{polling}&sid={sid}", headers, version=version),
        "websocket": raw.request("GET", "/socket.io/?EIO=4&transport=websocket", [*headers, *raw.UPGRADE]),
        "POST /api/logs": raw.request("POST", "/api/logs", headers, forged, version=version),
        "GET /api/search": raw.request("GET", "/api/search?q=", headers, version=version),
        "GET /api/stats": raw.request("GET", "/api/stats", headers, version=version),
        "OPTIONS /api/search": raw.request("OPTIONS", "/api/search", headers, version=version),
    }


HOSTS_OF_OTHERS = ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "192.168.1.5:{port}", "[::2]",
                   "localhost@evil.example", "a@localhost", "localhost:{port}.evil", "", "127.0.0.1, evil"]  # fmt: skip
HOSTS_OF_THIS = ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST", "localhost.:{port}", "[::1]:{port}", "127.0.0.1"]
ORIGINS_OF_OTHERS = ["https://evil.example", "null", "http://localhost:3001", "https://localhost:3000",
                     "http://localhost:30000", "http://localhost:3000.evil.example", "HTTP://LOCALHOST:3000", "",
                     "http://localhost", "http://127.0.0.1:3000"]  # fmt: skip


async def test_what_is_forged_is_refused_on_every_way_in(local: HubServer, hub: Hub) -> None:
    """Host x Origin x transport on loopback: 403, and not a record in any byte that comes back."""
    sid = await stolen_sid(local)
    own = f"http://127.0.0.1:{local.port}"
    others = itertools.chain(
        itertools.product(HOSTS_OF_OTHERS, [None, PAGE, own, *ORIGINS_OF_OTHERS[:2]]),
        itertools.product(HOSTS_OF_THIS, ORIGINS_OF_OTHERS),
    )
    tried = 0
    for host, origin in others:
        headers = [("Host", host.format(port=local.port))] + ([("Origin", origin)] if origin is not None else [])
        for way, sent in all_requests(sid, headers).items():
            answer = await raw.exchange(local.port, sent)
            assert raw.status(answer) == 403, (host, origin, way, answer[:200])
            assert SECRET.encode() not in answer
            assert b"Access-Control" not in answer
            tried += 1
    assert tried >= 400
    assert "forged" not in {record.message for record in hub.ring.latest(5_000)}
    assert local.stats()["viewers"] == 1
    assert local.stats()["refused_clients"] == tried


async def test_headers_given_twice_are_refused(local: HubServer, hub: Hub) -> None:
    sid = await stolen_sid(local)
    for headers in (
        [("Host", "localhost"), ("Host", "evil.example")],
        [("Host", "evil.example"), ("Host", "localhost")],
        [("Host", "localhost"), ("Origin", PAGE), ("Origin", "https://evil.example")],
        [("Host", "localhost"), ("origin", "https://evil.example"), ("Origin", PAGE)],
        [("Host", "localhost"), ("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "cross-site")],
    ):
        for way, sent in all_requests(sid, headers).items():
            answer = await raw.exchange(local.port, sent)
            assert raw.status(answer) in (400, 403), (headers, way, answer[:200])  # aiohttp itself refuses two Hosts
            assert SECRET.encode() not in answer
    assert "forged" not in {record.message for record in hub.ring.latest(5_000)}


async def test_a_request_as_to_a_proxy_is_refused(local: HubServer) -> None:
    """Its target names a host that may differ from the Host."""
    for target in ("http://evil.example/api/search", "http://localhost/api/search", "localhost:80", "*"):
        for host in ("localhost", "evil.example"):
            answer = await raw.exchange(local.port, raw.request("GET", target, [("Host", host)]))
            assert raw.status(answer) in (400, 403), (target, host, answer[:200])
            assert SECRET.encode() not in answer


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "Cross-Site", "none, cross-site"])
async def test_what_a_browser_says_of_the_site_is_believed(local: HubServer, site: str) -> None:
    sid = await stolen_sid(local)
    for way, sent in all_requests(sid, [("Host", "localhost"), ("Sec-Fetch-Site", site)]).items():
        answer = await raw.exchange(local.port, sent)
        assert raw.status(answer) == 403, way
        assert SECRET.encode() not in answer


async def test_a_program_of_this_machine_is_let_in_on_every_way(local: HubServer) -> None:
    for host in HOSTS_OF_THIS:
        for way, expected in (("GET /api/search", 200), ("POST /api/logs", 200), ("polling GET", 200)):
            sid = await stolen_sid(local)
            sent = all_requests(sid, [("Host", host.format(port=local.port))])[way]
            assert raw.status(await raw.exchange(local.port, sent)) == expected, (host, way)
    old = all_requests(sid, [], version="1.0")["GET /api/search"]
    assert SECRET.encode() in await raw.exchange(local.port, old)  # no Host: no browser


async def test_a_page_on_the_list_needs_a_token_and_may_read_the_refusal(local: HubServer) -> None:
    headers = [("Host", f"localhost:{local.port}"), ("Origin", PAGE), ("Sec-Fetch-Site", "cross-site")]
    requests = all_requests("none", headers)
    for way in ("POST /api/logs", "GET /api/search", "GET /api/stats"):
        answer = await raw.exchange(local.port, requests[way])
        assert raw.status(answer) == 401, way
        assert b"WWW-Authenticate: Bearer" in answer
        assert f"Access-Control-Allow-Origin: {PAGE}".encode() in answer
        assert SECRET.encode() not in answer
    answer = await raw.exchange(local.port, requests["OPTIONS /api/search"])
    assert raw.status(answer) == 204
    assert b"Access-Control-Allow-Headers: Authorization" in answer
    with_token = [*headers, ("Authorization", f"Bearer {TOKENS.viewer}")]
    answer = await raw.exchange(local.port, all_requests("none", with_token)["GET /api/search"])
    assert raw.status(answer) == 200
    assert SECRET.encode() in answer
    answer = await raw.exchange(local.port, requests["polling GET"])
    assert raw.status(answer) == 200
    assert f"Access-Control-Allow-Origin: {PAGE}".encode() in answer
    assert b"Vary: Origin" in answer


async def test_a_page_on_the_list_is_let_in_by_its_token_over_a_websocket(local: HubServer) -> None:
    for auth, has_secret in (("", False), ('{"token":"x"}', False), (json.dumps({"token": TOKENS.viewer}), True)):
        socket = await RawSocket.open(local.port, [("Origin", PAGE), ("Sec-Fetch-Site", "cross-site")])
        socket.send(f"40{auth}")
        if has_secret:
            assert SECRET.encode() in await socket.until(SECRET.encode())
        else:
            assert b"needs a token" in await socket.until(b"44{")
            await heard_nothing(socket)
        socket.close()


async def heard_nothing(socket: RawSocket) -> None:
    """Asks for the log in every way, waits until the hub has read that, and looks at what came back."""
    for asked in ('42["requestLogs"]', '420["subscribe",{"query":"","from":"ring"}]', '421["search",{"query":""}]',
                  '422["stats"]', '42["log",{"message":"forged"}]', '423["logs",[{"message":"forged"}]]'):  # fmt: skip
        socket.send(asked)
    refusals = socket.got.count(b"44{")
    socket.send('40{"token":17}')  # is refused, and so answered, after all before it was read
    await socket.until_count(b"44{", refusals + 1)
    assert SECRET.encode() not in socket.got
    assert b'["logs"' not in socket.got
    assert b'"ok":true' not in socket.got


# --- odd values of auth ---------------------------------------------------------------------------------------------

DEEP = "[" * 5_000 + "]" * 5_000
AUTHS: list[Any] = [
    "", "null", "{}", "[]", "0", "1e400", "-1", "true", '"token"', '""', "[{}]", f'["{TOKENS.viewer}"]', DEEP,
    '{"token":null}', '{"token":true}', '{"token":0}', '{"token":[]}', '{"token":{}}', '{"token":""}', '{"token":" "}',
    f'{{"token":["{TOKENS.viewer}"]}}', f'{{"token":{{"token":"{TOKENS.viewer}"}}}}',
    f'{{"Token":"{TOKENS.viewer}"}}', f'{{"auth":{{"token":"{TOKENS.viewer}"}}}}', f'{{"TOKEN":"{TOKENS.viewer}"}}',
    f'{{"token":"{TOKENS.viewer} "}}', f'{{"token":" {TOKENS.viewer}"}}', f'{{"token":"{TOKENS.viewer.upper()}"}}',
    f'{{"token":"{TOKENS.viewer[:-1]}"}}', f'{{"token":"{TOKENS.viewer}1"}}', f'{{"token":"{TOKENS.viewer}\\u0000"}}',
    f'{{"token":"Bearer {TOKENS.viewer}"}}', '{"token":"\\ud800"}', '{"token":"é"}', f'{{"token":"{"x" * 2_000}"}}',
    f'{{"token":"{"x" * 20_000}"}}', '{"token":NaN}', '{"proto":2}', '{"proto":0}', '{"proto":"2"}', '{"proto":2.0}',
    '{"proto":2,"token":"wrong","resume":{"epoch":"e","seq":0}}', '{"proto":2,"resume":{"epoch":"e","seq":0}}',
    '{"proto":true,"token":"x"}', "{", "[", '{"token"', "{'token':'x'}", "undefined", "\x00", "0" * 400, "/,",
    f'/admin,{{"token":"{TOKENS.viewer}"}}', f'/admin?token={TOKENS.viewer},', f'?token={TOKENS.viewer}',
]  # fmt: skip


async def test_no_odd_auth_opens_a_websocket_to_the_log(guarded: HubServer, hub: Hub) -> None:
    assert len(AUTHS) >= 40
    for auth in AUTHS:
        socket = await RawSocket.open(guarded.port)
        socket.send(f"40{auth}")
        got = await socket.until(b"44{", b"44/", b"40{")
        assert b"44{" in got or b"44/" in got, (auth[:80], got)
        await heard_nothing(socket)
        socket.close()
    assert guarded.stats()["viewers"] == 0
    assert "forged" not in {record.message for record in hub.ring.latest(5_000)}


async def test_no_odd_auth_opens_the_log_by_polling(guarded: HubServer, hub: Hub) -> None:
    async with aiohttp.ClientSession(guarded.url) as session:
        for auth in AUTHS:
            async with session.get("/socket.io/?EIO=4&transport=polling") as response:
                sid = json.loads((await response.text())[1:])["sid"]
            where = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
            packets = [f"40{auth}", '42["requestLogs"]', '42["log",{"message":"forged"}]', '40{"token":17}']
            async with session.post(where, data="\x1e".join(packets)) as response:
                await response.read()
            async with session.get(where) as response:
                text = await response.text()
            assert "44" in text, auth[:80]
            assert '40{"sid"' not in text
            assert SECRET not in text
            assert '"logs"' not in text
            async with session.post(where, data="1"):
                pass
    assert guarded.stats()["viewers"] == 0
    assert "forged" not in {record.message for record in hub.ring.latest(5_000)}


async def test_a_hub_on_other_hosts_asks_every_way_for_a_token(guarded: HubServer, hub: Hub) -> None:
    """Whatever the Host; pages that are not on the list get no further than before."""
    for host in ("127.0.0.1", "loghost:5647", "rebound.example"):
        for shown in ("", "wrong-token-of-somebody", "", f"{TOKENS.viewer}x"):
            headers = [("Host", host)] + ([("Authorization", f"Bearer {shown}")] if shown else [])
            requests = all_requests("none", headers)
            for way in ("POST /api/logs", "GET /api/search", "GET /api/stats"):
                answer = await raw.exchange(guarded.port, requests[way])
                assert raw.status(answer) == 401, (way, shown)
                assert SECRET.encode() not in answer
        for origin in ORIGINS_OF_OTHERS:
            forged = [("Host", host), ("Origin", origin), ("Authorization", f"Bearer {TOKENS.viewer}")]
            for way, sent in all_requests("none", forged).items():
                assert raw.status(await raw.exchange(guarded.port, sent)) == 403, (way, origin)
    assert "forged" not in {record.message for record in hub.ring.latest(5_000)}


async def test_each_token_opens_what_it_is_for(guarded: HubServer) -> None:
    async with aiohttp.ClientSession(guarded.url) as session:
        for token, may_read, may_send in ((TOKENS.viewer, 200, 403), (TOKENS.producer, 403, 200)):
            named = {"Authorization": f"Bearer {token}"}
            async with session.get("/api/search", headers=named) as response:
                assert response.status == may_read
                assert (SECRET in await response.text()) is (may_read == 200)
            async with session.get("/api/stats", headers=named) as response:
                assert response.status == may_read
            async with session.post("/api/logs", headers=named, json={"message": "sent"}) as response:
                assert response.status == may_send
        async with session.get("/healthz") as response:
            assert response.status == 200


async def test_a_producers_token_is_sent_no_record(guarded: HubServer) -> None:
    socket = await RawSocket.open(guarded.port)
    socket.send(f"40{json.dumps({'token': TOKENS.producer})}")
    await socket.until(b'40{"sid"')
    socket.send('42["requestLogs"]')
    socket.send('4217["log",{"message":"sent"}]')
    assert SECRET.encode() not in await socket.until(b"4317[")
    assert guarded.stats()["viewers"] == 0
    socket.close()


async def test_a_viewers_token_sends_nothing(guarded: HubServer, hub: Hub) -> None:
    socket = await RawSocket.open(guarded.port)
    socket.send(f"40{json.dumps({'token': TOKENS.viewer})}")
    socket.send('4217["log",{"message":"forged"}]')
    assert b"may only read" in await socket.until(b"4317[")
    assert "forged" not in {record.message for record in hub.ring.latest(5_000)}
    socket.close()


# --- with python-socketio -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_a_client_library_is_told_why_and_let_in_with_its_token(guarded: HubServer, transport: str) -> None:
    heard: list[str] = []
    for auth in (None, {}, {"token": "wrong"}, {"token": TOKENS.viewer}):
        client = socketio.AsyncClient(reconnection=False)
        client.on("log", lambda envelope: heard.append(envelope["data"]["message"]))
        client.on("connect_error", lambda why: heard.append(why["message"]))
        try:
            await client.connect(guarded.url, auth=auth, transports=[transport])
        except socketio.exceptions.ConnectionError:
            assert auth != {"token": TOKENS.viewer}
            assert heard == [NEEDS_TOKEN]
        else:
            assert auth == {"token": TOKENS.viewer}
            await soon("records come", lambda: SECRET in heard)
        await client.disconnect()
        heard.clear()


# --- with curl ------------------------------------------------------------------------------------------------------


async def curl(*arguments: str) -> tuple[int, str]:
    """The status and all that came, headers too."""
    program = shutil.which("curl")
    assert program, "the tests need curl"
    running = await asyncio.create_subprocess_exec(
        program, "-s", "-i", "-m", "5", "-w", "\n%{http_code}", *arguments, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await running.communicate()
    text, _, code = told.decode("utf-8", "replace").rpartition("\n")
    return int(code), text


def forged_headers(port: int) -> Iterable[tuple[str, ...]]:
    yield ("-H", "Origin: https://evil.example")
    yield ("-H", "Origin: null")
    yield ("-H", "Host: evil.example")
    yield ("-H", f"Host: evil.example:{port}", "-H", f"Origin: http://evil.example:{port}")
    yield ("-H", "Sec-Fetch-Site: cross-site")
    yield ("-H", "Sec-Fetch-Site: cross-site", "-H", "Origin: http://localhost:3001")


async def test_curl_with_forged_headers_is_refused(local: HubServer) -> None:
    for headers in forged_headers(local.port):
        for path in ("/api/search", "/socket.io/?EIO=4&transport=polling"):
            code, text = await curl(*headers, f"{local.url}{path}")
            assert code == 403, headers
            assert SECRET not in text
        code, text = await curl(*headers, "-d", '{"message":"forged"}', f"{local.url}/api/logs")
        assert code == 403, headers
    code, text = await curl(f"{local.url}/api/search")
    assert code == 200
    assert SECRET in text


async def test_curl_needs_the_token_of_a_hub_on_other_hosts(guarded: HubServer) -> None:
    code, text = await curl(f"{guarded.url}/api/search")
    assert code == 401
    assert SECRET not in text
    code, text = await curl("-H", f"Authorization: Bearer {TOKENS.viewer}", f"{guarded.url}/api/search")
    assert code == 200
    assert SECRET in text
