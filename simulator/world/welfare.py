"""Registers of welfare: families on minimum living, disability certificates, retirees, children in need.

Registers are near the truth, not equal to it: some poor families never applied, and a few stayed on after
their income had risen.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from simulator.world.columns import (
    DAY,
    HOUR,
    Bools,
    Ints,
    count,
    dates,
    day_number,
    digits,
    masked,
    texts,
    times,
    weighted,
    weighted_without,
    words,
    years_before,
)
from simulator.world.columns import numbers as ints
from simulator.world.hashing import integers, uniform

POVERTY_LINE = 1_041  # yuan a month and head (illustrative)
MARGIN = 1.5  # the margin of low income reaches to this multiple of the line
DESTITUTE, DISABILITIES, RETIREES, CHILDREN = 85, 4_500, 20_000, 150
CERTIFICATES_A_MONTH = 24.0
APPLIED = 0.93
PRESENT = pl.col("death_date").is_null() & pl.col("moved_out").is_null()

_EMPLOYERS = words(
    "第一棉纺厂 红旗机械厂 丝绸印染厂 前进化工厂 东风电子厂 供销社 建筑公司 粮油公司 搪瓷厂 造纸厂 "
    "公交公司 百货公司 自由职业 个体工商户"
)


def min_living(
    rng: np.random.Generator,
    scale: float,
    on: date,
    residents: pl.DataFrame,
    households: pl.DataFrame,
    seed: int,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """``(min_living, min_living_members)``: a row per family (dibao, dibian, tekun) and one per member."""
    here = residents.filter(pl.col("registered") & PRESENT)
    families = households.filter(pl.col("household_id").is_in(here["household_id"].unique().implode()))
    ids = families["household_id"].to_numpy()
    income = families["income_per_capita"].to_numpy()
    draw = uniform(ids, seed, "applied")
    poor = (income < POVERTY_LINE) & (draw < APPLIED)
    stayed_on = (income >= POVERTY_LINE) & (draw < 0.00012)
    near = (income >= POVERTY_LINE) & (income < POVERTY_LINE * MARGIN) & (draw < 0.11) & ~stayed_on
    alone = here.filter((pl.len().over("household_id") == 1) & (pl.col("birth_date") < years_before(on, 62)))[
        "household_id"
    ].to_numpy()
    single = np.isin(ids, alone) & ~poor & ~near & ~stayed_on
    destitute = np.zeros(len(ids), bool)
    destitute[weighted_without(rng, single.astype(float), count(scale, DESTITUTE, 1))] = True
    chosen = poor | stayed_on | near | destitute
    category = np.select([destitute, near], [2, 1], 0)[chosen]
    key = ids[chosen]
    # what the office wrote down: 50–95 % of the line for those on it, whatever the truth may be
    noted = np.where(
        category == 1,
        np.minimum(income[chosen], int(POVERTY_LINE * MARGIN)),
        np.minimum(income[chosen], POVERTY_LINE * (0.3 + 0.6 * uniform(key, seed, "noted"))),
    ).astype(np.int64)
    noted = np.where(category == 2, 0, noted)
    size = here["household_id"].value_counts(name="n").sort("household_id")
    members = size["n"].gather(np.searchsorted(size["household_id"].to_numpy(), key)).to_numpy().astype(np.int64)
    amount = np.select([category == 0, category == 1], [(POVERTY_LINE - noted) * members, 0], round(POVERTY_LINE * 1.3))
    since = day_number(on) - 30 - (uniform(key, seed, "since") * 1500).astype(np.int64)
    lapsed = uniform(key, seed, "lapsed") < 0.03
    until = np.where(
        lapsed,
        day_number(on) - integers(key, 10, 120, seed, "until"),
        day_number(on) + integers(key, 20, 365, seed, "until"),
    )
    family_no = "3301MB" + digits(key * 13 % 10_000_000, 7)
    table = pl.DataFrame(
        {
            "family_no": family_no,
            "household_id": key,
            "category": texts(["dibao", "dibian", "tekun"], category),
            "approved_amount": amount * 100,
            "valid_from": dates(since),
            "valid_to": dates(until),
            "income_per_capita": noted,
            "updated_at": times(np.maximum(since, np.where(lapsed, until, since)) * DAY + 10 * HOUR),
        }
    ).sort("household_id")
    people = (
        here.select("household_id", "resident_id", "relation")
        .join(
            table.select("household_id", "family_no", "updated_at"),
            on="household_id",
            how="inner",
            maintain_order="left",
        )
        .select("family_no", "resident_id", "relation", "updated_at")
    )
    return table, people


def disability(rng: np.random.Generator, scale: float, on: date, residents: pl.DataFrame) -> pl.DataFrame:
    """The frame ``disability``: a certificate for so many registered residents, the old more often."""
    here = residents.filter("registered")
    age = (day_number(on) - ints(here["birth_date"])) / 365.25
    weight = np.where(present_mask(here), 1.0, 0.4) * np.select(
        [age < 3, age < 20, age < 50], [0.0, 0.5, 1.0], 1 + (age - 50) / 12
    )
    chosen = here[weighted_without(rng, weight, count(scale, DISABILITIES, 4))]
    return certificates(rng, chosen, on, fresh=False)


def certificates(rng: np.random.Generator, people: pl.DataFrame, on: date, fresh: bool) -> pl.DataFrame:
    """Certificates for ``people``; ``fresh``: issued on the day ``on``."""
    n = len(people)
    group = 1 + weighted(rng, (11, 20, 2, 45, 9, 11, 2), n)
    level = 1 + weighted(rng, (14, 26, 30, 30), n)
    issued = np.full(n, day_number(on)) if fresh else day_number(on) - 5 - (rng.random(n) * 3900).astype(np.int64)
    until = issued + 3652
    reissue = masked(pl.Series(["B1"]).new_from_index(0, n), (rng.random(n) < 0.08) & (not fresh)).fill_null("")
    expired = until < day_number(on)
    cancelled = ~expired & (rng.random(n) < 0.015) & (not fresh)
    return pl.DataFrame(
        {
            "resident_id": people["resident_id"],
            "certificate_no": people["id_no"] + digits(group, 1) + digits(level, 1) + reissue,
            "class": group,
            "level": level,
            "issued_on": dates(issued),
            "valid_to": dates(until),
            "status": texts(["valid", "expired", "cancelled"], np.select([expired, cancelled], [1, 2], 0)),
            "updated_at": times(np.where(expired, (until + 1) * DAY + HOUR, issued * DAY + 14 * HOUR)),
        }
    )


def present_mask(residents: pl.DataFrame) -> Bools:
    return np.asarray(residents.select(PRESENT).to_series().to_numpy(), dtype=bool)


def pension(rng: np.random.Generator, scale: float, on: date, residents: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The frame ``pension``: retirees of enterprises (企退), men from 60 and women from 52."""
    here = residents.filter("registered")
    age = (day_number(on) - ints(here["birth_date"])) / 365.25
    male = (here["sex"] == "male").to_numpy()
    # some of the oldest farmed and have no enterprise pension
    weight = np.where(age >= np.where(male, 60, 52), np.where(age > 84, 0.85, 1.0), 0.0)
    chosen = here[weighted_without(rng, weight, count(scale, RETIREES, 5))]
    return retirees(chosen, on, seed)


