"""Which records a run need not link again: those that the ledger holds and that no load has touched since.

Only a run by the same code and under the same decisions can be carried on; otherwise, and after large changes, all is
linked anew. What landed since is asked of the landing tables, whose rows know the load that brought them.

A run by changes comes to what a full one gives (tests/unit/resolution/test_changes.py), but for this: how common a name
or a telephone is changes a little with every record. What that tips between two records that stand, and what somebody
who left had stood in the way of, waits for the next full run.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from resolution import things
from resolution.source import Source

MOST = 0.1
"""Above this share of new and changed records a full run costs little more, and sees more."""
_RECORD = ["system", "stream", "record_key"]


def standing(
    conn: psycopg.Connection,
    kind: str,
    records: pl.DataFrame,
    members: pl.DataFrame,
    then: dict[str, Any],
    now: dict[str, int | str],
) -> pl.DataFrame | None:
    """row (in `records`), cluster, link_kind of what stands as it was; None where all must be linked anew.

    What has lost a record does not stand, nor what a steward joined or parted: decisions are applied to what the rules
    find.

    `members` are the memberships in force, `then` and `now` the fingerprints (`sources.fingerprint`) of the last run
    and of this one.
    """
    if any(then.get(name) != now.get(name) for name in ("code", "decisions", "views")):
        return None
    touched = [
        _touched(conn, source, int(then.get(f"{source.system}.{source.stream}", 0))) for source in things.SOURCES[kind]
    ]
    same = (
        records.select(_RECORD)
        .with_row_index("row")
        .join(members.select(*_RECORD, "entity_key", "link_kind"), on=_RECORD)
        .join(pl.concat(touched), on=_RECORD, how="anti")
    )
    lost = members.join(same, on=_RECORD, how="anti").select("entity_key")
    decided = members.filter(pl.col("link_kind") == "steward").select("entity_key")
    held = same.join(pl.concat([lost, decided]), on="entity_key", how="anti")
    if records.height - held.height > MOST * records.height:
        return None
    row = pl.col("row").cast(pl.Int64)
    return held.select(row, "link_kind", cluster=row.min().over("entity_key"))


def _touched(conn: psycopg.Connection, source: Source, load: int) -> pl.DataFrame:
    """Records of a source that a later load than this one wrote."""
    query = sql.SQL("SELECT ({key})::text FROM {table} WHERE _from_load > %s").format(
        key=sql.SQL(source.record_key),
        table=sql.Identifier("landing", f"{source.system}__{source.stream}"),
    )
    with conn.cursor() as cursor:
        keys = [row[0] for row in cursor.execute(query, [load]).fetchall()]
    found = pl.DataFrame({"record_key": keys}, schema={"record_key": pl.String}).unique()
    return found.select(system=pl.lit(source.system), stream=pl.lit(source.stream), record_key="record_key")
