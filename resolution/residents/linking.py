"""The probabilistic stage: clusters of one number and records without one, scored in pairs and joined.

It runs twice: what two records without a number say together may tell whose they are when neither does alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from resolution.residents import household, model
from resolution.residents.blocking import Places, RuleCount, Truths, candidate_pairs, rule_budget
from resolution.residents.coding import codes_of
from resolution.residents.evident import evident
from resolution.residents.features import EVIDENCE, given_names, without_bare_names
from resolution.residents.model import Model
from resolution.residents.promise import promising
from resolution.residents.representatives import around, representatives
from resolution.residents.town import Town, town_of
from resolution.union import NONE, YEARS_APART, constrained

CERTAIN = 0.0
"""Least weight (log2 of the odds) of an automatic link: more likely than not, after all that `possible` rules out."""
PROBABLE = -3.0
"""Least weight of a probable one: about what a name alone weighs that one person in town bears."""
UNRIVALLED = -4.5
"""The same of what tells of nothing that lasts (`LASTING`) but of a door, and fits nobody else in the least: a door of
before says little against the one person whom the name fits. With a telephone alone it is not so: then a namesake of
whom no telephone is known would fit better than the person whose telephone is another now."""
MARGIN = 3.0
"""A record that fits two people goes to the one whom it fits better by so much, or to neither."""
WEIGHED = UNRIVALLED - MARGIN
"""What weighs less is nobody's rival."""
LARGEST = 60
"""More records never come together by weights than this (those of one number count as one)."""
LASTING = ("birth_year", "typed_ends")
"""Evidence that stays as long as one lives."""


@dataclass(frozen=True)
class Linked:
    """`clusters`: row, cluster, probable of every record, in the end household (whether it was that), too. `torn`: rows
    that fit two people nearly as well."""

    clusters: pl.DataFrame
    torn: pl.DataFrame
    counts: list[RuleCount]


def link(people: pl.DataFrame, exact: pl.DataFrame, trained: Model) -> Linked:
    """Join records without a number to those with one and to each other. See `union.constrained` for what forbids it.

    `people` is of `features`; `exact` has row and cluster of those with a number.
    """
    clusters = people.select("row").join(exact, on="row", how="left", maintain_order="left")
    clusters = clusters.with_columns(pl.coalesce("cluster", "row"))
    clusters = clusters.with_columns(evident(people, clusters["cluster"], trained, largest=LARGEST))
    numbered = clusters.filter(people["number"].is_not_null())
    loose = clusters.join(numbered, on="cluster", how="anti")["row"]
    # Most people of a good register meet no record without a number, and need not be looked at again.
    some = around(people, clusters, loose)
    town = town_of(without_bare_names(people), clusters["cluster"])
    part = grow(people.join(some, on="row", how="semi"), some, trained, town=town)
    rest = clusters.join(some, on="row", how="anti").with_columns(probable=pl.lit(False))
    return with_households(people, pl.concat([part.clusters, rest]).sort("row"), part)


def with_households(
    people: pl.DataFrame, clusters: pl.DataFrame, part: Linked, changed: pl.Series | None = None
) -> Linked:
    """What `household` adds to `clusters` (row, cluster, probable of all of `people`), of which a `part` was linked by
    weight; with `changed` (rows) to the clusters of these alone. Who is torn stays so."""
    torn = part.torn["row"]
    mine = clusters["row"].filter(~clusters["probable"]) if changed is None else changed
    some = clusters.filter(
        ~pl.col("probable") & pl.col("row").is_in(mine.filter(~mine.is_in(torn.implode())).implode())
    )
    found = household.attached(people, clusters, some["cluster"].unique())
    return Linked(found, part.torn, part.counts)


def grow(
    people: pl.DataFrame,
    clusters: pl.DataFrame,
    trained: Model,
    *,
    town: Town,
    changed: pl.Series | None = None,
) -> Linked:
    """Join `clusters` (row, cluster of all of `people`) by weight.

    With `changed` (rows) only pairs with a cluster of one of these are weighed, and only such clusters are joined to
    others; `people` may be the part of the town around them, and `town` the whole.
    """
    rows = representatives(people, clusters)
    budget = rule_budget(rows.height)
    edges, counts = _weighed(rows, _of(rows, clusters, changed), trained, town, budget)
    first = _joined(people, clusters, edges)
    # What grew is weighed again as a whole; of the rest the weights are known. What has a number now meets only what
    # has none yet.
    grown = _grown(clusters, first)
    members = first.join(grown, on="cluster", how="semi")
    town = town.grouped(first)
    whole = representatives(people.join(members, on="row", how="semi"), members)
    alone = rows.filter(~pl.col("id").is_in(members["row"].implode()))
    rows = pl.concat([alone, whole]).sort("id")
    again, _ = _weighed(rows, _of(rows, first, members["row"]), trained, town, budget)
    parts = clusters.join(members, on="row", how="semi")["cluster"].unique().implode()
    same = edges.filter(~pl.col("a").is_in(parts) & ~pl.col("b").is_in(parts))
    edges = pl.concat([same, again])
    second = _joined(people, first, edges)
    attached, torn = _probable(people, second, edges)
    if changed is not None:
        mine = second.filter(pl.col("row").is_in(changed.implode())).select(pl.col("cluster").unique())
        attached, torn = (frame.join(mine, on="cluster", how="semi") for frame in (attached, torn))
    final = second.join(attached, on="cluster", how="left", maintain_order="left").select(
        "row", cluster=pl.coalesce("into", "cluster"), probable=pl.col("into").is_not_null()
    )
    return Linked(final, second.join(torn, on="cluster", how="semi").select("row"), counts)


