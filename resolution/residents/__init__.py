"""Which records are one resident: valid identity numbers first, then weighed evidence, then lone names.

The measured lessons behind it: a valid number is not always the right person's (the household head's number gets
typed in); two valid numbers are never one person; a phone is never a key alone; links are made from the strongest
evidence to the weakest, and none is made that would join two numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from resolution.residents import model
from resolution.residents.blocking import RuleCount
from resolution.residents.changes import link_changes
from resolution.residents.evidence import explain
from resolution.residents.exact import borrowed_numbers, exact_clusters
from resolution.residents.features import features, without_number
from resolution.residents.linking import link

__all__ = ["Clusters", "cluster", "explain"]

_KEY = ["system", "stream", "record_key"]
TORN = "fits two people nearly as well, and goes to neither"
_REASONS = {
    "exact": "resident_id",
    "probabilistic": "name, birth, telephone and place weighed together",
    "probable": "the one person whom the name fits, and nothing contradicts",
    "single": "no other record",
}


@dataclass(frozen=True)
class Clusters:
    """`assigned`: row, cluster, link_kind, reason for every record; `doubtful`: row, reason for review."""

    assigned: pl.DataFrame
    doubtful: pl.DataFrame
    counts: list[RuleCount] = field(default_factory=list)
    """What each blocking rule made, for the figures of the run."""


def cluster(records: pl.DataFrame, *, standing: pl.DataFrame | None = None) -> Clusters:
    """Cluster records of `resolution.sources.RESIDENT_SCHEMA`; a cluster's label is one of its rows.

    link_kind is exact (by a number), probabilistic (by weight), probable (by a lone name; to be used with care) or
    single. The order of the rows makes no difference to what belongs together. With `standing` (row, cluster,
    link_kind of records that were linked before and have not changed) only the others are linked, to these and to each
    other. Raises `model.ModelError`.
    """
    order = _ordered(records.with_row_index("place"))
    place = order.select(row=pl.int_range(pl.len()), place=pl.col("place").cast(pl.Int64))
    people = features(order.drop("place"))
    borrowed = borrowed_numbers(people)
    people = without_number(people, borrowed)
    trained = model.load()
    if standing is None:
        linked = link(people, exact_clusters(people), trained)
    else:
        linked = link_changes(people, _ours(standing, place), trained, borrowed=borrowed["row"])
    kind = (
        pl.when(pl.len().over("cluster") == 1)
        .then(pl.lit("single"))
        .when("numbered")
        .then(pl.lit("exact"))
        .when("probable")
        .then(pl.lit("probable"))
        .otherwise(pl.lit("probabilistic"))
    )
    numbered = people.select("row", numbered=pl.col("number").is_not_null())
    assigned = linked.clusters.join(numbered, on="row", maintain_order="left").with_columns(link_kind=kind)
    assigned = assigned.with_columns(reason=pl.col("link_kind").replace_strict(_REASONS, return_dtype=pl.String))
    doubtful = pl.concat([borrowed, linked.torn.select("row", reason=pl.lit(TORN))])
    return Clusters(
        _named(assigned.select("row", "cluster", "link_kind", "reason"), place["place"], "row", "cluster").sort("row"),
        _named(doubtful, place["place"], "row").sort("row"),
        linked.counts,
    )


def _ours(standing: pl.DataFrame, place: pl.DataFrame) -> pl.DataFrame:
    """row, cluster, link_kind, probable in our order; a cluster is named by its smallest row, not by the caller's."""
    back = place.select(row="place", ours="row")
    rows = standing.join(back, on="row")
    return rows.select(
        "link_kind",
        row="ours",
        cluster=pl.col("ours").min().over("cluster"),
        probable=pl.col("link_kind") == "probable",
    )


def _ordered(records: pl.DataFrame) -> pl.DataFrame:
    """Ties are broken by row numbers, so rows are numbered in an order of their own."""
    keyed = records.sort(_KEY, nulls_last=True)
    if keyed.select(pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in _KEY).any()).item():
        return records.sort(pl.exclude("place"), nulls_last=True)
    return keyed


def _named(frame: pl.DataFrame, place: pl.Series, *columns: str) -> pl.DataFrame:
    """Row numbers of our order as those of the caller's."""
    return frame.with_columns(place.gather(frame[column]).alias(column) for column in columns)
