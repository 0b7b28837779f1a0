"""What passes the checkpoints of the roads: counts by point, direction and hour."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from simulator.world.columns import DAY, HOUR, count, digits, micros, times
from simulator.world.facts.draws import chosen, days_between, told
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

POINTS = 30
DAYS_KEPT = 45
"""The police's own table forgets what is older."""
DIRECTIONS = ("in", "out")
_HOURS = np.array([3, 2, 1.5, 1.5, 2, 5, 15, 34, 40, 30, 26, 25, 24, 24, 25, 27, 32, 40, 38, 28, 20, 14, 9, 5]) / 40
_ROADS = {
    "crossing": ("东湖路听涛街口", "安澜大道清溪街口", "学院路桃源街口", "工业三路口"),
    "gate": ("北高速出口", "南大桥头"),
}


def points(world: World) -> pl.DataFrame:
    """One row per checkpoint: ``point_id``, code, name, lon, lat, grid_id, lanes."""
    ids = np.arange(1, count(world.scale, POINTS, 4) + 1)
    kinds = chosen(tuple(_ROADS), ids, world.seed, "checkpoint", weights=(4, 1))
    grid = world.grids[((ids * 37) % world.grids.height).tolist()]
    return pl.DataFrame(
        {
            "point_id": ids,
            "code": "KK330199" + digits(ids, 4),
            "name": told(kinds, _ROADS, ids, world.seed, "checkpoint name") + digits(ids, 2) + "号卡口",
            "lon": grid["lon"],
            "lat": grid["lat"],
            "grid_id": grid["grid_id"],
            "lanes": integers(ids, 1, 5, world.seed, "lanes"),
        }
    )


def counts(world: World) -> pl.DataFrame:
    """One row per checkpoint, direction and whole hour of the last 45 days.

    ``row_id``, point_id, code, direction in|out, hour (its start), passes, large (of them), unread (plates that the
    camera could not read or misread), updated_at. Hours in which a point was offline are missing.
    """
    where = points(world)
    days = days_between(world.today - timedelta(days=DAYS_KEPT - 1), world.today)
    point, direction, day, hour = (
        axis.ravel() for axis in np.meshgrid(where["point_id"].to_numpy(), [0, 1], days, np.arange(24), indexing="ij")
    )
    key = ((day * 24 + hour) * 1000 + point) * 2 + direction
    weekend = (day + 3) % 7 >= 5
    size = 60 + 500 * uniform(point, world.seed, "traffic")
    passes = size * _HOURS[hour] * np.where(weekend, 0.7, 1.0) * (0.8 + 0.4 * uniform(key, world.seed, "passes"))
    passes = np.floor(passes).astype(np.int64)
    dark = (hour < 6) | (hour > 19)
    misread = np.where(dark, 0.12, 0.03) * (0.3 + 1.4 * uniform(key, world.seed, "misread"))
    outage = uniform((day * 1000 + point), world.seed, "outage") < 0.01
    told_at = day * DAY + (hour + 1) * HOUR + integers(key, 60, 400, world.seed, "told") * 1_000_000
    here = ~outage & (told_at < micros(world.now))
    return pl.DataFrame(
        {
            "row_id": key,
            "point_id": point,
            "code": "KK330199" + digits(point, 4),
            "direction": np.array(DIRECTIONS)[direction],
            "hour": times(day * DAY + hour * HOUR),
            "passes": passes,
            "large": np.floor(passes * 0.12 * uniform(key, world.seed, "large")).astype(np.int64),
            "unread": np.floor(passes * misread).astype(np.int64),
            "updated_at": times(told_at),
        }
    ).filter(pl.Series(here))
