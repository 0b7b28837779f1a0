"""High-altitude cameras and street cameras: where they stand, and the alarms that their algorithms raise.

Most alarms of the high cameras are false: steam, clouds, a lamp, a crowd that waits for a bus.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors.standards import device_id
from simulator.world.calibration import DISTRICT_CODE
from simulator.world.columns import DAY, HOUR, WAKING, Ints, count, day_number, masked, micros, texts, times
from simulator.world.columns import numbers as as_numbers
from simulator.world.facts.draws import chosen
from simulator.world.facts.slots import daily, places, shifted, time_of_day
from simulator.world.geography import plane
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

HIGH_CAMERAS = 20
_MOST_HIGH_CAMERAS = 30
_SEES_METRES = 1_500.0
_FIRST_SERIAL = 900_001
# what an algorithm calls an incident, and the share of those in the open (or burning) that it sees
_SEEN = {
    "fire": ("smoke_fire", 0.5),
    "sanitation": ("rubbish", 0.14),
    "illegal_parking": ("parking", 0.12),
    "dispute": ("crowd", 0.03),
}
_FALSE_A_DAY = 90.0
_FALSE_KINDS = {"smoke_fire": 45, "rubbish": 20, "parking": 15, "crowd": 10, "floating_objects": 10}
ALGORITHMS: tuple[str, ...] = tuple(_FALSE_KINDS)
_MOST_ALARMS = 3
_MINUTE = HOUR // 60

STREET_FALSE_A_DAY = 30.0
_STREET_FALSE_KINDS = {"shop_occupying_road": 55, "illegal_parking": 30, "sanitation": 15}
_POINTS_A_GRID = 4


def high_cameras(world: World) -> pl.DataFrame:
    """``camera_id``, device_id (GB/T 28181), name, lon, lat, grid_id, status online|offline."""
    size = min(count(world.scale, HIGH_CAMERAS, 4), _MOST_HIGH_CAMERAS)
    order = np.argsort(uniform(world.grids["grid_id"].to_numpy(), world.seed, "high points"), kind="stable")
    grids = world.grids[np.sort(order[:size])]
    ids = np.arange(1, size + 1)
    offline = uniform(ids * 10_000 + day_number(world.today) // 7, world.seed, "high camera") < 0.05
    centre = pl.Series([DISTRICT_CODE]).new_from_index(0, size)
    place = pl.Series(world.land.names).gather(grids["community_id"] - 1).str.strip_suffix("社区")
    return pl.DataFrame(
        {
            "camera_id": ids,
            "device_id": device_id.make(centre, pl.Series(_FIRST_SERIAL + ids), industry="08", network="6"),
            "name": place + chosen(("铁塔", "高层楼顶", "水塔"), ids, world.seed, "high spot") + "高空瞭望",
            "lon": grids["lon"],
            "lat": grids["lat"],
            "grid_id": grids["grid_id"],
            "status": texts(["online", "offline"], offline),
        }
    )


def high_alarms(world: World) -> pl.DataFrame:
    """One row per alarm of a high camera; ``incident_id`` is null where there was nothing.

    ``alarm_id``, camera_id, algorithm (one of ``ALGORITHMS``), incident_id, alarmed_at, lon, lat (of the target),
    bearing (degrees clockwise from north), confidence (0–1), verdict pending|confirmed|false, updated_at.
    """
    cameras = high_cameras(world)
    alarms = pl.concat([_true_alarms(world, cameras), _false_alarms(world, cameras)])
    alarms = alarms.filter(pl.col("at") < micros(world.now)).sort("at", "alarm_id")
    ids, at = alarms["alarm_id"].to_numpy(), alarms["at"].to_numpy()
    stands = cameras[alarms["camera_id"].to_numpy() - 1]
    x, y = plane(alarms["lon"].to_numpy(), alarms["lat"].to_numpy())
    camera_x, camera_y = plane(stands["lon"].to_numpy(), stands["lat"].to_numpy())
    bearing = np.degrees(np.arctan2(x - camera_x, y - camera_y)) % 360
    looked = at + (-np.log1p(-uniform(ids, world.seed, "review")) * 3 * HOUR).astype(np.int64)
    is_looked = (uniform(ids, world.seed, "reviewed") < 0.85) & (looked < micros(world.now))
    is_true = alarms["incident_id"].is_not_null().to_numpy()
    believed = is_true ^ (uniform(ids, world.seed, "misjudged") < 0.03)
    sure = np.where(is_true, 0.72, 0.6) + 0.28 * uniform(ids, world.seed, "confidence")
    return alarms.drop("at").with_columns(
        times(at).alias("alarmed_at"),
        pl.Series("bearing", np.round(bearing, 1)),
        pl.Series("confidence", np.round(sure, 3)),
        texts(["pending", "false", "confirmed"], np.where(is_looked, 1 + believed, 0)).alias("verdict"),
        times(np.where(is_looked, looked, at)).alias("updated_at"),
    )


def _true_alarms(world: World, cameras: pl.DataFrame) -> pl.DataFrame:
    """Alarms about incidents within sight of a camera: one to three of each."""
    seen = world.incidents.filter(
        pl.col("kind").is_in(list(_SEEN)) & (pl.col("address_id").is_null() | (pl.col("kind") == "fire"))
    )
    share = seen["kind"].replace_strict({k: p for k, (_, p) in _SEEN.items()}, return_dtype=pl.Float64).to_numpy()
    seen = seen.filter(pl.Series(uniform(seen["incident_id"].to_numpy(), world.seed, "seen from above") < share))
    x, y = plane(seen["lon"].to_numpy(), seen["lat"].to_numpy())
    camera_x, camera_y = plane(cameras["lon"].to_numpy(), cameras["lat"].to_numpy())
    metres = np.hypot(x[:, None] - camera_x[None, :], y[:, None] - camera_y[None, :])
    nearest = metres.argmin(axis=1)
    near = metres[np.arange(len(nearest)), nearest] < _SEES_METRES
    seen, nearest = seen.filter(pl.Series(near)), nearest[near]
    ids = seen["incident_id"].to_numpy()
    turns = 1 + integers(ids, 0, _MOST_ALARMS, world.seed, "alarms")
    row = np.repeat(np.arange(len(ids)), turns)
    number = np.arange(len(row)) - np.repeat(np.cumsum(turns) - turns, turns)
    alarm = ids[row] * _MOST_ALARMS + number
    first = as_numbers(seen["occurred_at"]) + integers(ids, 1, 25, world.seed, "noticed after") * _MINUTE
    lon, lat = shifted(seen["lon"].to_numpy()[row], seen["lat"].to_numpy()[row], alarm, world.seed, "aim", metres=90.0)
    return pl.DataFrame(
        {
            "alarm_id": alarm,
            "camera_id": nearest[row] + 1,
            "algorithm": seen["kind"].replace_strict({k: a for k, (a, _) in _SEEN.items()}).gather(row),
            "incident_id": ids[row],
            "lon": lon,
            "lat": lat,
            "at": first[row] + number * (4 + integers(ids, 0, 8, world.seed, "again after")[row]) * _MINUTE,
        }
    )


def _false_alarms(world: World, cameras: pl.DataFrame) -> pl.DataFrame:
    ids, day = daily(world, _FALSE_A_DAY * world.scale, "false alarm")
    camera = integers(ids, 0, len(cameras), world.seed, "false camera")
    stands = cameras[camera]
    lon, lat = shifted(
        stands["lon"].to_numpy(), stands["lat"].to_numpy(), ids, world.seed, "false aim", metres=_SEES_METRES
    )
    weights = list(_FALSE_KINDS.values())
    return pl.DataFrame(
        {
            "alarm_id": -ids,
            "camera_id": camera + 1,
            "algorithm": chosen(ALGORITHMS, ids, world.seed, "false kind", weights=weights),
            "incident_id": pl.Series([None], dtype=pl.Int64).new_from_index(0, len(ids)),
            "lon": lon,
            "lat": lat,
            "at": day * DAY + time_of_day(ids, WAKING, world.seed, "false alarm"),
        }
    )


def street_points(ids: Ints, grid_id: Ints, seed: int) -> pl.Series:
    """The code of the street camera in the grid that saw what ``ids`` stand for."""
    number = integers(ids, 1, _POINTS_A_GRID + 1, seed, "street point")
    return pl.Series([f"CSY{grid:03d}{point}" for grid, point in zip(grid_id, number, strict=True)], dtype=pl.String)


def street_false_alarms(world: World) -> pl.DataFrame:
    """Alarms of street cameras about nothing: ``alarm_id`` (negative), kind, grid_id, lon, lat, alarmed_at, rejected_at
    (null until somebody has looked), updated_at."""
    ids, day = daily(world, STREET_FALSE_A_DAY * world.scale, "street false alarm")
    at = day * DAY + time_of_day(ids, WAKING, world.seed, "street false alarm")
    looked = at + (-np.log1p(-uniform(ids, world.seed, "street review")) * 8 * HOUR).astype(np.int64)
    is_looked = (looked < micros(world.now)) & (uniform(ids, world.seed, "street reviewed") < 0.9)
    kinds, weights = list(_STREET_FALSE_KINDS), list(_STREET_FALSE_KINDS.values())
    return places(world, ids, world.seed, "street false alarm").with_columns(
        pl.Series("alarm_id", -ids),
        chosen(kinds, ids, world.seed, "street false kind", weights=weights).alias("kind"),
        times(at).alias("alarmed_at"),
        masked(times(looked), is_looked).alias("rejected_at"),
        times(np.where(is_looked, looked, at)).alias("updated_at"),
    )
