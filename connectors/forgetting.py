"""What the identity ledger still calls records by that are gone: identity numbers in keys, pseudonyms instead.

A key is personal as long as it holds a person's number, wherever it stands. The ledger needs the keys of records that
are there; of one of which no version is left it needs only that it was one.
"""

from __future__ import annotations

import polars as pl
import psycopg
from psycopg import sql

from connectors.copy_binary import hash_bytes
from connectors.versions import key_hashes


def forget_gone(conn: psycopg.Connection, system: str, stream: str, table: sql.Composable) -> int:
    """Replace such keys of a stream whose records have no row in `table`; how many. In the caller's transaction.

    Should the same record ever come again, it is a new one, which has no claim to the entity's key that it had.
    """
    found = conn.execute(
        "SELECT control.kept_records(%(system)s, %(stream)s) UNION SELECT control.past_records(%(system)s, %(stream)s)",
        {"system": system, "stream": stream},
    ).fetchall()
    keys = pl.Series([row[0] for row in found], dtype=pl.String)
    if keys.is_empty():
        return 0
    hashes = [value.hex() for value in hash_bytes(key_hashes(keys))]
    query = sql.SQL(
        "SELECT NOT EXISTS (SELECT FROM {} WHERE _key = h)"
        " FROM unnest(%s::uuid[]) WITH ORDINALITY AS t(h, n) ORDER BY n"
    ).format(table)
    missing = [bool(row[0]) for row in conn.execute(query, [hashes]).fetchall()]
    gone = keys.filter(pl.Series(missing, dtype=pl.Boolean))
    if len(gone):
        conn.execute("SELECT control.void_records(%s, %s, %s)", [system, stream, gone.to_list()])
        conn.execute("SELECT control.forget_records(%s, %s, %s)", [system, stream, gone.to_list()])
    return len(gone)
