"""Landing tables made from contracts, and kept in step with them.

A table only ever grows columns: a column that a contract drops stays, with its history; a column whose type a
contract changes is refused, because values of two types under one name would bend one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import psycopg
from psycopg import sql

from connectors.contract import UNIT_SECONDS, Contract, Stream
from connectors.errors import Permanent
from warehouse.ledger import StreamEntry, sync_streams

SYSTEM_COLUMNS = {"_key": "uuid", "_hash": "uuid", "_from_load": "bigint", "_to_load": "bigint"}


def landing_columns(stream: Stream) -> dict[str, str]:
    """Our columns of a landing table with their PostgreSQL types, in contract order; raw values after them."""
    columns = {column.name: column.postgres_type for column in stream.columns}
    columns |= {f"{column.name}_raw": "text" for column in stream.columns if column.keeps_raw}
    return columns


def table_of(stream: Stream) -> sql.Identifier:
    return sql.Identifier(stream.landing_schema, stream.landing_table)


def index_name(stream: Stream) -> str:
    return f"{stream.landing_table}_current"[:63]


def ensure_tables(conn: psycopg.Connection, contracts: Mapping[str, Contract], broken: Collection[str] = ()) -> None:
    """Create or widen the landing table of every stream and write the streams into `control.stream`.

    `broken`: systems whose contract cannot be read now; what the ledger knows of them stays, and ages.
    Raises `Permanent` when a contract changed the type of a landed column. Commits.
    """
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtext('townhub landing tables'))")
        existing = landed_columns(conn)
        for contract in contracts.values():
            for stream in contract.streams.values():
                _ensure_table(conn, stream, existing.get((stream.landing_schema, stream.landing_table)))
        sync_streams(conn, [_entry(c, s) for c in contracts.values() for s in c.streams.values()], keep=broken)


def landed_columns(conn: psycopg.Connection) -> dict[tuple[str, str], dict[str, str]]:
    """(schema, table) → column → PostgreSQL type of every landing table that there is."""
    rows = conn.execute(
        """SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE n.nspname IN ('landing', 'isolated') AND c.relkind = 'r'"""
    ).fetchall()
    tables: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, kind in rows:
        tables.setdefault((schema, table), {})[column] = kind.replace("timestamp with time zone", "timestamptz")
    return tables


def _ensure_table(conn: psycopg.Connection, stream: Stream, existing: dict[str, str] | None) -> None:
    wanted = landing_columns(stream)
    if existing is None:
        columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in wanted.items()]
        columns += [
            sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind + ("" if name == "_to_load" else " NOT NULL")))
            for name, kind in SYSTEM_COLUMNS.items()
        ]
        # Its index is made by the first load, over all rows at once.
        conn.execute(sql.SQL("CREATE TABLE {} ({})").format(table_of(stream), sql.SQL(", ").join(columns)))
        return
    for name, kind in wanted.items():
        if name not in existing:
            conn.execute(
                sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(table_of(stream), sql.Identifier(name), sql.SQL(kind))
            )
        elif existing[name] != kind:
            raise Permanent(
                f"{stream.system}.{stream.name}: column {name} was landed as {existing[name]}, "
                f"the contract now says {kind}",
                "Give the column a new name in the contract, so that both histories stay readable",
            )


def create_index(conn: psycopg.Connection, stream: Stream) -> None:
    """The index of current versions: at most one per key, by whatever way rows came in."""
    conn.execute(
        sql.SQL("CREATE UNIQUE INDEX IF NOT EXISTS {} ON {} (_key) WHERE _to_load IS NULL").format(
            sql.Identifier(index_name(stream)), table_of(stream)
        )
    )


def _entry(contract: Contract, stream: Stream) -> StreamEntry:
    return StreamEntry(
        system=contract.id,
        stream=stream.name,
        contract_version=contract.version,
        landing_schema=stream.landing_schema,
        landing_table=stream.landing_table,
        load_kind=stream.load,
        owner=contract.owner,
        enabled=contract.enabled,
        cadence_seconds=contract.cadence_seconds,
        freshness_seconds=contract.freshness_seconds,
        retention_days=contract.retention_days,
        expires=stream.expires.name if stream.expires else None,
        stands_while=list(stream.stands_while),
        quiet_seconds=stream.quiet_days * UNIT_SECONDS["day"] if stream.quiet_days else None,
        refers=stream.references,
    )
