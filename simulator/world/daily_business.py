"""A day among enterprises and premises: openings, closures, new legal representatives, newly coded premises."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from simulator.world import calibration as case
from simulator.world import firms, numbers, premises
from simulator.world.columns import DAY, HOUR, dates, day_number, stream
from simulator.world.daily_people import change
from simulator.world.generate import firm_doors
from simulator.world.model import World, append, next_id
from simulator.world.welfare import adults

_NEW_REPRESENTATIVES_A_DAY = 4.0
_CODED_A_DAY = 4.0


def business_day(world: World) -> World:
    world = _close(world)
    world = _open(world)
    world = _new_representatives(world)
    return _code(world)


def _close(world: World) -> World:
    rng = stream(world.seed, world.today, "closures")
    open_ones = np.flatnonzero((world.enterprises["status"] == "open").to_numpy())
    size = min(int(rng.poisson(case.CLOSURES_A_DAY * world.scale)), len(open_ones))
    rows = np.sort(rng.choice(open_ones, size, replace=False))
    if not size:
        return world
    ids = world.enterprises["enterprise_id"].to_numpy()[rows]
    today = day_number(world.today)
    enterprises = firms.close(world.enterprises, ids, np.full(size, today), rng.random(size) < 0.2)
    theirs = world.premises.select(
        pl.col("enterprise_id").is_in(pl.Series(ids).implode()) & pl.col("closed_on").is_null()
    ).to_series()
    shut = np.flatnonzero(theirs.fill_null(False).to_numpy())
    at = np.full(len(shut), today * DAY + 16 * HOUR)
    places = change(world.premises, shut, at, closed_on=dates(np.full(len(shut), today)))
    return world.having(enterprises=enterprises, premises=places)


def _open(world: World) -> World:
    rng = stream(world.seed, world.today, "openings")
    size = int(rng.poisson(case.OPENINGS_A_DAY * world.scale))
    if not size:
        return world
    new = firms.build(
        rng,
        size=size,
        on=world.today,
        newest=True,
        first_id=next_id(world.enterprises, "enterprise_id"),
        residents=world.residents,
        **firm_doors(world.addresses),
    )
    places = premises.opened(rng, world.today, new, world.addresses, next_id(world.premises, "premises_id"))
    return world.having(enterprises=append(world.enterprises, new), premises=append(world.premises, places))


def _new_representatives(world: World) -> World:
    rng = stream(world.seed, world.today, "representatives")
    open_ones = np.flatnonzero((world.enterprises["status"] == "open").to_numpy())
    size = min(int(rng.poisson(_NEW_REPRESENTATIVES_A_DAY * world.scale)), len(open_ones))
    rows = np.sort(rng.choice(open_ones, size, replace=False))
    ids, _ = adults(world.residents, world.today)
    chosen = np.searchsorted(world.residents["resident_id"].to_numpy(), rng.choice(ids, size))
    people = world.residents.select("resident_id", "name", "id_no", "phone")[chosen]
    at = day_number(world.today) * DAY + 9 * HOUR + (rng.random(size) * 7 * HOUR).astype(np.int64)
    return world.having(
        enterprises=change(
            world.enterprises,
            rows,
            at,
            legal_rep_resident_id=people["resident_id"],
            legal_rep_name=people["name"],
            legal_rep_id_no=people["id_no"],
            phone=people["phone"].fill_null(numbers.landlines(people["resident_id"].to_numpy())),
        )
    )


def _code(world: World) -> World:
    """Some premises that only registers knew are entered into the safety system, never on their first day."""
    rng = stream(world.seed, world.today, "coding")
    fresh = world.today - timedelta(days=1)
    waiting = np.flatnonzero(
        world.premises.select(~pl.col("coded") & pl.col("closed_on").is_null() & (pl.col("opened_on") < fresh))
        .to_series()
        .to_numpy()
    )
    size = min(int(rng.poisson(_CODED_A_DAY * world.scale)), len(waiting))
    rows = np.sort(rng.choice(waiting, size, replace=False))
    at = np.full(size, day_number(world.today) * DAY + 10 * HOUR)
    return world.having(premises=change(world.premises, rows, at, coded=True))
