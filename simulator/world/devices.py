"""Door sensors in the homes of old people who live alone, and the town's cameras (catalogue only, no streams).

Sensor messages are not stored: ``messages`` computes those of any period from device and hour.
"""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl

from connectors.standards import device_id
from simulator.world import numbers
from simulator.world.calibration import CAMERAS, DISTRICT_CODE, SENSORS
from simulator.world.columns import (
    DAY,
    HOUR,
    Ints,
    count,
    dates,
    day_number,
    digits,
    masked,
    micros,
    texts,
    times,
    weighted,
    weighted_without,
    years_before,
)
from simulator.world.columns import numbers as ints
from simulator.world.geography import Ground
from simulator.world.hashing import bits, integers, uniform

# mean openings of the door by hour of the day
_OPENINGS = np.array(
    [
        0.05,
        0.02,
        0.02,
        0.02,
        0.05,
        0.3,
        0.7,
        0.8,
        0.7,
        0.6,
        0.5,
        0.5,
        0.3,
        0.3,
        0.4,
        0.5,
        0.6,
        0.6,
        0.4,
        0.3,
        0.2,
        0.15,
        0.1,
        0.05,
    ]
)
_LOW, _EMPTY = 20, 2


def sensors(rng: np.random.Generator, scale: float, on: date, residents: pl.DataFrame) -> pl.DataFrame:
    """The frame ``elder_sensors``: one device for each of so many people over 70, those living alone first."""
    old = residents.with_columns(alone=pl.len().over("household_id") == 1).filter(
        (pl.col("birth_date") < years_before(on, 70)) & pl.col("death_date").is_null() & pl.col("moved_out").is_null()
    )
    chosen = old[weighted_without(rng, np.where(old["alone"].to_numpy(), 1.0, 0.05), count(scale, SENSORS, 3))]
    n = len(chosen)
    serial = np.sort(rng.choice(900_000, n, replace=False)) + 100_000
    # type allocation code of no real maker
    imei = numbers.with_luhn("86999901" + digits(serial, 6))
    installed = day_number(on) - 20 - (rng.random(n) ** 1.3 * 700).astype(np.int64)
    frame = pl.DataFrame(
        {
            "device_id": imei,
            "resident_id": chosen["resident_id"],
            "address_id": chosen["address_id"],
            "installed_on": dates(installed),
        }
    )
    return state(frame, on)


def state(table: pl.DataFrame, on: date) -> pl.DataFrame:
    """``table`` with ``battery`` (%), ``state`` and ``updated_at`` as they are on the day ``on``."""
    battery, changed = _battery(table, day_number(on))
    condition = np.select([battery <= _EMPTY, battery <= _LOW], [2, 1], 0)
    return table.with_columns(
        pl.Series("battery", battery),
        texts(["ok", "low_battery", "silent"], condition).alias("state"),
        times(changed * DAY + 3 * HOUR).alias("updated_at"),
    )


