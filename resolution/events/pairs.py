"""What speaks for two reports telling of one incident: how near in place, how near in time.

With `shift` the second report is looked for so many days later: those pairs are of different incidents, whatever they
have in common, and tell how often chance alone makes such pairs.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors.standards import coordinates
from resolution.events.blocks import FAR_METRES, NEAR_METRES, blocked

JUDGED_AT_ONCE = 250_000
"""Most pairs have no evidence: all of them at once, with the columns of both reports, would take gigabytes."""
POINT_METRES = 1.5
"""Two systems that pass a place on unchanged differ by the rounding of conversions alone."""
AIM_DEGREES = 30.0
AIM_MINUTES = 30
"""An algorithm that sees one thing twice raises its alarms soon after each other, about the same direction."""
_METRES_PER_DEGREE = 111_195.0
_COMPARED = ("row", "at", "x", "y", "reread_x", "reread_y", "metres", "bearing", "roadside", "told")
_WORDS = ("kind", "device", "grid", "place", "stem", "number", "building", "unit", "room")
"""Compared as numbers: whether two are the same is all that counts."""
# Evidence of place, the strongest first.
POINT, REREAD, AIM, DOOR, BUILDING, NEAR, AROUND, GRID_BUILDING, GRID_PLACE, GRID, PLACE = range(11)
REASONS = (
    "same place on the map", "same place on the map once converted", "same camera and direction", "same door",
    "same building", "a few metres apart", "within the camera's error", "same grid and building",
    "same grid and place name", "same grid", "same place name",
)  # fmt: skip


def positions(records: pl.DataFrame, latitude: float) -> pl.DataFrame:
    """x, y (metres east and north), and reread_x, reread_y: where the place is if the source sent WGS-84 as GCJ-02.

    `latitude` is the town's, in degrees.
    """
    lon, lat = (records[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in ("longitude", "latitude"))
    again_lon, again_lat = coordinates.gcj02_from_wgs84(lon, lat)
    east = _METRES_PER_DEGREE * np.cos(np.radians(latitude))
    frame = pl.DataFrame(
        {
            "x": lon * east,
            "y": lat * _METRES_PER_DEGREE,
            "reread_x": again_lon * east,
            "reread_y": again_lat * _METRES_PER_DEGREE,
        }
    )
    return frame.fill_nan(None)


def pairs(reports: pl.DataFrame, shift: int = 0) -> pl.DataFrame:
    """row, row_2, evidence (one of the constants above), hours apart; one row per pair, with its strongest evidence.

    `reports` has row, kind, at, the columns of `positions` and of `events.places.places`, metres, device, bearing.
    """
    words = [pl.col(name).rank("dense") for name in _WORDS]
    numbered = reports.select(*_COMPARED, *words)
    late = numbered.with_columns(at=pl.col("at") - pl.duration(days=shift))
    second = late.rename({name: f"{name}_2" for name in late.columns})
    blocks = blocked(numbered, shift).iter_slices(JUDGED_AT_ONCE)
    none = pl.DataFrame(schema={"row": pl.Int64, "row_2": pl.Int64, "evidence": pl.Int8, "hours": pl.Float64})
    return pl.concat([none, *(_judged(numbered[some["first"]], second[some["second"]]) for some in blocks)])


def _judged(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    hours = (pl.col("at") - pl.col("at_2")).abs().dt.total_seconds() / 3600
    both = pl.concat([first, second], how="horizontal")
    judged = both.with_columns(evidence=_evidence(), hours=hours).drop_nulls("evidence")
    return judged.select("row", "row_2", "evidence", "hours")


def _evidence() -> pl.Expr:
    metres = ((pl.col("x") - pl.col("x_2")).pow(2) + (pl.col("y") - pl.col("y_2")).pow(2)).sqrt()
    reread = pl.min_horizontal(
        ((pl.col("reread_x") - pl.col("x_2")).pow(2) + (pl.col("reread_y") - pl.col("y_2")).pow(2)).sqrt(),
        ((pl.col("reread_x_2") - pl.col("x")).pow(2) + (pl.col("reread_y_2") - pl.col("y")).pow(2)).sqrt(),
    )
    error = pl.max_horizontal("metres", "metres_2")
    placed = pl.col("x").is_not_null() & pl.col("x_2").is_not_null() & (error <= FAR_METRES)
    exact = error < NEAR_METRES
    turn = (pl.col("bearing") - pl.col("bearing_2")).abs()
    # A fixed camera marks one thing at one point; a head that turns aims at it anew each time.
    fixed = (pl.col("device") == pl.col("device_2")) & pl.col("bearing").is_null() & placed
    aim = (
        ~(placed & (metres > 2 * error))
        & (pl.col("device") == pl.col("device_2"))
        & ((pl.min_horizontal(turn, 360 - turn) <= AIM_DEGREES) | pl.col("bearing").is_null())
    )
    same = {
        name: pl.col(name) == pl.col(f"{name}_2") for name in ("place", "stem", "number", "building", "room", "grid")
    }
    known = {name: value.fill_null(False) for name, value in same.items()}
    contrary = pl.any_horizontal(
        (pl.col(name) != pl.col(f"{name}_2")).fill_null(False) for name in ("number", "building", "unit", "room")
    ) | (pl.col("stem") != pl.col("stem_2")).fill_null(False)
    house = known["building"] | known["number"]
    # Two roadsides are of one grid or of two; a roadside is no door.
    street = pl.col("roadside") & pl.col("roadside_2") | ~pl.col("told") | ~pl.col("told_2")
    indoors = ~pl.col("roadside") & ~pl.col("roadside_2")
    grids_differ = (pl.col("grid") != pl.col("grid_2")).fill_null(False)
    return (
        pl.when(placed & (metres <= POINT_METRES))
        .then(POINT)
        .when(placed & (reread <= POINT_METRES))
        .then(REREAD)
        .when(contrary | fixed)
        .then(None)
        .when(placed & exact & (reread <= error))
        .then(REREAD)
        .when(aim & (pl.col("at") - pl.col("at_2")).abs().le(pl.duration(minutes=AIM_MINUTES)))
        .then(AIM)
        .when(placed & (metres <= error))
        .then(pl.when(exact).then(NEAR).otherwise(AROUND))
        .when(indoors & known["stem"] & house & known["room"])
        .then(DOOR)
        .when(indoors & known["stem"] & house & ~(placed & (error <= POINT_METRES)))
        .then(BUILDING)
        .when(grids_differ | placed)
        .then(None)
        .when(street & known["grid"] & known["stem"] & house)
        .then(GRID_BUILDING)
        .when(street & known["grid"] & known["place"])
        .then(GRID_PLACE)
        .when(street & known["grid"])
        .then(GRID)
        .when(street & known["place"] & ~known["grid"])
        .then(PLACE)
        .cast(pl.Int8)
    )
