"""A household as evidence: a record with a name and a telephone or door of others goes to who lives with these.

A family moves, or takes another line, and a register keeps the old one. Of the record that it has nothing fits the
person any more but the name. Yet another of the household is still known with the old telephone or door, and with the
new one, too. Whoever bears the name there is the one, if nobody else is: a probable link.
"""

from __future__ import annotations

import polars as pl

BESIDE = ("phone", "door")
"""What those who live together share."""
LASTING = ("birth_year", "typed_ends")
"""Who says one of these is found by it, or is another."""
MOST = 12
"""A telephone or door of more people tells nobody's household."""


def attachments(people: pl.DataFrame, clusters: pl.DataFrame, mine: pl.Series | None = None) -> pl.DataFrame:
    """cluster and into (who lives with somebody whose telephone or door the cluster has, and bears its name).

    `clusters` has row, cluster, probable of `people`, in their order; with `mine` (clusters) only these are looked at.
    """
    told = pl.concat([_told(people), clusters.select("cluster", "probable")], how="horizontal")
    told = told.filter(~pl.col("probable"))
    numbered = told.select(pl.col("cluster").filter("numbered").unique())
    persons = pl.col("cluster").is_in(numbered["cluster"].implode())
    told, free = told.filter(persons), told.filter(~persons)
    if mine is not None:
        free = free.filter(pl.col("cluster").is_in(mine.implode()))
    free = free.join(free.filter("lasting"), on="cluster", how="anti")
    wanted = _values(free.select("name", *BESIDE, mine="cluster")).drop_nulls()
    if wanted.is_empty():
        return pl.DataFrame(schema={"cluster": pl.Int64, "into": pl.Int64})
    paths = _paths(wanted, told)
    names = told.filter(pl.col("name").is_in(paths["name"].unique().implode()))
    there = _values(names.select("name", *BESIDE, into="cluster")).rename({"value": "home"}).unique()
    found = paths.join(there, on=["name", "home"]).filter(pl.col("into") != pl.col("with"))
    return (
        found.group_by(cluster="mine")
        .agg(pl.col("into").unique())
        .filter(pl.col("into").list.len() == 1)
        .select("cluster", pl.col("into").list.first())
    )


def attached(people: pl.DataFrame, clusters: pl.DataFrame, mine: pl.Series | None = None) -> pl.DataFrame:
    """`clusters` with household (whether a row was attached by that), after `attachments`."""
    found = attachments(people, clusters, mine)
    both = clusters.join(found, on="cluster", how="left", maintain_order="left")
    here = pl.col("into").is_not_null()
    return both.select(
        "row", cluster=pl.coalesce("into", "cluster"), probable=pl.col("probable") | here, household=here
    )


def touched(people: pl.DataFrame, standing: pl.DataFrame, some: pl.DataFrame) -> pl.Series:
    """Rows that stand, by a name alone or alone, and of which `some` may be the household, or the one.

    `some` has the columns of `people`: those who look otherwise than before, as they are and as they were.
    """
    told, others = _told(people).join(standing, on="row"), _told(some)
    numbered = told.filter(~pl.col("probable") & pl.col("numbered")).select(pl.col("cluster").unique())
    by_name, firm = told.filter("probable"), told.filter(~pl.col("probable"))
    free = pl.concat([by_name, firm.join(numbered, on="cluster", how="anti")])
    lasting = free.filter("lasting").select("cluster", "probable").unique()
    single = free.filter(~pl.col("lasting")).join(
        lasting.filter(~pl.col("probable")), on=["cluster", "probable"], how="anti"
    )
    wanted = _values(single.select("name", *BESIDE, mine="row")).drop_nulls()
    near = wanted.join(_values(others.select(*BESIDE)), on="value")["mine"]
    named = wanted.filter(pl.col("name").is_in(others["name"].drop_nulls().unique().implode()))
    homes = _values(others.select("name", *BESIDE)).rename({"value": "home"}).unique()
    paths = _paths(named, firm.join(numbered, on="cluster", how="semi"))
    mine = pl.concat([near, paths.join(homes, on=["name", "home"])["mine"]]).unique()
    # Who came to one of these by a name alone goes with it, or stays without.
    together = free.filter(pl.col("row").is_in(mine.implode())).select("cluster")
    return free.join(together, on="cluster", how="semi")["row"]


def free(people: pl.DataFrame, standing: pl.DataFrame, rows: pl.Series | None = None) -> pl.DataFrame:
    """Those of the people (of `rows`) who may be found by their household alone, for they stand with no number."""
    nothing = pl.all_horizontal(pl.col("number", *LASTING).is_null())
    some = people.filter(nothing & pl.col("name").is_not_null() & pl.any_horizontal(pl.col(BESIDE).is_not_null()))
    firm = standing.filter(~pl.col("probable"))
    numbered = people.filter(pl.col("number").is_not_null()).join(firm, on="row").select("cluster")
    some = some if rows is None else some.filter(pl.col("row").is_in(rows.implode()))
    return some.join(firm.join(numbered, on="cluster", how="semi"), on="row", how="anti")


def _told(people: pl.DataFrame) -> pl.DataFrame:
    """row, codes of name, telephone and door, whether there is a number or something else that lasts."""
    return people.select(
        "row",
        pl.col("name", *BESIDE).to_physical(),
        numbered=pl.col("number").is_not_null(),
        lasting=pl.any_horizontal(pl.col(LASTING).is_not_null()),
    )


def _values(rows: pl.DataFrame) -> pl.DataFrame:
    """A row for each telephone and each door (value); a code is of one text, whichever of the two it is."""
    rest = [name for name in rows.columns if name not in BESIDE]
    return pl.concat([rows.select(*rest, value=name) for name in BESIDE]).drop_nulls("value")


def _paths(wanted: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    """mine, name, with (somebody whose the value is), home (what else this one is known with)."""
    values = wanted["value"].unique().implode()
    shared = persons.filter(pl.any_horizontal(pl.col(BESIDE).is_in(values)))
    holders = _values(shared.select(*BESIDE, pl.col("cluster").alias("with"))).unique()
    holders = holders.filter(pl.len().over("value") <= MOST)
    met = wanted.join(holders, on="value").unique()
    homes = persons.filter(pl.col("cluster").is_in(met["with"].unique().implode()))
    homes = _values(homes.select(*BESIDE, pl.col("cluster").alias("with"))).rename({"value": "home"}).unique()
    return met.join(homes, on="with").filter(pl.col("home") != pl.col("value")).select("mine", "name", "with", "home")