def retirees(people: pl.DataFrame, on: date, seed: int) -> pl.DataFrame:
    """Rows of ``pension`` for ``people``, with the status known on the day ``on``."""
    ids = people["resident_id"].to_numpy()
    birth = ints(people["birth_date"])
    age = np.where((people["sex"] == "male").to_numpy(), 60, 50 + 5 * (uniform(ids, seed, "cadre") < 0.4))
    retired = np.minimum(birth + (age * 365.25).astype(np.int64) + 15, day_number(on))
    elsewhere = uniform(ids, seed, "managed elsewhere") < 0.068
    since = np.maximum(retired, day_number(on) - integers(ids, 30, 3000, seed, "noted"))
    table = pl.DataFrame(
        {
            "resident_id": ids,
            "retired_on": dates(retired),
            "employer": texts(_EMPLOYERS, integers(ids, 0, len(_EMPLOYERS), seed, "employer")),
            "status": texts(["active", "moved"], elsewhere),
            "cut_off_on": dates(since, elsewhere),
            "updated_at": times(since * DAY + 9 * HOUR),
        }
    )
    return follow(table, people)


def follow(table: pl.DataFrame, residents: pl.DataFrame) -> pl.DataFrame:
    """``pension`` with the deaths and removals that are registered by now."""
    news = residents.select("resident_id", "death_registered_on", "moved_out").filter(
        pl.col("death_registered_on").is_not_null() | pl.col("moved_out").is_not_null()
    )
    joined = table.join(news, on="resident_id", how="left", maintain_order="left")
    dead = pl.col("death_registered_on").is_not_null() & (pl.col("status") != "dead")
    moved = pl.col("moved_out").is_not_null() & (pl.col("status") == "active")
    event = pl.when(dead).then("death_registered_on").when(moved).then("moved_out")
    return joined.with_columns(
        status=pl.when(dead).then(pl.lit("dead")).when(moved).then(pl.lit("moved")).otherwise("status"),
        cut_off_on=pl.coalesce(event, "cut_off_on"),
        updated_at=pl.coalesce(event.cast(pl.Datetime("us")) + pl.duration(hours=16), "updated_at"),
    ).select(table.columns)


