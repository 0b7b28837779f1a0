"""What stands for a cluster when pairs are weighed, and which clusters are worth looking at."""

from __future__ import annotations

import numpy as np
import polars as pl

from resolution.residents.abreast import abreast
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
    usual = _usual(rows, block, size)
    own = [pl.coalesce(name, pl.lit(usual[name].gather(block))).alias(name) for name in OWN]
    told = rows.select("row", "cluster", *own, block=pl.Series(block))
    told = told.unique(["block", *OWN], keep="first", maintain_order=True)
    return told.with_columns(usual.select(SHARED)[told["block"]])


def _usual(rows: pl.DataFrame, block: Places, size: Places) -> pl.DataFrame:
    """`SHARED` and `OWN` of each block of rows: the most frequent value, null where it has none."""
    columns = (*SHARED, *OWN)
    starts, nowhere = np.cumsum(size) - size, rows.height
    codes = rows.select(pl.col(columns).to_physical().cast(pl.Int64).fill_null(-1))
    found = abreast(lambda name: _places(rows[name], codes[name].to_numpy(), block, starts), columns)
    places = pl.DataFrame(dict(zip(columns, found, strict=True)))
    places = places.with_columns(pl.when(pl.all() < nowhere).then(pl.all()))
    return rows.select(pl.col(name).gather(places[name]) for name in columns)


def _places(column: pl.Series, codes: Places, block: Places, starts: Places) -> Places:
    """Where each block has its most frequent value first; the number of rows where it has none (codes below zero).

    Most records of one person agree, and need not be counted.
    """
    known, nowhere = codes >= 0, len(codes)
    first = np.minimum.reduceat(np.where(known, np.arange(nowhere), nowhere), starts)
    torn = np.zeros(len(starts), bool)
    torn[block[known & (codes != codes[np.minimum(first, nowhere - 1)][block])]] = True
    at = np.flatnonzero(known & torn[block])
    if len(at):
        both, places, counts = np.unique(block[at] << 32 | codes[at], return_index=True, return_counts=True)
        # Of two values as frequent it is the smaller one, whatever its code.
        texts = column[at[places]].cast(pl.String).rank("dense").to_numpy()
        order = np.lexsort((texts, -counts, both >> 32))
        some, best = np.unique((both >> 32)[order], return_index=True)
        first[some] = at[places[order[best]]]
    return first


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
