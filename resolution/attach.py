"""Records without a number of their own, attached where what they share points at exactly one cluster.

Nothing here scores likeness: a rule is a set of columns that have to be equal, and it decides only where all records
that share their values and have a cluster are of the same one. Rules run from the strongest to the weakest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

ASSIGNED = {"row": pl.Int64, "cluster": pl.Int64, "link_kind": pl.String, "reason": pl.String}


@dataclass(frozen=True)
class Rule:
    """Columns that must be equal (and not null), what stewards read as reason, and how sure the link is.

    A rule `among` equals also joins records that have no cluster yet.
    """

    reason: str
    key: tuple[str, ...]
    link_kind: str = "probabilistic"
    among: bool = False


def attached(
    rows: pl.DataFrame, candidates: pl.DataFrame, assigned: pl.DataFrame, rules: Sequence[Rule]
) -> pl.DataFrame:
    """`assigned` and those of the candidates that a rule attaches.

    `rows` and `candidates` have row, the rules' columns and `register` (null, or the name of a register in which an
    entity stands once: two records of one are two entities). `assigned` has row, cluster, link_kind, reason.
    """
    for rule in rules:
        keyed = rows.drop_nulls(rule.key).join(assigned.select("row", "cluster"), on="row")
        targets = (
            keyed.group_by(rule.key)
            .agg(pl.col("cluster").unique())
            .filter(pl.col("cluster").list.len() == 1)
            .select(*rule.key, pl.col("cluster").list.first())
        )
        free = candidates.drop_nulls(rule.key).join(assigned.select("row"), on="row", how="anti")
        found = free.join(targets, on=rule.key)
        standing = rows.join(assigned.select("row", "cluster"), on="row").select("cluster", "register").drop_nulls()
        twice = found.join(standing, on=["cluster", "register"], how="semi")
        rivals = found.filter(pl.col("register").is_not_null() & (pl.len().over("cluster", "register") > 1))
        refused = pl.concat([twice.select("row"), rivals.select("row")])
        found = found.join(refused, on="row", how="anti").select(
            "row", "cluster", link_kind=pl.lit(rule.link_kind), reason=pl.lit(rule.reason)
        )
        assigned = pl.concat([assigned, found])
    return assigned


def joined(rows: pl.DataFrame, candidates: pl.DataFrame, assigned: pl.DataFrame, rules: Sequence[Rule]) -> pl.DataFrame:
    """`assigned` and those of the candidates that the rules `among` equals join to each other."""
    for rule in rules:
        if not rule.among:
            continue
        rest = candidates.join(assigned.select("row"), on="row", how="anti").drop_nulls(rule.key)
        # What clusters share already was not decided by the rule: it says nothing between these records either.
        shared = rows.join(assigned.select("row"), on="row").select(rule.key).drop_nulls()
        rest = rest.join(shared, on=list(rule.key), how="anti")
        found = rest.with_columns(
            cluster=pl.col("row").min().over(rule.key),
            size=pl.len().over(rule.key),
            twice=(pl.col("register").count() > pl.col("register").drop_nulls().n_unique()).over(rule.key),
        ).filter((pl.col("size") > 1) & ~pl.col("twice"))
        found = found.select("row", "cluster", link_kind=pl.lit(rule.link_kind), reason=pl.lit(rule.reason))
        assigned = pl.concat([assigned, found])
    return assigned


def alone(candidates: pl.DataFrame, assigned: pl.DataFrame) -> pl.DataFrame:
    """`assigned` and each of the candidates left as a cluster of its own."""
    rest = candidates.join(assigned.select("row"), on="row", how="anti")
    single = rest.select("row", cluster="row", link_kind=pl.lit("single"), reason=pl.lit("no other record"))
    return pl.concat([assigned, single])


def named(assigned: pl.DataFrame) -> pl.DataFrame:
    """Clusters called by their first row, whichever rule came first; those of one record say so. Sorted by row."""
    size = pl.len().over("cluster")
    return assigned.with_columns(
        cluster=pl.col("row").min().over("cluster"),
        link_kind=pl.when(size == 1).then(pl.lit("single")).otherwise("link_kind"),
        reason=pl.when(size == 1).then(pl.lit("no other record")).otherwise("reason"),
    ).sort("row")
