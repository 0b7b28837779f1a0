"""The identity ledger: clusters of a run reconciled with the keys that records have had before.

A cluster keeps the key that most of its records had (maximum overlap). A key whose records all went to another
cluster redirects to that one's key for ever, through whatever that is merged into later. The part of a split that is
smaller gets the key back that its records had before a merge (`resolution.restoring`), else a new one. No key ever
stands for two entities at once. Nothing outside this room depends on how clusters are found.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass

import polars as pl
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from resolution import redirects, restoring
from resolution.arrays import array
from resolution.errors import IdentityError

_PREFIX = {"resident": "R", "enterprise": "E", "premises": "P", "event": "V"}
_MEMBERSHIP = ["system", "stream", "record_key", "entity_key", "link_kind", "reason", "borrowed"]


@dataclass(frozen=True)
class Reconciled:
    """What a run changed."""

    created: int
    merged: int
    split: int
    restored: int


def current(conn: psycopg.Connection, kind: str, keys: pl.Series | None = None) -> pl.DataFrame:
    """Memberships in force of an entity kind, or of the entities of these keys alone."""
    query = sql.SQL(
        "COPY (SELECT {} FROM resolution.membership WHERE kind = {} AND to_run IS NULL{}) TO STDOUT (FORMAT CSV)"
    )
    told = [sql.SQL("borrowed::text") if name == "borrowed" else sql.Identifier(name) for name in _MEMBERSHIP]
    some: sql.Composable = sql.SQL("")
    if keys is not None:
        some = sql.SQL(" AND entity_key = ANY ({}::text[])").format(sql.Literal(array(keys.sort())))
    with conn.cursor().copy(query.format(sql.SQL(", ").join(told), sql.Literal(kind), some)) as copy:
        data = b"".join(bytes(block) for block in copy)
    schema = dict.fromkeys(_MEMBERSHIP, pl.String()) | {"borrowed": pl.Boolean()}
    if not data:
        return pl.DataFrame(schema=schema)
    return pl.read_csv(data, has_header=False, schema=schema)


def holders(conn: psycopg.Connection, kind: str, records: pl.DataFrame) -> pl.Series:
    """Keys of the entities that have these records (system, stream, record_key) now."""
    return entities(conn, kind, records)["entity_key"].unique()


def entities(conn: psycopg.Connection, kind: str, records: pl.DataFrame) -> pl.DataFrame:
    """system, stream, record_key, entity_key of those of these records that the ledger has now."""
    rows = conn.execute(
        """SELECT m.system, m.stream, m.record_key, m.entity_key
             FROM unnest(%s::text[], %s::text[], %s::text[]) AS r (system, stream, record_key)
             JOIN resolution.membership m USING (system, stream, record_key) WHERE m.kind = %s AND m.to_run IS NULL""",
        [*(array(records[name]) for name in restoring.RECORD), kind],
    ).fetchall()
    schema = dict.fromkeys((*restoring.RECORD, "entity_key"), pl.String())
    return pl.DataFrame(rows, schema=schema, orient="row")


def reconcile(
    kind: str,
    clusters: pl.DataFrame,
    before: pl.DataFrame,
    former: pl.DataFrame | None = None,
    reassigned: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(memberships, moves) of a run.

    `clusters`: system, stream, record_key, cluster, link_kind, reason, borrowed (without it nobody's number was set
    aside). `before`: memberships in force. `former`: what keys that are out of use held, from `restoring.former`;
    without it no key comes back. `reassigned`: system, stream, record_key of records that are another's now, which have
    no say in who keeps or gets back a key. `moves`: type (create, merge, split, restore, retire), from_key, to_key.
    """
    if "borrowed" not in clusters.columns:
        clusters = clusters.with_columns(borrowed=pl.lit(False))
    same = clusters
    if reassigned is not None and reassigned.height:
        same = clusters.join(reassigned, on=restoring.RECORD, how="anti")
    shared = (
        same.join(before.select(*restoring.RECORD, old="entity_key"), on=restoring.RECORD)
        .group_by("cluster", "old")
        .len("overlap")
    )
    had = restoring.overlaps(same, former)
    undone = restoring.undone(shared, had)
    # Greedy by overlap; the key itself breaks ties, so that the same input always gives the same keys.
    ordered = shared.sort("overlap", "old", "cluster", descending=[True, False, False])
    kept = restoring.greedy(ordered, undone)
    given = pl.concat([kept, restoring.returned(had, kept)])
    labels = clusters.select("cluster").unique(maintain_order=True)
    keys = labels.join(given.rename({"old": "entity_key"}), on="cluster", how="left", maintain_order="left")
    missing = keys["entity_key"].is_null()
    fresh = pl.Series(_new_keys(kind, int(missing.sum())), dtype=pl.String)
    keys = pl.concat([keys.filter(~missing), keys.filter(missing).with_columns(entity_key=fresh)])
    memberships = clusters.join(keys, on="cluster").select(*_MEMBERSHIP)
    return memberships, _moves(keys, given, shared, before)


