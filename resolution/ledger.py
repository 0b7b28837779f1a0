"""The identity ledger: clusters of a run reconciled with the keys that records have had before.

A cluster keeps the key that most of its records had (maximum overlap); a key is never used twice. A key whose
records all went to another cluster redirects to that one's key for ever; the part of a split that is smaller gets
a new key. Nothing outside this room depends on how clusters are found.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass

import polars as pl
import psycopg
from psycopg.types.json import Jsonb

_PREFIX = {"resident": "R", "enterprise": "E", "premises": "P", "event": "V"}
_MEMBERSHIP = ["system", "stream", "record_key", "entity_key", "link_kind", "reason"]


@dataclass(frozen=True)
class Reconciled:
    """What a run changed. `memberships` has one row per record; `content_hash` does not hang on the keys."""

    memberships: pl.DataFrame
    entities: int
    created: int
    merged: int
    split: int
    content_hash: str


def current(conn: psycopg.Connection, kind: str) -> pl.DataFrame:
    """Memberships in force of an entity kind."""
    with conn.cursor() as cursor:
        rows = cursor.execute(
            f"SELECT {', '.join(_MEMBERSHIP)} FROM resolution.membership WHERE kind = %s AND to_run IS NULL", [kind]
        ).fetchall()
    return pl.DataFrame(rows, schema={name: pl.String for name in _MEMBERSHIP}, orient="row")


def reconcile(kind: str, clusters: pl.DataFrame, before: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(memberships, moves) of a run.

    `clusters`: system, stream, record_key, cluster, link_kind, reason. `before`: memberships in force. `moves`:
    type (create, merge, split, retire), from_key, to_key.
    """
    records = ["system", "stream", "record_key"]
    shared = (
        clusters.join(before.select(*records, old="entity_key"), on=records).group_by("cluster", "old").len("overlap")
    )
    # Greedy by overlap; the key itself breaks ties, so that the same input always gives the same keys.
    ordered = shared.sort("overlap", "old", "cluster", descending=[True, False, False])
    kept = ordered.filter(pl.col("cluster").is_first_distinct() & pl.col("old").is_first_distinct())
    while True:
        rest = ordered.join(kept, on="cluster", how="anti").join(kept, on="old", how="anti")
        if rest.is_empty():
            break
        more = rest.filter(pl.col("cluster").is_first_distinct() & pl.col("old").is_first_distinct())
        kept = pl.concat([kept, more])
    labels = clusters.select("cluster").unique(maintain_order=True)
    keys = labels.join(kept.select("cluster", entity_key="old"), on="cluster", how="left", maintain_order="left")
    missing = keys["entity_key"].is_null()
    fresh = pl.Series(_new_keys(kind, int(missing.sum())), dtype=pl.String)
    keys = pl.concat([keys.filter(~missing), keys.filter(missing).with_columns(entity_key=fresh)])
    memberships = clusters.join(keys, on="cluster").select(*_MEMBERSHIP)
    return memberships, _moves(keys, kept, shared, before)


