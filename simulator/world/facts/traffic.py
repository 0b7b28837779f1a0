"""Traffic past the checkpoints (卡口) of the town's roads: vehicles an hour and direction."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.columns import DAY, HOUR, day_number, texts, times
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

POINTS = 48
DAYS = 14
"""So many days the traffic police's exchange table goes back."""
# share of a day's vehicles by hour of the day, in thousandths: two peaks, a quiet night
_BY_HOUR = np.array([9, 6, 4, 4, 6, 16, 38, 72, 78, 60, 52, 50, 48, 50, 52, 54, 62, 80, 74, 56, 46, 38, 28, 17])
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def points(world: World) -> pl.DataFrame:
    """The checkpoints: point_id, name, lon, lat, grid_id; some of the places where the town has cameras."""
    size = min(len(world.cameras), max(4, round(POINTS * world.scale)))
    order = np.argsort(uniform(np.arange(len(world.cameras)), world.seed, "checkpoint"), kind="stable")[:size]
    return world.cameras[np.sort(order)].select(
        pl.int_range(1, size + 1, dtype=pl.Int64).alias("point_id"), "name", "lon", "lat", "grid_id"
    )


def counts(world: World) -> pl.DataFrame:
    """The last ``DAYS`` days by point, hour and direction: ``row`` (the same for ever), ``point_id``, ``hour``,
    ``direction`` (0 into the town, 1 out of it), ``vehicles``, ``unread`` (plates that the camera could not read),
    ``updated_at``, and what nobody asked for: ``plate`` and ``track`` of the hour's last vehicle.
    """
    today = day_number(world.today)
    ids = points(world)["point_id"].to_numpy()
    hours = np.arange((today - DAYS + 1) * 24, (today + 1) * 24)
    point, hour, direction = (a.ravel() for a in np.meshgrid(ids, hours, np.arange(2), indexing="ij"))
    row = (point * 2 + direction) * 10_000_000 + hour
    daily = np.exp(8.2 + 0.9 * (uniform(point, world.seed, "traffic") - 0.5))
    swing = 0.8 + 0.4 * uniform(row, world.seed, "vehicles")
    vehicles = np.round(daily / 2 * _BY_HOUR[hour % 24] / _BY_HOUR.sum() * swing).astype(np.int64)
    unread = np.round(vehicles * 0.04 * uniform(row, world.seed, "unread")).astype(np.int64)
    letter = texts(_LETTERS, integers(row, 0, len(_LETTERS), world.seed, "letter"))
    number = pl.Series(integers(row, 0, 10_000, world.seed, "plate")).cast(pl.String).str.zfill(4)
    return pl.DataFrame(
        {
            "row": row,
            "point_id": point,
            "hour": times(hour * HOUR),
            "direction": direction,
            "vehicles": vehicles,
            "unread": unread,
            "updated_at": times((hour + 1) * HOUR + integers(row, 60, 900, world.seed, "counted") * (HOUR // 3600)),
            "plate": pl.Series(["浙A"]) + letter + number,
            "track": pl.Series(row).cast(pl.String),
        }
    ).filter(pl.col("updated_at") < times(np.array([(today + 1) * DAY]))[0])
