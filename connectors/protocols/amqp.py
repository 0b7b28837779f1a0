"""AMQP 0-9-1: what waits in a queue, acknowledged only once it is committed here.

A pull consumes until the queue has been quiet for a moment, keeps every message unacknowledged while its rows are
landed, and acknowledges all of them after the commit. Whoever dies in between gets them again, and landing finds the
rows unchanged. The queue is the owner's: the hub asks whether it is there and never declares, binds or purges.

The stream's `physicalName` is the queue; the endpoint is `amqp://user:password@host:port/vhost` or `amqps://…` (the
broker's certificate is checked against the system's authorities, or those of `SSL_CERT_FILE`).
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import (
    AMQPError,
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

from connectors.contract import Server, Stream
from connectors.errors import IntakeError, Permanent, Retriable
from connectors.formats.messages import MessageBatch
from connectors.protocols.base import Page, Pull

QUIET_SECONDS = 0.5
"""So long without a message means that the queue has no more for us."""
ANSWER_SECONDS = 10.0
"""For each step of connecting; afterwards a silent broker is given up after two missed heartbeats."""
HEARTBEAT_SECONDS = 30
TOTAL_SECONDS = 300.0
"""A queue that never gets quiet is left so long after the pull began; brokers give up on consumers that take much
longer to acknowledge (RabbitMQ: 30 minutes)."""
MAX_MESSAGES = 1_000_000
PREFETCH = 10_000
"""Messages that one channel holds unacknowledged. When it is full the next channel reads on: so no more than this waits
in memory, and no queue is too long for the 65,535 that the protocol can ask for."""
PAGE_BYTES: Final = 16 << 20
MAX_PAYLOAD_BYTES: Final = 1 << 20
KEPT_OF_OVERSIZED: Final = 4_000

# pika logs every failure with what it knows of the connection; ours are in the errors that we raise.
logging.getLogger("pika").setLevel(logging.CRITICAL)

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class _Message:
    channel: BlockingChannel
    tag: int
    payload: bytes
    size: int
    sent: float | None


class AmqpExtraction:
    """One pull of one queue; `state["last_message"]` is when the newest message ever taken was sent (ISO, UTC)."""

    def __init__(self, pull: Pull, consumer: _Consumer) -> None:
        self._stream = pull.stream
        self._page_rows = pull.page_rows
        self._consumer = consumer
        self.state: dict[str, Any] = dict(pull.state)
        self.complete = False
        self.source_time: datetime | None = None

    def pages(self) -> Iterator[Page]:
        """What waits, in the order of the queue, until it is quiet."""
        row_no = 0
        while True:
            batch = MessageBatch(self._stream, row_no)
            for message in self._consumer.receive():
                if message.size > MAX_PAYLOAD_BYTES:
                    batch.refuse(message.payload, "oversized_field")
                else:
                    batch.add(message.payload)
                if batch.records >= self._page_rows or batch.size >= PAGE_BYTES:
                    break
            if not batch.records and not batch.size:
                break
            row_no += batch.records
            yield batch.page()
        known = self.state.get("last_message")
        times = [datetime.fromisoformat(known)] if known else []
        if self._consumer.newest is not None:
            times.append(datetime.fromtimestamp(min(self._consumer.newest, time.time()), UTC))
        self.source_time = max(times, default=None)
        self.state = {"last_message": self.source_time.isoformat()} if self.source_time else {}

    def acknowledge(self) -> None:
        """Tell the broker that everything taken is committed. Raises Retriable when it can no longer be told."""
        self._consumer.acknowledge()


@contextmanager
def open_extraction(pull: Pull) -> Iterator[AmqpExtraction]:
    """Connect and see that the queue is there; what is not acknowledged at the end goes back into it."""
    with _Consumer(pull.stream, pull.server) as consumer:
        yield AmqpExtraction(pull, consumer)


class _Consumer:
    """One connection. pages() and acknowledge() come from two threads and the heartbeats from a third, so every use of
    the connection holds `_lock`."""

    def __init__(self, stream: Stream, server: Server) -> None:
        self._queue = stream.physical_name
        self._where = f"{stream.system}.{stream.name}"
        self._parameters = _parameters(self._where, server)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._connection: Any = None
        self._channel: Any = None
        self._in_window = 0
        self._arrived: deque[_Message] = deque()
        self._taken: dict[BlockingChannel, int] = {}
        self._count = 0
        self._began = time.monotonic()
        self._cancelled = False
        self._keeper = threading.Thread(target=self._keep, name="amqp-heartbeat", daemon=True)
        self.newest: float | None = None
        """When the newest message taken was sent, seconds since 1970; that it came counts where it does not say."""

    def __enter__(self) -> _Consumer:
        try:
            self._connection = self._done(lambda: pika.BlockingConnection(self._parameters))
            self._done(self._look)
        except BaseException:
            self.__exit__()
            raise
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave; the broker puts what was not acknowledged back into its place."""
        self._closing.set()
        with self._lock, suppress(AMQPError, OSError):
            if self._connection is not None and self._connection.is_open:
                if self._channel is not None and self._channel.is_open:
                    self._channel.close()  # first, or it would be sent what the other channels give back
                self._connection.close()

    def receive(self) -> Iterator[_Message]:
        """Messages until the queue is quiet; those that were given out are the ones that `acknowledge` means."""
        quiet_since = time.monotonic()
        while self._count < MAX_MESSAGES and time.monotonic() - self._began < TOTAL_SECONDS:
            if not self._arrived:
                self._done(self._read)
            if self._arrived:
                message = self._arrived.popleft()
                self._taken[message.channel] = message.tag
                self._count += 1
                self.newest = max(self.newest or 0.0, time.time() if message.sent is None else message.sent)
                yield message
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > QUIET_SECONDS:
                return

    def acknowledge(self) -> None:
        """Acknowledge what was taken. That has no answer of its own: only the channel's end tells that it arrived."""
        while self._taken:
            self._done(self._acknowledge)

    def _acknowledge(self) -> None:
        channel, tag = next(iter(self._taken.items()))
        channel.basic_ack(tag, multiple=True)
        channel.close()
        del self._taken[channel]

    def _look(self) -> None:
        with self._connection.channel() as channel:
            channel.queue_declare(self._queue, passive=True)

    def _read(self) -> None:
        if self._channel is None or self._in_window >= PREFETCH:
            self._next_window()
        if not self._arrived:
            self._connection.process_data_events(0.05)
        if self._cancelled:
            raise Permanent(
                f"{self._where}: the broker ended our subscription to the queue {self._queue}",
                "Ask the owner whether the queue was deleted",
            )

    def _next_window(self) -> None:
        """Read on in a new channel; the one that is full keeps its messages until they are acknowledged."""
        if self._channel is not None:
            for tag in self._channel.consumer_tags:
                self._channel.basic_cancel(tag)
        self._channel, self._in_window = self._connection.channel(), 0
        self._channel.basic_qos(prefetch_count=PREFETCH)
        self._channel.add_on_cancel_callback(self._on_cancel)
        self._channel.basic_consume(self._queue, self._on_message)

    def _on_message(self, channel: BlockingChannel, method: Any, properties: Any, body: bytes) -> None:
        kept = body if len(body) <= MAX_PAYLOAD_BYTES else body[:KEPT_OF_OVERSIZED]
        self._arrived.append(_Message(channel, method.delivery_tag, kept, len(body), properties.timestamp))
        self._in_window += 1

    def _on_cancel(self, frame: Any) -> None:
        self._cancelled = True

    def _keep(self) -> None:
        """Answer heartbeats while rows are landed; a connection that is lost shows at its next use."""
        while not self._closing.wait(HEARTBEAT_SECONDS / 4):
            with self._lock, suppress(AMQPError, OSError):
                self._connection.process_data_events(0)

    def _done(self, work: Callable[[], Answer]) -> Answer:
        """What `work` gives, with the broker's refusals and failures as the errors that they mean."""
        try:
            with self._lock:
                return work()
        except (AMQPError, AMQPConnectorException, OSError) as error:
            raise self._meaning(error) from error

    def _meaning(self, error: Exception) -> IntakeError:
        broker = f"the broker {self._parameters.host}:{self._parameters.port}"
        if isinstance(error, ChannelClosedByBroker) and error.reply_code == 404:
            return Permanent(f"{self._where}: there is no queue {self._queue}", "Ask the owner to create it")
        if isinstance(error, ChannelClosedByBroker) and error.reply_code == 403:
            return Permanent(
                f"{self._where}: {broker} does not let us read the queue {self._queue}",
                "Ask the owner for the right to read it, and whether another consumer holds it for itself",
            )
        refused = isinstance(error, ProbableAuthenticationError | ProbableAccessDeniedError)
        if (refused and "ConnectionClosedByBroker" in str(error)) or (
            # a virtual host that is not there (530) or not ours (403)
            isinstance(error, ConnectionClosedByBroker) and error.reply_code in (403, 530)
        ):
            return Permanent(
                f"{self._where}: {broker} refuses us", "Ask the owner for valid credentials and the virtual host"
            )
        if _certificate_error(error):
            return Permanent(
                f"{self._where}: the certificate of {broker} is not to be trusted",
                "Name its authority with SSL_CERT_FILE, or ask the owner",
            )
        return Retriable(f"{self._where}: {broker} failed ({type(error).__name__})", "Tried again later")


def _parameters(where: str, server: Server) -> pika.URLParameters:
    parts = urlsplit(server.endpoint)
    if parts.scheme not in ("amqp", "amqps") or not parts.hostname or not parts.username or parts.password is None:
        raise Permanent(
            f"{where}: the endpoint of server {server.name} is no AMQP address",
            "Write amqp://user:password@host:port/vhost, or amqps:// for TLS",
        )
    parameters = pika.URLParameters(server.endpoint)
    parameters.heartbeat = HEARTBEAT_SECONDS
    parameters.connection_attempts = 1
    parameters.socket_timeout = ANSWER_SECONDS
    parameters.stack_timeout = ANSWER_SECONDS
    return parameters


def _certificate_error(error: BaseException | None) -> bool:
    """Whether a certificate was refused somewhere in what led to the error."""
    if error is None or isinstance(error, ssl.SSLCertVerificationError):
        return error is not None
    inner = [arg for arg in error.args if isinstance(arg, BaseException)]
    inner.append(getattr(error, "exception", None) or error.__cause__)  # type: ignore[arg-type]
    return any(_certificate_error(item) for item in inner)