def _moves(keys: pl.DataFrame, kept: pl.DataFrame, shared: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """What became of old keys, and where new ones come from."""
    created = keys.join(kept, on="cluster", how="anti")
    came_from = shared.sort("overlap", "old", descending=[True, False]).unique("cluster", maintain_order=True)
    split = created.join(came_from, on="cluster").select(
        type=pl.lit("split"), from_key=pl.col("old"), to_key=pl.col("entity_key")
    )
    new = created.join(came_from, on="cluster", how="anti").select(
        type=pl.lit("create"), from_key=pl.lit(None, dtype=pl.String), to_key=pl.col("entity_key")
    )
    lost = before.select(old=pl.col("entity_key").unique()).join(kept, on="old", how="anti")
    went_to = (
        shared.join(lost, on="old")
        .sort("overlap", "cluster", descending=[True, False])
        .unique("old", maintain_order=True)
        .join(keys, on="cluster")
    )
    merged = went_to.select(type=pl.lit("merge"), from_key=pl.col("old"), to_key=pl.col("entity_key"))
    retired = lost.join(went_to, on="old", how="anti").select(
        type=pl.lit("retire"), from_key=pl.col("old"), to_key=pl.lit(None, dtype=pl.String)
    )
    return pl.concat([frame.select(pl.all().cast(pl.String)) for frame in (new, split, merged, retired)])


def write(
    conn: psycopg.Connection, kind: str, run: int, memberships: pl.DataFrame, moves: pl.DataFrame, before: pl.DataFrame
) -> Reconciled:
    """Write what changed, inside the caller's transaction."""
    records = ["system", "stream", "record_key"]
    same = memberships.join(before, on=_MEMBERSHIP, how="semi", nulls_equal=True)
    opened = memberships.join(same, on=records, how="anti")
    closed = before.join(same, on=records, how="anti")
    _close(conn, kind, run, closed)
    _write_entities(conn, kind, run, moves)
    with conn.cursor().copy(
        "COPY resolution.membership (kind, system, stream, record_key, entity_key, link_kind, reason, from_run) "
        "FROM STDIN (FORMAT CSV)"
    ) as copy:
        columns = opened.select(pl.lit(kind).alias("kind"), *_MEMBERSHIP, pl.lit(run).alias("run"))
        copy.write(columns.write_csv(include_header=False))
    counts = dict(moves.group_by("type").len().iter_rows())
    return Reconciled(
        memberships,
        entities=memberships["entity_key"].n_unique(),
        created=counts.get("create", 0),
        merged=counts.get("merge", 0),
        split=counts.get("split", 0),
        content_hash=content_hash(memberships),
    )


def content_hash(memberships: pl.DataFrame) -> str:
    """A hash of which records belong together, whatever their keys are called."""
    named = memberships.select(
        "entity_key", "link_kind", record=pl.concat_str(["system", "stream", "record_key"], separator="|")
    ).with_columns(group=pl.col("record").min().over("entity_key"))
    lines = named.select(pl.concat_str(["group", "record", "link_kind"], separator="\t").sort()).to_series()
    return hashlib.sha256("\n".join(lines.to_list()).encode()).hexdigest()


def _close(conn: psycopg.Connection, kind: str, run: int, closed: pl.DataFrame) -> None:
    if closed.is_empty():
        return
    conn.execute(
        """UPDATE resolution.membership AS m SET to_run = %s
             FROM unnest(%s::text[], %s::text[], %s::text[]) AS c(system, stream, record_key)
            WHERE m.kind = %s AND m.to_run IS NULL
              AND (m.system, m.stream, m.record_key) = (c.system, c.stream, c.record_key)""",
        [run, *(closed[name].to_list() for name in ("system", "stream", "record_key")), kind],
    )


def _write_entities(conn: psycopg.Connection, kind: str, run: int, moves: pl.DataFrame) -> None:
    new = moves.filter(pl.col("type").is_in(["create", "split"]))
    with conn.cursor().copy(
        "COPY resolution.entity (entity_key, kind, status, created_run, updated_run) FROM STDIN (FORMAT CSV)"
    ) as copy:
        columns = {"kind": pl.lit(kind), "status": pl.lit("active"), "created": pl.lit(run), "updated": pl.lit(run)}
        copy.write(new.select("to_key", **columns).write_csv(include_header=False))
    gone = moves.filter(pl.col("type").is_in(["merge", "retire"]))
    conn.execute(
        """UPDATE resolution.entity AS e
              SET status = CASE WHEN m.to_key IS NULL THEN 'retired' ELSE 'merged' END,
                  merged_into = m.to_key, updated_run = %s
             FROM unnest(%s::text[], %s::text[]) AS m(from_key, to_key) WHERE e.entity_key = m.from_key""",
        [run, gone["from_key"].to_list(), gone["to_key"].to_list()],
    )
    # Creations are told by entity.created_run; the event log keeps what happened to keys that apps may hold.
    told = moves.filter(pl.col("type") != "create")
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO resolution.event (run_id, kind, type, from_key, to_key, cause) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            [(run, kind, *row, Jsonb({"by": "run"})) for row in told.select("type", "from_key", "to_key").iter_rows()],
        )


def _new_keys(kind: str, count: int) -> list[str]:
    """Opaque keys: 80 random bits, so that a key tells nothing of whom it stands for."""
    data = os.urandom(10 * count)
    return [_PREFIX[kind] + base64.b32encode(data[start : start + 10]).decode() for start in range(0, 10 * count, 10)]