def _moves(keys: pl.DataFrame, given: pl.DataFrame, shared: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """What became of old keys, and where new and restored ones come from."""
    held = before.select(old=pl.col("entity_key").unique())
    came_from = shared.sort("overlap", "old", descending=[True, False]).unique("cluster", maintain_order=True)
    created = keys.join(given, on="cluster", how="anti")
    split = created.join(came_from, on="cluster").select(
        type=pl.lit("split"), from_key=pl.col("old"), to_key=pl.col("entity_key")
    )
    new = created.join(came_from, on="cluster", how="anti").select(
        type=pl.lit("create"), from_key=pl.lit(None, dtype=pl.String), to_key=pl.col("entity_key")
    )
    restored = (
        given.join(held, on="old", how="anti")
        .join(came_from.select("cluster", source="old"), on="cluster", how="left", maintain_order="left")
        .select(type=pl.lit("restore"), from_key=pl.col("source"), to_key=pl.col("old"))
    )
    lost = held.join(given, on="old", how="anti")
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
    return pl.concat([frame.select(pl.all().cast(pl.String)) for frame in (new, split, restored, merged, retired)])


def write(
    conn: psycopg.Connection,
    kind: str,
    run: int,
    memberships: pl.DataFrame,
    moves: pl.DataFrame,
    before: pl.DataFrame,
    reassigned: pl.DataFrame | None = None,
) -> Reconciled:
    """Write what changed, inside the caller's transaction; what the `reassigned` records were is closed as void."""
    other = pl.DataFrame(schema=dict.fromkeys(restoring.RECORD, pl.String())) if reassigned is None else reassigned
    same = memberships.join(before, on=_MEMBERSHIP, how="semi", nulls_equal=True)
    same = same.join(other, on=restoring.RECORD, how="anti")
    opened = memberships.join(same, on=restoring.RECORD, how="anti")
    closed = before.join(same, on=restoring.RECORD, how="anti")
    _close(conn, kind, run, closed.join(other.with_columns(voided=pl.lit(True)), on=restoring.RECORD, how="left"))
    _write_entities(conn, kind, run, moves)
    with conn.cursor().copy(
        "COPY resolution.membership (kind, system, stream, record_key, entity_key, link_kind, reason, borrowed,"
        " from_run) FROM STDIN (FORMAT CSV)"
    ) as copy:
        columns = opened.select(pl.lit(kind).alias("kind"), *_MEMBERSHIP, pl.lit(run).alias("run"))
        copy.write(columns.write_csv(include_header=False))
    if opened.height or closed.height:
        told = pl.concat([opened.select(restoring.RECORD), closed.select(restoring.RECORD)]).unique()
        ended = moves.filter(pl.col("type").is_in(["merge", "retire"]))["from_key"]
        back = moves.filter(pl.col("type") == "restore")["to_key"]
        redirects.refresh(conn, kind, told, pl.concat([ended, back]))
    counts = dict(moves.group_by("type").len().iter_rows())
    return Reconciled(
        created=counts.get("create", 0),
        merged=counts.get("merge", 0),
        split=counts.get("split", 0),
        restored=counts.get("restore", 0),
    )


def _close(conn: psycopg.Connection, kind: str, run: int, closed: pl.DataFrame) -> None:
    if closed.is_empty():
        return
    conn.execute(
        """UPDATE resolution.membership AS m SET to_run = %s, voided = m.voided OR c.voided
             FROM unnest(%s::text[], %s::text[], %s::text[], %s::boolean[]) AS c(system, stream, record_key, voided)
            WHERE m.kind = %s AND m.to_run IS NULL
              AND (m.system, m.stream, m.record_key) = (c.system, c.stream, c.record_key)""",
        [run, *(array(closed[name]) for name in restoring.RECORD), closed["voided"].fill_null(False).to_list(), kind],
    )


def _write_entities(conn: psycopg.Connection, kind: str, run: int, moves: pl.DataFrame) -> None:
    new = moves.filter(pl.col("type").is_in(["create", "split"]))
    with conn.cursor().copy(
        "COPY resolution.entity (entity_key, kind, status, created_run, updated_run) FROM STDIN (FORMAT CSV)"
    ) as copy:
        columns = {"kind": pl.lit(kind), "status": pl.lit("active"), "created": pl.lit(run), "updated": pl.lit(run)}
        copy.write(new.select("to_key", **columns).write_csv(include_header=False))
    ended = moves.filter(pl.col("type").is_in(["merge", "retire"])).select(
        key="from_key", status=pl.col("type").replace({"merge": "merged", "retire": "retired"}), into="to_key"
    )
    restored = moves.filter(pl.col("type") == "restore").select(
        key="to_key", status=pl.lit("active"), into=pl.lit(None, dtype=pl.String)
    )
    changed = pl.concat([ended, restored])
    if changed.height:
        conn.execute(
            """UPDATE resolution.entity AS e
                  SET status = m.status, merged_into = m.merged_into, resolves_to = NULL, updated_run = %s
                 FROM unnest(%s::text[], %s::text[], %s::text[]) AS m(key, status, merged_into)
                WHERE e.entity_key = m.key""",
            [run, *(array(changed[name]) for name in ("key", "status", "into"))],
        )
    # Creations are told by entity.created_run; the event log keeps what happened to keys that apps may hold.
    told = moves.filter(pl.col("type") != "create")
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO resolution.event (run_id, kind, type, from_key, to_key, cause) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            [(run, kind, *row, Jsonb({"by": "run"})) for row in told.select("type", "from_key", "to_key").iter_rows()],
        )


def resolve_key(conn: psycopg.Connection, key: str) -> str | None:
    """The active key that a key stands for now: itself, what it was merged into, or None for a retired one.

    Raises IdentityError for a key that was never given.
    """
    row = conn.execute(
        "SELECT CASE status WHEN 'active' THEN entity_key ELSE resolves_to END FROM resolution.entity "
        "WHERE entity_key = %s",
        [key],
    ).fetchone()
    if row is None:
        raise IdentityError(f"there is no key {key}; keys stand in core.dim_resident, core.dim_enterprise and serving")
    return None if row[0] is None else str(row[0])


def _new_keys(kind: str, count: int) -> list[str]:
    """Opaque keys: 80 random bits, so that a key tells nothing of whom it stands for."""
    data = os.urandom(10 * count)
    return [_PREFIX[kind] + base64.b32encode(data[start : start + 10]).decode() for start in range(0, 10 * count, 10)]
