"""Things that happen so many times a day, each at a time of day and somewhere in the town."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import HOUR, Floats, Ints, day_number
from simulator.world.geography import degrees, plane
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

_A_DAY = 100_000


def daily(world: World, rate: float, topic: str) -> tuple[Ints, Ints]:
    """(id, day number) of things that happen ``rate`` times on the mean day, from the start of the history to today."""
    slots = int(rate * 1.6) + 2
    days = np.arange(day_number(HISTORY_START), day_number(world.today) + 1)
    ids = (days[:, None] * _A_DAY + np.arange(slots)[None, :]).ravel()
    happens = uniform(ids, world.seed, topic) < rate / slots
    return ids[happens], ids[happens] // _A_DAY


def time_of_day(ids: Ints, profile: Sequence[float], *salt: str | int) -> Ints:
    """Microseconds within the day, drawn from a profile of 24 hourly weights."""
    shares = np.cumsum(np.asarray(profile, dtype=np.float64))
    hour = np.searchsorted(shares, uniform(ids, *salt, "hour") * shares[-1], side="right")
    return np.asarray(hour * HOUR + (uniform(ids, *salt, "minute") * HOUR).astype(np.int64), dtype=np.int64)


def places(world: World, ids: Ints, *salt: str | int, spread: float = 220.0) -> pl.DataFrame:
    """``grid_id``, ``lon``, ``lat`` of a place in a grid picked for each id, within ``spread`` metres of its centre.

    A place near a border may lie in the next grid, as the codes that people note do.
    """
    chosen = world.grids[integers(ids, 0, len(world.grids), *salt, "grid")]
    lon, lat = shifted(chosen["lon"].to_numpy(), chosen["lat"].to_numpy(), ids, *salt, metres=spread)
    return pl.DataFrame({"grid_id": chosen["grid_id"], "lon": lon, "lat": lat})


def shifted(lon: Floats, lat: Floats, ids: Ints, *salt: str | int, metres: float) -> tuple[Floats, Floats]:
    """Places moved in a direction and by up to ``metres`` that depend on the ids."""
    x, y = plane(lon, lat)
    turn = 2 * np.pi * uniform(ids, *salt, "turn")
    far = metres * np.sqrt(uniform(ids, *salt, "far"))
    return degrees(x + far * np.cos(turn), y + far * np.sin(turn))
