"""Every upstream's server, started together, and what each of them has to be told when the town lives on."""

from __future__ import annotations

from typing import Protocol

from simulator.town import Key

REPORTS: Key = ("snapshot_report", "reports")
MQTT_TOPICS: dict[Key, str] = {
    ("elder_door_sensor", "devices"): "elder/devices/",
    ("elder_door_sensor", "readings"): "elder/readings/",
}
_DEVICE = "imei"


class Server(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...

    def environment(self) -> dict[str, str]: ...
