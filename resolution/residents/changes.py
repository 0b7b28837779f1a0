"""Only what is new or changed is linked: to the clusters that stand, and to each other.

By the same code, model and union as a full run, so a record comes to where a full run would most likely bring it; what
a full run would regroup among the records that stand waits for the next one.
"""

from __future__ import annotations

import polars as pl

from resolution.residents.linking import Linked, grow
from resolution.residents.model import Model
from resolution.residents.representatives import around, near
from resolution.residents.town import town_of


def link_changes(people: pl.DataFrame, standing: pl.DataFrame, trained: Model, *, borrowed: pl.Series) -> Linked:
    """Clusters of all records: those of `standing` (row, cluster, link_kind, probable), and where the others belong.

    `people` is of `features`, without the numbers that its rows `borrowed` have.
    """
    standing = _settled(people, standing, borrowed)
    fresh = people.join(standing, on="row", how="anti")
    clusters = _placed(people, standing, fresh)
    # A person of whom more is known now may be who a record was that fits none of the new ones.
    grown = clusters.join(clusters.join(fresh, on="row", how="semi"), on="cluster", how="semi")
    met = near(people, grown["row"])
    # One new namesake, and a lone name is that of one person no more: what rests on weights is asked again.
    weighed = people.filter(pl.col("number").is_null()).select("row").join(met, on="row", how="semi")
    doubtful = standing.join(weighed, on="row", how="semi")
    standing = standing.join(doubtful, on="row", how="anti")
    fresh = people.join(standing, on="row", how="anti")
    clusters = _placed(people, standing, fresh)
    # A probable record says nothing of the one that it was attached to.
    firm = clusters.join(standing.filter("probable"), on="row", how="anti")
    numbered = people.filter(pl.col("number").is_not_null()).select("row").join(firm, on="row")
    loose = firm.join(numbered, on="cluster", how="anti")
    # Records without a number that a fresh one might go with are weighed anew, or their rivals would not be seen.
    changed = pl.concat([fresh["row"], loose.join(met, on="row", how="semi")["row"]]).unique()
    some = around(people, firm, changed)
    told = people.join(firm, on="row", maintain_order="left")
    town = town_of(told, told["cluster"])
    part = grow(people.join(some, on="row", how="semi"), some, trained, changed=changed, town=town)
    moved = some.join(part.clusters, on="row").group_by("cluster").agg(to=pl.col("cluster_right").min())
    attached = standing.filter("probable").join(moved, on="cluster", how="left")
    rest = firm.join(some, on="row", how="anti")
    whole = pl.concat(
        [
            part.clusters.select("row", "cluster", "probable"),
            rest.select("row", "cluster", probable=pl.lit(False)),
            attached.select("row", cluster=pl.coalesce("to", "cluster"), probable=pl.lit(True)),
        ]
    )
    return Linked(whole.sort("row"), part.torn, part.counts)


def _settled(people: pl.DataFrame, standing: pl.DataFrame, borrowed: pl.Series) -> pl.DataFrame:
    """`standing` without clusters of which a record is read otherwise now: what is new may tell a borrowed number."""
    numbers = standing.join(people.select("row", "number"), on="row")
    otherwise = numbers.filter(
        (pl.col("row").is_in(borrowed.implode()) & pl.col("link_kind").is_in(["exact", "single"]))
        | (pl.col("number").is_not_null() & pl.col("link_kind").is_in(["probabilistic", "probable"]))
    )
    return standing.join(otherwise, on="cluster", how="anti").drop("link_kind")


def _placed(people: pl.DataFrame, standing: pl.DataFrame, fresh: pl.DataFrame) -> pl.DataFrame:
    """row, cluster: the standing ones, and the fresh ones by their number or alone."""
    numbers = people.filter(pl.col("number").is_not_null()).select("row", "number")
    held = numbers.join(standing.filter(~pl.col("probable")), on="row")
    owners = held.group_by("number").agg(owner=pl.col("cluster").min())
    first = pl.col("row").min().over("number")
    mine = fresh.select("row", "number").join(owners, on="number", how="left", maintain_order="left")
    alone = pl.when(pl.col("number").is_not_null()).then(first).otherwise("row")
    return pl.concat([standing.select("row", "cluster"), mine.select("row", cluster=pl.coalesce("owner", alone))]).sort(
        "row"
    )
