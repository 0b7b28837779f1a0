"""The yearly visit to holders of disability certificates: what the household has to live on, as it was told."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.columns import dates, day_number
from simulator.world.columns import numbers as as_numbers
from simulator.world.entitlements import in_hardship
from simulator.world.hashing import integers, uniform
from simulator.world.model import World
from simulator.world.welfare import MARGIN, POVERTY_LINE

PERIOD = 365
"""Days from one visit to the next."""


def surveys(world: World) -> pl.DataFrame:
    """The newest visit to each holder of a certificate: ``certificate_no``, resident_id, surveyed_on, income (yuan a
    month and head), as known at the end of ``world.today``.

    The first visit comes within a month of the certificate. One visit in fifty finds nobody, so that the one before
    stands; who is poor by what the household has says so, but for one in five hundred who says so wrongly.
    """
    held = world.disability.filter(pl.col("status") != "cancelled")
    gone = world.residents.filter(
        (pl.col("death_registered_on") <= world.today) | (pl.col("moved_out") <= world.today)
    )["resident_id"]
    held = held.filter(~pl.col("resident_id").is_in(gone.implode()))
    ids, today = held["resident_id"].to_numpy(), day_number(world.today)
    first = as_numbers(held["issued_on"]) + integers(ids, 3, 31, world.seed, "first survey")
    turn = (today - first) // PERIOD
    missed = uniform(ids * 1_000 + turn, world.seed, "nobody at home") < 0.02
    turn = turn - missed
    day = first + turn * PERIOD
    listed = world.min_living_members.join(world.min_living, on="family_no")
    then = pl.DataFrame({"resident_id": held["resident_id"], "day": dates(day)})
    approved = then.join(listed, on="resident_id").filter(pl.col("day").is_between("valid_from", "valid_to"))
    poor = in_hardship(ids, world.seed) | held["resident_id"].is_in(approved["resident_id"].implode()).to_numpy()
    key = ids * 1_000 + turn
    says_poor = poor | (uniform(key, world.seed, "says poor") < 0.002)
    luck = uniform(key, world.seed, "survey income")
    line = POVERTY_LINE * MARGIN
    income = np.where(says_poor, line * (0.2 + 0.75 * luck), line * (1.02 + 4 * luck * luck))
    return pl.DataFrame(
        {
            "certificate_no": held["certificate_no"],
            "resident_id": held["resident_id"],
            "surveyed_on": dates(day),
            "income": income.astype(np.int64),
        }
    ).filter(pl.Series(turn >= 0))
