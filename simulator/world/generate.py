"""The town on its first day, with nine months of history behind it (of taxes, two years)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from simulator.world import (
    addresses,
    devices,
    entitlements,
    firms,
    incidents,
    inspections,
    payments,
    people,
    premises,
    progress,
    taxes,
    welfare,
)
from simulator.world import calibration as case
from simulator.world.columns import (
    DAY,
    Floats,
    Ints,
    count,
    dates,
    day_number,
    numbers,
    stream,
    times,
    weighted_without,
)
from simulator.world.geography import ground, tables
from simulator.world.hashing import integers
from simulator.world.model import World

_FIRST, _LAST = day_number(case.HISTORY_START), day_number(case.START_DATE)
_NOW = datetime.combine(case.START_DATE + timedelta(days=1), datetime.min.time())


def generate(scale: float = 0.1, seed: int = 1) -> World:
    """The town of 330,000 × ``scale`` residents. The same scale and seed give the same town, to the bit.

    Raises ``ValueError`` for a scale outside 0.001–10.
    """
    if not 0.001 <= scale <= 10:
        raise ValueError(f"scale {scale} is outside 0.001–10: scale 1 is a town of 330,000")
    on = case.START_DATE
    land = ground(seed)
    communities, grids = tables(land)
    doors = addresses.generate(seed, scale, land)
    residents, households = _population(seed, scale, doors)
    enterprises = _enterprises(seed, scale, residents, doors)
    let = residents.filter(pl.col("migrant") & pl.col("moved_out").is_null())["address_id"].unique().sort().to_numpy()
    places = premises.generate(stream(seed, on, "premises"), scale, on, enterprises, doors, let)
    staff = inspections.inspectors(stream(seed, on, "inspectors"), scale, on)
    visits, hazards = inspections.history(
        stream(seed, on, "inspections"), scale, _FIRST, _NOW, places, len(staff), seed
    )
    happened, reports = incidents.build(
        stream(seed, on, "incidents"),
        first_day=_FIRST,
        last_day=_LAST,
        totals={name: count(scale, total) for name, total in case.REPORTS.items()},
        scale=scale,
        seed=seed,
        land=land,
        premises=places,
        addresses=doors,
        people=incidents.People(*welfare.adults(residents, on)),
        first_incident=1,
        first_report=1,
    )
    families, members = welfare.min_living(stream(seed, on, "min living"), scale, on, residents, households, seed)
    disability = welfare.disability(stream(seed, on, "disability"), scale, on, residents)
    pension = welfare.pension(stream(seed, on, "pension"), scale, on, residents, seed)
    children = welfare.children(stream(seed, on, "children"), scale, on, residents)
    registers = payments.Registers(residents, families, members, disability, pension, children)
    town = World(
        today=on,
        seed=seed,
        scale=scale,
        communities=communities,
        grids=grids,
        addresses=doors,
        households=households,
        residents=residents,
        enterprises=enterprises,
        premises=places,
        inspectors=staff,
        inspections=visits,
        hazards=hazards,
        incidents=happened,
        reports=progress.at(reports, _NOW, seed),
        min_living=families,
        min_living_members=members,
        disability=disability,
        pension=pension,
        children=children,
        payments=_payments(registers, seed),
        entitlements=entitlements.NONE,
        elder_sensors=devices.sensors(stream(seed, on, "sensors"), scale, on, residents),
        cameras=devices.cameras(stream(seed, on, "cameras"), scale, on, land),
        taxes=pl.concat([taxes.of_month(enterprises, end, seed) for end in _month_ends()]),
    )
    return town.having(entitlements=entitlements.truth(town))


def _month_ends() -> list[date]:
    """Last days of the months in which the taxes of the history were collected."""
    span = (case.START_DATE - case.TAX_HISTORY_START).days + 1
    days = [case.TAX_HISTORY_START + timedelta(days=i) for i in range(span)]
    return [day for day in days if (day + timedelta(days=1)).day == 1]


def _population(seed: int, scale: float, doors: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Everybody who lives here or died or left in the history window."""
    on, span = case.START_DATE, case.HISTORY_DAYS
    rng = stream(seed, on, "population")
    dead = count(scale, case.DEATHS_A_DAY * span)
    left = count(scale, case.REGISTERED_LEAVERS_A_DAY * span)
    gone = count(scale, case.MIGRANT_LEAVERS_A_DAY * span)
    locals_, local_homes = people.build(
        rng,
        size=count(scale, case.REGISTERED, 60) + dead + left,
        registered=True,
        on=on,
        first_household=1,
        first_resident=1,
    )
    migrants, migrant_homes = people.build(
        rng,
        size=count(scale, case.MIGRANTS, 50) + gone,
        registered=False,
        on=on,
        first_household=1 + len(local_homes),
        first_resident=1 + len(locals_),
        taken=locals_["id_no"],
    )

    homes = doors.filter(pl.col("kind") == "residential")
    estate = rng.permutation(homes.filter(pl.col("estate").is_not_null())["address_id"].to_numpy())
    lanes = rng.permutation(homes.filter(pl.col("lane").is_not_null())["address_id"].to_numpy())
    n = len(local_homes)
    registered_at = np.where(rng.random(n) < 0.82, estate[np.arange(n) % len(estate)], lanes[np.arange(n) % len(lanes)])
    elsewhere = np.where(rng.random(n) < 0.18, estate[(np.arange(n) + n) % len(estate)], -1)
    since = np.where(rng.random(n) < 0.25, day_number(on) - 60 - rng.random(n) * 5000, np.nan)
    locals_, local_homes = people.settle(rng, locals_, local_homes, registered_at, elsewhere, since)

    n = len(migrant_homes)
    dormitories = doors.filter(pl.col("kind") == "factory")["address_id"].to_numpy()
    chance = rng.random(n)
    room = np.select(
        [chance < 0.55, chance < 0.9],
        [rng.choice(lanes, n), rng.choice(estate, n)],
        rng.choice(dormitories, n),
    )
    since = day_number(on) - np.maximum(rng.exponential(1050, n), 1)
    migrants, migrant_homes = people.settle(rng, migrants, migrant_homes, room, np.full(n, -1), since)

    locals_ = _bury(rng, locals_, dead, seed)
    locals_ = _leave(rng, locals_, left, whole_households=False)
    migrants = _leave(rng, migrants, gone, whole_households=True)
    residents = pl.concat([locals_, migrants.select(locals_.columns)])
    households = pl.concat([local_homes, migrant_homes.select(local_homes.columns)])
    return residents, households


