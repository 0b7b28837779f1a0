"""What a contract takes away from what is landed already, when no older contract is at hand to compare it with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import psycopg
from psycopg import sql

from connectors.contract import Contract, Stream
from connectors.contract_changes import Change
from connectors.tables import SYSTEM_COLUMNS, landed_columns, table_of


def landed_changes(conn: psycopg.Connection, contract: Contract) -> Iterator[Change]:
    """Columns, types, streams and codes that are landed and that the contract does not know as they are.

    Nothing where nothing was ever landed.
    """
    known = conn.execute("SELECT to_regclass('control.stream') IS NOT NULL").fetchone()
    if not (known and known[0]):
        return
    tables = landed_columns(conn)
    enabled = {
        str(stream): bool(on)
        for stream, on in conn.execute("SELECT stream, enabled FROM control.stream WHERE system = %s", [contract.id])
    }
    for name, on in enabled.items():
        if on and name not in contract.streams:
            yield Change(contract.id, name, None, "gone", "the stream is gone")
        elif on and not contract.enabled:
            reason = "disabled: nothing new comes in, and what rests on it becomes unknown"
            yield Change(contract.id, name, None, "rows", reason)
    for stream in contract.streams.values():
        landed = tables.get((stream.landing_schema, stream.landing_table), {})
        ours = {column.name: column for column in stream.columns}
        for column, kind in landed.items():
            if column in SYSTEM_COLUMNS or column.removesuffix("_raw") in ours:
                continue
            if not (column.endswith("_raw") and column.removesuffix("_raw") in landed):
                yield Change(contract.id, stream.name, column, "gone", f"landed as {kind}; the contract has it no more")
        for name, mine in ours.items():
            if landed.get(name, mine.postgres_type) != mine.postgres_type:
                reason = f"landed as {landed[name]} and not as {mine.postgres_type}; give it a new name"
                yield Change(contract.id, stream.name, name, "gone", reason)
        yield from _landed_codes(conn, stream, landed)


def _landed_codes(conn: psycopg.Connection, stream: Stream, landed: Mapping[str, str]) -> Iterator[Change]:
    """Rows whose code the contract does not know any more; the code itself may be a slip, and is not told."""
    for column in stream.columns:
        if not column.codes or landed.get(column.name) != "text":
            continue
        query = sql.SQL("SELECT count(*) FROM {} WHERE _to_load IS NULL AND {} IS NOT NULL AND {} <> ALL (%s)").format(
            table_of(stream), *[sql.Identifier(column.name)] * 2
        )
        row = conn.execute(query, [sorted(set(column.codes.values()))]).fetchone()
        if row and row[0]:
            yield Change(stream.system, stream.name, column.name, "values", f"{row[0]:,} landed rows have other codes")
