"""A day among the residents: births, deaths, arrivals, departures, moves of house, new phones, mended names."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world import calibration as case
from simulator.world import names, numbers, people
from simulator.world.columns import (
    DAY,
    HOUR,
    Floats,
    Ints,
    dates,
    day_number,
    stream,
    texts,
    times,
    weighted_without,
    years_before,
)
from simulator.world.columns import numbers as ints
from simulator.world.generate import death_registration, mortality
from simulator.world.model import World, append, next_id
from simulator.world.welfare import PRESENT, present_mask

_COMPOUND = "|".join(name for name in names.SURNAMES if len(name) == 2)


def people_day(world: World) -> World:
    world = _register_deaths(world)
    world = _deaths(world)
    world = _departures(world)
    world = _corrections(world)
    world = _births(world)
    return _arrivals(world)


def _some(rng: np.random.Generator, world: World, a_day: float, weight: Floats) -> Ints:
    return weighted_without(rng, weight, int(rng.poisson(a_day * world.scale)))


def _moments(rng: np.random.Generator, world: World, size: int) -> Ints:
    """Office hours of today."""
    return day_number(world.today) * DAY + 8 * HOUR + (rng.random(size) * 9 * HOUR).astype(np.int64)


def change(table: pl.DataFrame, rows: Ints, at: Ints, **values: pl.Series | object) -> pl.DataFrame:
    """``table`` with new values and ``updated_at`` in ``rows``; a value is a Series of their length or one for all."""
    if not len(rows):
        return table
    columns = {
        name: v if isinstance(v, pl.Series) else pl.Series([v]).new_from_index(0, len(rows))
        for name, v in values.items()
    }
    columns["updated_at"] = times(at)
    return table.with_columns(
        table[name].clone().scatter(rows, new.cast(table.schema[name])) for name, new in columns.items()
    )


def _register_deaths(world: World) -> World:
    residents = world.residents
    waiting = np.flatnonzero(
        residents.select(pl.col("death_date").is_not_null() & pl.col("death_registered_on").is_null()).to_series()
    )
    ids = residents["resident_id"].to_numpy()[waiting]
    due = death_registration(ids, ints(residents["death_date"])[waiting], world.seed)
    today = day_number(world.today)
    arrived = due <= today
    moments = due[arrived] * DAY + 11 * HOUR
    return world.having(residents=change(residents, waiting[arrived], moments, death_registered_on=dates(due[arrived])))


def _deaths(world: World) -> World:
    rng = stream(world.seed, world.today, "deaths")
    risk = mortality(world.residents, world.today) * world.residents["registered"].to_numpy()
    rows = _some(rng, world, case.DEATHS_A_DAY, risk)
    return world.having(
        residents=change(world.residents, rows, _moments(rng, world, len(rows)), death_date=world.today)
    )


def _departures(world: World) -> World:
    """Whole migrant households leave; of the registered, single people."""
    rng = stream(world.seed, world.today, "departures")
    residents = world.residents
    here = present_mask(residents)
    registered = residents["registered"].to_numpy()
    single = _some(rng, world, case.REGISTERED_LEAVERS_A_DAY, (here & registered).astype(float))
    head = (residents["relation"] == "02").to_numpy()
    family = _some(rng, world, case.MIGRANT_LEAVERS_A_DAY / 2.4, (here & ~registered & head).astype(float))
    households = residents["household_id"].gather(family)
    whole = np.flatnonzero(here & residents["household_id"].is_in(households.implode()).to_numpy())
    rows = np.concatenate([single, whole])
    return world.having(residents=change(residents, rows, _moments(rng, world, len(rows)), moved_out=world.today))


def _corrections(world: World) -> World:
    """New phones (the old one is remembered and later given to somebody else), moves within town, mended names."""
    rng = stream(world.seed, world.today, "corrections")
    residents = world.residents
    here = present_mask(residents)
    with_phone = here & residents["phone"].is_not_null().to_numpy()
    rows = _some(rng, world, case.PHONE_CHANGES_A_DAY, with_phone.astype(float))
    # the day's number keeps a second change of the same person apart from the first
    generation = 3 + day_number(world.today) % 6
    residents = change(
        residents,
        rows,
        _moments(rng, world, len(rows)),
        former_phone=residents["phone"].gather(rows),
        phone=numbers.phones(residents["resident_id"].to_numpy()[rows], generation),
    )
    rows = _some(rng, world, case.HOUSE_MOVES_A_DAY, here.astype(float))
    homes = world.addresses.filter(pl.col("kind") == "residential")["address_id"].to_numpy()
    residents = change(
        residents,
        rows,
        _moments(rng, world, len(rows)),
        former_address_id=residents["address_id"].gather(rows),
        address_id=pl.Series(rng.choice(homes, len(rows))),
    )
    three = (residents["name"].str.len_chars() == 3).to_numpy()
    rows = _some(rng, world, case.NAME_CORRECTIONS_A_DAY, (here & three).astype(float))
    _, second = names.given_names(rng, (residents["sex"] == "male").to_numpy()[rows], np.full(len(rows), 1975))
    renamed = residents["name"].gather(rows).str.slice(0, 2) + second.replace({"": "明"})
    return world.having(residents=change(residents, rows, _moments(rng, world, len(rows)), name=renamed))


def _births(world: World) -> World:
    """Children born to women of 20–42 of this town; registered a few days later, entered here at once."""
    rng = stream(world.seed, world.today, "births")
    residents = world.residents
    mothers = residents.with_row_index("row").filter(
        PRESENT
        & pl.col("registered")
        & (pl.col("sex") == "female")
        & pl.col("birth_date").is_between(years_before(world.today, 42), years_before(world.today, 20))
    )
    chosen = mothers[_some(rng, world, case.BIRTHS_A_DAY, np.ones(len(mothers)))]
    n = len(chosen)
    if not n:
        return world
    male = rng.random(n) < 0.515
    today = np.full(n, day_number(world.today))
    family = residents.filter(pl.col("household_id").is_in(chosen["household_id"].implode()))
    heads = family.group_by("household_id", maintain_order=True).agg(pl.col("name").first().alias("head_name"))
    surname = chosen.join(heads, on="household_id", how="left", maintain_order="left")["head_name"]
    surname = surname.str.extract(f"^({_COMPOUND})").fill_null(surname.str.slice(0, 1))
    first, second = names.given_names(rng, male, np.full(n, world.today.year))
    grandchild = (chosen["relation"] == "30").to_numpy()  # the mother is the head's daughter
    at = _moments(rng, world, n)
    babies = chosen.drop("row").with_columns(
        pl.Series("resident_id", next_id(residents, "resident_id") + np.arange(n)),
        (surname + first + second).alias("name"),
        texts(["female", "male"], male).alias("sex"),
        dates(today).alias("birth_date"),
        pl.lit(None, pl.Date).alias("stated_birth_date"),
        numbers.resident_ids(rng, chosen["origin_division"], today, male, residents["id_no"]).alias("id_no"),
        pl.lit(False).alias("has_legacy_15"),
        texts(["30", "20", "44", "43"], male + 2 * grandchild).alias("relation"),
        *(
            pl.lit(None, residents.schema[c]).alias(c)
            for c in ("phone", "former_phone", "former_address_id", "moved_in")
        ),
        times(at).alias("updated_at"),
    )
    return world.having(residents=append(residents, babies))


def _arrivals(world: World) -> World:
    rng = stream(world.seed, world.today, "arrivals")
    size = int(rng.poisson(case.MIGRANT_ARRIVALS_A_DAY * world.scale))
    if not size:
        return world
    newcomers, homes = people.build(
        rng,
        size=size,
        registered=False,
        on=world.today,
        first_household=next_id(world.households, "household_id"),
        first_resident=next_id(world.residents, "resident_id"),
        taken=world.residents["id_no"],
    )
    doors = world.addresses.filter(pl.col("kind") == "residential")["address_id"].to_numpy()
    n = len(homes)
    arrived = np.full(n, float(day_number(world.today)))
    newcomers, homes = people.settle(rng, newcomers, homes, rng.choice(doors, n), np.full(n, -1), arrived)
    return world.having(residents=append(world.residents, newcomers), households=append(world.households, homes))
