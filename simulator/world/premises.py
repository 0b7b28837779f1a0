"""Premises in the eight categories of the safety system, with the latent hazard that nobody sees.

``true_hazard`` (0–1) drives what inspections find and which premises burn. *Coded* premises carry a safety
code; the others exist only in registers (leases, licences, fire service), which is what discovery must
find.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from simulator.world.calibration import DISTRICT_CODE, PREMISES
from simulator.world.columns import (
    DAY,
    Bools,
    Floats,
    Ints,
    count,
    dates,
    day_number,
    digits,
    masked,
    numbers,
    texts,
    times,
)

CATEGORIES: tuple[str, ...] = tuple(PREMISES)
# mean of the latent hazard by category, before the premises' own variation
_MEAN_HAZARD = {
    "street_shop": 0.30,
    "key_security": 0.34,
    "rental_housing": 0.38,
    "hazmat_producer": 0.45,
    "labour_intensive": 0.40,
    "construction_site": 0.44,
    "crowded_place": 0.30,
    "general_enterprise": 0.22,
}
_SECURITY_WORDS = "棋牌室|旅馆|足浴店|网吧"
_CROWDED_WORDS = "酒店|教育|商贸|餐饮管理|文化"


def generate(
    rng: np.random.Generator,
    scale: float,
    on: date,
    enterprises: pl.DataFrame,
    addresses: pl.DataFrame,
    inhabited: Ints,
) -> pl.DataFrame:
    """The frame ``premises``; ``inhabited`` are the addresses of migrants, where rooms are let."""
    open_ones = enterprises.filter(pl.col("status") == "open")
    free = np.ones(len(open_ones), bool)
    shop = (open_ones["kind"] == "self_employed").to_numpy()
    word = open_ones["short_name"]
    wishes = {
        "hazmat_producer": word.str.contains("化工|液化气站").to_numpy(),
        "key_security": word.str.contains(_SECURITY_WORDS).to_numpy(),
        "labour_intensive": open_ones["industry"].is_in(["C", "G"]).to_numpy() & ~shop,
        "crowded_place": word.str.contains(_CROWDED_WORDS).to_numpy() & ~shop,
        "street_shop": shop,
        "general_enterprise": ~shop,
    }
    builders = np.flatnonzero((open_ones["industry"] == "E").to_numpy())
    site_addresses = addresses.filter(pl.col("kind") == "site")["address_id"].to_numpy()
    parts: list[pl.DataFrame] = []
    for category, (coded, uncoded) in PREMISES.items():
        n_coded, n_uncoded = count(scale, coded, 1), count(scale, uncoded)
        wanted = n_coded + n_uncoded
        if category == "rental_housing":
            address = rng.choice(inhabited, wanted, replace=len(inhabited) < wanted)
            owner = np.full(wanted, -1)
        elif category == "construction_site":
            address = site_addresses[np.arange(wanted) % len(site_addresses)]
            owner = rng.choice(builders, wanted) if len(builders) else np.full(wanted, -1)
        else:
            suited = np.flatnonzero(wishes[category] & free)
            suited = suited if len(suited) else np.flatnonzero(free)
            # where there are too few firms of the right trade, some run two premises
            owner = rng.choice(suited, wanted, replace=len(suited) < wanted)
            free[owner] = False
            address = open_ones["address_id"].gather(owner).to_numpy()
        parts.append(_rows(rng, category, owner, address, np.arange(wanted) < n_coded, on, open_ones, addresses))
    table = pl.concat(parts)
    return number(table[rng.permutation(len(table))], 1)


def opened(
    rng: np.random.Generator, on: date, enterprises: pl.DataFrame, addresses: pl.DataFrame, first_id: int
) -> pl.DataFrame:
    """Premises of enterprises that opened on the day ``on``: not coded yet."""
    parts = []
    for category, chosen in (
        ("street_shop", enterprises["kind"] == "self_employed"),
        ("general_enterprise", (enterprises["kind"] == "firm") & (enterprises["enterprise_id"] % 4 == 0)),
    ):
        owner = np.flatnonzero(chosen.to_numpy())
        address = enterprises["address_id"].gather(owner).to_numpy()
        rows = _rows(rng, category, owner, address, np.zeros(len(owner), bool), on, enterprises, addresses)
        parts.append(rows.with_columns(opened_on=pl.lit(on), updated_at=pl.lit(on).cast(pl.Datetime("us"))))
    return number(pl.concat(parts), first_id)


def number(table: pl.DataFrame, first_id: int) -> pl.DataFrame:
    """Give ids from ``first_id`` and the codes that go with them."""
    ids = np.arange(first_id, first_id + len(table))
    return table.with_columns(
        pl.Series("premises_id", ids), pl.Series("code", DISTRICT_CODE + digits(ids * 37 % 10_000_000, 7))
    ).select("premises_id", "code", *table.columns)


def _rows(
    rng: np.random.Generator,
    category: str,
    owner: Ints,
    address: Ints,
    coded: Bools,
    on: date,
    enterprises: pl.DataFrame,
    addresses: pl.DataFrame,
) -> pl.DataFrame:
    n = len(owner)
    owned = owner >= 0
    index = np.maximum(owner, 0)
    place = addresses[np.searchsorted(_ids(addresses), address)] if n else addresses[:0]
    today = day_number(on)
    if category == "rental_housing":
        tail = place.select(
            pl.concat_str(
                pl.coalesce("estate", "lane", "road").fill_null(""),
                pl.coalesce("building", "number").fill_null(""),
                pl.lit("-"),
                pl.col("room").fill_null("1"),
                pl.lit("出租房"),
            )
        ).to_series()
        name = tail
        since = today - 30 - (rng.random(n) * 365 * 6).astype(np.int64)
    elif category == "construction_site":
        name = (
            place["road"].fill_null("")
            + texts(["安置房", "商业综合体", "学校扩建", "道路提升", "产业园"], rng.integers(0, 5, n))
            + texts(["一期", "二期", "三期"], rng.integers(0, 3, n))
            + "项目"
        )
        since = today - 30 - (rng.random(n) * 900).astype(np.int64)
    else:
        name = masked(enterprises["short_name"].gather(index), owned)
        since = numbers(enterprises["registered_on"].gather(index)) if n else np.zeros(0, np.int64)
    hazard = _hazards(rng, category, n)
    updated = since * DAY + (rng.random(n) * np.maximum(today - since, 0) * DAY).astype(np.int64)
    return pl.DataFrame(
        {
            "name": name,
            "category": pl.Series([category]).new_from_index(0, n),
            "enterprise_id": masked(enterprises["enterprise_id"].gather(index), owned),
            "address_id": address,
            "lon": place["lon"],
            "lat": place["lat"],
            "grid_id": place["grid_id"],
            "opened_on": dates(since),
            "closed_on": pl.Series([None], dtype=pl.Date).new_from_index(0, n),
            "coded": coded,
            "true_hazard": hazard,
            "updated_at": times(updated),
        }
    )


def _ids(addresses: pl.DataFrame) -> Ints:
    return addresses["address_id"].to_numpy()


def _hazards(rng: np.random.Generator, category: str, size: int) -> Floats:
    """Beta-distributed with the category's mean: most premises are fairly safe, a few are not at all."""
    mean = _MEAN_HAZARD[category]
    return np.round(rng.beta(mean * 4, (1 - mean) * 4, size), 4)
