"""What stewards decided about two records: they must be one, or they cannot be one. No run overrides it.

Runs read `resolution.decision` themselves (`resolution.runner`); a decision holds from the next run on, until it is
revoked. Nothing is ever deleted or changed: who, when and why stay on record for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import polars as pl
import psycopg
from psycopg.rows import dict_row

from resolution.errors import IdentityError
from warehouse import audit

Verdict = Literal["must_link", "cannot_link"]

ANOTHERS = """
    SELECT void.entity_key FROM resolution.membership void JOIN resolution.run ended ON ended.run_id = void.to_run
     WHERE void.kind = %(kind)s AND void.to_run IS NOT NULL AND void.voided
       AND (void.system, void.stream, void.record_key) = (s.system, s.stream, s.record_key)
       AND coalesce(ended.finished_at, 'infinity') > s.decided_at"""
"""Memberships of a record `s` (system, stream, record_key, decided_at) that ended after a decision, as it was purged or
became another person's: the decision is not about whoever has its key now. An unfinished run is the one at work."""


class Record(NamedTuple):
    """What the hub calls a record of an upstream system."""

    system: str
    stream: str
    record_key: str

    @classmethod
    def parse(cls, text: str) -> Record:
        """`system/stream/record_key`; the key may hold slashes. Raises IdentityError."""
        parts = text.split("/", 2)
        if len(parts) != 3 or not all(parts):
            raise IdentityError("a record is named system/stream/record_key, like pension/pensioners/P0017")
        return cls(*parts)


def key_of(conn: psycopg.Connection, kind: str, record: Record) -> str | None:
    """The key of the entity that a record belongs to now, None when resolution does not know it."""
    row = conn.execute(
        "SELECT entity_key FROM resolution.membership WHERE kind = %s AND to_run IS NULL "
        "AND (system, stream, record_key) = (%s, %s, %s)",
        [kind, *record],
    ).fetchone()
    return None if row is None else str(row[0])


def decide(conn: psycopg.Connection, kind: str, verdict: Verdict, a: Record, b: Record, *, by: str, reason: str) -> int:
    """Enter a decision and its trace in the audit chain; gives its number. The caller commits.

    With cannot_link it is `b` that leaves. Raises IdentityError for a decision without name or reason, about one
    record, about records that resolution does not know, or against another decision in force about the same two.
    """
    stated(by, reason)
    # Two stewards at once would not see each other's decision about the same two records.
    conn.execute("SELECT pg_advisory_xact_lock(hashtext('identity decisions'))")
    if a == b:
        raise IdentityError("a decision is about two records, and these are the same one: name another with --with")
    for record in (a, b):
        if key_of(conn, kind, record) is None:
            raise IdentityError(
                f"resolution knows no {kind} record of that key in {record.system}.{record.stream}: "
                "see `townhub review show`, or wait for the next run if it landed since"
            )
    for known in about(conn, kind, [a, b], in_force=True):
        if {Record(*known["a"]), Record(*known["b"])} == {a, b}:
            raise IdentityError(
                f"decision {known['decision_id']} says {known['verdict']} of these two already: "
                f"`townhub review revoke {known['decision_id']} --reason …` first"
            )
    row = conn.execute(
        """INSERT INTO resolution.decision (kind, a_system, a_stream, a_record_key, b_system, b_stream, b_record_key,
                                            verdict, decided_by, reason)
           VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING decision_id""",
        [kind, *a, *b, verdict, by, reason],
    ).fetchone()
    assert row is not None
    audit.append(conn, by, "identity decision", {"decision": row[0], "kind": kind, "verdict": verdict})
    return int(row[0])


def revoke(conn: psycopg.Connection, decision_id: int, *, by: str, reason: str) -> None:
    """Take a decision back: from the next run on the rules decide again. The caller commits. Raises IdentityError."""
    stated(by, reason)
    done = conn.execute(
        """UPDATE resolution.decision SET revoked_at = clock_timestamp(), revoked_by = %s, revoked_reason = %s
            WHERE decision_id = %s AND revoked_at IS NULL""",
        [by, reason, decision_id],
    )
    if done.rowcount == 0:
        raise IdentityError(f"there is no decision {decision_id} in force: see `townhub review list --decided`")
    audit.append(conn, by, "identity decision revoked", {"decision": decision_id})


def about(
    conn: psycopg.Connection, kind: str, records: Sequence[Record], *, in_force: bool = False
) -> list[dict[str, Any]]:
    """Decisions that name any of the records, the oldest first; `a` and `b` are (system, stream, record_key)."""
    columns = [[record[place] for record in records] for place in range(3)]
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """SELECT d.decision_id, d.verdict, ARRAY[a_system, a_stream, a_record_key] AS a,
                      ARRAY[b_system, b_stream, b_record_key] AS b, d.decided_by, d.decided_at, d.reason,
                      d.revoked_by, d.revoked_at, d.revoked_reason
                 FROM resolution.decision d
                WHERE d.kind = %s AND (d.revoked_at IS NULL OR NOT %s) AND EXISTS (
                      SELECT FROM unnest(%s::text[], %s::text[], %s::text[]) AS r(system, stream, record_key)
                       WHERE (r.system, r.stream, r.record_key) IN ((a_system, a_stream, a_record_key),
                                                                    (b_system, b_stream, b_record_key)))
                ORDER BY d.decision_id""",
            [kind, in_force, *columns],
        ).fetchall()


def in_force(conn: psycopg.Connection, kind: str) -> pl.DataFrame:
    """Decisions of a kind in force as they were given: decision_id, the three parts of each record, a_ and b_, and
    verdict."""
    columns = [f"{side}_{name}" for side in ("a", "b") for name in Record._fields] + ["verdict"]
    rows = conn.execute(
        f"SELECT decision_id, {', '.join(columns)} FROM resolution.decision"
        " WHERE kind = %s AND revoked_at IS NULL ORDER BY decision_id",
        [kind],
    ).fetchall()
    schema = {"decision_id": pl.Int64()} | dict.fromkeys(columns, pl.String())
    return pl.DataFrame(rows, schema=schema, orient="row")


def rows_of(decided: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """a, b (rows) and verdict of decisions (`in_force`) about `records` (row, system, stream, record_key); those about
    others, or about one that is not there, are left out."""
    found = decided
    for side in ("a", "b"):
        columns = [f"{side}_{name}" for name in Record._fields]
        at = records.select(*Record._fields, pl.col("row").alias(side))
        found = found.join(at, left_on=columns, right_on=Record._fields, maintain_order="left")
    return found.select("a", "b", "verdict")


def stated(by: str, reason: str) -> None:
    """Raise IdentityError unless somebody says who they are and why."""
    if not by.strip() or not reason.strip():
        raise IdentityError("a decision needs a name and a reason: --by NAME --reason TEXT; both are kept for ever")
