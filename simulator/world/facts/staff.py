"""The people of the governance brigade in their five circles (五圈): who stands where, and since when."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from simulator.world.columns import dates, day_number, texts
from simulator.world.facts.draws import chosen, strangers
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

CIRCLES = {"town": (1, 12), "district": (6, 4), "station": (12, 3), "group": (30, 2), "grid": (125, 1)}
"""Circle → its units and the people in each, without those who help in the larger grids; grids do not shrink with
the town."""
DUTIES = ("head", "deputy", "member")
SHIFTS = ("day", "middle", "night")
_SINCE = day_number(date(2022, 1, 1))
_HELPED = 0.5
_ROTATION = 28


def staff(world: World) -> pl.DataFrame:
    """Who serves on ``world.today``, by place: ``person_id`` (whoever comes next to a place is another), name, phone,
    circle (of ``CIRCLES``), unit (number within the circle), grid_id (of the circle grid; else null), duty (of
    ``DUTIES``), shift (of ``SHIFTS``), since (the day on which the person came to this place).

    About 370. Somebody stays for one to four years; one in twelve changes the unit within the circle every half year;
    shifts turn every four weeks, but for the grids', who work by day.
    """
    place = _places(len(world.grids), world.seed)
    ids = place["place_id"].to_numpy()
    today = day_number(world.today)
    stays = integers(ids, 365, 1_460, world.seed, "staff stays")
    began = _SINCE - integers(ids, 0, 700, world.seed, "staff began")
    turn = (today - began) // stays
    since = began + turn * stays
    person = ids * 100 + turn
    units = np.array([size for size, _ in CIRCLES.values()])[place["circle"].to_numpy()]
    half = (today - since) // 182
    moves = (uniform(person, world.seed, "staff moves") < 1 / 12) & (half > 0)
    unit = place["unit"].to_numpy()
    unit = np.where(moves, (unit + half * 7) % units, unit)
    in_grid = (place["circle"] == len(CIRCLES) - 1).to_numpy()
    rotation = (today // _ROTATION + integers(ids, 0, 3, world.seed, "staff shift")) % 3
    people = strangers(person, world.seed, "staff")
    return place.select(
        person_id=pl.Series(person),
        name=people["name"],
        phone=people["phone"],
        circle=texts(list(CIRCLES), place["circle"].to_numpy()),
        unit=pl.Series(unit + 1),
        grid_id=pl.when(pl.Series(in_grid)).then(pl.Series(unit + 1)),
        duty=pl.when(pl.col("rank") == 0).then(pl.lit("head")).otherwise(
            chosen(DUTIES[1:], ids, world.seed, "staff duty", weights=(1, 4))
        ),
        shift=texts(SHIFTS, np.where(in_grid, 0, rotation)),
        since=dates(since + np.where(moves, half * 182, 0)),
    )  # fmt: skip


def _places(grids: int, seed: int) -> pl.DataFrame:
    """``place_id``, circle (its number), unit (from 0), rank (0: its head)."""
    parts = []
    for number, (units, people) in enumerate(CIRCLES.values()):
        grid = number == len(CIRCLES) - 1
        size = grids if grid else units
        helped = uniform(np.arange(size), seed, "grid helped") < (_HELPED if grid else 0)
        unit = np.repeat(np.arange(size), people + helped)
        parts.append(pl.DataFrame({"circle": np.full(len(unit), number), "unit": unit}))
    places = pl.concat(parts).with_columns(rank=pl.int_range(pl.len()).over("circle", "unit"))
    return places.with_columns(place_id=pl.col("circle") * 10_000 + pl.col("unit") * 20 + pl.col("rank") + 10_000)
