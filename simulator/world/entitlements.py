"""Who is truly entitled to what: the answer key (illustrative rules, see the domain notes), of all twelve policies.

The rules look at the true state on a day; payments, which look at what was registered by then, differ from them in
known ways. The paying office asks no assessment for the care subsidy (9), which the rules do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from simulator.world import needs
from simulator.world.columns import Bools, Ints, years_before
from simulator.world.facts.elders import elders
from simulator.world.hashing import uniform
from simulator.world.model import World
from simulator.world.welfare import MARGIN, POVERTY_LINE

DIBAO, MARGINAL, DESTITUTE, HARDSHIP, NURSING, OLD_AGE, CARE, GIFT, ILLNESS, CHILDREN = 1, 2, 3, 6, 7, 8, 9, 10, 11, 12
GIFT_DAY = (2, 5)
"""Month and day on which retired employees must be managed here for the year's gift."""
NONE = pl.DataFrame(
    schema={
        "policy": pl.Int64,
        "resident_id": pl.Int64,
        "period": pl.String,
        "eligible": pl.Boolean,
        "reason": pl.String,
    }
)

Refusals = Mapping[str, pl.Expr]


def truth(world: World) -> pl.DataFrame:
    """The frame ``entitlements`` on the day ``world.today``: policy, resident_id, period, eligible, reason (why, or
    why not)."""
    on, seed, residents = world.today, world.seed, world.residents
    disability, pension, children = world.disability, world.pension, world.children
    month, year = on.strftime("%Y-%m"), on.strftime("%Y")
    person = residents.select("resident_id", "household_id", "birth_date", "registered", "death_date", "moved_out")
    families = world.min_living.select("family_no", "category", "valid_from", "valid_to")
    listed = world.min_living_members.join(families, on="family_no", how="inner", maintain_order="left")
    gone = {
        "dead": pl.col("death_date").is_not_null(),
        "moved": pl.col("moved_out").is_not_null(),
        "not_registered": ~pl.col("registered"),
    }
    supported = gone | {"destitute_support": _among(_approved(listed, on, "tekun"))}
    income = person.join(
        world.households.select("household_id", "income_per_capita"),
        on="household_id",
        how="left",
        maintain_order="left",
    )
    poor = pl.col("income_per_capita") < POVERTY_LINE
    near = ~poor & (pl.col("income_per_capita") < POVERTY_LINE * MARGIN)
    hardship, nursing = _disabled(person, disability, listed, children, on, seed, supported)
    return pl.concat(
        [
            _by_income(income, listed, "dibao", poor, on, DIBAO, month, supported),
            _by_income(income, listed, "dibian", near, on, MARGINAL, year, supported),
            _by_income(income, listed, "tekun", pl.lit(False), on, DESTITUTE, month, gone),
            *_asked(
                person,
                needs.applications(on, residents, listed, seed, on - timedelta(days=needs.WITHIN_DAYS)),
                on,
                gone,
            ),
            hardship,
            nursing,
            _judge(
                person.filter(pl.col("registered") & (pl.col("birth_date") <= years_before(on, 79))),
                OLD_AGE,
                year,
                gone | {"age": ~old_enough(on)},
                pl.lit("age"),
            ),
            _care(person, elders(world), listed, nursing, on, supported),
            *_retired(person, pension, listed, on, seed),
            _judge(
                person.join(children, on="resident_id", how="inner", maintain_order="left"),
                CHILDREN,
                month,
                gone
                | {"age": pl.col("birth_date") <= years_before(on, 18), "not_recognised": pl.col("valid_from") > on},
                pl.col("category"),
            ),
        ]
    )


def _by_income(
    income: pl.DataFrame,
    listed: pl.DataFrame,
    category: str,
    within: pl.Expr,
    on: date,
    policy: int,
    period: str,
    refusals: Refusals,
) -> pl.DataFrame:
    """Everyone listed in the category, and the registered whose income lies within. Need does not end with a date."""
    to = listed.filter(pl.col("category") == category).group_by("resident_id").agg(listed_to=pl.col("valid_to").max())
    rows = income.join(to, on="resident_id", how="left", maintain_order="left").filter(
        pl.col("listed_to").is_not_null() | (pl.col("registered") & within)
    )
    how_known = (
        pl.when(pl.col("listed_to").is_null())
        .then(pl.lit("not_applied"))
        .when(pl.col("listed_to") < on)
        .then(pl.lit("approval_lapsed"))
        .otherwise(pl.lit("listed"))
    )
    above = {} if category == "tekun" else {"income": ~within}
    return _judge(rows, policy, period, {**refusals, **above}, how_known)


def _disabled(
    person: pl.DataFrame,
    disability: pl.DataFrame,
    listed: pl.DataFrame,
    children: pl.DataFrame,
    on: date,
    seed: int,
    supported: Refusals,
) -> list[pl.DataFrame]:
    """The two subsidies of holders of certificates."""
    rows = person.join(disability, on="resident_id", how="inner", maintain_order="left")
    valid = {**supported, "certificate": (pl.col("status") != "valid") | (pl.col("valid_to") < on)}
    rows = rows.with_columns(hardship=pl.Series(in_hardship(rows["resident_id"].to_numpy(), seed)))
    approved = _among(_approved(listed, on, "dibao", "dibian"))
    orphans = children.filter(pl.col("category") != "in_need")["resident_id"]
    need = {"orphan": _among(orphans), "income": ~(approved | pl.col("hardship"))}
    how_known = pl.when(approved).then(pl.lit("listed")).otherwise(pl.lit("hardship"))
    return [
        _judge(rows, HARDSHIP, on.strftime("%Y"), {**valid, **need}, how_known),
        _judge(rows, NURSING, on.strftime("%Y"), {**valid, "level": ~severe()}, pl.lit("severe")),
    ]


