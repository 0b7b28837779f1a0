"""The devices' MQTT broker, and the devices' habit of trying again until somebody listens.

One broker serves all systems, each under an account of its own, so that one of them can fail alone. Messages wait in
an outbox until a session subscribes to their topic, as devices that get no acknowledgement buffer what they have; then
they belong to the session and survive its absence. With TOWNHUB_MQTT_BROKER_URL the messages go through that broker
(Mosquitto…) instead. Faults: dead, reset, bad_signature, truncated (payloads end half way), duplicate_page (messages
are published twice).
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Iterable
from typing import Final

from simulator.faults import Faults
from simulator.servers.loop import ServerLoop
from simulator.servers.mqtt_publisher import ExternalPublisher
from simulator.servers.mqtt_sessions import (
    BAD_CREDENTIALS,
    CONNACK,
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    PUBACK,
    PUBLISH,
    SUBACK,
    SUBSCRIBE,
    UNSUBACK,
    UNSUBSCRIBE,
    Account,
    Fields,
    Malformed,
    Message,
    PacketStream,
    Session,
    packet,
)

EXTERNAL: Final = "TOWNHUB_MQTT_BROKER_URL"


class MqttBroker:
    """`publish` takes messages at once and keeps them until the hub has acknowledged; `pending` counts them.

    A system's user name is its id.
    """

    def __init__(self, faults: Faults, systems: Iterable[str], port: int = 0) -> None:
        self.faults = faults
        self.port = port
        self.accounts = {system: Account(system) for system in systems}
        self._external_url = os.environ.get(EXTERNAL, "").strip()
        self._external: ExternalPublisher | None = None
        self._loop = ServerLoop("mqtt-broker")
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        if self._external_url:
            self._external = ExternalPublisher(self._external_url)
            self._external.start()
            return
        self._loop.start()
        self._server = self._loop.run(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]
        self.faults.subscribe(self._faults_changed)

    def stop(self) -> None:
        if self._external is not None:
            self._external.stop()
        elif self._server is not None:
            self._loop.run(self._close())
            self._server = None
            self._loop.stop()

    def environment(self) -> dict[str, str]:
        return {
            f"{system.upper()}_URL": self._external_url or f"mqtt://{system}:{account.password}@127.0.0.1:{self.port}"
            for system, account in self.accounts.items()
        }

    def publish(self, system: str, messages: Iterable[Message]) -> None:
        """A system's devices publish with QoS 1, in this order."""
        given = list(messages)
        if self.faults.take(system, "truncated") is not None:
            given = [(topic, payload[: len(payload) // 2]) for topic, payload in given]
        if self.faults.take(system, "duplicate_page") is not None:
            given = [message for message in given for _ in range(2)]
        if self._external is not None:
            self._external.publish(given)
        else:
            self._loop.run(self._accept(self.accounts[system], given))

    @property
    def pending(self) -> int:
        """Messages that the hub has not acknowledged (with an external broker: that the broker has not)."""
        return self._external.pending if self._external is not None else self._loop.run(self._undelivered())

    def allowed(self, user: str | None, password: bytes | None) -> Account | None:
        """The account of these credentials, or None when they are refused."""
        account = self.accounts.get(user or "")
        if account is None or self.faults.take(account.system, "bad_signature") is not None:
            return None
        return account if secrets.compare_digest(password or b"", account.password.encode()) else None

    def dead(self, user: str | None) -> bool:
        return "dead" in self.faults.active(user or "")

    async def _listen(self) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", self.port)

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for account in self.accounts.values():
            account.drop_connections()

    async def _accept(self, account: Account, messages: list[Message]) -> None:
        account.route(messages)

    async def _undelivered(self) -> int:
        return sum(account.undelivered() for account in self.accounts.values())

    def _faults_changed(self) -> None:
        for system, account in self.accounts.items():
            active = self.faults.active(system)
            if self._server is not None and ("dead" in active or "reset" in active):
                self.faults.take(system, "reset")
                self._loop.loop.call_soon_threadsafe(account.drop_connections)


class _Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, broker: MqttBroker) -> None:
        self._broker = broker
        self._packets = PacketStream()
        self._account: Account | None = None
        self._session: Session | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        assert self._transport is not None
        if self._account is None:
            return
        self._account.connections.discard(self._transport)
        if self._session is not None and self._session.transport is self._transport:
            self._session.transport = None
            if self._session.clean:
                self._account.sessions.pop(self._session.client_id, None)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        try:
            for kind, flags, body in self._packets.feed(data):
                self._handle(self._transport, kind, flags, Fields(body))
        except Malformed:
            self._transport.abort()

    def _handle(self, transport: asyncio.Transport, kind: int, flags: int, fields: Fields) -> None:
        if kind == CONNECT and self._session is None:
            self._connect(transport, fields)
            return
        if self._session is None or self._account is None:
            raise Malformed("no CONNECT before")
        match kind:
            case _ if kind == PUBACK:
                self._session.acknowledged(fields.number(2))
            case _ if kind == PUBLISH:
                self._published(self._account, transport, flags, fields)
            case _ if kind == SUBSCRIBE:
                packet_id, granted = fields.take(2), bytearray()
                while fields:
                    topic_filter, wanted = fields.text(), fields.number(1)
                    self._session.filters[topic_filter] = min(wanted, 1)
                    granted.append(min(wanted, 1))
                transport.write(packet(SUBACK, 0, packet_id + bytes(granted)))
                self._account.subscribed()
            case _ if kind == UNSUBSCRIBE:
                packet_id = fields.take(2)
                while fields:
                    self._session.filters.pop(fields.text(), None)
                transport.write(packet(UNSUBACK, 0, packet_id))
            case _ if kind == PINGREQ:
                transport.write(packet(PINGRESP, 0, b""))
            case _ if kind == DISCONNECT:
                transport.close()
            case _:
                raise Malformed(f"packet type {kind}")

    def _connect(self, transport: asyncio.Transport, fields: Fields) -> None:
        if fields.text() != "MQTT" or fields.number(1) != 4:
            transport.write(packet(CONNACK, 0, b"\x00\x01"))  # unacceptable protocol version
            transport.close()
            return
        flags = fields.number(1)
        fields.take(2)  # keep alive: a vanished client shows as a lost connection on loopback
        client_id = fields.text()
        if flags & 0b100:  # a will has no reader here
            fields.data()
            fields.data()
        user = fields.text() if flags & 0b1000_0000 else None
        password = fields.data() if flags & 0b0100_0000 else None
        if self._broker.dead(user):
            transport.abort()
            return
        self._account = account = self._broker.allowed(user, password)
        if account is None:
            transport.write(packet(CONNACK, 0, bytes([0, BAD_CREDENTIALS])))
            transport.close()
            return
        account.connections.add(transport)
        clean = bool(flags & 0b10)
        known = account.sessions.get(client_id)
        if known is not None and known.transport is not None:
            known.transport.abort()  # the newer connection of a client id takes over
        present = known is not None and not clean and not known.clean
        self._session = known if present and known is not None else Session(client_id, clean)
        account.sessions[client_id] = self._session
        transport.write(packet(CONNACK, 0, bytes([present, 0])))
        self._session.resume(transport)

    def _published(self, account: Account, transport: asyncio.Transport, flags: int, fields: Fields) -> None:
        quality = flags >> 1 & 3
        if quality > 1:
            raise Malformed("QoS 2 is not offered")
        topic = fields.text()
        packet_id = fields.take(2) if quality else b""
        account.route([(topic, fields.rest())])
        if quality:
            transport.write(packet(PUBACK, 0, packet_id))
