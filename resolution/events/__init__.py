"""Which reports of the channels (110, 119, 四平台, 12345, 随手拍, 网格, cameras, patrols) tell of one incident.

Reports of one number are one. Others are compared by kind, place and time (`events.pairs`), and how sure each likeness
is was measured on the reports of the day against those of other days (`events.chance`). The surest pairs join first;
two places on the map that sources pass on exactly are two incidents, so a report without a place joins the likeliest of
them and never bridges two. The incident is called by its earliest report.
"""

from __future__ import annotations

import polars as pl

from resolution.events import chance as event_chance
from resolution.events import pairs as event_pairs
from resolution.events import town as event_town
from resolution.residents import Clusters
from resolution.union import NONE, components, constrained

SURE = 0.82
"""Likenesses that are true less often than this join nothing; from `DOUBTFUL` on a steward may look at them."""
DOUBTFUL = 0.5
CERTAIN = 0.95
"""Below this a link is called probable."""
_EXACT = (event_pairs.POINT, event_pairs.REREAD)


def cluster(records: pl.DataFrame, register: pl.DataFrame | None = None) -> Clusters:
    """Cluster records of `resolution.sources.EVENT_SCHEMA`, all that a town has, by what they and its register of doors
    (`sources.REGISTER_SCHEMA`) teach of it; a cluster's label is its earliest report's row."""
    town, reports, pairs = event_town.learned(records, pl.DataFrame() if register is None else register)
    return clustered(reports, event_chance.judged(pairs, town.figures))


def clustered(reports: pl.DataFrame, judged: pl.DataFrame) -> Clusters:
    """Cluster `reports` (`events.town.reports`) by their pairs (`events.chance.judged`)."""
    sure = surest(judged)
    exact = sure.filter(pl.col("evidence").is_in(_EXACT))
    numbered = same_number(reports)
    known = pl.concat([numbered.select("row", row_2="first"), exact.select("row", "row_2")])
    groups = components(len(reports), known["row"], known["row_2"])
    on_the_map = (pl.col("x").is_not_null() & (pl.col("metres") <= event_pairs.POINT_METRES)).alias("exact")
    anchored = reports.select("row", on_the_map, group=pl.Series(groups)).with_columns(
        anchor=pl.when(pl.col("exact").any().over("group")).then("group").otherwise(NONE)
    )
    within = anchored.filter(pl.col("row") != pl.col("group")).select("row", row_2="group")
    edges = pl.concat([within, sure.select("row", "row_2")])
    found = constrained(edges["row"], edges["row_2"], anchor=anchored["anchor"])
    assigned = _told(reports.with_columns(group=pl.Series(found)), sure, numbered)
    return Clusters(assigned.sort("row"), _doubtful(assigned, judged))


def surest(judged: pl.DataFrame) -> pl.DataFrame:
    """The pairs that join, the surest first."""
    order = {"sure": True, "hours": False, "row": False, "row_2": False}
    return judged.filter(pl.col("sure") >= SURE).sort(*order, descending=list(order.values()))


def same_number(reports: pl.DataFrame) -> pl.DataFrame:
    """row, first: of the reports with a number the first row of the same number at the same source."""
    return reports.drop_nulls("report_no").select("row", first=pl.col("row").min().over("system", "report_no"))


def _told(reports: pl.DataFrame, sure: pl.DataFrame, numbered: pl.DataFrame) -> pl.DataFrame:
    """row, cluster, link_kind, reason: of each report the surest likeness to another of its incident."""
    group = reports.select("row", "group", "at")
    pairs = pl.concat([sure, sure.rename({"row": "row_2", "row_2": "row"}).select(sure.columns)])
    inside = (
        pairs.join(group.select("row", "group"), on="row")
        .join(group.select(row_2="row", group_2="group"), on="row_2")
        .filter(pl.col("group") == pl.col("group_2"))
        .sort("sure", "hours", "row_2", descending=[True, False, False])
        .unique("row", keep="first", maintain_order=True)
        .select("row", "evidence", "sure")
    )
    shared = numbered.filter(pl.len().over("first") > 1).select("row", same_number=pl.lit(True))
    size = pl.len().over("group")
    first = pl.col("row").sort_by("at", "row", nulls_last=True).first().over("group")
    reason = pl.col("evidence").replace_strict(dict(enumerate(event_pairs.REASONS)), return_dtype=pl.String)
    link = pl.when(pl.col("sure") >= CERTAIN).then(pl.lit("probabilistic")).otherwise(pl.lit("probable"))
    joined = group.join(inside, on="row", how="left").join(shared, on="row", how="left")
    return joined.select(
        "row",
        cluster=first,
        link_kind=pl.when(size == 1).then(pl.lit("single")).when("same_number").then(pl.lit("exact")).otherwise(link),
        reason=pl.when(size == 1)
        .then(pl.lit("no other record"))
        .when("same_number")
        .then(pl.lit("same number at the source"))
        .otherwise(reason),
    )


def _doubtful(assigned: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """Reports left alone that are like another, but not surely enough."""
    alone = assigned.filter(pl.col("link_kind") == "single").select("row")
    maybe = judged.filter(pl.col("sure").is_between(DOUBTFUL, SURE, closed="left"))
    either = pl.concat([maybe.select("row"), maybe.select(row="row_2")]).unique()
    return alone.join(either, on="row").sort("row").select("row", reason=pl.lit("may be told of by another channel"))
