"""Landed rows looked up by what a record is called, or by a column: every version, with the loads that brought it.

Read as role auditor. There is no index on a record's key but for current versions: a look-up reads the stream's table
once, a fraction of a second for the largest registers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from connectors.contract import Stream

_OWN = ("_key", "_hash", "_from_load", "_to_load")


@dataclass(frozen=True)
class SourceRow:
    """One version of a landed record. `to_load` is the load that replaced or removed it, None while it is current."""

    system: str
    stream: str
    record_key: str
    from_load: int
    landed_at: datetime | None
    to_load: int | None
    closed_at: datetime | None
    content_hash: str
    values: dict[str, Any]

    @property
    def state(self) -> str:
        return "current" if self.to_load is None else "closed"


def record_key(stream: Stream) -> sql.Composable:
    """SQL for a record's key, as `connectors.conform.record_keys` and dbt's macro `record_key` write it."""
    parts: list[sql.Composable] = []
    for column in stream.primary_key:
        name = sql.Identifier(column.name)
        if column.postgres_type == "timestamptz":
            written = "to_char(t.{} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        else:
            written = "t.{}::text"
        parts.append(sql.SQL(written).format(name))
    return sql.SQL(" || '|' || ").join(parts)


def by_record(
    conn: psycopg.Connection, stream: Stream, keys: Iterable[str], *, as_of_load: int | None = None
) -> list[SourceRow]:
    """All versions of the records of these keys, or those that stood once a load was committed."""
    wanted = sorted(set(keys))
    if not wanted:
        return []
    return _read(conn, stream, sql.SQL("{} = ANY ({})").format(record_key(stream), sql.Literal(wanted)), as_of_load)


def by_columns(
    conn: psycopg.Connection,
    stream: Stream,
    values: dict[str, str],
    *,
    as_of_load: int | None = None,
    limit: int | None = None,
) -> list[SourceRow]:
    """The rows that have these values in these columns, compared as text; at most one more than `limit`."""
    equal = [
        sql.SQL("t.{}::text = {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in values.items()
    ]
    return _read(conn, stream, sql.SQL(" AND ").join(equal), as_of_load, limit) if equal else []


def current(rows: Sequence[SourceRow]) -> list[SourceRow]:
    return [row for row in rows if row.to_load is None]


def _read(
    conn: psycopg.Connection,
    stream: Stream,
    condition: sql.Composable,
    as_of_load: int | None,
    limit: int | None = None,
) -> list[SourceRow]:
    if stream.isolated:
        return []  # not to be reached from here
    exists = conn.execute("SELECT to_regclass(%s) IS NOT NULL", [f"landing.{stream.landing_table}"]).fetchone()
    if exists is None or not exists[0]:
        return []  # never taken in
    stood: sql.Composable = sql.SQL(
        "t._to_load IS DISTINCT FROM t._from_load"
    )  # what came and went in one load was never so
    if as_of_load is not None:
        stood = sql.SQL("t._from_load <= {0} AND (t._to_load IS NULL OR t._to_load > {0})").format(
            sql.Literal(as_of_load)
        )
    query = sql.SQL(
        "SELECT {key}, t._from_load, opened.finished_at, t._to_load, closed.finished_at, t._hash::text, to_jsonb(t)"
        " FROM {table} t LEFT JOIN control.load opened ON opened.load_id = t._from_load"
        " LEFT JOIN control.load closed ON closed.load_id = t._to_load"
        " WHERE {condition} AND {stood} ORDER BY 1, t._from_load, t._to_load LIMIT {limit}"
    ).format(
        key=record_key(stream),
        table=sql.Identifier(stream.landing_schema, stream.landing_table),
        condition=condition,
        stood=stood,
        limit=sql.Literal(None if limit is None else limit + 1),
    )
    return [
        SourceRow(
            stream.system, stream.name, str(key), first, landed_at, last, closed_at, content,
            {name: value for name, value in values.items() if name not in _OWN},
        )
        for key, first, landed_at, last, closed_at, content, values in conn.execute(query).fetchall()
    ]  # fmt: skip
