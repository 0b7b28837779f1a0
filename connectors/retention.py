"""Deleting what is past the retention of its contract, with a certificate in the audit chain.

Versions that were replaced age from the load that replaced them. Current versions age only where the stream says
from which column (`expires`): an event is over some day, a resident who does not change is still a resident.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from connectors.contract import Contract, Stream
from connectors.tables import table_of


def purge(conn: psycopg.Connection, contracts: Mapping[str, Contract], today: date) -> dict[tuple[str, str], int]:
    """Delete expired rows of every stream from landing, quarantine and inbox; returns rows by (system, stream).

    `today` is the day that ages are counted to. Commits stream by stream, each with its audit entry.
    """
    deleted: dict[tuple[str, str], int] = {}
    for contract in contracts.values():
        limit = today - timedelta(days=contract.retention_days)
        for stream in contract.streams.values():
            with conn.transaction():
                rows = _purge_stream(conn, stream, limit)
                if rows:
                    deleted[(stream.system, stream.name)] = rows
                    _certify(conn, stream, limit, rows)
    return deleted


def _purge_stream(conn: psycopg.Connection, stream: Stream, limit: date) -> int:
    rows = conn.execute(
        sql.SQL("DELETE FROM {} WHERE _to_load IN (SELECT load_id FROM control.load WHERE finished_at < %s)").format(
            table_of(stream)
        ),
        [limit],
    ).rowcount
    if stream.expires is not None:
        rows += conn.execute(
            sql.SQL("DELETE FROM {} WHERE {} < %s").format(table_of(stream), sql.Identifier(stream.expires.name)),
            [limit],
        ).rowcount
    rows += conn.execute(
        "DELETE FROM quarantine.row WHERE system = %s AND stream = %s AND last_seen < %s",
        [stream.system, stream.name, limit],
    ).rowcount
    rows += conn.execute(
        "DELETE FROM quarantine.addition WHERE system = %s AND stream = %s AND last_seen < %s",
        [stream.system, stream.name, limit],
    ).rowcount
    rows += conn.execute(
        # What was not taken in yet is nobody's to delete: the system may only have been switched off.
        """DELETE FROM inbox.message AS m USING control.cursor AS c
            WHERE m.system = %s AND m.stream = %s AND m.received_at < %s
              AND c.system = m.system AND c.stream = m.stream
              AND m.message_id <= (c.value -> 'state' ->> 'message_id')::bigint""",
        [stream.system, stream.name, limit],
    ).rowcount
    return rows


def _certify(conn: psycopg.Connection, stream: Stream, limit: date, rows: int) -> None:
    detail = {"system": stream.system, "stream": stream.name, "older_than": limit.isoformat(), "rows": rows}
    conn.execute("SELECT control.audit_append('retention', 'deletion certificate', %s)", [Jsonb(detail)])
