"""What stands for a cluster when pairs are weighed, and which clusters are worth looking at."""

from __future__ import annotations

import polars as pl

from resolution.residents.blocking import RULES, roomy
from resolution.residents.model import COMPARED

SHARED = ("name", "pinyin", "surname", "sound", "birth", "birth_year", "gender", "community",
          "typed", "typed_ends", "typed_head", "typed_tail")  # fmt: skip
OWN = ("phone", "door", "building")


def representatives(people: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """The rows to be scored: id (a row of `people`), cluster, number and the columns compared.

    A cluster has what a person has once (name, birth) by majority, and stands once for each telephone and each door
    that its records were given with.
    """
    whole = people.join(clusters.select("row", "cluster"), on="row", maintain_order="left")
    size = pl.len().over("cluster")
    alone, several = whole.filter(size == 1), whole.filter(size > 1)
    filled = several.select("row", "cluster", "number", *OWN)
    filled = filled.with_columns(pl.col("number").drop_nulls().first().over("cluster"))
    for name in SHARED:
        filled = filled.join(_majority(several, name), on="cluster", how="left", maintain_order="left")
    for name in OWN:
        usual = _majority(several, name).rename({name: "usual"})
        filled = (
            filled.join(usual, on="cluster", how="left", maintain_order="left")
            .with_columns(pl.coalesce(name, "usual").alias(name))
            .drop("usual")
        )
    variants = filled.unique(["cluster", *OWN], keep="first", maintain_order=True)
    columns = ["cluster", "number", "typed_head", "typed_tail", "sound", *COMPARED]
    return pl.concat([rows.rename({"row": "id"}).select(columns) for rows in (alone, variants)]).sort("id")


def _majority(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """cluster and its most frequent value; the smaller one of two as frequent."""
    counts = rows.select("cluster", name).drop_nulls().group_by("cluster", name).len()
    several = counts["cluster"].is_duplicated()
    chosen = (
        counts.filter(several)
        .sort("cluster", "len", name, descending=[False, True, False])
        .unique("cluster", keep="first", maintain_order=True)
    )
    return pl.concat([counts.filter(~several), chosen]).select("cluster", name)


def near(people: pl.DataFrame, rows: pl.Series, *, crowded: pl.Series | None = None) -> pl.DataFrame:
    """row of those that share the values of any blocking rule with one of `rows`, these included.

    `crowded` are keys of blocks that do not count.
    """
    some = people.filter(pl.col("row").is_in(rows.implode()))
    found = [some.select("row")]
    for rule, keys in RULES.items():
        wanted = roomy(some.select(keys).drop_nulls().unique(), rule, crowded)
        found.append(people.select("row", *keys).join(wanted, on=keys, how="semi").select("row"))
    return pl.concat(found).unique()


def around(
    people: pl.DataFrame, clusters: pl.DataFrame, rows: pl.Series, *, crowded: pl.Series | None = None
) -> pl.DataFrame:
    """The `clusters` (row, cluster), whole, of all records `near` to `rows`."""
    met = near(people, rows, crowded=crowded)
    wanted = met.join(clusters, on="row").select(pl.col("cluster").unique())
    return clusters.join(wanted, on="cluster", how="semi").sort("row")
