"""A day among things: doors surveyed anew, cameras that fail and come back, sensors whose batteries run down."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world import devices
from simulator.world.columns import DAY, HOUR, day_number, stream
from simulator.world.daily_people import change
from simulator.world.geography import degrees, plane
from simulator.world.model import World

_SURVEYED_A_DAY = 12.0
_CAMERA_CHANGES_A_DAY = 9.0


def things_day(world: World) -> World:
    world = _survey(world)
    world = _cameras(world)
    return world.having(elder_sensors=devices.state(world.elder_sensors, world.today))


def _survey(world: World) -> World:
    """Some doors are moved by a few metres on the map; none changes its grid by that."""
    rng = stream(world.seed, world.today, "survey")
    doors = world.addresses
    rows = np.sort(rng.choice(len(doors), int(rng.poisson(_SURVEYED_A_DAY * world.scale)), replace=False))
    x, y = plane(doors["lon"].to_numpy()[rows], doors["lat"].to_numpy()[rows])
    lon, lat = degrees(x + rng.normal(0, 4, len(rows)), y + rng.normal(0, 4, len(rows)))
    land = world.land
    stays = land.inside(lon, lat) & (land.grid_of(lon, lat) == doors["grid_id"].to_numpy()[rows])
    at = day_number(world.today) * DAY + 9 * HOUR + (rng.random(len(rows)) * 8 * HOUR).astype(np.int64)
    moved = change(doors, rows[stays], at[stays], lon=pl.Series(lon[stays]), lat=pl.Series(lat[stays]))
    return world.having(addresses=moved)


def _cameras(world: World) -> World:
    """Cameras go offline or are mended; those offline are mended five times as often as others fail."""
    rng = stream(world.seed, world.today, "cameras")
    size = int(rng.poisson(_CAMERA_CHANGES_A_DAY * world.scale))
    rows = np.sort(rng.choice(len(world.cameras), min(size, len(world.cameras)), replace=False))
    status = world.cameras["status"].gather(rows)
    fails = rng.random(len(rows)) < 0.2
    other = status.replace({"online": "offline", "offline": "online"})
    change_it = (status != "removed").to_numpy() & ((status == "offline").to_numpy() | fails)
    at = day_number(world.today) * DAY + (rng.random(len(rows)) * DAY).astype(np.int64)
    chosen = pl.Series(change_it)
    return world.having(cameras=change(world.cameras, rows[change_it], at[change_it], status=other.filter(chosen)))