def _battery(table: pl.DataFrame, day: int) -> tuple[Ints, Ints]:
    """Charge in per cent on the day, and the day when it last changed; changed for a fresh one after 13–20 months."""
    key = table["device_id"].str.slice(6, 8).cast(pl.Int64).to_numpy()
    installed = ints(table["installed_on"])
    days_a_percent = integers(key, 4, 7, "battery life")
    # up to twelve days pass before somebody changes an empty one
    age = np.maximum(day - installed, 0) % (100 * days_a_percent + 12)
    used = np.minimum(age // days_a_percent, 100)
    return 100 - used, day - age + used * days_a_percent


def messages(sensors: pl.DataFrame, since: datetime, until: datetime) -> pl.DataFrame:
    """Messages of the period [since, until): device_id, event open|close|heartbeat, battery (%), at; in order of time.

    Every working device sends a heartbeat an hour; a door that opened closes within minutes. The same
    device and hour always give the same messages.
    """
    # an opening of the hour before may close in this one, so one hour more is made and cut off
    first, last = micros(since) // HOUR - 1, (micros(until) - 1) // HOUR
    hours = np.arange(first, last + 1)
    n = len(sensors)
    device = np.tile(np.arange(n), len(hours))
    hour = np.repeat(hours, n)
    charge = np.concatenate([np.zeros(0, np.int64)] + [_battery(sensors, int(h // 24))[0] for h in hours])
    alive = (charge > _EMPTY) & (ints(sensors["installed_on"])[device] < hour // 24)
    device, hour, charge = device[alive], hour[alive], charge[alive]
    serial = sensors["device_id"].str.slice(6, 8).cast(pl.Int64).to_numpy()[device]
    key = serial * 1_000_000 + hour
    offline = uniform(serial * 100_000 + hour // 24, "offline") < 0.01  # a day without radio
    beat = hour * HOUR + integers(serial, 0, 3600, "beat") * 1_000_000 + integers(key, 0, 20, "jitter") * 1_000_000
    parts = [(device, beat, charge, 2, ~offline)]
    draw = uniform(key, "openings")
    mean = _OPENINGS[hour % 24] * (0.4 + 1.2 * uniform(serial, "activity"))
    for turn, threshold in enumerate((1 - np.exp(-mean), 1 - np.exp(-mean) * (1 + mean))):
        opens = (draw < threshold) & ~offline
        at = hour * HOUR + turn * HOUR // 2 + (uniform(key, "open", turn) * HOUR / 2 * 0.99).astype(np.int64)
        stays = 4_000_000 + (uniform(key, "close", turn) * 170_000_000).astype(np.int64)
        parts += [(device, at, charge, 0, opens), (device, at + stays, charge, 1, opens)]
    frame = pl.concat(
        [
            pl.DataFrame({"device": d, "event": np.full(len(d), event), "battery": b, "at": times(at)}).filter(
                pl.Series(keep)
            )
            for d, at, b, event, keep in parts
        ]
    )
    low, high = (pl.lit(edge).cast(pl.Datetime("us")) for edge in (since, until))
    frame = frame.filter((pl.col("at") >= low) & (pl.col("at") < high)).sort("at", "device", "event")
    return frame.select(
        sensors["device_id"].gather(frame["device"]).alias("device_id"),
        texts(["open", "close", "heartbeat"], frame["event"].to_numpy()).alias("event"),
        "battery",
        "at",
    )


def cameras(rng: np.random.Generator, scale: float, on: date, land: Ground) -> pl.DataFrame:
    """The frame ``cameras`` with GB/T 28181 device numbers."""
    size = count(scale, CAMERAS, 5)
    lon, lat = land.places(rng, size)
    grid = land.grid_of(lon, lat)
    ids = np.arange(1, size + 1)
    community = pl.Series(land.names).gather(land.community_of(grid) - 1)
    spot = texts(
        ["路口", "东门", "西门", "广场", "停车场", "河边", "公园", "菜场", "学校门口", "高空"],
        rng.integers(0, 10, size),
    )
    kind = texts(["球机", "枪机", "半球"], weighted(rng, (3, 6, 1), size))
    centre = pl.Series([DISTRICT_CODE]).new_from_index(0, size)
    police = device_id.make(centre, pl.Series(ids), network="0")
    government = device_id.make(centre, pl.Series(ids), network="6")
    made = masked(police, rng.random(size) < 0.6).fill_null(government)
    return pl.DataFrame(
        {
            "camera_id": ids,
            "device_id": made,
            "name": community.str.strip_suffix("社区") + spot + kind + digits(bits(ids, "no") % np.uint64(90) + 1, 2),
            "lon": lon,
            "lat": lat,
            "grid_id": grid,
            "status": texts(["online", "offline", "removed"], weighted(rng, (93, 5, 2), size)),
            "updated_at": times((day_number(on) - (rng.random(size) ** 2 * 1500).astype(np.int64)) * DAY + 9 * HOUR),
        }
    )
