"""烟感与电气火灾监测: the register of installations and the sensors' messages: tests, steam, storms and a few fires."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import Topic
from simulator.views import dirt, places
from simulator.views.base import Served, constant, draft, look_up, one_of
from simulator.world import hashing
from simulator.world.facts import smoke
from simulator.world.facts.draws import strangers
from simulator.world.model import World

STREAMS = {
    "installations": {
        "install_no": "azbh",
        "device_id": "imei",
        "kind": "lx",
        "maker": "cj",
        "unit_name": "dwmc",
        "premises_code": "csbm",
        "address": "azdz",
        "spot": "azwz",
        "longitude": "jd",
        "latitude": "wd",
        "installed_on": "azrq",
        "removed_on": "ccrq",
        "updated_at": "gxsj",
    },
    "messages": {
        "device_id": "imei",
        "sent_at": "ts",
        "event": "code",
        "signal_dbm": "rssi",
        "battery": "bat",
    },
}
SERVED_BY = {"installations": Topic("fire/installations/", "azbh"), "messages": Topic("fire/messages/", "imei")}
_KINDS = {"smoke": "1", "electrical": "2"}
CODES = {"smoke_alarm": "1", "electrical_alarm": "2", "restored": "3", "fault": "4", "low_battery": "5", "test": "9"}
_BEIJING = 8 * 3600
_UNMARKED_TEST = 0.08
"""Share of tests with smoke from a can, which the sensor takes for fire."""


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`installations`: one row per place where a sensor hangs or hung; `messages`: all of them, in order of time."""
    return {"installations": _installations(world, seed), "messages": _messages(world, seed)}


def _installations(world: World, seed: int) -> Served:
    there = look_up(
        smoke.sensors(world),
        world.premises.select(
            "premises_id",
            "address_id",
            "coded",
            unit_name="name",
            premises_code="code",
            longitude="lon",
            latitude="lat",
        ),
        "premises_id",
    )
    there = look_up(there, world.addresses.select("address_id", address="full_text"), "address_id")
    ids = there["install_id"].to_numpy()
    noted = pl.Series(hashing.uniform(ids, seed, "smoke_sensor", "code noted") < 0.6)
    people = strangers(ids, seed, "sensor contact")
    there = there.with_columns(
        install_no=pl.lit("AZ") + pl.col("install_id").cast(pl.String).str.zfill(8),
        device_id="imei",
        kind=pl.col("kind").replace_strict(_KINDS, return_dtype=pl.String),
        # a code that was given to the premises later was not known to those who hung the sensor
        premises_code=pl.when(noted & pl.col("coded")).then("premises_code"),
        installed_on=pl.col("installed_on").dt.strftime("%Y-%m-%d"),
        removed_on=pl.col("removed_on").dt.strftime("%Y-%m-%d"),
        _premises_id=pl.col("premises_id"),
        _contact=people["name"],
        _phone=people["phone"],
    )
    rows = draft(seed, "smoke_sensor", "installations", there, "install_id")
    places.to_gcj02(rows)
    places.faults(rows, share=0.01, uncorrected_share=0.03)
    dirt.addresses(rows, spelling=0.4)
    rows.spoil("kind", 0.003, "code", one_of("3", "烟感"), defect="unknown_code")
    rows.spoil("installed_on", 0.003, "no_such_day", one_of("2025-02-30", "2024-06-31"), defect="impossible_date")
    rows.spoil("spot", 0.1, "missing", constant(None))
    return rows.served(
        STREAMS["installations"], ["install_no"], changed_at="updated_at", text_times="%Y-%m-%d %H:%M:%S",
        unasked={"_contact": "lxr", "_phone": "lxdh"}, premises="_premises_id",
    )  # fmt: skip


def _messages(world: World, seed: int) -> Served:
    sent = smoke.messages(world)
    ids = sent["message_id"].to_numpy()
    canned = pl.Series(hashing.uniform(ids // 1_000, seed, "smoke_sensor", "canned") < _UNMARKED_TEST)
    code = pl.col("event").replace_strict(CODES, return_dtype=pl.String)
    battery = hashing.integers(sent["install_id"].to_numpy(), 22, 101, seed, "smoke_sensor", "battery")
    sent = sent.with_columns(
        device_id="imei",
        event=pl.when((pl.col("event") == "test") & canned).then(pl.lit(CODES["smoke_alarm"])).otherwise(code),
        signal_dbm=pl.Series(hashing.integers(ids, -118, -64, seed, "smoke_sensor", "rssi")),
        battery=pl.when(pl.col("event") == "low_battery").then(pl.lit(9)).otherwise(pl.Series(battery)),
        _incident_id=pl.col("incident_id"),
    ).unique(["device_id", "sent_at", "event"], keep="first", maintain_order=True)
    rows = draft(seed, "smoke_sensor", "messages", sent, "message_id")
    millis = pl.col("device_id").str.slice(-1).is_in(["0", "2", "4"])
    seconds = pl.col("sent_at").dt.epoch("s") - _BEIJING
    rows.set("sent_at", pl.when(millis).then(seconds * 1000).otherwise(seconds))
    rows.spoil("battery", 0.002, "range", lambda values, luck: values + 155, defect="out_of_range")
    rows.spoil("signal_dbm", 0.01, "unknown", constant(None))
    rows.spoil("event", 0.0006, "code", one_of("7", "FF"), defect="unknown_code")
    return rows.served(
        STREAMS["messages"], ["device_id", "sent_at", "event"], changed_at="sent_at", repeated=0.004,
        incidents="_incident_id",
    )  # fmt: skip
