"""Patrols: those of the safety staff that find nothing, and the drones' flights with what they find."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.columns import DAY, HOUR, OFFICE, Floats, count, micros, times
from simulator.world.columns import numbers as as_numbers
from simulator.world.facts.draws import chosen
from simulator.world.facts.slots import daily, places, shifted, time_of_day
from simulator.world.geography import plane
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

QUIET_A_DAY = 190.0
PATROLLERS = 288

FLIGHTS_A_DAY = 6.0
DRONES = 4
_WAYPOINTS = 8
_MINUTE = HOUR // 60
# what a drone's camera shows, and the share of the incidents in the open under its track that is noted
_SHOWN = {"sanitation": 0.35, "illegal_parking": 0.25, "shop_occupying_road": 0.2, "facility_damage": 0.15}
_OPEN_FOR_HOURS = 8
# what nobody else tells of: no incident of the town's
_OTHER = {"illegal_structure": 4, "bare_soil": 3, "floating_objects": 2, "sanitation": 2}
_OTHERS_A_FLIGHT = 3


def patrollers(world: World) -> int:
    return count(world.scale, PATROLLERS, 3)


def quiet(world: World) -> pl.DataFrame:
    """Safety patrols without a finding: ``patrol_id`` (negative), patroller, grid_id, lon, lat, patrolled_at."""
    ids, day = daily(world, QUIET_A_DAY * world.scale, "quiet patrol")
    return places(world, ids, world.seed, "quiet patrol").with_columns(
        pl.Series("patrol_id", -ids),
        pl.Series("patroller", integers(ids, 1, patrollers(world) + 1, world.seed, "patroller")),
        times(day * DAY + time_of_day(ids, OFFICE, world.seed, "quiet patrol")).alias("patrolled_at"),
    )


def flights(world: World) -> pl.DataFrame:
    """One row per flight that has landed: ``flight_id``, drone (from 1), grid_ids (in order of the track), track
    (list of [lon, lat]), took_off_at, landed_at (local time), altitude (metres above ground)."""
    ids, day = daily(world, FLIGHTS_A_DAY * world.scale, "flight")
    off = day * DAY + 9 * HOUR + (uniform(ids, world.seed, "take-off") * 7.5 * HOUR).astype(np.int64)
    landed = off + integers(ids, 22, 41, world.seed, "flight time") * _MINUTE
    near = _nearest_grids(world)
    home = integers(ids, 0, len(world.grids), world.seed, "flight grid")
    lon, lat = world.grids["lon"].to_numpy(), world.grids["lat"].to_numpy()
    track = np.stack([lon[near[home]], lat[near[home]]], axis=2)
    return pl.DataFrame(
        {
            "flight_id": ids,
            "drone": integers(ids, 1, DRONES + 1, world.seed, "drone"),
            "grid_ids": pl.Series(world.grids["grid_id"].to_numpy()[near[home]], dtype=pl.Array(pl.Int64, _WAYPOINTS)),
            "track": pl.Series(track, dtype=pl.Array(pl.Float64, (_WAYPOINTS, 2))),
            "took_off_at": times(off),
            "landed_at": times(landed),
            "altitude": np.round(80 + 40 * uniform(ids, world.seed, "altitude"), 1),
        }
    ).filter(pl.col("landed_at") < world.now)


def findings(world: World) -> pl.DataFrame:
    """What the flights found: ``finding_id``, flight_id, kind, incident_id (null: no incident of the town's), lon, lat,
    found_at (local time), verdict pending|confirmed|false, updated_at."""
    flown = flights(world)
    found = pl.concat([_incidents_seen(world, flown), _others_seen(world, flown)]).sort("flight_id", "at", "finding_id")
    ids, at = found["finding_id"].to_numpy(), found["at"].to_numpy()
    looked = at + (4 + 40 * uniform(ids, world.seed, "finding review")) * HOUR
    is_looked = looked < micros(world.now)
    doubtful = found["incident_id"].is_null().to_numpy() & (uniform(ids, world.seed, "finding doubt") < 0.5)
    verdict = pl.Series(np.select([~is_looked, doubtful], ["pending", "false"], "confirmed"), dtype=pl.String)
    return found.drop("at").with_columns(
        times(at).alias("found_at"),
        verdict.alias("verdict"),
        times(np.where(is_looked, looked, at)).alias("updated_at"),
    )


def _nearest_grids(world: World) -> np.ndarray:
    """For each grid the rows of itself and its nearest neighbours, nearest first."""
    x, y = plane(world.grids["lon"].to_numpy(), world.grids["lat"].to_numpy())
    metres = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :])
    return np.argsort(metres, axis=1, kind="stable")[:, :_WAYPOINTS]


def _incidents_seen(world: World, flown: pl.DataFrame) -> pl.DataFrame:
    """Incidents in the open of the hours before, in the grids that the track crosses."""
    shown = world.incidents.filter(pl.col("kind").is_in(list(_SHOWN)) & pl.col("address_id").is_null()).select(
        "incident_id", "kind", "grid_id", "lon", "lat", "occurred_at", day=pl.col("occurred_at").dt.date()
    )
    crossed = flown.select(
        "flight_id", "took_off_at", "landed_at", grid_id=pl.col("grid_ids").arr.to_list(),
        day=pl.col("took_off_at").dt.date(),
    ).explode("grid_id")  # fmt: skip
    since = pl.col("took_off_at") - pl.col("occurred_at")
    met = crossed.join(shown, on=["day", "grid_id"]).filter(
        (since > pl.duration(hours=0)) & (since < pl.duration(hours=_OPEN_FOR_HOURS))
    )
    finding = met["incident_id"].to_numpy() * 8 + met["flight_id"].to_numpy() % 8
    share = met["kind"].replace_strict(_SHOWN, return_dtype=pl.Float64).to_numpy()
    met = met.with_columns(pl.Series("finding_id", finding)).filter(
        pl.Series(uniform(finding, world.seed, "seen by drone") < share)
    )
    ids = met["finding_id"].to_numpy()
    lon, lat = shifted(met["lon"].to_numpy(), met["lat"].to_numpy(), ids, world.seed, "drone aim", metres=15.0)
    return _rows(world, met, pl.Series(lon), pl.Series(lat)).unique("finding_id", keep="first", maintain_order=True)


def _others_seen(world: World, flown: pl.DataFrame) -> pl.DataFrame:
    flight = np.repeat(flown["flight_id"].to_numpy(), _OTHERS_A_FLIGHT)
    ids = -(flight * 10 + np.tile(np.arange(_OTHERS_A_FLIGHT), len(flown)))
    noted = uniform(ids, world.seed, "other finding") < 0.4
    row, ids = np.repeat(np.arange(len(flown)), _OTHERS_A_FLIGHT)[noted], ids[noted]
    where = flown["track"].to_numpy()[row, integers(ids, 0, _WAYPOINTS, world.seed, "other at")]
    kinds, weights = list(_OTHER), list(_OTHER.values())
    met = flown[row].select("flight_id", "took_off_at", "landed_at").with_columns(
        pl.Series("finding_id", ids),
        pl.lit(None, pl.Int64).alias("incident_id"),
        chosen(kinds, ids, world.seed, "other kind", weights=weights).alias("kind"),
    )  # fmt: skip
    lon: Floats
    lon, lat = shifted(where[:, 0], where[:, 1], ids, world.seed, "other aim", metres=200.0)
    return _rows(world, met, pl.Series(lon), pl.Series(lat))


def _rows(world: World, met: pl.DataFrame, lon: pl.Series, lat: pl.Series) -> pl.DataFrame:
    """Findings at a moment of their flight."""
    off, landed = as_numbers(met["took_off_at"]), as_numbers(met["landed_at"])
    at = off + (uniform(met["finding_id"].to_numpy(), world.seed, "found at") * (landed - off)).astype(np.int64)
    return met.select("finding_id", "flight_id", "kind", "incident_id").with_columns(
        lon.alias("lon"), lat.alias("lat"), pl.Series("at", at)
    )
