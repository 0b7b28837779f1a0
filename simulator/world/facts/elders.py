"""Old people whom the care service knows, with assessments: those over 80, the disabled and the poor over 60."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from simulator.world.columns import dates, day_number, texts, years_before
from simulator.world.columns import numbers as as_numbers
from simulator.world.facts.cycles import renewals
from simulator.world.facts.draws import chosen
from simulator.world.hashing import uniform
from simulator.world.model import World

LEVELS = ("able", "mild", "moderate", "severe", "total")
"""Degrees of disability of GB/T 42195-2022, from 能力完好 to 完全失能."""
CARE = ("home", "day_centre", "institution")
ENDED_FOR = timedelta(days=60)
"""So long somebody who died or left is still on the list."""
_ASSESSED_SINCE = day_number(date(2019, 1, 1))
_PERIOD = 730


def elders(world: World) -> pl.DataFrame:
    """One row per person, by resident: ``resident_id``, entered_on, level (of ``LEVELS``; null: never assessed),
    assessed_on, valid_to (the day the assessment runs out; long past where it was not renewed), care (of ``CARE``),
    ended_on (died or moved away; null while served), as the service knows it at the end of ``world.today``.

    Two thirds of those over 80 and nine in ten of the disabled were ever assessed; the poor (dibao, dibian) by the
    office that approved them, nearly all and within weeks. The degree only grows.
    """
    people = _served(world)
    ids = people["resident_id"].to_numpy()
    today = day_number(world.today)
    entered = as_numbers(people["entered_on"])
    poor = people["poor"].to_numpy()
    share = np.select([poor, people["disabled"].to_numpy()], [0.985, 0.9], 0.66)
    wait = np.where(poor, 50, 390) * uniform(ids, world.seed, "elder first")
    first = np.maximum(entered, _ASSESSED_SINCE) + 10 + wait.astype(np.int64)
    assessed = (uniform(ids, world.seed, "elder assessed") < share) & (first <= today)
    late, dropped = np.where(poor, 0.04, 0.15), np.where(poor, 0.01, 0.05)
    turn, start, last = renewals(
        ids, np.minimum(first, today), _PERIOD, today, world.seed, "elder", late=late, dropped=dropped
    )
    base = np.searchsorted([0.35, 0.65, 0.83, 0.94], uniform(ids, world.seed, "elder level"), side="right")
    level = texts(LEVELS, np.minimum(base + turn // 2, 4))
    return people.select("resident_id", "entered_on", "ended_on").with_columns(
        pl.select(pl.when(pl.Series(assessed)).then(level)).to_series().alias("level"),
        dates(start, assessed).alias("assessed_on"),
        dates(last, assessed).alias("valid_to"),
        chosen(CARE, ids, world.seed, "elder care", weights=(86, 9, 5)).alias("care"),
    )


def _served(world: World) -> pl.DataFrame:
    """Registered people in reach of the service with the day they came into it, those who left lately included."""
    held = world.disability.filter(pl.col("status") != "cancelled")
    held = held.group_by("resident_id").agg(pl.col("issued_on").min())
    approved = world.min_living.filter(pl.col("category").is_in(["dibao", "dibian"])).select("family_no", "valid_from")
    approved = (
        world.min_living_members.join(approved, on="family_no")
        .group_by("resident_id")
        .agg(poor_since=pl.col("valid_from").min())
    )
    eighty = pl.col("birth_date").dt.offset_by("80y")
    sixty = pl.col("birth_date").dt.offset_by("60y")
    of_sixty = pl.col("birth_date") <= years_before(world.today, 60)
    disabled = pl.col("issued_on").is_not_null() & of_sixty
    poor = pl.col("poor_since").is_not_null() & of_sixty
    known_dead = pl.when(pl.col("death_registered_on") <= world.today).then("death_registered_on")
    return (
        world.residents.filter(pl.col("registered"))
        .join(held, on="resident_id", how="left", maintain_order="left")
        .join(approved, on="resident_id", how="left", maintain_order="left")
        .with_columns(disabled=disabled, poor=poor, ended_on=pl.min_horizontal(known_dead, "moved_out"))
        .filter((pl.col("birth_date") <= years_before(world.today, 80)) | pl.col("disabled") | pl.col("poor"))
        .filter(pl.col("ended_on").is_null() | (pl.col("ended_on") > world.today - ENDED_FOR))
        .with_columns(
            entered_on=pl.min_horizontal(
                eighty,
                pl.when("disabled").then(pl.max_horizontal(sixty, "issued_on")),
                pl.when("poor").then(pl.max_horizontal(sixty, "poor_since")),
            )
        )
    )
