"""What runs by changes have in common, whatever the kind: when they may carry on, and what they leave as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import psycopg

from resolution import ledger, news, restoring
from resolution.restoring import RECORD
from resolution.things import Kind

MOST = 0.1
"""Above this share of new and changed records a full run costs little more, and sees more."""
FORGOTTEN = "forgotten-"
"""How keys begin that retention gave to purged records: what such a record counted for in the hash is not known."""


def news_since(
    conn: psycopg.Connection, kind: Kind, then: Mapping[str, Any], now: Mapping[str, Any]
) -> news.News | None:
    """What changed between the fingerprints (`sources.fingerprint`) of the last run and of this one.

    None where the last run's results cannot be carried on: code, views or decisions differ, or a key was forgotten.
    """
    if any(then.get(name) != now.get(name) for name in ("code", "decisions", "views")):
        return None
    told = news.since(conn, kind, then, now)
    return None if told.held["record_key"].str.starts_with(FORGOTTEN).any() else told


def concerned(
    conn: psycopg.Connection,
    entity: str,
    clusters: pl.DataFrame,
    was: pl.DataFrame,
    former: pl.DataFrame,
    *,
    stands: pl.DataFrame,
    told: list[str],
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(clusters, memberships in force) without the entities of which nothing changed.

    `clusters`: system, stream, record_key, row, cluster, link_kind, reason of all records that were looked at; `was`:
    the same records and those that vanished, with their entity_key and `told`, the columns of a link that must be the
    same, as the ledger has them; `stands`: rows of records that may be left alone. Who has other records of the
    `former` keys (`restoring.former`) that are touched has a say in who gets them back.
    """
    asked = clusters.join(was.select(*RECORD, "entity_key", *(pl.col(name).alias(f"{name}_was") for name in told)),
                          on=RECORD, how="left")  # fmt: skip
    asked = asked.with_columns(stands=pl.col("row").is_in(stands["row"].implode()))
    alike = [pl.col(name).eq_missing(pl.col(f"{name}_was")).all() for name in told]
    one = pl.col("entity_key").eq_missing(pl.col("entity_key").first()).all()
    same = asked.group_by("cluster").agg(
        pl.col("entity_key").first(), pl.len(), stays=pl.all_horizontal(one, pl.col("stands").all(), *alike)
    )
    same = same.filter("stays").join(was.group_by("entity_key").len(), on=["entity_key", "len"])
    mine = clusters.join(same, on="cluster", how="anti")
    keys = was.join(same, on="entity_key", how="anti")["entity_key"].unique()
    before = ledger.current(conn, entity, keys)
    others = ledger.holders(conn, entity, restoring.beside(former, mine))
    beside = ledger.current(conn, entity, others.filter(~others.is_in(keys.implode())))
    # What stewards parted has labels beyond the number of rows (`union.apply_decisions`).
    label = pl.col("entity_key").rank("dense").cast(pl.Int64) + pl.lit(clusters["cluster"].max(), pl.Int64).fill_null(0)
    as_they_are = beside.with_columns(row=pl.lit(None, dtype=pl.Int64), cluster=label)
    return pl.concat([mine, as_they_are.select(mine.columns)]), pl.concat([before, beside])
