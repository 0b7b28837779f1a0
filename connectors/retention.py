"""Deleting what is past the retention of its contract, with a certificate in the audit chain.

Versions that were replaced age from the load that replaced them. Current versions age only where the stream says
from which column (`expires`): an event is over some day, a resident who does not change is still a resident. Nor is a
record over, however old, that the stream says still stands (`standsWhile`): a hazard that nobody has mended.
A record of which nothing is left leaves no identity number in the identity ledger's keys either.
A contract that was broken or removed since keeps nothing longer: its last readable version rules, from
`control.stream`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from connectors.contract import Contract
from connectors.forgetting import forget_gone
from warehouse import build_inputs

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """A stream that was ever taken in: its landing table, how long its rows are kept and by which column they age."""

    system: str
    stream: str
    table: sql.Identifier
    days: int
    expires: str | None
    stands_while: Sequence[Mapping[str, Any]]


def purge(conn: psycopg.Connection, contracts: Mapping[str, Contract], today: date) -> dict[tuple[str, str], int]:
    """Delete expired rows of every stream, and its tickets that were closed long ago; returns rows by (system, stream).

    Rows are those of landing, quarantine and inbox.

    `contracts` are those that can be read; `today` is the day that ages are counted to. Commits stream by stream,
    each with its audit entry.
    """
    deleted: dict[tuple[str, str], int] = {}
    with conn.transaction():
        streams = list(_streams(conn, contracts))
    for kept in streams:
        limit = today - timedelta(days=kept.days)
        with conn.transaction():
            build_inputs.keep_builds_out(conn)  # they would keep for the next build what they have read
            rows = _purge_stream(conn, kept, limit)
            forget_gone(conn, kept.system, kept.stream, kept.table)
            if rows:
                deleted[(kept.system, kept.stream)] = rows
                build_inputs.void(conn, kept.system, kept.stream)
                _certify(conn, kept, limit, rows)
    return deleted


def _streams(conn: psycopg.Connection, contracts: Mapping[str, Contract]) -> Iterator[Kept]:
    """Every stream with a landing table, by its contract as it is now, or as it last could be read."""
    rows = conn.execute(
        "SELECT system, stream, landing_schema, landing_table, retention_days, expires, stands_while "
        "FROM control.stream WHERE to_regclass(format('%I.%I', landing_schema, landing_table)) IS NOT NULL "
        "ORDER BY 1, 2"
    ).fetchall()
    for system, name, schema, table, days, expires, stands in rows:
        contract = contracts.get(system)
        if contract is not None and (stream := contract.streams.get(name)) is not None:
            days, expires = contract.retention_days, stream.expires.name if stream.expires else None
            stands = stream.stands_while
        if days is None:
            LOG.warning("%s.%s: how long it is kept is not known; mend its contract, then `townhub run`", system, name)
            continue
        yield Kept(system, name, sql.Identifier(schema, table), days, expires, stands)


def _stands(kept: Kept) -> sql.Composable:
    """What is true of a row that is not over: all values of one of the contract's sets."""
    sets = [
        sql.SQL(" AND ").join(
            sql.SQL("{} IS NOT DISTINCT FROM {}").format(sql.Identifier(name), sql.Literal(value))
            for name, value in values.items()
        )
        for values in kept.stands_while
    ]
    return sql.SQL(" OR ").join(sets) if sets else sql.SQL("false")


def _purge_stream(conn: psycopg.Connection, kept: Kept, limit: date) -> int:
    rows = conn.execute(
        sql.SQL("DELETE FROM {} WHERE _to_load IN (SELECT load_id FROM control.load WHERE finished_at < %s)").format(
            kept.table
        ),
        [limit],
    ).rowcount
    conn.execute(
        "DELETE FROM control.lookup_answer WHERE system = %s AND stream = %s AND answered_on < %s",
        [kept.system, kept.stream, limit],
    )
    expired = 0
    if kept.expires is not None:
        # Of somebody who is still asked about, an account that never changed is not over.
        expired = conn.execute(
            sql.SQL(
                "DELETE FROM {} AS t WHERE {} < %s AND NOT ({}) AND NOT EXISTS (SELECT FROM control.lookup_answer AS a"
                " WHERE (a.system, a.stream, a.record) = (%s, %s, t._key))"
            ).format(kept.table, sql.Identifier(kept.expires), _stands(kept)),
            [limit, kept.system, kept.stream],
        ).rowcount
    # No hash of a row outlives it: it was kept by the load that landed the row, or an earlier one.
    conn.execute(
        "DELETE FROM control.received WHERE system = %s AND stream = %s"
        " AND (%s OR load_id IN (SELECT load_id FROM control.load WHERE finished_at < %s))",
        [kept.system, kept.stream, expired > 0, limit],
    )
    rows += expired
    rows += conn.execute(
        "DELETE FROM quarantine.row WHERE system = %s AND stream = %s AND last_seen < %s",
        [kept.system, kept.stream, limit],
    ).rowcount
    rows += conn.execute(
        "DELETE FROM quarantine.addition WHERE system = %s AND stream = %s AND last_seen < %s",
        [kept.system, kept.stream, limit],
    ).rowcount
    rows += conn.execute(
        "DELETE FROM control.correction AS c USING control.correction_status AS s WHERE s.correction_id ="
        " c.correction_id AND c.system = %s AND c.stream = %s AND s.state = 'closed' AND s.since < %s",
        [kept.system, kept.stream, limit],
    ).rowcount
    rows += conn.execute(
        # What was not taken in yet is nobody's to delete: the system may only have been switched off.
        """DELETE FROM inbox.message AS m USING control.cursor AS c
            WHERE m.system = %s AND m.stream = %s AND m.received_at < %s
              AND c.system = m.system AND c.stream = m.stream
              AND m.message_id <= (c.value -> 'state' ->> 'message_id')::bigint""",
        [kept.system, kept.stream, limit],
    ).rowcount
    return rows


def _certify(conn: psycopg.Connection, kept: Kept, limit: date, rows: int) -> None:
    detail = {"system": kept.system, "stream": kept.stream, "older_than": limit.isoformat(), "rows": rows}
    conn.execute("SELECT control.audit_append('retention', 'deletion certificate', %s)", [Jsonb(detail)])
