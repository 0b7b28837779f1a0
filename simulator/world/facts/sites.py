"""Building sites under a permit, and the dust that their monitors measure until the site ends."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import DAY, HOUR, dates, day_number, masked, times
from simulator.world.columns import numbers as as_numbers
from simulator.world.hashing import integers, uniform
from simulator.world.model import World


def sites(world: World) -> pl.DataFrame:
    """One row per building site of the town's premises, ended ones included.

    ``premises_id``, enterprise_id (the builder; null where unknown), permit_no, name, address_id, lon, lat,
    started_on, planned_end, ended_on (null while work goes on), state building|suspended|completed as the office
    keeps it (a third of the ended sites stay open there), updated_at.
    """
    found = world.premises.filter(pl.col("category") == "construction_site").sort("premises_id")
    ids = found["premises_id"].to_numpy()
    start = as_numbers(found["opened_on"])
    planned = start + integers(ids, 240, 1000, world.seed, "site planned")
    end = planned + integers(ids, -30, 150, world.seed, "site late")
    today = day_number(world.today)
    ended = end <= today
    forgotten = uniform(ids, world.seed, "site forgotten") < 0.33
    suspended = ~ended & (uniform(ids, world.seed, "site suspended") < 0.05)
    told = np.where(ended & ~forgotten, end + integers(ids, 0, 20, world.seed, "site told"), start)
    known = ended & ~forgotten & (told <= today)
    state = np.select([known, suspended], ["completed", "suspended"], "building")
    serial = pl.Series(ids).cast(pl.String).str.zfill(5)
    return found.select(
        "premises_id",
        "enterprise_id",
        (pl.lit("330199") + dates(start).dt.strftime("%Y%m%d") + serial).alias("permit_no"),
        "name",
        "address_id",
        "lon",
        "lat",
        pl.Series("started_on", dates(start)),
        pl.Series("planned_end", dates(planned)),
        pl.Series("ended_on", masked(dates(end), ended)),
        pl.Series("state", state),
        pl.Series("updated_at", times(np.where(known, told, start) * DAY + 16 * HOUR)),
    )


def dust(world: World) -> pl.DataFrame:
    """One row per site and day on which its monitor worked, since the history began.

    ``premises_id``, permit_no, day, pm10 and pm10_max (µg/m³, of the day's hours), hours (valid ones), updated_at.
    """
    found = sites(world)
    ids = found["premises_id"].to_numpy()
    today, first = day_number(world.today), day_number(HISTORY_START)
    start = np.maximum(as_numbers(found["started_on"]), first)
    stop = np.minimum(as_numbers(found["ended_on"], null=2**31), today)
    size = np.maximum(stop - start + 1, 0)
    row = np.repeat(np.arange(len(ids)), size)
    day = start[row] + np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    key = ids[row] * 100_000 + day
    works = uniform(key, world.seed, "dust works") > 0.03
    row, day, key = row[works], day[works], key[works]
    # what the town's air has on a day, and what the site adds
    air = 35 + 45 * uniform(day, world.seed, "air")
    mean = air * (0.8 + 1.4 * uniform(ids[row], world.seed, "dust site") * uniform(key, world.seed, "dust"))
    return found.select("premises_id", "permit_no")[row].with_columns(
        pl.Series("day", dates(day)),
        pl.Series("pm10", np.round(mean, 1)),
        pl.Series("pm10_max", np.round(mean * (1.3 + 1.5 * uniform(key, world.seed, "dust peak")), 1)),
        pl.Series("hours", integers(key, 19, 25, world.seed, "dust hours")),
        pl.Series("updated_at", times(day * DAY + 23 * HOUR + DAY // 48)),
    )
