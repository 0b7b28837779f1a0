"""Office buildings and their quarters: how much is let, to how many, at what rent."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from simulator.world.calibration import DISTRICT_NAME, TOWN_NAME
from simulator.world.columns import Ints, day_number, digits, words
from simulator.world.columns import numbers as as_numbers
from simulator.world.facts import leases
from simulator.world.facts.draws import chosen
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

QUARTERS = 6
_SMALLEST = 80
"""A building of fewer rooms is none of those that the town looks after."""
_NAME = pl.concat_str("estate", "building", pl.lit("幢"))
_MANAGERS = words("安澜物业 听澜商务物业 恒信物业 万嘉物业 绿邦物业 中成楼宇服务 同辉物业")


def buildings(world: World) -> pl.DataFrame:
    """One row per office building with at least 80 rooms.

    ``building_id`` (the lowest address_id in it), code, name, address, floors, basements, rooms, area (m², built),
    completed (year), manager, x, y (metres in a plane of the designers' own), grid_id.
    """
    place = leases.building_of(world.addresses)
    offices = (
        place.group_by("building_id")
        .agg(
            pl.len().alias("rooms"),
            pl.col("room").str.head(-2).cast(pl.Int64).max().alias("floors"),
            pl.col("estate", "road", "number", "building", "grid_id").first(),
        )
        .filter((pl.col("rooms") >= _SMALLEST) | (pl.col("rooms") == pl.col("rooms").max()))
        .sort("building_id")
    )
    ids = offices["building_id"].to_numpy()
    centres = world.grids.select("grid_id", "lon", "lat")
    centre = offices.select("grid_id").join(centres, on="grid_id", how="left", maintain_order="left")
    door = pl.concat_str("road", "number", "estate", "building")
    return offices.select(
        "building_id",
        "rooms",
        "floors",
        "grid_id",
        (pl.lit("LY") + pl.Series(digits(ids, 6))).alias("code"),
        _NAME.alias("name"),
        (pl.lit(DISTRICT_NAME + TOWN_NAME) + door + pl.lit("幢")).alias("address"),
        pl.Series("basements", integers(ids, 1, 4, world.seed, "basements")),
        (pl.col("rooms") * pl.Series(integers(ids, 90, 150, world.seed, "room size"))).alias("area"),
        pl.Series("completed", integers(ids, 1998, 2025, world.seed, "completed")),
        chosen(_MANAGERS, ids, world.seed, "building manager").alias("manager"),
        pl.Series("x", _drawn(centre["lon"], 120.0, 96_000.0, 78_000.0, ids, world.seed)),
        pl.Series("y", _drawn(centre["lat"], 30.0, 110_850.0, 51_000.0, ids, world.seed)),
    )


def names(world: World) -> pl.DataFrame:
    """Every building with offices: ``building_id``, name, and the code of those that the town looks after."""
    coded = buildings(world).select("building_id", "code")
    doors = leases.building_of(world.addresses).unique("building_id").sort("building_id")
    named = doors.select("building_id", _NAME.alias("name"))
    return named.join(coded, on="building_id", how="left", maintain_order="left")


def quarters(world: World) -> pl.DataFrame:
    """One row per building and each of the last six whole quarters.

    building_id, year, quarter (1–4), ended_on, let_area (m²), tenants, registered (firms at the address), rent
    (fen per m² and day, 0 where nothing is let), index (营商环境指数, 0–100).
    """
    houses = buildings(world)
    parts = [_quarter(world, houses, end) for end in _ends(world.today)]
    return pl.concat(parts)


def _quarter(world: World, houses: pl.DataFrame, end: date) -> pl.DataFrame:
    running = leases.leases(world, end, end)
    let = running.group_by("building_id").agg(
        pl.col("area").sum().alias("let"),
        pl.len().alias("tenants"),
        (pl.col("price") * pl.col("area")).sum().alias("takings"),
    )
    day = day_number(end)
    there = world.enterprises.filter(
        pl.Series(
            (as_numbers(world.enterprises["registered_on"]) <= day)
            & (as_numbers(world.enterprises["closed_on"], null=2**31) > day)
        )
    )
    place = leases.building_of(world.addresses).select("address_id", "building_id")
    firms = there.join(place, on="address_id").group_by("building_id").agg(pl.len().alias("registered"))
    found = houses.join(let, on="building_id", how="left", maintain_order="left").join(
        firms, on="building_id", how="left", maintain_order="left"
    )
    ids = found["building_id"].to_numpy()
    sway = uniform(ids * 10_000 + day, world.seed, "business index") * 6
    steady = 62 + uniform(ids, world.seed, "business index") * 28
    return found.select(
        "building_id",
        pl.lit(end.year).alias("year"),
        pl.lit((end.month + 2) // 3).alias("quarter"),
        pl.lit(end).alias("ended_on"),
        # two firms in one room hold it together
        pl.min_horizontal(pl.col("let").fill_null(0), (pl.col("area") * 49) // 50).alias("let_area"),
        pl.col("tenants").fill_null(0).cast(pl.Int64),
        pl.col("registered").fill_null(0).cast(pl.Int64),
        (pl.col("takings") // pl.col("let")).fill_null(0).cast(pl.Int64).alias("rent"),
        pl.Series("index", np.round(steady + sway, 1)),
    )


def _ends(today: date) -> list[date]:
    """Last days of the newest whole quarters, oldest first."""
    found: list[date] = []
    tomorrow = today + timedelta(days=1)
    start = date(tomorrow.year, (tomorrow.month - 1) // 3 * 3 + 1, 1)
    while len(found) < QUARTERS:
        found.append(start - timedelta(days=1))
        start = date(found[-1].year, (found[-1].month - 1) // 3 * 3 + 1, 1)
    return found[::-1]


def _drawn(degrees: pl.Series, origin: float, metres: float, shift: float, ids: Ints, seed: int) -> np.ndarray:
    """Metres from an origin that stands in nobody's papers; a building within 150 m of its grid's centre."""
    near = (uniform(ids, seed, "drawn", str(origin)) - 0.5) * 300
    return np.asarray(np.round((degrees.to_numpy() - origin) * metres + shift + near, 3))