def _of(rows: pl.DataFrame, clusters: pl.DataFrame, changed: pl.Series | None) -> pl.Series | None:
    """ids of the representatives of those clusters (row, cluster) that have one of the rows `changed`."""
    if changed is None:
        return None
    theirs = clusters.filter(pl.col("row").is_in(changed.implode())).select(pl.col("cluster").unique())
    return rows.join(theirs, on="cluster", how="semi")["id"]


def _weighed(
    rows: pl.DataFrame, changed: pl.Series | None, trained: Model, town: Town, budget: int
) -> tuple[pl.DataFrame, list[RuleCount]]:
    """(edges between the clusters of representatives, what blocking made); of those `changed` (ids) alone."""
    fit, worth = possible(rows), None
    if changed is None:
        # Of some clusters alone the pairs are few, and to sift them would cost more than to weigh them.
        worth = promising(rows, trained, town, least=WEIGHED)

    def wanted(left: Places, right: Places) -> Truths:
        kept = fit(left, right)
        if worth is not None:
            kept[kept] = worth(left[kept], right[kept])
        return kept

    pairs, counts = candidate_pairs(
        rows, changed=changed, crowded=town.elsewhere.crowded, possible=wanted, budget=budget
    )
    return _between(model.score(rows, pairs, trained, least=WEIGHED, town=town), rows), counts


def possible(rows: pl.DataFrame) -> Callable[[Places, Places], Truths]:
    """Which pairs of representatives (by their places in `rows`) nothing rules out, however much else agrees.

    Twins and other relatives share door, telephone, surname and sometimes the birthday: what tells them apart is the
    given name. So names must sound alike, or differ in the surname alone (玉静 for 王静); and birth years must fit.
    """
    cluster, years = rows["cluster"].to_numpy(), rows["birth_year"].fill_null(0).to_numpy()
    sound, given, ends = (codes_of(values) for values in (rows["sound"], given_names(rows["name"]), rows["typed_ends"]))

    def fit(left: Places, right: Places) -> Truths:
        born, other = years[left], years[right]
        met = (cluster[left] != cluster[right]) & ((born == 0) | (other == 0) | (np.abs(born - other) <= YEARS_APART))
        named = (sound[left] >= 0) & (sound[right] >= 0)
        alike = (sound[left] == sound[right]) | (given[left] == given[right])
        # Where there is no name only a number that is masked or nearly right may stand for it.
        fits: Truths = met & np.where(named, alike, (ends[left] == ends[right]) & (ends[left] >= 0))
        return fits

    return fit