def children(rng: np.random.Generator, scale: float, on: date, residents: pl.DataFrame) -> pl.DataFrame:
    """The frame ``children``: orphans, children nobody raises, and other children in need, with a guardian."""
    here = residents.filter(pl.col("registered") & PRESENT)
    head = here.select(pl.col("resident_id").first().over("household_id")).to_series()
    young = (here["birth_date"] > years_before(on, 17)).to_numpy() & (head != here["resident_id"]).to_numpy()
    row = weighted_without(rng, young.astype(float), count(scale, CHILDREN, 1))
    birth = ints(here["birth_date"])[row]
    since = np.maximum(birth, day_number(on) - 40 - (rng.random(len(row)) * 2000).astype(np.int64))
    return pl.DataFrame(
        {
            "resident_id": here["resident_id"].gather(row),
            "category": texts(["orphan", "unraised", "in_need"], weighted(rng, (1, 3, 6), len(row))),
            "guardian_resident_id": head.gather(row),
            "valid_from": dates(since),
            "updated_at": times(since * DAY + 11 * HOUR),
        }
    )


def adults(residents: pl.DataFrame, on: date) -> tuple[Ints, pl.Series]:
    """Ids and phones of those who may report something: present, between 16 and 85."""
    grown = residents.filter(
        PRESENT & (pl.col("birth_date") < years_before(on, 16)) & (pl.col("birth_date") > years_before(on, 85))
    )
    return grown["resident_id"].to_numpy(), grown["phone"]


def renew(table: pl.DataFrame, on: date, seed: int) -> pl.DataFrame:
    """``min_living`` with the approvals that end on the day ``on`` renewed for a year, but for one in twelve."""
    kept = uniform(table["household_id"].to_numpy(), seed, "renewed", on.year) < 0.92
    renewed = (pl.col("valid_to") == on) & pl.Series(kept)
    return table.with_columns(
        valid_to=pl.when(renewed).then(pl.lit(on + timedelta(days=365))).otherwise("valid_to"),
        updated_at=pl.when(renewed)
        .then(pl.lit(datetime.combine(on, time(10))).cast(pl.Datetime("us")))
        .otherwise("updated_at"),
    )


def expire(table: pl.DataFrame, on: date) -> pl.DataFrame:
    """``disability`` with the certificates expired that ran out by ``on``."""
    over = (pl.col("valid_to") < on) & (pl.col("status") == "valid")
    return table.with_columns(
        status=pl.when(over).then(pl.lit("expired")).otherwise("status"),
        updated_at=pl.when(over)
        .then((pl.col("valid_to") + pl.duration(days=1)).cast(pl.Datetime("us")) + pl.duration(hours=1))
        .otherwise("updated_at"),
    )


def new_retirees(residents: pl.DataFrame, table: pl.DataFrame, on: date, seed: int) -> pl.DataFrame:
    """Rows of ``pension`` for those who reached the age within the last month."""
    before = years_before(on, 60), years_before(on, 55)
    month = timedelta(days=31)
    reached = pl.lit(False)
    for sex, born in zip(("male", "female"), before, strict=True):
        reached |= (pl.col("sex") == sex) & (pl.col("birth_date") <= born) & (pl.col("birth_date") > born - month)
    fresh = residents.filter(
        reached & pl.col("registered") & PRESENT & ~pl.col("resident_id").is_in(table["resident_id"].implode())
    )
    employed = uniform(fresh["resident_id"].to_numpy(), seed, "employed") < 0.55
    entered = pl.lit(datetime.combine(on, time(9))).cast(pl.Datetime("us"))
    return retirees(fresh.filter(pl.Series(employed)), on, seed).with_columns(updated_at=entered)
