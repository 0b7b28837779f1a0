"""What stands for a cluster when pairs are weighed, and which clusters are worth looking at."""

from __future__ import annotations

import polars as pl
import pyarrow.compute as pc

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
    usual = _usual(several)
    filled = several.select("row", "cluster", *OWN).join(usual, on="cluster", how="left", maintain_order="left")
    filled = filled.with_columns(pl.coalesce(name, f"usual_{name}").alias(name) for name in OWN)
    variants = filled.unique(["cluster", *OWN], keep="first", maintain_order=True)
    columns = ["cluster", "number", "typed_head", "typed_tail", "sound", *COMPARED]
    return pl.concat([rows.rename({"row": "id"}).select(columns) for rows in (alone, variants)]).sort("id")


def _usual(rows: pl.DataFrame) -> pl.DataFrame:
    """cluster, number, `SHARED`, usual_X of each X of `OWN`: the most frequent value of each cluster.

    Most records of one person agree, and need not be counted. Values are told apart by codes, quicker than as texts.
    """
    columns = ("number", *SHARED, *OWN)
    encoded = {name: pc.dictionary_encode(rows[name].to_arrow()) for name in columns}
    codes = {name: pl.Series(array.indices, dtype=pl.UInt32) for name, array in encoded.items()}
    coded = rows.select("cluster", **codes)
    least = coded.group_by("cluster").agg(pl.all().min(), pl.all().max().name.prefix("most_"))
    told = {}
    for name, array in encoded.items():
        values = pl.Series(array.dictionary, dtype=rows.schema[name])
        usual, torn = least[name], (least[name] != least[f"most_{name}"]).arg_true()
        # No cluster has two numbers.
        if len(torn) and name != "number":
            usual = usual.scatter(torn, _majority(coded.select("cluster", name), least[torn], values))
        told[name if name in SHARED or name == "number" else f"usual_{name}"] = values.gather(usual)
    return least.select("cluster", **told)


def _majority(coded: pl.DataFrame, torn: pl.DataFrame, values: pl.Series) -> pl.Series:
    """The code of the most frequent value of each of the clusters `torn`; of the smaller one of two as frequent."""
    name = coded.columns[-1]
    counts = coded.drop_nulls().join(torn, on="cluster", how="semi").group_by("cluster", name).len()
    ordered = counts.with_columns(value=values.gather(counts[name])).sort(
        "cluster", "len", "value", descending=[False, True, False]
    )
    chosen = ordered.unique("cluster", keep="first", maintain_order=True).select("cluster", code=name)
    return torn.select("cluster").join(chosen, on="cluster", how="left", maintain_order="left")["code"]


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