def _between(scored: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Edges between clusters (a < b), each with its best weight.

    Another sex or quite another birthday stop all but automatic links.
    """
    born = pl.col("birth").cast(pl.String)
    of = rows.select("id", "cluster", "gender", month=born.str.slice(4, 2), day=born.str.tail(2))
    both = scored.join(of.rename({"id": "a"}), on="a").join(of.rename({"id": "b"}), on="b")
    sex = pl.col("gender") == pl.col("gender_right")
    day = (pl.col("month") == pl.col("month_right")) | (pl.col("day") == pl.col("day_right"))
    return (
        both.filter((pl.col("weight") >= CERTAIN) | (sex.fill_null(True) & day.fill_null(True)))
        .group_by(a=pl.min_horizontal("cluster", "cluster_right"), b=pl.max_horizontal("cluster", "cluster_right"))
        .agg(pl.col("weight").max())
    )


def _facts(people: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """cluster, year (of birth), records (those with a number are one); whether it has a number, some evidence besides a
    name, lasting evidence, a door."""
    some, lasting = (pl.any_horizontal(pl.col(columns).is_not_null()) for columns in (EVIDENCE, LASTING))
    told = {"some": some, "lasting": lasting} | {name: pl.col(name).is_not_null() for name in ("number", "door")}
    known = people.select("row", "birth_year", **told)
    return (
        known.join(clusters.select("row", "cluster"), on="row")
        .group_by("cluster")
        .agg(
            pl.col(list(told)).any(),
            year=pl.col("birth_year").min(),
            records=(~pl.col("number")).sum() + pl.col("number").any(),
        )
    )


def _suitors(edges: pl.DataFrame, anchors: pl.DataFrame) -> pl.DataFrame:
    """mine (a cluster without a number), other (one with a number), weight."""
    ends = pl.concat(
        [edges.select(mine="a", other="b", weight="weight"), edges.select(mine="b", other="a", weight="weight")]
    )
    return ends.join(anchors, left_on="other", right_on="cluster", how="semi").join(
        anchors, left_on="mine", right_on="cluster", how="anti"
    )


def _best(suitors: pl.DataFrame) -> pl.DataFrame:
    """mine, into (whom it fits best), weight, torn (whether it fits another nearly as well), lone (or nobody else)."""
    return (
        suitors.group_by("mine")
        .agg(
            into=pl.col("other").sort_by(["weight", "other"], descending=[True, False]).first(),
            weight=pl.col("weight").max(),
            second=pl.col("weight").sort(descending=True).get(1, null_on_oob=True),
        )
        .with_columns(
            torn=(pl.col("weight") - pl.col("second") < MARGIN).fill_null(False), lone=pl.col("second").is_null()
        )
    )


def _certain(edges: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Edges heavy enough, without those that would take a record to one of two people whom it fits as well."""
    suitors = _suitors(edges, facts.filter("number").select("cluster"))
    torn = _best(suitors).filter("torn").select("mine")
    forbidden = suitors.join(torn, on="mine", how="semi").select(
        a=pl.min_horizontal("mine", "other"), b=pl.max_horizontal("mine", "other")
    )
    return edges.filter(pl.col("weight") >= CERTAIN).join(forbidden, on=["a", "b"], how="anti")


def _joined(people: pl.DataFrame, clusters: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """row, cluster: the clusters, and what the edges add to them, the heaviest first."""
    facts = _facts(people, clusters)
    ordered = _certain(edges, facts).sort("weight", "a", "b", descending=[True, False, False])
    # Numbered by the smallest row, so that a cluster keeps the smallest of its labels.
    named = pl.concat([ordered["a"], ordered["b"]]).unique().sort().to_frame("cluster").with_row_index("node")
    nodes = named.join(facts, on="cluster", how="left", maintain_order="left")
    ends = [ordered.select(cluster=end).join(named, on="cluster", maintain_order="left")["node"] for end in ("a", "b")]
    # No two of these clusters share a number, so each that has one is an anchor of its own.
    anchor = nodes.select(pl.when("number").then(pl.col("node").cast(pl.Int64)).otherwise(NONE)).to_series()
    found = constrained(*ends, anchor=anchor, year=nodes["year"].fill_null(0), size=nodes["records"], largest=LARGEST)
    labels = named.select("cluster", label=named["cluster"].gather(found))
    return clusters.join(labels, on="cluster", how="left", maintain_order="left").select(
        "row", cluster=pl.coalesce("label", "cluster")
    )


def _grown(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Clusters that hold more than one of the clusters before."""
    both = after.join(before.rename({"cluster": "before"}), on="row")
    return both.group_by("cluster").agg(parts=pl.col("before").n_unique()).filter(pl.col("parts") > 1).select("cluster")


def _probable(people: pl.DataFrame, clusters: pl.DataFrame, edges: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(attachments, torn): cluster and into of those that fit one person; clusters that fit two nearly as well.

    First come records that say something besides a name, then bare names, for which those that found nobody are people
    of their own: a second 王伟 in town, with number or without, leaves a bare 王伟 alone.
    """
    known = _facts(people, clusters)
    anchors = known.filter("number").select("cluster")
    edges = _relabelled(edges, clusters.select("row", to="cluster"))
    telling = known.filter("some").select("cluster")
    first = _best(_suitors(edges, anchors).join(telling, left_on="mine", right_on="cluster", how="semi"))
    torn = first.filter(pl.col("torn") & (pl.col("weight") >= CERTAIN)).select(cluster="mine")
    first = first.join(known.select("lasting", "door", mine="cluster"), on="mine", maintain_order="left")
    least = pl.when(pl.col("lone") & pl.col("door") & ~pl.col("lasting")).then(UNRIVALLED).otherwise(PROBABLE)
    first = first.filter(~pl.col("torn") & (pl.col("weight") >= least)).select("into", cluster="mine")
    edges = _relabelled(edges, first.select(row="cluster", to="into"))
    persons = known.filter(pl.col("number") | pl.col("some")).join(first, on="cluster", how="anti").select("cluster")
    second = _best(_suitors(edges, persons))
    second = second.filter(~pl.col("torn") & (pl.col("weight") >= PROBABLE)).select("into", cluster="mine")
    return pl.concat([first, second]), torn


def _relabelled(edges: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Edges between what their ends (row) are called now (to), each with its best weight."""
    for end in ("a", "b"):
        edges = edges.join(names.rename({"row": end}), on=end, how="left").with_columns(
            pl.coalesce("to", end).alias(end)
        )
        edges = edges.drop("to")
    return (
        edges.filter(pl.col("a") != pl.col("b"))
        .group_by(a=pl.min_horizontal("a", "b"), b=pl.max_horizontal("a", "b"))
        .agg(pl.col("weight").max())
    )
