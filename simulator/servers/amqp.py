"""The queues at which systems leave their events, for machines without RabbitMQ: a small AMQP 0-9-1 broker.

It does what a consumer needs: to log in, look at a queue, subscribe or fetch, acknowledge, and get again what it did
not acknowledge. Every system has credentials of its own and sees its own queues only. With TOWNHUB_AMQP_BROKER_URL the
messages go to that broker (RabbitMQ) instead, into durable queues. Faults: dead, timeout, bad_signature (at login),
reset (half way through messages), truncated (payloads end half way), duplicate_page (messages are published twice).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pika import frame, spec

from simulator.faults import Faults
from simulator.interfaces import Key
from simulator.interfaces import Queue as QueueInterface
from simulator.servers.amqp_channels import (
    CHANNEL_MAX,
    FRAME_MAX,
    PREAMBLE,
    Channel,
    FrameStream,
    Queue,
    Refused,
)
from simulator.servers.amqp_publisher import ExternalPublisher
from simulator.servers.loop import ServerLoop

EXTERNAL: Final = "TOWNHUB_AMQP_BROKER_URL"
HEARTBEAT_SECONDS = 60


class AmqpBroker:
    """`publish` takes messages at once; a queue keeps them until the hub has acknowledged, `pending` counts them.

    A system's user name is its id.
    """

    def __init__(self, faults: Faults, offers: Mapping[Key, QueueInterface], port: int = 0) -> None:
        self.faults = faults
        self.port = port
        self.queues = {(system, offer.queue): Queue(offer.queue) for (system, _), offer in offers.items()}
        self.passwords = {system: secrets.token_urlsafe(18) for system, _ in self.queues}
        self._external_url = os.environ.get(EXTERNAL, "").strip()
        self._external: ExternalPublisher | None = None
        self._loop = ServerLoop("amqp-broker")
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    def start(self) -> None:
        self._loop.start()
        if self._external_url:
            self._external = ExternalPublisher(self._external_url, self._loop)
            self._external.start([queue for _, queue in self.queues])
            return
        self._server = self._loop.run(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]
        self.faults.subscribe(self._faults_changed)

    def stop(self) -> None:
        if self._external is not None:
            self._external.stop()
            self._external = None
        elif self._server is not None:
            self._loop.run(self._close())
            self._server = None
        self._loop.stop()

    def environment(self) -> dict[str, str]:
        return {
            f"{system.upper()}_URL": self._external_url or f"amqp://{system}:{password}@127.0.0.1:{self.port}/"
            for system, password in self.passwords.items()
        }

    def publish(self, system: str, queue: str, messages: Iterable[bytes]) -> None:
        """Put messages into a system's queue, in this order. Raises KeyError for a queue that was not declared."""
        known, given = self.queues[system, queue], list(messages)
        if self.faults.take(system, "truncated") is not None:
            given = [message[: len(message) // 2] for message in given]
        if self.faults.take(system, "duplicate_page") is not None:
            given = [message for message in given for _ in range(2)]
        if self._external is not None:
            self._external.publish(queue, given)
        else:
            self._loop.run(self._put(known, given))

    def pending(self, system: str, queue: str) -> int:
        """Messages that the hub has not acknowledged (0 with an external broker: it has them)."""
        known = self.queues[system, queue]
        return len(known.ready) + known.unacknowledged

    def joined(self, connection: _Connection) -> None:
        self._connections.add(connection)

    def left(self, connection: _Connection) -> None:
        self._connections.discard(connection)

    def allows(self, user: str, password: str) -> bool:
        if user not in self.passwords or self.faults.take(user, "bad_signature") is not None:
            return False
        return secrets.compare_digest(password.encode(), self.passwords[user].encode())

    def queue_of(self, system: str, name: str) -> Queue:
        try:
            return self.queues[system, name]
        except KeyError:
            raise Refused(404, f"NOT_FOUND - no queue '{name}' in vhost '/'") from None

    async def _listen(self) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", self.port)

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self._connections):
            connection.abort()

    async def _put(self, queue: Queue, messages: list[bytes]) -> None:
        queue.put(messages, int(time.time()))
        queue.pump()

    def _faults_changed(self) -> None:
        if self._server is not None:
            self._loop.loop.call_soon_threadsafe(self._drop_dead)

    def _drop_dead(self) -> None:
        for connection in list(self._connections):
            if "dead" in self.faults.active(connection.system):
                connection.abort()


class _Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, broker: AmqpBroker) -> None:
        self.system = ""
        self._broker = broker
        self._frames = FrameStream()
        self._channels: dict[int, Channel] = {}
        self._transport: asyncio.Transport | None = None
        self._preamble = b""
        self._frame_max = FRAME_MAX
        self._heard = 0.0
        self._silent = False
        self._open = False
        self._beat: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._broker.joined(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._broker.left(self)
        if self._beat is not None:
            self._beat.cancel()
        for channel in self._channels.values():
            channel.closed = True
        while self._channels:
            self._channels.popitem()[1].end()

    def abort(self) -> None:
        assert self._transport is not None
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._heard = asyncio.get_running_loop().time()
        if len(self._preamble) < len(PREAMBLE):
            data = self._preamble + data
            self._preamble, data = data[: len(PREAMBLE)], data[len(PREAMBLE) :]
            if not PREAMBLE.startswith(self._preamble):
                self._send(PREAMBLE)  # what we speak
                self._transport.close()
                return
            if self._preamble == PREAMBLE:
                self._answer(spec.Connection.Start(server_properties=_properties()))
        try:
            for found in self._frames.feed(data):
                if self._silent or self._transport.is_closing():
                    return
                self._handle(found)
        except ValueError:
            self.abort()

    def _handle(self, found: Any) -> None:
        if not isinstance(found, frame.Method):
            return  # a heartbeat has been heard; content is of a publish that was refused
        try:
            if found.channel_number == 0:
                self._connection_method(found.method)
            elif not self._open:
                raise Refused(503, "COMMAND_INVALID - the connection is not open", whole=True)
            else:
                self._channel_method(found.channel_number, found.method)
        except Refused as refused:
            index = found.method.INDEX
            if refused.whole:
                self._answer(spec.Connection.Close(refused.code, refused.text, index >> 16, index & 0xFFFF))
            else:
                channel = self._channels[found.channel_number]
                channel.answer(spec.Channel.Close(refused.code, refused.text, index >> 16, index & 0xFFFF))
                channel.end()

    def _connection_method(self, method: Any) -> None:
        assert self._transport is not None
        match method:
            case spec.Connection.StartOk():
                self._login(method)
            case spec.Connection.TuneOk() if self.system:
                self._frame_max = min(FRAME_MAX, method.frame_max or FRAME_MAX)
                if method.heartbeat:
                    self._heartbeat(method.heartbeat)
            case spec.Connection.Open() if self.system:
                if method.virtual_host != "/":
                    raise Refused(530, f"NOT_ALLOWED - vhost {method.virtual_host} not found", whole=True)
                self._open = True
                self._answer(spec.Connection.OpenOk())
            case spec.Connection.Close():
                self._answer(spec.Connection.CloseOk())
                self._transport.close()
            case spec.Connection.CloseOk():
                self._transport.close()
            case _:
                raise Refused(503, f"COMMAND_INVALID - {method.NAME}", whole=True)

    def _login(self, method: Any) -> None:
        _, user, password = (part.decode("utf-8", "replace") for part in bytes(method.response).split(b"\0"))
        if "dead" in self._broker.faults.active(user):
            self.abort()
        elif (fault := self._broker.faults.take(user, "timeout")) is not None:
            self._silent = True
            asyncio.get_running_loop().call_later(float(fault.get("seconds", 60)), self.abort)
        elif method.mechanism != "PLAIN" or not self._broker.allows(user, password):
            raise Refused(403, "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN", whole=True)
        else:
            self.system = user
            self._answer(spec.Connection.Tune(CHANNEL_MAX, FRAME_MAX, HEARTBEAT_SECONDS))

    def _channel_method(self, number: int, method: Any) -> None:
        channel = self._channels.get(number)
        if isinstance(method, spec.Channel.Open):
            if channel is not None:
                raise Refused(504, "CHANNEL_ERROR - second open", whole=True)
            opened = Channel(number, self._send, self._send_messages, self._frame_max)
            self._channels[number] = opened
            opened.answer(spec.Channel.OpenOk())
        elif channel is None:
            raise Refused(504, "CHANNEL_ERROR - not open", whole=True)
        elif isinstance(method, spec.Channel.Close | spec.Channel.CloseOk):
            del self._channels[number]
            if isinstance(method, spec.Channel.Close):
                channel.answer(spec.Channel.CloseOk())
                channel.end()
        elif not channel.closed:
            self._channel_work(channel, method)

    def _channel_work(self, channel: Channel, method: Any) -> None:
        match method:
            case spec.Queue.Declare() if method.passive:
                queue = self._broker.queue_of(self.system, method.queue)
                channel.answer(spec.Queue.DeclareOk(queue.name, len(queue.ready), len(queue.consumers)))
            case spec.Basic.Qos():
                channel.prefetch = method.prefetch_count
                channel.answer(spec.Basic.QosOk())
            case spec.Basic.Consume() if not method.no_ack:
                queue = self._broker.queue_of(self.system, method.queue)
                tag = method.consumer_tag or f"consumer-{secrets.token_hex(8)}"
                channel.consume(queue, tag)
                channel.answer(spec.Basic.ConsumeOk(tag))
                queue.pump()
            case spec.Basic.Cancel():
                channel.cancel(method.consumer_tag)
                channel.answer(spec.Basic.CancelOk(method.consumer_tag))
            case spec.Basic.Get() if not method.no_ack:
                channel.get(self._broker.queue_of(self.system, method.queue))
            case spec.Basic.Ack():
                channel.settle(method.delivery_tag, multiple=method.multiple, requeue=False)
            case spec.Basic.Nack():
                channel.settle(method.delivery_tag, multiple=method.multiple, requeue=method.requeue)
            case spec.Basic.Reject():
                channel.settle(method.delivery_tag, multiple=False, requeue=method.requeue)
            case _:
                # declaring, binding, purging, publishing: the queues are the upstream's
                raise Refused(403, f"ACCESS_REFUSED - {method.NAME} is not for readers")

    def _send_messages(self, data: bytes) -> None:
        """Messages; with the fault `reset` half of them are the last that is heard of this connection."""
        if self._silent or self._broker.faults.take(self.system, "reset") is None:
            self._send(data)
            return
        self._send(data[: len(data) // 2])
        self._silent = True
        asyncio.get_running_loop().call_later(0.05, self.abort)

    def _heartbeat(self, seconds: int) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._heard > 2 * seconds:
            self.abort()
            return
        self._send(frame.Heartbeat().marshal())
        self._beat = loop.call_later(seconds / 2, self._heartbeat, seconds)

    def _answer(self, method: Any) -> None:
        self._send(frame.Method(0, method).marshal())

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._silent and not self._transport.is_closing():
            self._transport.write(data)


def _properties() -> dict[str, Any]:
    capabilities = {"basic.nack": True, "consumer_cancel_notify": True, "authentication_failure_close": True}
    return {"product": "town-broker", "capabilities": capabilities}
