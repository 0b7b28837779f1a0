"""Who is truly entitled to what: the answer key for policies 1, 7 and 8 (illustrative rules, see the domain notes).

1 minimum living, 7 nursing allowance for severe disability, 8 allowance of the very old. The rules look at the
true state on a day; payments, which look at what was registered by then, differ from them in known ways.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from simulator.world.columns import years_before
from simulator.world.welfare import POVERTY_LINE

DIBAO, NURSING, OLD_AGE = 1, 7, 8


def truth(
    on: date,
    residents: pl.DataFrame,
    households: pl.DataFrame,
    min_living: pl.DataFrame,
    members: pl.DataFrame,
    disability: pl.DataFrame,
) -> pl.DataFrame:
    """The frame ``entitlements``: policy, resident_id, period, eligible, reason (why, or why not)."""
    month, year = on.strftime("%Y-%m"), on.strftime("%Y")
    person = residents.select("resident_id", "household_id", "birth_date", "registered", "death_date", "moved_out")
    families = min_living.select("family_no", "category", "valid_to")
    listed = members.join(families, on="family_no", how="inner", maintain_order="left")
    destitute = listed.filter((pl.col("category") == "tekun") & (pl.col("valid_to") >= on))["resident_id"]
    gone = {
        "dead": pl.col("death_date").is_not_null(),
        "moved": pl.col("moved_out").is_not_null(),
        "not_registered": ~pl.col("registered"),
    }
    supported = gone | {"destitute_support": pl.col("resident_id").is_in(destitute.implode())}

    on_the_line = listed.filter(pl.col("category") == "dibao").select("resident_id", listed_to="valid_to")
    income = households.select("household_id", "income_per_capita")
    poor = person.join(income, on="household_id", how="left", maintain_order="left")
    poor = poor.join(on_the_line, on="resident_id", how="left", maintain_order="left").filter(
        pl.col("listed_to").is_not_null() | (pl.col("registered") & (pl.col("income_per_capita") < POVERTY_LINE))
    )
    how_known = (
        pl.when(pl.col("listed_to").is_null())
        .then(pl.lit("not_applied"))
        .when(pl.col("listed_to") < on)
        .then(pl.lit("approval_lapsed"))
        .otherwise(pl.lit("listed"))
    )
    disabled = person.join(disability, on="resident_id", how="inner", maintain_order="left")
    certificate = (pl.col("status") != "valid") | (pl.col("valid_to") < on)
    old = person.filter(pl.col("registered") & (pl.col("birth_date") <= years_before(on, 79)))
    return pl.concat(
        [
            _judge(
                poor,
                DIBAO,
                month,
                supported | {"income": pl.col("income_per_capita") >= POVERTY_LINE},
                how_known,
            ),
            _judge(
                disabled,
                NURSING,
                year,
                supported | {"certificate": certificate, "level": ~severe()},
                pl.lit("severe"),
            ),
            _judge(old, OLD_AGE, year, gone | {"age": ~old_enough(on)}, pl.lit("age")),
        ]
    )


def severe() -> pl.Expr:
    """Level 1–2, or 3 for mental (5) and psychiatric (6) disability."""
    return (pl.col("level") <= 2) | ((pl.col("level") == 3) & pl.col("class").is_in([5, 6]))


def old_enough(on: date) -> pl.Expr:
    """80 at the latest in the month of ``on``: the allowance starts with the birth month."""
    return (pl.col("birth_date").dt.year() * 12 + pl.col("birth_date").dt.month()) <= (on.year - 80) * 12 + on.month


def _judge(rows: pl.DataFrame, policy: int, period: str, refusals: dict[str, pl.Expr], reason: pl.Expr) -> pl.DataFrame:
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
