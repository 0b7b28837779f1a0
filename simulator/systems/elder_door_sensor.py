"""长者看护门磁: devices and their messages; epochs in seconds or milliseconds, batteries that report nonsense."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import polars as pl

from simulator.interfaces import Topic
from simulator.views import dirt, persons
from simulator.views.base import Draft, Served, draft, one_of
from simulator.world.devices import messages as sensor_messages
from simulator.world.model import World

STREAMS = {
    "devices": {"device_id": "imei", "resident_id": "sfzh", "address_code": "dzbm", "installed_on": "azrq"},
    "readings": {"device_id": "imei", "measured_at": "ts", "event": "evt", "battery": "bat"},
}
SERVED_BY = {"devices": Topic("elder/devices/", "imei"), "readings": Topic("elder/readings/", "imei")}
_EVENTS = {"close": "0", "open": "1", "heartbeat": "2"}
_BEIJING = 8 * 3600


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`devices`, and `readings` of the last day."""
    midnight = datetime.combine(world.today, time())
    return {
        "devices": _devices(world, seed),
        **messages(world, midnight, midnight + timedelta(days=1), seed=seed),
    }


def _devices(world: World, seed: int) -> Served:
    people = persons.cards(world).select("_resident_id", "resident_id", "_head_id_no")
    homes = world.addresses.select("address_id", address_code="code")
    devices = (
        world.elder_sensors.with_columns(_resident_id=pl.col("resident_id"))
        .drop("resident_id")
        .join(people, on="_resident_id", how="left", maintain_order="left")
        .join(homes, on="address_id", how="left", maintain_order="left")
        .with_columns(installed_on=pl.col("installed_on").dt.strftime("%Y-%m-%d"))
    )
    rows = draft(seed, "elder_door_sensor", "devices", devices, "_resident_id")
    dirt.identity(rows, wrong=0.01, cosmetic=0.01)
    return rows.served(STREAMS["devices"], ["device_id"], people="_resident_id")


def messages(world: World, since: datetime, until: datetime, *, seed: int) -> dict[str, Served]:
    """`readings`: the messages of all devices in [since, until), local time."""
    sent = sensor_messages(world.elder_sensors, since, until).with_columns(
        event=pl.col("event").replace_strict(_EVENTS, return_dtype=pl.String),
        _row=pl.col("device_id").cast(pl.Int64) * 31 + pl.col("at").dt.epoch("s"),
    )
    rows = draft(seed, "elder_door_sensor", "readings", sent, "_row")
    _epochs(rows)
    rows.spoil("battery", 0.0006, "range", lambda values, luck: values + 155, defect="out_of_range")
    rows.spoil("event", 0.0002, "code", one_of("7"), defect="unknown_code")
    return {"readings": rows.served(STREAMS["readings"], ["device_id", "measured_at", "event"])}


def _epochs(rows: Draft) -> None:
    """Half of the devices count milliseconds; which ones depends on the device alone."""
    millis = pl.col("device_id").str.slice(-1).is_in(["1", "3", "5", "7", "9"])
    seconds = pl.col("at").dt.epoch("s") - _BEIJING
    rows.set("measured_at", pl.when(millis).then(seconds * 1000).otherwise(seconds))
