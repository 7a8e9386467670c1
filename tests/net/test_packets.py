"""What a client sends is a packet, or PeerError with a sentence: never what a library stumbles over."""

from __future__ import annotations

import pytest

from desktop_logs.core.errors import PeerError
from desktop_logs.net.packets import ClientPacket, check_event, polled_packets


def test_packets_of_a_polling_request_come_in_their_order() -> None:
    packets = list(polled_packets('42["a"]\x1e3\x1ebAAEC'))
    assert [(each.packet_type, each.data) for each in packets] == [(4, '2["a"]'), (3, ""), (4, b"\x00\x01\x02")]


@pytest.mark.parametrize("payload", ["", "\x1e", "x", "9", "bAAA", "4" + "[" * 100_000, "-1", "²", "3\x1e"])
def test_what_is_no_engine_packet_is_said_in_a_sentence(payload: str) -> None:
    with pytest.raises(PeerError, match=r"no Engine\.IO packet\.$"):
        list(polled_packets(payload))


@pytest.mark.parametrize("text", ['51-/admin,["log",1]', "61-/admin,0[1]"])
def test_attachments_for_a_namespace_are_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(PeerError, match="namespace"):
        ClientPacket(encoded_packet=text)


WRONG = ["7", "4{}", "x", "2[", "²[]", "2" + "[" * 100_000, "299999" + "9" * 200 + "[]", "5" + "9" * 30 + "-[]", "3:"]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_socket_packet_is_said_in_a_sentence(text: str) -> None:
    with pytest.raises(PeerError, match=r"no Socket\.IO packet\.$"):
        ClientPacket(encoded_packet=text)


@pytest.mark.parametrize("num", ["-9", "99", "1.5", '"0"', "null", "[0]", "{}", str(2**70)])
def test_attachments_that_are_not_there_are_said_in_a_sentence(num: str) -> None:
    packet = ClientPacket(encoded_packet=f'51-["log",{{"_placeholder":true,"num":{num}}}]')
    with pytest.raises(PeerError, match="attachments"):
        packet.add_attachment(b"abc")


@pytest.mark.parametrize("data", [None, [], {}, "log", 1])
def test_an_event_has_a_name(data: object) -> None:
    with pytest.raises(PeerError, match="without a name"):
        check_event(data)
