"""What no honest client sends, in families: WebSocket frames, Engine.IO and Socket.IO packets, polling payloads, HTTP.

Pure: who sends it is handmade.py's. Each case is made to be sent again and again, and to be bent by the fuzzer.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from random import Random

from tests.support.handmade import BINARY, CLOSE, PING, PONG, event, frame, request


class Stage(Enum):
    """How far a connection has come before the case is sent on it."""

    TCP = "a connection"
    OPEN = "an Engine.IO WebSocket"
    V1 = "a version 1 client"
    V2 = "a version 2 viewer"
    POLLING = "a polling session"


@dataclass(frozen=True, slots=True)
class Case:
    """What is sent, and when."""

    name: str
    stage: Stage
    data: bytes
    is_whole: bool = True
    """False when the hub must wait for more: nothing can be asked after it."""


DEEP = "[" * 50_000 + "]" * 50_000
DEEP_OBJECT = '{"a":' * 5_000 + "1" + "}" * 5_000
HUGE_NUMBER = "9" * 5_000
_WILD_IDS = ("0", "1", "007", "999999999999999", "9" * 19, "9" * 101, "-1", "1e5", "²", "")


def cases() -> list[Case]:
    """All of them, in a fixed order; no two have one name."""
    found = [
        *_frames(),
        *(
            replace(case, name=f"{case.name}, {stage.value}", stage=stage)
            for stage in (Stage.OPEN, Stage.V1, Stage.V2)
            for case in (*_engine_packets(), *_socket_packets(), *_attachments())
        ),
        *(
            replace(case, name=f"{case.name}, {stage.value}", stage=stage)
            for stage in (Stage.V1, Stage.V2)
            for case in _calls()
        ),
        *_payloads(),
        *_requests(),
        *_bodies(),
    ]
    assert len({case.name for case in found}) == len(found)
    return found


def bent(case: Case, chance: Random) -> Case:
    """*case* with some of its bytes changed, left out, doubled or moved. Nothing can be asked after it."""
    data = bytearray(case.data)
    for _ in range(chance.randint(1, 4)):
        if not data:
            data += chance.randbytes(8)
        at = chance.randrange(len(data))
        to = min(len(data), at + chance.choice((1, 2, 8, 64, 1_000)))
        how = chance.randrange(6)
        if how == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif how == 1:
            del data[at:to]
        elif how == 2:
            data[at:at] = data[at:to]
        elif how == 3:
            data[at:to] = chance.randbytes(to - at)
        elif how == 4:
            data[at:at] = chance.choice((b"\x00", b"\xff", b"\x1e", b'"', b"[", b"{", b"-", b"\r\n", b"9" * 20, b"/,"))
        else:
            part = bytes(data[at:to])
            del data[at:to]
            data[len(data) // 2 : len(data) // 2] = part
    return replace(case, name=f"{case.name}, bent", data=bytes(data), is_whole=False)


def _frames() -> Iterator[Case]:
    """The level of WebSocket: what RFC 6455 forbids, and what it allows and nobody does."""
    good = event("log", {"message": "between"})
    table = {
        "not masked": frame(good, is_masked=False),
        "an empty text": frame(""),
        "an empty binary": frame("", BINARY),
        "broken UTF-8": frame(b"4\xff\xfe\xfd"),
        "half a character": frame(b'42["log","\xc3'),
        "an overlong NUL": frame(b'42["log","\xc0\x80"]'),
        "a surrogate in UTF-8": frame(b'42["log","\xed\xa0\x80"]'),
        "beyond Unicode": frame(b'42["log","\xf4\x90\x80\x80"]'),
        "in two": frame(good[:9], is_last=False) + frame(good[9:], 0),
        "in single bytes": frame(good[:1], is_last=False)
        + b"".join(frame(c, 0, is_last=False) for c in good[1:])
        + frame("", 0),
        "a ping in the midst": frame(good[:9], is_last=False) + frame("", PING) + frame(good[9:], 0),
        "a text in the midst": frame(good[:9], is_last=False) + frame(good),
        "a continuation of nothing": frame("what", 0),
        "1,000 empty parts": frame("4", is_last=False) + frame("", 0, is_last=False) * 1_000 + frame("0", 0),
        "a ping too long": frame(b"x" * 126, PING),
        "a ping in parts": frame("x", PING, is_last=False),
        "a pong nobody asked for": frame("x", PONG),
        "1,000 pings": frame("x", PING) * 1_000,
        "a length of 2^63": frame("x", length=2**63),
        "a length of 5 MB": frame(b"4" * 100, length=5_000_000),
        "5 MB": frame(b"4" + b"x" * 5_000_000),
        "5 MB in parts": frame(b"4", is_last=False) + frame(b"x" * 500_000, 0, is_last=False) * 10,
        "a close with no code": frame("", CLOSE),
        "a close with half a code": frame(b"\x03", CLOSE),
        "a close with a code that is none": frame(b"\x00\x05why", CLOSE),
        "a close with broken UTF-8": frame(b"\x03\xe8\xff\xfe", CLOSE),
        "data after a close": frame(b"\x03\xe8", CLOSE) + frame(good),
        "half a frame": frame(good)[:-5],
        "half a head": b"\x81",
        "noise": bytes(range(256)) * 4,
        "HTTP again": request("GET", "/api/stats"),
    }
    table |= {f"reserved bits {bits}": frame(good, reserved=bits) for bits in range(1, 8)}
    table |= {f"opcode {opcode}": frame(good, opcode) for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)}
    for name, data in table.items():
        yield Case(f"frame: {name}", Stage.V1, data, is_whole=False)


def _engine_packets() -> Iterator[Case]:
    """Engine.IO packets of every type, where none of them belongs."""
    texts = [*map(str, range(10)), "2probe", "3probe", "5probe", "0{}", '0{"sid":"x"}', "1 1", "bAAAA", "b", "b===="]
    texts += ["x", "\x00", "\x1e", "4\x1e4", "é", "-1", "40" * 200, " 4", "44444", "6" * 100, "4{}", "4[]", "4null"]
    for text in texts:
        yield Case(f"engine: {text[:20]!a}", Stage.OPEN, frame(text))
    for payload in (b"\x00", b"\x04", b"4" * 10, bytes(256), b"\xff" * 1_000):
        yield Case(f"engine: binary {payload[:4]!r} {len(payload)}", Stage.OPEN, frame(payload, BINARY))


def _socket_packets() -> Iterator[Case]:
    """Socket.IO packets with wild types, ids, namespaces and JSON."""
    texts = ["4", "40", "40{}", "40[]", "40null", '40"x"', "40{", '40{"token":1}', '40{"proto":2', "4099", "40/admin,"]
    texts += ["40/,", '40/,{"proto":"2"}', "40//,", "40/" + "x" * 5_000 + ",", "40/a?b=c,{}", "41", "41/admin,", "41[]"]
    texts += [
        "42",
        "42[",
        "42[]",
        "42[null]",
        "42[1]",
        "42[{}]",
        "42[[]]",
        "42{}",
        "42null",
        '42"log"',
        "42[[[[",
        "42]",
    ]
    texts += ['42["log"', '42["log",]', '42["log"]]', '42["log",NaN]', '42["log",{"message":1e999}]', "42[true,1]"]
    texts += ['42["connect"]', '42["disconnect"]', '42["connect_error",{}]', '42["__proto__",{}]', '42["' + "x" * 9_000]
    texts += ['42/admin,["log","x"]', '42/admin,7["log","x"]', '42/,["log","x"]', '42/,9["log",1]', '42/["log"]']
    texts += ['42["log","\\ud800"]', '42["\\ud800","x"]', '42["log","\\u0000"]', '42["\\u0000"]', '42["log","\x00"]']
    texts += ["43", "43[]", "430[]", "4399[]", "43-1[]", '430[{"ok":true}]', "430", "430null", "43/admin,0[]", "430{"]
    texts += ["44", '44{"message":"x"}', "45", "46", "47", "48[]", "49", "4:", "4²[]"]
    texts += [f'42["log",{json.dumps({"message": "x", key: value})}]' for key, value in _odd_values()]
    texts += [f'42{wild}["log",{{"message":"id"}}]' for wild in _WILD_IDS]
    texts += [f"43{wild}[1]" for wild in _WILD_IDS]
    for text in dict.fromkeys(texts):
        yield Case(f"packet: {text[:40]!a} {len(text)}", Stage.OPEN, frame(text.encode("utf-8", "surrogatepass")))
    for name, text in (("deep", DEEP), ("deep object", DEEP_OBJECT), ("huge number", HUGE_NUMBER)):
        for head in ("40", "42", '42["log",', '42["logs",', '42["search",', "430", "41", "44"):
            yield Case(f"packet: {head} {name}", Stage.OPEN, frame(head + text + ("]" if head.endswith(",") else "")))
    yield Case("packet: 1.5 MB", Stage.OPEN, frame(event("log", "x" * 1_500_000, ack_id=1)))
    yield Case("packet: 1,000 at once", Stage.OPEN, frame('42["nothing"]') * 1_000)


def _attachments() -> Iterator[Case]:
    """Binary events: more, fewer or other attachments than were promised, and placeholders for none of them."""
    hole = {"_placeholder": True, "num": 0}
    for num in (1, -1, 99, 2**70, 1.5, "0", None, True, [0], {}):
        text = f'451-["log",{json.dumps({"_placeholder": True, "num": num})}]'
        yield Case(f"attachments: num {num!r}", Stage.OPEN, frame(text) + frame(b"abc", BINARY))
    table = {
        "a placeholder in a text event": frame(event("log", hole)),
        "a placeholder without num": frame('451-["log",{"_placeholder":true}]') + frame(b"a", BINARY),
        "a placeholder for a name": frame('451-[{"_placeholder":true,"num":0},1]') + frame(b"a", BINARY),
        "a placeholder for all": frame('451-{"_placeholder":true,"num":0}') + frame(b"a", BINARY),
        "none follows": frame(f'451-["log",{json.dumps(hole)}]') + frame(event("log", "text")),
        "none promised": frame(b"abc", BINARY),
        "zero promised": frame('450-["log","x"]') + frame(b"a", BINARY),
        "a thousand million promised": frame('45999999999-["log","x"]') + frame(b"a", BINARY),
        "too large a count": frame("45" + "9" * 30 + '-["log"]'),
        "65 promised": frame(f'4565-["log",{json.dumps(hole)}]') + frame(b"a", BINARY) * 65,
        "no count": frame('45-["log"]') + frame('45["log"]'),
        "for a namespace": frame('451-/admin,["log",1]') + frame(b"a", BINARY),
        "no list": frame("451-") + frame(b"a", BINARY),
        "deep": frame(f'451-["log",{DEEP}]') + frame(b"a", BINARY),
        "of an acknowledgement": frame(f"461-0[{json.dumps(hole)}]") + frame(b"a", BINARY),
        "of an acknowledgement, none": frame("460-99[]"),
        "one of 2 MB": frame(f'451-1["log",{json.dumps(hole)}]') + frame(bytes(2_000_000), BINARY),
        "an event while they come": frame('452-["log",1]') + frame(b"a", BINARY) + frame('451-["log",2]') * 3,
        "a CONNECT while they come": frame('452-["log",1]') + frame("40") + frame(b"a", BINARY) * 2,
        "a close while they come": frame('452-["log",1]') + frame("41"),
        "in a text": frame('451-["log",1]') + frame("bYWJj"),
    }
    for name, data in table.items():
        yield Case(f"attachments: {name}", Stage.OPEN, data)


def _calls() -> Iterator[Case]:
    """The events of version 2, and those of a hub from a client, with wild payloads."""
    wild: list[object] = [None, 1, "x", [], {}, {"query": 1}, {"query": "x" * 20_000}, {"query": "((((("}]
    wild += [{"query": "message~/(a+)+$/"}, {"query": "NOT " * 2_000 + "a"}, {"query": "(" * 4_000 + "a" + ")" * 4_000}]
    wild += [{"query": "\ud800"}, {"query": "a", "from": 1}, {"from": {"epoch": 1, "seq": -1}}, {"from": "x" * 2_000}]
    wild += [{"from": {"epoch": "x", "seq": 2**63}}, {"from": {"epoch": "e" * 10_000, "seq": 1}}, {"limit": 0}]
    wild += [{"limit": 10**30}, {"before_seq": -1}, {"before_seq": 2**64}, {"around": {"seq": 1}}, {"id": -1}]
    wild += [{"before_seq": 1, "after_seq": 1}, {"levels": ["x"]}, {"levels": 7}, {"id": "x"}, {"around": []}]
    for name in ("subscribe", "search", "cancel", "stats", "requestLogs"):
        for number, payload in enumerate(wild):
            ack_id = number if number % 2 else None
            yield Case(f"call: {name} {number}", Stage.V2, frame(event(name, payload, ack_id=ack_id)))
        yield Case(f"call: {name} of nothing", Stage.V2, frame(event(name)))
        yield Case(f"call: {name} 200 times", Stage.V2, frame(event(name, {"query": ""}, ack_id=1)) * 200)
    for name in ("logBatch", "hello", "gap", "progress", "logs", "log"):
        for number, payload in enumerate((None, 7, [], {}, [[]], {"data": 1}, {"data": [None]}, {"type": "log"})):
            yield Case(f"call: {name} from a client {number}", Stage.V2, frame(event(name, payload, ack_id=number)))
    yield Case("call: acknowledgements of nothing", Stage.V2, b"".join(frame(f"43{n}[]") for n in range(200)))
    yield Case(
        "call: search and leave", Stage.V2, frame(event("search", {"query": "a", "id": 1}, ack_id=1)) + frame("41")
    )


def _payloads() -> Iterator[Case]:
    """Bodies of polling requests."""
    table = {
        "nothing": b"",
        "separators": b"\x1e" * 100,
        "wrong separators": b'42["log","a"]\x1f42["log","b"]',
        "the old framing": b'10:42["log",1]',
        "the old form": b"d=42%5B%22log%22%5D",
        "broken UTF-8": b'42["log","\xff"]',
        "broken base64": b"b!!!!",
        "a close in the midst": b'42["log","a"]\x1e1\x1e42["log","b"]',
        "20,000 packets": b"\x1e".join([b'42["nothing"]'] * 20_000),
        "100,000 pongs": b"\x1e".join([b"3"] * 100_000),
        "an upgrade": b"5",
        "an open": b'0{"sid":"x"}',
        "a noop": b"6",
        "deep": b'42["log",' + DEEP.encode() + b"]",
        "4.5 MB": b"4" + b"x" * 4_500_000,
        "attachments without end": b'45999-["log"]\x1e' + b"\x1e".join([b"bAAAA"] * 2_000),
        "a NUL": b"\x00",
        "HTML": b"<html>",
    }
    for name, data in table.items():
        yield Case(f"payload: {name}", Stage.POLLING, data)


def _requests() -> Iterator[Case]:
    """Requests that no library sends: shapes for smuggling one past a proxy, lengths and chunks that lie."""
    post = "POST /api/logs HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    line = b'{"message":"smuggled"}'
    table = {
        "two lengths": f"{post}Content-Length: 5\r\nContent-Length: 22\r\n\r\n".encode() + line,
        "a length and chunks": f"{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode()
        + line,
        "chunks twice": f"{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n".encode(),
        "chunks, misspelt": f"{post}Transfer-Encoding: xchunked\r\n\r\n".encode() + line,
        "a length below zero": f"{post}Content-Length: -1\r\n\r\n".encode() + line,
        "a length with a sign": f"{post}Content-Length: +22\r\n\r\n".encode() + line,
        "a length that is none": f"{post}Content-Length: x\r\n\r\n".encode() + line,
        "a length of 2^64": f"{post}Content-Length: {2**64}\r\n\r\n".encode() + line,
        "a length too long": f"{post}Content-Length: 500\r\n\r\n".encode() + line,
        "a length too short": f"{post}Content-Length: 3\r\n\r\n".encode() + line,
        "a chunk without end": f"{post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".encode() + line,
        "a chunk below zero": f"{post}Transfer-Encoding: chunked\r\n\r\n-5\r\n".encode() + line,
        "a chunk of no number": f"{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode() + line,
        "a chunk's extension of 1 MB": f"{post}Transfer-Encoding: chunked\r\n\r\n5;{'x' * 1_000_000}".encode(),
        "200,000 chunks of a byte": f"{post}Transfer-Encoding: chunked\r\n\r\n".encode()
        + b"1\r\n \r\n" * 200_000
        + b"0\r\n\r\n",
        "trailers": f"{post}Transfer-Encoding: chunked\r\n\r\n1\r\n \r\n0\r\nX: {'y' * 100_000}\r\n\r\n".encode(),
        "a target of 100 KB": request("GET", "/" + "x" * 100_000),
        "a header of 100 KB": request("GET", "/healthz", b"", "X: " + "y" * 100_000),
        "10,000 headers": request("GET", "/healthz", b"", *(f"X{n}: y" for n in range(10_000))),
        "a folded header": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\r\n b\r\n\r\n",
        "a header without a name": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n: b\r\n\r\n",
        "a space before the colon": b"GET /healthz HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
        "a NUL in a header": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\x00b\r\n\r\n",
        "line feeds alone": b"GET /healthz HTTP/1.1\nHost: 127.0.0.1\n\n",
        "HTTP/0.9": b"GET /healthz\r\n\r\n",
        "HTTP/9.9": b"GET /healthz HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(100),
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        "a method that is none": request("LOG", "/api/logs"),
        "a full address": request("GET", "http://127.0.0.1/healthz"),
        "an address that is none": request("GET", "http://[::1/healthz"),
        "CONNECT": request("CONNECT", "example.org:443"),
        "an asterisk": request("OPTIONS", "*"),
        "a path upwards": request("GET", "/../../etc/passwd"),
        "a percent sign": request("GET", "/%"),
        "percent NUL": request("GET", "/api/search?q=%00"),
        "percent half": request("GET", "/api/search?q=%ff%c3"),
        "one request, 50 times": request("GET", "/healthz").replace(b"close", b"keep-alive") * 50,
        "an upgrade with a body": request("GET", "/socket.io/?EIO=4&transport=websocket", b"x", "Upgrade: websocket"),
        "an upgrade to something": request("GET", "/api/stats", b"", "Upgrade: h2c"),
        "nothing": b"",
        "half a request": b"GET /hea",
        "headers without end": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        "two hosts": b"GET /api/stats HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: example.org\r\n\r\n",
        "Expect": request("POST", "/api/logs", line, "Expect: 100-continue"),
        "Expect something": request("POST", "/api/logs", line, "Expect: the-unexpected"),
        "Range": request("GET", "/api/stats", b"", "Range: bytes=5-1"),
    }
    for name, data in table.items():
        yield Case(f"request: {name}", Stage.TCP, data)
    queries = ["", "EIO=4", "EIO=3&transport=polling", "EIO=4&transport=x", "EIO=4&transport=polling&sid=x", "EIO=x"]
    queries += [
        "EIO=4&transport=polling&sid=" + "x" * 5_000,
        "EIO=4&transport=polling&j=1",
        "EIO=4&transport=websocket",
    ]
    queries += [
        "EIO=4&transport=polling&j=%3Cscript%3E",
        "EIO=4&EIO=3&transport=polling",
        "EIO=4&transport=websocket&sid=x",
    ]
    for query in queries:
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
            body = b"" if method in ("GET", "HEAD") else b"40"
            yield Case(
                f"request: {method} {query[:50]} {len(query)}", Stage.TCP, request(method, f"/socket.io/?{query}", body)
            )


def _bodies() -> Iterator[Case]:
    """Bodies for `POST /api/logs`."""
    packed = gzip.compress(bytes(200_000_000), 1)
    table: dict[str, tuple[bytes, str]] = {
        "a gzip bomb": (packed, "gzip"),
        "a gzip bomb in gzip": (gzip.compress(packed), "gzip"),
        "a bomb of zeros": (zlib.compress(bytes(50_000_000), 9), "deflate"),
        "no gzip": (b"not gzip at all", "gzip"),
        "half a gzip": (gzip.compress(b'{"message":"x"}')[:-9], "gzip"),
        "two gzips": (gzip.compress(b'{"message":"x"}\n') * 2, "gzip"),
        "an unknown coding": (b'{"message":"x"}', "zstd"),
        "codings of codings": (b"x", "gzip, gzip, deflate"),
        "deep": (DEEP.encode(), ""),
        "a deep object": (DEEP_OBJECT.encode(), ""),
        "a deep context": (b'{"message":"x","context":' + DEEP_OBJECT.encode() + b"}", ""),
        "100,000 deep lines": (b"[[[[\n" * 100_000, ""),
        "200,000 empty objects": (b"{}\n" * 200_000, ""),
        "an array of nothings": (b"[" + b"null," * 50_000 + b"null]", ""),
        "17 MB": (b" " * 17_000_000, ""),
        "one line of 10 MB": (b'{"message":"' + b"x" * 10_000_000 + b'"}', ""),
        "100,000 keys": (json.dumps({f"k{n}": n for n in range(100_000)}).encode(), ""),
        "one key twice": (b'{"message":"a","message":"b"}', ""),
        "broken UTF-8": (b'{"message":"\xff\xfe"}', ""),
        "a byte order mark": (b'\xef\xbb\xbf{"message":"x"}', ""),
        "UTF-16": ('{"message":"x"}'.encode("utf-16"), ""),
        "NaN": (b'{"message":"x","context":{"v":NaN,"w":-Infinity}}', ""),
        "a number": (HUGE_NUMBER.encode(), ""),
        "a number in a context": (b'{"message":"x","context":{"v":%b}}' % HUGE_NUMBER.encode(), ""),
        "NULs": (bytes(10_000), ""),
        "a quote": (b'"', ""),
    }
    table |= {
        f"{key} {n}": (json.dumps({"message": "x", key: value}).encode(), "")
        for n, (key, value) in enumerate(_odd_values())
    }
    for name, (data, coding) in table.items():
        more = [f"Content-Encoding: {coding}"] if coding else []
        yield Case(f"body: {name}", Stage.TCP, request("POST", "/api/logs", data, *more))
    for name, headers in {
        "a producer of 5,000": ["Desktop-Logs-Producer: " + "p" * 5_000, "Desktop-Logs-First: 0"],
        "a number below zero": ["Desktop-Logs-Producer: p", "Desktop-Logs-First: -1"],
        "a number too large": ["Desktop-Logs-Producer: p", "Desktop-Logs-First: " + "9" * 18],
        "a number in other digits": ["Desktop-Logs-Producer: p", "Desktop-Logs-First: ١٢"],
        "a charset that is none": ["Content-Type: application/json; charset=klingon"],
        "multipart": ["Content-Type: multipart/form-data; boundary=x"],
    }.items():
        yield Case(f"body: {name}", Stage.TCP, request("POST", "/api/logs", b'{"message":"x"}', *headers))


def _odd_values() -> Iterator[tuple[str, object]]:
    """What stands in an entry where something else belongs."""
    odd: list[object] = [
        None,
        True,
        -1,
        2**63,
        2**70,
        1e308,
        "",
        "\ud800",
        [],
        {},
        [[[]]],
        {"a": {"b": {}}},
        "x" * 1_000,
    ]
    for key in ("id", "level", "message", "timestamp", "context", "source", "type"):
        for value in odd:
            yield key, value
