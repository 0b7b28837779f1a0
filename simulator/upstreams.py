"""Every upstream's server, started together, and what each of them has to be told when the town lives on."""

from __future__ import annotations

import os
from typing import Any, Protocol

import orjson
import polars as pl

from simulator.faults import Faults
from simulator.files import Files
from simulator.servers.exchange_db import ExchangeDbServer
from simulator.servers.gateway import GatewayServer
from simulator.servers.gb28181 import Gb28181Platform
from simulator.servers.mqtt import MqttBroker
from simulator.servers.sftp import SftpServer
from simulator.servers.soap import SoapServer
from simulator.servers.webhook import WebhookPusher
from simulator.systems import Key
from simulator.town import Change, Town, changed_rows

REPORTS: Key = ("snapshot_report", "reports")
TOPICS: dict[Key, str] = {
    ("elder_door_sensor", "devices"): "elder/devices/",
    ("elder_door_sensor", "readings"): "elder/readings/",
}
_DEVICE = "imei"


class Server(Protocol):
    """What all servers have in common."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def environment(self) -> dict[str, str]: ...


class Upstreams:
    """All servers of the town. Gateway, SOAP and the camera platform read the town on every request; exchange
    tables, files and messages are published."""

    def __init__(self, town: Town, faults: Faults) -> None:
        self._town = town
        self._faults = faults
        folder = town.folder
        self._exchange = ExchangeDbServer(town.served, faults)
        sftp = SftpServer(folder / "sftp", faults)
        self._files = Files(sftp, faults)
        # the hub listens only while it runs: a long pause between two tries would be its wait at every start
        self._pusher = WebhookPusher(faults, os.environ.get("TOWNHUB_WEBHOOK_URL"), pause=(0.1, 0.8))
        self._broker = MqttBroker(faults)
        self._servers: list[Server] = [
            GatewayServer(town.served, faults, folder=folder / "lookups"),
            SoapServer(town.served, faults),
            Gb28181Platform(town.served, faults),
            self._exchange,
            sftp,
            self._pusher,
            self._broker,
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
        self._publish(changes)

    def environment(self) -> dict[str, str]:
        """Every `${NAME}` that the contracts need."""
        found: dict[str, str] = {}
        for server in self._servers:
            found |= server.environment()
        return found

    @property
    def outbox(self) -> int:
        """Pushed events that the hub has not yet taken. Readings of sensors wait at the broker for the hub to come."""
        return self._pusher.pending

    def _publish(self, changes: dict[Key, Change]) -> None:
        self._files.publish(changes, self._town.today)
        if REPORTS in changes:
            self._pusher.push(self._events(REPORTS, changes[REPORTS]))
        for key, prefix in TOPICS.items():
            if key in changes:
                events = self._events(key, changes[key])
                self._broker.publish((f"{prefix}{event.get(_DEVICE, '')}", orjson.dumps(event)) for event in events)

    def _events(self, key: Key, change: Change) -> list[dict[str, Any]]:
        """New and changed rows as messages, in the order of their change."""
        rows = changed_rows(change)
        if change.now.changed_at is not None:
            # epochs come in seconds and milliseconds: ordered by the seconds
            moment = pl.col(change.now.changed_at)
            rows = rows.sort(pl.when(moment > 10**11).then(moment // 1000).otherwise(moment), maintain_order=True)
        rows = self._faults.apply(*key, rows, change.now.changed_at)
        return rows.to_dicts()
