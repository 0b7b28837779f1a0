"""Which records are one resident: valid numbers first, then what two statements settle, weighed evidence, lone names.

The measured lessons behind it: a valid number is not always the right person's (the household head's number gets
typed in); two valid numbers are never one person; a phone is never a key alone; links are made from the strongest
evidence to the weakest, and none is made that would join two numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from resolution import backends
from resolution.residents import model
from resolution.residents.blocking import RuleCount
from resolution.residents.changes import link_changes
from resolution.residents.evidence import explain
from resolution.residents.exact import borrowed_numbers, exact_clusters, questioned_numbers
from resolution.residents.features import features, without_number
from resolution.residents.linking import Linked, link
from resolution.residents.town import Elsewhere
from warehouse import heap

__all__ = ["Clusters", "cluster", "cluster_all", "cluster_part", "explain"]

_KEY = ["system", "stream", "record_key"]
TORN = "fits two people nearly as well, and goes to neither"
_REASONS = {
    "exact": "resident_id",
    "probabilistic": "name, birth, telephone and place weighed together",
    "probable": "the one person whom the name fits, and nothing contradicts",
    "single": "no other record",
    "household": "the one who bears the name where somebody lives whose telephone or door this was",
}


@dataclass(frozen=True)
class Clusters:
    """`assigned`: row, cluster, link_kind, reason for every record; `doubtful`: row, reason for review."""

    assigned: pl.DataFrame
    doubtful: pl.DataFrame
    counts: list[RuleCount] = field(default_factory=list)
    """What each blocking rule made, for the figures of the run."""
    numbered: pl.Series | None = None
    """Rows that bear an identity number of their own, where the kind has such."""
    borrowed: pl.Series = field(default_factory=lambda: pl.Series("row", [], dtype=pl.Int64))
    """Rows whose number was read as another person's."""


def cluster(records: pl.DataFrame) -> Clusters:
    """Cluster records of `resolution.sources.RESIDENT_SCHEMA`; a cluster's label is one of its rows.

    link_kind is exact (by a number), probabilistic (by weight), probable (by a lone name; to be used with care) or
    single. The order of the rows makes no difference to what belongs together. Raises `model.ModelError`.
    """
    with heap.kept():
        order = _ordered(records.with_row_index("place"))
        place = order["place"].cast(pl.Int64)
        people = features(order.drop("place"))
        found = cluster_all(people, borrowed_numbers(people))
    return Clusters(
        _named(found.assigned, place, "row", "cluster").sort("row"),
        _named(found.doubtful, place, "row").sort("row"),
        found.counts,
        None if found.numbered is None else place.gather(found.numbered).sort(),
        place.gather(found.borrowed).sort(),
    )


def cluster_all(people: pl.DataFrame, borrowed: pl.DataFrame) -> Clusters:
    """The same of `features`, whose rows are numbered in an order of their own; `borrowed` is of `borrowed_numbers`."""
    trained = model.load()
    people = without_number(people, borrowed)
    try:
        linked = link(people, exact_clusters(people), trained)
    finally:
        backends.release()
    return _told(people, borrowed, linked)


def cluster_part(
    people: pl.DataFrame,
    borrowed: pl.DataFrame,
    standing: pl.DataFrame,
    *,
    moved: pl.Series,
    asked: pl.Series,
    elsewhere: Elsewhere,
) -> Clusters:
    """Where the records of a part of the town belong that do not stand; see `changes`.

    `people` have lost their `borrowed` numbers (row, reason); those without a reason were known, and are told no more.
    """
    try:
        linked = link_changes(people, standing, model.load(), moved=moved, asked=asked, elsewhere=elsewhere)
    finally:
        backends.release()
    return _told(people, borrowed, linked)


def _told(people: pl.DataFrame, borrowed: pl.DataFrame, linked: Linked) -> Clusters:
    """What was linked, in the words of the ledger."""
    numbered = people.select("row", numbered=pl.col("number").is_not_null())
    assigned = linked.clusters.join(numbered, on="row", maintain_order="left")
    size = np.bincount(assigned["cluster"].to_numpy())
    alone = pl.Series(size == 1).gather(assigned["cluster"])
    # By its place in _REASONS: texts of a million rows are copied, not compared.
    place = pl.when(alone).then(3).when("numbered").then(0).when("probable").then(2).otherwise(1)
    places = assigned.select(place=pl.when("household").then(4).otherwise(place))["place"]
    kinds = [kind.replace("household", "probable") for kind in _REASONS]
    assigned = assigned.with_columns(
        pl.Series(name, texts).gather(places)
        for name, texts in (("link_kind", kinds), ("reason", [*_REASONS.values()]))
    )
    torn = linked.torn.select("row", reason=pl.lit(TORN))
    doubtful = pl.concat([borrowed.drop_nulls(), questioned_numbers(people), torn])
    return Clusters(
        assigned.select("row", "cluster", "link_kind", "reason").sort("row"),
        doubtful.sort("row"),
        linked.counts,
        numbered.filter("numbered")["row"],
        borrowed["row"],
    )


def _ordered(records: pl.DataFrame) -> pl.DataFrame:
    """Ties are broken by row numbers, so rows are numbered in an order of their own."""
    if records.select(_ascending(*_KEY).slice(1).fill_null(False).all()).item():
        return records
    keyed = records.sort(_KEY, nulls_last=True)
    if keyed.select(pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in _KEY).any()).item():
        return records.sort(pl.exclude("place"), nulls_last=True)
    return keyed


def _ascending(first: str, *others: str) -> pl.Expr:
    """Whether each row comes after the one before it; to find them in order already costs less than to sort them."""
    value, before = pl.col(first), pl.col(first).shift()
    return (value > before) | ((value == before) & _ascending(*others)) if others else value > before


def _named(frame: pl.DataFrame, place: pl.Series, *columns: str) -> pl.DataFrame:
    """Row numbers of our order as those of the caller's."""
    return frame.with_columns(place.gather(frame[column]).alias(column) for column in columns)
