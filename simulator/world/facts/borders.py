"""The borders of communities and grids: those in force, and those before the survey of 2025."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import shapely

from simulator.world.geography import METRES_PER_LAT, METRES_PER_LON, SURVEYED
from simulator.world.model import World

DRAWN = date(2021, 9, 1)
REDRAWN = SURVEYED.date()
_MOVED_METRES = (45.0, -30.0)
"""East and north: so far from where they are the borders were drawn before the survey."""


def grids(world: World) -> pl.DataFrame:
    """Two rows per grid, those in force first: the columns of ``world.grids`` (polygon as WKT in degrees), with
    ``valid_from``, ``valid_to`` (the last day; null while in force) and ``border_id`` (unique)."""
    return _dated(world.grids, "grid_id")


def communities(world: World) -> pl.DataFrame:
    """The same of ``world.communities``."""
    return _dated(world.communities, "community_id")


def _dated(areas: pl.DataFrame, key: str) -> pl.DataFrame:
    now = areas.with_columns(valid_from=pl.lit(REDRAWN), valid_to=pl.lit(None, pl.Date), border_id=pl.col(key) * 10 + 2)
    before = areas.with_columns(
        _moved(areas["polygon"]).alias("polygon"),
        valid_from=pl.lit(DRAWN),
        valid_to=pl.lit(REDRAWN - timedelta(days=1)),
        border_id=pl.col(key) * 10 + 1,
    )
    return pl.concat([now, before])


def _moved(wkt: pl.Series) -> pl.Series:
    by = np.array([_MOVED_METRES[0] / METRES_PER_LON, _MOVED_METRES[1] / METRES_PER_LAT])
    shapes = shapely.transform(shapely.from_wkt(wkt.to_numpy()), lambda degrees: degrees + by)
    return pl.Series(shapely.to_wkt(shapes, rounding_precision=7).tolist(), dtype=pl.String)