def _asked(person: pl.DataFrame, cases: pl.DataFrame, on: date, gone: Refusals) -> list[pl.DataFrame]:
    """Relief in an emergency and aid with bills: the strongest case of each person within the time."""
    lately = cases.filter(pl.col("happened_on") > on - timedelta(days=needs.WITHIN_DAYS))
    best = lately.sort("resident_id", "due", "asked_on", descending=[False, True, False])
    best = best.unique(["policy", "resident_id"], keep="first", maintain_order=True)
    rows = best.join(person, on="resident_id", how="inner", maintain_order="left")
    how_known = pl.when(pl.col("asked_on") > on).then(pl.lit("not_applied")).otherwise("kind")
    refusals = {
        needs.EMERGENCY: {"cost": pl.col("cost") < needs.LEAST_COST, "income": pl.col("income") > needs.MOST_INCOME},
        needs.BILLS: {"small_bill": ~pl.col("due")},
    }
    return [
        _judge(rows.filter(pl.col("policy") == policy), policy, on.strftime("%Y-%m"), {**gone, **short}, how_known)
        for policy, short in refusals.items()
    ]


def _care(
    person: pl.DataFrame,
    known: pl.DataFrame,
    listed: pl.DataFrame,
    nursing: pl.DataFrame,
    on: date,
    supported: Refusals,
) -> pl.DataFrame:
    """The voucher of the old and poor whose assessment says that they need care; who is nursed as disabled has more."""
    approved = _approved(listed, on, "dibao", "dibian").unique()
    rows = person.filter(pl.col("resident_id").is_in(approved.implode())).join(
        known.select("resident_id", "level", assessed_to="valid_to"),
        on="resident_id",
        how="left",
        maintain_order="left",
    )
    refusals = {
        **supported,
        "age": pl.col("birth_date") > years_before(on, 60),
        "not_assessed": pl.col("level").is_null() | (pl.col("assessed_to") < on),
        "able": pl.col("level") == "able",
        "nursing": _among(nursing.filter("eligible")["resident_id"]),
    }
    return _judge(rows, CARE, on.strftime("%Y"), refusals, pl.lit("assessed"))


def _retired(
    person: pl.DataFrame, pension: pl.DataFrame, listed: pl.DataFrame, on: date, seed: int
) -> list[pl.DataFrame]:
    """The gift and the aid of retired employees, as of the last day of the gift; what came later takes nothing."""
    day = date(on.year, *GIFT_DAY) if on >= date(on.year, *GIFT_DAY) else date(on.year - 1, *GIFT_DAY)
    rows = person.join(pension, on="resident_id", how="inner", maintain_order="left")
    rows = rows.with_columns(ill=pl.Series(ill(rows["resident_id"].to_numpy(), seed, day.year)))
    managed = {
        "dead": pl.col("death_date") <= day,
        "moved": pl.col("moved_out") <= day,
        "not_registered": ~pl.col("registered"),
        "retired_later": pl.col("retired_on") > day,
        "elsewhere": (pl.col("status") != "active") & (pl.col("cut_off_on") <= day),
    }
    approved = _among(_approved(listed, day, "dibao", "dibian"))
    how_known = pl.when(approved).then(pl.lit("listed")).otherwise(pl.lit("ill"))
    year = day.strftime("%Y")
    return [
        _judge(rows, GIFT, year, managed, pl.lit("managed_here")),
        _judge(rows, ILLNESS, year, {**managed, "need": ~(approved | pl.col("ill"))}, how_known),
    ]


def _approved(listed: pl.DataFrame, on: date, *categories: str) -> pl.Series:
    """Ids of those whose approval in one of the categories is in force on the day."""
    in_force = (pl.col("valid_from") <= on) & (pl.col("valid_to") >= on) & pl.col("category").is_in(categories)
    return listed.filter(in_force)["resident_id"]


def _among(ids: pl.Series) -> pl.Expr:
    return pl.col("resident_id").is_in(ids.implode())


def in_hardship(ids: Ints, seed: int) -> Bools:
    """Whose income is low although they are on no register of the poor."""
    return uniform(ids, seed, "hardship") < 0.24


def ill(ids: Ints, seed: int, year: int) -> Bools:
    """Who was gravely ill in the year."""
    return uniform(ids, seed, "ill", year) < 0.1


def severe() -> pl.Expr:
    """Level 1–2, or 3 for mental (5) and psychiatric (6) disability."""
    return (pl.col("level") <= 2) | ((pl.col("level") == 3) & pl.col("class").is_in([5, 6]))


def old_enough(on: date) -> pl.Expr:
    """80 at the latest in the month of ``on``: the allowance starts with the birth month."""
    return (pl.col("birth_date").dt.year() * 12 + pl.col("birth_date").dt.month()) <= (on.year - 80) * 12 + on.month


def _judge(rows: pl.DataFrame, policy: int, period: str, refusals: Refusals, reason: pl.Expr) -> pl.DataFrame:
    """Not eligible for the first refusal that holds, else eligible with ``reason``."""
    names = list(refusals)
    refusal = pl.coalesce([pl.when(refusals[name]).then(pl.lit(name)) for name in names])
    return rows.select(
        pl.lit(policy).cast(pl.Int64).alias("policy"),
        "resident_id",
        pl.lit(period).alias("period"),
        refusal.is_null().alias("eligible"),
        pl.coalesce(refusal, reason).alias("reason"),
    ).sort("resident_id")
