"""What a run of events knows of the town as a whole: its buildings, names of places, grids, and how sure a likeness is.

All of it is learned from the reports and the register of doors together, and kept (`events.lesson`): what one report
comes to hangs on itself and on what is known, not on all other reports.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from resolution import doors
from resolution.events import chance as event_chance
from resolution.events import pairs as event_pairs
from resolution.events import places as event_places
from resolution.events.kinds import kinds
from resolution.sources import DOOR_METRES


@dataclass(frozen=True)
class Town:
    """`buildings` (`doors.buildings`), `latitude` (degrees), `names` of places (`events.places.names`), `ground`
    (`events.places.ground`) and `figures` (`events.chance.SCHEMA`)."""

    buildings: pl.DataFrame
    latitude: float
    names: list[str]
    ground: pl.DataFrame
    figures: pl.DataFrame


def learned(records: pl.DataFrame, register: pl.DataFrame) -> tuple[Town, pl.DataFrame, pl.DataFrame]:
    """(town, reports, pairs) of all records (`sources.EVENT_SCHEMA`) and of the register of doors, which may be empty:
    `reports` of them all and `events.chance.pairs`."""
    buildings = doors.buildings(register) if register.height else pl.DataFrame()
    placed = doors.placed(records, buildings, metres=DOOR_METRES)
    stated = event_places.stated(placed["address"])
    names, latitude = event_places.names(stated), _middle(placed["latitude"])
    without_grids = _told(placed, stated, names, latitude)
    ground = event_places.ground(without_grids)
    found = event_places.with_near_grids(without_grids, ground)
    pairs = event_chance.pairs(found.drop_nulls(["kind", "at"]))
    figures = event_chance.measured(pairs, found.drop_nulls(["kind", "at"]))
    return Town(buildings, latitude, names, ground, figures), found, pairs


def reports(records: pl.DataFrame, town: Town) -> pl.DataFrame:
    """row, system and the columns that `events.pairs.pairs` compares, of records of `sources.EVENT_SCHEMA`."""
    placed = doors.placed(records, town.buildings, metres=DOOR_METRES)
    told = _told(placed, event_places.stated(placed["address"]), town.names, town.latitude)
    return event_places.with_near_grids(told, town.ground)


def kind_of(records: pl.DataFrame) -> pl.Series:
    """The kind of each record. What its own source took for a false alarm is like nothing."""
    false_alarm = (records["state"] == "false_alarm").fill_null(False)
    return pl.select(pl.when(~false_alarm).then(kinds(records["category"])).alias("kind")).to_series()


def _told(placed: pl.DataFrame, stated: pl.DataFrame, names: list[str], latitude: float) -> pl.DataFrame:
    told = placed.select(
        "system", "at", "device", "bearing", report_no="number", metres=pl.col("metres").fill_null(1.0)
    ).with_columns(kind_of(placed))
    frames = [told, event_places.places(placed, stated, names), event_pairs.positions(placed, latitude)]
    return pl.concat(frames, how="horizontal").with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))


def _middle(latitudes: pl.Series) -> float:
    """So far north is the town, in degrees."""
    known = latitudes.drop_nulls().to_numpy()
    return float(np.median(known)) if len(known) else 0.0
