"""A queue of the town's broker and one of a RabbitMQ's, with the hub's contract for them."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
import pytest

from connectors.contract import Contract, Stream
from connectors.contract_folder import load_contracts
from connectors.intake import LoadResult, run_stream
from connectors.protocols import amqp, open_extraction
from connectors.protocols.base import Page, Pull
from connectors.variables import resolve_server
from simulator.faults import Faults
from simulator.interfaces import Queue
from simulator.servers.amqp import EXTERNAL, AmqpBroker

SYSTEM = "opinion_watch"
RABBITMQ = "amqp://guest:guest@127.0.0.1:5672/"

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: opinion_watch
name: a system that tests play
version: 1.0.0
status: active
domain: service
description: {purpose: tests, limitations: none}
team: {name: the testers}
customProperties:
  - {property: legalBasis, value: none-needed}
  - {property: purposes, value: [event_handling]}
servers:
  - server: queue
    type: custom
    customProperties:
      - {property: protocol, value: amqp}
      - {property: endpoint, value: "${OPINION_WATCH_URL}"}
slaProperties:
  - {property: frequency, value: 1, unit: hour}
  - {property: latency, value: 1, unit: day}
  - {property: retention, value: 1, unit: year}
schema:
  - name: topics
    physicalName: QUEUE
    customProperties:
      - {property: load, value: messages}
      - {property: cursor, value: seen_at}
    properties:
      - {name: topic_id, physicalName: id, logicalType: string, primaryKey: true, required: true, classification: L1}
      - {name: heat, physicalName: rd, logicalType: integer, classification: L1}
      - {name: seen_at, physicalName: sj, logicalType: timestamp, required: true, classification: L1}
"""


def reachable() -> bool:
    try:
        pika.BlockingConnection(pika.URLParameters(RABBITMQ)).close()
    except (pika.exceptions.AMQPError, OSError):
        return False
    return True


@dataclass
class QueueTown:
    """A broker with one queue of the system, and the hub's contract for it."""

    broker: AmqpBroker
    faults: Faults
    queue: str
    folder: Path
    url: str

    @property
    def contract(self) -> Contract:
        return load_contracts(self.folder)[SYSTEM]

    @property
    def stream(self) -> Stream:
        return self.contract.streams["topics"]

    def publish(self, *messages: bytes) -> None:
        self.broker.publish(SYSTEM, self.queue, messages)

    def pull(self, **changes: Any) -> Pull:
        return Pull(self.stream, resolve_server(self.contract.server_of(self.stream)), **changes)

    def run(self) -> LoadResult:
        return run_stream(self.contract, self.stream, run_id="test")

    @contextmanager
    def channel(self) -> Iterator[Any]:
        with pika.BlockingConnection(pika.URLParameters(self.url)) as open_connection:
            yield open_connection.channel()

    def ready(self) -> int:
        """Messages that the broker would give to somebody who came now."""
        with self.channel() as channel:
            return int(channel.queue_declare(self.queue, passive=True).method.message_count)

    def settled(self, count: int) -> bool:
        """Whether so many messages are ready, at once or soon: RabbitMQ counts a moment later."""
        deadline = time.monotonic() + 10
        while self.ready() != count:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True


@contextmanager
def town_at(folder: Path, monkeypatch: pytest.MonkeyPatch, external: str | None) -> Iterator[QueueTown]:
    monkeypatch.delenv(EXTERNAL, raising=False)
    if external:
        monkeypatch.setenv(EXTERNAL, external)
    queue = f"townhub-test-{secrets.token_hex(6)}"
    (folder / "opinion_watch.odcs.yaml").write_text(CONTRACT.replace("QUEUE", queue), encoding="utf-8")
    monkeypatch.setenv("TOWNHUB_SYSTEMS", str(folder))
    monkeypatch.setattr(amqp, "QUIET_SECONDS", 0.3)
    faults = Faults()
    broker = AmqpBroker(faults, {(SYSTEM, "topics"): Queue(queue), ("another_system", "x"): Queue(f"{queue}-2")})
    broker.start()
    for name, value in broker.environment().items():
        monkeypatch.setenv(name, value)
    town = QueueTown(broker, faults, queue, folder, os.environ["OPINION_WATCH_URL"])
    try:
        yield town
    finally:
        if external:
            with town.channel() as channel:
                channel.queue_delete(queue)
                channel.queue_delete(f"{queue}-2")
        broker.stop()


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[QueueTown]:
    """The town's broker."""
    with town_at(tmp_path, monkeypatch, None) as found:
        yield found


@pytest.fixture
def rabbitmq(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[QueueTown]:
    """A queue of a RabbitMQ's."""
    if not reachable():
        pytest.skip("no RabbitMQ on 127.0.0.1:5672 that knows guest/guest")
    with town_at(tmp_path, monkeypatch, RABBITMQ) as found:
        yield found


@pytest.fixture(params=["ours", pytest.param("rabbitmq", marks=pytest.mark.external)])
def queue_town(request: pytest.FixtureRequest) -> QueueTown:
    """Both in turn."""
    found: QueueTown = request.getfixturevalue(request.param)
    return found


def topics(first: int, count: int) -> list[bytes]:
    return [b'{"id":"T%d","rd":%d,"sj":"2026-06-01 08:00:00"}' % (n, n % 90) for n in range(first, first + count)]


def take(pull: Pull, *, acknowledge: bool = True) -> list[Page]:
    with open_extraction(pull) as extraction:
        pages = list(extraction.pages())
        assert not extraction.complete
        if acknowledge:
            extraction.acknowledge()
            extraction.acknowledge()
    return pages


def ids(pages: list[Page]) -> list[int]:
    return [int(value[1:]) for page in pages if page.frame.height for value in page.frame["id"]]
