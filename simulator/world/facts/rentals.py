"""Flats and houses that are let and filed (出租房备案): whose they are, and who lives in them."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.calibration import DISTRICT_CODE, REGISTERED
from simulator.world.columns import DAY, HOUR, count, dates, day_number, digits, texts, times
from simulator.world.columns import numbers as as_numbers
from simulator.world.facts.draws import chosen
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

USES = ("family", "shared", "dormitory")
_FILED = 0.44
_NEVER_ENDED = 0.35
_LATEST = 120


def rentals(world: World) -> pl.DataFrame:
    """One row per filing: ``rental_id``, address_id, premises_id (of rental houses; else null), household_id (of the
    migrants who live there; null for houses), landlord_id (a resident), use (of ``USES``), tenants, area (m²),
    filed_on, ended_on (null while it runs), updated_at; at the end of ``world.today``.

    Under half of the homes of migrants are filed, and every rental house. A third of those whose people left are
    never taken off, the others up to four months late. 30,000–40,000 at scale 1.
    """
    return pl.concat([_homes(world), _houses(world)]).sort("rental_id")


def tenants(world: World) -> pl.DataFrame:
    """One row per person of a filed home, by resident: ``rental_id``, resident_id, moved_in, moved_out (once the filing
    has ended), updated_at. Nobody is taken off before that."""
    homes = _homes(world).select("rental_id", "household_id", "filed_on", "ended_on", _filed_at="updated_at")
    people = world.residents.filter(pl.col("migrant")).select(
        "resident_id", "household_id", "moved_in", "moved_out", "updated_at"
    )
    return (
        people.join(homes, on="household_id", how="inner", maintain_order="left")
        .with_columns(
            moved_in=pl.max_horizontal("moved_in", "filed_on"),
            moved_out=pl.when(pl.col("ended_on").is_not_null()).then(pl.coalesce("moved_out", "ended_on")),
            updated_at=pl.max_horizontal("updated_at", "_filed_at"),
        )
        .select("rental_id", "resident_id", "moved_in", "moved_out", "updated_at")
    )


def _homes(world: World) -> pl.DataFrame:
    """Filed homes of migrant households, where the household is now or was last."""
    people = world.residents.filter(pl.col("migrant"))
    found = people.group_by("household_id", maintain_order=True).agg(
        pl.col("address_id").first(),
        pl.col("moved_in").min(),
        pl.col("moved_out").max(),
        gone=pl.col("moved_out").is_not_null().all(),
        tenants=pl.col("moved_out").is_null().sum(),
        changed=pl.col("updated_at").max(),
    )
    ids = found["household_id"].to_numpy()
    salt = (world.seed, "rental")
    today = day_number(world.today)
    filed = as_numbers(found["moved_in"]) + integers(ids, 0, 90, *salt, "filed")
    # who left before the filing was made never made one
    stayed = ~found["gone"].to_numpy() | (as_numbers(found["moved_out"]) > filed)
    known = found["moved_in"].is_not_null().to_numpy() & stayed
    rows = np.flatnonzero((uniform(ids, *salt) < _FILED) & (filed <= today) & known)
    found, ids, filed = found[rows], ids[rows], filed[rows]
    noticed = as_numbers(found["moved_out"]) + integers(ids, 0, _LATEST, *salt, "noticed")
    ended = found["gone"].to_numpy() & (noticed <= today) & (uniform(ids, *salt, "never") >= _NEVER_ENDED)
    return found.select(
        # a household that moves house files anew
        rental_id=pl.col("household_id") * 1_000_000 + pl.col("address_id"),
        address_id="address_id",
        premises_id=pl.lit(None, pl.Int64),
        household_id="household_id",
        landlord_id=_landlords(found["address_id"], world),
        use=texts(USES[:2], uniform(ids, *salt, "use") < 0.3),
        tenants=pl.max_horizontal(pl.col("tenants"), 1).cast(pl.Int64),
        area=pl.Series(integers(found["address_id"].to_numpy(), 4, 14, *salt, "area") * 10),
        filed_on=dates(filed),
        ended_on=dates(np.where(ended, noticed, 0), ended),
        updated_at=pl.max_horizontal("changed", times(np.where(ended, noticed, filed) * DAY + 14 * HOUR)),
    )


def _houses(world: World) -> pl.DataFrame:
    """Rental houses: every one is filed within weeks of its opening."""
    houses = world.premises.filter(pl.col("category") == "rental_housing")
    ids = houses["premises_id"].to_numpy()
    salt = (world.seed, "rental house")
    filed = as_numbers(houses["opened_on"]) + integers(ids, 0, 25, *salt)
    rows = np.flatnonzero(filed <= day_number(world.today))
    houses, ids, filed = houses[rows], ids[rows], filed[rows]
    closed = houses["closed_on"]
    changed = np.where(closed.is_not_null().to_numpy(), as_numbers(closed), filed)
    return houses.select(
        rental_id=-pl.col("premises_id"),
        address_id="address_id",
        premises_id="premises_id",
        household_id=pl.lit(None, pl.Int64),
        landlord_id=_landlords(houses["address_id"], world),
        use=chosen(USES, ids, *salt, "use", weights=(25, 55, 20)),
        tenants=pl.Series(integers(ids, 1, 13, *salt, "tenants")),
        area=pl.Series(integers(ids, 6, 40, *salt, "area") * 10),
        filed_on=dates(filed),
        ended_on="closed_on",
        updated_at=times(changed * DAY + 14 * HOUR),
    )


def _landlords(addresses: pl.Series, world: World) -> pl.Series:
    """The head of some registered household: whose home it is does not change when the tenants do.

    Residents who were registered when the history began have the lowest numbers.
    """
    drawn = integers(addresses.to_numpy(), 1, count(world.scale, REGISTERED) + 1, world.seed, "landlord")
    people = pl.DataFrame({"resident_id": drawn}).join(
        world.residents.select("resident_id", "household_id"), on="resident_id", how="left", maintain_order="left"
    )
    heads = world.households.select("household_id", landlord_id="head_resident_id")
    return people.join(heads, on="household_id", how="left", maintain_order="left")["landlord_id"]


def unit_codes(addresses: pl.DataFrame) -> pl.Series:
    """不动产单元代码 of doors (GB/T 37346-2019), 28 characters: parcel (19: district 6, cadastral district 3 and
    sub-district 3, kind of land 2, parcel 5), then what stands on it (9: F, building 4, unit 4)."""
    house = addresses.select(
        pl.concat_str(
            [pl.col(name).fill_null("") for name in ("road", "number", "estate", "lane", "building")], separator="|"
        ).alias("house")
    )
    parcel = house.select(pl.col("house").rank("dense").cast(pl.Int64)).to_series().to_numpy()
    flat = house.select(pl.int_range(pl.len()).over("house") + 1).to_series().to_numpy()
    return (
        DISTRICT_CODE
        + digits(addresses["community_id"].to_numpy(), 3)
        + digits(addresses["grid_id"].to_numpy(), 3)
        + texts(["GB", "JC"], addresses["lane"].is_not_null().to_numpy())
        + digits(parcel % 100_000, 5)
        + "F"
        + digits(parcel % 9_000 + 1, 4)
        + digits(flat, 4)
    )
