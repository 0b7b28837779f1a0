"""The exact stage: one valid number is one person, save where the number is likely another person's.

A valid number is not always the right person's: the household head's gets typed in for wife and child. Such
records are set aside for review and go on without a number.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from connectors.standards import resident_id
from resolution.residents.coding import codes_of

Truths = npt.NDArray[np.bool_]

BORROWED = "identity number of another person: name and birth date both disagree"
UNCONFIRMED = "identity number of another person: quite another name, and no birth date to confirm it"
ALIKE = 0.5
"""Names with more than this share of characters in common may be one name written badly."""


def borrowed_numbers(people: pl.DataFrame) -> pl.DataFrame:
    """Rows (row, reason) of `features` whose valid number is likely another person's.

    The name is held against the usual one under that number (first what bears the number's own birth date, then
    the most frequent), the birth date against the one inside the number.
    """
    named = people.filter(pl.Series(_several_names(people)))
    born = resident_id.birth_date(named["number"].cast(pl.String))
    named = named.with_columns(confirmed=(pl.col("day") == born), denied=(pl.col("day") != born))
    usual = (
        named.group_by("number", "name")
        .agg(confirmed=pl.col("confirmed").sum(), denied=pl.col("denied").sum(), records=pl.len(),
             usual_pinyin=pl.col("pinyin").first())
        .sort(pl.col("confirmed") > 0, pl.col("denied") == 0, "records", "name", descending=[True, True, True, False])
        .unique("number", keep="first", maintain_order=True)
        .select("number", "usual_pinyin", usual="name")
    )  # fmt: skip
    other = (
        named.join(usual, on="number")
        .filter((pl.col("pinyin") != pl.col("usual_pinyin")) & ~pl.col("confirmed").fill_null(False))
        .with_columns(another=~_alike("name", "usual"))
    )
    reason = pl.when(pl.col("denied").fill_null(False)).then(pl.lit(BORROWED)).otherwise(pl.lit(UNCONFIRMED))
    doubtful = pl.col("denied").fill_null(False) | pl.col("another")
    return other.filter(doubtful).select("row", reason=reason).sort("row")


def _several_names(people: pl.DataFrame) -> Truths:
    """Which rows have a name, and a number under which there is another one too: few, and told apart by codes."""
    number, name = codes_of(people["number"]), codes_of(people["name"])
    known = (number >= 0) & (name >= 0)
    one, several = np.full(number.max(initial=0) + 1, -1), np.zeros(number.max(initial=0) + 1, bool)
    one[number[known]] = name[known]
    several[number[known & (one[number] != name)]] = True
    return np.asarray(known & several[number])


def exact_clusters(people: pl.DataFrame) -> pl.DataFrame:
    """row, cluster (its first row) of every record with a number."""
    numbered = people.filter(pl.col("number").is_not_null())
    return numbered.select("row", cluster=pl.col("row").min().over("number"))


def _alike(mine: str, theirs: str) -> pl.Expr:
    """Most characters in common, or one the other's beginning (古丽 for 古丽·买买提)."""
    a, b = (pl.col(name).cast(pl.String) for name in (mine, theirs))
    first, second = (name.str.split("").list.unique() for name in (a, b))
    longer = pl.max_horizontal(first.list.len(), second.list.len())
    common = first.list.set_intersection(second).list.len() / longer
    return (common > ALIKE) | a.str.starts_with(b) | b.str.starts_with(a)
