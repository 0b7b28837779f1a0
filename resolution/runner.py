"""One run of resolution: read, cluster, apply decisions, reconcile with the ledger, write; all or nothing."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import polars as pl
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from resolution import decisions, ledger, restoring, review_queue, sources, stand_ins
from resolution.content import Totals
from resolution.events import changes as event_changes
from resolution.events import state as event_state
from resolution.events.changes import EventsByChanges
from resolution.residents import Clusters, incremental
from resolution.residents import state as resident_state
from resolution.residents.incremental import ByChanges
from resolution.things import SOURCES, Kind
from resolution.union import apply_decisions
from resolution.whole import Whole, whole
from warehouse import connection, crash, heap

ANALYZE_SHARE = 0.05
"""When more of the keys than this are new or gone, the planner's figures of the ledger are out of date."""

BY_CHANGES: dict[str, Callable[..., ByChanges | EventsByChanges | None]] = {
    "residents": incremental.by_changes, "events": event_changes.by_changes,
}  # fmt: skip
"""kind → how it is run by changes: of a connection, the last run's totals and fingerprint, and this run's fingerprint;
gives None where the run must be full."""
STATE = {"residents": resident_state.TABLES, "events": (event_state.TABLE,)}
"""Tables of what the last run kept of kinds that are run by changes."""

_LARGE = threading.Lock()
"""Full runs of these kinds hold a gigabyte each: one at a time in a process."""


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


def resolve(kind: Kind, *, run_id: str | None = None, full: bool = False) -> ResolutionResult:
    """Bring the ledger of a kind up to the records staged now.

    Nothing is written when neither records nor decisions changed since the last run. Residents and events that stand
    are not linked again where `BY_CHANGES` allows it; `full` links all anew, unless the last run did so with the same
    records. Raises ValueError for an unknown kind.
    """
    if kind not in SOURCES:
        raise ValueError(f"unknown kind {kind!r}: use one of {', '.join(SOURCES)}")
    started = time.perf_counter()
    entity = sources.entity_kind(kind)
    with heap.kept(), connection.connect("builder") as conn, ExitStack() as alone:
        # One writer of a ledger at a time; a second run waits and then finds nothing to do.
        conn.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"resolve {kind}"])
        inputs = sources.fingerprint(conn, kind)
        last = _last_run(conn, kind)
        if last is not None and last.inputs == inputs and (not full or last.full):
            return _result(last.run, last.totals, None, time.perf_counter() - started)
        work: Whole | ByChanges | EventsByChanges | None = None
        if last is not None and not full and kind in BY_CHANGES:
            work = BY_CHANGES[kind](conn, last.totals, last.inputs, inputs)
        if work is None:
            if kind in BY_CHANGES:
                alone.enter_context(_LARGE)
            work = whole(conn, kind, inputs)
        records, found = work.records, work.found
        numbered = records.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
        reassigned = work.reassigned(conn, last.inputs if last is not None else None, inputs)
        decided, lapsed = _decided(conn, kind, numbered.join(found.assigned, on="row"), reassigned)
        named = numbered.join(apply_decisions(found.assigned, decided, found.numbered), on="row")
        named = named.with_columns(borrowed=pl.col("row").is_in(found.borrowed.implode()))
        former = restoring.former(conn, entity, None if isinstance(work, Whole) else named)
        concerned, before = work.concerned(conn, named, former)
        memberships, moves = ledger.reconcile(entity, concerned, before, former, reassigned)
        totals = work.totals(before, memberships)
        crash.point("resolution.clustered")
        run = _open_run(conn, kind, totals.records)
        done = ledger.write(conn, entity, run, memberships, moves, before, reassigned)
        work.keep(conn, before, memberships)
        doubtful = pl.concat([found.doubtful, lapsed, review_queue.by_name(conn, named)])
        told = review_queue.write(conn, entity, run, records, doubtful)
        review_queue.settle(conn, entity, run, told, work.settled)
        detail = {"inputs": inputs, "links": dict(totals.links), "entities": totals.entities, "hub_run": run_id}
        detail |= {"full": isinstance(work, Whole), "blocking_cut": _cut(found)}
        conn.execute(
            "UPDATE resolution.run SET finished_at = clock_timestamp(), content_hash = %s, detail = %s "
            "WHERE run_id = %s",
            [totals.content_hash, Jsonb(detail), run],
        )
        crash.point("resolution.before_commit")
        conn.commit()
    crash.point("resolution.after_commit")
    if moves.height > ANALYZE_SHARE * totals.entities:
        _analyze("membership", "entity")
    if isinstance(work, Whole) and kind in BY_CHANGES:
        _analyze(*STATE[kind])
    return _result(run, totals, done, time.perf_counter() - started)


def _decided(
    conn: psycopg.Connection, kind: Kind, records: pl.DataFrame, reassigned: pl.DataFrame | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`stand_ins.followed`. Reports go when they are old, those of one incident together: nobody stands in for them."""
    entity = sources.entity_kind(kind)
    if kind == "events":
        decided = decisions.rows_of(decisions.in_force(conn, entity), records)
        return decided, pl.DataFrame(schema={"row": pl.Int64, "reason": pl.String})
    return stand_ins.followed(conn, entity, records, reassigned)


def _result(run: int, totals: Totals, done: ledger.Reconciled | None, seconds: float) -> ResolutionResult:
    """Of a run that was done, or of the last one where there was nothing to do."""
    changed = (0, 0, 0) if done is None else (done.created, done.merged, done.split)
    links = dict(sorted(totals.links.items()))
    return ResolutionResult(run, totals.records, totals.entities, *changed, links, totals.content_hash, seconds)


def _cut(found: Clusters) -> dict[str, dict[str, int]]:
    """Blocking rules that were not let make all their pairs: what they would have made and what they did."""
    return {c.rule: {"pairs": c.pairs, "allowed": c.allowed} for c in found.counts if c.allowed < c.pairs}


def _analyze(*tables: str) -> None:
    """The build and the next run join these; only the owner of a table may analyse it."""
    with connection.connect("owner", autocommit=True) as conn:
        conn.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(sql.Identifier("resolution", t) for t in tables)))


@dataclass(frozen=True)
class LastRun:
    """What a run needs of the one before it: its fingerprint, what it came to, whether it looked at every record."""

    run: int
    inputs: dict[str, Any]
    totals: Totals
    full: bool


def _last_run(conn: psycopg.Connection, kind: str) -> LastRun | None:
    row = conn.execute(
        "SELECT run_id, detail, content_hash, records_in FROM resolution.run "
        "WHERE kind = %s AND finished_at IS NOT NULL ORDER BY run_id DESC LIMIT 1",
        [kind],
    ).fetchone()
    if row is None:
        return None
    run, detail, content_hash, records = row
    totals = Totals(records, detail["entities"], Counter(detail["links"]), int(content_hash, 16))
    return LastRun(run, detail["inputs"], totals, detail.get("full", True))


def _open_run(conn: psycopg.Connection, kind: str, records: int) -> int:
    row = conn.execute(
        "INSERT INTO resolution.run (kind, records_in) VALUES (%s, %s) RETURNING run_id", [kind, records]
    ).fetchone()
    assert row is not None
    return int(row[0])
