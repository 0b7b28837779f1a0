"""What the identity ledger still calls records by that are gone: identity numbers in keys, pseudonyms instead.

A key is personal as long as it holds a person's number, wherever it stands. The ledger needs the keys of records that
are there; of one of which no version is left it needs only that it was one. What was published of a resident of whom
nothing is left goes too, as soon as no key in use stands for them.
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


def erase_departed(conn: psycopg.Connection) -> int:
    """Delete what releases of before say of residents none of whose records is landed any more; how many rows.

    A record that became another person's is the first one's while a version from that time is landed.
    With its certificate, in the caller's transaction. What apps see now is left: the next release lacks it.
    """
    rows = conn.execute("SELECT * FROM control.residents_of_before()").fetchall()
    records: dict[tuple[str, str], list[tuple[str, int | None, str]]] = {}
    for resident, system, stream, record, until in rows:
        if record is not None:
            records.setdefault((system, stream), []).append((record, until, resident))
    stay: set[str] = set()
    for place, known in records.items():
        hashes = hash_bytes(key_hashes(pl.Series([record for record, _, _ in known], dtype=pl.String)))
        first = _landed(conn, *place, {value.hex() for value in hashes})
        for value, (_, until, resident) in zip(hashes, known, strict=True):
            if (load := first.get(value.hex())) is not None and (until is None or load <= until):
                stay.add(resident)
    gone = sorted({row[0] for row in rows} - stay)
    erased = conn.execute("SELECT control.erase_released(%s, 'retention')", [gone]).fetchone() if gone else None
    return 0 if erased is None else int(erased[0])


def _landed(conn: psycopg.Connection, system: str, stream: str, hashes: set[str]) -> dict[str, int]:
    """Those of the keys that have any version in landing → the load that brought the first one that is left."""
    table = conn.execute(
        "SELECT landing_schema, landing_table FROM control.stream WHERE (system, stream) = (%s, %s)"
        " AND to_regclass(format('%%I.%%I', landing_schema, landing_table)) IS NOT NULL",
        [system, stream],
    ).fetchone()
    if table is None:
        return {}
    found = conn.execute(
        sql.SQL("SELECT _key, min(_from_load) FROM {} WHERE _key = ANY (%s::uuid[]) GROUP BY 1").format(
            sql.Identifier(*table)
        ),
        [sorted(hashes)],
    ).fetchall()
    return {key.hex: int(load) for key, load in found}
