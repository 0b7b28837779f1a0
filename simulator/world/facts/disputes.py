"""Disputes that go to the mediation centre: a few of the many that police, hotline and grid staff are called to."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.calibration import START_DATE
from simulator.world.columns import DAY, HOUR, count, day_number, micros, times
from simulator.world.columns import numbers as as_numbers
from simulator.world.facts.draws import chosen
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

DISPUTES = 395  # exact, in the history window
CATEGORIES = {"neighbours": 30, "family": 18, "labour": 16, "property_management": 14, "tenancy": 12, "consumer": 10}
_SOURCES = {"police": 45, "grid": 25, "window": 20, "hotline": 10}


def mediated(world: World) -> pl.DataFrame:
    """One row per case that the centre has accepted.

    ``case_id`` (that of the incident), grid_id, category (of ``CATEGORIES``), source, accepted_at, due_at, claimed
    (fen, null where no money is at stake), result agreed|failed|withdrawn|null (not yet), closed_at, updated_at.
    """
    disputes = world.incidents.filter(pl.col("kind") == "dispute")
    luck = uniform(disputes["incident_id"].to_numpy(), world.seed, "mediated")
    accepted = as_numbers(disputes["occurred_at"]) + (
        (0.5 + 4 * uniform(disputes["incident_id"].to_numpy(), world.seed, "accepted after")) * DAY
    ).astype(np.int64)
    # a case counts where it was accepted: the luckiest of the history make its number, and their luck the rule after it
    of_history = accepted < (day_number(START_DATE) + 1) * DAY
    size = min(count(world.scale, DISPUTES, 1), int(of_history.sum()))
    if not size:
        return _cases(world, disputes[:0], accepted[:0])
    limit = np.partition(luck[of_history], size - 1)[size - 1]
    chosen_ones = (luck <= limit) & (accepted < micros(world.now))
    return _cases(world, disputes.filter(pl.Series(chosen_ones)), accepted[chosen_ones])


def _cases(world: World, disputes: pl.DataFrame, accepted: np.ndarray) -> pl.DataFrame:
    ids = disputes["incident_id"].to_numpy()
    closed = accepted + ((2 + 28 * uniform(ids, world.seed, "mediation takes")) * DAY).astype(np.int64)
    is_closed = closed < micros(world.now)
    claimed = (integers(ids, 2, 900, world.seed, "claim") * 10_000).astype(np.int64)
    weights = list(CATEGORIES.values())
    result = chosen(("agreed", "failed", "withdrawn"), ids, world.seed, "mediation result", weights=(86, 9, 5))
    return disputes.select("grid_id", case_id="incident_id").with_columns(
        chosen(tuple(CATEGORIES), ids, world.seed, "dispute category", weights=weights).alias("category"),
        chosen(tuple(_SOURCES), ids, world.seed, "dispute source", weights=list(_SOURCES.values())).alias("source"),
        times(accepted).alias("accepted_at"),
        times(accepted + 30 * DAY + HOUR).alias("due_at"),
        pl.when(pl.Series(uniform(ids, world.seed, "money") < 0.45)).then(pl.Series(claimed)).alias("claimed"),
        pl.when(pl.Series(is_closed)).then(result).alias("result"),
        times(closed, is_closed).alias("closed_at"),
        times(np.where(is_closed, closed, accepted)).alias("updated_at"),
    )
