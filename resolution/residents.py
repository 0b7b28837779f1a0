"""Which records are one resident: the exact stage on valid identity numbers, then rules for the rest.

The measured lessons behind the guards: a valid number is not always the right person's (the household head's
number gets typed in); two valid numbers are never one person; a phone is never a key alone; a name with a birth
date decides only where it points at one person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from connectors.standards import resident_id
from resolution.union import components

CLUSTER_SCHEMA = {"row": pl.Int64, "cluster": pl.Int64, "link_kind": pl.String, "reason": pl.String}
MAX_GROUP = 50
"""A rule value shared by more records than this (a switchboard, a placeholder) links nobody."""


@dataclass(frozen=True)
class Clusters:
    """`assigned`: row, cluster, link_kind, reason for every record; `doubtful`: row, reason for review."""

    assigned: pl.DataFrame
    doubtful: pl.DataFrame


def cluster(records: pl.DataFrame) -> Clusters:
    """Cluster records of `resolution.sources.RESIDENT_SCHEMA`; a cluster's label is one of its rows."""
    people = _prepared(records)
    borrowed = _borrowed_numbers(people)
    people = people.with_columns(
        number=pl.when(~pl.col("row").is_in(borrowed["row"].implode())).then(pl.col("number")),
    )
    exact = people.filter(pl.col("number").is_not_null()).select(
        "row", cluster=pl.col("row").min().over("number"), link_kind=pl.lit("exact"), reason=pl.lit("resident_id")
    )
    assigned = exact
    for rule, key in _rules():
        assigned = pl.concat([assigned, _attached(people, assigned, rule, key)])
    assigned = pl.concat([assigned, _among_the_rest(people, assigned)])
    size = pl.len().over("cluster")
    single = assigned.with_columns(
        link_kind=pl.when(size == 1).then(pl.lit("single")).otherwise("link_kind"),
        reason=pl.when(size == 1).then(pl.lit("no other record")).otherwise("reason"),
    )
    return Clusters(single.sort("row"), borrowed)


def _prepared(records: pl.DataFrame) -> pl.DataFrame:
    number = records["resident_id_no"]
    valid = resident_id.is_valid(number).fill_null(False)
    number = pl.select(pl.when(valid).then(number)).to_series()
    people = records.with_row_index("row").with_columns(
        pl.col("row").cast(pl.Int64),
        number=number,
        number_birth=resident_id.birth_date(number),
        number_sex=resident_id.sex(number),
    )
    return people.with_columns(
        birth=pl.coalesce("birth_date", "number_birth"),
        gender=pl.coalesce(pl.col("sex").replace({"unknown": None, "unstated": None}), "number_sex"),
    )


def _borrowed_numbers(people: pl.DataFrame) -> pl.DataFrame:
    """Records whose valid number is likely another person's: name and birth date both disagree with it.

    The name is held against the most frequent name under that number, the birth date against the one inside it.
    """
    named = people.filter(pl.col("number").is_not_null() & pl.col("name").is_not_null())
    usual = (
        named.group_by("number", "name").len().sort("len", "name", descending=[True, False]).unique(
            "number", keep="first", maintain_order=True
        )
    ).select("number", usual="name")  # fmt: skip
    return (
        named.join(usual, on="number")
        .filter((pl.col("name") != pl.col("usual")) & (pl.col("birth_date") != pl.col("number_birth")))
        .select("row", reason=pl.lit("identity number of another person: name and birth date both disagree"))
    )


def _rules() -> Iterator[tuple[str, list[str]]]:
    yield "phone and name", ["phone", "name"]
    yield "name and birth date", ["name", "birth"]


def _attached(people: pl.DataFrame, assigned: pl.DataFrame, rule: str, key: list[str]) -> pl.DataFrame:
    """Records without a cluster that share the rule's values with exactly one cluster, and contradict nothing."""
    keyed = people.filter(pl.all_horizontal(pl.col(key).is_not_null()) & ~_placeholder_birthday(key))
    known = keyed.join(assigned.select("row", "cluster"), on="row")
    targets = (
        known.group_by(key)
        .agg(
            clusters=pl.col("cluster").n_unique(),
            cluster=pl.col("cluster").first(),
            known_birth=pl.col("birth").drop_nulls().mode().sort().first(),
            known_gender=pl.col("gender").drop_nulls().mode().sort().first(),
        )
        .filter(pl.col("clusters") == 1)
    )
    waiting = keyed.join(assigned.select("row"), on="row", how="anti").join(targets, on=key)
    agree = _agrees("birth", "known_birth") & _agrees("gender", "known_gender")
    return waiting.filter(agree).select(
        "row", "cluster", link_kind=pl.lit("rule"), reason=pl.lit(rule)
    )  # fmt: skip


def _among_the_rest(people: pl.DataFrame, assigned: pl.DataFrame) -> pl.DataFrame:
    """Records without any number or match, joined to each other by the same rules."""
    rest = people.join(assigned.select("row"), on="row", how="anti").with_row_index("node")
    edges = []
    for rule, key in _rules():
        keyed = rest.filter(pl.all_horizontal(pl.col(key).is_not_null()) & ~_placeholder_birthday(key))
        grouped = keyed.with_columns(
            first=pl.col("node").first().over(key),
            size=pl.len().over(key),
            births=pl.col("birth").n_unique().over(key),
            genders=pl.col("gender").drop_nulls().n_unique().over(key),
        ).filter(pl.col("size").is_between(2, MAX_GROUP) & (pl.col("births") == 1) & (pl.col("genders") <= 1))
        edges.append(grouped.select("node", "first", reason=pl.lit(rule)))
    joined = pl.concat(edges)
    labels = components(len(rest), joined["node"].to_numpy(), joined["first"].to_numpy())
    why = joined.unique("node", keep="first", maintain_order=True).select("node", "reason")
    return (
        rest.with_columns(cluster=rest["row"].gather(labels))
        .join(why, on="node", how="left", maintain_order="left")
        .select(
            "row",
            "cluster",
            link_kind=pl.lit("rule"),
            reason=pl.col("reason").fill_null("linked by another record's rule"),
        )
    )


def _placeholder_birthday(key: list[str]) -> pl.Expr:
    """1 January is what gets typed in when nobody knows the birthday: no evidence beside a common name."""
    if "birth" not in key:
        return pl.lit(False)
    return (pl.col("birth").dt.month() == 1) & (pl.col("birth").dt.day() == 1)


def _agrees(mine: str, theirs: str) -> pl.Expr:
    """Equal, or one of the two unknown."""
    return (pl.col(mine) == pl.col(theirs)).fill_null(True)
