"""What stands for a cluster when pairs are weighed, and which clusters are worth looking at."""

from __future__ import annotations

import numpy as np
import polars as pl

from resolution.residents.blocking import RULES, Places, roomy
from resolution.residents.coding import keys_of
from resolution.residents.model import COMPARED

SHARED = ("number", "name", "pinyin", "surname", "sound", "birth", "birth_year", "gender", "community",
          "typed", "typed_ends", "typed_head", "typed_tail")  # fmt: skip
OWN = ("phone", "door", "building")
COLUMNS = ("number", "typed_head", "typed_tail", "sound", *COMPARED[1:])


def representatives(people: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """The rows to be scored: id (a row of `people`), cluster, number and the columns compared.

    A cluster has what a person has once (name, birth) by majority, and stands once for each telephone and each door
    that its records were given with.
    """
    whole = people.join(clusters.select("row", "cluster"), on="row", maintain_order="left")
    label = whole["cluster"].to_numpy()
    order = np.argsort(label, kind="stable")
    starts = np.flatnonzero(np.concatenate([np.ones(min(len(order), 1), bool), np.diff(label[order]) != 0]))
    size = np.diff(np.append(starts, len(order)))
    alone = whole[np.sort(order[starts[size == 1]])]
    several = whole[order[np.repeat(size > 1, size)]]
    told = [alone, _variants(several, size[size > 1])] if several.height else [alone]
    return pl.concat([rows.select("cluster", *COLUMNS, id="row") for rows in told]).sort("id")


def _variants(rows: pl.DataFrame, size: Places) -> pl.DataFrame:
    """The rows that stand for clusters of so many rows each, in the order of `rows`."""
    block = np.repeat(np.arange(len(size)), size)
    usual = {name: rows[name].gather(_usual(rows[name], block, size)) for name in (*SHARED, *OWN)}
    own = [pl.coalesce(name, pl.lit(usual[name].gather(block))).alias(name) for name in OWN]
    told = rows.select("row", "cluster", *own, block=pl.Series(block))
    told = told.unique(["block", *OWN], keep="first", maintain_order=True)
    return told.with_columns(usual[name].gather(told["block"]) for name in SHARED)


def _usual(column: pl.Series, block: Places, size: Places) -> pl.Series:
    """Where each block of rows has its most frequent value; null where it has none.

    Most records of one person agree, and need not be counted.
    """
    known = column.is_not_null().to_numpy()
    codes = column.to_physical().fill_null(0).to_numpy()
    nowhere = len(column)
    first = np.minimum.reduceat(np.where(known, np.arange(nowhere), nowhere), np.cumsum(size) - size)
    torn = np.zeros(len(size), bool)
    torn[block[known & (codes != codes[np.minimum(first, nowhere - 1)][block])]] = True
    at = np.flatnonzero(known & torn[block])
    counts = pl.DataFrame({"block": block[at], "at": at, "value": column[at]}).group_by("block", "value")
    # Of two values as frequent it is the smaller one, whatever its code.
    told = counts.agg(pl.len(), pl.col("at").min()).with_columns(pl.col("value").cast(pl.String))
    told = told.sort("block", "len", "value", descending=[False, True, False])
    chosen = told.unique("block", keep="first", maintain_order=True)
    first[chosen["block"].to_numpy()] = chosen["at"].to_numpy()
    return pl.Series(first).replace(nowhere, None)


def near(people: pl.DataFrame, rows: pl.Series, *, crowded: pl.Series | None = None) -> pl.DataFrame:
    """row of those that share the values of any blocking rule with one of `rows`, these included.

    `crowded` are keys of blocks that do not count.
    """
    mine = people["row"].is_in(rows.implode())
    met = mine.to_numpy().copy()
    for rule, columns in RULES.items():
        key = keys_of(people, columns)
        wanted = key.filter(mine)
        if crowded is not None and not crowded.is_empty():
            some = people.filter(mine).select(columns).unique()
            wanted = keys_of(roomy(some, rule, crowded), columns)
        met |= key.is_in(wanted.drop_nulls().unique().implode()).fill_null(False).to_numpy()
    return people.select("row").filter(pl.Series(met))


def around(
    people: pl.DataFrame, clusters: pl.DataFrame, rows: pl.Series, *, crowded: pl.Series | None = None
) -> pl.DataFrame:
    """The `clusters` (row, cluster), whole, of all records `near` to `rows`."""
    met = near(people, rows, crowded=crowded)
    wanted = met.join(clusters, on="row").select(pl.col("cluster").unique())
    return clusters.join(wanted, on="cluster", how="semi").sort("row")
