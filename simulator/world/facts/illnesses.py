"""Grave illnesses of retired employees, as the medical insurance files them and hands them to the pension service."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from simulator.world.columns import dates, day_number
from simulator.world.entitlements import GIFT_DAY, ill
from simulator.world.facts.draws import chosen
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

KINDS = ("cancer", "dialysis", "transplant", "stroke", "heart", "other")


def illnesses(world: World) -> pl.DataFrame:
    """One row per illness of the last years: ``resident_id``, year (of the gift it counts for), kind (of `KINDS`),
    diagnosed_on (in the twelve months up to the day of that gift), filed_on and told_on, as known at the end of
    ``world.today``.

    A filing follows the diagnosis within a month. It is handed over (told_on) once the person has been retired for a
    month; one illness in two hundred is treated elsewhere and never filed.
    """
    return pl.concat([_of_year(world, year) for year in range(world.today.year - 1, world.today.year + 2)])


def _of_year(world: World, year: int) -> pl.DataFrame:
    people = world.pension.select("resident_id", "retired_on").join(
        world.residents.select("resident_id", "death_date", "moved_out"), on="resident_id", maintain_order="left"
    )
    people = people.filter(pl.Series(ill(people["resident_id"].to_numpy(), world.seed, year)))
    ids, salt = people["resident_id"].to_numpy(), (world.seed, "illness", year)
    diagnosed = day_number(date(year, *GIFT_DAY)) - integers(ids, 0, 364, *salt, "diagnosed")
    filed = uniform(ids, *salt, "filed") >= 0.005
    table = pl.DataFrame(
        {
            "resident_id": ids,
            "year": np.full(len(ids), year),
            "kind": chosen(KINDS, ids, *salt, "kind", weights=(40, 10, 3, 20, 20, 7)),
            "diagnosed_on": dates(diagnosed),
            "filed_on": dates(diagnosed + integers(ids, 2, 29, *salt, "days to file")),
        }
    )
    left = pl.min_horizontal("death_date", "moved_out")
    return (
        table.with_columns(people.select(left.alias("left"), "retired_on"))
        .with_columns(told_on=pl.max_horizontal("filed_on", pl.col("retired_on") + timedelta(days=30)))
        .filter(
            pl.Series(filed)
            & (pl.col("told_on") <= world.today)
            & (pl.col("left").is_null() | (pl.col("left") > pl.col("diagnosed_on")))
        )
        .drop("left", "retired_on")
    )
