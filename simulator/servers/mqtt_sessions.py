"""MQTT 3.1.1 as far as devices and the hub use it: packets, topics, persistent sessions with QoS 0 and 1.

Why a broker of our own: the town must run without any other program, and the one Python broker that we could have
used did not hand stored messages to a session that came back.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9
UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT = 10, 11, 12, 13, 14

Message = tuple[str, bytes]
"""(topic, payload)"""

BAD_CREDENTIALS: Final = 4
INFLIGHT: Final = 1_000
"""Messages sent to a client before it must acknowledge."""
MAX_PACKET_BYTES: Final = 16 << 20


class Malformed(Exception):
    """A packet that MQTT 3.1.1 does not allow, or one that this broker does not do: the connection is closed."""


@dataclass
class Session:
    """What the broker keeps for a client id: subscriptions, waiting messages, unacknowledged ones by packet id."""

    client_id: str
    clean: bool
    filters: dict[str, int] = field(default_factory=dict)
    waiting: deque[Message] = field(default_factory=deque)
    inflight: OrderedDict[int, Message] = field(default_factory=OrderedDict)
    transport: asyncio.Transport | None = None
    next_id: int = 0

    def wants(self, topic: str) -> bool:
        return any(matches(topic_filter, topic) for topic_filter in self.filters)

    def pump(self) -> None:
        """Send waiting messages as far as the window allows, in one write."""
        if self.transport is None or self.transport.is_closing():
            return
        packets: list[bytes] = []
        while self.waiting and len(self.inflight) < INFLIGHT:
            topic, payload = self.waiting.popleft()
            self.next_id = self.next_id % 65_535 + 1
            self.inflight[self.next_id] = (topic, payload)
            packets.append(publish_packet(topic, payload, self.next_id))
        if packets:
            self.transport.write(b"".join(packets))

    def resume(self, transport: asyncio.Transport) -> None:
        """A client came (back): what it did not acknowledge is sent again, marked as duplicate, before the rest."""
        self.transport = transport
        for packet_id, (topic, payload) in self.inflight.items():
            transport.write(publish_packet(topic, payload, packet_id, duplicate=True))
        self.pump()

    def acknowledged(self, packet_id: int) -> None:
        self.inflight.pop(packet_id, None)
        if len(self.inflight) <= INFLIGHT // 2:
            self.pump()


@dataclass
class Account:
    """What the broker keeps for one system: its password, the sessions under its name, and what none of them wants.

    Messages of one system are never seen by another's sessions. Used from the broker's loop alone.
    """

    system: str
    password: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    sessions: dict[str, Session] = field(default_factory=dict)
    connections: set[asyncio.Transport] = field(default_factory=set)
    unheard: list[Message] = field(default_factory=list)

    def route(self, messages: Iterable[Message]) -> None:
        """Give messages to every session that wants them; keep those that nobody wants yet."""
        wanted: dict[str, list[Session]] = {}
        for message in messages:
            topic = message[0]
            if topic not in wanted:
                wanted[topic] = [session for session in self.sessions.values() if session.wants(topic)]
            for session in wanted[topic]:
                session.waiting.append(message)
            if not wanted[topic]:
                self.unheard.append(message)
        for session in self.sessions.values():
            session.pump()

    def subscribed(self) -> None:
        """A session subscribed: what waited for a listener may have one now."""
        waiting, self.unheard = self.unheard, []
        self.route(waiting)

    def undelivered(self) -> int:
        """Messages that no session has acknowledged."""
        held = (len(session.inflight) + len(session.waiting) for session in self.sessions.values())
        return len(self.unheard) + sum(held)

    def drop_connections(self) -> None:
        for transport in list(self.connections):
            transport.abort()


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic falls under a filter with `+` (one level) and `#` (all that follow)."""
    if topic_filter == topic:
        return True
    wanted, given = topic_filter.split("/"), topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(given) or level not in ("+", given[place]):
            return False
    return len(wanted) == len(given)


def packet(kind: int, flags: int, body: bytes) -> bytes:
    length, encoded = len(body), bytearray([kind << 4 | flags])
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | (128 if length else 0))
        if not length:
            return bytes(encoded) + body


def publish_packet(topic: str, payload: bytes, packet_id: int, *, duplicate: bool = False) -> bytes:
    """A QoS 1 PUBLISH."""
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + packet_id.to_bytes(2, "big") + payload
    return packet(PUBLISH, 0b1010 if duplicate else 0b0010, body)


class PacketStream:
    """Bytes of a connection → (kind, flags, body)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, int, bytes]]:
        self._buffer += data
        start = 0
        while (header := self._length(start)) is not None:
            body, length = header
            if len(self._buffer) < body + length:
                break
            first = self._buffer[start]
            yield first >> 4, first & 15, bytes(self._buffer[body : body + length])
            start = body + length
        del self._buffer[:start]

    def _length(self, start: int) -> tuple[int, int] | None:
        """Where the body begins and how long it is, when the fixed header is there."""
        length = 0
        for place in range(4):
            position = start + 1 + place
            if position >= len(self._buffer):
                return None
            digit = self._buffer[position]
            length |= (digit & 127) << (7 * place)
            if not digit & 128:
                if length > MAX_PACKET_BYTES:
                    raise Malformed("packet too large")
                return position + 1, length
        raise Malformed("length of more than four bytes")


class Fields:
    """Reads the fields of a packet's body one after the other."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._place = 0

    def __bool__(self) -> bool:
        return self._place < len(self._body)

    def take(self, size: int) -> bytes:
        if self._place + size > len(self._body):
            raise Malformed("packet ends too early")
        self._place += size
        return self._body[self._place - size : self._place]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def data(self) -> bytes:
        return self.take(self.number(2))

    def text(self) -> str:
        try:
            return self.data().decode()
        except UnicodeDecodeError:
            raise Malformed("text is not UTF-8") from None

    def rest(self) -> bytes:
        return self.take(len(self._body) - self._place)