def mortality(residents: pl.DataFrame, on: date) -> Floats:
    """Relative risk of dying by age, doubling about every eight years (Gompertz); 0 for those not here."""
    age = (day_number(on) - numbers(residents["birth_date"])) / 365.25
    return np.where(welfare.present_mask(residents), np.exp(0.09 * age), 0.0)


def death_registration(ids: Ints, died: Ints, seed: int) -> Ints:
    """Day when a death reaches the registers: one to eight weeks late."""
    return died + integers(ids, 7, 57, seed, "death registered")


def _bury(rng: np.random.Generator, residents: pl.DataFrame, size: int, seed: int) -> pl.DataFrame:
    row = weighted_without(rng, mortality(residents, case.START_DATE), size)
    died = np.full(len(residents), 0)
    birth, came = numbers(residents["birth_date"])[row], numbers(residents["moved_in"])[row]
    died[row] = np.maximum(rng.integers(_FIRST, _LAST + 1, len(row)), np.maximum(birth, came) + 1)
    registered = death_registration(residents["resident_id"].to_numpy(), died, seed)
    is_dead = died > 0
    known = is_dead & (registered <= _LAST)
    changed = np.where(known, registered, died) * DAY + DAY * 11 // 24
    return residents.with_columns(
        dates(died, is_dead).alias("death_date"),
        dates(registered, known).alias("death_registered_on"),
        times(changed, is_dead).fill_null(residents["updated_at"]).alias("updated_at"),
    )


def _leave(rng: np.random.Generator, residents: pl.DataFrame, size: int, whole_households: bool) -> pl.DataFrame:
    """``size`` of those present move out of town within the history window."""
    here = welfare.present_mask(residents)
    key = residents["household_id"].to_numpy() if whole_households else np.arange(len(residents))
    _, group = np.unique(key, return_inverse=True)
    priority = rng.random(group.max() + 1)[group]
    order = np.argsort(np.where(here, priority, 2.0), kind="stable")[:size]
    day_of_group = rng.integers(_FIRST, _LAST + 1, group.max() + 1)
    gone = np.zeros(len(residents), bool)
    gone[order] = True
    earliest = np.maximum(numbers(residents["moved_in"]), numbers(residents["birth_date"])) + 1
    day = np.minimum(np.maximum(day_of_group[group], earliest), _LAST)
    return residents.with_columns(
        dates(day, gone).alias("moved_out"),
        times(day * DAY + DAY * 10 // 24, gone).fill_null(residents["updated_at"]).alias("updated_at"),
    )


def _enterprises(seed: int, scale: float, residents: pl.DataFrame, doors: pl.DataFrame) -> pl.DataFrame:
    rng = stream(seed, case.START_DATE, "enterprises")
    n_gone = count(scale, case.ENTERPRISES_GONE, 1)
    table = firms.build(
        rng,
        size=count(scale, case.ENTERPRISES, 30) + n_gone,
        on=case.START_DATE,
        newest=False,
        first_id=1,
        residents=residents,
        **firm_doors(doors),
    )
    chosen = np.sort(rng.permutation(len(table))[:n_gone])
    # a third closed in the history window, the others in the years before it
    since = numbers(table["registered_on"])[chosen]
    closed = _LAST - (rng.random(n_gone) * np.where(rng.random(n_gone) < 0.33, 270, 3000)).astype(np.int64)
    closed = np.minimum(np.maximum(closed, since + 30), _LAST)
    return firms.close(table, table["enterprise_id"].to_numpy()[chosen], closed, rng.random(n_gone) < 0.35)


def firm_doors(doors: pl.DataFrame) -> dict[str, Ints]:
    """Addresses that enterprises can have."""
    of_kind = {"offices": "office", "factories": "factory", "shops": "shop"}
    return {name: doors.filter(pl.col("kind") == kind)["address_id"].to_numpy() for name, kind in of_kind.items()}


def _payments(registers: payments.Registers, seed: int) -> pl.DataFrame:
    paid = payments.NONE_PAID
    for offset in range(case.HISTORY_DAYS):
        day = case.HISTORY_START + timedelta(days=offset)
        for policy in payments.due(day):
            if payments.main_day(policy, day.year) < case.HISTORY_START:
                continue  # the year's list was paid before the window, newcomers of those months with it
            rows = payments.pay(policy, day, registers, paid, seed, 1 + len(paid))
            paid = pl.concat([paid, rows])
    return payments.onward(paid, _NOW, seed)
