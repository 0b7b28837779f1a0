"""MQTT 3.1.1: what devices published since the last pull, through a persistent session of our own.

The broker keeps QoS 1 messages for our client id while we are away. A pull connects, stores what comes in the inbox,
acknowledges only what is committed there, and leaves when it has been quiet; then it reads the inbox like a webhook.
A crash between commit and acknowledgement makes the broker send again: landing recognises the repeated rows.
"""

from __future__ import annotations

import select
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
import psycopg
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from connectors import inbox
from connectors.contract import Server, Stream
from connectors.errors import Permanent, Retriable
from connectors.inbox import InboxExtraction
from connectors.protocols.base import Pull
from warehouse import connection

QUIET_SECONDS = 0.7
"""So long without a message means that the broker has no more for us."""
ANSWER_SECONDS = 10.0
TOTAL_SECONDS = 300.0
MAX_MESSAGES: Final = 1_000_000
BATCH: Final = 2_000
MAX_PAYLOAD_BYTES: Final = 1 << 20
KEPT_OF_OVERSIZED: Final = 4_000


def drain(pull: Pull, conn: psycopg.Connection) -> int:
    """Move the broker's messages for `pull.stream` into the inbox and give their number.

    `conn` must be in autocommit: every batch is committed before it is acknowledged. Raises Retriable when the
    broker is away or silent, Permanent when it refuses credentials or the subscription.
    """
    session = _Session(pull.stream, pull.server)
    try:
        session.open()
        return session.receive(conn)
    finally:
        session.close()


@contextmanager
def open_extraction(pull: Pull) -> Iterator[InboxExtraction]:
    """Drain the broker, then read the inbox from where the last pull ended."""
    with connection.connect("loader", autocommit=True) as conn:
        drain(pull, conn)
        yield InboxExtraction(pull, conn)


class _Session:
    """One connection of the stream's persistent session; single-threaded, so that acknowledging stays in order.

    Every stream has a client id of its own: a second connection with the same id would end the first.
    """

    def __init__(self, stream: Stream, server: Server) -> None:
        self._stream = stream
        parts = urlsplit(server.endpoint)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise Permanent(
                f"the endpoint of server {server.name} is no MQTT address", "Write mqtt://user:pass@host:port"
            )
        self._host, self._port = parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        self._connected: ReasonCode | None = None
        self._granted: list[ReasonCode] | None = None
        self._waiting: list[paho.MQTTMessage] = []
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"townhub-{stream.system}-{stream.name}",
            clean_session=False,
            protocol=paho.MQTTv311,
            manual_ack=True,
        )
        if parts.username:
            client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            client.tls_set()
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = lambda _client, _data, message: self._waiting.append(message)
        self._client = client

    def open(self) -> None:
        """Connect and subscribe; the broker remembers both after the first time."""
        try:
            self._client.connect(self._host, self._port, keepalive=60)
        except OSError as error:
            raise self._away(type(error).__name__) from error
        self._until(lambda: self._connected is not None, "the connection")
        assert self._connected is not None
        if self._connected.is_failure:
            raise Permanent(
                f"the broker {self._host}:{self._port} refuses us ({self._connected.getName()})",
                "Ask the owner for valid credentials",
            )
        self._client.subscribe(self._stream.physical_name, qos=1)
        self._until(lambda: self._granted is not None, "the subscription")
        assert self._granted is not None
        if any(code.is_failure or code.value < 1 for code in self._granted):
            raise Permanent(
                f"the broker does not grant QoS 1 on {self._stream.physical_name}",
                "Ask the owner for the right to subscribe with QoS 1",
            )

    def receive(self, conn: psycopg.Connection) -> int:
        """Store until it is quiet. A batch is what the broker sends before it waits for acknowledgements."""
        run, count = uuid.uuid4().hex[:16], 0
        started = last = time.monotonic()
        while count < MAX_MESSAGES and last - started < TOTAL_SECONDS:
            arrived = self._step(0 if self._waiting else 0.05)
            if self._waiting and (not arrived or len(self._waiting) >= BATCH):
                messages, self._waiting = self._waiting, []
                deliveries = [(f"{run}:{count + n}", _payload(m), {"topic": m.topic}) for n, m in enumerate(messages)]
                with conn.transaction():
                    inbox.store(conn, self._stream, deliveries)
                for message in messages:
                    self._client.ack(message.mid, message.qos)
                count += len(messages)
                last = time.monotonic()
            elif not self._waiting and time.monotonic() - last > QUIET_SECONDS:
                break
        return count

    def close(self) -> None:
        """Leave politely: what was not acknowledged stays with the broker."""
        self._client.disconnect()
        deadline = time.monotonic() + 1
        while self._client.want_write() and time.monotonic() < deadline:
            if self._client.loop_write() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break

    def _until(self, done: Any, what: str) -> None:
        deadline = time.monotonic() + ANSWER_SECONDS
        while not done():
            if time.monotonic() > deadline:
                raise self._away(f"no answer to {what} within {ANSWER_SECONDS:.0f} s")
            self._step(0.05)

    def _step(self, wait: float) -> bool:
        """One turn of the network: True when something was read."""
        socket = self._client.socket()
        if socket is None:
            if self._connected is not None and self._connected.is_failure:
                return False
            raise self._away("the connection was closed")
        writing = [socket] if self._client.want_write() else []
        readable, writable, _ = select.select([socket], writing, [], wait)
        code = MQTTErrorCode.MQTT_ERR_SUCCESS
        if readable:
            code = self._read()
        if writable and code == MQTTErrorCode.MQTT_ERR_SUCCESS:
            code = self._client.loop_write()
        if code == MQTTErrorCode.MQTT_ERR_SUCCESS:
            code = self._client.loop_misc()
        refused = self._connected is not None and self._connected.is_failure
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS and not refused:
            raise self._away(paho.error_string(code).rstrip("."))
        return bool(readable)

    def _read(self) -> MQTTErrorCode:
        """Read packets until the socket has none for the moment, or a batch is full."""
        while len(self._waiting) < BATCH:
            before = len(self._waiting)
            code = self._client.loop_read()
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS or len(self._waiting) == before:
                return code
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _away(self, why: str) -> Retriable:
        return Retriable(f"the broker {self._host}:{self._port} failed ({why})", "Tried again later")

    def _on_connect(self, client: paho.Client, data: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        self._connected = reason

    def _on_subscribe(
        self, client: paho.Client, data: Any, mid: int, reasons: list[ReasonCode], properties: Any
    ) -> None:
        self._granted = reasons


def _payload(message: paho.MQTTMessage) -> bytes:
    """The payload; of one beyond the cap only the beginning, which is no JSON any more and so goes to quarantine."""
    payload = bytes(message.payload)
    return payload if len(payload) <= MAX_PAYLOAD_BYTES else payload[:KEPT_OF_OVERSIZED]
