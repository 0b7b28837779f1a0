"""One run of resolution: read, cluster, apply decisions, reconcile with the ledger, write; all or nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl
import psycopg
from psycopg.types.json import Jsonb

from resolution import enterprises, ledger, residents, sources
from resolution.union import apply_decisions
from warehouse import connection, crash

Kind = Literal["residents", "enterprises"]

ANALYZE_MOVES = 1000
"""After so many new keys the planner's figures of the ledger are out of date."""

_CLUSTER: dict[str, Callable[[pl.DataFrame], residents.Clusters]] = {
    "residents": residents.cluster,
    "enterprises": enterprises.cluster,
}


@dataclass(frozen=True)
class ResolutionResult:
    """A run's figures; `content_hash` tells which records belong together, whatever their keys."""

    run: int
    records: int
    entities: int
    created: int
    merged: int
    split: int
    links: dict[str, int]
    content_hash: str
    seconds: float


def resolve(kind: Kind, *, run_id: str | None = None) -> ResolutionResult:
    """Bring the ledger of a kind up to the records staged now.

    Nothing is written when neither records nor decisions changed since the last run. Raises ValueError for an
    unknown kind.
    """
    if kind not in _CLUSTER:
        raise ValueError(f"unknown kind {kind!r}: use {' or '.join(_CLUSTER)}")
    started = time.perf_counter()
    entity = sources.entity_kind(kind)
    with connection.connect("builder") as conn:
        # One writer of a ledger at a time; a second run waits and then finds nothing to do.
        conn.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"resolve {kind}"])
        inputs = sources.fingerprint(conn, kind)
        last = _last_run(conn, kind)
        if last is not None and last[1].get("inputs") == inputs:
            return _unchanged(last, time.perf_counter() - started)
        records = sources.read(conn, kind)
        found = _CLUSTER[kind](records)
        clusters = apply_decisions(found.assigned, _decisions(conn, entity, records))
        named = records.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64)).join(clusters, on="row")
        before = ledger.current(conn, entity)
        memberships, moves = ledger.reconcile(entity, named, before)
        crash.point("resolution.clustered")
        run = _open_run(conn, kind, len(records))
        done = ledger.write(conn, entity, run, memberships, moves, before)
        _write_reviews(conn, entity, run, records, found.doubtful)
        links = {str(key): int(rows) for key, rows in memberships.group_by("link_kind").len().sort("link_kind").rows()}
        detail = {"inputs": inputs, "links": links, "entities": done.entities, "hub_run": run_id}
        conn.execute(
            "UPDATE resolution.run SET finished_at = clock_timestamp(), content_hash = %s, detail = %s "
            "WHERE run_id = %s",
            [done.content_hash, Jsonb(detail), run],
        )
        crash.point("resolution.before_commit")
        conn.commit()
    crash.point("resolution.after_commit")
    if moves.height > ANALYZE_MOVES:
        _analyze()
    return ResolutionResult(
        run, len(records), done.entities, done.created, done.merged, done.split, links, done.content_hash,
        time.perf_counter() - started,
    )  # fmt: skip


def _analyze() -> None:
    """The build joins memberships next; only the owner of a table may analyse it."""
    with connection.connect("owner", autocommit=True) as conn:
        conn.execute("ANALYZE resolution.membership, resolution.entity")


def _last_run(conn: psycopg.Connection, kind: str) -> tuple[int, dict[str, Any], str, int] | None:
    row = conn.execute(
        "SELECT run_id, detail, content_hash, records_in FROM resolution.run "
        "WHERE kind = %s AND finished_at IS NOT NULL ORDER BY run_id DESC LIMIT 1",
        [kind],
    ).fetchone()
    return None if row is None else (row[0], row[1] or {}, row[2], row[3])


def _unchanged(last: tuple[int, dict[str, Any], str, int], seconds: float) -> ResolutionResult:
    run, detail, content_hash, records = last
    return ResolutionResult(run, records, detail["entities"], 0, 0, 0, detail["links"], content_hash, seconds)


def _open_run(conn: psycopg.Connection, kind: str, records: int) -> int:
    row = conn.execute(
        "INSERT INTO resolution.run (kind, records_in) VALUES (%s, %s) RETURNING run_id", [kind, records]
    ).fetchone()
    assert row is not None
    return int(row[0])


def _decisions(conn: psycopg.Connection, entity: str, records: pl.DataFrame) -> pl.DataFrame:
    """Stewards' decisions in force as (a, b, verdict) by row; those about vanished records wait."""
    rows = conn.execute(
        "SELECT concat_ws('|', a_system, a_stream, a_record_key), concat_ws('|', b_system, b_stream, b_record_key), "
        "verdict FROM resolution.decision WHERE kind = %s AND revoked_at IS NULL ORDER BY decision_id",
        [entity],
    ).fetchall()
    schema = {"a_ref": pl.String, "b_ref": pl.String, "verdict": pl.String}
    decided = pl.DataFrame(rows, schema=schema, orient="row")
    if decided.is_empty():
        return decided.select(a=pl.lit(0), b=pl.lit(0), verdict="verdict")
    refs = records.select(pl.concat_str(["system", "stream", "record_key"], separator="|").alias("ref")).with_row_index(
        "at"
    )
    return (
        decided.join(refs.rename({"ref": "a_ref", "at": "a"}), on="a_ref")
        .join(refs.rename({"ref": "b_ref", "at": "b"}), on="b_ref")
        .select("a", "b", "verdict")
    )


def _write_reviews(
    conn: psycopg.Connection, entity: str, run: int, records: pl.DataFrame, doubtful: pl.DataFrame
) -> None:
    """Doubtful records into the stewards' queue, each once while it is open."""
    waiting = records.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64)).join(doubtful, on="row")
    with conn.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO resolution.review (kind, record, reason, created_run)
               SELECT %(kind)s, %(record)s, %(reason)s, %(run)s WHERE NOT EXISTS (
                   SELECT FROM resolution.review
                    WHERE kind = %(kind)s AND record = %(record)s AND reason = %(reason)s)""",
            [
                {
                    "kind": entity,
                    "run": run,
                    "reason": row["reason"],
                    "record": Jsonb({name: row[name] for name in ("system", "stream", "record_key")}),
                }
                for row in waiting.iter_rows(named=True)
            ],
        )
