"""Every upstream's server, started together, and what each of them has to be told when the town lives on."""

from __future__ import annotations

import os
from typing import Any, Protocol

import orjson
import polars as pl

from simulator.faults import Faults
from simulator.files import Files
from simulator.interfaces import (
    Catalogue,
    CatalogueApi,
    ExchangeTable,
    FileDrop,
    GatewayInterface,
    Hook,
    Key,
    Queue,
    SoapOperation,
    Topic,
    by_system,
)
from simulator.servers.amqp import AmqpBroker
from simulator.servers.catalogue_api import CatalogueApiServer
from simulator.servers.exchange_db import ExchangeDbServer
from simulator.servers.gateway import GatewayServer
from simulator.servers.gb28181 import Gb28181Platform
from simulator.servers.mqtt import MqttBroker
from simulator.servers.sftp import SftpServer
from simulator.servers.soap import SoapServer
from simulator.servers.view import as_sent
from simulator.servers.webhook import WebhookPusher
from simulator.systems import served_by
from simulator.town import Change, Town, changed_rows


class Server(Protocol):
    """What all servers have in common."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def environment(self) -> dict[str, str]: ...


class Upstreams:
    """All servers of the town, each for the streams that the modules of `simulator.systems` declare for it.

    Gateway, catalogue, SOAP and video platforms read the town on every request; exchange tables, files and messages are
    published.
    """

    def __init__(self, town: Town, faults: Faults) -> None:
        self._town = town
        self._faults = faults
        folder = town.folder
        self._hooks, self._topics, self._queues = served_by(Hook), served_by(Topic), served_by(Queue)
        drops = served_by(FileDrop)
        self._exchange = ExchangeDbServer(town.served, faults, served_by(ExchangeTable))
        sftp = SftpServer(folder / "sftp", faults, by_system(drops))
        self._files = Files(sftp, faults, drops)
        # the hub listens only while it runs: a long pause between two tries would be its wait at every start
        receiver = os.environ.get("TOWNHUB_WEBHOOK_URL")
        self._pushers = {
            system: WebhookPusher(faults, system, receiver, pause=(0.1, 0.8)) for system in by_system(self._hooks)
        }
        self._broker = MqttBroker(faults, by_system(self._topics))
        self._queue_broker = AmqpBroker(faults, self._queues)
        self._gateway = GatewayServer(town.served, faults, served_by(GatewayInterface), folder / "lookups")
        self._servers: list[Server] = [
            self._gateway,
            *(
                SoapServer(town.served, faults, system, operations)
                for system, operations in by_system(served_by(SoapOperation)).items()
            ),
            *(
                Gb28181Platform(town.served, faults, system, stream, number=number)
                for number, (system, stream) in enumerate(served_by(Catalogue), 1)
            ),
            CatalogueApiServer(town.served, faults, served_by(CatalogueApi)),
            self._exchange,
            sftp,
            *self._pushers.values(),
            self._broker,
            self._queue_broker,
        ]
        self._started: list[Server] = []

    def start(self) -> None:
        """Start every server and publish what the town is today; stops those started when one cannot start."""
        try:
            for server in self._servers:
                server.start()
                self._started.append(server)
            self._publish(self._town.now())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        while self._started:
            self._started.pop().stop()

    def publish(self, changes: dict[Key, Change]) -> None:
        """Tell the upstreams that hold copies what has changed."""
        self._exchange.publish()
        self._gateway.publish()
        self._publish(changes)

    def environment(self) -> dict[str, str]:
        """Every `${NAME}` that the contracts need. Raises ValueError when two servers want the same one."""
        found: dict[str, str] = {}
        for server in self._servers:
            named = server.environment()
            if twice := sorted(found.keys() & named.keys()):
                raise ValueError(
                    f"two servers name {', '.join(twice)}: a module of simulator.systems declares interfaces that"
                    " cannot stand together in one system"
                )
            found |= named
        return found

    @property
    def outbox(self) -> int:
        """Pushed events that the hub has not yet taken. Readings of sensors wait at the broker for the hub to come."""
        return sum(pusher.pending for pusher in self._pushers.values())

    def _publish(self, changes: dict[Key, Change]) -> None:
        """Hand news to the servers that send: a kind of interface that sends has its loop here."""
        self._files.publish(changes, self._town.today)
        for key, hook in self._hooks.items():
            if key in changes:
                self._pushers[key[0]].push(self._events(key, changes[key]), hook.name)
        for key, topic in self._topics.items():
            if key in changes:
                events = self._events(key, changes[key])
                messages = ((f"{topic.prefix}{event.get(topic.device, '')}", orjson.dumps(event)) for event in events)
                self._broker.publish(key[0], messages)
        for key, at in self._queues.items():
            if key in changes:
                self._queue_broker.publish(key[0], at.queue, map(orjson.dumps, self._events(key, changes[key])))

    def _events(self, key: Key, change: Change) -> list[dict[str, Any]]:
        """New and changed rows as messages, in the order of their change."""
        rows = in_order(changed_rows(change), change.now.changed_at)
        rows = as_sent(self._faults.apply(*key, rows, change.now.changed_at))
        return rows.drop([name for name in rows.columns if name.startswith("__")]).to_dicts()


def in_order(rows: pl.DataFrame, changed_at: str | None) -> pl.DataFrame:
    """Rows by their time of change; epochs come in seconds and milliseconds and are ordered by the seconds."""
    if changed_at is None:
        return rows
    moment = pl.col(changed_at)
    if rows.schema[changed_at].is_numeric():
        moment = pl.when(moment > 10**11).then(moment // 1000).otherwise(moment)
    return rows.sort(moment, maintain_order=True)
