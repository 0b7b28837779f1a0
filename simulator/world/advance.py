"""One day of life after another: people are born, move and die, firms open and close, things happen and are mended.

Each topic of each day has its own random stream, and every delay is a pure function of its record, so
``advance(w, 2)`` equals ``advance(advance(w, 1), 1)``.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from simulator.world import (
    calibration as case,
)
from simulator.world import (
    entitlements,
    incidents,
    inspections,
    payments,
    progress,
    taxes,
    welfare,
)
from simulator.world.columns import day_number, stream
from simulator.world.daily_business import business_day
from simulator.world.daily_people import people_day
from simulator.world.daily_things import things_day
from simulator.world.model import World, append, next_id


def advance(world: World, days: int = 1) -> World:
    """The world ``days`` (≥ 0) later; the given one stays as it is."""
    if days < 0:
        raise ValueError("a town cannot go back in time: make it anew with the same seed")
    for _ in range(days):
        world = _one_day(world)
    return world


def _one_day(world: World) -> World:
    today = world.today + timedelta(days=1)
    world = people_day(world.having(today=today))
    world = business_day(world)
    world = things_day(world)
    world = _inspect(world)
    world = _happen(world)
    world = _registers(world)
    world = _pay(world)
    if (today + timedelta(days=1)).day == 1:
        world = world.having(taxes=append(world.taxes, taxes.of_month(world.enterprises, today, world.seed)))
    return world.having(entitlements=entitlements.truth(world))


def _inspect(world: World) -> World:
    new, hazards = inspections.day(
        stream(world.seed, world.today, "inspections"),
        world.scale,
        day_number(world.today),
        world.now,
        world.premises,
        len(world.inspectors),
        world.seed,
        world.hazards,
        next_id(world.inspections, "inspection_id"),
        next_id(world.hazards, "hazard_id"),
    )
    return world.having(inspections=append(world.inspections, new), hazards=hazards)


def _happen(world: World) -> World:
    rng = stream(world.seed, world.today, "incidents")
    today = day_number(world.today)
    totals = {name: int(rng.poisson(total * world.scale / case.HISTORY_DAYS)) for name, total in case.REPORTS.items()}
    new, told = incidents.build(
        rng,
        first_day=today,
        last_day=today,
        totals=totals,
        scale=world.scale,
        seed=world.seed,
        land=world.land,
        premises=world.premises,
        addresses=world.addresses,
        people=incidents.People(*welfare.adults(world.residents, world.today)),
        first_incident=next_id(world.incidents, "incident_id"),
        first_report=next_id(world.reports, "report_id"),
    )
    earlier = progress.onward(world.reports, world.now, world.seed)
    return world.having(
        incidents=append(world.incidents, new),
        reports=append(earlier, progress.at(told, world.now, world.seed)),
    )


def _registers(world: World) -> World:
    """Deaths and removals reach the list of retirees daily and approvals are renewed as they end.

    New retirees and new certificates come on the first of the month.
    """
    pension = welfare.follow(world.pension, world.residents)
    disability = welfare.expire(world.disability, world.today)
    if world.today.day == 1:
        rng = stream(world.seed, world.today, "registers")
        pension = append(pension, welfare.new_retirees(world.residents, pension, world.today, world.seed))
        fresh = _without_certificate(world, rng)
        disability = append(disability, welfare.certificates(rng, fresh, world.today, fresh=True))
    families = welfare.renew(world.min_living, world.today, world.seed)
    return world.having(pension=pension, disability=disability, min_living=families)


def _without_certificate(world: World, rng: np.random.Generator) -> pl.DataFrame:
    others = world.residents.filter(
        pl.col("registered") & welfare.PRESENT & ~pl.col("resident_id").is_in(world.disability["resident_id"].implode())
    )
    size = min(int(rng.poisson(welfare.CERTIFICATES_A_MONTH * world.scale)), len(others))
    return others[np.sort(rng.choice(len(others), size, replace=False))]


def _pay(world: World) -> World:
    registers = payments.Registers(
        world.residents,
        world.min_living,
        world.min_living_members,
        world.disability,
        world.pension,
        world.children,
    )
    paid = payments.onward(world.payments, world.now, world.seed)
    for policy in payments.due(world.today):
        rows = payments.pay(policy, world.today, registers, paid, world.seed, next_id(paid, "payment_id"))
        paid = append(paid, rows)
    return world.having(payments=paid)
