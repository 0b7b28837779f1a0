"""Smoke and electrical sensors at premises, and what they send: true alarms, tests, steam from kitchens, storms."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world import numbers
from simulator.world.calibration import HISTORY_START
from simulator.world.columns import DAY, HOUR, Floats, Ints, dates, day_number, digits, texts, times
from simulator.world.columns import numbers as as_numbers
from simulator.world.facts.draws import chosen
from simulator.world.facts.slots import time_of_day
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

# mean number of sensors of a premises by category: some 10,000 in all at scale 1
_SENSORS = {
    "street_shop": 0.5,
    "key_security": 1.4,
    "rental_housing": 0.8,
    "hazmat_producer": 2.0,
    "labour_intensive": 1.3,
    "construction_site": 0.6,
    "crowded_place": 2.0,
    "general_enterprise": 0.5,
}
_MOST_SENSORS = 3
_REUSED = 0.008
_SECOND = 1_000_000
EVENTS = ("smoke_alarm", "electrical_alarm", "test", "fault", "low_battery", "restored")
_COOKING = (0, 0, 0, 0, 0, 1, 3, 3, 1, 1, 4, 8, 5, 1, 1, 1, 4, 8, 7, 3, 1, 1, 0, 0)
_ROUNDS = (0, 0, 0, 0, 0, 0, 0, 0, 2, 8, 9, 4, 1, 3, 9, 8, 4, 1, 0, 0, 0, 0, 0, 0)
# what a sensor sends about nothing: its share of all days, the time of day, the most messages, the seconds between them
_ORDINARY: dict[str, tuple[float, tuple[int, ...], int, int]] = {
    "test": (1 / 180, _ROUNDS, 2, 30),
    "steam": (1 / 450, _COOKING, 3, 60),
    "fault": (1 / 700, _ROUNDS, 1, 60),
    "storm": (1 / 60_000, _ROUNDS, 150, 4),
}


def sensors(world: World) -> pl.DataFrame:
    """The register of installations: an IMEI that was taken down and put up elsewhere stands in it twice.

    ``install_id``, imei, kind smoke|electrical, premises_id, spot, maker, installed_on, removed_on (null while it
    hangs), updated_at. In order of ``install_id``.
    """
    premises = world.premises
    most = premises["category"].replace_strict(_SENSORS, return_dtype=pl.Float64).to_numpy()
    slot = np.tile(np.arange(_MOST_SENSORS), len(premises))
    row = np.repeat(np.arange(len(premises)), _MOST_SENSORS)
    ids = premises["premises_id"].to_numpy()[row] * 4 + slot
    installed = as_numbers(premises["opened_on"])[row] + integers(ids, 20, 420, world.seed, "sensor installed")
    closed = as_numbers(premises["closed_on"], null=2**31)[row]
    hangs = (uniform(ids, world.seed, "sensor") < most[row] - slot) & (installed <= day_number(world.today))
    hangs &= installed < closed
    row, ids, installed, closed = row[hangs], ids[hangs], installed[hangs], closed[hangs]
    removed = closed + 5
    gone = removed <= day_number(world.today)
    electrical = uniform(ids, world.seed, "sensor kind") < 0.3
    return pl.DataFrame(
        {
            "install_id": ids,
            "imei": numbers.with_luhn("86999902" + digits(_serial(ids, installed, world.seed), 6)),
            "kind": texts(["smoke", "electrical"], electrical),
            "premises_id": premises["premises_id"].gather(row),
            "spot": chosen(("一楼大厅", "厨房", "二楼走廊", "仓库", "配电箱", "楼梯间"), ids, world.seed, "spot"),
            "maker": chosen(("甲", "乙", "丙"), ids, world.seed, "maker"),
            "installed_on": dates(installed),
            "removed_on": dates(removed, gone),
            "updated_at": times(np.where(gone, removed, installed) * DAY + 10 * HOUR),
        }
    )


def _serial(ids: Ints, installed: Ints, seed: int) -> Ints:
    """The serial number in the IMEI: its own, or for a few that of a sensor that was installed before it."""
    if not len(ids):
        return ids
    wanted = ids - 4 * integers(ids, 1, 200, seed, "whose imei")
    other = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    reused = (uniform(ids, seed, "reused imei") < _REUSED) & (ids[other] == wanted) & (installed[other] < installed)
    return np.where(reused, wanted, ids) % 1_000_000


def messages(world: World) -> pl.DataFrame:
    """One row per message: ``message_id``, install_id, imei, event (one of ``EVENTS``), incident_id (null: there was
    none), sent_at. In order of time."""
    devices = sensors(world)
    sent = pl.concat([_about_fires(world, devices), _about_wiring(world, devices), *_of_ordinary_days(world, devices)])
    sent = sent.join(devices.select("install_id", "imei", "installed_on"), on="install_id")
    sent = sent.filter((pl.col("sent_at") < world.now) & (pl.col("sent_at") > pl.col("installed_on")))
    return (
        sent.sort("sent_at", "message_id")
        .unique(["imei", "event", "sent_at"], keep="first", maintain_order=True)
        .select("message_id", "install_id", "imei", "event", "incident_id", "sent_at")
    )


def _hanging(world: World, devices: pl.DataFrame, kind: str, incident: str) -> pl.DataFrame:
    """Sensors of a kind at premises with an incident: ``install_id``, incident_id, occurred_at."""
    struck = world.incidents.filter((pl.col("kind") == incident) & pl.col("premises_id").is_not_null())
    there = devices.filter(pl.col("kind") == kind).select("install_id", "premises_id")
    met = struck.select("incident_id", "premises_id", "occurred_at").join(there, on="premises_id")
    return met.sort("incident_id", "install_id")


def _about_fires(world: World, devices: pl.DataFrame) -> pl.DataFrame:
    met = _hanging(world, devices, "smoke", "fire")
    met = met.filter(pl.Series(uniform(met["install_id"].to_numpy(), world.seed, "smells smoke") < 0.9))
    late = integers(met["install_id"].to_numpy(), 5, 180, world.seed, "smoke comes") * _SECOND
    first = as_numbers(met["occurred_at"]) + late
    return _bursts(world, met["install_id"].to_numpy(), first, met["incident_id"], "smoke_alarm", most=9, gap=70)


def _about_wiring(world: World, devices: pl.DataFrame) -> pl.DataFrame:
    """Wiring that is dangerous warms up in the hours before somebody notices."""
    met = _hanging(world, devices, "electrical", "safety_hazard")
    met = met.filter(pl.Series(uniform(met["incident_id"].to_numpy(), world.seed, "wiring") < 0.6))
    early = integers(met["incident_id"].to_numpy(), 10, 600, world.seed, "warm") * 60 * _SECOND
    first = as_numbers(met["occurred_at"]) - early
    return _bursts(world, met["install_id"].to_numpy(), first, met["incident_id"], "electrical_alarm", most=4, gap=600)


def _of_ordinary_days(world: World, devices: pl.DataFrame) -> list[pl.DataFrame]:
    """What sensors send about nothing: tests, steam, faults and storms, each drawn for every sensor and day."""
    ids = devices["install_id"].to_numpy()
    installed, removed = as_numbers(devices["installed_on"]), as_numbers(devices["removed_on"], null=2**31)
    electrical = (devices["kind"] == "electrical").to_numpy()
    # a nuisance sensor cries many times as often as the others
    nuisance: Floats = np.where(uniform(ids, world.seed, "nuisance") < 0.02, 12.0, 0.75)
    struck: dict[str, list[tuple[Ints, Ints]]] = {what: [] for what in _ORDINARY}
    for day in range(day_number(HISTORY_START), day_number(world.today) + 1):
        hangs = (installed < day) & (removed > day)
        luck = uniform(ids * 100_000 + day, world.seed, "sensor day")
        low = np.zeros(len(ids))
        for what, (rate, *_) in _ORDINARY.items():
            high = low + rate * (nuisance if what == "steam" else 1.0)
            rows = np.flatnonzero(hangs & (luck >= low) & (luck < high))
            struck[what].append((rows, np.full(len(rows), day)))
            low = high
    parts = []
    for what, (_, profile, most, gap) in _ORDINARY.items():
        row, day_of = (np.concatenate(part) for part in zip(*struck[what], strict=True))
        who = ids[row]
        at = day_of * DAY + time_of_day(who * 100_000 + day_of, profile, world.seed, what)
        tired = uniform(who * 100_000 + day_of, world.seed, "low battery") < 0.5
        event = {
            "test": np.full(len(row), EVENTS.index("test")),
            "fault": np.where(tired, EVENTS.index("low_battery"), EVENTS.index("fault")),
        }.get(what, np.where(electrical[row], EVENTS.index("electrical_alarm"), EVENTS.index("smoke_alarm")))
        nothing = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(row))
        parts.append(_bursts(world, who, at, nothing, event, most=most, gap=gap))
    return parts


def _bursts(
    world: World, who: Ints, first: Ints, incident: pl.Series, event: str | Ints, *, most: int, gap: int
) -> pl.DataFrame:
    """One to ``most`` messages of each sensor, some ``gap`` seconds apart, and the all-clear after alarms."""
    code = np.full(len(who), EVENTS.index(event)) if isinstance(event, str) else event
    key = who * 10_000_019 + first // _SECOND
    turns = np.maximum(1, np.ceil(most * (0.3 + 0.7 * uniform(key, world.seed, "burst")))).astype(np.int64)
    clears = code <= EVENTS.index("electrical_alarm")
    every = turns + clears
    index = np.repeat(np.arange(len(who)), every)
    number = np.arange(len(index)) - np.repeat(np.cumsum(every) - every, every)
    last = clears[index] & (number == turns[index])
    message = key[index] * 1_000 + number
    at = first[index] + (number * gap + integers(message, 0, gap, world.seed, "jitter")) * _SECOND
    return pl.DataFrame(
        {
            "message_id": message,
            "install_id": who[index],
            "event": texts(EVENTS, np.where(last, EVENTS.index("restored"), code[index])),
            "incident_id": incident.gather(index),
            "sent_at": times(at),
        }
    )
