"""Inspections by the fire service: fewer than the town's own, and also where no safety code hangs at the door."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import DAY, HOUR, Ints, dates, day_number, micros, texts, times
from simulator.world.columns import numbers as as_numbers
from simulator.world.facts.draws import chosen, months, working_days
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

# share of the premises of a category that is inspected in a month
_A_MONTH = {
    "street_shop": 0.004,
    "key_security": 0.05,
    "rental_housing": 0.006,
    "hazmat_producer": 0.25,
    "labour_intensive": 0.05,
    "construction_site": 0.05,
    "crowded_place": 0.07,
    "general_enterprise": 0.008,
}
DUE_DAYS = 30


def inspections(world: World) -> pl.DataFrame:
    """One row per inspection, at most one of a premises in a month.

    ``inspection_id``, premises_id, kind spot_check|complaint|campaign, inspected_at, hazards (number), major (a major
    fire hazard was found), result pass|rectify|sealed, due_on, corrected_on (null until it is), updated_at.
    """
    row, key, day = _visited(world)
    there = world.premises[row]
    at = day * DAY + 9 * HOUR + (uniform(key, world.seed, "supervised hour") * 7 * HOUR).astype(np.int64)
    danger = there["true_hazard"].to_numpy()
    hazards = np.floor(-np.log1p(-uniform(key, world.seed, "fire hazards")) * 4.5 * danger).astype(np.int64)
    major = (hazards > 0) & (uniform(key, world.seed, "major fire hazard") < 0.06 * danger)
    due = day + DUE_DAYS
    mended = day + (uniform(key, world.seed, "fire mended") * 1.6 * DUE_DAYS).astype(np.int64) + 2
    mended_at = mended * DAY + 15 * HOUR
    is_mended = (hazards > 0) & (uniform(key, world.seed, "fire is mended") < 0.9) & (mended_at < micros(world.now))
    kinds = chosen(("spot_check", "complaint", "campaign"), key, world.seed, "supervised why", weights=(62, 12, 26))
    return pl.DataFrame(
        {
            "inspection_id": key,
            "premises_id": there["premises_id"],
            "kind": kinds,
            "inspected_at": times(at),
            "hazards": hazards,
            "major": major,
            "result": texts(["pass", "rectify", "sealed"], np.select([major, hazards > 0], [2, 1], 0)),
            "due_on": dates(due, hazards > 0),
            "corrected_on": dates(mended, is_mended),
            "updated_at": times(np.where(is_mended, mended_at, at)),
        }
    ).sort("inspected_at", "inspection_id")


def _visited(world: World) -> tuple[Ints, Ints, Ints]:
    """(row of ``premises``, key, day) of all inspections until today."""
    premises = world.premises
    ids = premises["premises_id"].to_numpy()
    opened = as_numbers(premises["opened_on"])
    closed = as_numbers(premises["closed_on"], null=2**31)
    share = premises["category"].replace_strict(_A_MONTH, return_dtype=pl.Float64).to_numpy()
    share = share * (0.5 + 1.5 * premises["true_hazard"].to_numpy())
    found = []
    for first in months(HISTORY_START, world.today):
        key = ids * 10_000 + first.year % 100 * 100 + first.month
        day = working_days(day_number(first) + integers(key, 2, 28, world.seed, "supervised day"))
        picked = (uniform(key, world.seed, "supervised") < share) & (opened < day) & (closed > day)
        row = np.flatnonzero(picked & (day <= day_number(world.today)))
        found.append((row, key[row], day[row]))
    row, key, day = (np.concatenate(part) for part in zip(*found, strict=True))
    return row, key, day
