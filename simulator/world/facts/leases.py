"""Leases of office rooms: one after the other as long as the firm exists, a few without an end."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from simulator.world.columns import Ints, dates, day_number
from simulator.world.columns import numbers as as_numbers
from simulator.world.facts.draws import chosen
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

UNITS = ("yuan_sqm_day", "yuan_month", "yuan_year", "wan_yuan_year")
_CROWD = 20
"""At a door with more firms than this nobody works: an address that is lent to be registered at (集群注册)."""
_ENDLESS = 0.07
_FAR = 2**31 - 1


def building_of(addresses: pl.DataFrame) -> pl.DataFrame:
    """The office doors with the ``building_id`` of their building: its lowest address_id."""
    house = ["road", "number", "estate", "building"]
    return addresses.filter(pl.col("kind") == "office").with_columns(
        pl.col("address_id").min().over(house).alias("building_id")
    )


def leases(world: World, since: date, until: date) -> pl.DataFrame:
    """The leases that run on some day from ``since`` to ``until`` (both at most ``world.today``), by firm and start.

    ``lease_id``, enterprise_id, building_id, room, area (m²), started_on, ends_on (null: no end agreed), given_up_on
    (the firm closed before the end), price (fen per m² and day), unit (one of ``UNITS``: how the rent is stated) and
    rent (the stated figure: yuan, of 10,000 yuan for wan_yuan_year, two decimals).
    """
    tenants = _tenants(world)
    ids = tenants["enterprise_id"].to_numpy()
    begin = as_numbers(tenants["registered_on"]) + integers(ids, 0, 60, world.seed, "lease begins")
    endless = uniform(ids, world.seed, "lease without end") < _ENDLESS
    term = np.array([365, 730, 1095])[integers(ids, 0, 3, world.seed, "lease term")]
    term = np.where(endless, 100_000, term)
    gone = as_numbers(tenants["closed_on"], null=_FAR)
    first, last = day_number(since), day_number(until)
    runs = (begin <= last) & (gone > np.maximum(first, begin))
    low, high = (np.maximum((day - begin) // term, 0) for day in (first, np.minimum(last, gone - 1)))
    size = np.where(runs, high - low + 1, 0)
    row = np.repeat(np.arange(len(ids)), size)
    turn = low[row] + np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    start = begin[row] + turn * term[row]
    end = start + term[row] - 1
    early = gone[row] <= np.minimum(end, last)
    found = tenants[row].select("enterprise_id", "building_id", "room").with_columns(
        pl.Series("lease_id", ids[row] * 100 + turn),
        pl.Series("started_on", dates(start)),
        pl.Series("ends_on", dates(np.where(endless[row], 0, end), ~endless[row])),
        pl.Series("given_up_on", dates(np.where(early, gone[row], 0), early)),
    )  # fmt: skip
    return _rented(found, world.seed)


def _tenants(world: World) -> pl.DataFrame:
    rooms = building_of(world.addresses).select("address_id", "building_id", "room")
    there = world.enterprises.join(rooms, on="address_id", maintain_order="left")
    return there.filter(pl.len().over("address_id") <= _CROWD)


def _rented(found: pl.DataFrame, seed: int) -> pl.DataFrame:
    """With area, price and the rent as the contract states it."""
    ids = found["lease_id"].to_numpy()
    firm: Ints = ids // 100
    area = integers(firm, 6, 30, seed, "lease area") * 10
    price = integers(ids, 120, 560, seed, "lease price")
    unit = chosen(UNITS, ids, seed, "lease unit", weights=(40, 25, 20, 15))
    hundredths = pl.Series(price * area * 365)  # fen a year
    stated = (
        pl.when(unit == "yuan_sqm_day")
        .then(pl.Series(price))
        .when(unit == "yuan_month")
        .then((hundredths // 1200) * 100)
        .when(unit == "yuan_year")
        .then((hundredths // 100) * 100)
        .otherwise(hundredths // 10_000)
    )
    cents = pl.select(stated.alias("rent")).to_series()
    return found.with_columns(
        pl.Series("area", area),
        pl.Series("price", price),
        unit.alias("unit"),
        (
            (cents // 100).cast(pl.String) + "." + (cents % 100).cast(pl.String).str.zfill(2)
        ).alias("rent"),
    )  # fmt: skip
