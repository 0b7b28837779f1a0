"""Dirt beyond what the simulated town has: a town whose numbers are often missing, masked or mistyped.

The town's own registers give a valid number on nineteen records of twenty, so that the number alone finds nearly all.
Where registers are older it does not: `roughened` takes the number from a share of the records that say something else
besides a name, and spoils other columns too. The same seed spoils the same records.
"""

from __future__ import annotations

import numpy as np
import polars as pl

NUMBERLESS = 0.35
"""Of the records with other evidence lose their number: so many of them entirely, the rest in part."""
_HIDDEN = {"missing": 0.6, "mistyped": 0.25, "masked": 0.15}


def roughened(records: pl.DataFrame, seed: int) -> pl.DataFrame:
    """`records` of `RESIDENT_SCHEMA` (and more columns), in the same order, with more dirt."""
    rng = np.random.default_rng([seed, 77])

    def luck() -> pl.Series:
        return pl.Series(rng.random(records.height))

    evidence = pl.any_horizontal(pl.col("birth_date", "phone", "address").is_not_null())
    number = pl.col("resident_id_no")
    chosen, how, at, digit = luck() < NUMBERLESS, luck(), luck(), luck()
    first = _HIDDEN["missing"]
    second = first + _HIDDEN["mistyped"]
    mistyped = pl.Series(
        [
            None if text is None else _mistyped(text, where, by)
            for text, where, by in zip(records["resident_id_no"], at, digit, strict=True)
        ],
        dtype=pl.String,
    )
    hidden = (
        pl.when(how < first)
        .then(pl.lit(None, dtype=pl.String))
        .when(how < second)
        .then(mistyped)
        .otherwise(number.str.head(6) + "********" + number.str.tail(4))
    )
    day, changed, line, other = luck(), luck(), luck(), luck()
    return records.with_columns(
        resident_id_no=pl.when(pl.lit(chosen) & evidence).then(hidden).otherwise(number),
        # Slips in the day (a neighbouring one, or a month), the first of January, the wrong sex, another telephone.
        birth_date=pl.when(day < 0.01)
        .then(pl.col("birth_date").dt.offset_by("1d"))
        .when(day < 0.02)
        .then(pl.col("birth_date").dt.offset_by("1mo"))
        .when(day < 0.03)
        .then(pl.col("birth_date").dt.truncate("1y"))
        .otherwise("birth_date"),
        sex=pl.when(changed < 0.005).then(pl.col("sex").replace({"male": "female", "female": "male"})).otherwise("sex"),
        phone=pl.when(line < 0.03)
        .then(pl.col("phone").str.head(10) + ((other * 10).cast(pl.Int64).cast(pl.String)))
        .otherwise("phone"),
    )


def _mistyped(number: str, where: float, by: float) -> str:
    """Two neighbouring characters swapped, or one digit another."""
    at = 6 + int(where * (len(number) - 8))
    if by < 0.5 and number[at] != number[at + 1]:
        return number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    other = str((int(number[at]) + 1 + int(by * 9)) % 10) if number[at].isdigit() else "0"
    return number[:at] + other + number[at + 1 :]
